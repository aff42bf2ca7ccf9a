//! What an apply writes down before and after each step, so that whoever comes after it can go on.
//!
//! ```text
//! _auditlake/journal/<plan>/plan.json                     what is to be done; its name is its SHA-256
//! _auditlake/journal/<plan>/<h(path)>/intent-000001.json  about to replace or drop this object, from these bytes to those
//! _auditlake/journal/<plan>/<h(path)>/abort.json          was not done, and why
//! _auditlake/journal/<plan>/<h(path)>/tombstone.json      counts no more from here on, and goes after the grace
//! _auditlake/journal/<plan>/<h(path)>/receipt.json        was done
//! _auditlake/journal/<plan>/receipt.json                  what became of all of it
//! _auditlake/approvals/<plan>/000001.json                 who agreed
//! ```
//!
//! Every record is created once and never changed. Absent: the order of steps, which is `apply`'s.

use chrono::{DateTime, Utc};
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use schemas::hex;

/// Where plans and what became of them lie.
pub(crate) const JOURNAL: &str = "_auditlake/journal";

/// Version of the way in which bytes are transformed; another one may give other bytes.
pub const TRANSFORM_VERSION: u32 = 2;

/// Where the records of one plan lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFolder {
    plan: String,
}

impl PlanFolder {
    /// Of the plan of this id.
    pub fn of(plan: &str) -> Self {
        Self { plan: plan.to_owned() }
    }

    /// The folder.
    pub fn path(&self) -> Path {
        Path::from(format!("{JOURNAL}/{}", self.plan))
    }

    /// The plan.
    pub fn plan(&self) -> Path {
        Path::from(format!("{JOURNAL}/{}/plan.json", self.plan))
    }

    /// Who began to apply it, and who had agreed.
    pub fn begun(&self) -> Path {
        Path::from(format!("{JOURNAL}/{}/begun.json", self.plan))
    }

    /// What became of it.
    pub fn receipt(&self) -> Path {
        Path::from(format!("{JOURNAL}/{}/receipt.json", self.plan))
    }

    /// The receipt as a signed note.
    pub fn certificate(&self) -> Path {
        Path::from(format!("{JOURNAL}/{}/certificate.txt", self.plan))
    }

    /// The records of one object.
    pub(crate) fn object(&self, path: &str) -> ObjectFolder {
        ObjectFolder { folder: format!("{JOURNAL}/{}/{}", self.plan, &hex(&Sha256::digest(path))[..32]) }
    }
}

/// Where the records of one object in one plan lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectFolder {
    folder: String,
}

impl ObjectFolder {
    pub(crate) fn intent(&self, number: u64) -> Path {
        Path::from(format!("{}/intent-{number:06}.json", self.folder))
    }

    pub(crate) fn abort(&self) -> Path {
        Path::from(format!("{}/abort.json", self.folder))
    }

    pub(crate) fn tombstone(&self) -> Path {
        Path::from(format!("{}/tombstone.json", self.folder))
    }

    pub(crate) fn receipt(&self) -> Path {
        Path::from(format!("{}/receipt.json", self.folder))
    }
}

/// An apply began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BegunRecord {
    /// Id of the plan.
    pub plan: String,
    /// Who agreed, and on which ticket.
    pub approved_by: Vec<(String, String)>,
    /// Who applies it; none where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// About to change an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentRecord {
    /// Id of the plan.
    pub plan: String,
    /// The dataset.
    pub dataset: String,
    /// The object.
    pub path: String,
    /// Its ETag before.
    pub etag: String,
    /// Its version before, where the store keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of its bytes before, in hex.
    pub sha256_before: String,
    /// SHA-256 of its bytes after, in hex; none where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256_after: Option<String>,
    /// Bytes after.
    pub bytes_after: u64,
    /// Rows that change and how.
    pub rows: RowCounts,
    /// SHA-256 of the row sets, as the plan has it.
    pub row_set_sha256: String,
    /// Version of the transformation.
    pub transform: u32,
    /// The archive objects that have the rows that leave for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archived_to: Vec<ArchivedObject>,
    /// Epoch of the claim.
    pub epoch: u64,
    /// When.
    pub at: DateTime<Utc>,
}

/// An object of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedObject {
    /// Its path.
    pub path: String,
    /// The rule that archived its rows.
    pub rule: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
}

/// What happens to the rows of an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows before.
    pub before: u64,
    /// Rows that go.
    pub deleted: u64,
    /// Rows that move to the archive.
    pub archived: u64,
    /// Rows that stay and lose values.
    pub anonymized: u64,
    /// Rows after.
    pub after: u64,
}

impl RowCounts {
    /// These and others.
    pub fn and(self, other: Self) -> Self {
        Self {
            before: self.before + other.before,
            deleted: self.deleted + other.deleted,
            archived: self.archived + other.archived,
            anonymized: self.anonymized + other.anonymized,
            after: self.after + other.after,
        }
    }
}

/// An object that was not changed after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbortRecord {
    /// The object.
    pub path: String,
    /// Why.
    pub why: Skipped,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why an object of a plan was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Skipped {
    /// Somebody wrote it since it was planned.
    Changed,
    /// It is gone since it was planned.
    Gone,
    /// A case was opened or changed since it was planned and may hold some of it.
    Held {
        /// The case.
        case: String,
        /// Whether a frozen process that was about to change it cannot do so any more.
        settled: bool,
    },
    /// Its rows that are due are others than planned.
    OtherRows,
    /// The policy was edited after the apply began, and this object had not been begun.
    PolicyEdited,
    /// It cannot be read or written.
    Unreadable {
        /// Why, and what to do.
        why: String,
    },
}

/// An object that counts no more and goes after the grace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TombstoneRecord {
    /// The object.
    pub path: String,
    /// Its ETag.
    pub etag: String,
    /// It is there until then.
    pub until: DateTime<Utc>,
    /// When it was set.
    pub at: DateTime<Utc>,
    /// Epoch of the claim it was set under: an apply that goes on at the same instant knows that another one set it.
    #[serde(default)]
    pub epoch: u64,
}

/// An object that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectReceipt {
    /// Id of the plan.
    pub plan: String,
    /// The dataset.
    pub dataset: String,
    /// The object.
    pub path: String,
    /// Its ETag before.
    pub etag_before: String,
    /// Its ETag after; none where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag_after: Option<String>,
    /// SHA-256 of its bytes before, in hex.
    pub sha256_before: String,
    /// SHA-256 of its bytes after, in hex; none where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256_after: Option<String>,
    /// Bytes after; none where it is gone.
    pub bytes_after: u64,
    /// Rows, and what happened to them.
    pub rows: RowCounts,
    /// Where archived rows are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archived_to: Vec<ArchivedObject>,
    /// How it was removed, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<RemovalKind>,
    /// What the store had beside its bytes and does not have any more, each a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_carried: Vec<String>,
    /// Older versions that were purged.
    pub versions_purged: u64,
    /// What is left of the old bytes and why, each a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_reached: Vec<String>,
    /// When.
    pub at: DateTime<Utc>,
}

impl ObjectReceipt {
    /// What an intent says, done: nothing is left there yet, purged or unreached.
    pub(crate) fn of(intent: &IntentRecord, at: DateTime<Utc>) -> Self {
        Self {
            plan: intent.plan.clone(),
            dataset: intent.dataset.clone(),
            path: intent.path.clone(),
            etag_before: intent.etag.clone(),
            etag_after: None,
            sha256_before: intent.sha256_before.clone(),
            sha256_after: intent.sha256_after.clone(),
            bytes_after: intent.bytes_after,
            rows: intent.rows,
            archived_to: intent.archived_to.clone(),
            removal: None,
            not_carried: Vec::new(),
            versions_purged: 0,
            not_reached: Vec::new(),
            at,
        }
    }
}

/// How an object was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalKind {
    /// Only as long as it was the one that was planned.
    Conditional,
    /// The store has no conditional delete: it was looked at and then deleted.
    Unconditional,
    /// It was gone when it was to be removed.
    FoundGone,
}
