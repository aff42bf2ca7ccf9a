//! A channel at work: its claim, what of it is due, attempts, and what becomes of each message.
//!
//! One runner of the lake delivers to a channel at a time, so that calls within a minute can be counted. An attempt is recorded once it
//! was made: whoever dies in between has it made again, with the same id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use engine::{EngineError, Fence};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use object_store::path::Path;
use rustls::ClientConfig;
use schemas::{ChannelKind, EventType, NotifyChannel, Webhook};
use tokio_util::sync::CancellationToken;

use super::call::{Answered, Caller, Fault, tls};
use super::event::{Event, Told};
use super::outbox::{self, AttemptRecord, End, Letter, Mark, SwitchRecord};
use super::post::{Posted, Tell};
use super::sign::{Secret, body_signature, signatures};
use super::timetable::{Minute, next_try, retry_after};
use crate::claim::{Claim, ClaimFence, Patience};
use crate::clock::{Stopwatch, pause};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::runner::chain;
use crate::secret;
use crate::world::World;

/// Calls of one channel that are under way at once.
const AT_ONCE: usize = 8;
/// How long a channel is left alone that is switched off, or cannot be used.
const LEFT_ALONE: f64 = 60.0;
/// How long one is that somebody else delivers to.
const ELSEWHERE: f64 = 20.0;
/// How often it is looked whether the claim still holds.
const FENCED: f64 = 10.0;
/// For a message that comes due within this, the claim is kept.
const KEPT: Duration = Duration::from_secs(10);
/// Fewest bytes of a secret, whose own rule is stricter.
const SECRET_BYTES: usize = 1;

/// How long a runner delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stay {
    /// Until what is due was tried once, as far as the minute goes.
    Once,
    /// For as long as something is due.
    On,
}

/// Messages without an end, as the last listing had them.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    /// Number of the listing.
    pub(super) listing: u64,
    pub(super) ids: BTreeSet<String>,
}

/// What is remembered of a channel from one look to the next.
#[derive(Debug, Default)]
struct Memory {
    /// When messages come due that are not due yet.
    due: BTreeMap<String, DateTime<Utc>>,
    /// Messages that have an end, and how many listings had been begun by then: what an earlier listing has is out of date.
    ended: BTreeMap<String, u64>,
    /// Since when it is left alone, and for how many seconds.
    alone: Option<(Stopwatch, f64)>,
    /// Why it could not be used.
    wrong: Option<String>,
}

/// A channel, and what is delivered with.
#[derive(Debug)]
pub(super) struct Channel<'a> {
    pub(super) lake: &'a OpenLake,
    pub(super) world: &'a World,
    pub(super) caller: &'a Caller,
    pub(super) patience: &'a Patience,
    pub(super) closing: &'a CancellationToken,
    pub(super) stay: Stay,
    pub(super) channel: &'a NotifyChannel,
    memory: Mutex<Memory>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It has an end, or is not there.
    Ended,
    /// It comes due then.
    Later(DateTime<Utc>),
    /// An attempt was made and failed in a way that the next message would meet, too.
    Down(DateTime<Utc>),
    /// The endpoint wants nothing more.
    Off(DateTime<Utc>),
    /// As many calls were made within the minute as there may be.
    Full,
}

/// What a channel is called with.
#[derive(Debug)]
pub(super) struct Ready<'a> {
    pub(super) webhook: &'a Webhook,
    secrets: Vec<Secret>,
    tls: Arc<ClientConfig>,
}

impl<'a> Ready<'a> {
    /// Reads what the endpoint is called with.
    ///
    /// # Errors
    /// When a secret or an authority is absent or not what it must be.
    pub(super) fn of(lake: &OpenLake, channel: &str, webhook: &'a Webhook) -> Result<Self, JobError> {
        let by = format!("channel \"{channel}\" of lake.yaml");
        let read = |(number, source): (usize, _)| {
            let bytes = secret::read(&lake.folder, source, &by, SECRET_BYTES)?;
            Secret::parse(&bytes).map_err(|why| JobError::Usage(format!("secret {} of {by} {why}", number + 1)))
        };
        let secrets = webhook.secrets.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { webhook, secrets, tls: tls(&lake.folder, webhook)? })
    }

    /// Calls the endpoint with a message.
    pub(super) async fn call(
        &self,
        caller: &Caller,
        (id, now): (&str, DateTime<Utc>),
        body: Bytes,
    ) -> Result<Answered, Fault> {
        let timestamp = now.timestamp();
        let mut headers = vec![
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signatures(&self.secrets, id, timestamp, &body)),
        ];
        if let Some(secret) = self.secrets.first().filter(|_| self.webhook.body_hmac) {
            headers.push(("x-auditlake-signature", body_signature(secret, &body)));
        }
        caller.call((self.webhook, &self.tls), &headers, body).await
    }
}

/// What delivers at this moment.
struct Held<'h> {
    ready: Option<&'h Ready<'h>>,
    minute: &'h Mutex<Minute>,
    tell: Tell<'h>,
}

impl<'a> Channel<'a> {
    pub(super) fn new(
        (lake, world): (&'a OpenLake, &'a World),
        (caller, patience): (&'a Caller, &'a Patience),
        (closing, stay): (&'a CancellationToken, Stay),
        channel: &'a NotifyChannel,
    ) -> Self {
        Self { lake, world, caller, patience, closing, stay, channel, memory: Mutex::default() }
    }

    /// Delivers what is due, if nobody else does. `waiting` is what is there, and `begun` how many listings were begun.
    pub(super) async fn pass(
        &self,
        waiting: &(dyn Fn() -> Waiting + Sync),
        begun: &(dyn Fn() -> u64 + Sync),
        tell: Tell<'_>,
    ) {
        if self.closing.is_cancelled() || !self.is_wanted(&waiting()) {
            return;
        }
        match self.passed(waiting, begun, tell).await {
            Ok(()) => self.remember(|memory| memory.wrong = None),
            Err(error) => {
                let why = chain(&error).join(": ");
                let is_new = self.remember(|memory| {
                    memory.alone = Some((Stopwatch::start(), LEFT_ALONE));
                    memory.wrong.replace(why.clone()).is_none_or(|before| before != why)
                });
                if is_new {
                    tracing::warn!(channel = %self.channel.name, %why, "nothing is delivered, will retry");
                }
            }
        }
    }

    async fn passed(
        &self,
        waiting: &(dyn Fn() -> Waiting + Sync),
        begun: &(dyn Fn() -> u64 + Sync),
        tell: Tell<'_>,
    ) -> Result<(), JobError> {
        let (front, name) = (&self.lake.front, self.channel.name.as_str());
        let is_on = outbox::switch(front, name).await?.is_none_or(|(_, last)| last.is_on);
        if !is_on {
            self.leave_alone(LEFT_ALONE);
            return Ok(());
        }
        let ready = match &self.channel.to {
            ChannelKind::Webhook(webhook) => Some(Ready::of(self.lake, name, webhook)?),
            ChannelKind::Folder(_) | ChannelKind::Stdout => None,
        };
        let what = format!("notifications/{name}");
        let Some(claim) = Claim::take_if_free(front, self.world, &what, self.patience).await? else {
            self.leave_alone(ELSEWHERE);
            return Ok(());
        };
        claim.tidy().await;
        let done = async {
            let minute = Mutex::new(Minute::of(outbox::minute(front, name).await?));
            let held = Held { ready: ready.as_ref(), minute: &minute, tell };
            let done = self.deliver(&held, (waiting, begun), &claim.fence()).await;
            let calls: Vec<_> = minute.lock().unwrap_or_else(PoisonError::into_inner).begun().collect();
            if ready.is_some() {
                outbox::leave_minute(front, name, &calls).await?;
            }
            done
        };
        let done = done.await;
        claim.release().await;
        done
    }

    async fn deliver(
        &self,
        held: &Held<'_>,
        (waiting, begun): (&(dyn Fn() -> Waiting + Sync), &(dyn Fn() -> u64 + Sync)),
        fence: &ClaimFence,
    ) -> Result<(), JobError> {
        let (mut flying, mut under_way, mut is_over) = (FuturesUnordered::new(), BTreeSet::new(), false);
        let (mut failed, mut fenced) = (Ok(()), Stopwatch::start());
        loop {
            is_over |= self.closing.is_cancelled();
            if !is_over && fenced.seconds() >= FENCED {
                fence.check().await?;
                fenced = Stopwatch::start();
            }
            while !is_over && flying.len() < AT_ONCE {
                let Some(id) = self.next(&waiting(), &under_way) else { break };
                under_way.insert(id.clone());
                flying.push(async { (self.one(held, &id).await, id) });
            }
            let Some((outcome, id)) = flying.next().await else {
                if !is_over && self.stay == Stay::On && self.is_soon() {
                    pause(Duration::from_secs(1)).await;
                    continue;
                }
                return failed;
            };
            under_way.remove(&id);
            match outcome {
                Ok(outcome) => is_over |= self.take(id, outcome, begun()),
                Err(error) => {
                    // What the store does not take now it may take later; what is under way is still recorded.
                    is_over = true;
                    failed = Err(error);
                }
            }
        }
    }

    /// Takes in what became of a message; whether no further one is begun.
    fn take(&self, id: String, outcome: Outcome, listings: u64) -> bool {
        self.remember(|memory| match outcome {
            Outcome::Ended => {
                memory.due.remove(&id);
                memory.ended.insert(id, listings);
                false
            }
            Outcome::Later(at) => {
                memory.due.insert(id, at);
                false
            }
            Outcome::Down(at) => {
                memory.due.insert(id, at);
                self.stay == Stay::Once
            }
            Outcome::Off(at) => {
                memory.due.insert(id, at);
                memory.alone = Some((Stopwatch::start(), LEFT_ALONE));
                true
            }
            Outcome::Full => true,
        })
    }

    /// One message: looked at, and tried if it is due.
    async fn one(&self, held: &Held<'_>, id: &str) -> Result<Outcome, JobError> {
        let (front, name) = (&self.lake.front, self.channel.name.as_str());
        let letter = outbox::read(front, name, id).await?;
        let body = outbox::body(front, name, id).await?;
        let Some((letter, body)) = letter.filter(|letter| !letter.is_settled).zip(body) else {
            outbox::unmark(front, Mark::Waiting, (name, id)).await?;
            return Ok(Outcome::Ended);
        };
        let next = letter.failed.last().and_then(|last| last.next_try_at);
        if let Some(next) = next.filter(|next| *next > self.world.logged_at()) {
            return Ok(Outcome::Later(next));
        }
        let answered = match (&self.channel.to, held.ready) {
            (ChannelKind::Folder(folder), _) => {
                front.create(&file(folder, id, &body), body.clone()).await?;
                None
            }
            (ChannelKind::Stdout, _) => {
                line(&body)?;
                None
            }
            (ChannelKind::Webhook(_), None) => return Ok(Outcome::Full),
            (ChannelKind::Webhook(_), Some(ready)) => {
                if !self.begun(held.minute, ready.webhook.per_minute).await {
                    return Ok(Outcome::Full);
                }
                Some(ready.call(self.caller, (id, self.world.logged_at()), body.clone()).await)
            }
        };
        self.record(held, (id, &body), &letter, answered).await
    }

    /// Begins a call within the minute: waits for its turn, or says that there is none.
    async fn begun(&self, minute: &Mutex<Minute>, most: u32) -> bool {
        loop {
            let now = self.world.logged_at();
            let begun = minute.lock().unwrap_or_else(PoisonError::into_inner).begin(now, most);
            let Err(at) = begun else { return true };
            if self.stay == Stay::Once || self.closing.is_cancelled() {
                return false;
            }
            let left = (at - now).to_std().unwrap_or_default().clamp(Duration::from_millis(10), Duration::from_secs(1));
            pause(left).await;
        }
    }

    /// Records what an attempt came to.
    async fn record(
        &self,
        held: &Held<'_>,
        (id, body): (&str, &Bytes),
        letter: &Letter,
        answered: Option<Result<Answered, Fault>>,
    ) -> Result<Outcome, JobError> {
        let (front, name, now) = (&self.lake.front, self.channel.name.as_str(), self.world.logged_at());
        let (status, why, ask, is_down) = match &answered {
            None => (None, None, None, false),
            Some(Ok(answer)) if (200..300).contains(&answer.status) => (Some(answer.status), None, None, false),
            Some(Ok(answer)) => {
                let ask = answer.retry_after.as_deref().filter(|_| matches!(answer.status, 429 | 503));
                let ask = ask.and_then(|given| retry_after(given, now));
                (Some(answer.status), Some(format!("the endpoint answered {}", answer.status)), ask, false)
            }
            Some(Err(fault)) => (None, Some(fault.to_string()), None, fault.is_of_endpoint()),
        };
        let mut attempt = AttemptRecord { attempt: letter.attempts + 1, at: now, status, why, next_try_at: None };
        if attempt.why.is_none() {
            outbox::settle(front, (name, id), letter, (End::Delivered, &attempt)).await?;
            (held.tell)(&Posted::Delivered(name));
            return Ok(Outcome::Ended);
        }
        attempt.next_try_at = next_try(id, letter.failed.len() + 1, now, ask);
        let why = attempt.why.as_deref().unwrap_or_default();
        tracing::warn!(channel = %name, id, attempt = attempt.attempt, why, "not delivered");
        outbox::failed(front, (name, id), letter, &attempt).await?;
        (held.tell)(&Posted::Failed(name));
        if status == Some(410) {
            let off = SwitchRecord { is_on: false, by: "the endpoint answered 410".to_owned(), at: now };
            outbox::set_switch(front, name, &off).await?;
            tracing::error!(channel = %name, "switched off, because the endpoint answered 410; `auditlake notify enable` ends it");
        }
        let Some(next) = attempt.next_try_at else {
            self.dead((id, body), (letter, &attempt)).await?;
            (held.tell)(&Posted::Dead(name));
            return Ok(Outcome::Ended);
        };
        Ok(match status {
            Some(410) => Outcome::Off(next),
            _ if is_down => Outcome::Down(next),
            _ => Outcome::Later(next),
        })
    }

    /// Gives a message up, and tells the other channels; that a message about such a one is given up, nobody is told.
    async fn dead(
        &self,
        (id, body): (&str, &Bytes),
        (letter, last): (&Letter, &AttemptRecord),
    ) -> Result<(), JobError> {
        let name = self.channel.name.as_str();
        if kind(body) != format!("auditlake.{}", EventType::NotifyDead.as_str()) {
            let told = Told {
                what: "a notification could not be delivered",
                command: Some("auditlake notify dead".to_owned()),
                attempt: Some(last.attempt),
                ..Told::default()
            };
            let event = Event::of(EventType::NotifyDead, id.to_owned(), letter.round, (last.at, told));
            let others = self.lake.definitions.notify.iter().filter(|other| other.name != name);
            for other in others.filter(|other| other.takes(EventType::NotifyDead)) {
                outbox::publish_to(self.lake, other, &event).await?;
            }
        }
        tracing::error!(channel = %name, id, "given up; `auditlake notify dead` lists it, `auditlake notify redeliver` sends it again");
        Ok(outbox::settle(&self.lake.front, (name, id), letter, (End::Dead, last)).await?)
    }

    /// Whether something may be due.
    fn is_wanted(&self, waiting: &Waiting) -> bool {
        let is_alone = self.remember(|memory| {
            memory.due.retain(|id, _| waiting.ids.contains(id));
            memory.ended.retain(|id, listings| waiting.ids.contains(id) && *listings >= waiting.listing);
            memory.alone.as_ref().is_some_and(|(since, seconds)| since.seconds() < *seconds)
        });
        !is_alone && self.next(waiting, &BTreeSet::new()).is_some()
    }

    /// A message that is due, as far as is known.
    fn next(&self, waiting: &Waiting, under_way: &BTreeSet<String>) -> Option<String> {
        let now = self.world.logged_at();
        self.remember(|memory| {
            let is_due = |id: &&String| {
                !under_way.contains(*id)
                    && memory.due.get(*id).is_none_or(|at| *at <= now)
                    && memory.ended.get(*id).is_none_or(|listings| *listings < waiting.listing)
            };
            waiting.ids.iter().find(is_due).cloned()
        })
    }

    /// Whether a message comes due before the claim would be worth handing back.
    fn is_soon(&self) -> bool {
        let until = self.world.logged_at() + KEPT;
        self.remember(|memory| memory.due.values().any(|at| *at <= until))
    }

    fn leave_alone(&self, seconds: f64) {
        self.remember(|memory| memory.alone = Some((Stopwatch::start(), seconds)));
    }

    fn remember<T>(&self, of: impl FnOnce(&mut Memory) -> T) -> T {
        of(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The type of a CloudEvent.
fn kind(body: &Bytes) -> String {
    of_event(body, "type")
}

fn of_event(body: &Bytes, key: &str) -> String {
    let event: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    event.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

/// Where the file of an event lies: files sort as the events happened.
pub(super) fn file(folder: &str, id: &str, body: &Bytes) -> Path {
    let at = DateTime::parse_from_rfc3339(&of_event(body, "time")).map(|at| at.to_utc()).unwrap_or_default();
    let kind = kind(body);
    let kind = kind.trim_start_matches("auditlake.");
    Path::from(format!("{folder}{}-{kind}-{id}.json", schemas::compact(at)))
}

/// Writes an event as a line on standard output.
///
/// # Errors
/// When there is nobody to read it.
pub(super) fn line(body: &Bytes) -> Result<(), EngineError> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let written = out.write_all(body).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    written.map_err(|error| EngineError::Bug { what: format!("standard output is not there ({error})") })
}
