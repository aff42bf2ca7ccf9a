//! What plans read, one `check` for all.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use datafusion_common::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_common::{DFSchemaRef, Result, TableReference};
use datafusion_expr::logical_plan::{Extension, JoinType, LogicalPlanBuilder, builder, table_scan};
use datafusion_expr::{Expr, LogicalPlan, TableSource, TableType, UserDefinedLogicalNodeCore, col, exists, lit};

use super::reads;

fn schema(columns: &[&str]) -> Schema {
    Schema::new(columns.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect::<Vec<_>>())
}

fn audit() -> Schema {
    schema(&["event_id", "time", "tenant_id", "actor_id"])
}

#[track_caller]
fn check(plan: Result<LogicalPlan>, tables: &[(&str, &[&str])], gaps: &[&str]) {
    let found = reads(&plan.expect("the plan is well formed"));
    let found_tables: Vec<(&str, Vec<&str>)> = found
        .tables
        .iter()
        .map(|(table, columns)| (table.as_str(), columns.iter().map(String::as_str).collect()))
        .collect();
    let expected: Vec<(&str, Vec<&str>)> = tables.iter().map(|(table, columns)| (*table, columns.to_vec())).collect();
    assert_eq!(found_tables, expected);
    assert_eq!(found.gaps, gaps);
}

#[test]
fn a_scan_reads_its_projection() {
    let plan = table_scan(Some("audit"), &audit(), Some(vec![1, 3])).and_then(LogicalPlanBuilder::build);
    check(plan, &[("audit", &["actor_id", "time"])], &[]);
}

#[test]
fn a_scan_without_projection_reads_every_column() {
    let plan = table_scan(Some("audit"), &audit(), None).and_then(LogicalPlanBuilder::build);
    check(plan, &[("audit", &["actor_id", "event_id", "tenant_id", "time"])], &[]);
}

#[test]
fn a_filter_in_a_scan_reads_its_columns_too() {
    let filters = vec![col("tenant_id").eq(lit("t1"))];
    let plan = builder::table_scan_with_filters(Some("audit"), &audit(), Some(vec![0]), filters);
    check(plan.and_then(LogicalPlanBuilder::build), &[("audit", &["event_id", "tenant_id"])], &[]);
}

#[test]
fn counted_rows_read_a_table_and_no_column() {
    let plan = table_scan(Some("audit"), &audit(), Some(vec![])).and_then(LogicalPlanBuilder::build);
    check(plan, &[("audit", &[])], &[]);
}

#[test]
fn one_table_scanned_twice_is_one_table() {
    let plan = table_scan(Some("audit"), &audit(), Some(vec![0]))
        .and_then(|left| left.union(table_scan(Some("public.audit"), &audit(), Some(vec![1]))?.build()?))
        .and_then(LogicalPlanBuilder::build);
    check(plan, &[("audit", &["event_id", "time"])], &[]);
}

#[test]
fn records_of_ours_keep_their_schema() {
    let reference = TableReference::partial("auditlake", "runs");
    let plan = table_scan(Some(reference), &schema(&["job"]), None).and_then(LogicalPlanBuilder::build);
    check(plan, &[("auditlake.runs", &["job"])], &[]);
}

#[test]
fn both_sides_of_a_join_are_read() {
    let identity = schema(&["account_id", "person_id"]);
    let plan = table_scan(Some("audit"), &audit(), Some(vec![3])).and_then(|left| {
        let right = table_scan(Some("identity"), &identity, Some(vec![0]))?.build()?;
        left.join(right, JoinType::Left, (vec!["actor_id"], vec!["account_id"]), None)?.build()
    });
    check(plan, &[("audit", &["actor_id"]), ("identity", &["account_id"])], &[]);
}

#[test]
fn a_subquery_is_read() {
    let inner = table_scan(Some("identity"), &schema(&["account_id"]), None).and_then(LogicalPlanBuilder::build);
    let inner = Arc::new(inner.expect("a scan"));
    let plan = table_scan(Some("audit"), &audit(), Some(vec![0])).and_then(|scan| scan.filter(exists(inner))?.build());
    check(plan, &[("audit", &["event_id"]), ("identity", &["account_id"])], &[]);
}

#[test]
fn a_recursive_query_does_not_read_itself_but_reads_a_table_of_its_name() {
    let recursive = |name: &'static str| {
        let own = table_scan(Some("audit"), &schema(&["event_id"]), None)?.build()?;
        table_scan(Some(name), &schema(&["event_id"]), None)?.to_recursive_query("audit".to_owned(), own, true)?.build()
    };
    check(recursive("identity"), &[("identity", &["event_id"])], &[]);
    check(recursive("audit"), &[("audit", &["event_id"])], &[]);
}

#[test]
fn an_unknown_operator_is_a_gap_and_its_inputs_are_read() {
    let plan = table_scan(Some("audit"), &audit(), Some(vec![0])).and_then(LogicalPlanBuilder::build);
    let plan = plan.map(|input| LogicalPlan::Extension(Extension { node: Arc::new(Oracle { input }) }));
    let gap = "operator \"Oracle\" is not known; what it reads besides its inputs is not told";
    check(plan, &[("audit", &["event_id"])], &[gap]);
}

#[test]
fn a_view_that_is_not_unfolded_is_a_gap() {
    let plan = LogicalPlanBuilder::scan("recent", Arc::new(View), Some(vec![])).and_then(LogicalPlanBuilder::build);
    check(plan, &[("recent", &[])], &["view \"recent\" is not unfolded; the tables below it are not told"]);
}

#[derive(Debug)]
struct View;

impl TableSource for View {
    fn schema(&self) -> SchemaRef {
        Arc::new(audit())
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Oracle {
    input: LogicalPlan,
}

impl PartialOrd for Oracle {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl UserDefinedLogicalNodeCore for Oracle {
    fn name(&self) -> &'static str {
        "Oracle"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Oracle")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self { input: inputs.swap_remove(0) })
    }
}
