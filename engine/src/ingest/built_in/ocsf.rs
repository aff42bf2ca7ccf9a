//! Events in the Open Cybersecurity Schema Framework, versions 1.1 to 1.8, of any class.
//!
//! Values that have a column go there, every other one goes to `attributes` under its path. Absent: `unmapped` as
//! columns. A producer may put anything there, so it stays text.

mod actor;
mod remainder;
mod row;

use arrow::array::ArrayRef;
use serde_json::Value;

use super::Source;
use super::arrays::{Happened, flags, floats, happened, ints_32, ints_64, lists, maps, text};
use super::part::Reject;
use row::{Row, tenant};

/// The mapping, with the tenant of records that name none.
#[derive(Debug, Clone)]
pub(crate) struct Ocsf {
    tenant: Option<String>,
}

impl Ocsf {
    /// A mapping that gives `tenant` to records without `metadata.tenant_uid`.
    pub(super) fn new(tenant: Option<String>) -> Self {
        Self { tenant }
    }
}

impl Source for Ocsf {
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
        filled.extend(who_and_what(rows));
        filled.extend(how(rows));
        filled
    }
}

fn who_and_what<'a>(rows: &'a [Row<'a>]) -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("actor_id", text(rows, |row| Some(row.actor.id))),
        ("actor_type", text(rows, |row| Some(row.actor.kind))),
        ("src_ip", text(rows, |row| row.src.ip.as_deref())),
        ("resource_type", text(rows, |row| row.resource.kind)),
        ("resource_id", text(rows, |row| row.resource.id)),
        ("actor_tenant_id", text(rows, |row| row.actor.tenant)),
        ("actor_roles", lists(rows, |row| row.actor.roles.iter().copied())),
        ("impersonator_id", text(rows, |row| row.actor.impersonator)),
        ("session_id", text(rows, |row| row.actor.session)),
        ("auth_method", text(rows, |row| row.actor.auth_method)),
        ("mfa", flags(rows, |row| row.actor.mfa)),
        ("src_service", text(rows, |row| row.src.service)),
        ("src_country", text(rows, |row| row.src.country)),
        ("user_agent", text(rows, |row| row.user_agent)),
        ("src_asn", ints_64(rows, |row| row.src.asn)),
        ("src_lat", floats(rows, |row| row.src.lat)),
        ("src_lon", floats(rows, |row| row.src.lon)),
    ]
}

fn how<'a>(rows: &'a [Row<'a>]) -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("api_operation", text(rows, |row| row.api_operation)),
        ("request_id", text(rows, |row| row.request_id)),
        ("correlation_id", text(rows, |row| row.correlation_id)),
        ("http_status", ints_32(rows, |row| row.http_status)),
        ("duration_us", ints_64(rows, |row| row.duration_us)),
        ("status_code", text(rows, |row| row.status_code)),
        ("status_detail", text(rows, |row| row.status_detail)),
        ("resource_name", text(rows, |row| row.resource.name)),
        ("resource_tenant_id", text(rows, |row| row.resource.tenant)),
        ("region", text(rows, |row| row.region)),
        ("data_classes", lists(rows, |row| row.data_classes.iter().copied())),
        ("dest_party", text(rows, |row| row.dest_party)),
        ("dest_region", text(rows, |row| row.dest_region)),
        ("seq", ints_64(rows, |row| row.seq)),
        ("ai_provider", text(rows, |row| row.ai.provider)),
        ("ai_model", text(rows, |row| row.ai.model)),
        ("ai_model_version", text(rows, |row| row.ai.version)),
        ("ai_role", text(rows, |row| row.ai.role)),
        ("ai_prompt_tokens", ints_64(rows, |row| row.ai.prompt_tokens)),
        ("ai_completion_tokens", ints_64(rows, |row| row.ai.completion_tokens)),
        ("attributes", maps(rows, |row| &row.attributes)),
    ]
}

#[cfg(test)]
mod tests;
