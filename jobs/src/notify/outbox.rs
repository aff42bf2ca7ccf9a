//! What is to be told, in the lake: create-only records, so that any number of processes write and one delivers.
//!
//! ```text
//! _auditlake/notifications/<channel>/<id>/event.json          the body of every attempt
//!                                         attempt-0001.json   one that failed
//!                                         delivered.json      it arrived; behind redeliver-000002.json it is delivered-000002.json
//!                                         dead.json           no further attempt is made by itself
//!                                         redeliver-000002.json   somebody wants it sent again
//! _auditlake/notifications/_waiting/<channel>/<id>            what has no end
//! _auditlake/notifications/_dead/<channel>/<id>               what no attempt is made for
//! _auditlake/notifications/_switch/<channel>/000001.json      switched off by an endpoint, on by a person
//! _auditlake/notifications/_minute/<channel>.json             when calls were begun, for whoever delivers next
//! ```
//!
//! The marks `_waiting` and `_dead` are what is listed; the folder of a message decides what is true.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use engine::{Created, EngineError, Lakefront};
use object_store::path::Path;
use schemas::NotifyChannel;
use serde::{Deserialize, Serialize};

use super::event::Event;
use crate::error::JobError;
use crate::lake::OpenLake;

pub(super) const FOLDER: &str = "_auditlake/notifications";

/// A mark that is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It has no end.
    Waiting,
    /// No further attempt is made by itself.
    Dead,
}

impl Mark {
    fn folder(self) -> &'static str {
        match self {
            Self::Waiting => "_waiting",
            Self::Dead => "_dead",
        }
    }
}

/// An attempt, or what became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AttemptRecord {
    /// From 1 on.
    pub(super) attempt: u64,
    pub(super) at: DateTime<Utc>,
    /// Status of the answer, where there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) status: Option<u16>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) why: Option<String>,
    /// When it is tried again; none where it is not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) next_try_at: Option<DateTime<Utc>>,
}

/// Somebody wants a message sent again.
#[derive(Debug, Serialize, Deserialize)]
struct RedeliverRecord {
    by: String,
    at: DateTime<Utc>,
}

/// A channel is switched off or on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SwitchRecord {
    pub(super) is_on: bool,
    /// Who or what did it.
    pub(super) by: String,
    pub(super) at: DateTime<Utc>,
}

/// A message as its folder has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Letter {
    /// Times that somebody asked for it; 1 from the beginning on.
    pub(super) round: u64,
    /// Whether what was asked for last has an end.
    pub(super) is_settled: bool,
    /// Attempts of this round that failed, oldest first.
    pub(super) failed: Vec<AttemptRecord>,
    /// Attempts of all rounds that failed.
    pub(super) attempts: u64,
}

/// Writes an event into the outbox of every channel that it goes to.
///
/// # Errors
/// When the store fails; written again, it is there once.
pub(super) async fn publish(lake: &OpenLake, event: &Event) -> Result<(), JobError> {
    for channel in lake.definitions.notify.iter().filter(|channel| channel.takes(event.kind)) {
        publish_to(lake, channel, event).await?;
    }
    Ok(())
}

/// Writes an event into the outbox of one channel.
///
/// # Errors
/// As [`publish`].
pub(super) async fn publish_to(lake: &OpenLake, channel: &NotifyChannel, event: &Event) -> Result<(), JobError> {
    let (front, id) = (&lake.front, event.id(&channel.name));
    let body = event.body(&lake.definitions.id, &channel.name)?;
    let is_new = front.create(&record(&channel.name, &id, "event"), body.into()).await? == Created::Now;
    // Whoever wrote it may have died before it was marked; what has an end is not begun again.
    if is_new || !read(front, &channel.name, &id).await?.is_some_and(|letter| letter.is_settled) {
        front.create(&mark(Mark::Waiting, &channel.name, &id), Bytes::new()).await?;
    }
    Ok(())
}

/// Messages with a mark, by channel.
///
/// # Errors
/// When the store fails.
pub(super) async fn marked(front: &Lakefront, with: Mark) -> Result<BTreeMap<String, BTreeSet<String>>, EngineError> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for meta in front.list(&Path::from(format!("{FOLDER}/{}", with.folder()))).await? {
        let parts: Vec<_> = meta.location.parts().skip(3).map(|part| part.as_ref().to_owned()).collect();
        if let [channel, id] = parts.as_slice() {
            all.entry(channel.clone()).or_default().insert(id.clone());
        }
    }
    Ok(all)
}

/// A message; none that was never written.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub(super) async fn read(front: &Lakefront, channel: &str, id: &str) -> Result<Option<Letter>, EngineError> {
    let mut letter = Letter { round: 1, ..Letter::default() };
    let (mut is_there, mut ends, mut attempts) = (false, BTreeSet::new(), Vec::new());
    for meta in front.list(&Path::from(format!("{FOLDER}/{channel}/{id}"))).await? {
        let name = meta.location.filename().unwrap_or_default();
        let Some(name) = name.strip_suffix(".json") else { continue };
        match name.split_once('-').unwrap_or((name, "1")) {
            ("event", _) => is_there = true,
            ("redeliver", number) => letter.round = letter.round.max(number.parse().unwrap_or(1)),
            ("delivered" | "dead", number) => drop(ends.insert(number.parse().unwrap_or(1_u64))),
            ("attempt", _) => attempts.push(meta.location),
            _ => {}
        }
    }
    letter.is_settled = ends.contains(&letter.round);
    letter.attempts = attempts.len() as u64;
    if !letter.is_settled {
        for path in attempts {
            let attempt: Option<RoundedAttempt> = front.read_json(&path).await?;
            letter.failed.extend(attempt.filter(|attempt| attempt.round == letter.round).map(|attempt| attempt.record));
        }
    }
    Ok(is_there.then_some(letter))
}

/// An attempt as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct RoundedAttempt {
    round: u64,
    #[serde(flatten)]
    record: AttemptRecord,
}

/// The body of a message.
///
/// # Errors
/// When the store fails.
pub(super) async fn body(front: &Lakefront, channel: &str, id: &str) -> Result<Option<Bytes>, EngineError> {
    front.read(&record(channel, id, "event")).await
}

/// Records an attempt that failed.
///
/// # Errors
/// When the store fails.
pub(super) async fn failed(
    front: &Lakefront,
    (channel, id): (&str, &str),
    letter: &Letter,
    attempt: &AttemptRecord,
) -> Result<(), EngineError> {
    let path = record(channel, id, &format!("attempt-{:04}", attempt.attempt));
    front.create_json(&path, &RoundedAttempt { round: letter.round, record: attempt.clone() }).await.map(drop)
}

/// Records that a message arrived, or that no further attempt is made for it; it waits no longer.
///
/// # Errors
/// When the store fails; whoever looks next goes on.
pub(super) async fn settle(
    front: &Lakefront,
    (channel, id): (&str, &str),
    letter: &Letter,
    (end, last): (End, &AttemptRecord),
) -> Result<(), EngineError> {
    let name = match (end, letter.round) {
        (End::Delivered, 1) => "delivered".to_owned(),
        (End::Dead, 1) => "dead".to_owned(),
        (End::Delivered, round) => format!("delivered-{round:06}"),
        (End::Dead, round) => format!("dead-{round:06}"),
    };
    if end == End::Dead {
        front.create(&mark(Mark::Dead, channel, id), Bytes::new()).await?;
    }
    front.create_json(&record(channel, id, &name), last).await?;
    unmark(front, Mark::Waiting, (channel, id)).await
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Delivered,
    Dead,
}

/// Takes a mark away.
///
/// # Errors
/// When the store fails.
pub(super) async fn unmark(front: &Lakefront, with: Mark, (channel, id): (&str, &str)) -> Result<(), EngineError> {
    front.remove(&mark(with, channel, id)).await
}

/// Why no further attempt is made for a message, where that is so.
///
/// # Errors
/// When the store fails, or the record is damaged.
pub(super) async fn last_words(
    front: &Lakefront,
    (channel, id): (&str, &str),
    round: u64,
) -> Result<Option<AttemptRecord>, EngineError> {
    let name = if round == 1 { "dead".to_owned() } else { format!("dead-{round:06}") };
    front.read_json(&record(channel, id, &name)).await
}

/// Has a message sent again, whatever became of it.
///
/// # Errors
/// When the store fails.
pub(super) async fn redeliver(
    front: &Lakefront,
    (channel, id): (&str, &str),
    letter: &Letter,
    (by, at): (&str, DateTime<Utc>),
) -> Result<(), EngineError> {
    // What has no end is waiting already.
    if letter.is_settled {
        let path = record(channel, id, &format!("redeliver-{:06}", letter.round + 1));
        front.create_json(&path, &RedeliverRecord { by: by.to_owned(), at }).await?;
    }
    front.create(&mark(Mark::Waiting, channel, id), Bytes::new()).await?;
    unmark(front, Mark::Dead, (channel, id)).await
}

/// How a channel was switched last; none that never was, which is on.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub(super) async fn switch(front: &Lakefront, channel: &str) -> Result<Option<(u64, SwitchRecord)>, EngineError> {
    let listed = front.list(&Path::from(format!("{FOLDER}/_switch/{channel}"))).await?;
    let Some(last) = listed.last() else { return Ok(None) };
    let number = last.location.filename().and_then(|name| name.strip_suffix(".json")?.parse().ok()).unwrap_or(1);
    Ok(front.read_json(&last.location).await?.map(|record| (number, record)))
}

/// Switches a channel. Of two who do so at once, the second finds it done.
///
/// # Errors
/// When the store fails.
pub(super) async fn set_switch(front: &Lakefront, channel: &str, record: &SwitchRecord) -> Result<(), EngineError> {
    let last = switch(front, channel).await?;
    if last.as_ref().is_none_or(|(_, last)| last.is_on) == record.is_on {
        return Ok(());
    }
    let number = last.map_or(0, |(number, _)| number) + 1;
    let path = Path::from(format!("{FOLDER}/_switch/{channel}/{number:06}.json"));
    front.create_json(&path, record).await.map(drop)
}

/// When calls of the last minute were begun, as whoever delivered before left it.
///
/// # Errors
/// When the store fails, or the record is damaged.
pub(super) async fn minute(front: &Lakefront, channel: &str) -> Result<Vec<DateTime<Utc>>, EngineError> {
    Ok(front.read_json(&minute_path(channel)).await?.unwrap_or_default())
}

/// Leaves when calls were begun to whoever delivers next.
///
/// # Errors
/// When the store fails.
pub(super) async fn leave_minute(front: &Lakefront, channel: &str, begun: &[DateTime<Utc>]) -> Result<(), EngineError> {
    let bytes = serde_json::to_vec(begun)
        .map_err(|source| EngineError::Record { path: minute_path(channel).to_string(), source })?;
    front.replace(&minute_path(channel), bytes.into()).await
}

fn minute_path(channel: &str) -> Path {
    Path::from(format!("{FOLDER}/_minute/{channel}.json"))
}

fn record(channel: &str, id: &str, name: &str) -> Path {
    Path::from(format!("{FOLDER}/{channel}/{id}/{name}.json"))
}

fn mark(with: Mark, channel: &str, id: &str) -> Path {
    Path::from(format!("{FOLDER}/{}/{channel}/{id}", with.folder()))
}
