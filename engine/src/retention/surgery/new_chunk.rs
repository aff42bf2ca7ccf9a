//! A column chunk as it is written: its bytes, and what there is to say about them and their pages.

use std::ops::Range;

use flate2::Crc;
use parquet::bloom_filter::Sbbf;

use super::codec::Codec;
use super::dictionary::Dictionary;
use super::hybrid;
use super::order::Order;
use super::page::{Kind, Levels, RawPage, Trouble};
use super::statistics::{self, Bounds};
use super::thrift::{Struct, Value};
use super::values::{self, Body, Width};

/// A column chunk that was written anew; offsets count from its first byte.
#[derive(Debug, Default)]
pub(super) struct NewChunk {
    pub(super) bytes: Vec<u8>,
    pub(super) dictionary_at: Option<usize>,
    /// Where the first data page begins.
    pub(super) data_at: usize,
    /// Type, encoding and number of pages that follow one another.
    pub(super) page_kinds: Vec<(i32, i32, i32)>,
    /// Bytes of pages and their headers before compression.
    pub(super) plain_bytes: usize,
    pub(super) pages: Vec<NewPage>,
    /// Different values, where they are known.
    pub(super) distinct: Option<usize>,
    pub(super) bounds: Option<Bounds>,
    pub(super) filter: Option<Sbbf>,
    /// Rows that a mask changed.
    pub(super) changed: Vec<Range<u64>>,
}

/// A data page as it is written.
#[derive(Debug, Clone, Default)]
pub(super) struct NewPage {
    pub(super) at: usize,
    pub(super) bytes: usize,
    /// Rows that begin in it.
    pub(super) rows: usize,
    pub(super) levels: usize,
    pub(super) nulls: usize,
    /// Bytes of its values, without the lengths of variable ones.
    pub(super) value_bytes: usize,
    pub(super) bounds: Option<Bounds>,
    /// Number of levels for each repetition level; empty when the column does not repeat.
    pub(super) repetitions: Vec<i64>,
    /// Number of levels for each definition level; empty when the column is required.
    pub(super) definitions: Vec<i64>,
}

impl NewChunk {
    pub(super) fn nulls(&self) -> usize {
        self.pages.iter().map(|page| page.nulls).sum()
    }

    pub(super) fn levels(&self) -> usize {
        self.pages.iter().map(|page| page.levels).sum()
    }

    /// Notes a page of type `kind` with `encoding`.
    pub(super) fn note_kind(&mut self, kind: i32, encoding: i64) {
        // Encodings have 32 bits in the format.
        let encoding = i32::try_from(encoding).unwrap_or(-1);
        match self.page_kinds.last_mut() {
            Some((last, same, count)) if (*last, *same) == (kind, encoding) => *count += 1,
            _ => self.page_kinds.push((kind, encoding, 1)),
        }
    }
}

/// Writes pages one after the other into a chunk.
pub(super) struct PageWriter {
    codec: Codec,
    level_max: (u8, u8),
    order: Order,
    index_width: u8,
    plain: Vec<u8>,
    packed: Vec<u8>,
    pub(super) chunk: NewChunk,
}

impl PageWriter {
    /// A writer of pages with `codec`, whose levels reach up to `level_max` (repetition, definition).
    pub(super) fn new(codec: Codec, level_max: (u8, u8), order: Order) -> Self {
        let (plain, packed) = (Vec::new(), Vec::new());
        Self { codec, level_max, order, index_width: 0, plain, packed, chunk: NewChunk::default() }
    }

    /// Writes the dictionary that indices of later pages refer to; `old` is the page it was read from.
    pub(super) fn put_dictionary(&mut self, old: &RawPage, dictionary: &Dictionary) -> Result<(), Trouble> {
        self.refer_to(dictionary);
        let mut header = old.header.clone();
        let inner = header.child_mut(7).ok_or(Trouble::Damaged("a page has no header of its kind"))?;
        inner.set_i32(1, small(dictionary.len())?);
        if dictionary.grown() && inner.has(3) {
            inner.set(3, Value::Bool(false));
        }
        let (_, encoding) = old.stated()?;
        self.chunk.note_kind(2, encoding);
        self.chunk.dictionary_at = Some(self.chunk.bytes.len());
        self.codec.compress(dictionary.plain(), &mut self.packed).map_err(no_memory)?;
        self.put(header, 0, dictionary.plain().len())?;
        Ok(())
    }

    /// Lets indices of later pages be as wide as `dictionary` needs.
    pub(super) fn refer_to(&mut self, dictionary: &Dictionary) {
        let last = u32::try_from(dictionary.len().saturating_sub(1)).unwrap_or(u32::MAX);
        // Some readers do not take indices of no bits.
        self.index_width = hybrid::width_of(last).max(1);
    }

    /// Copies the dictionary as it stands in `file`.
    pub(super) fn copy_dictionary(&mut self, old: &RawPage, file: &[u8]) -> Result<(), Trouble> {
        self.chunk.note_kind(2, old.stated()?.1);
        self.chunk.dictionary_at = Some(self.copy(old, file)?.0);
        Ok(())
    }

    /// Copies a data page as it stands in `file`; `new` says all that is known about it but where it is.
    pub(super) fn copy_page(&mut self, old: &RawPage, file: &[u8], mut new: NewPage) -> Result<(), Trouble> {
        if self.chunk.pages.is_empty() {
            self.chunk.data_at = self.chunk.bytes.len();
        }
        self.chunk.note_kind(if old.kind() == Kind::DataV2 { 3 } else { 0 }, old.stated()?.1);
        (new.at, new.bytes) = self.copy(old, file)?;
        self.chunk.pages.push(new);
        Ok(())
    }

    fn copy(&mut self, old: &RawPage, file: &[u8]) -> Result<(usize, usize), Trouble> {
        let page = file.get(old.start..old.body.end).ok_or(Trouble::Damaged("a page ends behind the file"))?;
        let at = self.chunk.bytes.len();
        self.chunk.bytes.extend_from_slice(page);
        self.chunk.plain_bytes += old.body.start - old.start + old.plain_length()?;
        Ok((at, page.len()))
    }

    /// Writes a data page that was read from `old`; `new` says what is known about it so far.
    pub(super) fn put_page(
        &mut self,
        old: &RawPage,
        levels: &Levels,
        (body, width): (&Body, Width),
        mut new: NewPage,
    ) -> Result<(), Trouble> {
        let (_, encoding) = old.stated()?;
        let mut header = old.header.clone();
        let level_bytes = self.plain_levels(old.kind(), levels);
        let rep_bytes = level_bytes.0;
        let level_bytes = level_bytes.0 + level_bytes.1;
        values::encode(body, (encoding, width), self.index_width, &mut self.plain);
        let plain_bytes = self.plain.len();
        new.repetitions = count_levels(&levels.rep, self.level_max.0);
        new.definitions = count_levels(&levels.def, self.level_max.1);
        let (kind, id) = if old.kind() == Kind::DataV2 { (3, 8) } else { (0, 5) };
        let inner = header.child_mut(id).ok_or(Trouble::Damaged("a page has no header of its kind"))?;
        inner.set_i32(1, small(levels.count)?);
        let statistics = if kind == 3 { 8 } else { 5 };
        if let Some(old) = inner.child(statistics) {
            let restated = statistics::restate(old, self.order, new.bounds.as_ref(), (new.nulls, None));
            inner.set(statistics, Value::Struct(restated));
        }
        let mut bare = 0;
        if kind == 3 {
            inner.set_i32(2, small(new.nulls)?);
            inner.set_i32(3, small(new.rows)?);
            inner.set_i32(5, small(level_bytes - rep_bytes)?);
            inner.set_i32(6, small(rep_bytes)?);
            bare = level_bytes;
            self.codec.compress(&self.plain[bare..], &mut self.packed).map_err(no_memory)?;
            let packs = !matches!(self.codec, Codec::None) && self.packed.len() < plain_bytes - bare;
            if !packs {
                self.packed.clear();
                self.packed.extend_from_slice(&self.plain[bare..]);
            }
            if inner.has(7) || !packs {
                inner.set(7, Value::Bool(packs));
            }
        } else {
            self.codec.compress(&self.plain, &mut self.packed).map_err(no_memory)?;
        }
        if self.chunk.pages.is_empty() {
            self.chunk.data_at = self.chunk.bytes.len();
        }
        self.chunk.note_kind(kind, encoding);
        (new.at, new.bytes) = self.put(header, bare, plain_bytes)?;
        self.chunk.pages.push(new);
        Ok(())
    }

    /// Begins `plain` with the levels of a page; returns the bytes of either kind.
    fn plain_levels(&mut self, kind: Kind, levels: &Levels) -> (usize, usize) {
        self.plain.clear();
        let mut bytes = [0; 2];
        let parts = [(&levels.rep, self.level_max.0), (&levels.def, self.level_max.1)];
        for ((part, max), bytes) in parts.into_iter().zip(&mut bytes).filter(|((_, max), _)| *max > 0) {
            let start = self.plain.len();
            if kind == Kind::Data {
                self.plain.extend_from_slice(&[0; 4]);
            }
            hybrid::encode(part, hybrid::width_of(u32::from(max)), &mut self.plain);
            if kind == Kind::Data {
                // A page is limited to two GiB.
                let length = u32::try_from(self.plain.len() - start - 4).unwrap_or(u32::MAX);
                self.plain[start..start + 4].copy_from_slice(&length.to_le_bytes());
            }
            *bytes = self.plain.len() - start;
        }
        (bytes[0], bytes[1])
    }

    /// Appends a page: its header, `bare` bytes of `plain`, and what is packed. Returns where it is and its bytes.
    fn put(&mut self, mut header: Struct, bare: usize, plain_bytes: usize) -> Result<(usize, usize), Trouble> {
        header.set_i32(2, small(plain_bytes)?);
        header.set_i32(3, small(bare + self.packed.len())?);
        if header.has(4) {
            let mut sum = Crc::new();
            sum.update(&self.plain[..bare]);
            sum.update(&self.packed);
            header.set_i32(4, sum.sum().cast_signed());
        }
        let at = self.chunk.bytes.len();
        header.write(&mut self.chunk.bytes);
        self.chunk.plain_bytes += self.chunk.bytes.len() - at + plain_bytes;
        self.chunk.bytes.extend_from_slice(&self.plain[..bare]);
        self.chunk.bytes.extend_from_slice(&self.packed);
        Ok((at, self.chunk.bytes.len() - at))
    }
}

fn count_levels(levels: &[u8], max: u8) -> Vec<i64> {
    if max == 0 { Vec::new() } else { statistics::histogram(levels, max) }
}

fn small(count: usize) -> Result<i32, Trouble> {
    i32::try_from(count).map_err(|_| Trouble::Damaged("a page would be larger than 2 GiB"))
}

fn no_memory(_: std::io::Error) -> Trouble {
    Trouble::Damaged("there is no memory for its codec")
}
