//! Which rows a filter can let through: values of text columns, and a stretch of time.
//!
//! Everything here errs on one side: what it says of a filter's rows is true of every one of them, and may be true of
//! others. Absent: anything but equality with texts, lists of texts, and bounds of the time column.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// What is true of every row that a filter lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needs {
    /// Columns whose value is one of these.
    pub(super) by_column: BTreeMap<String, BTreeSet<String>>,
    /// Microseconds since 1970 before which its time is not; the least number where that is not known.
    pub(super) since: i64,
    /// Microseconds since 1970 before which its time is; the greatest number where that is not known.
    pub(super) until: i64,
}

impl Needs {
    /// Of the rows for which all of `filters` are true.
    pub(super) fn of(filters: &[Expr], time: Option<&str>) -> Self {
        let mut needs = Self { by_column: BTreeMap::new(), since: i64::MIN, until: i64::MAX };
        for condition in filters.iter().flat_map(split_conjunction) {
            for (column, values) in named(condition) {
                let fewer = |known: &BTreeSet<String>| values.len() < known.len();
                if needs.by_column.get(&column).is_none_or(fewer) {
                    needs.by_column.insert(column, values);
                }
            }
            if let Some(time) = time {
                let (since, until) = bounds(condition, time);
                needs.since = needs.since.max(since);
                needs.until = needs.until.min(until);
            }
        }
        needs
    }

    /// The values of one column; none where they may be any.
    pub(super) fn values(&self, column: &str) -> Option<&BTreeSet<String>> {
        self.by_column.get(column)
    }
}

/// The column that most of `all` name values of.
pub(super) fn most_named<'a>(all: impl Iterator<Item = &'a Needs>) -> Option<String> {
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    for needs in all {
        needs.by_column.keys().for_each(|column| *named.entry(column).or_default() += 1);
    }
    named.into_iter().max_by_key(|(_, scans)| *scans).map(|(column, _)| column.to_owned())
}

/// Columns of which a condition, where it is true, names every value there can be.
fn named(condition: &Expr) -> BTreeMap<String, BTreeSet<String>> {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let named = column_and_text(left, right).or_else(|| column_and_text(right, left));
            named.into_iter().map(|(column, value)| (column, BTreeSet::from([value]))).collect()
        }
        Expr::InList(InList { expr, list, negated: false }) => {
            let values: Option<BTreeSet<String>> = list.iter().map(text).collect();
            match (expr.as_ref(), values) {
                (Expr::Column(column), Some(values)) => BTreeMap::from([(column.name.clone(), values)]),
                _ => BTreeMap::new(),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            // True of both sides, so what either says holds.
            let mut both = named(left);
            for (column, values) in named(right) {
                both.entry(column).or_insert(values);
            }
            both
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            // True of one side, and nobody knows of which.
            let mut other = named(right);
            let either = named(left).into_iter().filter_map(|(column, mut values)| {
                values.extend(other.remove(&column)?);
                Some((column, values))
            });
            either.collect()
        }
        _ => BTreeMap::new(),
    }
}

fn column_and_text(column: &Expr, value: &Expr) -> Option<(String, String)> {
    match column {
        Expr::Column(column) => Some((column.name.clone(), text(value)?)),
        _ => None,
    }
}

/// A text that is written out; a null equals nothing, and no row needs it, but it is no text.
fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Literal(
            ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)),
            _,
        ) => Some(text.clone()),
        _ => None,
    }
}

/// From when on, and until when, the time lies where a condition is true.
fn bounds(condition: &Expr, time: &str) -> (i64, i64) {
    let anytime = (i64::MIN, i64::MAX);
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { return anytime };
    let (op, at) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(column), Expr::Literal(ScalarValue::TimestampMicrosecond(Some(at), _), _))
            if column.name == time =>
        {
            (Some(*op), *at)
        }
        (Expr::Literal(ScalarValue::TimestampMicrosecond(Some(at), _), _), Expr::Column(column))
            if column.name == time =>
        {
            (op.swap(), *at)
        }
        _ => return anytime,
    };
    match op {
        Some(Operator::Gt | Operator::GtEq) => (at, i64::MAX),
        Some(Operator::Lt) => (i64::MIN, at),
        Some(Operator::LtEq) => (i64::MIN, at.saturating_add(1)),
        _ => anytime,
    }
}
