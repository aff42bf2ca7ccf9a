//! Keeping datasets of the lake in few files: a server looks every so often whether small files have come together, and
//! rewrites them as `auditlake compact` does. Files that were replaced stay a day for readers that began before, and go when it
//! looks after that.

use std::time::Duration;

use schemas::Dataset;
use tokio_util::sync::CancellationToken;

use crate::clock::pause;
use crate::compact::{CompactCommand, GRACE, compact, remove_due};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::progress::Progress;
use crate::runner::chain;
use crate::world::World;

/// Small files of a dataset from which on rewriting them is worth it, and of each of their folders on average.
const FILES_WORTH: u64 = 64;
const FILES_OF_FOLDER_WORTH: u64 = 8;
/// Size that files grow to, as of the command.
const FILE_BYTES: usize = 256 << 20;

/// Looks at every dataset each time so much time is over, until the process is to stop.
pub(super) async fn keep(
    (lake, world): (&OpenLake, &World),
    every: Duration,
    (closing, stop): (&CancellationToken, &CancellationToken),
) {
    if every.is_zero() {
        return;
    }
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            () = pause(every) => {}
        }
        for dataset in lake.definitions.datasets.iter().filter(|dataset| dataset.is_ours()) {
            if closing.is_cancelled() {
                return;
            }
            let kept = tokio::select! {
                () = stop.cancelled() => return,
                kept = kept(lake, world, dataset) => kept,
            };
            if let Err(error) = kept {
                let why = chain(&error).join(": ");
                tracing::warn!(dataset = %dataset.id, %why, "small files are not rewritten, will be later");
            }
        }
    }
}

/// Rewrites the small files of a dataset, if there are many, and deletes what was replaced a day ago.
async fn kept(lake: &OpenLake, world: &World, dataset: &Dataset) -> Result<(), JobError> {
    let looked =
        CompactCommand { dataset: dataset.id.to_string(), grace: GRACE, file_bytes: FILE_BYTES, dry_run: true };
    let there = compact(lake, world, &looked, &Progress::silent()).await?;
    if there.files_before < FILES_WORTH || there.files_before < there.folders * FILES_OF_FOLDER_WORTH {
        if there.files_deleted > 0 {
            let files = remove_due(lake, world, dataset).await?;
            tracing::info!(dataset = %dataset.id, files, "replaced files deleted");
        }
        return Ok(());
    }
    let outcome = compact(lake, world, &CompactCommand { dry_run: false, ..looked }, &Progress::silent()).await?;
    tracing::info!(dataset = %dataset.id, before = outcome.files_before, after = outcome.files_after, "compacted");
    Ok(())
}
