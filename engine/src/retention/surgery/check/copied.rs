//! Proves that a chunk was cut as it should have been where most of its pages were copied.
//!
//! Copied pages are compared as bytes. They mean the same as long as what they refer to does, so where the dictionary is
//! another one, and where it may still have a value of a row that left, their indices are looked up by code that the page
//! editor has no part in. Where the new file states where its pages lie, that is compared, too. Absent: a verdict on whatever
//! is not so; it is for the ways that decode all.

use std::ops::Range;
use std::sync::Arc;

use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader, ParquetOffsetIndex};
use parquet::file::page_index::offset_index::PageLocation;

use super::super::SurgeryError;
use super::super::chunk::Edit;
use super::super::opened::Shape;
use super::super::page::{self, Kind, RawPage};
use super::super::source::Source;
use super::super::values::{PLAIN_DICTIONARY, RLE_DICTIONARY};
use super::side_by_side::{Chunk, Cut, Pairs, Side, Verdict, page_by_page};
use super::{Counted, chunk, in_memory, index, misstated};

/// Where all data pages of a file lie, as it states it and the Parquet library reads it.
pub(super) struct Places(Option<ParquetOffsetIndex>);

impl Places {
    pub(super) fn of(source: &Source) -> Self {
        let reader = ParquetMetaDataReader::new()
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional);
        let metadata = reader.parse_and_finish(source.bytes()).ok();
        Self(metadata.and_then(|metadata| metadata.offset_index().cloned()))
    }

    fn get(&self, (group, column): (usize, usize)) -> Option<&[PageLocation]> {
        Some(self.0.as_ref()?.get(group)?.get(column)?.page_locations())
    }
}

/// Whether the chunk of `out` is that of `source` without the rows that `edit` takes out, and states as much.
pub(super) fn proves(
    (source, from): (&Source, (usize, usize)),
    (out, to): (&Source, (usize, usize)),
    edit: Edit,
    places: &Places,
) -> std::result::Result<bool, SurgeryError> {
    let Edit::Delete(rows) = edit else { return Ok(false) };
    let Some(places) = places.get(to) else { return Ok(false) };
    let (old, new) = (source.readable(from)?, out.readable(to)?);
    let (old, new) = (chunk(source, from, &old), chunk(out, to, &new));
    // What the library says of pages that it cannot read, it says again when it decodes them.
    let counted = compare(old, (new, places), &in_memory(rows)).ok().flatten();
    Ok(counted.is_some_and(|counted| misstated(out.metadata().row_group(to.0).column(to.1), counted).is_none()))
}

/// What the second chunk holds, if it is the first without the rows `gone`.
fn compare(old: Chunk, (new, places): (Chunk, &[PageLocation]), gone: &[Range<usize>]) -> Result<Option<Counted>> {
    let Some(shape) = Shape::of(old.metadata.column_descr()).filter(|shape| shape.rep_max == 0) else {
        return Ok(None);
    };
    let (Some(first), Some(second)) = (Pages::of(old), Pages::of(new)) else { return Ok(None) };
    if !second.lie_at(places) {
        return Ok(None);
    }
    let mut sides = (first.side()?, second.side()?);
    let (mut pairs, mut copied) = (Pairs::default(), Vec::new());
    // NULLs of copied pages are as many as the source states, without those of its other pages.
    let Some(mut nulls) = old.metadata.statistics().and_then(|stated| stated.null_count_opt()).map(index) else {
        return Ok(None);
    };
    let (mut at, mut row) = (0, 0);
    for (number, rows) in first.rows.iter().enumerate() {
        let cut = overlap(rows, gone);
        let left = rows.len() - cut;
        if left > 0 && second.rows.get(at) != Some(&(row..row + left)) {
            return Ok(None);
        }
        if cut == 0 {
            if first.bytes(number).is_none_or(|bytes| second.bytes(at) != Some(bytes)) {
                return Ok(None);
            }
            sides.0.skip(shape)?;
            sides.1.skip(shape)?;
            copied.push(number);
        } else {
            let verdict = cut_page((&mut sides.0, &mut sides.1), (rows.start, gone), (left, shape), &mut pairs)?;
            let Some(rest) = verdict.and_then(|(of_old, of_new)| Some(nulls.checked_sub(of_old)? + of_new)) else {
                return Ok(None);
            };
            nulls = rest;
        }
        at += usize::from(left > 0);
        row += left;
    }
    if at != second.rows.len() {
        return Ok(None);
    }
    let is_proved = refer_alike((&first, &second), (&sides.0, &sides.1), (&copied, shape), &mut pairs)?;
    Ok(is_proved.then_some(Counted { levels: row, nulls }))
}

/// Compares a page that rows left with what it was; returns the NULLs of both.
fn cut_page(
    (before, after): (&mut Side, &mut Side),
    (first_row, gone): (usize, &[Range<usize>]),
    (left, shape): (usize, Shape),
    pairs: &mut Pairs,
) -> Result<Option<(usize, usize)>> {
    if !before.next(shape)? {
        return Ok(None);
    }
    let Some(cut) = Cut::of(before, first_row, gone).filter(|cut| cut.levels_left == left) else { return Ok(None) };
    let nulls = before.nulls(shape);
    if left == 0 {
        return Ok(Some((nulls, 0)));
    }
    if !after.next(shape)? {
        return Ok(None);
    }
    match page_by_page((before, after), &cut, shape, pairs) {
        Verdict::Same(counted) => Ok(Some((nulls, counted.nulls))),
        Verdict::Open | Verdict::Misstated(_) => Ok(None),
    }
}

/// Whether copied pages stand for the same values as before, and no value is left that none refers to.
fn refer_alike(
    (first, second): (&Pages, &Pages),
    (before, after): (&Side, &Side),
    (copied, shape): (&[usize], Shape),
    pairs: &mut Pairs,
) -> Result<bool> {
    let (old, new) = match (&before.dictionary, &after.dictionary) {
        (None, None) => return Ok(true),
        (Some(old), Some(new)) if before.whole && after.whole => (old, new),
        _ => return Ok(false),
    };
    pairs.make_room(old, new);
    let is_same = first.before_data() == second.before_data();
    let mut side = first.side()?;
    let mut copied = copied.iter().peekable();
    for number in 0..first.rows.len() {
        if is_same && pairs.uses_all() {
            return Ok(true);
        }
        if copied.next_if_eq(&&number).is_none() || !first.has_indices(number) {
            side.skip(shape)?;
            continue;
        }
        if !side.next(shape)? || !side.whole {
            return Ok(false);
        }
        if !matches!(side.encoding, Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY) {
            return Ok(false);
        }
        let count = side.count - side.nulls(shape);
        let same = side
            .read_indices(count)
            .and_then(|()| side.indices.iter().try_for_each(|index| pairs.pair((*index, old), (*index, new))));
        if same.is_none() {
            return Ok(false);
        }
    }
    Ok(!pairs.leaves_any(Some(old), Some(new)))
}

/// The data pages of a chunk, as their headers divide it.
struct Pages<'a> {
    chunk: Chunk<'a>,
    data: Vec<RawPage>,
    rows: Vec<Range<usize>>,
    start: usize,
}

impl<'a> Pages<'a> {
    fn of(chunk: Chunk<'a>) -> Option<Self> {
        let (start, length) = chunk.metadata.byte_range();
        let start = usize::try_from(start).ok()?;
        let mut data = page::walk(chunk.file, start..start.checked_add(usize::try_from(length).ok()?)?).ok()?;
        if data.first()?.kind() == Kind::Dictionary {
            data.remove(0);
        }
        let (mut rows, mut next) = (Vec::with_capacity(data.len()), 0_usize);
        for page in &data {
            if !matches!(page.kind(), Kind::Data | Kind::DataV2) {
                return None;
            }
            // Rows of a column that does not repeat are its levels.
            let end = next.checked_add(page.stated().ok()?.0)?;
            rows.push(next..end);
            next = end;
        }
        (next == chunk.rows).then_some(Self { chunk, data, rows, start })
    }

    fn side(&self) -> Result<Side> {
        Side::new(Arc::new(self.chunk.file.clone()), self.chunk.metadata, self.chunk.rows)
    }

    /// Whether `places` are those of the pages.
    fn lie_at(&self, places: &[PageLocation]) -> bool {
        let is_there = |((page, rows), place): ((&RawPage, &Range<usize>), &PageLocation)| {
            let size = usize::try_from(place.compressed_page_size).ok();
            usize::try_from(place.offset).ok() == Some(page.start)
                && size == Some(page.body.end - page.start)
                && usize::try_from(place.first_row_index).ok() == Some(rows.start)
        };
        places.len() == self.data.len() && self.data.iter().zip(&self.rows).zip(places).all(is_there)
    }

    /// A page with its header.
    fn bytes(&self, number: usize) -> Option<&'a [u8]> {
        let page = self.data.get(number)?;
        self.chunk.file.get(page.start..page.body.end)
    }

    fn has_indices(&self, number: usize) -> bool {
        let encoding = self.data.get(number).and_then(|page| Some(page.stated().ok()?.1));
        matches!(encoding, Some(PLAIN_DICTIONARY | RLE_DICTIONARY))
    }

    /// What stands before the first data page: the dictionary.
    fn before_data(&self) -> Option<&'a [u8]> {
        self.chunk.file.get(self.start..self.data.first()?.start)
    }
}

/// Rows of `rows` that are among `gone`, which are sorted and disjoint.
fn overlap(rows: &Range<usize>, gone: &[Range<usize>]) -> usize {
    let from = gone.partition_point(|range| range.end <= rows.start);
    let within = gone[from..].iter().take_while(|range| range.start < rows.end);
    within.map(|range| range.end.min(rows.end) - range.start.max(rows.start)).sum()
}
