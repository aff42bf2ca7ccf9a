//! Columns in the types that a format of columns keeps.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, LargeListArray, ListArray, MapArray, StringArray, StructArray,
    new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Date64Type, Field, FieldRef, Fields};

use crate::cell::{CellFault, CellKind, TextStyle, push_cell};
use crate::losses::Losses;

/// Which types a format keeps, and as what it takes the others.
pub(crate) trait Repack {
    /// The type that cells without parts have in the file.
    fn leaf(&self, data_type: &DataType) -> DataType;

    /// Whether a dictionary of unchanged values stays one.
    fn keeps_dictionaries(&self) -> bool {
        false
    }

    /// Whether long lists and lists of one length stay what they are.
    fn keeps_lists(&self) -> bool {
        false
    }

    /// What the file says beside a column.
    fn note(&self, _field: &Field, target: Field) -> Field {
        target
    }

    /// A column in the type it has in the file.
    ///
    /// # Errors
    /// A value that the other type does not hold.
    fn repack(&self, field: &Field, array: &ArrayRef) -> Result<ArrayRef, CellFault>
    where
        Self: Sized,
    {
        repack(self, field, array)
    }
}

/// The field of a column in the file.
pub(crate) fn repacked_as(field: &Field, by: &dyn Repack) -> Field {
    let target = Field::new(field.name(), target(field.data_type(), by), field.is_nullable());
    by.note(field, target.with_metadata(field.metadata().clone()))
}

fn target(data_type: &DataType, by: &dyn Repack) -> DataType {
    let inner = |field: &FieldRef| Arc::new(repacked_as(field, by));
    match data_type {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        DataType::List(item) => DataType::List(inner(item)),
        DataType::LargeList(item) if by.keeps_lists() => DataType::LargeList(inner(item)),
        DataType::FixedSizeList(item, length) if by.keeps_lists() => DataType::FixedSizeList(inner(item), *length),
        DataType::LargeList(item) | DataType::FixedSizeList(item, _) => DataType::List(inner(item)),
        DataType::ListView(item) | DataType::LargeListView(item) => DataType::List(inner(item)),
        DataType::RunEndEncoded(_, values) => target(values.data_type(), by),
        DataType::Dictionary(_, values) => match by.keeps_dictionaries() {
            true if target(values, by) == **values => data_type.clone(),
            _ => target(values, by),
        },
        leaf => by.leaf(leaf),
    }
}

fn repack(by: &dyn Repack, field: &Field, array: &ArrayRef) -> Result<ArrayRef, CellFault> {
    let from = array.data_type();
    let to = target(from, by);
    if *from == to {
        return Ok(Arc::clone(array));
    }
    let fault = |_| CellFault::Unsupported(from.clone());
    match (from, &to) {
        (DataType::Struct(fields), DataType::Struct(targets)) => {
            let columns = repacked_columns(by, fields, array.as_struct().columns())?;
            let nulls = array.nulls().cloned();
            let made = StructArray::try_new_with_length(targets.clone(), columns, nulls, array.len());
            Ok(Arc::new(made.map_err(fault)?))
        }
        (DataType::Map(entries, sorted), DataType::Map(target, _)) => {
            let (map, DataType::Struct(inner)) = (array.as_map(), target.data_type()) else {
                return Err(CellFault::Unsupported(from.clone()));
            };
            let DataType::Struct(fields) = entries.data_type() else {
                return Err(CellFault::Unsupported(from.clone()));
            };
            let columns = repacked_columns(by, fields, map.entries().columns())?;
            let entries = StructArray::try_new(inner.clone(), columns, None).map_err(fault)?;
            let made =
                MapArray::try_new(Arc::clone(target), map.offsets().clone(), entries, map.nulls().cloned(), *sorted);
            Ok(Arc::new(made.map_err(fault)?))
        }
        (DataType::List(item), DataType::List(target)) => {
            let list = array.as_list::<i32>();
            let values = repack(by, item, list.values())?;
            let made = ListArray::try_new(Arc::clone(target), list.offsets().clone(), values, list.nulls().cloned());
            Ok(Arc::new(made.map_err(fault)?))
        }
        (DataType::LargeList(item), DataType::LargeList(target)) => {
            let list = array.as_list::<i64>();
            let values = repack(by, item, list.values())?;
            let made =
                LargeListArray::try_new(Arc::clone(target), list.offsets().clone(), values, list.nulls().cloned());
            Ok(Arc::new(made.map_err(fault)?))
        }
        (DataType::FixedSizeList(item, length), DataType::FixedSizeList(target, _)) => {
            let list = array.as_fixed_size_list();
            let values = repack(by, item, list.values())?;
            let made = FixedSizeListArray::try_new(Arc::clone(target), *length, values, list.nulls().cloned());
            Ok(Arc::new(made.map_err(fault)?))
        }
        (
            DataType::LargeList(item)
            | DataType::FixedSizeList(item, _)
            | DataType::ListView(item)
            | DataType::LargeListView(item),
            DataType::List(_),
        ) => {
            let list = cast(array, &DataType::List(Arc::clone(item))).map_err(fault)?;
            repack(by, field, &list)
        }
        (DataType::Dictionary(_, values), _) => {
            let plain = cast(array, values).map_err(fault)?;
            repack(by, field, &plain)
        }
        (DataType::RunEndEncoded(_, values), _) => {
            let plain = cast(array, values.data_type()).map_err(fault)?;
            repack(by, field, &plain)
        }
        (DataType::Interval(_) | DataType::Decimal128(_, _) | DataType::Decimal256(_, _), DataType::Utf8) => {
            as_text(field, array)
        }
        (DataType::Date64, DataType::Date32) => date32(array),
        (_, to) => checked_cast(array, to),
    }
}

fn repacked_columns(by: &dyn Repack, fields: &Fields, columns: &[ArrayRef]) -> Result<Vec<ArrayRef>, CellFault> {
    fields.iter().zip(columns).map(|(field, column)| repack(by, field, column)).collect()
}

/// The texts that every other format writes.
fn as_text(field: &Field, array: &ArrayRef) -> Result<ArrayRef, CellFault> {
    let cells = (0..array.len()).map(|row| {
        let mut text = String::new();
        let kind = push_cell(&mut text, field, array.as_ref(), row, TextStyle::JSON, &mut Losses::default())?;
        Ok((kind != CellKind::Null).then_some(text))
    });
    Ok(Arc::new(cells.collect::<Result<StringArray, CellFault>>()?))
}

/// The day of an instant, also of one before 1970; a cast would take the day after.
fn date32(array: &ArrayRef) -> Result<ArrayRef, CellFault> {
    let day = |ms: i64| {
        let days = ms.div_euclid(86_400_000);
        i32::try_from(days).map_err(|_| CellFault::NoCast(format!("day {days} is beyond Date32")))
    };
    let days = array.as_primitive::<Date64Type>().try_unary::<_, Date32Type, _>(day)?;
    Ok(Arc::new(days))
}

/// A cast in which no value becomes a null.
fn checked_cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, CellFault> {
    if *array.data_type() == DataType::Null {
        return Ok(new_null_array(to, array.len()));
    }
    let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
    arrow::compute::cast_with_options(array, to, &options).map_err(|error| CellFault::NoCast(error.to_string()))
}
