//! Files that replace files: one create-only sequence for each dataset of the lake.
//!
//! ```text
//! _auditlake/datasets/<dataset>/000007.json       announced: how the names of the new files begin
//! <location>/…/compact-000007-00000.parquet …     the new files
//! _auditlake/datasets/<dataset>/000007.end.json   committed: which files came and which went; or given up; or closed
//! ```
//!
//! A reader lists the files first and the sequence after them. So it knows of each file why it is there: one that was
//! announced counts from its commit on, one that was removed counts no more, and a committed file that the listing lacks
//! makes it list again. It sees the files before a commit or those after it, never both and never neither. Removed files
//! stay for a while, for readers that began before.
//!
//! What an entry removes is decided *after* it was announced, from [`Replacement::files`]. By then every earlier entry has
//! ended, because whoever announces gives up those that have not, and an end is written once. Later ones cannot begin
//! without ending this one. So no entry rests on a view of the files that another entry has changed since, even when its
//! writer froze, lost its claim and woke: it is the last entry and commits, or it was given up and commits nothing.
//!
//! Files of an ingest count as soon as they lie there. When its work cannot be carried out as planned, an entry closes it:
//! the files there are by then count on, and one that a frozen writer adds later does not.
//!
//! Absent: deciding who writes. Whoever does holds the claim of the dataset.

mod dropped;
mod sequence;
mod settle;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use object_store::path::Path;
use schemas::Dataset;

pub(crate) use dropped::{DroppedFile, change_dropped, dropped_of};
use sequence::{Announced, Closing, End, Sequence, entry_path, is_of};
pub(crate) use sequence::{COMPACT, files_in_force, is_closed, replaced};
pub use sequence::{Origin, origin_of};
pub use settle::remove_replaced;
pub(crate) use settle::{Leftovers, leftovers, purge_replaced};
use settle::{Settled, settle};

use crate::dataset::{PinnedFile, list_below};
use crate::error::EngineError;
use crate::ingest::{Fence, WrittenFile};
use crate::store::{Created, Lakefront};

/// A replacement under way: announced, and not yet ended.
#[derive(Debug)]
pub(crate) struct Replacement<'a> {
    lake: &'a Lakefront,
    fence: &'a dyn Fence,
    dataset: &'a Dataset,
    number: u64,
    /// How the names of the new files begin; no other entry has it.
    pub(crate) work: String,
    /// Files that went when it was announced.
    pub(crate) deleted: u64,
}

/// What one commit did to the files of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilesReplaced {
    /// How the names of the new files begin.
    pub work: String,
    /// The new files.
    pub adds: Vec<WrittenFile>,
    /// Paths of those that count no more.
    pub removes: Vec<String>,
}

impl<'a> Replacement<'a> {
    /// Announces new files whose names begin with `stem`. Entries that others left without an end are given up first,
    /// and files that went by `settled_until` are deleted.
    ///
    /// # Errors
    /// When the store fails, or another writer announced meanwhile.
    pub(crate) async fn announce(
        lake: &'a Lakefront,
        fence: &'a dyn Fence,
        dataset: &'a Dataset,
        stem: &str,
        now: DateTime<Utc>,
        settled_until: DateTime<Utc>,
    ) -> Result<Self, EngineError> {
        fence.check().await?;
        let mut sequence = Sequence::read(lake, dataset.id.as_str()).await?;
        for entry in sequence.entries.iter_mut().filter(|entry| entry.end.is_none()) {
            // Its writer held the claim before us and is gone; if it was faster after all, its end stands.
            let path = entry_path(dataset.id.as_str(), entry.number, ".end");
            lake.create_json(&path, &End::GivenUp { at: now }).await?;
            entry.end = lake.read_json(&path).await?;
        }
        let number = sequence.next;
        let Settled { below: settled, given_up, closed, deleted } =
            settle(lake, fence, dataset, sequence, settled_until).await?;
        let work = format!("{stem}-{number:06}");
        let announced = Announced { work: work.clone(), at: now, settled, given_up, closed };
        match lake.create_json(&entry_path(dataset.id.as_str(), number, ""), &announced).await? {
            Created::Now => Ok(Self { lake, fence, dataset, number, work, deleted }),
            Created::Existed => {
                Err(EngineError::ClaimLost { claim: format!("datasets/{}", dataset.id), epoch: number })
            }
        }
    }

    /// The files that count: those of entries before this one, whose effect is final. Whatever is to be removed is among
    /// them; files that were listed before the announcement may have been replaced by another writer.
    ///
    /// # Errors
    /// As [`files_in_force`].
    pub(crate) async fn files(&self) -> Result<Vec<PinnedFile>, EngineError> {
        files_of(self.lake, self.dataset).await
    }

    /// Commits what was written in place of what it removes, or gives up when writing failed.
    ///
    /// # Errors
    /// That of the writing, or as [`Self::commit`].
    pub(crate) async fn end(
        self,
        written: Result<(Vec<WrittenFile>, Vec<String>), EngineError>,
        at: DateTime<Utc>,
    ) -> Result<(Vec<WrittenFile>, Vec<String>), EngineError> {
        match written {
            Ok((adds, removes)) => self.commit(adds.clone(), removes.clone(), at).await.map(|()| (adds, removes)),
            Err(error) => {
                self.give_up(at).await;
                Err(error)
            }
        }
    }

    /// Makes the new files count and the removed ones not, at once.
    ///
    /// # Errors
    /// When the claim is lost, the entry was given up by another, or the store fails.
    pub(crate) async fn commit(
        self,
        adds: Vec<WrittenFile>,
        removes: Vec<String>,
        at: DateTime<Utc>,
    ) -> Result<(), EngineError> {
        self.ends_with(&End::Committed { at, adds, removes }).await
    }

    async fn ends_with(self, end: &End) -> Result<(), EngineError> {
        self.fence.check().await?;
        let path = entry_path(self.dataset.id.as_str(), self.number, ".end");
        if self.lake.create_json(&path, end).await? == Created::Existed {
            return Err(EngineError::ClaimLost { claim: format!("datasets/{}", self.dataset.id), epoch: self.number });
        }
        Ok(())
    }

    /// Closes the work of an ingest: its files that lie there now count on, and others of it never.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub(crate) async fn close(self, work: &str, at: DateTime<Utc>) -> Result<(), EngineError> {
        let files = match self.files().await {
            Ok(files) => files,
            Err(error) => {
                self.give_up(at).await;
                return Err(error);
            }
        };
        let keeps = files.iter().map(PinnedFile::path).filter(|path| is_of(work, path)).map(str::to_owned).collect();
        self.ends_with(&End::Closed { at, closing: Closing { work: work.to_owned(), keeps } }).await
    }

    /// Gives the replacement up: its files never count, and the next writer deletes them.
    pub(crate) async fn give_up(self, at: DateTime<Utc>) {
        let path = entry_path(self.dataset.id.as_str(), self.number, ".end");
        if let Err(error) = self.lake.create_json(&path, &End::GivenUp { at }).await {
            tracing::warn!(%error, entry = %path, "replacement not given up, the next one will");
        }
    }
}

/// The files of the lake that count as files of `dataset`, by path.
///
/// # Errors
/// When the store cannot be listed, or a record of a replacement cannot be read.
pub async fn files_of(lake: &Lakefront, dataset: &Dataset) -> Result<Vec<PinnedFile>, EngineError> {
    let prefix = Path::from(dataset.location.trim_end_matches('/'));
    files_in_force(lake.store(), dataset.id.as_str(), &prefix).await
}

/// Files below a dataset's location that do not count: others came in their place, or nobody ended what they are of.
///
/// # Errors
/// When the store fails, or a record of what counts is damaged.
pub async fn files_replaced(lake: &Lakefront, dataset: &Dataset) -> Result<Vec<PinnedFile>, EngineError> {
    let counting: BTreeSet<String> = files_of(lake, dataset).await?.iter().map(|file| file.path().to_owned()).collect();
    let mut files = files_below_of(lake, dataset).await?;
    files.retain(|file| !counting.contains(file.path()));
    Ok(files)
}

/// Files below the dataset's location, whether they count or not.
async fn files_below_of(lake: &Lakefront, dataset: &Dataset) -> Result<Vec<PinnedFile>, EngineError> {
    list_below(lake.store().as_ref(), &Path::from(dataset.location.trim_end_matches('/'))).await
}

#[cfg(test)]
mod tests;
