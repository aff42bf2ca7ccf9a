//! Why a graph could not be put together.

use std::fmt;

/// Why a graph could not be put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphError {
    /// More nodes, edges or bytes of names than numbers of 32 bits can count.
    TooLarge {
        /// Of what there is too much.
        what: &'static str,
    },
    /// A dataset was given twice.
    Twice {
        /// Its name.
        dataset: String,
    },
    /// An edge names a node, an attribute or a job that is not there.
    Missing {
        /// What is missing.
        what: &'static str,
        /// Its number.
        number: u32,
    },
    /// The bytes are no snapshot.
    Snapshot {
        /// Which of its files.
        file: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for GraphError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { what } => write!(out, "lineage graph: too many {what} for numbers of 32 bits"),
            Self::Twice { dataset } => write!(out, "lineage graph: dataset \"{dataset}\" was given twice"),
            Self::Missing { what, number } => {
                write!(out, "lineage graph: an edge names {what} {number}, which is not there")
            }
            Self::Snapshot { file, reason } => {
                write!(out, "lineage snapshot: file \"{file}\" cannot be read: {reason}; rebuild it from the log")
            }
        }
    }
}

impl std::error::Error for GraphError {}
