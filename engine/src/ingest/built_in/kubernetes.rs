//! Audit events of a Kubernetes API server, `audit.k8s.io/v1` and `v1beta1`.
//!
//! A request passes several stages under one id; the one in which it ended becomes a row, the others are skipped.
//! Absent: the objects sent and returned, which may hold secrets; they stay in the source record.

mod row;

use arrow::array::ArrayRef;
use serde_json::Value;

use super::Source;
use super::arrays::{Happened, happened, ints_32, ints_64, lists, maps, text};
use super::part::Reject;
use row::Row;

/// What the column `source` says.
const SOURCE: &str = "kubernetes";

/// The mapping, with the tenant, whom no record names.
#[derive(Debug, Clone)]
pub(crate) struct Kubernetes {
    tenant: String,
}

impl Kubernetes {
    /// A mapping whose rows all belong to `tenant`.
    pub(super) fn new(tenant: String) -> Self {
        Self { tenant }
    }
}

impl Source for Kubernetes {
    type Row<'a> = Row<'a>;

    fn read<'a>(&'a self, record: &'a Value) -> Result<Option<Row<'a>>, Reject> {
        Row::read(record, &self.tenant)
    }

    fn tenant<'a>(&'a self, _: &'a Value) -> Option<&'a str> {
        Some(&self.tenant)
    }

    fn filled(rows: &[Row<'_>]) -> Vec<(&'static str, ArrayRef)> {
        let mut filled = happened(rows, |row| Happened {
            event_id: &row.event_id,
            time_us: row.time_us,
            tenant_id: row.tenant_id,
            source: SOURCE,
            call: &row.call,
            outcome: row.outcome,
        });
        filled.extend([
            ("actor_id", text(rows, |row| Some(row.actor.id))),
            ("actor_type", text(rows, |row| Some(row.actor.kind))),
            ("src_ip", text(rows, |row| row.src_ip.as_deref())),
            ("resource_type", text(rows, |row| row.object.kind.as_deref())),
            ("resource_id", text(rows, |row| row.object.id.as_deref())),
            ("actor_roles", lists(rows, |row| row.actor.groups.iter().copied())),
            ("impersonator_id", text(rows, |row| row.actor.impersonator)),
            ("src_service", text(rows, |row| row.src_service)),
            ("user_agent", text(rows, |row| row.user_agent)),
            ("api_operation", text(rows, |row| row.verb)),
            ("request_id", text(rows, |row| Some(row.audit_id))),
            ("http_status", ints_32(rows, |row| row.http_status)),
            ("duration_us", ints_64(rows, |row| row.duration_us)),
            ("status_code", text(rows, |row| row.status_code)),
            ("status_detail", text(rows, |row| row.status_detail)),
            ("resource_name", text(rows, |row| row.object.name)),
            ("data_classes", lists(rows, |row| row.object.secret.then_some("secret"))),
            ("attributes", maps(rows, |row| &row.attributes)),
        ]);
        filled
    }
}

#[cfg(test)]
mod tests;
