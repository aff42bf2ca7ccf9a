//! Which rows of one Parquet object name a person: its footer, its bloom filters, and only then the columns that may.
//!
//! Two ranged reads settle an object without a hit: the footer, and all filters of the columns in question. A filter or a
//! smallest and largest value never decides; it only excuses. Whatever is left is decoded and compared value by value, in a
//! dictionary once for all rows. Absent: what happens to the rows, who a person is, and page indexes: a chunk is read whole.
//!
//! ```
//! # use engine::retention::{FindError, Sought, find_in};
//! fn rows(file: &bytes::Bytes) -> Result<u64, FindError> {
//!     let columns = ["actor_id", "data_subject_id"].map(|column| column.to_owned().into());
//!     let found = find_in(file, &Sought::new(columns, ["user-000042".to_owned()]))?;
//!     Ok(found.rows.len())
//! }
//! ```

mod excuse;
mod look;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::schema::types::ColumnPath;

use super::surgery::RowSet;
use excuse::Candidates;

/// Read of the end of an object at first: nearly always the whole footer, so that one request does.
const FOOTER_BYTES: u64 = 64 << 10;
/// Bytes between filters that are rather read than left out by a request of their own.
const GAP_BYTES: u64 = 1 << 20;

/// Values that name somebody, and the columns in which they do. A row with any of them in any column is found.
#[derive(Clone)]
pub struct Sought {
    columns: Vec<ColumnPath>,
    values: Vec<String>,
    /// Whether smallest and largest values of a footer excuse a column.
    trusts_bounds: bool,
}

impl Sought {
    /// `values` in `columns`. A path that names a group or a list stands for all columns below it. A number is found in
    /// columns of whole numbers by its digits, without a sign that it does not need and without leading zeros.
    pub fn new(columns: impl IntoIterator<Item = ColumnPath>, values: impl IntoIterator<Item = String>) -> Self {
        let mut values: Vec<String> = values.into_iter().collect();
        values.sort_unstable();
        values.dedup();
        Self { columns: columns.into_iter().collect(), values, trusts_bounds: true }
    }

    /// The same, and the bounds that a footer states excuse nothing: old writers stated wrong ones, and whoever is to be gone
    /// is gone from their files, too.
    #[must_use]
    pub fn without_bounds(self) -> Self {
        Self { trusts_bounds: false, ..self }
    }
}

/// Says how many values, never which.
impl fmt::Debug for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sought").field("columns", &self.columns).field("values", &self.values.len()).finish()
    }
}

/// What was found in an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The rows that have one of the values.
    pub rows: RowSet,
    /// Rows of each row group.
    pub group_rows: Vec<u64>,
    /// Columns that the object does not have; nothing is found in them.
    pub columns_missing: Vec<ColumnPath>,
    /// Column chunks that were decoded, because nothing excused them.
    pub chunks_decoded: usize,
}

/// Why rows could not be found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The store failed, or the object is another one by now.
    #[error("the object cannot be read from the store")]
    Store {
        /// What the store says.
        source: object_store::Error,
    },
    /// It is no Parquet file that can be read.
    #[error("the object cannot be searched: {why}")]
    Unreadable {
        /// Why.
        why: String,
    },
    /// A column that no identifier can be compared with.
    #[error(
        "column \"{column}\" has values that no identifier is compared with; name columns of text or whole numbers"
    )]
    Column {
        /// Its path.
        column: String,
    },
}

impl From<ParquetError> for FindError {
    fn from(error: ParquetError) -> Self {
        Self::Unreadable { why: error.to_string() }
    }
}

/// Finds rows in the object at `path`, which has `bytes` bytes.
///
/// # Errors
/// When the store fails, the object is no Parquet file that can be read, or a column is none of identifiers.
pub async fn find(store: &dyn ObjectStore, path: &Path, bytes: u64, sought: &Sought) -> Result<Found, FindError> {
    let read =
        async |range: Range<u64>| store.get_range(path, range).await.map_err(|source| FindError::Store { source });
    let mut tail = Part::at(read(bytes.saturating_sub(FOOTER_BYTES)..bytes).await?, bytes);
    let footer = match footer(&tail)? {
        Ok(footer) => footer,
        Err(more) => {
            tail = Part::at(read(bytes.saturating_sub(more)..bytes).await?, bytes);
            footer(&tail)?.map_err(|_| damaged("its footer is longer than it states"))?
        }
    };
    let mut candidates = Candidates::of(&footer, bytes, sought)?;
    let filters = candidates.filters();
    candidates.excuse(&match spanned(&filters) {
        None => Vec::new(),
        Some(span) if tail.range().start <= span.start => tail.parts(&filters)?,
        Some(span) if is_dense(&span, &filters) => {
            Part { start: span.start, file: bytes, bytes: read(span).await? }.parts(&filters)?
        }
        Some(_) => store.get_ranges(path, &filters).await.map_err(|source| FindError::Store { source })?,
    });
    let mut found = candidates.begin();
    for (group, chunks) in candidates.left() {
        let ranges: Vec<Range<u64>> = chunks.iter().map(|chunk| chunk.range.clone()).collect();
        let read = store.get_ranges(path, &ranges).await.map_err(|source| FindError::Store { source })?;
        let parts = ranges.iter().zip(read).map(|(range, read)| Part { start: range.start, file: bytes, bytes: read });
        look::look(&footer, (group, &chunks), parts, &mut found)?;
    }
    Ok(found)
}

/// Finds rows in `file`, which is all of an object.
///
/// # Errors
/// When it is no Parquet file that can be read, or a column is none of identifiers.
pub fn find_in(file: &Bytes, sought: &Sought) -> Result<Found, FindError> {
    let size = u64::try_from(file.len()).unwrap_or(u64::MAX);
    let whole = Part { start: 0, file: size, bytes: file.clone() };
    let footer = footer(&whole)?.map_err(|_| damaged("its footer is longer than it is"))?;
    let mut candidates = Candidates::of(&footer, size, sought)?;
    let filters = whole.parts(&candidates.filters())?;
    candidates.excuse(&filters);
    let mut found = candidates.begin();
    for (group, chunks) in candidates.left() {
        look::look(&footer, (group, &chunks), chunks.iter().map(|_| whole.clone()), &mut found)?;
    }
    Ok(found)
}

/// The footer that `end` ends with, or how many bytes of the end are needed for it.
fn footer(end: &Part) -> Result<Result<ParquetMetaData, u64>, FindError> {
    let mut reader = ParquetMetaDataReader::new();
    match reader.try_parse_sized(&end.bytes, end.file) {
        Ok(()) => Ok(Ok(reader.finish()?)),
        Err(ParquetError::NeedMoreData(bytes)) if bytes > end.bytes.len() => {
            Ok(Err(u64::try_from(bytes).unwrap_or(u64::MAX)))
        }
        Err(error) => Err(error.into()),
    }
}

fn damaged(why: &str) -> FindError {
    FindError::Unreadable { why: why.to_owned() }
}

/// The one range that all `ranges` are in.
fn spanned(ranges: &[Range<u64>]) -> Option<Range<u64>> {
    let start = ranges.iter().map(|range| range.start).min()?;
    Some(start..ranges.iter().map(|range| range.end).max()?)
}

/// Whether little else than `ranges` is in `span`.
fn is_dense(span: &Range<u64>, ranges: &[Range<u64>]) -> bool {
    let bytes: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    span.end - span.start <= bytes.saturating_mul(2).saturating_add(GAP_BYTES)
}

/// Bytes of an object, and where in it they stand.
#[derive(Debug, Clone)]
struct Part {
    start: u64,
    /// Bytes of the whole object.
    file: u64,
    bytes: Bytes,
}

impl Part {
    /// The last bytes of an object.
    fn at(bytes: Bytes, file: u64) -> Self {
        Self { start: file.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX)), file, bytes }
    }

    fn range(&self) -> Range<u64> {
        self.start..self.start + u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    fn part(&self, range: &Range<u64>) -> Result<Bytes, FindError> {
        let within = |at: u64| usize::try_from(at.checked_sub(self.start)?).ok().filter(|at| *at <= self.bytes.len());
        match (within(range.start), within(range.end)) {
            (Some(start), Some(end)) if start <= end => Ok(self.bytes.slice(start..end)),
            _ => Err(damaged("it is shorter than its footer states")),
        }
    }

    fn parts(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, FindError> {
        ranges.iter().map(|range| self.part(range)).collect()
    }
}
