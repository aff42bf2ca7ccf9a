//! Files that replace files: one create-only sequence for each dataset of the lake.
//!
//! ```text
//! _auditlake/datasets/<dataset>/000007.json       announced: how the names of the new files begin
//! <location>/…/compact-000007-00000.parquet …     the new files
//! _auditlake/datasets/<dataset>/000007.end.json   committed: which files came and which went; or given up
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
//! Absent: deciding who writes. Whoever does holds the claim of the dataset.

mod sequence;

use chrono::{DateTime, TimeDelta, Utc};
use object_store::path::Path;
use schemas::Dataset;

pub(crate) use sequence::files_in_force;
use sequence::{Announced, End, Entry, Sequence, entry_path};

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
}

impl<'a> Replacement<'a> {
    /// Announces new files whose names begin with `stem`. Entries that others left without an end are given up first,
    /// and files that went more than `grace` before `now` are deleted.
    ///
    /// # Errors
    /// When the store fails, or another writer announced meanwhile.
    pub(crate) async fn announce(
        lake: &'a Lakefront,
        fence: &'a dyn Fence,
        dataset: &'a Dataset,
        stem: &str,
        (now, grace): (DateTime<Utc>, TimeDelta),
    ) -> Result<Self, EngineError> {
        fence.check().await?;
        let mut sequence = Sequence::read(lake, dataset.id.as_str()).await?;
        for entry in sequence.entries.iter_mut().filter(|entry| entry.end.is_none()) {
            // Its writer held the claim before us and is gone; if it was faster after all, its end stands.
            let path = entry_path(dataset.id.as_str(), entry.number, ".end");
            lake.create_json(&path, &End::GivenUp { at: now }).await?;
            entry.end = lake.read_json(&path).await?;
        }
        let (settled, given_up) = settle(lake, fence, dataset, &sequence, now - grace).await?;
        let number = sequence.next;
        let work = format!("{stem}-{number:06}");
        let announced = Announced { work: work.clone(), at: now, settled, given_up };
        match lake.create_json(&entry_path(dataset.id.as_str(), number, ""), &announced).await? {
            Created::Now => Ok(Self { lake, fence, dataset, number, work }),
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
        self.fence.check().await?;
        let path = entry_path(self.dataset.id.as_str(), self.number, ".end");
        let end = End::Committed { at, adds, removes };
        if self.lake.create_json(&path, &end).await? == Created::Existed {
            return Err(EngineError::ClaimLost { claim: format!("datasets/{}", self.dataset.id), epoch: self.number });
        }
        Ok(())
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
/// As [`files_in_force`].
pub(crate) async fn files_of(lake: &Lakefront, dataset: &Dataset) -> Result<Vec<PinnedFile>, EngineError> {
    let prefix = Path::from(dataset.location.trim_end_matches('/'));
    files_in_force(lake.store(), dataset.id.as_str(), &prefix).await
}

/// Deletes what ended entries leave behind, oldest first, and says how far it came: the first entry of which something
/// is still there, and the works that were given up before it.
async fn settle(
    lake: &Lakefront,
    fence: &dyn Fence,
    dataset: &Dataset,
    sequence: &Sequence,
    before: DateTime<Utc>,
) -> Result<(u64, Vec<String>), EngineError> {
    let mut settled = sequence.settled;
    let mut given_up = sequence.given_up.clone();
    for entry in &sequence.entries {
        match &entry.end {
            Some(End::Committed { at, removes, .. }) if *at <= before => {
                for path in removes {
                    fence.check().await?;
                    lake.remove(&Path::from(path.as_str())).await?;
                }
            }
            Some(End::GivenUp { at }) if *at <= before => {
                for path in leftovers(lake, dataset, entry).await? {
                    fence.check().await?;
                    lake.remove(&path).await?;
                }
                given_up.push(entry.announced.work.clone());
            }
            _ => break,
        }
        settled = entry.number + 1;
    }
    Ok((settled, given_up))
}

/// Files of an entry that was given up.
async fn leftovers(lake: &Lakefront, dataset: &Dataset, entry: &Entry) -> Result<Vec<Path>, EngineError> {
    let files = list_below(lake.store().as_ref(), &Path::from(dataset.location.trim_end_matches('/'))).await?;
    let of_entry = files.into_iter().filter(|file| entry.announced.names(file.path()));
    Ok(of_entry.map(|file| file.meta.location).collect())
}

#[cfg(test)]
mod tests;
