//! One value of an Arrow array as text: the same digits in every format.
//!
//! Text is exact: every digit of a decimal, the shortest digits of a float that read back, a fixed
//! number of decimals per unit of time. Absent: unions, which are refused before the first row.

mod bytes;
mod moment;
mod nested;
mod number;

use std::fmt::{Display, Write};

use arrow::array::{Array, ArrayRef, AsArray, LargeStringArray, RecordBatch, StringArray, StringViewArray};
use arrow::datatypes::{
    DataType, Field, FieldRef, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use chrono_tz::Tz;

pub(crate) use bytes::push_base64 as base64;
pub(crate) use moment::offset_minutes;
pub(crate) use nested::{Dialect, push_value};

use crate::losses::Losses;

/// How cells become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TextStyle {
    pub(crate) dialect: Dialect,
    /// The zone in which timestamps with a zone stand; UTC if there is none.
    pub(crate) zone: Option<Tz>,
    /// Whether whole numbers of 64 bits are texts.
    pub(crate) int64_as_text: bool,
}

impl TextStyle {
    /// JSON in UTC, with every number a number.
    pub(crate) const JSON: Self = Self { dialect: Dialect::Json, zone: None, int64_as_text: false };

    /// JSON with the timestamps in a zone.
    pub(crate) fn in_zone(zone: Option<Tz>) -> Self {
        Self { zone, ..Self::JSON }
    }
}

/// What the text of a cell is to a format that knows types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellKind {
    /// No value; nothing was written.
    Null,
    /// A JSON literal as it stands: a finite number, a boolean, an array, an object.
    Literal,
    /// A text, which JSON puts in quotes.
    Text,
}

/// Why a cell has no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CellFault {
    /// A map has this key twice.
    RepeatedKey(String),
    /// No text for this type.
    Unsupported(DataType),
    /// This value has no form in XML Schema.
    NoXml(String),
    /// The type it has in the file does not hold it.
    NoCast(String),
}

/// Appends the text of one cell, and notes what a reader may not get back.
pub(crate) fn push_cell(
    out: &mut String,
    field: &Field,
    array: &dyn Array,
    row: usize,
    style: TextStyle,
    losses: &mut Losses,
) -> Result<CellKind, CellFault> {
    if array.is_null(row) {
        return Ok(CellKind::Null);
    }
    let data_type = array.data_type();
    match data_type {
        DataType::Null => Ok(CellKind::Null),
        DataType::Boolean => Ok(literal(out, array.as_boolean().value(row))),
        DataType::Dictionary(_, _) | DataType::RunEndEncoded(_, _) => match repacked(array, row) {
            Repacked::Value(values, index) => push_cell(out, field, values, index, style, losses),
            Repacked::Null | Repacked::Plain => Ok(CellKind::Null),
        },
        DataType::Union(_, _) => Err(CellFault::Unsupported(data_type.clone())),
        _ if data_type.is_nested() => nested::push_nested(out, array, row, style, losses),
        _ if data_type.is_temporal() => Ok(moment::push_moment(out, array, row, style.zone, losses)),
        _ if data_type.is_numeric() => Ok(number::push_number(out, array, row, style, losses)),
        _ => Ok(match text(array, row) {
            Some(text) => {
                out.push_str(text);
                CellKind::Text
            }
            None => bytes::push_bytes(out, field, array, row),
        }),
    }
}

/// A column of one chunk, whose kind is looked at once and not for every cell.
pub(crate) struct Cells<'a> {
    pub(crate) array: &'a dyn Array,
    texts: Option<Texts<'a>>,
}

enum Texts<'a> {
    Small(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
}

impl<'a> Cells<'a> {
    /// The columns of a chunk.
    pub(crate) fn of(chunk: &'a RecordBatch) -> Vec<Self> {
        let of = |array: &'a ArrayRef| {
            let texts = match array.data_type() {
                DataType::Utf8 => Some(Texts::Small(array.as_string())),
                DataType::LargeUtf8 => Some(Texts::Large(array.as_string())),
                DataType::Utf8View => Some(Texts::View(array.as_string_view())),
                _ => None,
            };
            Self { array: array.as_ref(), texts }
        };
        chunk.columns().iter().map(of).collect()
    }

    /// The text of a cell of a text column; nothing where it is null.
    pub(crate) fn text(&self, row: usize) -> Option<Option<&'a str>> {
        Some(match self.texts.as_ref()? {
            Texts::Small(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Texts::Large(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Texts::View(texts) => texts.is_valid(row).then(|| texts.value(row)),
        })
    }
}

/// Whether a byte passes a test. Many are tested together, which is faster than to stop at the first; the last ones of a
/// text are tested twice rather than one by one.
pub(crate) fn any_byte(bytes: &[u8], test: impl Fn(u8) -> bool) -> bool {
    let ends = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>());
    match (bytes.last_chunk::<16>(), ends) {
        (Some(last), _) => bytes.as_chunks::<16>().0.iter().chain([last]).any(|block| any_of(block, &test)),
        (None, (Some(first), Some(last))) => any_of(first, &test) || any_of(last, &test),
        (None, _) => bytes.iter().any(|byte| test(*byte)),
    }
}

fn any_of<const N: usize>(block: &[u8; N], test: impl Fn(u8) -> bool) -> bool {
    block.iter().fold(0, |found, byte| found | u8::from(test(*byte))) != 0
}

/// The text of a text column, borrowed.
pub(crate) fn text(array: &dyn Array, row: usize) -> Option<&str> {
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Some(array.as_string_view().value(row)),
        _ => None,
    }
}

/// Where the value of a cell stands.
pub(crate) enum Repacked<'a> {
    /// In the array itself.
    Plain,
    /// In the values of a dictionary or of runs.
    Value(&'a dyn Array, usize),
    /// The key of a dictionary is null.
    Null,
}

/// Follows one dictionary or run to the value of a cell.
pub(crate) fn repacked(array: &dyn Array, row: usize) -> Repacked<'_> {
    match array.data_type() {
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            match dictionary_key(dictionary.keys(), row) {
                Some(key) => Repacked::Value(dictionary.values().as_ref(), key),
                None => Repacked::Null,
            }
        }
        DataType::RunEndEncoded(ends, _) => {
            let (values, index) = match ends.data_type() {
                DataType::Int16 => run(array.as_run::<Int16Type>(), row),
                DataType::Int32 => run(array.as_run::<Int32Type>(), row),
                _ => run(array.as_run::<Int64Type>(), row),
            };
            Repacked::Value(values, index)
        }
        _ => Repacked::Plain,
    }
}

/// The type of the values, however they are kept.
pub(crate) fn plain(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => plain(values),
        DataType::RunEndEncoded(_, values) => plain(values.data_type()),
        other => other,
    }
}

/// Whether the values are texts.
pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(plain(data_type), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether the type, or one inside it, passes a test.
pub(crate) fn holds(data_type: &DataType, test: &dyn Fn(&DataType) -> bool) -> bool {
    let inside = |field: &FieldRef| holds(field.data_type(), test);
    test(data_type)
        || match plain(data_type) {
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _)
            | DataType::Map(item, _) => inside(item),
            DataType::Struct(fields) => fields.iter().any(inside),
            other => test(other),
        }
}

/// Appends what prints; a `String` never refuses.
fn push(out: &mut String, value: impl Display) {
    write!(out, "{value}").unwrap_or_default();
}

fn literal(out: &mut String, value: impl Display) -> CellKind {
    push(out, value);
    CellKind::Literal
}

fn run<R: arrow::datatypes::RunEndIndexType>(array: &arrow::array::RunArray<R>, row: usize) -> (&dyn Array, usize) {
    (array.values().as_ref(), array.get_physical_index(row))
}

/// Position of the value; none where the key is null.
fn dictionary_key(keys: &dyn Array, row: usize) -> Option<usize> {
    if keys.is_null(row) {
        return None;
    }
    match keys.data_type() {
        DataType::Int8 => usize::try_from(keys.as_primitive::<Int8Type>().value(row)).ok(),
        DataType::Int16 => usize::try_from(keys.as_primitive::<Int16Type>().value(row)).ok(),
        DataType::Int32 => usize::try_from(keys.as_primitive::<Int32Type>().value(row)).ok(),
        DataType::Int64 => usize::try_from(keys.as_primitive::<Int64Type>().value(row)).ok(),
        DataType::UInt8 => Some(keys.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => Some(keys.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => usize::try_from(keys.as_primitive::<UInt32Type>().value(row)).ok(),
        _ => usize::try_from(keys.as_primitive::<UInt64Type>().value(row)).ok(),
    }
}

#[cfg(test)]
mod tests;
