//! Retention policies and legal holds, checked: what must go when, what must stay, and what is done.
//!
//! A minimum forbids and a maximum demands. They are two things: neither is derived from the other, and no program shortens
//! one. What follows for a row, `engine` decides.
//!
//! Absent: reading YAML, which is `definition`'s, and the instant of the decision, which is the caller's.

mod hold;
mod pattern;
mod span;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use hold::{CaseId, HoldRecord, HoldScope, HoldStep};
pub use pattern::Pattern;
pub use span::Span;

use crate::access::FloorUnit;
use crate::id::{DatasetId, PolicyId};

/// A retention policy: `policies/*.yaml`, checked against its dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Its name.
    pub id: PolicyId,
    /// Whose rows it is about.
    pub dataset: DatasetId,
    /// Whether it counts; templates that nobody has looked at do not.
    pub enabled: bool,
    /// Every rule that matches a row applies; their order means nothing.
    pub rules: Vec<RetentionRule>,
    /// Standards whose minima hold for every row.
    pub standards: Vec<Standard>,
    /// Types of events that no disposition removes.
    pub never_delete: Vec<Pattern>,
    /// What the erasure of a person does to rows that must stay.
    pub erasure: ErasureRule,
    /// How long what was replaced or dropped is still there.
    pub grace_seconds: u64,
    /// Who must agree to a plan.
    pub approval: ApprovalRule,
    /// Copies of the data that no apply reaches.
    pub copies: Vec<OtherCopy>,
    /// SHA-256 of the file, in hex: standing approvals name it.
    pub sha256: String,
}

impl RetentionPolicy {
    /// What counts for a dataset without a policy: nothing is ever due, and nothing but a hold keeps a row from an erasure.
    pub fn keeping_for_ever(dataset: &DatasetId) -> Self {
        Self {
            id: PolicyId::of_dataset(dataset),
            dataset: dataset.clone(),
            enabled: false,
            rules: Vec::new(),
            standards: Vec::new(),
            never_delete: Vec::new(),
            erasure: ErasureRule { mode: ErasureMode::Delete, within_minimum: WithinMinimum::Anonymize },
            grace_seconds: 0,
            approval: ApprovalRule { approvers: 1, not_planner: false, valid_for_seconds: 0, brake_ppm: 1_000_000 },
            copies: Vec::new(),
            sha256: String::new(),
        }
    }

    /// Whether one of its rules archives rows.
    pub fn archives(&self) -> bool {
        let due = self.rules.iter().filter_map(|rule| rule.maximum.as_ref());
        due.into_iter().any(|due| matches!(due.disposition, Disposition::Archive { .. }))
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRule {
    /// Its name, unique in the policy.
    pub name: String,
    /// Which rows.
    pub rows: RowMatch,
    /// They must not go before.
    pub minimum: Option<Span>,
    /// They must go from here on, as `disposition` says.
    pub maximum: Option<Due>,
}

/// When rows are due, and what is done then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Age from which on they are due.
    pub after: Span,
    /// What is done.
    pub disposition: Disposition,
}

/// Which rows a rule is about: all of these must be met; none are met by every row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowMatch {
    /// Columns and the values that meet them; the columns for `event_type` and `tenant` are resolved.
    pub columns: Vec<ColumnMatch>,
    /// Classes of data, one of which the row has in `data_classes`, or else its dataset in `class`.
    pub classes: Vec<String>,
}

/// A column and the values that meet it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMatch {
    /// Name of the column.
    pub column: String,
    /// One of these meets it.
    pub values: Vec<Pattern>,
}

/// What is done to rows that are due. The order is that of destruction, least first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// They move to the archive.
    Archive {
        /// How long the archive keeps them from then on; for ever when left out.
        keep: Option<Span>,
        /// Storage class of the archived objects, by the store's own word.
        storage_class: Option<String>,
    },
    /// They stay, and these columns lose what names a person.
    Anonymize(BTreeMap<String, InPlace>),
    /// They go.
    Delete,
}

impl Disposition {
    /// The word in YAML.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Archive { .. } => "archive",
            Self::Anonymize(_) => "anonymize",
            Self::Delete => "delete",
        }
    }

    /// How much it destroys; of several that are due, the least is taken.
    pub fn destroys(&self) -> u8 {
        match self {
            Self::Archive { .. } => 0,
            Self::Anonymize(_) => 1,
            Self::Delete => 2,
        }
    }
}

/// What is done to a column in place: methods that change nothing the second time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum InPlace {
    /// Null; where the column cannot be null, empty text, zero or bytes of zero.
    Redact,
    /// This text.
    Constant {
        /// The text.
        value: String,
    },
    /// The first or last characters stay, every other becomes `*`; values that are no longer become `*` whole.
    Mask {
        /// How many characters stay; counted as grapheme clusters are not: by Unicode scalar values.
        keep: u32,
        /// Whether those at the end stay and not those at the start.
        last: bool,
    },
    /// An address loses its end: text that is no address becomes null, or empty where it cannot be.
    TruncateIp {
        /// Bits of an IPv4 address that stay.
        v4: u8,
        /// Bits of an IPv6 address that stay.
        v6: u8,
    },
    /// An instant goes down to the start of its unit, in UTC.
    Floor {
        /// The unit.
        to: FloorUnit,
    },
}

impl InPlace {
    /// The word in YAML.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Redact => "redact",
            Self::Constant { .. } => "constant",
            Self::Mask { .. } => "mask",
            Self::TruncateIp { .. } => "truncate_ip",
            Self::Floor { .. } => "floor",
        }
    }
}

/// A standard that says how long records are kept at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standard {
    /// PCI DSS 4.0.1, 10.5.1: twelve months. Its three months at hand follow, as nothing is archived before its minimum.
    PciDss,
    /// HIPAA, 45 CFR 164.316(b)(2)(i): six years.
    Hipaa,
    /// Sarbanes-Oxley, section 802 with 17 CFR 210.2-06: seven years.
    Sox,
    /// EU AI Act, Articles 19 and 26(6): six months for the logs of high-risk systems.
    AiLogs,
}

impl Standard {
    /// Every standard.
    pub const ALL: [Self; 4] = [Self::PciDss, Self::Hipaa, Self::Sox, Self::AiLogs];

    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PciDss => "pci_dss",
            Self::Hipaa => "hipaa",
            Self::Sox => "sox",
            Self::AiLogs => "ai_logs",
        }
    }

    /// How long it wants every row kept at least.
    pub fn minimum(self) -> Span {
        match self {
            Self::PciDss => Span::Months(12),
            Self::Hipaa => Span::Months(6 * 12),
            Self::Sox => Span::Months(7 * 12),
            Self::AiLogs => Span::Months(6),
        }
    }
}

/// What the erasure of a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErasureRule {
    /// What is done to the person's rows.
    pub mode: ErasureMode,
    /// What is done to those below their minimum.
    pub within_minimum: WithinMinimum,
}

/// What an erasure does to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureMode {
    /// They go.
    Delete,
    /// They stay without what names the person.
    Anonymize,
}

/// What an erasure does to rows that must not go yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WithinMinimum {
    /// They stay without what names the person.
    Anonymize,
    /// They stay as they are, and the certificate says so.
    Refuse,
}

/// Who must agree to a plan before it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApprovalRule {
    /// How many principals.
    pub approvers: u32,
    /// Whether who drew up the plan is none of them.
    pub not_planner: bool,
    /// How long an approval holds.
    pub valid_for_seconds: u64,
    /// Share of the dataset's rows above which approving must name their number, in parts per million.
    pub brake_ppm: u32,
}

/// A copy of the data that no apply reaches: certificates name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherCopy {
    /// What and where.
    pub what: String,
    /// How rows leave it, for example `replication` or `never`.
    pub erased_by: String,
    /// How long it has rows that are gone here; not known when left out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Span>,
}
