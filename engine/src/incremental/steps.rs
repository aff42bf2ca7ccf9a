//! The three steps of a grouping: rows of one file to a state, states to a state, states to the result.
//!
//! A plan of a file serves that file and no other: operators keep what they saw, such as the bound of a minimum, and the next
//! file would be read with it. So each file has a fresh plan, and what makes plans depend on others is off.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::provider_as_source;
use datafusion::datasource::source_as_provider;
use datafusion::execution::context::SessionState;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::{LogicalPlan, TableScan};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::{ExecutionPlan, collect};

use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::lake_session::LakeSession;
use crate::table::PinnedTable;

/// More rows than this share of what came in never come out of a partial aggregation, so none is passed through.
const NEVER_SKIP: f64 = 1.1;

/// A session that plans the steps.
#[derive(Debug)]
pub(super) struct Steps {
    state: SessionState,
    /// Of the grouping over no file: what states are made to and of.
    last: Arc<dyn ExecutionPlan>,
    /// Columns of a state.
    pub(super) schema: SchemaRef,
    keys: usize,
}

/// Rows of a step.
#[derive(Debug)]
pub(super) struct Made {
    /// One row for each key, by key.
    pub(super) rows: RecordBatch,
    /// Whether memory ran short, so that sums of floats were added up in another order.
    pub(super) ran_short: bool,
}

impl Steps {
    /// The steps of a grouping.
    ///
    /// # Errors
    /// When it does not plan as a grouping, which is a bug.
    pub(super) async fn of(session: &LakeSession, grouping: &LogicalPlan) -> Result<Self, EngineError> {
        let state = alone(&session.state);
        let last = physical(&state, over(grouping, &[])?).await?;
        let (schema, keys) = {
            let (last, first) = two_steps(&last)?;
            (first.schema(), last.group_expr().expr().len())
        };
        Ok(Self { state, last, schema, keys })
    }

    fn context(&self) -> Arc<TaskContext> {
        self.state.task_ctx()
    }

    /// The state of one file.
    ///
    /// # Errors
    /// When the file cannot be read, or a row of it fails the statement.
    pub(super) async fn of_file(&self, grouping: &LogicalPlan, file: &PinnedFile) -> Result<Made, EngineError> {
        let plan = physical(&self.state, over(grouping, std::slice::from_ref(file))?).await?;
        let first = Arc::clone(two_steps(&plan)?.0.input());
        let rows = self.collected(first).await?;
        let early = rows.num_rows();
        let rows = self.reduced(&[rows]).await?;
        Ok(Made { ran_short: rows.num_rows() < early, rows })
    }

    /// The state of no row at all.
    ///
    /// # Errors
    /// When memory does not suffice.
    pub(super) async fn of_no_file(&self) -> Result<RecordBatch, EngineError> {
        let first = Arc::clone(two_steps(&self.last)?.0.input());
        self.collected(first).await
    }

    /// States folded into one, in this order.
    ///
    /// # Errors
    /// When memory does not suffice.
    pub(super) async fn reduced(&self, states: &[RecordBatch]) -> Result<RecordBatch, EngineError> {
        let rows = self.collected(self.over_states(AggregateMode::PartialReduce, states)?).await?;
        by_key(rows, self.keys).map_err(|error| EngineError::sql("run", error.into()))
    }

    /// The result of states, in this order.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn result(&self, states: &[RecordBatch]) -> Result<SendableRecordBatchStream, EngineError> {
        let last = self.over_states(AggregateMode::Final, states)?;
        last.execute(0, self.context()).map_err(|source| EngineError::sql("run", source))
    }

    fn over_states(&self, mode: AggregateMode, states: &[RecordBatch]) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
        let (last, _) = two_steps(&self.last)?;
        let input = MemorySourceConfig::try_new_exec(&[states.to_vec()], Arc::clone(&self.schema), None);
        let made = input.and_then(|input| {
            AggregateExec::try_new(
                mode,
                last.group_expr().clone(),
                last.aggr_expr().to_vec(),
                vec![None; last.aggr_expr().len()],
                input,
                last.input_schema(),
            )
        });
        let made = made.map_err(|source| EngineError::sql("planned", source))?;
        let fits = mode == AggregateMode::Final || same_types(&made.schema(), &self.schema);
        if !fits {
            let what = format!("states {} fold into others {}", self.schema, made.schema());
            return Err(EngineError::Bug { what });
        }
        Ok(Arc::new(made))
    }

    async fn collected(&self, plan: Arc<dyn ExecutionPlan>) -> Result<RecordBatch, EngineError> {
        let batches = collect(plan, self.context()).await.map_err(|source| EngineError::sql("run", source))?;
        let batches =
            batches.into_iter().map(|batch| RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec()));
        let rows = batches.collect::<Result<Vec<_>, _>>().and_then(|batches| concat_batches(&self.schema, &batches));
        rows.map_err(|error| EngineError::sql("run", error.into()))
    }
}

fn same_types(one: &SchemaRef, other: &SchemaRef) -> bool {
    let types = |schema: &SchemaRef| schema.fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>();
    types(one) == types(other)
}

/// A state whose plans have one partition and learn nothing from what they read.
fn alone(state: &SessionState) -> SessionState {
    let mut config = state.config().clone().with_target_partitions(1).with_collect_statistics(false);
    let options = config.options_mut();
    options.execution.skip_partial_aggregation_probe_ratio_threshold = NEVER_SKIP;
    options.optimizer.enable_dynamic_filter_pushdown = false;
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    options.optimizer.enable_topk_dynamic_filter_pushdown = false;
    options.optimizer.enable_topk_aggregation = false;
    let instant = state.execution_props().query_execution_start_time;
    // Without rules of its own the plan is what it is called: rows to states, and states to the result.
    let builder = SessionStateBuilder::new_from_existing(state.clone());
    let mut state = builder.with_config(config).with_physical_optimizer_rules(Vec::new()).build();
    state.execution_props_mut().query_execution_start_time = instant;
    state
}

/// A grouping over these files and no others.
fn over(grouping: &LogicalPlan, files: &[PinnedFile]) -> Result<LogicalPlan, EngineError> {
    let swapped = grouping.clone().transform_down(|node| {
        let LogicalPlan::TableScan(scan) = &node else { return Ok(Transformed::no(node)) };
        let provider = source_as_provider(&scan.source)?;
        let Some(table) = provider.downcast_ref::<PinnedTable>() else { return Ok(Transformed::no(node)) };
        let source = provider_as_source(Arc::new(table.only(files.to_vec())));
        Ok(Transformed::yes(LogicalPlan::TableScan(TableScan { source, ..scan.clone() })))
    });
    swapped.data().map_err(|source| EngineError::sql("planned", source))
}

async fn physical(state: &SessionState, plan: LogicalPlan) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
    let made = state.query_planner().create_physical_plan(&plan, state).await;
    made.map_err(|source| EngineError::sql("planned", source))
}

/// The step to the result, and the one to a state below it.
fn two_steps(plan: &Arc<dyn ExecutionPlan>) -> Result<(&AggregateExec, &AggregateExec), EngineError> {
    let last = plan.downcast_ref::<AggregateExec>().filter(|last| *last.mode() == AggregateMode::Final);
    let first = last.and_then(|last| last.input().downcast_ref::<AggregateExec>());
    match last.zip(first.filter(|first| *first.mode() == AggregateMode::Partial)) {
        Some((last, first)) if last.limit_options().is_none() && first.limit_options().is_none() => Ok((last, first)),
        _ => Err(EngineError::Bug {
            what: "a grouping is not planned as one from rows to states to a result".to_owned(),
        }),
    }
}

/// Rows in the order of their keys, of which there is one row each.
fn by_key(rows: RecordBatch, keys: usize) -> Result<RecordBatch, arrow::error::ArrowError> {
    if keys == 0 || rows.num_rows() < 2 {
        return Ok(rows);
    }
    let columns = rows.columns()[..keys].iter().map(|values| SortColumn { values: Arc::clone(values), options: None });
    let order = lexsort_to_indices(&columns.collect::<Vec<_>>(), None)?;
    take_record_batch(&rows, &order)
}
