//! What can go wrong in a command, sorted by what the caller does next.

use engine::EngineError;
use schemas::{DecisionError, DefinitionError, Remedy};

use crate::evidence_log::EvidenceFault;

/// An error of a command. `Display` speaks for its own layer; the cause is in `source`.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Definitions are wrong; all errors at once.
    #[error("{}", list(.0))]
    Definitions(Vec<DefinitionError>),
    /// Files that are not what they must be; all at once.
    #[error("{}", list_files(.0))]
    Files(Vec<EngineError>),
    /// What was measured for an SLA contradicts itself.
    #[error("{0}")]
    SlaData(String),
    /// A value of a series is none that its detector scores.
    #[error("{0}")]
    Series(String),
    /// A metric cannot be measured or judged.
    #[error("metric \"{metric}\"")]
    Metric {
        /// The metric.
        metric: String,
        /// Why not.
        source: Box<JobError>,
    },
    /// A section of a report cannot be filled.
    #[error("section \"{section}\" of report \"{report}\"")]
    Section {
        /// The report.
        report: String,
        /// Its section.
        section: String,
        /// Why not.
        source: Box<JobError>,
    },
    /// Something asked for does not exist.
    #[error("{what} \"{name}\" does not exist; {remedy}")]
    Unknown {
        /// Kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// What to do.
        remedy: String,
    },
    /// A command line that contradicts itself.
    #[error("{0}")]
    Usage(String),
    /// A local file or folder cannot be used.
    #[error("cannot {action} \"{path}\"")]
    Local {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else is at work on it.
    #[error("{what} is claimed by {holder}, epoch {epoch}; wait until it ends, or stop it")]
    Claimed {
        /// Run or dataset.
        what: String,
        /// Who holds the claim.
        holder: String,
        /// The epoch of the claim.
        epoch: u64,
    },
    /// A decision that cannot be made.
    #[error("no decision on finding \"{finding}\" was written")]
    Decision {
        /// Id of the finding.
        finding: String,
        /// What is wrong and what would be right.
        source: DecisionError,
    },
    /// Somebody else was first with the number of a decision.
    #[error(
        "decision {number} on finding \"{finding}\" was made by somebody else meanwhile, {first}; nothing was written: look at it with `auditlake findings list`, then decide again"
    )]
    DecidedMeanwhile {
        /// Id of the finding.
        finding: String,
        /// Number of the decision.
        number: usize,
        /// What was decided, and by whom.
        first: String,
    },
    /// An output exists that this run did not write.
    #[error(
        "output \"{path}\" exists already and is not of this run; give the job another `to`, for example with {{interval.end:%Y%m%dT%H%M%SZ}}"
    )]
    OutputTaken {
        /// The output.
        path: String,
    },
    /// An export is where another one should go.
    #[error(
        "\"{place}\" is there already; give another place, --overwrite, or --resume to go on with what was interrupted"
    )]
    ExportTaken {
        /// What is there.
        place: String,
    },
    /// An export that was interrupted is another one than that asked for.
    #[error("\"{place}\" is of another export: {what}; begin anew with --overwrite, or in another place")]
    ExportOther {
        /// Its record.
        place: String,
        /// What differs.
        what: &'static str,
    },
    /// A part is not what was written.
    #[error("\"{place}\" is not what was written a moment ago; does somebody else write there? nothing was published")]
    ExportChanged {
        /// The part.
        place: String,
    },
    /// A statement or command of a script failed.
    #[error("line {line} failed; nothing below it was run")]
    AtLine {
        /// The line on which it begins.
        line: usize,
        /// Why.
        source: Box<JobError>,
    },
    /// A step of a review that may not be taken.
    #[error("{what} is refused: {why}")]
    Refused {
        /// The step, and of what.
        what: String,
        /// Why, and what would be right.
        why: String,
    },
    /// The evidence log cannot be written, or looked at.
    #[error(transparent)]
    Evidence(#[from] EvidenceFault),
    /// A request that nobody wants any more.
    #[error("the request was cancelled; drop it again with another id if it is wanted after all")]
    Cancelled,
    /// An attempt took too long.
    #[error("attempt at {run} took longer than {seconds} s and was ended; its job says so with timeout")]
    TimedOut {
        /// The run.
        run: String,
        /// What the job allows.
        seconds: u64,
    },
    /// Somebody stopped a run.
    #[error("{run} was cancelled by {by}; `auditlake runs show {run}` says why")]
    RunCancelled {
        /// The run.
        run: String,
        /// Who did.
        by: String,
    },
    /// The runner of an attempt is shut down.
    #[error("attempt at {run} was ended because its runner is shut down; another runner, or the same, goes on")]
    Shutdown {
        /// The run.
        run: String,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// An export failed.
    #[error("the rows cannot be exported")]
    Export(#[from] exporters::ExportError),
    /// Identifiers that are no person's.
    #[error(
        "there are {kinds}, and policies/subjects.yaml says that a person has at most {limit}; is one of them a mailbox or a \
         service that many use? leave it out of what is given, or raise limit"
    )]
    SubjectTooBroad {
        /// How many of which kind.
        kinds: String,
        /// Most that a person has.
        limit: u32,
    },
    /// Standard output failed.
    #[error("cannot write to standard output")]
    Stdout(#[from] std::io::Error),
}

impl JobError {
    /// What the caller does next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Definitions(_)
            | Self::Unknown { .. }
            | Self::Usage(_)
            | Self::Local { .. }
            | Self::Cancelled
            | Self::Decision { .. }
            | Self::ExportTaken { .. }
            | Self::ExportOther { .. }
            | Self::Refused { .. }
            | Self::SubjectTooBroad { .. }
            | Self::OutputTaken { .. } => Remedy::FixConfig,
            Self::Evidence(fault) => fault.remedy(),
            Self::ExportChanged { .. } => Remedy::InspectData,
            Self::DecidedMeanwhile { .. } | Self::Files(_) | Self::SlaData(_) | Self::Series(_) => Remedy::InspectData,
            Self::RunCancelled { .. } => Remedy::FixConfig,
            Self::Claimed { .. } | Self::TimedOut { .. } | Self::Shutdown { .. } | Self::Stdout(_) => Remedy::Retry,
            Self::Engine(error) => error.remedy(),
            Self::AtLine { source, .. } | Self::Metric { source, .. } | Self::Section { source, .. } => source.remedy(),
            Self::Export(error) => error.remedy(),
        }
    }

    /// Whether a file was replaced or went under whoever read it, so that the same again may well succeed.
    pub(crate) fn is_of_change(&self) -> bool {
        match self {
            Self::Engine(error) => error.is_of_change(),
            Self::Section { source, .. } => source.is_of_change(),
            _ => false,
        }
    }

    /// The error and its causes, as a terminal shows them.
    pub fn told(&self) -> String {
        format!("error: {}", crate::runner::chain(self).join("\n  because: "))
    }

    /// 2 when usage or definitions are wrong, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Definitions(_) | Self::Usage(_) | Self::Unknown { .. } | Self::Decision { .. } => 2,
            Self::Engine(
                EngineError::TableFolder { .. }
                | EngineError::Retention { .. }
                | EngineError::Hold { .. }
                | EngineError::NotIncremental { .. }
                | EngineError::Copy { .. },
            ) => 2,
            Self::Evidence(fault) if fault.is_usage() => 2,
            _ => 1,
        }
    }
}

fn list(errors: &[DefinitionError]) -> String {
    counted(errors, "the definitions")
}

fn list_files(errors: &[EngineError]) -> String {
    counted(errors, "the files of datasets")
}

fn counted(errors: &[impl ToString], place: &str) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let count = match errors.len() {
        1 => "1 error".to_owned(),
        more => format!("{more} errors"),
    };
    format!("{}\n{count} in {place}", lines.join("\n"))
}
