//! A report with its figures, as data. Every figure is text, with the digits that it has.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::SectionChart;
use crate::report::{InputFile, Interval};

/// A report with its figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledReport {
    /// The lake.
    pub lake: String,
    /// The job.
    pub job: String,
    /// Name of the report.
    pub report: String,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub about: Option<String>,
    /// The one tenant whose rows were read; none of a report for the operator, which is about all of them.
    pub tenant: Option<String>,
    /// The lake's zone.
    pub timezone: String,
    /// The interval.
    pub interval: Interval,
    /// Its tables.
    pub sections: Vec<FilledSection>,
    /// Sections that it does not have, and why.
    pub left_out: Vec<LeftOut>,
    /// Where the figures come from.
    pub provenance: ReportProvenance,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledSection {
    /// Its name.
    pub section: String,
    /// Its title.
    pub title: String,
    /// What a reader should know of it.
    pub note: Option<String>,
    /// Its columns.
    pub columns: Vec<FilledColumn>,
    /// The first of its rows; a value for each column, none where it is null.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows there are.
    pub rows_total: u64,
    /// What is drawn of it.
    pub chart: Option<SectionChart>,
    /// Where it comes from.
    pub source: SectionSource,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledColumn {
    /// Its name in the statement.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its unit.
    pub unit: Option<String>,
    /// What its values are.
    pub kind: ValueKind,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// Texts.
    Text,
    /// Whole numbers and decimals, with all their digits.
    Number,
    /// Instants in UTC, as RFC 3339.
    Instant,
    /// Days.
    Day,
    /// `true` and `false`.
    Flag,
}

/// Where a table comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionSource {
    /// The statement with its values; `auditlake sql` gives the same rows by it.
    pub sql: String,
    /// The statement as it is written.
    pub written: String,
    /// What it reads.
    pub reads: Vec<ReadDataset>,
    /// SHA-256 of the optimised plan, without names of files.
    pub plan_sha256: String,
}

/// A dataset by the name that a statement gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadDataset {
    /// The name in the statement.
    pub role: String,
    /// The dataset, or records of our own.
    pub dataset: String,
}

/// A section that a report does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name.
    pub section: String,
    /// Its title.
    pub title: String,
    /// Why, and what would bring it.
    pub why: String,
}

/// Where the figures of a report come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportProvenance {
    /// The run.
    pub run: String,
    /// Its instant.
    pub at: DateTime<Utc>,
    /// Version of auditlake.
    pub version: String,
    /// Whether the definition of the report ships with it.
    pub ships: bool,
    /// SHA-256 of the definition of the report, in hex.
    pub report_sha256: String,
    /// SHA-256 of the definition of the job, in hex.
    pub job_sha256: String,
    /// Files that were read.
    pub inputs: Vec<InputFile>,
}
