//! The row groups that can have rows of a person.
//!
//! Absent: errors. A segment that cannot be read is as good as none: its files are read whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::logical_expr::Expr;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use schemas::Dataset;

use super::ask::Ask;
use super::folder_of;
use super::segment::{Covered, OpenSegment};
use crate::dataset::PinnedFile;
use crate::error::EngineError;

/// Segments read side by side.
const SEGMENTS_AT_ONCE: usize = 8;

/// The index of a dataset.
#[derive(Debug, Clone)]
pub(crate) struct SubjectIndex {
    store: Arc<dyn ObjectStore>,
    folder: Path,
    columns: Vec<String>,
}

/// Which row groups of a file a condition can meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Met {
    /// The index says nothing of the file, so all of them.
    Unknown,
    /// Of each row group whether it can. None can: the file need not be opened.
    Groups(Vec<bool>),
}

/// What a segment says of one file.
#[derive(Debug)]
struct Said {
    file: Covered,
    /// Of each value that was asked for its row groups.
    held: BTreeMap<u64, BTreeSet<usize>>,
}

impl SubjectIndex {
    /// The index of a dataset whose files lie in `store`, if it has one.
    pub(crate) fn of(dataset: &Dataset, store: &Arc<dyn ObjectStore>) -> Option<Self> {
        let folder = folder_of(dataset)?;
        Some(Self { store: Arc::clone(store), folder, columns: dataset.subjects.clone() })
    }

    /// Which row groups of each file can have rows for which all conditions are true; `None` when they ask for nobody.
    pub(crate) async fn met(&self, conditions: &[Expr], files: &[&PinnedFile]) -> Option<Vec<Met>> {
        let ask = Ask::of(conditions, &self.columns)?;
        let said = match self.said(&ask).await {
            Ok(said) => said,
            Err(error) => {
                tracing::warn!(folder = %self.folder, error = &error as &dyn std::error::Error, "index not read, files are read whole");
                return None;
            }
        };
        let met = |file: &&PinnedFile| match said.get(file.path()).filter(|said| said.file.is(file)) {
            None => Met::Unknown,
            Some(said) => {
                let groups = ask.groups(&|hash| said.held.get(&hash).cloned().unwrap_or_default());
                Met::Groups((0..said.file.row_groups).map(|group| groups.contains(&group)).collect())
            }
        };
        Some(files.iter().map(met).collect())
    }

    /// What the segments say of their files, by path.
    async fn said(&self, ask: &Ask) -> Result<HashMap<String, Said>, EngineError> {
        let listed: Vec<ObjectMeta> = self
            .store
            .list(Some(&self.folder))
            .try_collect()
            .await
            .map_err(|source| EngineError::store(&self.folder, "list it", source))?;
        let hashes: Vec<u64> = ask.hashes().into_iter().collect();
        let hashes = &hashes;
        let of_each = stream::iter(listed).map(|meta| async move { self.said_by(&meta, hashes).await });
        let said = of_each.buffer_unordered(SEGMENTS_AT_ONCE).concat().await;
        Ok(said.into_iter().map(|said| (said.file.path.clone(), said)).collect())
    }

    /// What one segment says; nothing, when it cannot be read or is about other columns.
    async fn said_by(&self, meta: &ObjectMeta, hashes: &[u64]) -> Vec<Said> {
        match self.try_said_by(meta, hashes).await {
            Ok(said) => said,
            Err(error) => {
                // Whoever writes segments anew removes the old ones, so that one may be gone.
                let error = &error as &dyn std::error::Error;
                tracing::debug!(path = %meta.location, error, "segment of an index not read, its files are read whole");
                Vec::new()
            }
        }
    }

    async fn try_said_by(&self, meta: &ObjectMeta, hashes: &[u64]) -> Result<Vec<Said>, EngineError> {
        let segment = OpenSegment::open(&self.store, meta).await?;
        if segment.columns != self.columns {
            return Ok(Vec::new());
        }
        let units = segment.units_of(hashes).await?;
        let mut first = 0;
        let mut said = Vec::with_capacity(segment.files.len());
        for file in segment.files {
            let (from, to) = (first, first + file.row_groups as u64);
            first = to;
            let groups = |units: &Vec<u64>| -> BTreeSet<usize> {
                let own = &units[units.partition_point(|unit| *unit < from)..];
                let own = own.iter().take_while(|unit| **unit < to);
                own.filter_map(|unit| usize::try_from(unit - from).ok()).collect()
            };
            let held = units.iter().map(|(hash, units)| (*hash, groups(units)));
            said.push(Said { file, held: held.filter(|(_, groups)| !groups.is_empty()).collect() });
        }
        Ok(said)
    }
}
