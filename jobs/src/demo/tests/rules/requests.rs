//! The clock of requests, for those that the demo has: received at noon, and not in a month of 30 days.

use chrono::{DateTime, Days, Months, Utc};

use super::{Found, Lake, Request};
use crate::demo::REPORT_AT;

/// The end of the due day in Berlin, where the demo is: 23:00 UTC in winter.
fn due_at(request: &Request) -> DateTime<Utc> {
    let received = request.received_at.date_naive();
    let due = match (request.jurisdiction.as_str(), request.extended_at) {
        ("gdpr", None) => received + Days::new(30),
        ("gdpr", Some(_)) => received + Months::new(3),
        ("ccpa", None) => received + Days::new(45),
        other => panic!("no rule for {other:?}"),
    };
    due.and_hms_opt(23, 0, 0).unwrap().and_utc()
}

pub(super) fn overdue(lake: &Lake) -> Vec<Found> {
    let late = |request: &&Request| request.closed_at.unwrap_or(REPORT_AT) > due_at(request);
    let named = |request: &Request| ("AL-DSR-001", request.tenant_id.clone(), request.request_id.clone());
    lake.requests.iter().filter(late).map(named).collect()
}

/// Whether a tenant has an open request that falls due within five days.
pub(super) fn nearly_due(lake: &Lake, tenant: &str) -> bool {
    lake.requests.iter().filter(|request| request.tenant_id == tenant && request.closed_at.is_none()).any(|request| {
        let left = due_at(request) - REPORT_AT;
        (0..=5).contains(&left.num_days()) && left.num_seconds() >= 0
    })
}
