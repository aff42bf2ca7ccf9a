//! The only place that makes a session: instant in, planning and running out.
//!
//! A session sees the lake's datasets as schema `public` and our own records as schema `auditlake`.
//! It lists a dataset when a statement first names it, pins what it found, and reads exactly that for as
//! long as it lives. Absent: statements that write, settings, URL tables, any other object store.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider, TableProvider,
};
use datafusion::common::alias::AliasGenerator;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionState;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{collect, execute_stream};
use datafusion::prelude::{SQLOptions, SessionConfig};
use datafusion::sql::parser::Statement;
use object_store::ObjectStore;
use schemas::Dataset;
use tokio::sync::OnceCell;

use crate::catalog::{LakeCatalog, SystemTables};
use crate::dataset::{PinnedFile, list_files};
use crate::error::EngineError;
use crate::statement;
use crate::store::PinnedStore;
use crate::table::lake_url;

/// What the sort of an ingest holds before it spills.
const INGEST_SORT_BYTES: usize = 128 << 20;
/// Rows at a time in an ingest: its merge holds some batches of every spilled run.
const INGEST_BATCH_ROWS: usize = 2_048;

/// How much a process may use.
#[derive(Debug, Clone)]
pub struct Resources {
    /// Memory of all queries together, bytes; sorts and joins above it go to the spill folder.
    pub memory_bytes: usize,
    /// Threads a query runs on.
    pub partitions: usize,
    /// Private folder for what does not fit into memory; the system's temporary folder when absent.
    pub spill: Option<PathBuf>,
}

impl Default for Resources {
    fn default() -> Self {
        Self { memory_bytes: 512 << 20, partitions: 2, spill: None }
    }
}

/// Makes sessions over one lake.
#[derive(Debug)]
pub struct SessionFactory {
    store: Arc<dyn ObjectStore>,
    datasets: Vec<Dataset>,
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
        let pool = FairSpillPool::new(resources.memory_bytes);
        Self {
            store,
            datasets,
            records,
            partitions: resources.partitions,
            pool: Arc::new(TrackConsumersPool::new(pool, consumers_named_in_errors)),
            spill: resources.spill,
        }
    }

    /// A session in which SQL's `now()` is `instant`.
    ///
    /// # Errors
    /// When the spill folder cannot be made.
    pub fn session(&self, instant: DateTime<Utc>) -> Result<LakeSession, EngineError> {
        self.session_within(instant, Arc::clone(&self.pool), self.config())
    }

    /// A session whose sorts spill early, so that an ingest takes as much memory for a day as for a year.
    pub(crate) fn spilling_session(&self, instant: DateTime<Utc>) -> Result<LakeSession, EngineError> {
        let config = self.config().with_batch_size(INGEST_BATCH_ROWS);
        self.session_within(instant, Arc::new(FairSpillPool::new(INGEST_SORT_BYTES)), config)
    }

    fn session_within(
        &self,
        instant: DateTime<Utc>,
        pool: Arc<dyn MemoryPool>,
        config: SessionConfig,
    ) -> Result<LakeSession, EngineError> {
        let pinned = Arc::new(PinnedStore::new(Arc::clone(&self.store)));
        let runtime = self.runtime(pool)?;
        runtime.register_object_store(lake_url().as_ref(), Arc::clone(&pinned) as Arc<dyn ObjectStore>);
        let files = Arc::new(DatasetFiles::new(Arc::clone(&self.store), Arc::clone(&pinned), &self.datasets));
        let catalog = LakeCatalog::new(Arc::clone(&files), Arc::clone(&self.records));
        let mut state =
            SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features().build();
        state.catalog_list().register_catalog("lake".to_owned(), Arc::new(catalog));
        crate::zoned::label_times(&mut state).map_err(|source| EngineError::sql("prepared", source))?;
        // DataFusion would stamp the wall clock.
        state.execution_props_mut().query_execution_start_time = Some(instant);
        Ok(LakeSession { state, files, pinned })
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

/// The files of each dataset, listed once per session.
#[derive(Debug)]
pub(crate) struct DatasetFiles {
    store: Arc<dyn ObjectStore>,
    pinned: Arc<PinnedStore>,
    by_name: HashMap<String, (Dataset, OnceCell<Vec<PinnedFile>>)>,
}

impl DatasetFiles {
    fn new(store: Arc<dyn ObjectStore>, pinned: Arc<PinnedStore>, datasets: &[Dataset]) -> Self {
        let by_name =
            datasets.iter().map(|dataset| (dataset.id.to_string(), (dataset.clone(), OnceCell::new()))).collect();
        Self { store, pinned, by_name }
    }

    /// Names of the datasets, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.by_name.keys().cloned().collect();
        names.sort();
        names
    }

    /// The dataset and its files; they are listed and pinned by the first who asks.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<(&Dataset, &[PinnedFile])>, EngineError> {
        let Some((dataset, cell)) = self.by_name.get(name) else { return Ok(None) };
        let files = cell
            .get_or_try_init(|| async {
                let files = list_files(self.store.as_ref(), dataset).await?;
                self.pin(&files);
                Ok::<_, EngineError>(files)
            })
            .await?;
        Ok(Some((dataset, files)))
    }

    /// Lets the session read these files.
    pub(crate) fn pin(&self, files: &[PinnedFile]) {
        for file in files {
            self.pinned.pin(&file.meta.location, file.meta.e_tag.clone());
        }
    }
}

/// One session: plans and runs reading statements over pinned files at one instant.
#[derive(Debug)]
pub struct LakeSession {
    state: SessionState,
    files: Arc<DatasetFiles>,
    pinned: Arc<PinnedStore>,
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
        let physical =
            self.state.create_physical_plan(plan).await.map_err(|source| EngineError::sql("planned", source))?;
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
        Ok(self.files.get(dataset).await?.map(|(_, files)| files))
    }

    /// The declaration of a dataset.
    pub fn dataset(&self, name: &str) -> Option<&Dataset> {
        self.files.by_name.get(name).map(|(dataset, _)| dataset)
    }

    /// A session like this one that sees nothing but the table `input`.
    pub(crate) fn over_input(&self, input: Arc<dyn TableProvider>) -> Result<Self, EngineError> {
        let catalog = MemoryCatalogProvider::new();
        let schema = MemorySchemaProvider::new();
        let made = schema
            .register_table("input".to_owned(), input)
            .and_then(|_| catalog.register_schema("public", Arc::new(schema)));
        made.map_err(|source| EngineError::sql("prepared", source))?;
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog("lake".to_owned(), Arc::new(catalog));
        let instant = self.state.execution_props().query_execution_start_time;
        let mut state =
            SessionStateBuilder::new_from_existing(self.state.clone()).with_catalog_list(Arc::new(catalogs)).build();
        state.execution_props_mut().query_execution_start_time = instant;
        Ok(Self { state, files: Arc::clone(&self.files), pinned: Arc::clone(&self.pinned) })
    }

    /// Lets the session read these files, too.
    pub(crate) fn pin(&self, files: &[PinnedFile]) {
        self.files.pin(files);
    }

    /// The store of pinned files.
    pub(crate) fn pinned(&self) -> &Arc<PinnedStore> {
        &self.pinned
    }
}

/// Turns an error of a running stream into one of ours.
pub fn stream_error(source: datafusion::error::DataFusionError) -> EngineError {
    EngineError::sql("run", source)
}
