//! The values of one data page, in a form that can be cut, masked and written again in the encoding they came in.
//!
//! Edited here are plain values, booleans in either encoding, byte streams and indices into a dictionary. Absent: the delta
//! encodings, whose values depend on one another; the Parquet library decodes and encodes these.

use std::ops::Range;

use parquet::basic::Type;
use parquet::bloom_filter::Sbbf;
use parquet::schema::types::ColumnDescriptor;

use super::hybrid;
use super::mask::{Masked, Masker};
use super::order::Extent;
use super::page::{RLE, Trouble};
use super::records;
use super::{SurgeryError, dictionary::Dictionary};

const PLAIN: i64 = 0;
pub(super) const PLAIN_DICTIONARY: i64 = 2;
pub(super) const RLE_DICTIONARY: i64 = 8;
const BYTE_STREAM_SPLIT: i64 = 9;

/// How wide a plain value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Bit,
    /// Bytes, at least one.
    Fixed(usize),
    /// Four bytes of length, then as many bytes.
    Variable,
}

impl Width {
    /// The width of the values of `column`; none for a fixed length of 0, which nobody writes.
    pub(super) fn of(column: &ColumnDescriptor) -> Option<Self> {
        Some(match column.physical_type() {
            Type::BOOLEAN => Self::Bit,
            Type::INT32 | Type::FLOAT => Self::Fixed(4),
            Type::INT64 | Type::DOUBLE => Self::Fixed(8),
            Type::INT96 => Self::Fixed(12),
            Type::BYTE_ARRAY => Self::Variable,
            Type::FIXED_LEN_BYTE_ARRAY => {
                Self::Fixed(usize::try_from(column.type_length()).ok().filter(|length| *length > 0)?)
            }
        })
    }
}

/// Values of one page.
#[derive(Debug)]
pub(super) enum Body {
    /// In plain encoding, whatever the page has.
    Plain(Vec<u8>),
    Index(Vec<u32>),
    /// A byte of 0 or 1 for each boolean.
    Bits(Vec<u8>),
}

/// Reads the first `count` values of `bytes` and keeps those in `kept`.
pub(super) fn decode(
    bytes: &[u8],
    (encoding, width): (i64, Width),
    count: usize,
    kept: &[Range<usize>],
) -> Result<Body, Trouble> {
    let early = Trouble::Damaged("values end early");
    match (encoding, width) {
        (PLAIN, Width::Bit) => {
            let packed = bytes.get(..count.div_ceil(8)).ok_or(early)?;
            let bits = (0..count).map(|at| packed[at / 8] >> (at % 8) & 1).collect();
            Ok(Body::Bits(records::keep(bits, kept)))
        }
        (RLE, Width::Bit) => {
            let stream = bytes.get(4..).or(bytes.is_empty().then_some(&[])).ok_or(early)?;
            Ok(Body::Bits(records::keep(hybrid::decode(stream, 1, count)?, kept)))
        }
        (PLAIN, Width::Fixed(width)) => {
            let values = bytes.get(..count.saturating_mul(width)).ok_or(early)?;
            let mut out = Vec::with_capacity(values.len());
            kept.iter().for_each(|range| out.extend_from_slice(&values[range.start * width..range.end * width]));
            Ok(Body::Plain(out))
        }
        (BYTE_STREAM_SPLIT, Width::Fixed(width)) => {
            let streams = bytes.get(..count.saturating_mul(width)).ok_or(early)?;
            let kept_count = kept.iter().map(ExactSizeIterator::len).sum::<usize>();
            let mut out = vec![0; kept_count * width];
            for byte in 0..width {
                let stream = &streams[byte * count..(byte + 1) * count];
                let values = kept.iter().flat_map(|range| &stream[range.clone()]);
                out.iter_mut().skip(byte).step_by(width).zip(values).for_each(|(to, from)| *to = *from);
            }
            Ok(Body::Plain(out))
        }
        (PLAIN, Width::Variable) => Ok(Body::Plain(cut_variable(bytes, kept)?)),
        (PLAIN_DICTIONARY | RLE_DICTIONARY, Width::Fixed(_) | Width::Variable) => {
            let Some((width, stream)) = bytes.split_first() else {
                // A page of nulls may have no values at all, not even their width.
                return if count == 0 { Ok(Body::Index(Vec::new())) } else { Err(early) };
            };
            Ok(Body::Index(records::keep(hybrid::decode(stream, *width, count)?, kept)))
        }
        _ => Err(Trouble::Other),
    }
}

/// One value of variable length at the front of `bytes`, and what follows it.
pub(super) fn variable(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// The values with the numbers in `kept`, with their lengths.
fn cut_variable(bytes: &[u8], kept: &[Range<usize>]) -> Result<Vec<u8>, Trouble> {
    let early = || Trouble::Damaged("values end early");
    let mut out = Vec::with_capacity(bytes.len());
    let (mut rest, mut at) = (bytes, 0);
    for range in kept {
        while at < range.start {
            rest = variable(rest).ok_or_else(early)?.1;
            at += 1;
        }
        let from = rest;
        while at < range.end {
            rest = variable(rest).ok_or_else(early)?.1;
            at += 1;
        }
        out.extend_from_slice(&from[..from.len() - rest.len()]);
    }
    Ok(out)
}

/// Shows plain values or booleans to `extent` and to `filter`. Returns their bytes, without the lengths of variable ones.
pub(super) fn survey(body: &Body, width: Width, extent: &mut Extent, filter: Option<&mut Sbbf>) -> usize {
    match (body, width) {
        (Body::Plain(bytes), Width::Variable) => {
            let (mut rest, mut total, mut filter) = (bytes.as_slice(), 0, filter);
            while let Some((value, after)) = variable(rest) {
                extent.see(value);
                if let Some(filter) = filter.as_deref_mut() {
                    filter.insert(value);
                }
                total += value.len();
                rest = after;
            }
            total
        }
        (Body::Plain(bytes), Width::Fixed(width)) => {
            extent.see_all(bytes, width);
            if let Some(filter) = filter {
                bytes.chunks_exact(width).for_each(|value| filter.insert(value));
            }
            bytes.len()
        }
        (Body::Bits(bits), _) => {
            let mut filter = filter;
            for value in [[0], [1]] {
                if bits.contains(&value[0]) {
                    extent.see(&value);
                    if let Some(filter) = filter.as_deref_mut() {
                        filter.insert(value.as_slice());
                    }
                }
            }
            bits.len()
        }
        _ => 0,
    }
}

/// What masking did to the values of a page, by their numbers before it.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Values that are others than before, NULL among them.
    pub(super) changed: Vec<usize>,
    /// Values that became NULL and are no longer there.
    pub(super) nulls: Vec<usize>,
}

/// Masks the values with the numbers in `masked`.
pub(super) fn mask(
    body: &mut Body,
    width: Width,
    masked: &[Range<usize>],
    masker: &Masker,
    dictionary: Option<&mut Dictionary>,
) -> Result<Touched, Trouble> {
    let mut touched = Touched::default();
    let mut note = |at, masked: Masked| match masked {
        Masked::Same => None,
        Masked::Null => {
            touched.changed.push(at);
            touched.nulls.push(at);
            None
        }
        Masked::Value(new) => {
            touched.changed.push(at);
            Some(new)
        }
    };
    let refused = |error: SurgeryError| Trouble::Refused(Box::new(error));
    let numbers = masked.iter().cloned().flatten();
    match (&mut *body, width, dictionary) {
        (Body::Index(indices), _, Some(dictionary)) => {
            for at in numbers {
                let (outcome, new) = dictionary.mask(indices[at], masker)?;
                note(at, outcome);
                indices[at] = new;
            }
        }
        (Body::Bits(bits), ..) => {
            for at in numbers {
                if let Some(new) = note(at, masker.apply(&bits[at..=at]).map_err(refused)?) {
                    bits[at..=at].copy_from_slice(&new);
                }
            }
        }
        (Body::Plain(bytes), Width::Fixed(width), _) => {
            for at in numbers {
                let value = &mut bytes[at * width..(at + 1) * width];
                if let Some(new) = note(at, masker.apply(value).map_err(refused)?) {
                    value.copy_from_slice(&new);
                }
            }
        }
        (Body::Plain(bytes), ..) => {
            let mut out = Vec::with_capacity(bytes.len());
            let (mut rest, mut at, mut numbers) = (bytes.as_slice(), 0, numbers.peekable());
            while let Some((value, after)) = variable(rest) {
                let new = match numbers.next_if_eq(&at) {
                    Some(at) => note(at, masker.apply(value).map_err(refused)?),
                    None => None,
                };
                match new {
                    Some(new) => push_variable(&mut out, &new)?,
                    None => out.extend_from_slice(&rest[..rest.len() - after.len()]),
                }
                (rest, at) = (after, at + 1);
            }
            *bytes = out;
        }
        (Body::Index(_), _, None) => return Err(Trouble::Damaged("indices have no dictionary")),
    }
    Ok(touched)
}

/// Appends a value of variable length.
pub(super) fn push_variable(out: &mut Vec<u8>, value: &[u8]) -> Result<(), Trouble> {
    let length = u32::try_from(value.len()).map_err(|_| Trouble::Damaged("a value is longer than 4 GiB"))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(value);
    Ok(())
}

/// Takes the values with the numbers in `gone` away.
pub(super) fn remove(body: Body, width: Width, gone: &[usize]) -> Result<Body, Trouble> {
    let count = match (&body, width) {
        (Body::Index(indices), _) => indices.len(),
        (Body::Bits(bits), _) => bits.len(),
        (Body::Plain(bytes), Width::Fixed(width)) => bytes.len() / width,
        // Every value has four bytes at least, and none is asked for that is not there.
        (Body::Plain(bytes), _) => bytes.len() / 4,
    };
    let gone: Vec<_> = gone.iter().map(|at| *at..at + 1).collect();
    let kept = records::rest(&gone, count);
    Ok(match (body, width) {
        (Body::Index(indices), _) => Body::Index(records::keep(indices, &kept)),
        (Body::Bits(bits), _) => Body::Bits(records::keep(bits, &kept)),
        (Body::Plain(bytes), Width::Fixed(_)) => decode(&bytes, (PLAIN, width), count, &kept)?,
        (Body::Plain(bytes), _) => {
            let (mut out, mut rest, mut at, mut gone) = (Vec::new(), bytes.as_slice(), 0, gone.iter().peekable());
            while let Some((_, after)) = variable(rest) {
                if gone.next_if(|range| range.start == at).is_none() {
                    out.extend_from_slice(&rest[..rest.len() - after.len()]);
                }
                (rest, at) = (after, at + 1);
            }
            Body::Plain(out)
        }
    })
}

/// Appends the values to `out` in `encoding`; an index takes `index_width` bits.
pub(super) fn encode(body: &Body, (encoding, width): (i64, Width), index_width: u8, out: &mut Vec<u8>) {
    match (body, encoding, width) {
        (Body::Plain(bytes), BYTE_STREAM_SPLIT, Width::Fixed(width)) => {
            for byte in 0..width {
                out.extend(bytes.iter().skip(byte).step_by(width));
            }
        }
        (Body::Plain(bytes), ..) => out.extend_from_slice(bytes),
        (Body::Index(indices), ..) => {
            out.push(index_width);
            hybrid::encode(indices, index_width, out);
        }
        (Body::Bits(bits), RLE, _) => {
            let start = out.len();
            out.extend_from_slice(&[0; 4]);
            hybrid::encode(bits, 1, out);
            // A page is limited to two GiB, so a stream of bits is far below four.
            let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
            out[start..start + 4].copy_from_slice(&length.to_le_bytes());
        }
        (Body::Bits(bits), ..) => {
            out.extend(bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit)));
        }
    }
}
