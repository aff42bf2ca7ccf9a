//! Values into decimal columns: exactly, or not at all.
//!
//! Arrow's own casts round what has too many digits after the point; a price must not change on its way in.
//! Absent: rounding, thousands separators, currency signs and blanks.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, new_null_array};
use arrow::datatypes::{DataType, DecimalType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// Digits of a decimal number that every 64-bit float keeps; JSON readers hand numbers over as floats.
const FLOAT_DIGITS: usize = 15;

/// Each value as `dec(precision,scale)`; one that does not fit exactly is null.
pub(crate) fn to_decimal(given: &ArrayRef, precision: u8, scale: i8) -> ArrayRef {
    let target = DataType::Decimal128(precision, scale);
    let fits = |value: &i128| arrow::datatypes::Decimal128Type::is_valid_decimal_precision(*value, precision);
    let values: Vec<Option<i128>> = match given.data_type() {
        DataType::Float32 | DataType::Float64 => {
            let Ok(wide) = arrow::compute::cast(given, &DataType::Float64) else {
                return new_null_array(&target, given.len());
            };
            let floats = wide.as_primitive::<Float64Type>().iter();
            floats.map(|value| value.and_then(|value| of_float(value, scale)).filter(fits)).collect()
        }
        kind if is_text(kind) || kind.is_integer() || kind.is_decimal() => {
            const OPTIONS: FormatOptions<'static> = FormatOptions::new();
            let Ok(text) = ArrayFormatter::try_new(given.as_ref(), &OPTIONS) else {
                return new_null_array(&target, given.len());
            };
            let value = |row: usize| {
                given.is_valid(row).then(|| text.value(row).to_string()).and_then(|text| of_text(&text, scale))
            };
            (0..given.len()).map(|row| value(row).filter(fits)).collect()
        }
        _ => return new_null_array(&target, given.len()),
    };
    Arc::new(Decimal128Array::from(values).with_data_type(target))
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The number that was written: the shortest digits that read back as this float, when it surely kept them all.
fn of_float(value: f64, scale: i8) -> Option<i128> {
    let shortest = format!("{value:e}");
    let (digits, _) = shortest.split_once('e')?;
    let significant = digits.bytes().filter(u8::is_ascii_digit).count();
    if significant > FLOAT_DIGITS { None } else { of_text(&shortest, scale) }
}

/// `[+-]digits[.digits][e[+-]digits]` times ten to the power of `scale`, when that is a whole number.
fn of_text(text: &str, scale: i8) -> Option<i128> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // The digits stand for themselves times ten to the power of `shift`.
    let mut shift = exponent.checked_add(i32::from(scale))?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    if digits.bytes().all(|byte| byte == b'0') {
        return Some(0);
    }
    while shift < 0 {
        if digits.pop()? != '0' {
            return None;
        }
        shift += 1;
    }
    let power = 10_i128.checked_pow(u32::try_from(shift).ok()?)?;
    let value = digits.parse::<i128>().ok()?.checked_mul(power)?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray};

    use super::*;

    #[track_caller]
    fn check(given: impl Array + 'static, precision: u8, scale: i8, expected: &[Option<i128>]) {
        let array = to_decimal(&(Arc::new(given) as ArrayRef), precision, scale);
        assert_eq!(array.data_type(), &DataType::Decimal128(precision, scale));
        let found: Vec<Option<i128>> = array.as_primitive::<arrow::datatypes::Decimal128Type>().iter().collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_text_is_taken_whole_or_not_at_all() {
        let given = vec!["1.5", "-0.0001", "1.00000", "+7", "1e2", "2.5E-1", ".5", "3.", "0e99", "-0"];
        let exact = [15_000, -1, 10_000, 70_000, 1_000_000, 2_500, 5_000, 30_000, 0, 0].map(Some);
        check(StringArray::from(given), 18, 4, &exact);
        let refused = vec!["1.00001", "", ".", "-", "1,5", " 1", "1 ", "0x1", "NaN", "1e", "1.2.3", "--1", "1e-5", "٣"];
        check(StringArray::from(refused.clone()), 18, 4, &vec![None; refused.len()]);
    }

    #[test]
    fn precision_is_a_limit() {
        check(StringArray::from(vec!["99.99", "100.00", "-100", "1e30"]), 4, 2, &[Some(9_999), None, None, None]);
        let longest = "12345678901234567890123.456789012345678";
        check(StringArray::from(vec![longest]), 38, 15, &[Some(12_345_678_901_234_567_890_123_456_789_012_345_678)]);
        check(StringArray::from(vec!["1e2147483647", "1e-2147483648", "1e99999999999"]), 38, 15, &[None, None, None]);
    }

    #[test]
    fn a_float_counts_when_it_kept_every_digit() {
        let given =
            vec![Some(12.3), Some(-0.1), Some(1e-7), Some(0.1 + 0.2), Some(f64::NAN), Some(f64::INFINITY), None];
        check(Float64Array::from(given), 18, 4, &[Some(123_000), Some(-1_000), None, None, None, None, None]);
        check(
            Float64Array::from(vec![0.1 + 0.2, 123_456_789.012_345]),
            38,
            17,
            &[None, Some(12_345_678_901_234_500_000_000_000)],
        );
    }

    #[test]
    fn whole_numbers_and_other_decimals_are_exact() {
        check(
            Int64Array::from(vec![Some(3), Some(i64::MIN), None]),
            38,
            2,
            &[Some(300), Some(-922_337_203_685_477_580_800), None],
        );
        let wide = Decimal128Array::from(vec![1_500, 1_501]).with_data_type(DataType::Decimal128(10, 3));
        check(wide, 10, 2, &[Some(150), None]);
        check(arrow::array::BooleanArray::from(vec![true]), 10, 2, &[None]);
    }
}
