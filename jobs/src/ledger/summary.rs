//! What runs found, by kind of job: for `--fail-on`, for people, and for whoever reads the ledger.

use serde::{Deserialize, Serialize};

use crate::anomalies::AnomaliesSummary;
use crate::sla::SlaSummary;
use crate::stream::BatchSummary;
use crate::table_report::TableReportSummary;
use crate::usage::UsageSummary;

/// What a run found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Controls by worst status.
    pub controls: schemas::StatusCounts,
    /// Findings.
    pub findings: u64,
    /// For a report: how its findings compare with those of the report before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finding_changes: Option<schemas::FindingChanges>,
    /// For a query: what it computed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub query: Option<QuerySummary>,
    /// For an export: what it wrote.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub export: Option<ExportSummary>,
    /// For an ingest: what became of the records.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ingest: Option<engine::IngestOutcome>,
    /// For a verification: what it could not look at.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verify: Option<VerifySummary>,
    /// For retention: what became of its plans.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retention: Option<RetentionSummary>,
    /// For an anonymized copy: what it measured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub anonymize: Option<AnonymizeSummary>,
    /// For anomalies: what was raised.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub anomalies: Option<AnomaliesSummary>,
    /// For an SLA: what its periods came to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sla: Option<SlaSummary>,
    /// For usage: what its months came to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub usage: Option<UsageSummary>,
    /// For a report of tables: what it has, and what it has not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub report: Option<TableReportSummary>,
    /// For a job that runs for new files: which it read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub batch: Option<BatchSummary>,
}

/// What an anonymized copy measured as it was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnonymizeSummary {
    /// The policy.
    pub policy: String,
    /// SHA-256 of its file, in hex.
    pub policy_sha256: String,
    /// The dataset that holds the copy.
    pub dataset: String,
    /// Its figures.
    pub figures: engine::anonymize::Figures,
    /// Rows of the source that are not in it.
    pub suppressed: u64,
    /// The level of each quasi identifier that has a hierarchy.
    pub levels: std::collections::BTreeMap<String, u64>,
    /// Ids of the keys of its columns.
    pub keys: Vec<String>,
    /// Files of an earlier copy that were replaced.
    pub replaced: u64,
}

impl AnonymizeSummary {
    /// Of a copy that was published.
    pub(crate) fn of(policy: &schemas::AnonymizePolicy, outcome: &engine::anonymize::CopyOutcome) -> Self {
        Self {
            policy: policy.id.to_string(),
            policy_sha256: policy.sha256.clone(),
            dataset: policy.to.to_string(),
            figures: outcome.figures.clone(),
            suppressed: outcome.suppressed,
            levels: outcome.levels.clone(),
            keys: policy.keys().into_iter().map(|key| key.id.clone()).collect(),
            replaced: outcome.replaced.len() as u64,
        }
    }
}

/// What became of the plans of a retention job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionSummary {
    /// Plans that are done.
    pub done: u64,
    /// Plans to which nobody has agreed yet.
    pub waiting_for_approval: u64,
    /// Plans whose objects wait for their grace.
    pub waiting_for_grace: u64,
    /// Rows that went, moved or lost values.
    pub rows: u64,
}

/// What a verification came to, beside its findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifySummary {
    /// Things that were not checked.
    pub not_checked: u64,
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportSummary {
    /// Rows of all parts.
    pub rows: u64,
    /// Bytes of all parts.
    pub bytes: u64,
    /// Files, without the manifest.
    pub parts: u64,
    /// Those that an attempt before wrote.
    pub resumed_parts: u64,
    /// In which order the rows stand: `file`, `by` or `engine`.
    pub order: String,
    /// Cells that no reader gets back as they were: by what was done, by column.
    pub cells: std::collections::BTreeMap<String, std::collections::BTreeMap<String, u64>>,
}

/// What a query computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuerySummary {
    /// The dataset that holds the rows.
    pub dataset: String,
    /// Rows of the interval.
    pub rows: u64,
    /// Files of an earlier computation that were replaced.
    pub replaced: u64,
    /// What was taken from states of files; none of a job that keeps none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub states: Option<engine::StatesUsed>,
}
