//! Controls: population SQL, violations SQL, a status rule and framework ids.
//!
//! A control is a file that an auditor reads; this module holds its checked form and the arithmetic of
//! statuses. Absent: SQL planning. Whether the SQL is right is known only where tables are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::ControlId;

/// How bad a violation is; the number is OCSF's `severity_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// 1.
    Info,
    /// 2.
    Low,
    /// 3.
    Medium,
    /// 4.
    High,
    /// 5.
    Critical,
}

impl Severity {
    /// 1 to 5.
    pub fn level(self) -> i16 {
        self as i16 + 1
    }

    /// Weight in a framework's score: 1, 2, 4, 8, 16.
    pub fn weight(self) -> u64 {
        1 << (self as u64)
    }

    /// The word in YAML and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What a control, a requirement or a report says about an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The rule holds.
    Pass,
    /// The rule is nearly broken.
    Warn,
    /// The rule is broken.
    Fail,
    /// Nothing in the data was subject to the rule.
    NotApplicable,
    /// The data cannot tell.
    NotEvaluated,
    /// Planning or execution failed.
    Error,
}

impl Status {
    /// Every status, worst first: the order in which the worst of several is chosen.
    pub const WORST_FIRST: [Self; 6] =
        [Self::Fail, Self::Error, Self::NotEvaluated, Self::Warn, Self::Pass, Self::NotApplicable];

    /// The worst of several; `None` of none. Not applicable only if all are.
    pub fn worst(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        all.into_iter().min_by_key(|status| status.rank())
    }

    /// 0 is worst.
    pub fn rank(self) -> usize {
        Self::WORST_FIRST.iter().position(|other| *other == self).unwrap_or(Self::WORST_FIRST.len())
    }

    /// The word in files and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::NotApplicable => "not_applicable",
            Self::NotEvaluated => "not_evaluated",
            Self::Error => "error",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORST_FIRST.into_iter().find(|status| status.as_str() == word)
    }
}

/// What kind of measure a control is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlType {
    /// Keeps it from happening.
    Preventive,
    /// Notices that it happened.
    Detective,
    /// Puts it right.
    Corrective,
}

/// A value of a parameter: bound as a typed literal, never pasted as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ParamValue {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
}

impl ParamValue {
    /// The value as reports show it.
    pub fn display(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Text(value) => value.clone(),
            Self::Texts(values) => format!("[{}]", values.join(", ")),
        }
    }

    /// Whether `other` may stand in for this value: same type.
    pub fn same_type(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// The SQL of a control, in one of its two forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlSql {
    /// Form 1: predicates over the rows of one table.
    Rows {
        /// The table.
        from: String,
        /// Which rows the control is about.
        population: String,
        /// Which of them violate.
        violation: String,
        /// Why, as a text expression.
        reason: String,
        /// What violates, as a text expression.
        resource: String,
    },
    /// Form 2: two statements.
    Statements {
        /// Tables read.
        reads: Vec<String>,
        /// History needed before the interval, in seconds.
        lookback_seconds: u64,
        /// Returns `scope`, `n`, `u`.
        population: String,
        /// Returns `scope`, `event_id`, `time`, `resource`, `reason` and the evidence columns.
        violations: String,
    },
}

impl ControlSql {
    /// The tables read.
    pub fn reads(&self) -> Vec<&str> {
        match self {
            Self::Rows { from, .. } => vec![from],
            Self::Statements { reads, .. } => reads.iter().map(String::as_str).collect(),
        }
    }
}

/// One line of a status rule: the first that holds decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRule {
    /// SQL over `n`, `v`, `u` and the parameters; `None` is `else`.
    pub when: Option<String>,
    /// Pass, warn or fail.
    pub is: Status,
}

/// What is kept of each violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceSpec {
    /// Columns kept.
    pub columns: Vec<String>,
    /// Columns of class `personal` that are kept as they are and not as a pseudonym.
    pub show: Vec<String>,
    /// Rows kept per tenant.
    pub max_rows: u64,
    /// How long, as written, for example `7y`.
    pub keep: String,
}

/// A fixture that proves the control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlTest {
    /// NDJSON file beside the control: rows of `audit`, or of the dataset that a row's `_table` names.
    pub given: String,
    /// Expected status by tenant.
    pub expect: BTreeMap<String, Status>,
    /// Expected event ids of violations by tenant; resources where rows are no events.
    pub violations: BTreeMap<String, Vec<String>>,
}

/// A checked control.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// Its id.
    pub id: ControlId,
    /// Raised by any change that can change a result.
    pub version: u32,
    /// Title.
    pub title: String,
    /// How bad a violation is.
    pub severity: Severity,
    /// What kind of measure it is.
    pub kind: ControlType,
    /// Who answers for it.
    pub owner: String,
    /// Parameters with their defaults.
    pub params: BTreeMap<String, ParamValue>,
    /// The SQL.
    pub sql: ControlSql,
    /// The status rule; its last line is `else`.
    pub status: Vec<StatusRule>,
    /// Undecided rows per million of the population that a pass may have.
    pub max_undecided_ppm: u64,
    /// What is kept of each violation.
    pub evidence: EvidenceSpec,
    /// Requirement ids by framework key.
    pub frameworks: BTreeMap<String, Vec<String>>,
    /// What to do about a violation.
    pub remediation: String,
    /// Fixtures that prove it.
    pub tests: Vec<ControlTest>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fail_outranks_an_error_and_not_applicable_needs_all() {
        use Status::*;
        assert_eq!(Status::worst([Pass, Error, Fail]), Some(Fail));
        assert_eq!(Status::worst([Pass, NotEvaluated, Warn]), Some(NotEvaluated));
        assert_eq!(Status::worst([NotApplicable, Pass]), Some(Pass));
        assert_eq!(Status::worst([NotApplicable, NotApplicable]), Some(NotApplicable));
        assert_eq!(Status::worst([]), None);
    }

    #[test]
    fn weights_double_with_severity() {
        assert_eq!(
            [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical].map(Severity::weight),
            [1, 2, 4, 8, 16]
        );
        assert_eq!(Severity::Critical.level(), 5);
    }
}
