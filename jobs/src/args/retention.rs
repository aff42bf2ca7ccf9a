//! Arguments of `retention` and `hold`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Subcommand, ValueEnum};
use schemas::{CaseId, DatasetId, HoldScope, Pattern};

/// What must go, and what becomes of it.
#[derive(Debug, Subcommand)]
pub enum RetentionCommand {
    /// Say what is due and what would be done to each object; nothing is changed
    #[command(after_help = "Examples:
  auditlake retention plan --dataset audit --as paula
  auditlake retention plan --dataset audit@archive --at 2027-01-01T00:00:00Z")]
    Plan(PlanArgs),
    /// Say why a row stays or goes
    #[command(after_help = "Example: auditlake retention explain --dataset audit --event-id 4e1f…")]
    Explain {
        /// The dataset
        #[arg(long, value_name = "NAME")]
        dataset: String,
        /// Id of the row, as its key column has it
        #[arg(long, value_name = "ID")]
        event_id: String,
    },
    /// Agree to a plan, or beforehand to the plans of a policy
    #[command(after_help = "Examples:
  auditlake retention approve 9c1f8e2a --ticket CHG-88 --as omar
  auditlake retention approve 9c1f8e2a --ticket CHG-88 --as omar --confirm-rows 120000
  auditlake retention approve --standing audit --rows 50000 --until 2027-06-30 --ticket CHG-90 --as omar")]
    Approve(ApproveArgs),
    /// Do exactly what an approved plan says; again, to go on where it stopped or when the grace is over
    #[command(after_help = "Examples:
  auditlake retention apply 9c1f8e2a --dry-run
  auditlake retention apply 9c1f8e2a --yes")]
    Apply(ApplyArgs),
    /// List plans with what became of them
    #[command(after_help = "Example: auditlake retention plans")]
    Plans,
    /// Name what applies left half done, and bring it to an end
    #[command(after_help = "Example: auditlake retention reconcile --repair")]
    Reconcile {
        /// Bring it to an end
        #[arg(long)]
        repair: bool,
    },
    /// Receipts of what was done
    #[command(after_help = "Example: auditlake retention receipts --since 30d")]
    Receipts {
        /// Of how long ago: a number and h, d, w, mo or y
        #[arg(long, default_value = "30d", value_name = "SPAN", value_parser = schemas::Span::parse)]
        since: schemas::Span,
    },
}

/// What is planned.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The dataset; with @archive behind its name, what its policy archived
    #[arg(long, value_name = "NAME")]
    pub dataset: String,
    /// Leave this object out; the plan names it
    #[arg(long, value_name = "PATH")]
    pub exclude: Vec<String>,
    /// Who asks; somebody else must approve
    #[arg(long = "as", value_name = "NAME")]
    pub principal: Option<String>,
}

/// What is agreed to.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// First digits of the plan's id
    #[arg(required_unless_present = "standing")]
    pub plan: Option<String>,
    /// The ticket that the approval rests on
    #[arg(long)]
    pub ticket: String,
    /// Who agrees
    #[arg(long = "as", value_name = "NAME")]
    pub principal: String,
    /// Rows that change, which a plan above the brake wants to be named
    #[arg(long, value_name = "ROWS")]
    pub confirm_rows: Option<u64>,
    /// Agree to plans of this policy that are not drawn up yet
    #[arg(long, value_name = "POLICY", conflicts_with_all = ["plan", "confirm_rows"], requires_all = ["rows", "until"])]
    pub standing: Option<String>,
    /// Most rows that one such plan may change
    #[arg(long, value_name = "ROWS", requires = "standing")]
    pub rows: Option<u64>,
    /// Last day of the standing approval, in UTC
    #[arg(long, value_name = "DATE", value_parser = schemas::parse_day, requires = "standing")]
    pub until: Option<NaiveDate>,
}

/// What is applied.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// First digits of the plan's id
    pub plan: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Say what would be done and whether it may be, and leave it
    #[arg(long)]
    pub dry_run: bool,
    /// Who applies it
    #[arg(long = "as", value_name = "NAME")]
    pub principal: Option<String>,
    /// Objects under way at once; 4, or the number of cores where that is more, when left out
    #[arg(long, value_name = "N")]
    pub workers: Option<NonZeroUsize>,
    /// Exit with 3 when objects were left as they are
    #[arg(long, value_enum, value_name = "WHAT")]
    pub fail_on: Option<FailOnArg>,
}

/// What an apply may fail on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOnArg {
    /// Objects that changed since the plan, or are held
    Skipped,
}

/// What must stay, whatever policies say.
#[derive(Debug, Subcommand)]
pub enum HoldCommand {
    /// Open a case: the rows that it is about stay until it is released
    #[command(after_help = "Examples:
  auditlake hold place --case 2026-114 --dataset audit --tenant acme --reason \"litigation, notice of 3 May\"
  auditlake hold place --case 2026-115 --id-file ids.txt --reason \"claim of a customer\"
  auditlake hold place --case 2026-114 --amend --dataset audit --dataset usage --reason \"widened by counsel\"")]
    Place(PlaceArgs),
    /// End a case; what waited for it is due again
    #[command(after_help = "Example: auditlake hold release --case 2026-114 --reason \"settled on 4 June\"")]
    Release {
        /// Number of the case
        #[arg(long, value_parser = CaseId::parse)]
        case: CaseId,
        /// Why
        #[arg(long)]
        reason: String,
        /// Who says so
        #[arg(long = "as", value_name = "NAME")]
        principal: Option<String>,
    },
    /// List open cases
    #[command(after_help = "Example: auditlake hold list --all")]
    List {
        /// Those that were released, too
        #[arg(long)]
        all: bool,
    },
}

/// What is held.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// Number of the case
    #[arg(long, value_parser = CaseId::parse)]
    pub case: CaseId,
    /// Rows of this dataset and its archive; of every dataset when left out
    #[arg(long, value_name = "NAME")]
    pub dataset: Vec<String>,
    /// Rows of this tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: Vec<String>,
    /// Rows of this type of event, or of types that begin so: session.*
    #[arg(long, value_name = "TYPE", value_parser = Pattern::parse)]
    pub event_type: Vec<Pattern>,
    /// Rows of this instant and later ones
    #[arg(long, value_name = "INSTANT", value_parser = schemas::parse_rfc3339)]
    pub from: Option<DateTime<Utc>>,
    /// Rows before this instant
    #[arg(long, value_name = "INSTANT", value_parser = schemas::parse_rfc3339)]
    pub to: Option<DateTime<Utc>>,
    /// Rows that name a person: a file of identifiers, one a line; - reads standard input
    #[arg(long, value_name = "FILE|-")]
    pub id_file: Option<PathBuf>,
    /// Hold rows of an identifier that was given, although other persons have it, too
    #[arg(long, requires = "id_file")]
    pub shared: bool,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Who says so
    #[arg(long = "as", value_name = "NAME")]
    pub principal: Option<String>,
    /// The case is open; it holds this from here on
    #[arg(long)]
    pub amend: bool,
}

impl PlaceArgs {
    /// What is held of these datasets.
    pub(crate) fn scope(&self, datasets: Vec<DatasetId>) -> HoldScope {
        HoldScope {
            datasets,
            tenants: self.tenant.clone(),
            event_types: self.event_type.clone(),
            from: self.from,
            to: self.to,
            ..HoldScope::default()
        }
    }
}
