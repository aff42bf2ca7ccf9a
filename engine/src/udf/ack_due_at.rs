//! `ack_due_at`: the last microsecond in which confirming the receipt of a request is in time.

use chrono::{DateTime, Utc};
use datafusion::error::Result;
use schemas::RequestRule;

use super::row_function::{Kind, Of, Row, RowFunction};

/// `ack_due_at(jurisdiction, type, received_at, timezone)`.
///
/// Null where no rule names the request, and where its rule asks for no confirmation.
pub(super) fn function() -> RowFunction {
    RowFunction::new(
        "ack_due_at",
        &[("jurisdiction", Kind::Text), ("type", Kind::Text), ("received_at", Kind::Instant), ("timezone", Kind::Text)],
        Of::Instant(ack_due_at),
    )
}

fn ack_due_at(row: &Row<'_>) -> Result<Option<DateTime<Utc>>> {
    let Some(zone) = row.zone(3)? else { return Ok(None) };
    let (Some(jurisdiction), Some(kind), Some(received_at)) = (row.text(0), row.text(1), row.instant(2)) else {
        return Ok(None);
    };
    let received = zone.day_of(received_at);
    let due = RequestRule::of(jurisdiction, kind, received).and_then(|rule| rule.acknowledge(received));
    Ok(due.and_then(|day| zone.end_of(day)))
}
