//! The only place that makes a session: instant in, planning and running out.
//!
//! A session sees the lake's datasets as schema `public` and our own records as schema `auditlake`.
//! It lists a dataset when a statement first names it, pins what it found, and reads exactly that for as
//! long as it lives. Absent: statements that write, settings, URL tables, any other object store.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider, TableProvider,
};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionState;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, GreedyMemoryPool, MemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;
use object_store::ObjectStore;
use schemas::{Dataset, DatasetId, HISTORY_ENDING, Limit, Tenants};

use crate::access::{AnswerKind, PolicyGuard, ScanMeter, ViewCatalog, Viewer, Yielding, bound};
use crate::catalog::{LakeCatalog, SystemTables};
use crate::compact_texts::CompactBeforeSorts;
use crate::dataset_files::{DatasetFiles, Narrowed};
use crate::dataset_store::Elsewhere;
use crate::distinct::WholeGroups;
use crate::error::EngineError;
use crate::ingest::PlannedInput;
use crate::lake_session::{LakeSession, Viewing};
use crate::resources::Resources;
use crate::subject::Persons;

/// What the sort of an ingest holds before it spills.
const INGEST_SORT_BYTES: usize = 128 << 20;
/// Rows at a time in an ingest: its merge holds some batches of every spilled run.
pub(crate) const INGEST_BATCH_ROWS: usize = 2_048;

/// Makes sessions over one lake.
#[derive(Debug, Clone)]
pub struct SessionFactory {
    store: Arc<dyn ObjectStore>,
    datasets: Vec<Dataset>,
    elsewhere: Elsewhere,
    records: Arc<dyn SystemTables>,
    partitions: usize,
    memory_bytes: usize,
    pool: Arc<dyn MemoryPool>,
    spill: Option<PathBuf>,
    /// Persons whose rows are left out.
    without: Option<Arc<Persons>>,
    /// A dataset of which only some files are seen.
    narrowed: Option<Narrowed>,
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
            memory_bytes: resources.memory_bytes,
            pool: Arc::new(TrackConsumersPool::new(pool, consumers_named_in_errors)),
            spill: resources.spill,
            without: None,
            narrowed: None,
        }
    }

    /// This factory with the stores of datasets that lie elsewhere.
    #[must_use]
    pub fn with_elsewhere(self, elsewhere: Elsewhere) -> Self {
        Self { elsewhere, ..self }
    }

    /// This factory for sessions in which no row names one of these persons, or may name them.
    #[must_use]
    pub fn without(&self, persons: Arc<Persons>) -> Self {
        Self { without: Some(persons), ..self.clone() }
    }

    /// This factory for sessions in which a dataset has these files and no others. One that is there no more, or has other
    /// bytes, is an error of whoever reads the dataset.
    #[must_use]
    pub fn narrowed(&self, dataset: &DatasetId, files: &[PlannedInput]) -> Self {
        Self { narrowed: Some(Narrowed::to(dataset, files)), ..self.clone() }
    }

    /// Whether rows of some persons are left out of its sessions.
    pub(crate) fn leaves_persons_out(&self) -> bool {
        self.without.is_some()
    }

    /// Whether a dataset has some of its files alone in its sessions.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.narrowed.is_some()
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
        let state = self.planner(instant, pool, config)?;
        let files = Arc::new(self.files(self.datasets.iter().cloned(), &state, None));
        let catalog = LakeCatalog::new(Arc::clone(&files), Arc::clone(&self.records), instant, self.without.as_ref());
        let state = with_catalog(&state, Arc::new(catalog));
        Ok(LakeSession { state, files, viewing: None })
    }

    /// A session in which `viewer` sees what `access.yaml` lets it see, and nothing else exists; `meter` counts what its
    /// scans read.
    ///
    /// # Errors
    /// When the spill folder cannot be made.
    pub fn session_as(
        &self,
        viewer: &Viewer,
        instant: DateTime<Utc>,
        kind: AnswerKind,
        meter: ScanMeter,
    ) -> Result<LakeSession, EngineError> {
        let principal = viewer.principal();
        let memory = usize::try_from(principal.limits.of(Limit::Memory)).unwrap_or(usize::MAX).min(self.memory_bytes);
        let config = match kind {
            AnswerKind::Statement => self.config(),
            AnswerKind::Export => self.config().with_target_partitions(1),
        };
        let mut planner = self.planner(instant, Arc::new(GreedyMemoryPool::new(memory)), config)?;
        bound(&mut planner).map_err(|source| EngineError::sql("prepared", source))?;
        let tenants = match &principal.tenants {
            Tenants::All => None,
            Tenants::Some(tenants) => Some(tenants),
        };
        let exists = |dataset: &&Dataset| {
            let id = dataset.id.as_str();
            principal.datasets.contains_key(id) || principal.datasets.contains_key(&format!("{id}{HISTORY_ENDING}"))
        };
        let files = Arc::new(self.files(self.datasets.iter().filter(exists).cloned(), &planner, tenants));
        let viewer = &match &self.without {
            Some(persons) => viewer.without(persons),
            None => viewer.clone(),
        };
        let catalog = ViewCatalog::new(viewer, &planner, Arc::clone(&files), Arc::clone(&self.records), instant);
        let owner = catalog.owner();
        let state = guarded(&planner, &owner);
        let state = with_catalog(&state, Arc::new(catalog));
        let viewing = Some(Viewing { viewer: viewer.clone(), guard: Arc::new(PolicyGuard::new(owner)), kind, meter });
        Ok(LakeSession { state, files, viewing })
    }

    /// A state that knows no table.
    fn planner(
        &self,
        instant: DateTime<Utc>,
        pool: Arc<dyn MemoryPool>,
        config: SessionConfig,
    ) -> Result<SessionState, EngineError> {
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
        Ok(state)
    }

    fn files(
        &self,
        datasets: impl Iterator<Item = Dataset>,
        planner: &SessionState,
        tenants: Option<&BTreeSet<String>>,
    ) -> DatasetFiles {
        DatasetFiles::new(&self.store, &self.elsewhere, datasets, planner, (tenants, self.narrowed.as_ref()))
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
    over_tables(state, tables, &[])
}

/// The same, and of our own records these.
pub(crate) fn over_tables(
    state: &SessionState,
    tables: &[Named<'_>],
    records: &[Named<'_>],
) -> Result<SessionState, EngineError> {
    let catalog = MemoryCatalogProvider::new();
    for (name, tables) in [("public", tables), ("auditlake", records)] {
        let schema = MemorySchemaProvider::new();
        let registered = tables
            .iter()
            .try_for_each(|(name, table)| schema.register_table((*name).to_owned(), Arc::clone(table)).map(drop));
        let made = registered.and_then(|()| catalog.register_schema(name, Arc::new(schema)));
        made.map_err(|source| EngineError::sql("prepared", source))?;
    }
    Ok(with_catalog(state, Arc::new(catalog)))
}

/// A state like `state` whose plans are checked, and that describes nothing but its catalog.
fn guarded(state: &SessionState, owner: &Arc<()>) -> SessionState {
    let guard: Arc<dyn AnalyzerRule + Send + Sync> = Arc::new(PolicyGuard::new(Arc::clone(owner)));
    let rules = std::iter::once(guard).chain(state.analyzer().rules.iter().cloned()).collect();
    let instant = state.execution_props().query_execution_start_time;
    let config = state.config().clone().with_information_schema(false);
    let mut state = SessionStateBuilder::new_from_existing(state.clone())
        .with_config(config)
        .with_analyzer_rules(rules)
        .with_physical_optimizer_rule(Arc::new(Yielding))
        .build();
    state.execution_props_mut().query_execution_start_time = instant;
    state
}
