//! What the records of a dataset say of its files: which count, who wrote each, and what came in whose place.

use std::collections::BTreeMap;

use object_store::path::Path;
use schemas::Dataset;

use crate::dataset::{PinnedFile, list_below};
use crate::error::EngineError;
use crate::ingest::{WrittenFile, written_by_ingests};
use crate::replace::{files_of, replaced};
use crate::store::{Lakefront, recorded_path};

/// The files of one dataset.
#[derive(Debug, Clone, Default)]
pub struct FileRecords {
    /// Those that count, by path.
    pub in_force: Vec<PinnedFile>,
    /// Those that a finished ingest or a committed replacement wrote, by path, whether they still count or not.
    pub written: BTreeMap<String, WrittenFile>,
    /// How the names of new files begin, and the files that they came in the place of.
    pub removed: Vec<(String, Vec<String>)>,
    /// Works of ingests that nobody continues; of those, files count that no record names.
    pub closed: Vec<String>,
}

impl FileRecords {
    /// Whether a file is of a work that was closed.
    pub fn is_of_closed(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.closed.iter().any(|work| name.strip_prefix(work.as_str()).is_some_and(|rest| rest.starts_with('-')))
    }
}

/// Reads the records of a dataset; `ingests` is the dataset whose ingests wrote its files, which is another one where they
/// were refused.
///
/// # Errors
/// When the store fails, a record is damaged, or a committed file is gone.
pub async fn file_records(lake: &Lakefront, dataset: &Dataset, ingests: &str) -> Result<FileRecords, EngineError> {
    let (mut written, mut closed) = written_by_ingests(lake, ingests).await?;
    let folder = Path::from(dataset.location.trim_end_matches('/'));
    written.retain(|path, _| recorded_path(path).prefix_matches(&folder));
    let replaced = replaced(lake, dataset.id.as_str()).await?;
    written.extend(replaced.added.into_iter().map(|file| (file.path.clone(), file)));
    closed.extend(replaced.closed);
    Ok(FileRecords { in_force: files_of(lake, dataset).await?, written, removed: replaced.removed, closed })
}

/// Every Parquet file that lies below a dataset's location, whether it counts or not.
///
/// # Errors
/// When the store fails.
pub async fn files_below(lake: &Lakefront, dataset: &Dataset) -> Result<Vec<PinnedFile>, EngineError> {
    list_below(lake.store().as_ref(), &Path::from(dataset.location.trim_end_matches('/'))).await
}
