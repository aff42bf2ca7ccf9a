//! Which casts keep every value as it is.

use datafusion_common::arrow::datatypes::{DataType, FieldRef};

/// Whether a cast between these types loses nothing, so that the value is the one it was.
pub(super) fn is_lossless(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Date32, Date64, Decimal32, Decimal64, Decimal128, Decimal256, Dictionary, Duration,
        FixedSizeBinary, Float16, Float32, Float64, LargeBinary, LargeUtf8, Null, RunEndEncoded, Time32, Time64,
        Timestamp, Utf8, Utf8View,
    };
    if from == to {
        return true;
    }
    match (from, to) {
        (Null, _)
        | (Utf8 | LargeUtf8 | Utf8View, Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView)
        | (Binary | LargeBinary | BinaryView | FixedSizeBinary(_), Binary | LargeBinary | BinaryView)
        | (Float16, Float32 | Float64)
        | (Float32, Float64)
        | (Date32, Date64) => true,
        (Dictionary(_, values), other) => is_lossless(values, other),
        (RunEndEncoded(_, values), other) => is_lossless(values.data_type(), other),
        (other, Dictionary(_, values)) => is_lossless(other, values),
        (Timestamp(from, from_zone), Timestamp(to, to_zone)) => from_zone == to_zone && from <= to,
        (Duration(from), Duration(to)) => from <= to,
        (Time32(from) | Time64(from), Time32(to) | Time64(to)) => from <= to,
        (
            Decimal32(digits, scale) | Decimal64(digits, scale) | Decimal128(digits, scale) | Decimal256(digits, scale),
            Decimal32(wide, fine) | Decimal64(wide, fine) | Decimal128(wide, fine) | Decimal256(wide, fine),
        ) => {
            let whole = |digits: u8, scale: i8| i16::from(digits) - i16::from(scale);
            fine >= scale && whole(*wide, *fine) >= whole(*digits, *scale)
        }
        _ => is_wider_integer(from, to) || holds_the_same(from, to),
    }
}

/// Of an integer type: whether it has a sign, and its bits.
fn integer(of: &DataType) -> Option<(bool, i16)> {
    Some(match of {
        DataType::Int8 => (true, 8),
        DataType::Int16 => (true, 16),
        DataType::Int32 => (true, 32),
        DataType::Int64 => (true, 64),
        DataType::UInt8 => (false, 8),
        DataType::UInt16 => (false, 16),
        DataType::UInt32 => (false, 32),
        DataType::UInt64 => (false, 64),
        _ => return None,
    })
}

/// Whether every integer of `from` is one of `to`.
fn is_wider_integer(from: &DataType, to: &DataType) -> bool {
    let Some((is_signed, bits)) = integer(from) else { return false };
    let value_bits = if is_signed { bits - 1 } else { bits };
    match to {
        DataType::Float16 => value_bits <= 11,
        DataType::Float32 => value_bits <= 24,
        DataType::Float64 => value_bits <= 53,
        DataType::Decimal32(digits, scale)
        | DataType::Decimal64(digits, scale)
        | DataType::Decimal128(digits, scale)
        | DataType::Decimal256(digits, scale) => {
            let needed = match value_bits {
                ..9 => 3,
                9..17 => 5,
                17..33 => 10,
                33..64 => 19,
                _ => 20,
            };
            *scale >= 0 && i16::from(*digits) - i16::from(*scale) >= needed
        }
        other => integer(other).is_some_and(|(to_is_signed, to_bits)| {
            let to_value_bits = if to_is_signed { to_bits - 1 } else { to_bits };
            (to_is_signed || !is_signed) && to_value_bits >= value_bits
        }),
    }
}

/// Whether both are lists, or structs with the same names, of what is cast without loss.
fn holds_the_same(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Struct(from), DataType::Struct(to)) => {
            let is_same = |(from, to): (&FieldRef, &FieldRef)| {
                from.name() == to.name() && is_lossless(from.data_type(), to.data_type())
            };
            from.len() == to.len() && from.iter().zip(to).all(is_same)
        }
        _ => match (element(from), element(to)) {
            (Some(from), Some(to)) => is_lossless(from, to),
            (Some(_) | None, _) => false,
        },
    }
}

fn element(list: &DataType) -> Option<&DataType> {
    match list {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::ListView(field)
        | DataType::LargeListView(field) => Some(field.data_type()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion_common::arrow::datatypes::TimeUnit::{Microsecond, Nanosecond};

    #[test]
    fn what_is_wider_keeps_every_value() {
        use DataType::{Decimal128, Float64, Int32, Int64, LargeUtf8, UInt32, Utf8, Utf8View};
        let micros = DataType::Timestamp(Microsecond, None);
        let nanos = DataType::Timestamp(Nanosecond, None);
        let zoned = DataType::Timestamp(Nanosecond, Some("UTC".into()));
        let kept = [
            (&Int32, &Int64),
            (&UInt32, &Int64),
            (&Int32, &Float64),
            (&Utf8, &LargeUtf8),
            (&Utf8View, &Utf8),
            (&micros, &nanos),
            (&Decimal128(10, 2), &Decimal128(12, 3)),
            (&Int64, &Decimal128(20, 0)),
        ];
        for (from, to) in kept {
            assert!(is_lossless(from, to), "{from} to {to}");
        }
        let lost = [
            (&Int64, &Int32),
            (&Int32, &UInt32),
            (&Int64, &Float64),
            (&Utf8, &Int64),
            (&nanos, &micros),
            (&nanos, &zoned),
            (&Decimal128(12, 3), &Decimal128(12, 4)),
        ];
        for (from, to) in lost {
            assert!(!is_lossless(from, to), "{from} to {to}");
        }
    }
}
