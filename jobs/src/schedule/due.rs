//! What is due: of the intervals that have elapsed, which are run, which are missed and why. Pure.
//!
//! It depends on the definition, the ledger and now alone (RUN-5): two runners that look at once decide alike.

use chrono::{DateTime, TimeDelta, Utc};
use schemas::{CatchUp, Concurrency, JobId, Schedule};
use serde::{Deserialize, Serialize};

use super::known::{KnownRun, Standing};
use super::slots::Slot;

/// Fires of this age are no longer started under `catch_up: none`.
const FRESH: TimeDelta = TimeDelta::minutes(10);

/// Why an interval was not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedReason {
    /// Nothing ran, and `catch_up` is `none`.
    NotRunning,
    /// A newer interval was run in its place, as `catch_up` says.
    Superseded,
    /// It was later than `starting_deadline`.
    Deadline,
    /// The run before was still at work, and `concurrency` is `forbid`.
    Overlap,
    /// A run that it waits for was not there in time.
    Upstream,
    /// The schedule was paused.
    Paused,
}

impl MissedReason {
    /// As in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotRunning => "not_running",
            Self::Superseded => "superseded",
            Self::Deadline => "deadline",
            Self::Overlap => "overlap",
            Self::Upstream => "upstream",
            Self::Paused => "paused",
        }
    }
}

/// A span in which a schedule was paused; without an end it still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: Option<DateTime<Utc>>,
}

impl Pause {
    fn covers(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// When the last attempt of a job was at work; without an end it may still be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy {
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: Option<DateTime<Utc>>,
}

impl Busy {
    fn covers(&self, at: DateTime<Utc>) -> bool {
        self.from < at && self.until.is_none_or(|until| at <= until)
    }
}

/// What of a job's state decides, beside its intervals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) job: &'a JobId,
    /// None of a job that follows another one: each of its intervals is run, however late.
    pub(crate) schedule: Option<&'a Schedule>,
    pub(crate) pauses: &'a [Pause],
    /// Missed intervals that a resumption takes up again, by their ends.
    pub(crate) again: &'a [DateTime<Utc>],
    pub(crate) busy: Option<Busy>,
    pub(crate) now: DateTime<Utc>,
}

/// An interval that is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) slot: Slot,
    /// Since when.
    pub(crate) due_at: DateTime<Utc>,
}

/// What becomes of the intervals that have elapsed and have no end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sorted {
    /// Those to be recorded as missed, oldest first.
    pub(crate) missed: Vec<(Slot, MissedReason)>,
    /// Those to be recorded as queued: they came due while the run before was at work, and none of them is dropped.
    pub(crate) queued: Vec<Slot>,
    /// Those to be run, oldest first: one after the other.
    pub(crate) open: Vec<Open>,
    /// When the next one comes due that has elapsed already.
    pub(crate) next_at: Option<DateTime<Utc>>,
}

/// When the interval that ends at `instant` comes due.
pub(crate) fn due_at(job: &JobId, schedule: Option<&Schedule>, instant: DateTime<Utc>) -> DateTime<Utc> {
    let Some(schedule) = schedule else { return instant };
    let late = seconds(schedule.lateness_seconds.saturating_add(schedule.jitter(job, instant)));
    late.and_then(|late| instant.checked_add_signed(late)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// So many seconds; none where they are too many for a clock.
pub(crate) fn seconds(seconds: u64) -> Option<TimeDelta> {
    i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds)
}

/// Sorts the intervals of a job, oldest first.
pub(crate) fn sort_out(slots: Vec<Slot>, facts: &Facts<'_>) -> Sorted {
    let mut sorted = Sorted::default();
    let mut fresh: Vec<Open> = Vec::new();
    // Behind a run that waits, nothing is missed for its waiting.
    let mut held_since: Option<DateTime<Utc>> = None;
    for slot in slots {
        let instant = slot.interval.end;
        let due_at = due_at(facts.job, facts.schedule, instant);
        let is_again = slot.standing() == Some(Standing::Missed) && facts.again.contains(&instant);
        if !is_again && slot.standing().is_some_and(Standing::is_end) {
            continue;
        }
        if due_at > facts.now {
            sorted.next_at = Some(sorted.next_at.map_or(due_at, |next| next.min(due_at)));
        } else if is_again || slot.known.is_some() {
            // What was begun or queued is brought to an end, however late it is.
            if slot.known.as_ref().is_some_and(KnownRun::waits) {
                held_since = Some(held_since.map_or(due_at, |since| since.min(due_at)));
            }
            sorted.open.push(Open { slot, due_at });
        } else if facts.pauses.iter().any(|pause| pause.covers(due_at)) {
            sorted.missed.push((slot, MissedReason::Paused));
        } else {
            fresh.push(Open { slot, due_at });
        }
    }
    catch_up(fresh, facts, held_since, &mut sorted);
    sorted.missed.sort_by_key(|(slot, _)| slot.interval.end);
    sorted.open.sort_by_key(|open| open.slot.interval.end);
    sorted
}

/// Of intervals that nothing was recorded of: which are run after all.
fn catch_up(fresh: Vec<Open>, facts: &Facts<'_>, held_since: Option<DateTime<Utc>>, sorted: &mut Sorted) {
    let is_overlap = |open: &Open| facts.busy.is_some_and(|busy| busy.covers(open.due_at));
    let is_held = |open: &Open| held_since.is_some_and(|since| since < open.due_at);
    let catch_up = facts.schedule.map_or(CatchUp::All, |schedule| schedule.catch_up);
    let forbids = facts.schedule.is_some_and(|schedule| schedule.concurrency == Concurrency::Forbid);
    let deadline = facts.schedule.and_then(|schedule| seconds(schedule.starting_deadline_seconds));
    let newest = match catch_up {
        CatchUp::None => 0,
        CatchUp::Latest => 1,
        CatchUp::All => usize::MAX,
        CatchUp::Newest(most) => usize::try_from(most).unwrap_or(usize::MAX),
    };
    let count = fresh.len();
    for (index, open) in fresh.into_iter().enumerate() {
        let overlaps = is_overlap(&open) || !forbids && is_held(&open);
        let is_newest = count - index <= newest;
        let late = facts.now - open.due_at;
        let is_in_time = catch_up == CatchUp::None && late < FRESH;
        let reason = match () {
            () if overlaps && forbids => Some(MissedReason::Overlap),
            () if !overlaps && !is_newest && !is_in_time => Some(match catch_up {
                CatchUp::None => MissedReason::NotRunning,
                _ => MissedReason::Superseded,
            }),
            () if !overlaps && deadline.is_some_and(|deadline| late > deadline) => Some(MissedReason::Deadline),
            () => None,
        };
        match reason {
            Some(reason) => sorted.missed.push((open.slot, reason)),
            None => {
                if overlaps {
                    sorted.queued.push(open.slot.clone());
                }
                sorted.open.push(open);
            }
        }
    }
}
