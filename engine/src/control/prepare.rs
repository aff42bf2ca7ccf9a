//! One control made ready: bound, planned, refused where it must be, and held against the files.
//!
//! What stands in the way is data, not failure: it becomes the control's status and reason. Absent:
//! running anything over rows.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::SchemaError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::WindowFunctionDefinition;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use schemas::{ControlSql, Dataset, Interval, Status};

use super::bind::{Binder, Refused};
use super::bound::BoundSql;
use super::columns::{Footer, columns_used, files_within, footers};
use super::rows::{self, RowsText};
use super::statements::{self, StatementsText, Unbound, widened};
use super::{ControlRun, EvaluationInput};
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::lake_session::LakeSession;
use crate::plan_hash::plan_hash;

/// Functions that are steady within a query and another day give another answer.
const CLOCKS: [&str; 5] = ["now", "current_timestamp", "current_date", "current_time", "today"];

/// Why a control has no answer, for all its scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// `not_evaluated` or `error`.
    pub(crate) status: Status,
    /// One sentence.
    pub(crate) reason: String,
}

impl Obstacle {
    pub(crate) fn not_evaluated(reason: String) -> Self {
        Self { status: Status::NotEvaluated, reason }
    }

    pub(crate) fn error(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { status: Status::Error, reason: chain(error) }
    }

    /// A failure of one control; an object that changed under the run fails the run.
    pub(crate) fn of(error: EngineError) -> Result<Self, EngineError> {
        match error {
            error if error.is_of_store() => Err(error),
            error => Ok(Self::error(&error)),
        }
    }
}

/// A control that is ready, or what stands in its way.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) run: &'a ControlRun<'a>,
    pub(crate) sql: Option<BoundSql>,
    pub(crate) violations_plan: Option<LogicalPlan>,
    pub(crate) plan_sha256: Option<[u8; 32]>,
    pub(crate) obstacle: Option<Obstacle>,
}

/// The footers of a dataset's files, read once for all controls.
#[derive(Debug, Default)]
pub(crate) struct FooterCache {
    by_path: BTreeMap<(String, String), Footer>,
}

impl FooterCache {
    /// The columns that the files of `interval` hold; none when there are no such files.
    async fn columns(
        &mut self,
        session: &LakeSession,
        dataset: &Dataset,
        interval: Interval,
    ) -> Result<Option<BTreeSet<String>>, EngineError> {
        let files = files_within(session, dataset, interval).await?;
        // A path names one file of one store, and datasets may lie in several.
        let key = |file: &PinnedFile| (dataset.id.to_string(), file.path().to_owned());
        let unread: Vec<_> = files.iter().filter(|file| !self.by_path.contains_key(&key(file))).cloned().collect();
        let read = footers(session, dataset.id.as_str(), &unread).await?;
        self.by_path.extend(unread.iter().map(key).zip(read));
        if files.is_empty() {
            return Ok(None);
        }
        // What a map names is there; what it makes it of, planning has found.
        if dataset.map.is_some() {
            return session.mapped_columns(dataset.id.as_str()).await.map(Some);
        }
        let footers = files.iter().filter_map(|file| self.by_path.get(&key(file)));
        Ok(Some(footers.flat_map(|footer| footer.columns.iter().cloned()).collect()))
    }
}

/// Makes one control ready.
///
/// # Errors
/// When an object changed under the run.
pub(crate) async fn prepare<'a>(
    session: &LakeSession,
    input: &EvaluationInput<'_>,
    run: &'a ControlRun<'a>,
    footers: &mut FooterCache,
) -> Result<Prepared<'a>, EngineError> {
    let mut prepared = Prepared { run, sql: None, violations_plan: None, plan_sha256: None, obstacle: None };
    let mut datasets = Vec::new();
    for table in run.control.sql.reads() {
        match session.dataset(table) {
            Some(dataset) => datasets.push(dataset),
            None => {
                let reason = format!("dataset \"{table}\" is not declared");
                prepared.obstacle = Some(Obstacle::not_evaluated(reason));
                return Ok(prepared);
            }
        }
    }
    let sql = match bound(session, input, run, &datasets).await {
        Ok(sql) => sql,
        Err(unbound) => {
            prepared.obstacle = Some(match unbound {
                Unbound::Engine(error) => planning(error, &datasets)?,
                other => Obstacle::error(&other),
            });
            return Ok(prepared);
        }
    };
    let found = plans(session, &sql, run).await;
    prepared.sql = Some(sql);
    match found {
        Ok(plans) => {
            prepared.plan_sha256 = Some(plans.sha256());
            prepared.obstacle = missing(session, input, run, &datasets, &plans.counts, footers).await?;
            prepared.violations_plan = Some(plans.violations_as_written);
        }
        Err(PlanFailure::Engine(error)) => prepared.obstacle = Some(planning(error, &datasets)?),
        Err(PlanFailure::Refused(refused)) => prepared.obstacle = Some(Obstacle::error(&refused)),
    }
    Ok(prepared)
}

async fn bound(
    session: &LakeSession,
    input: &EvaluationInput<'_>,
    run: &ControlRun<'_>,
    datasets: &[&Dataset],
) -> Result<BoundSql, Unbound> {
    let control = run.control;
    let reads: BTreeSet<&str> = match &control.sql {
        ControlSql::Rows { .. } => BTreeSet::new(),
        ControlSql::Statements { reads, .. } => reads.iter().map(String::as_str).collect(),
    };
    let binder = Binder::new(&run.params, input.interval, &input.timezone, reads);
    match (&control.sql, datasets) {
        (ControlSql::Rows { population, violation, reason, resource, .. }, [dataset]) => {
            let given = RowsText { population, violation, reason, resource };
            Ok(rows::bind(&binder, control, dataset, input.interval, given)?)
        }
        (ControlSql::Rows { from, .. }, _) => {
            Err(EngineError::Bug { what: format!("control over rows of \"{from}\" reads several tables") }.into())
        }
        (ControlSql::Statements { lookback_seconds, population, violations, .. }, _) => {
            let given = StatementsText { lookback_seconds: *lookback_seconds, population, violations };
            statements::bind(session, &binder, control, datasets, input.interval, given).await
        }
    }
}

enum PlanFailure {
    Engine(EngineError),
    Refused(Refused),
}

struct Plans {
    counts: LogicalPlan,
    violations: LogicalPlan,
    violations_as_written: LogicalPlan,
}

impl Plans {
    fn sha256(&self) -> [u8; 32] {
        plan_hash([&self.counts, &self.violations])
    }
}

async fn plans(session: &LakeSession, sql: &BoundSql, run: &ControlRun<'_>) -> Result<Plans, PlanFailure> {
    let reads = run.control.sql.reads();
    let counts = session.plan(&sql.counts).await.map_err(PlanFailure::Engine)?;
    refuse("the count", &counts, &reads).map_err(PlanFailure::Refused)?;
    let violations_as_written = session.plan(&sql.printed_violations()).await.map_err(PlanFailure::Engine)?;
    refuse("the list of violations", &violations_as_written, &reads).map_err(PlanFailure::Refused)?;
    let counts = session.optimized(&counts).map_err(PlanFailure::Engine)?;
    let violations = session.optimized(&violations_as_written).map_err(PlanFailure::Engine)?;
    Ok(Plans { counts, violations, violations_as_written })
}

/// Refuses functions that answer differently another day, and tables that are not the control's.
fn refuse(what: &'static str, plan: &LogicalPlan, reads: &[&str]) -> Result<(), Refused> {
    let mut refused = None;
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let table = &scan.table_name;
            let ours = table.schema().is_none_or(|schema| schema == "public") && reads.contains(&table.table());
            if !ours {
                refused = Some(Refused::Table { what, table: table.to_string() });
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        node.apply_expressions(|expr| {
            expr.apply(|inner| {
                let Some(function) = unsteady(inner) else { return Ok(TreeNodeRecursion::Continue) };
                refused = Some(Refused::Volatile { what, function });
                Ok(TreeNodeRecursion::Stop)
            })
        })
    });
    debug_assert!(walked.is_ok(), "the walk itself returns no error");
    refused.map_or(Ok(()), Err)
}

fn unsteady(expr: &Expr) -> Option<String> {
    let (name, volatility) = match expr {
        Expr::ScalarFunction(call) => (call.func.name(), call.func.signature().volatility),
        Expr::AggregateFunction(call) => (call.func.name(), call.func.signature().volatility),
        Expr::HigherOrderFunction(call) => (call.func.name(), Volatility::Immutable),
        Expr::WindowFunction(call) => match &call.fun {
            WindowFunctionDefinition::AggregateUDF(function) => (function.name(), function.signature().volatility),
            WindowFunctionDefinition::WindowUDF(function) => (function.name(), function.signature().volatility),
        },
        _ => return None,
    };
    (volatility == Volatility::Volatile || CLOCKS.contains(&name)).then(|| name.to_owned())
}

/// A planning failure: an unknown column is a gap of the data, the rest is an error.
fn planning(error: EngineError, datasets: &[&Dataset]) -> Result<Obstacle, EngineError> {
    if let EngineError::Sql { source, .. } = &error
        && let DataFusionError::SchemaError(schema, _) = source.find_root()
        && let SchemaError::FieldNotFound { field, .. } = schema.as_ref()
        && datasets.iter().all(|dataset| dataset.schema.column(&field.name).is_none())
    {
        let related = field.relation.as_ref().map(|relation| relation.table().to_owned());
        let named = datasets.iter().find(|dataset| related.as_deref() == Some(dataset.id.as_str()));
        if let Some(dataset) = named.or(datasets.first()) {
            let reason = format!("column \"{}\" of dataset \"{}\" is not declared", field.name, dataset.id);
            return Ok(Obstacle::not_evaluated(reason));
        }
    }
    Obstacle::of(error)
}

/// The columns that decide and that no file holds, and the tables without any file.
async fn missing(
    session: &LakeSession,
    input: &EvaluationInput<'_>,
    run: &ControlRun<'_>,
    datasets: &[&Dataset],
    counts: &LogicalPlan,
    footers: &mut FooterCache,
) -> Result<Option<Obstacle>, EngineError> {
    let lookback_seconds = match &run.control.sql {
        ControlSql::Rows { .. } => 0,
        ControlSql::Statements { lookback_seconds, .. } => *lookback_seconds,
    };
    let seen = widened(input.interval, lookback_seconds);
    let used = columns_used(counts);
    let mut gaps = Vec::new();
    let mut without_files = Vec::new();
    for dataset in datasets {
        let held = match footers.columns(session, dataset, seen).await {
            Ok(held) => held,
            Err(error) => return Obstacle::of(error).map(Some),
        };
        let Some(held) = held else {
            without_files.push(format!("dataset \"{}\" has no file to read", dataset.id));
            continue;
        };
        let of_dataset = used.iter().filter(|(table, _)| table == dataset.id.as_str());
        gaps.extend(
            of_dataset
                .filter(|(_, column)| !held.contains(column))
                .map(|(table, column)| format!("column \"{column}\" of dataset \"{table}\" is in no file read")),
        );
    }
    // Where no table has files, there is no row of anybody, and that is said instead.
    if without_files.len() < datasets.len() {
        gaps.extend(without_files);
    }
    Ok((!gaps.is_empty()).then(|| Obstacle::not_evaluated(gaps.join("; "))))
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !line.ends_with(&next) {
            line.push_str(": ");
            line.push_str(&next);
        }
        cause = error.source();
    }
    line
}
