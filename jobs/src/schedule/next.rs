//! The fires to come, as definitions alone say: in local and universal time, with the interval that each covers.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use schemas::{Interval, Job, JobId};
use serde::Serialize;

use crate::show::span;

/// A fire to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fire {
    pub(crate) job: JobId,
    /// Its instant, which is the end of its interval.
    pub(crate) utc: DateTime<Utc>,
    /// The same on the clocks of the schedule's zone, with their offset.
    pub(crate) local: String,
    pub(crate) interval: Interval,
}

/// The next fires of a job after `now`; none of one without a pattern.
pub(crate) fn fires(job: &Job, now: DateTime<Utc>) -> impl Iterator<Item = Fire> + '_ {
    let schedule = job.timing.schedule.as_ref();
    // Fires until a first interval begins are none of the job's.
    let from = schedule.and_then(|schedule| schedule.start).map_or(now, |start| start.max(now));
    let first = schedule.and_then(|schedule| schedule.cron.next_after(from));
    let all = std::iter::successors(first, move |fire| schedule?.cron.next_after(*fire));
    all.filter_map(move |utc| {
        let schedule = schedule?;
        let before = schedule.cron.last_until(utc - TimeDelta::microseconds(1));
        let start = before.into_iter().chain(schedule.start.filter(|start| *start < utc)).max().unwrap_or(utc);
        let local = utc.with_timezone(&schedule.cron.zone()).to_rfc3339_opts(SecondsFormat::Secs, false);
        Some(Fire { job: job.id.clone(), utc, local, interval: Interval { start, end: utc } })
    })
}

/// The next so many fires of some jobs together, in order.
pub(crate) fn coming<'j>(jobs: impl Iterator<Item = &'j Job>, now: DateTime<Utc>, count: usize) -> Vec<Fire> {
    let mut all: Vec<Fire> = jobs.flat_map(|job| fires(job, now).take(count)).collect();
    all.sort_by(|a, b| (a.utc, &a.job).cmp(&(b.utc, &b.job)));
    all.truncate(count);
    all
}

impl Fire {
    /// As a line.
    pub(crate) fn line(&self) -> String {
        format!("{:<24} {}  covers {}", self.job.as_str(), self.local, span(self.interval))
    }
}
