//! `auditlake lineage`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use lineage::DatasetKind;

/// What was computed from what.
#[derive(Debug, Subcommand)]
pub enum LineageCommand {
    /// Which columns each column of a statement comes from, and how; nothing is run
    #[command(after_help = "Examples:
  auditlake lineage columns per-day
  auditlake lineage columns --sql statement.sql
  echo \"SELECT tenant_id, count(*) AS n FROM audit GROUP BY tenant_id\" | auditlake lineage columns --sql -")]
    Columns {
        /// A job of kind query
        #[arg(conflicts_with = "sql")]
        job: Option<String>,
        /// File with a statement, or - for standard input
        #[arg(long, value_name = "FILE")]
        sql: Option<PathBuf>,
    },
    /// Where a dataset or a column comes from, back to what nothing known writes
    #[command(after_help = "Examples:
  auditlake lineage trace reports.compliance.AL-ACC-002.violations
  auditlake lineage trace reports.compliance --files --output json
  auditlake lineage trace per_day.failures --depth 1")]
    Trace(WalkArgs),
    /// What a dataset or a column reaches: every dataset, report and export, and what of it arrives there
    #[command(after_help = "Examples:
  auditlake lineage impact audit.actor_id
  auditlake lineage impact audit --direct --as-of 2026-10-01T00:00:00Z")]
    Impact(WalkArgs),
    /// One shortest way from a column to another, step by step
    #[command(after_help = "Example: auditlake lineage why audit.actor_id reports.compliance.AL-ACC-002.findings")]
    Why(WhyArgs),
    /// Where personal data has gone, and what is left of it there
    #[command(after_help = "Examples:
  auditlake lineage forms
  auditlake lineage forms --class personal --fail-on undeclared")]
    Forms(FormsArgs),
    /// What is not known exactly, and why
    #[command(after_help = "Example: auditlake lineage gaps --fail-on opaque")]
    Gaps(GapsArgs),
    /// What changed between two instants
    #[command(after_help = "Example: auditlake lineage diff --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z")]
    Diff(DiffArgs),
    /// Write the graph, or what files of OpenLineage events and manifests of dbt say, as a page or for other programs
    #[command(after_help = "Examples:
  auditlake lineage export --to lineage.html
  auditlake lineage export --focus audit --depth 2 --format dot --to - | dot -Tsvg
  auditlake lineage export --format openlineage --to events.ndjson
  auditlake lineage export --from events.ndjson --focus orders.total --direction trace --to lineage.html
  auditlake lineage export --from manifest.json --dbt-namespace postgres://db.example:5432 --to models.html")]
    Export(LineageExportArgs),
    /// Take in files of OpenLineage events and manifests of dbt, each event once
    #[command(after_help = "Examples:
  auditlake lineage import events.ndjson
  auditlake lineage import manifest.json --dbt-namespace postgres://db.example:5432")]
    Import {
        /// Files of events, one a line, a list or a single one; or manifests of dbt
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Where the tables of a manifest are
        #[arg(long, value_name = "NAMESPACE")]
        dbt_namespace: Option<String>,
    },
    /// Tell of a dataset or a model outside the lake what it is, whose, and which columns are personal
    #[command(after_help = "Examples:
  auditlake lineage register --dataset s3://ml/models/churn --type model --owner risk-team
  auditlake lineage register --dataset postgres://db.example:5432/crm.customers --class email=personal")]
    Register(RegisterArgs),
    /// Write a snapshot of the graph, so that questions need not read the whole log
    #[command(after_help = "Example: auditlake lineage compact")]
    Compact,
    /// Write a snapshot from the log alone, for example because one is damaged
    #[command(after_help = "Example: auditlake lineage rebuild")]
    Rebuild,
}

/// Where a walk begins, and how far it goes.
#[derive(Debug, Args)]
pub struct WalkArgs {
    /// A dataset or a column: dataset, dataset.column, or namespace/dataset#column
    #[arg(value_name = "NODE")]
    pub node: String,
    /// Steps from it; all of them if not given
    #[arg(long)]
    pub depth: Option<u32>,
    /// Only where a value arrives, and not where it decides about rows
    #[arg(long)]
    pub direct: bool,
    /// As it was at an instant, for example 2026-10-01T00:00:00Z
    #[arg(long, value_name = "INSTANT", value_parser = schemas::parse_rfc3339)]
    pub as_of: Option<DateTime<Utc>>,
    /// List the files and their ETags that the last run read, and the runs that wrote them
    #[arg(long)]
    pub files: bool,
    /// The run whose files are listed, for example compliance@20260302T000000Z
    #[arg(long, requires = "files")]
    pub run: Option<String>,
}

/// Two ends of a way.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// The source
    #[arg(value_name = "SOURCE")]
    pub from: String,
    /// What depends on it
    #[arg(value_name = "TARGET")]
    pub to: String,
    /// As it was at an instant
    #[arg(long, value_name = "INSTANT", value_parser = schemas::parse_rfc3339)]
    pub as_of: Option<DateTime<Utc>>,
}

/// Which classes are followed.
#[derive(Debug, Args)]
pub struct FormsArgs {
    /// A class of columns; personal, special and secret if not given
    #[arg(long)]
    pub class: Option<String>,
    /// Exit with 3 when there is a column of this kind
    #[arg(long, value_delimiter = ',', value_parser = ["undeclared", "unexplained"])]
    pub fail_on: Vec<String>,
}

/// Which gaps are failures.
#[derive(Debug, Args)]
pub struct GapsArgs {
    /// Exit with 3 when something is of this certainty
    #[arg(long, value_delimiter = ',', value_parser = ["superset", "opaque"])]
    pub fail_on: Vec<String>,
}

/// Two instants.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The earlier one
    #[arg(long, value_name = "INSTANT", value_parser = schemas::parse_rfc3339)]
    pub from: DateTime<Utc>,
    /// The later one; now if not given
    #[arg(long, value_name = "INSTANT", value_parser = schemas::parse_rfc3339)]
    pub to: Option<DateTime<Utc>>,
}

/// What is known of something outside the lake.
#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// Its URL
    #[arg(long, value_name = "URL")]
    pub dataset: String,
    /// What it is
    #[arg(long = "type", value_enum, default_value = "table")]
    pub kind: DatasetKindArg,
    /// Who answers for it
    #[arg(long)]
    pub owner: Vec<String>,
    /// A word put on it, NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    pub tag: Vec<String>,
    /// The class of a column, for example email=personal
    #[arg(long, value_name = "COLUMN=CLASS")]
    pub class: Vec<String>,
}

/// What a dataset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DatasetKindArg {
    /// Rows and columns
    Table,
    /// A file
    File,
    /// Messages that are kept
    Topic,
    /// Messages that pass
    Stream,
    /// A model that predicts
    Model,
    /// A view
    View,
}

impl From<DatasetKindArg> for DatasetKind {
    fn from(kind: DatasetKindArg) -> Self {
        match kind {
            DatasetKindArg::Table => Self::Table,
            DatasetKindArg::File => Self::File,
            DatasetKindArg::Topic => Self::Topic,
            DatasetKindArg::Stream => Self::Stream,
            DatasetKindArg::Model => Self::Model,
            DatasetKindArg::View => Self::View,
        }
    }
}

/// What is drawn, and how.
#[derive(Debug, Args)]
pub struct LineageExportArgs {
    /// Files of events, one a line, a list or a single one, or manifests of dbt; the lake if not given
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub from: Vec<PathBuf>,
    /// A dataset or a column to begin at: dataset, dataset.column, or namespace/dataset#column
    #[arg(long, value_name = "NODE")]
    pub focus: Option<String>,
    /// What the focus reaches, or where it comes from
    #[arg(long, value_enum, default_value = "impact", requires = "focus")]
    pub direction: DirectionArg,
    /// Steps from the focus; all of them if not given
    #[arg(long, requires = "focus")]
    pub depth: Option<u32>,
    /// As it was at an instant
    #[arg(long, value_name = "INSTANT", value_parser = schemas::parse_rfc3339)]
    pub as_of: Option<DateTime<Utc>>,
    /// Form of the document
    #[arg(long, value_enum, default_value = "html")]
    pub format: DocumentArg,
    /// File to write, or - for standard output
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Where the tables of a manifest are
    #[arg(long, value_name = "NAMESPACE")]
    pub dbt_namespace: Option<String>,
}

/// Which way is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DirectionArg {
    /// What it reaches
    Impact,
    /// Where it comes from
    Trace,
}

/// Form of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DocumentArg {
    /// A page that works without a network
    Html,
    /// Nodes and links, see `auditlake schema lineage-graph`
    Json,
    /// GraphML
    Graphml,
    /// DOT, for Graphviz
    Dot,
    /// The events it is made of, as OpenLineage, one a line
    Openlineage,
}
