//! What a sketch tells is what the values are, to a hundredth, and its bytes are those of its values.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

fn sketch(values: &[i64]) -> Sketch {
    let mut sketch = Sketch::default();
    values.iter().try_for_each(|value| sketch.add(*value)).expect("none is below zero");
    sketch
}

/// Values of every size, many of them equal.
fn values(chance: &mut ChaCha8Rng, count: usize) -> Vec<i64> {
    (0..count)
        .map(|_| chance.random::<i64>().unsigned_abs().checked_shr(chance.random_range(1..70)).unwrap_or(0))
        .map(u64::cast_signed)
        .collect()
}

#[test]
fn a_day_of_microseconds_has_1126_buckets() {
    assert_eq!(bucket_of(86_400_000_000) + 1, 1_126);
    assert_eq!(usize::from(bucket_of(i64::MAX)) + 1, BUCKETS);
    assert_eq!((bucket_of(1), bucket_of(99), bucket_of(100), bucket_of(101)), (0, 98, 98, 99));
}

#[test]
fn every_bucket_is_within_a_hundredth_of_what_stands_for_it() {
    let mut first = 1_i128;
    for (last, middle) in LAST.iter().zip(&MIDDLE) {
        for value in [first, i128::from(*last)] {
            let off = (i128::from(*middle) - value).abs();
            assert!(off * 100 <= value, "{value} is told as {middle}");
        }
        first = i128::from(*last) + 1;
    }
}

#[test]
fn quantiles_are_those_of_the_sorted_values_to_a_hundredth() {
    let mut chance = ChaCha8Rng::seed_from_u64(11);
    for round in 0..300 {
        let mut values = values(&mut chance, round % 50 + 1);
        let sketch = sketch(&values);
        values.sort_unstable();
        assert_eq!(sketch.values(), Ok(values.len() as u64));
        for (part, whole) in
            [(0, 1), (1, 2), (95, 100), (99, 100), (999, 1_000), (1, 1), (1, 3), (i64::MAX - 1, i64::MAX)]
        {
            let rank = (values.len() as i128 * i128::from(part) + i128::from(whole) - 1) / i128::from(whole);
            let exact = i128::from(values[usize::try_from(rank.max(1)).expect("a rank") - 1]);
            let told = i128::from(sketch.quantile(part, whole).expect("a quantile").expect("a value"));
            assert!((told - exact).abs() * 100 <= exact, "{part}/{whole} of {values:?}: {told}");
        }
    }
}

#[test]
fn the_same_values_are_the_same_bytes_however_they_came() {
    let mut chance = ChaCha8Rng::seed_from_u64(12);
    for _ in 0..300 {
        let mut values = values(&mut chance, 200);
        let bytes = sketch(&values).to_bytes();
        values.shuffle(&mut chance);
        let mut merged = Sketch::default();
        for part in values.chunks(chance.random_range(1..80)) {
            let part = Sketch::from_bytes(&sketch(part).to_bytes()).expect("a sketch");
            merged.merge(&part).expect("merges");
        }
        assert_eq!(merged.to_bytes(), bytes);
    }
}

#[test]
fn bytes_are_as_they_are_described() {
    assert_eq!(Sketch::default().to_bytes(), [1, 0, 0]);
    // Two zeros, three values in bucket 0, two in bucket 98, and 200 in bucket 99.
    let mut told = vec![0, 0, 1, 1, 1, 99, 100];
    told.extend([101; 200]);
    assert_eq!(sketch(&told).to_bytes(), [1, 2, 3, 0, 3, 98, 2, 1, 200, 1]);
}

#[test]
fn what_no_sketch_is_written_as_is_refused() {
    for (bytes, why) in [
        (&[][..], "it is empty"),
        (&[2, 0, 0], "its version is another"),
        (&[1], "it ends early"),
        (&[1, 0, 2, 0, 1], "it ends early"),
        (&[1, 0, 1, 0], "it ends early"),
        (&[1, 0, 1, 0, 0], "a bucket is empty"),
        (&[1, 0, 1, 0x82, 0x10, 1], "a bucket has no such number"),
        (&[1, 0, 2, 5, 1, 0, 1], "it is not as such are written"),
        (&[1, 0, 0, 0], "it is not as such are written"),
        (&[1, 0x80, 0, 0], "it is not as such are written"),
    ] {
        assert_eq!(Sketch::from_bytes(bytes), Err(SketchError::NoSketch(why)), "{bytes:?}");
    }
}

#[test]
fn any_changed_byte_is_another_sketch_or_none() {
    let sketch = sketch(&[0, 3, 500, 500, 70_000, i64::MAX]);
    let bytes = sketch.to_bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert_ne!(Sketch::from_bytes(&changed).ok().as_ref(), Some(&sketch), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn what_cannot_be_counted_is_an_error_and_no_other_number() {
    let mut one = sketch(&[5]);
    assert_eq!(one.add(-1), Err(SketchError::BelowZero));
    let many =
        |at: u8| Sketch::from_bytes(&[1, 0, 1, at, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]).expect("a sketch");
    assert_eq!(one.merge(&many(4)), Err(SketchError::TooMany));
    let mut two = many(4);
    two.merge(&many(9)).expect("each bucket can be counted");
    assert_eq!(two.quantile(1, 2), Err(SketchError::TooMany));
    for (part, whole) in [(-1, 2), (3, 2), (0, 0), (-1, -1)] {
        assert_eq!(sketch(&[5]).quantile(part, whole), Err(SketchError::NoQuantile), "{part}/{whole}");
    }
    assert_eq!(Sketch::default().quantile(1, 2), Ok(None));
}
