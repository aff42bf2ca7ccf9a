//! Values into arrays of the types that were inferred from them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringBuilder, StructArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use serde_json::Value;

/// One array a field, one row a record.
///
/// `fields` are those that [`super::InferredType`] gave after it observed every one of `records`; then every value
/// fits. A value that does not fit is null, which only records that were never observed can bring about.
pub(crate) fn decode(fields: &Fields, records: &[Value]) -> Vec<ArrayRef> {
    let records: Vec<Option<&Value>> = records.iter().map(Some).collect();
    children(fields, &records)
}

fn children(fields: &Fields, objects: &[Option<&Value>]) -> Vec<ArrayRef> {
    let child = |field: &Arc<Field>| {
        let values: Vec<Option<&Value>> =
            objects.iter().map(|object| object.and_then(|object| object.get(field.name()))).collect();
        array(field.data_type(), &values)
    };
    fields.iter().map(child).collect()
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
