//! Findings and results of controls written anew without a person, row by row: what was found, when and how often stays, and
//! with it the id of each finding, on which decisions rest. Of a row that shows the person stays only what every row has that
//! tells nothing about anybody.
//!
//! Absent: evidence, which goes whole: a part of it would look like all of it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use bytes::Bytes;
use engine::retention::{ERASED, Mentions, mentions_in_parquet};
use schemas::{Interval, derived_id, rfc3339};

/// Of which table rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowsOf {
    /// `finding.v1`.
    Findings,
    /// `control_result.v1`.
    ControlResults,
}

/// The bytes of a file of a run of an interval, as they are without the person.
///
/// # Errors
/// A sentence where the file is no such table, or would still show the person.
pub(super) fn without(
    (path, bytes): (&str, Bytes),
    (rows_of, interval): (RowsOf, Interval),
    mentions: &Mentions,
) -> Result<Bytes, String> {
    let failed = |error: &dyn std::fmt::Display| format!("it cannot be written anew without the person: {error}");
    let batches = engine::parquet_rows(path, bytes).map_err(|error| failed(&error))?;
    let Some(first) = batches.first() else { return Err(failed(&"it has no rows")) };
    let rows = concat_batches(&first.schema(), &batches).map_err(|error| failed(&error))?;
    let rows = anew(&rows, (rows_of, interval), mentions).map_err(|error| failed(&error))?;
    let bytes = engine::parquet_bytes(path, &rows).map_err(|error| failed(&error))?;
    match mentions.stand_in(&bytes) || mentions_in_parquet(&bytes, mentions)? {
        true => Err(failed(&"the person stands in columns that say what was found")),
        false => Ok(bytes),
    }
}

fn anew(
    rows: &RecordBatch,
    (rows_of, interval): (RowsOf, Interval),
    mentions: &Mentions,
) -> Result<RecordBatch, ArrowError> {
    let count = rows.num_rows();
    let in_scope = mentioning(rows, |name| name == "scope", mentions);
    // Who decided is known by the decisions, and is nobody whom the row is about.
    let shown = mentioning(rows, |name| name != "decided_by", mentions);
    let controls = rows.column_by_name("control_id").and_then(|column| column.as_string_opt::<i32>());
    let result_id = |row: usize| {
        let control = controls.map_or("", |controls| controls.value(row));
        derived_id(&["result", control, ERASED, &rfc3339(interval.start), &rfc3339(interval.end)])
    };
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| {
        match (rows_of, field.name().as_str()) {
            (_, "scope" | "tenant_id") => texts(column, |row| in_scope[row].then(|| ERASED.to_owned())),
            // It follows from the scope, and would confirm a guess.
            (_, "result_id") => texts(column, |row| in_scope[row].then(|| result_id(row))),
            (RowsOf::Findings, "resource" | "reason") => texts(column, |row| shown[row].then(|| ERASED.to_owned())),
            (RowsOf::ControlResults, "reason") => {
                let is_shown = |row: usize| mentions_at(column, row, mentions);
                texts(column, |row| is_shown(row).then(|| ERASED.to_owned()))
            }
            (RowsOf::Findings, "event_id" | "actor_id" | "subject_id" | "columns") => emptied(column, |row| shown[row]),
            (RowsOf::Findings, "decided_by") => emptied(column, |row| mentions_at(column, row, mentions)),
            _ => Ok(Arc::clone(column)),
        }
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
    debug_assert!(columns.iter().all(|column| column.len() == count), "a row stays a row");
    RecordBatch::try_new(schema, columns)
}

/// Which rows mention the person in one of some columns.
fn mentioning(rows: &RecordBatch, is_meant: impl Fn(&str) -> bool, mentions: &Mentions) -> Vec<bool> {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).filter(|(field, _)| is_meant(field.name()));
    let columns: Vec<&ArrayRef> = columns.map(|(_, column)| column).collect();
    (0..rows.num_rows()).map(|row| columns.iter().any(|column| mentions_at(column, row, mentions))).collect()
}

fn mentions_at(column: &ArrayRef, row: usize, mentions: &Mentions) -> bool {
    if column.is_null(row) {
        return false;
    }
    match column.data_type() {
        DataType::Utf8 => mentions.stand_in(column.as_string::<i32>().value(row).as_bytes()),
        DataType::Map(..) => {
            let entries = column.as_map().value(row);
            entries.columns().iter().any(|texts| (0..texts.len()).any(|entry| mentions_at(texts, entry, mentions)))
        }
        _ => false,
    }
}

/// A column of texts, with others in some rows.
fn texts(column: &ArrayRef, other: impl Fn(usize) -> Option<String>) -> Result<ArrayRef, ArrowError> {
    let texts = column.as_string_opt::<i32>();
    let texts = texts.ok_or_else(|| ArrowError::CastError(format!("texts are of type {}", column.data_type())))?;
    let anew = texts.iter().enumerate().map(|(row, text)| other(row).or_else(|| text.map(str::to_owned)));
    Ok(Arc::new(anew.collect::<StringArray>()))
}

/// A column with nothing in some rows.
fn emptied(column: &ArrayRef, is_empty: impl Fn(usize) -> bool) -> Result<ArrayRef, ArrowError> {
    let rows: UInt64Array = (0..column.len()).map(|row| (!is_empty(row)).then_some(row as u64)).collect();
    take(column, &rows, None)
}

#[cfg(test)]
mod tests;
