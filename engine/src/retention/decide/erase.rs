//! What the erasure of a person does to each of the person's rows.
//!
//! A hold refuses it. A minimum and `never_delete` protect the row and not the person: such a row stays without what names
//! the person, unless the policy says that rows below their minimum stay as they are.
//!
//! Absent: finding the rows, and which of their columns name the person.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::buffer::BooleanBuffer;
use schemas::{ErasureMode, ErasureRule, WithinMinimum};
use serde::{Deserialize, Serialize};

use super::Judge;
use super::age::NEVER;
use super::error::DecideError;
use super::matcher::Rows;
use super::tally::{Dates, Extent, Protection};

/// What happens to a person's row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "erased", rename_all = "snake_case", deny_unknown_fields)]
pub enum Erased {
    /// It goes.
    Delete,
    /// It stays, without what names the person.
    Anonymize {
        /// What keeps it from going; none where the policy wants no row to go.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        because: Option<Protection>,
    },
    /// It stays as it is.
    Refuse {
        /// What keeps it.
        because: Protection,
    },
}

/// How many rows that happens to, and until when they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasedRows {
    /// Rows.
    pub rows: u64,
    /// When the minimum that keeps them ends; none where no minimum does, or it never ends.
    pub until: Option<Dates>,
}

/// What happens to the rows of a batch, all of which are a person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    by_row: Vec<Erased>,
    /// Counts.
    pub rows: BTreeMap<Erased, ErasedRows>,
}

impl Erasure {
    /// What happens to a row; none beyond the batch.
    pub fn of_row(&self, row: usize) -> Option<&Erased> {
        self.by_row.get(row)
    }

    /// What happens to each row, in order.
    pub fn by_row(&self) -> &[Erased] {
        &self.by_row
    }
}

impl Judge {
    /// What an erasure does to each row of a batch, all of which are the person's. A row without a time counts as below every
    /// minimum that may match it.
    ///
    /// # Errors
    /// When the time column is absent or holds no instants, or a column that decides has a type that cannot be compared.
    pub fn erase(&self, batch: &RecordBatch, rule: ErasureRule) -> Result<Erasure, DecideError> {
        let rows = Rows::new(batch, &self.dataset, self.time.as_deref())?;
        let all = BooleanBuffer::new_set(rows.len());
        let (below, held, never) = (self.below(&rows, &all)?, self.held(&rows, &all)?, self.never(&rows)?);
        let mut ends: Vec<_> = self.guards.iter().map(|guard| guard.age.ends()).collect();
        let mut by_row = Vec::with_capacity(rows.len());
        let mut counts: BTreeMap<Erased, (u64, Extent)> = BTreeMap::new();
        for (row, begin_us) in rows.instants.iter().enumerate() {
            let case = held.iter().find(|(_, bits)| bits.value(row)).map(|(case, _)| &self.cases[*case].open.case);
            let mut minimum: Option<(&Protection, i64)> = None;
            for (guard, _) in below.iter().filter(|(_, bits)| bits.value(row)) {
                let end_us = ends[*guard].of(*begin_us);
                if minimum.is_none_or(|(_, latest_us)| end_us > latest_us) {
                    minimum = Some((&self.guards[*guard].protection, end_us));
                }
            }
            let is_never = never.as_ref().is_some_and(|bits| bits.value(row));
            let (erased, until_us) = match (case, minimum) {
                (Some(case), _) => (Erased::Refuse { because: Protection::Hold { case: case.clone() } }, NEVER),
                (None, Some((minimum, end_us))) if rule.within_minimum == WithinMinimum::Refuse => {
                    (Erased::Refuse { because: minimum.clone() }, end_us)
                }
                _ if rule.mode == ErasureMode::Anonymize => (Erased::Anonymize { because: None }, NEVER),
                _ if is_never => (Erased::Anonymize { because: Some(Protection::NeverDelete) }, NEVER),
                (None, Some((minimum, end_us))) => (Erased::Anonymize { because: Some(minimum.clone()) }, end_us),
                (None, None) => (Erased::Delete, NEVER),
            };
            let (rows, until) = counts.entry(erased.clone()).or_insert((0, Extent::NONE));
            *rows += 1;
            until.take(until_us);
            by_row.push(erased);
        }
        let rows =
            counts.into_iter().map(|(erased, (rows, until))| (erased, ErasedRows { rows, until: until.dates() }));
        Ok(Erasure { by_row, rows: rows.collect() })
    }
}
