//! What a decision comes to: what is done to each row, and counts of what was done, what was not, and why.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use chrono::{DateTime, Utc};
use schemas::{CaseId, Disposition, Span, Standard, rfc3339};
use serde::{Deserialize, Serialize};

use super::age::{NEVER, instant};

/// What a disposition does, in a word. The order is that of destruction, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Rows move to the archive.
    Archive,
    /// Rows stay, without what names a person.
    Anonymize,
    /// Rows go.
    Delete,
}

impl Deed {
    /// What the disposition does.
    pub fn of(disposition: &Disposition) -> Self {
        match disposition {
            Disposition::Archive { .. } => Self::Archive,
            Disposition::Anonymize(_) => Self::Anonymize,
            Disposition::Delete => Self::Delete,
        }
    }

    /// Whether rows leave the dataset.
    pub fn removes(self) -> bool {
        matches!(self, Self::Archive | Self::Delete)
    }

    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Anonymize => "anonymize",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is done to a row, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case", deny_unknown_fields)]
pub enum Treatment {
    /// It moves to the archive.
    Archive {
        /// The rule.
        rule: String,
    },
    /// It stays, without what names a person.
    Anonymize {
        /// The rules; for a column that several name, the first counts.
        rules: Vec<String>,
    },
    /// It goes.
    Delete {
        /// The rule.
        rule: String,
    },
}

impl Treatment {
    /// What is done, in a word.
    pub fn deed(&self) -> Deed {
        match self {
            Self::Archive { .. } => Deed::Archive,
            Self::Anonymize { .. } => Deed::Anonymize,
            Self::Delete { .. } => Deed::Delete,
        }
    }

    /// The rules, at least one.
    pub fn rules(&self) -> &[String] {
        match self {
            Self::Archive { rule } | Self::Delete { rule } => std::slice::from_ref(rule),
            Self::Anonymize { rules } => rules,
        }
    }
}

/// What keeps a row that is past a maximum, or that a person wants erased. The order is that in which one is named: the one
/// that lasts longest, or that nobody may break.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Protection {
    /// An open case holds it; of several, the first by number.
    Hold {
        /// The case.
        case: CaseId,
    },
    /// Its type is one that no disposition removes.
    NeverDelete,
    /// It is below the minimum of a rule.
    Minimum {
        /// The rule.
        rule: String,
    },
    /// It is below the minimum of a standard.
    Standard {
        /// The standard.
        standard: Standard,
    },
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold { case } => write!(f, "case {case}"),
            Self::NeverDelete => f.write_str("never_delete"),
            Self::Minimum { rule } => write!(f, "the minimum of rule \"{rule}\""),
            Self::Standard { standard } => write!(f, "standard {}, {}", standard.as_str(), standard.minimum()),
        }
    }
}

/// What a rule loses to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "won", rename_all = "snake_case", deny_unknown_fields)]
pub enum Winner {
    /// Something that keeps the row.
    Protection {
        /// What.
        protection: Protection,
    },
    /// A rule that is due, too, and destroys less.
    Milder {
        /// The rule.
        rule: String,
        /// What it does.
        deed: Deed,
    },
    /// A rule with the same disposition in another way, due earlier.
    Earlier {
        /// The rule.
        rule: String,
    },
}

/// Two instants and what lies between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    /// The first.
    pub first: DateTime<Utc>,
    /// The last.
    pub last: DateTime<Utc>,
}

/// That a rule was due and something else counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// The rule that lost.
    pub rule: String,
    /// What it would have done.
    pub deed: Deed,
    /// What it lost to.
    pub winner: Winner,
    /// On how many rows.
    pub rows: u64,
    /// Since when these were due by the rule.
    pub due: Dates,
    /// Until when the winner keeps them; none of a winner without end.
    pub until: Option<Dates>,
    /// One sentence about it.
    pub reason: String,
}

/// What happens to the rows of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdicts {
    /// Every treatment that occurs.
    treatments: Vec<Treatment>,
    /// By row: 0 for what stays, else one more than the place in `treatments`.
    by_row: Vec<u32>,
    /// What it comes to.
    pub tally: Tally,
}

impl Verdicts {
    pub(super) fn new(treatments: Vec<Treatment>, by_row: Vec<u32>, tally: Tally) -> Self {
        Self { treatments, by_row, tally }
    }

    /// What is done to a row; none for one that stays as it is.
    pub fn of_row(&self, row: usize) -> Option<&Treatment> {
        let place = usize::try_from(*self.by_row.get(row)?).ok()?;
        self.treatments.get(place.checked_sub(1)?)
    }

    /// How many rows were judged.
    pub fn len(&self) -> usize {
        self.by_row.len()
    }

    /// Whether no rows were judged.
    pub fn is_empty(&self) -> bool {
        self.by_row.is_empty()
    }

    /// The rows that something is done to, in order, neighbours with the same treatment as one range.
    pub fn runs(&self) -> impl Iterator<Item = (Range<usize>, &Treatment)> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let start = next + self.by_row[next..].iter().position(|place| *place != 0)?;
            let same = self.by_row[start..].iter().take_while(|place| **place == self.by_row[start]).count();
            next = start + same;
            Some((start..next, self.of_row(start)?))
        })
    }
}

/// Counts of what was decided, of one batch or of many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows judged.
    pub rows: u64,
    /// Rows that stay as they are.
    pub kept: u64,
    /// Rows without a time; they never expire.
    pub without_time: u64,
    /// Rows by what is done to them.
    pub treated: BTreeMap<Treatment, u64>,
    /// Rows that stay past a maximum, each under the one reason that is named for it.
    pub past_maximum: BTreeMap<Protection, u64>,
    /// Rows past a maximum by the case that holds them; a row that several hold counts for each.
    pub waiting: BTreeMap<CaseId, u64>,
    /// Rules that lost, by what they lost to.
    pub(super) lost: BTreeMap<(String, Deed, Winner), Loss>,
}

/// How often a rule lost, and when it would have counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loss {
    /// Rows.
    rows: u64,
    /// Since when they were due.
    due: Extent,
    /// Until when they are kept.
    until: Extent,
    /// The winner's length of time, where it has one.
    pub(super) keeps: Option<Span>,
}

impl Default for Loss {
    fn default() -> Self {
        Self { rows: 0, due: Extent::NONE, until: Extent::NONE, keeps: None }
    }
}

impl Loss {
    /// Takes a row in.
    pub(super) fn take(&mut self, due_us: i64, until_us: i64) {
        self.rows += 1;
        self.due.take(due_us);
        self.until.take(until_us);
    }
}

/// First and last of several instants in microseconds; [`NEVER`] is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    first_us: i64,
    last_us: i64,
}

impl Extent {
    /// Of no instants.
    pub(super) const NONE: Self = Self { first_us: i64::MAX, last_us: i64::MIN };

    /// Takes an instant in.
    pub(super) fn take(&mut self, at_us: i64) {
        if at_us != NEVER {
            self.first_us = self.first_us.min(at_us);
            self.last_us = self.last_us.max(at_us);
        }
    }

    fn join(&mut self, other: Self) {
        self.first_us = self.first_us.min(other.first_us);
        self.last_us = self.last_us.max(other.last_us);
    }

    pub(super) fn dates(self) -> Option<Dates> {
        (self.first_us <= self.last_us)
            .then(|| Some(Dates { first: instant(self.first_us)?, last: instant(self.last_us)? }))
            .flatten()
    }
}

impl Tally {
    /// Adds what another one counted.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.kept += other.kept;
        self.without_time += other.without_time;
        add_counts(&mut self.treated, other.treated);
        add_counts(&mut self.past_maximum, other.past_maximum);
        add_counts(&mut self.waiting, other.waiting);
        for (key, loss) in other.lost {
            self.lose(key, loss);
        }
    }

    pub(super) fn lose(&mut self, key: (String, Deed, Winner), loss: Loss) {
        self.lost
            .entry(key)
            .and_modify(|all| {
                all.rows += loss.rows;
                all.due.join(loss.due);
                all.until.join(loss.until);
            })
            .or_insert(loss);
    }

    /// Rows that something is done to.
    pub fn gone(&self) -> u64 {
        self.treated.values().sum()
    }

    /// Every rule that lost, by rule and then by what it lost to.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let conflict = |((rule, deed, winner), loss): (&(String, Deed, Winner), &Loss)| {
            let mut conflict = Conflict {
                rule: rule.clone(),
                deed: *deed,
                winner: winner.clone(),
                rows: loss.rows,
                due: loss.due.dates()?,
                until: loss.until.dates(),
                reason: String::new(),
            };
            conflict.reason = conflict.sentence(loss.keeps);
            Some(conflict)
        };
        self.lost.iter().filter_map(conflict).collect()
    }
}

fn add_counts<K: Ord>(to: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
    for (key, rows) in from {
        *to.entry(key).or_default() += rows;
    }
}

impl Conflict {
    fn sentence(&self, keeps: Option<Span>) -> String {
        let Self { rule, deed, rows, .. } = self;
        let (rows, them, are) =
            if *rows == 1 { ("1 row".to_owned(), "it", "is") } else { (format!("{rows} rows"), "them", "are") };
        let lost = format!("rule \"{rule}\" would {deed} {rows} that {are} due since {}", self.due);
        let until = self.until.map(|until| format!(" until {until}")).unwrap_or_default();
        match &self.winner {
            Winner::Protection { protection: Protection::Hold { case } } => format!("{lost}; case {case} holds {them}"),
            Winner::Protection { protection: Protection::NeverDelete } => {
                format!("{lost}; never_delete forbids removing {them}")
            }
            Winner::Protection { protection: Protection::Minimum { rule } } => {
                let keeps = keeps.map(|span| format!(", {span},")).unwrap_or_default();
                format!("{lost}; the minimum of rule \"{rule}\"{keeps} keeps {them}{until}")
            }
            Winner::Protection { protection: Protection::Standard { standard } } => {
                format!("{lost}; standard {}, {}, keeps {them}{until}", standard.as_str(), standard.minimum())
            }
            Winner::Milder { rule, deed } => {
                format!("{lost}; rule \"{rule}\", {deed}, is due as well and destroys less")
            }
            Winner::Earlier { rule } => format!("{lost}; rule \"{rule}\" is due earlier and does it in another way"),
        }
    }
}

impl fmt::Display for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", rfc3339(self.first))?;
        if self.first == self.last { Ok(()) } else { write!(f, " to {}", rfc3339(self.last)) }
    }
}
