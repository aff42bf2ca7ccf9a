//! Rows that the statements of several controls start from, gathered in one scan and held.
//!
//! ```text
//! audit ─┬─ event_type = 'user.login' AND time >= …  ─ statement        audit ── one scan ── rows held ─┬─ statement
//!        ├─ event_type = 'user.login' AND …          ─ statement   =>                                   ├─ statement
//!        └─ event_type IN ('role.assigned', …)       ─ statement                                        └─ statement
//! ```
//!
//! A scan promises its filter's rows and may give more, because the filter stands above it, too. So any scan whose rows
//! are all among those held can read these instead, and nothing else of its plan changes. Which rows a scan needs is
//! read off its filter ([`needs`]); a filter that does not say so keeps its scan. Absent: many rows. What does not fit
//! into a part of the memory pool is read from files by each statement.

mod held_rows;
mod needs;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::functions_aggregate::count::count;
use datafusion::logical_expr::utils::disjunction;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableScan, ident, lit,
};

use self::held_rows::HeldRows;
use self::needs::Needs;
use super::bound::Parts;
use super::fused::texts;
use super::prepare::{Prepared, chain};
use crate::error::EngineError;
use crate::lake_session::LakeSession;

/// Rows of one table that are held at most.
const ROWS: u64 = 1_000_000;

/// Statements of controls, and the rows held for them.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// By their text, optimised, reading rows held where they can.
    plans: HashMap<String, LogicalPlan>,
}

impl Gathered {
    /// Gathers what the statements of `prepared` controls share.
    ///
    /// # Errors
    /// When an object changed under the run. Any other failure leaves statements to read files.
    pub(crate) async fn of(session: &LakeSession, prepared: &[Prepared<'_>]) -> Result<Self, EngineError> {
        let mut plans = HashMap::new();
        for control in prepared.iter().filter(|control| control.obstacle.is_none()) {
            let Some(Parts::Statements(statements)) = control.sql.as_ref().map(|sql| &sql.parts) else { continue };
            for sql in [&statements.population, &statements.found] {
                // One that does not plan says so when it runs.
                let Ok(plan) = session.plan(sql).await else { continue };
                if let Ok(plan) = session.optimized(&plan) {
                    plans.insert(sql.clone(), plan);
                }
            }
        }
        let mut held = Vec::new();
        for (table, scans) in scans_by_table(session, plans.values()) {
            match gather(session, &table, &scans).await {
                Ok(rows) => held.extend(rows.map(Arc::new)),
                Err(error) if error.is_of_store() => return Err(error),
                Err(error) => {
                    let cause = chain(&error);
                    tracing::warn!(table, cause, "rows not gathered, statements will read them one by one");
                }
            }
        }
        let plans = plans.into_iter().map(|(sql, plan)| (sql, instead(session, plan, &held)));
        Ok(Self { plans: plans.collect() })
    }

    /// Runs one of the statements.
    ///
    /// # Errors
    /// When it does not plan, or cannot be started.
    pub(crate) async fn stream(
        &self,
        session: &LakeSession,
        sql: &str,
    ) -> Result<SendableRecordBatchStream, EngineError> {
        match self.plans.get(sql) {
            Some(plan) => session.stream_optimized(plan).await,
            None => session.stream(&session.plan(sql).await?).await,
        }
    }
}

/// A scan that may be spared.
#[derive(Debug, Clone)]
struct Wanted {
    table: Arc<dyn TableProvider>,
    columns: BTreeSet<usize>,
    needs: Needs,
}

impl Wanted {
    /// What a scan of a dataset needs; none where its rows must be exactly those of its filter.
    fn of(session: &LakeSession, scan: &TableScan) -> Option<Self> {
        let dataset = session.dataset(scan.table_name.table())?;
        let filters: Vec<&Expr> = scan.filters.iter().collect();
        let exact = scan.source.supports_filters_pushdown(&filters).ok()?;
        if scan.fetch.is_some() || exact.contains(&TableProviderFilterPushDown::Exact) {
            return None;
        }
        let table = source_as_provider(&scan.source).ok()?;
        let columns = match &scan.projection {
            Some(columns) => columns.iter().copied().collect(),
            None => (0..table.schema().fields().len()).collect(),
        };
        Some(Self { table, columns, needs: Needs::of(&scan.filters, dataset.time.as_deref()) })
    }
}

/// The scans of plans that may be spared, by the table that they read.
fn scans_by_table<'a>(
    session: &LakeSession,
    plans: impl Iterator<Item = &'a LogicalPlan>,
) -> Vec<(String, Vec<Wanted>)> {
    let mut tables: Vec<(String, Vec<Wanted>)> = Vec::new();
    for plan in plans {
        let walked = plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && let Some(wanted) = Wanted::of(session, scan)
            {
                let same = |(_, scans): &&mut (String, Vec<Wanted>)| Arc::ptr_eq(&scans[0].table, &wanted.table);
                match tables.iter_mut().find(same) {
                    Some((_, scans)) => scans.push(wanted),
                    None => tables.push((scan.table_name.table().to_owned(), vec![wanted])),
                }
            }
            Ok(TreeNodeRecursion::Continue)
        });
        debug_assert!(walked.is_ok(), "the walk itself returns no error");
    }
    tables
}

/// The rows that several of the scans need, where they are few.
async fn gather(session: &LakeSession, table: &str, scans: &[Wanted]) -> Result<Option<HeldRows>, EngineError> {
    let Some(time) = session.dataset(table).and_then(|dataset| dataset.time.clone()) else { return Ok(None) };
    let Some(column) = needs::most_named(scans.iter().map(|scan| &scan.needs)) else { return Ok(None) };
    let named: Vec<&Wanted> = scans.iter().filter(|scan| scan.needs.values(&column).is_some()).collect();
    if named.len() < 2 {
        return Ok(None);
    }
    let all = Slice::of(&column, &time, &named);
    let rows = rows_by_value(session, table, &named[0].table, &all).await?;
    let few = few(&column, &named, &rows);
    if few.len() < 2 {
        return Ok(None);
    }
    let slice = Slice::of(&column, &time, &few);
    let columns: BTreeSet<usize> = few.iter().flat_map(|scan| scan.columns.iter().copied()).collect();
    let plan = LogicalPlanBuilder::scan(table, provider_as_source(Arc::clone(&few[0].table)), None)
        .and_then(|scan| scan.filter(slice.condition()))
        .and_then(|rows| {
            let schema = few[0].table.schema();
            rows.project(columns.iter().map(|at| ident(schema.field(*at).name())))
        })
        .and_then(LogicalPlanBuilder::build)
        .map_err(|source| EngineError::sql("planned", source))?;
    HeldRows::read(session, &plan, Arc::clone(&few[0].table), slice, columns).await
}

/// How many rows there are of each value of the slice's column.
async fn rows_by_value(
    session: &LakeSession,
    name: &str,
    table: &Arc<dyn TableProvider>,
    slice: &Slice,
) -> Result<BTreeMap<String, u64>, EngineError> {
    let plan = LogicalPlanBuilder::scan(name, provider_as_source(Arc::clone(table)), None)
        .and_then(|scan| scan.filter(slice.condition()))
        .and_then(|rows| rows.aggregate([ident(&slice.column)], [count(lit(1)).alias("rows")]))
        .and_then(LogicalPlanBuilder::build)
        .map_err(|source| EngineError::sql("planned", source))?;
    let mut rows = BTreeMap::new();
    for batch in session.collect(&plan).await? {
        let (values, counts) = (texts(&batch, 0)?, batch.column(1).as_primitive::<Int64Type>());
        let values = values.as_string::<i32>().iter().flatten().map(str::to_owned);
        rows.extend(values.zip(counts.values().iter().map(|rows| u64::try_from(*rows).unwrap_or(0))));
    }
    Ok(rows)
}

/// The scans that find room together, those that need the fewest rows first.
fn few<'a>(column: &str, scans: &[&'a Wanted], rows: &BTreeMap<String, u64>) -> Vec<&'a Wanted> {
    let values = |scan: &Wanted| scan.needs.values(column).cloned().unwrap_or_default();
    let cost = |values: &BTreeSet<String>| values.iter().filter_map(|value| rows.get(value)).sum::<u64>();
    let mut cheapest: Vec<&Wanted> = scans.to_vec();
    cheapest.sort_by_key(|scan| cost(&values(scan)));
    let mut taken = BTreeSet::new();
    cheapest.retain(|scan| {
        let with: BTreeSet<String> = taken.union(&values(scan)).cloned().collect();
        let fits = cost(&with) <= ROWS;
        if fits {
            taken = with;
        }
        fits
    });
    cheapest
}

/// Rows of a table by a column's values and their time.
#[derive(Debug, Clone)]
struct Slice {
    column: String,
    time: String,
    /// Each value, and the microsecond since 1970 from which on its rows are there.
    values: BTreeMap<String, i64>,
    /// The microsecond before which they are.
    until: i64,
    /// Zone of the time column.
    zone: Option<Arc<str>>,
}

impl Slice {
    /// What all of `scans` need.
    fn of(column: &str, time: &str, scans: &[&Wanted]) -> Self {
        let mut values = BTreeMap::new();
        for needs in scans.iter().map(|scan| &scan.needs) {
            for value in needs.values(column).into_iter().flatten() {
                let since = values.entry(value.clone()).or_insert(needs.since);
                *since = needs.since.min(*since);
            }
        }
        let until = scans.iter().map(|scan| scan.needs.until).max().unwrap_or(i64::MAX);
        let zone = scans.first().and_then(|scan| match scan.table.schema().field_with_name(time).ok()?.data_type() {
            DataType::Timestamp(_, zone) => zone.clone(),
            _ => None,
        });
        Self { column: column.to_owned(), time: time.to_owned(), values, until, zone }
    }

    /// Whether every row that `needs` speaks of is in the slice.
    fn has(&self, needs: &Needs) -> bool {
        let held = |value: &String| self.values.get(value).is_some_and(|since| *since <= needs.since);
        needs.until <= self.until && needs.values(&self.column).is_some_and(|values| values.iter().all(held))
    }

    /// As a condition on rows.
    fn condition(&self) -> Expr {
        let mut by_start: BTreeMap<i64, Vec<Expr>> = BTreeMap::new();
        for (value, since) in &self.values {
            by_start.entry(*since).or_default().push(lit(value.as_str()));
        }
        let instant = |at: i64| lit(ScalarValue::TimestampMicrosecond(Some(at), self.zone.clone()));
        let parts = by_start.into_iter().map(|(since, values)| {
            let named = ident(&self.column).in_list(values, false);
            if since == i64::MIN { named } else { ident(&self.time).gt_eq(instant(since)).and(named) }
        });
        let any = disjunction(parts).unwrap_or_else(|| lit(false));
        if self.until == i64::MAX { any } else { ident(&self.time).lt(instant(self.until)).and(any) }
    }
}

/// The plan with rows held in place of scans, where they serve.
fn instead(session: &LakeSession, plan: LogicalPlan, held: &[Arc<HeldRows>]) -> LogicalPlan {
    if held.is_empty() {
        return plan;
    }
    let replaced = plan.clone().transform_down_with_subqueries(|node| {
        let LogicalPlan::TableScan(scan) = &node else { return Ok(Transformed::no(node)) };
        let Some(wanted) = Wanted::of(session, scan) else { return Ok(Transformed::no(node)) };
        let Some(rows) = held.iter().find(|rows| rows.serve(&wanted)) else { return Ok(Transformed::no(node)) };
        let source = provider_as_source(Arc::clone(rows) as Arc<dyn TableProvider>);
        Ok(Transformed::yes(LogicalPlan::TableScan(TableScan { source, ..scan.clone() })))
    });
    replaced.map_or(plan, |replaced| replaced.data)
}

#[cfg(test)]
mod tests;
