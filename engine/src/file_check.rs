//! Opens every file of a dataset and says which are not what they must be.
//!
//! A query checks the files that it opens. A file that its folder rules out is not opened, so whoever must miss nothing
//! asks here first. Absent: rows, but for columns that a footer leaves open.

use std::sync::Arc;

use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::dataset::PinnedFile;
use crate::dataset_store::DatasetStore;
use crate::error::EngineError;
use crate::file_fault::FileFault;
use crate::file_reader::FileBytes;
use crate::file_rules::FileRules;
use crate::lake_session::LakeSession;

/// Footers read side by side: most of the time is spent waiting for the store.
const FOOTERS_AT_ONCE: usize = 16;
/// Read of the end of a file at first: nearly always the whole footer, so that a file takes one request.
const FOOTER_BYTES: usize = 64 << 10;

/// What became of a look at every file of a dataset.
#[derive(Debug)]
pub struct FilesChecked {
    /// Files looked at.
    pub files: u64,
    /// Those that lie in no folder of a tenant.
    pub without_tenant: u64,
    /// What is wrong, a file each, by path.
    pub faults: Vec<EngineError>,
}

impl LakeSession {
    /// Opens every file of a dataset and says which are not what they must be; none where there is no such dataset.
    ///
    /// # Errors
    /// When the store cannot be listed or read: then nothing is known of the files.
    pub async fn check_files(&self, dataset: &str) -> Result<Option<FilesChecked>, EngineError> {
        let Some(declared) = self.dataset(dataset) else { return Ok(None) };
        let (rules, store) = (FileRules::of(declared), self.files.store(dataset));
        let files = self.files(dataset).await?.unwrap_or_default();
        let mut looked = stream::iter(files).map(|file| checked(&rules, store, file)).buffered(FOOTERS_AT_ONCE);
        let mut faults = Vec::new();
        while let Some(fault) = looked.try_next().await? {
            faults.extend(fault);
        }
        let without_tenant = files.iter().filter(|file| file.tenant.is_none()).count() as u64;
        Ok(Some(FilesChecked { files: files.len() as u64, without_tenant, faults }))
    }
}

async fn checked(
    rules: &FileRules,
    store: &DatasetStore,
    file: &PinnedFile,
) -> Result<Option<EngineError>, EngineError> {
    let footer = DFParquetMetadata::new(store.pinned.as_ref(), &file.meta)
        .with_file_metadata_cache(Some(Arc::clone(&store.footers)))
        .with_metadata_size_hint(Some(FOOTER_BYTES))
        .fetch_metadata()
        .await;
    let looked = match footer {
        Ok(footer) => rules.check(file, &footer, FileBytes::of(store, file)).await,
        Err(error) => Err(FileFault::met(file.path(), error)),
    };
    match looked.map_err(EngineError::from) {
        Ok(()) => Ok(None),
        Err(error) if error.is_of_store() => Err(error),
        Err(error) => Ok(Some(error)),
    }
}
