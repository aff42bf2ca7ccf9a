//! Why a file of a table cannot be read, or must not count: an error that travels through DataFusion whole.
//!
//! DataFusion hands errors on behind references, so what is to come out as it went in can be cloned.

use std::error::Error;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use parquet::errors::ParquetError;

use crate::error::EngineError;

/// What is wrong with one file.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum FileFault {
    /// Its content is at fault.
    #[error("input \"{path}\": {why}")]
    Content {
        /// Path in its store.
        path: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// The store did not give it.
    #[error("object \"{path}\": cannot read it")]
    Store {
        /// Path in its store.
        path: String,
        /// What the store said.
        source: Arc<object_store::Error>,
    },
}

impl FileFault {
    /// What DataFusion met at the file of that path.
    pub(crate) fn met(path: &str, error: DataFusionError) -> Self {
        match error {
            DataFusionError::ObjectStore(source) => Self::store(path, *source),
            DataFusionError::ParquetError(error) => Self::decoding(path, *error),
            error => Self::unreadable(path, error.find_root()),
        }
    }

    /// What the decoder met at the file of that path.
    pub(crate) fn decoding(path: &str, error: ParquetError) -> Self {
        match error {
            ParquetError::External(cause) => match cause.downcast::<object_store::Error>() {
                Ok(source) => Self::store(path, *source),
                Err(cause) => match cause.downcast::<Self>() {
                    Ok(fault) => *fault,
                    Err(cause) => Self::unreadable(path, cause.as_ref()),
                },
            },
            error => Self::unreadable(path, &error),
        }
    }

    fn store(path: &str, source: object_store::Error) -> Self {
        Self::Store { path: path.to_owned(), source: Arc::new(source) }
    }

    fn unreadable(path: &str, error: &dyn Error) -> Self {
        Self::Content { path: path.to_owned(), why: format!("it is no Parquet file that can be read ({error})") }
    }

    /// The fault at the bottom of `error`, where there is one.
    pub(crate) fn within(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(fault) = error.downcast_ref::<Self>() {
                return Some(fault.clone());
            }
            cause = error.source();
        }
        None
    }
}

impl From<FileFault> for ParquetError {
    fn from(fault: FileFault) -> Self {
        Self::External(Box::new(fault))
    }
}

impl From<FileFault> for EngineError {
    fn from(fault: FileFault) -> Self {
        match fault {
            FileFault::Content { path, why } => Self::Input { path, why },
            FileFault::Store { path, source } if matches!(*source, object_store::Error::Precondition { .. }) => {
                Self::Changed { path }
            }
            FileFault::Store { path, source } => Self::Unread { path, source },
        }
    }
}

/// The path of the object that changed, where that is what lies at the bottom of `error`.
pub(crate) fn changed_object(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(object_store::Error::Precondition { path, .. }) = error.downcast_ref() {
            return Some(path.clone());
        }
        cause = error.source();
    }
    None
}
