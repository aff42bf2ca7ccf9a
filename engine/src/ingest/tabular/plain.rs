//! Foreign columns in the types that a mapping reads: dictionaries unfolded, nanoseconds cut to microseconds.
//!
//! Nanoseconds are cut toward the past, before 1970 too, so that no event moves into a later instant. Everything else
//! stays as it is. Absent: the types of a dataset's schema, which `columns` casts to.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit, TimestampNanosecondType};
use arrow::error::ArrowError;

/// What becomes of nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nanos {
    /// They stay, for the bytes of a row.
    Keep,
    /// They are cut to microseconds, for the mapping.
    Cut,
}

/// The type that a column of `kind` is given.
pub(crate) fn plain_type(kind: &DataType, nanos: Nanos) -> DataType {
    match kind {
        DataType::Dictionary(_, value) => plain_type(value, nanos),
        DataType::RunEndEncoded(_, values) => plain_type(values.data_type(), nanos),
        DataType::Timestamp(TimeUnit::Nanosecond, zone) if nanos == Nanos::Cut => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
        }
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::List(item) => DataType::List(plain_field(item, nanos)),
        DataType::LargeList(item) => DataType::LargeList(plain_field(item, nanos)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(plain_field(item, nanos), *length),
        DataType::Struct(fields) => DataType::Struct(plain_fields(fields, nanos)),
        DataType::Map(entry, sorted) => DataType::Map(plain_field(entry, nanos), *sorted),
        other => other.clone(),
    }
}

/// The field without its metadata, which speaks of the file it came from.
fn plain_field(field: &FieldRef, nanos: Nanos) -> FieldRef {
    Arc::new(Field::new(field.name(), plain_type(field.data_type(), nanos), field.is_nullable()))
}

fn plain_fields(fields: &Fields, nanos: Nanos) -> Fields {
    fields.iter().map(|field| plain_field(field, nanos)).collect()
}

/// The column in the type that [`plain_type`] gives.
///
/// # Errors
/// When a text or binary column of one batch is larger than 2 GiB.
pub(crate) fn plain(column: &ArrayRef, nanos: Nanos) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::Dictionary(_, value) => plain(&arrow::compute::cast(column, value)?, nanos),
        DataType::RunEndEncoded(_, values) => plain(&arrow::compute::cast(column, values.data_type())?, nanos),
        DataType::Timestamp(TimeUnit::Nanosecond, _) if nanos == Nanos::Cut => Ok(micros(column)),
        kind @ (DataType::Utf8View | DataType::LargeUtf8 | DataType::BinaryView | DataType::LargeBinary) => {
            arrow::compute::cast(column, &plain_type(kind, nanos))
        }
        DataType::List(item) => list::<i32>(column, item, nanos),
        DataType::LargeList(item) => list::<i64>(column, item, nanos),
        DataType::FixedSizeList(item, length) => {
            let lists = column.as_fixed_size_list();
            let items = plain(lists.values(), nanos)?;
            let nulls = lists.nulls().cloned();
            Ok(Arc::new(FixedSizeListArray::try_new(plain_field(item, nanos), *length, items, nulls)?))
        }
        DataType::Struct(fields) => Ok(Arc::new(structs(column.as_struct(), fields, nanos)?)),
        DataType::Map(entry, sorted) => {
            let maps = column.as_map();
            let DataType::Struct(fields) = entry.data_type() else { return Ok(Arc::clone(column)) };
            let entries = structs(maps.entries(), fields, nanos)?;
            let nulls = maps.nulls().cloned();
            let plain = MapArray::try_new(plain_field(entry, nanos), maps.offsets().clone(), entries, nulls, *sorted)?;
            Ok(Arc::new(plain))
        }
        _ => Ok(Arc::clone(column)),
    }
}

/// Nanoseconds as microseconds, toward the past; other columns as they are.
pub(crate) fn micros(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            let nanos = column.as_primitive::<TimestampNanosecondType>();
            let micros: TimestampMicrosecondArray = nanos.unary(|nanos| nanos.div_euclid(1_000));
            Arc::new(micros.with_timezone_opt(zone.clone()))
        }
        _ => Arc::clone(column),
    }
}

fn list<O: OffsetSizeTrait>(column: &ArrayRef, item: &FieldRef, nanos: Nanos) -> Result<ArrayRef, ArrowError> {
    let lists = column.as_list::<O>();
    let items = plain(lists.values(), nanos)?;
    let nulls = lists.nulls().cloned();
    Ok(Arc::new(GenericListArray::<O>::try_new(plain_field(item, nanos), lists.offsets().clone(), items, nulls)?))
}

fn structs(given: &StructArray, fields: &Fields, nanos: Nanos) -> Result<StructArray, ArrowError> {
    let columns = given.columns().iter().map(|column| plain(column, nanos)).collect::<Result<Vec<_>, _>>()?;
    if columns.is_empty() {
        return Ok(given.clone());
    }
    StructArray::try_new(plain_fields(fields, nanos), columns, given.nulls().cloned())
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, Int32Array, ListArray, StringArray, TimestampNanosecondArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{Int32Type, TimestampMicrosecondType};

    use super::*;

    #[test]
    fn nanoseconds_are_cut_toward_the_past() {
        let nanos = TimestampNanosecondArray::from(vec![Some(1_999), Some(-1), Some(-1_000), None, Some(i64::MIN)]);
        let column: ArrayRef = Arc::new(nanos.with_timezone("UTC"));
        assert_eq!(&plain(&column, Nanos::Keep).expect("plain"), &column);
        let cut = plain(&column, Nanos::Cut).expect("plain");
        assert_eq!(*cut.data_type(), plain_type(column.data_type(), Nanos::Cut));
        let cut: Vec<_> = cut.as_primitive::<TimestampMicrosecondType>().iter().collect();
        assert_eq!(cut, [Some(1), Some(-1), Some(-1), None, Some(i64::MIN.div_euclid(1_000))]);
    }

    #[test]
    fn dictionaries_are_unfolded_at_every_depth() {
        let words: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("b"), Some("a")].into_iter().collect();
        let words: ArrayRef = Arc::new(words);
        let item = Arc::new(Field::new("item", words.data_type().clone(), true));
        let lists = ListArray::new(item, OffsetBuffer::from_lengths([1, 3]), Arc::clone(&words), None);
        let number: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        let column: ArrayRef = Arc::new(StructArray::from(vec![
            (Arc::new(Field::new("l", lists.data_type().clone(), true)), Arc::new(lists) as ArrayRef),
            (Arc::new(Field::new("n", DataType::Int32, true)), number),
        ]));
        let unfolded = plain(&column, Nanos::Cut).expect("plain");
        assert_eq!(*unfolded.data_type(), plain_type(column.data_type(), Nanos::Cut));
        let lists = unfolded.as_struct().column(0).as_list::<i32>();
        assert_eq!(lists.values().as_string::<i32>(), &StringArray::from(vec![Some("a"), None, Some("b"), Some("a")]));
        assert_eq!(plain(&words, Nanos::Keep).expect("plain").data_type(), &DataType::Utf8);
    }
}
