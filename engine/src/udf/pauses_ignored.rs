//! `pauses_ignored`: reasons for which a request's clock does not stand still, although it was said to.

use std::collections::BTreeSet;

use datafusion::error::Result;
use schemas::RequestRule;

use super::row_function::{Kind, Of, Row, RowFunction};

/// `pauses_ignored(jurisdiction, type, received_at, pauses, until, timezone)`.
///
/// The reasons that the request's rule does not allow, each once, by name, with commas between; null when there are
/// none, or when no rule names the request.
pub(super) fn function() -> RowFunction {
    RowFunction::new(
        "pauses_ignored",
        &[
            ("jurisdiction", Kind::Text),
            ("type", Kind::Text),
            ("received_at", Kind::Instant),
            ("pauses", Kind::Pauses),
            ("until", Kind::Instant),
            ("timezone", Kind::Text),
        ],
        Of::Text(pauses_ignored),
    )
}

fn pauses_ignored(row: &Row<'_>) -> Result<Option<String>> {
    let Some(zone) = row.zone(5)? else { return Ok(None) };
    let (Some(jurisdiction), Some(kind), Some(received_at), Some(until)) =
        (row.text(0), row.text(1), row.instant(2), row.instant(4))
    else {
        return Ok(None);
    };
    let Some(rule) = RequestRule::of(jurisdiction, kind, zone.day_of(received_at)) else { return Ok(None) };
    let pauses = row.pauses(3, zone, zone.day_of(until));
    let ignored: BTreeSet<&str> =
        pauses.iter().map(|pause| pause.reason.as_str()).filter(|reason| !rule.allows(reason)).collect();
    Ok((!ignored.is_empty()).then(|| ignored.into_iter().collect::<Vec<_>>().join(", ")))
}
