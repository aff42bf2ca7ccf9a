//! Reports of tables and their jobs as they are written, before any check. Their rules are those of `raw.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::raw::{RawOutput, window_or_timing};
use super::words::RawWords;
use super::yaml::At;
use crate::table_report::ChartKind;

/// A report of tables: `reports/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "TableReport", deny_unknown_fields)]
pub(super) struct RawTableReport {
    /// name of the report, for example support
    pub(super) report: At<String>,
    /// its title, for example Support
    pub(super) title: At<String>,
    /// what it is about, in a sentence or two
    pub(super) about: Option<At<String>>,
    /// names that statements give to datasets, with the schemas that will do, for example {requests: request_1m.v1}; any for every schema
    #[serde(default)]
    pub(super) datasets: BTreeMap<String, At<RawWords>>,
    /// its tables, in order
    pub(super) sections: At<Vec<RawSection>>,
}

/// A table of a report.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Section", deny_unknown_fields)]
pub(super) struct RawSection {
    /// name of the section, for example services
    pub(super) section: At<String>,
    /// its title
    pub(super) title: At<String>,
    /// what a reader should know of it
    pub(super) note: Option<At<String>>,
    /// names of datasets that its statement reads, and records such as auditlake.runs, for example [requests]
    pub(super) reads: At<Vec<At<String>>>,
    /// columns that files may lack and without which it is left out, for example [usage.list_cost]
    #[serde(default)]
    pub(super) needs: Vec<At<String>>,
    /// most rows that are shown; 50 when left out
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) rows: Option<u64>,
    /// a SELECT over what is in reads, with an ORDER BY; $start and $end are the bounds of the interval
    pub(super) sql: At<String>,
    /// how columns are shown, by name, for example {p95: {title: P95, unit: ms, shift: 3}}
    #[serde(default)]
    pub(super) columns: BTreeMap<String, RawColumnFormat>,
    /// what is drawn of it, for example {kind: bar, x: service, y: [p95]}; nothing when left out
    pub(super) chart: Option<At<RawChart>>,
}

/// How a column is shown.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ColumnFormat", deny_unknown_fields)]
pub(super) struct RawColumnFormat {
    /// its title; its name when left out
    pub(super) title: Option<At<String>>,
    /// its unit, for example ms
    pub(super) unit: Option<At<String>>,
    /// places that the point of its whole numbers moves to the left, for example 3 where microseconds are shown as ms
    #[schemars(range(min = 1, max = 12))]
    pub(super) shift: Option<u32>,
    /// places of its decimals that are shown at least, for example 2
    #[schemars(range(min = 1, max = 12))]
    pub(super) places: Option<u32>,
}

/// What is drawn of a table.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Chart", deny_unknown_fields)]
pub(super) struct RawChart {
    /// bar or line
    pub(super) kind: ChartKind,
    /// column with what a bar is of, or when a point is
    pub(super) x: At<String>,
    /// columns with lengths of bars, or heights of points, for example [p95]
    pub(super) y: At<Vec<At<String>>>,
    /// column of which each value has a line of its own; of bars, a picture of its own, as for currencies
    pub(super) by: Option<At<String>>,
}

/// A job of kind `report`: `jobs/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ReportJob", deny_unknown_fields, extend("anyOf" = window_or_timing()))]
pub(super) struct RawReportJob {
    /// name of the job, for example performance-monthly
    pub(super) job: At<String>,
    /// report
    #[serde(rename = "kind")]
    #[schemars(extend("const" = "report"))]
    _kind: String,
    /// the report: performance, financial or operations, which ship, or one of reports/
    pub(super) report: At<String>,
    /// how far back the report looks, for example 30d; not needed with schedule or after
    pub(super) window: Option<At<String>>,
    /// the lake's datasets by the names that the report gives them, for example {requests: request_1m}; sections without theirs are left out
    #[serde(default)]
    pub(super) datasets: BTreeMap<String, At<String>>,
    /// the one tenant whose rows are read; the report is about all of them, for the operator, when left out
    pub(super) tenant: Option<At<String>>,
    /// what is written, for example [{format: html, to: "reports/{interval.end:%Y-%m-%d}/"}]
    pub(super) outputs: At<Vec<RawOutput>>,
}
