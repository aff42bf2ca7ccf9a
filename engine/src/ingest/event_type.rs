//! The catalogue of event types: what each name means as OCSF class and activity, as an action, and how severe it is.
//!
//! Names are those of the guide's list; a lake may add names in a mapping, which then gives class and activity
//! itself. Severity is that of the event alone: 1, unless the event weakens a safeguard or is an incident.
//!
//! How the names and numbers of a source become these is in the module of that source.

pub(crate) mod cloudtrail;
pub(crate) mod kubernetes;
pub(crate) mod ocsf;

/// What an event type's name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// `noun.verb_in_past_tense`.
    pub name: &'static str,
    /// OCSF 1.8.0 class.
    pub class_uid: i32,
    /// OCSF 1.8.0 activity within the class; 99 is Other.
    pub activity_id: i32,
    /// One of the words of `audit.v1.action`.
    pub action: &'static str,
    /// 1 info to 5 critical, where no rule of a mapping says otherwise.
    pub severity: i16,
}

/// An event type with the action and severity of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    /// The event type; its own action and severity are overruled by those beside it.
    pub(crate) event: EventType,
    /// What the verb of the call does.
    pub(crate) action: &'static str,
    /// 1 info to 5 critical.
    pub(crate) severity: i16,
}

/// The event type of that name.
pub fn lookup(name: &str) -> Option<EventType> {
    CATALOGUE.binary_search_by(|event| event.name.cmp(name)).ok().map(|index| CATALOGUE[index])
}

const fn event(name: &'static str, class_uid: i32, activity_id: i32, action: &'static str, severity: i16) -> EventType {
    EventType { name, class_uid, activity_id, action, severity }
}

/// Every event type, by name.
static CATALOGUE: [EventType; 114] = [
    event("access.denied", 6003, 99, "other", 2),
    event("access.review_completed", 3004, 3, "read", 1),
    event("ai.conversation_started", 6003, 1, "create", 1),
    event("ai.human_review", 6003, 3, "approve", 1),
    event("ai.incident_reported", 2005, 2, "share", 1),
    event("ai.serious_incident", 2005, 1, "create", 5),
    event("alert.raised", 2004, 1, "create", 3),
    event("api.create", 6003, 1, "create", 1),
    event("api.delete", 6003, 4, "delete", 1),
    event("api.read", 6003, 2, "read", 1),
    event("api.request", 6003, 99, "other", 1),
    event("api.update", 6003, 3, "update", 1),
    event("api_key.created", 3004, 1, "create", 2),
    event("api_key.revoked", 3004, 4, "delete", 1),
    event("api_key.rotated", 3004, 3, "update", 1),
    event("approval.denied", 3004, 3, "approve", 1),
    event("approval.granted", 3004, 3, "approve", 1),
    event("approval.requested", 3004, 1, "create", 1),
    event("audit.config_changed", 6002, 8, "update", 3),
    event("audit.exported", 6005, 1, "export", 2),
    event("audit.paused", 6002, 7, "update", 4),
    event("audit.resumed", 6002, 6, "update", 1),
    event("audit.viewed", 6005, 1, "read", 1),
    event("backup.failed", 6005, 6, "create", 3),
    event("backup.succeeded", 6005, 6, "create", 1),
    event("billing.adjusted", 6003, 3, "update", 1),
    event("breach.authority_notified", 2005, 2, "share", 1),
    event("breach.detected", 2005, 1, "create", 5),
    event("breach.subjects_notified", 2005, 2, "share", 1),
    event("change.approved", 3004, 3, "approve", 1),
    event("change.emergency", 3004, 1, "create", 2),
    event("change.requested", 3004, 1, "create", 1),
    event("config.changed", 6003, 3, "update", 1),
    event("consent.granted", 3004, 10, "create", 1),
    event("consent.opt_out", 3004, 9, "update", 1),
    event("consent.opt_out_effective", 3004, 3, "update", 1),
    event("consent.withdrawn", 3004, 11, "update", 1),
    event("control.evaluated", 2003, 1, "execute", 1),
    event("data.created", 6003, 1, "create", 1),
    event("data.deleted", 6003, 4, "delete", 1),
    event("data.exported", 6005, 1, "export", 2),
    event("data.processed", 6003, 99, "execute", 1),
    event("data.read", 6003, 2, "read", 1),
    event("data.shared", 6005, 1, "share", 2),
    event("data.updated", 6003, 3, "update", 1),
    event("deploy.completed", 6003, 3, "execute", 1),
    event("dsr.acknowledged", 6003, 3, "update", 1),
    event("dsr.denied", 6003, 3, "update", 1),
    event("dsr.erasure_completed", 6003, 4, "delete", 1),
    event("dsr.extended", 6003, 3, "update", 1),
    event("dsr.fulfilled", 6003, 3, "update", 1),
    event("dsr.identity_verified", 6003, 3, "update", 1),
    event("dsr.received", 6003, 1, "create", 1),
    event("emergency_access.reviewed", 3004, 3, "read", 1),
    event("emergency_access.used", 3004, 10, "execute", 4),
    event("events.reviewed", 3004, 3, "read", 1),
    event("group.created", 3006, 6, "create", 1),
    event("group.deleted", 3006, 5, "delete", 1),
    event("group.member_added", 3006, 3, "update", 1),
    event("group.member_removed", 3006, 4, "update", 1),
    event("incident.closed", 2005, 3, "update", 1),
    event("incident.opened", 2005, 1, "create", 4),
    event("incident.reviewed", 2005, 2, "update", 1),
    event("legal_hold.released", 3004, 9, "update", 3),
    event("legal_hold.set", 3004, 8, "create", 1),
    event("model.approved", 3004, 10, "approve", 1),
    event("model.decision", 6003, 99, "execute", 1),
    event("model.evaluated", 3004, 3, "execute", 1),
    event("model.inference", 6003, 99, "execute", 1),
    event("model.registered", 3004, 1, "create", 1),
    event("model.retired", 3004, 11, "update", 1),
    event("policy.acknowledged", 3004, 99, "approve", 1),
    event("policy.exception_granted", 3004, 1, "create", 2),
    event("policy.published", 3004, 1, "create", 1),
    event("policy.reviewed", 3004, 3, "read", 1),
    event("query.executed", 6005, 4, "execute", 1),
    event("quota.changed", 3004, 3, "update", 1),
    event("restore.tested", 6005, 1, "execute", 1),
    event("retention.archived", 6005, 5, "update", 1),
    event("retention.deleted", 6005, 7, "delete", 1),
    event("retention.rule_changed", 3004, 3, "update", 2),
    event("risk.reviewed", 3004, 3, "read", 1),
    event("role.assigned", 3005, 1, "update", 2),
    event("role.revoked", 3005, 2, "update", 1),
    event("service.started", 6002, 3, "execute", 1),
    event("service.stopped", 6002, 4, "execute", 2),
    event("session.expired", 3002, 2, "logout", 1),
    event("session.reauthenticated", 3002, 1, "login", 1),
    event("tenant.created", 3004, 1, "create", 1),
    event("tenant.tier_changed", 3004, 3, "update", 1),
    event("ticket.opened", 6003, 1, "create", 1),
    event("ticket.resolved", 6003, 3, "update", 1),
    event("ticket.responded", 6003, 3, "update", 1),
    event("training.completed", 3004, 99, "other", 1),
    event("user.created", 3001, 1, "create", 1),
    event("user.deleted", 3001, 6, "delete", 1),
    event("user.disabled", 3001, 5, "update", 1),
    event("user.enabled", 3001, 2, "update", 1),
    event("user.impersonated", 3002, 7, "login", 2),
    event("user.locked", 3001, 9, "update", 2),
    event("user.login", 3002, 1, "login", 1),
    event("user.logout", 3002, 2, "logout", 1),
    event("user.mfa_challenged", 3002, 6, "login", 1),
    event("user.mfa_disabled", 3001, 11, "update", 3),
    event("user.mfa_enabled", 3001, 10, "update", 1),
    event("user.password_changed", 3001, 3, "update", 1),
    event("user.password_reset", 3001, 4, "update", 1),
    event("user.policy_attached", 3001, 7, "update", 2),
    event("user.policy_detached", 3001, 8, "update", 1),
    event("user.role_assumed", 3002, 7, "login", 1),
    event("user.terminated", 3001, 99, "update", 1),
    event("user.unlocked", 3001, 12, "update", 1),
    event("vendor.registered", 3004, 1, "create", 1),
    event("vendor.reviewed", 3004, 3, "read", 1),
];

#[cfg(test)]
mod tests;
