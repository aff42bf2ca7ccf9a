//! Proves that a chunk was cut as it should have been, page beside page, without making values of its bytes.
//!
//! The Parquet library takes the pages apart and decompresses them; what stands in them is compared here: levels as levels,
//! plain values as the bytes they are, indices of dictionaries as what they stand for. Nothing of the page editor is used.
//! Absent: a verdict on what cannot be proved so, such as delta encodings that were cut, masks, or pages that begin elsewhere
//! than in the source. The library decodes these.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;

use super::super::opened::{Dictionary, Opened, Shape, Width, hybrid, packed_bits, text};
use super::Counted;

/// One of the two chunks.
pub(super) type Side = Opened<Bytes>;

/// Values that are rather compared with all others than looked up among them.
const FEW: usize = 64;

/// What comparing two chunks page by page shows.
#[derive(Debug)]
pub(in super::super) enum Verdict {
    /// The second holds what the first does, without the rows that were to leave; this many levels of it.
    Same(Counted),
    /// Not that, or not in a way that can be proved here.
    Open,
    /// No reader could rely on what a page of the second states of itself.
    Misstated(&'static str),
}

/// A column chunk: its file, and where it is in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) file: &'a Bytes,
    pub(super) metadata: &'a ColumnChunkMetaData,
    pub(super) rows: usize,
}

/// Compares `new` with `old`, from which the rows `gone` were to leave.
///
/// # Errors
/// When the library cannot read a page.
pub(super) fn compare(old: Chunk, new: Chunk, gone: &[Range<usize>]) -> Result<Verdict> {
    let Some(shape) = Shape::of(old.metadata.column_descr()) else { return Ok(Verdict::Open) };
    let side = |chunk: Chunk| Side::new(Arc::new(chunk.file.clone()), chunk.metadata, chunk.rows);
    let (mut before, mut after) = (side(old)?, side(new)?);
    let mut pairs = Pairs::default();
    let (mut row, mut counted) = (0, Counted::default());
    while before.next(shape)? {
        let Some(cut) = Cut::of(&before, row, gone) else { return Ok(Verdict::Open) };
        row += cut.rows;
        if cut.levels_left == 0 {
            continue;
        }
        if !after.next(shape)? {
            return Ok(Verdict::Open);
        }
        match page_by_page((&mut before, &mut after), &cut, shape, &mut pairs) {
            Verdict::Same(of_page) => {
                counted.levels += of_page.levels;
                counted.nulls += of_page.nulls;
            }
            verdict => return Ok(verdict),
        }
    }
    if row != old.rows || after.next(shape)? {
        return Ok(Verdict::Open);
    }
    if pairs.leaves_any(before.dictionary.as_ref(), after.dictionary.as_ref()) {
        return Ok(Verdict::Misstated("dictionary values"));
    }
    Ok(Verdict::Same(counted))
}

/// Compares the page of the second that is looked at with that of the first.
pub(super) fn page_by_page(
    (before, after): (&mut Side, &mut Side),
    cut: &Cut,
    shape: Shape,
    pairs: &mut Pairs,
) -> Verdict {
    if after.count != cut.levels_left || before.encoding != after.encoding {
        return Verdict::Open;
    }
    let values = cut.values(before, shape.def_max);
    let same = same_levels(before, after, cut) && same_values((before, after), &values, shape, pairs).is_some();
    if !same {
        return Verdict::Open;
    }
    let nulls = cut.levels_left - values.kept_count();
    if after.nulls_stated.is_some_and(|stated| stated != nulls) {
        return Verdict::Misstated("NULLs");
    }
    if after.rows_stated.is_some_and(|stated| stated != after.rows_begun()) {
        return Verdict::Misstated("rows");
    }
    Verdict::Same(Counted { levels: cut.levels_left, nulls })
}

/// What of a page was to leave.
pub(super) struct Cut {
    /// Levels that belong to rows that leave.
    gone: Vec<Range<usize>>,
    pub(super) levels_left: usize,
    /// Rows that begin in the page.
    rows: usize,
}

impl Cut {
    /// `before` rows began in earlier pages; nothing where the page is not one that can be understood.
    pub(super) fn of(page: &Side, before: usize, rows: &[Range<usize>]) -> Option<Self> {
        if !page.whole {
            return None;
        }
        let mut ahead = rows[rows.partition_point(|range| range.end < before)..].iter().peekable();
        let mut gone: Vec<Range<usize>> = Vec::new();
        let mut begun = before;
        if page.rep.is_empty() {
            begun += page.count;
            for range in ahead.take_while(|range| range.start < begun) {
                gone.push(range.start.max(before) - before..range.end.clamp(before, begun) - before);
            }
            gone.retain(|range| !range.is_empty());
        } else {
            for (level, rep) in page.rep.iter().enumerate() {
                begun += usize::from(*rep == 0);
                // A first row begins with 0; later pages may go on with one.
                let row = begun.checked_sub(1)?;
                while ahead.next_if(|range| range.end <= row).is_some() {}
                if ahead.peek().is_some_and(|range| range.contains(&row)) {
                    match gone.last_mut() {
                        Some(last) if last.end == level => last.end = level + 1,
                        _ => gone.push(level..level + 1),
                    }
                }
            }
        }
        let levels_gone: usize = gone.iter().map(ExactSizeIterator::len).sum();
        Some(Self { gone, levels_left: page.count - levels_gone, rows: begun - before })
    }

    /// The values behind the levels; a level of `def_max` has one.
    fn values(&self, page: &Side, def_max: u8) -> Values {
        if page.def.is_empty() {
            return Values { kept: left(&self.gone, page.count), all: page.count };
        }
        let count = |part: Range<usize>| page.def[part].iter().filter(|def| **def == def_max).count();
        let (mut at, mut level, mut gone) = (0, 0, Vec::new());
        for range in &self.gone {
            let start = at + count(level..range.start);
            at = start + count(range.clone());
            level = range.end;
            if start < at {
                gone.push(start..at);
            }
        }
        at += count(level..page.count);
        Values { kept: left(&gone, at), all: at }
    }
}

/// Values of the page of the source, by their numbers.
struct Values {
    kept: Vec<Range<usize>>,
    all: usize,
}

impl Values {
    fn kept_count(&self) -> usize {
        self.kept.iter().map(ExactSizeIterator::len).sum()
    }
}

/// What `gone` leaves of the numbers below `count`.
fn left(gone: &[Range<usize>], count: usize) -> Vec<Range<usize>> {
    let ends = gone.iter().map(|range| range.start).chain([count]);
    let starts = [0].into_iter().chain(gone.iter().map(|range| range.end));
    starts.zip(ends).map(|(start, end)| start..end).filter(|range| !range.is_empty()).collect()
}

fn same_levels(old: &Side, new: &Side, cut: &Cut) -> bool {
    let kept = left(&cut.gone, old.count);
    let same = |old: &[u8], new: &[u8]| old.is_empty() && new.is_empty() || same_parts(old, new, &kept, 1).is_some();
    old.whole && new.whole && same(&old.rep, &new.rep) && same(&old.def, &new.def)
}

/// Whether `new` is what `parts` of `old` are, in items of `width` bytes.
fn same_parts(old: &[u8], new: &[u8], parts: &[Range<usize>], width: usize) -> Option<()> {
    let mut rest = new;
    for part in parts {
        let old = old.get(part.start.checked_mul(width)?..part.end.checked_mul(width)?)?;
        rest = rest.strip_prefix(old)?;
    }
    rest.is_empty().then_some(())
}

/// Whether the values of the new page are those of the old one that stay, and there are no others.
fn same_values((old, new): (&mut Side, &mut Side), values: &Values, shape: Shape, pairs: &mut Pairs) -> Option<()> {
    let left = values.kept_count();
    match (old.encoding, shape.width) {
        (Encoding::PLAIN, Width::Fixed(width)) => {
            old.values.get(..values.all.checked_mul(width)?)?;
            same_parts(&old.values, &new.values, &values.kept, width)
        }
        (Encoding::PLAIN, Width::Variable) => same_texts(&old.values, &new.values, &values.kept),
        (Encoding::PLAIN, Width::Bit) => {
            for (side, count) in [(&mut *old, values.all), (&mut *new, left)] {
                side.bits.clear();
                packed_bits(&side.values, 1, count, &mut side.bits)?;
            }
            same_parts(&old.bits, &new.bits, &values.kept, 1)
        }
        (Encoding::RLE, Width::Bit) => {
            for (side, count) in [(&mut *old, values.all), (&mut *new, left)] {
                let stream = if count == 0 { &[] } else { side.values.get(4..)? };
                hybrid(stream, 1, count, &mut side.bits)?;
            }
            same_parts(&old.bits, &new.bits, &values.kept, 1)
        }
        (Encoding::BYTE_STREAM_SPLIT, Width::Fixed(width)) => {
            let (before, after) = (old.values.as_ref(), new.values.as_ref());
            if before.len() != values.all.checked_mul(width)? || after.len() != left.checked_mul(width)? {
                return None;
            }
            (0..width).try_for_each(|byte| {
                let (before, after) = (&before[byte * values.all..], &after[byte * left..][..left]);
                same_parts(before, after, &values.kept, 1)
            })
        }
        (Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY, Width::Fixed(_) | Width::Variable) => {
            for (side, count) in [(&mut *old, values.all), (&mut *new, left)] {
                side.read_indices(count)?;
            }
            pairs.same((old, new), &values.kept)
        }
        // Whatever it is: the same bytes with the same levels are the same values.
        _ => (left == values.all && old.values == new.values).then_some(()),
    }
}

/// The same for values with their lengths before them.
fn same_texts(old: &[u8], new: &[u8], kept: &[Range<usize>]) -> Option<()> {
    let (mut rest, mut number, mut new) = (old, 0, new);
    for range in kept {
        rest = skip_texts(rest, range.start - number)?;
        let from = rest;
        rest = skip_texts(rest, range.len())?;
        number = range.end;
        new = new.strip_prefix(&from[..from.len() - rest.len()])?;
    }
    new.is_empty().then_some(())
}

fn skip_texts(mut bytes: &[u8], count: usize) -> Option<&[u8]> {
    for _ in 0..count {
        bytes = text(bytes)?.1;
    }
    Some(bytes)
}

/// Which value of the new dictionary stands for which of the old one, as far as they were met and found to be the same.
#[derive(Default)]
pub(super) struct Pairs {
    known: Vec<Option<u32>>,
    used: Vec<bool>,
}

impl Pairs {
    fn same(&mut self, (old, new): (&Side, &Side), kept: &[Range<usize>]) -> Option<()> {
        let (Some(before), Some(after)) = (&old.dictionary, &new.dictionary) else {
            // Pages of nothing but NULL need no dictionary.
            return (kept.is_empty() && new.indices.is_empty()).then_some(());
        };
        self.make_room(before, after);
        let mut rest = new.indices.as_slice();
        for range in kept {
            let (part, behind) = rest.split_at_checked(range.len())?;
            rest = behind;
            for (from, to) in old.indices.get(range.clone())?.iter().zip(part) {
                self.pair((*from, before), (*to, after))?;
            }
        }
        rest.is_empty().then_some(())
    }

    /// Whether what `from` stands for in the one dictionary is what `to` stands for in the other.
    pub(super) fn pair(&mut self, (from, before): (u32, &Dictionary), (to, after): (u32, &Dictionary)) -> Option<()> {
        let known = self.known.get_mut(usize::try_from(from).ok()?)?;
        if *known == Some(to) {
            return Some(());
        }
        if before.get(from)? != after.get(to)? {
            return None;
        }
        *known = Some(to);
        *self.used.get_mut(usize::try_from(to).ok()?)? = true;
        Some(())
    }

    pub(super) fn make_room(&mut self, before: &Dictionary, after: &Dictionary) {
        self.known.resize(before.places.len(), None);
        self.used.resize(after.places.len(), false);
    }

    /// Whether pages refer to every value of the new dictionary.
    pub(super) fn uses_all(&self) -> bool {
        self.used.iter().all(|used| *used)
    }

    /// Whether there is a value of the old dictionary in the new one that nothing refers to; it may be one of a row that left.
    pub(super) fn leaves_any(&self, old: Option<&Dictionary>, new: Option<&Dictionary>) -> bool {
        let Some(new) = new else { return false };
        let is_used = |number: usize| self.used.get(number).copied().unwrap_or(false);
        let unused = new.places.iter().enumerate().filter(|(number, _)| !is_used(*number));
        let unused: Vec<&[u8]> = unused.map(|(_, place)| &new.plain[place.clone()]).collect();
        let Some(old) = old else { return !unused.is_empty() };
        let mut before = old.places.iter().map(|place| &old.plain[place.clone()]);
        if unused.len() > FEW {
            let before: HashSet<&[u8]> = before.collect();
            return unused.iter().any(|value| before.contains(value));
        }
        !unused.is_empty() && before.any(|value| unused.contains(&value))
    }
}
