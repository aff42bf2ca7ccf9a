//! What is said of an edge, kept once for all edges of which the same is said.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use schemas::{Certainty, EdgeKinds, Form, Gap};

use crate::facts::EdgeFact;

/// An instant that no edge outlives, for an end that is open.
const OPEN: i64 = i64::MAX;

/// What is said of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attribute {
    /// The job whose runs said so, by its place among the graph's jobs.
    pub job: u32,
    /// In which ways.
    pub kinds: EdgeKinds,
    /// The most that is left of the source's form.
    pub cap: Form,
    /// How sure it is.
    pub certainty: Certainty,
    /// Why it is not surer.
    pub gap: Option<Gap>,
    from_us: i64,
    to_us: i64,
}

impl Attribute {
    /// What `fact` says, by a job of this number. Instants are kept to the microsecond.
    pub fn new(fact: &EdgeFact, job: u32) -> Self {
        let said = Self::of(job, fact.kinds, fact.cap, fact.certainty, fact.gap);
        said.with_interval(fact.valid_from.timestamp_micros(), fact.valid_to.map(|end| end.timestamp_micros()))
    }

    /// What is said of an edge that always held.
    pub(crate) fn of(job: u32, kinds: EdgeKinds, cap: Form, certainty: Certainty, gap: Option<Gap>) -> Self {
        Self { job, kinds, cap, certainty, gap, from_us: i64::MIN, to_us: OPEN }
    }

    /// The same with another interval, in microseconds of Unix time.
    pub(crate) fn with_interval(self, from_us: i64, to_us: Option<i64>) -> Self {
        Self { from_us, to_us: to_us.unwrap_or(OPEN), ..self }
    }

    /// When a completed run first said so.
    pub fn valid_from(&self) -> DateTime<Utc> {
        instant(self.from_us)
    }

    /// When one no longer did; none while it holds.
    pub fn valid_to(&self) -> Option<DateTime<Utc>> {
        self.is_closed().then(|| instant(self.to_us))
    }

    /// Whether it held then. An interval holds its start and not its end.
    pub fn holds_at(&self, at: DateTime<Utc>) -> bool {
        let at_us = at.timestamp_micros();
        self.from_us <= at_us && at_us < self.to_us
    }

    /// Whether it no longer holds.
    pub fn is_closed(&self) -> bool {
        self.to_us != OPEN
    }

    /// Whether it is of one of these kinds, masked or not. One that nobody knows a kind of may be of any.
    pub fn may_be(&self, kinds: EdgeKinds) -> bool {
        self.kinds.is_empty() || kinds.iter().any(|(kind, _)| self.kinds.has(kind))
    }

    /// Whether a value may arrive over it.
    pub fn may_carry(&self) -> bool {
        self.kinds.is_empty() || self.kinds.is_direct()
    }

    /// Both ends in microseconds of Unix time.
    pub(crate) fn interval_us(&self) -> (i64, Option<i64>) {
        (self.from_us, self.is_closed().then_some(self.to_us))
    }

    /// Which of two says what the other says, without the time in which it held.
    pub(crate) fn compare_meaning(&self, other: &Self) -> Ordering {
        let meaning = |one: &Self| (one.job, one.kinds, one.cap, one.certainty, one.gap);
        meaning(self).cmp(&meaning(other))
    }
}

/// What cannot be shown as a date cannot be had from one either.
fn instant(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap_or(if us < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}
