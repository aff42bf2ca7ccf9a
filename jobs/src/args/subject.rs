//! Arguments of `subject`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use schemas::{CaseEnd, CaseId, Purpose, SubjectRequest};

/// What persons ask for. Their identifiers come from a file or standard input, never from the command line, where other
/// users of the machine read them.
#[derive(Debug, Subcommand)]
pub enum SubjectCommand {
    /// Open a case: who asks for what, and by when it must be answered
    #[command(after_help = "Examples:
  auditlake subject open --type erasure --id-file ids.txt --received 2026-11-03
  auditlake subject open --type objection --purpose marketing --id-file ids.txt
  printf 'user-42\\nemail\\tann@acme.example\\n' | auditlake subject open --type know --id-file - --jurisdiction gdpr

A line of the file is an identifier, or its kind, a tab and the identifier.")]
    Open(OpenArgs),
    /// Look for the person everywhere, and say what an erasure would do; nothing is changed
    #[command(after_help = "Example: auditlake subject plan subject-2026-0001 --as paula")]
    Plan(CaseArgs),
    /// Agree to the plan of an erasure
    #[command(after_help = "Example: auditlake subject approve subject-2026-0001 --ticket DSR-17 --as omar")]
    Approve {
        /// The case
        #[arg(value_parser = CaseId::parse)]
        case: CaseId,
        /// The ticket that the approval rests on
        #[arg(long)]
        ticket: String,
        /// Who agrees
        #[arg(long = "as", value_name = "NAME")]
        principal: String,
    },
    /// Erase the person, or put a restriction or an objection into force; again, to go on where it stopped or when a hold was
    /// released
    #[command(after_help = "Example: auditlake subject apply subject-2026-0001 --yes")]
    Apply(ApplyCaseArgs),
    /// Write what there is about the person into one ZIP, for a case of type know or portability
    #[command(after_help = "Example: auditlake subject export subject-2026-0002 --to ann.zip")]
    Export {
        /// The case
        #[arg(value_parser = CaseId::parse)]
        case: CaseId,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Write over a file that is there
        #[arg(long)]
        overwrite: bool,
        /// Who asks
        #[arg(long = "as", value_name = "NAME")]
        principal: Option<String>,
    },
    /// Print the certificate of an erasure: what was found and changed, and what was not reached
    #[command(after_help = "Example: auditlake subject certificate subject-2026-0001")]
    Certificate {
        /// The case
        #[arg(value_parser = CaseId::parse)]
        case: CaseId,
    },
    /// Erase again whoever came back with a backup that was restored
    #[command(after_help = "Example: auditlake subject replay --dataset audit --yes")]
    Replay {
        /// The dataset; every one when left out
        #[arg(long, value_name = "NAME")]
        dataset: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Say how many rows came back, and leave them
        #[arg(long)]
        dry_run: bool,
        /// Who asks
        #[arg(long = "as", value_name = "NAME")]
        principal: Option<String>,
    },
    /// List cases with their due days, the most urgent first
    #[command(after_help = "Example: auditlake subject list --all")]
    List {
        /// Those that are over, too
        #[arg(long)]
        all: bool,
    },
    /// Note that the person was told that it takes longer, which moves the due day where the law allows it
    #[command(after_help = "Example: auditlake subject extend subject-2026-0001 --reason \"many systems\" --as paula")]
    Extend(NoteArgs),
    /// Note that the clock stood still, for example while an identity was established
    #[command(
        after_help = "Example: auditlake subject pause subject-2026-0001 --from 2026-11-05 --to 2026-11-09 --reason identity"
    )]
    Pause {
        /// What is noted
        #[command(flatten)]
        note: NoteArgs,
        /// First day
        #[arg(long, value_parser = schemas::parse_day)]
        from: NaiveDate,
        /// The day on which the clock went on
        #[arg(long, value_parser = schemas::parse_day)]
        to: NaiveDate,
    },
    /// End a case without doing anything, or one whose answer was given elsewhere
    #[command(
        after_help = "Example: auditlake subject close subject-2026-0001 --state withdrawn --reason \"letter of 4 May\""
    )]
    Close {
        /// What is noted
        #[command(flatten)]
        note: NoteArgs,
        /// How it ended
        #[arg(long, value_enum)]
        state: CaseEndArg,
    },
    /// Record what is right beside rows of the person, which stay as they were
    #[command(after_help = "Example: auditlake subject correct subject-2026-0004 --file corrections.ndjson

A line of the file is a correction:
  {\"dataset\": \"audit\", \"row\": \"e-1\", \"column\": \"src_ip\", \"correct\": \"203.0.113.9\"}
row is the key of the row there; null is right where nothing should stand.")]
    Correct(CorrectArgs),
    /// End a restriction or an objection that is in force
    #[command(after_help = "Example: auditlake subject lift subject-2026-0003 --reason \"accuracy established\"")]
    Lift(NoteArgs),
    /// Open a case of erasure, plan it, agree to it and carry it out in one step
    #[command(after_help = "Examples:
  auditlake subject erase --id-file ids.txt --ticket DSR-17 --yes
  auditlake subject erase --id-file - --dry-run < ids.txt")]
    Erase(EraseArgs),
    /// Write all that there is about a person into one ZIP (GDPR Art. 15)
    #[command(after_help = "Example: auditlake subject access --id-file ids.txt --to ann.zip")]
    Access(PackageArgs),
    /// Write what a person may take along into one ZIP (GDPR Art. 20)
    #[command(after_help = "Example: auditlake subject portability --id-file ids.txt --to ann.zip")]
    Portability(PackageArgs),
}

/// Who a person is.
#[derive(Debug, Args)]
pub struct WhoArgs {
    /// File of identifiers, one a line; - reads standard input
    #[arg(long, value_name = "FILE|-")]
    pub id_file: PathBuf,
    /// Act on rows of an identifier that was given, although other persons have it, too
    #[arg(long)]
    pub shared: bool,
    /// Number of the case; the next one of the year when left out
    #[arg(long, value_name = "NUMBER", value_parser = CaseId::parse)]
    pub case: Option<CaseId>,
    /// The day of receipt; today when left out
    #[arg(long, value_name = "DATE", value_parser = schemas::parse_day)]
    pub received: Option<NaiveDate>,
    /// Whose clock runs: gdpr, uk_gdpr, ccpa, hipaa or house; that of policies/subjects.yaml when left out
    #[arg(long)]
    pub jurisdiction: Option<String>,
    /// Who asks
    #[arg(long = "as", value_name = "NAME")]
    pub principal: Option<String>,
}

/// What is opened.
#[derive(Debug, Args)]
pub struct OpenArgs {
    /// What is asked for
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    pub request: SubjectRequestArg,
    /// For what the data is not to be used, of an objection; jobs declare it as purpose
    #[arg(long, value_name = "NAME", value_parser = Purpose::parse)]
    pub purpose: Vec<Purpose>,
    /// Who
    #[command(flatten)]
    pub who: WhoArgs,
}

/// A case.
#[derive(Debug, Args)]
pub struct CaseArgs {
    /// The case
    #[arg(value_parser = CaseId::parse)]
    pub case: CaseId,
    /// Who asks
    #[arg(long = "as", value_name = "NAME")]
    pub principal: Option<String>,
}

/// What is applied.
#[derive(Debug, Args)]
pub struct ApplyCaseArgs {
    /// The case
    #[arg(value_parser = CaseId::parse)]
    pub case: CaseId,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Say what would be done and whether it may be, and leave it
    #[arg(long)]
    pub dry_run: bool,
    /// Objects under way at once; 4, or the number of cores where that is more, when left out
    #[arg(long, value_name = "N")]
    pub workers: Option<NonZeroUsize>,
    /// Who applies it
    #[arg(long = "as", value_name = "NAME")]
    pub principal: Option<String>,
}

/// What is corrected.
#[derive(Debug, Args)]
pub struct CorrectArgs {
    /// The case
    #[arg(value_parser = CaseId::parse)]
    pub case: CaseId,
    /// File of corrections, one a line; - reads standard input
    #[arg(long, value_name = "FILE|-")]
    pub file: PathBuf,
    /// Who says so
    #[arg(long = "as", value_name = "NAME")]
    pub principal: Option<String>,
}

/// What is noted about a case.
#[derive(Debug, Args)]
pub struct NoteArgs {
    /// The case
    #[arg(value_parser = CaseId::parse)]
    pub case: CaseId,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Who says so
    #[arg(long = "as", value_name = "NAME")]
    pub principal: Option<String>,
}

/// An erasure in one step.
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// Who
    #[command(flatten)]
    pub who: WhoArgs,
    /// The ticket that it rests on
    #[arg(long, default_value = "none")]
    pub ticket: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Say what would be done, and leave it
    #[arg(long)]
    pub dry_run: bool,
}

/// A package in one step.
#[derive(Debug, Args)]
pub struct PackageArgs {
    /// Who
    #[command(flatten)]
    pub who: WhoArgs,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    pub overwrite: bool,
}

/// What a person may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SubjectRequestArg {
    /// To see the data about them
    Know,
    /// To take it along
    Portability,
    /// That it goes
    Erasure,
    /// That it is kept and not used
    Restriction,
    /// That it is not used for a purpose
    Objection,
    /// That it is corrected
    Rectification,
}

impl From<SubjectRequestArg> for SubjectRequest {
    fn from(given: SubjectRequestArg) -> Self {
        match given {
            SubjectRequestArg::Know => Self::Know,
            SubjectRequestArg::Portability => Self::Portability,
            SubjectRequestArg::Erasure => Self::Erasure,
            SubjectRequestArg::Restriction => Self::Restriction,
            SubjectRequestArg::Objection => Self::Objection,
            SubjectRequestArg::Rectification => Self::Rectification,
        }
    }
}

/// How a case ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CaseEndArg {
    /// All of it was done
    Fulfilled,
    /// Some of it was
    PartlyFulfilled,
    /// It was refused
    Denied,
    /// The person took it back
    Withdrawn,
}

impl From<CaseEndArg> for CaseEnd {
    fn from(given: CaseEndArg) -> Self {
        match given {
            CaseEndArg::Fulfilled => Self::Fulfilled,
            CaseEndArg::PartlyFulfilled => Self::PartlyFulfilled,
            CaseEndArg::Denied => Self::Denied,
            CaseEndArg::Withdrawn => Self::Withdrawn,
        }
    }
}
