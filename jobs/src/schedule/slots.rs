//! The intervals of a job: those that were recorded, and between and behind them those that its schedule says. Pure.
//!
//! They neither overlap nor leave a gap (RUN-2), also where a schedule was edited: what is recorded stays as it was, and
//! the first interval behind it begins where it ends.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use schemas::{Cron, Interval};

use super::known::{KnownRun, Standing};

/// One interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The interval; its end is the instant of its run.
    pub(crate) interval: Interval,
    /// What the ledger knows of its run.
    pub(crate) known: Option<KnownRun>,
}

impl Slot {
    /// How its run stands; none that was never recorded.
    pub(crate) fn standing(&self) -> Option<Standing> {
        self.known.as_ref().map(|known| known.standing)
    }
}

/// The last fire before an instant.
fn before(cron: &Cron, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
    cron.last_until(instant - TimeDelta::microseconds(1))
}

/// Runs of which records must be read, because their instants do not tell their intervals: those that are no fires of the
/// schedule, and those behind fires that were not recorded.
pub(crate) fn unclear(cron: &Cron, begin: DateTime<Utc>, known: &[KnownRun]) -> Vec<usize> {
    let mut at = begin;
    let mut unclear = Vec::new();
    for (index, run) in known.iter().enumerate().filter(|(_, run)| run.instant > begin) {
        let is_fire = cron.last_until(run.instant) == Some(run.instant);
        let follows = before(cron, run.instant).is_none_or(|fire| fire <= at);
        if !is_fire || !follows {
            unclear.push(index);
        }
        // What is no fire need not be an interval of the schedule at all.
        if is_fire {
            at = run.instant;
        }
    }
    unclear
}

/// Every interval that ends after `begin` and until `until`, oldest first. Of a run that was never part of the schedule,
/// whose records name no interval, only the instant counts, where it is a fire.
pub(crate) fn slots(cron: &Cron, begin: DateTime<Utc>, until: DateTime<Utc>, known: &[KnownRun]) -> Vec<Slot> {
    let unread: BTreeSet<usize> = unclear(cron, begin, known).into_iter().collect();
    let mut slots = Vec::new();
    let mut at = begin;
    for (index, run) in known.iter().enumerate() {
        if run.instant <= at || run.instant > until {
            continue;
        }
        let is_fire = || cron.last_until(run.instant) == Some(run.instant);
        let start = match run.interval {
            Some(interval) => interval.start,
            None if !unread.contains(&index) => at,
            None if is_fire() => before(cron, run.instant).unwrap_or(at),
            None => continue,
        };
        if start > at {
            fill(cron, at, start, &mut slots);
            if slots.last().map_or(at, |slot: &Slot| slot.interval.end) < start {
                let begun = slots.last().map_or(at, |slot| slot.interval.end).max(at);
                slots.push(Slot { interval: Interval { start: begun, end: start }, known: None });
            }
        }
        let interval = Interval { start: start.max(at), end: run.instant };
        slots.push(Slot { interval, known: Some(run.clone()) });
        at = run.instant;
    }
    fill(cron, at, until, &mut slots);
    slots
}

/// Most intervals that are looked at together, some more than a year of minutes.
pub(crate) const SLOTS_MAX: usize = 600_000;

/// Intervals that end at the fires after `at` and until `until`; of too many, one more than there may be.
fn fill(cron: &Cron, mut at: DateTime<Utc>, until: DateTime<Utc>, slots: &mut Vec<Slot>) {
    let room = (SLOTS_MAX + 1).saturating_sub(slots.len());
    for fire in cron.between(at, until).take(room) {
        slots.push(Slot { interval: Interval { start: at, end: fire }, known: None });
        at = fire;
    }
}
