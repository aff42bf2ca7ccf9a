//! One job as its schedule and the ledger have it at a moment: where its intervals begin, which there are, how each stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine::EngineError;
use futures::future::BoxFuture;
use schemas::{Cron, Interval, Job, JobId, Schedule};
use serde::Deserialize;

use super::due::{Busy, Facts, Sorted, due_at, sort_out};
use super::journal::{Journal, JournalRecord, Step};
use super::known::{KnownRun, Standing, known_runs};
use super::records::MissedRecord;
use super::slots::{SLOTS_MAX, Slot, slots, unclear};
use super::work::is_by_itself;
use crate::claim::Claim;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{RunKey, StartRecord};
use crate::runner::interval_of;
use crate::world::World;

/// From where on the intervals of a job are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// All of them.
    Beginning,
    /// Those behind what is known to be closed.
    Closed,
    /// Those that end after an instant.
    Instant(DateTime<Utc>),
}

/// One job at a moment.
#[derive(Debug)]
pub(crate) struct Book {
    /// Its intervals are here that end after this.
    pub(crate) from: DateTime<Utc>,
    /// Where its first interval of all begins; none of a job that no runner has seen and that says no `start`.
    pub(crate) begin: Option<DateTime<Utc>>,
    /// Its decisions.
    pub(crate) journal: Journal,
    /// Its intervals that have elapsed, oldest first.
    pub(crate) slots: Vec<Slot>,
}

/// Books of the jobs of a lake, each read once.
#[derive(Debug)]
pub(crate) struct Books<'a> {
    lake: &'a OpenLake,
    now: DateTime<Utc>,
    read: BTreeMap<JobId, Arc<Book>>,
}

impl<'a> Books<'a> {
    /// None has been read.
    pub(crate) fn of(lake: &'a OpenLake, now: DateTime<Utc>) -> Self {
        Self { lake, now, read: BTreeMap::new() }
    }

    /// The book of a job.
    pub(crate) fn book<'b>(&'b mut self, job: &'b Job, since: Since) -> BoxFuture<'b, Result<Arc<Book>, JobError>> {
        Box::pin(async move {
            if let Some(book) = self.read.get(&job.id).filter(|book| book.has(since)) {
                return Ok(Arc::clone(book));
            }
            let journal = Journal::read(&self.lake.front, &job.id).await?;
            let book = match (&job.timing.schedule, job.timing.after.first()) {
                _ if job.timing.stream.is_some() => self.of_stream(job, journal, since).await?,
                (Some(schedule), _) => self.of_schedule(job, schedule, journal, since).await?,
                (None, Some(after)) => match self.lake.definitions.job(&after.job) {
                    Some(upstream) => self.of_follower(job, upstream, journal, since).await?,
                    None => Book::empty(journal),
                },
                (None, None) => self.of_commands(job, journal).await?,
            };
            let book = Arc::new(book);
            self.read.insert(job.id.clone(), Arc::clone(&book));
            Ok(book)
        })
    }

    /// Of a job with a pattern.
    async fn of_schedule(
        &self,
        job: &Job,
        schedule: &Schedule,
        journal: Journal,
        since: Since,
    ) -> Result<Book, JobError> {
        let cron = &schedule.cron;
        let Some(begin) = schedule.start.or_else(|| journal.begin()) else { return Ok(Book::empty(journal)) };
        let from = match (since, journal.closed_from(begin)) {
            (Since::Closed, Some(closed)) => closed,
            (Since::Instant(at), Some(closed)) if closed <= at => closed,
            // An interval begins at a fire.
            (Since::Instant(at), _) => cron.last_until(at).unwrap_or(begin),
            (Since::Beginning | Since::Closed, _) => begin,
        };
        let from = from.max(begin);
        let known = self.recorded(job, cron, from).await?;
        let slots = slots(cron, from, self.now, &known);
        if slots.iter().filter(|slot| slot.known.is_none()).count() > SLOTS_MAX {
            return Err(JobError::Refused {
                what: format!("schedule of job \"{}\"", job.id),
                why: format!(
                    "more than {SLOTS_MAX} of its intervals have elapsed since {} and are not recorded; give it a later start",
                    schemas::rfc3339(from)
                ),
            });
        }
        Ok(Book { from, begin: Some(begin), journal, slots })
    }

    /// What is recorded of a job after `from`, with the intervals of what is no fire of `cron`.
    pub(crate) async fn recorded(
        &self,
        job: &Job,
        cron: &Cron,
        from: DateTime<Utc>,
    ) -> Result<Vec<KnownRun>, JobError> {
        let mut known = known_runs(&self.lake.front, &job.id, Some(from)).await?;
        self.read_unclear(job, (cron, from), &mut known).await?;
        Ok(known)
    }

    /// Reads the records of runs whose instants do not tell their intervals.
    async fn read_unclear(
        &self,
        job: &Job,
        (cron, begin): (&Cron, DateTime<Utc>),
        known: &mut [KnownRun],
    ) -> Result<(), JobError> {
        for index in unclear(cron, begin, known) {
            let Some(run) = known.get_mut(index) else { continue };
            run.interval = self.interval(&RunKey { job: job.id.clone(), instant: run.instant }, run).await?;
        }
        Ok(())
    }

    /// The interval that the records of a run name, where one does.
    async fn interval(&self, key: &RunKey, run: &KnownRun) -> Result<Option<Interval>, EngineError> {
        let front = &self.lake.front;
        if let Some(first) = run.begun.iter().min() {
            let start: Option<StartRecord> = front.read_json(&key.record(&format!("{first}.start"))).await?;
            return Ok(start.and_then(|start| start.scheduled));
        }
        let missed: Option<MissedRecord> = front.read_json(&key.record(super::records::MISSED)).await?;
        if let Some(missed) = missed {
            return Ok(Some(missed.interval));
        }
        let queued: Option<super::QueuedRecord> = front.read_json(&key.record(super::records::QUEUED)).await?;
        Ok(queued.map(|queued| queued.interval))
    }

    /// Of a job that follows another one: the intervals that are committed there.
    async fn of_follower(
        &mut self,
        job: &Job,
        upstream: &Job,
        journal: Journal,
        since: Since,
    ) -> Result<Book, JobError> {
        let Some(begin) = journal.begin() else { return Ok(Book::empty(journal)) };
        let from = match (since, journal.closed_from(begin)) {
            (Since::Closed, Some(closed)) => closed,
            (Since::Instant(at), _) => at,
            (Since::Beginning | Since::Closed, _) => begin,
        };
        let from = from.max(begin);
        let theirs = self.book(upstream, Since::Instant(from)).await?;
        let own = known_runs(&self.lake.front, &job.id, Some(from)).await?;
        let mut own: BTreeMap<DateTime<Utc>, KnownRun> = own.into_iter().map(|run| (run.instant, run)).collect();
        let is_there = |slot: &&Slot| slot.interval.end > from && slot.standing() == Some(Standing::Committed);
        let of = |slot: &Slot| Slot { interval: slot.interval, known: own.remove(&slot.interval.end) };
        let slots = theirs.slots.iter().filter(is_there).map(of).collect();
        Ok(Book { from, begin: Some(begin), journal, slots })
    }

    /// Of a job that runs for new files: each batch begins where the one before ends.
    async fn of_stream(&self, job: &Job, journal: Journal, since: Since) -> Result<Book, JobError> {
        let from = match since {
            Since::Beginning | Since::Closed => None,
            Since::Instant(at) => Some(at),
        };
        let known = known_runs(&self.lake.front, &job.id, from).await?;
        let mut slots: Vec<Slot> = Vec::with_capacity(known.len());
        for run in known {
            let start = match slots.last() {
                Some(before) => before.interval.end,
                None => {
                    let key = RunKey { job: job.id.clone(), instant: run.instant };
                    self.interval(&key, &run).await?.map_or(run.instant, |interval| interval.start)
                }
            };
            slots.push(Slot { interval: Interval { start, end: run.instant }, known: Some(run) });
        }
        Ok(Book { from: from.unwrap_or(DateTime::<Utc>::MIN_UTC), begin: journal.begin(), journal, slots })
    }

    /// Of a job that runs when somebody says so.
    async fn of_commands(&self, job: &Job, journal: Journal) -> Result<Book, JobError> {
        let known = known_runs(&self.lake.front, &job.id, None).await?;
        let elapsed = known.into_iter().filter(|run| run.instant <= self.now);
        let of = |run: KnownRun| Slot { interval: interval_of(job, run.instant, None), known: Some(run) };
        Ok(Book { slots: elapsed.map(of).collect(), ..Book::empty(journal) })
    }
}

impl Book {
    /// Of a job that has no intervals.
    fn empty(journal: Journal) -> Self {
        Self { from: DateTime::<Utc>::MIN_UTC, begin: None, journal, slots: Vec::new() }
    }

    fn has(&self, since: Since) -> bool {
        match since {
            Since::Closed => true,
            Since::Instant(at) => self.from <= at,
            Since::Beginning => self.begin.is_none_or(|begin| self.from <= begin),
        }
    }
}

/// Notes that a runner saw the job, the first time that one does: its first interval begins where its schedule says, else
/// at the last fire before.
pub(crate) async fn note_seen(lake: &OpenLake, world: &World, job: &Job) -> Result<(), JobError> {
    let schedule = job.timing.schedule.as_ref();
    if !is_by_itself(job) {
        return Ok(());
    }
    let mut journal = Journal::read(&lake.front, &job.id).await?;
    if journal.begin().is_some() {
        return Ok(());
    }
    let now = world.now();
    let begin = schedule.and_then(|schedule| schedule.start.or_else(|| schedule.cron.last_until(now))).unwrap_or(now);
    let record = JournalRecord {
        job: job.id.clone(),
        number: journal.next_number(),
        step: Step::Seen { begin },
        by: None,
        reason: None,
        at: now,
    };
    match journal.add(&lake.front, record).await {
        // Another runner saw it at the same time.
        Ok(()) | Err(JobError::Refused { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Sorts the intervals of a job by what becomes of them.
pub(crate) async fn sorted(lake: &OpenLake, job: &Job, book: &Book, now: DateTime<Utc>) -> Result<Sorted, JobError> {
    let is_new = book.slots.iter().any(|slot| slot.known.is_none());
    let busy = if is_new { busy(lake, job, book).await? } else { None };
    let pauses = book.journal.pauses();
    let facts = Facts {
        job: &job.id,
        schedule: job.timing.schedule.as_ref(),
        // A job that follows another one waits for the end of a pause, and misses nothing for it.
        pauses: if job.timing.schedule.is_some() { &pauses } else { &[] },
        again: &book.journal.again(),
        busy,
        now,
    };
    Ok(sort_out(book.slots.clone(), &facts))
}

/// What the records of an attempt's end have in common.
#[derive(Debug, Deserialize)]
struct AttemptEnd {
    ended_at: DateTime<Utc>,
}

/// When the last attempt of the job was at work.
async fn busy(lake: &OpenLake, job: &Job, book: &Book) -> Result<Option<Busy>, EngineError> {
    let begun = book.slots.iter().rev().filter_map(|slot| slot.known.as_ref()).find(|run| !run.begun.is_empty());
    let Some(run) = begun else { return Ok(None) };
    let key = RunKey { job: job.id.clone(), instant: run.instant };
    let Some(last) = run.begun.iter().max() else { return Ok(None) };
    let start: Option<StartRecord> = lake.front.read_json(&key.record(&format!("{last}.start"))).await?;
    let Some(from) = start.map(|start| start.started_at) else { return Ok(None) };
    let name = if run.failed.contains(last) { "fail" } else { "complete" };
    let end: Option<AttemptEnd> = lake.front.read_json(&key.record(&format!("{last}.{name}"))).await?;
    let is_again = run.standing == Standing::Missed && book.journal.again().contains(&run.instant);
    let until = match end {
        Some(end) => Some(end.ended_at),
        None if run.standing.is_end() && !is_again => Some(from),
        // Of an attempt without an end, its claim tells whether anybody is at work.
        None if Claim::is_held(&lake.front, &key.claim()).await? => None,
        None => Some(from),
    };
    Ok(Some(Busy { from, until }))
}

/// How far every interval has an end, if it is worth noting: more than so many beyond what is noted.
/// Never of a job that follows another one, where an old interval may still come.
pub(crate) fn closable(job: &Job, book: &Book, worth: usize) -> Option<DateTime<Utc>> {
    job.timing.schedule.as_ref()?;
    let again = book.journal.again();
    let paused = book.journal.paused().map(|record| record.at);
    let is_closed = |slot: &&Slot| {
        let is_end = slot.standing().is_some_and(Standing::is_end);
        let is_again = slot.standing() == Some(Standing::Missed) && again.contains(&slot.interval.end);
        let due_at = due_at(&job.id, job.timing.schedule.as_ref(), slot.interval.end);
        is_end && !is_again && paused.is_none_or(|paused| due_at < paused)
    };
    let closed: Vec<&Slot> = book.slots.iter().take_while(is_closed).collect();
    let before = book.begin.and_then(|begin| book.journal.closed_from(begin));
    let beyond = closed.iter().filter(|slot| before.is_none_or(|before| slot.interval.end > before));
    (beyond.count() > worth).then(|| closed.last().map(|slot| slot.interval.end)).flatten()
}
