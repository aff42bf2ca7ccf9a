//! Rules over attempts to log in.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::{Lake, Row};
use crate::demo::REPORT_AT;

type Rows<'a> = Vec<(&'static str, &'a Row)>;

pub(super) fn bursts(lake: &Lake) -> Rows<'_> {
    begins(lake, "AL-AUTH-001", Duration::minutes(15), 5, |row| Some(&row.actor_id), |window| window.len())
}

pub(super) fn sprays(lake: &Lake) -> Rows<'_> {
    let accounts = |window: &[&Row]| window.iter().map(|row| &row.actor_id).collect::<BTreeSet<_>>().len();
    begins(lake, "AL-AUTH-004", Duration::minutes(10), 10, |row| row.src_ip.as_ref(), accounts)
}

/// Failed logins at which the number for the window up to them reaches the threshold.
fn begins<'a>(
    lake: &'a Lake,
    control: &'static str,
    window: Duration,
    threshold: usize,
    key: impl Fn(&'a Row) -> Option<&'a String>,
    number: impl Fn(&[&Row]) -> usize,
) -> Rows<'a> {
    let mut begun = Vec::new();
    for group in lake.by(key, Row::failed_login).values() {
        assert!(group.iter().all(|row| row.actor_id != "unknown" && row.src_ip.is_some()), "nothing is undecided");
        let numbers: Vec<usize> = group
            .iter()
            .map(|row| {
                let inside = |other: &&&Row| (row.time - window..=row.time).contains(&other.time);
                number(&group.iter().filter(inside).copied().collect::<Vec<_>>())
            })
            .collect();
        for (index, row) in group.iter().enumerate().filter(|(index, _)| numbers[*index] >= threshold) {
            let continues = index > 0 && group[index - 1].time >= row.time - window && numbers[index - 1] >= threshold;
            if !continues {
                begun.push((control, *row));
            }
        }
    }
    begun
}

/// What counts of one account until now.
#[derive(Default)]
struct Tries {
    failed_at: Vec<DateTime<Utc>>,
    before: Option<(DateTime<Utc>, usize)>,
    locked_at: Option<DateTime<Utc>>,
    stands: bool,
}

pub(super) fn lock_outs(lake: &Lake) -> Rows<'_> {
    let counts = |row: &Row| row.login() || ((row.is("user.locked") || row.is("user.unlocked")) && row.succeeded());
    let account = |row| if Row::login(row) { Some(&row.actor_id) } else { row.resource_id.as_ref() };
    let mut found = Vec::new();
    for group in lake.by(account, counts).values() {
        let mut tries = Tries::default();
        for row in group {
            if row.failed_login() {
                if tries.stands && row.time - tries.locked_at.unwrap() < Duration::hours(24) {
                    continue;
                }
                let since = row.time - Duration::hours(24);
                tries.failed_at.push(row.time);
                let number = tries.failed_at.iter().filter(|at| **at >= since).count();
                let continues = tries.before.is_some_and(|(at, number)| at >= since && number > 10);
                let locked = group.iter().any(|lock| {
                    lock.is("user.locked") && (row.time..=row.time + Duration::minutes(1)).contains(&lock.time)
                });
                if number > 10 && !continues && !locked {
                    found.push(("AL-AUTH-002", *row));
                }
                tries.before = Some((row.time, number));
                continue;
            }
            let early = tries.locked_at.is_some_and(|at| row.time - at < Duration::minutes(30));
            if row.is("user.unlocked") && row.approval_id.is_none() && early {
                found.push(("AL-AUTH-002", *row));
            }
            let locking = row.is("user.locked");
            let locked_at = if locking { Some(row.time) } else { tries.locked_at };
            tries = Tries { locked_at, stands: locking, ..Tries::default() };
        }
    }
    found
}

pub(super) fn successes_after_bursts(lake: &Lake) -> Rows<'_> {
    let mut incidents: BTreeMap<(&str, &str), Vec<DateTime<Utc>>> = BTreeMap::new();
    for row in lake.rows.iter().filter(|row| row.is("incident.opened")) {
        let account = row.resource_id.as_deref().expect("an incident names an account");
        incidents.entry((&row.tenant_id, account)).or_default().push(row.time);
    }
    let mut found = Vec::new();
    for (key, group) in lake.by(|row| Some(&row.actor_id), Row::login) {
        let mut failed_at: Vec<DateTime<Utc>> = Vec::new();
        for row in group {
            if row.failed_login() {
                failed_at.push(row.time);
                continue;
            }
            let (from, due) = (row.time - Duration::minutes(10), row.time + Duration::hours(24));
            let burst = failed_at.iter().filter(|at| **at >= from).count() >= 5;
            let answered = incidents.get(&key).is_some_and(|at| at.iter().any(|at| (from..=due).contains(at)));
            if burst && !answered && due < REPORT_AT {
                found.push(("AL-AUTH-006", row));
            }
            failed_at.clear();
        }
    }
    found
}
