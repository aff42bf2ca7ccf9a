//! When a job runs, checked against the other jobs.

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;

use super::checked::{Job, JobKind};
use super::duration::{self, given_seconds as seconds};
use super::lake::timezone;
use super::problem::{DefinitionError, Place, Problems};
use super::raw_timing::{RawAfter, RawCatchUp, RawLate, RawRetry, RawSchedule, RawTiming};
use super::stream;
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::id::JobId;
use crate::schedule::{After, AfterInterval, CatchUp, Cron, Retry, Schedule, Timing, cycles, day_or_instant};

/// A day: how long after its time a run may start, and how long another job is waited for.
const DAY_SECONDS: u64 = 86_400;

/// That one job waits for another, and where it says so.
#[derive(Debug)]
pub(super) struct Wait {
    job: String,
    awaited: String,
    file: String,
    place: Place,
}

/// What a job says about its runs; `job` is its name and what it does, as far as that is known, and `zone` the lake's.
pub(super) fn build(
    raw: RawTiming,
    (job, kind): (&str, Option<&JobKind>),
    zone: Tz,
    around: &Surroundings,
    problems: &mut Problems,
) -> Timing {
    let RawTiming { schedule: given, after: listed, retry: again, timeout, slow_after } = raw;
    let has_schedule = given.is_some();
    let (by_clock, stream) = match given {
        None => (None, None),
        Some(At { value: raw @ RawSchedule { on: None, .. }, place }) => {
            (schedule(raw, place, (kind, zone), problems), None)
        }
        Some(At { value: raw, place }) => {
            if raw.cron.is_some() {
                problems.add(place, "schedule has on and cron; keep one");
            }
            if listed.is_some() {
                let message = "a job that is due for new files waits for no other; leave after out, or write cron";
                problems.add(place, message);
            }
            (None, stream::build(&raw, kind, around, problems))
        }
    };
    Timing {
        schedule: by_clock,
        stream,
        after: listed.map(|listed| after(listed, job, has_schedule, around, problems)).unwrap_or_default(),
        retry: again.map(|raw| retry(raw, problems)).unwrap_or_default(),
        timeout_seconds: seconds("timeout", timeout, problems),
        slow_after_seconds: seconds("slow_after", slow_after, problems),
    }
}

/// Every wait of a job, for [`in_circles`].
pub(super) fn waits(raw: &RawTiming, job: &str, file: &str) -> Vec<Wait> {
    let listed = raw.after.iter().flat_map(|listed| &listed.value).map(|raw| &raw.job);
    let others = listed.filter(|awaited| awaited.value != job);
    let wait = |awaited: &At<String>| Wait {
        job: job.to_owned(),
        awaited: awaited.value.clone(),
        file: file.to_owned(),
        place: awaited.place,
    };
    others.map(wait).collect()
}

/// Jobs that wait for one another, so that none would ever run.
pub(super) fn in_circles(waits: &[Wait]) -> Vec<DefinitionError> {
    let edges: Vec<(&str, &str)> = waits.iter().map(|wait| (wait.job.as_str(), wait.awaited.as_str())).collect();
    let said = |cycle: Vec<&str>| {
        let (first, second) = (cycle.first()?, cycle.get(1)?);
        let wait = waits.iter().find(|wait| wait.job == *first && wait.awaited == *second)?;
        let mut problems = Problems::of(&wait.file);
        let way: Vec<String> = cycle.iter().skip(1).chain([first]).map(|name| format!("\"{name}\"")).collect();
        let way = way.join(", which waits for ");
        problems.add(wait.place, format!("job \"{first}\" waits for {way}; take one of these out"));
        Some(problems.into_errors())
    };
    cycles(&edges).into_iter().filter_map(said).flatten().collect()
}

/// Jobs that wait until runs of another one cover their interval, where those cover none.
pub(super) fn never_covered(jobs: &[Job], waits: &[Wait]) -> Vec<DefinitionError> {
    let covering = jobs.iter().flat_map(|job| job.timing.after.iter().map(move |after| (job, after)));
    let covering = covering.filter(|(_, after)| after.interval == AfterInterval::Covering);
    let said = |(job, after): (&Job, &After)| {
        jobs.iter().find(|other| other.id == after.job && !other.covers_time())?;
        let is_it = |wait: &&Wait| wait.job == job.id.as_str() && wait.awaited == after.job.as_str();
        let wait = waits.iter().find(is_it)?;
        let mut problems = Problems::of(&wait.file);
        let message = format!(
            "runs of job \"{}\" cover no time, as it has neither schedule nor window, so none is ever waited for with \
             success; give it a schedule, or write interval: latest",
            after.job
        );
        problems.add(wait.place, message);
        Some(problems.into_errors())
    };
    covering.filter_map(said).flatten().collect()
}

fn schedule(
    raw: RawSchedule,
    place: Place,
    (kind, zone): (Option<&JobKind>, Tz),
    problems: &mut Problems,
) -> Option<Schedule> {
    // With another zone than was meant, the rest would be judged wrongly.
    let zone = match raw.timezone {
        Some(given) => problems.keep(given.place, timezone(&given.value))?,
        None => zone,
    };
    let dialect = raw.dialect.unwrap_or_default();
    let cron = match raw.cron {
        Some(given) => problems.keep(given.place, Cron::parse(&given.value, dialect, zone)),
        None => {
            let message =
                "schedule needs cron or on; write for example {cron: \"0 6 * * *\"} or {on: {new_files: audit}}";
            problems.add(place, message);
            None
        }
    };
    let start = raw.start.and_then(|given| problems.keep(given.place, start(&given.value, zone)));
    let catch_up = raw.catch_up.and_then(|given| problems.keep(given.place, catch_up(given.value)));
    let starting_deadline = seconds("starting_deadline", raw.starting_deadline, problems);
    let lateness = seconds("lateness", raw.lateness, problems);
    let jitter = seconds("jitter", raw.jitter, problems);
    let revise_within = raw.late.and_then(|given| revise_within(given, kind, problems));
    Some(Schedule {
        cron: cron?,
        start,
        catch_up: catch_up.unwrap_or_default(),
        starting_deadline_seconds: starting_deadline.unwrap_or(DAY_SECONDS),
        lateness_seconds: lateness.unwrap_or(0),
        jitter_seconds: jitter.unwrap_or(0),
        concurrency: raw.concurrency.unwrap_or_default(),
        revise_within_seconds: revise_within,
    })
}

/// How long an interval is computed anew for late rows; none where they are only noted.
fn revise_within(given: At<RawLate>, kind: Option<&JobKind>, problems: &mut Problems) -> Option<u64> {
    match given.value {
        RawLate::Word(word) if word == "note" => None,
        RawLate::Word(word) => {
            let message = format!("late {word:?} does not exist; write note, or {{revise_within: 72h}}");
            problems.add(given.place, message);
            None
        }
        RawLate::Revise(revise) => {
            if let Some(kind) = kind.filter(|kind| !matches!(kind, JobKind::Query(_))) {
                let message = format!(
                    "late: {{revise_within}} is for jobs of kind query, whose rows are replaced; what one of kind {} published \
                     stays, so write late: note, and `auditlake runs stale` lists what has late rows",
                    kind.as_str()
                );
                problems.add(given.place, message);
            }
            problems.keep(given.place, duration::seconds("revise_within", &revise.revise_within))
        }
    }
}

/// A day, which begins where the zone's clocks say so, or an instant.
fn start(given: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    let at = day_or_instant(given, zone).map_err(|why| format!("start {why}"))?;
    // What clocks read before is not known well enough.
    if (1970..=2100).contains(&at.year()) {
        Ok(at)
    } else {
        Err(format!("start {given:?} is out of range; write a year from 1970 to 2100"))
    }
}

fn catch_up(given: RawCatchUp) -> Result<CatchUp, String> {
    match given {
        RawCatchUp::Newest(newest) => Ok(CatchUp::Newest(newest.all)),
        RawCatchUp::Word(word) => match word.as_str() {
            "none" => Ok(CatchUp::None),
            "latest" => Ok(CatchUp::Latest),
            "all" => Ok(CatchUp::All),
            _ => Err(format!("catch_up {word:?} does not exist; write none, latest, all or {{all: 48}}")),
        },
    }
}

fn after(
    listed: At<Vec<RawAfter>>,
    job: &str,
    has_schedule: bool,
    around: &Surroundings,
    problems: &mut Problems,
) -> Vec<After> {
    if listed.value.is_empty() {
        problems.add(listed.place, "after is empty; name a job, for example [{job: ingest-trail}], or leave it out");
    }
    if !has_schedule && listed.value.len() > 1 {
        let message = "after names several jobs, and a job without schedule runs for the intervals of one; add a \
                       schedule, or keep one";
        problems.add(listed.place, message);
    }
    let mut all: Vec<After> = Vec::new();
    for raw in listed.value {
        let wait_seconds = seconds("wait", raw.wait, problems).unwrap_or(DAY_SECONDS);
        let interval = match raw.interval {
            Some(given) if !has_schedule && given.value != AfterInterval::Same => {
                let message = "a job without schedule runs for the interval of the job it waits for; write interval: \
                               same, leave it out, or add a schedule";
                problems.add(given.place, message);
                given.value
            }
            Some(given) => given.value,
            None if has_schedule => AfterInterval::Covering,
            None => AfterInterval::Same,
        };
        let Some(id) = problems.keep(raw.job.place, awaited(&raw.job.value, job, around)) else { continue };
        if all.iter().any(|other| other.job == id) {
            problems.add(raw.job.place, format!("after names job \"{id}\" twice; keep one"));
        }
        all.push(After { job: id, interval, wait_seconds });
    }
    all
}

fn awaited(given: &str, job: &str, around: &Surroundings) -> Result<JobId, String> {
    if given == job {
        return Err(format!("job {given:?} waits for itself; name another, or leave it out"));
    }
    if let Some(sentence) = around.job_names.lacks(given) {
        return Err(format!("after names job {given:?}, which does not exist; {sentence}"));
    }
    JobId::parse(given).map_err(|error| error.to_string())
}

fn retry(raw: RawRetry, problems: &mut Problems) -> Retry {
    let default = Retry::default();
    let cap_place = raw.cap.as_ref().or(raw.base.as_ref()).map(|given| given.place);
    let retry = Retry {
        max: raw.max.unwrap_or(default.max),
        base_seconds: seconds("base", raw.base, problems).unwrap_or(default.base_seconds),
        factor: raw.factor.unwrap_or(default.factor),
        cap_seconds: seconds("cap", raw.cap, problems).unwrap_or(default.cap_seconds),
    };
    if let Some(place) = cap_place.filter(|_| retry.cap_seconds < retry.base_seconds) {
        let Retry { base_seconds, cap_seconds, .. } = retry;
        let message = format!("cap of {cap_seconds}s is shorter than base of {base_seconds}s; write a longer cap");
        problems.add(place, message);
    }
    retry
}
