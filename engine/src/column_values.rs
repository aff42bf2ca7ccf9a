//! Columns of values made coarser or keyed, for masks of views and for anonymized copies alike.
//!
//! Null stays null. Absent: what type the result must have, which the caller knows.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use schemas::FloorUnit;

use crate::coarsen::floor;

/// Instants, in microseconds.
pub(crate) fn instants(column: &ArrayRef, of: impl Fn(usize, i64) -> Option<i64>) -> Result<ArrayRef, ArrowError> {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let instants = cast(column, &utc)?;
    let instants = instants.as_primitive::<TimestampMicrosecondType>();
    let made = instants.iter().enumerate().map(|(row, at)| of(row, at?));
    Ok(Arc::new(made.collect::<TimestampMicrosecondArray>().with_timezone("UTC")))
}

/// The start of the unit that each instant lies in.
pub(crate) fn floors(column: &ArrayRef, unit: FloorUnit) -> Result<ArrayRef, ArrowError> {
    instants(column, |_, at| floor(at, unit))
}

/// Whole numbers.
pub(crate) fn integers(column: &ArrayRef, of: impl Fn(i64) -> Option<i64>) -> Result<ArrayRef, ArrowError> {
    let numbers = cast(column, &DataType::Int64)?;
    let made = numbers.as_primitive::<Int64Type>().iter().map(|number| of(number?));
    Ok(Arc::new(made.collect::<Int64Array>()))
}

/// Texts.
pub(crate) fn texts(column: &ArrayRef, of: impl Fn(&str) -> Option<String>) -> Result<ArrayRef, ArrowError> {
    let column = cast(column, &DataType::Utf8)?;
    Ok(Arc::new(column.as_string::<i32>().iter().map(|text| text.and_then(&of)).collect::<StringArray>()))
}

/// The largest multiple of `width` that is not above the number; the smallest there is where that would not fit.
pub(crate) fn bucket(number: i64, width: i64) -> i64 {
    number.div_euclid(width).checked_mul(width).unwrap_or(i64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_not_above_the_value_and_never_fail() {
        assert_eq!((bucket(17, 10), bucket(-1, 10), bucket(i64::MIN, 10)), (10, -10, i64::MIN));
    }
}
