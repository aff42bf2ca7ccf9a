//! Commands about schedules.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use engine::UseStates;
use schemas::{FixedClock, Job, JobId, Span, StatusCounts, day_or_instant};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::backfill::{self, Only, Wanted};
use super::by_hand::last_interval;
use super::explain;
use super::late::stale_runs;
use super::missing::{Verdict, answer, decide, missing};
use super::next::coming;
use super::pause::{Decision, pause, resume};
use super::streaming::Watches;
use super::turn::Told;
use super::work::{Crew, Happened, TICK, Until, is_by_itself};
use crate::args::{Cli, JobCommand, OutputForm, RunArgs, RunDecisionArgs, ScheduleCommand};
use crate::claim::{LAPSE, Patience};
use crate::confirm::confirmed;
use crate::error::JobError;
use crate::kept_states;
use crate::lake::{OpenLake, names};
use crate::notify;
use crate::progress::Progress;
use crate::runner::{Asked, Revise, Scheduled, run};
use crate::show::{counted, span, write_line};
use crate::stream::{Next, accept, next_by_hand};
use crate::world::World;
use crate::{Answer, access, show};

/// The job of that name.
pub(crate) fn job_of<'l>(lake: &'l OpenLake, name: &str) -> Result<&'l Job, JobError> {
    job_in(&lake.definitions, name)
}

fn job_in<'l>(definitions: &'l schemas::Lake, name: &str) -> Result<&'l Job, JobError> {
    let found = JobId::parse(name).ok().and_then(|id| definitions.job(&id));
    found.ok_or_else(|| JobError::Unknown {
        what: "job",
        name: name.to_owned(),
        remedy: format!("jobs are: {}", names(definitions.jobs.iter().map(|job| &job.id))),
    })
}

/// `run`: one job, whatever is due, or intervals of the past.
pub(crate) async fn run_command(cli: &Cli, world: &World, args: &RunArgs) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    let answer = ran_as_asked(cli, (&lake, world), args).await;
    // Whoever is to be told hears also of a run that failed.
    notify::after_runs(&lake, world, cli.output == OutputForm::Human).await;
    answer
}

async fn ran_as_asked(cli: &Cli, (lake, world): (&OpenLake, &World), args: &RunArgs) -> Result<Answer, JobError> {
    let Some(name) = args.job.as_deref() else { return due(cli, (lake, world), args).await };
    if let Some(principal) = &args.principal {
        let access = lake.definitions.access.as_ref();
        let nobody = || JobError::Usage("--as names a principal, and this lake has no access.yaml".to_owned());
        access::known(access.ok_or_else(nobody)?, principal)?;
    }
    let job = job_of(lake, name)?;
    match (&args.from, &args.to) {
        (Some(from), Some(to)) => {
            let zone = job.timing.schedule.as_ref().map_or(lake.definitions.timezone, |of| of.cron.zone());
            let read = |given| day_or_instant(given, zone).map_err(JobError::Usage);
            let wanted = Wanted { from: read(from)?, to: read(to)?, only: args.only, order: args.order };
            past((lake, world), (job, wanted), args, cli.output).await
        }
        _ => once(cli, (lake, world), job, args).await,
    }
}

/// One run: of the instant given, or of the last interval that has elapsed.
async fn once(cli: &Cli, (lake, world): (&OpenLake, &World), job: &Job, args: &RunArgs) -> Result<Answer, JobError> {
    let revise = if args.again { Revise::Again } else { Revise::Never };
    let states = if args.no_states { UseStates::Anew } else { UseStates::Kept };
    let asked = Asked { states, ..Asked::by(revise, args.principal.as_deref()) };
    let progress = Progress::on_terminal();
    let meant = match &job.timing.stream {
        // What was committed is computed anew for the instant of its batch.
        Some(_) if args.again => None,
        Some(stream) => {
            if let Some(path) = &args.accept {
                let by = args.principal.as_deref().unwrap_or("operator");
                accept((lake, world), (job, stream), (path, by)).await?;
            }
            match next_by_hand((lake, world), (job, stream)).await? {
                Next::Nothing { read, aside } => return Ok(nothing_new(job, read, aside)),
                Next::Batch { interval, number } => Some((interval, Some(number))),
            }
        }
        None if args.accept.is_some() => {
            let why = "does not run for new files; leave --accept out";
            return Err(JobError::Usage(format!("job \"{}\" {why}", job.id)));
        }
        None if is_by_itself(job) => Some((last_interval(lake, job, world.now()).await?, None)),
        None => None,
    };
    let ran = match meant {
        Some((interval, batch)) => {
            let at = world.at(std::sync::Arc::new(FixedClock(interval.end)));
            let scheduled = Scheduled { interval, batch, clock: world, patience: None, stop: None };
            run(lake, &at, job, Asked { scheduled: Some(scheduled), ..asked }, &progress).await?
        }
        None if cli.at.is_none() => {
            return Err(JobError::Usage(format!(
                "job \"{0}\" has no schedule; say for which instant, for example auditlake run {0} --at 2026-03-01T00:00:00Z",
                job.id
            )));
        }
        None => run(lake, world, job, asked, &progress).await?,
    };
    let mut answer = show::ran(lake, &ran);
    if args.fail_on.iter().any(|status| of_status(ran.commit.summary.controls, status) > 0) {
        answer.code = 3;
    }
    Ok(answer)
}

/// Answer of a run for new files where there is none.
fn nothing_new(job: &Job, read: usize, aside: usize) -> Answer {
    let mut text = format!("no file is new for job \"{}\": {} read before", job.id, counted(read as u64, "file"));
    if aside > 0 {
        text.push_str(&format!(
            ", {} set aside: `auditlake job show {}` lists them",
            counted(aside as u64, "file"),
            job.id
        ));
    }
    Answer::done(text, json!({ "new": 0, "read": read, "aside": aside }))
}

/// What happened, told as it happens to whoever reads text, and kept for the answer.
struct Teller {
    output: OutputForm,
    all: Mutex<Vec<Happened>>,
}

impl Teller {
    fn new(output: OutputForm) -> Self {
        Self { output, all: Mutex::default() }
    }

    fn tell(&self, happened: &Happened) {
        if matches!(happened, Happened::Began(_) | Happened::Elsewhere(_)) {
            return;
        }
        if self.output == OutputForm::Human {
            use std::io::Write;
            // Whoever closed the output does not stop the runs.
            drop(writeln!(std::io::stdout(), "{}", happened.line()));
        }
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(happened.clone());
    }

    fn into_all(self) -> Vec<Happened> {
        self.all.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many of each, by how each run stands in the end.
#[derive(Debug, Default)]
struct Tally {
    committed: usize,
    failed: usize,
    missed: usize,
    /// Controls of reports, together.
    controls: StatusCounts,
}

fn tally(all: &[Happened]) -> Tally {
    let (mut tally, mut last) = (Tally::default(), BTreeMap::new());
    for happened in all {
        match happened {
            Happened::Began(_) | Happened::Elsewhere(_) => {}
            Happened::Ran(ran) => {
                if let (false, Some(controls)) = (ran.before, &ran.controls) {
                    tally.controls.fail += controls.fail;
                    tally.controls.warn += controls.warn;
                    tally.controls.error += controls.error;
                    tally.controls.not_evaluated += controls.not_evaluated;
                }
                last.insert(ran.run.as_str(), 'c');
            }
            Happened::Failed(failed) => drop(last.insert(failed.run.as_str(), 'f')),
            Happened::Told(Told::SetAside { .. }) => {}
            Happened::Told(Told::GivenUp { run, .. }) => drop(last.insert(run.as_str(), 'f')),
            Happened::Told(Told::Missed { run, .. }) => drop(last.insert(run.as_str(), 'm')),
        }
    }
    let of = |state: char| last.values().filter(|last| **last == state).count();
    (tally.committed, tally.failed, tally.missed) = (of('c'), of('f'), of('m'));
    tally
}

/// Exit code of what happened: 1 where a run failed, 3 where something is as `--fail-on` names it.
fn code(counts: &Tally, fail_on: &[String]) -> u8 {
    let is_named = |on: &String| match on.as_str() {
        "missed" => counts.missed > 0,
        status => of_status(counts.controls, status) > 0,
    };
    match (counts.failed > 0, fail_on.iter().any(is_named)) {
        (true, _) => 1,
        (false, true) => 3,
        (false, false) => 0,
    }
}

/// Controls of a status as `--fail-on` names it.
fn of_status(counts: StatusCounts, status: &str) -> u64 {
    match status {
        "fail" => counts.fail,
        "warn" => counts.warn,
        "error" => counts.error,
        "not_evaluated" => counts.not_evaluated,
        _ => 0,
    }
}

/// `run --due`.
async fn due(cli: &Cli, (lake, world): (&OpenLake, &World), args: &RunArgs) -> Result<Answer, JobError> {
    if !lake.definitions.jobs.iter().any(is_by_itself) {
        let why = "no job has a schedule; write for example schedule: {cron: \"0 6 * * *\"} into one of jobs/";
        return Err(JobError::Usage(why.to_owned()));
    }
    // A clock that stands still never comes to another attempt.
    let until = if args.until_idle && cli.at.is_none() { Until::Idle } else { Until::Done };
    let (patience, stop) = (Patience::of(LAPSE), CancellationToken::new());
    let workers = usize::from(args.workers);
    let progress = if workers > 1 { Progress::silent() } else { Progress::on_terminal() };
    let teller = Teller::new(cli.output);
    let crew = Crew {
        lake,
        world,
        workers,
        patience: &patience,
        watches: &Watches::default(),
        closing: &stop,
        stop: &stop,
        progress,
        tick: TICK,
        ticked: None,
    };
    let waits = crew.work(until, &|happened| teller.tell(happened)).await?;
    let all = teller.into_all();
    let counts = tally(&all);
    let mut text = String::new();
    waits.iter().for_each(|(run, what)| write_line(&mut text, &format!("{run} {what}")));
    write_line(
        &mut text,
        &match (all.is_empty(), waits.is_empty()) {
            (true, true) => "nothing is due".to_owned(),
            _ => format!("{} committed, {} failed, {} missed", counts.committed, counts.failed, counts.missed),
        },
    );
    let waiting: Vec<_> = waits.iter().map(|(run, what)| json!({ "run": run, "what": what })).collect();
    let code = code(&counts, &args.fail_on);
    Ok(Answer { code, ..Answer::done(text, json!({ "events": all, "waiting": waiting })) })
}

/// `run JOB --from A --to B`.
async fn past(
    (lake, world): (&OpenLake, &World),
    (job, wanted): (&Job, Wanted),
    args: &RunArgs,
    output: OutputForm,
) -> Result<Answer, JobError> {
    let plan = backfill::plan(lake, world, job, wanted).await?;
    let mut text = String::new();
    if args.dry_run {
        for (run, (interval, is_committed)) in plan.runs.iter().zip(&plan.intervals) {
            let span = span(*interval);
            let anew = if *is_committed { ", committed before and computed anew" } else { "" };
            write_line(&mut text, &format!("would run {run} for {span}{anew}"));
        }
        write_line(&mut text, &counted(plan.runs.len() as u64, "run"));
        return Ok(Answer::done(text, json!({ "dry_run": true, "plan": plan })));
    }
    if plan.revisions > 0 && wanted.only == Only::All && !args.yes {
        let runs = counted(plan.revisions, "run");
        confirmed(&format!(
            "{runs} of job \"{}\" are committed; what they published is superseded by revisions.",
            job.id
        ))?;
    }
    let teller = Teller::new(output);
    let workers = usize::from(args.workers);
    let progress = if workers > 1 { Progress::silent() } else { Progress::on_terminal() };
    backfill::carry_out(lake, world, (job, &plan), (workers, args.principal.as_deref(), progress), &|happened| {
        teller.tell(happened)
    })
    .await?;
    let all = teller.into_all();
    let counts = tally(&all);
    let line = match plan.runs.len() {
        0 => "nothing to run: no interval of the span is so".to_owned(),
        _ => format!("{} committed, {} failed", counts.committed, counts.failed),
    };
    write_line(&mut text, &line);
    let code = code(&counts, &args.fail_on);
    Ok(Answer { code, ..Answer::done(text, json!({ "plan": plan, "events": all })) })
}

/// `schedule`.
pub(crate) async fn listed(cli: &Cli, world: &World, command: &ScheduleCommand) -> Result<Answer, JobError> {
    match command {
        ScheduleCommand::Next { count, job } => {
            let definitions = crate::read_definitions(&cli.lake)?;
            let chosen: Vec<&Job> = match job {
                Some(name) => vec![job_in(&definitions, name)?],
                None => definitions.jobs.iter().collect(),
            };
            let fires = coming(chosen.into_iter(), world.now(), usize::from(*count));
            let mut text = String::new();
            fires.iter().for_each(|fire| write_line(&mut text, &fire.line()));
            if fires.is_empty() {
                write_line(&mut text, "nothing fires: no such job has a schedule with a cron pattern");
            }
            Ok(Answer::done(text, json!({ "fires": fires })))
        }
        ScheduleCommand::Pause { job, reason, principal } => {
            let lake = cli.open()?;
            if reason.trim().is_empty() {
                return Err(JobError::Usage("--reason is empty; say why, for whoever looks later".to_owned()));
            }
            let decision = Decision { principal: principal.as_deref(), reason: Some(reason) };
            pause(&lake, world, job_of(&lake, job)?, decision).await
        }
        ScheduleCommand::Resume { job, reason, principal } => {
            let lake = cli.open()?;
            let decision = Decision { principal: principal.as_deref(), reason: reason.as_deref() };
            resume(&lake, world, job_of(&lake, job)?, decision).await
        }
    }
}

/// `runs missing`.
pub(crate) async fn missed(
    lake: &OpenLake,
    world: &World,
    (job, fails): (Option<&str>, bool),
) -> Result<Answer, JobError> {
    let chosen: Vec<&Job> = match job {
        Some(name) => vec![job_of(lake, name)?],
        None => lake.definitions.jobs.iter().collect(),
    };
    Ok(answer(&missing(lake, world, chosen.into_iter()).await?, fails))
}

/// `runs stale`.
pub(crate) async fn stale(
    lake: &OpenLake,
    world: &World,
    (job, since, fails): (Option<&str>, Span, bool),
) -> Result<Answer, JobError> {
    let chosen: Vec<&Job> = match job {
        Some(name) => vec![job_of(lake, name)?],
        None => lake.definitions.jobs.iter().collect(),
    };
    stale_runs(lake, world, chosen.into_iter(), (since, fails)).await
}

/// `runs waive` and `runs cancel`.
pub(crate) async fn decided(
    lake: &OpenLake,
    world: &World,
    args: &RunDecisionArgs,
    is_waived: bool,
) -> Result<Answer, JobError> {
    let verdict = if is_waived { Verdict::Waive } else { Verdict::Cancel };
    decide(lake, world, (&args.run, verdict), (args.principal.as_deref(), &args.reason)).await
}

/// `job`.
pub(crate) async fn jobs(cli: &Cli, world: &World, command: &JobCommand) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    match command {
        JobCommand::List => explain::list(&lake, world).await,
        JobCommand::Show { job } => explain::show(&lake, world, job_of(&lake, job)?).await,
        JobCommand::Explain { job } => explain::explain(&lake, world, job_of(&lake, job)?).await,
        JobCommand::States { job, prune } => kept_states::command(&lake, world, job_of(&lake, job)?, *prune).await,
    }
}
