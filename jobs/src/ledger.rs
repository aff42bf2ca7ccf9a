//! The ledger: what was started, committed and failed, in create-only records.
//!
//! `_auditlake/runs/<job>/<instant>/<attempt>.start.json`, `.complete.json`, `.fail.json`, `commit-000001.json`.
//! A run becomes true at its commit; readers of outputs follow commits only.

mod entries;
mod summary;

pub(crate) use entries::{Newest, NewestRuns};
pub use summary::{AnonymizeSummary, ExportSummary, QuerySummary, RetentionSummary, RunSummary, VerifySummary};

use chrono::{DateTime, Utc};
use engine::{Created, EngineError, Lakefront, WrittenFile};
use object_store::path::Path;
use schemas::{InputFile, Interval, JobId, compact};
use serde::{Deserialize, Serialize};

use crate::schedule::Ends;

/// Job and instant: one run, however often it is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunKey {
    /// The job.
    pub job: JobId,
    /// The instant of the run.
    pub instant: DateTime<Utc>,
}

/// How a run is called: `job@20260329T040000Z`.
pub(crate) fn run_id(job: &JobId, instant: DateTime<Utc>) -> String {
    format!("{job}@{}", compact(instant))
}

impl RunKey {
    /// `job@20260329T040000Z`.
    pub fn id(&self) -> String {
        run_id(&self.job, self.instant)
    }

    /// The folder of the run's records.
    pub(crate) fn folder(&self) -> String {
        format!("_auditlake/runs/{}/{}", self.job, compact(self.instant))
    }

    /// The claim on the run, below `_auditlake/claims`.
    pub(crate) fn claim(&self) -> String {
        format!("runs/{}/{}", self.job, compact(self.instant))
    }

    /// Where a commit of the run stands.
    pub(crate) fn commit_record(&self, revision: u64) -> Path {
        self.record(&format!("commit-{revision:06}"))
    }

    /// Where a record of the run stands.
    pub(crate) fn record(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}.json", self.folder()))
    }
}

/// The beginning of an attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StartRecord {
    /// Run id.
    pub run: String,
    /// Number of the attempt; equals the epoch of its claim.
    pub attempt: u64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Kind of the job.
    pub kind: String,
    /// The interval whose data it reads.
    pub interval: Interval,
    /// The interval of the job's schedule that it is the run of, where the job has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scheduled: Option<Interval>,
    /// The batch that it computes, of a job that runs for new files.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub batch: Option<u64>,
    /// SHA-256 of the definitions.
    pub definitions_sha256: String,
    /// SHA-256 of the job's file.
    pub job_sha256: String,
    /// Version of auditlake.
    pub version: String,
    /// Who ran it, where somebody is known to have.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub principal: Option<String>,
}

/// What an output is to its readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputRole {
    /// A file people read.
    Report,
    /// Rows of `control_result.v1`.
    ControlResults,
    /// Rows of `finding.v1`.
    Findings,
    /// Evidence rows of one control.
    Evidence,
    /// A file of an export; its manifest is a report.
    Export,
    /// Rows that an ingest wrote, of the dataset or of what it refused.
    Rows,
    /// What a verification found.
    Verified,
    /// What became of plans of retention.
    Retention,
}

/// One written object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Path in the store.
    pub path: String,
    /// What it is.
    pub role: OutputRole,
    /// SHA-256 in hex.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
    /// Rows, where it has rows.
    pub rows: Option<u64>,
}

impl Output {
    /// A file of rows.
    pub(crate) fn of_rows(file: &WrittenFile) -> Self {
        Self {
            path: file.path.clone(),
            role: OutputRole::Rows,
            sha256: file.sha256.clone(),
            bytes: file.bytes,
            rows: Some(file.rows),
        }
    }
}

/// The moment a run becomes true.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CommitRecord {
    /// Run id.
    pub run: String,
    /// The attempt that committed.
    pub attempt: u64,
    /// Number of the commit: 1, or higher when the run was computed again.
    #[serde(default = "first_revision")]
    pub revision: u64,
    /// The data interval.
    pub interval: Interval,
    /// Definitions it ran with.
    pub definitions_sha256: String,
    /// Every file read.
    pub inputs: Vec<InputFile>,
    /// Columns read, by table.
    pub reads: std::collections::BTreeMap<String, Vec<String>>,
    /// Every object written.
    pub outputs: Vec<Output>,
    /// What the run found, for `--fail-on` and for people.
    pub summary: RunSummary,
    /// When it was committed; none in records of versions that did not say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub committed_at: Option<DateTime<Utc>>,
    /// SHA-256 of what the run read and wrote column by column, `_auditlake/lineage/made/<sha256>.json`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lineage_sha256: Option<String>,
    /// SHA-256 over the optimised plans, without names of files; none where the job plans nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub plan_sha256: Option<String>,
}

fn first_revision() -> u64 {
    1
}

/// The end of an attempt that failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FailRecord {
    /// Run id.
    pub run: String,
    /// The attempt.
    pub attempt: u64,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// The error with its causes, outermost first.
    pub errors: Vec<String>,
    /// What to do next.
    pub remedy: String,
    /// When it is tried again by itself; none where it is not, or the job has no schedule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_try_at: Option<DateTime<Utc>>,
    /// Whether only its runner was stopped, which says nothing of the run.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub shutdown: bool,
}

/// The end of an attempt that committed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CompleteRecord {
    /// Run id.
    pub run: String,
    /// The attempt.
    pub attempt: u64,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
}

/// One run as the ledger knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunEntry {
    /// Run id.
    pub run: String,
    /// The job.
    pub job: String,
    /// Instant as in the run id.
    pub instant: String,
    /// Attempts, by number.
    pub attempts: Vec<StartRecord>,
    /// Attempts that failed.
    pub failures: Vec<FailRecord>,
    /// The commit; the last one where the run was computed again.
    pub commit: Option<CommitRecord>,
    /// The commits before it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub earlier_commits: Vec<CommitRecord>,
    /// What else is recorded of it.
    #[serde(flatten)]
    pub ends: Ends,
}

impl RunEntry {
    /// Every commit, the first one first.
    pub(crate) fn commits(&self) -> impl Iterator<Item = &CommitRecord> {
        self.earlier_commits.iter().chain(&self.commit)
    }

    /// Why it has no commit, or what its last attempt that failed ran into.
    pub(crate) fn why(&self) -> Option<String> {
        let ends = if self.commit.is_some() { None } else { self.ends.why() };
        ends.or_else(|| self.failures.last().map(|fail| fail.errors.join(": ")))
    }

    /// Kind of the job, as the last attempt had it.
    pub(crate) fn kind(&self) -> &str {
        self.attempts.last().map_or("", |start| start.kind.as_str())
    }

    /// `committed`, `cancelled`, `failed`, `missed`, `queued`, or `started` when an attempt has neither end.
    pub fn state(&self) -> &'static str {
        let ended = self.attempts.iter().all(|start| self.failures.iter().any(|fail| fail.attempt == start.attempt));
        match (&self.commit, self.ends.state()) {
            (Some(_), _) => "committed",
            (None, Some(state)) => state,
            (None, None) if self.attempts.is_empty() => "queued",
            (None, None) if ended => "failed",
            (None, None) => "started",
        }
    }
}

/// The records of runs.
#[derive(Debug, Clone)]
pub struct Ledger {
    front: Lakefront,
}

impl Ledger {
    /// The ledger of a lake.
    pub fn new(front: Lakefront) -> Self {
        Self { front }
    }

    /// Records the beginning of an attempt.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start(&self, key: &RunKey, record: &StartRecord) -> Result<(), EngineError> {
        self.front.create_json(&key.record(&format!("{}.start", record.attempt)), record).await.map(drop)
    }

    /// The last commit of a run, when it has one.
    ///
    /// # Errors
    /// When the store fails or the record is damaged.
    pub async fn commit_of(&self, key: &RunKey) -> Result<Option<CommitRecord>, EngineError> {
        let mut last = None;
        for revision in 1.. {
            match self.revision(key, revision).await? {
                None => break,
                commit => last = commit,
            }
        }
        Ok(last)
    }

    pub(crate) async fn revision(&self, key: &RunKey, revision: u64) -> Result<Option<CommitRecord>, EngineError> {
        self.front.read_json(&key.record(&format!("commit-{revision:06}"))).await
    }

    /// Commits a revision of a run; whoever was first decides.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn commit(&self, key: &RunKey, record: &CommitRecord) -> Result<CommitRecord, EngineError> {
        let path = key.record(&format!("commit-{:06}", record.revision));
        match self.front.create_json(&path, record).await? {
            Created::Now => Ok(record.clone()),
            Created::Existed => Ok(self.revision(key, record.revision).await?.unwrap_or_else(|| record.clone())),
        }
    }

    /// Records that an attempt ended well.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn complete(&self, key: &RunKey, record: &CompleteRecord) -> Result<(), EngineError> {
        self.front.create_json(&key.record(&format!("{}.complete", record.attempt)), record).await.map(drop)
    }

    /// Records that an attempt failed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn fail(&self, key: &RunKey, record: &FailRecord) -> Result<(), EngineError> {
        self.front.create_json(&key.record(&format!("{}.fail", record.attempt)), record).await.map(drop)
    }
}
