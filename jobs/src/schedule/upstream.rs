//! Whether the runs of others are there that a run waits for. Pure.

use chrono::{DateTime, Utc};
use schemas::{After, AfterInterval, Interval, JobId};

use super::known::Standing;
use super::slots::Slot;
use crate::ledger::run_id;
use crate::show::span;

/// What a run waits for: none where everything is there; else the run that is not, and how it stands.
/// `begin` is where the intervals of the other job begin: what lies before it is not waited for.
pub(crate) fn lacking(
    after: &After,
    (begin, theirs): (Option<DateTime<Utc>>, &[Slot]),
    interval: Interval,
) -> Option<String> {
    let is_committed = |slot: &&Slot| slot.standing() == Some(Standing::Committed);
    let job = &after.job;
    match after.interval {
        AfterInterval::Same => match theirs.iter().find(|slot| slot.interval.end == interval.end) {
            Some(slot) if is_committed(&slot) => None,
            found => Some(told(job, found, interval)),
        },
        AfterInterval::Latest => match theirs.iter().rfind(|slot| slot.interval.end > interval.start) {
            Some(_) if theirs.iter().filter(is_committed).any(|slot| slot.interval.end > interval.start) => None,
            found => Some(told(job, found, interval)),
        },
        AfterInterval::Covering => {
            let begun_within = begin.filter(|begin| interval.start < *begin && *begin < interval.end);
            let mut covered = begun_within.unwrap_or(interval.start);
            for slot in theirs.iter().filter(is_committed) {
                if slot.interval.start <= covered {
                    covered = covered.max(slot.interval.end);
                }
            }
            if covered >= interval.end {
                return None;
            }
            let next = theirs.iter().find(|slot| slot.interval.end > covered && slot.interval.start <= covered);
            Some(told(job, next, Interval { start: covered, end: interval.end }))
        }
    }
}

/// The run that is not there, and how it stands.
fn told(job: &JobId, slot: Option<&Slot>, interval: Interval) -> String {
    match slot {
        Some(slot) => {
            let state = slot.standing().map_or("not started", Standing::as_str);
            format!("{}, which is {state}", run_id(job, slot.interval.end))
        }
        None => {
            format!("a run of \"{job}\" for {}, of which there is none", span(interval))
        }
    }
}
