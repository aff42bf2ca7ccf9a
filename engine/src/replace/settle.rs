//! Files that count no more, and that the store still has: which there are, and how they go.
//!
//! They stay for a grace, for readers that began before. Whoever announces the next entry deletes what is due, and so does
//! whoever asks for that alone. A deleted object may have older versions in a bucket that keeps such; those go only where
//! rows are to be gone for good.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use schemas::Dataset;

use super::sequence::{Closing, End, Entry, Sequence, replaced};
use super::{Replacement, files_below_of};
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::incremental::{delete_versions, sweep_states};
use crate::ingest::Fence;
use crate::store::{Lakefront, Versions, recorded_path};

/// Objects of which versions are looked up side by side.
const VERSIONS_AT_ONCE: usize = 16;

/// What is known of entries that are read no more.
pub(super) struct Settled {
    /// The first entry of which something is still there.
    pub(super) below: u64,
    pub(super) given_up: Vec<String>,
    pub(super) closed: Vec<Closing>,
    /// Files that were deleted.
    pub(super) deleted: u64,
}

/// Deletes what entries leave behind that ended by `until`, oldest first, and says how far it came.
pub(super) async fn settle(
    lake: &Lakefront,
    fence: &dyn Fence,
    dataset: &Dataset,
    sequence: Sequence,
    until: DateTime<Utc>,
) -> Result<Settled, EngineError> {
    let Sequence { entries, settled, given_up, closed, .. } = sequence;
    let mut settled = Settled { below: settled, given_up, closed, deleted: 0 };
    for entry in entries {
        if !entry.ended_by(until) {
            break;
        }
        let gone: Vec<Path> = match &entry.end {
            // Whatever a listing shows: a file that is missed would count again.
            Some(End::Committed { removes, .. }) => removes.iter().map(|path| recorded_path(path)).collect(),
            _ => {
                let files = files_below_of(lake, dataset).await?;
                entry.left(&files).map(|file| file.meta.location.clone()).collect()
            }
        };
        if !gone.is_empty() {
            let left = sweep_states(lake, dataset).await?.not_reached;
            left.iter().for_each(|left| tracing::warn!(left, "a state of a replaced file has versions left"));
        }
        for path in &gone {
            fence.check().await?;
            lake.remove(path).await?;
        }
        settled.deleted += gone.len() as u64;
        settled.below = entry.number + 1;
        settled.learn(entry);
    }
    Ok(settled)
}

impl Settled {
    /// Keeps what readers must know of an entry of which no file is left.
    fn learn(&mut self, Entry { announced, end, .. }: Entry) {
        match end {
            Some(End::GivenUp { .. }) => self.given_up.push(announced.work),
            Some(End::Closed { closing, .. }) => {
                self.closed.retain(|earlier| earlier.work != closing.work);
                self.closed.push(closing);
            }
            // Whoever writes such a file again is late as well.
            Some(End::Committed { removes, .. }) => {
                for closing in &mut self.closed {
                    closing.keeps.retain(|kept| !removes.contains(kept));
                }
            }
            None => {}
        }
    }
}

impl Entry {
    fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.end.as_ref().map(|end| match end {
            End::Committed { at, .. } | End::GivenUp { at } | End::Closed { at, .. } => *at,
        })
    }

    fn ended_by(&self, until: DateTime<Utc>) -> bool {
        self.ended_at().is_some_and(|at| at <= until)
    }

    /// Of some files, those that count no more because of it.
    fn left<'f>(&'f self, files: &'f [PinnedFile]) -> impl Iterator<Item = &'f PinnedFile> {
        let removes: BTreeSet<&str> = match &self.end {
            Some(End::Committed { removes, .. }) => removes.iter().map(String::as_str).collect(),
            _ => BTreeSet::new(),
        };
        files.iter().filter(move |file| match &self.end {
            Some(End::Committed { .. }) => removes.contains(file.path()),
            Some(End::Closed { closing, .. }) => closing.rules_out(file.path()),
            Some(End::GivenUp { .. }) | None => self.announced.names(file.path()),
        })
    }
}

/// Files on the store that count no more because others came in their place, or nobody ended what they are of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Leftovers {
    /// Those that may go.
    pub(crate) due: u64,
    /// Those that stay for readers that began before.
    pub(crate) staying: u64,
    /// When the first and the last of those that stay were replaced.
    pub(crate) staying_since: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// What is left of a dataset, where what was replaced by `until` may go.
///
/// # Errors
/// When the store fails, or a record is gone.
pub(crate) async fn leftovers(
    lake: &Lakefront,
    dataset: &Dataset,
    until: DateTime<Utc>,
) -> Result<Leftovers, EngineError> {
    let sequence = Sequence::read(lake, dataset.id.as_str()).await?;
    let mut left = Leftovers::default();
    if sequence.entries.is_empty() {
        return Ok(left);
    }
    let files = files_below_of(lake, dataset).await?;
    let mut is_due = true;
    for entry in &sequence.entries {
        let many = entry.left(&files).count() as u64;
        is_due &= entry.ended_by(until);
        // Of an entry that nobody ended, the next announcement says that it was given up.
        if is_due || entry.end.is_none() {
            left.due += many;
        } else if let Some(at) = entry.ended_at().filter(|_| many > 0) {
            left.staying += many;
            left.staying_since =
                Some(left.staying_since.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        }
    }
    Ok(left)
}

/// Deletes files that others came in the place of by `until`, and says how many: whoever reads them begins anew.
///
/// # Errors
/// When the claim is lost, or the store fails.
pub async fn remove_replaced(
    lake: &Lakefront,
    fence: &dyn Fence,
    dataset: &Dataset,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<u64, EngineError> {
    if leftovers(lake, dataset, until).await?.due == 0 {
        return Ok(0);
    }
    let replacement = Replacement::announce(lake, fence, dataset, "settle", now, until).await?;
    let deleted = replacement.deleted;
    replacement.give_up(now).await;
    Ok(deleted)
}

/// Deletes the versions that a bucket keeps of files that others came in the place of and that were deleted; what is left,
/// each a sentence. Files that are still there keep theirs.
///
/// # Errors
/// When the claim is lost, or the store fails.
pub(crate) async fn purge_replaced(
    lake: &Lakefront,
    fence: &dyn Fence,
    dataset: &Dataset,
) -> Result<Vec<String>, EngineError> {
    let removed = replaced(lake, dataset.id.as_str()).await?.removed;
    let mut paths = removed.into_iter().flat_map(|(_, paths)| paths).map(|path| recorded_path(&path));
    let Some(first) = paths.next() else { return Ok(Vec::new()) };
    match lake.versions(&first).await? {
        Versions::None => return Ok(Vec::new()),
        Versions::Unlisted { why } => return Ok(vec![format!("older versions of files that were replaced: {why}")]),
        Versions::Listed(_) => {}
    }
    let left = stream::iter(std::iter::once(first).chain(paths).collect::<Vec<_>>())
        .map(|path| async move { purged(lake, fence, &path).await })
        .buffered(VERSIONS_AT_ONCE)
        .try_collect::<Vec<_>>();
    Ok(left.await?.into_iter().flatten().collect())
}

/// Deletes the versions of an object that was deleted; of one that is there, none.
async fn purged(lake: &Lakefront, fence: &dyn Fence, path: &Path) -> Result<Option<String>, EngineError> {
    let versions = match lake.versions(path).await? {
        Versions::None => return Ok(None),
        Versions::Unlisted { why } => return Ok(Some(format!("older versions of \"{path}\": {why}"))),
        Versions::Listed(versions) => versions,
    };
    if versions.iter().any(|version| version.latest && !version.delete_marker) {
        return Ok(None);
    }
    fence.check().await?;
    delete_versions(lake, path, versions).await
}
