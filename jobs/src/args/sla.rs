//! Arguments of `sla`.

use clap::Subcommand;

/// What was promised, and how it was kept.
#[derive(Debug, Subcommand)]
pub enum SlaCommand {
    /// List the results in force of every SLA: of the period that ended last, or of one
    #[command(after_help = "Examples:
  auditlake sla list
  auditlake sla list --period 2026-09")]
    List {
        /// The period: 2026-09, 2026-Q3 or 2026-W36, as the SLA has it
        #[arg(long, value_name = "PERIOD")]
        period: Option<String>,
    },
    /// Show a result with its slices, exclusions, formula and revisions
    #[command(after_help = "Examples:
  auditlake sla explain acme 2026-09
  auditlake sla explain acme 2026-09 --sla api --output json")]
    Explain {
        /// The tenant
        tenant: String,
        /// The period: 2026-09, 2026-Q3 or 2026-W36, as the SLA has it
        period: String,
        /// The SLA; the only one of the tenant if not given
        #[arg(long, value_name = "NAME")]
        sla: Option<String>,
    },
}
