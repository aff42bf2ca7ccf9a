//! Whether two rows with one key say the same.

use arrow::array::Array;
use arrow::record_batch::RecordBatch;

use super::columns::{OFFSET, SOURCE};

/// Columns that say where a row came from and not what happened.
const PROVENANCE: [&str; 5] = ["ingested_at", "raw_ref", "raw_hash", SOURCE, OFFSET];

/// Whether row `a.1` of `a.0` and row `b.1` of `b.0` have equal content; an absent column is null.
pub(crate) fn same_content(a: (&RecordBatch, usize), b: (&RecordBatch, usize)) -> bool {
    covers(a, b) && only_null_beyond(b, a)
}

/// Every column of `a` equals that of `b`, which is null where it has none.
fn covers(a: (&RecordBatch, usize), b: (&RecordBatch, usize)) -> bool {
    let schema = a.0.schema();
    schema.fields().iter().zip(a.0.columns()).filter(|(field, _)| !PROVENANCE.contains(&field.name().as_str())).all(
        |(field, left)| match b.0.column_by_name(field.name()) {
            Some(right) => left.slice(a.1, 1) == right.slice(b.1, 1),
            None => left.is_null(a.1),
        },
    )
}

/// `a` holds nothing in columns that `b` lacks.
fn only_null_beyond(a: (&RecordBatch, usize), b: (&RecordBatch, usize)) -> bool {
    let schema = a.0.schema();
    schema
        .fields()
        .iter()
        .zip(a.0.columns())
        .filter(|(field, _)| !PROVENANCE.contains(&field.name().as_str()))
        .all(|(field, left)| b.0.column_by_name(field.name()).is_some() || left.is_null(a.1))
}
