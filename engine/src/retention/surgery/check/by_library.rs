//! The chunks decoded by the Parquet library, value by value: slower than page beside page, and for every encoding and mask.
//!
//! Absent: what a file states about its values beside them.

use std::ops::Range;

use parquet::data_type::{AsBytes, DataType};
use parquet::errors::ParquetError;

use super::super::SurgeryError;
use super::super::chunk::Edit;
use super::super::mask::{Masked, Masker};
use super::super::records;
use super::super::source::Source;
use super::super::typed::{self, Plain, Read};
use super::{Counted, in_memory, index};

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 16 * 1024;

/// What the chunk holds, or the first row, rounded down to the batch it is in, at which it is not what it should be.
pub(super) fn compare<T: DataType>(
    (source, from): (&Source, (usize, usize)),
    (out, to): (&Source, (usize, usize)),
    edit: Option<Edit>,
) -> Result<Result<Counted, u64>, SurgeryError>
where
    T::T: Plain,
{
    let total = source.group_rows()[from.0];
    let old_error = |error: ParquetError| source.library(from, error);
    let new_error = |error: ParquetError| out.library(to, error);
    let mut old = typed::reader::<T>(source.bytes(), &source.readable(from)?, total).map_err(old_error)?;
    let mut new = typed::reader::<T>(out.bytes(), &out.readable(to)?, out.group_rows()[to.0]).map_err(new_error)?;
    let rows = in_memory(edit.map(Edit::rows).unwrap_or_default());
    let def_max = u8::try_from(source.descriptor(from.1).max_def_level()).unwrap_or(u8::MAX);
    let (mut expected, mut found) = (Read::<T::T>::new(), Read::<T::T>::new());
    let (mut before, mut counted) = (0, Counted::default());
    while before < index(total) {
        expected.clear();
        found.clear();
        let here = u64::try_from(before).unwrap_or(u64::MAX);
        let (read, _, count) = old
            .read_records(BATCH_ROWS, Some(&mut expected.def), Some(&mut expected.rep), &mut expected.values)
            .map_err(old_error)?;
        if read == 0 {
            return Ok(Err(here));
        }
        let Some(levels) = expected.levels(count) else { return Ok(Err(here)) };
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
        let (again, values, levels) =
            new.read_records(kept, Some(&mut found.def), Some(&mut found.rep), &mut found.values).map_err(new_error)?;
        let same = again == kept
            && same_parts(&expected.def, &found.def, &level_parts, |a, b| a == b)
            && same_parts(&expected.rep, &found.rep, &level_parts, |a, b| a == b)
            && same_parts(&expected.values, &found.values, &value_parts, |a, b| a.as_bytes() == b.as_bytes());
        if !same {
            return Ok(Err(here));
        }
        counted.levels += levels;
        counted.nulls += levels.saturating_sub(values);
        before += read;
    }
    let (more, _, _) =
        new.read_records(1, Some(&mut found.def), Some(&mut found.rep), &mut found.values).map_err(new_error)?;
    Ok(if more > 0 { Err(total) } else { Ok(counted) })
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
