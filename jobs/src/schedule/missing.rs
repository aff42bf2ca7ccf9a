//! Intervals that elapsed and were not computed: which, why, since when, and what to do. And saying of one that it need not.

use chrono::{DateTime, TimeDelta, Utc};
use engine::{Created, EngineError};
use schemas::{Interval, Job, JobId, Permission, parse_compact};
use serde::Serialize;
use serde_json::json;

use super::book::{Books, Since};
use super::due::{MissedReason, due_at};
use super::known::Standing;
use super::records::{CANCEL, DecisionRecord, FAILED, FailedRecord, MISSED, MissedRecord, WAIVED, note};
use super::slots::Slot;
use super::streaming::Watches;
use super::turn::Turns;
use super::work::is_by_itself;
use crate::Answer;
use crate::claim::{LAPSE, Patience};
use crate::error::JobError;
use crate::evidence_log::{Act, Intent};
use crate::lake::OpenLake;
use crate::ledger::RunKey;
use crate::retention::{of_record, who};
use crate::show::{counted, write_line};
use crate::world::World;

/// An interval without a commit.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Missing {
    pub(crate) run: String,
    pub(crate) job: JobId,
    pub(crate) interval: Interval,
    /// `missed`, `failed`, `cancelled`, `started`, `queued`, or `due` where nothing was recorded.
    pub(crate) state: &'static str,
    pub(crate) reason: String,
    /// Since when it could have been there.
    pub(crate) since: DateTime<Utc>,
    /// The command that fills it.
    pub(crate) command: String,
}

/// Every interval of some jobs that elapsed, is not committed, and was not waived.
pub(crate) async fn missing<'j>(
    lake: &OpenLake,
    world: &World,
    jobs: impl Iterator<Item = &'j Job>,
) -> Result<Vec<Missing>, JobError> {
    let now = world.now();
    let mut books = Books::of(lake, now);
    let mut all = Vec::new();
    for job in jobs.filter(|job| is_by_itself(job)) {
        let book = books.book(job, Since::Beginning).await?;
        for slot in &book.slots {
            let since = due_at(&job.id, job.timing.schedule.as_ref(), slot.interval.end);
            let is_waived = slot.known.as_ref().is_some_and(|run| run.is_waived);
            if slot.standing() == Some(Standing::Committed) || is_waived || since > now {
                continue;
            }
            all.push(of_slot(lake, job, slot, since).await?);
        }
    }
    Ok(all)
}

async fn of_slot(lake: &OpenLake, job: &Job, slot: &Slot, since: DateTime<Utc>) -> Result<Missing, EngineError> {
    let key = RunKey { job: job.id.clone(), instant: slot.interval.end };
    let reason = match slot.standing() {
        Some(Standing::Missed) => {
            let record: Option<MissedRecord> = lake.front.read_json(&key.record(MISSED)).await?;
            record.map(|record| match record.upstream {
                Some(upstream) => format!("{}: waited for {upstream}", record.reason.as_str()),
                None => record.reason.as_str().to_owned(),
            })
        }
        Some(Standing::Failed) => {
            let record: Option<FailedRecord> = lake.front.read_json(&key.record(FAILED)).await?;
            record.map(|record| record.errors.join(": "))
        }
        Some(Standing::Cancelled) => {
            let record: Option<DecisionRecord> = lake.front.read_json(&key.record(CANCEL)).await?;
            record.map(|record| format!("{}, by {}", record.reason, record.by))
        }
        Some(Standing::Begun) => Some("an attempt is under way, or will be made again".to_owned()),
        Some(Standing::Queued) => Some("it waits for other runs".to_owned()),
        Some(Standing::Committed) | None => Some("no runner was there yet".to_owned()),
    };
    let (from, to) = (schemas::rfc3339(slot.interval.start), schemas::rfc3339(slot.interval.end));
    Ok(Missing {
        run: key.id(),
        job: job.id.clone(),
        interval: slot.interval,
        state: slot.standing().map_or("due", Standing::as_str),
        reason: reason.unwrap_or_default(),
        since,
        command: match slot.standing() {
            _ if job.timing.stream.is_some() => format!("auditlake run {}", job.id),
            Some(Standing::Failed | Standing::Cancelled | Standing::Begun) => {
                format!("auditlake run {} --from {from} --to {to} --only failed", job.id)
            }
            _ => format!("auditlake run {} --from {from} --to {to} --only missing", job.id),
        },
    })
}

/// Answer of `runs missing`.
pub(crate) fn answer(missing: &[Missing], fails: bool) -> Answer {
    let mut text = String::new();
    for one in missing {
        write_line(&mut text, &format!("{:<40} {:<9} {}", one.run, one.state, one.reason));
        write_line(&mut text, &format!("  since {}; fill it with: {}", schemas::rfc3339(one.since), one.command));
    }
    match missing.len() {
        0 => write_line(&mut text, "nothing is missing"),
        many => write_line(&mut text, &format!("{} without a commit", counted(many as u64, "interval"))),
    }
    let code = if fails && !missing.is_empty() { 3 } else { 0 };
    Answer { code, ..Answer::done(text, json!({ "missing": missing })) }
}

/// Which decision about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It need not be made up for.
    Waive,
    /// It is not to be run, and stopped where it is.
    Cancel,
}

/// Records a decision about a run of a job with a schedule.
pub(crate) async fn decide(
    lake: &OpenLake,
    world: &World,
    (run, verdict): (&str, Verdict),
    (principal, reason): (Option<&str>, &str),
) -> Result<Answer, JobError> {
    let doing = match verdict {
        Verdict::Waive => "waiving a run",
        Verdict::Cancel => "cancelling a run",
    };
    let by = who(lake, principal, Permission::SchedulePause, doing)?.unwrap_or_else(|| "operator".to_owned());
    let (job, key) = key_of(lake, run)?;
    if reason.trim().is_empty() {
        return Err(JobError::Usage("--reason is empty; say why, for whoever looks later".to_owned()));
    }
    let refused = |why: String| JobError::Refused { what: format!("{doing}, {run},"), why };
    let now = world.now();
    if key.instant > now {
        return Err(refused(
            "its interval has not elapsed; a schedule is paused with `auditlake schedule pause`".to_owned(),
        ));
    }
    let book = Books::of(lake, now).book(job, Since::Instant(key.instant - TimeDelta::microseconds(1))).await?;
    let Some(slot) = book.slots.iter().find(|slot| slot.interval.end == key.instant) else {
        let why = format!("no interval of the schedule ends then; `auditlake runs missing {}` lists them", job.id);
        return Err(refused(why));
    };
    if verdict == Verdict::Waive && slot.known.is_none() {
        // What is waived before a runner came is not run by one that comes.
        let patience = Patience::of(LAPSE);
        Turns { lake, world, patience: &patience, watches: &Watches::default() }
            .miss(job, slot.interval, MissedReason::NotRunning, None)
            .await?;
    }
    let ledger = crate::ledger::Ledger::new(lake.front.clone());
    if ledger.commit_of(&key).await?.is_some() {
        return Err(refused("it is committed".to_owned()));
    }
    let record = DecisionRecord { run: key.id(), by, reason: reason.to_owned(), at: now };
    let name = if verdict == Verdict::Waive { WAIVED } else { CANCEL };
    let path = key.record(name);
    let intent = Intent::begin(lake, world, Act::Record { path: path.to_string() }).await?;
    let written = match note(&lake.front, &key, name, &record).await {
        Ok(Created::Now) => Ok(()),
        Ok(Created::Existed) => Err(refused("somebody did that before; `auditlake runs show` says who".to_owned())),
        Err(error) => Err(error.into()),
    };
    intent.end(written, async |()| Ok(of_record(&lake.front, path.as_ref()).await?.into_iter().collect())).await?;
    let text = match verdict {
        Verdict::Waive => format!("{run} is waived: it is no longer listed as missing"),
        Verdict::Cancel => format!("{run} is cancelled: it is not begun, and an attempt at work ends within seconds"),
    };
    Ok(Answer::done(text, json!({ "record": record })))
}

/// The run of an id, and its job, which must be one that runs by itself.
fn key_of<'l>(lake: &'l OpenLake, run: &str) -> Result<(&'l Job, RunKey), JobError> {
    let parts = run.split_once('@').and_then(|(job, instant)| Some((JobId::parse(job).ok()?, parse_compact(instant)?)));
    let Some((job, instant)) = parts else {
        return Err(JobError::Usage(format!("\"{run}\" is no run; write for example compliance@20260301T000000Z")));
    };
    match lake.definitions.job(&job).filter(|job| is_by_itself(job)) {
        Some(found) => Ok((found, RunKey { job, instant })),
        None => Err(JobError::Unknown {
            what: "job with a schedule",
            name: job.to_string(),
            remedy: "`auditlake job list` shows which have one".to_owned(),
        }),
    }
}
