//! Definitions as they are written: the shapes that editors complete, before any check.
//!
//! Doc comments are the descriptions in the JSON Schemas and the second half of "x is required: …", so they speak to
//! whoever writes YAML.
//!
//! Unknown keys are denied by the JSON Schema and so by `shape.rs`, which reads it before these types are read; were
//! they denied by serde, a file with one misspelt key would hide what is wrong with its values. A test walks the schemas.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::checked::{Class, Incremental, IngestFormat};
use super::csv_style::{Delimiter, LineEnd};
use super::export::{ExportCompression, ExportFormat};
use super::raw_notify::RawChannel;
use super::report_spec::ReportFormat;
use super::words::RawWords;
use super::yaml::At;
use crate::control::ParamValue;

/// What says which interval a run is for: one of these keys.
pub(super) fn window_or_timing() -> Value {
    json!([{"required": ["window"]}, {"required": ["schedule"]}, {"required": ["after"]}])
}

/// The lake: `lake.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Lake", deny_unknown_fields)]
pub(super) struct RawLake {
    /// name of the lake, for example acme
    pub(super) lake: At<String>,
    /// where the data lies, for example file:./data or s3://bucket/prefix
    pub(super) store: At<String>,
    /// IANA zone of reports and paths, for example Europe/Berlin; UTC when left out
    pub(super) timezone: Option<At<String>>,
    /// dataset of schema audit.v1 that records of statements and exports are ingested into, for example audit
    pub(super) access_events: Option<At<String>>,
    /// who is told what happens, by names of channels, for example {ops: {url: "https://hooks.acme.example/al", secrets: [env:AL_HOOK]}}
    pub(super) notify: Option<At<BTreeMap<String, At<RawChannel>>>>,
}

/// A dataset: `datasets/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Dataset", deny_unknown_fields)]
pub(super) struct RawDataset {
    /// name of the dataset, also in SQL, for example audit
    pub(super) dataset: At<String>,
    /// folder in the store, for example audit/; or one elsewhere that is only read, for example s3://bucket/events/
    pub(super) location: At<String>,
    /// the table's columns, for example audit.v1; those of the files when left out
    pub(super) schema: Option<At<String>>,
    /// SQL that makes rows of the schema of the files' rows: a SELECT from input
    pub(super) map: Option<At<String>>,
    /// column of event time; the schema's own when left out
    pub(super) time: Option<At<String>>,
    /// column that says whose row it is; the schema's own when left out
    pub(super) tenant: Option<At<String>>,
    /// columns that name a natural person; the schema's own when left out
    pub(super) subjects: Option<Vec<At<String>>>,
    /// what rows are that do not say it themselves, for example [pii]: public, internal, confidential, pii, phi, pan, special, minor or secret
    pub(super) class: Option<At<RawWords>>,
    /// how carefully columns are to be handled
    #[serde(default)]
    pub(super) columns: BTreeMap<String, RawColumn>,
    /// files: what is signed is the SHA-256 of whole files; the same when left out
    #[serde(rename = "evidence")]
    _evidence: Option<EvidenceLevel>,
}

/// What of a dataset is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum EvidenceLevel {
    Files,
}

/// What is declared of a column.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Column", deny_unknown_fields)]
pub(super) struct RawColumn {
    /// public, internal, personal, special or secret
    pub(super) class: At<Class>,
    /// true: a person may take its values along (GDPR Art. 20); false when left out
    pub(super) portable: Option<bool>,
}

/// A job of kind `ingest`: `jobs/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Ingest", deny_unknown_fields)]
pub(super) struct RawIngest {
    /// name of the job, for example ingest-trail
    pub(super) job: At<String>,
    /// ingest
    #[serde(rename = "kind")]
    #[schemars(extend("const" = "ingest"))]
    _kind: String,
    /// what is read, for example {location: drop/trail/, format: cloudtrail}
    pub(super) from: RawSource,
    /// dataset the rows go to
    pub(super) into: At<String>,
    /// name and version of the mapping, for example app@1
    pub(super) mapping: Option<At<String>>,
    /// SQL that makes rows of records: a SELECT from input
    pub(super) map: Option<At<String>>,
    /// tenant of records that name none; required for kubernetes
    pub(super) tenant: Option<At<String>>,
    /// records per million of an object that may be rejected before the run fails; 10000, one per cent, when left out
    #[schemars(range(max = 1_000_000))]
    pub(super) max_rejected_ppm: Option<u64>,
}

/// Where source records lie.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Source", deny_unknown_fields)]
pub(super) struct RawSource {
    /// folder, relative to the folder of lake.yaml or absolute, or a prefix in a bucket, for example drop/trail/
    pub(super) location: At<String>,
    /// aws_cur, cloudtrail, csv, focus, kubernetes, ndjson, ocsf or parquet
    pub(super) format: At<IngestFormat>,
}

/// A job of kind `query`: `jobs/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Query", deny_unknown_fields, extend("anyOf" = window_or_timing()))]
pub(super) struct RawQuery {
    /// name of the job, for example tenant-month
    pub(super) job: At<String>,
    /// query
    #[serde(rename = "kind")]
    #[schemars(extend("const" = "query"))]
    _kind: String,
    /// length of the interval that a run computes, up to its instant, for example 1d; not needed with schedule or after
    pub(super) window: Option<At<String>>,
    /// dataset that holds the rows
    pub(super) into: At<String>,
    /// what the rows are used for, for example marketing; those of persons who object to it are left out
    pub(super) purpose: Option<At<String>>,
    /// whether what each file comes to is kept and folded instead of computed again: false (the default), auto (where that can be done and pays) or true (else it is an error)
    pub(super) incremental: Option<At<RawIncremental>>,
    /// a SELECT; $start and $end are the bounds of the interval
    pub(super) sql: At<String>,
}

/// `incremental:` of a job: `false`, `true` or `auto`.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawIncremental(pub(super) Incremental);

impl<'de> Deserialize<'de> for RawIncremental {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl serde::de::Visitor<'_> for Words {
            type Value = RawIncremental;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("false, auto or true")
            }

            fn visit_bool<E: serde::de::Error>(self, given: bool) -> Result<Self::Value, E> {
                Ok(RawIncremental(if given { Incremental::Always } else { Incremental::Never }))
            }

            fn visit_str<E: serde::de::Error>(self, given: &str) -> Result<Self::Value, E> {
                match given {
                    "auto" => Ok(RawIncremental(Incremental::Auto)),
                    other => Err(E::custom(format!("incremental is false, auto or true, and not {other:?}"))),
                }
            }
        }
        deserializer.deserialize_any(Words)
    }
}

impl JsonSchema for RawIncremental {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Incremental".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "boolean"], "pattern": "^auto$" })
    }
}

/// A job of kind `export`: `jobs/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Export", deny_unknown_fields, extend("anyOf" = window_or_timing()))]
pub(super) struct RawExport {
    /// name of the job, for example denied-daily
    pub(super) job: At<String>,
    /// export
    #[serde(rename = "kind")]
    #[schemars(extend("const" = "export"))]
    _kind: String,
    /// length of the interval that a run exports, up to its instant, for example 1d; not needed with schedule or after
    pub(super) window: Option<At<String>>,
    /// what the rows are used for, for example marketing; those of persons who object to it are left out
    pub(super) purpose: Option<At<String>>,
    /// dataset whose rows are exported; this or sql
    pub(super) dataset: Option<At<String>>,
    /// a SELECT whose rows are exported; $start and $end are the bounds of the interval
    pub(super) sql: Option<At<String>>,
    /// columns in order, for example [event_id, {name: hour, expr: "date_trunc('hour', time)"}]; all when left out
    pub(super) columns: Option<At<Vec<At<RawExportColumn>>>>,
    /// only rows for which this expression is true, for example time >= $start AND time < $end
    pub(super) filter: Option<At<String>>,
    /// columns that the rows are sorted by, for example [time, event_id]
    pub(super) order_by: Option<Vec<At<String>>>,
    /// csv, json, ndjson, xlsx, parquet, xml, yaml or arrow
    pub(super) format: At<ExportFormat>,
    /// what the format leaves open, for example {guard: on}
    pub(super) options: Option<RawExportOptions>,
    /// gzip or zstd, for text
    pub(super) compression: Option<ExportCompression>,
    /// where a part ends, for example {rows: 1000000}
    pub(super) split: Option<RawSplit>,
    /// zip: every part in one archive
    pub(super) bundle: Option<Zip>,
    /// whether a cell that is lost for good fails the export; false when left out
    pub(super) strict: Option<bool>,
    /// folder in the store, for example "exports/denied/{interval.end:%Y-%m-%d}/"
    pub(super) to: At<String>,
    /// whose views the rows go through, by its name in access.yaml; every row as it is when left out
    pub(super) principal: Option<At<String>>,
}

/// A column: the name of one, or an expression with a name.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ExportColumn")]
#[serde(untagged)]
pub(super) enum RawExportColumn {
    /// A column of the dataset.
    Name(String),
    /// An expression.
    Expr(RawExpr),
}

/// An expression with a name.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Expression", deny_unknown_fields)]
pub(super) struct RawExpr {
    /// name of the column in the file, for example hour
    pub(super) name: String,
    /// SQL expression over one row, for example date_trunc('hour', time)
    pub(super) expr: String,
}

/// What a format leaves open.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[schemars(rename = "ExportOptions", deny_unknown_fields)]
pub(super) struct RawExportOptions {
    /// on: texts of csv that look like formulas get a ' in front; off when left out
    pub(super) guard: Option<Switch>,
    /// IANA zone of the times in text and workbooks, for example Europe/Berlin; UTC when left out
    pub(super) timezone: Option<At<String>>,
    /// string: whole numbers of 64 bits are texts in json; number when left out
    pub(super) int64: Option<Int64>,
    /// what stands between the fields of csv; comma when left out
    pub(super) delimiter: Option<Delimiter>,
    /// lf: records of csv end with LF alone; crlf when left out
    pub(super) line_end: Option<LineEnd>,
    /// what stands for null in csv, for example NULL; nothing when left out
    pub(super) null_text: Option<String>,
    /// true: csv begins with the mark of byte order, by which spreadsheets know UTF-8
    pub(super) bom: Option<bool>,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Switch {
    On,
    Off,
}

/// What whole numbers of 64 bits are in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Int64 {
    Number,
    String,
}

/// The archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Zip {
    Zip,
}

/// Where a part ends: at the first limit met.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Split", deny_unknown_fields)]
pub(super) struct RawSplit {
    /// rows of a part
    #[schemars(range(min = 1))]
    pub(super) rows: Option<u64>,
    /// bytes of a part before compression, for example 1GiB
    pub(super) bytes: Option<At<String>>,
}

/// A job of kind `compliance_report`: `jobs/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Report", deny_unknown_fields, extend("anyOf" = window_or_timing()))]
pub(super) struct RawReport {
    /// name of the job, for example soc2-daily
    pub(super) job: At<String>,
    /// compliance_report
    #[serde(rename = "kind")]
    #[schemars(extend("const" = "compliance_report"))]
    _kind: String,
    /// how far back the report looks, for example 30d, 24h or 15m; not needed with schedule or after
    pub(super) window: Option<At<String>>,
    /// frameworks with a scorecard, for example [soc2, gdpr]
    #[serde(default)]
    pub(super) frameworks: Vec<At<String>>,
    /// exactly these controls; every control of the frameworks when left out
    pub(super) controls: Option<Vec<At<String>>>,
    /// values that replace a control's own: control id, then parameter
    #[serde(default)]
    pub(super) params: BTreeMap<String, BTreeMap<String, At<ParamValue>>>,
    /// what is written, for example [{format: html, to: "reports/{interval.end:%Y-%m-%d}/"}]
    pub(super) outputs: At<Vec<RawOutput>>,
    /// required: the report waits for somebody to approve it; it does not when left out
    pub(super) approval: Option<Approval>,
}

/// Whether somebody has to approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Approval {
    Required,
}

/// One thing a report is written as.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Output", deny_unknown_fields)]
pub(super) struct RawOutput {
    /// html, json, csv, xlsx or oscal
    pub(super) format: At<ReportFormat>,
    /// folder in the store, with {interval.end:%Y-%m-%d} or another date in it
    pub(super) to: At<String>,
}

/// A job of kind `verify`: `jobs/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Verify", deny_unknown_fields)]
pub(super) struct RawVerify {
    /// name of the job, for example verify-daily
    pub(super) job: At<String>,
    /// verify
    #[serde(rename = "kind")]
    #[schemars(extend("const" = "verify"))]
    _kind: String,
    /// exactly these datasets, for example [audit]; every dataset when left out
    pub(super) datasets: Option<At<Vec<At<String>>>>,
}

/// A framework: ships with auditlake.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Framework", deny_unknown_fields)]
pub(super) struct RawFramework {
    /// key, for example soc2
    pub(super) framework: At<String>,
    /// display name
    pub(super) name: At<String>,
    /// edition the ids are of
    pub(super) edition: At<String>,
    /// every requirement at the level used for mapping
    pub(super) requirements: At<Vec<RawRequirement>>,
}

/// A requirement.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Requirement", deny_unknown_fields)]
pub(super) struct RawRequirement {
    /// id in the framework
    pub(super) id: At<String>,
    /// our own short title, at most 60 characters
    pub(super) title: At<String>,
    /// never, where audit events can never show it
    pub(super) looked_at: Option<LookedAt>,
    /// why never
    pub(super) why: Option<At<String>>,
}

/// The one word of `looked_at`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LookedAt {
    /// Audit events can never show it.
    Never,
}
