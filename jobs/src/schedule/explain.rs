//! Jobs and how they stand, and why one did or did not run.

use chrono::{DateTime, Utc};
use schemas::{After, AfterInterval, CatchUp, Concurrency, Interval, Job, JobId, Schedule, Stream, rfc3339};
use serde_json::{Value, json};

use super::book::{Book, Books, Since, sorted};
use super::by_hand::last_interval;
use super::due::due_at;
use super::fires;
use super::known::Standing;
use super::upstream::lacking;
use super::work::is_by_itself;
use crate::Answer;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{Ledger, RunEntry, RunKey, run_id};
use crate::show::{counted, span, write_line};
use crate::stream::StreamLog;
use crate::world::World;

/// Runs that `job show` lists.
const NEWEST: usize = 10;

/// Answer of `job list`.
pub(crate) async fn list(lake: &OpenLake, world: &World) -> Result<Answer, JobError> {
    let mut books = Books::of(lake, world.now());
    let (mut text, mut all) = (String::new(), Vec::new());
    for job in &lake.definitions.jobs {
        let book = books.book(job, Since::Closed).await?;
        let next = fires(job, world.now()).next();
        let (last, paused) = (last_of(job, &book), book.journal.paused().is_some());
        let next_text = match (paused, &next) {
            (true, _) => "paused".to_owned(),
            (false, Some(fire)) => format!("next {}", fire.local),
            (false, None) => String::new(),
        };
        let (kind, when) = (job.kind.as_str(), schedule_text(job));
        let last_text = last.as_ref().map_or("never run".to_owned(), |(run, state)| format!("{run} {state}"));
        write_line(&mut text, &format!("{:<24} {kind:<18} {when:<28} {last_text}  {next_text}", job.id.as_str()));
        all.push(json!({
            "job": job.id,
            "kind": kind,
            "schedule": schedule_json(job),
            "last": last.map(|(run, state)| json!({ "run": run, "state": state })),
            "paused": paused,
            "next": next,
        }));
    }
    if all.is_empty() {
        write_line(&mut text, "there is no job; write one into jobs/");
    }
    Ok(Answer::done(text, json!({ "jobs": all })))
}

/// How far each job that runs by itself is committed: the end of the newest interval.
pub(crate) async fn committed_until(lake: &OpenLake, world: &World) -> Result<Vec<(JobId, DateTime<Utc>)>, JobError> {
    let mut books = Books::of(lake, world.now());
    let mut all = Vec::new();
    for job in lake.definitions.jobs.iter().filter(|job| is_by_itself(job)) {
        let book = books.book(job, Since::Beginning).await?;
        let last = book.slots.iter().rfind(|slot| slot.standing() == Some(Standing::Committed));
        all.extend(last.map(|slot| (job.id.clone(), slot.interval.end)));
    }
    Ok(all)
}

/// The newest run of a job that is recorded.
fn last_of(job: &Job, book: &Book) -> Option<(String, &'static str)> {
    let slot = book.slots.iter().rfind(|slot| slot.known.is_some())?;
    Some((run_id(&job.id, slot.interval.end), slot.standing()?.as_str()))
}

fn schedule_text(job: &Job) -> String {
    match (&job.timing.schedule, job.timing.after.first()) {
        _ if job.timing.stream.is_some() => {
            let source = job.timing.stream.as_ref().map_or("", |stream| stream.source.as_str());
            format!("new files of {source}")
        }
        (Some(schedule), _) => format!("{} {}", schedule.cron.text(), schedule.cron.zone()),
        (None, Some(after)) => format!("after {}", after.job),
        (None, None) => "on request".to_owned(),
    }
}

fn schedule_json(job: &Job) -> Value {
    let schedule = job.timing.schedule.as_ref().map(|schedule| {
        json!({
            "cron": schedule.cron.text(),
            "dialect": schedule.cron.dialect().as_str(),
            "timezone": schedule.cron.zone().name(),
            "start": schedule.start.map(rfc3339),
            "catch_up": catch_up(schedule),
            "starting_deadline_seconds": schedule.starting_deadline_seconds,
            "lateness_seconds": schedule.lateness_seconds,
            "concurrency": concurrency(schedule),
        })
    });
    let after = job
        .timing
        .after
        .iter()
        .map(|after| json!({ "job": after.job, "interval": which(after), "wait_seconds": after.wait_seconds }));
    let stream = job.timing.stream.as_ref().map(|stream| {
        json!({
            "new_files": stream.source.as_str(),
            "settle_seconds": stream.settle_seconds,
            "max_files": stream.max_files,
            "max_bytes": stream.max_bytes,
            "at_least_every_seconds": stream.at_least_every_seconds,
            "lateness_seconds": stream.lateness_seconds,
        })
    });
    json!({ "schedule": schedule, "on": stream, "after": after.collect::<Vec<_>>() })
}

fn catch_up(schedule: &Schedule) -> String {
    match schedule.catch_up {
        CatchUp::None => "none".to_owned(),
        CatchUp::Latest => "latest".to_owned(),
        CatchUp::All => "all".to_owned(),
        CatchUp::Newest(most) => format!("the newest {most}"),
    }
}

fn concurrency(schedule: &Schedule) -> &'static str {
    match schedule.concurrency {
        Concurrency::Forbid => "forbid",
        Concurrency::Queue => "queue",
    }
}

fn which(after: &After) -> &'static str {
    match after.interval {
        AfterInterval::Covering => "covering",
        AfterInterval::Same => "same",
        AfterInterval::Latest => "latest",
    }
}

/// Answer of `job show`.
pub(super) async fn show(lake: &OpenLake, world: &World, job: &Job) -> Result<Answer, JobError> {
    let now = world.now();
    let book = Books::of(lake, now).book(job, Since::Closed).await?;
    let mut text = String::new();
    write_line(&mut text, &format!("{}: {}, {}", job.id, job.kind.as_str(), schedule_text(job)));
    if let Some(schedule) = &job.timing.schedule {
        let line = format!(
            "catch up {}, starting deadline {} s, lateness {} s, concurrency {}",
            catch_up(schedule),
            schedule.starting_deadline_seconds,
            schedule.lateness_seconds,
            concurrency(schedule)
        );
        write_line(&mut text, &line);
    }
    for after in &job.timing.after {
        write_line(&mut text, &format!("after {}, {}, waits {} s", after.job, which(after), after.wait_seconds));
    }
    let stream = match &job.timing.stream {
        Some(stream) => Some(stream_shown(lake, job, stream, &mut text).await?),
        None => None,
    };
    if let Some(paused) = book.journal.paused() {
        write_line(&mut text, &paused_line(paused));
    }
    let recorded: Vec<_> = book.slots.iter().rev().filter(|slot| slot.known.is_some()).take(NEWEST).collect();
    for slot in &recorded {
        let state = slot.standing().map_or("", Standing::as_str);
        write_line(
            &mut text,
            &format!("{:<40} {state:<9} {}", run_id(&job.id, slot.interval.end), span(slot.interval)),
        );
    }
    let next: Vec<_> = fires(job, now).take(5).collect();
    next.iter().for_each(|fire| write_line(&mut text, &format!("next {}", fire.line())));
    let runs: Vec<Value> = recorded
        .iter()
        .map(|slot| {
            let state = slot.standing().map(Standing::as_str);
            json!({ "run": run_id(&job.id, slot.interval.end), "interval": slot.interval, "state": state })
        })
        .collect();
    let paused = book.journal.paused();
    let json = json!({
        "job": job.id, "kind": job.kind.as_str(), "timing": schedule_json(job), "paused": paused, "runs": runs, "next": next,
        "stream": stream,
    });
    Ok(Answer::done(text, json))
}

/// How far a job is that runs for new files.
async fn stream_shown(lake: &OpenLake, job: &Job, stream: &Stream, text: &mut String) -> Result<Value, JobError> {
    let log = StreamLog::load(&lake.front, &job.id).await?;
    let settle = match stream.settle_seconds {
        0 => "at once".to_owned(),
        seconds => format!("when they have been as they are for {seconds} s"),
    };
    let (files, bytes) = (counted(stream.max_files.into(), "file"), stream.max_bytes);
    write_line(text, &format!("files count {settle}; a batch has at most {files} and {bytes} bytes"));
    let (batches, read) = (log.last_batch(), log.read.count());
    let watermark = log.watermark.map(|at| format!(", watermark {}", rfc3339(at))).unwrap_or_default();
    write_line(text, &format!("{}, {} read{watermark}", counted_batches(batches), counted(read as u64, "file")));
    let aside: Vec<_> = log.set_aside().collect();
    for record in &aside {
        write_line(text, &format!("set aside: {}: {}", record.file.path, record.why));
    }
    Ok(json!({
        "batches": batches,
        "files_read": read,
        "watermark": log.watermark.map(rfc3339),
        "set_aside": aside,
        "open": log.open.map(|plan| json!({ "run": plan.run, "batch": plan.batch, "files": plan.files.len() })),
    }))
}

fn counted_batches(batches: u64) -> String {
    if batches == 1 { "1 batch".to_owned() } else { format!("{batches} batches") }
}

fn paused_line(paused: &super::journal::JournalRecord) -> String {
    let (by, at) = (paused.by.as_deref().unwrap_or("operator"), rfc3339(paused.at));
    format!("paused since {at}, by {by}: {}", paused.reason.as_deref().unwrap_or("no reason given"))
}

/// Answer of `job explain`: what happened to the last interval that has elapsed, in order.
pub(super) async fn explain(lake: &OpenLake, world: &World, job: &Job) -> Result<Answer, JobError> {
    if !is_by_itself(job) {
        return Err(JobError::Refused {
            what: format!("explaining job \"{}\"", job.id),
            why: "it has no schedule; it runs when somebody says `auditlake run`, and `auditlake runs show` tells of a run"
                .to_owned(),
        });
    }
    let interval = last_interval(lake, job, world.now()).await?;
    let key = RunKey { job: job.id.clone(), instant: interval.end };
    let due = due_at(&job.id, job.timing.schedule.as_ref(), interval.end);
    let mut lines = vec![format!("{} covers {} and is due at {}", key.id(), span(interval), rfc3339(due))];
    let mut books = Books::of(lake, world.now());
    let book = books.book(job, Since::Closed).await?;
    lines.extend(book.journal.paused().map(paused_line));
    for after in &job.timing.after {
        let Some(upstream) = lake.definitions.job(&after.job) else { continue };
        let theirs = books.book(upstream, Since::Instant(interval.start)).await?;
        lines.push(match lacking(after, (theirs.begin, &theirs.slots), interval) {
            Some(what) => format!("waits for {what}"),
            None => format!("what it needs of {} is there", after.job),
        });
    }
    let entry = Ledger::new(lake.front.clone()).run_of(&key).await?;
    match &entry {
        Some(entry) => recorded(entry, &mut lines),
        None => lines.push(not_recorded(lake, job, &book, (interval, due), world.now()).await?),
    }
    let state = entry.as_ref().map_or("not recorded", RunEntry::state);
    lines.push(format!("it is {state}"));
    let json = json!({ "run": key.id(), "interval": interval, "due_at": rfc3339(due), "state": state, "told": lines });
    Ok(Answer::done(lines.join("\n"), json))
}

/// What the records of a run say, in order of time.
fn recorded(entry: &RunEntry, lines: &mut Vec<String>) {
    let mut told: Vec<(DateTime<Utc>, String)> = Vec::new();
    let ends = &entry.ends;
    told.extend(ends.queued.as_ref().map(|of| (of.recorded_at, format!("waited for {}", of.waits_for))));
    told.extend(ends.missed.as_ref().map(|of| {
        let upstream = of.upstream.as_ref().map(|of| format!(", {of}")).unwrap_or_default();
        (of.recorded_at, format!("recorded as missed: {}{upstream}", of.reason.as_str()))
    }));
    for start in &entry.attempts {
        told.push((start.started_at, format!("attempt {} began", start.attempt)));
    }
    for fail in &entry.failures {
        let next = fail.next_try_at.map(|at| format!("; tried again at {}", rfc3339(at))).unwrap_or_default();
        let what = format!("attempt {} failed ({}): {}{next}", fail.attempt, fail.remedy, fail.errors.join(": "));
        told.push((fail.ended_at, what));
    }
    for commit in entry.commits() {
        if let Some(at) = commit.committed_at {
            told.push((at, format!("attempt {} committed revision {}", commit.attempt, commit.revision)));
        }
    }
    told.extend(ends.given_up.as_ref().map(|of| (of.recorded_at, "not tried again by itself".to_owned())));
    for (decision, word) in [(&ends.cancelled, "cancelled"), (&ends.waived, "waived")] {
        told.extend(decision.as_ref().map(|of| (of.at, format!("{word} by {}: {}", of.by, of.reason))));
    }
    told.sort_by_key(|(at, _)| *at);
    lines.extend(told.into_iter().map(|(at, what)| format!("{}  {what}", rfc3339(at))));
}

/// Why nothing is recorded of an interval: what a runner would do with it now.
async fn not_recorded(
    lake: &OpenLake,
    job: &Job,
    book: &Book,
    (interval, due): (Interval, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<String, JobError> {
    if book.begin.is_none() {
        return Ok(
            "no runner has seen the job yet: `auditlake run --due` has not been run since it was written".to_owned()
        );
    }
    if due > now {
        return Ok("it is not due yet".to_owned());
    }
    let sorted = sorted(lake, job, book, now).await?;
    let reason = sorted.missed.iter().find(|(slot, _)| slot.interval.end == interval.end);
    Ok(match reason {
        Some((_, reason)) => format!("the next runner would record it as missed: {}", reason.as_str()),
        None if sorted.open.iter().any(|open| open.slot.interval.end == interval.end) => {
            "no runner has been there since; the next one runs it".to_owned()
        }
        None => "the schedule began after it".to_owned(),
    })
}
