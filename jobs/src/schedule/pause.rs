//! Pausing and resuming a schedule.

use chrono::{DateTime, Utc};
use schemas::{CatchUp, Job, Permission};
use serde_json::json;

use super::book::{Books, Since, note_seen};
use super::due::{MissedReason, due_at};
use super::journal::{Journal, JournalRecord, Step};
use super::known::Standing;
use super::slots::Slot;
use super::streaming::Watches;
use super::turn::Turns;
use super::work::is_by_itself;
use crate::Answer;
use crate::claim::{LAPSE, Patience};
use crate::error::JobError;
use crate::evidence_log::{Act, Intent};
use crate::lake::OpenLake;
use crate::retention::{of_record, who};
use crate::show::counted;
use crate::world::World;

/// Who pauses or resumes, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decision<'a> {
    pub(crate) principal: Option<&'a str>,
    pub(crate) reason: Option<&'a str>,
}

/// Nothing of a job is started from now on; what is at work goes on.
pub(crate) async fn pause(
    lake: &OpenLake,
    world: &World,
    job: &Job,
    decision: Decision<'_>,
) -> Result<Answer, JobError> {
    let by = who(lake, decision.principal, Permission::SchedulePause, "pausing a schedule")?;
    let journal = opened(lake, world, job).await?;
    if let Some(paused) = journal.paused() {
        let (by, at) = (paused.by.as_deref().unwrap_or("operator"), schemas::rfc3339(paused.at));
        return Err(refused(
            job,
            format!("it is paused since {at}, by {by}; `auditlake schedule resume {}` ends it", job.id),
        ));
    }
    let record = add(lake, world, journal, job, (Step::Paused, by, decision.reason)).await?;
    let what = match job.timing.stream {
        Some(_) => "no batch is begun from now on",
        None => "from now on its intervals are recorded as missed",
    };
    let text = format!("job \"{}\" is paused: {what}; `auditlake schedule resume {}` ends it", job.id, job.id);
    Ok(Answer::done(text, json!({ "record": record })))
}

/// It is started again; of what was missed meanwhile, what `catch_up` says is run after all.
pub(crate) async fn resume(
    lake: &OpenLake,
    world: &World,
    job: &Job,
    decision: Decision<'_>,
) -> Result<Answer, JobError> {
    let by = who(lake, decision.principal, Permission::SchedulePause, "resuming a schedule")?;
    let journal = opened(lake, world, job).await?;
    let Some(paused) = journal.paused().map(|record| record.at) else {
        return Err(refused(job, "it is not paused".to_owned()));
    };
    let now = world.now();
    let book = Books::of(lake, now).book(job, Since::Closed).await?;
    let schedule = job.timing.schedule.as_ref();
    let is_meanwhile = |slot: &&Slot| {
        let due_at = due_at(&job.id, schedule, slot.interval.end);
        // A job that follows another one misses nothing, and goes on where it is.
        schedule.is_some() && due_at >= paused && due_at <= now
    };
    let meanwhile: Vec<&Slot> = book.slots.iter().filter(is_meanwhile).collect();
    let missed = |slot: &&&Slot| slot.standing().is_none_or(|standing| standing == Standing::Missed);
    let missed: Vec<&Slot> = meanwhile.iter().filter(missed).copied().collect();
    let patience = Patience::of(LAPSE);
    let turns = Turns { lake, world, patience: &patience, watches: &Watches::default() };
    for slot in missed.iter().filter(|slot| slot.known.is_none()) {
        turns.miss(job, slot.interval, MissedReason::Paused, None).await?;
    }
    let again: Vec<DateTime<Utc>> = missed.iter().map(|slot| slot.interval.end).collect();
    let again = again.get(again.len().saturating_sub(most(job))..).unwrap_or_default().to_vec();
    let left = missed.len() - again.len();
    let count = again.len() as u64;
    let record = add(lake, world, journal, job, (Step::Resumed { again }, by, decision.reason)).await?;
    let mut text = match job.timing.stream {
        Some(_) => format!("job \"{}\" is resumed; files that came meanwhile are read", job.id),
        None => format!("job \"{}\" is resumed; {} of the pause will be run", job.id, counted(count, "interval")),
    };
    if left > 0 {
        text.push_str(&format!(
            ", {} stay missed, as its catch_up says: `auditlake runs missing {}` lists them",
            counted(left as u64, "interval"),
            job.id
        ));
    }
    Ok(Answer::done(text, json!({ "record": record, "missed": left })))
}

/// How many of the newest missed intervals a resumption runs.
fn most(job: &Job) -> usize {
    match job.timing.schedule.as_ref().map_or(CatchUp::All, |schedule| schedule.catch_up) {
        CatchUp::None => 0,
        CatchUp::Latest => 1,
        CatchUp::All => usize::MAX,
        CatchUp::Newest(most) => usize::try_from(most).unwrap_or(usize::MAX),
    }
}

async fn opened(lake: &OpenLake, world: &World, job: &Job) -> Result<Journal, JobError> {
    if !is_by_itself(job) {
        return Err(refused(job, "it has no schedule; it runs when somebody says `auditlake run`".to_owned()));
    }
    note_seen(lake, world, job).await?;
    Ok(Journal::read(&lake.front, &job.id).await?)
}

fn refused(job: &Job, why: String) -> JobError {
    JobError::Refused { what: format!("schedule of job \"{}\"", job.id), why }
}

/// Writes the next record, and logs it.
async fn add(
    lake: &OpenLake,
    world: &World,
    mut journal: Journal,
    job: &Job,
    (step, by, reason): (Step, Option<String>, Option<&str>),
) -> Result<JournalRecord, JobError> {
    let record = JournalRecord {
        job: job.id.clone(),
        number: journal.next_number(),
        step,
        by: Some(by.unwrap_or_else(|| "operator".to_owned())),
        reason: reason.map(str::to_owned),
        at: world.now(),
    };
    let path = super::journal::record_path(&job.id, record.number);
    let intent = Intent::begin(lake, world, Act::Record { path: path.to_string() }).await?;
    let written = journal.add(&lake.front, record.clone()).await;
    intent.end(written, async |()| Ok(of_record(&lake.front, path.as_ref()).await?.into_iter().collect())).await?;
    Ok(record)
}
