//! The story of one run: claim, start, execute, deliver, commit, complete.

mod bounded;

use chrono::{DateTime, Utc};
use engine::{Fence, UseStates};
use schemas::{Interval, Job, JobKind, Remedy};
use tokio_util::sync::CancellationToken;

use bounded::{Bounds, By};

use crate::access;
use crate::anomalies;
use crate::anonymize;
use crate::claim::{Claim, Patience};
use crate::compliance;
use crate::error::JobError;
use crate::evidence_log::{Act, Intent, make_good, of_commit};
use crate::export;
use crate::ingest;
use crate::lake::OpenLake;
use crate::ledger::{CommitRecord, CompleteRecord, FailRecord, Ledger, Output, RunKey, RunSummary, StartRecord};
use crate::lineage::{self, Ended, Made, Naming};
use crate::notify;
use crate::progress::Progress;
use crate::query;
use crate::retention;
use crate::review;
use crate::schedule;
use crate::sla;
use crate::stream::{self, Batch, BatchPlan};
use crate::subject;
use crate::table_report;
use crate::usage;
use crate::verify;
use crate::world::World;

/// Attempts at a run whose files change under it.
const ATTEMPTS_MAX: u32 = 5;

/// What a job kind hands back to the runner.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) inputs: Vec<schemas::InputFile>,
    pub(crate) reads: std::collections::BTreeMap<String, Vec<String>>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) summary: RunSummary,
    /// Where its columns come from.
    pub(crate) made: Made,
    /// SHA-256 over its optimised plans, where it has any.
    pub(crate) plan_sha256: Option<String>,
}

/// What a job kind is given.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) lake: &'a OpenLake,
    pub(crate) key: &'a RunKey,
    pub(crate) number: u64,
    pub(crate) interval: Interval,
    pub(crate) fence: &'a dyn Fence,
    pub(crate) progress: &'a Progress,
    /// The files that it reads, of a job that runs for new files.
    pub(crate) batch: Option<&'a Batch>,
    /// Whether states of files that are kept are used.
    pub(crate) states: UseStates,
}

/// A run that is committed.
#[derive(Debug)]
pub struct Ran {
    /// Its commit.
    pub commit: CommitRecord,
    /// It was committed before; nothing was done.
    pub before: bool,
}

/// Whether a committed run is computed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revise {
    /// It is only reported.
    Never,
    /// It is, as the next revision.
    Again,
    /// It is, unless a later revision than this one is there already.
    Superseded(u64),
}

impl Revise {
    /// Whether a commit stays as it is.
    fn keeps(self, commit: &CommitRecord) -> bool {
        match self {
            Self::Never => true,
            Self::Again => false,
            Self::Superseded(revision) => commit.revision > revision,
        }
    }
}

/// How a run is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Whether a committed run is computed anew.
    pub revise: Revise,
    /// Who asks, where somebody is known to.
    pub principal: Option<&'a str>,
    /// Its place in the schedule of its job.
    pub(crate) scheduled: Option<Scheduled<'a>>,
    /// Whether states of files that are kept are used.
    pub(crate) states: UseStates,
}

impl<'a> Asked<'a> {
    /// Whether a runner of schedules asks, which takes what is free and waits for nothing.
    fn is_of_runner(&self) -> bool {
        self.scheduled.is_some_and(|scheduled| scheduled.patience.is_some())
    }

    /// By a command, and for an instant.
    pub fn by(revise: Revise, principal: Option<&'a str>) -> Self {
        Self { revise, principal, scheduled: None, states: UseStates::Kept }
    }
}

/// A run as its schedule has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scheduled<'a> {
    /// What it covers; its end is the instant of the run.
    pub(crate) interval: Interval,
    /// The batch that it computes, of a job that runs for new files.
    pub(crate) batch: Option<u64>,
    /// The time it is, whatever the instant of the run.
    pub(crate) clock: &'a World,
    /// What was seen of claims of others; without it, they are waited for.
    pub(crate) patience: Option<&'a Patience>,
    /// Ends the attempt.
    pub(crate) stop: Option<&'a CancellationToken>,
}

/// Runs `job` at the world's instant, once: a committed run is only reported, unless a revision is asked for.
///
/// # Errors
/// What the job kind returns, after it was recorded; the same command again tries anew. Also when a revision is asked
/// for and the job's outputs are kept as they were published.
pub async fn run(
    lake: &OpenLake,
    world: &World,
    job: &Job,
    asked: Asked<'_>,
    progress: &Progress,
) -> Result<Ran, JobError> {
    let mut begun = 1;
    loop {
        match run_once(lake, world, job, asked, progress).await {
            // A file was replaced under its readers, for example by retention: the next attempt sees what is there then.
            // A runner of schedules tries again after a while, as the job says.
            Err(error) if error.is_of_change() && begun < ATTEMPTS_MAX && !asked.is_of_runner() => begun += 1,
            ended => return ended,
        }
    }
}

async fn run_once(
    lake: &OpenLake,
    world: &World,
    job: &Job,
    asked: Asked<'_>,
    progress: &Progress,
) -> Result<Ran, JobError> {
    let revise = asked.revise;
    let is_revised =
        matches!(job.kind, JobKind::Query(_) | JobKind::Anonymize(_) | JobKind::Sla(_) | JobKind::Usage(_))
            || review::is_required(lake, &job.id);
    if revise != Revise::Never && !is_revised {
        return Err(JobError::Usage(format!(
            "job \"{}\" is of kind {}, and what it published stays as it is; leave --again out, or give another --at",
            job.id,
            job.kind.as_str()
        )));
    }
    let key = RunKey { job: job.id.clone(), instant: world.now() };
    let plan = match &job.timing.stream {
        Some(_) => {
            let number = asked.scheduled.and_then(|scheduled| scheduled.batch);
            Some(stream::batch_of(lake, job, &key, number).await?)
        }
        None => None,
    };
    let ledger = Ledger::new(lake.front.clone());
    if let Some(commit) = ledger.commit_of(&key).await?
        && revise.keeps(&commit)
    {
        // Whoever committed it may have been gone before it was logged, and before its batch had an end.
        make_good(lake, world).await;
        if let Some(plan) = &plan {
            stream::committed(lake, job, plan, &commit).await?;
        }
        return Ok(Ran { commit, before: true });
    }
    // What the job computes may be about the use of the lake itself.
    access::publish(lake, world).await?;
    subject::publish(lake, world).await?;
    let claim = claimed(lake, world, &key, asked.scheduled.and_then(|scheduled| scheduled.patience)).await?;
    let outcome = match ledger.commit_of(&key).await? {
        Some(commit) if revise.keeps(&commit) => Ok(Ran { commit, before: true }),
        before => {
            let revision = before.map_or(1, |commit| commit.revision + 1);
            let act = Act::Run { job: key.job.clone(), instant: key.instant };
            let intent = Intent::begin(lake, world, act).await?;
            let service = || lake.definitions.access.as_ref()?.service_principal.as_deref();
            let asked = Asked { principal: asked.principal.or_else(service), ..asked };
            let run = (&key, plan.as_ref(), asked);
            let ran = attempt(lake, world, job, run, (&ledger, revision), &claim, progress).await;
            let kind = job.kind.as_str();
            intent.end(ran, async |ran| of_commit(&lake.front, &key, kind, &ran.commit).await).await
        }
    };
    claim.release().await;
    if let (Some(plan), Ok(ran)) = (&plan, &outcome) {
        stream::committed(lake, job, plan, &ran.commit).await?;
    }
    outcome
}

/// The claim on a run: waited for, or taken only if it is free.
async fn claimed(lake: &OpenLake, world: &World, key: &RunKey, patience: Option<&Patience>) -> Result<Claim, JobError> {
    let what = key.claim();
    let Some(patience) = patience else { return Claim::take(&lake.front, world, &what).await };
    match Claim::take_if_free(&lake.front, world, &what, patience).await? {
        Some(claim) => Ok(claim),
        None => Err(JobError::Claimed { what: key.id(), holder: "another runner".to_owned(), epoch: 0 }),
    }
}

async fn attempt(
    lake: &OpenLake,
    world: &World,
    job: &Job,
    (key, plan, asked): (&RunKey, Option<&BatchPlan>, Asked<'_>),
    (ledger, revision): (&Ledger, u64),
    claim: &Claim,
    progress: &Progress,
) -> Result<Ran, JobError> {
    let clock = asked.scheduled.map_or(world, |scheduled| scheduled.clock);
    // A batch has the interval that its plan says, whoever runs it.
    let scheduled = plan.map(|plan| plan.interval).or(asked.scheduled.map(|scheduled| scheduled.interval));
    let interval = interval_of(job, key.instant, scheduled);
    let start = StartRecord {
        run: key.id(),
        attempt: claim.epoch,
        started_at: clock.now(),
        kind: job.kind.as_str().to_owned(),
        interval,
        scheduled,
        batch: plan.map(|plan| plan.batch),
        definitions_sha256: lake.definitions.sha256.clone(),
        job_sha256: job.sha256.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        principal: asked.principal.map(str::to_owned),
    };
    ledger.start(key, &start).await?;
    let fence = claim.fence();
    let attempt = Attempt {
        lake,
        key,
        number: claim.epoch,
        interval,
        fence: &fence,
        progress,
        batch: None,
        states: asked.states,
    };
    let bounds = Bounds {
        front: &lake.front,
        key,
        timeout: job.timing.timeout_seconds,
        stop: asked.scheduled.and_then(|scheduled| scheduled.stop),
        by: match asked.scheduled {
            None => By::Command,
            Some(scheduled) if scheduled.patience.is_none() => By::Hand,
            Some(_) => By::Runner,
        },
    };
    let work = bounds.keep(executed(&attempt, world, job, plan));
    let committed = match notify::watched((lake, clock), (job, key, claim.epoch), work).await {
        Ok(executed) => commit((lake, clock), key, (ledger, revision), &attempt, executed).await,
        Err(error) => Err(error),
    };
    ended((lake, clock), (key, job, &start), (ledger, asked.scheduled.is_some()), committed).await
}

/// Writes down how an attempt ended.
async fn ended(
    (lake, clock): (&OpenLake, &World),
    (key, job, start): (&RunKey, &Job, &StartRecord),
    (ledger, is_scheduled): (&Ledger, bool),
    committed: Result<CommitRecord, JobError>,
) -> Result<Ran, JobError> {
    match committed {
        Ok(commit) => {
            let record = CompleteRecord { run: key.id(), attempt: start.attempt, ended_at: clock.now() };
            ledger.complete(key, &record).await?;
            lineage::attempt(lake, key, start, Ended::Committed(&commit)).await;
            Ok(Ran { commit, before: false })
        }
        Err(error) => {
            let ended_at = clock.now();
            let next_try_at = match is_scheduled {
                true => next_try(ledger, key, job, (&error, ended_at)).await?,
                false => None,
            };
            let record = FailRecord {
                run: key.id(),
                attempt: start.attempt,
                ended_at,
                errors: chain(&error),
                remedy: error.remedy().as_str().to_owned(),
                next_try_at,
                shutdown: matches!(error, JobError::Shutdown { .. }),
            };
            ledger.fail(key, &record).await?;
            lineage::attempt(lake, key, start, Ended::Failed(&record)).await;
            Err(error)
        }
    }
}

/// Does what the job is for: of one that runs for new files, with those of its batch.
async fn executed(
    attempt: &Attempt<'_>,
    world: &World,
    job: &Job,
    plan: Option<&BatchPlan>,
) -> Result<Executed, JobError> {
    let Some((stream, plan)) = job.timing.stream.as_ref().zip(plan) else {
        return execute(attempt, world, job).await;
    };
    let lake = attempt.lake;
    let batch = Batch::resolve((lake, world), stream, plan).await?;
    let mut executed = execute(&Attempt { batch: Some(&batch), ..*attempt }, world, job).await?;
    let into = match &job.kind {
        JobKind::Ingest(spec) => Some((lake.dataset(spec.into.as_str())?, executed.outputs.as_slice())),
        _ => None,
    };
    executed.summary.batch = Some(batch.summary((lake, world), into).await?);
    Ok(executed)
}

/// Does what the job is for.
async fn execute(attempt: &Attempt<'_>, world: &World, job: &Job) -> Result<Executed, JobError> {
    match &job.kind {
        JobKind::ComplianceReport(spec) => compliance::execute(attempt, spec).await,
        JobKind::Ingest(spec) => ingest::execute(attempt, world, spec).await,
        JobKind::Export(spec) => export::execute(attempt, world, spec).await,
        JobKind::Query(spec) => query::execute(attempt, world, spec).await,
        JobKind::Verify(spec) => verify::execute(attempt, world, spec).await,
        JobKind::Retention(spec) => retention::execute(attempt, world, spec).await,
        JobKind::Anonymize(spec) => anonymize::execute(attempt, world, spec).await,
        JobKind::Sla(spec) => sla::execute(attempt, world, spec).await,
        JobKind::Usage(spec) => usage::execute(attempt, world, spec).await,
        JobKind::Anomalies(spec) => anomalies::execute(attempt, world, spec).await,
        JobKind::Report(spec) => table_report::execute(attempt, spec).await,
    }
}

/// When an attempt that failed is followed by another one: only where the same may well succeed, and not for ever. One
/// that was shut down is gone on with at once, and does not count.
async fn next_try(
    ledger: &Ledger,
    key: &RunKey,
    job: &Job,
    (error, ended_at): (&JobError, DateTime<Utc>),
) -> Result<Option<DateTime<Utc>>, JobError> {
    if matches!(error, JobError::Shutdown { .. }) {
        return Ok(Some(ended_at));
    }
    if error.remedy() != Remedy::Retry {
        return Ok(None);
    }
    let run = ledger.run_of(key).await?;
    let before = run.iter().flat_map(|run| &run.failures).filter(|fail| !fail.shutdown).count();
    let failures = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
    if failures > job.timing.retry.max {
        return Ok(None);
    }
    let delay = schedule::seconds(job.timing.retry.delay_seconds(&key.job, key.instant, failures));
    Ok(delay.and_then(|delay| ended_at.checked_add_signed(delay)))
}

async fn commit(
    (lake, world): (&OpenLake, &World),
    key: &RunKey,
    (ledger, revision): (&Ledger, u64),
    attempt: &Attempt<'_>,
    executed: Executed,
) -> Result<CommitRecord, JobError> {
    let kept = executed.made.keep(&lake.front, Naming::of(&lake.definitions).job(key.job.as_str())).await;
    let lineage_sha256 =
        kept.inspect_err(|error| tracing::warn!(%error, "lineage not kept, the run will have a gap")).ok();
    attempt.fence.check().await?;
    let record = CommitRecord {
        run: key.id(),
        attempt: attempt.number,
        revision,
        interval: attempt.interval,
        definitions_sha256: lake.definitions.sha256.clone(),
        inputs: executed.inputs,
        reads: executed.reads,
        outputs: executed.outputs,
        summary: executed.summary,
        committed_at: Some(world.now()),
        lineage_sha256,
        plan_sha256: executed.plan_sha256,
    };
    Ok(ledger.commit(key, &record).await?)
}

/// What a run reads: the window of its job up to the instant, else its interval in the schedule, else nothing but the
/// instant, as an ingest does, which reads what is there.
pub(crate) fn interval_of(job: &Job, instant: DateTime<Utc>, scheduled: Option<Interval>) -> Interval {
    match (job.window_seconds(), scheduled) {
        (None, Some(interval)) => interval,
        (window, _) => {
            let start = schedule::seconds(window.unwrap_or(0)).and_then(|window| instant.checked_sub_signed(window));
            Interval { start: start.unwrap_or(DateTime::UNIX_EPOCH), end: instant }
        }
    }
}

/// The error and its causes, outermost first.
pub(crate) fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut all = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // A transparent layer would say the same twice.
        if all.last() != Some(&text) {
            all.push(text);
        }
        cause = error.source();
    }
    all
}
