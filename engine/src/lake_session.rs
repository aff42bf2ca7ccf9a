//! One session: plans and runs statements over what it pinned, for the lake or for one principal.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use chrono::DateTime;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::common::alias::AliasGenerator;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionState;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{collect, execute_stream, execute_stream_partitioned};
use datafusion::prelude::SQLOptions;
use datafusion::sql::parser::Statement;
use futures::{StreamExt, TryStreamExt};
use schemas::{Dataset, Interval};
use tokio::task::JoinSet;

use crate::access::{
    AnswerKind, Asked, PolicyGuard, ScanMeter, Viewer, asked, explained, is_small, redacted, redacted_stream,
    within_limits,
};
use crate::dataset::PinnedFile;
use crate::dataset_files::DatasetFiles;
use crate::dataset_store::DatasetStore;
use crate::error::EngineError;
use crate::export_plan::with_interval;
use crate::materialize::datasets_read;
use crate::rows_read::RowsRead;
use crate::session::{Named, over};
use crate::statement;
use crate::store::PinnedStore;

/// The stage at which a plan is made that can run. What goes wrong there may speak of what views are made of.
pub(crate) const OPTIMIZED: &str = "optimized";

/// Who a session is for.
#[derive(Debug, Clone)]
pub(crate) struct Viewing {
    pub(crate) viewer: Viewer,
    pub(crate) guard: Arc<PolicyGuard>,
    pub(crate) kind: AnswerKind,
    pub(crate) meter: ScanMeter,
}

impl Viewing {
    fn told<T>(&self, result: Result<T, EngineError>) -> Result<T, EngineError> {
        result.map_err(|error| redacted(self.viewer.principal(), error))
    }

    /// Does `work` in a task of its own, for as long as the principal may; it is given up then.
    async fn in_time<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        let limit = self.kind.limits().seconds;
        let allowed = self.viewer.principal().limits.of(limit);
        let mut tasks = JoinSet::new();
        tasks.spawn(work);
        match tokio::time::timeout(Duration::from_secs(allowed), tasks.join_next()).await {
            Ok(Some(Ok(done))) => done,
            Ok(other) => Err(EngineError::Bug {
                what: format!("the work on a statement stopped ({other:?})", other = other.map(|one| one.map(drop))),
            }),
            Err(_) => Err(EngineError::limit(limit, allowed.saturating_add(1), allowed)),
        }
    }
}

/// Starts a plan, and counts what it reads.
async fn start(state: &SessionState, plan: &LogicalPlan) -> Result<(SendableRecordBatchStream, RowsRead), EngineError> {
    let physical = state.create_physical_plan(plan).await.map_err(|source| EngineError::sql(OPTIMIZED, source))?;
    let read = RowsRead::of(&physical);
    let rows = execute_stream(physical, state.task_ctx()).map_err(|source| EngineError::sql("run", source))?;
    Ok((rows, read))
}

/// Rows that a task of its own computes, one batch ahead.
fn beside(mut rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let mut made = RecordBatchReceiverStream::builder(rows.schema(), 1);
    let sender = made.tx();
    made.spawn(async move {
        while let Some(batch) = rows.next().await {
            let is_last = batch.is_err();
            if sender.send(batch).await.is_err() || is_last {
                break;
            }
        }
        Ok(())
    });
    made.build()
}

/// One session: plans and runs reading statements over pinned files at one instant.
#[derive(Debug, Clone)]
pub struct LakeSession {
    pub(crate) state: SessionState,
    pub(crate) files: Arc<DatasetFiles>,
    pub(crate) viewing: Option<Viewing>,
}

impl LakeSession {
    /// Plans one reading statement.
    ///
    /// # Errors
    /// When it is not a reading statement, or does not plan.
    pub async fn plan(&self, sql: &str) -> Result<LogicalPlan, EngineError> {
        let Some(viewing) = &self.viewing else { return self.plan_statement(self.reading(sql)?).await };
        let (session, of, sql) = (self.clone(), viewing.clone(), sql.to_owned());
        viewing.told(viewing.in_time(async move { session.plan_for(&of, &sql).await }).await)
    }

    /// Plans what a principal may ask.
    async fn plan_for(&self, viewing: &Viewing, sql: &str) -> Result<LogicalPlan, EngineError> {
        let principal = viewing.viewer.principal();
        let (statement, is_shown) = match asked(&self.state, principal, sql)? {
            Asked::Rows(statement) => (statement, false),
            Asked::Plan(statement) => (statement, true),
        };
        let plan = self.plan_statement(statement).await?;
        is_small(principal, &plan)?;
        viewing.guard.check(&plan).map_err(|source| EngineError::sql("planned", source))?;
        if is_shown { explained(&self.optimized(&plan)?) } else { Ok(plan) }
    }

    /// Makes the view of a table, of a principal's session.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) async fn view(&self, table: &str) -> Result<(), EngineError> {
        let failed = |source| EngineError::sql("planned", source);
        let schema = self.state.schema_for_ref(TableReference::bare(table)).map_err(failed)?;
        schema.table(table).await.map(drop).map_err(failed)
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

    /// Plans one reading statement up to where its names are resolved and its types agree, and nothing is optimised away.
    /// `$start` and `$end` stand for some instant, for columns come from the same columns whichever it is.
    ///
    /// # Errors
    /// As [`Self::plan`]; when it names another value.
    pub async fn analysed(&self, sql: &str) -> Result<LogicalPlan, EngineError> {
        let plan = self.plan(sql).await?;
        let some = DateTime::UNIX_EPOCH;
        self.analyse(with_interval(plan, Some(Interval { start: some, end: some }))?)
    }

    /// A plan with its names resolved and its types agreeing, and nothing optimised away.
    ///
    /// # Errors
    /// When a type does not fit.
    pub fn analyse(&self, plan: LogicalPlan) -> Result<LogicalPlan, EngineError> {
        let analysed = self.state.analyzer().execute_and_check(plan, self.state.config_options(), |_, _| {});
        analysed.map_err(|source| EngineError::sql("planned", source))
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
        let Some(viewing) = &self.viewing else { return start(&self.state, plan).await };
        let (state, plan) = (self.state.clone(), plan.clone());
        // In a task of its own: what computes without pause holds up nobody who looks at the clock.
        let started = viewing.in_time(async move { start(&state, &plan).await }).await;
        let (rows, read) = viewing.told(started)?;
        let principal = viewing.viewer.principal();
        let metered = (read.clone(), viewing.meter.clone());
        let rows = within_limits(beside(rows), &principal.limits, viewing.kind.limits(), metered);
        Ok((redacted_stream(principal, rows), read))
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
        if self.viewing.is_some() {
            return self.stream(plan).await?.try_collect().await.map_err(stream_error);
        }
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

    /// Datasets that a plan of this session reads, by name.
    pub fn datasets_of(&self, plan: &LogicalPlan) -> BTreeSet<String> {
        let read = datasets_read(plan);
        read.into_iter().filter(|name| self.files.declared(name).is_some()).collect()
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
        Ok(Self { state: over(&self.state, tables)?, files: Arc::clone(&self.files), viewing: self.viewing.clone() })
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
        Self { state, files: Arc::clone(&self.files), viewing: self.viewing.clone() }
    }

    /// A session over the same files in which `now()` is another instant.
    pub(crate) fn at(&self, instant: DateTime<chrono::Utc>) -> Self {
        let mut state = self.state.clone();
        state.execution_props_mut().query_execution_start_time = Some(instant);
        Self { state, files: Arc::clone(&self.files), viewing: self.viewing.clone() }
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
