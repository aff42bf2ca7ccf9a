//! One column chunk written anew, page by page: each page keeps its boundaries, its encoding, its version and its codec.
//!
//! This is several times as fast as decoding values and encoding them again, because values are moved as bytes, and closer
//! to the source. Pages that lose no row are copied as they are where that is possible (`chunk/patch.rs`). Chunks that cannot be edited so (delta encodings, Brotli, LZ4, bit-packed levels) are left to `typed.rs`.
//! Absent: where the chunk goes in the file, and what the footer says about it (`footer.rs`).

mod patch;

use std::ops::Range;

use bytes::Bytes;
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::schema::types::ColumnDescriptor;

use super::codec::Codec;
use super::dictionary::Dictionary;
use super::mask::Masker;
use super::new_chunk::{NewChunk, NewPage, PageWriter};
use super::order::{Extent, Order};
use super::page::{self, Kind, Levels, RawPage, Trouble};
use super::records;
use super::statistics::Bounds;
use super::thrift::Struct;
use super::values::{self, Body, Width};

/// How often a value is referred to, on average, where it pays to give it a rank.
const REFERENCES_OF_A_RANK: usize = 8;

/// What happens to the rows of a chunk.
#[derive(Debug, Clone, Copy)]
pub(super) enum Edit<'a> {
    Delete(&'a [Range<u64>]),
    Mask(&'a [Range<u64>], &'a Masker),
}

impl<'a> Edit<'a> {
    /// The rows that are cut or masked.
    pub(super) fn rows(self) -> &'a [Range<u64>] {
        let (Self::Delete(rows) | Self::Mask(rows, _)) = self;
        rows
    }
}

/// A column chunk of the source, and what is known about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct OldChunk<'a> {
    pub(super) file: &'a Bytes,
    pub(super) column: &'a ColumnDescriptor,
    /// What the Parquet library makes of its metadata.
    pub(super) metadata: &'a ColumnChunkMetaData,
    pub(super) order: Order,
    /// Where its pages lie.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Number of its codec in the format.
    pub(super) codec: i64,
    /// Rows of its row group.
    pub(super) rows: u64,
    /// Whether bounds of its pages are stated anywhere.
    pub(super) page_bounds: bool,
    /// Bytes of its bloom filter, without the header.
    pub(super) filter_bytes: Option<usize>,
    /// What the file states about the chunk, about the bounds of its pages, and about where these lie.
    pub(super) stated: Option<&'a Struct>,
    pub(super) index: Option<&'a Struct>,
    pub(super) offsets: Option<&'a Struct>,
}

impl OldChunk<'_> {
    /// A bloom filter without values, as large as the one the chunk has.
    pub(super) fn empty_filter(&self) -> Option<Sbbf> {
        self.filter_bytes.map(|bytes| Sbbf::new(&vec![0; bytes]))
    }
}

/// A data page after it was cut or masked.
struct Page<'a> {
    raw: &'a RawPage,
    levels: Levels,
    /// Rows that begin in it.
    rows: usize,
    /// Values that are not NULL.
    values: usize,
    body: Body,
    extent: Extent,
    value_bytes: usize,
}

impl Page<'_> {
    /// What is known about it before it is written.
    fn described(&self) -> NewPage {
        NewPage {
            rows: self.rows,
            levels: self.levels.count,
            nulls: self.levels.count - self.values,
            value_bytes: self.value_bytes,
            bounds: Bounds::exact(&self.extent),
            ..NewPage::default()
        }
    }
}

/// Writes the chunk anew.
///
/// # Errors
/// [`Trouble::Other`] when the Parquet library has to do it.
pub(super) fn rewrite(old: &OldChunk, edit: Edit) -> Result<NewChunk, Trouble> {
    let raw = page::walk(old.file, old.start..old.end).map_err(Trouble::Damaged)?;
    page::verify(old.file, &raw)?;
    if let Some(layout) = patch::Layout::of(old, edit, &raw)
        && let Some(chunk) = patch::patch(Editor::new(old, edit)?, layout)?
    {
        return Ok(chunk);
    }
    let mut editor = Editor::new(old, edit)?;
    let (dictionary, pages) = editor.open_all(&raw)?;
    editor.write(dictionary, pages)
}

struct Editor<'a> {
    old: &'a OldChunk<'a>,
    edit: Edit<'a>,
    /// Rows that are cut or masked.
    rows: Vec<Range<usize>>,
    width: Width,
    /// Largest repetition level and largest definition level.
    level_max: (u8, u8),
    codec: Codec,
    scratch: Vec<u8>,
    filter: Option<Sbbf>,
    /// Rows that a mask changed.
    changed: Vec<Range<u64>>,
    /// Values that were cut, where somebody asks for them.
    gone: Option<Vec<Body>>,
}

type Dictionaried<'p> = Option<(&'p RawPage, Dictionary)>;

impl<'a> Editor<'a> {
    fn new(old: &'a OldChunk, edit: Edit<'a>) -> Result<Self, Trouble> {
        let row = |row: u64| usize::try_from(row).map_err(|_| Trouble::Damaged("a row number is too large"));
        let rows = edit.rows().iter().map(|range| Ok(row(range.start)?..row(range.end)?));
        let level = |level: i16| u8::try_from(level).map_err(|_| Trouble::Other);
        let codec = Codec::numbered(old.codec).map_err(|_| Trouble::Damaged("there is no memory for its codec"))?;
        Ok(Self {
            old,
            edit,
            rows: rows.collect::<Result<_, Trouble>>()?,
            width: Width::of(old.column).ok_or(Trouble::Other)?,
            level_max: (level(old.column.max_rep_level())?, level(old.column.max_def_level())?),
            codec: codec.ok_or(Trouble::Other)?,
            scratch: Vec::new(),
            filter: old.empty_filter(),
            changed: Vec::new(),
            gone: None,
        })
    }

    fn dictionary(&mut self, page: &RawPage) -> Result<Dictionary, Trouble> {
        let mut plain = Vec::new();
        let body = &self.old.file[page.body.clone()];
        let unpacked = self.codec.decompress(body, page.plain_length()?, &mut plain);
        unpacked.map_err(|_| Trouble::Damaged("a dictionary cannot be decompressed"))?;
        Dictionary::new(page, plain, self.width)
    }

    fn open_all<'p>(&mut self, raw: &'p [RawPage]) -> Result<(Dictionaried<'p>, Vec<Page<'p>>), Trouble> {
        let mut dictionary = None;
        let mut pages = Vec::with_capacity(raw.len());
        let mut before = 0;
        for page in raw {
            match page.kind() {
                Kind::Data | Kind::DataV2 => {
                    let (page, rows) = self.open(page, before, dictionary.as_mut().map(|(_, open)| open))?;
                    before += rows;
                    if page.levels.count > 0 {
                        pages.push(page);
                    }
                }
                Kind::Dictionary if dictionary.is_none() && before == 0 => {
                    dictionary = Some((page, self.dictionary(page)?));
                }
                Kind::Dictionary => return Err(Trouble::Damaged("a dictionary does not stand before its pages")),
                Kind::Other => return Err(Trouble::Other),
            }
        }
        if u64::try_from(before).ok() == Some(self.old.rows) {
            Ok((dictionary, pages))
        } else {
            Err(Trouble::Damaged("its pages have another number of rows than its row group"))
        }
    }

    /// Reads a data page and cuts or masks it; also returns how many rows began in it before.
    fn open<'p>(
        &mut self,
        raw: &'p RawPage,
        before: usize,
        dictionary: Option<&mut Dictionary>,
    ) -> Result<(Page<'p>, usize), Trouble> {
        let mut plain = std::mem::take(&mut self.scratch);
        let def_max = self.level_max.1;
        let (mut levels, at) = page::open(raw, self.old.file, &mut self.codec, self.level_max, &mut plain)?;
        let form = (raw.stated()?.1, self.width);
        let (in_levels, begun) = records::levels_of(&levels, before, &self.rows);
        let (in_values, count) = records::values_of(&levels, def_max, &in_levels);
        let values = plain.get(at..).ok_or(Trouble::Damaged("levels end behind their page"))?;
        let body = match self.edit {
            Edit::Delete(_) => {
                let kept = records::rest(&in_levels, levels.count);
                levels.count = kept.iter().map(ExactSizeIterator::len).sum();
                for part in [&mut levels.rep, &mut levels.def] {
                    if !part.is_empty() {
                        *part = records::keep(std::mem::take(part), &kept);
                    }
                }
                if let Some(gone) = &mut self.gone {
                    gone.push(values::decode(values, form, count, &in_values)?);
                }
                values::decode(values, form, count, &records::rest(&in_values, count))?
            }
            Edit::Mask(_, masker) => {
                let mut body = values::decode(values, form, count, &records::rest(&[], count))?;
                let touched = values::mask(&mut body, self.width, &in_values, masker, dictionary)?;
                for (_, row) in records::places_of(&levels, def_max, before, &touched.changed) {
                    self.note_change(row);
                }
                for (level, _) in records::places_of(&levels, def_max, before, &touched.nulls) {
                    levels.def[level] = def_max - 1;
                }
                if touched.nulls.is_empty() { body } else { values::remove(body, self.width, &touched.nulls)? }
            }
        };
        self.scratch = plain;
        let nulls = levels.def.iter().filter(|def| **def != def_max).count();
        let rows =
            if levels.rep.is_empty() { levels.count } else { levels.rep.iter().filter(|rep| **rep == 0).count() };
        let mut extent = Extent::new(self.old.order);
        let value_bytes = values::survey(&body, self.width, &mut extent, self.filter.as_mut());
        let values = levels.count - nulls;
        Ok((Page { raw, levels, rows, values, body, extent, value_bytes }, begun))
    }

    fn note_change(&mut self, row: usize) {
        // Row numbers came from 64 bits.
        let row = u64::try_from(row).unwrap_or(u64::MAX - 1);
        match self.changed.last_mut() {
            Some(last) if last.end > row => {}
            Some(last) if last.end == row => last.end = row + 1,
            _ => self.changed.push(row..row + 1),
        }
    }

    fn write(mut self, mut dictionary: Dictionaried, mut pages: Vec<Page>) -> Result<NewChunk, Trouble> {
        let mut extent = Extent::new(self.old.order);
        let mut writer = PageWriter::new(self.codec, self.level_max, self.old.order);
        let mut indices: Vec<&mut Vec<u32>> = Vec::new();
        let data_pages = pages.len();
        for page in &mut pages {
            if let Body::Index(index) = &mut page.body {
                indices.push(index);
            }
        }
        let (all, any) = (indices.len() == data_pages, !indices.is_empty());
        if let (Some((raw, dictionary)), true) = (&mut dictionary, any) {
            dictionary.compact(&mut indices)?;
            for value in dictionary.values() {
                extent.see(value);
                if let Some(filter) = &mut self.filter {
                    filter.insert(value);
                }
            }
            writer.put_dictionary(raw, dictionary)?;
            writer.chunk.distinct = all.then_some(dictionary.len());
            survey_indices(dictionary, &mut pages, self.old.page_bounds.then_some(self.old.order));
        } else if any {
            return Err(Trouble::Damaged("indices have no dictionary"));
        }
        for page in pages {
            extent.merge(&page.extent);
            writer.put_page(page.raw, &page.levels, (&page.body, self.width), page.described())?;
        }
        let mut chunk = writer.chunk;
        chunk.bounds = Bounds::exact(&extent);
        chunk.filter = self.filter;
        chunk.changed = self.changed;
        Ok(chunk)
    }
}

/// Finds the bytes, and where they are wanted the bounds, of the values that pages refer to.
fn survey_indices(dictionary: &Dictionary, pages: &mut [Page], bounds_in: Option<Order>) {
    let lengths: Vec<usize> = dictionary.values().map(<[u8]>::len).collect();
    let indices = pages.iter().map(|page| if let Body::Index(indices) = &page.body { indices.len() } else { 0 });
    // Putting many values in order takes longer than looking at the few that refer to them.
    let is_small = dictionary.len().saturating_mul(REFERENCES_OF_A_RANK) < indices.sum();
    let ranks = bounds_in.filter(|_| is_small).map(|order| dictionary.ranks(order));
    for page in pages {
        let Body::Index(indices) = &page.body else { continue };
        // Every index was looked up when the dictionary was compacted.
        let places = || indices.iter().filter_map(|index| usize::try_from(*index).ok());
        page.value_bytes = places().filter_map(|at| lengths.get(at)).sum();
        let Some(ranks) = &ranks else {
            if bounds_in.is_some() {
                let values = indices.iter().filter_map(|index| dictionary.get(*index));
                values.for_each(|value| page.extent.see(value));
            }
            continue;
        };
        let ranked = || places().filter_map(|at| Some(((*ranks.get(at)?)?, at)));
        for (_, at) in [ranked().min(), ranked().max()].into_iter().flatten() {
            if let Some(value) = u32::try_from(at).ok().and_then(|at| dictionary.get(at)) {
                page.extent.see(value);
            }
        }
    }
}
