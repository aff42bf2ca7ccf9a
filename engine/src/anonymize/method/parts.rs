//! A column of texts that goes into hashes beside the value: the tenant of each row.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

/// The texts; empty ones of a dataset that has no such column, and where it is null.
pub(super) struct Parts(Option<StringArray>);

impl Parts {
    pub(super) fn of(column: Option<&ArrayRef>) -> Result<Self, ArrowError> {
        let texts = column.map(|column| cast(column, &DataType::Utf8)).transpose()?;
        Ok(Self(texts.map(|texts| texts.as_string::<i32>().clone())))
    }

    pub(super) fn get(&self, row: usize) -> &str {
        self.0.as_ref().filter(|texts| texts.is_valid(row)).map_or("", |texts| texts.value(row))
    }
}
