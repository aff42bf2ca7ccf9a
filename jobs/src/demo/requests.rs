//! Requests of data subjects: rows of `dsr.v1`.

use serde::Serialize;

use super::cast::Cast;
use super::day_start_us;
use super::event::{DAY_US, HOUR_US, rfc3339, rfc3339_or_absent};

/// One request.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Request {
    pub(super) tenant_id: &'static str,
    pub(super) request_id: String,
    pub(super) subject_id: String,
    pub(super) r#type: &'static str,
    pub(super) jurisdiction: &'static str,
    #[serde(serialize_with = "rfc3339")]
    pub(super) received_at: i64,
    #[serde(serialize_with = "rfc3339_or_absent", skip_serializing_if = "Option::is_none")]
    pub(super) extended_at: Option<i64>,
    #[serde(serialize_with = "rfc3339_or_absent", skip_serializing_if = "Option::is_none")]
    pub(super) closed_at: Option<i64>,
    pub(super) state: &'static str,
    pub(super) revision: i32,
}

/// Requests that were answered within three weeks.
pub(super) fn requests(cast: &Cast) -> Vec<Request> {
    let of_tenant = |tenant: &'static str| (0..6).map(move |number| answered(tenant, number));
    cast.tenants.iter().flat_map(|tenant| of_tenant(tenant.id)).collect()
}

fn answered(tenant_id: &'static str, number: i64) -> Request {
    let received_at = day_start_us(number * 6) + 12 * HOUR_US;
    Request {
        tenant_id,
        request_id: format!("req-{tenant_id}-{number:02}"),
        subject_id: format!("p-{tenant_id}-{:04}", 200 + number),
        r#type: if number % 2 == 0 { "know" } else { "erasure" },
        jurisdiction: if number % 3 == 0 { "ccpa" } else { "gdpr" },
        received_at,
        extended_at: None,
        closed_at: Some(received_at + (5 + 3 * number) * DAY_US),
        state: "fulfilled",
        revision: 1,
    }
}
