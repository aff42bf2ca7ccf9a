//! What a file must be before any of its rows counts: of its dataset's schema, and where its folder says.
//!
//! Folder names rule files out unread, so a row that contradicts its folder would be found by one query and missed by
//! another. A footer is read with its file anyway, and its statistics nearly always decide; where they are cut off or
//! absent, the column itself does. Absent: what a query does not open. `LakeSession::check_files` opens every file.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use chrono::DateTime;
use futures::TryStreamExt;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask, parquet_to_arrow_schema};
use parquet::basic::{LogicalType, TimeUnit as ParquetUnit};
use parquet::data_type::ByteArray;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use schemas::{Dataset, Presence, TableSchema, rfc3339};

use crate::dataset::{PinnedFile, folder_values, microseconds};
use crate::dataset_table::plain;
use crate::file_fault::FileFault;

/// What every file of one table must be.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileRules {
    /// Column that `tenant=` folders speak of.
    pub(crate) tenant: Option<String>,
    /// Column of whose UTC day `date=` folders speak.
    pub(crate) time: Option<String>,
    /// Its required columns must be there, and all of the right kind.
    pub(crate) schema: Option<&'static TableSchema>,
    /// A column of this schema must not stand in a folder's name alone.
    pub(crate) by_name: Option<&'static TableSchema>,
}

/// What a folder says of every row below it.
struct Said<'a> {
    folder: String,
    column: &'a str,
    value: Value<'a>,
}

/// A value that rows must have.
enum Value<'a> {
    Text(&'a str),
    /// Microseconds: from the first to the last.
    Times(i64, i64),
}

/// What statistics say of a folder's word.
enum Verdict {
    /// Every row agrees.
    Agrees,
    /// Some row has this value.
    Contradicts(String),
    /// The rows must be asked.
    Open,
}

impl FileRules {
    /// The rules for files of a dataset.
    pub(crate) fn of(dataset: &Dataset) -> Self {
        if dataset.is_ours() {
            let partitioned = dataset.schema.partitioned;
            return Self {
                tenant: partitioned.then(|| dataset.schema.tenant.to_owned()),
                time: partitioned.then(|| dataset.schema.time.map(str::to_owned)).flatten(),
                schema: Some(dataset.schema),
                by_name: None,
            };
        }
        let by_name = (dataset.map.is_none() && !dataset.is_inferred()).then_some(dataset.schema);
        Self { by_name, ..Self::default() }
    }

    /// Whether there is nothing to check.
    pub(crate) fn is_empty(&self) -> bool {
        self.tenant.is_none() && self.time.is_none() && self.schema.is_none() && self.by_name.is_none()
    }

    /// Checks one file by its footer, and by the columns of `reader` that the footer leaves open.
    ///
    /// # Errors
    /// When the file is not what it must be, or cannot be read.
    pub(crate) async fn check(
        &self,
        file: &PinnedFile,
        metadata: &Arc<ParquetMetaData>,
        reader: impl AsyncFileReader + Unpin + 'static,
    ) -> Result<(), FileFault> {
        let columns = columns_of(metadata).map_err(|error| FileFault::decoding(file.path(), error))?;
        if let Some(why) = self.unlike_schema(&columns).or_else(|| self.in_folder_alone(file, &columns)) {
            return Err(FileFault::Content { path: file.path().to_owned(), why });
        }
        let mut open = Vec::new();
        for said in self.said(file) {
            match verdict(metadata, &said) {
                Verdict::Agrees => {}
                Verdict::Contradicts(value) => {
                    let why = contradiction(&said, &value);
                    return Err(FileFault::Content { path: file.path().to_owned(), why });
                }
                Verdict::Open => open.push(said),
            }
        }
        if open.is_empty() { Ok(()) } else { rows_agree(file, &open, metadata, reader).await }
    }

    fn said<'a>(&'a self, file: &'a PinnedFile) -> Vec<Said<'a>> {
        let tenant = self.tenant.as_deref().zip(file.tenant.as_deref()).map(|(column, tenant)| Said {
            folder: format!("tenant={tenant}"),
            column,
            value: Value::Text(tenant),
        });
        let day = self.time.as_deref().zip(file.date).and_then(|(column, date)| {
            let (first, last) = microseconds(date)?;
            Some(Said { folder: format!("date={date}"), column, value: Value::Times(first, last) })
        });
        tenant.into_iter().chain(day).collect()
    }

    /// Why the columns are not those of the schema.
    fn unlike_schema(&self, columns: &Schema) -> Option<String> {
        const OUT: &str =
            "move it out of the dataset's folder; `auditlake ingest parquet` reads it, by a mapping of yours";
        let schema = self.schema?;
        schema.columns.iter().find_map(|column| {
            let found = columns.field_with_name(column.name).ok();
            let what = match found.map(|field| field.data_type()) {
                None if column.presence == Presence::Required => format!("it has no column \"{}\"", column.name),
                Some(kind) if !alike(kind, &column.kind.arrow()) => {
                    format!("its column \"{}\" is {kind}, and that of the schema {}", column.name, column.kind.name())
                }
                _ => return None,
            };
            Some(format!("it is no file of {}: {what}; {OUT}", schema.name))
        })
    }

    /// Why a column that only the folder names would be null.
    fn in_folder_alone(&self, file: &PinnedFile, columns: &Schema) -> Option<String> {
        let schema = self.by_name?;
        let mut folders = folder_values(&file.meta.location).into_iter();
        let (key, value) =
            folders.find(|(key, _)| schema.column(key).is_some() && columns.field_with_name(key).is_err())?;
        Some(format!(
            "its folder says {key}={value}, and it has no column \"{key}\", so that its rows would have none; make each \
             such folder a dataset of its own, with a map that has '{value}' AS {key}"
        ))
    }
}

fn columns_of(metadata: &ParquetMetaData) -> parquet::errors::Result<Schema> {
    let file = metadata.file_metadata();
    parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())
}

/// Whether values of one type can stand for those of the other; how wide and how exact they are, each value tells.
fn alike(one: &DataType, other: &DataType) -> bool {
    let class = |kind: &DataType| match plain(kind) {
        DataType::Utf8 | DataType::Binary | DataType::FixedSizeBinary(_) => 0,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => 1,
        DataType::Boolean => 2,
        kind if kind.is_numeric() => 3,
        _ => 4,
    };
    class(one) == class(other)
}

fn contradiction(said: &Said<'_>, value: &str) -> String {
    format!(
        "its folder says {}, but a row has {} \"{value}\", so that some queries would miss it; move the file out of the \
         dataset's folder and read it with `auditlake ingest parquet`, which brings every row to its place",
        said.folder, said.column
    )
}

/// What the statistics of all row groups say.
fn verdict(metadata: &ParquetMetaData, said: &Said<'_>) -> Verdict {
    let place = metadata.file_metadata().schema_descr().columns().iter().position(|column| {
        let path = column.path().parts();
        path.len() == 1 && path[0] == said.column
    });
    let Some(place) = place else { return Verdict::Open };
    let mut open = false;
    for group in metadata.row_groups().iter().filter(|group| group.num_rows() > 0) {
        match of_group(group, place, &said.value) {
            Verdict::Agrees => {}
            Verdict::Open => open = true,
            contradicts => return contradicts,
        }
    }
    if open { Verdict::Open } else { Verdict::Agrees }
}

/// Both bounds within what was said: so is every row. A bound that some row has, outside: that row is not.
fn of_group(group: &RowGroupMetaData, place: usize, value: &Value<'_>) -> Verdict {
    let column = group.column(place);
    let Some(statistics) = column.statistics() else { return Verdict::Open };
    let bounds = match (value, statistics) {
        (Value::Text(text), Statistics::ByteArray(bounds)) => {
            let told = |bound: Option<&ByteArray>| {
                let bytes = bound?.data();
                Some((bytes == text.as_bytes(), String::from_utf8_lossy(bytes).into_owned()))
            };
            (told(bounds.min_opt()), told(bounds.max_opt()))
        }
        (Value::Times(first, last), Statistics::Int64(bounds)) => {
            let Some(to_micros) = unit(column.column_descr().logical_type_ref()) else { return Verdict::Open };
            let told = |bound: Option<&i64>| {
                let at = to_micros(*bound?)?;
                Some(((*first..=*last).contains(&at), instant(at)))
            };
            (told(bounds.min_opt()), told(bounds.max_opt()))
        }
        _ => return Verdict::Open,
    };
    match bounds {
        (Some((true, _)), Some((true, _))) => Verdict::Agrees,
        (Some((false, value)), _) if statistics.min_is_exact() => Verdict::Contradicts(value),
        (_, Some((false, value))) if statistics.max_is_exact() => Verdict::Contradicts(value),
        _ => Verdict::Open,
    }
}

/// How a stored number becomes microseconds.
fn unit(kind: Option<&LogicalType>) -> Option<fn(i64) -> Option<i64>> {
    let LogicalType::Timestamp(kind) = kind? else { return None };
    Some(match kind.unit {
        ParquetUnit::MILLIS => |at| at.checked_mul(1_000),
        ParquetUnit::MICROS => Some,
        ParquetUnit::NANOS => |at| Some(at.div_euclid(1_000)),
    })
}

fn instant(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(|| micros.to_string(), rfc3339)
}

/// Reads the columns that are in question, and no others.
async fn rows_agree(
    file: &PinnedFile,
    open: &[Said<'_>],
    metadata: &Arc<ParquetMetaData>,
    reader: impl AsyncFileReader + Unpin + 'static,
) -> Result<(), FileFault> {
    let decoding = |error| FileFault::decoding(file.path(), error);
    let footer = ArrowReaderMetadata::try_new(Arc::clone(metadata), ArrowReaderOptions::new()).map_err(decoding)?;
    let names = open.iter().map(|said| said.column);
    let mask = ProjectionMask::columns(footer.parquet_schema(), names);
    let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, footer).with_projection(mask);
    let mut rows = builder.build().map_err(decoding)?;
    while let Some(batch) = rows.try_next().await.map_err(decoding)? {
        if let Some(why) = open.iter().find_map(|said| contradicting(&batch, said)) {
            return Err(FileFault::Content { path: file.path().to_owned(), why });
        }
    }
    Ok(())
}

/// Why a batch contradicts what was said. A null contradicts nothing: no condition on a value finds it anywhere.
fn contradicting(batch: &RecordBatch, said: &Said<'_>) -> Option<String> {
    let column = batch.column_by_name(said.column)?;
    let kind = match said.value {
        Value::Text(_) => DataType::Utf8,
        Value::Times(..) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    };
    let Ok(values) = cast(column, &kind) else {
        return Some(format!("its column \"{}\" is {}, and cannot be {kind}", said.column, column.data_type()));
    };
    let other = match said.value {
        Value::Text(text) => values.as_string::<i32>().iter().flatten().find(|value| *value != text).map(str::to_owned),
        Value::Times(first, last) => {
            let times = values.as_primitive::<TimestampMicrosecondType>();
            times.iter().flatten().find(|at| !(first..=last).contains(at)).map(instant)
        }
    };
    other.map(|value| contradiction(said, &value))
}
