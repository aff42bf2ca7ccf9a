//! Unions.

use std::rc::Rc;

use super::super::Tracer;
use super::super::scope::{Row, Slot};

impl Tracer<'_> {
    /// Every column is that of all arms at its position.
    pub(super) fn union(&mut self, arms: &[Row]) -> Row {
        let Some((first, others)) = arms.split_first() else { return Row::from([]) };
        others.iter().fold(Rc::clone(first), |so_far, arm| united(&so_far, arm))
    }
}

/// The columns of two rows by position, named as in the first; none where they differ in number.
pub(super) fn united(first: &Row, other: &Row) -> Row {
    if first.len() != other.len() {
        return Row::from([]);
    }
    let both = first.iter().zip(other.iter()).map(|(slot, other)| {
        let mut column = slot.column.as_ref().clone();
        column.unite(&other.column);
        Slot { column: Rc::new(column), is_named: slot.is_named }
    });
    both.collect()
}
