//! From an OCSF class and activity to an event type.
//!
//! A name is given only where OCSF says all that the name says. An activity of entity management may be an API key
//! or a policy, so it is `api.*` by what it does and not one of our names; the name itself travels in
//! `metadata.event_code`. What has no entry here is `api.request`, and keeps its class and activity.

use super::{Call, EventType, lookup};

/// What an event is. `code` is `metadata.event_code`, `activity` the activity's name.
pub(crate) fn call(code: Option<&str>, class_uid: i32, activity_id: i32, activity: Option<&str>) -> Option<Call> {
    if let Some(own) = code.and_then(lookup) {
        return Some(Call {
            event: EventType { class_uid, activity_id, ..own },
            action: own.action,
            severity: own.severity,
        });
    }
    let known = NAMED.iter().find(|(class, id, ..)| (*class, *id) == (class_uid, activity_id));
    let event = lookup(known.map_or("api.request", |(.., name)| *name))?;
    let action = match activity.and_then(word) {
        Some(action) if known.is_none() => action,
        _ => event.action,
    };
    Some(Call { event: EventType { class_uid, activity_id, ..event }, action, severity: event.severity })
}

/// The name of an activity as one of our actions.
fn word(activity: &str) -> Option<&'static str> {
    const WORDS: &[(&str, &str)] = &[
        ("create", "create"),
        ("read", "read"),
        ("update", "update"),
        ("delete", "delete"),
        ("execute", "execute"),
        ("export", "export"),
        ("share", "share"),
        ("login", "login"),
        ("logon", "login"),
        ("logout", "logout"),
        ("logoff", "logout"),
        ("approve", "approve"),
    ];
    WORDS.iter().find(|(name, _)| activity.eq_ignore_ascii_case(name)).map(|(_, action)| *action)
}

/// Class, activity, event type.
static NAMED: &[(i32, i32, &str)] = &[
    (3002, 1, "user.login"),
    (3002, 2, "user.logout"),
    (3002, 7, "user.role_assumed"),
    (3001, 1, "user.created"),
    (3001, 2, "user.enabled"),
    (3001, 3, "user.password_changed"),
    (3001, 4, "user.password_reset"),
    (3001, 5, "user.disabled"),
    (3001, 6, "user.deleted"),
    (3001, 7, "user.policy_attached"),
    (3001, 8, "user.policy_detached"),
    (3001, 9, "user.locked"),
    (3001, 10, "user.mfa_enabled"),
    (3001, 11, "user.mfa_disabled"),
    (3001, 12, "user.unlocked"),
    (3005, 1, "role.assigned"),
    (3005, 2, "role.revoked"),
    (3005, 3, "role.assigned"),
    (3005, 4, "role.revoked"),
    (3006, 3, "group.member_added"),
    (3006, 4, "group.member_removed"),
    (3006, 5, "group.deleted"),
    (3006, 6, "group.created"),
    (3004, 1, "api.create"),
    (3004, 2, "api.read"),
    (3004, 3, "api.update"),
    (3004, 4, "api.delete"),
    (6003, 1, "api.create"),
    (6003, 2, "api.read"),
    (6003, 3, "api.update"),
    (6003, 4, "api.delete"),
    (6005, 1, "api.read"),
    (6005, 2, "api.update"),
    (6005, 4, "query.executed"),
    (6005, 5, "api.update"),
    (6005, 6, "api.create"),
    (6005, 7, "api.delete"),
    (6005, 8, "api.read"),
    (6002, 3, "service.started"),
    (6002, 4, "service.stopped"),
    (2004, 1, "alert.raised"),
    (2005, 1, "incident.opened"),
    (2005, 2, "incident.reviewed"),
    (2005, 3, "incident.closed"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[track_caller]
    fn check(code: Option<&str>, ids: (i32, i32), activity: Option<&str>, want: (&str, &str)) {
        let call = call(code, ids.0, ids.1, activity).expect("every event has an event type");
        assert_eq!((call.event.name, call.action), want);
        assert_eq!((call.event.class_uid, call.event.activity_id), ids, "what the record says stays");
    }

    #[test]
    fn a_name_of_ours_goes_before_class_and_activity() {
        check(Some("consent.granted"), (3004, 10), Some("Activate"), ("consent.granted", "create"));
        check(Some("data.exported"), (6005, 1), Some("Read"), ("data.exported", "export"));
        check(Some("4624"), (3002, 1), Some("Logon"), ("user.login", "login"));
        check(None, (3001, 6), None, ("user.deleted", "delete"));
    }

    #[test]
    fn what_is_not_known_is_a_request_that_keeps_its_numbers() {
        check(None, (4001, 6), Some("Traffic"), ("api.request", "other"));
        check(None, (1007, 1), Some("Create"), ("api.request", "create"));
        check(None, (3002, 3), Some("Authentication Ticket"), ("api.request", "other"));
        check(None, (6003, 99), Some("Export"), ("api.request", "export"));
        check(None, (0, 0), None, ("api.request", "other"));
        check(Some("No.such"), (99_000, -1), None, ("api.request", "other"));
    }

    #[test]
    fn the_table_has_each_activity_once_and_agrees_with_the_catalogue() {
        let ids: BTreeSet<_> = NAMED.iter().map(|(class, activity, _)| (class, activity)).collect();
        assert_eq!(ids.len(), NAMED.len());
        for (class, activity, name) in NAMED {
            let event = lookup(name).unwrap_or_else(|| panic!("{name} is no event type"));
            // OCSF has activities of its own for roles, which mean what ours mean.
            let same = (event.class_uid, event.activity_id) == (*class, *activity);
            assert!(same || name.starts_with("api.") || name.starts_with("role."), "{name}");
        }
    }
}
