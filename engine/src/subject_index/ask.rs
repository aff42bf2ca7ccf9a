//! What a condition asks of subject columns: which values a row must have for it to be true.
//!
//! Absent: conditions that are no comparison of a column with a text. They ask nothing, and so no file is left out for
//! them.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::values::hash_of;

/// Values that a row must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// Any of these, given by their hashes, in some of the columns.
    Values(BTreeSet<u64>),
    /// What all of them ask.
    All(Vec<Ask>),
    /// What one of them asks.
    Either(Vec<Ask>),
}

impl Ask {
    /// What is asked when all conditions must be true; `None` when it is nothing.
    pub(super) fn of<'e>(conditions: impl IntoIterator<Item = &'e Expr>, columns: &[String]) -> Option<Self> {
        let mut all: Vec<Self> = conditions.into_iter().filter_map(|one| Self::of_one(one, columns)).collect();
        if all.len() > 1 { Some(Self::All(all)) } else { all.pop() }
    }

    fn of_one(condition: &Expr, columns: &[String]) -> Option<Self> {
        match condition {
            Expr::Alias(alias) => Self::of_one(&alias.expr, columns),
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                Self::of([left.as_ref(), right.as_ref()], columns)
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                Some(Self::Either(vec![Self::of_one(left, columns)?, Self::of_one(right, columns)?]))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
                let value = match (left.as_ref(), right.as_ref()) {
                    (column, Expr::Literal(value, _)) if is_of(column, columns) => text(value)?,
                    (Expr::Literal(value, _), column) if is_of(column, columns) => text(value)?,
                    _ => return None,
                };
                Some(Self::Values(BTreeSet::from([hash_of(value)])))
            }
            Expr::InList(list) if !list.negated && is_of(&list.expr, columns) => {
                let value = |one: &Expr| match one {
                    Expr::Literal(value, _) => text(value).map(hash_of),
                    _ => None,
                };
                list.list.iter().map(value).collect::<Option<BTreeSet<u64>>>().map(Self::Values)
            }
            _ => None,
        }
    }

    /// The hashes of all values that are asked for.
    pub(super) fn hashes(&self) -> BTreeSet<u64> {
        match self {
            Self::Values(hashes) => hashes.clone(),
            Self::All(parts) | Self::Either(parts) => parts.iter().flat_map(Self::hashes).collect(),
        }
    }

    /// The row groups that can have such a row, where `held` tells of each value in which it stands.
    pub(super) fn groups(&self, held: &impl Fn(u64) -> BTreeSet<usize>) -> BTreeSet<usize> {
        match self {
            Self::Values(hashes) => hashes.iter().flat_map(|hash| held(*hash)).collect(),
            Self::Either(parts) => parts.iter().flat_map(|part| part.groups(held)).collect(),
            Self::All(parts) => {
                let sets = parts.iter().map(|part| part.groups(held));
                sets.reduce(|all, one| all.intersection(&one).copied().collect()).unwrap_or_default()
            }
        }
    }
}

fn is_of(expr: &Expr, columns: &[String]) -> bool {
    matches!(expr, Expr::Column(column) if columns.iter().any(|name| name == column.name()))
}

/// The text of a value; a comparison with NULL is true of no row, but that is for others to use.
fn text(value: &ScalarValue) -> Option<&str> {
    match value {
        ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => {
            Some(text)
        }
        _ => None,
    }
}
