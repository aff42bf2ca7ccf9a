//! A column chunk, data page by data page: levels, dictionary, and the bytes of the values, for those who compare them.
//!
//! The Parquet library takes the pages apart and decompresses them, and nothing of the page editor is used, so that the
//! check may read by this what the editor wrote. Absent: values of delta encodings, and levels in the deprecated encoding;
//! a page of the latter is said not to be whole.

mod stream;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageReader};
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescriptor;

pub(crate) use stream::{hybrid, packed_bits};

/// What the values and levels of a column are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) rep_max: u32,
    pub(crate) def_max: u8,
    pub(crate) width: Width,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Bit,
    Fixed(usize),
    Variable,
}

impl Shape {
    pub(crate) fn of(column: &ColumnDescriptor) -> Option<Self> {
        let width = match column.physical_type() {
            Type::BOOLEAN => Width::Bit,
            Type::INT32 | Type::FLOAT => Width::Fixed(4),
            Type::INT64 | Type::DOUBLE => Width::Fixed(8),
            Type::INT96 => Width::Fixed(12),
            Type::BYTE_ARRAY => Width::Variable,
            Type::FIXED_LEN_BYTE_ARRAY => {
                Width::Fixed(usize::try_from(column.type_length()).ok().filter(|length| *length > 0)?)
            }
        };
        let max = |level: i16| u8::try_from(level).ok();
        Some(Self { rep_max: max(column.max_rep_level())?.into(), def_max: max(column.max_def_level())?, width })
    }
}

/// A chunk, and the data page of it that is looked at.
pub(crate) struct Opened<R: ChunkReader> {
    pages: SerializedPageReader<R>,
    pub(crate) dictionary: Option<Dictionary>,
    pub(crate) count: usize,
    pub(crate) encoding: Encoding,
    /// Levels of the page; none where the column has none of the kind.
    pub(crate) rep: Vec<u8>,
    pub(crate) def: Vec<u8>,
    pub(crate) values: Bytes,
    pub(crate) indices: Vec<u32>,
    pub(crate) bits: Vec<u8>,
    pub(crate) nulls_stated: Option<usize>,
    pub(crate) rows_stated: Option<usize>,
    /// Whether the page could be taken apart.
    pub(crate) whole: bool,
}

impl<R: ChunkReader> Opened<R> {
    /// The chunk with `metadata` in `file`, in a row group of `rows` rows; no page of it is read.
    ///
    /// # Errors
    /// When the library does not know its codec.
    pub(crate) fn new(file: Arc<R>, metadata: &ColumnChunkMetaData, rows: usize) -> Result<Self> {
        let pages = SerializedPageReader::new(file, metadata, rows, None)?;
        Ok(Self {
            pages,
            dictionary: None,
            count: 0,
            encoding: Encoding::PLAIN,
            rep: Vec::new(),
            def: Vec::new(),
            values: Bytes::new(),
            indices: Vec::new(),
            bits: Vec::new(),
            nulls_stated: None,
            rows_stated: None,
            whole: true,
        })
    }

    /// Goes on to the next data page, if there is one.
    ///
    /// # Errors
    /// When the library cannot read it.
    pub(crate) fn next(&mut self, shape: Shape) -> Result<bool> {
        loop {
            match self.pages.get_next_page()? {
                None => return Ok(false),
                Some(page) if matches!(page, Page::DictionaryPage { .. }) => self.take_dictionary(page, shape),
                Some(page) => {
                    self.whole &= self.take_apart(page, shape).is_some();
                    return Ok(true);
                }
            }
        }
    }

    /// Passes over the next data page, of which only the header is read; a dictionary before it is read.
    ///
    /// # Errors
    /// When the library cannot read the header or the dictionary.
    pub(crate) fn skip(&mut self, shape: Shape) -> Result<()> {
        while self.pages.peek_next_page()?.is_some_and(|page| page.is_dict) {
            if let Some(page) = self.pages.get_next_page()? {
                self.take_dictionary(page, shape);
            }
        }
        self.pages.skip_next_page()
    }

    fn take_dictionary(&mut self, page: Page, shape: Shape) {
        let Page::DictionaryPage { buf, num_values, encoding, .. } = page else { return };
        let plain = matches!(encoding, Encoding::PLAIN | Encoding::PLAIN_DICTIONARY);
        let first = self.dictionary.is_none() && plain;
        self.dictionary = Dictionary::read(buf, count(num_values), shape.width);
        self.whole &= first && self.dictionary.is_some();
    }

    fn take_apart(&mut self, page: Page, shape: Shape) -> Option<()> {
        let maxima = [shape.rep_max, shape.def_max.into()];
        let (rep, def);
        match page {
            Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, .. } => {
                (self.count, self.encoding, self.nulls_stated, self.rows_stated) =
                    (count(num_values), encoding, None, None);
                let encodings = [rep_level_encoding, def_level_encoding];
                if maxima.into_iter().zip(encodings).any(|(max, encoding)| max > 0 && encoding != Encoding::RLE) {
                    return None;
                }
                let (first, at) = prefixed(&buf, 0, maxima[0] > 0)?;
                let (second, at) = prefixed(&buf, at, maxima[1] > 0)?;
                (rep, def, self.values) = (buf.slice(first), buf.slice(second), buf.slice(at..));
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => {
                (self.count, self.encoding) = (count(num_values), encoding);
                (self.nulls_stated, self.rows_stated) = (Some(count(num_nulls)), Some(count(num_rows)));
                let first = count(rep_levels_byte_len);
                let second = first.checked_add(count(def_levels_byte_len)).filter(|end| *end <= buf.len())?;
                (rep, def, self.values) = (buf.slice(..first), buf.slice(first..second), buf.slice(second..));
            }
            Page::DictionaryPage { .. } => return None,
        }
        for ((bytes, max), out) in [rep, def].iter().zip(maxima).zip([&mut self.rep, &mut self.def]) {
            out.clear();
            if max > 0 {
                // The width of a number of 32 bits.
                hybrid(bytes, count(u32::BITS - max.leading_zeros()), self.count, out)?;
            }
        }
        Some(())
    }

    /// Levels of the page without a value.
    pub(crate) fn nulls(&self, shape: Shape) -> usize {
        self.def.iter().filter(|def| **def != shape.def_max).count()
    }

    /// Reads the `count` dictionary indices of the page. One of nothing but NULL may have no bytes at all.
    pub(crate) fn read_indices(&mut self, count: usize) -> Option<()> {
        match self.values.split_first() {
            None if count == 0 => {
                self.indices.clear();
                Some(())
            }
            None => None,
            Some((width, stream)) => hybrid(stream, usize::from(*width), count, &mut self.indices),
        }
    }

    /// Rows that begin in the page.
    pub(crate) fn rows_begun(&self) -> usize {
        if self.rep.is_empty() { self.count } else { self.rep.iter().filter(|rep| **rep == 0).count() }
    }
}

/// A number of 32 bits as one that counts; no target has fewer.
fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Where levels with their length before them lie, and where they end.
fn prefixed(buf: &[u8], at: usize, present: bool) -> Option<(Range<usize>, usize)> {
    if !present {
        return Some((at..at, at));
    }
    let start = at + 4;
    let length = count(u32::from_le_bytes(*buf.get(at..)?.first_chunk::<4>()?));
    let end = start.checked_add(length).filter(|end| *end <= buf.len())?;
    Some((start..end, end))
}

/// A dictionary page that holds exactly the values it states.
pub(crate) struct Dictionary {
    pub(crate) plain: Bytes,
    /// Where each value lies.
    pub(crate) places: Vec<Range<usize>>,
}

impl Dictionary {
    fn read(plain: Bytes, count: usize, width: Width) -> Option<Self> {
        let mut places = Vec::with_capacity(count.min(plain.len()));
        match width {
            Width::Bit => return None,
            Width::Fixed(width) => {
                if count.checked_mul(width)? != plain.len() {
                    return None;
                }
                places.extend((0..count).map(|at| at * width..(at + 1) * width));
            }
            Width::Variable => {
                let mut rest = plain.as_ref();
                for _ in 0..count {
                    let (value, after) = text(rest)?;
                    let end = plain.len() - after.len();
                    places.push(end - value.len()..end);
                    rest = after;
                }
                if !rest.is_empty() {
                    return None;
                }
            }
        }
        Some(Self { plain, places })
    }

    pub(crate) fn get(&self, number: u32) -> Option<&[u8]> {
        Some(&self.plain[self.places.get(usize::try_from(number).ok()?)?.clone()])
    }
}

/// One value with its length before it, and what follows it.
pub(crate) fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(count(u32::from_le_bytes(*length)))
}
