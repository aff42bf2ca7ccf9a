//! Lists, structs and maps as JSON or YAML, and the escapes of their texts.
//!
//! Maps with text keys are objects, others arrays of `{"key", "value"}`. Nulls are written.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, StructArray};
use arrow::datatypes::{DataType, Field};

use super::{CellFault, CellKind, TextStyle, any_byte, is_text, plain, push, push_cell, text};
use crate::losses::Losses;

/// How nested values and texts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// RFC 8259.
    Json,
    /// Flow collections and double-quoted scalars of YAML, which 1.1 and 1.2 read alike.
    Yaml,
}

impl Dialect {
    /// Between two items.
    pub(crate) fn comma(self) -> &'static str {
        match self {
            Self::Json => ",",
            Self::Yaml => ", ",
        }
    }

    /// Between a key and its value.
    pub(crate) fn colon(self) -> &'static str {
        match self {
            Self::Json => ":",
            Self::Yaml => ": ",
        }
    }

    /// Appends a text in quotes: what could break a line, a terminal or a script is escaped, and what a reader would
    /// fold or refuse; all else is raw.
    pub(crate) fn push_string(self, out: &mut String, text: &str) {
        out.push('"');
        if any_byte(text.as_bytes(), |byte| self.may_need_escape(byte)) {
            text.chars().for_each(|letter| self.push_letter(out, letter));
        } else {
            out.push_str(text);
        }
        out.push('"');
    }

    /// Whether a byte is, or begins, a character that may be escaped: C1 and U+00A0 begin with C2, the separators of
    /// lines with E2, U+FEFF, U+FFFE and U+FFFF with EF.
    fn may_need_escape(self, byte: u8) -> bool {
        (byte < 0x20)
            | (byte == b'"')
            | (byte == b'\\')
            | (byte == 0x7f)
            | (byte == 0xc2)
            | (byte == 0xe2)
            | ((byte == 0xef) & (self == Self::Yaml))
    }

    fn push_letter(self, out: &mut String, letter: char) {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{2028}' | '\u{2029}' => push(out, format_args!("\\u{:04x}", u32::from(letter))),
            '\u{a0}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' if self == Self::Yaml => {
                push(out, format_args!("\\u{:04x}", u32::from(letter)));
            }
            _ if letter.is_control() => push(out, format_args!("\\u{:04x}", u32::from(letter))),
            _ => out.push(letter),
        }
    }
}

/// Appends a cell of a list, struct or map column.
pub(super) fn push_nested(
    out: &mut String,
    array: &dyn Array,
    row: usize,
    style: TextStyle,
    losses: &mut Losses,
) -> Result<CellKind, CellFault> {
    let mut list = |item: &Field, values: &dyn Array| push_list(out, item, values, style, losses);
    match array.data_type() {
        DataType::List(item) => list(item, array.as_list::<i32>().value(row).as_ref())?,
        DataType::LargeList(item) => list(item, array.as_list::<i64>().value(row).as_ref())?,
        DataType::ListView(item) => list(item, array.as_list_view::<i32>().value(row).as_ref())?,
        DataType::LargeListView(item) => list(item, array.as_list_view::<i64>().value(row).as_ref())?,
        DataType::FixedSizeList(item, _) => list(item, array.as_fixed_size_list().value(row).as_ref())?,
        DataType::Struct(_) => push_struct(out, array.as_struct(), row, style, losses)?,
        DataType::Map(_, _) => push_map(out, &array.as_map().value(row), style, losses)?,
        other => return Err(CellFault::Unsupported(other.clone())),
    }
    Ok(CellKind::Literal)
}

/// Appends a cell as a value of the dialect: a literal, or a text in quotes.
pub(crate) fn push_value(
    out: &mut String,
    field: &Field,
    array: &dyn Array,
    row: usize,
    style: TextStyle,
    losses: &mut Losses,
) -> Result<(), CellFault> {
    if array.is_valid(row)
        && let Some(text) = text(array, row)
    {
        style.dialect.push_string(out, text);
        return Ok(());
    }
    let start = out.len();
    match push_cell(out, field, array, row, style, losses)? {
        CellKind::Null => out.push_str("null"),
        CellKind::Literal if style.int64_as_text && is_wide(array.data_type()) => {
            let digits = out.split_off(start);
            style.dialect.push_string(out, &digits);
        }
        CellKind::Literal => {}
        CellKind::Text => {
            let text = out.split_off(start);
            match text.as_str() {
                "NaN" if style.dialect == Dialect::Yaml && is_float(array.data_type()) => out.push_str(".nan"),
                "Infinity" if style.dialect == Dialect::Yaml && is_float(array.data_type()) => out.push_str(".inf"),
                "-Infinity" if style.dialect == Dialect::Yaml && is_float(array.data_type()) => out.push_str("-.inf"),
                text => style.dialect.push_string(out, text),
            }
        }
    }
    Ok(())
}

/// Whether whole numbers may have more digits than a double keeps.
fn is_wide(data_type: &DataType) -> bool {
    matches!(plain(data_type), DataType::Int64 | DataType::UInt64)
}

fn is_float(data_type: &DataType) -> bool {
    plain(data_type).is_floating()
}

fn push_list(
    out: &mut String,
    item: &Field,
    values: &dyn Array,
    style: TextStyle,
    losses: &mut Losses,
) -> Result<(), CellFault> {
    out.push('[');
    for row in 0..values.len() {
        if row > 0 {
            out.push_str(style.dialect.comma());
        }
        push_value(out, item, values, row, style, losses)?;
    }
    out.push(']');
    Ok(())
}

fn push_struct(
    out: &mut String,
    array: &StructArray,
    row: usize,
    style: TextStyle,
    losses: &mut Losses,
) -> Result<(), CellFault> {
    out.push('{');
    for (index, (field, column)) in array.fields().iter().zip(array.columns()).enumerate() {
        if index > 0 {
            out.push_str(style.dialect.comma());
        }
        style.dialect.push_string(out, field.name());
        out.push_str(style.dialect.colon());
        push_value(out, field, column.as_ref(), row, style, losses)?;
    }
    out.push('}');
    Ok(())
}

fn push_map(out: &mut String, entries: &StructArray, style: TextStyle, losses: &mut Losses) -> Result<(), CellFault> {
    let ([key_field, value_field], [keys, values]) = (entries.fields().as_ref(), entries.columns()) else {
        return Err(CellFault::Unsupported(entries.data_type().clone()));
    };
    if !is_text(keys.data_type()) {
        return push_entries(out, entries, style, losses);
    }
    let mut seen = BTreeSet::new();
    out.push('{');
    for row in 0..entries.len() {
        if row > 0 {
            out.push_str(style.dialect.comma());
        }
        let mut key = String::new();
        push_cell(&mut key, key_field, keys.as_ref(), row, style, losses)?;
        style.dialect.push_string(out, &key);
        out.push_str(style.dialect.colon());
        push_value(out, value_field, values.as_ref(), row, style, losses)?;
        if let Some(key) = seen.replace(key) {
            return Err(CellFault::RepeatedKey(key));
        }
    }
    out.push('}');
    Ok(())
}

/// A map whose keys are no texts: a list of structs with `key` and `value`.
fn push_entries(
    out: &mut String,
    entries: &StructArray,
    style: TextStyle,
    losses: &mut Losses,
) -> Result<(), CellFault> {
    out.push('[');
    for row in 0..entries.len() {
        out.push_str(if row > 0 { style.dialect.comma() } else { "" });
        for (index, (field, column)) in entries.fields().iter().zip(entries.columns()).enumerate() {
            out.push_str(if index == 0 { "{" } else { style.dialect.comma() });
            style.dialect.push_string(out, if index == 0 { "key" } else { "value" });
            out.push_str(style.dialect.colon());
            push_value(out, field, column.as_ref(), row, style, losses)?;
        }
        out.push('}');
    }
    out.push(']');
    Ok(())
}
