//! `days_between`: days of the calendar from one instant to another.

use datafusion::error::Result;

use super::row_function::{Kind, Of, Row, RowFunction};

/// `days_between(from_at, to_at, timezone)`.
///
/// How many times midnight passes: 0 on the same day, 1 from one day to the next, below zero backwards.
pub(super) fn function() -> RowFunction {
    RowFunction::new(
        "days_between",
        &[("from_at", Kind::Instant), ("to_at", Kind::Instant), ("timezone", Kind::Text)],
        Of::Whole(days_between),
    )
}

fn days_between(row: &Row<'_>) -> Result<Option<i64>> {
    let (Some(zone), Some(from), Some(to)) = (row.zone(2)?, row.instant(0), row.instant(1)) else { return Ok(None) };
    Ok(Some((zone.day_of(to) - zone.day_of(from)).num_days()))
}
