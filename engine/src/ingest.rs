//! Ingest: source records become rows of a dataset, each exactly once.
//!
//! The work has a plan, written before anything is read: inputs with ETags, mapping, instant and the files
//! that deduplication may read. Whoever meets an unfinished plan carries it out as it stands, so a crash
//! leaves no second copy and a retry cannot take its own first half for duplicates.
//!
//! ```text
//! inputs → decode → records → rows ─┐
//!                                   ├─ sort (spills) → merge with the rows that are there → Parquet
//!            rejected ← bad records ┘
//! ```
//!
//! Absent: claims, which the caller holds and proves through [`Fence`], and any clock.

mod built_in;
mod by_name;
mod columns;
mod decimal;
mod decode;
mod encode;
pub(crate) mod event_type;
mod execute;
mod first_pass;
mod input;
mod json_columns;
mod json_text;
mod mapping;
mod merge;
mod parquet_json;
mod plan;
mod read;
mod records;
mod rejects;
mod replay;
mod same;
mod sort;
mod structs;
mod suppress;
mod tabular;
mod texts;
mod write;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::logical_expr::LogicalPlan;
use schemas::{Dataset, IngestFormat, Mapping};
use serde::{Deserialize, Serialize};

use crate::error::EngineError;
use crate::session::SessionFactory;
use crate::store::Lakefront;

pub use input::InputFolder;
pub(crate) use merge::key_columns;
pub(crate) use plan::written_by_ingests;
pub use plan::{PlannedInput, WrittenFile};
pub(crate) use sort::ascending;
pub use suppress::Suppression;
pub(crate) use tabular::{CsvTable, csv_table};
pub(crate) use write::{FileSeries, Layout};

/// Proves, before each write, that the caller still holds the dataset's claim.
#[async_trait]
pub trait Fence: fmt::Debug + Send + Sync {
    /// Fails when the claim has passed to another runner.
    async fn check(&self) -> Result<(), EngineError>;
}

/// How far an ingest is; read by whoever shows progress.
#[derive(Debug, Default)]
pub struct IngestProgress {
    /// Input bytes of the whole work.
    pub bytes_expected: AtomicU64,
    /// Input objects opened so far.
    pub files: AtomicU64,
    /// Records read so far.
    pub records: AtomicU64,
    /// Rows written so far.
    pub rows: AtomicU64,
}

impl IngestProgress {
    fn add(counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Ordering::Relaxed);
    }
}

/// Where records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestFrom {
    /// Files or folders: absolute, or relative to the folder of `lake.yaml`.
    Paths(Vec<String>),
    /// Everything that earlier ingests into the dataset refused.
    Rejected,
}

/// What to ingest, and how.
#[derive(Debug)]
pub struct IngestRequest<'a> {
    /// Where the rows go.
    pub dataset: &'a Dataset,
    /// Shape of the records.
    pub format: IngestFormat,
    /// SQL from record to row; none where records already are rows.
    pub mapping: Option<&'a Mapping>,
    /// Tenant of records that name none.
    pub tenant: Option<String>,
    /// What is read.
    pub from: IngestFrom,
    /// The job or command, for the record.
    pub job: String,
    /// Instant of the run: `ingested_at` of every row.
    pub instant: DateTime<Utc>,
    /// Records per million of an object that may be rejected.
    pub max_rejected_ppm: u64,
    /// Accept truncated objects and too many rejects.
    pub partial: bool,
    /// Who was erased; none where nobody was.
    pub suppression: Option<Suppression>,
}

impl IngestRequest<'_> {
    /// Refuses what no record could be read with, before a plan is written.
    fn check(&self) -> Result<(), EngineError> {
        let format = self.format.as_str();
        let refused = |why: String| Err(EngineError::Mapping { mapping: self.format.built_in_mapping(), why });
        if matches!(self.from, IngestFrom::Rejected) && tabular::Form::of(self.format).is_some() {
            return refused(format!(
                "a refused record of {format} does not say what its columns are called; correct the mapping or the object, and ingest the object again"
            ));
        }
        let Some(rows) = self.format.makes() else { return Ok(()) };
        if let Some(own) = self.mapping {
            return refused(format!(
                "it is built in, and {:?} was given beside it; leave that out, or name the format ndjson, csv or parquet",
                own.name
            ));
        }
        if rows.name == self.dataset.schema.name {
            return built_in::BuiltIn::of(self.format, self.tenant.as_deref()).map(drop);
        }
        refused(format!(
            "it makes rows of {}, but dataset \"{}\" has schema {}; name another one",
            rows.name, self.dataset.id, self.dataset.schema.name
        ))
    }
}

/// What became of the records: `read = rows + duplicates + skipped + rejected + suppressed`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestCounts {
    /// Records read.
    pub read: u64,
    /// Rows written.
    pub rows: u64,
    /// Records that were there already, or twice in the input.
    pub duplicates: u64,
    /// Records that the mapping leaves out, such as digests.
    pub skipped: u64,
    /// Records refused, with bytes and reason in `<dataset>_rejected`.
    pub rejected: u64,
    /// Records that are left out because the person was erased.
    #[serde(default, skip_serializing_if = "is_none")]
    pub suppressed: u64,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

impl IngestCounts {
    fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.rows += other.rows;
        self.duplicates += other.duplicates;
        self.skipped += other.skipped;
        self.rejected += other.rejected;
        self.suppressed += other.suppressed;
    }

    /// Whether every record is accounted for.
    fn balances(&self) -> bool {
        self.read == self.rows + self.duplicates + self.skipped + self.rejected + self.suppressed
    }
}

/// What an ingest did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestOutcome {
    /// Objects read.
    pub files: u64,
    /// Objects not opened, because a finished ingest read the same version.
    pub files_seen_before: u64,
    /// Objects whose path was read before with another ETag; they were read again and deduplicated.
    pub files_changed: Vec<String>,
    /// The records, over all objects.
    #[serde(flatten)]
    pub counts: IngestCounts,
    /// The commonest reasons of rejects, most frequent first.
    pub reasons: Vec<(String, u64)>,
    /// Works carried out: new ones, and unfinished ones of before.
    pub works: Vec<String>,
    /// Objects read, each with the records it held.
    #[serde(skip)]
    pub inputs: Vec<(PlannedInput, u64)>,
    /// Files written, those of rejects included.
    #[serde(skip)]
    pub written: Vec<WrittenFile>,
    /// The mapping in SQL, if there is one, over a table `input`: analysed and not optimised.
    #[serde(skip)]
    pub mapped: Option<LogicalPlan>,
}

/// Carries out every unfinished work on the dataset, then ingests what `request` names and is new.
///
/// # Errors
/// When an input is absent, damaged or changes while it is read; when too much of it is rejected; when a
/// mapping does not fit; when the store fails. What was there stays intact, and the same command again
/// continues where this one ended.
pub async fn ingest(
    lake: &Lakefront,
    factory: &SessionFactory,
    folder: &InputFolder,
    request: &IngestRequest<'_>,
    fence: &dyn Fence,
    progress: &std::sync::Arc<IngestProgress>,
) -> Result<IngestOutcome, EngineError> {
    request.check()?;
    let desk = plan::Desk::new(lake, request.dataset.id.as_str());
    let suppression = request.suppression.as_ref();
    let work = execute::Worker { lake, factory, folder, dataset: request.dataset, suppression, fence, progress };
    let found = match &request.from {
        IngestFrom::Paths(paths) => folder.find(paths).await?,
        IngestFrom::Rejected => replay::find(lake, request.dataset).await?,
    };
    let mut outcome = IngestOutcome::default();
    for unfinished in desk.unfinished().await? {
        if desk.is_closed(&unfinished).await? || desk.is_overtaken(&unfinished, &request.dataset.location).await? {
            desk.abandon(&unfinished, request, fence).await?;
            continue;
        }
        match work.carry_out(&desk, &unfinished, request.partial).await {
            Ok(done) => outcome.take_in(&unfinished, &done),
            // Its inputs are gone or no longer what they were, or its mapping never fitted them: it cannot be
            // completed as planned. The rows it wrote are rows like any other, and what is read next is
            // deduplicated against them.
            Err(
                EngineError::Changed { .. }
                | EngineError::Input { .. }
                | EngineError::Mapping { .. }
                | EngineError::NotReading { .. }
                | EngineError::Sql { stage: "parsed" | "planned", .. },
            ) => desk.abandon(&unfinished, request, fence).await?,
            Err(error @ EngineError::Rejected { .. }) if unfinished.covers(&found) => return Err(error),
            Err(EngineError::Rejected { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let plan = desk.draw_up(request, found, &outcome.works).await?;
    outcome.files_seen_before = plan.seen_before.saturating_sub(outcome.files);
    outcome.files_changed = plan.changed;
    if let Some(plan) = plan.work {
        let done = work.carry_out(&desk, &plan, request.partial).await?;
        outcome.take_in(&plan, &done);
    }
    Ok(outcome)
}

/// The plan of an ingest into the dataset that stopped half way, by its path.
pub(crate) async fn unfinished(lake: &Lakefront, dataset: &Dataset) -> Result<Option<String>, EngineError> {
    let desk = plan::Desk::new(lake, dataset.id.as_str());
    Ok(desk.unfinished().await?.first().map(|plan| desk.plan_path(plan).to_string()))
}

impl IngestOutcome {
    fn take_in(&mut self, plan: &plan::Plan, done: &plan::Done) {
        self.files += plan.inputs.len() as u64;
        self.counts.add(&done.counts());
        self.reasons.extend(done.reasons.iter().cloned());
        self.works.push(plan.work.clone());
        let records = done.objects.iter().map(|object| object.counts.read);
        self.inputs.extend(plan.inputs.iter().cloned().zip(records));
        self.written.extend(done.files.iter().cloned());
        self.mapped = done.mapped.clone().or(self.mapped.take());
    }
}
