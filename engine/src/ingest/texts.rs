//! A column of text, however Arrow lays it out.

use arrow::array::{Array, ArrayRef, AsArray, LargeStringArray, StringArray, StringViewArray};
use arrow::datatypes::DataType;

/// The values of a text column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Texts<'a> {
    Plain(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
}

/// The column's values, where it is one of text.
pub(crate) fn texts(array: &ArrayRef) -> Option<Texts<'_>> {
    match array.data_type() {
        DataType::Utf8 => array.as_string_opt::<i32>().map(Texts::Plain),
        DataType::LargeUtf8 => array.as_string_opt::<i64>().map(Texts::Large),
        DataType::Utf8View => array.as_string_view_opt().map(Texts::View),
        _ => None,
    }
}

impl<'a> Texts<'a> {
    /// The value of a row; none where it is null.
    pub(crate) fn value(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Plain(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::Large(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::View(texts) => texts.is_valid(row).then(|| texts.value(row)),
        }
    }
}
