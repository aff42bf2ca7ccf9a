//! The column chunks in which somebody may be named, as far as a footer and bloom filters tell.
//!
//! An excuse needs a filter that says no of each value, or smallest and largest values in an order that is defined. Absent:
//! bounds that old writers stated in fields whose order nobody knows, and filters that do not state their length.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use parquet::basic::{ColumnOrder, SortOrder, Type};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::schema::types::ColumnPath;

use super::value::{Wanted, plain};
use super::{FindError, Found, RowSet, Sought, damaged};

/// A chunk in which a value may be.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) group: usize,
    pub(super) column: usize,
    /// Where its pages lie.
    pub(super) range: Range<u64>,
    pub(super) wanted: Wanted,
    filter: Option<Range<u64>>,
}

/// All chunks in which a value may be.
#[derive(Debug)]
pub(super) struct Candidates {
    chunks: Vec<Candidate>,
    group_rows: Vec<u64>,
    columns_missing: Vec<ColumnPath>,
}

impl Candidates {
    /// The chunks of an object of `bytes` bytes that its footer does not excuse.
    pub(super) fn of(footer: &ParquetMetaData, bytes: u64, sought: &Sought) -> Result<Self, FindError> {
        let schema = footer.file_metadata().schema_descr();
        let (mut columns, mut columns_missing) = (BTreeMap::new(), Vec::new());
        for path in &sought.columns {
            let below = |column: &usize| schema.column(*column).path().parts().starts_with(path.parts());
            let mut named = (0..schema.num_columns()).filter(below).peekable();
            if named.peek().is_none() {
                columns_missing.push(path.clone());
            }
            for at in named {
                let column = schema.column(at);
                let values = sought.values.iter().map(|value| plain(&column, value));
                let values: Result<Vec<_>, ()> = values.collect();
                let values = values.map_err(|()| FindError::Column { column: column.path().string() })?;
                columns.insert(at, Wanted::new(values.into_iter().flatten()));
            }
        }
        let mut chunks = Vec::new();
        let mut group_rows = Vec::with_capacity(footer.num_row_groups());
        for (group, of) in footer.row_groups().iter().enumerate() {
            let rows = u64::try_from(of.num_rows()).map_err(|_| damaged("a row group has fewer rows than none"))?;
            group_rows.push(rows);
            for (column, wanted) in columns.iter().filter(|_| rows > 0) {
                let chunk = of.column(*column);
                let order = footer.file_metadata().column_order(*column);
                let is_excused = |value: &[u8]| sought.trusts_bounds && !may_be_within(chunk, order, value);
                let wanted = wanted.only(|value| !is_excused(value));
                if wanted.is_empty() {
                    continue;
                }
                let range = pages(chunk, bytes)?;
                let filter = filter(chunk, bytes);
                chunks.push(Candidate { group, column: *column, range, wanted, filter });
            }
        }
        Ok(Self { chunks, group_rows, columns_missing })
    }

    /// Where the filters lie that may excuse a chunk.
    pub(super) fn filters(&self) -> Vec<Range<u64>> {
        self.chunks.iter().filter_map(|chunk| chunk.filter.clone()).collect()
    }

    /// Leaves out what `filters` excuse, which are those of [`Self::filters`].
    pub(super) fn excuse(&mut self, filters: &[Bytes]) {
        let mut filters = filters.iter();
        for chunk in &mut self.chunks {
            let filter = chunk.filter.as_ref().and_then(|_| filters.next());
            // A filter that cannot be read excuses nothing.
            if let Some(filter) =
                filter.and_then(|filter| Sbbf::from_bytes(filter).ok()).filter(|of| of.num_blocks() > 0)
            {
                chunk.wanted = chunk.wanted.only(|value| filter.check(value));
            }
        }
        self.chunks.retain(|chunk| !chunk.wanted.is_empty());
    }

    /// What is left, by row group.
    pub(super) fn left(&self) -> BTreeMap<usize, Vec<&Candidate>> {
        let mut left: BTreeMap<usize, Vec<&Candidate>> = BTreeMap::new();
        for chunk in &self.chunks {
            left.entry(chunk.group).or_default().push(chunk);
        }
        left
    }

    /// What is found before anything is decoded.
    pub(super) fn begin(&self) -> Found {
        Found {
            rows: RowSet::new(),
            group_rows: self.group_rows.clone(),
            columns_missing: self.columns_missing.clone(),
            chunks_decoded: 0,
        }
    }
}

/// Whether the smallest and largest value leave room for `value`.
fn may_be_within(chunk: &ColumnChunkMetaData, order: ColumnOrder, value: &[u8]) -> bool {
    let bytewise = chunk.column_type() == Type::BYTE_ARRAY
        && matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(SortOrder::UNSIGNED));
    let Some(stated) = chunk.statistics().filter(|stated| bytewise && !stated.is_min_max_deprecated()) else {
        return true;
    };
    stated.min_bytes_opt().is_none_or(|min| min <= value) && stated.max_bytes_opt().is_none_or(|max| value <= max)
}

/// Where the pages of a chunk lie.
fn pages(chunk: &ColumnChunkMetaData, bytes: u64) -> Result<Range<u64>, FindError> {
    let offsets = [chunk.dictionary_page_offset(), Some(chunk.data_page_offset())];
    // Some writers state 0 for a dictionary that is not there.
    let start = offsets.into_iter().flatten().filter(|at| *at > 0).min().and_then(|at| u64::try_from(at).ok());
    let length = u64::try_from(chunk.compressed_size()).ok();
    let range = start.zip(length).and_then(|(start, length)| Some(start..start.checked_add(length)?));
    let elsewhere = chunk.file_path().is_some();
    range.filter(|range| range.end <= bytes && !elsewhere).ok_or_else(|| damaged("a column lies outside of it"))
}

fn filter(chunk: &ColumnChunkMetaData, bytes: u64) -> Option<Range<u64>> {
    let start = u64::try_from(chunk.bloom_filter_offset()?).ok()?;
    let end = start.checked_add(u64::try_from(chunk.bloom_filter_length()?).ok()?)?;
    (start < end && end <= bytes).then_some(start..end)
}
