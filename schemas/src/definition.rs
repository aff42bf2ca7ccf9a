//! Definitions: a folder of YAML, read raw and checked into the types that travel.
//!
//! ```text
//! lake.yaml                the lake: name, store, timezone
//! datasets/**/*.yaml       a dataset each
//! controls/**/*.yaml       a control of one's own each; those that ship need no file
//! jobs/**/*.yaml           a job each
//! policies/evidence.yaml   who signs the log, and where its checkpoints are kept besides
//! policies/subjects.yaml   how persons are known, and who agrees to their erasure
//! policies/**/*.yaml       a retention policy each: what of a dataset must go when, and what must stay;
//!                          or an anonymized copy: what becomes of the columns of one that is shared
//! slas/**/*.yaml           an SLA, support agreement or contract about usage each, business hours, what tiers are
//!                          promised and may use, or documents of OpenSLO
//! reports/**/*.yaml        a report of tables of one's own each; those that ship need no file
//! ```
//!
//! Subfolders are read, too: a file that is silently not read would be the worse surprise. File names mean nothing; ids
//! stand in the files and are unique. Every key of every file is judged, and all errors are returned at once, each with
//! its place and what would be right; only the values of a file in which a key is missing or of the wrong shape wait for
//! that to be put right. What other versions know (kinds, formats, keys, files) is refused by name.
//!
//! Absent: reading the folder, which is the caller's, and planning SQL, which needs tables.
//!
//! ```
//! use schemas::{SourceFile, check};
//! let lake = SourceFile { path: "lake.yaml".into(), text: b"lake: acme\nstore: file:./data\nzone: UTC\n".to_vec() };
//! let errors = check(&[lake]).unwrap_err();
//! assert_eq!(errors[0].to_string(), "lake.yaml:3:1: unknown key \"zone\"; keys are: lake, store, timezone, access_events, notify");
//! ```

mod access;
mod anomalies_budget;
mod anomalies_job;
mod anonymize;
mod anonymize_job;
mod anonymize_notes;
mod calendar;
mod checked;
mod control;
mod csv_style;
mod data_class;
mod dataset;
mod duration;
mod each_once;
mod evidence;
mod export;
mod export_job;
mod folder;
mod framework;
mod job;
mod lake;
mod later;
mod nearest;
mod notify;
mod openslo;
mod path_template;
mod place;
mod problem;
mod query_job;
mod quotas;
mod raw;
mod raw_access;
mod raw_anomalies;
mod raw_anonymize;
mod raw_control;
mod raw_evidence;
mod raw_notify;
mod raw_openslo;
mod raw_retention;
mod raw_sla;
mod raw_subjects;
mod raw_support;
mod raw_table_report;
mod raw_timing;
mod raw_usage;
mod report_job;
mod report_spec;
mod request;
mod retention;
mod retention_job;
mod retention_notes;
mod shape;
mod sla;
mod sla_job;
mod sql_params;
mod store_url;
mod stream;
mod subjects;
mod support;
mod surroundings;
mod table_report;
mod tiered;
mod tiers;
mod timing;
mod usage;
mod usage_job;
mod verify_job;
mod words;
mod yaml;

pub use anonymize_notes::anonymize_notes;
pub use checked::{
    AnonymizeSpec, Class, Dataset, Incremental, IngestFormat, IngestSpec, Job, JobKind, Lake, Mapping, QuerySpec,
    RetentionSpec, VerifySpec, WrittenAt,
};
pub use csv_style::{CsvStyle, Delimiter, LineEnd};
pub(crate) use dataset::REJECTED_ENDING;
pub use duration::{kept_until, parse_length};
pub use export::{
    ColumnSource, ExportColumn, ExportCompression, ExportFormat, ExportRows, ExportShape, ExportSpec, byte_size,
};
pub use folder::{SourceFile, check, is_definition};
pub use lake::timezone;
pub use nearest::nearest;
pub use path_template::PathTemplate;
pub use problem::DefinitionError;
pub use report_spec::{ReportFormat, ReportOutput, ReportSpec, SlaSpec, UsageSpec};
pub use request::{ExportRequest, NamedColumn, REQUEST_BYTES_MAX, RequestError, parse_request, unknown_columns};
pub use retention_notes::retention_notes;
pub use store_url::{BucketScheme, BucketUrl, StoreUrl};

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::control::Control;
use crate::framework::Framework;
use crate::hex;
use crate::shipped::shipped_frameworks;
use crate::sla::Tiers;
use crate::table_report::TableReport;
use crate::usage::Quotas;
use problem::Problems;
use raw::{RawDataset, RawExport, RawFramework, RawIngest, RawLake, RawQuery, RawReport, RawVerify};
use raw_access::RawAccess;
use raw_anomalies::RawAnomaliesJob;
use raw_anonymize::{RawAnonymize, RawAnonymizeJob};
use raw_control::RawControl;
use raw_evidence::RawEvidenceFile;
use raw_retention::{RawRetention, RawRetentionJob};
use raw_sla::{RawSla, RawSlaJob, RawTiers};
use raw_subjects::RawSubjectsFile;
use raw_support::{RawCalendar, RawSupport};
use raw_table_report::{RawReportJob, RawTableReport};
use raw_timing::{RawTiming, Timed};
use raw_usage::{RawQuotas, RawUsage, RawUsageJob};
use request::RawRequest;
use yaml::Node;

/// Reads and checks one control file; that its id is free, [`check`] says.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_control(file: &SourceFile) -> Result<Control, Vec<DefinitionError>> {
    parse("control", file, |raw: RawControl, problems| control::build(raw, shipped_frameworks(), problems))
}

/// Reads and checks one framework file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_framework(file: &SourceFile) -> Result<Framework, Vec<DefinitionError>> {
    parse("framework", file, |raw: RawFramework, problems| framework::build(raw, problems))
}

/// Reads and checks one file of tiers.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_tiers(file: &SourceFile) -> Result<Tiers, Vec<DefinitionError>> {
    let sha256 = hex(&Sha256::digest(&file.text));
    parse("tiers", file, |raw: RawTiers, problems| tiers::build(raw, sha256, problems))
}

/// Reads and checks one file of quotas.
///
/// # Errors
/// Everything that is wrong in the file.
pub fn parse_quotas(file: &SourceFile) -> Result<Quotas, Vec<DefinitionError>> {
    let sha256 = hex(&Sha256::digest(&file.text));
    parse("quotas", file, |raw: RawQuotas, problems| quotas::build(raw, sha256, problems))
}

/// Reads and checks one file of a report of tables that ships.
///
/// # Errors
/// Everything that is wrong in the file.
pub fn parse_report(file: &SourceFile) -> Result<TableReport, Vec<DefinitionError>> {
    let sha256 = hex(&Sha256::digest(&file.text));
    parse("report", file, |raw: RawTableReport, problems| table_report::build(raw, (sha256, true), problems))
}

/// A kind of definition file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefinitionKind {
    /// `lake.yaml`.
    Lake,
    /// `datasets/*.yaml`.
    Dataset,
    /// `jobs/*.yaml`.
    Job,
    /// `controls/*.yaml`.
    Control,
    /// `access.yaml`.
    Access,
    /// `policies/evidence.yaml`.
    Evidence,
    /// `policies/subjects.yaml`.
    Subjects,
    /// `policies/*.yaml` with first key `policy`.
    Retention,
    /// `policies/*.yaml` with first key `anonymize`.
    Anonymize,
    /// `slas/*.yaml` with first key `sla`.
    Sla,
    /// `slas/*.yaml` with first key `tiers`.
    Tiers,
    /// `slas/*.yaml` with first key `support`.
    Support,
    /// `slas/*.yaml` with first key `calendar`.
    Calendar,
    /// `slas/*.yaml` with first key `usage`.
    Usage,
    /// `slas/*.yaml` with first key `quotas`.
    Quotas,
    /// `reports/*.yaml`.
    Report,
    /// A request for an export.
    Request,
}

impl DefinitionKind {
    /// Every kind, in the order the guide explains them.
    pub const ALL: [Self; 17] = [
        Self::Lake,
        Self::Dataset,
        Self::Job,
        Self::Control,
        Self::Access,
        Self::Evidence,
        Self::Subjects,
        Self::Retention,
        Self::Anonymize,
        Self::Sla,
        Self::Tiers,
        Self::Support,
        Self::Calendar,
        Self::Usage,
        Self::Quotas,
        Self::Report,
        Self::Request,
    ];

    /// The word, also the first key of its files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lake => "lake",
            Self::Dataset => "dataset",
            Self::Job => "job",
            Self::Control => "control",
            Self::Access => "access",
            Self::Evidence => "evidence",
            Self::Subjects => "subjects",
            Self::Retention => "policy",
            Self::Anonymize => "anonymize",
            Self::Sla => "sla",
            Self::Tiers => "tiers",
            Self::Support => "support",
            Self::Calendar => "calendar",
            Self::Usage => "usage",
            Self::Quotas => "quotas",
            Self::Report => "report",
            Self::Request => "request",
        }
    }
}

/// The JSON Schema of a kind of file, for editors that complete and lint.
pub fn json_schema(kind: DefinitionKind) -> Value {
    match kind {
        DefinitionKind::Lake => schema_of::<RawLake>(),
        DefinitionKind::Dataset => schema_of::<RawDataset>(),
        DefinitionKind::Control => schema_of::<RawControl>(),
        DefinitionKind::Access => schema_of::<RawAccess>(),
        DefinitionKind::Evidence => schema_of::<RawEvidenceFile>(),
        DefinitionKind::Subjects => schema_of::<RawSubjectsFile>(),
        DefinitionKind::Retention => schema_of::<RawRetention>(),
        DefinitionKind::Anonymize => schema_of::<RawAnonymize>(),
        DefinitionKind::Sla => schema_of::<RawSla>(),
        DefinitionKind::Tiers => schema_of::<RawTiers>(),
        DefinitionKind::Support => schema_of::<RawSupport>(),
        DefinitionKind::Calendar => schema_of::<RawCalendar>(),
        DefinitionKind::Usage => schema_of::<RawUsage>(),
        DefinitionKind::Quotas => schema_of::<RawQuotas>(),
        DefinitionKind::Report => schema_of::<RawTableReport>(),
        DefinitionKind::Request => schema_of::<RawRequest>(),
        DefinitionKind::Job => {
            let mut generator = SchemaGenerator::default();
            let kinds = [
                generator.subschema_for::<Timed<RawIngest>>(),
                generator.subschema_for::<Timed<RawQuery>>(),
                generator.subschema_for::<Timed<RawExport>>(),
                generator.subschema_for::<Timed<RawReport>>(),
                generator.subschema_for::<Timed<RawVerify>>(),
                generator.subschema_for::<Timed<RawRetentionJob>>(),
                generator.subschema_for::<Timed<RawAnonymizeJob>>(),
                generator.subschema_for::<Timed<RawSlaJob>>(),
                generator.subschema_for::<Timed<RawUsageJob>>(),
                generator.subschema_for::<Timed<RawAnomaliesJob>>(),
                generator.subschema_for::<Timed<RawReportJob>>(),
            ];
            json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": "Job",
                "description": "A job: `jobs/*.yaml`.",
                "oneOf": kinds,
                "$defs": generator.take_definitions(true),
            })
        }
    }
}

fn schema_of<T: JsonSchema>() -> Value {
    SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

/// Text to checked value, for a file that stands alone.
fn parse<R, T>(
    document: &'static str,
    file: &SourceFile,
    build: impl FnOnce(R, &mut Problems) -> Option<T>,
) -> Result<T, Vec<DefinitionError>>
where
    R: DeserializeOwned + JsonSchema,
{
    let mut problems = Problems::of(&file.path);
    let built = problems
        .keep_placed(yaml::tree(&file.text))
        .and_then(|node| raw_of(document, file, &node, &mut problems))
        .and_then(|raw| build(raw, &mut problems));
    problems.into_result(built)
}

/// The typed reading of a tree, once every key in it is judged and none is missing or misshapen.
fn raw_of<R: DeserializeOwned + JsonSchema>(
    document: &'static str,
    file: &SourceFile,
    node: &Node,
    problems: &mut Problems,
) -> Option<R> {
    let readable = shape::judge(document, &schema_of::<R>(), node, problems);
    if readable { problems.keep_placed(yaml::typed(&file.text)) } else { None }
}

/// The same of a job: its own keys, and those that every job may have.
fn raw_job_of<R: DeserializeOwned + JsonSchema>(
    file: &SourceFile,
    node: &Node,
    problems: &mut Problems,
) -> Option<(R, RawTiming)> {
    if !shape::judge("job", &schema_of::<Timed<R>>(), node, problems) {
        return None;
    }
    let own = problems.keep_placed(yaml::typed(&file.text));
    let timing = problems.keep_placed(yaml::typed(&file.text));
    Some((own?, timing?))
}
