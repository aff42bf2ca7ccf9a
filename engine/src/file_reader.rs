//! Reads the files of a table for DataFusion: a file that is not what it must be gives no row.
//!
//! Errors keep what the store said, so that an expired credential looks the same in a scan as in a listing.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::error::Result as DataFusionResult;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::future::{BoxFuture, FutureExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;

use crate::dataset::PinnedFile;
use crate::dataset_store::DatasetStore;
use crate::file_fault::FileFault;
use crate::file_rules::FileRules;

/// Makes readers that check a file once, when they read its footer.
#[derive(Debug)]
pub(crate) struct CheckedReaders {
    store: DatasetStore,
    /// What every file must be.
    pub(crate) rules: Arc<FileRules>,
    bytes: CachedParquetFileReaderFactory,
    checked: Arc<Mutex<HashSet<Path>>>,
}

impl CheckedReaders {
    /// Readers of files of `store` that must obey `rules`.
    pub(crate) fn new(store: &DatasetStore, rules: FileRules) -> Self {
        let pinned = Arc::clone(&store.pinned) as Arc<dyn ObjectStore>;
        let bytes = CachedParquetFileReaderFactory::new(pinned, Arc::clone(&store.footers));
        Self { store: store.clone(), rules: Arc::new(rules), bytes, checked: Arc::default() }
    }
}

impl ParquetFileReaderFactory for CheckedReaders {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        footer_bytes: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> DataFusionResult<Box<dyn AsyncFileReader + Send>> {
        let pinned = PinnedFile::new(file.object_meta.clone());
        let bytes = self.bytes.create_reader(partition, file, footer_bytes, metrics)?;
        let (rules, checked) = (Arc::clone(&self.rules), Arc::clone(&self.checked));
        Ok(Box::new(CheckedReader { store: self.store.clone(), rules, checked, file: pinned, bytes, footer_bytes }))
    }
}

struct CheckedReader {
    store: DatasetStore,
    rules: Arc<FileRules>,
    checked: Arc<Mutex<HashSet<Path>>>,
    file: PinnedFile,
    bytes: Box<dyn AsyncFileReader + Send>,
    footer_bytes: Option<usize>,
}

impl CheckedReader {
    async fn footer(
        &mut self,
        options: Option<&ArrowReaderOptions>,
    ) -> std::result::Result<Arc<ParquetMetaData>, FileFault> {
        let footer = DFParquetMetadata::new(self.store.pinned.as_ref(), &self.file.meta)
            .with_file_metadata_cache(Some(Arc::clone(&self.store.footers)))
            .with_metadata_size_hint(self.footer_bytes)
            .with_page_index_policy(options.map(ArrowReaderOptions::column_index_policy))
            .fetch_metadata()
            .await
            .map_err(|error| FileFault::met(self.file.path(), error))?;
        let checked = || self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.rules.is_empty() && !checked().contains(&self.file.meta.location) {
            self.rules.check(&self.file, &footer, FileBytes::of(&self.store, &self.file)).await?;
            checked().insert(self.file.meta.location.clone());
        }
        Ok(footer)
    }
}

impl AsyncFileReader for CheckedReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        let Self { bytes, file, .. } = self;
        let named = |error| FileFault::decoding(file.path(), error).into();
        async move { bytes.get_bytes(range).await.map_err(named) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        let Self { bytes, file, .. } = self;
        let named = |error| FileFault::decoding(file.path(), error).into();
        async move { bytes.get_byte_ranges(ranges).await.map_err(named) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move { self.footer(options).await.map_err(ParquetError::from) }.boxed()
    }
}

/// The bytes of one pinned file.
pub(crate) struct FileBytes {
    store: Arc<dyn ObjectStore>,
    path: Path,
}

impl FileBytes {
    /// Of `file`, which is pinned in `store`.
    pub(crate) fn of(store: &DatasetStore, file: &PinnedFile) -> Self {
        Self { store: Arc::clone(&store.pinned) as Arc<dyn ObjectStore>, path: file.meta.location.clone() }
    }
}

impl fmt::Debug for FileBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileBytes({})", self.path)
    }
}

impl AsyncFileReader for FileBytes {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move {
            let got = self.store.get_range(&self.path, range).await;
            got.map_err(|source| ParquetError::External(Box::new(source)))
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        // Whoever reads columns has the footer already.
        async { Err(ParquetError::General("the footer was read before".to_owned())) }.boxed()
    }
}
