//! When a delivery is tried again, and how many calls there are within a minute. Pure: instants in, instants out.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

/// Seconds from an attempt that failed to the next one; behind the last one there is none.
const DELAYS: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// By how many thousandths a delay is shorter or longer at most.
const SPREAD: i64 = 100;
/// What a receiver may ask to be left alone for at most.
const RETRY_AFTER_MAX: TimeDelta = TimeDelta::hours(24);
/// What calls are counted over.
const MINUTE: TimeDelta = TimeDelta::seconds(60);

/// When attempt number `failed` of a message, which failed at `at`, is followed by another one. `ask` is how long the receiver
/// asked to be left alone, which makes a wait longer and none shorter. The spread follows from message and number.
pub(super) fn next_try(id: &str, failed: usize, at: DateTime<Utc>, ask: Option<TimeDelta>) -> Option<DateTime<Utc>> {
    let seconds = DELAYS.get(failed.checked_sub(1)?)?;
    let digest = Sha256::digest(format!("{id}\n{failed}"));
    let drawn = i64::from(u16::from_be_bytes([digest[0], digest[1]])) % (2 * SPREAD + 1) - SPREAD;
    let delay = TimeDelta::milliseconds(seconds * (1_000 + drawn));
    let asked = ask.unwrap_or_default().min(RETRY_AFTER_MAX);
    at.checked_add_signed(delay.max(asked))
}

/// `Retry-After` of HTTP (RFC 9110, 10.2.3): seconds, or a date.
pub(super) fn retry_after(given: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let given = given.trim();
    if !given.is_empty() && given.bytes().all(|digit| digit.is_ascii_digit()) {
        let seconds = given.parse().ok().and_then(TimeDelta::try_seconds);
        return Some(seconds.unwrap_or(RETRY_AFTER_MAX).min(RETRY_AFTER_MAX));
    }
    let date = DateTime::parse_from_rfc2822(given).ok()?;
    Some((date.to_utc() - now).clamp(TimeDelta::zero(), RETRY_AFTER_MAX))
}

/// Calls of the last minute.
#[derive(Debug, Default, Clone)]
pub(super) struct Minute {
    begun: VecDeque<DateTime<Utc>>,
}

impl Minute {
    /// With calls that others began.
    pub(super) fn of(begun: impl IntoIterator<Item = DateTime<Utc>>) -> Self {
        let mut begun: Vec<_> = begun.into_iter().collect();
        begun.sort_unstable();
        Self { begun: begun.into() }
    }

    /// Begins a call, if fewer than `most` were within the last minute; else when one may be begun.
    pub(super) fn begin(&mut self, now: DateTime<Utc>, most: u32) -> Result<(), DateTime<Utc>> {
        // What lies ahead by more than that was said by a clock that has gone back since.
        self.begun.retain(|at| (now - *at).abs() < MINUTE);
        if self.begun.len() < most as usize {
            self.begun.push_back(now);
            return Ok(());
        }
        let first = self.begun.get(self.begun.len() - most as usize);
        Err(first.map_or(now, |first| *first + MINUTE))
    }

    /// When each was begun.
    pub(super) fn begun(&self) -> impl Iterator<Item = DateTime<Utc>> {
        self.begun.iter().copied()
    }
}
