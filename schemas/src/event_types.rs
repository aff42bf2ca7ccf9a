//! Types of events as audit.v1 names them: `noun.verb_in_past_tense`, and `api.*` for calls without a name of their own.
//!
//! The list is open, since mappings may add names: nothing is refused for not being on it. It is here to tell a misspelt
//! name. Absent: class and activity of each, which mappings state.

use crate::definition::nearest;

/// Edits between a name and the one that was meant.
const EDITS_MAX: usize = 2;

/// The name that was probably meant by one that is not on the list. `given` may end with `*`.
pub(crate) fn misspelt(given: &str) -> Option<String> {
    let Some(beginning) = given.strip_suffix('*') else {
        let near = EVENT_TYPES.iter().copied().filter(|name| name.len().abs_diff(given.len()) <= EDITS_MAX);
        return nearest(given, near).filter(|near| *near != given).map(str::to_owned);
    };
    let noun = beginning.strip_suffix('.')?;
    let nouns = || EVENT_TYPES.iter().filter_map(|name| name.split_once('.')).map(|(noun, _)| noun);
    if nouns().any(|known| known == noun) {
        return None;
    }
    let near = nearest(noun, nouns().filter(|known| known.len().abs_diff(noun.len()) <= 1))?;
    Some(format!("{near}.*"))
}

/// Every name, in order.
pub(crate) const EVENT_TYPES: &[&str] = &[
    "access.denied",
    "access.review_completed",
    "ai.conversation_started",
    "ai.human_review",
    "ai.incident_reported",
    "ai.serious_incident",
    "alert.raised",
    "api.create",
    "api.delete",
    "api.read",
    "api.request",
    "api.update",
    "api_key.created",
    "api_key.revoked",
    "api_key.rotated",
    "approval.denied",
    "approval.granted",
    "approval.requested",
    "audit.config_changed",
    "audit.exported",
    "audit.paused",
    "audit.resumed",
    "audit.viewed",
    "backup.failed",
    "backup.succeeded",
    "billing.adjusted",
    "breach.authority_notified",
    "breach.detected",
    "breach.subjects_notified",
    "change.approved",
    "change.emergency",
    "change.requested",
    "config.changed",
    "consent.granted",
    "consent.opt_out",
    "consent.opt_out_effective",
    "consent.withdrawn",
    "control.evaluated",
    "data.created",
    "data.deleted",
    "data.exported",
    "data.processed",
    "data.read",
    "data.shared",
    "data.updated",
    "deploy.completed",
    "dsr.acknowledged",
    "dsr.denied",
    "dsr.erasure_completed",
    "dsr.extended",
    "dsr.fulfilled",
    "dsr.identity_verified",
    "dsr.received",
    "emergency_access.reviewed",
    "emergency_access.used",
    "events.reviewed",
    "group.created",
    "group.deleted",
    "group.member_added",
    "group.member_removed",
    "incident.closed",
    "incident.opened",
    "incident.reviewed",
    "legal_hold.released",
    "legal_hold.set",
    "model.approved",
    "model.decision",
    "model.evaluated",
    "model.inference",
    "model.registered",
    "model.retired",
    "policy.acknowledged",
    "policy.exception_granted",
    "policy.published",
    "policy.reviewed",
    "query.executed",
    "quota.changed",
    "restore.tested",
    "retention.archived",
    "retention.deleted",
    "retention.rule_changed",
    "risk.reviewed",
    "role.assigned",
    "role.revoked",
    "service.started",
    "service.stopped",
    "session.expired",
    "session.reauthenticated",
    "tenant.created",
    "tenant.tier_changed",
    "ticket.opened",
    "ticket.resolved",
    "ticket.responded",
    "training.completed",
    "user.created",
    "user.deleted",
    "user.disabled",
    "user.enabled",
    "user.impersonated",
    "user.locked",
    "user.login",
    "user.logout",
    "user.mfa_challenged",
    "user.mfa_disabled",
    "user.mfa_enabled",
    "user.password_changed",
    "user.password_reset",
    "user.policy_attached",
    "user.policy_detached",
    "user.role_assumed",
    "user.terminated",
    "user.unlocked",
    "vendor.registered",
    "vendor.reviewed",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_told_and_a_name_of_ones_own_is_not() {
        assert!(EVENT_TYPES.is_sorted());
        assert_eq!(misspelt("user.logn").as_deref(), Some("user.login"));
        assert_eq!(misspelt("sesion.*").as_deref(), Some("session.*"));
        assert_eq!(misspelt("legal_holds.*").as_deref(), Some("legal_hold.*"));
        for fine in ["user.login", "session.*", "user.log*", "shipment.delivered", "shipment.*", "*"] {
            assert_eq!(misspelt(fine), None, "{fine}");
        }
    }
}
