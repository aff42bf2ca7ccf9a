//! The distinct values of the subject columns of a file, as hashes.
//!
//! Absent: values themselves. A hash that two values share costs reading a file in vain, and nothing else.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use object_store::ObjectStore;
use twox_hash::XxHash64;

use super::segment::Covered;
use crate::dataset::PinnedFile;
use crate::dataset_table::plain;
use crate::error::EngineError;
use crate::file_fault::FileFault;
use crate::retention::OpenObject;

/// Bits of the hash that are left out: 48 tell apart more values than a segment can have.
const BITS_LEFT_OUT: u32 = 16;

/// A file with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileValues {
    pub(super) file: Covered,
    /// Of each row group the hashes, ascending, each once.
    pub(super) groups: Vec<Vec<u64>>,
}

/// The upper 48 bits of XXH64 (seed 0) of the bytes of a value in UTF-8.
pub(super) fn hash_of(value: &str) -> u64 {
    XxHash64::oneshot(0, value.as_bytes()) >> BITS_LEFT_OUT
}

/// Reads the columns of a file. A column that it has not is null in every row; of one that is no text nothing can be said,
/// and then it is `None`.
///
/// # Errors
/// When the file cannot be read, or is another one by now.
pub(super) async fn values_of(
    store: &Arc<dyn ObjectStore>,
    file: &PinnedFile,
    columns: &[String],
) -> Result<Option<FileValues>, EngineError> {
    let unread = |error| EngineError::from(FileFault::decoding(file.path(), error));
    let object = OpenObject::open(store, file).await.map_err(unread)?;
    let kinds = columns.iter().filter_map(|column| object.schema().field_with_name(column).ok());
    if kinds.into_iter().any(|field| plain(field.data_type()) != DataType::Utf8) {
        return Ok(None);
    }
    let mut groups = Vec::with_capacity(object.footer().num_row_groups());
    for group in 0..object.footer().num_row_groups() {
        let rows = object.read(columns, group).await.map_err(unread)?;
        let mut hashes = Vec::with_capacity(rows.num_rows() * rows.num_columns());
        for column in rows.columns() {
            let texts = cast(column, &DataType::Utf8).map_err(|error| unread(error.into()))?;
            let texts = texts.as_string::<i32>();
            match texts.null_count() {
                0 => hashes.extend((0..texts.len()).map(|row| hash_of(texts.value(row)))),
                _ => hashes.extend(texts.iter().flatten().map(hash_of)),
            }
        }
        hashes.sort_unstable();
        hashes.dedup();
        groups.push(hashes);
    }
    Ok(Some(FileValues { file: Covered::of(file, groups.len()), groups }))
}
