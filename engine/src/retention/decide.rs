//! What retention does to each row, and why: the pure heart of it. Policy, open cases and an instant in, verdicts out.
//!
//! The most protective wins. A row is kept until the latest minimum that matches it, due from the earliest maximum, held by
//! any open case, and never removed when its type is in `never_delete`; of several dispositions that are due, the one that
//! destroys least is taken. NULL matches what protects and not what demands. Each time a rule loses, a conflict says to what.
//!
//! Three things that the words leave open:
//! - A minimum and a hold forbid every disposition. `never_delete` forbids removing rows, to the archive as well; it does not
//!   forbid anonymizing, as it protects the row and not the person.
//! - Several `anonymize` that are due at once are all done. Where they name one column in different ways, the rule that is due
//!   earlier counts for it.
//! - A type, a tenant or a time that nobody knows may be the one that a case holds, so the row is held; so is a row of which
//!   nobody can tell whom it names. Only `never_delete` is no matter of a dataset that has no column for types at all: its rows
//!   are no events. A dataset without columns that name people names nobody, but for what could not be read.
//!
//! Absent: reading, storage and clocks; which rows are a person's; and the plan that is made of the verdicts.

mod age;
mod erase;
mod error;
mod explain;
mod facts;
mod matcher;
mod settle;
mod tally;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::BooleanBuffer;
use chrono::{DateTime, Utc};
use schemas::{CaseId, Dataset, Disposition, HoldRecord, HoldScope, HoldStep, InPlace, RetentionPolicy, Span};

pub use erase::{Erased, ErasedRows, Erasure};
pub use error::DecideError;
pub use explain::{Explained, ExplainedCase, ExplainedGuard, ExplainedRule, Outcome};
pub use facts::{GroupFacts, TextFacts, TimeFacts};
pub use matcher::Met;
pub use tally::{Conflict, Dates, Deed, Protection, Tally, Treatment, Verdicts, Winner};

use age::{Age, Term, judged_at, micros};
use matcher::{EVENT_TYPE, Matcher, Rows};

use crate::subject::{PersonKeys, Persons};
/// A case that holds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCase {
    /// Its number.
    pub case: CaseId,
    /// What it holds.
    pub scope: HoldScope,
    /// Who placed it.
    pub by: String,
    /// When it was placed.
    pub at: DateTime<Utc>,
    /// Whose rows it holds; none where it holds everybody's.
    pub whose: Option<Arc<Persons>>,
}

impl OpenCase {
    /// The case of its records, oldest first; none when it was released. Without the keys of persons nobody can tell whose
    /// rows it holds, where it says.
    pub fn of(records: &[HoldRecord], known: Option<&PersonKeys>) -> Option<Self> {
        let last = records.last()?;
        let scope = last.what.scope()?.clone();
        let placed = records.iter().rev().find(|record| matches!(record.what, HoldStep::Placed { .. })).unwrap_or(last);
        let whose = (!scope.subjects.is_empty()).then(|| Arc::new(Persons::new(&scope.subjects, known)));
        Some(Self { case: last.case.clone(), scope, by: placed.by.clone(), at: placed.at, whose })
    }
}

/// An object of an archive: its rows go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// The rule that moved its rows.
    pub rule: String,
    /// When.
    pub at: DateTime<Utc>,
    /// How long the archive keeps them from then on; for ever when none.
    pub keep: Option<Span>,
}

/// A policy and the open cases, made ready to judge rows of one dataset at one instant.
#[derive(Debug, Clone)]
pub struct Judge {
    dataset: String,
    time: Option<String>,
    now: DateTime<Utc>,
    /// By name of the rule.
    demands: Vec<Demand>,
    /// Minima of rules by name, then those of standards.
    guards: Vec<Guard>,
    /// By number.
    cases: Vec<Holding>,
    /// Types that are never removed.
    never: Option<Never>,
}

/// What must go.
#[derive(Debug, Clone)]
struct Demand {
    rule: String,
    rows: Matcher,
    term: Term,
    disposition: Disposition,
}

impl Demand {
    fn deed(&self) -> Deed {
        Deed::of(&self.disposition)
    }
}

/// What must not go yet.
#[derive(Debug, Clone)]
struct Guard {
    protection: Protection,
    rows: Matcher,
    age: Age,
}

/// What must not go at all, as long as the case is open.
#[derive(Debug, Clone)]
struct Holding {
    open: OpenCase,
    rows: Matcher,
}

/// Types of events that are never removed.
#[derive(Debug, Clone)]
struct Never {
    rows: Matcher,
    /// Whether rows of data without the column are events of unknown type; else they are no events.
    is_declared: bool,
}

/// Which rows of a batch are past a maximum, and what keeps them. Places are those in the judge.
#[derive(Debug)]
struct Marked {
    /// Rows past any maximum.
    any: BooleanBuffer,
    due: Vec<(usize, BooleanBuffer)>,
    guards: Vec<(usize, BooleanBuffer)>,
    cases: Vec<(usize, BooleanBuffer)>,
    never: Option<BooleanBuffer>,
}

impl Judge {
    /// For the rows of a dataset, at an instant that is cut to whole milliseconds. Of a policy that is not enabled, nothing is
    /// ever due.
    pub fn new(policy: &RetentionPolicy, holds: &[OpenCase], dataset: &Dataset, now: DateTime<Utc>) -> Self {
        let now = judged_at(now);
        let mut judge = Self::protecting(policy, holds, dataset, now);
        let due = policy.rules.iter().filter_map(|rule| Some((rule, rule.maximum.as_ref()?)));
        let demand = |(rule, due): (&schemas::RetentionRule, &schemas::Due)| Demand {
            rule: rule.name.clone(),
            rows: Matcher::of_rule(&rule.rows, dataset),
            term: Term::Age(Age::new(due.after, now)),
            disposition: due.disposition.clone(),
        };
        judge.demands = due.filter(|_| policy.enabled).map(demand).collect();
        judge.demands.sort_by(|one, other| one.rule.cmp(&other.rule));
        judge
    }

    /// For the rows of one object in the archive of a dataset: they are due, and deleted, when the archive has kept them for
    /// as long as it should. What protects rows of the dataset protects them there.
    pub fn of_archive(
        policy: &RetentionPolicy,
        holds: &[OpenCase],
        dataset: &Dataset,
        now: DateTime<Utc>,
        archived: &Archived,
    ) -> Self {
        let now = judged_at(now);
        let end = archived.keep.and_then(|keep| keep.after(archived.at));
        let demand = Demand {
            rule: archived.rule.clone(),
            rows: Matcher::default(),
            term: Term::at(end.filter(|_| policy.enabled), now),
            disposition: Disposition::Delete,
        };
        Self { demands: vec![demand], ..Self::protecting(policy, holds, dataset, now) }
    }

    /// For the rows of a dataset without a policy: nothing is ever due, and cases hold.
    pub fn without_policy(holds: &[OpenCase], dataset: &Dataset, now: DateTime<Utc>) -> Self {
        Self {
            dataset: dataset.id.to_string(),
            time: dataset.time.clone(),
            now: judged_at(now),
            demands: Vec::new(),
            guards: Vec::new(),
            cases: holding(holds, dataset),
            never: None,
        }
    }

    fn protecting(policy: &RetentionPolicy, holds: &[OpenCase], dataset: &Dataset, now: DateTime<Utc>) -> Self {
        let mut rules: Vec<_> = policy.rules.iter().filter_map(|rule| Some((rule, rule.minimum?))).collect();
        rules.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        let of_rules = rules.into_iter().map(|(rule, minimum)| Guard {
            protection: Protection::Minimum { rule: rule.name.clone() },
            rows: Matcher::of_rule(&rule.rows, dataset),
            age: Age::new(minimum, now),
        });
        let standards: BTreeSet<_> = policy.standards.iter().copied().collect();
        let of_standards = standards.into_iter().map(|standard| Guard {
            protection: Protection::Standard { standard },
            rows: Matcher::default(),
            age: Age::new(standard.minimum(), now),
        });
        let is_declared = dataset.schema.columns.iter().any(|column| column.name == EVENT_TYPE);
        let may_have_types = is_declared || dataset.is_inferred();
        let has_types = may_have_types && !policy.never_delete.is_empty();
        Self {
            guards: of_rules.chain(of_standards).collect(),
            never: has_types.then(|| Never { rows: Matcher::of_types(&policy.never_delete), is_declared }),
            ..Self::without_policy(holds, dataset, now)
        }
    }

    /// The columns that decide, time first. Where a file lacks one of the others, its rows are judged as if it were NULL.
    pub fn columns(&self) -> Vec<String> {
        let matchers = self.demands.iter().map(|demand| &demand.rows);
        let matchers = matchers.chain(self.guards.iter().map(|guard| &guard.rows));
        let matchers = matchers.chain(self.cases.iter().map(|case| &case.rows));
        let matchers = matchers.chain(self.never.iter().map(|never| &never.rows));
        let mut others: BTreeSet<&str> = matchers.flat_map(Matcher::columns).collect();
        if let Some(time) = &self.time {
            others.remove(time.as_str());
        }
        self.time.iter().map(String::as_str).chain(others).map(str::to_owned).collect()
    }

    /// Whether no row of the dataset can be due, whatever it holds, so that none need be read.
    pub fn is_idle(&self) -> bool {
        self.time.is_none() || self.demands.is_empty()
    }

    /// Whether none of the rows that the facts are about can be past a maximum, so that they need not be read: [`Self::decide`]
    /// would find nothing to do and no conflict.
    pub fn excuse(&self, facts: &GroupFacts) -> bool {
        let has_no_time = facts.rows.is_some() && facts.time.nulls == facts.rows;
        let earliest_us = facts.time.earliest.map_or(i64::MIN, micros);
        let may_be_due = |demand: &Demand| demand.term.may_be_over(earliest_us) && demand.rows.may_meet(facts);
        self.is_idle() || has_no_time || !self.demands.iter().any(may_be_due)
    }

    /// What happens to each row.
    ///
    /// # Errors
    /// When the time column is absent or holds no instants, or a column that decides has a type that cannot be compared.
    pub fn decide(&self, batch: &RecordBatch) -> Result<Verdicts, DecideError> {
        let rows = Rows::new(batch, &self.dataset, self.time.as_deref())?;
        let marked = self.mark(&rows)?;
        Ok(settle::verdicts(self, &rows.instants, &marked))
    }

    fn mark(&self, rows: &Rows<'_>) -> Result<Marked, DecideError> {
        let mut any = BooleanBuffer::new_unset(rows.len());
        let mut due = Vec::new();
        for (place, demand) in self.demands.iter().enumerate() {
            let over = demand.term.over(&rows.instants);
            if !over.has_true() {
                continue;
            }
            let is_due = &over & &demand.rows.marks(rows)?.yes;
            if is_due.has_true() {
                any |= &is_due;
                due.push((place, is_due));
            }
        }
        if due.is_empty() {
            return Ok(Marked { any, due, guards: Vec::new(), cases: Vec::new(), never: None });
        }
        let guards = self.below(rows, &any)?;
        let cases = self.held(rows, &any)?;
        let never = self.never(rows)?.map(|never| &never & &any).filter(BooleanBuffer::has_true);
        Ok(Marked { any, due, guards, cases, never })
    }

    /// Of some rows, those below each minimum.
    fn below(&self, rows: &Rows<'_>, of: &BooleanBuffer) -> Result<Vec<(usize, BooleanBuffer)>, DecideError> {
        let mut below = Vec::new();
        for (place, guard) in self.guards.iter().enumerate() {
            let young = of & &!&guard.age.over(&rows.instants);
            if young.has_true() {
                let kept = &young & &guard.rows.marks(rows)?.maybe;
                below.push((place, kept));
            }
        }
        below.retain(|(_, kept)| kept.has_true());
        Ok(below)
    }

    /// Of some rows, those that each case holds.
    fn held(&self, rows: &Rows<'_>, of: &BooleanBuffer) -> Result<Vec<(usize, BooleanBuffer)>, DecideError> {
        let mut held = Vec::new();
        for (place, case) in self.cases.iter().enumerate() {
            let by_case = of & &case.rows.marks(rows)?.maybe;
            if by_case.has_true() {
                held.push((place, by_case));
            }
        }
        Ok(held)
    }

    /// Rows whose type is never removed; none where rows have no types.
    fn never(&self, rows: &Rows<'_>) -> Result<Option<BooleanBuffer>, DecideError> {
        match &self.never {
            Some(never) if never.is_declared || rows.has(EVENT_TYPE) => Ok(Some(never.rows.marks(rows)?.maybe)),
            _ => Ok(None),
        }
    }

    /// What an anonymization does to which columns: of those that several of its rules name, the first rule's. Nothing for
    /// every other treatment.
    pub fn in_place(&self, treatment: &Treatment) -> BTreeMap<String, InPlace> {
        let mut columns = BTreeMap::new();
        for rule in treatment.rules() {
            if let Some(Disposition::Anonymize(named)) = self.disposition(rule, treatment.deed()) {
                for (column, method) in named {
                    columns.entry(column.clone()).or_insert_with(|| method.clone());
                }
            }
        }
        columns
    }

    /// How long the archive keeps rows and in which storage class; none for every other treatment.
    pub fn archive(&self, treatment: &Treatment) -> Option<(Option<Span>, Option<&str>)> {
        match self.disposition(treatment.rules().first()?, treatment.deed())? {
            Disposition::Archive { keep, storage_class } => Some((*keep, storage_class.as_deref())),
            Disposition::Anonymize(_) | Disposition::Delete => None,
        }
    }

    fn disposition(&self, rule: &str, deed: Deed) -> Option<&Disposition> {
        let demand = self.demands.iter().find(|demand| demand.rule == rule && demand.deed() == deed)?;
        Some(&demand.disposition)
    }
}

/// The cases that can hold rows of the dataset, by number.
fn holding(holds: &[OpenCase], dataset: &Dataset) -> Vec<Holding> {
    let open = holds.iter().filter(|open| open.scope.may_hold(&dataset.id));
    let mut cases: Vec<Holding> =
        open.map(|open| Holding { open: open.clone(), rows: Matcher::of_case(open, dataset) }).collect();
    cases.sort_by(|one, other| one.open.case.cmp(&other.open.case));
    cases
}
