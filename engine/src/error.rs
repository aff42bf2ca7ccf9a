//! What can go wrong in the engine, sorted by what the caller does next.

use std::sync::Arc;

use datafusion::error::DataFusionError;
use schemas::{Limit, Remedy};

use crate::anonymize::AnonymizeError;
use crate::file_fault::{FileFault, changed_object};
use crate::limit_advice::{narrower, or_more};
use crate::retention::NotApproved;
use crate::store::advice;

/// An error of the engine. `Display` speaks for its own layer; the cause is in `source`.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A store operation failed.
    #[error("object \"{path}\": cannot {action}{}", advice(source))]
    Store {
        /// Path in the store.
        path: String,
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: object_store::Error,
    },
    /// A file of a dataset that the store does not give.
    #[error("object \"{path}\": cannot read it{}", advice_on_file(source))]
    Unread {
        /// Path in its store.
        path: String,
        /// Why it failed.
        source: Arc<object_store::Error>,
    },
    /// An object was replaced between being pinned and being read.
    #[error("object \"{path}\" changed while it was read; run the same command again")]
    Changed {
        /// Path in the store.
        path: String,
    },
    /// A folder that cannot hold a lake.
    #[error("folder \"{folder}\" cannot hold a lake: {why}")]
    Folder {
        /// The folder.
        folder: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// A store that cannot hold a lake, or cannot be opened.
    #[error("store \"{store}\" cannot be used: {why}")]
    Unfit {
        /// The store.
        store: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// SQL that does not parse, plan or run.
    #[error("the statement cannot be {stage}")]
    Sql {
        /// `parsed`, `planned` or `run`.
        stage: &'static str,
        /// DataFusion's answer.
        source: Box<DataFusionError>,
    },
    /// A statement that takes more memory than there is for it.
    #[error(
        "the statement takes more memory than queries may have; give them more, for example --memory 4GiB, or ask for less at once"
    )]
    Memory(#[source] Box<DataFusionError>),
    /// A statement that is not allowed.
    #[error(
        "only reading statements may run here (SELECT, WITH, VALUES, EXPLAIN, DESCRIBE, SHOW TABLES, SHOW COLUMNS); this is {what}"
    )]
    NotReading {
        /// What it is.
        what: String,
    },
    /// A column or a filter of an export that is more than an expression over one row.
    #[error(
        "columns and filter must be expressions over one row of \"{dataset}\", for example outcome = 'denied'; write a \
         statement for aggregates, windows and subqueries"
    )]
    NotOfOneRow {
        /// The dataset.
        dataset: String,
    },
    /// A statement that has other rows each time.
    #[error(
        "the statement calls a function that answers differently each time, for example random(); leave it out, or the same \
         interval has other rows each time"
    )]
    Volatile,
    /// A value that a statement names and nobody gives.
    #[error("there is no value {name}; {why}")]
    NoValue {
        /// Its name, with the dollar sign.
        name: String,
        /// Which ones there are.
        why: &'static str,
    },
    /// A mapping that cannot be used.
    #[error("mapping \"{mapping}\": {why}")]
    Mapping {
        /// The mapping.
        mapping: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// An input object that cannot be read.
    #[error("input \"{path}\": {why}")]
    Input {
        /// The object.
        path: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// Too much of an input was refused.
    #[error("{why}")]
    Rejected {
        /// How much, of what, and the commonest reasons.
        why: String,
    },
    /// A Parquet file that cannot be read or written.
    #[error("file \"{path}\" is not Parquet that can be {action}")]
    Parquet {
        /// The file.
        path: String,
        /// `read` or `written`.
        action: &'static str,
        /// Why.
        source: Box<parquet::errors::ParquetError>,
    },
    /// An object of ours is not what was written.
    #[error("\"{path}\" {what}; compare it with a backup of the lake")]
    Damaged {
        /// Its path.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// A record of ours that does not read back.
    #[error("record \"{path}\" is damaged; compare it with a backup of the lake")]
    Record {
        /// Path of the record.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
    /// Another runner has taken the work over.
    #[error("claim \"{claim}\" of epoch {epoch} has passed to another runner, which goes on with the work")]
    ClaimLost {
        /// The claim.
        claim: String,
        /// The epoch that has passed.
        epoch: u64,
    },
    /// What a principal may not do.
    #[error("{what}")]
    Denied {
        /// What, and what would be needed.
        what: String,
    },
    /// A limit of a principal that was passed.
    #[error("the limit {} is {allowed}, and this takes {found}{}; {}", limit.as_str(), or_more(*limit), narrower(*limit))]
    Limit {
        /// Which.
        limit: Limit,
        /// What was counted when it was passed.
        found: u64,
        /// What is allowed.
        allowed: u64,
    },
    /// A view of `access.yaml` that does not fit its dataset.
    #[error("access.yaml: what \"{principal}\" sees of dataset \"{dataset}\": {why}")]
    View {
        /// Of whom.
        principal: String,
        /// Of what.
        dataset: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// A legal hold that cannot be placed, amended or released.
    #[error("case \"{case}\" {why}")]
    Hold {
        /// Its number.
        case: String,
        /// Why, and what would be right.
        why: String,
    },
    /// A case of a person that cannot go on.
    #[error("case \"{case}\" {why}")]
    SubjectCase {
        /// Its number.
        case: String,
        /// Why, and what would be right.
        why: String,
    },
    /// A key of references that could be guessed.
    #[error(
        "the key \"{id}\" of policies/subjects.yaml has {bytes} bytes and could be guessed; give it {needed} or more, for example \
         with openssl rand -hex 32"
    )]
    SubjectKey {
        /// Its id.
        id: String,
        /// Its bytes.
        bytes: usize,
        /// Bytes that it needs.
        needed: usize,
    },
    /// A retention plan that cannot be used.
    #[error("retention plan \"{plan}\" {why}")]
    Plan {
        /// Its id, or what was given for it.
        plan: String,
        /// Why, and what would be right.
        why: String,
    },
    /// A retention plan that nobody may apply.
    #[error("retention plan \"{plan}\" may not be applied")]
    NotApproved {
        /// Its id.
        plan: String,
        /// What is missing, and the command to run.
        source: Box<NotApproved>,
    },
    /// A dataset that retention does not touch.
    #[error("dataset \"{dataset}\" {why}")]
    Retention {
        /// The dataset.
        dataset: String,
        /// Why, and what to do instead.
        why: String,
    },
    /// A dataset in the folder of a table format.
    #[error(
        "dataset \"{dataset}\" lies in the folder of a table format, as \"{marker}\" shows; changing its files behind the table's back would break it, so use the table's own delete"
    )]
    TableFolder {
        /// The dataset.
        dataset: String,
        /// What shows it.
        marker: String,
    },
    /// A file that cannot be written anew without losing what it holds, or cannot be read.
    #[error("object \"{path}\" cannot be rewritten: {why}")]
    Unrewritable {
        /// Its path.
        path: String,
        /// Why, and what to do.
        why: String,
    },
    /// An object that is larger than there is memory for.
    #[error(
        "object \"{path}\" takes {needed_bytes} bytes of memory to rewrite and there are {available_bytes}; give more, for example --memory 8GiB, or compact it into smaller files"
    )]
    TooLarge {
        /// Its path.
        path: String,
        /// What it takes.
        needed_bytes: u64,
        /// What there is.
        available_bytes: u64,
    },
    /// An error whose reason is not for the principal that met it.
    #[error("{what}")]
    Withheld {
        /// What may be told.
        what: String,
        /// What the caller does next.
        remedy: Remedy,
    },
    /// A store that does not keep to the conditions which a replacement rests on.
    #[error("store \"{store}\" cannot hold what is replaced on a condition: {check}; use another store")]
    NotConditional {
        /// The store.
        store: String,
        /// Which check failed.
        check: &'static str,
    },
    /// An object that is larger than what a store takes in one request, which alone can carry a condition.
    #[error(
        "object \"{path}\" would have {needed_bytes} bytes, and the store replaces at most {allowed_bytes} on a condition; compact it into smaller files"
    )]
    TooLargeForStore {
        /// Its path.
        path: String,
        /// What it would have.
        needed_bytes: u64,
        /// What the store takes.
        allowed_bytes: u64,
    },
    /// A policy of an anonymized copy that does not fit its dataset.
    #[error("anonymized copy \"{policy}\": {why}")]
    Copy {
        /// The policy.
        policy: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// Values that a method cannot change, without the values.
    #[error("anonymized copy \"{policy}\", column \"{column}\": {why}")]
    CopyValues {
        /// The policy.
        policy: String,
        /// The column.
        column: String,
        /// How many, why, and what to do.
        why: String,
    },
    /// Rows that cannot be measured, or made to measure what they must.
    #[error("anonymized copy \"{policy}\" cannot be made")]
    Anonymize {
        /// The policy, or what is measured.
        policy: String,
        /// Why.
        source: Box<AnonymizeError>,
    },
    /// A copy that does not measure what it must: counts, and no values.
    #[error("anonymized copy \"{policy}\" was not published: {why}")]
    PrivacyNotMet {
        /// The policy.
        policy: String,
        /// What it measures and what it must.
        why: String,
    },
    /// A statement that must be folded from states and cannot be.
    #[error(
        "not_incremental: job \"{job}\" cannot use states: {why}; or let it be `incremental: auto`, which computes it in full then"
    )]
    NotIncremental {
        /// The job.
        job: String,
        /// What stands in the way, and what to write instead.
        why: String,
    },
    /// States that are no smaller than what they are of.
    #[error(
        "states_not_smaller: job \"{job}\": {shares}; group by fewer values, or let it be `incremental: auto`, which computes it in full then"
    )]
    StatesNotSmaller {
        /// The job.
        job: String,
        /// What was measured, and the limit.
        shares: String,
    },
    /// Two processes came to different states of the same files.
    #[error(
        "state_differs: \"{path}\" holds other rows than the same files give now; delete the states with `auditlake job states JOB --prune` and report this as a bug in auditlake"
    )]
    StateDiffers {
        /// The state.
        path: String,
    },
    /// A promise of our own was broken.
    #[error("{what}; this is a bug in auditlake, please report it")]
    Bug {
        /// Which promise, on what.
        what: String,
    },
}

impl EngineError {
    /// What the caller does next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Store { source, .. } => match source {
                object_store::Error::NotFound { .. }
                | object_store::Error::PermissionDenied { .. }
                | object_store::Error::Unauthenticated { .. } => Remedy::FixConfig,
                _ => Remedy::Retry,
            },
            Self::Unread { source, .. } => match **source {
                object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                    Remedy::FixConfig
                }
                _ => Remedy::Retry,
            },
            Self::Changed { .. } | Self::ClaimLost { .. } => Remedy::Retry,
            Self::Folder { .. }
            | Self::Unfit { .. }
            | Self::NotConditional { .. }
            | Self::TooLargeForStore { .. }
            | Self::Sql { .. }
            | Self::Memory(_)
            | Self::NotReading { .. }
            | Self::NotOfOneRow { .. }
            | Self::NoValue { .. }
            | Self::Volatile
            | Self::Denied { .. }
            | Self::Limit { .. }
            | Self::View { .. }
            | Self::Hold { .. }
            | Self::SubjectCase { .. }
            | Self::SubjectKey { .. }
            | Self::Plan { .. }
            | Self::NotApproved { .. }
            | Self::Retention { .. }
            | Self::TableFolder { .. }
            | Self::TooLarge { .. }
            | Self::Copy { .. }
            | Self::NotIncremental { .. }
            | Self::StatesNotSmaller { .. }
            | Self::Mapping { .. } => Remedy::FixConfig,
            Self::Withheld { remedy, .. } => *remedy,
            Self::Anonymize { source, .. } => source.remedy(),
            Self::Input { .. }
            | Self::Rejected { .. }
            | Self::Parquet { .. }
            | Self::Record { .. }
            | Self::Unrewritable { .. }
            | Self::CopyValues { .. }
            | Self::PrivacyNotMet { .. }
            | Self::Damaged { .. } => Remedy::InspectData,
            Self::StateDiffers { .. } | Self::Bug { .. } => Remedy::Report,
        }
    }

    /// Wraps a store error; a failed precondition is a changed object.
    pub fn store(path: &object_store::path::Path, action: &'static str, source: object_store::Error) -> Self {
        match source {
            object_store::Error::Precondition { .. } => Self::Changed { path: path.to_string() },
            source => Self::Store { path: path.to_string(), action, source },
        }
    }

    /// Wraps why rows cannot be measured, or made to measure what they must.
    pub(crate) fn anonymize(policy: &str, source: AnonymizeError) -> Self {
        Self::Anonymize { policy: policy.to_owned(), source: Box::new(source) }
    }

    /// A limit that was passed.
    pub fn limit(limit: Limit, found: u64, allowed: u64) -> Self {
        Self::Limit { limit, found, allowed }
    }

    /// Whether a file was replaced or went under whoever read it.
    pub fn is_of_change(&self) -> bool {
        match self {
            Self::Changed { .. } => true,
            Self::Unread { source, .. } => matches!(**source, object_store::Error::NotFound { .. }),
            _ => false,
        }
    }

    /// Whether nothing was said about the data: the store failed, or gave another version than the one asked for. Work
    /// that meets this has no result, not even a bad one.
    pub(crate) fn is_of_store(&self) -> bool {
        matches!(self, Self::Store { .. } | Self::Unread { .. } | Self::Changed { .. })
    }

    /// Wraps an error of DataFusion; what is wrong with a file or its store comes out as what it is, and so does want
    /// of memory.
    pub(crate) fn sql(stage: &'static str, source: DataFusionError) -> Self {
        if let Some(fault) = FileFault::within(&source) {
            return fault.into();
        }
        let source = match own(source) {
            Ok(error) => return error,
            Err(source) => source,
        };
        if let Some(path) = changed_object(&source) {
            return Self::Changed { path };
        }
        if matches!(source.find_root(), DataFusionError::ResourcesExhausted(_)) {
            return Self::Memory(Box::new(source));
        }
        Self::Sql { stage, source: Box::new(source) }
    }
}

/// The error of ours that DataFusion carried, where it is one.
fn own(source: DataFusionError) -> Result<EngineError, DataFusionError> {
    match source {
        DataFusionError::External(carried) => match carried.downcast::<EngineError>() {
            Ok(error) => Ok(*error),
            Err(carried) => Err(DataFusionError::External(carried)),
        },
        DataFusionError::Context(said, inner) => {
            own(*inner).map_err(|inner| DataFusionError::Context(said, Box::new(inner)))
        }
        DataFusionError::Diagnostic(said, inner) => {
            own(*inner).map_err(|inner| DataFusionError::Diagnostic(said, Box::new(inner)))
        }
        source => Err(source),
    }
}

/// A file was listed, or it would not be read: one that is gone was removed since.
fn advice_on_file(error: &object_store::Error) -> &'static str {
    match (advice(error), error) {
        ("", object_store::Error::NotFound { .. }) => "; it was there a moment ago: run the same command again",
        (known, _) => known,
    }
}
