//! Rules over sessions.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::{Lake, Row};

pub(super) fn idle(lake: &Lake) -> Vec<(&'static str, &Row)> {
    let mut found = Vec::new();
    for group in lake.by(|row| row.session_id.as_ref(), |_| true).values() {
        let mut opened_at: Option<DateTime<Utc>> = None;
        let mut previous_at: Option<DateTime<Utc>> = None;
        let mut reported = false;
        for row in group {
            let rested = previous_at.is_some_and(|at| row.time - at > Duration::minutes(15));
            let free = ["user.login", "session.reauthenticated", "user.logout", "session.expired"];
            let young = opened_at.is_some_and(|at| row.time - at <= Duration::days(7));
            if row.login() {
                assert!(row.succeeded() && !row.by_program(), "only people log in, and a session is opened: {row:?}");
                (opened_at, reported) = (Some(row.time), false);
            } else if rested && young && !reported && !free.contains(&row.event_type.as_str()) {
                found.push(("AL-AUTH-007", *row));
                reported = true;
            }
            previous_at = Some(row.time);
        }
    }
    found
}

pub(super) fn shared(lake: &Lake) -> Vec<(&'static str, &Row)> {
    let mut found = Vec::new();
    let placed = |row: &Row| row.session_id.is_some() && row.src_ip.is_some() && !row.by_program();
    for group in lake.by(|row| Some(&row.actor_id), placed).values() {
        let mut days = BTreeSet::new();
        for (index, row) in group.iter().enumerate().skip(1) {
            let before = group[index - 1];
            if before.session_id == row.session_id || network(before) == network(row) || row.login() {
                continue;
            }
            let returns = group[..index].iter().rev().any(|other| {
                other.session_id == row.session_id
                    && network(other) == network(row)
                    && row.time - other.time <= Duration::hours(24)
            });
            if returns && days.insert(row.time.date_naive()) {
                found.push(("AL-AUTH-008", *row));
            }
        }
    }
    let generic: BTreeSet<(&str, &str)> = lake
        .accounts
        .iter()
        .filter(|account| account.generic.expect("nothing is undecided"))
        .map(|account| (account.tenant_id.as_str(), account.account_id.as_str()))
        .collect();
    let of_generic = |row: &&Row| generic.contains(&(row.tenant_id.as_str(), row.actor_id.as_str()));
    let logins = lake.rows.iter().filter(|row| row.login() && row.succeeded());
    found.extend(logins.filter(of_generic).map(|row| ("AL-AUTH-008", row)));
    found
}

/// The first three numbers of an address; those of the demo are all longer.
fn network(row: &Row) -> Vec<&str> {
    let address = row.src_ip.as_ref().expect("it is placed");
    address.split(if address.contains(':') { ':' } else { '.' }).take(3).collect()
}
