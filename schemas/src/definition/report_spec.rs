//! What reports are made of, and where they go.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::path_template::PathTemplate;
use crate::control::{Control, ParamValue};
use crate::id::{ControlId, DatasetId, SlaId, UsageId};

/// What a compliance report looks at and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportSpec {
    /// Length of the interval looked at, up to the interval's end; the run's own interval where there is none.
    pub window_seconds: Option<u64>,
    /// Keys of the frameworks with a scorecard, in order.
    pub frameworks: Vec<String>,
    /// Exactly these controls; none means every control that speaks to one of the frameworks.
    pub controls: Option<Vec<ControlId>>,
    /// Values that replace a control's own, of the same type.
    pub params: BTreeMap<ControlId, BTreeMap<String, ParamValue>>,
    /// What is written.
    pub outputs: Vec<ReportOutput>,
    /// Whether the report waits for somebody to approve it.
    pub approval_required: bool,
}

impl ReportSpec {
    /// Whether the report evaluates the control.
    pub fn selects(&self, control: &Control) -> bool {
        match &self.controls {
            Some(listed) => listed.contains(&control.id),
            None => self.frameworks.iter().any(|key| control.frameworks.contains_key(key)),
        }
    }

    /// The control's parameters with this report's values in place.
    pub fn params_of(&self, control: &Control) -> BTreeMap<String, ParamValue> {
        let mut params = control.params.clone();
        if let Some(replaced) = self.params.get(&control.id) {
            params.extend(replaced.clone());
        }
        params
    }

    /// The formats written, each once.
    pub fn formats(&self) -> BTreeSet<ReportFormat> {
        self.outputs.iter().map(|output| output.format).collect()
    }
}

/// Which SLA or support agreement is judged, and where its results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlaSpec {
    /// The SLA or support agreement.
    pub sla: SlaId,
    /// Dataset of its results.
    pub into: DatasetId,
    /// Periods that a run judges, the last that ended first.
    pub periods: u32,
    /// Statements that are written, one for each tenant and period.
    pub outputs: Vec<ReportOutput>,
}

/// Which contract about usage is judged, and where its results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageSpec {
    /// The contract.
    pub usage: UsageId,
    /// Dataset of its results.
    pub into: DatasetId,
    /// Months that have ended and are judged again beside the one that goes on.
    pub periods: u32,
    /// Statements that are written, one for each tenant and month.
    pub outputs: Vec<ReportOutput>,
}

/// One thing a report is written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportOutput {
    /// Format.
    pub format: ReportFormat,
    /// Folder in the store.
    pub to: PathTemplate,
}

/// Format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    /// One self-contained page.
    Html,
    /// The whole report as data.
    Json,
    /// One file per table.
    Csv,
    /// One workbook, a sheet per table.
    Xlsx,
    /// Assessment results of OSCAL, as JSON.
    Oscal,
}

impl ReportFormat {
    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Oscal => "oscal",
        }
    }
}
