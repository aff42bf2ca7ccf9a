//! Which table columns flow into the value of an output column: what decides about pseudonyms.
//!
//! A column that only decides (a condition, a comparison, a count) does not flow. Where the walk
//! cannot tell, every column the plan reads counts as flowing. Absent: lineage for people, which the
//! `lineage` crate draws.

use std::collections::BTreeSet;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::WindowFunctionDefinition;
use datafusion::logical_expr::{Distinct, Expr, ExprSchemable, LogicalPlan};

use super::columns::columns_used;

/// Functions that count or number rows, and so carry no value of theirs.
const COUNTING: [&str; 6] = ["count", "row_number", "rank", "dense_rank", "percent_rank", "ntile"];

/// Table and column.
pub(crate) type Sources = BTreeSet<(String, String)>;

/// What flows into output `index` of `plan`.
pub(crate) fn of_output(plan: &LogicalPlan, index: usize) -> Sources {
    Walk { everything: columns_used(plan) }.output(plan, index)
}

struct Walk {
    everything: Sources,
}

impl Walk {
    fn output(&self, plan: &LogicalPlan, index: usize) -> Sources {
        match plan {
            LogicalPlan::TableScan(scan) => {
                let column = scan.projected_schema.field(index).name().clone();
                BTreeSet::from([(scan.table_name.table().to_owned(), column)])
            }
            LogicalPlan::Projection(node) => self.expr(&node.expr[index], &node.input),
            LogicalPlan::SubqueryAlias(node) => self.output(&node.input, index),
            LogicalPlan::Subquery(node) => self.output(&node.subquery, index),
            LogicalPlan::Filter(node) => self.output(&node.input, index),
            LogicalPlan::Sort(node) => self.output(&node.input, index),
            LogicalPlan::Limit(node) => self.output(&node.input, index),
            LogicalPlan::Repartition(node) => self.output(&node.input, index),
            LogicalPlan::Distinct(Distinct::All(input)) => self.output(input, index),
            LogicalPlan::Distinct(Distinct::On(node)) => self.expr(&node.select_expr[index], &node.input),
            LogicalPlan::Union(node) => node.inputs.iter().flat_map(|input| self.output(input, index)).collect(),
            LogicalPlan::Join(node) if node.schema.fields().len() > node.left.schema().fields().len() => {
                match index.checked_sub(node.left.schema().fields().len()) {
                    None => self.output(&node.left, index),
                    Some(at) => self.output(&node.right, at),
                }
            }
            LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => Sources::new(),
            LogicalPlan::Window(node) => match index.checked_sub(node.input.schema().fields().len()) {
                None => self.output(&node.input, index),
                Some(at) => self.expr(&node.window_expr[at], &node.input),
            },
            LogicalPlan::Aggregate(node) if !matches!(node.group_expr.as_slice(), [Expr::GroupingSet(_)]) => {
                match index.checked_sub(node.group_expr.len()) {
                    None => self.expr(&node.group_expr[index], &node.input),
                    Some(at) => self.expr(&node.aggr_expr[at], &node.input),
                }
            }
            _ => self.everything.clone(),
        }
    }

    fn expr(&self, expr: &Expr, input: &LogicalPlan) -> Sources {
        match expr {
            Expr::Column(column) => match input.schema().maybe_index_of_column(column) {
                Some(index) => self.output(input, index),
                None => self.everything.clone(),
            },
            Expr::Literal(..) => Sources::new(),
            Expr::ScalarSubquery(_) | Expr::OuterReferenceColumn(..) | Expr::Unnest(_) => self.everything.clone(),
            Expr::Alias(alias) => self.expr(&alias.expr, input),
            _ if is_decision(expr, input.schema()) => Sources::new(),
            Expr::Case(case) => {
                let results = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
                results.flat_map(|result| self.expr(result, input)).collect()
            }
            Expr::AggregateFunction(call) if COUNTING.contains(&call.func.name()) => Sources::new(),
            Expr::AggregateFunction(call) => self.all(&call.params.args, input),
            Expr::WindowFunction(call) => {
                let name = match &call.fun {
                    WindowFunctionDefinition::AggregateUDF(function) => function.name().to_owned(),
                    WindowFunctionDefinition::WindowUDF(function) => function.name().to_owned(),
                };
                if COUNTING.contains(&name.as_str()) { Sources::new() } else { self.all(&call.params.args, input) }
            }
            _ => self.children(expr, input),
        }
    }

    fn all(&self, exprs: &[Expr], input: &LogicalPlan) -> Sources {
        exprs.iter().flat_map(|expr| self.expr(expr, input)).collect()
    }

    fn children(&self, expr: &Expr, input: &LogicalPlan) -> Sources {
        let mut found = Sources::new();
        let walked = expr.apply_children(|child| {
            found.extend(self.expr(child, input));
            Ok(TreeNodeRecursion::Continue)
        });
        if walked.is_ok() { found } else { self.everything.clone() }
    }
}

/// A computed truth value: it says something about a value and is not the value.
fn is_decision(expr: &Expr, schema: &DFSchema) -> bool {
    let computed_truth = !matches!(expr, Expr::Case(_) | Expr::AggregateFunction(_) | Expr::WindowFunction(_));
    computed_truth && expr.get_type(schema).is_ok_and(|kind| kind == arrow::datatypes::DataType::Boolean)
}
