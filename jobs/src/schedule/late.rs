//! Rows that came after a run had read theirs: which runs of a job are stale, and by how many rows.
//!
//! A run is stale when files count now that it did not read, that are not only rewritten, and that have rows within its
//! interval. What it read stands in its commit, so nobody needs to have watched.
//!
//! Absent: rows that went since. Retention takes them by policy, and what was computed of them stays.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use chrono::{DateTime, TimeDelta, Utc};
use engine::{EngineError, LakeSession, PlannedInput};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use schemas::{Dataset, Interval, Job, JobId, Span, rfc3339};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::book::{Books, Since};
use super::known::{Standing, known_runs};
use super::turn::{Ready, Turns};
use super::work::is_by_itself;
use crate::Answer;
use crate::clock::Stopwatch;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{CommitRecord, Ledger, RunKey};
use crate::show::{counted, span, write_line};
use crate::stream::{ReadFiles, other_rows};
use crate::world::World;

/// How long it is not looked for late rows again, in seconds.
const LOOK_SECONDS: f64 = 60.0;
/// How far back runs are looked at before files are merged.
const NOTED: TimeDelta = TimeDelta::days(92);
/// Commits read side by side.
const READ_AT_ONCE: usize = 16;

/// Late rows of one dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LateRows {
    /// The dataset.
    pub(crate) dataset: String,
    /// Files that have them.
    pub(crate) files: Vec<PlannedInput>,
    /// How many, within the interval of the run.
    pub(crate) rows: u64,
}

/// That a revision of a run does not have rows that it would have now: `stale-000001.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StaleRecord {
    /// Run id.
    run: String,
    /// The revision that does not have them.
    revision: u64,
    /// What it covers.
    interval: Interval,
    /// The rows.
    late: Vec<LateRows>,
    /// When that was found.
    found_at: DateTime<Utc>,
}

fn stale_path(key: &RunKey, revision: u64) -> Path {
    key.record(&format!("stale-{revision:06}"))
}

/// What was seen of late rows by this process.
#[derive(Debug, Default)]
pub(crate) struct LateWatches(Mutex<BTreeMap<JobId, LateWatch>>);

/// When a job was last looked at, and which files there were then, by SHA-256.
#[derive(Debug, Clone)]
struct LateWatch {
    looked: Stopwatch,
    seen: [u8; 32],
}

impl LateWatches {
    fn of(&self, job: &JobId) -> Option<LateWatch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(job).cloned()
    }

    fn note(&self, job: &JobId, seen: [u8; 32]) {
        let watch = LateWatch { looked: Stopwatch::start(), seen };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(job.clone(), watch);
    }
}

/// Rows that a run would have now beside those that it has, by dataset; nothing of one that is not stale. The session has
/// listed each dataset once.
///
/// # Errors
/// When the store fails, or a record is damaged.
async fn late_rows(lake: &OpenLake, session: &LakeSession, commit: &CommitRecord) -> Result<Vec<LateRows>, JobError> {
    let mut all = Vec::new();
    for table in commit.reads.keys() {
        let Ok(dataset) = lake.dataset(table) else { continue };
        let Some(time) = dataset.time.as_deref() else { continue };
        let mut read = ReadFiles::default();
        for input in commit.inputs.iter().filter(|input| input.dataset == *table) {
            let (path, etag) = (input.path.clone(), input.etag.clone());
            read.add(&PlannedInput { path, etag, bytes: input.bytes });
        }
        let files = engine::files_within(session, dataset, commit.interval).await?;
        let files = other_rows(lake, dataset, &read, files.iter().map(PlannedInput::of).collect()).await?;
        if files.is_empty() {
            continue;
        }
        let rows = rows_within(lake, (dataset, time), &files, commit.interval).await?;
        if rows > 0 {
            all.push(LateRows { dataset: table.clone(), files, rows });
        }
    }
    Ok(all)
}

/// The same, also where compaction merged the files since: it noted what a run lacks before it did.
async fn lacking(
    lake: &OpenLake,
    session: &LakeSession,
    (key, commit): (&RunKey, &CommitRecord),
) -> Result<Vec<LateRows>, JobError> {
    let late = late_rows(lake, session, commit).await?;
    if !late.is_empty() {
        return Ok(late);
    }
    let noted: Option<StaleRecord> = lake.front.read_json(&stale_path(key, commit.revision)).await?;
    Ok(noted.map(|noted| noted.late).unwrap_or_default())
}

/// Notes which committed runs lack rows that came late, of intervals that ended within [`NOTED`]: before files are merged of
/// which a run read some, and nobody could tell any more.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub(crate) async fn note_stale(lake: &OpenLake, world: &World, dataset: &Dataset) -> Result<(), JobError> {
    let now = world.now();
    let from = now - NOTED;
    let session = lake.sessions.session(now)?;
    let ledger = Ledger::new(lake.front.clone());
    for job in lake.definitions.jobs.iter().filter(|job| is_by_itself(job) && job.timing.stream.is_none()) {
        let known = known_runs(&lake.front, &job.id, Some(from)).await?;
        let committed = known.into_iter().filter(|run| run.standing == Standing::Committed);
        let commits = stream::iter(committed).map(|run| {
            let key = RunKey { job: job.id.clone(), instant: run.instant };
            let ledger = &ledger;
            async move { ledger.commit_of(&key).await.map(|commit| commit.map(|commit| (key, commit))) }
        });
        let commits: Vec<Option<(RunKey, CommitRecord)>> = commits.buffered(READ_AT_ONCE).try_collect().await?;
        let of_dataset = |commit: &CommitRecord| commit.reads.contains_key(dataset.id.as_str());
        for (key, commit) in commits.into_iter().flatten().filter(|(_, commit)| of_dataset(commit)) {
            let late = late_rows(lake, &session, &commit).await?;
            if !late.is_empty() {
                note(lake, (&key, &commit), late, now).await?;
            }
        }
    }
    Ok(())
}

/// Notes that a revision lacks rows; whoever was first says since when that is known.
async fn note(
    lake: &OpenLake,
    (key, commit): (&RunKey, &CommitRecord),
    late: Vec<LateRows>,
    found_at: DateTime<Utc>,
) -> Result<StaleRecord, EngineError> {
    let path = stale_path(key, commit.revision);
    let record = StaleRecord { run: key.id(), revision: commit.revision, interval: commit.interval, late, found_at };
    lake.front.create_json(&path, &record).await?;
    Ok(lake.front.read_json(&path).await?.unwrap_or(record))
}

/// Rows of some files of a dataset whose time is within an interval.
async fn rows_within(
    lake: &OpenLake,
    (dataset, time): (&Dataset, &str),
    files: &[PlannedInput],
    interval: Interval,
) -> Result<u64, EngineError> {
    let name = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let (start, end) = (rfc3339(interval.start), rfc3339(interval.end));
    let sql = format!(
        "SELECT count(*) FROM {} WHERE {time} >= '{start}' AND {time} < '{end}'",
        name(dataset.id.as_str()),
        time = name(time)
    );
    let session = lake.sessions.narrowed(&dataset.id, files).session(interval.end)?;
    let found = session.query(&sql).await?;
    let count = found.first().map(|batch| batch.column(0).as_primitive::<Int64Type>().value(0));
    Ok(count.unwrap_or_default().unsigned_abs())
}

/// Which files there are of the datasets that a run read.
async fn seen(lake: &OpenLake, session: &LakeSession, commit: &CommitRecord) -> Result<[u8; 32], EngineError> {
    let mut hash = Sha256::new();
    for table in commit.reads.keys().filter(|table| lake.dataset(table).is_ok()) {
        for file in session.files(table).await?.unwrap_or_default() {
            hash.update(format!("{}\n{}\n", file.path(), file.etag()));
        }
    }
    Ok(hash.finalize().into())
}

impl Turns<'_> {
    /// A committed run of a job that does not have late rows, and that is computed anew for them: the oldest of the last
    /// `within`.
    ///
    /// # Errors
    /// When the store fails, or a record is damaged.
    pub(super) async fn stale(&self, job: &Job, within: TimeDelta) -> Result<Option<Ready>, JobError> {
        let before = self.watches.late.of(&job.id);
        if before.as_ref().is_some_and(|watch| watch.looked.seconds() < LOOK_SECONDS) {
            return Ok(None);
        }
        let (lake, now) = (self.lake, self.world.now());
        let Some(from) = now.checked_sub_signed(within) else { return Ok(None) };
        let book = Books::of(lake, now).book(job, Since::Instant(from)).await?;
        let committed = book.slots.iter().filter(|slot| slot.standing() == Some(Standing::Committed));
        let committed: Vec<Interval> = committed.map(|slot| slot.interval).filter(|of| of.end > from).collect();
        let ledger = Ledger::new(lake.front.clone());
        let of = |interval: &Interval| RunKey { job: job.id.clone(), instant: interval.end };
        let Some(newest) = committed.last() else { return Ok(None) };
        let Some(commit) = ledger.commit_of(&of(newest)).await? else { return Ok(None) };
        let session = lake.sessions.session(now)?;
        let seen = seen(lake, &session, &commit).await?;
        if before.is_none_or(|watch| watch.seen != seen) {
            for interval in &committed {
                let key = of(interval);
                let Some(commit) = ledger.commit_of(&key).await? else { continue };
                if let Some(ready) = self.revised(job, (&key, *interval), (&session, &commit)).await? {
                    return Ok(Some(ready));
                }
            }
        }
        self.watches.late.note(&job.id, seen);
        Ok(None)
    }

    /// The run once more, if it is stale and was not tried too often.
    async fn revised(
        &self,
        job: &Job,
        (key, interval): (&RunKey, Interval),
        (session, commit): (&LakeSession, &CommitRecord),
    ) -> Result<Option<Ready>, JobError> {
        let late = lacking(self.lake, session, (key, commit)).await?;
        if late.is_empty() {
            return Ok(None);
        }
        let record = note(self.lake, (key, commit), late, self.world.now()).await?;
        let run = Ledger::new(self.lake.front.clone()).run_of(key).await?;
        let failures = run.iter().flat_map(|run| &run.failures).filter(|fail| fail.ended_at >= record.found_at);
        if failures.count() > usize::try_from(job.timing.retry.max).unwrap_or(usize::MAX) {
            return Ok(None);
        }
        Ok(Some(Ready {
            interval,
            due_at: record.found_at,
            is_new: false,
            batch: None,
            revises: Some(commit.revision),
        }))
    }
}

/// A run that does not have late rows.
#[derive(Debug, Serialize)]
struct Stale {
    run: String,
    job: JobId,
    interval: Interval,
    revision: u64,
    late: Vec<LateRows>,
    /// Whether a runner computes it anew without being told to.
    revised_by_itself: bool,
    /// The command that does so; none where what was published stays.
    command: Option<String>,
}

/// `runs stale`: runs of some jobs, of intervals that ended since then, that do not have rows that came late.
pub(crate) async fn stale_runs<'j>(
    lake: &OpenLake,
    world: &World,
    jobs: impl Iterator<Item = &'j Job>,
    (since, fails): (Span, bool),
) -> Result<Answer, JobError> {
    let now = world.now();
    // As long before now as it would be behind it.
    let from = since.after(now).and_then(|end| now.checked_sub_signed(end - now)).unwrap_or(DateTime::UNIX_EPOCH);
    let session = lake.sessions.session(now)?;
    let mut books = Books::of(lake, now);
    let ledger = Ledger::new(lake.front.clone());
    let mut all = Vec::new();
    // A batch of new files has its rows, whatever comes behind it.
    for job in jobs.filter(|job| is_by_itself(job) && job.timing.stream.is_none()) {
        let book = books.book(job, Since::Instant(from)).await?;
        let schedule = job.timing.schedule.as_ref();
        let revise_within = schedule.and_then(|schedule| schedule.revise_within_seconds).and_then(super::seconds);
        for slot in book.slots.iter().filter(|slot| slot.standing() == Some(Standing::Committed)) {
            let key = RunKey { job: job.id.clone(), instant: slot.interval.end };
            let Some(commit) = ledger.commit_of(&key).await?.filter(|_| slot.interval.end > from) else { continue };
            let late = lacking(lake, &session, (&key, &commit)).await?;
            if late.is_empty() {
                continue;
            }
            let (start, end) = (rfc3339(slot.interval.start), rfc3339(slot.interval.end));
            let is_replaced = matches!(job.kind, schemas::JobKind::Query(_));
            all.push(Stale {
                run: key.id(),
                job: job.id.clone(),
                interval: slot.interval,
                revision: commit.revision,
                late,
                revised_by_itself: revise_within.is_some_and(|within| slot.interval.end + within > now),
                command: is_replaced.then(|| format!("auditlake run {} --from {start} --to {end} --only all", job.id)),
            });
        }
    }
    let mut text = String::new();
    for stale in &all {
        let rows: Vec<String> =
            stale.late.iter().map(|of| format!("{} of {}", counted(of.rows, "row"), of.dataset)).collect();
        write_line(&mut text, &format!("{:<40} lacks {} of {}", stale.run, rows.join(", "), span(stale.interval)));
        let next = match (&stale.command, stale.revised_by_itself) {
            (_, true) => "computed anew by the next runner".to_owned(),
            (Some(command), false) => format!("compute it anew with: {command}"),
            (None, false) => "what it published stays as it is".to_owned(),
        };
        write_line(&mut text, &format!("  {next}"));
    }
    match all.len() {
        0 => write_line(&mut text, "no run lacks rows that came late"),
        many => write_line(&mut text, &format!("{} without rows that came late", counted(many as u64, "run"))),
    }
    let code = if fails && !all.is_empty() { 3 } else { 0 };
    Ok(Answer { code, ..Answer::done(text, json!({ "stale": all })) })
}
