//! The new file as it grows: column chunks first, then bloom filters, page indexes and the footer.
//!
//! The footer is that of the source with other numbers in it, so schema, field ids, key-value metadata of the file and of its
//! columns, the writer's name, orders and sorting of columns stay as they were, known to this code or not. All bloom filters
//! stand together behind the last chunk, where one range reads them.

use super::SurgeryError;
use super::new_chunk::{NewChunk, NewPage};
use super::order::Order;
use super::source::Source;
use super::statistics::{self, Bounds, CUT_BYTES};
use super::thrift::{Struct, Value};

/// Numbers of the fields of `FileMetaData`.
pub(super) mod file {
    pub(in super::super) const ROWS: i16 = 3;
    pub(in super::super) const GROUPS: i16 = 4;
    pub(in super::super) const ENCRYPTION: i16 = 8;
}

/// Numbers of the fields of `RowGroup`.
pub(super) mod group {
    pub(in super::super) const COLUMNS: i16 = 1;
    pub(in super::super) const PLAIN_BYTES: i16 = 2;
    pub(in super::super) const ROWS: i16 = 3;
    pub(in super::super) const OFFSET: i16 = 5;
    pub(in super::super) const BYTES: i16 = 6;
    pub(in super::super) const ORDINAL: i16 = 7;
}

/// Numbers of the fields of `ColumnChunk`.
pub(super) mod column {
    pub(in super::super) const PATH: i16 = 1;
    pub(in super::super) const OFFSET: i16 = 2;
    pub(in super::super) const META: i16 = 3;
    pub(in super::super) const OFFSETS_AT: i16 = 4;
    pub(in super::super) const OFFSETS_BYTES: i16 = 5;
    pub(in super::super) const INDEX_AT: i16 = 6;
    pub(in super::super) const INDEX_BYTES: i16 = 7;
    pub(in super::super) const CRYPTO: i16 = 8;
    pub(in super::super) const CIPHERTEXT: i16 = 9;
}

/// Numbers of the fields of `ColumnMetaData`.
pub(super) mod meta {
    pub(in super::super) const ENCODINGS: i16 = 2;
    pub(in super::super) const CODEC: i16 = 4;
    pub(in super::super) const VALUES: i16 = 5;
    pub(in super::super) const PLAIN_BYTES: i16 = 6;
    pub(in super::super) const BYTES: i16 = 7;
    pub(in super::super) const DATA_AT: i16 = 9;
    pub(in super::super) const INDEX_PAGE_AT: i16 = 10;
    pub(in super::super) const DICTIONARY_AT: i16 = 11;
    pub(in super::super) const STATISTICS: i16 = 12;
    pub(in super::super) const PAGE_KINDS: i16 = 13;
    pub(in super::super) const FILTER_AT: i16 = 14;
    pub(in super::super) const FILTER_BYTES: i16 = 15;
    pub(in super::super) const SIZES: i16 = 16;
    pub(in super::super) const GEOSPATIAL: i16 = 17;
}

/// What follows the chunks for one of them: its bloom filter, the bounds of its pages, and where these lie.
#[derive(Debug, Default)]
struct Tail {
    filter: Option<Vec<u8>>,
    index: Option<Vec<u8>>,
    offsets: Option<Struct>,
}

/// A file under construction.
pub(super) struct NewFile<'a> {
    source: &'a Source,
    out: Vec<u8>,
    groups: Vec<Struct>,
    tails: Vec<Vec<Tail>>,
    rows: i64,
}

impl<'a> NewFile<'a> {
    /// A file without row groups, which will be about as large as `source`, or larger by `growth` bytes at most.
    pub(super) fn new(source: &'a Source, growth: usize) -> Self {
        // Room that is not used costs nothing; too little of it costs a second copy of all that was written so far.
        let room = source.bytes().len();
        let mut out = Vec::with_capacity(room + growth.min(room) + 64);
        out.extend_from_slice(b"PAR1");
        Self { source, out, groups: Vec::new(), tails: Vec::new(), rows: 0 }
    }

    /// Appends row group `group` of the source with `rows` rows. `chunks` has the columns that were written anew; the others
    /// are copied.
    pub(super) fn put_group(
        &mut self,
        group: usize,
        rows: u64,
        chunks: Vec<Option<NewChunk>>,
    ) -> Result<(), SurgeryError> {
        let source = self.source;
        let mut new = source.group(group).clone();
        let mut columns = Vec::with_capacity(chunks.len());
        let mut tails = Vec::with_capacity(chunks.len());
        let anew = chunks.iter().any(Option::is_some);
        let start = self.out.len();
        for (at, chunk) in chunks.into_iter().enumerate() {
            let mut column = source.column(group, at).clone();
            tails.push(match chunk {
                Some(chunk) => self.put_new(&mut column, (group, at), chunk)?,
                None => self.copy(&mut column, (group, at))?,
            });
            columns.push(column);
        }
        let sum = |id| columns.iter().filter_map(|column| column.child(column::META)?.int(id)).sum();
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        if anew {
            new.set_i64(group::PLAIN_BYTES, sum(meta::PLAIN_BYTES));
        }
        if new.has(group::BYTES) {
            new.set_i64(group::BYTES, sum(meta::BYTES));
        }
        if new.has(group::OFFSET) {
            new.set_i64(group::OFFSET, long(start));
        }
        if new.has(group::ORDINAL) {
            let ordinal = i16::try_from(self.groups.len()).unwrap_or(i16::MAX);
            new.set(group::ORDINAL, Value::I16(ordinal));
        }
        new.set_i64(group::ROWS, rows);
        new.set(group::COLUMNS, Value::structs(columns));
        self.rows += rows;
        self.groups.push(new);
        self.tails.push(tails);
        Ok(())
    }

    /// Copies a chunk as it is.
    fn copy(&mut self, column: &mut Struct, at: (usize, usize)) -> Result<Tail, SurgeryError> {
        let range = self.source.pages(at)?;
        let start = self.out.len();
        let shift = long(start) - long(range.start);
        let within = long(range.start)..long(range.end);
        self.out.extend_from_slice(&self.source.bytes()[range]);
        set_offset(column, shift, &within);
        if let Some(meta) = column.child_mut(column::META) {
            for id in [meta::DATA_AT, meta::INDEX_PAGE_AT, meta::DICTIONARY_AT] {
                if let Some(at) = meta.int(id).filter(|at| within.contains(at)) {
                    meta.set_i64(id, at + shift);
                }
            }
        }
        let offsets = self.source.offsets(at).map(|mut offsets| {
            shift_offsets(&mut offsets, shift);
            offsets
        });
        let filter = self.source.filter(at).map(|range| self.source.bytes()[range].to_vec());
        let index = self.source.index(at).map(|range| self.source.bytes()[range].to_vec());
        Ok(Tail { filter, index, offsets })
    }

    /// Appends a chunk that was written anew.
    fn put_new(&mut self, column: &mut Struct, at: (usize, usize), chunk: NewChunk) -> Result<Tail, SurgeryError> {
        let pages = self.source.pages(at)?;
        let order = self.source.order(at.1);
        let start = self.out.len();
        self.out.extend_from_slice(&chunk.bytes);
        set_offset(column, long(start) - long(pages.start), &(long(pages.start)..long(pages.start) + 1));
        if let Some(meta) = column.child_mut(column::META) {
            describe(meta, &chunk, start, order);
        }
        let filter = chunk.filter.as_ref().map(|filter| {
            let mut bytes = Vec::new();
            filter.write(&mut bytes).map(|()| bytes).map_err(|error| self.source.library(at, error))
        });
        let old = self.source.indexes(at);
        Ok(Tail {
            filter: filter.transpose()?,
            index: old.index.and_then(|old| index(&old, &chunk, order)).map(|index| {
                let mut bytes = Vec::new();
                index.write(&mut bytes);
                bytes
            }),
            offsets: old.offsets.map(|old| offsets(&old, &chunk, start)),
        })
    }

    /// Writes what follows the chunks, and returns the file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let mut tails = std::mem::take(&mut self.tails);
        let mut place = |out: &mut Vec<u8>,
                         groups: &mut [Struct],
                         part: fn(&mut Tail) -> Option<Vec<u8>>,
                         set: fn(&mut Struct, Option<(i64, i64)>)| {
            for (group, tails) in groups.iter_mut().zip(&mut tails) {
                for (column, tail) in columns(group).zip(tails) {
                    let at = out.len();
                    let bytes = part(tail);
                    out.extend_from_slice(bytes.as_deref().unwrap_or_default());
                    set(column, bytes.map(|bytes| (long(at), long(bytes.len()))));
                }
            }
        };
        place(
            &mut self.out,
            &mut self.groups,
            |tail| tail.filter.take(),
            |column, place| {
                let Some(meta) = column.child_mut(column::META) else { return };
                let had_length = meta.has(meta::FILTER_BYTES);
                meta.set_or_remove(meta::FILTER_AT, place.map(|(at, _)| Value::I64(at)));
                let length = place.filter(|_| had_length).map(|(_, bytes)| int(bytes));
                meta.set_or_remove(meta::FILTER_BYTES, length);
            },
        );
        place(
            &mut self.out,
            &mut self.groups,
            |tail| tail.index.take(),
            |column, place| {
                column.set_or_remove(column::INDEX_AT, place.map(|(at, _)| Value::I64(at)));
                column.set_or_remove(column::INDEX_BYTES, place.map(|(_, bytes)| int(bytes)));
            },
        );
        let offsets = |tail: &mut Tail| {
            let mut bytes = Vec::new();
            tail.offsets.take()?.write(&mut bytes);
            Some(bytes)
        };
        place(&mut self.out, &mut self.groups, offsets, |column, place| {
            column.set_or_remove(column::OFFSETS_AT, place.map(|(at, _)| Value::I64(at)));
            column.set_or_remove(column::OFFSETS_BYTES, place.map(|(_, bytes)| int(bytes)));
        });
        let mut footer = self.source.footer().clone();
        // A few old writers state another number than their row groups have; it changes by what they lose.
        let before: i64 = self.source.metadata().row_groups().iter().map(|group| group.num_rows()).sum();
        let stated = self.source.metadata().file_metadata().num_rows();
        footer.set_i64(file::ROWS, (stated - (before - self.rows)).max(0));
        footer.set(file::GROUPS, Value::structs(self.groups));
        let start = self.out.len();
        footer.write(&mut self.out);
        // A footer is far below 4 GiB: it is larger than the source's by less than a byte for each of its numbers.
        let length = u32::try_from(self.out.len() - start).unwrap_or(u32::MAX);
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(b"PAR1");
        self.out
    }
}

/// The columns of a row group.
fn columns(group: &mut Struct) -> impl Iterator<Item = &mut Struct> {
    let columns = match group.get_mut(group::COLUMNS) {
        Some(Value::List(list)) => list.items.as_mut_slice(),
        _ => &mut [],
    };
    columns.iter_mut().filter_map(Value::as_struct_mut)
}

/// The field is deprecated: it follows the chunk when it pointed into it, and is 0 otherwise.
fn set_offset(column: &mut Struct, shift: i64, within: &std::ops::Range<i64>) {
    let old = column.int(column::OFFSET).unwrap_or(0);
    column.set_i64(column::OFFSET, if within.contains(&old) { old + shift } else { 0 });
}

fn shift_offsets(offsets: &mut Struct, shift: i64) {
    let Some(Value::List(pages)) = offsets.get_mut(1) else { return };
    for page in pages.items.iter_mut().filter_map(Value::as_struct_mut) {
        if let Some(at) = page.int(1) {
            page.set_i64(1, at + shift);
        }
    }
}

/// Restates the metadata of a column chunk for what it holds now.
fn describe(meta: &mut Struct, chunk: &NewChunk, start: usize, order: Order) {
    // A writer may list more than its pages have; a reader takes the list for what may be there.
    let old = meta.list(meta::ENCODINGS).unwrap_or_default().iter();
    let mut listed: Vec<i32> =
        old.filter_map(|value| if let Value::I32(encoding) = value { Some(*encoding) } else { None }).collect();
    for (_, encoding, _) in &chunk.page_kinds {
        if !listed.contains(encoding) {
            listed.push(*encoding);
        }
    }
    meta.set(meta::ENCODINGS, Value::ints(listed));
    meta.set_i64(meta::VALUES, long(chunk.levels()));
    meta.set_i64(meta::PLAIN_BYTES, long(chunk.plain_bytes));
    meta.set_i64(meta::BYTES, long(chunk.bytes.len()));
    meta.set_i64(meta::DATA_AT, long(start + chunk.data_at));
    meta.remove(meta::INDEX_PAGE_AT);
    meta.set_or_remove(meta::DICTIONARY_AT, chunk.dictionary_at.map(|at| Value::I64(long(start + at))));
    if let Some(old) = meta.child(meta::STATISTICS) {
        let new = statistics::restate(old, order, chunk.bounds.as_ref(), (chunk.nulls(), chunk.distinct));
        meta.set(meta::STATISTICS, Value::Struct(new));
    }
    if meta.has(meta::PAGE_KINDS) {
        let kinds = chunk.page_kinds.iter().map(|(kind, encoding, count)| {
            let mut pages = Struct::default();
            pages.set_i32(1, *kind);
            pages.set_i32(2, *encoding);
            pages.set_i32(3, *count);
            pages
        });
        meta.set(meta::PAGE_KINDS, Value::structs(kinds));
    }
    if let Some(sizes) = meta.child_mut(meta::SIZES) {
        let total = |part: fn(&NewPage) -> &[i64]| {
            let mut pages = chunk.pages.iter().map(part);
            let first = pages.next().unwrap_or_default().to_vec();
            let sum: Vec<i64> = pages.fold(first, |sum, page| sum.iter().zip(page).map(|(a, b)| a + b).collect());
            Value::longs(sum)
        };
        if sizes.has(1) {
            sizes.set_i64(1, long(chunk.pages.iter().map(|page| page.value_bytes).sum()));
        }
        if sizes.has(2) {
            sizes.set(2, total(|page| &page.repetitions));
        }
        if sizes.has(3) {
            sizes.set(3, total(|page| &page.definitions));
        }
    }
    meta.remove(meta::GEOSPATIAL);
}

/// The index of the bounds of pages, if all of them have bounds.
fn index(old: &Struct, chunk: &NewChunk, order: Order) -> Option<Struct> {
    let empty = |page: &NewPage| page.nulls == page.levels;
    if chunk.pages.iter().any(|page| page.bounds.is_none() && !empty(page)) {
        return None;
    }
    let cut: Vec<_> =
        chunk.pages.iter().map(|page| page.bounds.as_ref().map(|bounds| bounds.cut(order, CUT_BYTES))).collect();
    let bound = |part: fn(&Bounds) -> &Vec<u8>| {
        Value::binaries(cut.iter().map(move |bounds| bounds.as_ref().map(part).cloned().unwrap_or_default()))
    };
    let histograms = |part: fn(&NewPage) -> &[i64]| Value::longs(chunk.pages.iter().flat_map(part).copied());
    let mut new = Struct::default();
    new.set(1, Value::bools(chunk.pages.iter().map(empty)));
    new.set(2, bound(|bounds| &bounds.min));
    new.set(3, bound(|bounds| &bounds.max));
    new.set_i32(4, sorted(&cut, order));
    if old.has(5) {
        new.set(5, Value::longs(chunk.pages.iter().map(|page| long(page.nulls))));
    }
    if old.has(6) {
        new.set(6, histograms(|page| &page.repetitions));
    }
    if old.has(7) {
        new.set(7, histograms(|page| &page.definitions));
    }
    Some(new)
}

/// Whether the bounds of pages ascend (1), descend (2) or neither (0).
fn sorted(pages: &[Option<Bounds>], order: Order) -> i32 {
    let known: Vec<&Bounds> = pages.iter().flatten().collect();
    let every = |right: fn(std::cmp::Ordering) -> bool| {
        known.windows(2).all(|pair| {
            matches!(pair, [a, b] if right(order.compare(&a.min, &b.min)) && right(order.compare(&a.max, &b.max)))
        })
    };
    if every(std::cmp::Ordering::is_le) {
        1
    } else if every(std::cmp::Ordering::is_ge) {
        2
    } else {
        0
    }
}

/// The index of where pages lie, and which row each begins with.
fn offsets(old: &Struct, chunk: &NewChunk, start: usize) -> Struct {
    let mut rows = 0;
    let pages = chunk.pages.iter().map(|page| {
        let mut place = Struct::default();
        place.set_i64(1, long(start + page.at));
        place.set(2, int(long(page.bytes)));
        place.set_i64(3, rows);
        rows += long(page.rows);
        place
    });
    let mut new = Struct::default();
    new.set(1, Value::structs(pages));
    if old.has(2) {
        new.set(2, Value::longs(chunk.pages.iter().map(|page| long(page.value_bytes))));
    }
    new
}

/// An offset or a count in memory fits 63 bits.
fn long(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A number that the format has 32 bits for.
fn int(number: i64) -> Value {
    Value::I32(i32::try_from(number).unwrap_or(i32::MAX))
}
