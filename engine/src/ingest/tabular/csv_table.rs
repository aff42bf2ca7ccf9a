//! A CSV file that somebody has at hand: every record is a row, or the file is refused.

use std::borrow::Cow;
use std::io::Read;

use super::csv_records::{CsvRecords, Opened, fields};
use crate::ingest::records::{Item, Record};

/// A file at its first record.
pub(crate) struct CsvTable<R> {
    /// What the fields of a row are called.
    pub(crate) names: Vec<String>,
    pub(crate) rows: CsvRows<R>,
}

/// The rows of a file.
pub(crate) struct CsvRows<R> {
    records: CsvRecords<R>,
    fields: usize,
}

/// Reads the first line.
///
/// # Errors
/// A sentence, when it is no CSV.
pub(crate) fn csv_table<R: Read>(input: R) -> Result<CsvTable<R>, String> {
    match CsvRecords::open(input) {
        Ok(Opened::Records(records, names)) => {
            let fields = names.len();
            Ok(CsvTable { names, rows: CsvRows { records, fields } })
        }
        Ok(Opened::Unreadable(why)) => Err(format!("it is no CSV: {why}")),
        Err(error) => Err(format!("it cannot be read ({error})")),
    }
}

impl<R: Read> CsvRows<R> {
    /// Hands out the fields of each row.
    ///
    /// # Errors
    /// A sentence with the line, when a record is no row.
    pub(crate) fn each(&mut self, row: &mut dyn FnMut(&[Cow<'_, str>])) -> Result<(), String> {
        let separator = self.records.separator();
        let expected = self.fields;
        let mut number = 0_u64;
        loop {
            number += 1;
            let item = self.records.next().map_err(|error| format!("it cannot be read ({error})"))?;
            let damaged = || format!("record {number} is no row of {expected} fields; put it right, or remove it");
            match item {
                None => return Ok(()),
                Some(Item::Record(Record { bytes, .. })) => {
                    let text = std::str::from_utf8(bytes).map_err(|_| damaged())?;
                    let found = fields(text, separator).filter(|found| found.len() == expected).ok_or_else(damaged)?;
                    row(&found);
                }
                Some(_) => return Err(damaged()),
            }
        }
    }
}
