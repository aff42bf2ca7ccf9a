//! One event as it is written: columns of `audit.v1` by name, absent where there is nothing to say.
//!
//! Absent: the columns that ingest fills by itself (`ingested_at`, `raw_ref`, `raw_hash`, and those that follow from
//! `event_type`).

use chrono::{DateTime, SecondsFormat};
use serde::{Serialize, Serializer};

use super::cast::{Actor, Tenant};

/// A second in microseconds.
pub(super) const SECOND_US: i64 = 1_000_000;
/// A minute in microseconds.
pub(super) const MINUTE_US: i64 = 60 * SECOND_US;
/// An hour in microseconds.
pub(super) const HOUR_US: i64 = 60 * MINUTE_US;
/// A day in microseconds.
pub(super) const DAY_US: i64 = 24 * HOUR_US;

/// Whether an event is the row of a planted entry.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    /// It is not.
    None,
    /// The violation of that index.
    Planted(usize),
    /// The near miss of that index.
    NearMiss(usize),
}

/// One row; the order of fields is the order in the file.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Event<'c> {
    pub(super) event_id: String,
    #[serde(serialize_with = "rfc3339")]
    pub(super) time: i64,
    pub(super) tenant_id: &'static str,
    pub(super) source: &'static str,
    pub(super) event_type: &'static str,
    pub(super) outcome: &'static str,
    pub(super) actor_id: &'c str,
    pub(super) actor_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) actor_tenant_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) actor_roles: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mfa: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auth_method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) src_ip: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) src_service: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_agent: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_tenant_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data_classes: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purpose: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) legal_basis: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dest_party: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) row_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) byte_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requester_id: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) approval_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ticket_ref: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chain_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seq: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prev_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash: Option<String>,
    #[serde(skip)]
    pub(super) mark: Mark,
}

impl<'c> Event<'c> {
    /// A successful event of an actor in a tenant's part of the lake, from the actor's own address or service.
    pub(super) fn by(actor: &'c Actor, tenant: &Tenant, event_type: &'static str, time: i64) -> Self {
        Self {
            event_id: String::new(),
            time,
            tenant_id: tenant.id,
            source: "console",
            event_type,
            outcome: "success",
            actor_id: &actor.id,
            actor_type: actor.kind,
            actor_tenant_id: Some(actor.tenant),
            actor_roles: None,
            mfa: None,
            session_id: None,
            auth_method: None,
            src_ip: actor.address.as_deref(),
            src_service: actor.service,
            user_agent: None,
            resource_type: None,
            resource_id: None,
            resource_tenant_id: None,
            data_classes: (event_type == "data.read").then_some(&["internal"]),
            subject_id: None,
            purpose: None,
            legal_basis: None,
            dest_party: None,
            row_count: None,
            byte_count: None,
            requester_id: None,
            approval_id: None,
            ticket_ref: None,
            chain_id: None,
            seq: None,
            prev_hash: None,
            hash: None,
            mark: Mark::None,
        }
    }

    /// A login: with roles and agent, and the second factor where the tenant records one.
    pub(super) fn login(actor: &'c Actor, tenant: &Tenant, time: i64, outcome: &'static str, mfa: bool) -> Self {
        Self {
            outcome,
            actor_roles: Some(actor.roles),
            mfa: tenant.records_mfa.then_some(mfa),
            user_agent: Some(actor.agent),
            ..Self::by(actor, tenant, "user.login", time)
        }
    }

    /// The event acts on a resource of its tenant.
    pub(super) fn on(mut self, resource_type: &'static str, resource_id: String) -> Self {
        self.resource_type = Some(resource_type);
        self.resource_id = Some(resource_id);
        self.resource_tenant_id = Some(self.tenant_id);
        self
    }

    /// The event was done with an API key, whose id stands where the session does.
    pub(super) fn with_key(mut self, key: String) -> Self {
        self.auth_method = Some("api_key");
        self.session_id = Some(key);
        self
    }

    /// The event uses data that is nobody's, and says so.
    pub(super) fn about_nobody(mut self, purpose: &'static str) -> Self {
        self.subject_id = Some("none".to_owned());
        self.purpose = Some(purpose);
        self
    }

    /// The emitting service.
    pub(super) fn emitted_by(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }
}

/// RFC 3339 with microseconds and Z.
pub(super) fn rfc3339<S: Serializer>(micros: &i64, to: S) -> Result<S::Ok, S::Error> {
    let at = DateTime::from_timestamp_micros(*micros).unwrap_or_default();
    to.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// The same, where there may be none.
pub(super) fn rfc3339_or_absent<S: Serializer>(micros: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
    match micros {
        Some(micros) => rfc3339(micros, to),
        None => to.serialize_none(),
    }
}
