//! The hybrid of run-length encoding and bit packing that Parquet keeps levels and dictionary indices in.
//!
//! Absent: the length or width that stands before it; where it stands depends on what it holds, so `page.rs` reads it.

use crate::varint;

/// A stream that ends early or states what cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

/// What the hybrid holds: levels (`u8`) or dictionary indices (`u32`).
pub(super) trait Item: Copy + Eq {
    /// The item with these bits; higher bits than it has are not set.
    fn of(bits: u32) -> Self;
    fn bits(self) -> u32;
}

impl Item for u8 {
    fn of(bits: u32) -> Self {
        bits.to_le_bytes()[0]
    }

    fn bits(self) -> u32 {
        u32::from(self)
    }
}

impl Item for u32 {
    fn of(bits: u32) -> Self {
        bits
    }

    fn bits(self) -> u32 {
        self
    }
}

/// Bits that hold every number up to `max`.
pub(super) fn width_of(max: u32) -> u8 {
    // The width of a 32-bit number fits a byte.
    (u32::BITS - max.leading_zeros()).to_le_bytes()[0]
}

/// Reads `count` items of `width` bits each from the front of `bytes`.
pub(super) fn decode<T: Item>(mut bytes: &[u8], width: u8, count: usize) -> Result<Vec<T>, Damaged> {
    let mut out = Vec::with_capacity(count);
    if width == 0 {
        out.resize(count, T::of(0));
    }
    if width > 32 {
        return Err(Damaged);
    }
    while out.len() < count {
        let head = varint::read(&mut bytes).ok_or(Damaged)?;
        let left = count - out.len();
        let stated = usize::try_from(head >> 1).map_err(|_| Damaged)?;
        if head & 1 == 0 {
            let (value, rest) = bytes.split_at_checked(usize::from(width).div_ceil(8)).ok_or(Damaged)?;
            let mut word = [0; 4];
            word[..value.len()].copy_from_slice(value);
            if stated == 0 {
                return Err(Damaged);
            }
            out.resize(out.len() + stated.min(left), T::of(u32::from_le_bytes(word) & mask(width)));
            bytes = rest;
        } else {
            let stated_bytes = stated.checked_mul(usize::from(width)).ok_or(Damaged)?;
            let taken = stated.saturating_mul(8).min(left);
            // Some writers leave out what fills the last group up.
            let (packed, rest) = bytes.split_at(stated_bytes.min(bytes.len()));
            if taken == 0 || packed.len() < (taken * usize::from(width)).div_ceil(8) {
                return Err(Damaged);
            }
            unpack(packed, width, taken, &mut out);
            bytes = rest;
        }
    }
    Ok(out)
}

fn mask(width: u8) -> u32 {
    u32::MAX.checked_shr(32 - u32::from(width)).unwrap_or(0)
}

/// Appends the first `count` items of `packed`, which has all their bits.
fn unpack<T: Item>(packed: &[u8], width: u8, count: usize, out: &mut Vec<T>) {
    let bits = usize::from(width);
    let mask = u64::from(mask(width));
    let item = |bytes: &[u8], bit: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[bit / 8..bit / 8 + 8]);
        // Masked to at most 32 bits, so the lower half is all of it.
        let low = (u64::from_le_bytes(word) >> (bit % 8)) & mask;
        let [a, b, c, d, ..] = low.to_le_bytes();
        T::of(u32::from_le_bytes([a, b, c, d]))
    };
    // An item is read from eight bytes at once, so the last few items are read from a copy with room behind it.
    let whole = packed.len().checked_sub(8).map_or(0, |last| (last * 8 / bits + 1).min(count));
    out.extend((0..whole).map(|at| item(packed, at * bits)));
    let from = whole * bits / 8;
    let mut tail = packed[from..].to_vec();
    tail.resize(tail.len() + 8, 0);
    out.extend((whole..count).map(|at| item(&tail, at * bits - from * 8)));
}

/// Appends `items` with `width` bits each to `out`; every item fits that width.
pub(super) fn encode<T: Item>(items: &[T], width: u8, out: &mut Vec<u8>) {
    let (mut at, mut literal) = (0, 0);
    while at < items.len() {
        let equal = match items[at..].first_chunk::<8>() {
            Some(group) if group.iter().all(|item| *item == group[0]) => {
                items[at..].iter().position(|item| *item != group[0]).unwrap_or(items.len() - at)
            }
            _ => 0,
        };
        if equal == 0 {
            at = (at + 8).min(items.len());
            continue;
        }
        pack(&items[literal..at], width, out);
        head(out, equal, 0);
        out.extend_from_slice(&items[at].bits().to_le_bytes()[..usize::from(width).div_ceil(8)]);
        at += equal;
        literal = at;
    }
    pack(&items[literal..], width, out);
}

/// One bit-packed run; only its last group may be filled up with zeros, so nothing may follow an incomplete one.
fn pack<T: Item>(items: &[T], width: u8, out: &mut Vec<u8>) {
    if items.is_empty() {
        return;
    }
    let groups = items.len().div_ceil(8);
    head(out, groups, 1);
    let end = out.len() + groups * usize::from(width);
    let (mut word, mut filled) = (0u64, 0);
    for item in items {
        word |= u64::from(item.bits()) << filled;
        filled += u32::from(width);
        if filled >= 32 {
            out.extend_from_slice(&word.to_le_bytes()[..4]);
            word >>= 32;
            filled -= 32;
        }
    }
    out.extend_from_slice(&word.to_le_bytes());
    // What the last word has too much, or the last group too little.
    out.resize(end, 0);
}

fn head(out: &mut Vec<u8>, count: usize, kind: u64) {
    // A count in memory fits 63 bits.
    varint::write(out, u64::try_from(count).unwrap_or(u64::MAX) << 1 | kind);
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_at_every_width() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for width in 0..=32 {
            for length in [0, 1, 7, 8, 9, 63, 64, 100, 1000] {
                let mut items: Vec<u32> = (0..length).map(|_| random.random::<u32>() & mask(width)).collect();
                for _ in 0..3 {
                    let (from, run) = (random.random_range(0..=length), random.random_range(0..30));
                    let end = (from + run).min(length);
                    items[from..end].fill(mask(width));
                }
                let mut bytes = Vec::new();
                encode(&items, width, &mut bytes);
                assert_eq!(decode(&bytes, width, length).as_ref(), Ok(&items), "width {width}, {length} items");
            }
        }
    }

    #[test]
    fn runs_and_literals_stand_as_the_format_wants_them() {
        let mut bytes = Vec::new();
        encode(&[1u8; 100], 1, &mut bytes);
        assert_eq!(bytes, [0xc8, 0x01, 0x01], "one run of a hundred");
        bytes.clear();
        encode(&[0u32, 1, 2, 3, 4, 5, 6, 7], 3, &mut bytes);
        assert_eq!(bytes, [0x03, 0b1000_1000, 0b1100_0110, 0b1111_1010], "the example of the specification");
    }

    #[test]
    fn a_stream_that_ends_early_is_damaged() {
        let mut bytes = Vec::new();
        encode(&(0..100).collect::<Vec<u32>>(), 7, &mut bytes);
        for cut in 0..bytes.len() - 4 {
            assert_eq!(decode::<u32>(&bytes[..cut], 7, 100), Err(Damaged), "{cut}");
        }
        assert_eq!(decode::<u32>(&[0x00, 0x01], 1, 1), Err(Damaged), "a run of nothing");
        assert_eq!(decode::<u32>(&[0x01], 1, 1), Err(Damaged), "no groups");
        assert_eq!(decode::<u32>(&[3], 33, 1), Err(Damaged), "too wide");
    }

    #[test]
    fn the_width_holds_the_largest_number() {
        assert_eq!([0, 1, 2, 3, 4, 255, 256, u32::MAX].map(width_of), [0, 1, 2, 2, 3, 8, 9, 32]);
    }
}
