//! What is written about batches.

use chrono::{DateTime, Utc};
use engine::PlannedInput;
use object_store::path::Path;
use schemas::{Interval, JobId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The files of a batch, fixed before any is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BatchPlan {
    /// The job.
    pub(crate) job: JobId,
    /// From 1.
    pub(crate) batch: u64,
    /// Run id.
    pub(crate) run: String,
    /// From the batch before to the instant of this one's run.
    pub(crate) interval: Interval,
    /// What it reads, by path.
    pub(crate) files: Vec<PlannedInput>,
    /// Files with rows that were read before, under another name or among others: they count as read, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) same: Vec<PlannedInput>,
    /// When it was planned.
    pub(crate) planned_at: DateTime<Utc>,
    /// SHA-256 of the definitions that say so.
    pub(crate) definitions_sha256: String,
}

/// A planned file that was not read, because it counts no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The file.
    pub path: String,
    /// What became of it.
    pub why: String,
}

/// What a run made of its batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSummary {
    /// Its number.
    pub batch: u64,
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were read with other bytes than planned: retention wrote them anew meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewritten: Vec<PlannedInput>,
    /// Planned files that were not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// The newest time of its rows; none of a batch without rows, or whose rows have no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<DateTime<Utc>>,
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BatchEnd {
    /// Its run is committed.
    Committed,
    /// Somebody cancelled its run: its files are set aside.
    Cancelled,
}

/// The end of a batch: the next one may be planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// The job.
    pub(crate) job: JobId,
    /// The batch.
    pub(crate) batch: u64,
    /// Run id.
    pub(crate) run: String,
    /// From the batch before to the instant of this one's run.
    pub(crate) interval: Interval,
    /// How it ended.
    pub(crate) end: BatchEnd,
    /// Files that count as read from now on, in these versions.
    pub(crate) read: Vec<PlannedInput>,
    /// No later row is expected to be older than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) watermark: Option<DateTime<Utc>>,
}

/// A file that no batch reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AsideRecord {
    /// The job.
    pub(crate) job: JobId,
    /// The file, in this version.
    pub(crate) file: PlannedInput,
    /// Why it is not read.
    pub(crate) why: String,
    /// When that was found.
    pub(crate) at: DateTime<Utc>,
}

/// That a file is read after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AcceptedRecord {
    /// The job.
    pub(crate) job: JobId,
    /// The file, in this version.
    pub(crate) file: PlannedInput,
    /// Who wants it.
    pub(crate) by: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

/// The version of a file: its ETag, or its size where the store gives none.
pub(crate) fn version(file: &PlannedInput) -> String {
    if file.etag.is_empty() { format!("bytes {}", file.bytes) } else { file.etag.clone() }
}

/// A name for a file in one version, in hex.
fn id_of(file: &PlannedInput) -> String {
    let mut hash = Sha256::new();
    hash.update(&file.path);
    hash.update([0]);
    hash.update(version(file));
    engine::hex(&hash.finalize()).chars().take(32).collect()
}

/// Where records of a job's batches lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a>(pub(crate) &'a JobId);

impl Places<'_> {
    pub(crate) fn batches(self) -> Path {
        Path::from(format!("_auditlake/checkpoints/{}/batches", self.0))
    }

    pub(crate) fn plan(self, batch: u64) -> Path {
        Path::from(format!("_auditlake/checkpoints/{}/batches/{batch:08}.plan.json", self.0))
    }

    pub(crate) fn checkpoint(self, batch: u64) -> Path {
        Path::from(format!("_auditlake/checkpoints/{}/batches/{batch:08}.json", self.0))
    }

    pub(crate) fn snapshots(self) -> Path {
        Path::from(format!("_auditlake/checkpoints/{}/read", self.0))
    }

    pub(crate) fn snapshot(self, batch: u64) -> Path {
        Path::from(format!("_auditlake/checkpoints/{}/read/{batch:08}.parquet", self.0))
    }

    pub(crate) fn set_aside(self) -> Path {
        Path::from(format!("_auditlake/checkpoints/{}/aside", self.0))
    }

    pub(crate) fn aside(self, file: &PlannedInput) -> Path {
        Path::from(format!("_auditlake/checkpoints/{}/aside/{}.json", self.0, id_of(file)))
    }

    pub(crate) fn accepted(self, file: &PlannedInput) -> Path {
        Path::from(format!("_auditlake/checkpoints/{}/aside/{}.accepted.json", self.0, id_of(file)))
    }
}
