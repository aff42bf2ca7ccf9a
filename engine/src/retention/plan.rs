//! A plan: what an apply would do to each object of a dataset, and why. It is what is approved, and nothing else is done.
//!
//! It has no rows in it, only how many and a digest of which: whoever applies it finds them again by the same rules at the
//! same instant, and does nothing where they are others. Absent: drawing it up (`draw`), and applying it (`apply`).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::{CaseId, ErasureMode, OtherCopy, RetentionPolicy, WithinMinimum, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::decide::{Conflict, Protection, Treatment};
use super::draw::ErasureOf;
use super::hold::HoldCase;
use super::journal::RowCounts;
use crate::error::EngineError;

/// Form of the document.
const FORMAT: &str = "auditlake/retention-plan/v1";

/// What an apply would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetentionPlan {
    /// Form of the document: `auditlake/retention-plan/v1`.
    pub format: String,
    /// The dataset, or the archive of one.
    pub dataset: String,
    /// The instant that ages are counted to.
    pub at: DateTime<Utc>,
    /// Who drew it up; none where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_by: Option<String>,
    /// The policy.
    pub policy: PlannedPolicy,
    /// Whose rows it is about, where it is no policy's doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<PlannedErasure>,
    /// Open cases that were looked at, by number.
    pub holds: Vec<SeenCase>,
    /// Objects that change, and those that cannot be looked at, by path.
    pub objects: Vec<PlannedObject>,
    /// Objects that stay as they are.
    pub kept_objects: u64,
    /// Rows of those, as far as they were counted.
    pub kept_rows: u64,
    /// Rows of the objects that change.
    pub rows: RowCounts,
    /// Rows past their maximum that stay all the same, by reason.
    pub kept_past_maximum: Vec<KeptReason>,
    /// Rules that lost, to what, and for how many rows.
    pub conflicts: Vec<Conflict>,
    /// Copies that no apply reaches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<OtherCopy>,
}

/// What of the policy the plan rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPolicy {
    /// Its name.
    pub name: String,
    /// SHA-256 of its file, in hex; another one voids the plan.
    pub sha256: String,
    /// How many must approve.
    pub approvers: u32,
    /// Whether who drew it up may not.
    pub not_planner: bool,
    /// How long an approval holds.
    pub valid_for_seconds: u64,
    /// Share of rows above which approving must name their number, in parts per million.
    pub brake_ppm: u32,
    /// How long what is dropped is still there.
    pub grace_seconds: u64,
}

/// The erasure of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedErasure {
    /// The case.
    pub case: CaseId,
    /// References of the person's identifiers.
    pub subject: Vec<String>,
    /// What is done to rows, and to those below their minimum.
    pub mode: ErasureMode,
    /// What is done to those below their minimum.
    pub within_minimum: WithinMinimum,
    /// Rows of the person that stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedRows>,
}

/// Rows of a person that an erasure leaves as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRows {
    /// What keeps them.
    pub because: Protection,
    /// How many.
    pub rows: u64,
    /// When the last of them is kept no longer; none where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// Rows past their maximum that stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptReason {
    /// Why they stay.
    #[serde(flatten)]
    pub reason: Protection,
    /// How many.
    pub rows: u64,
}

/// A case as it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCase {
    /// Its number.
    pub case: CaseId,
    /// Number of its last record.
    pub record: u64,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// No row is left: it goes.
    DropObject,
    /// Some rows go or change.
    Rewrite,
    /// It is left alone, although it may have rows that are due.
    Refuse,
}

/// An object and what is done to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedObject {
    /// Its path in the store.
    pub path: String,
    /// Its ETag: of other bytes nothing is known.
    pub etag: String,
    /// Its version, where the store says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its bytes.
    pub bytes: u64,
    /// What is done.
    pub action: Action,
    /// Why it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Rows, and what happens to them.
    pub rows: RowCounts,
    /// Rows that are due, by rule.
    pub rules: BTreeMap<String, u64>,
    /// Row groups it has.
    pub row_groups: u64,
    /// Row groups that are written anew or go.
    pub row_groups_touched: u64,
    /// SHA-256 over which rows are deleted, archived and anonymized, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_set_sha256: Option<String>,
    /// What rewriting loses of the file, each a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<String>,
}

impl RetentionPlan {
    /// Cases as they stood when the plan was drawn up.
    pub(super) fn cases_seen(&self, cases: &[HoldCase]) -> Vec<HoldCase> {
        let of = |case: &HoldCase| {
            let seen = self.holds.iter().find(|seen| seen.case == case.case)?;
            let records = case.records.iter().filter(|record| record.number <= seen.record).cloned().collect();
            Some(HoldCase { case: case.case.clone(), records })
        };
        cases.iter().filter_map(of).collect()
    }

    /// A plan without objects.
    pub(crate) fn empty(
        dataset: &str,
        policy: &RetentionPolicy,
        at: DateTime<Utc>,
        planned_by: Option<&str>,
        holds: Vec<SeenCase>,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            dataset: dataset.to_owned(),
            at,
            planned_by: planned_by.map(str::to_owned),
            policy: PlannedPolicy {
                name: policy.id.to_string(),
                sha256: policy.sha256.clone(),
                approvers: policy.approval.approvers,
                not_planner: policy.approval.not_planner,
                valid_for_seconds: policy.approval.valid_for_seconds,
                brake_ppm: policy.approval.brake_ppm,
                grace_seconds: policy.grace_seconds,
            },
            erasure: None,
            holds,
            objects: Vec::new(),
            kept_objects: 0,
            kept_rows: 0,
            rows: RowCounts::default(),
            kept_past_maximum: Vec::new(),
            conflicts: Vec::new(),
            copies: policy.copies.clone(),
        }
    }

    /// Makes it one about a person: the case says who agrees, and what goes is gone at once.
    pub(crate) fn of_erasure(&mut self, of: &ErasureOf<'_>) {
        self.policy.approvers = of.approval.approvers;
        self.policy.not_planner = of.approval.not_planner;
        self.policy.valid_for_seconds = of.approval.valid_for_seconds;
        self.policy.brake_ppm = of.approval.brake_ppm;
        self.policy.grace_seconds = 0;
        self.erasure = Some(PlannedErasure {
            case: of.case.clone(),
            subject: of.subject.to_vec(),
            mode: of.erasing.rule.mode,
            within_minimum: of.erasing.rule.within_minimum,
            refused: Vec::new(),
        });
    }

    /// The document in the JSON of RFC 8785, so that one plan has one spelling.
    ///
    /// # Errors
    /// When it cannot be written, which is a bug.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EngineError> {
        canonical(self)
    }

    /// Its id: the SHA-256 of its bytes, in hex.
    ///
    /// # Errors
    /// As [`Self::to_bytes`].
    pub fn id(&self) -> Result<String, EngineError> {
        Ok(hex(&Sha256::digest(self.to_bytes()?)))
    }

    /// Whether there is anything to do.
    pub fn is_empty(&self) -> bool {
        self.changing().next().is_none()
    }

    /// The objects that change.
    pub fn changing(&self) -> impl Iterator<Item = &PlannedObject> {
        self.objects.iter().filter(|object| object.action != Action::Refuse)
    }

    /// Rows that leave the dataset or lose values.
    pub fn rows_changed(&self) -> u64 {
        self.rows.deleted + self.rows.archived + self.rows.anonymized
    }

    /// Whether so many rows change that approving must name their number.
    pub fn is_above_brake(&self) -> bool {
        let all = u128::from(self.rows.before + self.kept_rows);
        u128::from(self.rows_changed()) * 1_000_000 > all * u128::from(self.policy.brake_ppm)
    }
}

fn canonical<T: Serialize>(document: &T) -> Result<Vec<u8>, EngineError> {
    serde_json_canonicalizer::to_vec(document)
        .map_err(|error| EngineError::Bug { what: format!("a document cannot be written ({error})") })
}

/// A document as one line in the JSON of RFC 8785, with the end of the line: what is signed.
///
/// # Errors
/// When it cannot be written, which is a bug.
pub fn canonical_line<T: Serialize>(document: &T) -> Result<String, EngineError> {
    let line = String::from_utf8(canonical(document)?)
        .map_err(|error| EngineError::Bug { what: format!("a document is no text ({error})") })?;
    Ok(format!("{line}\n"))
}

/// Counts rows under what is done to them.
pub(crate) fn count(rows: &mut RowCounts, treatment: &Treatment, many: u64) {
    match treatment {
        Treatment::Delete { .. } => rows.deleted += many,
        Treatment::Archive { .. } => rows.archived += many,
        Treatment::Anonymize { .. } => rows.anonymized += many,
    }
}
