//! Formats in which a row is a piece of text that depends on nothing but the row.
//!
//! So the rows of a chunk can be written side by side, and a file is the same however they were cut.

use std::io::Write;
use std::num::NonZero;
use std::thread;

use arrow::array::RecordBatch;
use arrow::datatypes::{Fields, SchemaRef};

use crate::error::ExportError;
use crate::export::PartWriter;
use crate::losses::CellCounts;
use crate::rows::{RowWriter, check_batch};

/// Rows below which a second thread costs more than it gains.
const ROWS_A_THREAD: usize = 1_024;
/// Bytes of a row that are set aside at first.
const ROW_BYTES: usize = 256;

/// The text of rows of one schema.
pub(crate) trait TextRows: Send + Sync {
    /// What stands before the rows.
    fn head(&self) -> String;

    /// Before a row: of the first one of a file, of any other.
    fn before(&self, first: bool) -> &'static str;

    /// Appends one row; `number` counts from 1 over the whole export.
    ///
    /// # Errors
    /// A cell without a text.
    fn push_row(
        &self,
        out: &mut String,
        batch: &RecordBatch,
        row: usize,
        number: u64,
        cells: &mut CellCounts,
    ) -> Result<(), ExportError>;

    /// What stands behind the rows, if there are any.
    fn tail(&self, any_rows: bool) -> &'static str;
}

/// A file of such rows.
pub(crate) struct TextFile<'a, T> {
    rows: T,
    out: &'a mut dyn Write,
    columns: usize,
    written: u64,
}

impl<'a, T: TextRows> TextFile<'a, T> {
    /// Writes what stands before the rows.
    pub(crate) fn start(rows: T, fields: &Fields, out: &'a mut dyn Write) -> Result<Self, ExportError> {
        out.write_all(rows.head().as_bytes()).map_err(ExportError::Write)?;
        Ok(Self { rows, out, columns: fields.len(), written: 0 })
    }

    fn push(&mut self, batch: &RecordBatch, first: u64, cells: &mut CellCounts) -> Result<(), ExportError> {
        check_batch(batch, self.columns)?;
        let is_first = self.written == 0;
        let piece = |from: usize, to: usize| {
            let (mut out, mut counts) = (String::with_capacity((to - from) * ROW_BYTES), CellCounts::default());
            for row in from..to {
                out.push_str(self.rows.before(is_first && row == 0));
                self.rows.push_row(&mut out, batch, row, first + row as u64, &mut counts)?;
            }
            Ok::<_, ExportError>((out, counts))
        };
        let rows = batch.num_rows();
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(rows / ROWS_A_THREAD).max(1);
        let border = |number: usize| rows * number / threads;
        let pieces: Vec<_> = thread::scope(|scope| {
            let (piece, border) = (&piece, &border);
            let others: Vec<_> =
                (1..threads).map(|number| scope.spawn(move || piece(border(number), border(number + 1)))).collect();
            let own = piece(0, border(1));
            std::iter::once(own).chain(others.into_iter().map(|other| other.join().unwrap_or_else(resumed))).collect()
        });
        for piece in pieces {
            let (text, counts) = piece?;
            cells.merge(counts);
            self.out.write_all(text.as_bytes()).map_err(ExportError::Write)?;
        }
        self.written += rows as u64;
        Ok(())
    }

    fn end(&mut self) -> Result<u64, ExportError> {
        self.out.write_all(self.rows.tail(self.written > 0).as_bytes()).map_err(ExportError::Write)?;
        self.out.flush().map_err(ExportError::Write)?;
        Ok(self.written)
    }
}

impl<'a, T: TextRows + 'a> TextFile<'a, T> {
    /// A file as a part of an export.
    pub(crate) fn part(
        rows: T,
        schema: &SchemaRef,
        out: &'a mut (dyn Write + Send),
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        Ok(Box::new(Self::start(rows, schema.fields(), out)?))
    }
}

/// A panic of a piece is ours, wherever it happened.
fn resumed<T>(panic: Box<dyn std::any::Any + Send>) -> T {
    std::panic::resume_unwind(panic)
}

impl<T: TextRows> RowWriter for TextFile<'_, T> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        self.push(batch, self.written + 1, &mut CellCounts::default())
    }

    fn finish(&mut self) -> Result<u64, ExportError> {
        self.end()
    }
}

impl<T: TextRows> PartWriter for TextFile<'_, T> {
    fn write(&mut self, chunk: &RecordBatch, first_row: u64, cells: &mut CellCounts) -> Result<(), ExportError> {
        self.push(chunk, first_row, cells)
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        self.end().map(drop)
    }
}
