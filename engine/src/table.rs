//! A dataset as a table: exactly the pinned files, pruned by what their folder names say, each checked as it is opened.
//!
//! Absent: `ListingTable`. It lists anew whenever it is asked and compares files by size and time only,
//! so two reads of one run could see different rows.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use chrono::NaiveDate;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, DFSchema, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use schemas::Dataset;

use crate::dataset::{PinnedFile, microseconds};
use crate::dataset_store::DatasetStore;
use crate::file_reader::CheckedReaders;
use crate::file_rules::FileRules;
use crate::subject_index::{Met, SubjectIndex};

/// Bytes that a row of a compressed file takes, about.
const ROW_BYTES: u64 = 32;
/// Columns that a search reads for each that it has a condition on, at least.
const COLUMNS_OF_A_SEARCH: usize = 4;

/// A table over pinned Parquet files.
#[derive(Debug)]
pub(crate) struct PinnedTable {
    store: DatasetStore,
    schema: SchemaRef,
    readers: Arc<CheckedReaders>,
    files: Vec<PinnedFile>,
    /// Of a dataset that has one.
    index: Option<SubjectIndex>,
    /// The dataset whose rows it has, each as it stands in its file; none of a table of records.
    dataset: Option<String>,
}

/// A file that a query reads.
#[derive(Debug)]
struct Scanned<'a> {
    file: &'a PinnedFile,
    /// Its row groups that are read; all of them where nothing is known.
    groups: Option<Vec<bool>>,
}

impl PinnedTable {
    /// A table of `schema` over `files` of `store`, whatever their folders say.
    pub(crate) fn new(store: &DatasetStore, schema: &Schema, files: Vec<PinnedFile>) -> Self {
        Self::obeying(FileRules::default(), store, schema, files)
    }

    /// The table of `schema` over the files of a dataset, whose folders count.
    pub(crate) fn of(dataset: &Dataset, store: &DatasetStore, schema: &Schema, files: Vec<PinnedFile>) -> Self {
        let index = SubjectIndex::of(dataset, &store.store);
        let id = Some(dataset.id.to_string());
        Self { index, dataset: id, ..Self::obeying(FileRules::of(dataset), store, schema, files) }
    }

    fn obeying(rules: FileRules, store: &DatasetStore, schema: &Schema, files: Vec<PinnedFile>) -> Self {
        let readers = Arc::new(CheckedReaders::new(store, rules));
        let schema = Arc::new(with_text_views(schema));
        Self { store: store.clone(), schema, readers, files, index: None, dataset: None }
    }

    /// The dataset whose rows it has; none of a table of records.
    pub(crate) fn dataset(&self) -> Option<&str> {
        self.dataset.as_deref()
    }

    /// The same table over some of its files.
    pub(crate) fn only(&self, files: Vec<PinnedFile>) -> Self {
        Self {
            store: self.store.clone(),
            schema: Arc::clone(&self.schema),
            readers: Arc::clone(&self.readers),
            files,
            index: self.index.clone(),
            dataset: self.dataset.clone(),
        }
    }

    /// The files a query with `filters` can meet.
    fn files_for(&self, state: &dyn Session, filters: &[Expr]) -> DataFusionResult<Vec<&PinnedFile>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else { return Ok(self.files.iter().collect()) };
        let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
        let predicate = state.create_physical_expr(filter, &schema)?;
        let built = PruningPredicateBuilder::new().with_file_schema(Arc::clone(&self.schema)).try_build(predicate);
        let keep = match built {
            Ok(predicate) => predicate.prune(&FolderStatistics { table: self })?,
            // A predicate that cannot be turned into bounds prunes nothing.
            Err(_) => vec![true; self.files.len()],
        };
        Ok(self.files.iter().zip(keep).filter_map(|(file, keep)| keep.then_some(file)).collect())
    }

    /// Those files of which the index does not say that no row meets the filters.
    async fn scanned<'a>(&self, filters: &[Expr], files: Vec<&'a PinnedFile>) -> Vec<Scanned<'a>> {
        let met = match &self.index {
            Some(index) if !files.is_empty() => index.met(filters, &files).await,
            _ => None,
        };
        let met = met.unwrap_or_else(|| vec![Met::Unknown; files.len()]);
        let scanned = files.into_iter().zip(met).filter_map(|(file, met)| match met {
            Met::Unknown => Some(Scanned { file, groups: None }),
            Met::Groups(groups) if groups.contains(&true) => Some(Scanned { file, groups: Some(groups) }),
            Met::Groups(_) => None,
        });
        scanned.collect()
    }
}

/// Text columns as views: the fast path of DataFusion's filters and groupings.
pub(crate) fn with_text_views(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Arc::new(Field::new(field.name(), DataType::Utf8View, field.is_nullable())),
        DataType::Binary => Arc::new(Field::new(field.name(), DataType::BinaryView, field.is_nullable())),
        _ => Arc::clone(field),
    });
    Schema::new(fields.collect::<Vec<_>>())
}

#[async_trait]
impl TableProvider for PinnedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        // Folder names and statistics rule files and pages out; they never decide about a row.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let files = self.scanned(filters, self.files_for(state, filters)?).await;
        if files.is_empty() {
            let schema = match projection {
                Some(columns) => Arc::new(self.schema.project(columns)?),
                None => Arc::clone(&self.schema),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let mut options = state.default_table_options().parquet;
        let looks_first = options.global.pushdown_filters
            || is_search(filters, projection.map_or(self.schema.fields().len(), Vec::len));
        options.global.pushdown_filters = looks_first;
        options.global.reorder_filters = looks_first;
        let footer = options.global.metadata_size_hint.unwrap_or_default();
        let mut source = ParquetSource::new(Arc::clone(&self.schema))
            .with_table_parquet_options(options)
            .with_metadata_size_hint(footer)
            .with_parquet_file_reader_factory(Arc::clone(&self.readers) as _)
            .with_bloom_filter_on_read(true)
            .with_enable_page_index(true);
        // A scan that looks first is given its conditions by the filter above it; twice, they would be evaluated twice.
        if let Some(filter) = conjunction(filters.iter().cloned()).filter(|_| !looks_first) {
            let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
            source = source.with_predicate(state.create_physical_expr(filter, &schema)?);
        }
        let config = FileScanConfigBuilder::new(self.store.url.clone(), Arc::new(source))
            .with_file_groups(groups(&files, state.config().target_partitions()))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_statistics(estimate(&files, &self.schema))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Whether a scan wants much of the rows that its conditions leave: then it pays to read the columns of the conditions
/// first, and the others of those rows. Where columns are few, it costs more than it saves.
fn is_search(filters: &[Expr], columns: usize) -> bool {
    let named: HashSet<&Column> = filters.iter().flat_map(Expr::column_refs).collect();
    !named.is_empty() && columns > named.len() * COLUMNS_OF_A_SEARCH
}

/// How much there is to read, from the listing alone: enough to tell the small side of a join from the big one, which
/// would not fit into memory. Never exact, so no query is answered from it.
fn estimate(files: &[Scanned<'_>], schema: &Schema) -> Statistics {
    let bytes: u64 = files.iter().map(Scanned::bytes).sum();
    let rows = usize::try_from(bytes / ROW_BYTES).unwrap_or(usize::MAX).max(files.len());
    Statistics { num_rows: Precision::Inexact(rows), ..Statistics::new_unknown(schema) }
}

impl Scanned<'_> {
    /// Bytes that are read of it, about.
    fn bytes(&self) -> u64 {
        let Some(groups) = &self.groups else { return self.file.meta.size };
        let read = groups.iter().filter(|read| **read).count() as u64;
        self.file.meta.size * read / (groups.len() as u64).max(1)
    }

    fn part(&self) -> PartitionedFile {
        let part = PartitionedFile::from(self.file.meta.clone());
        let Some(groups) = self.groups.as_ref().filter(|groups| groups.contains(&false)) else { return part };
        let access = |read: &bool| if *read { RowGroupAccess::Scan } else { RowGroupAccess::Skip };
        part.with_extension(ParquetAccessPlan::new(groups.iter().map(access).collect()))
    }
}

/// Deals files out so that each partition reads about as many bytes.
fn groups(files: &[Scanned<'_>], partitions: usize) -> Vec<FileGroup> {
    let mut groups = vec![(0, Vec::new()); partitions.clamp(1, files.len().max(1))];
    for scanned in files {
        if let Some((bytes, group)) = groups.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            *bytes += scanned.bytes();
            group.push(scanned.part());
        }
    }
    groups.into_iter().map(|(_, files)| FileGroup::new(files)).collect()
}

/// What the folder names say about the rows of each file.
struct FolderStatistics<'a> {
    table: &'a PinnedTable,
}

impl FolderStatistics<'_> {
    fn bounds(&self, column: &Column, day: fn(NaiveDate) -> Option<i64>) -> Option<ArrayRef> {
        let files = &self.table.files;
        if self.table.readers.rules.tenant.as_deref() == Some(column.name()) {
            let tenants: StringArray = files.iter().map(|file| file.tenant.as_deref()).collect();
            return arrow::compute::cast(&tenants, &DataType::Utf8View).ok();
        }
        if self.table.readers.rules.time.as_deref() == Some(column.name()) {
            let times: TimestampMicrosecondArray = files.iter().map(|file| file.date.and_then(day)).collect();
            return Some(Arc::new(times.with_timezone("UTC")));
        }
        None
    }
}

fn first_microsecond(day: NaiveDate) -> Option<i64> {
    microseconds(day).map(|(first, _)| first)
}

fn last_microsecond(day: NaiveDate) -> Option<i64> {
    microseconds(day).map(|(_, last)| last)
}

impl PruningStatistics for FolderStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, first_microsecond)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, last_microsecond)
    }

    fn num_containers(&self) -> usize {
        self.table.files.len()
    }

    fn null_counts(&self, _: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        None
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
