//! Joins, and the set operations that are planned as joins.

use std::rc::Rc;

use datafusion_common::{JoinType, NullEquality};
use datafusion_expr::logical_plan::Join;
use schemas::EdgeKind;

use super::super::Tracer;
use super::super::column::Column;
use super::super::context::Context;
use super::super::scope::{Row, Scope, Slot};
use super::aggregate::is_distinct;

impl Tracer<'_> {
    pub(super) fn join(&mut self, join: &Join, inputs: &[Row]) -> Row {
        let [left, right] = inputs else { return Row::from([]) };
        if is_set_operation(join) {
            return self.set_operation(join, left, right);
        }
        let (left_scope, right_scope) = (Scope::of(join.left.schema(), left), Scope::of(join.right.schema(), right));
        let mut matched = Column::default();
        for (left_key, right_key) in &join.on {
            matched.unite(&self.walk(left_key, &left_scope, Context::of(EdgeKind::Join)));
            matched.unite(&self.walk(right_key, &right_scope, Context::of(EdgeKind::Join)));
        }
        if let Some(filter) = &join.filter {
            let both = Scope::of_both((join.left.schema(), left), (join.right.schema(), right));
            matched.unite(&self.walk(filter, &both, Context::of(EdgeKind::Join)));
        }
        self.rows.unite(&matched);
        let with_mark = |row: &Row| row.iter().cloned().chain([Slot::computed(matched.clone())]).collect();
        match join.join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                left.iter().chain(right.iter()).cloned().collect()
            }
            JoinType::LeftSemi | JoinType::LeftAnti => Rc::clone(left),
            JoinType::RightSemi | JoinType::RightAnti => Rc::clone(right),
            JoinType::LeftMark => with_mark(left),
            JoinType::RightMark => with_mark(right),
        }
    }

    /// All columns of both arms decide which rows stay. In an intersection the value stands in both arms; of a
    /// difference the right arm gives none.
    fn set_operation(&mut self, join: &Join, left: &Row, right: &Row) -> Row {
        for arm in [left, right] {
            self.all_decide(arm, EdgeKind::Join);
        }
        if join.join_type == JoinType::LeftAnti {
            return Rc::clone(left);
        }
        // The left arm is made distinct where the operation is; of the right arm it is then all the same how often.
        if is_distinct(&join.left) {
            self.all_decide(right, EdgeKind::GroupBy);
        }
        let both = left.iter().zip(right.iter()).map(|(left, right)| {
            let mut both = left.column.as_ref().clone();
            both.unite(&right.column);
            Slot { column: Rc::new(both), is_named: left.is_named }
        });
        both.collect()
    }
}

/// INTERSECT and EXCEPT compare every column by position, and null equals null in them; no other join of an analysed
/// plan does so.
fn is_set_operation(join: &Join) -> bool {
    matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull
        && join.filter.is_none()
        && join.on.len() == join.left.schema().fields().len()
        && join.on.len() == join.right.schema().fields().len()
}
