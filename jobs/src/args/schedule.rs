//! Arguments of `run`, `schedule`, `job` and of what `runs` says of schedules.

use clap::{Args, Subcommand};

use crate::schedule::{Only, Order};

/// What to run.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The job
    #[arg(required_unless_present = "due")]
    pub job: Option<String>,
    /// Run whatever is due by schedules, then end
    #[arg(long, conflicts_with_all = ["job", "again", "principal", "from", "to", "only", "order", "dry_run", "yes"])]
    pub due: bool,
    /// With --due: end only when no run waits for another attempt or another runner
    #[arg(long, requires = "due")]
    pub until_idle: bool,
    /// Intervals of the past: from here, a day or an instant
    #[arg(long, requires = "to", value_name = "DAY|INSTANT")]
    pub from: Option<String>,
    /// Until here, a day or an instant
    #[arg(long, requires = "from", value_name = "DAY|INSTANT")]
    pub to: Option<String>,
    /// Which of these intervals
    #[arg(long, value_enum, default_value_t = Only::Missing, requires = "from")]
    pub only: Only,
    /// Which of them first
    #[arg(long, value_enum, default_value_t = Order::Asc, requires = "from")]
    pub order: Order,
    /// Runs at the same time
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub workers: u16,
    /// Say what would be run and leave it
    #[arg(long, requires = "from")]
    pub dry_run: bool,
    /// Compute committed intervals anew without asking
    #[arg(long, requires = "from")]
    pub yes: bool,
    /// Compute a committed run anew, for example because late records came; for query jobs, whose rows are replaced,
    /// and for reports that wait for an approval
    #[arg(long, conflicts_with = "from")]
    pub again: bool,
    /// Of a job that runs for new files: also read this file, which was set aside because it changed after it had been read
    #[arg(long, value_name = "PATH", conflicts_with_all = ["due", "from", "again"])]
    pub accept: Option<String>,
    /// Compute an incremental job from its files alone; states that are kept are neither read nor written
    #[arg(long, conflicts_with_all = ["due", "from"])]
    pub no_states: bool,
    /// Who runs it, for the record: a principal of access.yaml
    #[arg(long = "as", value_name = "PRINCIPAL")]
    pub principal: Option<String>,
    /// Exit with 3 when a control has one of these statuses, or, with --due, an interval was missed
    #[arg(long, value_delimiter = ',', value_parser = ["fail", "warn", "error", "not_evaluated", "missed"])]
    pub fail_on: Vec<String>,
}

/// Schedules of jobs.
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// The fires to come, in local and universal time, with the interval that each will cover
    #[command(after_help = "Examples:
  auditlake schedule next
  auditlake schedule next 5 soc2-daily --at 2026-03-28T00:00:00Z")]
    Next {
        /// How many
        #[arg(default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        count: u16,
        /// Of this job; of all together if not given
        job: Option<String>,
    },
    /// Start nothing of a job from now on; its intervals are recorded as missed
    #[command(
        after_help = "Example: auditlake schedule pause soc2-daily --reason \"the source is being moved\" --as omar"
    )]
    Pause {
        /// The job
        job: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who does it
        #[arg(long = "as", value_name = "PRINCIPAL")]
        principal: Option<String>,
    },
    /// Start runs of a job again; of what was missed meanwhile, its catch_up says what is run
    #[command(after_help = "Example: auditlake schedule resume soc2-daily --as omar")]
    Resume {
        /// The job
        job: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Who does it
        #[arg(long = "as", value_name = "PRINCIPAL")]
        principal: Option<String>,
    },
}

/// Jobs as they are defined, and how they stand.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Every job in a line: its kind, its schedule, its last run, its next fire
    List,
    /// One job, with its schedule and its newest runs
    #[command(after_help = "Example: auditlake job show soc2-daily")]
    Show {
        /// The job
        job: String,
    },
    /// Why a job did or did not run: its last interval that has elapsed at the instant given with --at
    #[command(after_help = "Example: auditlake job explain soc2-daily --at 2026-03-29T04:00:00Z")]
    Explain {
        /// The job
        job: String,
    },
    /// What is kept of each file for an incremental job
    #[command(after_help = "Examples:
  auditlake job states tenant-totals
  auditlake job states tenant-totals --prune")]
    States {
        /// The job
        job: String,
        /// Delete those that its statement does not have now and no run of the last 30 days used
        #[arg(long)]
        prune: bool,
    },
}

/// A decision about a run.
#[derive(Debug, Args)]
pub struct RunDecisionArgs {
    /// Run id, for example soc2-daily@20260329T040000Z
    pub run: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who decides
    #[arg(long = "as", value_name = "PRINCIPAL")]
    pub principal: Option<String>,
}
