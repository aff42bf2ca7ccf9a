//! Subqueries in expressions.

use std::rc::Rc;

use datafusion_expr::logical_plan::Subquery;
use schemas::EdgeKind;

use super::super::Tracer;
use super::super::column::Column;
use super::super::context::Context;
use super::super::scope::{Around, Row};
use super::Walk;

impl Tracer<'_> {
    /// Its value is that of its column, and which rows it has decides about the value, too.
    pub(super) fn scalar_subquery(&mut self, subquery: &Subquery, context: &Context, walk: &mut Walk<'_, '_>) {
        let (row, rows) = self.inner(subquery, walk);
        if let Some(slot) = row.first() {
            walk.found.add(&slot.column, context, &mut self.sources);
        }
        walk.found.add(&rows, &context.whole(), &mut self.sources);
    }

    /// Only which rows there are counts.
    pub(super) fn exists(&mut self, subquery: &Subquery, context: &Context, walk: &mut Walk<'_, '_>) {
        let (_, rows) = self.inner(subquery, walk);
        walk.found.is_generated |= context.is_direct();
        walk.found.add(&rows, &context.whole(), &mut self.sources);
    }

    /// A value is computed from every row of the subquery.
    pub(super) fn compared_with(&mut self, subquery: &Subquery, context: &Context, walk: &mut Walk<'_, '_>) {
        let (row, rows) = self.inner(subquery, walk);
        for slot in row.iter() {
            walk.found.add(&slot.column, &context.then(EdgeKind::Transformation), &mut self.sources);
        }
        walk.found.add(&rows, &context.whole(), &mut self.sources);
    }

    /// The columns of a subquery, and what decides which rows it has.
    fn inner(&mut self, subquery: &Subquery, walk: &Walk<'_, '_>) -> (Row, Column) {
        self.around.push(Around::Node(Rc::clone(walk.scope)));
        let rows = std::mem::take(&mut self.rows);
        let row = self.plan(&subquery.subquery);
        let rows = std::mem::replace(&mut self.rows, rows);
        self.around.pop();
        (row, rows)
    }
}
