//! Columns of the rows of a statement of our own, as plain values.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use engine::EngineError;

/// A column of text; empty where there is none of that name.
pub(crate) fn texts(batches: &[RecordBatch], name: &str) -> Vec<Option<String>> {
    let mut all = Vec::new();
    for batch in batches {
        let Some(column) = batch.column_by_name(name) else { continue };
        let Ok(column) = arrow::compute::cast(column, &DataType::Utf8) else { continue };
        all.extend(column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)));
    }
    all
}

/// A column of whole numbers.
///
/// # Errors
/// When there is none of that name, which is our own mistake.
pub(crate) fn numbers(batches: &[RecordBatch], name: &str) -> Result<Vec<Option<i64>>, EngineError> {
    let mut all = Vec::new();
    for batch in batches {
        let column = batch.column_by_name(name).and_then(|column| arrow::compute::cast(column, &DataType::Int64).ok());
        let Some(column) = column else {
            return Err(EngineError::Bug { what: format!("a statement of ours has no number {name:?}") });
        };
        all.extend(column.as_primitive::<Int64Type>().iter());
    }
    Ok(all)
}

/// A column of bytes; empty where there are none.
///
/// # Errors
/// When there is none of that name, which is our own mistake.
pub(crate) fn bytes(batches: &[RecordBatch], name: &str) -> Result<Vec<Vec<u8>>, EngineError> {
    let mut all = Vec::new();
    for batch in batches {
        let column = batch.column_by_name(name).and_then(|column| arrow::compute::cast(column, &DataType::Binary).ok());
        let Some(column) = column else {
            return Err(EngineError::Bug { what: format!("a statement of ours has no bytes {name:?}") });
        };
        all.extend(column.as_binary::<i32>().iter().map(|bytes| bytes.unwrap_or_default().to_vec()));
    }
    Ok(all)
}

/// A text in a statement.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
