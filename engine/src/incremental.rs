//! Groupings that are not computed again because a file was added: what a job's aggregates come to is kept for each file, and
//! a run folds what is kept.
//!
//! ```text
//! files ──┬─ kept ─────────── read ──┐
//!         ├─ new ── computed ─ kept ─┼─ months ─ years ─ result ─ the rest of the statement
//!         └─ at a bound ─ computed ──┘
//! ```
//!
//! | id | sentence |
//! |---|---|
//! | INC-1 | a result is the fold of exactly one state for each pinned file within the bounds; nothing is ever subtracted |
//! | INC-2 | the fold has one shape, a function of the pinned files: whatever is kept, the same files give the same bits |
//! | INC-3 | what is exact equals the plain statement over the same files, value for value |
//! | INC-4 | a state follows from one file's bytes, its path and the fingerprint, and from no clock and no other file |
//! | INC-5 | whatever could change a state changes the fingerprint |
//! | INC-6 | states are created once; a missing, foreign or damaged one is computed again and fails no run |
//! | INC-7 | once an erasure or expiry is certified, no state is there that a replaced or deleted version of a file went into |
//! | INC-8 | a run records every pinned file as an input, whether it was read or its state was |
//!
//! `eligible` says what can be folded, `fingerprint` what its states depend on, `bounds` takes off what moves, `tree` says what
//! folds into what; `states` keeps, `steps` computes, `fold` is the story, `sweep` deletes. Absent: states of what a
//! principal sees, of joins, and of datasets whose files others write.

mod bounds;
mod eligible;
mod fingerprint;
mod fold;
mod folded;
mod kept;
mod measured;
mod states;
mod steps;
mod sweep;
mod tree;

use chrono::TimeDelta;
use datafusion::logical_expr::LogicalPlan;
use schemas::Interval;

use crate::error::EngineError;
use crate::lake_session::LakeSession;
use crate::materialize::{QueryRequest, bound, datasets_read, fitted};
use crate::session::SessionFactory;
use crate::store::Lakefront;
use eligible::{Grouping, Refused, Rule, groupings, moved};
use fold::{Folding, Stop};
use folded::in_place_of;

pub(crate) use folded::Inputs;
pub use folded::StatesUsed;
pub use kept::{KeptStates, kept_states, prune_states};
pub(crate) use sweep::delete_versions;
pub use sweep::{SweptStates, remove_for_good, stale_states, sweep_states};

/// Whether states that are kept are read, and new ones kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UseStates {
    /// They are.
    Kept,
    /// Everything is computed from the files, and folded in the same shape; nothing is read or written.
    Anew,
}

/// How a statement that may be folded was computed.
pub(crate) enum Prepared {
    /// From states: the plan with their results in it, what was used, and how each file took part.
    Folded(Box<LogicalPlan>, StatesUsed, Inputs),
    /// In full, and why.
    Full(StatesUsed),
}

/// An instant and an interval that share no part with those of a run: what depends on either is another one there.
fn elsewhen() -> TimeDelta {
    TimeDelta::days(400) + TimeDelta::hours(5) + TimeDelta::minutes(7) + TimeDelta::microseconds(11_000_013)
}

/// Folds the groupings of an optimised statement from states, where that can be done and pays.
///
/// # Errors
/// When it must be and cannot; when files cannot be read, memory does not suffice or the store fails.
pub(crate) async fn prepared(
    lake: &Lakefront,
    (factory, session): (&SessionFactory, &LakeSession),
    request: &QueryRequest<'_>,
    rows: &LogicalPlan,
) -> Result<Prepared, EngineError> {
    let optimized = session.optimized(rows)?;
    let found = match judged(factory, session, request, &optimized).await? {
        Ok(found) => found,
        Err(refused) => return in_full(request, refused.sentence()),
    };
    let mut plan = optimized;
    let mut used = StatesUsed::default();
    let mut inputs = Inputs::default();
    let mut folds = Vec::new();
    for (number, grouping) in without_repeats(&found).into_iter().enumerate() {
        let fold = Folding::begin(lake, session, grouping, request.states).await?;
        match fold.all(&mut inputs).await {
            Ok((states, told)) => {
                used.add(told);
                plan = in_place_of(plan, (number, grouping), (fold.steps(), states))?;
                folds.push(fold);
            }
            Err(Stop::TooLarge(shares)) => {
                fold.give_up().await?;
                return match request.incremental {
                    schemas::Incremental::Always => {
                        Err(EngineError::StatesNotSmaller { job: request.job.to_owned(), shares })
                    }
                    _ => in_full(request, shares),
                };
            }
            Err(Stop::Failed(error)) => return Err(*error),
        }
    }
    // What is also read beside the states, counts as read.
    datasets_read(&plan).iter().for_each(|dataset| inputs.were_read(dataset));
    Ok(Prepared::Folded(Box::new(plan), used, inputs))
}

/// Each grouping once; one that a statement has in two places is folded once, and put in both.
fn without_repeats(found: &[Grouping]) -> Vec<&Grouping> {
    let mut once: Vec<&Grouping> = Vec::new();
    for grouping in found {
        if once.iter().all(|known| known.aggregate != grouping.aggregate) {
            once.push(grouping);
        }
    }
    once
}

fn in_full(request: &QueryRequest<'_>, reason: String) -> Result<Prepared, EngineError> {
    if request.incremental == schemas::Incremental::Always {
        return Err(EngineError::NotIncremental { job: request.job.to_owned(), why: reason });
    }
    Ok(Prepared::Full(StatesUsed { full_reason: Some(reason), ..StatesUsed::default() }))
}

/// The groupings of a statement, if all can be folded and none moves from run to run.
async fn judged(
    factory: &SessionFactory,
    session: &LakeSession,
    request: &QueryRequest<'_>,
    optimized: &LogicalPlan,
) -> Result<Result<Vec<Grouping>, Refused>, EngineError> {
    if factory.leaves_persons_out() || session.viewing.is_some() {
        let why =
            "rows of some persons are left out of what it sees, and whose they are changes without a file changing";
        return Ok(Err(Refused { what: "the job".to_owned(), why: why.to_owned() }));
    }
    if factory.is_narrowed() {
        let why = "it runs for new files and reads each of them once, so a state would never be read again";
        return Ok(Err(Refused { what: "the job".to_owned(), why: why.to_owned() }));
    }
    let found = match groupings(session, optimized)? {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let Interval { start, end } = request.interval;
    let later = (start.checked_add_signed(elsewhen()), end.checked_add_signed(elsewhen()));
    let (Some(start), Some(end)) = later else { return Ok(Ok(found)) };
    let other = QueryRequest { interval: Interval { start, end }, ..*request };
    let session = session.at(request.now + elsewhen());
    let (rows, _) = fitted(request.dataset, bound(&session, &other).await?)?;
    match groupings(&session, &session.optimized(&rows)?)? {
        Ok(later) => Ok(moved(&found, &later).map_or(Ok(found), Err)),
        Err(refused) => Ok(Err(refused)),
    }
}

/// What `check` says of a job that may be folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Eligibility {
    /// It can be: each aggregate with whether it is exact.
    Folds(Vec<EligibleGrouping>),
    /// It cannot.
    InFull {
        /// What stands in the way.
        what: String,
        /// Why, and what to write instead.
        why: String,
    },
}

/// A grouping that can be folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EligibleGrouping {
    /// The dataset below it.
    pub dataset: String,
    /// What its states depend on beside the files.
    pub fingerprint: String,
    /// Each aggregate, and `exact` or `inexact`.
    pub aggregates: Vec<(String, &'static str)>,
}

/// Whether the statement of a job can be folded from states; no file is read for it.
///
/// # Errors
/// When the statement does not plan.
pub async fn eligibility(factory: &SessionFactory, request: &QueryRequest<'_>) -> Result<Eligibility, EngineError> {
    let session = factory.session(request.now)?;
    let (rows, _) = fitted(request.dataset, bound(&session, request).await?)?;
    let optimized = session.optimized(&rows)?;
    Ok(match judged(factory, &session, request, &optimized).await? {
        Err(Refused { what, why }) => Eligibility::InFull { what, why },
        Ok(found) => Eligibility::Folds(found.iter().map(EligibleGrouping::of).collect()),
    })
}

impl EligibleGrouping {
    fn of(grouping: &Grouping) -> Self {
        let rule = |rule| match rule {
            Rule::Exact => "exact",
            Rule::Inexact => "inexact",
        };
        let aggregates = grouping.judged.iter().map(|judged| (judged.aggregate.clone(), rule(judged.rule)));
        Self {
            dataset: grouping.dataset.clone(),
            fingerprint: grouping.fingerprint.to_string(),
            aggregates: aggregates.collect(),
        }
    }
}

impl Refused {
    fn sentence(&self) -> String {
        format!("{}: {}", self.what, self.why)
    }
}

#[cfg(test)]
mod tests;
