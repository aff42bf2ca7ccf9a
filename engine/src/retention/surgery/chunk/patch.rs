//! A column chunk of which only some pages lose rows: those are cut, the others are copied as they are, compressed as they
//! are.
//!
//! Copied pages go on referring to dictionary values by the numbers they had, so a value that no row has any more is replaced
//! in its place (`stand_in.rs`). Which those are is looked up in the pages; what pages are said to hold is trusted only for
//! pages that are copied, as it is for row groups that are. Absent: columns that repeat, masks, and files that state less
//! about their pages than has to be stated again; their chunks are written anew as a whole.

use std::ops::Range;

use parquet::basic::Type;

use super::super::dictionary::Dictionary;
use super::super::footer::meta;
use super::super::new_chunk::{NewChunk, NewPage, PageWriter};
use super::super::order::{Extent, Order};
use super::super::page::{self, Kind, RawPage, Trouble};
use super::super::records;
use super::super::stand_in;
use super::super::statistics::{self, Bounds};
use super::super::thrift::{Struct, Value};
use super::super::values::{self, Body, PLAIN_DICTIONARY, RLE_DICTIONARY};
use super::{Edit, Editor, OldChunk, Page, survey_indices};

/// The pages of a chunk, of which one at least is copied.
pub(super) struct Layout<'p> {
    dictionary: Option<&'p RawPage>,
    pages: Vec<Part<'p>>,
}

/// A data page, and what the file states about it.
struct Part<'p> {
    raw: &'p RawPage,
    first_row: usize,
    is_cut: bool,
    stated: NewPage,
}

impl Part<'_> {
    fn has_indices(&self) -> bool {
        matches!(self.raw.stated(), Ok((_, PLAIN_DICTIONARY | RLE_DICTIONARY)))
    }
}

impl<'p> Layout<'p> {
    /// The layout of a chunk of pages `raw`; none where it is to be written anew as a whole.
    pub(super) fn of(old: &OldChunk, edit: Edit, raw: &'p [RawPage]) -> Option<Self> {
        let Edit::Delete(gone) = edit else { return None };
        if old.column.max_rep_level() > 0 || gone.is_empty() {
            return None;
        }
        let stated = stated(old)?;
        let (dictionary, data) = match raw.split_first()? {
            (first, data) if first.kind() == Kind::Dictionary => (Some(first), data),
            _ => (None, raw),
        };
        if data.len() != stated.len() {
            return None;
        }
        let (mut pages, mut next) = (Vec::with_capacity(data.len()), 0);
        for (raw, stated) in data.iter().zip(stated) {
            let is_data = matches!(raw.kind(), Kind::Data | Kind::DataV2);
            // Rows of a column that does not repeat are its levels.
            if !is_data || raw.stated().ok()?.0 != stated.rows {
                return None;
            }
            let rows = u64::try_from(next).ok()?..u64::try_from(next + stated.rows).ok()?;
            let after = gone.get(gone.partition_point(|range| range.end <= rows.start));
            let is_cut = after.is_some_and(|range| range.start < rows.end);
            pages.push(Part { raw, first_row: next, is_cut, stated });
            next += pages.last()?.stated.rows;
        }
        let is_whole = u64::try_from(next).ok() == Some(old.rows);
        (is_whole && pages.iter().any(|page| !page.is_cut)).then_some(Self { dictionary, pages })
    }
}

/// What the file states about each data page; none where that is less than has to be stated again.
fn stated(old: &OldChunk) -> Option<Vec<NewPage>> {
    let (index, offsets) = (old.index?, old.offsets?);
    let def_max = usize::try_from(old.column.max_def_level()).ok()?;
    let (places, empty) = (offsets.list(1)?, index.list(1)?);
    let bounds = index.list(2)?.iter().zip(index.list(3)?);
    let bounds: Vec<_> = bounds.map(|pair| Some((binary(pair.0)?, binary(pair.1)?))).collect::<Option<_>>()?;
    let nulls = longs(index, 5);
    let levels = longs(index, 7);
    let bytes = longs(offsets, 2);
    let states_bytes = old.stated.and_then(|meta| meta.child(meta::SIZES)).is_some_and(|sizes| sizes.has(1));
    if [empty.len(), bounds.len()] != [places.len(); 2]
        || (bytes.is_none() && states_bytes && old.column.physical_type() == Type::BYTE_ARRAY)
    {
        return None;
    }
    let first_row = |at: usize| match places.get(at) {
        Some(place) => usize::try_from(place.as_struct()?.int(3)?).ok(),
        None => usize::try_from(old.rows).ok(),
    };
    let page = |at: usize| {
        let rows = first_row(at + 1)?.checked_sub(first_row(at)?)?;
        let nulls = if def_max == 0 { 0 } else { *nulls.as_ref()?.get(at)? };
        let definitions = match (&levels, def_max) {
            (_, 0) => Vec::new(),
            (Some(levels), _) => levels.get(at * (def_max + 1)..(at + 1) * (def_max + 1))?.to_vec(),
            (None, 1) => vec![nulls, rows.checked_sub(nulls)?],
            _ => return None,
        };
        let (min, max) = bounds.get(at)?;
        let bounds = Bounds { min: min.to_vec(), max: max.to_vec(), min_exact: false, max_exact: false };
        let is_empty = matches!(empty.get(at)?, Value::Bool(true));
        Some(NewPage {
            rows,
            levels: rows,
            nulls,
            value_bytes: bytes.as_ref().map_or(Some(0), |bytes| bytes.get(at).copied())?,
            bounds: (!is_empty && old.order != Order::Unknown).then_some(bounds),
            definitions: definitions.iter().map(|count| i64::try_from(*count).ok()).collect::<Option<_>>()?,
            ..NewPage::default()
        })
    };
    (0..places.len()).map(page).collect()
}

fn binary(value: &Value) -> Option<&[u8]> {
    if let Value::Binary(bytes) = value { Some(bytes) } else { None }
}

/// A list of counts.
fn longs(of: &Struct, id: i16) -> Option<Vec<usize>> {
    let count = |value: &Value| if let Value::I64(count) = value { usize::try_from(*count).ok() } else { None };
    of.list(id)?.iter().map(count).collect()
}

/// The values of a dictionary that pages refer to, as far as they were looked at.
struct Used {
    are: Vec<bool>,
    left: usize,
}

impl Used {
    fn note(&mut self, indices: &[u32]) -> Result<(), Trouble> {
        for index in indices {
            let used = usize::try_from(*index).ok().and_then(|index| self.are.get_mut(index));
            let used = used.ok_or(Trouble::Damaged("an index is beyond its dictionary"))?;
            self.left -= usize::from(!*used);
            *used = true;
        }
        Ok(())
    }
}

/// Writes the chunk anew; none where that needs all of its pages.
///
/// # Errors
/// [`Trouble::Other`] when the Parquet library has to do it.
pub(super) fn patch(mut editor: Editor, layout: Layout) -> Result<Option<NewChunk>, Trouble> {
    let old = editor.old;
    let mut dictionary = layout.dictionary.map(|page| editor.dictionary(page)).transpose()?;
    let values = dictionary.as_ref().map_or(0, Dictionary::len);
    let mut used = Used { are: vec![false; values], left: values };
    editor.gone = Some(Vec::new());
    let mut cut: Vec<Option<Page>> = Vec::with_capacity(layout.pages.len());
    for part in &layout.pages {
        let page = part.is_cut.then(|| editor.open(part.raw, part.first_row, None)).transpose()?;
        if let Some((Page { body: Body::Index(indices), .. }, _)) = &page {
            used.note(indices)?;
        }
        cut.push(page.map(|(page, _)| page));
    }
    let extent = editor.extent(&layout, dictionary.as_ref())?;
    let mut seen = Extent::new(old.order);
    cut.iter().flatten().for_each(|page| seen.merge(&page.extent));
    for part in layout.pages.iter().filter(|part| !part.is_cut) {
        let is_asked = if part.has_indices() { used.left > 0 } else { extent.is_open() || editor.filter.is_some() };
        if is_asked {
            editor.look(part, &mut used, &mut seen)?;
        }
    }
    let is_changed = used.left > 0;
    if let (Some(dictionary), true) = (&mut dictionary, is_changed) {
        let Some(others) = stand_in::find(old.column, old.order, dictionary, &used.are) else { return Ok(None) };
        dictionary.replace(&others)?;
    }
    let kept = dictionary.iter().flat_map(|dictionary| dictionary.values().zip(&used.are));
    for (value, _) in kept.filter(|(_, used)| **used) {
        seen.see(value);
        if let Some(filter) = &mut editor.filter {
            filter.insert(value);
        }
    }
    let all_indices = layout.pages.iter().all(Part::has_indices);
    let filter = editor.filter.take();
    let mut chunk = write(editor, &layout, cut, (dictionary.as_ref(), is_changed))?;
    chunk.bounds = match extent {
        Known::Stated(bounds) => Some(bounds),
        Known::Open => Bounds::exact(&seen),
        Known::NotAsked => None,
    };
    chunk.distinct = all_indices.then_some(values - used.left);
    chunk.filter = filter;
    Ok(Some(chunk))
}

/// Smallest and largest value of a chunk.
enum Known {
    /// Those that the file states: both stay, as no row that leaves has them.
    Stated(Bounds),
    /// They are to be looked for.
    Open,
    /// Nothing states them.
    NotAsked,
}

impl Known {
    fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

impl Editor<'_> {
    /// What is known about the smallest and the largest value.
    fn extent(&mut self, layout: &Layout, dictionary: Option<&Dictionary>) -> Result<Known, Trouble> {
        let Some(stated) = self.old.stated.and_then(|meta| meta.child(meta::STATISTICS)) else {
            return Ok(Known::NotAsked);
        };
        if !statistics::has_bounds(stated) || self.old.order == Order::Unknown {
            return Ok(Known::NotAsked);
        }
        let Some(bounds) = statistics::exact(stated) else { return Ok(Known::Open) };
        // A dictionary of all values is looked through anyway.
        if layout.pages.iter().all(Part::has_indices) {
            return Ok(Known::Open);
        }
        let mut gone = Extent::new(self.old.order);
        for body in self.gone.take().unwrap_or_default() {
            if let Body::Index(indices) = &body {
                let values = indices.iter().map(|index| dictionary.and_then(|dictionary| dictionary.get(*index)));
                for value in values {
                    gone.see(value.ok_or(Trouble::Damaged("an index is beyond its dictionary"))?);
                }
            } else {
                values::survey(&body, self.width, &mut gone, None);
            }
        }
        let order = self.old.order;
        Ok(match gone.bounds() {
            Some((min, max))
                if order.compare(&bounds.min, &min).is_lt() && order.compare(&max, &bounds.max).is_lt() =>
            {
                Known::Stated(bounds)
            }
            None => Known::Stated(bounds),
            Some(_) => Known::Open,
        })
    }

    /// Looks at the values of a page that is copied.
    fn look(&mut self, part: &Part, used: &mut Used, seen: &mut Extent) -> Result<(), Trouble> {
        let mut plain = std::mem::take(&mut self.scratch);
        let (levels, at) = page::open(part.raw, self.old.file, &mut self.codec, self.level_max, &mut plain)?;
        let whole = Range { start: 0, end: levels.count };
        let (in_values, count) = records::values_of(&levels, self.level_max.1, &[whole]);
        let values = plain.get(at..).ok_or(Trouble::Damaged("levels end behind their page"))?;
        let form = (part.raw.stated()?.1, self.width);
        match values::decode(values, form, count, &in_values)? {
            Body::Index(indices) => used.note(&indices)?,
            body => drop(values::survey(&body, self.width, seen, self.filter.as_mut())),
        }
        self.scratch = plain;
        Ok(())
    }
}

/// Writes the pages, one after the other.
fn write(
    editor: Editor,
    layout: &Layout,
    cut: Vec<Option<Page>>,
    (dictionary, is_changed): (Option<&Dictionary>, bool),
) -> Result<NewChunk, Trouble> {
    let old = editor.old;
    let mut writer = PageWriter::new(editor.codec, editor.level_max, old.order);
    if let (Some(raw), Some(dictionary)) = (layout.dictionary, dictionary) {
        if is_changed {
            writer.put_dictionary(raw, dictionary)?;
        } else {
            writer.refer_to(dictionary);
            writer.copy_dictionary(raw, old.file)?;
        }
    }
    for (part, page) in layout.pages.iter().zip(cut) {
        let Some(page) = page else {
            writer.copy_page(part.raw, old.file, part.stated.clone())?;
            continue;
        };
        if page.levels.count == 0 {
            continue;
        }
        let mut page = [page];
        if let Some(dictionary) = dictionary {
            survey_indices(dictionary, &mut page, old.page_bounds.then_some(old.order));
        }
        let [page] = page;
        writer.put_page(page.raw, &page.levels, (&page.body, editor.width), page.described())?;
    }
    Ok(writer.chunk)
}
