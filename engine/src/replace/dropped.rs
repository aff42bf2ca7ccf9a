//! Files that count no more because retention lets them go: they lie there until their grace is over.
//!
//! ```text
//! _auditlake/datasets/<dataset>/dropped-000007.json    all that are dropped, by path and ETag
//! ```
//!
//! A sequence of states: each has everything that the ones before it had and that still matters, and readers read the last
//! one. A file that somebody writes anew under a dropped path has another ETag and counts. Absent: deleting the files.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::files_below_of;
use super::sequence::Sequence;
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::ingest::Fence;
use crate::store::{Created, Lakefront};
use schemas::Dataset;

/// What a name of a state begins with, before its number.
const STEM: &str = "dropped-";

/// A file that counts no more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct DroppedFile {
    pub(crate) path: String,
    /// ETag of the bytes that do not count.
    pub(crate) etag: String,
}

/// Every dropped file of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dropped {
    pub(super) at: DateTime<Utc>,
    pub(super) files: BTreeSet<DroppedFile>,
}

impl Dropped {
    /// Whether these bytes under this path count no more.
    pub(super) fn has(&self, file: &PinnedFile) -> bool {
        let named = DroppedFile { path: file.path().to_owned(), etag: file.etag().to_owned() };
        self.files.contains(&named)
    }

    /// Whether a file of this path may be gone.
    pub(super) fn excuses(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }
}

/// The number of a state, by the name of its object without `.json`.
pub(super) fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix(STEM)?.parse().ok()
}

pub(super) fn state_path(dataset: &str, number: u64) -> Path {
    Path::from(format!("_auditlake/datasets/{dataset}/{STEM}{number:06}.json"))
}

/// Lets files count no more, and others count again; each in one step.
///
/// # Errors
/// When the claim is lost, somebody else changed the state meanwhile, or the store fails.
pub(crate) async fn change_dropped(
    lake: &Lakefront,
    fence: &dyn Fence,
    dataset: &Dataset,
    (drops, lifts): (&[DroppedFile], &[DroppedFile]),
    at: DateTime<Utc>,
) -> Result<(), EngineError> {
    let sequence = Sequence::read(lake, dataset.id.as_str()).await?;
    let before = &sequence.dropped;
    let mut files: BTreeSet<DroppedFile> = before.files.clone();
    files.extend(drops.iter().cloned());
    files.retain(|file| !lifts.contains(file));
    if files == before.files {
        return Ok(());
    }
    let there: BTreeSet<String> =
        files_below_of(lake, dataset).await?.iter().map(|file| file.path().to_owned()).collect();
    let committed = sequence.committed();
    files.retain(|file| there.contains(&file.path) || committed.contains(file.path.as_str()));
    fence.check().await?;
    let number = sequence.dropped_number + 1;
    match lake.create_json(&state_path(dataset.id.as_str(), number), &Dropped { at, files }).await? {
        Created::Now => Ok(()),
        Created::Existed => Err(EngineError::ClaimLost { claim: format!("datasets/{}", dataset.id), epoch: number }),
    }
}

/// Files of a dataset that count no more and whose grace is not known to be over.
///
/// # Errors
/// When the store fails, or a record is gone.
pub(crate) async fn dropped_of(lake: &Lakefront, dataset: &Dataset) -> Result<Vec<DroppedFile>, EngineError> {
    Ok(Sequence::read(lake, dataset.id.as_str()).await?.dropped.files.into_iter().collect())
}
