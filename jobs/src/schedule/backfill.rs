//! Running intervals of the past on request: which, in which order, how many at a time. It has no state besides the ledger,
//! so it is gone on with by being started again, and repeats nothing that is committed.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use schemas::{FixedClock, Interval, Job, JobId};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::book::{Books, Since};
use super::known::Standing;
use super::slots::{Slot, slots};
use super::upstream::lacking;
use super::work::{FailedRun, Happened, RanRun};
use crate::clock::Stopwatch;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::run_id;
use crate::progress::Progress;
use crate::runner::{Asked, Revise, Scheduled, run};
use crate::world::World;

/// Which intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Only {
    /// Those that were never computed: missed, or never begun
    Missing,
    /// Those whose attempts failed, or that were cancelled
    Failed,
    /// All of them, committed ones as new revisions
    All,
}

/// Which first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The oldest
    Asc,
    /// The newest
    Desc,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Wanted {
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    pub(crate) only: Only,
    pub(crate) order: Order,
}

/// A backfill, as it stands in `_auditlake/backfills/<id>/plan.json`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Plan {
    pub(crate) job: JobId,
    #[serde(flatten)]
    pub(crate) wanted: Wanted,
    /// Run ids, in order.
    pub(crate) runs: Vec<String>,
    /// Those of them that are committed and will be computed anew.
    pub(crate) revisions: u64,
    #[serde(skip)]
    pub(crate) intervals: Vec<(Interval, bool)>,
}

/// Which intervals of a job are to be run.
///
/// # Errors
/// When the job has no schedule, or there is no interval in the span.
pub(crate) async fn plan(lake: &OpenLake, world: &World, job: &Job, wanted: Wanted) -> Result<Plan, JobError> {
    let usage = |why: String| Err(JobError::Usage(why));
    if wanted.from >= wanted.to {
        return usage("--from is not before --to".to_owned());
    }
    if job.timing.stream.is_some() {
        let why = "runs for new files and not for spans of time; leave --from and --to out for its next batch";
        return usage(format!("job \"{}\" {why}", job.id));
    }
    if job.timing.schedule.is_none() && job.timing.after.is_empty() {
        let why = "has no schedule that says its intervals; run it with --at for each instant";
        return usage(format!("job \"{}\" {why}", job.id));
    }
    let all = within(lake, world, job, wanted).await?;
    let elapsed = all.len();
    let is_wanted = |slot: &Slot| {
        let is_waived = slot.known.as_ref().is_some_and(|run| run.is_waived);
        match (wanted.only, slot.standing()) {
            (Only::All, _) => true,
            (Only::Missing, None | Some(Standing::Missed | Standing::Queued)) => !is_waived,
            (Only::Failed, Some(Standing::Failed | Standing::Cancelled | Standing::Begun)) => !is_waived,
            _ => false,
        }
    };
    let mut chosen: Vec<Slot> = all.into_iter().filter(is_wanted).collect();
    if elapsed == 0 {
        return usage(format!("no interval of job \"{}\" lies between --from and --to and has elapsed", job.id));
    }
    if wanted.order == Order::Desc {
        chosen.reverse();
    }
    let is_committed = |slot: &Slot| slot.standing() == Some(Standing::Committed);
    Ok(Plan {
        job: job.id.clone(),
        wanted,
        runs: chosen.iter().map(|slot| run_id(&job.id, slot.interval.end)).collect(),
        revisions: chosen.iter().filter(|slot| is_committed(slot)).count() as u64,
        intervals: chosen.iter().map(|slot| (slot.interval, is_committed(slot))).collect(),
    })
}

/// Every interval of a job within the span, also of the time before its schedule began.
async fn within(lake: &OpenLake, world: &World, job: &Job, wanted: Wanted) -> Result<Vec<Slot>, JobError> {
    let now = world.now();
    let mut books = Books::of(lake, now);
    let book = books.book(job, Since::Beginning).await?;
    let mut all = Vec::new();
    if let Some(schedule) = &job.timing.schedule {
        let begin = book.begin.unwrap_or(now).min(now);
        let from = schedule.cron.last_until(wanted.from).unwrap_or(wanted.from);
        if from < begin {
            let known = books.recorded(job, &schedule.cron, from).await?;
            let before = slots(&schedule.cron, from, begin, &known);
            let last = before.last().map_or(from, |slot| slot.interval.end);
            all.extend(before);
            // What lies between the last fire and the beginning is an interval, too.
            if last < begin && book.begin.is_some() {
                let known = known.into_iter().find(|run| run.instant == begin);
                all.push(Slot { interval: Interval { start: last, end: begin }, known });
            }
        }
    }
    all.extend(book.slots.iter().cloned());
    let is_within = |slot: &Slot| slot.interval.start >= wanted.from && slot.interval.end <= wanted.to;
    all.retain(|slot| is_within(slot) && slot.interval.end <= now);
    Ok(all)
}

/// Runs what a plan names, so many at a time, and tells what becomes of each.
///
/// # Errors
/// When the store fails; what a run runs into is told.
pub(crate) async fn carry_out(
    lake: &OpenLake,
    world: &World,
    (job, plan): (&Job, &Plan),
    (workers, principal, progress): (usize, Option<&str>, Progress),
    tell: &(dyn Fn(&Happened) + Sync),
) -> Result<(), JobError> {
    note(lake, plan).await?;
    let mut ready = Vec::new();
    let mut books = Books::of(lake, world.now());
    for (interval, is_committed) in &plan.intervals {
        match waits(lake, job, *interval, &mut books).await? {
            None => ready.push((*interval, *is_committed)),
            Some(what) => tell(&Happened::Failed(FailedRun {
                run: run_id(&job.id, interval.end),
                job: job.id.clone(),
                interval: *interval,
                errors: vec![format!("it needs {what}; run that first")],
                remedy: "fix_config",
                is_shutdown: false,
            })),
        }
    }
    let runs = futures::stream::iter(ready).map(|(interval, is_committed)| async move {
        let at = world.at(Arc::new(FixedClock(interval.end)));
        let revise = if is_committed { Revise::Again } else { Revise::Never };
        let scheduled = Scheduled { interval, batch: None, clock: world, patience: None, stop: None };
        let asked = Asked { scheduled: Some(scheduled), ..Asked::by(revise, principal) };
        let watch = Stopwatch::start();
        (interval, run(lake, &at, job, asked, &progress).await, watch.seconds())
    });
    let mut runs = runs.buffered(workers.max(1));
    while let Some((interval, ran, seconds)) = runs.next().await {
        let (run, job) = (run_id(&job.id, interval.end), job.id.clone());
        tell(&match ran {
            Ok(ran) => Happened::Ran(RanRun::of((run, job, interval), &ran, seconds)),
            Err(error) => Happened::Failed(FailedRun::of((run, job, interval), &error)),
        });
    }
    Ok(())
}

/// What a run of the past needs that is not there; none where it has all.
async fn waits(
    lake: &OpenLake,
    job: &Job,
    interval: Interval,
    books: &mut Books<'_>,
) -> Result<Option<String>, JobError> {
    for after in &job.timing.after {
        let Some(upstream) = lake.definitions.job(&after.job) else { continue };
        let from = interval.start - TimeDelta::microseconds(1);
        let theirs = books.book(upstream, Since::Instant(from)).await?;
        if let Some(what) = lacking(after, (theirs.begin, &theirs.slots), interval) {
            return Ok(Some(what));
        }
    }
    Ok(None)
}

/// Keeps the plan, for whoever asks later what was asked for.
async fn note(lake: &OpenLake, plan: &Plan) -> Result<(), JobError> {
    let text = serde_json::to_vec(plan)
        .map_err(|error| engine::EngineError::Bug { what: format!("a backfill cannot be written ({error})") })?;
    let id = engine::hex(&Sha256::digest(&text));
    let path = format!("_auditlake/backfills/{}-{}/plan.json", plan.job, id.get(..16).unwrap_or(&id));
    lake.front.create_json(&object_store::path::Path::from(path), plan).await?;
    Ok(())
}
