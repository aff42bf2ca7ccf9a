//! Arguments of `usage`.

use clap::{Args, Subcommand};

/// What tenants used, of how much, and what it costs.
#[derive(Debug, Subcommand)]
pub enum UsageCommand {
    /// List the results in force of every contract: of the month that goes on, or of one
    #[command(after_help = "Examples:
  auditlake usage list
  auditlake usage list --period 2026-09")]
    List {
        /// The month: 2026-09
        #[arg(long, value_name = "MONTH")]
        period: Option<String>,
    },
    /// Show what a tenant used of each quota, with costs and revisions
    #[command(after_help = "Examples:
  auditlake usage show acme
  auditlake usage show acme --period 2026-09 --usage platform --output json")]
    Show {
        /// The tenant
        tenant: String,
        /// The month: 2026-09; the one that goes on if not given
        #[arg(long, value_name = "MONTH")]
        period: Option<String>,
        /// The contract; the only one of the tenant if not given
        #[arg(long, value_name = "NAME")]
        usage: Option<String>,
    },
    /// Print charges under the names of FOCUS 1.2, for programs that read bills
    #[command(after_help = "Examples:
  auditlake usage focus --period 2026-09 > focus.csv
  auditlake usage focus --tenant acme --format ndjson
  auditlake usage focus --period 2026-09 --sql      the statement, for a job of kind export")]
    Focus(FocusArgs),
}

/// Which charges, and how they are printed.
#[derive(Debug, Args)]
pub struct FocusArgs {
    /// Dataset of usage.v1
    #[arg(long, default_value = "usage", value_name = "DATASET")]
    pub dataset: String,
    /// Charges that begin in this month, in the zone of the lake
    #[arg(long, value_name = "MONTH")]
    pub period: Option<String>,
    /// Charges of one tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Form of the rows
    #[arg(long, default_value = "csv", value_parser = ["csv", "json", "ndjson"])]
    pub format: String,
    /// Print the statement, and run nothing
    #[arg(long)]
    pub sql: bool,
    /// See what this principal of access.yaml sees
    #[arg(long = "as", value_name = "PRINCIPAL")]
    pub principal: Option<String>,
}
