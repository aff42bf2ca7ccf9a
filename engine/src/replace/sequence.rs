//! The records of the sequence, and what they say about a listing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::ObjectStore;
use object_store::path::Path;
use schemas::DatasetId;
use serde::{Deserialize, Serialize};

use super::dropped::{self, Dropped};
use crate::dataset::{PinnedFile, list_below};
use crate::error::EngineError;
use crate::ingest::WrittenFile;
use crate::store::Lakefront;

/// Records read side by side.
const READ_AT_ONCE: usize = 16;
/// Times files are listed until every committed one is among them.
const LISTINGS: usize = 5;

/// What an entry says before its first file is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announced {
    /// How the names of its files begin.
    pub(super) work: String,
    pub(super) at: DateTime<Utc>,
    /// Entries below this number have ended, and nothing is left of what they removed.
    pub(super) settled: u64,
    /// Works of entries below `settled` that were given up: what a frozen writer may yet write of them never counts.
    pub(super) given_up: Vec<String>,
    /// Works of ingests closed below `settled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) closed: Vec<Closing>,
}

/// An ingest's work that nobody continues. Of its files only those kept count, whatever a frozen writer may yet write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closing {
    /// How the names of its files begin.
    pub(super) work: String,
    /// Paths of its files that lay there when it was closed.
    pub(super) keeps: Vec<String>,
}

impl Closing {
    /// Whether a file of this path is one of the work's that does not count.
    pub(super) fn rules_out(&self, path: &str) -> bool {
        is_of(&self.work, path) && !self.keeps.iter().any(|kept| kept == path)
    }
}

impl Announced {
    /// Whether a file of this path is one of the entry's.
    pub(super) fn names(&self, path: &str) -> bool {
        is_of(&self.work, path)
    }
}

pub(super) fn is_of(work: &str, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_prefix(work).is_some_and(|rest| rest.starts_with('-'))
}

/// How an entry ended. Whoever creates this record first decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub(super) enum End {
    /// `adds` count from now on, and `removes` no longer.
    Committed { at: DateTime<Utc>, adds: Vec<WrittenFile>, removes: Vec<String> },
    /// None of its files ever counts.
    GivenUp { at: DateTime<Utc> },
    /// It had no files, and closes the work of an ingest.
    Closed {
        at: DateTime<Utc>,
        #[serde(flatten)]
        closing: Closing,
    },
}

/// One entry.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) announced: Announced,
    pub(super) end: Option<End>,
}

/// The entries of a dataset that still matter, by number.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    pub(super) entries: Vec<Entry>,
    /// Number of the next entry.
    pub(super) next: u64,
    /// Entries below this number are not listed.
    pub(super) settled: u64,
    /// Works given up below `settled`.
    pub(super) given_up: Vec<String>,
    /// Works closed below `settled`.
    pub(super) closed: Vec<Closing>,
    /// Files that retention let go.
    pub(super) dropped: Dropped,
    /// Number of the last state of those; zero where there is none.
    pub(super) dropped_number: u64,
}

/// `_auditlake/datasets/<dataset>/000001.json`, or with a suffix before `.json`.
pub(super) fn entry_path(dataset: &str, number: u64, suffix: &str) -> Path {
    Path::from(format!("_auditlake/datasets/{dataset}/{number:06}{suffix}.json"))
}

impl Sequence {
    /// Reads the entries that are not settled.
    pub(super) async fn read(lake: &Lakefront, dataset: &str) -> Result<Self, EngineError> {
        let mut ended: BTreeMap<u64, bool> = BTreeMap::new();
        let mut dropped_number = 0;
        for meta in lake.list(&Path::from(format!("_auditlake/datasets/{dataset}"))).await? {
            let Some(name) = meta.location.filename().and_then(|name| name.strip_suffix(".json")) else { continue };
            let (number, end) = name.split_once('.').map_or((name, false), |(number, rest)| (number, rest == "end"));
            if let Ok(number) = number.parse() {
                *ended.entry(number).or_default() |= end;
            }
            dropped_number = dropped_number.max(dropped::number_of(name).unwrap_or_default());
        }
        let dropped = match dropped_number {
            0 => Dropped::default(),
            number => required(lake, &dropped::state_path(dataset, number)).await?,
        };
        let Some(last) = ended.keys().next_back().copied() else {
            return Ok(Self { next: 1, dropped, dropped_number, ..Self::default() });
        };
        let newest: Announced = required(lake, &entry_path(dataset, last, "")).await?;
        let wanted = ended.into_iter().filter(|(number, _)| *number >= newest.settled);
        let entries = stream::iter(wanted.collect::<Vec<_>>()).map(|(number, ended)| async move {
            let announced = required(lake, &entry_path(dataset, number, "")).await?;
            let end = if ended { Some(required(lake, &entry_path(dataset, number, ".end")).await?) } else { None };
            Ok::<_, EngineError>(Entry { number, announced, end })
        });
        let entries = entries.buffered(READ_AT_ONCE).try_collect().await?;
        let Announced { settled, given_up, closed, .. } = newest;
        Ok(Self { entries, next: last + 1, settled, given_up, closed, dropped, dropped_number })
    }

    /// The closings in force, by work: of several the latest.
    fn closings(&self) -> HashMap<&str, &Closing> {
        let later = self.entries.iter().filter_map(|entry| match &entry.end {
            Some(End::Closed { closing, .. }) => Some(closing),
            _ => None,
        });
        self.closed.iter().chain(later).map(|closing| (closing.work.as_str(), closing)).collect()
    }

    /// Paths of files that entries which still matter committed.
    pub(super) fn committed(&self) -> BTreeSet<&str> {
        let added = self.entries.iter().filter_map(|entry| match &entry.end {
            Some(End::Committed { adds, .. }) => Some(adds.iter().map(|file| file.path.as_str())),
            _ => None,
        });
        added.flatten().collect()
    }

    /// The files of a listing that count, or a committed file that the listing lacks.
    fn in_force(&self, files: Vec<PinnedFile>) -> Result<Vec<PinnedFile>, String> {
        let mut pending: Vec<&str> = self.given_up.iter().map(String::as_str).collect();
        let mut added = BTreeSet::new();
        let mut removed = BTreeSet::new();
        for entry in &self.entries {
            match &entry.end {
                Some(End::Committed { adds, removes, .. }) => {
                    added.extend(adds.iter().map(|file| file.path.as_str()));
                    removed.extend(removes.iter().map(String::as_str));
                }
                Some(End::Closed { .. }) => {}
                Some(End::GivenUp { .. }) | None => pending.push(&entry.announced.work),
            }
        }
        let listed: BTreeSet<&str> = files.iter().map(PinnedFile::path).collect();
        let is_lost =
            |path: &&&str| !removed.contains(**path) && !listed.contains(**path) && !self.dropped.excuses(path);
        if let Some(missing) = added.iter().find(is_lost) {
            return Err((*missing).to_owned());
        }
        let closings = self.closings();
        let counts = |file: &PinnedFile| {
            let path = file.path();
            !removed.contains(path)
                && !self.dropped.has(file)
                && !pending.iter().any(|work| is_of(work, path))
                && !closings.values().any(|closing| closing.rules_out(path))
        };
        Ok(files.into_iter().filter(counts).collect())
    }
}

/// What the whole sequence of a dataset says, settled entries included.
#[derive(Debug, Default)]
pub(crate) struct Replaced {
    /// Files that committed entries wrote.
    pub(crate) added: Vec<WrittenFile>,
    /// How the names of their files begin, and the files that they came in the place of.
    pub(crate) removed: Vec<(String, Vec<String>)>,
    /// Works of ingests that were closed.
    pub(crate) closed: Vec<String>,
}

/// Reads every entry of a dataset.
///
/// # Errors
/// When the store fails, or a record is gone.
pub(crate) async fn replaced(lake: &Lakefront, dataset: &str) -> Result<Replaced, EngineError> {
    let mut all = Replaced::default();
    for meta in lake.list(&Path::from(format!("_auditlake/datasets/{dataset}"))).await? {
        let name = meta.location.filename().and_then(|name| name.strip_suffix(".end.json"));
        let Some(number) = name.and_then(|name| name.parse().ok()) else { continue };
        match required(lake, &meta.location).await? {
            End::Committed { adds, removes, .. } => {
                let announced: Announced = required(lake, &entry_path(dataset, number, "")).await?;
                all.added.extend(adds);
                all.removed.push((announced.work, removes));
            }
            End::Closed { closing, .. } => all.closed.push(closing.work),
            End::GivenUp { .. } => {}
        }
    }
    Ok(all)
}

/// What came before a file that an entry wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Paths of the files that it came in the place of, together with others of the same entry.
    pub removed: Vec<String>,
    /// Whether it and those others have the very rows of these.
    pub has_their_rows: bool,
}

/// How names of files that a compaction writes begin.
pub(crate) const COMPACT: &str = "compact";

/// What came before a file; none of one that no entry wrote, or that came in the place of nothing.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub async fn origin_of(lake: &Lakefront, dataset: &DatasetId, path: &str) -> Result<Option<Origin>, EngineError> {
    let dataset = dataset.as_str();
    // `<stem>-000007-00000.parquet`: the number of the entry stands before that of the file.
    let name = path.rsplit('/').next().unwrap_or(path);
    let number = name.rsplit('-').nth(1).filter(|digits| digits.len() >= 6).and_then(|digits| digits.parse().ok());
    let Some(number) = number else { return Ok(None) };
    let announced: Option<Announced> = lake.read_json(&entry_path(dataset, number, "")).await?;
    let Some(announced) = announced.filter(|announced| announced.names(path)) else { return Ok(None) };
    match lake.read_json(&entry_path(dataset, number, ".end")).await? {
        Some(End::Committed { removes, .. }) if !removes.is_empty() => {
            let has_their_rows = announced.work.rsplit_once('-').is_some_and(|(stem, _)| stem == COMPACT);
            Ok(Some(Origin { removed: removes, has_their_rows }))
        }
        _ => Ok(None),
    }
}

/// Whether an ingest's work was closed.
///
/// # Errors
/// When the store fails, or a record is gone.
pub(crate) async fn is_closed(lake: &Lakefront, dataset: &str, work: &str) -> Result<bool, EngineError> {
    Ok(Sequence::read(lake, dataset).await?.closings().contains_key(work))
}

async fn required<T: serde::de::DeserializeOwned>(lake: &Lakefront, path: &Path) -> Result<T, EngineError> {
    lake.read_json(path).await?.ok_or_else(|| EngineError::Input {
        path: path.to_string(),
        why: "this record is gone, and without it nobody knows which files count; restore it from a backup".to_owned(),
    })
}

/// The Parquet files below `prefix` that count as files of `dataset`, by path.
///
/// # Errors
/// When the store cannot be listed, or a committed file is gone.
pub(crate) async fn files_in_force(
    store: &Arc<dyn ObjectStore>,
    dataset: &str,
    prefix: &Path,
) -> Result<Vec<PinnedFile>, EngineError> {
    let lake = Lakefront::over(Arc::clone(store));
    let mut lost = String::new();
    for _ in 0..LISTINGS {
        let files = list_below(store.as_ref(), prefix).await?;
        match Sequence::read(&lake, dataset).await?.in_force(files) {
            Ok(files) => return Ok(files),
            Err(missing) => lost = missing,
        }
    }
    Err(EngineError::Input {
        path: lost,
        why: format!(
            "this file of dataset \"{dataset}\" was committed and is gone; restore it from a backup, its SHA-256 stands in \
             _auditlake/datasets/{dataset}/"
        ),
    })
}
