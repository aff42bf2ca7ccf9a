//! The order of a column's values, and the smallest and largest of those that stay.
//!
//! Values are compared as the bytes that plain encoding gives them, without the length before a byte array. A column whose
//! order nobody defines (INT96, intervals, orders newer than this code) has no smallest and no largest value.

use std::cmp::Ordering;

use parquet::basic::{ColumnOrder, ConvertedType, IntType, LogicalType, SortOrder, Type};
use parquet::schema::types::ColumnDescriptor;

/// How the values of a column compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Bool,
    Signed32,
    Unsigned32,
    Signed64,
    Unsigned64,
    Float,
    Double,
    Half,
    Bytes,
    /// Big-endian two's complement of any length.
    Decimal,
    Unknown,
}

impl Order {
    /// The order of column `column`, for which the file states `stated`.
    pub(super) fn of(column: &ColumnDescriptor, stated: ColumnOrder) -> Self {
        let logical = column.logical_type_ref();
        let sort = ColumnOrder::sort_order_for_type(logical, column.converted_type(), column.physical_type());
        if matches!(stated, ColumnOrder::UNKNOWN) || sort == SortOrder::UNDEFINED {
            return Self::Unknown;
        }
        let unsigned = matches!(logical, Some(LogicalType::Integer(IntType { is_signed: false, .. })))
            || matches!(
                column.converted_type(),
                ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
            );
        let decimal = matches!(logical, Some(LogicalType::Decimal(_)))
            || (logical.is_none() && column.converted_type() == ConvertedType::DECIMAL);
        match column.physical_type() {
            Type::BOOLEAN => Self::Bool,
            Type::INT32 if unsigned => Self::Unsigned32,
            Type::INT32 => Self::Signed32,
            Type::INT64 if unsigned => Self::Unsigned64,
            Type::INT64 => Self::Signed64,
            Type::INT96 => Self::Unknown,
            Type::FLOAT => Self::Float,
            Type::DOUBLE => Self::Double,
            Type::FIXED_LEN_BYTE_ARRAY if matches!(logical, Some(LogicalType::Float16)) => Self::Half,
            Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY if decimal => Self::Decimal,
            Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY => Self::Bytes,
        }
    }

    /// Whether old readers, which compare all values as signed, agree with this order.
    pub(super) fn is_signed(self) -> bool {
        matches!(
            self,
            Self::Bool | Self::Signed32 | Self::Signed64 | Self::Float | Self::Double | Self::Half | Self::Decimal
        )
    }

    /// Whether a bound of a column in this order may be a cut value.
    pub(super) fn may_cut(self) -> bool {
        self == Self::Bytes
    }

    /// Compares two values, none of them NaN; values of the wrong length are equal to nothing smaller.
    pub(super) fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Self::Bytes | Self::Unknown | Self::Bool => a.cmp(b),
            Self::Decimal => compare_decimals(a, b),
            _ => self.key(a).cmp(&self.key(b)),
        }
    }

    /// Whether `value` has a place in this order; NaN has none.
    pub(super) fn counts(self, value: &[u8]) -> bool {
        match self {
            Self::Unknown => false,
            Self::Bytes | Self::Bool | Self::Decimal => true,
            _ => self.key(value).is_some(),
        }
    }

    /// A number that compares as the value does, for values of fixed width; none for NaN.
    fn key(self, value: &[u8]) -> Option<i64> {
        Some(match self {
            Self::Signed32 => i64::from(i32::from_le_bytes(value.try_into().ok()?)),
            Self::Unsigned32 => i64::from(u32::from_le_bytes(value.try_into().ok()?)),
            Self::Signed64 => i64::from_le_bytes(value.try_into().ok()?),
            Self::Unsigned64 => i64::from_le_bytes(value.try_into().ok()?) ^ i64::MIN,
            Self::Float => {
                let value = f32::from_le_bytes(value.try_into().ok()?);
                let bits = value.to_bits().cast_signed();
                i64::from((!value.is_nan()).then_some(bits ^ ((bits >> 31) & i32::MAX))?)
            }
            Self::Double => {
                let value = f64::from_le_bytes(value.try_into().ok()?);
                let bits = value.to_bits().cast_signed();
                (!value.is_nan()).then_some(bits ^ ((bits >> 63) & i64::MAX))?
            }
            Self::Half => {
                let bits = i16::from_le_bytes(value.try_into().ok()?);
                i64::from((bits & 0x7fff <= 0x7c00).then_some(bits ^ ((bits >> 15) & i16::MAX))?)
            }
            _ => return None,
        })
    }
}

/// Compares two big-endian numbers in two's complement that may differ in length.
fn compare_decimals(a: &[u8], b: &[u8]) -> Ordering {
    let negative = |value: &[u8]| value.first().is_some_and(|first| first & 0x80 != 0);
    match (negative(a), negative(b)) {
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        _ => {}
    }
    let sign = if negative(a) { 0xff } else { 0 };
    let digits = |value: &'_ [u8]| value.iter().position(|byte| *byte != sign).unwrap_or(value.len());
    let (a, b) = (&a[digits(a)..], &b[digits(b)..]);
    let longer = a.len().cmp(&b.len());
    // Of two negative numbers the one with more digits is smaller.
    (if sign == 0 { longer } else { longer.reverse() }).then_with(|| a.cmp(b))
}

/// The smallest and the largest value seen.
#[derive(Debug, Clone)]
pub(super) struct Extent {
    order: Order,
    bounds: Option<Bounds>,
}

#[derive(Debug, Clone)]
struct Bounds {
    min: Vec<u8>,
    max: Vec<u8>,
    /// The first bytes of both as numbers, which settle most comparisons.
    min_head: u64,
    max_head: u64,
}

impl Extent {
    pub(super) fn new(order: Order) -> Self {
        Self { order, bounds: None }
    }

    /// Takes one value into account. NaN and values without an order do not count.
    pub(super) fn see(&mut self, value: &[u8]) {
        match (&mut self.bounds, self.order) {
            (_, Order::Unknown) => {}
            (Some(bounds), Order::Bytes) => {
                let head = head(value);
                if head < bounds.min_head || (head == bounds.min_head && value < bounds.min.as_slice()) {
                    replace(&mut bounds.min, value);
                    bounds.min_head = head;
                } else if head > bounds.max_head || (head == bounds.max_head && value > bounds.max.as_slice()) {
                    replace(&mut bounds.max, value);
                    bounds.max_head = head;
                }
            }
            (Some(bounds), Order::Bool | Order::Decimal) => {
                if self.order.compare(value, &bounds.min).is_lt() {
                    replace(&mut bounds.min, value);
                } else if self.order.compare(value, &bounds.max).is_gt() {
                    replace(&mut bounds.max, value);
                }
            }
            (Some(bounds), order) => {
                let Some(key) = order.key(value) else { return };
                if order.key(&bounds.min).is_none_or(|min| key < min) {
                    replace(&mut bounds.min, value);
                }
                if order.key(&bounds.max).is_none_or(|max| key > max) {
                    replace(&mut bounds.max, value);
                }
            }
            (None, order) => {
                let head = head(value);
                self.bounds = order.counts(value).then(|| Bounds {
                    min: value.to_vec(),
                    max: value.to_vec(),
                    min_head: head,
                    max_head: head,
                });
            }
        }
    }

    /// Takes values of `width` bytes into account, one after the other in `values`.
    pub(super) fn see_all(&mut self, values: &[u8], width: usize) {
        if matches!(self.order, Order::Unknown | Order::Bytes | Order::Bool | Order::Decimal) {
            if self.order != Order::Unknown && width > 0 {
                values.chunks_exact(width).for_each(|value| self.see(value));
            }
            return;
        }
        let order = self.order;
        let mut least: Option<(i64, usize)> = None;
        let mut most: Option<(i64, usize)> = None;
        for (at, value) in values.chunks_exact(width.max(1)).enumerate() {
            let Some(key) = order.key(value) else { continue };
            if least.is_none_or(|(known, _)| key < known) {
                least = Some((key, at));
            }
            if most.is_none_or(|(known, _)| key > known) {
                most = Some((key, at));
            }
        }
        for (_, at) in [least, most].into_iter().flatten() {
            self.see(&values[at * width..(at + 1) * width]);
        }
    }

    /// Takes what another extent has seen into account.
    pub(super) fn merge(&mut self, other: &Self) {
        if let Some(bounds) = &other.bounds {
            self.see(&bounds.min);
            self.see(&bounds.max);
        }
    }

    /// Smallest and largest value, if any value counted. A zero bound of floats is signed so that it bounds both zeros.
    pub(super) fn bounds(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let bounds = self.bounds.as_ref()?;
        let (mut min, mut max) = (bounds.min.clone(), bounds.max.clone());
        if matches!(self.order, Order::Float | Order::Double | Order::Half) {
            if let Some((last, rest)) = min.split_last_mut()
                && *last == 0
                && rest.iter().all(|byte| *byte == 0)
            {
                *last = 0x80;
            }
            if let Some((last, rest)) = max.split_last_mut()
                && *last == 0x80
                && rest.iter().all(|byte| *byte == 0)
            {
                *last = 0;
            }
        }
        Some((min, max))
    }
}

fn replace(bound: &mut Vec<u8>, value: &[u8]) {
    bound.clear();
    bound.extend_from_slice(value);
}

/// The first eight bytes of `value` as a number, filled up with zeros: where two heads differ, the values compare as they do.
fn head(value: &[u8]) -> u64 {
    match value.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let mut first = [0; 8];
            first[..value.len()].copy_from_slice(value);
            u64::from_be_bytes(first)
        }
    }
}

/// The longest prefix of `value` with at most `length` bytes that is a lower bound of it; text stays text.
pub(super) fn cut_min(value: &[u8], length: usize) -> Vec<u8> {
    match std::str::from_utf8(value) {
        Ok(text) => value[..text.floor_char_boundary(length)].to_vec(),
        Err(_) => value[..length.min(value.len())].to_vec(),
    }
}

/// An upper bound of `value` with at most `length` bytes, if there is one; text stays text.
pub(super) fn cut_max(value: &[u8], length: usize) -> Option<Vec<u8>> {
    if value.len() <= length {
        return Some(value.to_vec());
    }
    let Ok(text) = std::str::from_utf8(value) else {
        let mut cut = value[..length].to_vec();
        while let Some(last) = cut.pop() {
            if let Some(next) = last.checked_add(1) {
                cut.push(next);
                return Some(cut);
            }
        }
        return None;
    };
    let mut cut: Vec<char> = text[..text.floor_char_boundary(length)].chars().collect();
    while let Some(last) = cut.pop() {
        let next = char::from_u32(u32::from(last) + 1).filter(|next| next.len_utf8() == last.len_utf8());
        if let Some(next) = next {
            cut.push(next);
            return Some(cut.into_iter().collect::<String>().into_bytes());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(order: Order, values: &[&[u8]]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut one_by_one = Extent::new(order);
        values.iter().for_each(|value| one_by_one.see(value));
        if let Some(width) = values.first().map(|value| value.len())
            && values.iter().all(|value| value.len() == width)
        {
            let mut at_once = Extent::new(order);
            at_once.see_all(&values.concat(), width);
            assert_eq!(at_once.bounds(), one_by_one.bounds(), "{order:?}");
        }
        one_by_one.bounds()
    }

    #[test]
    fn numbers_compare_by_their_type() {
        let ints: Vec<[u8; 4]> = [5i32, -3, 7].map(i32::to_le_bytes).to_vec();
        let ints: Vec<&[u8]> = ints.iter().map(<[u8; 4]>::as_slice).collect();
        let bytes = |low: i32, high: i32| Some((low.to_le_bytes().to_vec(), high.to_le_bytes().to_vec()));
        assert_eq!(extent(Order::Signed32, &ints), bytes(-3, 7));
        assert_eq!(extent(Order::Unsigned32, &ints), bytes(5, -3));
        let longs: Vec<[u8; 8]> = [5i64, -3, 7].map(i64::to_le_bytes).to_vec();
        let longs: Vec<&[u8]> = longs.iter().map(<[u8; 8]>::as_slice).collect();
        assert_eq!(
            extent(Order::Unsigned64, &longs),
            Some(((5i64).to_le_bytes().into(), (-3i64).to_le_bytes().into()))
        );
        assert_eq!(extent(Order::Unknown, &longs), None);
    }

    #[test]
    fn floats_skip_nan_and_bound_both_zeros() {
        let bounds = |values: &[f64]| {
            let bytes: Vec<[u8; 8]> = values.iter().map(|value| value.to_le_bytes()).collect();
            let bounds = extent(Order::Double, &bytes.iter().map(<[u8; 8]>::as_slice).collect::<Vec<_>>())?;
            Some((f64::from_le_bytes(bounds.0.try_into().unwrap()), f64::from_le_bytes(bounds.1.try_into().unwrap())))
        };
        assert_eq!(bounds(&[f64::NAN, 1.5, -2.5, f64::NAN]), Some((-2.5, 1.5)));
        assert_eq!(bounds(&[f64::NAN, -f64::NAN]), None);
        let (min, max) = bounds(&[0.0, 0.0]).unwrap();
        assert!(min.is_sign_negative() && max.is_sign_positive());
        let (min, max) = bounds(&[-0.0, -0.0]).unwrap();
        assert!(min.is_sign_negative() && max.is_sign_positive());
        assert_eq!(bounds(&[f64::NEG_INFINITY, f64::INFINITY]), Some((f64::NEG_INFINITY, f64::INFINITY)));
        let halves: [&[u8]; 4] = [&[0x00, 0x3c], &[0x00, 0xbc], &[0x01, 0x7c], &[0x00, 0x40]];
        assert_eq!(
            extent(Order::Half, &halves),
            Some((vec![0x00, 0xbc], vec![0x00, 0x40])),
            "-1 and 2, the NaN is skipped"
        );
    }

    #[test]
    fn bytes_compare_beyond_their_first_eight() {
        let values: [&[u8]; 6] = [b"user-000002", b"user-000001", b"user-0000", b"user-000003", b"", b"user-000003\0"];
        assert_eq!(extent(Order::Bytes, &values), Some((b"".to_vec(), b"user-000003\0".to_vec())));
        assert_eq!(extent(Order::Bytes, &values[..4]), Some((b"user-0000".to_vec(), b"user-000003".to_vec())));
    }

    #[test]
    fn decimals_compare_across_lengths() {
        let pairs: [(&[u8], &[u8], Ordering); 7] = [
            (&[0x7f], &[0x00, 0x80], Ordering::Less),
            (&[0xff], &[0x00], Ordering::Less),
            (&[0xff, 0x10], &[0xf0], Ordering::Less),
            (&[0xff, 0xff, 0x80], &[0x80], Ordering::Equal),
            (&[0x00, 0x05], &[0x05], Ordering::Equal),
            (&[0xfe, 0x00], &[0x80], Ordering::Less),
            (&[], &[0x00], Ordering::Equal),
        ];
        for (a, b, expected) in pairs {
            assert_eq!(compare_decimals(a, b), expected, "{a:?} {b:?}");
            assert_eq!(compare_decimals(b, a), expected.reverse(), "{b:?} {a:?}");
        }
    }

    #[test]
    fn a_cut_bound_still_bounds() {
        assert_eq!(cut_min("aé".as_bytes(), 2), b"a");
        assert_eq!(cut_max("aé".as_bytes(), 2), Some(b"b".to_vec()));
        assert_eq!(cut_max("a\u{7f}b".as_bytes(), 2), Some(b"b".to_vec()), "a character does not grow");
        assert_eq!(cut_max(&[0xff, 0xff, 0x01], 2), None);
        assert_eq!(cut_max(&[0x01, 0xff, 0x01], 2), Some(vec![0x02]));
        assert_eq!(cut_max(b"ab", 2), Some(b"ab".to_vec()));
    }
}
