//! `auditlake lineage`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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
    /// Write what files of OpenLineage events and manifests of dbt say as a page, or for other programs
    #[command(after_help = "Examples:
  auditlake lineage export --from events.ndjson --to lineage.html
  auditlake lineage export --from events.ndjson --focus orders.total --direction trace --format dot --to - | dot -Tsvg
  auditlake lineage export --from manifest.json --dbt-namespace postgres://db.example:5432 --to models.html")]
    Export(LineageExportArgs),
}

/// What is drawn, and how.
#[derive(Debug, Args)]
pub struct LineageExportArgs {
    /// Files of events, one a line, a list or a single one; or manifests of dbt
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
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
}
