//! Entries of the evidence log: what was done, in the JSON of RFC 8785, so that one entry has one spelling.
//!
//! No entry holds a value of a row, an identifier of a person, or a path that has one in it: such paths stand as keyed
//! hashes. An entry says what was done and the SHA-256 of what it was done to; whoever has the objects compares.

use chrono::{DateTime, Utc};
use schemas::{Interval, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::note::{KeyId, SignerKey, VerifierKey};

/// An entry is no longer than this; a bundle writes its length in two bytes.
pub const ENTRY_BYTES_MAX: usize = 60 << 10;
/// What a keyed path begins with.
const KEYED: &str = "hmac-sha256:";

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was logged, by the clock of whoever did.
    pub at: DateTime<Utc>,
    /// Half of the SHA-256 of what was done, in hex: the same thing has the same id, whoever logs it.
    pub id: String,
    /// What was done.
    #[serde(flatten)]
    pub body: EntryBody,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntryBody {
    /// A file was written into a dataset.
    File(FileEntry),
    /// Files went whose rows stand in others.
    Compaction(RemovalEntry),
    /// Files went whose rows were computed anew.
    Replacement(RemovalEntry),
    /// A run was committed.
    Run(RunEntry),
    /// A report was made.
    Report(ReportEntry),
    /// An export was made.
    Export(ExportEntry),
    /// A report was submitted, approved, rejected, published or superseded.
    Approval(ApprovalEntry),
    /// The last link of a chain that a producer made.
    Chain(ChainEntry),
    /// Rows of a file went, moved to the archive or lost values, as a retention plan says; or all of it went.
    Expiry(ChangeEntry),
    /// A legal hold was placed, amended or released.
    Hold(RecordEntry),
    /// Somebody agreed to a retention plan.
    PlanApproval(RecordEntry),
    /// A retention plan or the erasure of a person is done.
    Certificate(RecordEntry),
    /// A step in the case of a person.
    Case(RecordEntry),
    /// A schedule was paused or resumed, or a run waived or cancelled.
    Schedule(RecordEntry),
    /// A key begins or ceases to sign checkpoints.
    Key(KeyEntry),
    /// What a later version logged.
    #[serde(other)]
    Unknown,
}

/// A file of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// The dataset.
    pub dataset: String,
    /// Where it lies: its path in the store, or that keyed.
    #[serde(flatten)]
    pub place: Place,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// Whether it lay there before the log began, or was brought there by others.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub adopted: bool,
}

/// Where a file lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Place {
    /// Path in the store.
    #[serde(rename = "path")]
    Path(String),
    /// HMAC-SHA256 of the path, in hex, where a folder of it names a person.
    #[serde(rename = "path_hmac")]
    Keyed(String),
}

impl Place {
    /// One text for either, as lists of places have it.
    pub fn to_text(&self) -> String {
        match self {
            Self::Path(path) => path.clone(),
            Self::Keyed(hash) => format!("{KEYED}{hash}"),
        }
    }

    /// Reads [`Self::to_text`].
    pub fn of_text(text: &str) -> Self {
        match text.strip_prefix(KEYED) {
            Some(hash) => Self::Keyed(hash.to_owned()),
            None => Self::Path(text.to_owned()),
        }
    }
}

/// Files that no longer count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalEntry {
    /// The dataset.
    pub dataset: String,
    /// What names the files that came in their place begin with.
    pub work: String,
    /// Places, by [`Place::to_text`].
    pub removes: Vec<String>,
}

/// A run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEntry {
    /// Run id.
    pub run: String,
    /// Kind of the job.
    pub job_kind: String,
    /// Number of the commit.
    pub revision: u64,
    /// The data interval.
    pub interval: Interval,
    /// Path of the record in the store; it has inputs with ETags, columns read and outputs with SHA-256.
    pub record: String,
    /// SHA-256 of the record, in hex.
    pub record_sha256: String,
    /// Files read.
    pub inputs: u64,
    /// Objects written.
    pub outputs: u64,
    /// SHA-256 of the definitions.
    pub definitions_sha256: String,
    /// SHA-256 of the optimised plans, where the job has any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub plan_sha256: Option<String>,
    /// Objects that it wrote beside rows, reports and exports; the record has them where they are too many.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub files: Vec<PartEntry>,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportEntry {
    /// Run id.
    pub run: String,
    /// Number of the commit.
    pub revision: u64,
    /// SHA-256 over its parts, in hex: what approvals are about.
    pub manifest_sha256: String,
    /// Its files.
    pub parts: Vec<PartEntry>,
}

/// A file that a run wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PartEntry {
    /// Its path in the store.
    pub path: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
}

/// An export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportEntry {
    /// Id of what asked for it: a run, or half of a SHA-256 of a statement's record.
    pub of: String,
    /// SHA-256 of its manifest, in hex; that has its parts with theirs.
    pub manifest_sha256: String,
    /// Files, without the manifest.
    pub parts: u64,
    /// Rows of all parts.
    pub rows: u64,
    /// Bytes of all parts.
    pub bytes: u64,
    /// Its files where a job wrote them; the manifest has them where they are too many.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub files: Vec<PartEntry>,
}

/// A step of a report's review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalEntry {
    /// Run id of the report.
    pub run: String,
    /// Number of its commit.
    pub revision: u64,
    /// Number of the step.
    pub number: u64,
    /// The state it leads to.
    pub state: String,
    /// Path of the record in the store.
    pub record: String,
    /// SHA-256 of the record, in hex.
    pub record_sha256: String,
    /// That of [`ReportEntry`].
    pub manifest_sha256: String,
}

/// A file of a dataset that was rewritten in place, or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeEntry {
    /// The dataset.
    pub dataset: String,
    /// Where it lies.
    #[serde(flatten)]
    pub place: Place,
    /// Id of the retention plan.
    pub plan: String,
    /// SHA-256 of its bytes before, in hex.
    pub sha256_before: String,
    /// SHA-256 of its bytes after, in hex; none where it counts no more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256_after: Option<String>,
    /// Its bytes after.
    pub bytes_after: u64,
    /// Its rows before.
    pub rows_before: u64,
    /// Rows that went.
    pub rows_deleted: u64,
    /// Rows that moved to the archive.
    pub rows_archived: u64,
    /// Rows that lost values.
    pub rows_anonymized: u64,
    /// Its rows after.
    pub rows_after: u64,
}

/// A record that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordEntry {
    /// Path of the record in the store.
    pub record: String,
    /// SHA-256 of the record, in hex.
    pub record_sha256: String,
}

/// How far a chain of a producer went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainEntry {
    /// The dataset.
    pub dataset: String,
    /// Which chain: half of a SHA-256 over dataset, tenant and id of the chain, in hex.
    pub chain: String,
    /// Its highest number.
    pub seq: i64,
    /// SHA-256 over the chain, its highest number and that link's hash, in hex.
    pub head: String,
}

/// A change of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// The verifier key that signs from the next checkpoint on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub adds: Option<String>,
    /// Id of the key whose signature alone counts no more for checkpoints behind this entry.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retires: Option<String>,
    /// Id of the key that says so.
    pub signed_by: String,
    /// Its signature over [`KeyEntry::message`], in hex.
    pub signature: String,
}

impl KeyEntry {
    /// The change, signed by a key that signs the log.
    pub fn sign(adds: Option<&VerifierKey>, retires: Option<KeyId>, by: &SignerKey) -> Self {
        let mut entry = Self {
            adds: adds.map(ToString::to_string),
            retires: retires.map(|id| id.to_string()),
            signed_by: by.verifier().id().to_string(),
            signature: String::new(),
        };
        entry.signature = hex(&by.sign(entry.message().as_bytes()));
        entry
    }

    /// What is signed.
    pub fn message(&self) -> String {
        let word = |text: &Option<String>| text.clone().unwrap_or_default();
        format!("auditlake/key/v1\n{}\n{}\n", word(&self.adds), word(&self.retires))
    }

    /// Whether one of these keys says so.
    pub fn is_signed_by(&self, keys: &[VerifierKey]) -> bool {
        let signature = schemas::unhex(&self.signature).unwrap_or_default();
        let by = keys.iter().find(|key| key.id().to_string() == self.signed_by);
        by.is_some_and(|key| key.verifies(self.message().as_bytes(), &signature))
    }
}

/// Why an entry cannot be logged, or bytes of the log are no entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Longer than [`ENTRY_BYTES_MAX`].
    #[error("an entry of {bytes} bytes is longer than the log takes, which is {ENTRY_BYTES_MAX}")]
    Long {
        /// Its length.
        bytes: usize,
    },
    /// Not JSON of an entry.
    #[error("it is no entry of the log")]
    Json(#[from] serde_json::Error),
    /// JSON that RFC 8785 spells otherwise, or with the id of something else.
    #[error("it is not spelt as RFC 8785 does, or has the id of something else")]
    Spelling,
}

impl Entry {
    /// The entry of something that is done now.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn new(at: DateTime<Utc>, body: EntryBody) -> Result<Self, EntryError> {
        Ok(Self { at, id: id_of(&body)?, body })
    }

    /// The bytes that are logged.
    ///
    /// # Errors
    /// When they are too many.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EntryError> {
        let bytes = serde_json_canonicalizer::to_vec(self)?;
        if bytes.len() > ENTRY_BYTES_MAX { Err(EntryError::Long { bytes: bytes.len() }) } else { Ok(bytes) }
    }

    /// Reads bytes of the log.
    ///
    /// # Errors
    /// When they are no entry, or one in another spelling. What a later version logged is an entry.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        let entry: Self = serde_json::from_slice(bytes)?;
        let is_known = !matches!(entry.body, EntryBody::Unknown);
        if is_known && (entry.to_bytes()? != bytes || entry.id != id_of(&entry.body)?) {
            return Err(EntryError::Spelling);
        }
        Ok(entry)
    }
}

fn id_of(body: &EntryBody) -> Result<String, EntryError> {
    Ok(hex(&Sha256::digest(serde_json_canonicalizer::to_vec(body)?)[..16]))
}

#[cfg(test)]
mod tests;
