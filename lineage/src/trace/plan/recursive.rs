//! Recursive queries.

use std::rc::Rc;

use datafusion_expr::logical_plan::RecursiveQuery;
use schemas::EdgeKind;

use super::super::Tracer;
use super::super::scope::Row;
use super::set::united;

impl Tracer<'_> {
    /// The first term, and the second over what was found so far, until nothing is added. Dependencies only grow and
    /// are finite, so that it ends.
    pub(super) fn recursive(&mut self, query: &RecursiveQuery) -> Row {
        let mut found = self.plan(&query.static_term);
        loop {
            self.work_tables.push((query.name.clone(), Rc::clone(&found)));
            let next = self.plan(&query.recursive_term);
            self.work_tables.pop();
            let more = united(&found, &next);
            let is_all = is_same(&more, &found);
            found = more;
            if is_all || self.is_over {
                break;
            }
        }
        if query.is_distinct {
            self.all_decide(&found, EdgeKind::GroupBy);
        }
        found
    }
}

fn is_same(one: &Row, other: &Row) -> bool {
    one.len() == other.len() && one.iter().zip(other.iter()).all(|(one, other)| one.column == other.column)
}
