//! Sorted new rows against sorted rows that are there: each key stays once.
//!
//! Both sides are streams, so memory does not follow the size of a day. Only keys and record hashes of the
//! existing rows are read; whole rows only where a key repeats with another hash.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use chrono::{DateTime, NaiveDate};
use datafusion::common::ScalarValue;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, col, lit};
use futures::StreamExt;
use schemas::Dataset;

use super::IngestCounts;
use super::columns::{Columns, OFFSET, SOURCE};
use super::plan::Plan;
use super::same::same_content;
use super::sort::ascending;
use super::write::FileSeries;
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::lake_session::{LakeSession, stream_error};
use crate::table::PinnedTable;

/// Key conflicts looked up at a time.
const LOOKED_UP: usize = 64;

/// Tenants and days that new rows fall into; complete once the sort hands out its first row.
pub(crate) type Touched = Arc<Mutex<HashSet<(String, Option<NaiveDate>)>>>;

/// A new row whose key is taken by a row with other content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Conflict {
    pub(crate) source: usize,
    pub(crate) offset: u64,
    pub(crate) tenant: String,
}

/// What the merge made of the new rows.
#[derive(Debug)]
pub(crate) struct Merged {
    /// Per input object: rows and duplicates.
    pub(crate) counts: Vec<IngestCounts>,
    pub(crate) conflicts: BTreeSet<Conflict>,
}

/// Key columns of a dataset, in the order of its files.
pub(crate) fn key_columns(dataset: &Dataset) -> Vec<&'static str> {
    let mut key = vec![dataset.schema.tenant];
    key.extend(dataset.schema.sort.iter().filter(|name| **name != dataset.schema.tenant));
    key
}

/// The UTC day of a time in microseconds.
pub(crate) fn day(micros: i64) -> Option<NaiveDate> {
    DateTime::from_timestamp_micros(micros).map(|at| at.date_naive())
}

pub(crate) struct Merge<'a> {
    pub(crate) session: &'a LakeSession,
    pub(crate) dataset: &'a Dataset,
    pub(crate) plan: &'a Plan,
    pub(crate) columns: &'a Columns,
    pub(crate) touched: Touched,
}

impl Merge<'_> {
    /// Consumes `new`, writes what stays, and says what became of the rest.
    pub(crate) async fn run(
        &self,
        mut new: SendableRecordBatchStream,
        files: &mut FileSeries<'_>,
    ) -> Result<Merged, EngineError> {
        let counts = vec![IngestCounts::default(); self.plan.inputs.len()];
        let mut merged = Merged { counts, conflicts: BTreeSet::new() };
        let mut keys = Keys::new(self.dataset)?;
        let mut existing = None;
        let mut first = First::Nothing;
        let mut unclear: Vec<RecordBatch> = Vec::new();
        while let Some(batch) = new.next().await {
            let batch = Arc::new(batch.map_err(ingest_error)?);
            let origin = Origins::of(&batch)?;
            if existing.is_none() {
                existing = Some(self.existing().await?);
            }
            let rows = keys.of(&batch)?;
            let mut keep = vec![false; batch.num_rows()];
            for (row, keep) in keep.iter_mut().enumerate() {
                let key = rows.row(row);
                if first.key() != Some(key.as_ref()) {
                    let there = match existing.as_mut() {
                        Some(existing) => existing.find(&mut keys, key.as_ref()).await?,
                        None => None,
                    };
                    if let Some(hash) = there {
                        first = First::Existing(key.owned(), hash);
                    } else {
                        *keep = true;
                        first = First::New(key.owned(), Arc::clone(&batch), row);
                        continue;
                    }
                }
                match first.compare(&batch, row) {
                    Verdict::Same => merged.counts[origin.source(row)].duplicates += 1,
                    Verdict::Other => merged.conflict(&batch, row, self.dataset)?,
                    Verdict::Unclear => unclear.push(batch.slice(row, 1)),
                }
            }
            if unclear.len() >= LOOKED_UP {
                self.look_up(std::mem::take(&mut unclear), &mut keys, &mut merged).await?;
            }
            self.write(&batch, keep, files, &mut merged).await?;
        }
        self.look_up(unclear, &mut keys, &mut merged).await?;
        Ok(merged)
    }

    async fn write(
        &self,
        batch: &RecordBatch,
        keep: Vec<bool>,
        files: &mut FileSeries<'_>,
        merged: &mut Merged,
    ) -> Result<(), EngineError> {
        let kept = filter_record_batch(batch, &BooleanArray::from(keep)).map_err(|error| bug(&error))?;
        let origin = Origins::of(&kept)?;
        for row in 0..kept.num_rows() {
            merged.counts[origin.source(row)].rows += 1;
        }
        let visible: Vec<usize> = (0..self.columns.file().fields().len()).collect();
        let rows = kept.project(&visible).map_err(|error| bug(&error))?;
        files.write_into(self.dataset, &rows).await?;
        Ok(())
    }

    /// The keys of rows that are there, in order, from the folders that new rows fall into.
    async fn existing(&self) -> Result<Existing, EngineError> {
        let files = self.existing_files();
        if files.is_empty() {
            return Ok(Existing::default());
        }
        let mut names = key_columns(self.dataset);
        if self.dataset.schema.column("raw_hash").is_some() {
            names.push("raw_hash");
        }
        let order: Vec<_> = key_columns(self.dataset).into_iter().map(ascending).collect();
        let plan = LogicalPlanBuilder::scan("existing", provider_as_source(self.table(files)), None)
            .and_then(|scan| scan.project(names.iter().map(|name| col(*name))))
            .and_then(|rows| rows.sort(order))
            .and_then(LogicalPlanBuilder::build)
            .map_err(|source| EngineError::sql("planned", source))?;
        Ok(Existing { stream: Some(self.session.stream(&plan).await?), batch: None })
    }

    fn existing_files(&self) -> Vec<PinnedFile> {
        let touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        self.plan
            .existing
            .iter()
            .map(super::plan::ExistingFile::pinned)
            .filter(|file| match &file.tenant {
                Some(tenant) => touched.contains(&(tenant.clone(), file.date)),
                None => true,
            })
            .collect()
    }

    fn table(&self, files: Vec<PinnedFile>) -> Arc<PinnedTable> {
        self.session.pin(&files);
        let schema = self.dataset.schema.arrow();
        // What folders say was asked already, and is not checked here: rows are compared by their own values, and a plan
        // that was written down must not depend on a file that somebody is about to put right.
        Arc::new(PinnedTable::new(self.session.lake(), &schema, files))
    }

    /// Decides about rows whose key is taken by an existing row with another record hash.
    async fn look_up(
        &self,
        unclear: Vec<RecordBatch>,
        keys: &mut Keys,
        merged: &mut Merged,
    ) -> Result<(), EngineError> {
        for some in unclear.chunks(LOOKED_UP) {
            let wanted = some.iter().map(|row| self.key_is(row)).collect::<Result<Vec<_>, _>>()?;
            let Some(wanted) = wanted.into_iter().reduce(Expr::or) else { continue };
            let order: Vec<_> = key_columns(self.dataset).into_iter().map(ascending).collect();
            let plan =
                LogicalPlanBuilder::scan("existing", provider_as_source(self.table(self.existing_files())), None)
                    .and_then(|scan| scan.filter(wanted))
                    .and_then(|rows| rows.sort(order))
                    .and_then(LogicalPlanBuilder::build)
                    .map_err(|source| EngineError::sql("planned", source))?;
            let mut there = Vec::new();
            for batch in self.session.collect(&plan).await? {
                let batch = without_views(&batch)?;
                let rows = keys.of(&batch)?;
                there.extend((0..batch.num_rows()).map(|row| (rows.row(row).owned(), batch.slice(row, 1))));
            }
            for row in some {
                let key = keys.of(row)?.row(0).owned();
                let found = there.iter().find(|(other, _)| *other == key);
                if found.is_some_and(|(_, old)| same_content((row, 0), (old, 0))) {
                    merged.counts[Origins::of(row)?.source(0)].duplicates += 1;
                } else {
                    merged.conflict(row, 0, self.dataset)?;
                }
            }
        }
        Ok(())
    }

    fn key_is(&self, row: &RecordBatch) -> Result<Expr, EngineError> {
        let equal = key_columns(self.dataset).into_iter().filter_map(|name| {
            let column = row.column_by_name(name)?;
            let value = ScalarValue::try_from_array(column, 0);
            Some(value.map(|value| col(name).eq(lit(value))))
        });
        let equal = equal.collect::<Result<Vec<Expr>, _>>().map_err(|source| EngineError::sql("planned", source))?;
        equal.into_iter().reduce(Expr::and).ok_or_else(|| EngineError::Bug { what: "a key without columns".to_owned() })
    }
}

/// The folders that rows belong to: their tenant, and their day where the dataset has days.
pub(crate) struct Places<'a> {
    tenant: Option<&'a StringArray>,
    time: Option<&'a TimestampMicrosecondArray>,
}

impl<'a> Places<'a> {
    pub(crate) fn of(dataset: &Dataset, batch: &'a RecordBatch) -> Self {
        if !dataset.schema.partitioned {
            return Self { tenant: None, time: None };
        }
        let tenant = batch.column_by_name(dataset.schema.tenant).map(|column| column.as_string::<i32>());
        let time = dataset.schema.time.and_then(|name| batch.column_by_name(name));
        Self { tenant, time: time.map(|column| column.as_primitive::<TimestampMicrosecondType>()) }
    }

    pub(crate) fn of_row(&self, row: usize) -> (&'a str, Option<NaiveDate>) {
        let tenant = self.tenant.map(|tenants| tenants.value(row));
        (tenant.unwrap_or_default(), self.time.and_then(|times| day(times.value(row))))
    }
}

/// Where the rows of a batch come from.
struct Origins<'a> {
    sources: &'a Int32Array,
    offsets: &'a Int64Array,
}

impl<'a> Origins<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, EngineError> {
        let column = |name: &str| {
            let lost = || EngineError::Bug { what: format!("a row lost its {name}") };
            batch.column_by_name(name).ok_or_else(lost)
        };
        Ok(Self { sources: column(SOURCE)?.as_primitive(), offsets: column(OFFSET)?.as_primitive() })
    }

    fn source(&self, row: usize) -> usize {
        usize::try_from(self.sources.value(row)).unwrap_or_default()
    }

    fn offset(&self, row: usize) -> u64 {
        u64::try_from(self.offsets.value(row)).unwrap_or_default()
    }
}

impl Merged {
    fn conflict(&mut self, batch: &RecordBatch, row: usize, dataset: &Dataset) -> Result<(), EngineError> {
        let origin = Origins::of(batch)?;
        let tenant = batch.column_by_name(dataset.schema.tenant).map(|column| column.as_string::<i32>().value(row));
        self.conflicts.insert(Conflict {
            source: origin.source(row),
            offset: origin.offset(row),
            tenant: tenant.unwrap_or_default().to_owned(),
        });
        Ok(())
    }
}

/// The row that holds a key.
enum First {
    Nothing,
    New(OwnedRow, Arc<RecordBatch>, usize),
    Existing(OwnedRow, Option<Vec<u8>>),
}

enum Verdict {
    Same,
    Other,
    Unclear,
}

impl First {
    fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Nothing => None,
            Self::New(key, ..) | Self::Existing(key, _) => Some(key.as_ref()),
        }
    }

    fn compare(&self, batch: &RecordBatch, row: usize) -> Verdict {
        let hash = hash(batch, row);
        match self {
            Self::Existing(_, there) if there.is_some() && *there == hash => Verdict::Same,
            Self::Existing(..) | Self::Nothing => Verdict::Unclear,
            Self::New(_, first, at) if same_content((first.as_ref(), *at), (batch, row)) => Verdict::Same,
            Self::New(..) => Verdict::Other,
        }
    }
}

fn hash(batch: &RecordBatch, row: usize) -> Option<Vec<u8>> {
    let hashes = batch.column_by_name("raw_hash")?.as_fixed_size_binary_opt()?;
    hashes.is_valid(row).then(|| hashes.value(row).to_vec())
}

/// Keys as comparable bytes.
struct Keys {
    names: Vec<&'static str>,
    converter: RowConverter,
}

impl Keys {
    fn new(dataset: &Dataset) -> Result<Self, EngineError> {
        let names = key_columns(dataset);
        let fields = names.iter().filter_map(|name| dataset.schema.column(name));
        let fields = fields.map(|column| SortField::new(column.kind.arrow())).collect();
        Ok(Self { names, converter: RowConverter::new(fields).map_err(|error| bug(&error))? })
    }

    fn of(&mut self, batch: &RecordBatch) -> Result<Rows, EngineError> {
        let columns: Vec<ArrayRef> = self.names.iter().filter_map(|name| batch.column_by_name(name).cloned()).collect();
        self.converter.convert_columns(&columns).map_err(|error| bug(&error))
    }
}

/// Rows that are there, in the order of their keys.
#[derive(Default)]
struct Existing {
    stream: Option<SendableRecordBatchStream>,
    batch: Option<(RecordBatch, Rows, usize)>,
}

impl Existing {
    /// Moves up to `key`; the record hash of the row that has it, when there is one.
    async fn find(&mut self, keys: &mut Keys, key: &[u8]) -> Result<Option<Option<Vec<u8>>>, EngineError> {
        loop {
            if let Some((batch, rows, at)) = &mut self.batch {
                while *at < rows.num_rows() && rows.row(*at).as_ref() < key {
                    *at += 1;
                }
                if *at < rows.num_rows() {
                    return Ok((rows.row(*at).as_ref() == key).then(|| hash(batch, *at)));
                }
            }
            self.batch = None;
            let Some(stream) = &mut self.stream else { return Ok(None) };
            let Some(batch) = stream.next().await else {
                self.stream = None;
                return Ok(None);
            };
            let batch = without_views(&batch.map_err(stream_error)?)?;
            let rows = keys.of(&batch)?;
            self.batch = Some((batch, rows, 0));
        }
    }
}

/// Text as it stands in files, so that rows read and rows to be written compare.
fn without_views(batch: &RecordBatch) -> Result<RecordBatch, EngineError> {
    use arrow::datatypes::{DataType, Field, Schema};
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let target = match field.data_type() {
            DataType::Utf8View => DataType::Utf8,
            DataType::BinaryView => DataType::Binary,
            other => other.clone(),
        };
        columns.push(arrow::compute::cast(column, &target).map_err(|error| bug(&error))?);
        fields.push(Field::new(field.name(), target, true));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| bug(&error))
}

/// An error that the reader handed into the sort comes back as what it was.
fn ingest_error(source: datafusion::error::DataFusionError) -> EngineError {
    match source {
        datafusion::error::DataFusionError::External(inner) => match inner.downcast::<EngineError>() {
            Ok(error) => *error,
            Err(inner) => stream_error(datafusion::error::DataFusionError::External(inner)),
        },
        other => stream_error(other),
    }
}

fn bug(error: &dyn std::error::Error) -> EngineError {
    EngineError::Bug { what: format!("rows cannot be compared ({error})") }
}
