//! What came before a report: the last intervals of its job, and what changed since the one before.
//!
//! Absent: forecasts. Every figure follows from rows of `auditlake.control_results` and `auditlake.findings`.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Interval;
use crate::control::Status;

/// The last intervals of the job, this report's own last: what every trend in the report stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trend {
    /// Intervals with a committed run, oldest first.
    pub intervals: Vec<TrendInterval>,
    /// The statement that lists the results of all of them.
    pub sql: String,
}

/// One interval of the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrendInterval {
    /// The run that is about it.
    pub run: String,
    /// The interval.
    pub interval: Interval,
    /// Intervals without a run between the one before and this one.
    pub missing_before: u64,
}

/// What a control said about an interval, over all tenants or about one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlPoint {
    /// End of the interval.
    pub interval_end: DateTime<Utc>,
    /// Version of the control then.
    pub control_version: u32,
    /// Version or parameters are others than in the point before: the two compare with care.
    pub redefined: bool,
    /// Status then; over all tenants the worst.
    pub status: Status,
    /// Violations then.
    pub violations: u64,
}

/// How a framework scored in an interval, by the mapping of this report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScorePoint {
    /// End of the interval.
    pub interval_end: DateTime<Utc>,
    /// Controls, their versions or parameters are others than in the point before.
    pub redefined: bool,
    /// Score, per mille; none when nothing could be judged.
    pub score_permille: Option<u64>,
    /// Requirements with pass, warn or fail.
    pub covered: u64,
    /// All requirements of the framework.
    pub requirements_total: u64,
}

/// What changed since the report of the interval before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The run compared with.
    pub run: String,
    /// Its interval.
    pub interval: Interval,
    /// Over all controls.
    pub findings: FindingChanges,
    /// Controls of which something changed, by id.
    pub controls: Vec<ControlChange>,
    /// First findings that are new or no longer there, by control.
    pub rows: Vec<ChangedFinding>,
    /// The statement that counts new findings by control.
    pub new_sql: String,
    /// The statement that counts those no longer there by control.
    pub gone_sql: String,
}

/// Findings of this report and the one before, compared by id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingChanges {
    /// In this report and not in the one before.
    pub new: u64,
    /// In the one before; looked for, and no longer found.
    pub gone: u64,
    /// In the one before; older than this interval.
    pub left: u64,
    /// In the one before; not looked for, because the control has no verdict for the tenant or is not part of the report.
    pub not_looked_for: u64,
}

impl FindingChanges {
    /// Counts one more.
    pub fn add(&mut self, what: FindingChange) {
        let slot = match what {
            FindingChange::New => &mut self.new,
            FindingChange::Gone => &mut self.gone,
            FindingChange::Left => &mut self.left,
            FindingChange::NotLookedFor => &mut self.not_looked_for,
        };
        *slot += 1;
    }
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingChange {
    /// It was not in the report before.
    New,
    /// It was looked for and is no longer found.
    Gone,
    /// It is older than the interval.
    Left,
    /// It was not looked for.
    NotLookedFor,
}

/// What changed of one control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlChange {
    /// Control.
    pub control: String,
    /// Worst status before; none when it was not part of that report.
    pub before: Option<Status>,
    /// Worst status in this report; none when it is not part of it.
    pub after: Option<Status>,
    /// Version or parameters are others than before.
    pub redefined: bool,
    /// Not all violations of both reports were kept as evidence: those beyond could not be compared.
    pub partial: bool,
    /// Its findings.
    pub findings: FindingChanges,
}

/// A finding that is new or no longer there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedFinding {
    /// Control.
    pub control: String,
    /// Tenant.
    pub scope: String,
    /// Id of the finding.
    pub finding_id: String,
    /// What became of it.
    pub change: FindingChange,
    /// When.
    pub time: Option<DateTime<Utc>>,
    /// What violates.
    pub resource: String,
    /// Why.
    pub reason: String,
}
