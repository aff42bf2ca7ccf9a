//! The turn of a job that runs for new files: the batch that is open goes on, else the next one is planned.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use schemas::{Job, JobId, Stream};

use super::journal::Journal;
use super::known::{KnownRun, Standing, known_runs};
use super::late::LateWatches;
use super::records::{CANCEL, DecisionRecord};
use super::turn::{Next, Ready, Told, Turn, Turns, Waits};
use crate::clock::Stopwatch;
use crate::error::JobError;
use crate::ledger::{Ledger, RunKey};
use crate::stream::{self, BatchPlan, Settling, Sorted, StreamLog, first_of};

/// How long what others decide is not looked for, in seconds: pauses, acceptances, batches of other runners.
const LOOK_SECONDS: f64 = 60.0;
/// The shortest time between two listings of the same folder.
const SHORTEST: TimeDelta = TimeDelta::seconds(1);

/// What is known of the new files of jobs between two looks; lost with the process, and found again.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    by_job: Mutex<BTreeMap<JobId, Arc<tokio::sync::Mutex<Watch>>>>,
    figures: Mutex<BTreeMap<JobId, StreamFigures>>,
    /// Of jobs that are computed anew for late rows.
    pub(super) late: LateWatches,
}

/// How the files of a job stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamFigures {
    /// Files that are there and that no batch read yet.
    pub(crate) pending: usize,
    /// Files that are set aside.
    pub(crate) aside: usize,
    /// No row older than this is expected.
    pub(crate) watermark: Option<DateTime<Utc>>,
}

/// What is known of one job.
#[derive(Debug, Default)]
struct Watch {
    /// Its stream when that was so.
    stream: Option<Stream>,
    known: Option<Known>,
    settling: Settling,
}

#[derive(Debug)]
struct Known {
    log: StreamLog,
    /// Since when it is paused.
    paused: Option<DateTime<Utc>>,
    /// Since when that was so; none where it may be otherwise by now.
    since: Option<Stopwatch>,
}

impl Watches {
    fn of(&self, job: &JobId) -> Arc<tokio::sync::Mutex<Watch>> {
        let mut all = self.by_job.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(job.clone()).or_default())
    }

    fn note(&self, job: &JobId, figures: StreamFigures) {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).insert(job.clone(), figures);
    }

    /// How the files of each job stood when they were last looked at.
    pub(crate) fn figures(&self) -> BTreeMap<JobId, StreamFigures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What becomes of a batch that was planned.
enum OfBatch {
    /// Its run is to be begun.
    Ready,
    /// Its run waits.
    Waits { what: String, until: Option<DateTime<Utc>>, is_soon: bool },
    /// It has an end; the next one may be planned.
    Ended,
}

impl Turns<'_> {
    /// Looks at a job that runs for new files.
    ///
    /// # Errors
    /// When the store fails, or a record is damaged.
    pub(super) async fn take_stream(&self, job: &Job, stream: &Stream, told: &mut Vec<Told>) -> Result<Turn, JobError> {
        let watch = self.watches.of(&job.id);
        let mut watch = watch.lock().await;
        let turn = self.taken(job, stream, &mut watch, told).await;
        if turn.is_err() {
            // What was seen until then may not be what is.
            watch.known = None;
        }
        turn
    }

    async fn taken(
        &self,
        job: &Job,
        stream: &Stream,
        watch: &mut Watch,
        told: &mut Vec<Told>,
    ) -> Result<Turn, JobError> {
        if watch.stream.as_ref() != Some(stream) {
            *watch = Watch { stream: Some(stream.clone()), ..Watch::default() };
        }
        let mut turn = Turn::default();
        let Watch { known, settling, .. } = watch;
        let known = self.known(job, known).await?;
        loop {
            if let Some(plan) = known.log.open.clone() {
                match self.of_batch(job, &plan, told).await? {
                    OfBatch::Ended => {
                        known.log.refresh(&self.lake.front).await?;
                        continue;
                    }
                    OfBatch::Waits { what, until, is_soon } => {
                        turn.waits = Some(Waits { run: plan.run, what, is_soon });
                        turn.look_at = until;
                    }
                    OfBatch::Ready if known.paused.is_none() => {
                        let (interval, due_at, batch) = (plan.interval, plan.planned_at, Some(plan.batch));
                        turn.ready = Some(Ready { interval, due_at, is_new: false, batch, revises: None });
                        // Its end is looked for when the job is looked at again.
                        known.since = None;
                    }
                    OfBatch::Ready => turn.waits = known.waits_for_resumption(plan.run),
                }
                return Ok(turn);
            }
            if known.paused.is_some() {
                turn.waits = known.waits_for_resumption(job.id.to_string());
                return Ok(turn);
            }
            if !self.planned(job, stream, (known, settling), (&mut turn, told)).await? {
                return Ok(turn);
            }
        }
    }

    /// What others wrote about the job, read anew when it is old.
    async fn known<'w>(&self, job: &Job, known: &'w mut Option<Known>) -> Result<&'w mut Known, JobError> {
        let front = &self.lake.front;
        let old = known.take();
        let fresh = match old {
            Some(known) if known.since.is_some_and(|since| since.seconds() < LOOK_SECONDS) => known,
            old => {
                super::book::note_seen(self.lake, self.world, job).await?;
                let paused = Journal::read(front, &job.id).await?.paused().map(|record| record.at);
                let log = match old {
                    Some(mut known) => {
                        known.log.refresh(front).await?;
                        known.log
                    }
                    None => StreamLog::load(front, &job.id).await?,
                };
                Known { log, paused, since: Some(Stopwatch::start()) }
            }
        };
        Ok(known.insert(fresh))
    }

    /// What becomes of a batch that is planned and has no end.
    async fn of_batch(&self, job: &Job, plan: &BatchPlan, told: &mut Vec<Told>) -> Result<OfBatch, JobError> {
        let front = &self.lake.front;
        let key = RunKey { job: job.id.clone(), instant: plan.interval.end };
        let before = plan.interval.end - TimeDelta::seconds(1);
        let runs: Vec<KnownRun> = known_runs(front, &job.id, Some(before)).await?;
        let Some(run) = runs.into_iter().find(|run| run.instant == plan.interval.end) else {
            return Ok(OfBatch::Ready);
        };
        let failed = format!(
            "failed, and the files behind it wait; `auditlake run {}` tries again, `auditlake runs cancel {} --reason …` sets \
             its files aside",
            job.id, plan.run
        );
        match run.standing {
            Standing::Committed => {
                let ledger = Ledger::new(front.clone());
                if let Some(commit) = ledger.revision(&key, 1).await? {
                    stream::committed(self.lake, job, plan, &commit).await?;
                }
                Ok(OfBatch::Ended)
            }
            Standing::Cancelled => {
                let record: Option<DecisionRecord> = front.read_json(&key.record(CANCEL)).await?;
                let (why, at) = record.map_or_else(|| (String::new(), plan.planned_at), |of| (of.reason, of.at));
                stream::cancelled(self.lake, job, plan, (&why, at)).await?;
                told.extend(plan.files.iter().map(|file| Told::SetAside {
                    job: job.id.clone(),
                    path: file.path.clone(),
                    why: format!("run {} was cancelled: {why}", plan.run),
                }));
                Ok(OfBatch::Ended)
            }
            Standing::Failed => Ok(OfBatch::Waits { what: failed, until: None, is_soon: false }),
            Standing::Missed | Standing::Queued | Standing::Begun if run.begun.is_empty() => Ok(OfBatch::Ready),
            Standing::Missed | Standing::Queued | Standing::Begun => {
                match self.begun(job, plan.interval, &run).await? {
                    Next::Ready => Ok(OfBatch::Ready),
                    Next::Waits { what, until, is_soon } => Ok(OfBatch::Waits { what, until, is_soon }),
                    Next::Over(over) => {
                        told.extend(over);
                        Ok(OfBatch::Waits { what: failed, until: None, is_soon: false })
                    }
                }
            }
        }
    }

    /// Plans the next batch, if there is anything for it; whether one is open then.
    async fn planned(
        &self,
        job: &Job,
        stream: &Stream,
        (known, settling): (&mut Known, &mut Settling),
        (turn, told): (&mut Turn, &mut Vec<Told>),
    ) -> Result<bool, JobError> {
        let now = self.world.now();
        let pause = super::seconds(stream.settle_seconds).unwrap_or_default().max(SHORTEST);
        let listed = stream::listed(self.lake, self.world, &stream.source).await?;
        let Sorted { new, same, changed } = stream::sorted(self.lake, &stream.source, &known.log, listed).await?;
        if !changed.is_empty() {
            let new = stream::put_changed_aside((self.lake, self.world), job, changed).await?;
            told.extend(new.into_iter().map(|(path, why)| Told::SetAside { job: job.id.clone(), path, why }));
            known.log.refresh(&self.lake.front).await?;
        }
        let (counting, next) = settling.look(new, stream.settle_seconds, now);
        let pending = counting.len() + settling.count();
        let (aside, watermark) = (known.log.set_aside().count(), known.log.watermark);
        self.watches.note(&job.id, StreamFigures { pending, aside, watermark });
        let files = first_of(stream, counting);
        if files.is_empty() && !is_overdue(stream, &known.log, now) {
            // In whole seconds, as clocks of runs are; never sooner than two looks may be.
            let next = next.map(|seconds| TimeDelta::milliseconds((seconds * 1_000.0).ceil() as i64).max(SHORTEST));
            turn.look_at = Some(now + next.map_or(pause, |next| next.min(pause)));
            turn.settles = settling.count() > 0;
            if turn.settles {
                let what = format!("waits until {} settled", crate::show::counted(settling.count() as u64, "file"));
                turn.waits = Some(Waits { run: job.id.to_string(), what, is_soon: true });
            }
            return Ok(false);
        }
        // Between two looks another runner may have planned, run and ended the next one.
        let before = known.log.last_batch();
        known.log.refresh(&self.lake.front).await?;
        if known.log.open.is_none() && known.log.last_batch() == before {
            known.log.plan((self.lake, self.world), files, same).await?;
        }
        Ok(true)
    }
}

/// Whether no batch was for so long that one without files is run.
fn is_overdue(stream: &Stream, log: &StreamLog, now: DateTime<Utc>) -> bool {
    let Some(every) = stream.at_least_every_seconds.and_then(super::seconds) else { return false };
    log.last_end().is_none_or(|end| end.checked_add_signed(every).is_some_and(|due| due <= now))
}

impl Known {
    fn waits_for_resumption(&self, run: String) -> Option<Waits> {
        let at = schemas::rfc3339(self.paused?);
        Some(Waits { run, what: format!("waits for the end of the pause of {at}"), is_soon: false })
    }
}
