//! Levels, dictionary indices and bits as those read them who compare, by code that the page editor has no part in.
//!
//! Whatever is not plainly well-formed is `None`, and the Parquet library has the last word. Absent: writing.

/// A number of few bits: a level, a bit or a dictionary index.
pub(crate) trait Number: Copy {
    fn from_low(bits: u64) -> Self;
}

impl Number for u8 {
    fn from_low(bits: u64) -> Self {
        bits.to_le_bytes()[0]
    }
}

impl Number for u32 {
    fn from_low(bits: u64) -> Self {
        let [a, b, c, d, ..] = bits.to_le_bytes();
        Self::from_le_bytes([a, b, c, d])
    }
}

/// Puts `count` numbers of the run-length and bit-packing hybrid into `out`, instead of what is there.
pub(crate) fn hybrid<T: Number>(bytes: &[u8], width: usize, count: usize, out: &mut Vec<T>) -> Option<()> {
    out.clear();
    if width == 0 {
        out.resize(count, T::from_low(0));
        return Some(());
    }
    if width > 32 {
        return None;
    }
    let mut rest = bytes;
    while out.len() < count {
        let (head, after) = length(rest)?;
        let missing = count - out.len();
        if head & 1 == 1 {
            let groups = head >> 1;
            let numbers = groups.checked_mul(8)?.min(missing);
            // The last group of some writers lacks the bytes that only fill it up.
            let stated = groups.checked_mul(width)?.min(after.len());
            let (packed, after) = after.split_at_checked(stated)?;
            if numbers == 0 {
                return None;
            }
            packed_bits(packed, width, numbers, out)?;
            rest = after;
        } else {
            let (value, after) = after.split_at_checked(width.div_ceil(8))?;
            let bits = value.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
            // A number with more bits than its width is nothing that a reader must understand.
            if head >> 1 == 0 || bits >> width != 0 {
                return None;
            }
            out.resize(out.len() + (head >> 1).min(missing), T::from_low(bits));
            rest = after;
        }
    }
    Some(())
}

/// A variable-length number at the front of `bytes`, and what follows it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[at + 1..]));
        }
    }
    None
}

/// Appends `count` numbers of `width` bits, the lowest bits of the first byte first.
pub(crate) fn packed_bits<T: Number>(bytes: &[u8], width: usize, count: usize, out: &mut Vec<T>) -> Option<()> {
    let needed = count.checked_mul(width)?.div_ceil(8);
    let bytes = bytes.get(..needed)?;
    let mask = (1u64 << width) - 1;
    out.reserve(count);
    // Eight numbers at once fill whole bytes.
    let mut groups = bytes.chunks_exact(width);
    let whole = (count / 8).min(groups.len());
    for group in groups.by_ref().take(whole) {
        if width <= 8 {
            let mut word = [0; 8];
            word[..width].copy_from_slice(group);
            let word = u64::from_le_bytes(word);
            out.extend((0..8).map(|at| T::from_low(word >> (at * width) & mask)));
        } else {
            let number = |at: usize| {
                let start = at * width;
                let mut word = [0; 8];
                let part = &group[start / 8..(start + width).div_ceil(8)];
                word[..part.len()].copy_from_slice(part);
                u64::from_le_bytes(word) >> (start % 8) & mask
            };
            out.extend((0..8).map(|at| T::from_low(number(at))));
        }
    }
    for at in whole * 8..count {
        let bit = |bit: usize| u64::from(bytes[bit / 8] >> (bit % 8) & 1);
        let bits = (0..width).rev().fold(0, |bits, low| bits << 1 | bit(at * width + low));
        out.push(T::from_low(bits));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn the_example_of_the_specification_reads_as_it_says() {
        let mut out: Vec<u8> = Vec::new();
        assert_eq!(hybrid(&[0x03, 0b1000_1000, 0b1100_0110, 0b1111_1010], 3, 8, &mut out), Some(()));
        assert_eq!(out, [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(hybrid(&[0xc8, 0x01, 0x01], 1, 100, &mut out), Some(()));
        assert_eq!(out, [1; 100]);
    }

    #[test]
    fn numbers_of_every_width_are_what_their_bits_say() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        for width in 1..=32usize {
            for count in [1, 7, 8, 9, 64, 333] {
                let numbers: Vec<u32> = (0..count).map(|_| random.random::<u32>() >> (32 - width)).collect();
                let bits = numbers.iter().flat_map(|number| (0..width).map(move |bit| number >> bit & 1));
                let bits: Vec<u32> = bits.collect();
                let byte = |bits: &[u32]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit == 1));
                let mut bytes: Vec<u8> = bits.chunks(8).map(byte).collect();
                let mut out: Vec<u32> = Vec::new();
                assert_eq!(packed_bits(&bytes, width, numbers.len(), &mut out), Some(()));
                assert_eq!(out, numbers, "width {width}");
                bytes.pop();
                assert_eq!(packed_bits(&bytes, width, numbers.len(), &mut out), None);
            }
        }
    }

    #[test]
    fn what_is_not_well_formed_is_nothing() {
        let mut out: Vec<u32> = Vec::new();
        for (bytes, width, count) in [
            ([0x00, 0x01].as_slice(), 1, 1),
            (&[0x01], 1, 1),
            (&[3], 33, 1),
            (&[0x02, 0x02], 1, 1),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x01], 1, 1),
            (&[0x02], 1, 1),
            (&[], 4, 1),
        ] {
            assert_eq!(hybrid(bytes, width, count, &mut out), None, "{bytes:?}");
        }
    }
}
