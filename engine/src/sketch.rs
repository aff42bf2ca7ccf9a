//! Quantiles of durations, from counts in buckets that grow by two percent: a DDSketch (Masson, Rim and Lee, *DDSketch: A Fast
//! and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees*, VLDB 2019) for whole numbers.
//!
//! Where buckets end is computed by whole numbers alone, because logarithms differ between platforms and what is hashed must
//! not. Sketches of the same values are the same bytes, in whatever order the values came and were merged.
//!
//! ```text
//! byte 1                version, 1
//! LEB128                count of zeros
//! LEB128                buckets that follow
//! LEB128, LEB128 …      for each: its number less that of the one before (of the first, its number), and its count
//! ```
//!
//! Absent: values below zero, and any estimate between the values of a bucket.

use thiserror::Error;

use crate::varint;

/// Buckets up to the largest number of 64 bits with a sign.
const BUCKETS: usize = 2_050;
const VERSION: u8 = 1;
/// The bytes before the first bucket take no more than this.
const HEAD_BYTES: usize = 21;

/// The largest value of each bucket.
static LAST: [i64; BUCKETS] = ENDS.0;
/// What stands for the values of each bucket.
static MIDDLE: [i64; BUCKETS] = ENDS.1;

const ENDS: ([i64; BUCKETS], [i64; BUCKETS]) = ends();

/// From the first value `a` of a bucket: what stands for it is `⌊101a/100⌋`, and that is `e` at most a hundredth above every
/// value and at most a hundredth below; so the last value is `⌊100e/99⌋`.
const fn ends() -> ([i64; BUCKETS], [i64; BUCKETS]) {
    let (mut last, mut middle) = ([0; BUCKETS], [0; BUCKETS]);
    let mut first: i128 = 1;
    let mut bucket = 0;
    while bucket < BUCKETS {
        let stands = 101 * first / 100;
        let end = 100 * stands / 99;
        middle[bucket] = at_most_i64(stands);
        last[bucket] = at_most_i64(end);
        first = end + 1;
        bucket += 1;
    }
    assert!(last[BUCKETS - 1] == i64::MAX, "the last bucket has the largest number");
    assert!(last[BUCKETS - 2] < i64::MAX, "no bucket is empty");
    (last, middle)
}

#[expect(clippy::cast_possible_truncation, reason = "it is compared before, and From is not const")]
const fn at_most_i64(value: i128) -> i64 {
    if value > i64::MAX as i128 { i64::MAX } else { value as i64 }
}

/// How many values lie in which bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sketch {
    zeros: u64,
    /// Number and count of each bucket with a value, by number.
    buckets: Vec<(u16, u64)>,
}

/// Why a value or a sketch is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SketchError {
    /// It is below zero.
    #[error("a duration is below zero; take max(x, 0) of it, or leave such rows out")]
    BelowZero,
    /// More values than 64 bits count.
    #[error("a sketch has more than 2^64 values")]
    TooMany,
    /// Bytes that no version of this program wrote.
    #[error("it is no sketch ({0}); take a column that latency_sketch or sketch_merge made")]
    NoSketch(&'static str),
    /// Not a part of the whole.
    #[error("a quantile is from 0/1 to 1/1, as 95/100")]
    NoQuantile,
}

impl Sketch {
    /// Counts a value.
    ///
    /// # Errors
    /// When it is below zero, or one too many.
    pub(crate) fn add(&mut self, value: i64) -> Result<(), SketchError> {
        match value {
            ..0 => return Err(SketchError::BelowZero),
            0 => self.zeros = sum(self.zeros, 1)?,
            1.. => self.count(bucket_of(value), 1)?,
        }
        Ok(())
    }

    fn count(&mut self, bucket: u16, more: u64) -> Result<(), SketchError> {
        match self.buckets.binary_search_by_key(&bucket, |(number, _)| *number) {
            Ok(at) => self.buckets[at].1 = sum(self.buckets[at].1, more)?,
            Err(at) => self.buckets.insert(at, (bucket, more)),
        }
        Ok(())
    }

    /// Counts what another one counted.
    ///
    /// # Errors
    /// When those are too many.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), SketchError> {
        self.zeros = sum(self.zeros, other.zeros)?;
        if self.buckets.is_empty() {
            self.buckets.clone_from(&other.buckets);
            return Ok(());
        }
        other.buckets.iter().try_for_each(|(bucket, count)| self.count(*bucket, *count))
    }

    /// How many values it counted.
    ///
    /// # Errors
    /// When those are too many.
    pub(crate) fn values(&self) -> Result<u64, SketchError> {
        self.buckets.iter().try_fold(self.zeros, |all, (_, count)| sum(all, *count))
    }

    /// The value of nearest rank `⌈n · part / whole⌉`, the least one for the part 0, at most a hundredth off; none of a sketch
    /// without values.
    ///
    /// # Errors
    /// When the part is none of the whole, or there are too many values.
    pub(crate) fn quantile(&self, part: i64, whole: i64) -> Result<Option<i64>, SketchError> {
        if whole < 1 || !(0..=whole).contains(&part) {
            return Err(SketchError::NoQuantile);
        }
        let values = self.values()?;
        if values == 0 {
            return Ok(None);
        }
        // Both are not below zero; the product of 64 and 63 bits fits.
        let product = u128::from(values) * u128::from(part.unsigned_abs());
        let rank = product.div_ceil(u128::from(whole.unsigned_abs())).max(1);
        let mut passed = u128::from(self.zeros);
        if rank <= passed {
            return Ok(Some(0));
        }
        let found = self.buckets.iter().find(|(_, count)| {
            passed += u128::from(*count);
            rank <= passed
        });
        Ok(found.map(|(bucket, _)| MIDDLE[usize::from(*bucket)]))
    }

    /// Its bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + 4 * self.buckets.len());
        out.push(VERSION);
        varint::write(&mut out, self.zeros);
        // There are 2,050 at most.
        varint::write(&mut out, self.buckets.len() as u64);
        let mut before = 0;
        for (bucket, count) in &self.buckets {
            varint::write(&mut out, u64::from(bucket - before));
            varint::write(&mut out, *count);
            before = *bucket;
        }
        out
    }

    /// The sketch that has these bytes.
    ///
    /// # Errors
    /// When none has: each sketch is written in one way.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, SketchError> {
        let no = SketchError::NoSketch;
        let (version, mut rest) = bytes.split_first().ok_or(no("it is empty"))?;
        if *version != VERSION {
            return Err(no("its version is another"));
        }
        let mut next = || varint::read(&mut rest).ok_or(no("it ends early"));
        let (zeros, used) = (next()?, next()?);
        let mut sketch = Self { zeros, buckets: Vec::new() };
        let mut before = 0;
        for _ in 0..used {
            let (more, count) = (next()?, next()?);
            let bucket = u16::try_from(more).ok().and_then(|more| more.checked_add(before));
            let bucket =
                bucket.filter(|bucket| usize::from(*bucket) < BUCKETS).ok_or(no("a bucket has no such number"))?;
            if count == 0 {
                return Err(no("a bucket is empty"));
            }
            sketch.buckets.push((bucket, count));
            before = bucket;
        }
        // Two buckets of one number are written again as two, so they are asked for apart.
        let ascends = sketch.buckets.is_sorted_by(|(one, _), (other, _)| one < other);
        if !ascends || sketch.to_bytes() != bytes {
            return Err(no("it is not as such are written"));
        }
        Ok(sketch)
    }

    /// Bytes that it takes in memory beside itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.buckets.capacity() * size_of::<(u16, u64)>()
    }
}

fn sum(one: u64, other: u64) -> Result<u64, SketchError> {
    one.checked_add(other).ok_or(SketchError::TooMany)
}

/// The bucket of a value above zero.
fn bucket_of(value: i64) -> u16 {
    // There are 2,050 at most.
    u16::try_from(LAST.partition_point(|last| *last < value)).unwrap_or(u16::MAX)
}

/// Several sketches as one.
///
/// # Errors
/// When bytes are no sketch, or there are too many values.
pub fn merged_sketch<'s>(sketches: impl IntoIterator<Item = &'s [u8]>) -> Result<Vec<u8>, SketchError> {
    let mut all = Sketch::default();
    for bytes in sketches {
        all.merge(&Sketch::from_bytes(bytes)?)?;
    }
    Ok(all.to_bytes())
}

/// Quantiles of several sketches together, each given as part and whole; none of sketches without values.
///
/// # Errors
/// When bytes are no sketch, a part is none of its whole, or there are too many values.
pub fn quantiles_of<'s>(
    sketches: impl IntoIterator<Item = &'s [u8]>,
    parts: &[(i64, i64)],
) -> Result<Vec<Option<i64>>, SketchError> {
    let mut all = Sketch::default();
    for bytes in sketches {
        all.merge(&Sketch::from_bytes(bytes)?)?;
    }
    parts.iter().map(|(part, whole)| all.quantile(*part, *whole)).collect()
}

#[cfg(test)]
mod tests;
