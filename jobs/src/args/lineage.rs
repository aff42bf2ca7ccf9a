//! `auditlake lineage`.

use std::path::PathBuf;

use clap::Subcommand;

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
}
