//! Lists, structs and maps as JSON, and the escapes of a JSON text.
//!
//! Maps with text keys are objects, others arrays of `{"key", "value"}`. Nulls are written.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, StructArray};
use arrow::datatypes::{DataType, Field};

use super::{CellFault, CellKind, push, push_cell, text};

/// Appends a cell of a list, struct or map column.
pub(super) fn push_nested(out: &mut String, array: &dyn Array, row: usize) -> Result<CellKind, CellFault> {
    match array.data_type() {
        DataType::List(item) => push_list(out, item, array.as_list::<i32>().value(row).as_ref())?,
        DataType::LargeList(item) => push_list(out, item, array.as_list::<i64>().value(row).as_ref())?,
        DataType::ListView(item) => push_list(out, item, array.as_list_view::<i32>().value(row).as_ref())?,
        DataType::LargeListView(item) => push_list(out, item, array.as_list_view::<i64>().value(row).as_ref())?,
        DataType::FixedSizeList(item, _) => push_list(out, item, array.as_fixed_size_list().value(row).as_ref())?,
        DataType::Struct(_) => push_struct(out, array.as_struct(), row)?,
        DataType::Map(_, _) => push_map(out, &array.as_map().value(row))?,
        other => return Err(CellFault::Unsupported(other.clone())),
    }
    Ok(CellKind::Literal)
}

/// Appends a cell as JSON: a literal, or a text in quotes.
pub(crate) fn push_json(out: &mut String, field: &Field, array: &dyn Array, row: usize) -> Result<(), CellFault> {
    if array.is_valid(row)
        && let Some(text) = text(array, row)
    {
        push_json_string(out, text);
        return Ok(());
    }
    let start = out.len();
    match push_cell(out, field, array, row)? {
        CellKind::Null => out.push_str("null"),
        CellKind::Literal => {}
        CellKind::Text => {
            let text = out.split_off(start);
            push_json_string(out, &text);
        }
    }
    Ok(())
}

/// Appends a text in quotes; what could break a line, a terminal or a script is escaped, all else is raw.
pub(crate) fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{2028}' | '\u{2029}' => push(out, format_args!("\\u{:04x}", u32::from(letter))),
            _ if letter.is_control() => push(out, format_args!("\\u{:04x}", u32::from(letter))),
            _ => out.push(letter),
        }
    }
    out.push('"');
}

fn push_list(out: &mut String, item: &Field, values: &dyn Array) -> Result<(), CellFault> {
    out.push('[');
    for row in 0..values.len() {
        if row > 0 {
            out.push(',');
        }
        push_json(out, item, values, row)?;
    }
    out.push(']');
    Ok(())
}

fn push_struct(out: &mut String, array: &StructArray, row: usize) -> Result<(), CellFault> {
    out.push('{');
    for (index, (field, column)) in array.fields().iter().zip(array.columns()).enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_json_string(out, field.name());
        out.push(':');
        push_json(out, field, column.as_ref(), row)?;
    }
    out.push('}');
    Ok(())
}

fn push_map(out: &mut String, entries: &StructArray) -> Result<(), CellFault> {
    let ([key_field, value_field], [keys, values]) = (entries.fields().as_ref(), entries.columns()) else {
        return Err(CellFault::Unsupported(entries.data_type().clone()));
    };
    let text_keys = is_text(keys.data_type());
    let mut seen = BTreeSet::new();
    out.push(if text_keys { '{' } else { '[' });
    for row in 0..entries.len() {
        if row > 0 {
            out.push(',');
        }
        if text_keys {
            let mut key = String::new();
            push_cell(&mut key, key_field, keys.as_ref(), row)?;
            push_json_string(out, &key);
            out.push(':');
            push_json(out, value_field, values.as_ref(), row)?;
            if let Some(key) = seen.replace(key) {
                return Err(CellFault::RepeatedKey(key));
            }
        } else {
            out.push_str("{\"key\":");
            push_json(out, key_field, keys.as_ref(), row)?;
            out.push_str(",\"value\":");
            push_json(out, value_field, values.as_ref(), row)?;
            out.push('}');
        }
    }
    out.push(if text_keys { '}' } else { ']' });
    Ok(())
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}
