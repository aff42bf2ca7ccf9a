//! Distinct counts by group, each group whole on one thread.
//!
//! DataFusion counts distinct values twice: every thread collects those of all groups that it meets, and then hands its
//! collections, as lists, to the thread that a group belongs to. With millions of distinct values that is memory and
//! time for each of them twice. Here rows go to the thread of their group first. Absent: distinct counts without groups,
//! and over grouping sets, which stay as they are.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::error::Result as DataFusionResult;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};

/// Comes before the rules of DataFusion, so that theirs bring rows to where it wants them.
#[derive(Debug)]
pub(crate) struct WholeGroups;

impl PhysicalOptimizerRule for WholeGroups {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match in_one_step(node.as_ref())? {
            Some(aggregate) => Ok(Transformed::yes(Arc::new(aggregate) as Arc<dyn ExecutionPlan>)),
            None => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "whole_groups"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The aggregate that does what a partial and a final one do together, where they count distinct values by group.
fn in_one_step(node: &dyn ExecutionPlan) -> DataFusionResult<Option<AggregateExec>> {
    let Some(last) = node.downcast_ref::<AggregateExec>() else { return Ok(None) };
    let Some(first) = last.input().downcast_ref::<AggregateExec>() else { return Ok(None) };
    let two_steps = *last.mode() == AggregateMode::FinalPartitioned && *first.mode() == AggregateMode::Partial;
    let by_group = first.group_expr().is_single() && !first.group_expr().is_empty();
    if !two_steps || !by_group || !first.aggr_expr().iter().any(|counted| counted.is_distinct()) {
        return Ok(None);
    }
    let one = AggregateExec::try_new(
        AggregateMode::SinglePartitioned,
        first.group_expr().clone(),
        first.aggr_expr().to_vec(),
        first.filter_expr().to_vec(),
        Arc::clone(first.input()),
        first.input_schema(),
    )?;
    Ok(Some(one.with_limit_options(last.limit_options())))
}

#[cfg(test)]
mod tests {
    use arrow::util::pretty::pretty_format_batches;
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::{NoSystemTables, Resources, SessionFactory};

    #[track_caller]
    fn check(sql: &str, single: bool, rows: &[&str]) {
        let store = Arc::new(object_store::memory::InMemory::new());
        let factory = SessionFactory::new(store, Vec::new(), Arc::new(NoSystemTables), Resources::default());
        let session = factory.session(DateTime::<Utc>::UNIX_EPOCH).expect("a session");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let shown = |sql: &str| {
            let batches = runtime.block_on(session.query(sql)).expect("runs");
            pretty_format_batches(&batches).expect("prints").to_string()
        };
        let plan = shown(&format!("EXPLAIN {sql}"));
        assert_eq!(plan.contains("mode=SinglePartitioned"), single, "{plan}");
        let table = shown(sql);
        let body: Vec<String> = table
            .lines()
            .skip(3)
            .filter(|line| line.starts_with('|'))
            .map(|line| line.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(body, rows, "{table}");
    }

    #[test]
    fn groups_stay_whole_where_distinct_values_are_counted_and_nowhere_else() {
        let from = "FROM generate_series(1, 20000) AS t(v)";
        let by = "GROUP BY 1 ORDER BY 1";
        let two =
            format!("SELECT v % 3 AS k, count(DISTINCT v % 7) AS a, count(DISTINCT v) AS b, sum(v) AS s {from} {by}");
        check(&two, true, &["0 7 6666 66663333", "1 7 6667 66670000", "2 7 6667 66676667"]);
        let filtered = format!(
            "SELECT v % 2 AS k, count(DISTINCT v) FILTER (WHERE v > 19990) AS a, sum(DISTINCT v % 5) AS b {from} {by}"
        );
        check(&filtered, true, &["0 5 10", "1 5 10"]);
        check(&format!("SELECT v % 2 AS k, count(*) AS n {from} {by}"), false, &["0 10000", "1 10000"]);
        check(&format!("SELECT count(DISTINCT v % 3) AS a, count(DISTINCT v % 5) AS b {from}"), false, &["3 5"]);
        let sets = format!(
            "SELECT v % 2 AS k, count(DISTINCT v % 4) AS a, count(DISTINCT v % 5) AS b {from} GROUP BY ROLLUP (v % 2) ORDER BY 1 NULLS LAST"
        );
        check(&sets, false, &["0 2 5", "1 2 5", "4 5"]);
    }
}
