//! Parquet: zstd, statistics per page, row groups that fit into little memory.
//!
//! Types that readers take for something else are written as what they take right: seconds as milliseconds, `Date64` as
//! `Date32`, durations as whole numbers with their unit beside the column, intervals and decimals of more than 38
//! digits as text. Columns are encoded side by side; one whose values are too many for a dictionary has none from the
//! second row group on. Absent: encryption, and metadata of where rows came from, which would make equal rows other bytes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, Encoding, PageType, ZstdLevel};
use parquet::file::metadata::{ColumnChunkMetaData, PageEncodingStats};
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;

use crate::cell::holds;
use crate::error::ExportError;
use crate::export::PartBytes;
use crate::export::{Exporter, PartWriter};
use crate::format::{ExportOptions, Format};
use crate::losses::CellCounts;
use crate::repack::{Repack, repacked_as};
use crate::rows::check_batch;
use crate::side_by_side::side_by_side;

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
        out: &'a mut dyn PartBytes,
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        let fields: Vec<Field> = schema.fields().iter().map(|field| repacked_as(field, &Files)).collect();
        let target = Arc::new(Schema::new(fields));
        ParquetPart::start(target, options, out).map(|part| Box::new(part) as _)
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

type Out<'a> = &'a mut dyn PartBytes;

struct ParquetPart<'a> {
    target: SchemaRef,
    properties: WriterPropertiesPtr,
    writer: SerializedFileWriter<Out<'a>>,
    group: Option<Group>,
    /// Columns, by the number of their leaf, whose values are too many for a dictionary.
    without_dictionary: BTreeSet<usize>,
}

/// A row group under way.
struct Group {
    rows: usize,
    /// For each column of the schema those of its leaves.
    columns: Vec<Mutex<Vec<ArrowColumnWriter>>>,
}

impl<'a> ParquetPart<'a> {
    fn start(target: SchemaRef, options: &ExportOptions, out: Out<'a>) -> Result<Self, ExportError> {
        let mut properties = properties(&target, options);
        add_encoded_arrow_schema_to_metadata(&target, &mut properties);
        let properties = Arc::new(properties);
        let root = ArrowSchemaConverter::new().convert(&target).map_err(failed)?.root_schema_ptr();
        let writer = SerializedFileWriter::new(out, root, Arc::clone(&properties)).map_err(failed)?;
        Ok(Self { target, properties, writer, group: None, without_dictionary: BTreeSet::new() })
    }

    /// The writers of the next row group.
    fn columns(&self) -> parquet::errors::Result<Vec<Mutex<Vec<ArrowColumnWriter>>>> {
        let schema = self.writer.schema_descr();
        let mut properties = self.properties.as_ref().clone().into_builder();
        for leaf in &self.without_dictionary {
            properties = properties.set_column_dictionary_enabled(schema.column(*leaf).path().clone(), false);
        }
        // A factory takes its properties from a writer; this one writes nothing.
        let planner =
            SerializedFileWriter::new(std::io::sink(), schema.root_schema_ptr(), Arc::new(properties.build()))?;
        let factory = ArrowRowGroupWriterFactory::new(&planner, Arc::clone(&self.target));
        let mut leaves = factory.create_column_writers(self.writer.flushed_row_groups().len())?.into_iter();
        let of = |field: &FieldRef| Mutex::new(leaves.by_ref().take(leaf_count(field.data_type())).collect());
        Ok(self.target.fields().iter().map(of).collect())
    }

    /// Closes the row group under way.
    fn flush(&mut self) -> parquet::errors::Result<()> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let mut out = self.writer.next_row_group()?;
        let leaves =
            group.columns.into_iter().flat_map(|column| column.into_inner().unwrap_or_else(PoisonError::into_inner));
        for writer in leaves {
            writer.close()?.append_to_row_group(&mut out)?;
        }
        let written = out.close()?;
        let is_for_nothing = |(_, column): &(usize, &ColumnChunkMetaData)| gains_nothing_by_a_dictionary(column);
        self.without_dictionary
            .extend(written.columns().iter().enumerate().filter(is_for_nothing).map(|(leaf, _)| leaf));
        Ok(())
    }
}

/// Whether a dictionary costs more than it saves: it was given up for being too large, or is most of what it describes.
fn gains_nothing_by_a_dictionary(column: &ColumnChunkMetaData) -> bool {
    let is_plain = |page: &PageEncodingStats| {
        matches!(page.page_type, PageType::DATA_PAGE | PageType::DATA_PAGE_V2)
            && !matches!(page.encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY)
    };
    let Some(dictionary) = column.dictionary_page_offset() else { return false };
    let was_given_up = column.page_encoding_stats().is_some_and(|pages| pages.iter().any(is_plain));
    was_given_up || 2 * (column.data_page_offset() - dictionary) > column.compressed_size()
}

impl PartWriter for ParquetPart<'_> {
    fn write(&mut self, chunk: &RecordBatch, first_row: u64, _cells: &mut CellCounts) -> Result<(), ExportError> {
        check_batch(chunk, self.target.fields().len())?;
        if self.group.as_ref().is_some_and(|group| group.rows + chunk.num_rows() > ROW_GROUP_ROWS) {
            self.flush().map_err(failed)?;
        }
        if self.group.is_none() {
            self.group = Some(Group { rows: 0, columns: self.columns().map_err(failed)? });
        }
        let Some(group) = &mut self.group else { return Ok(()) };
        let columns: Vec<(&FieldRef, &ArrayRef)> = chunk.schema_ref().fields().iter().zip(chunk.columns()).collect();
        let (target, writers) = (&self.target, &group.columns);
        let encoded = side_by_side(columns.len(), |index| {
            let (field, column) = columns[index];
            let column = Files.repack(field, column).map_err(|fault| crate::rows::at(fault, field, first_row))?;
            let leaves = compute_leaves(target.field(index), &column).map_err(failed)?;
            let mut writers = writers[index].lock().unwrap_or_else(PoisonError::into_inner);
            writers.iter_mut().zip(leaves).try_for_each(|(writer, leaf)| writer.write(&leaf)).map_err(failed)
        });
        encoded.into_iter().collect::<Result<(), ExportError>>()?;
        group.rows += chunk.num_rows();
        let held = |column: &mut Mutex<Vec<ArrowColumnWriter>>| {
            let writers = column.get_mut().unwrap_or_else(PoisonError::into_inner);
            writers.iter().map(ArrowColumnWriter::memory_size).sum::<usize>()
        };
        if group.columns.iter_mut().map(held).sum::<usize>() >= ROW_GROUP_BYTES {
            self.flush().map_err(failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        self.flush().map_err(failed)?;
        self.writer.close().map(drop).map_err(failed)
    }
}

/// Columns of a file that one of the schema becomes.
fn leaf_count(data_type: &DataType) -> usize {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => leaf_count(item.data_type()),
        DataType::Struct(fields) => fields.iter().map(|field| leaf_count(field.data_type())).sum(),
        DataType::Dictionary(_, values) => leaf_count(values),
        _ => 1,
    }
}

fn properties(target: &Schema, options: &ExportOptions) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
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
