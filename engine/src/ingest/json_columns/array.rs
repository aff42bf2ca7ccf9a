//! Values into arrays of the types that were inferred from them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringBuilder, StructArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use serde_json::Value;

/// Columns that are filled at a time: bounds what a source with thousands of keys takes beside its records.
const FIELDS_AT_A_TIME: usize = 256;

/// One array a field, one row a record.
///
/// `fields` are those that [`super::InferredType`] gave after it observed every one of `records`; then every value
/// fits. A value that does not fit is null, which only records that were never observed can bring about.
pub(crate) fn decode(fields: &Fields, records: &[Value]) -> Vec<ArrayRef> {
    let records: Vec<Option<&Value>> = records.iter().map(Some).collect();
    children(fields, &records)
}

fn children(fields: &Fields, objects: &[Option<&Value>]) -> Vec<ArrayRef> {
    fields.chunks(FIELDS_AT_A_TIME).flat_map(|fields| some_children(fields, objects)).collect()
}

/// Goes over each object once and deals its values out to the columns.
fn some_children(fields: &[Arc<Field>], objects: &[Option<&Value>]) -> Vec<ArrayRef> {
    let places: HashMap<&str, usize> =
        fields.iter().enumerate().map(|(place, field)| (field.name().as_str(), place)).collect();
    let mut columns = vec![vec![None; objects.len()]; fields.len()];
    for (row, object) in objects.iter().enumerate() {
        let Some(Value::Object(entries)) = object else { continue };
        // Records of one source mostly have the same keys in the same order, so the next one is known.
        let mut next = 0;
        for (key, value) in entries {
            let expected = fields.get(next).is_some_and(|field| field.name() == key);
            let Some(place) = (if expected { Some(next) } else { places.get(key.as_str()).copied() }) else { continue };
            columns[place][row] = Some(value);
            next = place + 1;
        }
    }
    fields.iter().zip(columns).map(|(field, values)| array(field.data_type(), &values)).collect()
}

fn array(kind: &DataType, values: &[Option<&Value>]) -> ArrayRef {
    // Most columns of a wide source are empty in most batches.
    if values.iter().all(Option::is_none) {
        return new_null_array(kind, values.len());
    }
    match kind {
        DataType::Boolean => {
            Arc::new(values.iter().map(|value| value.and_then(Value::as_bool)).collect::<BooleanArray>())
        }
        DataType::Int64 => Arc::new(values.iter().map(|value| value.and_then(Value::as_i64)).collect::<Int64Array>()),
        DataType::Float64 => {
            Arc::new(values.iter().map(|value| value.and_then(Value::as_f64)).collect::<Float64Array>())
        }
        DataType::Utf8 => text(values),
        DataType::List(item) => list(item, values),
        DataType::Struct(fields) => object(fields, values),
        // The inference gives no other type.
        other => new_null_array(other, values.len()),
    }
}

/// Strings as they are, everything else as JSON.
fn text(values: &[Option<&Value>]) -> ArrayRef {
    let mut column = StringBuilder::with_capacity(values.len(), values.len() * 16);
    for value in values {
        match value {
            None | Some(Value::Null) => column.append_null(),
            Some(Value::String(text)) => column.append_value(text),
            Some(other) => column.append_value(other.to_string()),
        }
    }
    Arc::new(column.finish())
}

fn list(item: &Arc<Field>, values: &[Option<&Value>]) -> ArrayRef {
    let lists: Vec<Option<&Vec<Value>>> = values.iter().map(|value| value.and_then(Value::as_array)).collect();
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, Vec::len)));
    let nulls: NullBuffer = lists.iter().map(Option::is_some).collect::<Vec<bool>>().into();
    let items: Vec<Option<&Value>> = lists.into_iter().flatten().flatten().map(Some).collect();
    let items = array(item.data_type(), &items);
    Arc::new(ListArray::new(Arc::clone(item), offsets, items, Some(nulls)))
}

fn object(fields: &Fields, values: &[Option<&Value>]) -> ArrayRef {
    let objects: Vec<Option<&Value>> = values.iter().map(|value| value.filter(|value| value.is_object())).collect();
    let nulls: NullBuffer = objects.iter().map(Option::is_some).collect::<Vec<bool>>().into();
    Arc::new(StructArray::new(fields.clone(), children(fields, &objects), Some(nulls)))
}
