//! The only place that makes a session: instant in, planning and running out.
//!
//! A session sees the lake's datasets as schema `public` and our own records as schema `auditlake`.
//! It lists a dataset when a statement first names it, pins what it found, and reads exactly that for as
//! long as it lives. Absent: statements that write, settings, URL tables, any other object store.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider, TableProvider,
};
use datafusion::common::TableReference;
use datafusion::common::alias::AliasGenerator;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionState;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, GreedyMemoryPool, MemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::{collect, execute_stream, execute_stream_partitioned};
use datafusion::prelude::{SQLOptions, SessionConfig};
use datafusion::sql::parser::Statement;
use object_store::ObjectStore;
use object_store::path::Path;
use schemas::Dataset;
use tokio::sync::OnceCell;

use crate::catalog::{LakeCatalog, SystemTables};
use crate::compact_texts::CompactBeforeSorts;
use crate::dataset::{PinnedFile, list_below};
use crate::dataset_store::{DatasetStore, Elsewhere};
use crate::dataset_table::{DatasetTable, dataset_table};
use crate::distinct::WholeGroups;
use crate::error::EngineError;
use crate::replace::files_in_force;
use crate::resources::Resources;
use crate::rows_read::RowsRead;
use crate::statement;
use crate::store::PinnedStore;

/// What the sort of an ingest holds before it spills.
const INGEST_SORT_BYTES: usize = 128 << 20;
/// Rows at a time in an ingest: its merge holds some batches of every spilled run.
pub(crate) const INGEST_BATCH_ROWS: usize = 2_048;

/// Makes sessions over one lake.
#[derive(Debug)]
pub struct SessionFactory {
    store: Arc<dyn ObjectStore>,
    datasets: Vec<Dataset>,
    elsewhere: Elsewhere,
    records: Arc<dyn SystemTables>,
    partitions: usize,
    pool: Arc<dyn MemoryPool>,
    spill: Option<PathBuf>,
}

impl SessionFactory {
    /// A factory over `store` for `datasets`; `records` answers for the schema `auditlake`.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        datasets: Vec<Dataset>,
        records: Arc<dyn SystemTables>,
        resources: Resources,
    ) -> Self {
        let consumers_named_in_errors = std::num::NonZeroUsize::MIN.saturating_add(4);
        // Not shared out in equal parts: most operators of a plan need next to nothing, and one or two need it all.
        let pool = GreedyMemoryPool::new(resources.memory_bytes);
        Self {
            store,
            datasets,
            elsewhere: Elsewhere::default(),
            records,
            partitions: resources.partitions,
            pool: Arc::new(TrackConsumersPool::new(pool, consumers_named_in_errors)),
            spill: resources.spill,
        }
    }

    /// This factory with the stores of datasets that lie elsewhere.
    #[must_use]
    pub fn with_elsewhere(self, elsewhere: Elsewhere) -> Self {
        Self { elsewhere, ..self }
    }

    /// A session in which SQL's `now()` is `instant`.
    ///
    /// # Errors
    /// When the spill folder cannot be made.
    pub fn session(&self, instant: DateTime<Utc>) -> Result<LakeSession, EngineError> {
        self.session_within(instant, Arc::clone(&self.pool), self.config())
    }

    /// A session whose sorts spill early, so that an ingest takes as much memory for a day as for a year. One sort at a
    /// time has all of it: of two that merge what they spilled, the first would take what the second cannot do without.
    pub(crate) fn spilling_session(&self, instant: DateTime<Utc>) -> Result<LakeSession, EngineError> {
        let config = self.config().with_batch_size(INGEST_BATCH_ROWS).with_target_partitions(1);
        self.session_within(instant, Arc::new(FairSpillPool::new(INGEST_SORT_BYTES)), config)
    }

    /// A session whose plans have one partition, so that the same rows come in the same order every time.
    ///
    /// # Errors
    /// When the spill folder cannot be made.
    pub fn ordered_session(&self, instant: DateTime<Utc>) -> Result<LakeSession, EngineError> {
        self.session_within(instant, Arc::clone(&self.pool), self.config().with_target_partitions(1))
    }

    fn session_within(
        &self,
        instant: DateTime<Utc>,
        pool: Arc<dyn MemoryPool>,
        config: SessionConfig,
    ) -> Result<LakeSession, EngineError> {
        let runtime = self.runtime(pool)?;
        let mut state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .with_physical_optimizer_rules(optimizer_rules())
            .build();
        crate::zoned::label_times(&mut state)
            .and_then(|()| crate::udf::register(&mut state))
            .map_err(|source| EngineError::sql("prepared", source))?;
        // DataFusion would stamp the wall clock.
        state.execution_props_mut().query_execution_start_time = Some(instant);
        let files = Arc::new(self.files(&state));
        let catalog = LakeCatalog::new(Arc::clone(&files), Arc::clone(&self.records), instant);
        let state = with_catalog(&state, Arc::new(catalog));
        Ok(LakeSession { state, files })
    }

    /// The datasets' files, none listed yet. Maps of datasets are planned by `planner`, which knows no table.
    fn files(&self, planner: &SessionState) -> DatasetFiles {
        let lake = DatasetStore::new("pinned", Arc::clone(&self.store));
        let mut by_name = HashMap::new();
        for dataset in &self.datasets {
            let (store, prefix) = match self.elsewhere.of(dataset) {
                Some((store, prefix)) => {
                    (DatasetStore::new(&format!("{}.elsewhere", dataset.id), Arc::clone(store)), prefix.clone())
                }
                None => (lake.clone(), Path::from(dataset.location.trim_end_matches('/'))),
            };
            let files =
                FilesOf { dataset: dataset.clone(), store, prefix, pinned: OnceCell::new(), table: OnceCell::new() };
            by_name.insert(dataset.id.to_string(), files);
        }
        let stores = std::iter::once(&lake).chain(by_name.values().map(|files| &files.store));
        for store in stores {
            let pinned = Arc::clone(&store.pinned) as Arc<dyn ObjectStore>;
            planner.runtime_env().register_object_store(store.url.as_ref(), pinned);
        }
        DatasetFiles { lake, planner: planner.clone(), by_name }
    }

    fn config(&self) -> SessionConfig {
        let mut config = SessionConfig::new()
            .with_target_partitions(self.partitions)
            .with_default_catalog_and_schema("lake", "public")
            .with_create_default_catalog_and_schema(false)
            .with_information_schema(true);
        let options = config.options_mut();
        options.execution.parquet.enable_page_index = true;
        options.execution.parquet.bloom_filter_on_read = true;
        options.execution.parquet.schema_force_view_types = true;
        options.execution.time_zone = Some("UTC".to_owned());
        config
    }

    fn runtime(&self, pool: Arc<dyn MemoryPool>) -> Result<Arc<RuntimeEnv>, EngineError> {
        let mode = match &self.spill {
            Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        RuntimeEnvBuilder::new()
            .with_memory_pool(pool)
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode))
            .build_arc()
            .map_err(|source| EngineError::sql("prepared", source))
    }
}

/// The rules of DataFusion between ours: the first says where rows go, and DataFusion's bring them there; the last
/// changes what no other needs to know.
fn optimizer_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let first: Arc<dyn PhysicalOptimizerRule + Send + Sync> = Arc::new(WholeGroups);
    let last: Arc<dyn PhysicalOptimizerRule + Send + Sync> = Arc::new(CompactBeforeSorts);
    std::iter::once(first).chain(PhysicalOptimizer::new().rules).chain([last]).collect()
}

/// A state like `state` that sees the tables of `catalog` and no others.
fn with_catalog(state: &SessionState, catalog: Arc<dyn CatalogProvider>) -> SessionState {
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog("lake".to_owned(), catalog);
    let instant = state.execution_props().query_execution_start_time;
    let mut state = SessionStateBuilder::new_from_existing(state.clone()).with_catalog_list(Arc::new(catalogs)).build();
    state.execution_props_mut().query_execution_start_time = instant;
    state
}

/// A table at hand, and the name it is seen by.
pub(crate) type Named<'a> = (&'a str, Arc<dyn TableProvider>);

/// A state like `state` that sees nothing but these tables.
pub(crate) fn over(state: &SessionState, tables: &[Named<'_>]) -> Result<SessionState, EngineError> {
    let catalog = MemoryCatalogProvider::new();
    let schema = MemorySchemaProvider::new();
    let registered = tables
        .iter()
        .try_for_each(|(name, table)| schema.register_table((*name).to_owned(), Arc::clone(table)).map(drop));
    let made = registered.and_then(|()| catalog.register_schema("public", Arc::new(schema)));
    made.map_err(|source| EngineError::sql("prepared", source))?;
    Ok(with_catalog(state, Arc::new(catalog)))
}

/// The files of each dataset, listed once per session.
#[derive(Debug)]
pub(crate) struct DatasetFiles {
    /// The lake's own store.
    pub(crate) lake: DatasetStore,
    planner: SessionState,
    by_name: HashMap<String, FilesOf>,
}

/// One dataset with its files and its table, found by the first who asks.
#[derive(Debug)]
struct FilesOf {
    dataset: Dataset,
    store: DatasetStore,
    prefix: Path,
    pinned: OnceCell<Vec<PinnedFile>>,
    table: OnceCell<DatasetTable>,
}

impl DatasetFiles {
    /// Names of the datasets, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.by_name.keys().cloned().collect();
        names.sort();
        names
    }

    /// The declaration of a dataset.
    pub(crate) fn declared(&self, name: &str) -> Option<&Dataset> {
        self.by_name.get(name).map(|of| &of.dataset)
    }

    /// The files of a dataset.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<&[PinnedFile]>, EngineError> {
        match self.by_name.get(name) {
            None => Ok(None),
            Some(of) => of.files().await.map(Some),
        }
    }

    /// The dataset as a table.
    pub(crate) async fn table(&self, name: &str) -> Result<Option<&DatasetTable>, EngineError> {
        let Some(of) = self.by_name.get(name) else { return Ok(None) };
        let made = of.table.get_or_try_init(|| async {
            dataset_table(&self.planner, &of.dataset, &of.store, of.files().await?).await
        });
        made.await.map(Some)
    }

    /// The store of a dataset; the lake's own for what is no dataset.
    pub(crate) fn store(&self, dataset: &str) -> &DatasetStore {
        self.by_name.get(dataset).map_or(&self.lake, |of| &of.store)
    }
}

impl FilesOf {
    async fn files(&self) -> Result<&[PinnedFile], EngineError> {
        let files = self.pinned.get_or_try_init(|| async {
            let store = &self.store.store;
            let files = match &self.dataset.elsewhere {
                Some(_) => list_below(store.as_ref(), &self.prefix).await?,
                None => files_in_force(store, self.dataset.id.as_str(), &self.prefix).await?,
            };
            self.store.pin(&files);
            Ok::<_, EngineError>(files)
        });
        files.await.map(Vec::as_slice)
    }
}

/// One session: plans and runs reading statements over pinned files at one instant.
#[derive(Debug)]
pub struct LakeSession {
    state: SessionState,
    pub(crate) files: Arc<DatasetFiles>,
}

impl LakeSession {
    /// Plans one reading statement.
    ///
    /// # Errors
    /// When it is not a reading statement, or does not plan.
    pub async fn plan(&self, sql: &str) -> Result<LogicalPlan, EngineError> {
        self.plan_statement(self.reading(sql)?).await
    }

    /// Parses the one reading statement that `sql` holds.
    pub(crate) fn reading(&self, sql: &str) -> Result<Statement, EngineError> {
        statement::reading(&self.state, sql)
    }

    /// Plans a parsed reading statement.
    pub(crate) async fn plan_statement(&self, statement: Statement) -> Result<LogicalPlan, EngineError> {
        let plan =
            self.state.statement_to_plan(statement).await.map_err(|source| EngineError::sql("planned", source))?;
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)
            .map_err(|source| EngineError::sql("planned", source))?;
        Ok(plan)
    }

    /// The plan as it will run.
    ///
    /// # Errors
    /// When the optimizer refuses it.
    pub fn optimized(&self, plan: &LogicalPlan) -> Result<LogicalPlan, EngineError> {
        let mut state = self.state.clone();
        // Names that the optimizer makes up are numbered per session; counted from one, they are the plan's own.
        state.execution_props_mut().alias_generator = Arc::new(AliasGenerator::new());
        state.optimize(plan).map_err(|source| EngineError::sql("planned", source))
    }

    /// Runs a plan and hands out its rows as they come.
    ///
    /// # Errors
    /// When the plan cannot be started; errors while it runs come through the stream.
    pub async fn stream(&self, plan: &LogicalPlan) -> Result<SendableRecordBatchStream, EngineError> {
        Ok(self.stream_counted(plan).await?.0)
    }

    /// As [`Self::stream`], and beside the rows a count of those read for them.
    ///
    /// # Errors
    /// As [`Self::stream`].
    pub async fn stream_counted(
        &self,
        plan: &LogicalPlan,
    ) -> Result<(SendableRecordBatchStream, RowsRead), EngineError> {
        let physical =
            self.state.create_physical_plan(plan).await.map_err(|source| EngineError::sql("planned", source))?;
        let read = RowsRead::of(&physical);
        let rows = execute_stream(physical, self.state.task_ctx()).map_err(|source| EngineError::sql("run", source))?;
        Ok((rows, read))
    }

    /// Runs a plan and hands out the rows of each of its partitions apart.
    ///
    /// # Errors
    /// As [`Self::stream`].
    pub(crate) async fn partitions(&self, plan: &LogicalPlan) -> Result<Vec<SendableRecordBatchStream>, EngineError> {
        let physical =
            self.state.create_physical_plan(plan).await.map_err(|source| EngineError::sql("planned", source))?;
        execute_stream_partitioned(physical, self.state.task_ctx()).map_err(|source| EngineError::sql("run", source))
    }

    /// Runs a plan that is optimised already, as it is.
    ///
    /// # Errors
    /// As [`Self::stream`].
    pub(crate) async fn stream_optimized(&self, plan: &LogicalPlan) -> Result<SendableRecordBatchStream, EngineError> {
        let physical = self.state.query_planner().create_physical_plan(plan, &self.state).await;
        let physical = physical.map_err(|source| EngineError::sql("planned", source))?;
        execute_stream(physical, self.state.task_ctx()).map_err(|source| EngineError::sql("run", source))
    }

    /// Runs a plan and returns all its rows.
    ///
    /// # Errors
    /// When the plan fails.
    pub async fn collect(&self, plan: &LogicalPlan) -> Result<Vec<RecordBatch>, EngineError> {
        let physical =
            self.state.create_physical_plan(plan).await.map_err(|source| EngineError::sql("planned", source))?;
        collect(physical, self.state.task_ctx()).await.map_err(|source| EngineError::sql("run", source))
    }

    /// Plans one reading statement and returns all its rows.
    ///
    /// # Errors
    /// As [`Self::plan`] and [`Self::collect`].
    pub async fn query(&self, sql: &str) -> Result<Vec<RecordBatch>, EngineError> {
        self.collect(&self.plan(sql).await?).await
    }

    /// The pinned files of a dataset; `None` when there is no such dataset.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn files(&self, dataset: &str) -> Result<Option<&[PinnedFile]>, EngineError> {
        self.files.get(dataset).await
    }

    /// The declaration of a dataset.
    pub fn dataset(&self, name: &str) -> Option<&Dataset> {
        self.files.declared(name)
    }

    /// Names of all tables as statements give them, sorted: datasets and histories, then our own records.
    pub fn table_names(&self) -> Vec<String> {
        let catalogs = self.state.catalog_list();
        let Some(lake) = catalogs.catalog("lake") else { return Vec::new() };
        let of = |schema: &str| lake.schema(schema).map(|schema| schema.table_names()).unwrap_or_default();
        let records = of("auditlake").into_iter().map(|name| format!("auditlake.{name}"));
        of("public").into_iter().chain(records).collect()
    }

    /// The columns of a table, named as in a statement; none where there is no such table.
    ///
    /// # Errors
    /// When its files cannot be listed, or do not fit together.
    pub async fn columns(&self, table: &str) -> Result<Option<SchemaRef>, EngineError> {
        let named = TableReference::parse_str(table);
        let Ok(schema) = self.state.schema_for_ref(named.clone()) else { return Ok(None) };
        let table = schema.table(named.table()).await.map_err(|source| EngineError::sql("planned", source))?;
        Ok(table.map(|table| table.schema()))
    }

    /// A session like this one that sees nothing but these tables.
    pub(crate) fn over(&self, tables: &[Named<'_>]) -> Result<Self, EngineError> {
        Ok(Self { state: over(&self.state, tables)?, files: Arc::clone(&self.files) })
    }

    /// A session like this one for statements that want few rows of many: a scan looks at the columns of its conditions
    /// first, and reads the others of the rows that remain.
    pub(crate) fn sparse(&self) -> Self {
        let mut config = self.state.config().clone();
        let parquet = &mut config.options_mut().execution.parquet;
        parquet.pushdown_filters = true;
        parquet.reorder_filters = true;
        let instant = self.state.execution_props().query_execution_start_time;
        let mut state = SessionStateBuilder::new_from_existing(self.state.clone()).with_config(config).build();
        state.execution_props_mut().query_execution_start_time = instant;
        Self { state, files: Arc::clone(&self.files) }
    }

    /// Memory that all statements share.
    pub(crate) fn memory_pool(&self) -> &Arc<dyn MemoryPool> {
        &self.state.runtime_env().memory_pool
    }

    /// A dataset as statements see it; none where there is none of that name.
    pub(crate) async fn table(&self, dataset: &str) -> Result<Option<Arc<dyn TableProvider>>, EngineError> {
        let failed = |source| EngineError::sql("planned", source);
        let schema = self.state.schema_for_ref(TableReference::bare(dataset)).map_err(failed)?;
        schema.table(dataset).await.map_err(failed)
    }

    /// The columns that the map of a dataset names; none where it has no map.
    pub(crate) async fn mapped_columns(&self, dataset: &str) -> Result<BTreeSet<String>, EngineError> {
        let table = self.files.table(dataset).await?;
        Ok(table.map(|table| table.mapped.iter().cloned().collect()).unwrap_or_default())
    }

    /// Lets the session read these files of the lake's store, too.
    pub(crate) fn pin(&self, files: &[PinnedFile]) {
        self.files.lake.pin(files);
    }

    /// The lake's own store.
    pub(crate) fn lake(&self) -> &DatasetStore {
        &self.files.lake
    }

    /// The store of a dataset's pinned files.
    pub(crate) fn pinned(&self, dataset: &str) -> &Arc<PinnedStore> {
        &self.files.store(dataset).pinned
    }
}

/// Turns an error of a running stream into one of ours.
pub fn stream_error(source: datafusion::error::DataFusionError) -> EngineError {
    EngineError::sql("run", source)
}
