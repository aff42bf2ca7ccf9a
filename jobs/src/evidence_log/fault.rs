//! Why the evidence log cannot be written, or looked at.

use engine::EngineError;
use engine::evidence::{EntryError, KeyId, NoteError};
use schemas::Remedy;

/// What is wrong with a log, its keys or its anchors.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceFault {
    /// A file of keys that holds something else.
    #[error("key \"{place}\": {source}")]
    Key {
        /// The file or variable.
        place: String,
        /// Why.
        source: NoteError,
    },
    /// A key of another log.
    #[error(
        "key \"{place}\" is of \"{name}\", and policies/evidence.yaml says origin: {origin}; name that key's origin, or make a key with `auditlake evidence keygen`"
    )]
    KeyName {
        /// The file or variable.
        place: String,
        /// Whose key it is.
        name: String,
        /// Whose log it is.
        origin: String,
    },
    /// The last checkpoint was signed by nobody of us.
    #[error(
        "checkpoint {size} is not signed by the key {current} of policies/evidence.yaml; name the key that signed it under sign.retiring, so that it hands over"
    )]
    OtherSigner {
        /// Its size.
        size: u64,
        /// Our key.
        current: KeyId,
    },
    /// A checkpoint that was changed.
    #[error("checkpoint {size}: {source}; look at it with `auditlake verify`")]
    Checkpoint {
        /// Its size.
        size: u64,
        /// What is wrong.
        source: NoteError,
    },
    /// A checkpoint that is not what its name or its tiles say.
    #[error("checkpoint {size} is of {what}; look at it with `auditlake verify`")]
    Unlike {
        /// The size in its name.
        size: u64,
        /// What it is of instead.
        what: String,
    },
    /// The log is shorter than a copy of it.
    #[error(
        "anchor \"{anchor}\" saw {seen} entries, and the log has {size}: its end was cut, so nothing is signed; look at it with `auditlake verify`"
    )]
    Cut {
        /// The anchor.
        anchor: String,
        /// Entries that it saw.
        seen: u64,
        /// Entries that are there.
        size: u64,
    },
    /// The log is another than a copy of it.
    #[error(
        "checkpoint {seen} of anchor \"{anchor}\" is not consistent with this log, so nothing is signed; look at it with `auditlake verify`"
    )]
    Forked {
        /// The anchor.
        anchor: String,
        /// Size of its checkpoint.
        seen: u64,
    },
    /// An anchor that cannot be read or written.
    #[error("anchor \"{anchor}\" cannot be reached, so nothing is signed")]
    Unreachable {
        /// The anchor.
        anchor: String,
        /// Why.
        source: Box<EngineError>,
    },
    /// An anchor in which something was, and now is nothing.
    #[error(
        "anchor \"{anchor}\" is empty, although checkpoints were written to it, so nothing is signed; is it the right store, and is it mounted?"
    )]
    Emptied {
        /// The anchor.
        anchor: String,
    },
    /// Nothing to check signatures with.
    #[error(
        "no trusted key: give a file of verifier keys with --keys, or name one under trust in policies/evidence.yaml; the log offers {offered}, which proves nothing by itself"
    )]
    NoTrust {
        /// Ids of the keys that lie beside the log.
        offered: String,
    },
    /// There is no log.
    #[error("this lake has no evidence log; describe one in policies/evidence.yaml, see `auditlake schema evidence`")]
    NoLog,
    /// What is to be logged is no entry.
    #[error("nothing was logged")]
    Entry(#[from] EntryError),
}

impl EvidenceFault {
    /// What the caller does next.
    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            Self::Key { .. } | Self::KeyName { .. } | Self::OtherSigner { .. } | Self::NoTrust { .. } | Self::NoLog => {
                Remedy::FixConfig
            }
            Self::Unreachable { .. } | Self::Emptied { .. } => Remedy::Retry,
            Self::Checkpoint { .. } | Self::Unlike { .. } | Self::Cut { .. } | Self::Forked { .. } => {
                Remedy::InspectData
            }
            Self::Entry(_) => Remedy::Report,
        }
    }

    /// Whether the command line or a definition is wrong.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::NoTrust { .. } | Self::NoLog | Self::KeyName { .. } | Self::Key { .. })
    }
}
