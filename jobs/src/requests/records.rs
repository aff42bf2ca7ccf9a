//! What stands beside requests: their state, and what is wrong with them.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use engine::{EngineError, Lakefront};
use object_store::path::Path;
use schemas::RequestError;
use serde::{Deserialize, Serialize};

use super::{REJECTED, RequestId};
use crate::error::JobError;

/// When a request was first taken up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    pub(crate) instant: DateTime<Utc>,
    /// The object in the inbox.
    pub(crate) from: String,
}

/// Where a request stands, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) request: String,
    pub(crate) state: State,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) attempt: u64,
    pub(crate) message: String,
    pub(crate) updated_at: DateTime<Utc>,
}

/// States of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Its turn comes later.
    Deferred,
    Running,
    Done,
    Rejected,
    Failed,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Deferred => "deferred",
            Self::Running => "running",
            Self::Done => "done",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }
}

/// Why a request was refused, or failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErrorFile {
    pub(crate) request: String,
    /// The object in the inbox.
    pub(crate) from: String,
    pub(crate) state: State,
    pub(crate) errors: Vec<RequestError>,
    /// What to do now.
    pub(crate) then: String,
    pub(crate) at: DateTime<Utc>,
}

/// The state as it is written now; a view, so that what fails here fails nothing.
pub(crate) async fn shown(front: &Lakefront, id: &RequestId, status: &Status) {
    let path = Path::from(format!("{}status.json", id.answer()));
    let written = async {
        let text = serde_json::to_vec_pretty(status)
            .map_err(|source| EngineError::Record { path: path.to_string(), source })?;
        front.replace(&path, Bytes::from(text)).await
    };
    if let Err(error) = written.await {
        tracing::warn!(%error, request = %id, "the state of a request was not written");
    }
}

/// Whether a request failed rather than was refused, and when; of the record that says why it lies among the rejected.
pub(crate) async fn refusal(front: &Lakefront, record: &Path) -> Result<Option<(bool, DateTime<Utc>)>, EngineError> {
    let file: Option<ErrorFile> = front.read_json(record).await?;
    Ok(file.map(|file| (file.state == State::Failed, file.at)))
}

/// Why a request lies among the rejected, where it does.
pub(crate) async fn error_file(front: &Lakefront, id: &RequestId) -> Result<Option<ErrorFile>, JobError> {
    Ok(front.read_json(&id.in_folder(REJECTED, ".error.json")).await?)
}
