//! Records whose keys are the columns of a table: read straight into those columns.
//!
//! A value is cast by what it is itself, never by what stands beside it, so that a batch needs no type. The first pass
//! reads keys alone: they decide which columns the files have, and whether all of them exist. Absent: nested columns
//! other than those of a table; a mapping of one's own sees those.

mod cells;
mod deal;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use schemas::{Column, TableSchema};

use super::columns::{Columns, Given, Origin};
use super::records::{Parse, RejectKind, parse_strict, with_quoted_numbers};
use crate::error::EngineError;
use cells::to_given;
use deal::{Dealer, Undealt, keys};

/// Most different keys of all records.
const KEYS_MAX: usize = 2_000;

/// Keys of records, in the order in which they were first seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Names {
    /// Adds the keys of a record, if `parse` takes it for one.
    pub(crate) fn observe(&mut self, record: &[u8], parse: Parse) {
        let mut next = 0;
        let mut new = Vec::new();
        let read = keys(record, &mut |key| match self.place(key, next) {
            Some(place) => next = place + 1,
            None => new.push(key.to_owned()),
        });
        if read.is_err() || new.is_empty() || parse(record).is_err() {
            return;
        }
        new.into_iter().for_each(|name| self.add(name));
    }

    /// These, and behind them those of a later part.
    pub(crate) fn join(&mut self, later: Self) {
        later.names.into_iter().for_each(|name| self.add(name));
    }

    /// Whether there are more than 2,000.
    pub(crate) fn too_many(&self) -> bool {
        self.names.len() > KEYS_MAX
    }

    pub(crate) fn as_slice(&self) -> &[String] {
        &self.names
    }

    /// Where the key is; `next` is where it is tried first, because records of one source mostly have the same keys in
    /// the same order.
    fn place(&self, key: &str, next: usize) -> Option<usize> {
        match self.names.get(next) {
            Some(name) if name == key => Some(next),
            _ => self.places.get(key).copied(),
        }
    }

    fn add(&mut self, name: String) {
        if self.names.len() <= KEYS_MAX && !self.places.contains_key(&name) {
            self.places.insert(name.clone(), self.names.len());
            self.names.push(name);
        }
    }
}

/// Reads records of a table by name.
#[derive(Debug, Clone)]
pub(crate) struct ByName {
    names: Arc<Names>,
    columns: Vec<&'static Column>,
    /// Numbers keep their digits.
    exact: bool,
}

/// Hears of records that become no row: their number among those given, and why.
pub(crate) type Refuse<'a> = dyn FnMut(usize, RejectKind, String) -> Result<(), EngineError> + 'a;

impl ByName {
    /// Reads keys `names`, all of which are columns of the table.
    pub(crate) fn new(table: &'static TableSchema, names: Names) -> Self {
        let columns = names.names.iter().filter_map(|name| table.column(name)).collect();
        Self { names: Arc::new(names), columns, exact: table.has_decimals() }
    }

    /// Rows of the records `bytes`.
    ///
    /// # Errors
    /// As `refuse`; any other error is our bug.
    pub(crate) fn map(
        &self,
        columns: &Columns,
        source: (i32, &str),
        bytes: &[&[u8]],
        origins: &[Origin],
        refuse: &mut Refuse<'_>,
    ) -> Result<RecordBatch, EngineError> {
        let quoted: Vec<_> =
            if self.exact { bytes.iter().map(|bytes| with_quoted_numbers(bytes)).collect() } else { Vec::new() };
        let texts: Vec<&[u8]> = if self.exact { quoted.iter().map(AsRef::as_ref).collect() } else { bytes.to_vec() };
        let mut dealer = Dealer::new(&self.names, texts.len());
        let mut read = Vec::with_capacity(texts.len());
        for (number, text) in texts.into_iter().enumerate() {
            if let Err(undealt) = dealer.deal(text, false) {
                match (parse_strict(text), undealt) {
                    (Err(why), _) => {
                        refuse(number, RejectKind::Syntax, why)?;
                        continue;
                    }
                    // No record had the key when keys were read: it is no column, as if it were not there.
                    (Ok(_), Undealt::Unknown) => dealer.deal(text, true).map_err(|_| unequal())?,
                    (Ok(_), Undealt::Refused) => return Err(unequal()),
                }
            }
            read.push(number);
        }
        let mut given: HashMap<&str, Given> = HashMap::with_capacity(self.columns.len());
        for (column, cells) in self.columns.iter().zip(dealer.into_columns()) {
            given.insert(column.name, to_given(column.kind, &cells)?);
        }
        let kept: Vec<Origin> = read.iter().map(|number| origins[*number].clone()).collect();
        columns.rows(source, &mut |column| Ok(given.get(column.name).cloned()), &kept, &mut |row, kind, why| {
            refuse(read[row], kind, why)
        })
    }
}

fn unequal() -> EngineError {
    EngineError::Bug { what: "two parsers disagree about a record".to_owned() }
}

#[cfg(test)]
mod tests;
