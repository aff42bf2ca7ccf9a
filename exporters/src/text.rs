//! Formats in which a row is a piece of text that depends on nothing but the row.
//!
//! So the rows of a chunk can be written side by side, and a file is the same however they were cut.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{Fields, SchemaRef};

use crate::cell::Cells;
use crate::error::ExportError;
use crate::export::PartBytes;
use crate::export::PartWriter;
use crate::losses::CellCounts;
use crate::rows::{RowWriter, check_batch};
use crate::side_by_side::side_by_side;

/// Rows of a piece of text: enough for a thread to be worth its while, few enough that none waits long for another.
const PIECE_ROWS: usize = 1_024;
/// Bytes of a row that are set aside at first.
const ROW_BYTES: usize = 256;
/// Bytes of a row that are set aside at most.
const ROW_BYTES_MAX: usize = 2_048;

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
        columns: &[Cells<'_>],
        row: usize,
        number: u64,
        cells: &mut CellCounts,
    ) -> Result<(), ExportError>;

    /// What stands behind the rows, if there are any.
    fn tail(&self, any_rows: bool) -> &'static str;
}

/// Where text goes.
enum Out<'a> {
    Plain(&'a mut dyn Write),
    Part(&'a mut dyn PartBytes),
}

impl Out<'_> {
    /// Takes a text; may give one back to be used again.
    fn take(&mut self, text: String) -> io::Result<Option<String>> {
        match self {
            Self::Plain(out) => out.write_all(text.as_bytes()).map(|()| Some(text)),
            Self::Part(out) => out.write_text(text),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Part(out) => out.flush(),
        }
    }
}

/// A file of such rows.
pub(crate) struct TextFile<'a, T> {
    rows: T,
    out: Out<'a>,
    columns: usize,
    written: u64,
    /// Bytes that are set aside for a row.
    row_bytes: usize,
    /// Buffers to use again: fresh memory costs more than the text in it.
    spare: Mutex<Vec<String>>,
}

impl<'a, T: TextRows> TextFile<'a, T> {
    /// Writes what stands before the rows.
    pub(crate) fn start(rows: T, fields: &Fields, out: &'a mut dyn Write) -> Result<Self, ExportError> {
        Self::begin(rows, fields, Out::Plain(out))
    }

    fn begin(rows: T, fields: &Fields, mut out: Out<'a>) -> Result<Self, ExportError> {
        out.take(rows.head()).map_err(ExportError::Write)?;
        let columns = fields.len();
        Ok(Self { rows, out, columns, written: 0, row_bytes: ROW_BYTES, spare: Mutex::default() })
    }

    fn push(&mut self, batch: &RecordBatch, first: u64, cells: &mut CellCounts) -> Result<(), ExportError> {
        check_batch(batch, self.columns)?;
        let (is_first, row_bytes) = (self.written == 0, self.row_bytes);
        let (columns, spare) = (&Cells::of(batch), &self.spare);
        let piece = |from: usize, to: usize| {
            let mut out = spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            out.clear();
            out.reserve((to - from) * row_bytes);
            let mut counts = CellCounts::default();
            for row in from..to {
                out.push_str(self.rows.before(is_first && row == 0));
                self.rows.push_row(&mut out, columns, row, first + row as u64, &mut counts)?;
            }
            Ok::<_, ExportError>((out, counts))
        };
        let rows = batch.num_rows();
        let pieces = rows.div_ceil(PIECE_ROWS).max(1);
        let written = side_by_side(pieces, |number| piece(number * PIECE_ROWS, rows.min((number + 1) * PIECE_ROWS)));
        for piece in written {
            let (text, counts) = piece?;
            cells.merge(counts);
            // A tenth more than the last rows took: text that does not fit is moved as a whole.
            self.row_bytes = (text.len() * 11 / 10 / PIECE_ROWS.min(rows.max(1))).clamp(ROW_BYTES, ROW_BYTES_MAX);
            if let Some(text) = self.out.take(text).map_err(ExportError::Write)? {
                self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(text);
            }
        }
        self.written += rows as u64;
        Ok(())
    }

    fn end(&mut self) -> Result<u64, ExportError> {
        self.out.take(self.rows.tail(self.written > 0).to_owned()).map_err(ExportError::Write)?;
        self.out.flush().map_err(ExportError::Write)?;
        Ok(self.written)
    }
}

impl<'a, T: TextRows + 'a> TextFile<'a, T> {
    /// A file as a part of an export.
    pub(crate) fn part(
        rows: T,
        schema: &SchemaRef,
        out: &'a mut dyn PartBytes,
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        Ok(Box::new(Self::begin(rows, schema.fields(), Out::Part(out))?))
    }
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
