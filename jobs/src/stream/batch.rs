//! A batch as its run has it: the planned files as they are now.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use engine::{EngineError, LakeSession, Origins, PlannedInput, SessionFactory, is_replaced};
use schemas::{Dataset, DatasetId, Job, Stream, StreamSource};

use super::find::listed;
use super::records::{BatchPlan, BatchSummary, LeftOut, Places};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{Ledger, Output, RunKey};
use crate::world::World;

/// A batch that is about to be read.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    number: u64,
    source: StreamSource,
    /// What it reads.
    pub(crate) files: Vec<PlannedInput>,
    rewritten: Vec<PlannedInput>,
    left_out: Vec<LeftOut>,
}

/// The plan of the batch that a run computes; `number` is the batch's, where somebody knows it.
///
/// # Errors
/// When no batch has that run, or a record is damaged.
pub(crate) async fn batch_of(
    lake: &OpenLake,
    job: &Job,
    key: &RunKey,
    number: Option<u64>,
) -> Result<BatchPlan, JobError> {
    let number = match number {
        Some(number) => Some(number),
        None => {
            let begun = Ledger::new(lake.front.clone()).run_of(key).await?;
            begun.and_then(|run| run.attempts.first().and_then(|start| start.batch))
        }
    };
    let plan: Option<BatchPlan> = match number {
        Some(number) => lake.front.read_json(&Places(&job.id).plan(number)).await?,
        None => None,
    };
    plan.filter(|plan| plan.run == key.id()).ok_or_else(|| JobError::Refused {
        what: format!("run {}", key.id()),
        why: format!(
            "the job runs for new files, and none of its batches is of that instant; leave --at out for the next one, or see \
             `auditlake job show {}`",
            job.id
        ),
    })
}

impl Batch {
    /// The planned files as they are now: bytes that retention wrote anew are read in the place of those that were planned,
    /// and what counts no more is left out.
    ///
    /// # Errors
    /// When a file is gone or has other bytes, and nothing says why.
    pub(crate) async fn resolve(
        (lake, world): (&OpenLake, &World),
        stream: &Stream,
        plan: &BatchPlan,
    ) -> Result<Self, JobError> {
        let there = listed(lake, world, &stream.source).await?;
        let there: BTreeMap<String, PlannedInput> =
            there.into_iter().map(|listed| (listed.file.path.clone(), listed.file)).collect();
        let mut batch = Self {
            number: plan.batch,
            source: stream.source.clone(),
            files: Vec::with_capacity(plan.files.len()),
            rewritten: Vec::new(),
            left_out: Vec::new(),
        };
        let others = |file: &&PlannedInput| there.get(&file.path) != Some(*file);
        let origins = match &stream.source {
            StreamSource::Dataset(id) if plan.files.iter().any(|file| others(&file)) => {
                let dataset = lake.dataset(id.as_str())?;
                Some((dataset, Origins::read(&lake.front, dataset).await?))
            }
            _ => None,
        };
        for file in &plan.files {
            match (there.get(&file.path), &origins) {
                (Some(now), _) if now == file => batch.files.push(file.clone()),
                // A source that was written anew is read as it is; rows that are there are told apart.
                (Some(now), None) => batch.reads(now),
                (Some(now), Some((_, origins))) if origins.before(&now.path, &now.etag).contains(&file.etag) => {
                    batch.reads(now);
                }
                (_, Some((_, origins))) if origins.is_under_way(&file.path) => {
                    return Err(EngineError::Changed { path: file.path.clone() }.into());
                }
                (Some(_), Some(_)) => return Err(lost(plan, file, "has other bytes since")),
                (None, Some((dataset, origins))) => batch.left_out.push(LeftOut {
                    path: file.path.clone(),
                    why: gone(lake, dataset, origins, file)
                        .await?
                        .ok_or_else(|| lost(plan, file, "is gone"))?
                        .to_owned(),
                }),
                (None, None) => return Err(lost(plan, file, "is gone")),
            }
        }
        Ok(batch)
    }

    fn reads(&mut self, now: &PlannedInput) {
        self.files.push(now.clone());
        self.rewritten.push(now.clone());
    }

    /// The dataset of which it has some files; none of an ingest.
    pub(crate) fn dataset(&self) -> Option<&DatasetId> {
        match &self.source {
            StreamSource::Dataset(id) => Some(id),
            StreamSource::Folder(_) => None,
        }
    }

    /// Sessions in which the dataset has its files and no others.
    pub(crate) fn narrowed(&self, sessions: &SessionFactory) -> SessionFactory {
        match self.dataset() {
            Some(id) => sessions.narrowed(id, &self.files),
            None => sessions.clone(),
        }
    }

    /// What became of it; `written` are the rows of an ingest into a dataset.
    ///
    /// # Errors
    /// When times of its rows cannot be read.
    pub(crate) async fn summary(
        &self,
        (lake, world): (&OpenLake, &World),
        into: Option<(&Dataset, &[Output])>,
    ) -> Result<BatchSummary, JobError> {
        let newest = match (self.dataset(), into) {
            (Some(id), _) => {
                newest(&self.narrowed(&lake.sessions).session(world.now())?, lake.dataset(id.as_str())?).await?
            }
            (None, Some((dataset, written))) => newest_of_written((lake, world), dataset, written).await?,
            (None, None) => None,
        };
        Ok(BatchSummary {
            batch: self.number,
            files: self.files.len() as u64,
            bytes: self.files.iter().map(|file| file.bytes).sum(),
            rewritten: self.rewritten.clone(),
            left_out: self.left_out.clone(),
            newest,
        })
    }
}

/// Why a file of a dataset is gone, where something says so.
async fn gone(
    lake: &OpenLake,
    dataset: &Dataset,
    origins: &Origins,
    file: &PlannedInput,
) -> Result<Option<&'static str>, EngineError> {
    let before = origins.before(&file.path, &file.etag);
    if origins.is_removed(&file.path, &file.etag) || before.iter().any(|etag| origins.is_removed(&file.path, etag)) {
        return Ok(Some("retention removed it"));
    }
    Ok(is_replaced(&lake.front, dataset, &file.path).await?.then_some("another file came in its place"))
}

fn lost(plan: &BatchPlan, file: &PlannedInput, how: &str) -> JobError {
    let run = &plan.run;
    let why = format!(
        "it was planned for batch {} and {how}, and nothing says why; put it back as it was, or leave the files of the batch \
         out with `auditlake runs cancel {run} --reason …`",
        plan.batch
    );
    EngineError::Input { path: file.path.clone(), why }.into()
}

/// The newest time of the rows that a session sees of a dataset.
async fn newest(session: &LakeSession, dataset: &Dataset) -> Result<Option<DateTime<Utc>>, EngineError> {
    let Some(time) = &dataset.time else { return Ok(None) };
    let name = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let sql = format!("SELECT max({}) FROM {}", name(time), name(dataset.id.as_str()));
    let found = session.query(&sql).await?;
    let Some(column) = found.first().map(|batch| batch.column(0)).filter(|column| !column.is_empty()) else {
        return Ok(None);
    };
    // A dataset whose times are no times has no newest one.
    let Ok(column) = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))) else {
        return Ok(None);
    };
    let values = column.as_primitive::<TimestampMicrosecondType>();
    Ok(values.iter().next().flatten().and_then(DateTime::from_timestamp_micros))
}

/// The newest time of the rows that an ingest wrote.
async fn newest_of_written(
    (lake, world): (&OpenLake, &World),
    dataset: &Dataset,
    written: &[Output],
) -> Result<Option<DateTime<Utc>>, JobError> {
    let session = lake.sessions.session(world.now())?;
    let files = session.files(dataset.id.as_str()).await?.unwrap_or_default();
    let is_written = |path: &str| written.iter().any(|file| file.path == path);
    let files: Vec<PlannedInput> = files.iter().filter(|file| is_written(file.path())).map(PlannedInput::of).collect();
    if files.is_empty() {
        return Ok(None);
    }
    let narrowed = lake.sessions.narrowed(&dataset.id, &files).session(world.now())?;
    Ok(newest(&narrowed, dataset).await?)
}
