//! An object that is looked at: its footer once, then columns of single row groups, all of one version.

use std::ops::Range;
use std::sync::Arc;

use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::TryStreamExt;
use futures::future::{BoxFuture, FutureExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::find::FindError;
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::store::PinnedStore;

/// Read of the end of an object at first: nearly always the whole footer, so that one request does.
const FOOTER_BYTES: usize = 64 << 10;

/// An object whose footer was read.
#[derive(Debug, Clone)]
pub(crate) struct OpenObject {
    reader: ObjectReader,
    metadata: ArrowReaderMetadata,
}

/// Reads ranges of one version of an object; where it was replaced, nothing.
#[derive(Debug, Clone)]
struct ObjectReader {
    store: Arc<PinnedStore>,
    path: Path,
    bytes: u64,
}

impl AsyncFileReader for ObjectReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move { self.store.get_range(&self.path, range).await.map_err(external) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let bytes = self.bytes;
            let footer = ParquetMetaDataReader::new().with_prefetch_hint(Some(FOOTER_BYTES));
            footer.load_and_finish(self, bytes).await.map(Arc::new)
        }
        .boxed()
    }
}

fn external(source: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(source))
}

impl OpenObject {
    /// A store in which nothing but this version of the object is to be read.
    pub(crate) fn pinned(store: &Arc<dyn ObjectStore>, file: &PinnedFile) -> Arc<PinnedStore> {
        let store = Arc::new(PinnedStore::new(Arc::clone(store)));
        store.pin(&file.meta.location, file.meta.e_tag.clone());
        store
    }

    /// Reads the footer.
    ///
    /// # Errors
    /// When the store fails, the object is another one by now, or it is no Parquet file that can be read.
    pub(crate) async fn open(store: &Arc<dyn ObjectStore>, file: &PinnedFile) -> Result<Self> {
        let store = Self::pinned(store, file);
        let mut reader = ObjectReader { store, path: file.meta.location.clone(), bytes: file.meta.size };
        let metadata = ArrowReaderMetadata::load_async(&mut reader, ArrowReaderOptions::new()).await?;
        Ok(Self { reader, metadata })
    }

    /// Its footer.
    pub(crate) fn footer(&self) -> &Arc<ParquetMetaData> {
        self.metadata.metadata()
    }

    /// Its columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// Something that reads rows or filters of it.
    pub(crate) fn builder(&self) -> ParquetRecordBatchStreamBuilder<impl AsyncFileReader + use<>> {
        ParquetRecordBatchStreamBuilder::new_with_metadata(self.reader.clone(), self.metadata.clone())
    }

    /// Columns of one row group, those of them that it has.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) async fn read(&self, columns: &[String], group: usize) -> Result<RecordBatch> {
        let rows = self.footer().row_group(group).num_rows();
        self.read_rows(columns, group, std::slice::from_ref(&(0..u64::try_from(rows).unwrap_or_default()))).await
    }

    /// Columns of some rows of a row group, those of them that it has, one row after the other.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) async fn read_rows(&self, columns: &[String], group: usize, rows: &[Range<u64>]) -> Result<RecordBatch> {
        let roots: Vec<usize> = columns.iter().filter_map(|column| self.schema().index_of(column).ok()).collect();
        let number = |row: u64| usize::try_from(row).unwrap_or(usize::MAX);
        let total = usize::try_from(self.footer().row_group(group).num_rows()).unwrap_or_default();
        let ranges: Vec<Range<usize>> = rows.iter().map(|range| number(range.start)..number(range.end)).collect();
        let count = ranges.iter().map(ExactSizeIterator::len).sum::<usize>();
        let builder = self.builder();
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let stream = builder
            .with_projection(mask)
            .with_row_groups(vec![group])
            .with_row_selection(RowSelection::from_consecutive_ranges(ranges.into_iter(), total))
            .with_batch_size(count.max(1))
            .build()?;
        let of = Arc::clone(stream.schema());
        let batches: Vec<RecordBatch> = stream.try_collect().await?;
        concat_batches(&of, &batches).map_err(ParquetError::from)
    }
}

/// An error of reading a file, as that of the object.
pub(crate) fn unreadable(file: &PinnedFile, error: ParquetError) -> EngineError {
    match crate::file_fault::FileFault::decoding(file.path(), error).into() {
        EngineError::Parquet { path, source, .. } => excludable(path, &source.to_string()),
        EngineError::Input { path, why } => excludable(path, &why),
        error => error,
    }
}

/// An error of reading a file whose rows somebody looks for, as that of the object.
pub(crate) fn unread(file: &PinnedFile, error: ParquetError) -> EngineError {
    match crate::file_fault::FileFault::decoding(file.path(), error).into() {
        EngineError::Parquet { path, source, .. } => restorable(path, &source.to_string()),
        EngineError::Input { path, why } => restorable(path, &why),
        error => error,
    }
}

/// An error of searching a file, as that of the object.
pub(crate) fn unsearchable(file: &PinnedFile, error: FindError) -> EngineError {
    match error {
        FindError::Store { source } => EngineError::store(&file.meta.location, "read it", source),
        error => restorable(file.path().to_owned(), &error.to_string()),
    }
}

fn restorable(path: String, why: &str) -> EngineError {
    let why = format!("{why}; see with auditlake verify whether it is what was written, and restore it from a backup");
    EngineError::Input { path, why }
}

fn excludable(path: String, why: &str) -> EngineError {
    EngineError::Unrewritable {
        path,
        why: format!("{why}; leave it out with --exclude and its path, and the plan says so"),
    }
}
