//! How an identifier stands in a column: the bytes that plain encoding gives it, and a quick test for them.
//!
//! Absent: values that are equal without being written alike, such as text in another case.

use std::collections::HashSet;

use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::schema::types::ColumnDescriptor;

/// The bytes of `value` in `column`: none when the column cannot hold it.
///
/// # Errors
/// Nothing, when the column holds nothing that an identifier is compared with.
pub(super) fn plain(column: &ColumnDescriptor, value: &str) -> Result<Option<Vec<u8>>, ()> {
    let (logical, converted) = (column.logical_type_ref(), column.converted_type());
    let whole = matches!(logical, None | Some(LogicalType::Integer(_)))
        && !matches!(
            converted,
            ConvertedType::DECIMAL
                | ConvertedType::DATE
                | ConvertedType::TIME_MILLIS
                | ConvertedType::TIME_MICROS
                | ConvertedType::TIMESTAMP_MILLIS
                | ConvertedType::TIMESTAMP_MICROS
        );
    let unsigned = matches!(
        converted,
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
    ) || matches!(logical, Some(LogicalType::Integer(of)) if !of.is_signed);
    let decimal = matches!(logical, Some(LogicalType::Decimal(_))) || converted == ConvertedType::DECIMAL;
    match column.physical_type() {
        Type::BYTE_ARRAY if !decimal => Ok(Some(value.as_bytes().to_vec())),
        Type::INT32 if whole && unsigned => Ok(number::<u32>(value).map(|number| number.to_le_bytes().to_vec())),
        Type::INT32 if whole => Ok(number::<i32>(value).map(|number| number.to_le_bytes().to_vec())),
        Type::INT64 if whole && unsigned => Ok(number::<u64>(value).map(|number| number.to_le_bytes().to_vec())),
        Type::INT64 if whole => Ok(number::<i64>(value).map(|number| number.to_le_bytes().to_vec())),
        Type::FIXED_LEN_BYTE_ARRAY if matches!(logical, Some(LogicalType::Uuid)) => Ok(uuid(value)),
        Type::FIXED_LEN_BYTE_ARRAY if logical.is_none() && converted == ConvertedType::NONE => {
            let length = usize::try_from(column.type_length());
            // Many writers do not say that 16 bytes are a UUID, which in text has 36 letters.
            let written = if length == Ok(16) { uuid(value) } else { None };
            Ok(written.or_else(|| (length == Ok(value.len())).then(|| value.as_bytes().to_vec())))
        }
        _ => Err(()),
    }
}

/// The number that `value` is the one way to write of.
fn number<T: std::str::FromStr + ToString>(value: &str) -> Option<T> {
    value.parse().ok().filter(|number: &T| number.to_string() == value)
}

/// The 16 bytes of a UUID in its usual form, in digits of either case.
fn uuid(value: &str) -> Option<Vec<u8>> {
    let bytes = value.as_bytes();
    let dashes = [8, 13, 18, 23];
    if bytes.len() != 36 || dashes.iter().any(|at| bytes[*at] != b'-') {
        return None;
    }
    let digits: Vec<u8> = (0..36)
        .filter(|at| !dashes.contains(at))
        .map(|at| char::from(bytes[at]).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Values that are looked for in one chunk.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    values: HashSet<Vec<u8>>,
    /// One bit for each mark that a value has; nearly every other value has a mark without a bit.
    marks: [u64; 64],
}

impl Wanted {
    pub(super) fn new(values: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let values: HashSet<Vec<u8>> = values.into_iter().collect();
        let mut marks = [0; 64];
        for (word, bit) in values.iter().map(|value| mark(value)) {
            marks[word] |= 1 << bit;
        }
        Self { values, marks }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.values.iter().map(Vec::as_slice)
    }

    pub(super) fn has(&self, value: &[u8]) -> bool {
        let (word, bit) = mark(value);
        self.marks[word] >> bit & 1 == 1 && self.values.contains(value)
    }

    /// Those of the values that `may` be there.
    pub(super) fn only(&self, may: impl Fn(&[u8]) -> bool) -> Self {
        Self::new(self.values().filter(|value| may(value)).map(<[u8]>::to_vec))
    }
}

/// A number below 64 and one below 64 again, of the length and the last bytes of a value, in which identifiers differ most.
fn mark(value: &[u8]) -> (usize, u32) {
    let last = match value.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last),
        None => value.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)),
    };
    let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
    let mixed = (last ^ length.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    (usize::from(mixed[0] & 63), u32::from(mixed[1] & 63))
}
