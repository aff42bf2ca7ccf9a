//! Bounds of time: taken off a filter, because they move from run to run, and asked of each file instead.
//!
//! A file below `date=2026-09-01/` has times of that UTC day only, which is checked as it is opened, so its folder says
//! whether all of its rows lie within the bounds. Rows without a time never do: where bounds were, `IS NOT NULL` stays.
//! Absent: other forms, `date_trunc('day', time) = …` or `CAST(time AS date)`. They are part of the statement.

use arrow::datatypes::{DataType, TimeUnit};
use chrono::NaiveDate;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, Operator};

use crate::dataset::microseconds;

/// A comparison of the time with an instant, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// `time >= at`.
    From(i64),
    /// `time > at`.
    After(i64),
    /// `time < at`.
    Before(i64),
    /// `time <= at`.
    UpTo(i64),
}

impl Bound {
    fn admits(self, time: i64) -> bool {
        match self {
            Self::From(at) => time >= at,
            Self::After(at) => time > at,
            Self::Before(at) => time < at,
            Self::UpTo(at) => time <= at,
        }
    }
}

/// How a file stands to all bounds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// Every row that has a time is within them.
    Inside,
    /// No row is.
    Outside,
    /// Its rows must be asked.
    Border,
}

/// How a file of this day stands; of one that no folder gives a day to, only its rows tell.
pub(super) fn stands(bounds: &[Bound], day: Option<NaiveDate>) -> Stands {
    if bounds.is_empty() {
        return Stands::Inside;
    }
    let Some((first, last)) = day.and_then(microseconds) else { return Stands::Border };
    // A bound is about one side, so what it says of both ends of a day it says of all between them.
    let both = |bound: &Bound| (bound.admits(first), bound.admits(last));
    if bounds.iter().any(|bound| both(bound) == (false, false)) {
        Stands::Outside
    } else if bounds.iter().all(|bound| both(bound) == (true, true)) {
        Stands::Inside
    } else {
        Stands::Border
    }
}

/// A filter without its bounds on `time`, and those bounds. Where there were any, rows without a time stay out.
pub(super) fn taken_off(predicate: &Expr, time: &Column) -> (Option<Expr>, Vec<Bound>) {
    let mut bounds = Vec::new();
    let mut rest = Vec::new();
    for part in split_conjunction(predicate) {
        match of(part, time) {
            Some(found) => bounds.extend(found),
            None => rest.push(part.clone()),
        }
    }
    if !bounds.is_empty() {
        rest.push(Expr::Column(time.clone()).is_not_null());
    }
    (conjunction(rest), bounds)
}

/// Those of some filters that are no bounds on `time`.
pub(super) fn others(filters: &[Expr], time: &Column) -> Vec<Expr> {
    let parts = filters.iter().flat_map(split_conjunction);
    parts.filter(|part| of(part, time).is_none()).cloned().collect()
}

/// What a condition says of `time`, if it is nothing but a bound.
fn of(condition: &Expr, time: &Column) -> Option<Vec<Bound>> {
    let is_time = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == time.name);
    match condition {
        Expr::BinaryExpr(binary) if is_time(&binary.left) => bound(binary.op, at(&binary.right)?).map(|one| vec![one]),
        Expr::BinaryExpr(binary) if is_time(&binary.right) => {
            bound(binary.op.swap()?, at(&binary.left)?).map(|one| vec![one])
        }
        Expr::Between(between) if !between.negated && is_time(&between.expr) => {
            Some(vec![Bound::From(at(&between.low)?), Bound::UpTo(at(&between.high)?)])
        }
        _ => None,
    }
}

fn bound(operator: Operator, at: i64) -> Option<Bound> {
    Some(match operator {
        Operator::GtEq => Bound::From(at),
        Operator::Gt => Bound::After(at),
        Operator::Lt => Bound::Before(at),
        Operator::LtEq => Bound::UpTo(at),
        _ => return None,
    })
}

/// An instant of the type that times have.
fn at(literal: &Expr) -> Option<i64> {
    match literal {
        Expr::Literal(ScalarValue::TimestampMicrosecond(at, Some(zone)), _) if zone.as_ref() == "UTC" => *at,
        _ => None,
    }
}

/// Whether a column of this type can have bounds.
pub(super) fn has_bounds(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC")
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};

    use super::*;

    fn micros(at: &str) -> i64 {
        schemas::parse_rfc3339(at).expect("an instant").timestamp_micros()
    }

    fn instant(at: &str) -> Expr {
        lit(ScalarValue::TimestampMicrosecond(Some(micros(at)), Some("UTC".into())))
    }

    #[track_caller]
    fn check(bounds: &[Bound], day: &str, expected: Stands) {
        assert_eq!(stands(bounds, Some(day.parse().expect("a day"))), expected, "{bounds:?} {day}");
    }

    #[test]
    fn a_day_is_inside_only_as_a_whole() {
        let bounds = [Bound::From(micros("2026-09-01T00:00:00Z")), Bound::Before(micros("2026-09-04T00:00:00Z"))];
        check(&bounds, "2026-08-31", Stands::Outside);
        check(&bounds, "2026-09-01", Stands::Inside);
        check(&bounds, "2026-09-03", Stands::Inside);
        check(&bounds, "2026-09-04", Stands::Outside);
        check(&[Bound::After(micros("2026-09-01T00:00:00Z"))], "2026-09-01", Stands::Border);
        check(&[Bound::UpTo(micros("2026-09-02T00:00:00Z"))], "2026-09-02", Stands::Border);
        check(&[Bound::UpTo(micros("2026-09-01T23:59:59.999999Z"))], "2026-09-01", Stands::Inside);
        check(&[Bound::Before(micros("2026-09-01T23:59:59.999999Z"))], "2026-09-01", Stands::Border);
        assert_eq!(stands(&bounds, None), Stands::Border, "no folder tells");
        assert_eq!(stands(&[], None), Stands::Inside, "nothing is asked of times");
    }

    #[test]
    fn bounds_on_the_bare_column_are_taken_off_and_nothing_else_is() {
        let time = Column::new(Some("audit"), "time");
        let bare = || Expr::Column(time.clone());
        let predicate = bare()
            .gt_eq(instant("2026-09-01T00:00:00Z"))
            .and(instant("2026-09-02T00:00:00Z").gt(bare()))
            .and(col("outcome").eq(lit("failure")));
        let (rest, bounds) = taken_off(&predicate, &time);
        assert_eq!(
            bounds,
            [Bound::From(micros("2026-09-01T00:00:00Z")), Bound::Before(micros("2026-09-02T00:00:00Z"))]
        );
        assert_eq!(rest, Some(col("outcome").eq(lit("failure")).and(bare().is_not_null())));
        let stays = [
            bare().eq(instant("2026-09-01T00:00:00Z")),
            bare().gt_eq(instant("2026-09-01T00:00:00Z")).or(col("outcome").eq(lit("failure"))),
            bare().gt_eq(col("received_at")),
            bare().not_between(instant("2026-09-01T00:00:00Z"), instant("2026-09-02T00:00:00Z")),
            col("received_at").gt_eq(instant("2026-09-01T00:00:00Z")),
            bare().gt_eq(lit(ScalarValue::TimestampMicrosecond(None, Some("UTC".into())))),
        ];
        for condition in stays {
            assert_eq!(taken_off(&condition, &time), (Some(condition.clone()), Vec::new()));
        }
        let between = bare().between(instant("2026-09-01T00:00:00Z"), instant("2026-09-02T00:00:00Z"));
        assert_eq!(
            taken_off(&between, &time).1,
            [Bound::From(micros("2026-09-01T00:00:00Z")), Bound::UpTo(micros("2026-09-02T00:00:00Z"))]
        );
    }
}
