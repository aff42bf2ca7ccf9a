//! Arguments of `runs`.

use clap::Subcommand;

use super::{ReviewArgs, RunDecisionArgs};

/// Views of the ledger.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// The newest runs with their states
    #[command(after_help = "Examples:
  auditlake runs list
  auditlake runs list compliance --since 90d --limit 10000")]
    List {
        /// Of this job; of all if not given
        job: Option<String>,
        /// Of instants so long ago at most: a number and h, d, w, mo or y; however old they are if not given
        #[arg(long, value_name = "SPAN", value_parser = schemas::Span::parse)]
        since: Option<schemas::Span>,
        /// So many at most, the newest ones
        #[arg(long, default_value_t = 1_000, value_parser = positive)]
        limit: usize,
    },
    /// One run with its inputs and outputs
    #[command(after_help = "Example: auditlake runs show compliance@20260301T000000Z")]
    Show {
        /// Run id, for example compliance@20260301T000000Z
        run: String,
    },
    /// Intervals that elapsed and were not computed, why, and the command that computes them
    #[command(after_help = "Examples:
  auditlake runs missing
  auditlake runs missing soc2-daily --fail-on missing")]
    Missing {
        /// Of this job; of all if not given
        job: Option<String>,
        /// Exit with 3 when any is missing
        #[arg(long, value_parser = ["missing"])]
        fail_on: Option<String>,
    },
    /// Committed runs that lack rows that came late, how many, and the command that computes them anew
    #[command(after_help = "Examples:
  auditlake runs stale
  auditlake runs stale events-hourly --since 7d --fail-on stale")]
    Stale {
        /// Of this job; of all if not given
        job: Option<String>,
        /// Of intervals that ended so long ago at most: a number and h, d, w, mo or y
        #[arg(long, default_value = "30d", value_name = "SPAN", value_parser = schemas::Span::parse)]
        since: schemas::Span,
        /// Exit with 3 when any is
        #[arg(long, value_parser = ["stale"])]
        fail_on: Option<String>,
    },
    /// Say that an interval need not be computed, so that it is no longer listed as missing
    #[command(
        after_help = "Example: auditlake runs waive soc2-daily@20260329T040000Z --reason \"the source was off\" --as omar"
    )]
    Waive(RunDecisionArgs),
    /// Stop a run, and begin no further attempt at it
    #[command(
        after_help = "Example: auditlake runs cancel soc2-daily@20260329T040000Z --reason \"wrong filter\" --as omar"
    )]
    Cancel(RunDecisionArgs),
    /// Submit the draft of a report for review
    #[command(after_help = "Example: auditlake runs submit compliance@20260301T000000Z --as alice")]
    Submit(ReviewArgs),
    /// Approve a report that somebody else ran and submitted
    #[command(after_help = "Example: auditlake runs approve compliance@20260301T000000Z --as bob")]
    Approve(ReviewArgs),
    /// Send a submitted report back, with a reason
    #[command(
        after_help = "Example: auditlake runs reject compliance@20260301T000000Z --as bob --reason \"March is missing\""
    )]
    Reject {
        /// Which report, and who
        #[command(flatten)]
        review: ReviewArgs,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Compare an approved report with what was approved, and put it where its job says
    #[command(after_help = "Example: auditlake runs publish compliance@20260301T000000Z --as alice")]
    Publish(ReviewArgs),
}

fn positive(given: &str) -> Result<usize, String> {
    match given.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("write a number from 1".to_owned()),
    }
}
