//! What happened, as it is told: a CloudEvent (1.0.2, structured JSON) of ids and counts. No row, no SQL, no text of an error and
//! nothing of a person is in it: a receiver asks the lake for these.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use engine::EngineError;
use schemas::{EventType, Interval, LakeId};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::ledger::RunKey;

/// A body is shorter than this, in bytes.
const BODY_BYTES_MAX: usize = 20_000;
/// Paths that an event names, and bytes of one.
const PATHS_MAX: usize = 20;
const PATH_BYTES_MAX: usize = 400;
/// Hex digits of an id behind `msg_`.
const ID_DIGITS: usize = 32;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// What.
    pub(super) kind: EventType,
    /// The run it is about, where it is about one: what tells runs apart in ids.
    pub(super) run: String,
    /// What tells events of one subject apart: number of a commit, an attempt, or a record.
    pub(super) number: u64,
    /// Id of what it is about.
    pub(super) subject: String,
    /// When it happened.
    pub(super) time: DateTime<Utc>,
    /// What is told of it.
    pub(super) data: Told,
}

/// What is told of an event.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Told {
    /// A sentence, the same for every event of its kind.
    pub(super) what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interval: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revision: Option<u64>,
    /// Why, as a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// What to do: a word of `Remedy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
    /// The command that tells more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<String>,
    /// The hash of a signed tree, as its checkpoint has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) root: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) counts: BTreeMap<&'static str, u64>,
    /// Objects in the store.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) paths: Vec<String>,
}

/// A CloudEvent.
#[derive(Debug, Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: &'a str,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    subject: &'a str,
    time: String,
    datacontenttype: &'static str,
    data: &'a Told,
}

impl Event {
    /// Of a run.
    pub(super) fn of_run(kind: EventType, key: &RunKey, number: u64, (time, data): (DateTime<Utc>, Told)) -> Self {
        let run = key.id();
        let command = Some(format!("auditlake runs show {run}"));
        let data = Told { job: Some(key.job.to_string()), command, ..data };
        Self { kind, subject: run.clone(), run, number, time, data }
    }

    /// Of something that is no run.
    pub(super) fn of(kind: EventType, subject: String, number: u64, (time, data): (DateTime<Utc>, Told)) -> Self {
        Self { kind, run: String::new(), number, subject, time, data }
    }

    /// Its id in a channel: `msg_` and half of a SHA-256. The same event has the same id, whoever makes it and however often.
    pub(super) fn id(&self, channel: &str) -> String {
        let parts = [channel, &self.run, &self.number.to_string(), self.kind.as_str(), &self.subject];
        let mut hash = schemas::hex(&Sha256::digest(parts.join("\n")));
        hash.truncate(ID_DIGITS);
        format!("msg_{hash}")
    }

    /// Its CloudEvent in a channel of a lake.
    pub(super) fn body(&self, lake: &LakeId, channel: &str) -> Result<Vec<u8>, EngineError> {
        let mut data = self.data.clone();
        data.paths.retain(|path| path.len() <= PATH_BYTES_MAX);
        data.paths.truncate(PATHS_MAX);
        body(lake, &self.id(channel), self.kind.as_str(), (&self.subject, self.time), &data)
    }
}

/// A CloudEvent of a lake.
pub(super) fn body(
    lake: &LakeId,
    id: &str,
    kind: &str,
    (subject, time): (&str, DateTime<Utc>),
    data: &Told,
) -> Result<Vec<u8>, EngineError> {
    let event = CloudEvent {
        specversion: "1.0",
        id,
        source: format!("/lakes/{lake}"),
        kind: format!("auditlake.{kind}"),
        subject,
        time: schemas::rfc3339(time),
        datacontenttype: "application/json",
        data,
    };
    let bytes = serde_json::to_vec(&event)
        .map_err(|error| EngineError::Bug { what: format!("an event cannot be written ({error})") })?;
    if bytes.len() < BODY_BYTES_MAX {
        return Ok(bytes);
    }
    Err(EngineError::Bug { what: format!("event {kind} of {} bytes is longer than any should be", bytes.len()) })
}
