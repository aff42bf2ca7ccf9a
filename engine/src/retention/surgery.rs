//! Parquet surgery: rows leave a Parquet file, or values in it are masked, and nothing else changes.
//!
//! Bytes in, bytes out. Row groups that are not touched are copied byte for byte; in a touched one a deletion writes all
//! columns anew and a mask the masked ones. The same bytes and the same change give the same bytes (RET-7). What was written
//! is checked by another way than it was written (RET-8, [`check`]). Absent: stores, finding rows, clocks, keys; encrypted
//! files are refused.
//!
//! ```
//! # use engine::retention::{Change, Options, RowSet, Source, SurgeryError, check, transform};
//! fn without_first_row(file: bytes::Bytes) -> Result<bytes::Bytes, SurgeryError> {
//!     let source = Source::open(file)?;
//!     let change = Change::Delete(RowSet::from_iter([(0, 0)]));
//!     let transformed = transform(&source, &change, &Options::default())?;
//!     check(&source, &change, &transformed)?;
//!     Ok(transformed.bytes)
//! }
//! ```

mod check;
mod chunk;
mod codec;
mod dictionary;
mod footer;
mod hybrid;
mod mask;
mod new_chunk;
pub(super) mod opened;
mod order;
mod page;
mod records;
mod rows;
mod source;
mod stand_in;
mod statistics;
#[cfg(test)]
mod tests;
mod thrift;
mod typed;
mod values;

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnPath;

pub use check::{Mismatch, check};
use chunk::Edit;
use footer::NewFile;
use mask::Masker;
pub use mask::{Constant, IntMask, Mask, TextMask};
use new_chunk::NewChunk;
use page::Trouble;
pub use rows::{RowSet, RowSetError};
pub use source::{Loss, Refusal, Source};
pub(super) use typed::with_type;

/// What happens to a file.
#[derive(Debug, Clone)]
pub enum Change {
    /// These rows leave.
    Delete(RowSet),
    /// Values of these rows change.
    Mask {
        /// The rows.
        rows: RowSet,
        /// Columns with what happens to their values. A path that names a group stands for all columns below it.
        columns: Vec<(ColumnPath, Mask)>,
    },
}

impl Change {
    /// The rows that leave or change.
    pub fn rows(&self) -> &RowSet {
        let (Self::Delete(rows) | Self::Mask { rows, .. }) = self;
        rows
    }
}

/// How a file is written. None of it changes what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Threads that write the columns of one row group at the same time.
    pub threads: NonZeroUsize,
    /// Row groups and columns that are written anew.
    pub anew: Anew,
}

/// What is written anew, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anew {
    /// What changes.
    Touched,
    /// Everything.
    All,
    /// Everything, decoded and encoded by the Parquet library: several times as slow.
    AllByLibrary,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: NonZeroUsize::MIN, anew: Anew::Touched }
    }
}

/// A changed file, and what was done to it.
#[derive(Debug, Clone)]
pub struct Transformed {
    /// The file. Without rows it is still a valid one.
    pub bytes: Bytes,
    /// Rows of the source.
    pub rows_before: u64,
    /// Rows that are left.
    pub rows_after: u64,
    /// Rows that left, or that have another value than before in a masked column.
    pub rows_changed: u64,
    /// Row groups that were copied byte for byte.
    pub groups_copied: usize,
    /// Row groups of which columns were written anew.
    pub groups_rewritten: usize,
    /// Row groups that have no row left.
    pub groups_dropped: usize,
    /// What was not carried over.
    pub losses: Vec<Loss>,
}

/// Why a file could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum SurgeryError {
    /// The file cannot be rewritten.
    #[error("the Parquet file cannot be rewritten: {reason}; exclude the object by name to go on")]
    Refused {
        /// Why.
        reason: Refusal,
    },
    /// The Parquet library cannot read or write a column.
    #[error(
        "column \"{column}\" of row group {group} cannot be decoded or encoded; exclude the object by name to go on"
    )]
    Library {
        /// Path of the column.
        column: String,
        /// Number of the row group.
        group: usize,
        /// What the library says.
        source: ParquetError,
    },
    /// Rows that the file does not have.
    #[error(
        "row group {group} has {rows} rows, but row {row} is asked for; the file is another one, find the rows again"
    )]
    Rows {
        /// Number of the row group.
        group: usize,
        /// Rows it has; 0 when there is no such row group.
        rows: u64,
        /// Largest row number asked for.
        row: u64,
    },
    /// A mask that does not fit its column.
    #[error("column \"{column}\" cannot be masked: {why}")]
    Mask {
        /// Path of the column.
        column: String,
        /// What is wrong and what would be right.
        why: &'static str,
    },
    /// What was written is not what should have been written; it must not be used.
    #[error("the changed file does not hold what it should: {mismatch}; keep the old one and report this")]
    Check {
        /// What differs.
        mismatch: Mismatch,
    },
}

/// Changes the file of `source`.
///
/// # Errors
/// When rows or columns are not in the file, a mask does not fit, or a touched row group cannot be read.
pub fn transform(source: &Source, change: &Change, options: &Options) -> Result<Transformed, SurgeryError> {
    let plan = Plan::draw_up(source, change)?;
    let rows = source.group_rows();
    let rows_before = rows.iter().sum();
    let mut file = NewFile::new(source, plan.growth(source, options));
    let (mut rewritten, mut copied, mut changed, mut rows_after) = (0, 0, RowSet::new(), 0);
    for (group, kept) in plan.groups.iter().enumerate() {
        let Some(kept) = *kept else { continue };
        let mut chunks = plan.rewrite(source, group, options)?;
        for chunk in chunks.iter_mut().flatten() {
            for range in std::mem::take(&mut chunk.changed) {
                changed.insert(group, range);
            }
        }
        if chunks.iter().any(Option::is_some) {
            rewritten += 1;
        } else {
            copied += 1;
        }
        rows_after += kept;
        file.put_group(group, kept, chunks)?;
    }
    let deleted = matches!(change, Change::Delete(_));
    let losses = source.losses();
    Ok(Transformed {
        bytes: file.finish().into(),
        rows_before,
        rows_after,
        rows_changed: if deleted { change.rows().len() } else { changed.len() },
        groups_copied: copied,
        groups_rewritten: rewritten,
        groups_dropped: plan.groups.iter().filter(|rows| rows.is_none()).count(),
        losses,
    })
}

/// What is to be done to each row group and column.
struct Plan<'a> {
    change: &'a Change,
    /// Rows that stay in each row group; none when it has no row left.
    groups: Vec<Option<u64>>,
    /// What happens to each column; nothing under a deletion, which happens to all.
    masks: Vec<Option<Masker>>,
}

impl<'a> Plan<'a> {
    fn draw_up(source: &Source, change: &'a Change) -> Result<Self, SurgeryError> {
        let rows = source.group_rows();
        for (group, ranges) in change.rows().groups() {
            let has = rows.get(group).copied().unwrap_or(0);
            let last = ranges.last().map_or(0, |range| range.end);
            if last > has {
                return Err(SurgeryError::Rows { group, rows: has, row: last - 1 });
            }
        }
        let gone = |group| if matches!(change, Change::Delete(_)) { change.rows().len_in(group) } else { 0 };
        // One that had no row before stays as it is.
        let groups = rows.iter().enumerate().map(|(group, rows)| match gone(group) {
            gone if gone > 0 && gone == *rows => None,
            gone => Some(rows - gone),
        });
        let mut masks: Vec<Option<Masker>> = (0..source.columns()).map(|_| None).collect();
        if let Change::Mask { columns, .. } = change {
            for (path, mask) in columns {
                let mut named = false;
                for (at, slot) in masks.iter_mut().enumerate() {
                    let column = source.descriptor(at);
                    if column.path().parts().starts_with(path.parts()) {
                        *slot = Some(Masker::new(mask, column)?);
                        named = true;
                    }
                }
                if !named {
                    return Err(SurgeryError::Mask { column: path.string(), why: "the file has no such column" });
                }
            }
        }
        Ok(Self { change, groups: groups.collect(), masks })
    }

    /// What happens to a column of a row group.
    fn edit(&self, (group, column): (usize, usize)) -> Option<Edit<'_>> {
        let rows = self.change.rows().ranges(group);
        match (self.change, &self.masks[column]) {
            _ if rows.is_empty() => None,
            (Change::Delete(_), _) => Some(Edit::Delete(rows)),
            (Change::Mask { .. }, masker) => masker.as_ref().map(|masker| Edit::Mask(rows, masker)),
        }
    }

    /// Bytes by which chunks that are written anew may become larger, as their codec may have been set to a higher level.
    fn growth(&self, source: &Source, options: &Options) -> usize {
        let all = options.anew != Anew::Touched;
        let chunks = source.metadata().row_groups().iter().enumerate().flat_map(|(group, of)| {
            let anew = move |(column, chunk)| (all || self.edit((group, column)).is_some()).then_some(chunk);
            of.columns().iter().enumerate().filter_map(anew)
        });
        let growth = chunks.map(|chunk| chunk.uncompressed_size().saturating_sub(chunk.compressed_size()).max(0));
        usize::try_from(growth.fold(0, i64::saturating_add)).unwrap_or(usize::MAX)
    }

    /// The columns of row group `group` that are written anew.
    fn rewrite(&self, source: &Source, group: usize, options: &Options) -> Result<Vec<Option<NewChunk>>, SurgeryError> {
        let nothing: &[Range<u64>] = &[];
        let forced = (options.anew != Anew::Touched && self.groups[group] != Some(0)).then_some(Edit::Delete(nothing));
        let work: Vec<(usize, Edit)> =
            (0..source.columns()).filter_map(|column| Some((column, self.edit((group, column)).or(forced)?))).collect();
        let next = AtomicUsize::new(0);
        let done = Mutex::new((0..source.columns()).map(|_| None).collect::<Vec<_>>());
        let failed = Mutex::new(None);
        let run = || {
            while let Some((column, edit)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                match rewrite(source, (group, *column), *edit, options.anew) {
                    Ok(chunk) => lock(&done)[*column] = chunk,
                    Err(error) => {
                        lock(&failed).get_or_insert((*column, error));
                        next.store(work.len(), Ordering::Relaxed);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..options.threads.get().min(work.len()) {
                scope.spawn(run);
            }
            run();
        });
        match lock(&failed).take() {
            Some((_, error)) => Err(error),
            None => Ok(std::mem::take(&mut lock(&done))),
        }
    }
}

/// What is under `mutex`; whoever held it when a thread panicked left it whole, and the panic goes on at the end of the scope.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Writes a chunk anew; nothing when a mask changes nothing in it.
fn rewrite(source: &Source, at: (usize, usize), edit: Edit, anew: Anew) -> Result<Option<NewChunk>, SurgeryError> {
    let metadata = source.readable(at)?;
    let indexes = source.indexes(at);
    let old = source.chunk(at, &metadata, &indexes)?;
    let by_pages = if anew == Anew::AllByLibrary { Err(Trouble::Other) } else { chunk::rewrite(&old, edit) };
    let written = match by_pages {
        Err(Trouble::Other) => typed::rewrite(&old, edit),
        written => written,
    };
    match written {
        Ok(chunk) if anew == Anew::Touched && matches!(edit, Edit::Mask(..)) && chunk.changed.is_empty() => Ok(None),
        Ok(chunk) => Ok(Some(chunk)),
        Err(Trouble::Refused(error)) => Err(*error),
        Err(Trouble::Library(error)) => Err(source.library(at, error)),
        Err(Trouble::Damaged(why)) => Err(source.broken(at, why)),
        Err(Trouble::Other) => Err(source.broken(at, "its layout is not known here")),
    }
}
