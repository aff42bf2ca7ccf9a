//! Which edges a question looks at.
//!
//! A filter is compiled to one bit per attribute, so that it costs a walk one test of a bit per edge.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use schemas::{Certainty, EdgeKind, EdgeKinds, Form};

use super::attribute::Attribute;
use crate::facts::JobName;

/// The time a question is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum When {
    /// What holds and was not closed.
    #[default]
    Now,
    /// What held at an instant.
    At(DateTime<Utc>),
    /// Whatever held once: closing an edge does not remove the data it made.
    Ever,
}

/// Which edges a question looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// At what time.
    pub when: When,
    /// Edges of at least one of these kinds, masked or not; every edge if none is named.
    pub kinds: Option<EdgeKinds>,
    /// The weakest certainty that is let through. An answer is then complete among such edges only.
    pub certainty: Option<Certainty>,
    /// Edges of this job alone.
    pub job: Option<JobName>,
    /// Edges that leave at least this form.
    pub cap: Option<Form>,
}

impl Filter {
    /// Edges over which a value arrives.
    pub fn direct() -> Self {
        Self { kinds: Some(kinds_that(EdgeKind::is_direct)), ..Self::default() }
    }

    /// Edges that decide and carry no value.
    pub fn indirect() -> Self {
        Self { kinds: Some(kinds_that(|kind| !kind.is_direct())), ..Self::default() }
    }

    /// Whether an edge of the job `job` passes.
    pub(crate) fn admits(&self, attribute: &Attribute, job: &JobName) -> bool {
        let in_time = match self.when {
            When::Now => !attribute.is_closed(),
            When::At(at) => attribute.holds_at(at),
            When::Ever => true,
        };
        in_time
            && self.kinds.is_none_or(|kinds| attribute.may_be(kinds))
            && self.certainty.is_none_or(|weakest| attribute.certainty <= weakest)
            && self.cap.is_none_or(|least| attribute.cap >= least)
            && self.job.as_ref().is_none_or(|only| only == job)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.when {
            When::Now => write!(out, "now")?,
            When::At(at) => write!(out, "as of {}", at.to_rfc3339_opts(SecondsFormat::AutoSi, true))?,
            When::Ever => write!(out, "ever")?,
        }
        if let Some(kinds) = self.kinds {
            let of = EdgeKind::ALL.into_iter().filter(|kind| kinds.has(*kind)).map(EdgeKind::as_str);
            write!(out, "; kinds {}", of.collect::<Vec<_>>().join(" "))?;
        }
        if let Some(certainty) = self.certainty {
            write!(out, "; certainty {} or surer", certainty.as_str())?;
        }
        if let Some(cap) = self.cap {
            write!(out, "; cap {} or more", cap.as_str())?;
        }
        if let Some(job) = &self.job {
            write!(out, "; job {}/{}", job.namespace, job.name)?;
        }
        Ok(())
    }
}

/// One bit per attribute: whether its edges are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask(Bits);

impl Mask {
    pub(crate) fn new(passes: impl ExactSizeIterator<Item = bool>) -> Self {
        let mut bits = Bits::new(passes.len());
        for (number, _) in (0..).zip(passes).filter(|(_, passes)| *passes) {
            bits.set(number);
        }
        Self(bits)
    }

    /// Whether edges of this attribute are looked at.
    pub(crate) fn admits(&self, attribute: u32) -> bool {
        self.0.has(attribute)
    }
}

/// A bit for each of many numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    pub(crate) fn new(len: usize) -> Self {
        Self(vec![0; len.div_ceil(64)])
    }

    pub(crate) fn set(&mut self, number: u32) {
        self.0[number as usize / 64] |= 1 << (number % 64);
    }

    pub(crate) fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}

fn kinds_that(holds: impl Fn(EdgeKind) -> bool) -> EdgeKinds {
    let all = EdgeKind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]);
    all.filter(|(kind, _)| holds(*kind)).collect()
}
