//! Arrays of which every byte follows from their values.
//!
//! Two arrays of the same values may differ under their nulls, behind their last bit, in what lies before their first
//! offset, and in buffers that they share with others. A format that writes buffers as they are would show it. Absent:
//! dictionaries, runs and list views, which that format gets unpacked or without views inside.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BinaryViewArray, BooleanArray, FixedSizeBinaryBuilder,
    FixedSizeListArray, GenericListArray, LargeBinaryArray, LargeStringArray, MapArray, OffsetSizeTrait,
    PrimitiveArray, StringArray, StringViewArray, StructArray, downcast_primitive_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, FieldRef};
use arrow::error::ArrowError;

/// The same values, in buffers of their own.
///
/// # Errors
/// None of an array that is one.
pub(crate) fn settled(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let nulls = nulls(array);
    Ok(match array.data_type() {
        DataType::Boolean => Arc::new(array.as_boolean().iter().collect::<BooleanArray>()),
        DataType::Utf8 => Arc::new(array.as_string::<i32>().iter().collect::<StringArray>()),
        DataType::LargeUtf8 => Arc::new(array.as_string::<i64>().iter().collect::<LargeStringArray>()),
        DataType::Utf8View => Arc::new(array.as_string_view().iter().collect::<StringViewArray>()),
        DataType::Binary => Arc::new(array.as_binary::<i32>().iter().collect::<BinaryArray>()),
        DataType::LargeBinary => Arc::new(array.as_binary::<i64>().iter().collect::<LargeBinaryArray>()),
        DataType::BinaryView => Arc::new(array.as_binary_view().iter().collect::<BinaryViewArray>()),
        DataType::FixedSizeBinary(length) => {
            let mut made = FixedSizeBinaryBuilder::with_capacity(array.len(), *length);
            for value in array.as_fixed_size_binary() {
                match value {
                    Some(value) => made.append_value(value)?,
                    None => made.append_null(),
                }
            }
            Arc::new(made.finish())
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter().map(settled).collect::<Result<_, _>>()?;
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, array.len())?)
        }
        DataType::List(item) => list(item, array.as_list::<i32>(), nulls)?,
        DataType::LargeList(item) => list(item, array.as_list::<i64>(), nulls)?,
        DataType::FixedSizeList(item, length) => {
            let values = settled(array.as_fixed_size_list().values())?;
            let item = Arc::clone(item);
            Arc::new(FixedSizeListArray::try_new_with_length(item, *length, values, nulls, array.len())?)
        }
        DataType::Map(entries, sorted) => {
            let whole: ArrayRef = Arc::new(array.as_map().entries().clone());
            let (offsets, values) = trimmed(array.as_map().offsets(), &whole);
            let values = settled(&values)?.as_struct().clone();
            Arc::new(MapArray::try_new(Arc::clone(entries), offsets, values, nulls, *sorted)?)
        }
        _ => downcast_primitive_array!(
            array => primitive(array),
            _ => Arc::clone(array)
        ),
    })
}

/// Which are null, where any is.
fn nulls(array: &ArrayRef) -> Option<NullBuffer> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0)?;
    Some(NullBuffer::new(BooleanBuffer::collect_bool(array.len(), |row| nulls.is_valid(row))))
}

fn primitive<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>) -> ArrayRef {
    Arc::new(array.iter().collect::<PrimitiveArray<T>>().with_data_type(array.data_type().clone()))
}

fn list<O: OffsetSizeTrait>(
    item: &FieldRef,
    array: &GenericListArray<O>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let (offsets, values) = trimmed(array.offsets(), array.values());
    Ok(Arc::new(GenericListArray::<O>::try_new(Arc::clone(item), offsets, settled(&values)?, nulls)?))
}

/// Offsets from nought, and the values between the first and the last of them.
fn trimmed<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>, values: &ArrayRef) -> (OffsetBuffer<O>, ArrayRef) {
    let first = offsets.first().copied().unwrap_or_default();
    let last = offsets.last().copied().unwrap_or_default();
    let moved: ScalarBuffer<O> = offsets.iter().map(|offset| *offset - first).collect();
    (OffsetBuffer::new(moved), values.slice(first.as_usize(), (last - first).as_usize()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, ListArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn what_lies_under_nulls_and_around_a_slice_is_gone() {
        let hidden = Int32Array::new(vec![1, 77, 3].into(), Some(NullBuffer::from(vec![true, false, true])));
        let plain = Int32Array::from(vec![Some(1), None, Some(3)]);
        let made = settled(&(Arc::new(hidden) as ArrayRef)).expect("settles");
        assert_eq!(made.as_primitive::<Int32Type>().values(), plain.values());

        let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true; 16]));
        let made = settled(&flags.slice(8, 3)).expect("settles");
        assert_eq!(made.as_boolean().values().values(), [0b111]);

        let text = "a text of more than twelve bytes";
        let views: ArrayRef = Arc::new(StringViewArray::from(vec![text; 100]));
        let made = settled(&views.slice(40, 1)).expect("settles");
        assert_eq!(made.as_string_view().data_buffers().iter().map(|buffer| buffer.len()).sum::<usize>(), text.len());

        let lists =
            ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), Some(2)]), Some(vec![Some(3)])]);
        let lists: ArrayRef = Arc::new(lists);
        let made = settled(&lists.slice(1, 1)).expect("settles");
        assert_eq!(made.as_list::<i32>().offsets().as_ref(), [0, 1]);
        assert_eq!(made.as_list::<i32>().values().len(), 1);
        assert_eq!(&made, &lists.slice(1, 1));
    }
}
