//! A job's turn: what of it is recorded as missed, what waits, and which run of it comes next.

use chrono::{DateTime, Utc};
use engine::Created;
use futures::stream::{self, StreamExt, TryStreamExt};
use schemas::{Interval, Job, JobId};
use serde::Serialize;

use super::book::{Books, Since, closable, note_seen, sorted};
use super::due::{MissedReason, Open, seconds};
use super::known::{KnownRun, Standing};
use super::records::{FAILED, FailedRecord, MISSED, MissedRecord, QUEUED, QueuedRecord, note};
use super::slots::Slot;
use super::streaming::Watches;
use super::upstream::lacking;
use crate::claim::{Claim, Patience};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{FailRecord, RunKey, run_id};
use crate::notify::{Note, Source};
use crate::world::World;

/// How often runners may die at a run before it is given up, beside the attempts that fail.
const DEATHS: usize = 3;
/// Records that are written side by side.
const WRITTEN_AT_ONCE: usize = 16;
/// Missed intervals that are recorded at one look, so that no look takes long.
const MISSED_AT_ONCE: usize = 200;
/// Runs that are closed before it is noted.
const CLOSED_WORTH: usize = 100;

/// A run that is to be begun now.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) interval: Interval,
    /// Since when it is due.
    pub(crate) due_at: DateTime<Utc>,
    /// Whether nothing is recorded of it yet.
    pub(crate) is_new: bool,
    /// The batch that it computes, of a job that runs for new files.
    pub(crate) batch: Option<u64>,
    /// The revision that it supersedes, of a run that is computed anew.
    pub(crate) revises: Option<u64>,
}

/// Something that happened to a run without its being run.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Told {
    /// It was recorded as missed.
    Missed {
        run: String,
        job: JobId,
        interval: Interval,
        reason: MissedReason,
        #[serde(skip_serializing_if = "Option::is_none")]
        upstream: Option<String>,
    },
    /// It was given up.
    GivenUp { run: String, job: JobId, interval: Interval, errors: Vec<String> },
    /// A file was set aside, which no run reads.
    SetAside { job: JobId, path: String, why: String },
}

/// A run that waits.
#[derive(Debug, Clone)]
pub(crate) struct Waits {
    pub(crate) run: String,
    /// What for.
    pub(crate) what: String,
    /// Whether it goes on by itself, without a run of another job.
    pub(crate) is_soon: bool,
}

/// What a job's turn came to.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) ready: Option<Ready>,
    /// The run that comes next and waits.
    pub(crate) waits: Option<Waits>,
    /// When it is to be looked at again, if nothing happens before.
    pub(crate) look_at: Option<DateTime<Utc>>,
    /// Whether files are there that count soon.
    pub(crate) settles: bool,
}

/// Whose turn it is, and what is known of others.
#[derive(Debug)]
pub(crate) struct Turns<'a> {
    pub(crate) lake: &'a OpenLake,
    pub(crate) world: &'a World,
    pub(crate) patience: &'a Patience,
    /// What was seen of new files.
    pub(crate) watches: &'a Watches,
}

/// What becomes of an interval that is to be run.
pub(super) enum Next {
    Ready,
    Waits {
        what: String,
        until: Option<DateTime<Utc>>,
        is_soon: bool,
    },
    /// It is at an end; the next one is looked at. Told once, by whoever recorded it.
    Over(Option<Told>),
}

impl<'a> Turns<'a> {
    /// Looks at a job, records what is missed, and says what of it is to be run now: one run at most. What is recorded is
    /// in `told`, also where the rest of the look fails.
    ///
    /// # Errors
    /// When the store fails, or a record is damaged.
    pub(crate) async fn take(&self, job: &Job, books: &mut Books<'a>, told: &mut Vec<Told>) -> Result<Turn, JobError> {
        if let Some(stream) = &job.timing.stream {
            return self.take_stream(job, stream, told).await;
        }
        let mut book = books.book(job, Since::Closed).await?;
        if book.journal.begin().is_none() {
            note_seen(self.lake, self.world, job).await?;
            *books = Books::of(self.lake, self.world.now());
            book = books.book(job, Since::Closed).await?;
        }
        let now = self.world.now();
        let sorted = sorted(self.lake, job, &book, now).await?;
        let mut turn = Turn { look_at: sorted.next_at, ..Turn::default() };
        self.miss_all(job, sorted.missed.get(..MISSED_AT_ONCE).unwrap_or(&sorted.missed), told).await?;
        for slot in &sorted.queued {
            self.queue(job, slot.interval, "the run before it").await?;
        }
        if let (Some(paused), Some(first)) = (book.journal.paused(), sorted.open.first()) {
            let what = format!("waits for the end of the pause of {}", schemas::rfc3339(paused.at));
            turn.waits = Some(Waits { run: run_id(&job.id, first.slot.interval.end), what, is_soon: false });
        } else {
            self.first(job, &sorted.open, books, (&mut turn, told)).await?;
        }
        let within = job.timing.schedule.as_ref().and_then(|schedule| schedule.revise_within_seconds).and_then(seconds);
        if let Some(within) = within.filter(|_| turn.ready.is_none() && turn.waits.is_none()) {
            turn.ready = self.stale(job, within).await?;
        }
        if let Some(schedule) = &job.timing.schedule {
            let next = schedule.cron.next_after(now).map(|fire| super::due::due_at(&job.id, Some(schedule), fire));
            turn.look_at = turn.look_at.into_iter().chain(next).min();
        }
        if sorted.missed.len() > MISSED_AT_ONCE {
            turn.look_at = Some(now);
        }
        if let Some((begin, until)) = book.begin.zip(closable(job, &book, CLOSED_WORTH)) {
            book.journal.close(&self.lake.front, &job.id, (begin, until)).await;
        }
        Ok(turn)
    }

    /// The first interval that is not at an end by now: it is run, or waits.
    async fn first(
        &self,
        job: &Job,
        open: &[Open],
        books: &mut Books<'_>,
        (turn, told): (&mut Turn, &mut Vec<Told>),
    ) -> Result<(), JobError> {
        for open in open {
            match self.next(job, open, books).await? {
                Next::Ready => {
                    let is_new = open.slot.known.is_none();
                    turn.ready = Some(Ready {
                        interval: open.slot.interval,
                        due_at: open.due_at,
                        is_new,
                        batch: None,
                        revises: None,
                    });
                    break;
                }
                Next::Waits { what, until, is_soon } => {
                    turn.waits = Some(Waits { run: run_id(&job.id, open.slot.interval.end), what, is_soon });
                    turn.look_at = turn.look_at.into_iter().chain(until).min();
                    break;
                }
                Next::Over(over) => told.extend(over),
            }
        }
        Ok(())
    }

    /// What becomes of an interval whose turn it is.
    async fn next(&self, job: &Job, open: &Open, books: &mut Books<'_>) -> Result<Next, JobError> {
        let (interval, now) = (open.slot.interval, self.world.now());
        if let Some(run) = open.slot.known.as_ref().filter(|run| !run.begun.is_empty()) {
            match self.begun(job, interval, run).await? {
                Next::Ready => {}
                other => return Ok(other),
            }
        }
        for after in &job.timing.after {
            let Some(upstream) = self.lake.definitions.job(&after.job) else { continue };
            let theirs = books.book(upstream, Since::Instant(interval.start)).await?;
            let Some(lacking) = lacking(after, (theirs.begin, &theirs.slots), interval) else { continue };
            let over = seconds(after.wait_seconds).and_then(|wait| open.due_at.checked_add_signed(wait));
            if over.is_some_and(|over| now > over) {
                return Ok(Next::Over(self.waited(job, open, lacking).await?));
            }
            if open.slot.known.is_none() {
                self.queue(job, interval, &lacking).await?;
            }
            return Ok(Next::Waits { what: format!("waits for {lacking}"), until: over, is_soon: false });
        }
        Ok(Next::Ready)
    }

    /// A run that waited long enough for another one: it is missed; one that was missed before, and that a resumption took
    /// up again, is given up.
    async fn waited(&self, job: &Job, open: &Open, lacking: String) -> Result<Option<Told>, JobError> {
        let interval = open.slot.interval;
        match open.slot.known.as_ref().filter(|run| run.standing == Standing::Missed) {
            None => self.miss(job, interval, MissedReason::Upstream, Some(lacking)).await,
            Some(run) => {
                let key = RunKey { job: job.id.clone(), instant: run.instant };
                let errors = vec![format!("it waited for {lacking}")];
                self.give_up(&key, (interval, run), (errors, "fix_config".to_owned())).await
            }
        }
    }

    /// What becomes of a run that was begun: it is at work, is tried again, or is given up.
    pub(super) async fn begun(&self, job: &Job, interval: Interval, run: &KnownRun) -> Result<Next, JobError> {
        let key = RunKey { job: job.id.clone(), instant: run.instant };
        let last = run.begun.iter().max().copied().unwrap_or_default();
        if run.failed.contains(&last) {
            let record: Option<FailRecord> = self.lake.front.read_json(&key.record(&format!("{last}.fail"))).await?;
            return match record.as_ref().and_then(|fail| fail.next_try_at) {
                Some(next) if next > self.world.now() => {
                    let what = format!("is tried again at {}", schemas::rfc3339(next));
                    Ok(Next::Waits { what, until: Some(next), is_soon: true })
                }
                Some(_) => Ok(Next::Ready),
                None => {
                    let why = record.map(|fail| (fail.errors, fail.remedy)).unwrap_or_default();
                    Ok(Next::Over(self.give_up(&key, (interval, run), why).await?))
                }
            };
        }
        if run.unended() > DEATHS {
            return self.died(&key, (interval, run)).await;
        }
        Ok(Next::Ready)
    }

    /// A run at which runners died, more often than one would believe by chance.
    async fn died(&self, key: &RunKey, (interval, run): (Interval, &KnownRun)) -> Result<Next, JobError> {
        let claim = Claim::take_if_free(&self.lake.front, self.world, &key.claim(), self.patience).await?;
        let Some(claim) = claim else {
            return Ok(Next::Waits { what: "is at work elsewhere".to_owned(), until: None, is_soon: true });
        };
        let why = (vec![format!("{} runners died at it", run.unended())], "report".to_owned());
        let told = self.give_up(key, (interval, run), why).await;
        claim.release().await;
        Ok(Next::Over(told?))
    }

    async fn give_up(
        &self,
        key: &RunKey,
        (interval, run): (Interval, &KnownRun),
        (errors, remedy): (Vec<String>, String),
    ) -> Result<Option<Told>, JobError> {
        let record = FailedRecord {
            run: key.id(),
            interval,
            attempts: run.begun.len() as u64,
            errors: errors.clone(),
            remedy,
            recorded_at: self.world.now(),
        };
        let told = Told::GivenUp { run: key.id(), job: key.job.clone(), interval, errors };
        let source = Source::Records { paths: vec![key.record(FAILED).to_string()] };
        let noted = Note::begin(self.lake, self.world, source).await?;
        let written = note(&self.lake.front, key, FAILED, &record).await;
        noted.end().await;
        Ok((written? == Created::Now).then_some(told))
    }

    /// Records that intervals were missed.
    async fn miss_all(&self, job: &Job, all: &[(Slot, MissedReason)], told: &mut Vec<Told>) -> Result<(), JobError> {
        let reasons = all.iter().map(|(slot, reason)| (slot.interval.end, *reason));
        let note = self.noted(job, reasons).await?;
        let missed = all.iter().map(|(slot, reason)| self.record_missed(job, slot.interval, *reason, None));
        let mut missed = stream::iter(missed).buffered(WRITTEN_AT_ONCE);
        let failed = loop {
            match missed.try_next().await {
                Ok(Some(missed)) => told.extend(missed),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        note.end().await;
        failed
    }

    /// Notes that intervals are about to be recorded as missed. Of a pause, whoever made it knows.
    async fn noted(
        &self,
        job: &Job,
        missed: impl Iterator<Item = (DateTime<Utc>, MissedReason)>,
    ) -> Result<Note<'a>, JobError> {
        let told = missed.filter(|(_, reason)| *reason != MissedReason::Paused);
        let record = |instant| RunKey { job: job.id.clone(), instant }.record(MISSED).to_string();
        let paths: Vec<String> = told.map(|(instant, _)| record(instant)).collect();
        if paths.is_empty() {
            return Ok(Note::none(self.lake));
        }
        Note::begin(self.lake, self.world, Source::Records { paths }).await
    }

    /// Records that an interval was missed; told where nobody had done so before.
    pub(super) async fn miss(
        &self,
        job: &Job,
        interval: Interval,
        reason: MissedReason,
        upstream: Option<String>,
    ) -> Result<Option<Told>, JobError> {
        let note = self.noted(job, std::iter::once((interval.end, reason))).await?;
        let missed = self.record_missed(job, interval, reason, upstream).await;
        note.end().await;
        missed
    }

    async fn record_missed(
        &self,
        job: &Job,
        interval: Interval,
        reason: MissedReason,
        upstream: Option<String>,
    ) -> Result<Option<Told>, JobError> {
        let key = RunKey { job: job.id.clone(), instant: interval.end };
        let record = MissedRecord {
            run: key.id(),
            interval,
            reason,
            upstream: upstream.clone(),
            recorded_at: self.world.now(),
            definitions_sha256: self.lake.definitions.sha256.clone(),
        };
        let told = Told::Missed { run: key.id(), job: key.job.clone(), interval, reason, upstream };
        Ok((note(&self.lake.front, &key, MISSED, &record).await? == Created::Now).then_some(told))
    }

    /// Records that an interval waits.
    pub(super) async fn queue(&self, job: &Job, interval: Interval, waits_for: &str) -> Result<(), JobError> {
        let key = RunKey { job: job.id.clone(), instant: interval.end };
        let record =
            QueuedRecord { run: key.id(), interval, waits_for: waits_for.to_owned(), recorded_at: self.world.now() };
        note(&self.lake.front, &key, QUEUED, &record).await?;
        Ok(())
    }
}

impl Told {
    /// As a line.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Missed { run, reason, upstream: None, .. } => format!("missed {run}: {}", reason.as_str()),
            Self::Missed { run, reason, upstream: Some(of), .. } => format!("missed {run}: {}, {of}", reason.as_str()),
            Self::SetAside { job, path, why } => format!("set aside {path}, of {job}: {why}"),
            Self::GivenUp { run, errors, .. } => format!("failed {run}, not tried again: {}", errors.join(": ")),
        }
    }
}
