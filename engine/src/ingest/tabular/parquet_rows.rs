//! The rows of a Parquet file, a batch at a time.
//!
//! Files of strangers may be damaged, on purpose too: what the decoder cannot read, even where it gives up in the middle
//! of its work, is an error of the file. Damage in one row group costs the rest of that group and no other.
//! Absent: encrypted files, and reading less than every column: a record's hash is over all of it.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;

use super::super::records::Place;
use super::canonical::RowWriter;
use super::columns::FileColumns;
use super::plain::{Nanos, plain, plain_type};
use super::{Chunk, Each, Piece};
use crate::error::EngineError;

/// Rows read at a time, where they are small.
const BATCH_ROWS: u64 = 1_024;
/// Bytes read at a time, by what the file says of its row groups.
const BATCH_BYTES: u64 = 8 << 20;

/// Hears where a file is damaged, and why.
type Damaged<'a> = dyn FnMut(Place, String, &mut Each<'_>) -> Result<(), EngineError> + 'a;

/// A Parquet file whose footer was read.
pub(crate) struct ParquetRows {
    file: File,
    metadata: ArrowReaderMetadata,
    columns: FileColumns,
}

impl ParquetRows {
    /// Reads the footer, or says why it cannot be read.
    pub(crate) fn open(file: File) -> Result<Self, String> {
        let metadata = guarded(|| {
            let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
            with_exact_int96(metadata)
        })?;
        let fields = metadata.schema().fields();
        let names = fields.iter().map(|field| field.name().clone()).collect();
        let kinds = fields.iter().map(|field| plain_type(field.data_type(), Nanos::Cut)).collect();
        Ok(Self { file, columns: FileColumns::new(names, kinds), metadata })
    }

    pub(crate) fn columns(&self) -> &FileColumns {
        &self.columns
    }

    /// Calls `each` for every piece, and `damaged` for what cannot be read.
    pub(crate) fn each(
        &self,
        fields: &Fields,
        each: &mut Each<'_>,
        damaged: &mut Damaged<'_>,
    ) -> Result<(), EngineError> {
        let mut first = 0;
        for group in 0..self.metadata.metadata().num_row_groups() {
            let rows = u64::try_from(self.metadata.metadata().row_group(group).num_rows()).unwrap_or_default();
            let mut row = first;
            let read = self.group(group, &mut row, fields, each)?;
            let short = (row < first + rows).then(|| "a row group has fewer rows than it says".to_owned());
            if let Some(why) = read.err().or(short) {
                damaged(place(row), format!("the rest of a row group cannot be read: {why}"), each)?;
            }
            first = row.max(first + rows);
        }
        Ok(())
    }

    /// Reads one row group and moves `row` along; the inner error is the file's.
    fn group(
        &self,
        group: usize,
        row: &mut u64,
        fields: &Fields,
        each: &mut Each<'_>,
    ) -> Result<Result<(), String>, EngineError> {
        let mut reader = match self.reader(group) {
            Ok(reader) => reader,
            Err(why) => return Ok(Err(why)),
        };
        loop {
            let batch = guarded(|| {
                let batch = reader.next().transpose()?;
                batch.as_ref().map(unfolded).transpose().map_err(ParquetError::from)
            });
            match batch {
                Ok(None) => return Ok(Ok(())),
                Ok(Some(batch)) => {
                    self.chunk(*row, &batch, fields, each)?;
                    *row += batch.rows as u64;
                }
                Err(why) => return Ok(Err(why)),
            }
        }
    }

    fn reader(&self, group: usize) -> Result<ParquetRecordBatchReader, String> {
        let about = self.metadata.metadata().row_group(group);
        let (bytes, rows) = (about.total_byte_size(), about.num_rows());
        let bytes_a_row = u64::try_from(bytes).unwrap_or_default() / u64::try_from(rows).unwrap_or_default().max(1);
        let batch_rows = (BATCH_BYTES / bytes_a_row.max(1)).clamp(1, BATCH_ROWS);
        let file = self.file.try_clone().map_err(|error| error.to_string())?;
        guarded(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![group])
                .with_batch_size(usize::try_from(batch_rows).unwrap_or(1))
                .build()
        })
    }

    fn chunk(&self, first: u64, batch: &Unfolded, fields: &Fields, each: &mut Each<'_>) -> Result<(), EngineError> {
        let writer = RowWriter::new(self.columns.names(), &batch.whole)?;
        let mut records = Vec::with_capacity(batch.rows);
        let mut keep = Vec::with_capacity(batch.rows);
        for row in 0..batch.rows {
            let place = place(first + row as u64);
            let written = writer.row(row, place);
            keep.push(written.is_ok());
            match written {
                Ok(bytes) => records.push((place, bytes)),
                Err(bad) => each(Piece::Bad(bad))?,
            }
        }
        let mut columns = self.columns.fit(&batch.cut, batch.rows, fields)?;
        if records.len() < batch.rows {
            let keep = BooleanArray::from(keep);
            let kept = columns.iter().map(|column| filter(column, &keep)).collect::<Result<_, _>>();
            columns =
                kept.map_err(|error| EngineError::Bug { what: format!("rows cannot be kept apart ({error})") })?;
        }
        if records.is_empty() { Ok(()) } else { each(Piece::Rows(Chunk { columns, records })) }
    }
}

/// Where a row stands: `offset` counts the rows before it.
fn place(row: u64) -> Place {
    Place { offset: row, line: row + 1, number: row + 1 }
}

/// A batch without dictionaries.
struct Unfolded {
    rows: usize,
    /// All that the file holds.
    whole: Vec<ArrayRef>,
    /// What a mapping reads.
    cut: Vec<ArrayRef>,
}

fn unfolded(batch: &RecordBatch) -> Result<Unfolded, arrow::error::ArrowError> {
    let whole = batch.columns().iter().map(|column| plain(column, Nanos::Keep)).collect::<Result<Vec<_>, _>>()?;
    let cut = whole.iter().map(|column| plain(column, Nanos::Cut)).collect::<Result<_, _>>()?;
    Ok(Unfolded { rows: batch.num_rows(), whole, cut })
}

/// Reads INT96 times as microseconds: as nanoseconds, years before 1678 and after 2261 would become others.
fn with_exact_int96(metadata: ArrowReaderMetadata) -> Result<ArrowReaderMetadata, ParquetError> {
    let roots = metadata.parquet_schema().root_schema().get_fields();
    let fields = metadata.schema().fields().iter().zip(roots).map(|(field, root)| {
        let int96 = root.is_primitive() && root.get_physical_type() == PhysicalType::INT96;
        match field.data_type() {
            DataType::Timestamp(TimeUnit::Nanosecond, zone) if int96 => {
                let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
                (field.as_ref().clone().with_data_type(micros), true)
            }
            _ => (field.as_ref().clone(), false),
        }
    });
    let (fields, changed): (Vec<Field>, Vec<bool>) = fields.unzip();
    if !changed.contains(&true) {
        return Ok(metadata);
    }
    let schema = Schema::new_with_metadata(fields, metadata.schema().metadata().clone());
    let options = ArrowReaderOptions::new().with_schema(std::sync::Arc::new(schema));
    ArrowReaderMetadata::try_new(std::sync::Arc::clone(metadata.metadata()), options)
}

/// Runs the decoder over a stranger's bytes; where it gives up, that is the file's error and nobody else's.
fn guarded<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err("the decoder gave up on it".to_owned()),
    }
}
