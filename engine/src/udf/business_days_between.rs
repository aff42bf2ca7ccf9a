//! `business_days_between`: Mondays to Fridays from one day to another.

use datafusion::error::Result;

use super::row_function::{Kind, Of, Row, RowFunction};

/// `business_days_between(from_at, to_at, timezone)`.
///
/// Those after the day of `from_at`, up to and with the day of `to_at`; below zero when that is earlier. Holidays count.
pub(super) fn function() -> RowFunction {
    RowFunction::new(
        "business_days_between",
        &[("from_at", Kind::Instant), ("to_at", Kind::Instant), ("timezone", Kind::Text)],
        Of::Whole(business_days_between),
    )
}

fn business_days_between(row: &Row<'_>) -> Result<Option<i64>> {
    let (Some(zone), Some(from), Some(to)) = (row.zone(2)?, row.instant(0), row.instant(1)) else { return Ok(None) };
    Ok(Some(schemas::business_days_between(zone.day_of(from), zone.day_of(to))))
}
