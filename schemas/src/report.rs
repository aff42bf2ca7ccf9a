//! The compliance report as data: what every renderer shows, and nothing that only one of them knows.
//!
//! Figures are whole numbers and texts, so that every format prints the same. Absent: the wall clock.
//! "Generated" is the instant of the run.

mod history;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::control::{Severity, Status};
use crate::decision::{Decision, FindingState};

pub use history::{
    Change, ChangedFinding, ControlChange, ControlPoint, FindingChange, FindingChanges, ScorePoint, Trend,
    TrendInterval,
};

/// A whole compliance report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Name of the lake.
    pub lake: String,
    /// The run that made the report.
    pub run: RunInfo,
    /// The time the report is about, half open.
    pub interval: Interval,
    /// What a manager reads in a minute.
    pub summary: Summary,
    /// What changed since the report before; none in the first report of a job.
    pub change: Option<Change>,
    /// The intervals that every trend below stands on.
    pub trend: Trend,
    /// One per framework, in the order the job names them.
    pub scorecards: Vec<Scorecard>,
    /// One per control, by id.
    pub controls: Vec<ControlReport>,
    /// Every evidence object.
    pub evidence: Vec<EvidenceObject>,
    /// What the report does not say.
    pub not_looked_at: NotLookedAt,
    /// Where the figures come from.
    pub provenance: Provenance,
}

/// A half-open span of time, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Inclusive.
    pub start: DateTime<Utc>,
    /// Exclusive.
    pub end: DateTime<Utc>,
}

/// The run that made a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// The job.
    pub job: String,
    /// Run id, `job@20260329T040000Z`.
    pub id: String,
    /// Instant of the run.
    pub instant: DateTime<Utc>,
    /// Zone the report's dates are shown in.
    pub timezone: String,
    /// Version of auditlake.
    pub version: String,
    /// SHA-256 of the definitions.
    pub definitions_sha256: String,
    /// Whether the job publishes it only once somebody has approved it.
    #[serde(default)]
    pub approval_required: bool,
}

impl RunInfo {
    /// What a report can say of its own review: its bytes are those that are approved, so not that they were.
    pub fn review(&self) -> (&'static str, &'static str) {
        if self.approval_required {
            (
                "reviewed before it is published",
                "This is what is approved; who did so, and when, is in the evidence log.",
            )
        } else {
            ("not reviewed", "The job publishes its reports without an approval.")
        }
    }
}

/// What a manager reads in a minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Events in the interval over all tables the controls read.
    pub rows: u64,
    /// The statement that counts them.
    pub rows_sql: String,
    /// Tenants looked at.
    pub tenants: u64,
    /// Number of controls by worst status.
    pub controls: StatusCounts,
    /// Findings in the interval, whatever was decided about them.
    pub findings: u64,
    /// Findings that were accepted, remediated or called false positives.
    pub decided: u64,
    /// Open findings whose decision has run out.
    pub expired: u64,
    /// The statement that counts both, at the instant of the run.
    pub decided_sql: String,
    /// Ids of the five worst controls, worst first.
    pub worst: Vec<String>,
    /// One sentence: what was not looked at.
    pub not_looked_at: String,
}

/// How many have each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusCounts {
    /// Pass.
    pub pass: u64,
    /// Warn.
    pub warn: u64,
    /// Fail.
    pub fail: u64,
    /// Not applicable.
    pub not_applicable: u64,
    /// Not evaluated.
    pub not_evaluated: u64,
    /// Error.
    pub error: u64,
}

impl StatusCounts {
    /// Counts one more of `status`.
    pub fn add(&mut self, status: Status) {
        let slot = match status {
            Status::Pass => &mut self.pass,
            Status::Warn => &mut self.warn,
            Status::Fail => &mut self.fail,
            Status::NotApplicable => &mut self.not_applicable,
            Status::NotEvaluated => &mut self.not_evaluated,
            Status::Error => &mut self.error,
        };
        *slot += 1;
    }
}

/// A framework with its score and coverage, which are never shown apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scorecard {
    /// Key, for example `soc2`.
    pub framework: String,
    /// Display name.
    pub name: String,
    /// Edition the ids are of.
    pub edition: String,
    /// Weighted share that passes, per mille, rounded down; none when nothing could be judged.
    pub score_permille: Option<u64>,
    /// Requirements with pass, warn or fail.
    pub covered: u64,
    /// All requirements of the framework.
    pub requirements_total: u64,
    /// Coverage is under one half.
    pub partial: bool,
    /// How it scored in the last intervals, oldest first, this report's own last.
    pub trend: Vec<ScorePoint>,
    /// Every requirement, in the framework's order.
    pub requirements: Vec<RequirementRow>,
}

/// One requirement of a framework.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequirementRow {
    /// Id in the framework.
    pub id: String,
    /// Our own short title.
    pub title: String,
    /// Worst status of its controls over all tenants; none when no control of this report speaks to it.
    pub status: Option<Status>,
    /// Number of tenants that fail.
    pub failing_tenants: u64,
    /// Controls that speak to it.
    pub controls: Vec<String>,
    /// Why audit events can never show it, where that is so.
    pub never_looked_at: Option<String>,
}

/// One control with its results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlReport {
    /// Id of the control.
    pub id: String,
    /// Version of the control.
    pub version: u32,
    /// Title.
    pub title: String,
    /// Severity.
    pub severity: Severity,
    /// Worst status over all tenants.
    pub status: Status,
    /// Parameters: name, default, value used.
    pub params: Vec<ParamRow>,
    /// Requirement ids by framework key.
    pub frameworks: BTreeMap<String, Vec<String>>,
    /// What it said over all tenants about the last intervals, oldest first, this report's own last.
    pub trend: Vec<ControlPoint>,
    /// One per tenant, by name.
    pub results: Vec<ResultRow>,
    /// The SQL that gives n, v and u per tenant.
    pub counts_sql: String,
    /// The SQL that lists the violations.
    pub violations_sql: String,
    /// SHA-256 of the optimised plan.
    pub plan_sha256: Option<String>,
    /// Columns of `rows`, the evidence columns shown.
    pub columns: Vec<String>,
    /// First open findings of the evidence, those before all others whose decision has run out.
    pub rows: Vec<FindingRow>,
    /// First findings that were decided about.
    pub decided_rows: Vec<FindingRow>,
    /// Findings over all tenants, also those not shown and those decided about.
    pub findings: u64,
    /// Findings that were decided about, also those not shown.
    pub decided: u64,
    /// What to do about it.
    pub remediation: String,
}

/// A parameter of a control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParamRow {
    /// Name.
    pub name: String,
    /// The control's own value.
    pub default: String,
    /// The value used.
    pub value: String,
}

/// What one control found for one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResultRow {
    /// Derived id of the result.
    pub result_id: String,
    /// Tenant.
    pub scope: String,
    /// Status.
    pub status: Status,
    /// n: rows in the population.
    pub population: u64,
    /// v: violations, whatever was decided about them.
    pub violations: u64,
    /// Of the violations kept as evidence, those that were decided about.
    pub decided: u64,
    /// Rows of the population whose violation is unknown.
    pub undecided_violation: u64,
    /// Rows of which it is unknown whether they belong to the population.
    pub undecided_population: u64,
    /// w: rows of the population near a violation; none when the control does not count them.
    pub warnings: Option<u64>,
    /// Why it was not evaluated, or the error.
    pub reason: Option<String>,
    /// Evidence rows kept.
    pub evidence_rows: u64,
    /// The same figures of the last intervals, oldest first, this report's own last.
    pub history: Vec<ControlPoint>,
}

/// One violation as a report shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingRow {
    /// Derived id, the same in every report.
    pub finding_id: String,
    /// Tenant.
    pub scope: String,
    /// When.
    pub time: Option<DateTime<Utc>>,
    /// What violates.
    pub resource: String,
    /// Why.
    pub reason: String,
    /// When a run saw it first.
    pub first_seen_at: DateTime<Utc>,
    /// What is thought of it at the instant of the run.
    pub state: FindingState,
    /// The decision in force; of an open finding the one that has run out.
    pub decision: Option<Decision>,
    /// Values of the evidence columns as text; none is null.
    pub values: Vec<Option<String>>,
}

/// An object that holds evidence rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceObject {
    /// Control.
    pub control: String,
    /// Path in the lake.
    pub path: String,
    /// SHA-256 in hex.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
    /// Rows kept.
    pub rows: u64,
    /// Violations in truth.
    pub violations: u64,
    /// How long the control wants it kept, as written.
    pub keep: String,
}

/// What the report does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotLookedAt {
    /// Requirements without a control, per framework key: (never can be, could be).
    pub requirements: Vec<UncoveredRequirements>,
    /// Controls not evaluated, with tenant and reason.
    pub controls: Vec<NotEvaluated>,
    /// Tenants known from earlier results without rows in the interval.
    pub silent_tenants: Vec<String>,
    /// Rejected records by dataset, at ingest.
    pub rejected: Vec<RejectedCount>,
}

/// How many requirements of a framework have no control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UncoveredRequirements {
    /// Framework key.
    pub framework: String,
    /// Audit events can never show these.
    pub never: u64,
    /// No control speaks to these.
    pub without_control: u64,
    /// A control speaks to these, but none could be judged.
    pub not_judged: u64,
}

/// A control that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotEvaluated {
    /// Control.
    pub control: String,
    /// Tenant.
    pub scope: String,
    /// Why.
    pub reason: String,
}

/// Records that an ingest refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RejectedCount {
    /// Dataset they were meant for.
    pub dataset: String,
    /// How many.
    pub rows: u64,
    /// The statement that counts them.
    pub sql: String,
}

/// Where the figures come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// Every file read.
    pub inputs: Vec<InputFile>,
    /// Versions of engine and frameworks: name and version.
    pub versions: Vec<(String, String)>,
}

/// A pinned file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputFile {
    /// Dataset; empty for a source object outside the lake.
    pub dataset: String,
    /// Path in the lake, or of the source object.
    pub path: String,
    /// ETag as pinned.
    pub etag: String,
    /// Bytes.
    pub bytes: u64,
    /// Rows; of a source object its records.
    pub rows: u64,
    /// How it took part, where states of files were used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// How a file took part in a run that uses states of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// It was read, and its state kept.
    Read,
    /// Its state was, and not the file.
    State,
    /// It was read with the bounds of time that it lies at.
    Border,
}

impl Via {
    /// As in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::State => "state",
            Self::Border => "border",
        }
    }
}
