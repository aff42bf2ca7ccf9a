//! What definitions become once they are checked: only these travel to the floors above.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::dataset::REJECTED_ENDING;
use super::export::ExportSpec;
use super::place::ARCHIVE_PREFIX;
use super::report_spec::{ReportSpec, SlaSpec, UsageSpec};
use super::store_url::StoreUrl;
use crate::access::Access;
use crate::anomaly::AnomaliesSpec;
use crate::anonymize::AnonymizePolicy;
use crate::control::Control;
use crate::evidence::EvidencePolicy;
use crate::framework::Framework;
use crate::id::{ControlId, DatasetId, JobId, LakeId, PolicyId, Purpose, ReportId};
use crate::notify::NotifyChannel;
use crate::retention::RetentionPolicy;
use crate::schedule::Timing;
use crate::sla::{Sla, UnboundSlo};
use crate::subject::SubjectPolicy;
use crate::support::SupportAgreement;
use crate::table::TableSchema;
use crate::table_report::{TableReport, TableReportSpec};
use crate::tables::{AUDIT, INFERRED, REJECTED, USAGE};
use crate::usage::UsageContract;

/// A checked lake: every definition of one folder, with what ships beside it.
#[derive(Debug, Clone)]
pub struct Lake {
    /// Its name.
    pub id: LakeId,
    /// Where its data lies.
    pub store: StoreUrl,
    /// Zone of schedules, reports and paths; UTC unless said otherwise.
    pub timezone: chrono_tz::Tz,
    /// The dataset that records of statements and exports are ingested into; none where they stay records.
    pub access_events: Option<DatasetId>,
    /// Who is told what happens, by name.
    pub notify: Vec<NotifyChannel>,
    /// Who may see what; none where whoever reads the store sees all of it.
    pub access: Option<Access>,
    /// How it keeps evidence of itself; none where nothing is signed.
    pub evidence: Option<EvidencePolicy>,
    /// How requests of persons are answered; none where they are not.
    pub subjects: Option<SubjectPolicy>,
    /// Retention policies, by id, those that are not enabled, too.
    pub retention: Vec<RetentionPolicy>,
    /// Policies of anonymized copies, by id, those that are not enabled, too.
    pub copies: Vec<AnonymizePolicy>,
    /// SLAs, sorted by id.
    pub slas: Vec<Sla>,
    /// Objectives of OpenSLO that nothing is judged of, sorted by id.
    pub unbound: Vec<UnboundSlo>,
    /// What reading OpenSLO took another way than it is written, or did not take, with its place.
    pub openslo_notes: Vec<String>,
    /// Support agreements, sorted by id.
    pub supports: Vec<SupportAgreement>,
    /// Contracts about usage, sorted by id.
    pub usages: Vec<UsageContract>,
    /// Reports of tables, sorted by id: those that ship and the lake's own.
    pub reports: Vec<TableReport>,
    /// Datasets, by id.
    pub datasets: Vec<Dataset>,
    /// Jobs, by id.
    pub jobs: Vec<Job>,
    /// Controls, by id: those that ship and the lake's own.
    pub controls: Vec<Control>,
    /// The frameworks that ship.
    pub frameworks: Vec<Framework>,
    /// SHA-256 in hex over path and text of every definition file, by path.
    pub sha256: String,
}

impl Lake {
    /// The dataset of that name.
    pub fn dataset(&self, id: &DatasetId) -> Option<&Dataset> {
        self.datasets.iter().find(|dataset| dataset.id == *id)
    }

    /// The dataset of that name, or the one that holds what a dataset's ingests refuse: policies are for both.
    pub fn dataset_or_rejected(&self, id: &DatasetId) -> Option<Dataset> {
        let base = || DatasetId::parse(id.as_str().strip_suffix(REJECTED_ENDING)?).ok();
        self.dataset(id).cloned().or_else(|| self.dataset(&base()?)?.rejected())
    }

    /// The enabled policy about a dataset; there is at most one.
    pub fn policy_of(&self, dataset: &DatasetId) -> Option<&RetentionPolicy> {
        self.retention.iter().find(|policy| policy.enabled && policy.dataset == *dataset)
    }

    /// The policy of an anonymized copy of that name.
    pub fn copy(&self, id: &PolicyId) -> Option<&AnonymizePolicy> {
        self.copies.iter().find(|policy| policy.id == *id)
    }

    /// The job of that name.
    pub fn job(&self, id: &JobId) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == *id)
    }

    /// The control of that id.
    pub fn control(&self, id: &ControlId) -> Option<&Control> {
        self.controls.iter().find(|control| control.id == *id)
    }

    /// The report of tables of that name.
    pub fn report(&self, id: &ReportId) -> Option<&TableReport> {
        self.reports.iter().find(|report| report.id == *id)
    }

    /// The framework of that key.
    pub fn framework(&self, key: &str) -> Option<&Framework> {
        self.frameworks.iter().find(|framework| framework.key == key)
    }
}

/// How carefully a column is to be handled, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// May be seen by anyone.
    Public,
    /// For the company.
    Internal,
    /// About a natural person; evidence shows a keyed pseudonym.
    Personal,
    /// About health, belief, origin or the like of a natural person.
    Special,
    /// Credentials and keys.
    Secret,
}

impl Class {
    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Personal => "personal",
            Self::Special => "special",
            Self::Secret => "secret",
        }
    }
}

/// A checked dataset.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Its name, also in SQL.
    pub id: DatasetId,
    /// Prefix in the store: relative, ends with `/`, overlaps no other dataset's and not `_auditlake/`. Of a dataset
    /// elsewhere, the URL.
    pub location: String,
    /// Where it lies, if not in the lake's store: such files are read and never written.
    pub elsewhere: Option<StoreUrl>,
    /// Its columns; [`INFERRED`] when they are those of the files.
    pub schema: &'static TableSchema,
    /// `SELECT … FROM input` that makes rows of the schema of what the files hold.
    pub map: Option<String>,
    /// Column of event time: as declared, else the schema's.
    pub time: Option<String>,
    /// Column that says whose row it is: as declared, else the schema's; empty when there is none.
    pub tenant: String,
    /// Columns that name a natural person: as declared, else the schema's.
    pub subjects: Vec<String>,
    /// Declared classes by column; a column that is not here has none.
    pub classes: BTreeMap<String, Class>,
    /// Classes of data of rows that do not say it themselves in `data_classes`.
    pub data_classes: Vec<String>,
    /// Columns that a person may take along (GDPR Art. 20).
    pub portable: BTreeSet<String>,
}

impl Dataset {
    /// Whether its columns are those of the files.
    pub fn is_inferred(&self) -> bool {
        self.schema.name == INFERRED.name
    }

    /// The dataset that holds what its ingests refuse; none of one that they do not write.
    pub fn rejected(&self) -> Option<Self> {
        let id = DatasetId::parse(&format!("{}{REJECTED_ENDING}", self.id)).ok().filter(|_| self.is_ours())?;
        Some(Self {
            id,
            location: format!("{}{REJECTED_ENDING}/", self.location.trim_end_matches('/')),
            elsewhere: None,
            schema: &REJECTED,
            map: None,
            time: REJECTED.time.map(str::to_owned),
            tenant: REJECTED.tenant.to_owned(),
            subjects: Vec::new(),
            classes: BTreeMap::new(),
            data_classes: self.data_classes.clone(),
            portable: BTreeSet::new(),
        })
    }

    /// What retention archived of it, as a dataset of its own: `<dataset>@archive`, below `archive/<dataset>/`. Its files lie in
    /// no folder of a tenant or day, and have the columns that they had.
    pub fn archive(&self) -> Self {
        Self {
            id: self.id.of_archive(),
            location: format!("{ARCHIVE_PREFIX}{}/", self.id),
            elsewhere: None,
            ..self.clone()
        }
    }

    /// Whether ingest writes its files, so that their layout and types are known.
    pub fn is_ours(&self) -> bool {
        self.elsewhere.is_none() && self.map.is_none() && !self.is_inferred()
    }

    /// Whether the column is about a natural person: declared `personal` or above.
    pub fn is_personal(&self, column: &str) -> bool {
        self.classes.get(column).is_some_and(|class| *class >= Class::Personal)
    }
}

/// A checked job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// When it does it.
    pub timing: Timing,
    /// SHA-256 of its file, in hex.
    pub sha256: String,
}

impl Job {
    /// How long before the instant of a run its data begins, where the job says so.
    pub fn window_seconds(&self) -> Option<u64> {
        match &self.kind {
            JobKind::ComplianceReport(spec) => spec.window_seconds,
            JobKind::Query(spec) => spec.window_seconds,
            JobKind::Export(spec) => spec.window_seconds,
            JobKind::Anonymize(spec) => spec.window_seconds,
            JobKind::Anomalies(spec) => spec.window_seconds,
            JobKind::Report(spec) => spec.window_seconds,
            JobKind::Ingest(_) | JobKind::Verify(_) | JobKind::Retention(_) | JobKind::Sla(_) | JobKind::Usage(_) => {
                None
            }
        }
    }

    /// Whether its runs cover any time: of a job without schedule and window, each is of one instant.
    pub(crate) fn covers_time(&self) -> bool {
        self.timing.schedule.is_some() || !self.timing.after.is_empty() || self.window_seconds().is_some()
    }
}

/// What a job does.
#[derive(Debug, Clone, PartialEq)]
pub enum JobKind {
    /// Source records into a dataset.
    Ingest(IngestSpec),
    /// A statement whose rows for one interval become part of a dataset.
    Query(QuerySpec),
    /// Rows of one interval as files.
    Export(ExportSpec),
    /// Controls over a window into a report.
    ComplianceReport(ReportSpec),
    /// Whether datasets are still what was signed.
    Verify(VerifySpec),
    /// Retention policies: a plan each, carried out where that was approved.
    Retention(RetentionSpec),
    /// A copy that is safe to share, measured before anybody sees it.
    Anonymize(AnonymizeSpec),
    /// An SLA, judged for the periods that have ended.
    Sla(SlaSpec),
    /// What tenants used of their quotas.
    Usage(UsageSpec),
    /// Metrics whose unusual buckets raise alerts.
    Anomalies(AnomaliesSpec),
    /// Tables of a report, filled.
    Report(TableReportSpec),
}

impl JobKind {
    /// The word in YAML.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ingest(_) => "ingest",
            Self::Query(_) => "query",
            Self::Export(_) => "export",
            Self::ComplianceReport(_) => "compliance_report",
            Self::Verify(_) => "verify",
            Self::Retention(_) => "retention",
            Self::Anonymize(_) => "anonymize",
            Self::Sla(_) => "sla",
            Self::Usage(_) => "usage",
            Self::Anomalies(_) => "anomalies",
            Self::Report(_) => "report",
        }
    }
}

/// What an ingest reads and where it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestSpec {
    /// Folder, relative to the folder of `lake.yaml` or absolute; or a prefix in a bucket, `s3://bucket/prefix`.
    pub from: String,
    /// What lies there.
    pub format: IngestFormat,
    /// Dataset it goes to.
    pub into: DatasetId,
    /// SQL that makes rows of records; none where records already are rows of the dataset's schema.
    pub mapping: Option<Mapping>,
    /// Tenant of records that name none.
    pub tenant: Option<String>,
    /// Records per million of an object that may be rejected before the run fails.
    pub max_rejected_ppm: u64,
}

/// Shape of source records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IngestFormat {
    /// CloudTrail objects, arrays or lines; the mapping is built in.
    Cloudtrail,
    /// Kubernetes audit events, lists of them or lines; the mapping is built in.
    Kubernetes,
    /// One JSON object a line.
    Ndjson,
    /// OCSF events as JSON, lines or Parquet; the mapping is built in.
    Ocsf,
    /// Comma-separated lines below one that names the columns; semicolons and tabs, too.
    Csv,
    /// Parquet files, one record a row.
    Parquet,
    /// FOCUS bills, CSV or Parquet; the mapping is built in.
    Focus,
    /// The AWS Cost and Usage Report, CSV; the mapping is built in.
    AwsCur,
}

impl IngestFormat {
    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cloudtrail => "cloudtrail",
            Self::Kubernetes => "kubernetes",
            Self::Ndjson => "ndjson",
            Self::Ocsf => "ocsf",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Focus => "focus",
            Self::AwsCur => "aws_cur",
        }
    }

    /// The schema of the rows that a built-in mapping makes; none where the mapping is one's own.
    pub fn makes(self) -> Option<&'static TableSchema> {
        match self {
            Self::Cloudtrail | Self::Kubernetes | Self::Ocsf => Some(&AUDIT),
            Self::Focus | Self::AwsCur => Some(&USAGE),
            Self::Ndjson | Self::Csv | Self::Parquet => None,
        }
    }

    /// Whether no record says whose it is, so that the tenant must be given.
    pub fn needs_tenant(self) -> bool {
        self == Self::Kubernetes
    }

    /// Name with version of what makes rows where no mapping is given.
    pub fn built_in_mapping(self) -> String {
        format!("{}@1", self.as_str())
    }
}

/// SQL that turns records into rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Name with version, for example `app@1`.
    pub name: String,
    /// A `SELECT` from `input`.
    pub sql: String,
}

/// What a query computes and where its rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuerySpec {
    /// Length of the interval, up to its end; the run's own interval where there is none.
    pub window_seconds: Option<u64>,
    /// The dataset.
    pub into: DatasetId,
    /// A `SELECT` with `$start` or `$end` in it.
    pub sql: String,
    /// What the rows are used for: those of persons who object to it are left out. None leaves nobody out.
    pub purpose: Option<Purpose>,
    /// Whether its groupings are folded from states of files.
    pub incremental: Incremental,
    /// Where its SQL is written.
    pub written: WrittenAt,
}

/// A place in a file of definitions, for what can be said of it only once the whole lake is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenAt {
    /// The file, relative to the lake's folder.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Whether a job's groupings are folded from what is kept of each file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Incremental {
    /// They are computed from the files each time, and nothing is kept.
    #[default]
    Never,
    /// They are where they can be and it pays.
    Auto,
    /// They must be.
    Always,
}

/// What a verification looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifySpec {
    /// Exactly these datasets; none means every dataset.
    pub datasets: Vec<DatasetId>,
}

/// Whose policies are carried out. A plan that a standing approval covers is applied by the run; any other waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionSpec {
    /// Exactly these datasets; none means every dataset with an enabled policy.
    pub datasets: Vec<DatasetId>,
}

/// Which copy is made, and of which rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnonymizeSpec {
    /// The policy.
    pub policy: PolicyId,
    /// Length of the interval, up to its end; every row where there is none.
    pub window_seconds: Option<u64>,
    /// What the rows are used for: those of persons who object to it are left out. None leaves nobody out.
    pub purpose: Option<Purpose>,
}
