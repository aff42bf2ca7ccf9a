//! Rules over accounts, their keys, passwords and second factors.

use chrono::Duration;

use super::{Found, Lake, Row};
use crate::demo::{REPORT_AT, START_AT};

pub(super) fn old_passwords(lake: &Lake) -> Vec<Found> {
    let single = |account: &&super::Account| account.mfa_enrolled == Some(false);
    let old = |account: &&super::Account| {
        REPORT_AT - account.password_changed_at.expect("nothing is undecided") > Duration::days(90)
    };
    let users = lake.accounts.iter().filter(|account| account.kind == "user" && account.state == "enabled");
    let named = |account: &super::Account| ("AL-AUTH-009", account.tenant_id.clone(), account.account_id.clone());
    users.filter(single).filter(old).map(named).collect()
}

pub(super) fn keys(lake: &Lake) -> Vec<(&'static str, &Row)> {
    let mut found = Vec::new();
    let events = lake.by(|row| row.resource_id.as_ref(), Row::is_of_a_key);
    for group in events.values() {
        let last = group.last().expect("a group has rows");
        if !last.is("api_key.revoked") && REPORT_AT - last.time > Duration::days(90) {
            found.push(("AL-AUTH-010", *last));
        }
    }
    let by_key = |row: &&Row| row.auth_method.as_deref() == Some("api_key") && row.time >= START_AT;
    for row in lake.rows.iter().filter(by_key) {
        let key = row.session_id.as_deref().expect("a use names its key");
        let known = events.get(&(row.tenant_id.as_str(), key)).expect("a key in use was made");
        let last = known.iter().rfind(|event| event.time < row.time).expect("it was made before");
        if last.is("api_key.revoked") && row.succeeded() {
            found.push(("AL-AUTH-010", row));
        }
    }
    found
}

pub(super) fn factors_switched_off(lake: &Lake) -> Vec<(&'static str, &Row)> {
    let mut found = Vec::new();
    for row in lake.rows.iter().filter(|row| row.is("user.mfa_disabled")) {
        let due = row.time + Duration::hours(24);
        let restores = ["user.mfa_enabled", "user.disabled", "user.deleted"];
        let restored = lake.rows.iter().any(|other| {
            restores.contains(&other.event_type.as_str())
                && other.tenant_id == row.tenant_id
                && other.resource_id == row.resource_id
                && (row.time..=due).contains(&other.time)
        });
        assert!(due < REPORT_AT, "every case is judged: {row:?}");
        if !restored {
            found.push(("AL-AUTH-011", row));
        }
    }
    found
}
