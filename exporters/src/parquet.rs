//! Parquet: zstd, statistics per page, row groups that fit into little memory.
//!
//! Types that readers take for something else are written as what they take right: seconds as milliseconds, `Date64` as
//! `Date32`, durations as whole numbers with their unit beside the column, intervals and decimals of more than 38
//! digits as text. Absent: encryption.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties};

use crate::cell::holds;
use crate::error::ExportError;
use crate::export::{Exporter, PartWriter};
use crate::format::{ExportOptions, Format};
use crate::losses::CellCounts;
use crate::repack::{Repack, repacked_as};
use crate::rows::check_batch;

/// Rows of a row group at most.
const ROW_GROUP_ROWS: usize = 1_048_576;
/// Memory of a row group under way at most, in bytes.
const ROW_GROUP_BYTES: usize = 24 << 20;
/// Digits of a decimal that readers know.
const DECIMAL_DIGITS: u8 = 38;
/// Key of a column's metadata that says what its whole numbers count.
const UNIT: &str = "auditlake.unit";

/// The exporter.
#[derive(Debug)]
pub(crate) struct Parquet;

impl Exporter for Parquet {
    fn format(&self) -> Format {
        Format::Parquet
    }

    fn check(&self, schema: &SchemaRef) -> Result<(), ExportError> {
        match schema.fields().iter().find(|field| holds_empty_struct(field.data_type())) {
            Some(field) => Err(ExportError::UnsupportedType {
                column: field.name().clone(),
                data_type: field.data_type().to_string(),
                instead: "Parquet has no struct without fields; leave the column out".to_owned(),
            }),
            None => Ok(()),
        }
    }

    fn written_as(&self, field: &Field) -> String {
        repacked_as(field, &Files).data_type().to_string()
    }

    fn start<'a>(
        &self,
        schema: &SchemaRef,
        options: &ExportOptions,
        out: &'a mut (dyn Write + Send),
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        let fields: Vec<Field> = schema.fields().iter().map(|field| repacked_as(field, &Files)).collect();
        let target = Arc::new(Schema::new(fields));
        let writer = ArrowWriter::try_new(out, Arc::clone(&target), Some(properties(&target, options)));
        Ok(Box::new(ParquetPart { target, writer: writer.map_err(failed)? }))
    }
}

/// What a Parquet file keeps as something else.
struct Files;

impl Repack for Files {
    fn leaf(&self, data_type: &DataType) -> DataType {
        match data_type {
            DataType::Date64 => DataType::Date32,
            DataType::Time32(TimeUnit::Second) => DataType::Time32(TimeUnit::Millisecond),
            DataType::Timestamp(unit, zone) => {
                let unit = if *unit == TimeUnit::Second { TimeUnit::Millisecond } else { *unit };
                DataType::Timestamp(unit, zone.as_ref().map(|_| "UTC".into()))
            }
            DataType::Duration(_) => DataType::Int64,
            DataType::Interval(_) => DataType::Utf8,
            DataType::Decimal32(digits, scale) | DataType::Decimal64(digits, scale) => {
                self.leaf(&DataType::Decimal128(*digits, *scale))
            }
            // A negative scale counts noughts before the point, which no reader expects.
            DataType::Decimal128(digits, scale) | DataType::Decimal256(digits, scale) => {
                let digits = digits.saturating_add(u8::try_from(-i16::from(*scale)).unwrap_or_default());
                let scale = (*scale).max(0);
                if digits <= DECIMAL_DIGITS { DataType::Decimal128(digits, scale) } else { DataType::Utf8 }
            }
            DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
            DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
            other => other.clone(),
        }
    }

    fn keeps_dictionaries(&self) -> bool {
        true
    }

    fn note(&self, field: &Field, target: Field) -> Field {
        match field.data_type() {
            DataType::Duration(unit) => {
                let unit = match unit {
                    TimeUnit::Second => "s",
                    TimeUnit::Millisecond => "ms",
                    TimeUnit::Microsecond => "us",
                    TimeUnit::Nanosecond => "ns",
                };
                let mut metadata = target.metadata().clone();
                metadata.insert(UNIT.to_owned(), unit.to_owned());
                target.with_metadata(metadata)
            }
            _ => target,
        }
    }
}

struct ParquetPart<'a> {
    target: SchemaRef,
    writer: ArrowWriter<&'a mut (dyn Write + Send)>,
}

impl PartWriter for ParquetPart<'_> {
    fn write(&mut self, chunk: &RecordBatch, first_row: u64, _cells: &mut CellCounts) -> Result<(), ExportError> {
        check_batch(chunk, self.target.fields().len())?;
        let columns = chunk.schema_ref().fields().iter().zip(chunk.columns()).map(|(field, column)| {
            Files.repack(field, column).map_err(|fault| crate::rows::at(fault, field, first_row))
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>, ExportError>>()?;
        let shape = |_| ExportError::BatchShape { given: chunk.num_columns(), expected: self.target.fields().len() };
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(chunk.num_rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.target), columns, &options).map_err(shape)?;
        self.writer.write(&batch).map_err(failed)?;
        if self.writer.memory_size() >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(failed)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), ExportError> {
        self.writer.close().map(drop).map_err(failed)
    }
}

fn properties(target: &Schema, options: &ExportOptions) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_created_by(format!("auditlake {}", env!("CARGO_PKG_VERSION")));
    for subject in options.subjects.iter().filter(|name| target.column_with_name(name).is_some()) {
        properties = properties
            .set_column_bloom_filter_enabled(subject.as_str().into(), true)
            .set_column_bloom_filter_fpp(subject.as_str().into(), 0.01);
    }
    properties.build()
}

fn failed(error: parquet::errors::ParquetError) -> ExportError {
    match error {
        parquet::errors::ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(error) => ExportError::Write(*error),
            Err(source) => ExportError::Encode { format: Format::Parquet, source },
        },
        other => ExportError::Encode { format: Format::Parquet, source: Box::new(other) },
    }
}

fn holds_empty_struct(data_type: &DataType) -> bool {
    holds(data_type, &|one| matches!(one, DataType::Struct(fields) if fields.is_empty()))
}
