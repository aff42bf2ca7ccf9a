use std::collections::BTreeSet;

use super::*;

/// The list of the guide: name, class, activity.
const GUIDE: &str = "
    user.login 3002.1, session.reauthenticated 3002.1, user.logout 3002.2, session.expired 3002.2,
    user.mfa_challenged 3002.6, user.impersonated 3002.7, user.role_assumed 3002.7, user.created 3001.1,
    user.enabled 3001.2, user.password_changed 3001.3, user.password_reset 3001.4, user.disabled 3001.5,
    user.deleted 3001.6, user.policy_attached 3001.7, user.policy_detached 3001.8, user.locked 3001.9,
    user.mfa_enabled 3001.10, user.mfa_disabled 3001.11, user.unlocked 3001.12, user.terminated 3001.99,
    role.assigned 3005.1, role.revoked 3005.2, group.member_added 3006.3, group.member_removed 3006.4,
    group.deleted 3006.5, group.created 3006.6, api_key.created 3004.1, api_key.rotated 3004.3,
    api_key.revoked 3004.4, access.review_completed 3004.3, emergency_access.used 3004.10,
    emergency_access.reviewed 3004.3, approval.requested 3004.1, approval.granted 3004.3,
    approval.denied 3004.3, policy.published 3004.1, policy.reviewed 3004.3, policy.acknowledged 3004.99,
    policy.exception_granted 3004.1, training.completed 3004.99, change.requested 3004.1,
    change.approved 3004.3, change.emergency 3004.1, vendor.registered 3004.1, vendor.reviewed 3004.3,
    risk.reviewed 3004.3, events.reviewed 3004.3, retention.rule_changed 3004.3, legal_hold.set 3004.8,
    legal_hold.released 3004.9, consent.granted 3004.10, consent.withdrawn 3004.11, consent.opt_out 3004.9,
    consent.opt_out_effective 3004.3, tenant.created 3004.1, tenant.tier_changed 3004.3, quota.changed 3004.3,
    model.registered 3004.1, model.evaluated 3004.3, model.approved 3004.10, model.retired 3004.11,
    data.created 6003.1, data.read 6003.2, data.updated 6003.3, data.deleted 6003.4, data.processed 6003.99,
    config.changed 6003.3, deploy.completed 6003.3, access.denied 6003.99, billing.adjusted 6003.3,
    model.inference 6003.99, model.decision 6003.99, ai.human_review 6003.3, ai.conversation_started 6003.1,
    dsr.received 6003.1, dsr.acknowledged 6003.3, dsr.identity_verified 6003.3, dsr.extended 6003.3,
    dsr.fulfilled 6003.3, dsr.denied 6003.3, dsr.erasure_completed 6003.4, ticket.opened 6003.1,
    ticket.responded 6003.3, ticket.resolved 6003.3, query.executed 6005.4, data.exported 6005.1,
    data.shared 6005.1, audit.viewed 6005.1, audit.exported 6005.1, backup.succeeded 6005.6,
    backup.failed 6005.6, restore.tested 6005.1, retention.deleted 6005.7, retention.archived 6005.5,
    service.started 6002.3, service.stopped 6002.4, audit.resumed 6002.6, audit.paused 6002.7,
    audit.config_changed 6002.8, control.evaluated 2003.1, alert.raised 2004.1, incident.opened 2005.1,
    incident.reviewed 2005.2, incident.closed 2005.3, breach.detected 2005.1, breach.authority_notified 2005.2,
    breach.subjects_notified 2005.2, ai.serious_incident 2005.1, ai.incident_reported 2005.2,
    api.create 6003.1, api.read 6003.2, api.update 6003.3, api.delete 6003.4, api.request 6003.99
";

const ACTIONS: [&str; 11] =
    ["create", "read", "update", "delete", "execute", "export", "share", "login", "logout", "approve", "other"];

#[test]
fn the_catalogue_is_the_list_of_the_guide() {
    let mut guide: Vec<String> = GUIDE.split(',').map(|item| item.trim().to_owned()).collect();
    guide.sort_by(|a, b| a.split(' ').next().cmp(&b.split(' ').next()));
    let have: Vec<String> =
        CATALOGUE.iter().map(|event| format!("{} {}.{}", event.name, event.class_uid, event.activity_id)).collect();
    assert_eq!(have, guide);
}

#[test]
fn names_are_unique_and_found() {
    let names: BTreeSet<_> = CATALOGUE.iter().map(|event| event.name).collect();
    assert_eq!(names.len(), CATALOGUE.len());
    for event in &CATALOGUE {
        assert_eq!(lookup(event.name), Some(*event));
        assert!(ACTIONS.contains(&event.action) && (1..=5).contains(&event.severity), "{event:?}");
    }
    assert_eq!((lookup(""), lookup("user"), lookup("user.Login")), (None, None, None));
}

#[test]
fn api_events_of_all_kinds_are_known() {
    for (name, activity) in [("create", 1), ("read", 2), ("update", 3), ("delete", 4), ("request", 99)] {
        let event = lookup(&format!("api.{name}")).expect("known");
        assert_eq!((event.class_uid, event.activity_id), (6003, activity));
    }
}
