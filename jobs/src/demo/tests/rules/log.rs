//! Rules over the log itself.

use std::collections::BTreeSet;

use chrono::Duration;

use super::{Lake, Row};
use crate::demo::REPORT_AT;

pub(super) fn lacks_a_field(row: &Row) -> bool {
    let unattended = ["alert.raised", "control.evaluated", "session.expired"].contains(&row.event_type.as_str());
    // Of the types the demo writes, these need no resource.
    let free = [
        "user.login",
        "user.logout",
        "api.request",
        "access.denied",
        "approval.denied",
        "approval.granted",
        "approval.requested",
        "session.expired",
        "session.reauthenticated",
        "incident.opened",
        "audit.paused",
        "audit.resumed",
        "audit.config_changed",
    ];
    let resource_due = !free.contains(&row.event_type.as_str());
    !unattended
        && (row.actor_id == "unknown"
            || (row.src_ip.is_none() && row.src_service.is_none())
            || (resource_due && (row.resource_type.is_none() || row.resource_id.is_none())))
}

pub(super) fn stopped(row: &Row) -> bool {
    (row.is("audit.paused") || row.is("audit.config_changed")) && row.succeeded()
}

pub(super) fn broken_chains(lake: &Lake) -> Vec<(&'static str, &Row)> {
    let mut found = Vec::new();
    for chain in lake.by(|row| row.chain_id.as_ref(), |_| true).values() {
        for (at, link) in chain.iter().enumerate() {
            assert!(link.seq.is_some() && link.hash.is_some(), "nothing is undecided: {link:?}");
            assert!(link.time < REPORT_AT - Duration::minutes(1), "every link is judged: {link:?}");
            let broken = match chain[..at].iter().find(|other| other.seq == link.seq) {
                Some(other) => (&other.prev_hash, &other.hash) != (&link.prev_hash, &link.hash),
                None => match chain.iter().filter_map(|other| other.seq).filter(|seq| Some(*seq) < link.seq).max() {
                    Some(before) if Some(before + 1) == link.seq => {
                        !chain.iter().any(|other| other.seq == Some(before) && other.hash == link.prev_hash)
                    }
                    Some(_) => true,
                    None => {
                        assert_eq!(link.prev_hash, Some("0".repeat(64)), "the first link says that it is: {link:?}");
                        false
                    }
                },
            };
            if broken {
                found.push(("AL-LOG-001", *link));
            }
        }
    }
    found
}

pub(super) fn silent_sources(lake: &Lake) -> Vec<(&'static str, &Row)> {
    let mut found = Vec::new();
    for group in lake.by(|row| Some(&row.source), |row| row.time >= REPORT_AT - Duration::days(28)).values() {
        let hours: BTreeSet<i64> = group.iter().map(|row| row.time.timestamp().div_euclid(3_600)).collect();
        if hours.len() < 10 {
            continue;
        }
        let hours: Vec<i64> = hours.into_iter().collect();
        let mut gaps: Vec<i64> = hours.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        // Nearest rank: the smallest gap that 99 of 100 do not exceed.
        let usual = gaps[(gaps.len() * 99).div_ceil(100) - 1];
        let last_at = group.last().expect("a group has rows").time;
        if REPORT_AT - last_at > Duration::hours(5 * usual) {
            found.push(("AL-LOG-002", *group.iter().find(|row| row.time == last_at).expect("it is there")));
        }
    }
    found
}
