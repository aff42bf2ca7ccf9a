//! Refused records once more: the files of `<dataset>_rejected` as inputs of an ingest.
//!
//! A record of which every byte was kept is mapped anew, as what it was: `raw_ref` names the object it came from, so
//! its row is the one that the first reading would have given. What is refused again is counted and not written
//! again, because it lies there already; the files stay as they are, as evidence. Absent: fetching the object itself
//! for a record that was longer than what is kept.

use arrow::array::{Array, AsArray, BinaryArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemas::Dataset;
use tokio::runtime::Handle;

use super::plan::PlannedInput;
use super::records::{Again, Item, Place, Record};
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::replace::files_of;
use crate::store::Lakefront;

/// Rows decoded at a time; each holds at most 64 KiB of a record.
const BATCH_ROWS: usize = 256;

/// The folder of a dataset's refused records.
pub(crate) fn folder(dataset: &Dataset) -> String {
    format!("{}_rejected/", dataset.location.trim_end_matches('/'))
}

/// Every file of refused records, by name.
pub(crate) async fn find(lake: &Lakefront, dataset: &Dataset) -> Result<Vec<PlannedInput>, EngineError> {
    let Some(rejected) = dataset.rejected() else { return Ok(Vec::new()) };
    let files = files_of(lake, &rejected).await?;
    let input = |file: PinnedFile| PlannedInput {
        path: file.path().to_owned(),
        etag: file.meta.e_tag.unwrap_or_default(),
        bytes: file.meta.size,
    };
    Ok(files.into_iter().map(input).collect())
}

/// Fails when the file is no longer the planned version.
pub(crate) async fn unchanged(lake: &Lakefront, input: &PlannedInput) -> Result<(), EngineError> {
    let path = location(input)?;
    let head = lake.store().head(&path).await.map_err(|source| EngineError::store(&path, "find it", source))?;
    if head.e_tag.unwrap_or_default() == input.etag {
        Ok(())
    } else {
        Err(EngineError::Changed { path: input.path.clone() })
    }
}

/// Calls `each` for every record of one file.
pub(crate) fn each_item(
    lake: &Lakefront,
    runtime: &Handle,
    input: &PlannedInput,
    each: &mut dyn FnMut(Item<'_>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let unreadable = |source: parquet::errors::ParquetError| EngineError::Parquet {
        path: input.path.clone(),
        action: "read",
        source: Box::new(source),
    };
    let bytes = runtime.block_on(read(lake, input))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(unreadable)?;
    let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(unreadable)?;
    let mut at = 0;
    for batch in reader {
        let batch = batch.map_err(|error| unreadable(error.into()))?;
        let kept = Kept::of(&batch).ok_or_else(|| EngineError::Input {
            path: input.path.clone(),
            why: "it does not have the columns of rejected.v1; move it elsewhere".to_owned(),
        })?;
        for row in 0..batch.num_rows() {
            each(kept.item(row, Place { offset: at, line: at + 1, number: at + 1 }))?;
            at += 1;
        }
    }
    Ok(())
}

fn location(input: &PlannedInput) -> Result<Path, EngineError> {
    Path::parse(&input.path)
        .map_err(|error| EngineError::Input { path: input.path.clone(), why: format!("not a path: {error}") })
}

async fn read(lake: &Lakefront, input: &PlannedInput) -> Result<Bytes, EngineError> {
    let path = location(input)?;
    let failed = |source| EngineError::store(&path, "read it", source);
    let options = GetOptions { if_match: Some(input.etag.clone()), ..GetOptions::default() };
    lake.store().get_opts(&path, options).await.map_err(failed)?.bytes().await.map_err(failed)
}

/// The columns of refused records that are needed to read them again.
struct Kept {
    source: StringArray,
    offset: Int64Array,
    raw: BinaryArray,
    raw_bytes: Int64Array,
}

impl Kept {
    fn of(batch: &RecordBatch) -> Option<Self> {
        // Whoever rewrote the file may have used other types of text and bytes.
        let column = |name: &str, to: &DataType| arrow::compute::cast(batch.column_by_name(name)?, to).ok();
        Some(Self {
            source: column("source", &DataType::Utf8)?.as_string_opt::<i32>()?.clone(),
            offset: column("offset_bytes", &DataType::Int64)?.as_primitive_opt::<Int64Type>()?.clone(),
            raw: column("raw", &DataType::Binary)?.as_binary_opt::<i32>()?.clone(),
            raw_bytes: column("raw_bytes", &DataType::Int64)?.as_primitive_opt::<Int64Type>()?.clone(),
        })
    }

    fn item(&self, row: usize, place: Place) -> Item<'_> {
        let bytes = if self.raw.is_valid(row) { self.raw.value(row) } else { b"" };
        if i64::try_from(bytes.len()) != Ok(self.raw_bytes.value(row)) {
            return Item::Skipped { place, reason: "only the beginning of the record was kept" };
        }
        Item::Again(Again {
            record: Record { place, bytes },
            source: self.source.value(row),
            offset: u64::try_from(self.offset.value(row)).unwrap_or_default(),
        })
    }
}
