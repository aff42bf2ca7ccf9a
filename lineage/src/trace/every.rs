//! What is told of a plan that is too large to follow: every column of everything it reads.

use std::rc::Rc;
use std::sync::Arc;

use datafusion_common::TableReference;
use datafusion_common::arrow::datatypes::Schema;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_expr::logical_plan::TableScan;
use datafusion_expr::{Expr, LogicalPlan};
use schemas::{Certainty, EdgeKind, Gap};

use super::Tracer;
use super::column::Column;
use super::context::Context;
use super::expr::{children, subquery};
use super::scope::{Row, Slot};
use super::write::Made;

/// Names of the recursive queries that a plan is part of.
type OwnRows = Option<Rc<OwnName>>;

#[derive(Debug)]
struct OwnName {
    name: String,
    outer: OwnRows,
}

impl Tracer<'_> {
    /// Lets every column of `made` depend on all that `plan` reads.
    pub(super) fn everything(&mut self, plan: &LogicalPlan, made: &mut Made) {
        let mut all = Column::default();
        let mut subqueries = self.every_scan(plan, None, &mut all);
        while let Some((inner, own)) = subqueries.pop() {
            subqueries.extend(self.every_scan(&inner, own, &mut all));
        }
        all.is_generated |= all.sources.is_empty();
        all.doubt(Certainty::Superset, Some(Gap::PlanTooLarge));
        self.rows = Column::default();
        self.rows.add(&all, &Context::of(EdgeKind::Filter), &mut self.sources);
        let all = Rc::new(all);
        let slot = |name: &String| Slot { column: Rc::clone(&all), is_named: super::expr::is_plain(name) };
        made.row = made.row.as_ref().map(|_| made.names.iter().map(slot).collect::<Row>());
    }

    /// Adds every column of every scan of a plan; gives its subqueries.
    fn every_scan(&mut self, plan: &LogicalPlan, own: OwnRows, all: &mut Column) -> Vec<(Arc<LogicalPlan>, OwnRows)> {
        let mut inner = Vec::new();
        let mut todo: Vec<(&LogicalPlan, OwnRows)> = vec![(plan, own)];
        while let Some((node, own)) = todo.pop() {
            match node {
                LogicalPlan::TableScan(scan) if !is_own(scan, &own) => {
                    self.every_column_of(&scan.table_name, &scan.source.schema(), all);
                }
                LogicalPlan::Dml(dml) => self.every_column_of(&dml.table_name, &dml.target.schema(), all),
                LogicalPlan::RecursiveQuery(query) => {
                    todo.push((&query.static_term, own.clone()));
                    let name = OwnName { name: query.name.clone(), outer: own };
                    todo.push((&query.recursive_term, Some(Rc::new(name))));
                    continue;
                }
                _ => {}
            }
            todo.extend(node.inputs().into_iter().map(|input| (input, own.clone())));
            let walked = node.apply_expressions(|expr| {
                inner.extend(subqueries(expr).into_iter().map(|plan| (plan, own.clone())));
                Ok(TreeNodeRecursion::Continue)
            });
            if walked.is_err() {
                all.doubt(Certainty::Opaque, Some(Gap::PlanTooLarge));
            }
        }
        inner
    }

    fn every_column_of(&mut self, table: &TableReference, schema: &Schema, all: &mut Column) {
        let Some(dataset) = self.names.dataset(table) else { return };
        for field in schema.fields() {
            let column = Column::of_source(self.sources.column(&dataset, field));
            all.add(&column, &Context::of(EdgeKind::Transformation), &mut self.sources);
        }
        self.inputs.insert(dataset);
    }
}

/// Whether a scan is that of a recursive query over what it has found so far.
fn is_own(scan: &TableScan, own: &OwnRows) -> bool {
    let mut own = own;
    while let Some(inner) = own {
        if scan.table_name.schema().is_none() && scan.table_name.table() == inner.name {
            return true;
        }
        own = &inner.outer;
    }
    false
}

/// Every subquery of an expression, but not those inside of them.
fn subqueries(expr: &Expr) -> Vec<Arc<LogicalPlan>> {
    let mut found = Vec::new();
    let mut todo = vec![expr];
    while let Some(expr) = todo.pop() {
        found.extend(subquery(expr).map(|inner| Arc::clone(&inner.subquery)));
        todo.extend(children(expr));
    }
    found
}
