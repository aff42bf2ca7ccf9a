//! The run that somebody means who names a job with a schedule: its last interval that has elapsed.

use chrono::{DateTime, TimeDelta, Utc};
use schemas::{Interval, Job};

use super::book::{Books, Since};
use super::known::Standing;
use crate::error::JobError;
use crate::lake::OpenLake;

/// The last interval of a job that has elapsed at `now`.
///
/// # Errors
/// When there is none yet.
pub(crate) async fn last_interval(lake: &OpenLake, job: &Job, now: DateTime<Utc>) -> Result<Interval, JobError> {
    let none = |why: &str| JobError::Refused { what: format!("run of job \"{}\"", job.id), why: why.to_owned() };
    let mut books = Books::of(lake, now);
    if job.timing.stream.is_some() {
        let book = books.book(job, Since::Beginning).await?;
        return book.slots.last().map(|slot| slot.interval).ok_or_else(|| none("no batch of it was begun yet"));
    }
    let Some(schedule) = &job.timing.schedule else {
        let after = job.timing.after.first().and_then(|after| lake.definitions.job(&after.job));
        let Some(upstream) = after else { return Err(none("it follows no job")) };
        let theirs = books.book(upstream, Since::Beginning).await?;
        let last = theirs.slots.iter().rfind(|slot| slot.standing() == Some(Standing::Committed));
        return last.map(|slot| slot.interval).ok_or_else(|| none("the job that it follows has committed nothing yet"));
    };
    let Some(fire) = schedule.cron.last_until(now) else { return Err(none("none of its intervals has elapsed yet")) };
    let before = fire - TimeDelta::microseconds(1);
    let book = books.book(job, Since::Instant(before)).await?;
    if let Some(slot) = book.slots.last() {
        return Ok(slot.interval);
    }
    // Before the schedule began, or before a runner saw it, the pattern alone says what an interval is.
    let start = schedule.cron.last_until(before).ok_or_else(|| none("none of its intervals has elapsed yet"))?;
    Ok(Interval { start, end: fire })
}
