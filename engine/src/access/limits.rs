//! Rows, bytes and seconds of an answer. Passing one ends the rows in an error: a part is never taken for the whole.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use futures::Stream;
use schemas::{Limit, Limits};
use tokio::time::{Interval, Sleep, interval, sleep};

use super::scan_meter::ScanMeter;
use crate::error::EngineError;
use crate::rows_read::RowsRead;

/// How often it is looked at how much was read, also while no row comes.
const LOOK: Duration = Duration::from_millis(250);

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// Somebody looks at its rows.
    Statement,
    /// They become files, in the same order every time.
    Export,
}

/// Which limits hold for an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerLimits {
    pub(crate) rows: Limit,
    pub(crate) bytes: Limit,
    pub(crate) seconds: Limit,
}

impl AnswerKind {
    pub(crate) fn limits(self) -> AnswerLimits {
        match self {
            Self::Statement => AnswerLimits { rows: Limit::Rows, bytes: Limit::Bytes, seconds: Limit::Seconds },
            Self::Export => {
                AnswerLimits { rows: Limit::ExportRows, bytes: Limit::ExportBytes, seconds: Limit::ExportSeconds }
            }
        }
    }
}

/// The rows of an answer, within `limits`.
#[expect(
    clippy::disallowed_methods,
    reason = "a limit of time ends a statement where it is, whatever the instant of the session"
)]
pub(crate) fn within_limits(
    rows: SendableRecordBatchStream,
    limits: &Limits,
    which: AnswerLimits,
    (read, meter): (RowsRead, ScanMeter),
) -> SendableRecordBatchStream {
    Box::pin(Limited {
        ends: Box::pin(sleep(Duration::from_secs(limits.of(which.seconds)))),
        looks: interval(LOOK),
        limits: limits.clone(),
        which,
        rows,
        read,
        meter,
        byte_count_read: 0,
        row_count: 0,
        byte_count: 0,
        is_over: false,
    })
}

struct Limited {
    rows: SendableRecordBatchStream,
    limits: Limits,
    which: AnswerLimits,
    read: RowsRead,
    meter: ScanMeter,
    byte_count_read: u64,
    ends: Pin<Box<Sleep>>,
    looks: Interval,
    row_count: u64,
    byte_count: u64,
    is_over: bool,
}

impl Limited {
    fn over(&mut self, limit: Limit, found: u64) -> DataFusionError {
        self.is_over = true;
        DataFusionError::External(Box::new(EngineError::limit(limit, found, self.limits.of(limit))))
    }

    /// Takes down what was read until now; the error where that is too much.
    fn metered(&mut self) -> Option<DataFusionError> {
        let now = self.read.bytes_so_far();
        let of_hour = self.meter.read(&mut self.byte_count_read, now);
        let limit = Limit::ScannedBytesPerHour;
        let allowed = self.limits.of(limit);
        // How much it was could tell of rows that lie beside those asked for.
        (of_hour > allowed).then(|| self.over(limit, allowed.saturating_add(1)))
    }

    fn counted(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        self.row_count += batch.num_rows() as u64;
        self.byte_count += bytes_of(&batch);
        for (limit, found) in [(self.which.rows, self.row_count), (self.which.bytes, self.byte_count)] {
            if found > self.limits.of(limit) {
                return Err(self.over(limit, found));
            }
        }
        Ok(batch)
    }
}

impl Stream for Limited {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if self.ends.as_mut().poll(context).is_ready() {
            let limit = self.which.seconds;
            let allowed = self.limits.of(limit);
            return Poll::Ready(Some(Err(self.over(limit, allowed.saturating_add(1)))));
        }
        // Asking again is what has it wake us the next time.
        while self.looks.poll_tick(context).is_ready() {
            if let Some(error) = self.metered() {
                return Poll::Ready(Some(Err(error)));
            }
        }
        let polled = self.rows.as_mut().poll_next(context);
        if matches!(polled, Poll::Ready(None))
            && let Some(error) = self.metered()
        {
            return Poll::Ready(Some(Err(error)));
        }
        match polled {
            Poll::Ready(Some(Ok(batch))) => Poll::Ready(Some(self.counted(batch))),
            other => other,
        }
    }
}

impl Drop for Limited {
    /// What was read counts, also where nobody waits for the rest.
    fn drop(&mut self) {
        let now = self.read.bytes_so_far();
        self.meter.read(&mut self.byte_count_read, now);
    }
}

impl RecordBatchStream for Limited {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}

/// Bytes that the rows of a batch take, without those of other rows that its texts point into.
fn bytes_of(batch: &RecordBatch) -> u64 {
    let of = |column: &dyn Array| match column.data_type() {
        DataType::Utf8View => column.as_string_view().total_buffer_bytes_used() + 16 * column.len(),
        DataType::BinaryView => column.as_binary_view().total_buffer_bytes_used() + 16 * column.len(),
        _ => column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size()),
    };
    batch.columns().iter().map(|column| of(column.as_ref()) as u64).sum()
}
