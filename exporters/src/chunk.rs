//! Rows cut anew, so that no file depends on how they came.
//!
//! A chunk ends after 8,192 rows, at the border of a part, or behind the block of 256 rows in which its values pass
//! 4 MiB. All three follow from the rows alone. Absent: bytes of memory, which depend on how rows were made.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};

use crate::cell::{Repacked, repacked, text};
use crate::error::ExportError;
use crate::rows::check_batch;

/// Rows of a chunk at most.
const CHUNK_ROWS: usize = 8_192;
/// Bytes of a chunk's values, passed by one block at most.
const CHUNK_BYTES: usize = 4 << 20;
/// Bytes of one cell at most.
const CELL_BYTES: usize = 64 << 20;
/// Rows that are looked at together.
const BLOCK_ROWS: usize = 256;

/// Why rows do not come.
pub(crate) type RowsError = Box<dyn std::error::Error + Send + Sync>;

/// Batches as they come, chunks as they are written.
pub(crate) struct Chunks<'a> {
    schema: SchemaRef,
    batches: &'a mut (dyn Iterator<Item = Result<RecordBatch, RowsError>> + 'a),
    /// The last batch, and how many of its rows were handed out.
    last: Option<(RecordBatch, usize)>,
    /// Rows that were handed out, or let go by.
    given: u64,
}

impl<'a> Chunks<'a> {
    pub(crate) fn new(
        schema: &SchemaRef,
        batches: &'a mut (dyn Iterator<Item = Result<RecordBatch, RowsError>> + 'a),
    ) -> Self {
        Self { schema: schema.clone(), batches, last: None, given: 0 }
    }

    /// Lets rows go by.
    pub(crate) fn skip(&mut self, mut rows: u64) -> Result<(), ExportError> {
        while rows > 0 {
            let Some(left) = self.left()? else { return Ok(()) };
            let gone = usize::try_from(rows).unwrap_or(usize::MAX).min(left);
            self.take(gone, &mut Vec::new());
            rows -= gone as u64;
            self.given += gone as u64;
        }
        Ok(())
    }

    /// The next chunk, of at most `limit` rows; none at the end.
    pub(crate) fn next(&mut self, limit: u64) -> Result<Option<RecordBatch>, ExportError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(CHUNK_ROWS);
        let (mut pieces, mut rows, mut bytes) = (Vec::new(), 0, 0);
        // A block that is not whole yet does not end a chunk.
        while rows < limit && (bytes < CHUNK_BYTES || rows % BLOCK_ROWS != 0) {
            let Some(left) = self.left()? else { break };
            // Up to the end of the block, wherever batches begin.
            let block = (BLOCK_ROWS - rows % BLOCK_ROWS).min(limit - rows).min(left);
            let block_rows = self.take(block, &mut pieces);
            bytes += self.checked_bytes(&block_rows, rows)?;
            rows += block;
        }
        self.given += rows as u64;
        let mut pieces: Vec<RecordBatch> = pieces.into_iter().map(Piece::rows).collect();
        match pieces.len() {
            0 => Ok(None),
            1 => Ok(pieces.pop()),
            _ => concat_batches(&self.schema, &pieces).map(Some).map_err(|error| ExportError::Rows(Box::new(error))),
        }
    }

    /// How many rows of a batch are left; none at the end of all.
    fn left(&mut self) -> Result<Option<usize>, ExportError> {
        if let Some((batch, taken)) = self.last.as_ref().filter(|(batch, taken)| *taken < batch.num_rows()) {
            return Ok(Some(batch.num_rows() - taken));
        }
        self.last = None;
        for batch in &mut *self.batches {
            let batch = batch.map_err(ExportError::Rows)?;
            check_batch(&batch, self.schema.fields().len())?;
            if batch.num_rows() > 0 {
                let rows = batch.num_rows();
                self.last = Some((batch, 0));
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }

    /// Takes so many rows of the last batch, behind those of `pieces`; they are one piece with what came just before.
    fn take(&mut self, rows: usize, pieces: &mut Vec<Piece>) -> RecordBatch {
        let Some((batch, taken)) = &mut self.last else { return RecordBatch::new_empty(self.schema.clone()) };
        let block = batch.slice(*taken, rows);
        match pieces.last_mut() {
            // The first rows of a batch begin a piece; any others go on with the last one.
            Some(last) if *taken > 0 => last.rows += rows,
            _ => pieces.push(Piece { batch: batch.clone(), from: *taken, rows }),
        }
        *taken += rows;
        block
    }

    /// Bytes of the values of a piece that has so many rows of its chunk before it.
    fn checked_bytes(&self, piece: &RecordBatch, before: usize) -> Result<usize, ExportError> {
        let mut bytes = 0;
        for (field, column) in self.schema.fields().iter().zip(piece.columns()) {
            let of_column = value_bytes(column.as_ref());
            bytes += of_column;
            // Only then can one of them be too long.
            if of_column <= CELL_BYTES {
                continue;
            }
            let too_long = |row: &usize| value_bytes(column.slice(*row, 1).as_ref()) > CELL_BYTES;
            if let Some(row) = (0..piece.num_rows()).find(too_long) {
                let row = self.given + (before + row) as u64 + 1;
                return Err(ExportError::LongCell { column: field.name().clone(), row, limit: CELL_BYTES >> 20 });
            }
        }
        Ok(bytes)
    }
}

/// Rows of one batch that follow one another.
struct Piece {
    batch: RecordBatch,
    from: usize,
    rows: usize,
}

impl Piece {
    fn rows(self) -> RecordBatch {
        self.batch.slice(self.from, self.rows)
    }
}

/// Bytes of the values of an array, however it keeps them.
pub(crate) fn value_bytes(array: &dyn Array) -> usize {
    let of_rows = |bytes: usize| array.len() * bytes;
    match array.data_type() {
        DataType::Utf8 => spanned(array.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => spanned(array.as_string::<i64>().value_offsets()),
        DataType::Binary => spanned(array.as_binary::<i32>().value_offsets()),
        DataType::LargeBinary => spanned(array.as_binary::<i64>().value_offsets()),
        DataType::Utf8View => array.as_string_view().views().iter().map(|view| *view as u32 as usize).sum(),
        DataType::BinaryView => array.as_binary_view().views().iter().map(|view| *view as u32 as usize).sum(),
        DataType::FixedSizeBinary(length) => of_rows(usize::try_from(*length).unwrap_or_default()),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            within(list.values().as_ref(), list.value_offsets())
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            within(list.values().as_ref(), list.value_offsets())
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            within(map.entries(), map.value_offsets())
        }
        DataType::FixedSizeList(_, _) => value_bytes(array.as_fixed_size_list().values().as_ref()),
        DataType::Struct(_) => array.as_struct().columns().iter().map(|column| value_bytes(column.as_ref())).sum(),
        DataType::Dictionary(_, _) | DataType::RunEndEncoded(_, _) => {
            let of_row = |row: usize| match repacked(array, row) {
                Repacked::Value(values, index) => text(values, index).map_or(8, str::len),
                Repacked::Null | Repacked::Plain => 0,
            };
            (0..array.len()).map(of_row).sum()
        }
        _ => of_rows(8),
    }
}

/// The values between the first and the last offset.
fn spanned<O: Copy + TryInto<usize>>(offsets: &[O]) -> usize {
    let at = |offset: Option<&O>| offset.and_then(|offset| (*offset).try_into().ok()).unwrap_or_default();
    at(offsets.last()).saturating_sub(at(offsets.first()))
}

fn within<O: Copy + TryInto<usize>>(values: &dyn Array, offsets: &[O]) -> usize {
    let first = offsets.first().and_then(|offset| (*offset).try_into().ok()).unwrap_or_default();
    value_bytes(values.slice(first, spanned(offsets)).as_ref())
}

#[cfg(test)]
mod tests;
