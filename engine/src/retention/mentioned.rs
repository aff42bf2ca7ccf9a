//! Whether a Parquet file mentions a person, in whichever column: text and bytes of any depth are searched, packed as they may
//! be. Absent: names of columns and notes of the footer, which the caller has as bytes of the file.

use arrow::array::{Array, ArrayRef, AsArray, make_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::person::Mentions;

/// Whether it does.
///
/// # Errors
/// A sentence where the file cannot be read, and so nobody knows.
pub fn mentions_in_parquet(file: &Bytes, mentions: &Mentions) -> Result<bool, String> {
    let unread = |error: &dyn std::fmt::Display| format!("it cannot be read: {error}");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone()).map_err(|error| unread(&error))?;
    for batch in reader.build().map_err(|error| unread(&error))? {
        let batch = batch.map_err(|error| unread(&error))?;
        for column in batch.columns() {
            if stands_in(column, mentions).map_err(|error| unread(&error))? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn stands_in(column: &ArrayRef, mentions: &Mentions) -> Result<bool, arrow::error::ArrowError> {
    match column.data_type() {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => {
            let bytes = cast(column, &DataType::LargeBinary)?;
            Ok(bytes.as_binary::<i64>().iter().flatten().any(|value| mentions.stand_in(value)))
        }
        kind if kind.is_integer() => {
            let texts = cast(column, &DataType::Utf8)?;
            Ok(texts.as_string::<i32>().iter().flatten().any(|value| mentions.stand_in(value.as_bytes())))
        }
        // The values of dictionaries, lists, maps and structs.
        _ => {
            for child in column.to_data().child_data() {
                if stands_in(&make_array(child.clone()), mentions)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}
