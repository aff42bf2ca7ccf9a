//! The work of a runner: whose turn it is, which runs are begun, and what became of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use schemas::{FixedClock, Interval, Job, JobId, JobKind, StatusCounts, Stream, StreamSource, in_order};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::book::Books;
use super::streaming::Watches;
use super::turn::{Ready, Told, Turns};
use crate::claim::Patience;
use crate::clock::{Stopwatch, pause};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::run_id;
use crate::progress::Progress;
use crate::runner::{Asked, Ran, Revise, Scheduled, chain, run};
use crate::world::World;

/// How often it is looked whether something came due.
pub(crate) const TICK: Duration = Duration::from_secs(1);
/// How often a job is looked at of which nothing is due, for what others decide about it.
const LOOK: TimeDelta = TimeDelta::seconds(60);
/// How long a job is left alone that could not be looked at.
const BUSY: TimeDelta = TimeDelta::seconds(5);
/// How long one is that another runner is at work on; not longer than that one may show no life.
const BUSY_SECONDS: f64 = 5.0;

/// Who is told what becomes of runs.
pub(crate) type Tell<'t> = &'t (dyn Fn(&Happened) + Sync);

/// When a runner ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// When nothing is due.
    Done,
    /// When nothing waits, either: for another attempt, or for another runner.
    Idle,
    /// When it is told to.
    Stopped,
}

/// Who works.
pub(crate) struct Crew<'a> {
    pub(crate) lake: &'a OpenLake,
    pub(crate) world: &'a World,
    /// Runs at the same time; of each job it is one.
    pub(crate) workers: usize,
    pub(crate) patience: &'a Patience,
    /// What was seen of new files.
    pub(crate) watches: &'a Watches,
    /// Nothing new is begun once it is cancelled.
    pub(crate) closing: &'a CancellationToken,
    /// What is at work ends once it is cancelled.
    pub(crate) stop: &'a CancellationToken,
    pub(crate) progress: Progress,
    /// How often it is looked whether something came due, [`TICK`] where there is no reason for another.
    pub(crate) tick: Duration,
    /// Called each time that it is looked whether something came due.
    pub(crate) ticked: Option<&'a (dyn Fn() + Sync)>,
}

/// What became of a run, or of an interval that was not run.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Happened {
    /// An attempt begins.
    Began(BegunRun),
    /// Another runner is at work on it.
    Elsewhere(BegunRun),
    /// It is committed.
    #[serde(rename = "committed")]
    Ran(RanRun),
    /// An attempt failed.
    Failed(FailedRun),
    /// It was recorded as missed, or given up.
    #[serde(untagged)]
    Told(Told),
}

/// A run that is at work.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct BegunRun {
    pub(crate) run: String,
    pub(crate) job: JobId,
    pub(crate) interval: Interval,
}

/// A run that is committed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RanRun {
    pub(crate) run: String,
    pub(crate) job: JobId,
    pub(crate) interval: Interval,
    pub(crate) attempt: u64,
    /// Number of the commit: higher than 1 where the run was computed anew.
    pub(crate) revision: u64,
    /// Whether another runner committed it.
    pub(crate) before: bool,
    pub(crate) findings: u64,
    /// Controls of a report, by their worst status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) controls: Option<StatusCounts>,
    /// How long it took, for figures; nothing that two equal runs have in common.
    #[serde(skip)]
    pub(crate) seconds: f64,
}

impl RanRun {
    /// Of a run that is committed.
    pub(crate) fn of((run, job, interval): (String, JobId, Interval), ran: &Ran, seconds: f64) -> Self {
        let summary = &ran.commit.summary;
        Self {
            run,
            job,
            interval,
            attempt: ran.commit.attempt,
            revision: ran.commit.revision,
            before: ran.before,
            findings: summary.findings,
            controls: (summary.controls != StatusCounts::default()).then_some(summary.controls),
            seconds,
        }
    }
}

/// An attempt that failed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FailedRun {
    pub(crate) run: String,
    pub(crate) job: JobId,
    pub(crate) interval: Interval,
    pub(crate) errors: Vec<String>,
    pub(crate) remedy: &'static str,
    /// Whether only its runner was stopped.
    #[serde(skip)]
    pub(crate) is_shutdown: bool,
}

impl FailedRun {
    /// Of an attempt that ran into `error`.
    pub(crate) fn of((run, job, interval): (String, JobId, Interval), error: &JobError) -> Self {
        let is_shutdown = matches!(error, JobError::Shutdown { .. });
        let remedy = error.remedy().as_str();
        Self { run, job, interval, errors: chain(error), remedy, is_shutdown }
    }
}

/// The end of a run that was at work here.
struct Ended<'j> {
    job: &'j Job,
    interval: Interval,
    ran: Result<Ran, JobError>,
    seconds: f64,
}

/// What is known of jobs between two looks.
#[derive(Debug, Default)]
struct Plan {
    /// When each is looked at.
    look_at: BTreeMap<JobId, DateTime<Utc>>,
    /// Whose run is at work here.
    at_work: BTreeSet<JobId>,
    /// What waits, by job: the run, and what it waits for.
    waits: BTreeMap<JobId, (String, String)>,
    /// Jobs of which a run is tried again.
    soon: BTreeSet<JobId>,
    /// Jobs that another runner is at work on: since when, and since they were last looked at, in this process's own time.
    elsewhere: BTreeMap<JobId, (Stopwatch, Stopwatch)>,
    /// Jobs with a run for which nobody was free.
    unplaced: BTreeSet<JobId>,
    /// Jobs of which files are there that count soon: since when that was first so, and for how many seconds files settle.
    settling: BTreeMap<JobId, (Stopwatch, u64)>,
    /// Those of them of which it is so now.
    unsettled: BTreeSet<JobId>,
    /// When a run of each was last begun here: of those that are ready, who was served longest ago comes first.
    begun: BTreeMap<JobId, u64>,
    /// Whose last run failed, and which that was.
    failed: BTreeMap<JobId, DateTime<Utc>>,
}

impl Plan {
    fn begins(&mut self, job: &Job) {
        let number = self.begun.values().max().copied().unwrap_or_default() + 1;
        self.begun.insert(job.id.clone(), number);
        self.at_work.insert(job.id.clone());
    }

    fn is_due(&self, job: &JobId, now: DateTime<Utc>, lapse: Duration) -> bool {
        if self.at_work.contains(job) || self.unplaced.contains(job) {
            return false;
        }
        match self.elsewhere.get(job) {
            Some((_, looked)) => looked.seconds() >= BUSY_SECONDS.min(lapse.as_secs_f64()),
            // What lies far ahead was said by a clock that has gone back since.
            None => self.look_at.get(job).is_none_or(|at| *at <= now || *at > now + LOOK * 2),
        }
    }

    /// Whether files are there that count soon, and it was not waited for once already: others may come for ever.
    fn is_settling(&self) -> bool {
        let waited =
            |job: &JobId| self.settling.get(job).is_none_or(|(since, settle)| since.seconds() > *settle as f64 + 5.0);
        self.unsettled.iter().any(|job| !waited(job))
    }

    /// Takes in whether files of a job are there that count soon.
    fn settles(&mut self, job: &Job, settles: bool) {
        match job.timing.stream.as_ref().filter(|_| settles) {
            Some(stream) => {
                self.unsettled.insert(job.id.clone());
                self.settling.entry(job.id.clone()).or_insert_with(|| (Stopwatch::start(), stream.settle_seconds));
            }
            None => {
                self.unsettled.remove(&job.id);
            }
        }
    }

    /// Whether another runner was seen at work, and not for so long that somebody who died would have lost the claim.
    fn is_watching(&self, lapse: Duration) -> bool {
        let lapse = lapse.as_secs_f64();
        let patience = lapse + 2.0 * BUSY_SECONDS.min(lapse);
        self.elsewhere.values().any(|(since, _)| since.seconds() < patience)
    }
}

/// Whether a job may have something to do when another one has committed: it waits for it, or runs for new files of what it
/// fills.
fn follows(job: &Job, other: &Job) -> bool {
    let filled = match &other.kind {
        JobKind::Ingest(spec) => Some(&spec.into),
        JobKind::Query(spec) => Some(&spec.into),
        JobKind::Sla(spec) => Some(&spec.into),
        JobKind::Usage(spec) => Some(&spec.into),
        JobKind::Anomalies(spec) => Some(&spec.into),
        _ => None,
    };
    let is_filled = |stream: &Stream| matches!(&stream.source, StreamSource::Dataset(source) if filled == Some(source));
    job.timing.after.iter().any(|after| after.job == other.id) || job.timing.stream.as_ref().is_some_and(is_filled)
}

/// Whether a job runs without being told to.
pub(crate) fn is_by_itself(job: &Job) -> bool {
    job.timing.schedule.is_some() || job.timing.stream.is_some() || !job.timing.after.is_empty()
}

impl Crew<'_> {
    /// Does what is due, and tells what becomes of each run. What waits in the end is returned, with what it waits for.
    ///
    /// # Errors
    /// When a job cannot be looked at, after the others were; of a runner that ends only when told to, never.
    pub(crate) async fn work(&self, until: Until, tell: Tell<'_>) -> Result<Vec<(String, String)>, JobError> {
        let jobs: Vec<&Job> = in_order(&self.lake.definitions.jobs);
        let jobs: Vec<&Job> = jobs.into_iter().filter(|job| is_by_itself(job)).collect();
        let mut plan = Plan::default();
        let mut failed = None;
        let mut at_work = FuturesUnordered::new();
        loop {
            self.ticked.iter().for_each(|ticked| ticked());
            let (mut ready, ended) = self.looked(&jobs, &mut plan, until, (tell, &mut failed, &mut at_work)).await;
            let is_settled = ended.is_empty();
            ended.into_iter().for_each(|ended| self.ended(&jobs, &mut plan, ended, tell));
            ready.sort_by_key(|(job, ready)| (plan.begun.get(&job.id).copied(), ready.due_at));
            for (job, ready) in ready {
                if at_work.len() < self.workers.max(1) {
                    plan.begins(job);
                    let (run, id) = (run_id(&job.id, ready.interval.end), job.id.clone());
                    tell(&Happened::Began(BegunRun { run, job: id, interval: ready.interval }));
                    at_work.push(self.run(job, ready));
                } else {
                    self.unplaced(&mut plan, job, &ready).await;
                }
            }
            let is_left = match until {
                Until::Done => plan.is_watching(self.patience.lapse()) || plan.is_settling(),
                Until::Idle => !plan.soon.is_empty() || !plan.elsewhere.is_empty(),
                Until::Stopped => true,
            };
            // What came to an end while it was looked may be followed by what is due now.
            let is_over = self.closing.is_cancelled() || !is_left && is_settled;
            if at_work.is_empty() && is_over {
                return failed.map_or(Ok(plan.waits.into_values().collect()), Err);
            }
            if !is_settled {
                continue;
            }
            tokio::select! {
                Some(ended) = at_work.next(), if !at_work.is_empty() => self.ended(&jobs, &mut plan, ended, tell),
                () = pause(self.tick) => {}
                () = self.closing.cancelled(), if !self.closing.is_cancelled() => {}
            }
        }
    }

    /// Looks at every job whose time it is, while what is at work goes on; with the runs that came to an end meanwhile.
    async fn looked<'j, F: Future<Output = Ended<'j>>>(
        &self,
        jobs: &[&'j Job],
        plan: &mut Plan,
        until: Until,
        (tell, failed, at_work): (Tell<'_>, &mut Option<JobError>, &mut FuturesUnordered<F>),
    ) -> (Vec<(&'j Job, Ready)>, Vec<Ended<'j>>) {
        let mut looking = std::pin::pin!(self.look(jobs, plan, until, (tell, failed)));
        let mut all = Vec::new();
        loop {
            tokio::select! {
                ready = &mut looking => return (ready, all),
                Some(ended) = at_work.next(), if !at_work.is_empty() => all.push(ended),
                // A store that does not answer keeps no process from ending.
                () = self.stop.cancelled() => return (Vec::new(), all),
            }
        }
    }

    /// A run for which nobody is free: it is queued, and looked at again once somebody is.
    async fn unplaced(&self, plan: &mut Plan, job: &Job, ready: &Ready) {
        plan.unplaced.insert(job.id.clone());
        let turns = Turns { lake: self.lake, world: self.world, patience: self.patience, watches: self.watches };
        if ready.is_new
            && let Err(error) = turns.queue(job, ready.interval, "a worker").await
        {
            tracing::warn!(job = %job.id, why = %chain(&error).join(": "), "that a run waits is not recorded");
        }
    }

    /// Looks at every job whose time it is.
    async fn look<'j>(
        &self,
        jobs: &[&'j Job],
        plan: &mut Plan,
        until: Until,
        (tell, failed): (Tell<'_>, &mut Option<JobError>),
    ) -> Vec<(&'j Job, Ready)> {
        let now = self.world.now();
        let mut books = Books::of(self.lake, now);
        let turns = Turns { lake: self.lake, world: self.world, patience: self.patience, watches: self.watches };
        let mut ready = Vec::new();
        for job in jobs {
            if self.closing.is_cancelled() || !plan.is_due(&job.id, now, self.patience.lapse()) {
                continue;
            }
            self.ticked.iter().for_each(|ticked| ticked());
            plan.waits.remove(&job.id);
            plan.soon.remove(&job.id);
            let mut told = Vec::new();
            let turn = turns.take(job, &mut books, &mut told).await;
            told.into_iter().for_each(|told| tell(&Happened::Told(told)));
            match turn {
                Ok(turn) => {
                    let look_at = turn.look_at.map_or(now + LOOK, |at| at.min(now + LOOK));
                    plan.look_at.insert(job.id.clone(), look_at);
                    plan.settles(job, turn.settles);
                    if let Some(waits) = turn.waits {
                        if waits.is_soon {
                            plan.soon.insert(job.id.clone());
                        }
                        plan.waits.insert(job.id.clone(), (waits.run, waits.what));
                    }
                    if turn.ready.is_none() {
                        plan.elsewhere.remove(&job.id);
                    }
                    ready.extend(turn.ready.map(|ready| (*job, ready)));
                }
                Err(error) => {
                    plan.look_at.insert(job.id.clone(), now + BUSY);
                    plan.elsewhere.remove(&job.id);
                    let why = chain(&error).join(": ");
                    tracing::warn!(job = %job.id, %why, "its schedule cannot be looked at");
                    if until != Until::Stopped {
                        // It is not looked at again here.
                        plan.at_work.insert(job.id.clone());
                        failed.get_or_insert(error);
                    }
                }
            }
        }
        ready
    }

    async fn run<'j>(&self, job: &'j Job, ready: Ready) -> Ended<'j> {
        let Ready { interval, batch, revises, .. } = ready;
        let watch = Stopwatch::start();
        let world = self.world.at(Arc::new(FixedClock(interval.end)));
        let scheduled =
            Scheduled { interval, batch, clock: self.world, patience: Some(self.patience), stop: Some(self.stop) };
        let asked =
            Asked { scheduled: Some(scheduled), ..Asked::by(revises.map_or(Revise::Never, Revise::Superseded), None) };
        let ran = run(self.lake, &world, job, asked, &self.progress).await;
        Ended { job, interval, ran, seconds: watch.seconds() }
    }

    /// Takes in the end of a run: its job is looked at again at once, and so are those that wait for it.
    fn ended(&self, jobs: &[&Job], plan: &mut Plan, Ended { job, interval, ran, seconds }: Ended<'_>, tell: Tell<'_>) {
        plan.at_work.remove(&job.id);
        for unplaced in std::mem::take(&mut plan.unplaced) {
            plan.look_at.remove(&unplaced);
        }
        let (run, id) = (run_id(&job.id, interval.end), job.id.clone());
        match ran {
            Ok(ran) => {
                plan.elsewhere.remove(&job.id);
                plan.look_at.remove(&job.id);
                for other in jobs.iter().filter(|other| follows(other, job)) {
                    plan.look_at.remove(&other.id);
                }
                tell(&Happened::Ran(RanRun::of((run, id, interval), &ran, seconds)));
            }
            Err(JobError::Claimed { what, .. }) if what == run => {
                let watched = plan.elsewhere.remove(&job.id).map_or_else(Stopwatch::start, |(since, _)| since);
                plan.elsewhere.insert(job.id.clone(), (watched, Stopwatch::start()));
                plan.waits.insert(job.id.clone(), (run.clone(), "is at work elsewhere".to_owned()));
                tell(&Happened::Elsewhere(BegunRun { run, job: id, interval }));
            }
            Err(error) => {
                plan.elsewhere.remove(&job.id);
                // A run that fails before an attempt at it is recorded would be begun again and again.
                if plan.failed.insert(job.id.clone(), interval.end) == Some(interval.end) {
                    plan.look_at.insert(job.id.clone(), self.world.now() + BUSY);
                } else {
                    plan.look_at.remove(&job.id);
                }
                tell(&Happened::Failed(FailedRun::of((run, id, interval), &error)));
            }
        }
    }
}

impl Happened {
    /// As a line.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Began(run) => format!("began {}", run.run),
            Self::Elsewhere(run) => format!("{} is at work elsewhere", run.run),
            Self::Ran(ran) if ran.before => format!("committed {}, by another runner", ran.run),
            Self::Ran(ran) if ran.revision > 1 => format!("committed {}, revision {}", ran.run, ran.revision),
            Self::Ran(ran) => format!("committed {}", ran.run),
            Self::Failed(failed) => format!("failed {} ({}): {}", failed.run, failed.remedy, failed.errors.join(": ")),
            Self::Told(told) => told.line(),
        }
    }
}
