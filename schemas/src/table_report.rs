//! Reports of tables: what their sections ask, and how the answers are shown.
//!
//! A statement of a section sees what the section names and nothing else: roles, for which a job gives datasets, and records of our
//! own. Absent: planning, which needs tables, and figures that are no whole numbers or decimals.

mod filled;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::definition::{ReportOutput, WrittenAt};
use crate::id::{DatasetId, ReportId};

pub use filled::{
    FilledColumn, FilledReport, FilledSection, LeftOut, ReadDataset, ReportProvenance, SectionSource, ValueKind,
};

/// What records of our own are called in `reads`.
pub const RECORDS_PREFIX: &str = "auditlake.";

/// A checked report of tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReport {
    /// Its name.
    pub id: ReportId,
    /// Its title.
    pub title: String,
    /// What it is about, in a sentence or two.
    pub about: Option<String>,
    /// Names that statements give to datasets, with the schemas that will do, the usual one first; none where any will.
    pub roles: BTreeMap<String, Vec<String>>,
    /// Its sections, in order.
    pub sections: Vec<TableSection>,
    /// Whether it is part of the binary.
    pub ships: bool,
    /// SHA-256 of its file, in hex.
    pub sha256: String,
}

/// A table of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSection {
    /// Its name: of its sheet, and in the name of its file.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What a reader should know of it.
    pub note: Option<String>,
    /// Roles that its statement reads.
    pub roles: Vec<String>,
    /// Records of our own that it reads, without [`RECORDS_PREFIX`].
    pub records: Vec<String>,
    /// Columns of roles without which it is left out.
    pub needs: Vec<NeededColumn>,
    /// Most rows that are shown.
    pub rows_max: u64,
    /// The statement; `$start` and `$end` are the bounds of the interval.
    pub sql: String,
    /// How columns are shown, by name.
    pub columns: BTreeMap<String, ColumnFormat>,
    /// What is drawn of it.
    pub chart: Option<SectionChart>,
    /// Where its SQL is written.
    pub written: WrittenAt,
}

/// A column that files of a role may lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededColumn {
    /// The role.
    pub role: String,
    /// The column.
    pub column: String,
}

/// How a column is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnFormat {
    /// Its title; its name where there is none.
    pub title: Option<String>,
    /// Its unit.
    pub unit: Option<String>,
    /// Places that the point of its whole numbers moves to the left: 3 makes milliseconds of microseconds.
    pub shift: u32,
    /// Places of its decimals that are shown at least.
    pub places: u32,
}

/// What is drawn of a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionChart {
    /// How.
    pub kind: ChartKind,
    /// Column with what a bar is of, or when a point is.
    pub x: String,
    /// Columns with lengths of bars, or heights of points.
    pub y: Vec<String>,
    /// Column of which each value has a line of its own; of bars, a picture.
    pub by: Option<String>,
}

/// How a section is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChartKind {
    /// A bar for each row.
    Bar,
    /// Points in time, joined.
    Line,
}

/// Which report a job fills, with what, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReportSpec {
    /// The report.
    pub report: ReportId,
    /// Length of the interval, up to its end; the run's own interval where there is none.
    pub window_seconds: Option<u64>,
    /// The dataset of each role that has one.
    pub datasets: BTreeMap<String, DatasetId>,
    /// The one tenant whose rows are read; none of a report for the operator, which is about all of them.
    pub tenant: Option<String>,
    /// What is written.
    pub outputs: Vec<ReportOutput>,
}

impl TableReportSpec {
    /// Roles that a section reads and that have no dataset.
    pub fn unbound<'a>(&self, section: &'a TableSection) -> Vec<&'a str> {
        let roles = section.roles.iter().map(String::as_str);
        roles.filter(|role| !self.datasets.contains_key(*role)).collect()
    }
}
