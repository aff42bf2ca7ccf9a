//! Requests of persons: who somebody is, what a case is, and how identifiers stand in records.
//!
//! An identifier is a kind and a value. It stands in the clear nowhere but in the sealed object of an open case; every other
//! record has its reference, a keyed hash. Absent: keys and hashing, which are `engine`'s, and reading YAML, which is
//! `definition`'s.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::access::MaskKey;
use crate::deadline::{Pause, RequestClock};
use crate::id::{DatasetId, Purpose, name};
use crate::retention::{ApprovalRule, CaseId};

/// The kind of identifiers that no kind is given for.
pub const DEFAULT_KIND: &str = "user";
/// The kind of what the identity dataset calls persons by.
pub const PERSON_KIND: &str = "person";
/// Longest identifier.
const VALUE_BYTES_MAX: usize = 1_024;

/// `policies/subjects.yaml`: how the lake answers requests of persons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectPolicy {
    /// The key that references are made with.
    pub key: MaskKey,
    /// Keys that references of older records were made with; the ledger of erasures still needs them.
    pub retired: Vec<MaskKey>,
    /// How the identifiers of a person are found; none where only those that are given count.
    pub identities: Option<Identities>,
    /// Kind of the identifiers in columns, by dataset and column, those of `identities` among them. A column that is not here
    /// holds those of [`DEFAULT_KIND`].
    pub kinds: BTreeMap<(DatasetId, String), String>,
    /// Whose clock runs for a case that does not say.
    pub jurisdiction: String,
    /// Who must agree to the plan of an erasure.
    pub approval: ApprovalRule,
    /// Where cases stand as rows for reports and controls; nowhere when none.
    pub requests: Option<RequestRows>,
    /// The dataset of corrections; none are recorded when none.
    pub corrections: Option<DatasetId>,
}

impl SubjectPolicy {
    /// Whether a column holds identifiers of a kind.
    pub fn holds(&self, dataset: &DatasetId, column: &str, kind: &str) -> bool {
        kind_in(&self.kinds, dataset, column) == kind
    }
}

/// Kind of the identifiers in a column.
pub fn kind_in<'k>(kinds: &'k BTreeMap<(DatasetId, String), String>, dataset: &DatasetId, column: &str) -> &'k str {
    kinds.get(&(dataset.clone(), column.to_owned())).map_or(DEFAULT_KIND, String::as_str)
}

/// Where cases stand as rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRows {
    /// A dataset of `dsr.v1`.
    pub dataset: DatasetId,
    /// The tenant that the rows belong to.
    pub tenant: String,
}

/// Where the accounts of a person stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identities {
    /// The dataset.
    pub dataset: DatasetId,
    /// Its column that says who the person is.
    pub person: String,
    /// Its columns of identifiers, each with their kind.
    pub ids: BTreeMap<String, String>,
    /// Steps from an identifier to others: 1 finds those that stand in one row with it or its person.
    pub depth: u32,
    /// More identifiers than these are no person.
    pub limit: u32,
}

/// An identifier of a person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    kind: String,
    value: String,
}

impl Identifier {
    /// Reads one; spaces around the value do not count.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and never the value.
    pub fn new(kind: &str, value: &str) -> Result<Self, String> {
        // Whoever mixes the two up has written the value here.
        let kind = name("kind", kind).map_err(|_| {
            "the kind is no name; write for example email: a-z, 0-9, _ and -, a letter first".to_owned()
        })?;
        let value = value.trim();
        if value.is_empty() {
            return Err("an identifier is empty; leave the line out or write a value".to_owned());
        }
        if value.len() > VALUE_BYTES_MAX {
            return Err(format!("an identifier has {} bytes; they have at most {VALUE_BYTES_MAX}", value.len()));
        }
        if value.chars().any(char::is_control) {
            return Err("an identifier has control characters in it; write it as it stands in the data".to_owned());
        }
        Ok(Self { kind, value: value.to_owned() })
    }

    /// Reads a file of them: one a line, either a value or a kind, a tab and a value. Empty lines and those that begin with
    /// `#` do not count.
    ///
    /// # Errors
    /// A sentence with the number of the line, and never the value; also where there is none at all.
    ///
    /// ```
    /// use schemas::Identifier;
    /// let read = Identifier::parse_file("user-42\nemail\tann@acme.example\n").unwrap();
    /// assert_eq!((read[0].kind(), read[1].kind(), read[1].value()), ("user", "email", "ann@acme.example"));
    /// assert!(Identifier::parse_file("# nobody\n").is_err());
    /// ```
    pub fn parse_file(text: &str) -> Result<Vec<Self>, String> {
        let mut read = Vec::new();
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (kind, value) = line.split_once('\t').unwrap_or((DEFAULT_KIND, line));
            let one = Self::new(kind.trim(), value).map_err(|why| format!("line {number}: {why}"))?;
            if !read.contains(&one) {
                read.push(one);
            }
        }
        if read.is_empty() {
            return Err(
                "there is no identifier in it; write one a line, for example user-42, or a kind, a tab and a value"
                    .to_owned(),
            );
        }
        Ok(read)
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Says the kind and never the value.
impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({})", self.kind)
    }
}

/// What a person asks for; the words are those of `dsr.v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectRequest {
    /// To see the data about them (GDPR Art. 15).
    Know,
    /// To take it along (GDPR Art. 20).
    Portability,
    /// That it goes (GDPR Art. 17).
    Erasure,
    /// That it is not used (GDPR Art. 18).
    Restriction,
    /// That it is not used for a purpose (GDPR Art. 21).
    Objection,
    /// That it is corrected (GDPR Art. 16).
    Rectification,
}

impl SubjectRequest {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Know, Self::Portability, Self::Erasure, Self::Restriction, Self::Objection, Self::Rectification];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Know => "know",
            Self::Portability => "portability",
            Self::Erasure => "erasure",
            Self::Restriction => "restriction",
            Self::Objection => "objection",
            Self::Rectification => "rectification",
        }
    }
}

/// How a case ended; the words are those of `dsr.v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseEnd {
    /// All of it was done.
    Fulfilled,
    /// Something was not reached.
    PartlyFulfilled,
    /// It was refused.
    Denied,
    /// The person took it back.
    Withdrawn,
}

impl CaseEnd {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fulfilled => "fulfilled",
            Self::PartlyFulfilled => "partly_fulfilled",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What a record of a case says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum CaseStep {
    /// The case begins.
    Opened {
        /// What is asked for.
        request: SubjectRequest,
        /// Whose clock runs.
        jurisdiction: String,
        /// The day of receipt.
        received: NaiveDate,
        /// References of the identifiers that were given, in order.
        subject: Vec<String>,
        /// For what the data is not to be used, of an objection.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        purposes: Vec<Purpose>,
    },
    /// The person was told that it takes longer.
    Extended {
        /// The day on which they were.
        on: NaiveDate,
        /// Why it does.
        reason: String,
    },
    /// The clock stood still.
    Paused {
        /// First day.
        from: NaiveDate,
        /// The day on which the clock went on.
        to: NaiveDate,
        /// Why: `identity` or `clarification`.
        reason: String,
    },
    /// It was looked at what there is to do.
    Planned {
        /// SHA-256 of the plan beside the records, in hex.
        plan: String,
        /// Rows that it found.
        rows: u64,
    },
    /// Somebody agrees to a plan.
    Approved {
        /// SHA-256 of the plan, in hex.
        plan: String,
        /// The ticket that it rests on.
        ticket: String,
    },
    /// The case is over; its identifiers are gone.
    Closed {
        /// How it ended.
        state: CaseEnd,
        /// Why, where nobody did anything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Something that was published and shows the person goes.
    Withdrawn {
        /// What.
        what: String,
        /// Its objects.
        objects: Vec<WithdrawnObject>,
        /// The same rows without the person, in the place of its one object.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead: Option<WithdrawnObject>,
        /// Where a mark says beside it that it went.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mark: Option<String>,
        /// Who may have it, and how another one is made.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        then: String,
    },
    /// Corrections stand beside rows of the person.
    Corrected {
        /// How many were recorded.
        corrections: u64,
        /// Datasets of the rows.
        datasets: Vec<String>,
    },
    /// A restriction or an objection is in force.
    InForce,
    /// It is not any more.
    Lifted {
        /// Why.
        reason: String,
    },
}

/// One record of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// The case.
    pub case: CaseId,
    /// Number of the record in it, from 1.
    pub number: u64,
    /// What it says.
    #[serde(flatten)]
    pub what: CaseStep,
    /// Who says so.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// An object that was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawnObject {
    /// Its path in the store.
    pub path: String,
    /// SHA-256 of its bytes in hex; none where that would confirm a guess.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What a record of an objection says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum ObjectionStep {
    /// Rows that name the person are not used for these purposes any more.
    Raised {
        /// Purposes, in order.
        purposes: Vec<Purpose>,
        /// References of the person's identifiers, in order.
        subject: Vec<String>,
    },
    /// They may be again.
    Lifted,
}

/// One record of an objection (GDPR Art. 21).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectionRecord {
    /// The case of the person.
    pub case: CaseId,
    /// Number of the record in it, from 1.
    pub number: u64,
    /// What it says.
    #[serde(flatten)]
    pub what: ObjectionStep,
    /// Who says so.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// What is known of a case from its records, the oldest first.
///
/// # Errors
/// A sentence where they do not begin with the opening.
pub fn clock_of(records: &[CaseRecord]) -> Result<(SubjectRequest, &str, RequestClock), String> {
    let Some(CaseStep::Opened { request, jurisdiction, received, .. }) = records.first().map(|first| &first.what)
    else {
        return Err("its first record does not open it".to_owned());
    };
    let mut clock = RequestClock { received: *received, extended: None, pauses: Vec::new() };
    for record in records {
        match &record.what {
            CaseStep::Extended { on, .. } => clock.extended = clock.extended.or(Some(*on)),
            CaseStep::Paused { from, to, reason } => {
                clock.pauses.push(Pause { from: *from, to: *to, reason: reason.clone() });
            }
            _ => {}
        }
    }
    Ok((*request, jurisdiction, clock))
}
