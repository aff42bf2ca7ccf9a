//! The demo lake: invented audit events of five tenants with violations planted in them, and what their platform did.
//!
//! Pure and seeded: the same seed gives the same bytes, in any year. What each control must find is returned beside
//! the events, so that `auditlake demo` can say whether the report found all of it and nothing else.
//! Absent: ingest and evaluation, and any real name, address or account. Addresses are those that RFC 5737 and
//! RFC 3849 set aside for documentation.
//!
//! # Why the instants are these
//!
//! The background covers the 60 days `[2026-01-01, 2026-03-02)`, and the report is made for their end, [`REPORT_AT`].
//! AL-LOG-010 compares the time of an event with the instant of its ingest, so a clock that runs ahead shows only in
//! events later than an ingest plus five minutes; ingest rejects those more than a day ahead. So the lake is filled
//! twice, as an operator would: at [`FIRST_INGEST_AT`] with 59 days, among them a few rows whose clock was ahead, and
//! at [`REPORT_AT`] with the last. At that instant every source has just logged, unless it is one planted as silent.

mod background;
mod cast;
mod consent;
mod event;
mod identity;
mod planted;
mod platform;
mod requests;
mod templates;
#[cfg(test)]
mod tests;

use std::io;

use chrono::{DateTime, Utc};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use cast::Cast;
use event::{DAY_US, Event, Mark};
use planted::Script;

pub(crate) use platform::{Said, said};
pub(crate) use templates::{Definition, definitions, init_definitions};

/// Days of background, one source file each.
pub(crate) const DAYS: i64 = 60;

/// First instant of the first day.
pub(crate) const START_AT: DateTime<Utc> = at_second(1_767_225_600);

/// Instant of the first ingest: the beginning of the last day, 2026-03-01T00:00:00Z.
pub(crate) const FIRST_INGEST_AT: DateTime<Utc> = at_second(1_767_225_600 + (DAYS - 1) * 86_400);

/// Instant of the second ingest and end of the report's interval, 2026-03-02T00:00:00Z; its window is 60 days.
pub(crate) const REPORT_AT: DateTime<Utc> = at_second(1_767_225_600 + DAYS * 86_400);

/// The file that is there for the second ingest only: the last day.
pub(crate) const LAST_FILE: &str = "drop/audit/2026-03-01.ndjson";

/// One row that was planted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// Id of the control it was planted for.
    pub control: &'static str,
    /// Tenant of the row.
    pub tenant: String,
    /// The event the control reports, or the resource where its row is no event; of a near miss, what it would report
    /// if the rule were laxer.
    pub row: String,
    /// What happened, in a few words.
    pub what: String,
}

/// What was generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demo {
    /// Events written.
    pub events: u64,
    /// Every finding the shipped controls must report over the whole interval, by control; no others.
    pub planted: Vec<Planted>,
    /// Rows that look like violations and are none.
    pub near_misses: Vec<Planted>,
}

/// Generates the accounts, what people said and asked for, what the platform did, and the events of every day, and hands the sink NDJSON files: relative path and bytes.
///
/// Of the events, every day is a file; of everything else all of it is one.
///
/// # Errors
/// What the sink returns; nothing else can fail.
pub fn generate(seed: u64, sink: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>) -> io::Result<Demo> {
    let cast = Cast::assemble();
    let mut script = Script::write(&cast, stream(seed, 1));
    let mut chance = stream(seed, 0);
    let mut demo = Demo { events: 0, planted: script.planted, near_misses: script.near_misses };
    let mut bytes = Vec::new();
    for account in &script.accounts {
        line(&mut bytes, account)?;
    }
    sink("drop/identity/accounts.ndjson", &bytes)?;
    bytes.clear();
    for statement in &script.statements {
        line(&mut bytes, statement)?;
    }
    sink("drop/consent/statements.ndjson", &bytes)?;
    bytes.clear();
    for request in &script.requests {
        line(&mut bytes, request)?;
    }
    sink("drop/dsr/requests.ndjson", &bytes)?;
    platform::generate(&mut stream(seed, 2), sink)?;
    for day in 0..DAYS {
        let mut events = background::day(&cast, &mut chance, day);
        events.extend(script.events.remove(&day).unwrap_or_default());
        events.sort_by_key(|event| event.time);
        let date = (START_AT + chrono::Duration::days(day)).format("%Y-%m-%d").to_string();
        bytes.clear();
        for (number, event) in events.iter_mut().enumerate() {
            event.event_id = format!("ev-{date}-{number:05}");
            demo.note(event);
            line(&mut bytes, event)?;
        }
        demo.events += u64::try_from(events.len()).unwrap_or(u64::MAX);
        sink(&format!("drop/audit/{date}.ndjson"), &bytes)?;
    }
    Ok(demo)
}

fn line(bytes: &mut Vec<u8>, row: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *bytes, row)?;
    bytes.push(b'\n');
    Ok(())
}

impl Demo {
    /// Enters the id that a marked event was given.
    fn note(&mut self, event: &Event<'_>) {
        let noted = match event.mark {
            Mark::None => None,
            Mark::Planted(index) => self.planted.get_mut(index),
            Mark::NearMiss(index) => self.near_misses.get_mut(index),
        };
        if let Some(noted) = noted {
            noted.row.clone_from(&event.event_id);
        }
    }
}

/// Chance of one purpose: streams of one seed are independent, so new background leaves the planted rows alone.
fn stream(seed: u64, purpose: u64) -> ChaCha8Rng {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(purpose);
    chance
}

/// First microsecond of a day, counted from [`START_AT`].
fn day_start_us(day: i64) -> i64 {
    START_AT.timestamp_micros() + day * DAY_US
}

const fn at_second(second: i64) -> DateTime<Utc> {
    match DateTime::from_timestamp(second, 0) {
        Some(at) => at,
        None => DateTime::UNIX_EPOCH,
    }
}
