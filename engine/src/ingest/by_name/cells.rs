//! Cells into arrays of a column's type, each by what it is itself.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListBuilder, StringBuilder, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::interleave;
use schemas::ColumnType;
use serde_json::Value;

use super::deal::Cell;
use crate::error::EngineError;
use crate::ingest::columns::{Given, to_column};
use crate::ingest::json_columns::{InferredType, decode};
use crate::ingest::json_text::{map_column, plain};

/// The cells in a column's type; which of them hold anything is said beside it.
pub(super) fn to_given(kind: ColumnType, cells: &[Cell<'_>]) -> Result<Given, EngineError> {
    let forms: Vec<Option<Form>> = cells.iter().map(Form::of).collect();
    let has = NullBuffer::from_iter(forms.iter().map(Option::is_some));
    let there: Vec<Form> = Form::ALL.into_iter().filter(|form| forms.contains(&Some(*form))).collect();
    let array = match there.as_slice() {
        [] => new_null_array(&kind.arrow(), cells.len()),
        [form] => form.array(kind, cells)?,
        // Each form apart, and then every cell from its own; where there is none, every form has null.
        several => {
            let arrays = several.iter().map(|form| form.array(kind, cells)).collect::<Result<Vec<_>, _>>()?;
            let place = |found: Option<Form>| several.iter().position(|form| Some(*form) == found).unwrap_or_default();
            picked(&arrays, forms.iter().enumerate().map(|(row, form)| (place(*form), row)))?
        }
    };
    Ok(Given { array, has: Some(has) })
}

/// What a value is in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Bool,
    Int,
    Float,
    Nested,
}

impl Form {
    const ALL: [Self; 5] = [Self::Text, Self::Bool, Self::Int, Self::Float, Self::Nested];

    fn of(cell: &Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Absent | Cell::Null => None,
            Cell::Text(_) => Some(Self::Text),
            Cell::Bool(_) => Some(Self::Bool),
            Cell::Int(_) => Some(Self::Int),
            Cell::Float(_) => Some(Self::Float),
            Cell::Nested(_) => Some(Self::Nested),
        }
    }

    /// The cells of this form in the column's type; those of any other are null.
    fn array(self, kind: ColumnType, cells: &[Cell<'_>]) -> Result<ArrayRef, EngineError> {
        let bool = |cell: &Cell<'_>| if let Cell::Bool(value) = cell { Some(*value) } else { None };
        let int = |cell: &Cell<'_>| if let Cell::Int(value) = cell { Some(*value) } else { None };
        let float = |cell: &Cell<'_>| if let Cell::Float(value) = cell { Some(*value) } else { None };
        let natural: ArrayRef = match self {
            Self::Text => texts(cells),
            Self::Bool => Arc::new(cells.iter().map(bool).collect::<BooleanArray>()),
            Self::Int => Arc::new(cells.iter().map(int).collect::<Int64Array>()),
            Self::Float => Arc::new(cells.iter().map(float).collect::<Float64Array>()),
            Self::Nested => return nested(kind, cells),
        };
        to_column(&natural, kind)
    }
}

fn texts(cells: &[Cell<'_>]) -> ArrayRef {
    let text = |cell: &Cell<'_>| if let Cell::Text(text) = cell { text.len() } else { 0 };
    let mut column = StringBuilder::with_capacity(cells.len(), cells.iter().map(text).sum());
    for cell in cells {
        match cell {
            Cell::Text(text) => column.append_value(text),
            _ => column.append_null(),
        }
    }
    Arc::new(column.finish())
}

/// Objects and arrays as maps, as lists, or as JSON writes them.
fn nested(kind: ColumnType, cells: &[Cell<'_>]) -> Result<ArrayRef, EngineError> {
    let values = cells.iter().map(|cell| if let Cell::Nested(value) = cell { Some(value.as_ref()) } else { None });
    Ok(match kind {
        ColumnType::Str => {
            let mut column = StringBuilder::new();
            values.for_each(|value| column.append_option(value.map(Value::to_string)));
            Arc::new(column.finish())
        }
        ColumnType::StrMap => map_column(values.map(|value| entries(value?))),
        ColumnType::StrList => {
            let mut column = ListBuilder::new(StringBuilder::new());
            values.for_each(|value| column.append_option(value.and_then(items)));
            Arc::new(column.finish())
        }
        ColumnType::Structs(_) => structs(kind, values)?,
        _ => new_null_array(&kind.arrow(), cells.len()),
    })
}

/// Entries of an object by name; a key without value is left out.
fn entries(value: &Value) -> Option<Vec<(String, String)>> {
    let with_value = value.as_object()?.iter().filter(|(_, value)| !value.is_null());
    let mut entries: Vec<_> = with_value.map(|(key, value)| (key.clone(), plain(value.clone()))).collect();
    entries.sort_unstable();
    Some(entries)
}

fn items(value: &Value) -> Option<Vec<Option<String>>> {
    Some(value.as_array()?.iter().map(|item| (!item.is_null()).then(|| plain(item.clone()))).collect())
}

/// Lists of structs, one after the other: what one holds says nothing about the types of another.
fn structs<'v>(kind: ColumnType, values: impl Iterator<Item = Option<&'v Value>>) -> Result<ArrayRef, EngineError> {
    let mut arrays = vec![new_null_array(&kind.arrow(), 1)];
    let mut places = Vec::new();
    for value in values {
        let Some(value) = value else {
            places.push((0, 0));
            continue;
        };
        let record = [serde_json::json!({ "value": value })];
        let mut inferred = InferredType::default();
        record.iter().for_each(|record| inferred.observe(record));
        for natural in decode(&inferred.to_fields(), &record) {
            places.push((arrays.len(), 0));
            arrays.push(to_column(&natural, kind)?);
        }
    }
    picked(&arrays, places.into_iter())
}

/// Values at places (array, row).
fn picked(arrays: &[ArrayRef], places: impl Iterator<Item = (usize, usize)>) -> Result<ArrayRef, EngineError> {
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    interleave(&arrays, &places.collect::<Vec<_>>())
        .map_err(|error| EngineError::Bug { what: format!("values of a column do not fit together ({error})") })
}
