//! Keeping the index of subjects beside what changes files. It saves reading and decides nothing, so that work which is done
//! does not fail for it: what could not be indexed is read whole, and the next compaction indexes it.

use std::collections::BTreeSet;

use engine::{Indexed, WrittenFile, index_files, refresh_index};
use schemas::Dataset;

use crate::lake::OpenLake;

/// Adds files that were written just now.
pub(crate) async fn of_new_files(lake: &OpenLake, dataset: &Dataset, written: &[WrittenFile]) {
    let own = written.iter().filter(|file| file.path.starts_with(&dataset.location));
    let paths: Vec<String> = own.map(|file| file.path.clone()).collect();
    told(dataset, index_files(&lake.front, dataset, &paths).await);
}

/// Brings the index to what the files are.
pub(crate) async fn refreshed(lake: &OpenLake, dataset: &Dataset) -> Option<Indexed> {
    told(dataset, refresh_index(&lake.front, dataset, None).await)
}

/// Takes values out of the index that no file has any more, after files were rewritten.
pub(crate) async fn of_rewritten(lake: &OpenLake, dataset: &Dataset, paths: &BTreeSet<&str>) {
    told(dataset, refresh_index(&lake.front, dataset, Some(paths)).await);
}

fn told(dataset: &Dataset, done: Result<Indexed, engine::EngineError>) -> Option<Indexed> {
    match done {
        Ok(indexed) => Some(indexed),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(dataset = %dataset.id, error, "index of subjects not written, the next compaction writes it");
            None
        }
    }
}
