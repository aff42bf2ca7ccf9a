//! One object of the index: some files, and of each value the row groups that hold it.
//!
//! ```text
//! row group 0     a row for each file: path, etag, bytes, row_groups
//! row group 1 …   a row for each value, ascending by hash: hash, units
//! ```
//!
//! Row groups of files are counted through the files of the segment, in their order, and such a number is a unit. `units`
//! has the first unit of a value, then how much further each next one is. The footer names the columns that were indexed.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Int32Builder, Int64Array, ListBuilder, RecordBatch, StringArray, new_null_array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef};
use object_store::{ObjectMeta, ObjectStore};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;

use super::values::FileValues;
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::file_fault::FileFault;
use crate::retention::OpenObject;

/// Form of a segment, in its footer.
const FORM: (&str, &str) = ("auditlake.index", "subjects/v1");
/// Names of the indexed columns, in its footer.
const COLUMNS: &str = "auditlake.columns";
/// Values of a row group, which is what a search reads.
const GROUP_VALUES: usize = 4_096;

/// A version of a file that a segment speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Covered {
    pub(super) path: String,
    pub(super) etag: String,
    pub(super) bytes: u64,
    pub(super) row_groups: usize,
}

impl Covered {
    pub(super) fn of(file: &PinnedFile, row_groups: usize) -> Self {
        Self { path: file.path().to_owned(), etag: file.etag().to_owned(), bytes: file.meta.size, row_groups }
    }

    /// Whether a file is this version of it. A store without ETags tells no versions apart.
    pub(super) fn is(&self, file: &PinnedFile) -> bool {
        !self.etag.is_empty() && self.etag == file.etag() && self.bytes == file.meta.size && self.path == file.path()
    }
}

/// A segment that grows.
#[derive(Debug, Default)]
pub(super) struct Segment {
    files: Vec<Covered>,
    /// Hashes with the units that hold them.
    pairs: Vec<(u64, u32)>,
    units: u32,
}

impl Segment {
    /// Adds a file.
    pub(super) fn add(&mut self, of: FileValues) {
        for hashes in of.groups {
            self.pairs.extend(hashes.into_iter().map(|hash| (hash, self.units)));
            self.units += 1;
        }
        self.files.push(of.file);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// How many pairs of a value and a row group it has.
    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// The object.
    ///
    /// # Errors
    /// None that data can cause.
    pub(super) fn into_bytes(mut self, columns: &[String]) -> Result<Vec<u8>, ParquetError> {
        let schema = schema();
        let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties(columns)?))?;
        writer.write(&file_rows(&schema, &self.files)?)?;
        writer.flush()?;
        drop(std::mem::take(&mut self.files));
        self.pairs.sort_unstable();
        let mut values = self.pairs.chunk_by(|one, other| one.0 == other.0).peekable();
        while values.peek().is_some() {
            let (mut hashes, mut units) = (Vec::new(), ListBuilder::new(Int32Builder::new()));
            for of in values.by_ref().take(GROUP_VALUES) {
                hashes.push(number(of[0].0));
                let mut before = 0;
                for (_, unit) in of {
                    units.values().append_value(i32::try_from(unit - before).unwrap_or(i32::MAX));
                    before = *unit;
                }
                units.append(true);
            }
            writer.write(&value_rows(&schema, hashes, units)?)?;
            writer.flush()?;
        }
        writer.into_inner()
    }
}

fn number(of: impl TryInto<i64>) -> i64 {
    of.try_into().unwrap_or(i64::MAX)
}

fn schema() -> SchemaRef {
    let units = DataType::List(Arc::new(Field::new("item", DataType::Int32, true)));
    let field = |name: &str, kind| Field::new(name, kind, true);
    Arc::new(Schema::new(vec![
        field("path", DataType::Utf8),
        field("etag", DataType::Utf8),
        field("bytes", DataType::Int64),
        field("row_groups", DataType::Int64),
        field("hash", DataType::Int64),
        field("units", units),
    ]))
}

fn properties(columns: &[String]) -> Result<WriterProperties, ParquetError> {
    let units = ColumnPath::from(vec!["units".to_owned(), "list".to_owned(), "item".to_owned()]);
    let names = serde_json::to_string(columns).map_err(|error| ParquetError::External(Box::new(error)))?;
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_encoding("path".into(), Encoding::DELTA_BYTE_ARRAY)
        .set_column_encoding("hash".into(), Encoding::DELTA_BINARY_PACKED)
        // The bytes of small numbers stand beside each other, where the codec needs few bits for each.
        .set_column_encoding(units, Encoding::BYTE_STREAM_SPLIT)
        .set_created_by(format!("auditlake {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(vec![
            KeyValue::new(FORM.0.to_owned(), FORM.1.to_owned()),
            KeyValue::new(COLUMNS.to_owned(), names),
        ]))
        .build())
}

fn file_rows(schema: &SchemaRef, files: &[Covered]) -> Result<RecordBatch, ParquetError> {
    let paths: StringArray = files.iter().map(|file| Some(file.path.as_str())).collect();
    let etags: StringArray = files.iter().map(|file| Some(file.etag.as_str())).collect();
    let bytes: Int64Array = files.iter().map(|file| Some(number(file.bytes))).collect();
    let groups: Int64Array = files.iter().map(|file| Some(number(file.row_groups))).collect();
    let columns: [ArrayRef; 4] = [Arc::new(paths), Arc::new(etags), Arc::new(bytes), Arc::new(groups)];
    let rest = schema.fields()[4..].iter().map(|field| new_null_array(field.data_type(), files.len()));
    Ok(RecordBatch::try_new(Arc::clone(schema), columns.into_iter().chain(rest).collect())?)
}

fn value_rows(
    schema: &SchemaRef,
    hashes: Vec<i64>,
    mut units: ListBuilder<Int32Builder>,
) -> Result<RecordBatch, ParquetError> {
    let first = schema.fields()[..4].iter().map(|field| new_null_array(field.data_type(), hashes.len()));
    let last: [ArrayRef; 2] = [Arc::new(Int64Array::from(hashes.clone())), Arc::new(units.finish())];
    Ok(RecordBatch::try_new(Arc::clone(schema), first.chain(last).collect())?)
}

/// A segment whose files are known.
#[derive(Debug)]
pub(super) struct OpenSegment {
    pub(super) meta: ObjectMeta,
    pub(super) files: Vec<Covered>,
    /// The columns whose values are in it.
    pub(super) columns: Vec<String>,
    object: OpenObject,
}

impl OpenSegment {
    /// Reads the footer and the files.
    ///
    /// # Errors
    /// When it cannot be read, is gone, or is no segment.
    pub(super) async fn open(store: &Arc<dyn ObjectStore>, meta: &ObjectMeta) -> Result<Self, EngineError> {
        let failed = |error| EngineError::from(FileFault::decoding(meta.location.as_ref(), error));
        let object = OpenObject::open(store, &PinnedFile::new(meta.clone())).await.map_err(failed)?;
        let notes = object.footer().file_metadata().key_value_metadata();
        let note = |key: &str| notes?.iter().find(|note| note.key == key)?.value.clone();
        let columns = note(COLUMNS).and_then(|names| serde_json::from_str(&names).ok());
        let is_one = note(FORM.0).as_deref() == Some(FORM.1) && object.schema().fields() == schema().fields();
        let Some(columns) = columns.filter(|_| is_one && object.footer().num_row_groups() > 0) else {
            let why = "it is no segment of an index that this version reads; remove it and run auditlake compact";
            return Err(EngineError::Input { path: meta.location.to_string(), why: why.to_owned() });
        };
        let names: Vec<String> = schema().fields()[..4].iter().map(|field| field.name().clone()).collect();
        let rows = object.read(&names, 0).await.map_err(failed)?;
        let text = |at: usize| rows.column(at).as_string::<i32>();
        let count = |at: usize, row: usize| rows.column(at).as_primitive::<Int64Type>().value(row).unsigned_abs();
        let files = (0..rows.num_rows()).map(|row| Covered {
            path: text(0).value(row).to_owned(),
            etag: text(1).value(row).to_owned(),
            bytes: count(2, row),
            row_groups: usize::try_from(count(3, row)).unwrap_or(usize::MAX),
        });
        Ok(Self { meta: meta.clone(), files: files.collect(), columns, object })
    }

    /// The units that hold each of some values, given by their hashes in ascending order.
    ///
    /// # Errors
    /// When it cannot be read, or is gone.
    pub(super) async fn units_of(&self, hashes: &[u64]) -> Result<BTreeMap<u64, Vec<u64>>, EngineError> {
        let mut found = BTreeMap::new();
        for group in 1..self.object.footer().num_row_groups() {
            let (first, last) = self.bounds(group).unwrap_or((0, u64::MAX));
            let from = hashes.partition_point(|hash| *hash < first);
            let wanted = &hashes[from..hashes.partition_point(|hash| *hash <= last)];
            if !wanted.is_empty() {
                found.extend(self.values(group, |hash| wanted.binary_search(&hash).is_ok()).await?);
            }
        }
        Ok(found)
    }

    /// Each of its files with the values that it holds.
    ///
    /// # Errors
    /// As [`Self::units_of`].
    pub(super) async fn into_values(self) -> Result<Vec<FileValues>, EngineError> {
        let mut units: Vec<Vec<u64>> = vec![Vec::new(); self.files.iter().map(|file| file.row_groups).sum()];
        for group in 1..self.object.footer().num_row_groups() {
            for (hash, of) in self.values(group, |_| true).await? {
                for unit in of {
                    let held = usize::try_from(unit).ok().and_then(|unit| units.get_mut(unit));
                    held.ok_or_else(|| self.broken("a unit is beyond its files"))?.push(hash);
                }
            }
        }
        let mut units = units.into_iter();
        let of_file = |file: Covered| FileValues { groups: units.by_ref().take(file.row_groups).collect(), file };
        Ok(self.files.into_iter().map(of_file).collect())
    }

    fn broken(&self, why: &str) -> EngineError {
        let why = format!("{why}; remove it and run auditlake compact, which writes it anew");
        EngineError::Input { path: self.meta.location.to_string(), why }
    }

    /// The lowest and the highest hash of a row group.
    fn bounds(&self, group: usize) -> Option<(u64, u64)> {
        let place = self.object.schema().index_of("hash").ok()?;
        match self.object.footer().row_group(group).column(place).statistics()? {
            Statistics::Int64(bounds) => Some((bounds.min_opt()?.unsigned_abs(), bounds.max_opt()?.unsigned_abs())),
            _ => None,
        }
    }

    /// Some values of a row group with their units.
    async fn values(&self, group: usize, wanted: impl Fn(u64) -> bool) -> Result<Vec<(u64, Vec<u64>)>, EngineError> {
        let read = self.object.read(&["hash".to_owned(), "units".to_owned()], group).await;
        let rows = read.map_err(|error| EngineError::from(FileFault::decoding(self.meta.location.as_ref(), error)))?;
        let hashes = rows.column(0).as_primitive::<Int64Type>();
        let lists = rows.column(1).as_list::<i32>();
        let values = hashes.values().iter().map(|hash| hash.unsigned_abs()).enumerate();
        let wanted = values.filter(|(_, hash)| wanted(*hash)).map(|(row, hash)| {
            let steps = lists.value(row);
            let mut at = 0;
            let units = steps.as_primitive::<Int32Type>().values().iter().map(|step| {
                at += u64::from(step.unsigned_abs());
                at
            });
            (hash, units.collect())
        });
        Ok(wanted.collect())
    }
}
