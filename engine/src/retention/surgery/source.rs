//! A Parquet file as it was read: its bytes, its footer, and whether it can be rewritten without loss.
//!
//! What cannot be rewritten is refused with a reason. Encrypted files always are: their pages could be copied into a file
//! that states no encryption, and nobody could read them there. Absent: reading ranges of an object; a rewrite takes all of
//! its bytes anyway.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::LogicalType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::schema::types::{ColumnDescriptor, Type};

use super::SurgeryError;
use super::chunk::OldChunk;
use super::footer::{column, file, group, meta};
use super::order::Order;
use super::page;
use super::statistics;
use super::thrift::{Struct, Value};

/// Why a file cannot be rewritten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No Parquet file, or one that was cut.
    #[error("it does not begin and end as a Parquet file does")]
    NotParquet,
    /// The footer is encrypted, or columns are while the footer is not.
    #[error("it is encrypted; decrypt it first, or name its keys to the reader that ingests it")]
    Encrypted,
    /// The footer is damaged, or states what cannot be.
    #[error("its footer is damaged: {why}")]
    Footer {
        /// What is wrong with it.
        why: String,
    },
    /// A logical type that the Parquet library does not know.
    #[error("column \"{column}\" has a logical type that is not known here")]
    LogicalType {
        /// Path of the column or group.
        column: String,
    },
    /// A column chunk in another file.
    #[error("column \"{column}\" lies in another file")]
    Elsewhere {
        /// Path of the column.
        column: String,
    },
    /// Pages that do not fill their column chunk.
    #[error("column \"{column}\" of row group {group} is damaged: {why}")]
    Pages {
        /// Path of the column.
        column: String,
        /// Number of the row group.
        group: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// What a rewrite does not carry over. Where a column is named, its row groups that are not touched keep everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// Bytes that belong to no chunk, filter, index or footer.
    UnownedBytes {
        /// How many.
        bytes: u64,
    },
    /// An index of pages that cannot be read is left out, in row groups that are not touched, too.
    PageIndex {
        /// Path of the column.
        column: String,
    },
    /// A bloom filter that cannot be read is left out, in row groups that are not touched, too.
    BloomFilter {
        /// Path of the column.
        column: String,
    },
    /// Smallest and largest values of touched row groups, because their order is not defined, not known here, or not that
    /// of the old kind of bounds they are.
    Bounds {
        /// Path of the column.
        column: String,
    },
    /// The number of NaN in touched row groups.
    NanCount {
        /// Path of the column.
        column: String,
    },
    /// Bounding boxes and kinds of shapes in touched row groups.
    Geospatial {
        /// Path of the column.
        column: String,
    },
}

/// A Parquet file that can be rewritten.
#[derive(Debug)]
pub struct Source {
    bytes: Bytes,
    footer: Struct,
    footer_at: usize,
    metadata: ParquetMetaData,
}

/// What a file states about the pages of a chunk, beside its footer.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    /// Bounds.
    pub(super) index: Option<Struct>,
    /// Places.
    pub(super) offsets: Option<Struct>,
}

impl Source {
    /// Reads the footer of the file `bytes`.
    ///
    /// # Errors
    /// [`SurgeryError::Refused`] when the file cannot be rewritten, with the reason.
    pub fn open(bytes: Bytes) -> Result<Self, SurgeryError> {
        let refused = |reason| SurgeryError::Refused { reason };
        let Some((rest, magic)) = bytes.split_last_chunk::<4>() else { return Err(refused(Refusal::NotParquet)) };
        if magic == b"PARE" {
            return Err(refused(Refusal::Encrypted));
        }
        let length = rest.split_last_chunk::<4>().filter(|_| magic == b"PAR1" && bytes.starts_with(b"PAR1"));
        let Some((rest, length)) = length else { return Err(refused(Refusal::NotParquet)) };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some(footer_at) = rest.len().checked_sub(length).filter(|at| *at >= 4) else {
            return Err(refused(Refusal::NotParquet));
        };
        let text = &rest[footer_at..];
        let (footer, _) = Struct::parse(text).map_err(|error| refused(damaged(error)))?;
        let encrypted = |chunk: &Struct| chunk.has(column::CRYPTO) || chunk.has(column::CIPHERTEXT);
        if footer.has(file::ENCRYPTION) || groups(&footer).any(|group| columns(group).any(encrypted)) {
            return Err(refused(Refusal::Encrypted));
        }
        let metadata = ParquetMetaDataReader::decode_metadata(text).map_err(|error| refused(damaged(error)))?;
        let source = Self { bytes, footer, footer_at, metadata };
        source.judge().map_err(refused)?;
        Ok(source)
    }

    /// What the Parquet library makes of the footer, without page indexes.
    pub fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }

    /// Rows of each row group.
    pub fn group_rows(&self) -> Vec<u64> {
        self.metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).collect()
    }

    /// Rows of row group `group`.
    pub(super) fn rows_of(&self, group: usize) -> u64 {
        u64::try_from(self.metadata.row_group(group).num_rows()).unwrap_or(0)
    }

    /// What a rewrite would not carry over; sorted, each loss once.
    pub fn losses(&self) -> Vec<Loss> {
        let mut losses: Vec<Loss> = Vec::new();
        let mut owned = 4 + self.bytes.len() - self.footer_at;
        for at in self.chunks() {
            let chunk = self.column(at.0, at.1);
            let column = self.descriptor(at.1).path().string();
            owned += self.pages(at).map_or(0, |range| range.len());
            match self.filter(at) {
                Some(range) => owned += range.len(),
                None if meta_of(chunk).is_some_and(|meta| meta.has(meta::FILTER_AT)) => {
                    losses.push(Loss::BloomFilter { column: column.clone() });
                }
                None => {}
            }
            let mut indexed = |found: Option<Range<usize>>, at| match found {
                Some(range) => range.len(),
                None => {
                    if chunk.has(at) {
                        losses.push(Loss::PageIndex { column: column.clone() });
                    }
                    0
                }
            };
            owned += indexed(self.index(at), column::INDEX_AT);
            owned += indexed(self.offsets_range(at), column::OFFSETS_AT);
            let Some(meta) = meta_of(chunk) else { continue };
            if meta.has(meta::GEOSPATIAL) {
                losses.push(Loss::Geospatial { column: column.clone() });
            }
            let Some(stated) = meta.child(meta::STATISTICS) else { continue };
            if statistics::loses_bounds(stated, self.order(at.1)) {
                losses.push(Loss::Bounds { column: column.clone() });
            }
            if stated.has(statistics::NAN_COUNT) {
                losses.push(Loss::NanCount { column });
            }
        }
        let bytes = u64::try_from(self.bytes.len().saturating_sub(owned)).unwrap_or(0);
        if bytes > 0 {
            losses.push(Loss::UnownedBytes { bytes });
        }
        losses.sort();
        losses.dedup();
        losses
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub(super) fn footer(&self) -> &Struct {
        &self.footer
    }

    /// Row group `group` as the footer states it; there is one, or `open` would have refused.
    pub(super) fn group(&self, group: usize) -> &Struct {
        static NONE: Struct = Struct::EMPTY;
        let groups = self.footer.list(file::GROUPS).unwrap_or_default();
        groups.get(group).and_then(Value::as_struct).unwrap_or(&NONE)
    }

    /// Column chunk `column` of row group `group` as the footer states it.
    pub(super) fn column(&self, group: usize, column: usize) -> &Struct {
        static NONE: Struct = Struct::EMPTY;
        let columns = self.group(group).list(group::COLUMNS).unwrap_or_default();
        columns.get(column).and_then(Value::as_struct).unwrap_or(&NONE)
    }

    pub(super) fn columns(&self) -> usize {
        self.metadata.file_metadata().schema_descr().num_columns()
    }

    pub(super) fn descriptor(&self, column: usize) -> &ColumnDescriptor {
        self.metadata.file_metadata().schema_descr().columns()[column].as_ref()
    }

    pub(super) fn order(&self, column: usize) -> Order {
        Order::of(self.descriptor(column), self.metadata.file_metadata().column_order(column))
    }

    /// Where the pages of a chunk lie.
    pub(super) fn pages(&self, at: (usize, usize)) -> Result<Range<usize>, SurgeryError> {
        self.page_range(at).ok_or_else(|| self.broken(at, "it lies outside of the file"))
    }

    fn page_range(&self, at: (usize, usize)) -> Option<Range<usize>> {
        let meta = meta_of(self.column(at.0, at.1))?;
        let offsets = [meta::DATA_AT, meta::INDEX_PAGE_AT, meta::DICTIONARY_AT].map(|id| meta.int(id));
        // Some writers state 0 for a page that is not there.
        let start = offsets.into_iter().flatten().filter(|at| *at > 0).min();
        let bytes = usize::try_from(meta.int(meta::BYTES)?).ok()?;
        if bytes == 0 {
            // A chunk without pages lies nowhere in particular.
            return Some(4..4);
        }
        let start = usize::try_from(start?).ok().filter(|start| *start >= 4)?;
        let end = start.checked_add(bytes)?;
        (end <= self.footer_at).then_some(start..end)
    }

    /// Where the bloom filter of a chunk lies, with its header; none when there is none, or none that can be read.
    pub(super) fn filter(&self, at: (usize, usize)) -> Option<Range<usize>> {
        let start = usize::try_from(meta_of(self.column(at.0, at.1))?.int(meta::FILTER_AT)?).ok()?;
        let (header, length) = Struct::parse(self.bytes.get(start..self.footer_at)?).ok()?;
        let bits = usize::try_from(header.int(1)?).ok().filter(|bits| *bits > 0 && bits % 32 == 0)?;
        let end = start.checked_add(length)?.checked_add(bits)?;
        (end <= self.footer_at).then_some(start..end)
    }

    /// Where the bounds of the pages of a chunk lie; none when there are none, or none that can be read.
    pub(super) fn index(&self, at: (usize, usize)) -> Option<Range<usize>> {
        let range = self.index_range(at, column::INDEX_AT, column::INDEX_BYTES)?;
        // Whether pages are null, and their smallest and largest values: without those it is no such index.
        self.is_whole(&range, &[1, 2, 3]).then_some(range)
    }

    /// Whether a range is one struct that has these fields, and nothing else.
    fn is_whole(&self, range: &Range<usize>, fields: &[i16]) -> bool {
        let parsed = Struct::parse(&self.bytes[range.clone()]);
        parsed.is_ok_and(|(found, used)| used == range.len() && fields.iter().all(|field| found.has(*field)))
    }

    /// Where the pages of a chunk lie, as the file states it.
    pub(super) fn offsets(&self, at: (usize, usize)) -> Option<Struct> {
        Some(Struct::parse(&self.bytes[self.offsets_range(at)?]).ok()?.0)
    }

    fn offsets_range(&self, at: (usize, usize)) -> Option<Range<usize>> {
        let range = self.index_range(at, column::OFFSETS_AT, column::OFFSETS_BYTES)?;
        self.is_whole(&range, &[1]).then_some(range)
    }

    fn index_range(&self, at: (usize, usize), start: i16, bytes: i16) -> Option<Range<usize>> {
        let chunk = self.column(at.0, at.1);
        let start = usize::try_from(chunk.int(start)?).ok()?;
        let end = start.checked_add(usize::try_from(chunk.int(bytes)?).ok()?)?;
        (end <= self.footer_at && start < end).then_some(start..end)
    }

    /// What the file states about the pages of a chunk.
    pub(super) fn indexes(&self, at: (usize, usize)) -> Indexes {
        let index = self.index(at).and_then(|range| Struct::parse(&self.bytes[range]).ok());
        Indexes { index: index.map(|(index, _)| index), offsets: self.offsets(at) }
    }

    /// A chunk and what is known about it, to write it anew.
    pub(super) fn chunk<'a>(
        &'a self,
        at: (usize, usize),
        metadata: &'a ColumnChunkMetaData,
        indexes: &'a Indexes,
    ) -> Result<OldChunk<'a>, SurgeryError> {
        let range = self.pages(at)?;
        let meta = meta_of(self.column(at.0, at.1));
        let filter = self.filter(at).and_then(|range| Struct::parse(&self.bytes[range]).ok());
        let page_bounds = indexes.index.is_some() || meta.is_some_and(|meta| meta.has(meta::STATISTICS));
        Ok(OldChunk {
            file: &self.bytes,
            column: self.descriptor(at.1),
            metadata,
            order: self.order(at.1),
            start: range.start,
            end: range.end,
            codec: meta.and_then(|meta| meta.int(meta::CODEC)).unwrap_or(-1),
            rows: self.rows_of(at.0),
            page_bounds,
            filter_bytes: filter.and_then(|(header, _)| usize::try_from(header.int(1)?).ok()),
            stated: meta,
            index: indexes.index.as_ref(),
            offsets: indexes.offsets.as_ref(),
        })
    }

    /// The metadata of a chunk for the Parquet library, which would take a dictionary at offset 0 for one that is there.
    pub(super) fn readable(&self, at: (usize, usize)) -> Result<ColumnChunkMetaData, SurgeryError> {
        let metadata = self.metadata.row_group(at.0).column(at.1).clone();
        let start = i64::try_from(self.pages(at)?.start).unwrap_or(i64::MAX);
        let dictionary = (start != metadata.data_page_offset()).then_some(start);
        let builder = metadata.into_builder().set_dictionary_page_offset(dictionary);
        builder.build().map_err(|error| self.library(at, error))
    }

    pub(super) fn broken(&self, at: (usize, usize), why: &str) -> SurgeryError {
        let column = self.descriptor(at.1).path().string();
        SurgeryError::Refused { reason: Refusal::Pages { column, group: at.0, why: why.to_owned() } }
    }

    pub(super) fn library(&self, at: (usize, usize), source: ParquetError) -> SurgeryError {
        SurgeryError::Library { column: self.descriptor(at.1).path().string(), group: at.0, source }
    }

    /// Numbers of all row groups and columns.
    fn chunks(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.metadata.num_row_groups()).flat_map(|group| (0..self.columns()).map(move |column| (group, column)))
    }

    fn judge(&self) -> Result<(), Refusal> {
        let schema = self.metadata.file_metadata().schema();
        if let Some(column) = unknown_type(schema, &mut Vec::new()) {
            return Err(Refusal::LogicalType { column });
        }
        if self.metadata.row_groups().iter().any(|group| group.num_rows() < 0) {
            return Err(Refusal::Footer { why: "a row group has fewer rows than none".to_owned() });
        }
        for at in self.chunks() {
            let column = || self.descriptor(at.1).path().string();
            if self.column(at.0, at.1).has(column::PATH) {
                return Err(Refusal::Elsewhere { column: column() });
            }
            let pages = |why: &str| Refusal::Pages { column: column(), group: at.0, why: why.to_owned() };
            let range = self.page_range(at).ok_or_else(|| pages("it lies outside of the file"))?;
            page::walk(&self.bytes, range).map_err(pages)?;
        }
        Ok(())
    }
}

fn damaged(why: impl std::fmt::Display) -> Refusal {
    Refusal::Footer { why: why.to_string() }
}

fn groups(footer: &Struct) -> impl Iterator<Item = &Struct> {
    footer.list(file::GROUPS).unwrap_or_default().iter().filter_map(Value::as_struct)
}

fn columns(group: &Struct) -> impl Iterator<Item = &Struct> {
    group.list(group::COLUMNS).unwrap_or_default().iter().filter_map(Value::as_struct)
}

fn meta_of(chunk: &Struct) -> Option<&Struct> {
    chunk.child(column::META)
}

/// Path of the first node with a logical type that the Parquet library does not know.
fn unknown_type<'a>(node: &'a Type, path: &mut Vec<&'a str>) -> Option<String> {
    path.push(node.name());
    if matches!(node.get_basic_info().logical_type_ref(), Some(LogicalType::_Unknown { .. })) {
        return Some(path[1..].join("."));
    }
    if node.is_group() {
        for field in node.get_fields() {
            if let Some(found) = unknown_type(field, path) {
                return Some(found);
            }
        }
    }
    path.pop();
    None
}
