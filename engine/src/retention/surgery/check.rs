//! RET-8, checked on what was written: rows in − rows removed = rows out, and every other value decodes equal.
//!
//! Chunks that were copied are compared as bytes, decoded by nobody, and so are copied pages of others (`copied.rs`). Of the
//! rest the Parquet library takes the pages apart, and what stands in them is compared page beside page (`side_by_side.rs`);
//! where that proves nothing, the library decodes both chunks (`by_library.rs`) and has the last word. The page editor that
//! wrote them has no part in any of it. Absent: trust in what the transformation says about itself.

mod by_library;
mod copied;
pub(super) mod side_by_side;

use std::ops::Range;
use std::panic::AssertUnwindSafe;

use parquet::basic::Type;
use parquet::data_type::{
    BoolType, ByteArrayType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type, Int96Type,
};
use parquet::file::metadata::ColumnChunkMetaData;

use super::chunk::Edit;
use super::source::Source;
use super::typed::with_type;
use super::{Change, Plan, SurgeryError, Transformed};
use by_library::compare as library;
use copied::Places;
use side_by_side::{Chunk, Verdict};

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
    /// A number of something that is not the number of it that is there.
    #[error("column \"{column}\" of row group {group} states another number of {what} than it holds")]
    Counts {
        /// Path of the column.
        column: String,
        /// Number of the row group in the source.
        group: usize,
        /// What was counted.
        what: &'static str,
    },
}

/// What a chunk holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) levels: usize,
    /// Levels without a value.
    pub(super) nulls: usize,
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
    let places = Places::of(&out);
    for (new_group, (group, _)) in kept.into_iter().enumerate() {
        for column in 0..source.columns() {
            let (from, to) = ((group, column), (new_group, column));
            let copied = || {
                let (old, new) = (source.pages(from)?, out.pages(to)?);
                Ok::<_, SurgeryError>(source.bytes()[old] == out.bytes()[new])
            };
            match plan.edit(from) {
                None if copied()? => {}
                Some(edit) if copied::proves((source, from), (&out, to), edit, &places)? => {}
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
    let ((source, at), (out, new_at)) = (from, to);
    let column = source.descriptor(at.1);
    let path = || column.path().string();
    let counts = |what| Err(SurgeryError::Check { mismatch: Mismatch::Counts { column: path(), group: at.0, what } });
    let counted = match beside(from, to, edit)? {
        Verdict::Same(counted) => counted,
        Verdict::Misstated(what) => return counts(what),
        Verdict::Open => match decoded(from, to, edit)? {
            Ok(counted) => counted,
            Err(row) => {
                let mismatch = Mismatch::Values { column: path(), group: at.0, row };
                return Err(SurgeryError::Check { mismatch });
            }
        },
    };
    let stated = out.metadata().row_group(new_at.0).column(new_at.1);
    match misstated(stated, counted) {
        Some(what) => counts(what),
        None => Ok(()),
    }
}

/// What the library makes of both chunks. It panics at some pages that do not hold what they state.
fn decoded(
    from: (&Source, (usize, usize)),
    to: (&Source, (usize, usize)),
    edit: Option<Edit>,
) -> Result<Result<Counted, u64>, SurgeryError> {
    let column = from.0.descriptor(from.1.1);
    // Nothing that was borrowed is written to, so nothing can be left half done.
    let decode = AssertUnwindSafe(|| with_type!(column.physical_type(), library(from, to, edit)));
    std::panic::catch_unwind(decode).unwrap_or_else(|_| {
        let why =
            format!("column \"{}\" of row group {} does not hold what it states", column.path().string(), from.1.0);
        Err(SurgeryError::Check { mismatch: Mismatch::Unreadable { why } })
    })
}

/// A chunk of a file, for those who compare it with another.
fn chunk<'a>(source: &'a Source, at: (usize, usize), metadata: &'a ColumnChunkMetaData) -> Chunk<'a> {
    Chunk { file: source.bytes(), metadata, rows: index(source.rows_of(at.0)) }
}

/// A row number as one of what is in memory.
fn index(row: u64) -> usize {
    usize::try_from(row).unwrap_or(usize::MAX)
}

fn in_memory(rows: &[Range<u64>]) -> Vec<Range<usize>> {
    rows.iter().map(|range| index(range.start)..index(range.end)).collect()
}

/// What a chunk states that is not so, if anything.
fn misstated(stated: &ColumnChunkMetaData, counted: Counted) -> Option<&'static str> {
    let nulls = stated.statistics().and_then(|statistics| statistics.null_count_opt());
    if usize::try_from(stated.num_values()).ok() != Some(counted.levels) {
        Some("values")
    } else if nulls.is_some_and(|nulls| usize::try_from(nulls).ok() != Some(counted.nulls)) {
        Some("NULLs")
    } else {
        None
    }
}

/// What can be said page beside page. Masked values are not compared so, and pages that cannot be read are not judged.
pub(super) fn beside(
    (source, from): (&Source, (usize, usize)),
    (out, to): (&Source, (usize, usize)),
    edit: Option<Edit>,
) -> Result<Verdict, SurgeryError> {
    let gone = match edit {
        None => Vec::new(),
        Some(Edit::Delete(rows)) => in_memory(rows),
        Some(Edit::Mask(..)) => return Ok(Verdict::Open),
    };
    let (old, new) = (source.readable(from)?, out.readable(to)?);
    let (old, new) = (chunk(source, from, &old), chunk(out, to, &new));
    // What the library says of pages that it cannot read, it says again when it decodes them.
    Ok(side_by_side::compare(old, new, &gone).unwrap_or(Verdict::Open))
}
