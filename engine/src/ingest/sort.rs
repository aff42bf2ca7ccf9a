//! Rows in the order of the files: an external sort that spills to disk when memory is short.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::Column;
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, SortExpr};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::PartitionStream;
use tokio::sync::mpsc;

use crate::error::EngineError;
use crate::lake_session::LakeSession;

/// Batches in flight between the reader and the sort.
const IN_FLIGHT: usize = 2;

/// What the reader hands over: a batch, or why it stopped.
pub(crate) type Handed = Result<RecordBatch, EngineError>;

/// Opens a channel into a sort by `order`; rows come out of the stream once the sender is gone.
///
/// # Errors
/// When the sort cannot be planned.
pub(crate) async fn sorted(
    session: &LakeSession,
    schema: SchemaRef,
    order: &[&str],
) -> Result<(mpsc::Sender<Handed>, SendableRecordBatchStream), EngineError> {
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let rows = Rows { schema: Arc::clone(&schema), receiver: Mutex::new(Some(receiver)) };
    let planned = |source| EngineError::sql("planned", source);
    let table = StreamingTable::try_new(schema, vec![Arc::new(rows)]).map_err(planned)?;
    let plan = LogicalPlanBuilder::scan("rows", provider_as_source(Arc::new(table)), None)
        .and_then(|scan| scan.sort(order.iter().map(|name| ascending(name))))
        .and_then(LogicalPlanBuilder::build)
        .map_err(planned)?;
    Ok((sender, session.stream(&plan).await?))
}

/// Ascending by a column, nulls first.
pub(crate) fn ascending(name: &str) -> SortExpr {
    Expr::Column(Column::from_name(name)).sort(true, true)
}

#[derive(Debug)]
struct Rows {
    schema: SchemaRef,
    receiver: Mutex<Option<mpsc::Receiver<Handed>>>,
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut stream = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), IN_FLIGHT);
        let sender = stream.tx();
        stream.spawn(async move {
            let Some(mut receiver) = receiver else {
                return Err(DataFusionError::Internal("the rows of an ingest can be read once only".to_owned()));
            };
            while let Some(handed) = receiver.recv().await {
                let handed = handed.map_err(|error| DataFusionError::External(Box::new(error)));
                if sender.send(handed).await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        stream.build()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use chrono::{DateTime, Utc};
    use futures::StreamExt;

    use super::*;
    use crate::ingest::read::BATCH_RECORDS;
    use crate::{NoSystemTables, Resources, SessionFactory};

    const BATCHES: usize = 160;

    /// Rows in order of time, as one file of one day has them: each run of the sort holds another stretch of time.
    fn batch(schema: &SchemaRef, number: usize) -> RecordBatch {
        let rows = number * BATCH_RECORDS..(number + 1) * BATCH_RECORDS;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| row as i64))),
            Arc::new(StringArray::from_iter_values(rows.map(|row| format!("{row:0300}")))),
        ];
        RecordBatch::try_new(Arc::clone(schema), columns).expect("a batch")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn more_rows_than_fit_are_sorted_within_the_memory_of_an_ingest() {
        let store = Arc::new(object_store::memory::InMemory::new());
        let factory = SessionFactory::new(store, Vec::new(), Arc::new(NoSystemTables), Resources::default());
        let session = factory.spilling_session(DateTime::<Utc>::UNIX_EPOCH).expect("a session");
        let schema: SchemaRef = Arc::new(Schema::new(vec![
            Field::new("at", DataType::Int64, false),
            Field::new("text", DataType::Utf8, false),
        ]));
        let (sender, mut rows) = sorted(&session, Arc::clone(&schema), &["at", "text"]).await.expect("opens");
        let reader = tokio::spawn(async move {
            for number in 0..BATCHES {
                sender.send(Ok(batch(&schema, number))).await.expect("taken");
            }
        });
        let mut next = 0;
        while let Some(batch) = rows.next().await {
            for at in batch.expect("sorted").column(0).as_primitive::<Int64Type>().values() {
                assert_eq!(*at, next);
                next += 1;
            }
        }
        reader.await.expect("all was handed over");
        assert_eq!(next as usize, BATCHES * BATCH_RECORDS);
    }
}
