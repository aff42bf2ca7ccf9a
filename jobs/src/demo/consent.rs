//! What people said about the use of their data: rows of `consent.v1`.

use serde::Serialize;

use super::START_AT;
use super::cast::Cast;
use super::event::{DAY_US, rfc3339, rfc3339_or_absent};

/// People of a tenant who get the newsletter; all of them agreed before the first day.
pub(super) const SUBSCRIBERS: i64 = 100;

/// One statement of one person.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Statement {
    pub(super) tenant_id: &'static str,
    pub(super) consent_id: String,
    pub(super) subject_id: String,
    pub(super) purpose: &'static str,
    #[serde(serialize_with = "rfc3339")]
    pub(super) time: i64,
    pub(super) state: &'static str,
    #[serde(serialize_with = "rfc3339_or_absent", skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<i64>,
}

/// Consents of every subscriber, in force for the whole time.
pub(super) fn statements(cast: &Cast) -> Vec<Statement> {
    let of_tenant = |tenant: &'static str| {
        (0..SUBSCRIBERS).map(move |number| Statement {
            tenant_id: tenant,
            consent_id: format!("con-{tenant}-{number:03}"),
            subject_id: subscriber(tenant, number),
            purpose: "newsletter",
            time: START_AT.timestamp_micros() - (10 + number) * DAY_US,
            state: "granted",
            expires_at: (number % 4 == 0).then(|| START_AT.timestamp_micros() + 365 * DAY_US),
        })
    };
    cast.tenants.iter().flat_map(|tenant| of_tenant(tenant.id)).collect()
}

/// A subscriber by number.
pub(super) fn subscriber(tenant: &str, number: i64) -> String {
    format!("p-{tenant}-{number:04}")
}
