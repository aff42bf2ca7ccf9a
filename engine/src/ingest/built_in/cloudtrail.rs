//! AWS CloudTrail records.
//!
//! Absent: columns that CloudTrail cannot fill, such as `purpose` or `subject_id`.

mod identity;
mod row;

use arrow::array::ArrayRef;
use serde_json::Value;

use super::Source;
use super::arrays::{Happened, flags, happened, ints_64, lists, maps, text};
use super::part::Reject;
use row::{Row, tenant};

/// The mapping, with the tenant of records that name none.
#[derive(Debug, Clone)]
pub(crate) struct CloudTrail {
    tenant: Option<String>,
}

impl CloudTrail {
    /// A mapping that gives `tenant` to records without an account.
    pub(super) fn new(tenant: Option<String>) -> Self {
        Self { tenant }
    }
}

impl Source for CloudTrail {
    type Row<'a> = Row<'a>;

    fn read<'a>(&'a self, record: &'a Value) -> Result<Option<Row<'a>>, Reject> {
        Row::read(record, self.tenant.as_deref()).map(Some)
    }

    fn tenant<'a>(&'a self, record: &'a Value) -> Option<&'a str> {
        tenant(record, self.tenant.as_deref())
    }

    fn filled(rows: &[Row<'_>]) -> Vec<(&'static str, ArrayRef)> {
        let mut filled = happened(rows, |row| Happened {
            event_id: row.event_id,
            time_us: row.time_us,
            tenant_id: row.tenant_id,
            source: row.source,
            call: &row.call,
            outcome: row.outcome,
        });
        filled.extend([
            ("actor_id", text(rows, |row| Some(row.identity.actor_id))),
            ("actor_type", text(rows, |row| Some(row.identity.actor_type))),
            ("src_ip", text(rows, |row| row.src_ip.as_deref())),
            ("resource_type", text(rows, |row| row.resource_type)),
            ("resource_id", text(rows, |row| row.resource_id)),
            ("actor_tenant_id", text(rows, |row| row.identity.account_id)),
            ("actor_roles", lists(rows, |row| row.identity.role)),
            ("impersonator_id", text(rows, |row| row.identity.impersonator)),
            ("session_id", text(rows, |row| row.identity.access_key_id)),
            ("mfa", flags(rows, |row| row.mfa)),
            ("src_service", text(rows, |row| row.src_service)),
            ("user_agent", text(rows, |row| row.user_agent)),
            ("api_operation", text(rows, |row| Some(row.api_operation))),
            ("request_id", text(rows, |row| row.request_id)),
            ("correlation_id", text(rows, |row| row.correlation_id)),
            ("status_code", text(rows, |row| row.status_code)),
            ("status_detail", text(rows, |row| row.status_detail)),
            ("resource_tenant_id", text(rows, |row| row.resource_tenant_id)),
            ("region", text(rows, |row| row.region)),
            ("data_classes", lists(rows, |row| row.secret.then_some("secret"))),
            ("byte_count", ints_64(rows, |row| row.byte_count)),
            ("transport_encrypted", flags(rows, |row| row.transport_encrypted)),
            ("attributes", maps(rows, |row| &row.attributes)),
        ]);
        filled
    }
}

#[cfg(test)]
mod tests;
