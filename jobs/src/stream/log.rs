//! The batches of a job: how far they are, which files they read, and which come next.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use engine::{Created, EngineError, Lakefront, PlannedInput};
use object_store::ObjectMeta;
use object_store::path::Path;
use schemas::{DatasetId, Interval, Job, JobId, StreamSource};

use super::read_files::{ReadFiles, with_more};
use super::records::{AsideRecord, BatchPlan, Checkpoint, Places, version};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::run_id;
use crate::schedule::newest_run;
use crate::world::World;

/// Batches between two lists of every file that was read.
const SNAPSHOT_BATCHES: u64 = 100;

/// A file that no batch reads, unless somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Aside {
    record: AsideRecord,
    is_accepted: bool,
}

/// The batches of one job, as far as they were read.
#[derive(Debug)]
pub(crate) struct StreamLog {
    job: JobId,
    /// Files that were read.
    pub(crate) read: ReadFiles,
    /// The last batch that has an end, and where its interval ends.
    last: Option<(u64, DateTime<Utc>)>,
    /// No row older than this is expected.
    pub(crate) watermark: Option<DateTime<Utc>>,
    /// The batch that is planned and has no end.
    pub(crate) open: Option<BatchPlan>,
    /// Files that are set aside, by path.
    aside: BTreeMap<String, Vec<Aside>>,
}

impl StreamLog {
    /// Reads it.
    ///
    /// # Errors
    /// When the store fails, or a record is damaged or gone.
    pub(crate) async fn load(front: &Lakefront, job: &JobId) -> Result<Self, EngineError> {
        let mut log = Self {
            job: job.clone(),
            read: ReadFiles::default(),
            last: None,
            watermark: None,
            open: None,
            aside: BTreeMap::new(),
        };
        if let Some((batch, path)) = newest_snapshot(front, job, u64::MAX).await? {
            let bytes = front.read(&path).await?.ok_or_else(|| gone(&path))?;
            log.read.take_in(path.as_ref(), bytes)?;
            let checkpoint = log.checkpoint(front, batch).await?;
            log.ends(checkpoint);
        }
        log.refresh(front).await?;
        Ok(log)
    }

    /// Reads what came since.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub(crate) async fn refresh(&mut self, front: &Lakefront) -> Result<(), EngineError> {
        let places = Places(&self.job);
        let mut names: BTreeSet<String> = BTreeSet::new();
        for meta in front.list_behind(&places.batches(), &places.plan(self.last_batch())).await? {
            names.extend(meta.location.filename().map(str::to_owned));
        }
        self.open = None;
        let numbers: BTreeSet<u64> = names.iter().filter_map(|name| name.split('.').next()?.parse().ok()).collect();
        for number in numbers {
            if number != self.last_batch() + 1 || self.open.is_some() {
                return Err(gone(&Places(&self.job).checkpoint(self.last_batch() + 1)));
            }
            if names.contains(&format!("{number:08}.json")) {
                let checkpoint = self.checkpoint(front, number).await?;
                self.ends(checkpoint);
            } else {
                let path = Places(&self.job).plan(number);
                self.open = Some(front.read_json(&path).await?.ok_or_else(|| gone(&path))?);
            }
        }
        self.read_aside(front).await
    }

    async fn read_aside(&mut self, front: &Lakefront) -> Result<(), EngineError> {
        self.aside.clear();
        let listed = front.list(&Places(&self.job).set_aside()).await?;
        let names: BTreeSet<&str> = listed.iter().map(|meta| meta.location.as_ref()).collect();
        for meta in &listed {
            let path = meta.location.as_ref();
            if path.ends_with(".accepted.json") {
                continue;
            }
            let record: AsideRecord = front.read_json(&meta.location).await?.ok_or_else(|| gone(&meta.location))?;
            let is_accepted = names.contains(path.replace(".json", ".accepted.json").as_str());
            self.aside.entry(record.file.path.clone()).or_default().push(Aside { record, is_accepted });
        }
        Ok(())
    }

    async fn checkpoint(&self, front: &Lakefront, batch: u64) -> Result<Checkpoint, EngineError> {
        let path = Places(&self.job).checkpoint(batch);
        let found: Option<Checkpoint> = front.read_json(&path).await?;
        let is_it = |of: &Checkpoint| of.batch == batch && of.job == self.job;
        found.filter(is_it).ok_or_else(|| gone(&path))
    }

    fn ends(&mut self, checkpoint: Checkpoint) {
        checkpoint.read.iter().for_each(|file| self.read.add(file));
        self.last = Some((checkpoint.batch, checkpoint.interval.end));
        self.watermark = checkpoint.watermark.or(self.watermark);
    }

    /// The last batch that has an end; zero where none has.
    pub(crate) fn last_batch(&self) -> u64 {
        self.last.map_or(0, |(batch, _)| batch)
    }

    /// Where the interval of that batch ends.
    pub(crate) fn last_end(&self) -> Option<DateTime<Utc>> {
        self.last.map(|(_, end)| end)
    }

    /// Whether a file is set aside, in this version; one that somebody wants is not.
    pub(crate) fn is_aside(&self, file: &PlannedInput) -> bool {
        self.of_aside(file).is_some_and(|aside| !aside.is_accepted)
    }

    /// Whether somebody wants a file that was set aside.
    pub(crate) fn is_accepted(&self, file: &PlannedInput) -> bool {
        self.of_aside(file).is_some_and(|aside| aside.is_accepted)
    }

    fn of_aside(&self, file: &PlannedInput) -> Option<&Aside> {
        self.aside.get(&file.path)?.iter().find(|aside| version(&aside.record.file) == version(file))
    }

    /// Files that are set aside and that nobody wants, by path.
    pub(crate) fn set_aside(&self) -> impl Iterator<Item = &AsideRecord> {
        self.aside.values().flatten().filter(|aside| !aside.is_accepted).map(|aside| &aside.record)
    }

    /// Fixes the files of the next batch, or learns that another runner did. Its run is of now, or a second after the one
    /// before where clocks say otherwise.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn plan(
        &mut self,
        (lake, world): (&OpenLake, &World),
        files: Vec<PlannedInput>,
        same: Vec<PlannedInput>,
    ) -> Result<(), JobError> {
        let start = match self.last_end() {
            Some(end) => end,
            // A job that ran by the clock before goes on where it ended.
            None => newest_run(&lake.front, &self.job).await?.unwrap_or(DateTime::UNIX_EPOCH),
        };
        let now = world.now();
        let end = now.trunc_subsecs(0).max(start + TimeDelta::seconds(1));
        let batch = self.last_batch() + 1;
        let plan = BatchPlan {
            job: self.job.clone(),
            batch,
            run: run_id(&self.job, end),
            interval: Interval { start, end },
            files,
            same,
            planned_at: now,
            definitions_sha256: lake.definitions.sha256.clone(),
        };
        match lake.front.create_json(&Places(&self.job).plan(batch), &plan).await? {
            Created::Now => self.open = Some(plan),
            Created::Existed => self.refresh(&lake.front).await?,
        }
        Ok(())
    }
}

/// Writes the list of every file that was read, when enough batches have an end. What fails here fails nothing: more records
/// are read instead.
pub(super) async fn snapshot(front: &Lakefront, job: &JobId, batch: u64) {
    if batch.is_multiple_of(SNAPSHOT_BATCHES)
        && let Err(error) = write_snapshot(front, job, batch).await
    {
        tracing::warn!(%error, %job, "files that were read are not listed, will be later");
    }
}

async fn write_snapshot(front: &Lakefront, job: &JobId, batch: u64) -> Result<(), EngineError> {
    let before = newest_snapshot(front, job, batch - 1).await?;
    let mut more = Vec::new();
    let from = before.as_ref().map_or(0, |(number, _)| *number) + 1;
    for number in from..=batch {
        let path = Places(job).checkpoint(number);
        let checkpoint: Checkpoint = front.read_json(&path).await?.ok_or_else(|| gone(&path))?;
        more.extend(checkpoint.read);
    }
    let old = match &before {
        Some((_, path)) => Some((path.as_ref(), front.read(path).await?.ok_or_else(|| gone(path))?)),
        None => None,
    };
    let path = Places(job).snapshot(batch);
    front.create(&path, with_more(path.as_ref(), old, &more)?).await?;
    // The one before stays for whoever is about to read it.
    if let Some((number, _)) = before
        && let Some((_, older)) = newest_snapshot(front, job, number - 1).await?
    {
        front.remove(&older).await?;
    }
    Ok(())
}

/// The newest list of files that were read by a batch up to `until`.
async fn newest_snapshot(front: &Lakefront, job: &JobId, until: u64) -> Result<Option<(u64, Path)>, EngineError> {
    let listed = front.list(&Places(job).snapshots()).await?;
    let numbered = |meta: ObjectMeta| {
        let number = meta.location.filename()?.strip_suffix(".parquet")?.parse().ok()?;
        (number <= until).then_some((number, meta.location))
    };
    Ok(listed.into_iter().filter_map(numbered).max_by_key(|(number, _)| *number))
}

fn gone(path: &Path) -> EngineError {
    EngineError::Damaged {
        path: path.to_string(),
        what: "is gone, or is no record of this batch, and without it nobody knows which files were read".to_owned(),
    }
}

/// Of files of a dataset, those that every job read that runs for new ones; none where there is no such job.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub(crate) async fn read_by_all(
    lake: &OpenLake,
    dataset: &DatasetId,
    files: &[PlannedInput],
) -> Result<Option<BTreeSet<String>>, EngineError> {
    let is_of = |job: &&Job| {
        job.timing.stream.as_ref().is_some_and(|stream| stream.source == StreamSource::Dataset(dataset.clone()))
    };
    let mut all: Option<BTreeSet<String>> = None;
    for job in lake.definitions.jobs.iter().filter(is_of) {
        let log = StreamLog::load(&lake.front, &job.id).await?;
        let read = files.iter().filter(|file| log.read.has(file)).map(|file| file.path.clone());
        all = Some(match all {
            None => read.collect(),
            Some(before) => read.filter(|path| before.contains(path)).collect(),
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
