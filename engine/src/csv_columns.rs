//! Columns of a CSV file that somebody has at hand, as texts.

use std::io::Read;
use std::path::Path;

use schemas::nearest;

use crate::error::EngineError;
use crate::ingest::{CsvTable, csv_table};

/// Reads the columns `wanted` of a CSV: separated by commas, semicolons or tabs, below a line that names them. One text for
/// each record and column, in the order of `wanted`.
///
/// # Errors
/// When it cannot be read, is no CSV, or has no such columns; `path` is what it is called.
pub fn csv_columns(path: &Path, input: impl Read, wanted: &[&str]) -> Result<Vec<Vec<String>>, EngineError> {
    let CsvTable { names, mut rows } = csv_table(input).map_err(|why| refused(path, why))?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let places = wanted.iter().map(|name| place(path, &names, name)).collect::<Result<Vec<usize>, _>>()?;
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); wanted.len()];
    let read = rows.each(&mut |fields| {
        for (column, place) in columns.iter_mut().zip(&places) {
            column.push(fields[*place].as_ref().to_owned());
        }
    });
    read.map_err(|why| refused(path, why))?;
    Ok(columns)
}

/// Where a column stands.
///
/// # Errors
/// When there is none, with the one that may be meant.
pub(crate) fn place(path: &Path, names: &[&str], wanted: &str) -> Result<usize, EngineError> {
    names.iter().position(|name| *name == wanted).ok_or_else(|| {
        let offer = nearest(wanted, names.iter().copied());
        let offer = offer
            .map_or_else(|| format!("columns are: {}", names.join(", ")), |near| format!("did you mean \"{near}\"?"));
        refused(path, format!("it has no column \"{wanted}\"; {offer}"))
    })
}

/// A file that is not what it must be.
pub(crate) fn refused(path: &Path, why: impl Into<String>) -> EngineError {
    EngineError::Input { path: path.display().to_string(), why: why.into() }
}
