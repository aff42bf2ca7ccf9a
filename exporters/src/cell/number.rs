//! Numbers as text: all digits, and floats that always look like floats.
//!
//! A float prints the shortest digits that read back, always with a point, exponents always with a sign
//! (`1.0e+22`). Not a number and the infinities are texts, because JSON has no literal for them.

use arrow::array::{Array, ArrowPrimitiveType, AsArray};
use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::{CellKind, TextStyle, literal};
use crate::losses::{Loss, Losses};

/// The largest whole number up to which a double holds every one.
const DOUBLES_ALL: u64 = (1 << 53) - 1;

/// Appends a cell of an integer, float or decimal column.
pub(super) fn push_number(
    out: &mut String,
    array: &dyn Array,
    row: usize,
    style: TextStyle,
    losses: &mut Losses,
) -> CellKind {
    match array.data_type() {
        DataType::Int8 => literal(out, array.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => literal(out, array.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => literal(out, array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => push_int64(out, array.as_primitive::<Int64Type>().value(row), style, losses),
        DataType::UInt8 => literal(out, array.as_primitive::<UInt8Type>().value(row)),
        DataType::UInt16 => literal(out, array.as_primitive::<UInt16Type>().value(row)),
        DataType::UInt32 => literal(out, array.as_primitive::<UInt32Type>().value(row)),
        DataType::UInt64 => push_uint64(out, array.as_primitive::<UInt64Type>().value(row), style, losses),
        DataType::Float16 => push_half(out, array.as_primitive::<Float16Type>().value(row), losses),
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            push_float(out, &format!("{value:?}"), value.into(), losses)
        }
        DataType::Decimal32(_, scale) => {
            push_decimal(out, &array.as_primitive::<Decimal32Type>().value(row).to_string(), *scale)
        }
        DataType::Decimal64(_, scale) => {
            push_decimal(out, &array.as_primitive::<Decimal64Type>().value(row).to_string(), *scale)
        }
        DataType::Decimal128(_, scale) => {
            push_decimal(out, &array.as_primitive::<Decimal128Type>().value(row).to_string(), *scale)
        }
        DataType::Decimal256(_, scale) => {
            push_decimal(out, &array.as_primitive::<Decimal256Type>().value(row).to_string(), *scale)
        }
        _ => {
            let value = array.as_primitive::<Float64Type>().value(row);
            push_float(out, &format!("{value:?}"), value, losses)
        }
    }
}

fn push_int64(out: &mut String, value: i64, style: TextStyle, losses: &mut Losses) -> CellKind {
    if value.unsigned_abs() > DOUBLES_ALL && !style.int64_as_text {
        losses.note(Loss::Beyond2To53);
    }
    literal(out, value)
}

fn push_uint64(out: &mut String, value: u64, style: TextStyle, losses: &mut Losses) -> CellKind {
    if value > DOUBLES_ALL && !style.int64_as_text {
        losses.note(Loss::Beyond2To53);
    }
    literal(out, value)
}

/// Half floats know no shortest digits of their own: the fewest that come back as the same half float.
fn push_half(out: &mut String, value: <Float16Type as ArrowPrimitiveType>::Native, losses: &mut Losses) -> CellKind {
    let wide = value.to_f32();
    let reads_back = |given: &f32| <Float16Type as ArrowPrimitiveType>::Native::from_f32(*given) == value;
    let short = (0..6).filter_map(|digits| format!("{wide:.digits$e}").parse::<f32>().ok()).find(reads_back);
    let shown = short.unwrap_or(wide);
    push_float(out, &format!("{shown:?}"), shown.into(), losses)
}

/// `debug` is Rust's shortest form: always a point, or an exponent without a sign and maybe without a point.
fn push_float(out: &mut String, debug: &str, value: f64, losses: &mut Losses) -> CellKind {
    if !value.is_finite() {
        losses.note(Loss::NonFinite);
    }
    if value.is_nan() {
        out.push_str("NaN");
        return CellKind::Text;
    }
    if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
        return CellKind::Text;
    }
    match debug.split_once('e') {
        None => out.push_str(debug),
        Some((digits, exponent)) => {
            out.push_str(digits);
            if !digits.contains('.') {
                out.push_str(".0");
            }
            out.push_str(if exponent.starts_with('-') { "e" } else { "e+" });
            out.push_str(exponent);
        }
    }
    CellKind::Literal
}

/// A text to JSON, whose readers would round the number.
fn push_decimal(out: &mut String, unscaled: &str, scale: i8) -> CellKind {
    let (sign, digits) = unscaled.strip_prefix('-').map_or(("", unscaled), |digits| ("-", digits));
    out.push_str(sign);
    match usize::try_from(scale) {
        Ok(0) => out.push_str(digits),
        Ok(decimals) => {
            let padded = format!("{digits:0>width$}", width = decimals + 1);
            let (whole, fraction) = padded.split_at(padded.len() - decimals);
            out.push_str(whole);
            out.push('.');
            out.push_str(fraction);
        }
        Err(_) if digits == "0" => out.push('0'),
        Err(_) => {
            out.push_str(digits);
            out.extend(std::iter::repeat_n('0', usize::from(scale.unsigned_abs())));
        }
    }
    CellKind::Text
}
