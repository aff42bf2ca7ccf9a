//! `due_at`: the last microsecond in which a request of a data subject is answered in time.

use chrono::{DateTime, Utc};
use datafusion::error::Result;
use schemas::{RequestClock, RequestRule};

use super::row_function::{Kind, Of, Row, RowFunction};

/// `due_at(jurisdiction, type, received_at, pauses, extended_at, until, timezone)`.
///
/// The end of the due day in `timezone`; null when no rule names the request. No pauses and no extension are taken for
/// none: that never moves a deadline out. Only what had happened by `until` counts, and an open pause runs to there.
pub(super) fn function() -> RowFunction {
    RowFunction::new(
        "due_at",
        &[
            ("jurisdiction", Kind::Text),
            ("type", Kind::Text),
            ("received_at", Kind::Instant),
            ("pauses", Kind::Pauses),
            ("extended_at", Kind::Instant),
            ("until", Kind::Instant),
            ("timezone", Kind::Text),
        ],
        Of::Instant(due_at),
    )
}

fn due_at(row: &Row<'_>) -> Result<Option<DateTime<Utc>>> {
    let Some(zone) = row.zone(6)? else { return Ok(None) };
    let (Some(jurisdiction), Some(kind), Some(received_at), Some(until)) =
        (row.text(0), row.text(1), row.instant(2), row.instant(5))
    else {
        return Ok(None);
    };
    let received = zone.day_of(received_at);
    let clock = RequestClock {
        received,
        extended: row.instant(4).filter(|told| *told <= until).map(|told| zone.day_of(told)),
        pauses: row.pauses(3, zone, zone.day_of(until)),
    };
    let due = RequestRule::of(jurisdiction, kind, received).and_then(|rule| rule.due(&clock));
    Ok(due.and_then(|day| zone.end_of(day)))
}
