//! Legal holds: a case is a sequence of records, and what is held is the union of the open cases.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use crate::definition::REJECTED_ENDING;
use crate::id::DatasetId;

/// Longest case number.
const CASE_BYTES_MAX: usize = 64;
/// Longest reason.
const REASON_CHARS_MAX: usize = 1_000;

/// Number of a case, as whoever leads it writes it: `2026-114`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CaseId(String);

impl CaseId {
    /// Reads a number: 1 to 64 of letters, digits, `.`, `_` and `-`, a letter or digit first. It names a folder.
    ///
    /// # Errors
    /// A sentence that quotes it.
    pub fn parse(given: &str) -> Result<Self, String> {
        let fits = (1..=CASE_BYTES_MAX).contains(&given.len())
            && given.starts_with(|c: char| c.is_ascii_alphanumeric())
            && given.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if fits {
            Ok(Self(given.to_owned()))
        } else {
            Err(format!(
                "case {given:?} is no number of a case; use 1 to 64 of A-Z, a-z, 0-9, ., _ and -, a letter or digit first"
            ))
        }
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CaseId {
    type Error = String;
    fn try_from(given: String) -> Result<Self, String> {
        Self::parse(&given)
    }
}

impl From<CaseId> for String {
    fn from(case: CaseId) -> Self {
        case.0
    }
}

/// What a case holds: rows that meet all that is said. What is left out, every row meets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldScope {
    /// Datasets, each with its archive and what was refused on the way into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datasets: Vec<DatasetId>,
    /// Tenants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Types of events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<Pattern>,
    /// First instant of the time range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// First instant behind the time range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    /// Persons, by references of their identifiers: rows that name one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// Whether these rows are also hidden from principals without the permission `dataset.restricted` (GDPR Art. 18).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restricted: bool,
}

impl HoldScope {
    /// Whether rows of a dataset can be held by it at all. What was refused on the way into a dataset is held with it.
    ///
    /// ```
    /// use schemas::{DatasetId, HoldScope};
    /// let id = |name: &str| DatasetId::parse(name).unwrap();
    /// let audit = HoldScope { datasets: vec![id("audit")], ..HoldScope::default() };
    /// assert!(audit.may_hold(&id("audit")) && audit.may_hold(&id("audit_rejected")) && !audit.may_hold(&id("usage")));
    /// assert!(HoldScope::default().may_hold(&id("usage")));
    /// ```
    pub fn may_hold(&self, dataset: &DatasetId) -> bool {
        let behind = dataset.as_str().strip_suffix(REJECTED_ENDING);
        let is_named = |of: &DatasetId| of == dataset || Some(of.as_str()) == behind;
        self.datasets.is_empty() || self.datasets.iter().any(is_named)
    }
}

/// What a record of a case does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum HoldStep {
    /// The case is opened.
    Placed {
        /// What it holds.
        scope: HoldScope,
    },
    /// The case holds something else from here on.
    Amended {
        /// What it holds.
        scope: HoldScope,
    },
    /// The case is over.
    Released,
}

impl HoldStep {
    /// What is held after it.
    pub fn scope(&self) -> Option<&HoldScope> {
        match self {
            Self::Placed { scope } | Self::Amended { scope } => Some(scope),
            Self::Released => None,
        }
    }
}

/// One record of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRecord {
    /// The case.
    pub case: CaseId,
    /// Number of the record in it, from 1.
    pub number: u64,
    /// What it does.
    #[serde(flatten)]
    pub what: HoldStep,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl HoldRecord {
    /// Checks a reason: it is what a court reads.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check_reason(reason: &str) -> Result<(), String> {
        match reason.trim().chars().count() {
            0 => Err("the reason is empty; say why, for example --reason \"litigation with ACME, notice of 3 May\""
                .to_owned()),
            1..=REASON_CHARS_MAX => Ok(()),
            long => Err(format!("the reason has {long} characters; write at most {REASON_CHARS_MAX}")),
        }
    }
}
