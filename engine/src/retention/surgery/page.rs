//! The pages of one column chunk: where they lie, and what a data page holds once it is decompressed.
//!
//! Absent: what the values mean; `chunk.rs` edits them. Layouts that are edited elsewhere (bit-packed levels, unknown page
//! types) are told apart from damage, so that the Parquet library may try them.

use std::ops::Range;

use flate2::Crc;
use parquet::errors::ParquetError;

use super::SurgeryError;
use super::codec::Codec;
use super::hybrid;
use super::thrift::Struct;

/// Why a chunk cannot be edited page by page.
#[derive(Debug)]
pub(super) enum Trouble {
    /// A layout that only the Parquet library edits.
    Other,
    /// Bytes that no reader could make sense of.
    Damaged(&'static str),
    /// What the Parquet library says.
    Library(ParquetError),
    /// A mask that does not fit.
    Refused(Box<SurgeryError>),
}

impl From<hybrid::Damaged> for Trouble {
    fn from(_: hybrid::Damaged) -> Self {
        Self::Damaged("levels or dictionary indices end early")
    }
}

/// Kinds of pages, by their numbers in the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    DataV2,
    Dictionary,
    /// An index page, or one of a kind yet to come.
    Other,
}

/// One page where it lies in the file.
#[derive(Debug)]
pub(super) struct RawPage {
    pub(super) header: Struct,
    /// Where its header begins.
    pub(super) start: usize,
    /// What follows the header.
    pub(super) body: Range<usize>,
}

impl RawPage {
    pub(super) fn kind(&self) -> Kind {
        match self.header.int(1) {
            Some(0) => Kind::Data,
            Some(2) => Kind::Dictionary,
            Some(3) => Kind::DataV2,
            _ => Kind::Other,
        }
    }

    /// Number and value encoding of what a data page or a dictionary states.
    pub(super) fn stated(&self) -> Result<(usize, i64), Trouble> {
        let (inner, count, encoding) = match self.kind() {
            Kind::Data => (5, 1, 2),
            Kind::DataV2 => (8, 1, 4),
            Kind::Dictionary => (7, 1, 2),
            Kind::Other => return Err(Trouble::Other),
        };
        let inner = self.header.child(inner).ok_or(Trouble::Damaged("a page has no header of its kind"))?;
        let count = inner.int(count).and_then(|count| usize::try_from(count).ok());
        count.zip(inner.int(encoding)).ok_or(Trouble::Damaged("a page does not state what it holds"))
    }

    /// Bytes of the page once it is decompressed.
    pub(super) fn plain_length(&self) -> Result<usize, Trouble> {
        let length = self.header.int(2).and_then(|length| usize::try_from(length).ok());
        length.ok_or(Trouble::Damaged("a page does not state its size"))
    }
}

/// All pages in `range` of the file; they fill it without a gap.
pub(super) fn walk(file: &[u8], range: Range<usize>) -> Result<Vec<RawPage>, &'static str> {
    let mut pages = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let rest = file.get(at..range.end).ok_or("a column chunk ends behind the file")?;
        let (header, length) = Struct::parse(rest).map_err(|_| "a page header cannot be read")?;
        let size = header.int(3).and_then(|size| usize::try_from(size).ok()).ok_or("a page does not state its size")?;
        let start = at + length;
        if size > range.end - start {
            return Err("a page ends behind its column chunk");
        }
        pages.push(RawPage { header, start: at, body: start..start + size });
        at = start + size;
    }
    Ok(pages)
}

/// Compares every page that has a checksum with it.
pub(super) fn verify(file: &[u8], pages: &[RawPage]) -> Result<(), Trouble> {
    for page in pages {
        let Some(stated) = page.header.int(4) else { continue };
        let mut sum = Crc::new();
        sum.update(file.get(page.body.clone()).unwrap_or_default());
        if i64::from(sum.sum().cast_signed()) != stated {
            return Err(Trouble::Damaged("the checksum of a page is wrong"));
        }
    }
    Ok(())
}

/// What a data page holds.
#[derive(Debug)]
pub(super) struct Levels {
    /// Repetition levels; none when the column does not repeat.
    pub(super) rep: Vec<u8>,
    /// Definition levels; none when the column is required.
    pub(super) def: Vec<u8>,
    /// Levels of the page; values and nulls together.
    pub(super) count: usize,
}

/// Decompresses a data page: returns its levels, leaves the page in `plain`, and says where the values begin in it.
pub(super) fn open(
    page: &RawPage,
    file: &[u8],
    codec: &mut Codec,
    (rep_max, def_max): (u8, u8),
    plain: &mut Vec<u8>,
) -> Result<(Levels, usize), Trouble> {
    let (count, _) = page.stated()?;
    let body = file.get(page.body.clone()).ok_or(Trouble::Damaged("a page ends behind the file"))?;
    let length = page.plain_length()?;
    let mut unpack = |input: &[u8], length, out: &mut Vec<u8>| {
        codec.decompress(input, length, out).map_err(|_| Trouble::Damaged("a page cannot be decompressed"))
    };
    let widths = (hybrid::width_of(u32::from(rep_max)), hybrid::width_of(u32::from(def_max)));
    let levels = |bytes: &[u8], width| match width {
        0 => Ok(Vec::new()),
        width => hybrid::decode(bytes, width, count),
    };
    if page.kind() == Kind::Data {
        let header = page.header.child(5).ok_or(Trouble::Damaged("a page has no header of its kind"))?;
        if (def_max > 0 && header.int(3) != Some(RLE)) || (rep_max > 0 && header.int(4) != Some(RLE)) {
            return Err(Trouble::Other);
        }
        unpack(body, length, plain)?;
        let (rep, at) = prefixed(plain, 0, rep_max > 0)?;
        let (def, at) = prefixed(plain, at, def_max > 0)?;
        let (rep, def) = (levels(&plain[rep], widths.0)?, levels(&plain[def], widths.1)?);
        return Ok((Levels { rep, def, count }, at));
    }
    let header = page.header.child(8).ok_or(Trouble::Damaged("a page has no header of its kind"))?;
    let bytes = |id| header.int(id).and_then(|bytes| usize::try_from(bytes).ok());
    let (Some(rep_bytes), Some(def_bytes)) = (bytes(6), bytes(5)) else {
        return Err(Trouble::Damaged("a page does not state the size of its levels"));
    };
    let at = rep_bytes.checked_add(def_bytes).filter(|at| *at <= body.len() && *at <= length);
    let at = at.ok_or(Trouble::Damaged("levels end behind their page"))?;
    let (rep, def) = (levels(&body[..rep_bytes], widths.0)?, levels(&body[rep_bytes..at], widths.1)?);
    if header.bool(7).unwrap_or(true) {
        unpack(&body[at..], length - at, plain)?;
    } else {
        plain.clear();
        plain.extend_from_slice(&body[at..]);
    }
    Ok((Levels { rep, def, count }, 0))
}

/// Number of the encoding RLE.
pub(super) const RLE: i64 = 3;

/// Levels with their length before them: where they lie from `at` on, and where they end.
fn prefixed(plain: &[u8], at: usize, present: bool) -> Result<(Range<usize>, usize), Trouble> {
    if !present {
        return Ok((at..at, at));
    }
    let early = Trouble::Damaged("levels end behind their page");
    let Some(length) = plain.get(at..).and_then(|rest| rest.first_chunk::<4>()) else { return Err(early) };
    let start = at + 4;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    match start.checked_add(length) {
        Some(end) if end <= plain.len() => Ok((start..end, end)),
        _ => Err(early),
    }
}
