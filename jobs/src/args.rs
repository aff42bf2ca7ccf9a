//! The command line.

mod anomalies;
mod anonymize;
mod evidence;
mod export;
mod lineage;
mod notify;
mod requests;
mod retention;
mod runs;
mod schedule;
mod serve;
mod sla;
mod subject;
mod usage;

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use engine::Resources;
use schemas::{FindingState, IngestFormat};

pub use anomalies::{AlertStateArg, AlertStepArgs, AnomaliesCommand, ScoreArgs, TrendArgs};
pub use anonymize::{AnonymizeArgs, AnonymizeCommand, CopyCheckArgs};
pub use evidence::{EvidenceCommand, VerifyArgs};
pub use export::{ExportArgs, ExportCommand};
pub use lineage::{
    DatasetKindArg, DiffArgs, DirectionArg, DocumentArg, FormsArgs, GapsArgs, LineageCommand, LineageExportArgs,
    RegisterArgs, WalkArgs, WhyArgs,
};

pub use notify::NotifyCommand;
pub use requests::RequestsCommand;
pub use retention::{ApplyArgs, ApproveArgs, FailOnArg, HoldCommand, PlaceArgs, PlanArgs, RetentionCommand};
pub use runs::RunsCommand;
pub use schedule::{JobCommand, RunArgs, RunDecisionArgs, ScheduleCommand};
pub use serve::ServeArgs;
pub use sla::SlaCommand;
pub use subject::{
    ApplyCaseArgs, CaseArgs, CaseEndArg, CorrectArgs, EraseArgs, NoteArgs, OpenArgs, PackageArgs, SubjectCommand,
    SubjectRequestArg, WhoArgs,
};
pub use usage::{FocusArgs, UsageCommand};

use crate::error::JobError;
use crate::lake::OpenLake;

/// Audit and usage events into evidence that a stranger can check.
#[derive(Debug, Parser)]
#[command(name = "auditlake", version, after_help = EXAMPLE)]
pub struct Cli {
    /// Folder of lake.yaml
    #[arg(long, env = "AUDITLAKE_LAKE", default_value = ".", global = true, value_name = "DIR")]
    pub lake: PathBuf,
    /// Text for people, or one JSON document on standard output
    #[arg(long, value_enum, default_value_t = OutputForm::Human, global = true)]
    pub output: OutputForm,
    /// Pin the clock to an instant, for example 2026-03-29T04:00:00Z
    #[arg(long, global = true, value_name = "INSTANT", value_parser = schemas::parse_rfc3339)]
    pub at: Option<DateTime<Utc>>,
    /// Memory of all queries together, for example 512MiB or 4GiB; what needs more goes to disk where it can
    #[arg(long, env = "AUDITLAKE_MEMORY", default_value = "2GiB", global = true, value_name = "SIZE", value_parser = memory)]
    pub memory: usize,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The lake that the command is about.
    ///
    /// # Errors
    /// As [`OpenLake::open`].
    pub(crate) fn open(&self) -> Result<OpenLake, JobError> {
        OpenLake::open_within(&self.lake, Resources { memory_bytes: self.memory, ..Resources::default() })
    }
}

/// Bytes of a size such as `4GiB`.
fn memory(text: &str) -> Result<usize, String> {
    const LEAST: usize = 64 << 20;
    let units = [("GiB", 30), ("MiB", 20)];
    let bytes = units.iter().find_map(|(unit, shift)| {
        let number: usize = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(1 << shift)
    });
    match bytes {
        Some(bytes) if bytes >= LEAST => Ok(bytes),
        Some(_) => Err("queries need 64MiB or more".to_owned()),
        None => Err("give a size in MiB or GiB, for example 512MiB or 4GiB".to_owned()),
    }
}

const EXAMPLE: &str = "Example:
  auditlake init my-lake
  auditlake --lake my-lake ingest cloudtrail downloads/AWSLogs --into audit
  auditlake --lake my-lake sql \"SELECT source, count(*) FROM audit GROUP BY source\"
  auditlake --lake my-lake run compliance --at 2026-03-01T00:00:00Z";

/// How a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputForm {
    /// Text for people
    Human,
    /// One JSON document
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a folder with the definitions of an empty lake
    #[command(after_help = "Example: auditlake init my-lake")]
    Init {
        /// Folder, which must be absent or empty
        dir: PathBuf,
    },
    /// Make a lake of invented events with planted violations, and its report
    #[command(after_help = "Example: auditlake demo demo-lake")]
    Demo {
        /// Folder, which must be absent or empty
        #[arg(default_value = "demo-lake")]
        dir: PathBuf,
    },
    /// Check every definition and show all errors at once
    #[command(after_help = "Examples:
  auditlake --lake my-lake check
  auditlake --lake my-lake check --files")]
    Check {
        /// Open every file of the datasets, too: is it of its schema, and where its folder says?
        #[arg(long)]
        files: bool,
    },
    /// Print the JSON Schema of a kind of definition
    #[command(after_help = "Example: auditlake schema job > job.schema.json")]
    Schema {
        /// Kind of definition
        #[arg(value_parser = ["access", "anonymize", "control", "dataset", "evidence", "job", "lake", "lineage-graph", "policy", "request", "subjects"])]
        kind: String,
    },
    /// Read source records into a dataset, each once
    #[command(after_help = "Examples:
  auditlake ingest cloudtrail downloads/AWSLogs --into audit
  auditlake ingest kubernetes downloads/cluster-a --into audit --tenant cluster-a
  auditlake ingest ndjson drop/app --into audit --mapping app@1 --map-file app.sql
  auditlake ingest focus drop/bills --into usage")]
    Ingest(IngestArgs),
    /// Run reading SQL: a statement, a script, or a shell on the terminal
    #[command(after_help = "Examples:
  auditlake sql
  auditlake sql \"SELECT outcome, count(*) FROM audit GROUP BY outcome\" --format csv
  auditlake sql < statements.sql")]
    Sql(SqlArgs),
    /// Write rows as CSV, JSON, XLSX, Parquet, XML, YAML or Arrow: whole, with a manifest, or not at all
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:
  auditlake export --dataset audit --to march.csv --filter \"time >= '2026-03-01'\" --columns event_id,time,actor_id:who
  auditlake export --sql \"SELECT tenant_id, count(*) AS n FROM audit GROUP BY tenant_id\" --format xlsx --to counts.xlsx
  auditlake export --dataset audit --format ndjson --compress zstd --split-rows 1000000 --to s3://bucket/exports/march/
  auditlake export verify s3://bucket/exports/march/manifest.json"
    )]
    Export(Box<ExportArgs>),
    /// Make few big files of the many small ones of a dataset, with the same rows
    #[command(after_help = "Example: auditlake compact audit --dry-run")]
    Compact(CompactArgs),
    /// Run a job once, or whatever is due, or intervals of the past
    #[command(after_help = "Examples:
  auditlake run compliance --at 2026-03-01T00:00:00Z --fail-on fail,error
  auditlake run --due
  auditlake run soc2-daily --from 2026-01-01 --to 2026-03-01 --workers 2 --dry-run")]
    Run(Box<RunArgs>),
    /// Look at fires to come; pause and resume
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Look at jobs and how they stand
    #[command(subcommand)]
    Job(JobCommand),
    /// Stay: do what is due, answer requests, and say how it is over HTTP
    #[command(after_help = "Example: auditlake serve --workers 4 --listen 127.0.0.1:9464

SIGTERM and SIGINT stop it; what is at work gets --grace seconds, then others go on with it.")]
    Serve(ServeArgs),
    /// Look at the runs of the ledger
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Try channels that are told what happens, see what was not delivered, send it again
    #[command(subcommand)]
    Notify(NotifyCommand),
    /// Look at findings, and decide about them
    #[command(subcommand)]
    Findings(FindingsCommand),
    /// Answer export requests that people drop onto the store, and look at them
    #[command(subcommand)]
    Requests(RequestsCommand),
    /// Look at who may see what
    #[command(subcommand)]
    Access(AccessCommand),
    /// Look at what was computed from what
    #[command(subcommand)]
    Lineage(LineageCommand),
    /// Plan what must go, agree to it, and apply it; receipts stay
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// Make a copy of a dataset that is safe to share, and publish it only when it measures what it must
    #[command(
        args_conflicts_with_subcommands = true,
        subcommand_negates_reqs = true,
        after_help = "Examples:
  auditlake anonymize study-copy --dry-run
  auditlake anonymize study-copy --at 2026-03-01T00:00:00Z
  auditlake anonymize check study.csv --quasi age,postcode --sensitive diagnosis"
    )]
    Anonymize(AnonymizeArgs),
    /// See what is unusual in a series of values
    #[command(subcommand)]
    Anomalies(AnomaliesCommand),
    /// See what was promised to tenants, and how it was kept
    #[command(subcommand)]
    Sla(SlaCommand),
    /// See what tenants used, of how much, and what it costs
    #[command(subcommand)]
    Usage(UsageCommand),
    /// Say what must stay whatever policies say: legal holds
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Answer what persons ask for: what there is about them, and that it goes
    #[command(subcommand)]
    Subject(SubjectCommand),
    /// Keep the log that shows what was done
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Check everything against the evidence log, and say what could not be checked; changes nothing
    #[command(after_help = "Examples:
  auditlake verify
  auditlake verify --keys auditor/log.pub --checkpoint auditor/checkpoint
  auditlake verify --dataset audit --from 2026-03-01 --to 2026-03-31
  auditlake verify data/reports/2026-03-02/compliance.html --keys auditor/log.pub

Exits with 3 when anything is wrong, with 1 when it could not look.")]
    Verify(VerifyArgs),
    /// Print a script that lets a shell complete the commands
    #[command(
        after_help = "Example: auditlake completions bash > ~/.local/share/bash-completion/completions/auditlake"
    )]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page, or write one of each command
    #[command(after_help = "Examples:
  auditlake man | man -l -
  auditlake man --dir ~/.local/share/man/man1")]
    Man {
        /// Folder for a page of each command; it is made where it is absent
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

/// Looking at access.yaml.
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// Every principal in a line
    #[command(after_help = "Example: auditlake access list")]
    List,
    /// What a principal sees, of one dataset or of all, and why
    #[command(after_help = "Example: auditlake access explain alice audit")]
    Explain {
        /// The principal
        principal: String,
        /// The dataset; all of them if not given
        dataset: Option<String>,
    },
    /// Ingest records of statements and exports into the dataset that lake.yaml names under access_events
    #[command(after_help = "Example: auditlake access events\n\n\
        Every run of a job and the watch of the inbox do it, too.")]
    Events,
}

/// What to compact.
#[derive(Debug, Args)]
pub struct CompactArgs {
    /// The dataset
    pub dataset: String,
    /// Hours that replaced files stay for readers that began before
    #[arg(long, default_value_t = 24, value_name = "HOURS")]
    pub grace_hours: u16,
    /// Size that files grow to; smaller ones than half of it are rewritten
    #[arg(long, default_value_t = 256, value_name = "MIB", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub file_mib: u16,
    /// Say what would be rewritten and leave it
    #[arg(long)]
    pub dry_run: bool,
}

/// What to ingest.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Shape of the records
    #[arg(value_enum)]
    pub format: FormatArg,
    /// Files or folders, or prefixes in buckets such as s3://bucket/AWSLogs
    #[arg(required_unless_present = "rejected")]
    pub paths: Vec<PathBuf>,
    /// Read what earlier ingests into the dataset refused, in place of files
    #[arg(long, conflicts_with_all = ["paths", "partial", "max_rejected_ppm"])]
    pub rejected: bool,
    /// Dataset the rows go to
    #[arg(long)]
    pub into: String,
    /// Name and version of the mapping, for example app@1
    #[arg(long, requires = "map_file")]
    pub mapping: Option<String>,
    /// File with the mapping's SELECT … FROM input
    #[arg(long, requires = "mapping")]
    pub map_file: Option<PathBuf>,
    /// Tenant of records that name none
    #[arg(long)]
    pub tenant: Option<String>,
    /// Accept truncated objects and more rejected records than allowed
    #[arg(long)]
    pub partial: bool,
    /// Records per million of an object that may be rejected
    #[arg(long, default_value_t = 10_000, value_name = "PPM")]
    pub max_rejected_ppm: u64,
}

/// Shape of source records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// CloudTrail objects, arrays or lines
    Cloudtrail,
    /// Kubernetes audit events, lists of them or lines; --tenant says whose they are
    Kubernetes,
    /// One JSON object a line
    Ndjson,
    /// OCSF events as JSON, lines or Parquet
    Ocsf,
    /// Separated by commas, semicolons or tabs, below a line that names the columns
    Csv,
    /// Parquet files
    Parquet,
    /// FOCUS bills, CSV or Parquet
    Focus,
    /// The AWS Cost and Usage Report, CSV
    #[value(name = "aws_cur")]
    AwsCur,
}

impl From<FormatArg> for IngestFormat {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Cloudtrail => Self::Cloudtrail,
            FormatArg::Kubernetes => Self::Kubernetes,
            FormatArg::Ndjson => Self::Ndjson,
            FormatArg::Ocsf => Self::Ocsf,
            FormatArg::Csv => Self::Csv,
            FormatArg::Parquet => Self::Parquet,
            FormatArg::Focus => Self::Focus,
            FormatArg::AwsCur => Self::AwsCur,
        }
    }
}

/// Which statement, and how its rows are written.
#[derive(Debug, Args)]
pub struct SqlArgs {
    /// The statement; with none, a shell on a terminal, else statements from standard input, as with -
    #[arg(conflicts_with = "file")]
    pub statement: Option<String>,
    /// File with statements, each ended by ;
    #[arg(long)]
    pub file: Option<PathBuf>,
    /// Form of the rows; with --output json it is json
    #[arg(long, value_parser = ["table", "csv", "json", "ndjson"])]
    pub format: Option<String>,
    /// Do not keep what is typed into the shell for the next time
    #[arg(long)]
    pub no_history: bool,
    /// See what this principal of access.yaml sees
    #[arg(long = "as", value_name = "PRINCIPAL")]
    pub principal: Option<String>,
}

/// Findings and decisions on them.
#[derive(Debug, Subcommand)]
pub enum FindingsCommand {
    /// Every finding with its state, once
    #[command(after_help = "Example: auditlake findings list --control AL-AUTH-003 --state open")]
    List {
        /// Findings of this control
        #[arg(long, value_name = "ID")]
        control: Option<String>,
        /// Findings in this state
        #[arg(long, value_enum)]
        state: Option<StateArg>,
    },
    /// Accept, remediate or refute a finding, or take such a decision back; it stays counted
    #[command(after_help = "Examples:
  auditlake findings decide FINDING_ID --state accepted --by \"head of security\" --reason \"break-glass account, ticket 4711\" --until 2026-06-30
  auditlake findings decide FINDING_ID --state open --by \"head of security\" --reason \"the account was used again\"")]
    Decide(DecideArgs),
}

/// A decision on a finding.
#[derive(Debug, Args)]
pub struct DecideArgs {
    /// Id of the finding, as reports and `findings list` show it
    pub finding_id: String,
    /// What is thought of it; open takes a decision back
    #[arg(long, value_enum)]
    pub state: StateArg,
    /// Who decides
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Last day on which it holds, in the lake's timezone; accepted and false_positive need one
    #[arg(long, value_name = "DATE", value_parser = schemas::parse_day)]
    pub until: Option<NaiveDate>,
}

/// Where a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StateArg {
    /// Nobody has decided, or the decision was taken back or has run out
    Open,
    /// The risk is borne for a time
    Accepted,
    /// It was put right
    Remediated,
    /// The control is wrong about it
    #[value(name = "false_positive")]
    FalsePositive,
}

impl From<StateArg> for FindingState {
    fn from(state: StateArg) -> Self {
        match state {
            StateArg::Open => Self::Open,
            StateArg::Accepted => Self::Accepted,
            StateArg::Remediated => Self::Remediated,
            StateArg::FalsePositive => Self::FalsePositive,
        }
    }
}

/// A report, and who takes a step of its review.
#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// Run id, for example compliance@20260301T000000Z
    pub run: String,
    /// The principal of access.yaml who does it
    #[arg(long = "as", value_name = "PRINCIPAL")]
    pub principal: String,
}
