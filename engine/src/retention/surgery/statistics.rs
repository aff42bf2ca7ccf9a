//! What a file states about values: bounds, counts and histograms, restated for values that changed.
//!
//! Only what the source stated is stated again, so a reader finds neither more nor less than its writer promised. Bounds
//! that old writers ordered as signed stay in their old fields, and only where that order is right.

use super::order::{Extent, Order, cut_max, cut_min};
use super::thrift::{Struct, Value};

/// Smallest and largest value, or bounds of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) min: Vec<u8>,
    pub(super) max: Vec<u8>,
    pub(super) min_exact: bool,
    pub(super) max_exact: bool,
}

/// Bytes of a bound where its writer says whether it is exact, and in an index of pages.
pub(super) const CUT_BYTES: usize = 64;
/// Bytes of a bound that cannot say that it was cut; a longer one is left out.
const UNCUT_BYTES_MAX: usize = 4096;

impl Bounds {
    /// The bounds of what `extent` saw, if it saw any value that counts.
    pub(super) fn exact(extent: &Extent) -> Option<Self> {
        extent.bounds().map(|(min, max)| Self { min, max, min_exact: true, max_exact: true })
    }

    /// The same with `length` bytes at most, where the order allows it.
    pub(super) fn cut(&self, order: Order, length: usize) -> Self {
        let mut cut = self.clone();
        if order.may_cut() && self.min.len() > length {
            cut.min = cut_min(&self.min, length);
            cut.min_exact = false;
        }
        if order.may_cut()
            && self.max.len() > length
            && let Some(max) = cut_max(&self.max, length)
        {
            cut.max = max;
            cut.max_exact = false;
        }
        cut
    }
}

/// Numbers of the fields of `Statistics`.
mod field {
    pub(super) const OLD_MAX: i16 = 1;
    pub(super) const OLD_MIN: i16 = 2;
    pub(super) const NULLS: i16 = 3;
    pub(super) const DISTINCT: i16 = 4;
    pub(super) const MAX: i16 = 5;
    pub(super) const MIN: i16 = 6;
    pub(super) const MAX_EXACT: i16 = 7;
    pub(super) const MIN_EXACT: i16 = 8;
}

/// Number of the field of `Statistics` that counts NaN.
pub(super) const NAN_COUNT: i16 = 9;

/// Whether `old` has bounds that cannot be restated in `order`.
pub(super) fn loses_bounds(old: &Struct, order: Order) -> bool {
    let (old_kind, new_kind) =
        (old.has(field::OLD_MAX) || old.has(field::OLD_MIN), old.has(field::MAX) || old.has(field::MIN));
    (old_kind || new_kind) && (order == Order::Unknown || (!new_kind && !order.is_signed()))
}

/// The bounds that `old` states, if it says of both that they are the smallest and the largest value themselves.
pub(super) fn exact(old: &Struct) -> Option<Bounds> {
    let are_exact = [field::MIN_EXACT, field::MAX_EXACT].iter().all(|exact| old.bool(*exact) == Some(true));
    let (min, max) = old.binary(field::MIN).zip(old.binary(field::MAX)).filter(|_| are_exact)?;
    Some(Bounds { min: min.to_vec(), max: max.to_vec(), min_exact: true, max_exact: true })
}

/// Whether `old` states bounds of any kind.
pub(super) fn has_bounds(old: &Struct) -> bool {
    [field::OLD_MAX, field::OLD_MIN, field::MAX, field::MIN].iter().any(|bound| old.has(*bound))
}

/// Bytes that a bound may have where `old` says of its bounds whether they are exact: as many as the one it cut, if it did.
fn cut_bytes(old: &Struct) -> usize {
    let cut = [(field::MIN, field::MIN_EXACT), (field::MAX, field::MAX_EXACT)];
    let cut = cut.into_iter().filter(|(_, exact)| old.bool(*exact) == Some(false));
    cut.filter_map(|(bound, _)| old.binary(bound).map(<[u8]>::len)).max().unwrap_or(CUT_BYTES)
}

/// The statistics `old` of a chunk or a page, for the values it has after a change. NaN are not counted anew.
pub(super) fn restate(
    old: &Struct,
    order: Order,
    bounds: Option<&Bounds>,
    (nulls, distinct): (usize, Option<usize>),
) -> Struct {
    let mut new = Struct::default();
    // Counts in memory fit 63 bits.
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    if old.has(field::NULLS) {
        new.set_i64(field::NULLS, count(nulls));
    }
    if let (true, Some(distinct)) = (old.has(field::DISTINCT), distinct) {
        new.set_i64(field::DISTINCT, count(distinct));
    }
    let says_exact = old.has(field::MAX_EXACT) || old.has(field::MIN_EXACT);
    let bounds = bounds
        .filter(|_| order != Order::Unknown)
        .map(|bounds| if says_exact { bounds.cut(order, cut_bytes(old)) } else { bounds.clone() });
    let Some(bounds) = bounds.filter(|bounds| says_exact || bounds.min.len().max(bounds.max.len()) <= UNCUT_BYTES_MAX)
    else {
        return new;
    };
    if (old.has(field::OLD_MAX) || old.has(field::OLD_MIN)) && order.is_signed() {
        new.set(field::OLD_MAX, Value::Binary(bounds.max.clone()));
        new.set(field::OLD_MIN, Value::Binary(bounds.min.clone()));
    }
    if old.has(field::MAX) || old.has(field::MIN) {
        new.set(field::MAX, Value::Binary(bounds.max));
        new.set(field::MIN, Value::Binary(bounds.min));
        if says_exact || !bounds.max_exact || !bounds.min_exact {
            new.set(field::MAX_EXACT, Value::Bool(bounds.max_exact));
            new.set(field::MIN_EXACT, Value::Bool(bounds.min_exact));
        }
    }
    new
}

/// Number of levels for each level up to `max`.
pub(super) fn histogram(levels: &[u8], max: u8) -> Vec<i64> {
    let mut counts = vec![0; usize::from(max) + 1];
    // A loop over one count at a time is faster than one over the levels, for there are few of them.
    for (level, count) in (0..=max).zip(&mut counts) {
        *count = i64::try_from(levels.iter().filter(|found| **found == level).count()).unwrap_or(i64::MAX);
    }
    counts
}
