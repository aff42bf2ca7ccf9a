//! The story of one run: claim, start, execute, deliver, commit, complete.

use engine::Fence;
use schemas::{Interval, Job, JobKind};

use crate::access;
use crate::anonymize;
use crate::claim::Claim;
use crate::compliance;
use crate::error::JobError;
use crate::evidence_log::{Act, Intent, make_good, of_commit};
use crate::export;
use crate::ingest;
use crate::lake::OpenLake;
use crate::ledger::{CommitRecord, CompleteRecord, FailRecord, Ledger, Output, RunKey, RunSummary, StartRecord};
use crate::lineage::{self, Ended, Made, Naming};
use crate::progress::Progress;
use crate::query;
use crate::retention;
use crate::review;
use crate::subject;
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
    asked: (Revise, Option<&str>),
    progress: &Progress,
) -> Result<Ran, JobError> {
    let mut begun = 1;
    loop {
        match run_once(lake, world, job, asked, progress).await {
            // A file was replaced under its readers, for example by retention: the next attempt sees what is there then.
            Err(error) if error.is_of_change() && begun < ATTEMPTS_MAX => begun += 1,
            ended => return ended,
        }
    }
}

async fn run_once(
    lake: &OpenLake,
    world: &World,
    job: &Job,
    (revise, principal): (Revise, Option<&str>),
    progress: &Progress,
) -> Result<Ran, JobError> {
    let is_revised =
        matches!(job.kind, JobKind::Query(_) | JobKind::Anonymize(_)) || review::is_required(lake, &job.id);
    if revise == Revise::Again && !is_revised {
        return Err(JobError::Usage(format!(
            "job \"{}\" is of kind {}, and what it published stays as it is; leave --again out, or give another --at",
            job.id,
            job.kind.as_str()
        )));
    }
    let key = RunKey { job: job.id.clone(), instant: world.now() };
    let ledger = Ledger::new(lake.front.clone());
    if let Some(commit) = ledger.commit_of(&key).await?
        && revise == Revise::Never
    {
        // Whoever committed it may have been gone before it was logged.
        make_good(lake, world).await;
        return Ok(Ran { commit, before: true });
    }
    // What the job computes may be about the use of the lake itself.
    access::publish(lake, world).await?;
    subject::publish(lake, world).await?;
    let claim = Claim::take(&lake.front, world, &format!("runs/{}/{}", key.job, schemas::compact(key.instant))).await?;
    let outcome = match ledger.commit_of(&key).await? {
        Some(commit) if revise == Revise::Never => Ok(Ran { commit, before: true }),
        before => {
            let revision = before.map_or(1, |commit| commit.revision + 1);
            let act = Act::Run { job: key.job.clone(), instant: key.instant };
            let intent = Intent::begin(lake, world, act).await?;
            let by = principal.or_else(|| lake.definitions.access.as_ref()?.service_principal.as_deref());
            let ran = attempt(lake, world, job, (&key, by), (&ledger, revision), &claim, progress).await;
            let kind = job.kind.as_str();
            intent.end(ran, async |ran| of_commit(&lake.front, &key, kind, &ran.commit).await).await
        }
    };
    claim.release().await;
    outcome
}

async fn attempt(
    lake: &OpenLake,
    world: &World,
    job: &Job,
    (key, principal): (&RunKey, Option<&str>),
    (ledger, revision): (&Ledger, u64),
    claim: &Claim,
    progress: &Progress,
) -> Result<Ran, JobError> {
    let interval = interval_of(job, key.instant);
    let start = StartRecord {
        run: key.id(),
        attempt: claim.epoch,
        started_at: world.now(),
        kind: job.kind.as_str().to_owned(),
        interval,
        definitions_sha256: lake.definitions.sha256.clone(),
        job_sha256: job.sha256.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        principal: principal.map(str::to_owned),
    };
    ledger.start(key, &start).await?;
    let fence = claim.fence();
    let attempt = Attempt { lake, key, number: claim.epoch, interval, fence: &fence, progress };
    let executed = match &job.kind {
        JobKind::ComplianceReport(spec) => compliance::execute(&attempt, spec).await,
        JobKind::Ingest(spec) => ingest::execute(&attempt, world, spec).await,
        JobKind::Export(spec) => export::execute(&attempt, world, spec).await,
        JobKind::Query(spec) => query::execute(&attempt, world, spec).await,
        JobKind::Verify(spec) => verify::execute(&attempt, world, spec).await,
        JobKind::Retention(spec) => retention::execute(&attempt, world, spec).await,
        JobKind::Anonymize(spec) => anonymize::execute(&attempt, world, spec).await,
    };
    let committed = match executed {
        Ok(executed) => commit((lake, world), key, (ledger, revision), &attempt, executed).await,
        Err(error) => Err(error),
    };
    match committed {
        Ok(commit) => {
            let record = CompleteRecord { run: key.id(), attempt: claim.epoch, ended_at: world.now() };
            ledger.complete(key, &record).await?;
            lineage::attempt(lake, key, &start, Ended::Committed(&commit)).await;
            Ok(Ran { commit, before: false })
        }
        Err(error) => {
            let record = FailRecord {
                run: key.id(),
                attempt: claim.epoch,
                ended_at: world.now(),
                errors: chain(&error),
                remedy: error.remedy().as_str().to_owned(),
            };
            ledger.fail(key, &record).await?;
            lineage::attempt(lake, key, &start, Ended::Failed(&record)).await;
            Err(error)
        }
    }
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

/// A job without schedule covers its window up to the instant; an ingest has no window and covers the instant.
pub(crate) fn interval_of(job: &Job, instant: chrono::DateTime<chrono::Utc>) -> Interval {
    let seconds = match &job.kind {
        JobKind::ComplianceReport(spec) => spec.window_seconds.unwrap_or(0),
        JobKind::Query(spec) => spec.window_seconds.unwrap_or(0),
        JobKind::Export(spec) => spec.window_seconds.unwrap_or(0),
        JobKind::Anonymize(spec) => spec.window_seconds.unwrap_or(0),
        JobKind::Ingest(_) | JobKind::Verify(_) | JobKind::Retention(_) => 0,
    };
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let start = chrono::TimeDelta::try_seconds(seconds).and_then(|window| instant.checked_sub_signed(window));
    Interval { start: start.unwrap_or(chrono::DateTime::UNIX_EPOCH), end: instant }
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
