//! RET-8, checked on what was written: rows in − rows removed = rows out, and every other value decodes equal.
//!
//! Values are decoded by the Parquet library, which shares no code with the page editor that wrote them. Chunks that were
//! copied are compared as bytes, decoded by nobody. Absent: trust in what the transformation says about itself.

use std::ops::Range;

use parquet::basic::Type;
use parquet::data_type::{
    AsBytes, BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
    Int96Type,
};
use parquet::errors::ParquetError;

use super::chunk::Edit;
use super::mask::{Masked, Masker};
use super::source::Source;
use super::typed::{self, Plain, Read, with_type};
use super::{Change, Plan, SurgeryError, Transformed, records};

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 16 * 1024;

/// What is wrong with a file that was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It cannot be read at all.
    #[error("it cannot be read: {why}")]
    Unreadable {
        /// Why.
        why: String,
    },
    /// Row groups are missing, or have other numbers of rows.
    #[error("its row groups do not have the rows that should stay")]
    Rows,
    /// Schema, key-value metadata or the name of the writer differ.
    #[error("it states another {what} than the source")]
    Stated {
        /// What differs.
        what: &'static str,
    },
    /// A value or a level that should have stayed differs.
    #[error("column \"{column}\" of row group {group} differs from the source near row {row}")]
    Values {
        /// Path of the column.
        column: String,
        /// Number of the row group in the source.
        group: usize,
        /// Number of a row in the source's row group at which the difference begins, at most 16,384 rows early.
        row: u64,
    },
}

/// Compares what `transform` wrote with its source.
///
/// # Errors
/// [`SurgeryError::Check`] with what differs; other errors when either file cannot be read.
pub fn check(source: &Source, change: &Change, transformed: &Transformed) -> Result<(), SurgeryError> {
    let plan = Plan::draw_up(source, change)?;
    let wrong = |mismatch| Err(SurgeryError::Check { mismatch });
    let out = match Source::open(transformed.bytes.clone()) {
        Err(error) => return wrong(Mismatch::Unreadable { why: error.to_string() }),
        Ok(out) => out,
    };
    let kept: Vec<(usize, u64)> =
        plan.groups.iter().enumerate().filter_map(|(at, rows)| Some((at, (*rows)?))).collect();
    let rows: Vec<u64> = kept.iter().map(|(_, rows)| *rows).collect();
    if out.group_rows() != rows || transformed.rows_after != rows.iter().sum::<u64>() {
        return wrong(Mismatch::Rows);
    }
    let (old, new) = (source.metadata().file_metadata(), out.metadata().file_metadata());
    let stated = [
        ("schema", old.schema() == new.schema()),
        ("key-value metadata", old.key_value_metadata() == new.key_value_metadata()),
        ("writer", old.created_by() == new.created_by()),
        ("order of columns", old.column_orders() == new.column_orders()),
    ];
    if let Some((what, _)) = stated.into_iter().find(|(_, same)| !same) {
        return wrong(Mismatch::Stated { what });
    }
    for (new_group, (group, _)) in kept.into_iter().enumerate() {
        for column in 0..source.columns() {
            let (from, to) = ((group, column), (new_group, column));
            let copied = || {
                let (old, new) = (source.pages(from)?, out.pages(to)?);
                Ok::<_, SurgeryError>(source.bytes()[old] == out.bytes()[new])
            };
            match plan.edit(from) {
                None if copied()? => {}
                // A mask that changes nothing in a chunk leaves it as it is, so equal bytes are right where decoding says so.
                edit => compare((source, from), (&out, to), edit)?,
            }
        }
    }
    Ok(())
}

fn compare(
    from: (&Source, (usize, usize)),
    to: (&Source, (usize, usize)),
    edit: Option<Edit>,
) -> Result<(), SurgeryError> {
    let (source, at) = from;
    let column = source.descriptor(at.1);
    let found = with_type!(column.physical_type(), differs(from, to, edit));
    match found? {
        None => Ok(()),
        Some(row) => {
            let mismatch = Mismatch::Values { column: column.path().string(), group: at.0, row };
            Err(SurgeryError::Check { mismatch })
        }
    }
}

/// The first row, rounded down to the batch it is in, at which the chunks differ.
fn differs<T: DataType>(
    (source, from): (&Source, (usize, usize)),
    (out, to): (&Source, (usize, usize)),
    edit: Option<Edit>,
) -> Result<Option<u64>, SurgeryError>
where
    T::T: Plain,
{
    let total = source.group_rows()[from.0];
    let old_error = |error: ParquetError| source.library(from, error);
    let new_error = |error: ParquetError| out.library(to, error);
    let mut old = typed::reader::<T>(source.bytes(), &source.readable(from)?, total).map_err(old_error)?;
    let mut new = typed::reader::<T>(out.bytes(), &out.readable(to)?, out.group_rows()[to.0]).map_err(new_error)?;
    let row = |row: u64| usize::try_from(row).unwrap_or(usize::MAX);
    let rows: Vec<_> =
        edit.map(Edit::rows).unwrap_or_default().iter().map(|range| row(range.start)..row(range.end)).collect();
    let def_max = u8::try_from(source.descriptor(from.1).max_def_level()).unwrap_or(u8::MAX);
    let (mut expected, mut found) = (Read::<T::T>::new(), Read::<T::T>::new());
    let mut before = 0;
    while before < row(total) {
        expected.clear();
        found.clear();
        let here = u64::try_from(before).unwrap_or(u64::MAX);
        let (read, _, count) = old
            .read_records(BATCH_ROWS, Some(&mut expected.def), Some(&mut expected.rep), &mut expected.values)
            .map_err(old_error)?;
        if read == 0 {
            return Ok(Some(here));
        }
        let Some(levels) = expected.levels(count) else { return Ok(Some(here)) };
        let (in_levels, _) = records::levels_of(&levels, before, &rows);
        let (in_values, values) = records::values_of(&levels, def_max, &in_levels);
        let mut kept = read;
        let (mut level_parts, mut value_parts) = (vec![0..count], vec![0..values]);
        match edit {
            Some(Edit::Delete(_)) => {
                kept -= rows_within(&rows, before..before + read);
                level_parts = records::rest(&in_levels, count);
                value_parts = records::rest(&in_values, values);
            }
            Some(Edit::Mask(_, masker)) => {
                let places = records::places_of(
                    &levels,
                    def_max,
                    before,
                    &in_values.iter().cloned().flatten().collect::<Vec<_>>(),
                );
                value_parts = mask(&mut expected, masker, in_values, places)?;
            }
            None => {}
        }
        let (again, _, _) =
            new.read_records(kept, Some(&mut found.def), Some(&mut found.rep), &mut found.values).map_err(new_error)?;
        let same = again == kept
            && same_parts(&expected.def, &found.def, &level_parts, |a, b| a == b)
            && same_parts(&expected.rep, &found.rep, &level_parts, |a, b| a == b)
            && same_parts(&expected.values, &found.values, &value_parts, |a, b| a.as_bytes() == b.as_bytes());
        if !same {
            return Ok(Some(here));
        }
        before += read;
    }
    let (more, _, _) =
        new.read_records(1, Some(&mut found.def), Some(&mut found.rep), &mut found.values).map_err(new_error)?;
    Ok((more > 0).then_some(total))
}

/// Rows of `rows` that are in `part`.
fn rows_within(rows: &[Range<usize>], part: Range<usize>) -> usize {
    rows.iter().map(|range| range.end.min(part.end).saturating_sub(range.start.max(part.start))).sum()
}

/// Masks what was read from the source; returns which of its values are still there.
fn mask<T: AsBytes + Plain>(
    read: &mut Read<T>,
    masker: &Masker,
    values: Vec<Range<usize>>,
    places: Vec<(usize, usize)>,
) -> Result<Vec<Range<usize>>, SurgeryError> {
    let mut gone = Vec::new();
    for (at, (level, _)) in values.into_iter().flatten().zip(places) {
        match masker.apply(read.values[at].as_bytes())? {
            Masked::Same => {}
            Masked::Null => {
                gone.push(at..at + 1);
                read.def[level] -= 1;
            }
            Masked::Value(new) => {
                if let Some(new) = T::plain(&new) {
                    read.values[at] = new;
                }
            }
        }
    }
    Ok(records::rest(&gone, read.values.len()))
}

/// Whether `found` is what `parts` of `expected` are.
fn same_parts<T>(expected: &[T], found: &[T], parts: &[Range<usize>], same: impl Fn(&T, &T) -> bool) -> bool {
    // A column without levels of a kind has none to compare.
    if expected.is_empty() {
        return found.is_empty();
    }
    let mut at = 0;
    for part in parts {
        let (Some(expected), Some(found)) = (expected.get(part.clone()), found.get(at..at + part.len())) else {
            return false;
        };
        if !expected.iter().zip(found).all(|(expected, found)| same(expected, found)) {
            return false;
        }
        at += part.len();
    }
    at == found.len()
}
