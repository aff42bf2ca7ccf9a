//! Aggregates and DISTINCT.

use std::rc::Rc;

use datafusion_expr::expr::GroupingSet;
use datafusion_expr::logical_plan::{Aggregate, Distinct};
use datafusion_expr::utils::grouping_set_to_exprlist;
use datafusion_expr::{Expr, LogicalPlan};
use schemas::EdgeKind;

use super::super::Tracer;
use super::super::column::Column;
use super::super::context::Context;
use super::super::expr::sorted;
use super::super::scope::{Row, Scope, Slot};

impl Tracer<'_> {
    /// Keys, each once over all grouping sets; then which set it was, if there are sets; then aggregates.
    pub(super) fn aggregate_node(&mut self, aggregate: &Aggregate, input: &Row) -> Row {
        let scope = Scope::of(aggregate.input.schema(), input);
        let keys = grouping_set_to_exprlist(&aggregate.group_expr).unwrap_or_default();
        let mut row: Vec<Slot> = Vec::with_capacity(aggregate.schema.fields().len());
        for key in keys {
            self.decide(key, &scope, EdgeKind::GroupBy);
            row.push(self.value(key, &scope));
        }
        if let [Expr::GroupingSet(GroupingSet::Rollup(_) | GroupingSet::Cube(_) | GroupingSet::GroupingSets(_))] =
            aggregate.group_expr.as_slice()
        {
            row.push(Slot::named(Column::generated()));
        }
        row.extend(aggregate.aggr_expr.iter().map(|expr| self.value(expr, &scope)));
        row.into()
    }

    pub(super) fn distinct(&mut self, distinct: &Distinct, input: &Row) -> Row {
        match distinct {
            Distinct::All(_) => {
                self.all_decide(input, EdgeKind::GroupBy);
                Rc::clone(input)
            }
            Distinct::On(on) => {
                let scope = Scope::of(on.input.schema(), input);
                on.on_expr.iter().for_each(|key| self.decide(key, &scope, EdgeKind::GroupBy));
                let keys = on.sort_expr.iter().flat_map(|keys| sorted(keys));
                keys.for_each(|key| self.decide(key, &scope, EdgeKind::Sort));
                on.select_expr.iter().map(|expr| self.value(expr, &scope)).collect()
            }
        }
    }

    /// Every column of `row` decides which rows there are.
    pub(super) fn all_decide(&mut self, row: &Row, kind: EdgeKind) {
        for slot in row.iter() {
            self.rows.add(&slot.column, &Context::of(kind), &mut self.sources);
        }
    }
}

/// Whether a plan leaves each row once.
pub(super) fn is_distinct(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Distinct(Distinct::All(_)))
}
