//! Why one row is kept or goes, for a person to read.
//!
//! Absent: a second way to decide. The outcome is what [`Judge::decide`] says of the row.

use std::fmt;

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use schemas::{CaseId, Span, rfc3339};
use serde::{Deserialize, Serialize};

use super::Judge;
use super::age::instant;
use super::error::DecideError;
use super::matcher::{EVENT_TYPE, Met, Rows};
use super::tally::{Deed, Protection, Treatment};

/// Everything that was asked about one row, and what came of it. `Display` is one sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// The instant that was judged at.
    pub now: DateTime<Utc>,
    /// The instant that its age is counted from; of a date, its last. None of a row without a time.
    pub time: Option<DateTime<Utc>>,
    /// Rules with a maximum, by name.
    pub maxima: Vec<ExplainedRule>,
    /// Minima: those of rules by name, then those of standards.
    pub minima: Vec<ExplainedGuard>,
    /// Open cases of the dataset, by number.
    pub cases: Vec<ExplainedCase>,
    /// Whether its type is never removed; none where rows of the dataset have no types, or every type may go.
    pub never_delete: Option<Met>,
    /// What happens to it.
    pub outcome: Outcome,
    /// All of it in one sentence.
    pub sentence: String,
}

/// What a rule with a maximum says about a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainedRule {
    /// Its name.
    pub rule: String,
    /// Whether it matches.
    pub met: Met,
    /// What it does.
    pub deed: Deed,
    /// The age from which on it does so; none in an archive, where the age does not count.
    pub after: Option<Span>,
    /// Since or from when; none where that is never.
    pub due: Option<DateTime<Utc>>,
}

/// What a minimum says about a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainedGuard {
    /// Whose minimum it is.
    pub protection: Protection,
    /// Whether it matches.
    pub met: Met,
    /// The age up to which it keeps rows.
    pub keeps: Span,
    /// Until when it keeps this one; none where that is for ever.
    pub until: Option<DateTime<Utc>>,
}

/// What a case says about a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainedCase {
    /// Its number.
    pub case: CaseId,
    /// Who placed it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it holds the row; nobody knowing counts as held.
    pub met: Met,
}

/// What happens to a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// It stays: no maximum that matches it is over.
    Kept,
    /// It stays, past a maximum.
    KeptPastMaximum {
        /// What keeps it.
        protection: Protection,
    },
    /// Something is done to it.
    Treated {
        /// What.
        treatment: Treatment,
    },
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl Judge {
    /// Why one row of a batch is kept or goes; none beyond the batch.
    ///
    /// # Errors
    /// When the time column is absent or holds no instants, or a column that decides has a type that cannot be compared.
    pub fn explain(&self, batch: &RecordBatch, row: usize) -> Result<Option<Explained>, DecideError> {
        if row >= batch.num_rows() {
            return Ok(None);
        }
        let alone = batch.slice(row, 1);
        let verdicts = self.decide(&alone)?;
        let row = Rows::new(&alone, &self.dataset, self.time.as_deref())?;
        let past = verdicts.tally.past_maximum.keys().next();
        let outcome = match (verdicts.of_row(0), past) {
            (Some(treatment), _) => Outcome::Treated { treatment: treatment.clone() },
            (None, Some(protection)) => Outcome::KeptPastMaximum { protection: protection.clone() },
            (None, None) => Outcome::Kept,
        };
        let never = self.never.as_ref().filter(|never| never.is_declared || row.has(EVENT_TYPE));
        let mut explained = Explained {
            now: self.now,
            time: row.instants.first().and_then(|at_us| instant(*at_us)),
            maxima: self.explain_maxima(&row)?,
            minima: self.explain_minima(&row)?,
            cases: self.explain_cases(&row)?,
            never_delete: never.map(|never| never.rows.met(&row)).transpose()?,
            outcome,
            sentence: String::new(),
        };
        let never_by = never.and_then(|never| never.rows.pattern(&row)).map(ToString::to_string);
        explained.sentence = explained.sentence(never_by.as_deref());
        Ok(Some(explained))
    }

    fn explain_maxima(&self, row: &Rows<'_>) -> Result<Vec<ExplainedRule>, DecideError> {
        let explain = |demand: &super::Demand| {
            Ok(ExplainedRule {
                rule: demand.rule.clone(),
                met: demand.rows.met(row)?,
                deed: demand.deed(),
                after: demand.term.span(),
                due: row.instants.first().and_then(|at_us| instant(demand.term.ends().of(*at_us))),
            })
        };
        self.demands.iter().map(explain).collect()
    }

    fn explain_minima(&self, row: &Rows<'_>) -> Result<Vec<ExplainedGuard>, DecideError> {
        let explain = |guard: &super::Guard| {
            Ok(ExplainedGuard {
                protection: guard.protection.clone(),
                met: guard.rows.met(row)?,
                keeps: guard.age.span(),
                until: row.instants.first().and_then(|at_us| instant(guard.age.ends().of(*at_us))),
            })
        };
        self.guards.iter().map(explain).collect()
    }

    fn explain_cases(&self, row: &Rows<'_>) -> Result<Vec<ExplainedCase>, DecideError> {
        let explain = |case: &super::Holding| {
            let open = &case.open;
            Ok(ExplainedCase { case: open.case.clone(), by: open.by.clone(), at: open.at, met: case.rows.met(row)? })
        };
        self.cases.iter().map(explain).collect()
    }
}

impl Explained {
    fn sentence(&self, never_by: Option<&str>) -> String {
        let rule = self.next_rule();
        match &self.outcome {
            Outcome::Treated { treatment } => {
                let rules: Vec<String> = treatment.rules().iter().map(|rule| format!("\"{rule}\"")).collect();
                let plural = if rules.len() == 1 { "rule" } else { "rules" };
                let due = treatment.rules().first().and_then(|first| self.due_by(first, treatment.deed()));
                let since = due.map(|due| format!(" since {}", rfc3339(due))).unwrap_or_default();
                format!("due{since}: {plural} {}, {}", rules.join(" and "), treatment.deed())
            }
            Outcome::KeptPastMaximum { protection } => {
                format!("{}{}", self.kept_by(protection, never_by), rule.map(Self::would).unwrap_or_default())
            }
            Outcome::Kept => self.kept_sentence(rule, never_by),
        }
    }

    fn kept_sentence(&self, rule: Option<&ExplainedRule>, never_by: Option<&str>) -> String {
        let held = self.cases.iter().find(|case| case.met != Met::No);
        let would = rule.map(Self::would).unwrap_or_default();
        if let Some(case) = held {
            let protection = Protection::Hold { case: case.case.clone() };
            return format!("{}{would}", self.kept_by(&protection, never_by));
        }
        if self.time.is_none() {
            return "kept for ever: a row without a time never expires".to_owned();
        }
        let Some((rule, due)) = rule.and_then(|rule| Some((rule, rule.due?))) else {
            let unknown = self.maxima.iter().find_map(|rule| match &rule.met {
                Met::Unknown { column } => Some((&rule.rule, column)),
                Met::Yes | Met::No => None,
            });
            let none = "kept for ever: no rule that matches it has a maximum";
            return match unknown {
                Some((rule, column)) => format!("{none}; rule \"{rule}\" does not count, as its {column} is not known"),
                None => none.to_owned(),
            };
        };
        if rule.deed.removes() && self.never_delete.as_ref().is_some_and(|met| *met != Met::No) {
            return format!("{}{would}", self.kept_by(&Protection::NeverDelete, never_by));
        }
        let minima = self.minima.iter().filter(|guard| guard.met != Met::No);
        // None is for ever, which is later than every instant; of several, the first is named, as in verdicts.
        match minima.rev().max_by_key(|guard| (guard.until.is_none(), guard.until)) {
            Some(guard) if guard.until.is_none_or(|until| until > due) => {
                format!("{}{would}", self.kept_by(&guard.protection, never_by))
            }
            _ => {
                let after = rule.after.map(|after| format!(" after {after}")).unwrap_or_default();
                format!("kept until {}: rule \"{}\", {}{after}", rfc3339(due), rule.rule, rule.deed)
            }
        }
    }

    /// The rule that matches and is due first, or would be.
    fn next_rule(&self) -> Option<&ExplainedRule> {
        let matching = self.maxima.iter().filter(|rule| rule.met == Met::Yes && rule.due.is_some());
        matching.min_by_key(|rule| (rule.due, &rule.rule))
    }

    fn due_by(&self, rule: &str, deed: Deed) -> Option<DateTime<Utc>> {
        self.maxima.iter().find(|known| known.rule == rule && known.deed == deed)?.due
    }

    fn would(rule: &ExplainedRule) -> String {
        let due = rule.due.map(|due| format!(" from {} on", rfc3339(due))).unwrap_or_default();
        format!("; rule \"{}\" would {} it{due}", rule.rule, rule.deed)
    }

    fn kept_by(&self, protection: &Protection, never_by: Option<&str>) -> String {
        let unknown = |met: Option<&Met>| match met {
            Some(Met::Unknown { column }) => format!(", as its {column} is not known"),
            _ => String::new(),
        };
        match protection {
            Protection::Hold { case } => match self.cases.iter().find(|known| known.case == *case) {
                Some(known) => {
                    let (by, at) = (&known.by, rfc3339(known.at));
                    format!("held by case {case} (placed by {by}, {at}){}", unknown(Some(&known.met)))
                }
                None => format!("held by case {case}"),
            },
            Protection::NeverDelete => match never_by {
                Some(pattern) => format!("kept for ever: never_delete names {pattern}"),
                None => format!("kept for ever: never_delete may name it{}", unknown(self.never_delete.as_ref())),
            },
            Protection::Minimum { .. } | Protection::Standard { .. } => {
                let guard = self.minima.iter().find(|guard| guard.protection == *protection);
                let until = match guard.and_then(|guard| guard.until) {
                    Some(until) => format!("until {}", rfc3339(until)),
                    None => "for ever".to_owned(),
                };
                let keeps = match (protection, guard) {
                    (Protection::Minimum { .. }, Some(guard)) => format!(", {}", guard.keeps),
                    _ => String::new(),
                };
                format!("kept {until}: {protection}{keeps}{}", unknown(guard.map(|guard| &guard.met)))
            }
        }
    }
}
