//! `auditlake`, without its process: arguments in, exit code out.
//!
//! The only crate where engine, lineage and exporters meet, so that the story of a run is read in one
//! function, `runner::run`. `schedule` says which runs are due and begins them; `serve` stays and does so for ever.

mod access;
mod anomalies;
mod anonymize;
mod args;
mod claim;
mod clock;
mod compact;
mod compliance;
mod confirm;
mod decisions;
mod deliver;
mod demo;
mod error;
mod evidence;
mod evidence_log;
mod export;
mod findings;
mod hold;
mod ingest;
mod kept_states;
mod lake;
mod ledger;
mod lineage;
mod manual;
mod notify;
mod progress;
mod query;
mod records;
mod replacing;
mod requests;
mod retention;
mod review;
mod revisions;
mod row_columns;
mod runner;
mod scaffold;
mod schedule;
mod secret;
mod serve;
mod shell;
mod show;
mod sla;
mod sql;
mod statements;
mod stream;
mod subject;
mod subject_index;
mod support;
mod table_report;
mod usage;
mod verify;
mod world;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine::IngestFrom;
use ledger::{Newest, NewestRuns};
use review::Step;
use schemas::{BucketUrl, DefinitionKind, FixedClock, JobId, Mapping, Span};
use serde_json::{Value, json};

pub use anomalies::{AnomaliesSummary, BudgetSummary, CoolDown, DetectorName, MetricSummary, RuleSummary};
pub use args::{
    AccessCommand, AlertStateArg, AlertStepArgs, AnomaliesCommand, AnonymizeArgs, AnonymizeCommand, ApplyArgs,
    ApplyCaseArgs, ApproveArgs, CaseArgs, CaseEndArg, Cli, Command, CompactArgs, CopyCheckArgs, CorrectArgs,
    DatasetKindArg, DecideArgs, DiffArgs, DirectionArg, DocumentArg, EraseArgs, EvidenceCommand, ExportArgs,
    ExportCommand, FailOnArg, FindingsCommand, FocusArgs, FormatArg, FormsArgs, GapsArgs, HoldCommand, IngestArgs,
    JobCommand, LineageCommand, LineageExportArgs, NoteArgs, NotifyCommand, OpenArgs, OutputForm, PackageArgs,
    PlaceArgs, PlanArgs, RegisterArgs, RequestsCommand, RetentionCommand, ReviewArgs, RunArgs, RunDecisionArgs,
    RunsCommand, ScheduleCommand, ScoreArgs, ServeArgs, SlaCommand, SqlArgs, StateArg, SubjectCommand,
    SubjectRequestArg, TrendArgs, UsageCommand, VerifyArgs, WalkArgs, WhoArgs, WhyArgs,
};
pub use compact::{CompactCommand, compact};
pub use demo::{Demo, Planted, generate};
pub use error::JobError;
pub use evidence_log::{Appended, EvidenceFault, EvidenceLog};
pub use ingest::{IngestCommand, ingest};
pub use lake::{OpenLake, read_definitions};
pub use ledger::{
    AnonymizeSummary, CommitRecord, CompleteRecord, ExportSummary, FailRecord, Ledger, Output, OutputRole,
    QuerySummary, RetentionSummary, RunEntry, RunKey, RunSummary, StartRecord, VerifySummary,
};
pub use progress::Progress;
pub use runner::{Asked, Ran, Revise, run};
pub use schedule::{DecisionRecord, Ends, FailedRecord, MissedReason, MissedRecord, Only, Order, QueuedRecord};
pub use sla::{PeriodSummary, SlaSummary};
pub use stream::{BatchSummary, LeftOut};
pub use support::TicketCounts;
pub use table_report::TableReportSummary;
pub use usage::{UsagePeriodSummary, UsageSummary};
pub use verify::{ChainHead, FindingKind, Verified, VerifyFinding, verify_log};
pub use world::World;

/// What a command answers: text for people, and the same as one JSON document.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) json: Value,
    pub(crate) code: u8,
}

impl Answer {
    fn done(text: String, json: Value) -> Self {
        Self { text, json, code: 0 }
    }
}

/// Carries out a command and writes its answer to standard output; returns the exit code.
///
/// # Errors
/// What the command ran into. Nothing was written to standard output then, unless rows were on their way.
pub async fn carry_out(cli: &Cli, world: &World) -> Result<u8, JobError> {
    let world = match cli.at {
        Some(at) => world.at(Arc::new(FixedClock(at))),
        None => world.clone(),
    };
    let answer = match &cli.command {
        Command::Sql(args) => return sql::command(cli, &world, args).await,
        Command::Export(args) => return export::command(cli, &world, args).await,
        Command::Init { dir } => scaffold::init(dir, &world)?,
        Command::Demo { dir } => scaffold::demo(dir, Progress::on_terminal()).await?,
        Command::Check { files: false } => check(cli, &world).await?,
        Command::Check { files: true } => check_files(cli, &world).await?,
        Command::Schema { kind } => schema(kind)?,
        Command::Ingest(args) => ingest_command(cli, &world, args).await?,
        Command::Compact(args) => compact_command(cli, &world, args).await?,
        Command::Run(args) => schedule::run_command(cli, &world, args).await?,
        Command::Schedule(command) => schedule::listed(cli, &world, command).await?,
        Command::Job(command) => schedule::jobs(cli, &world, command).await?,
        Command::Serve(args) => serve::command(cli, &world, args).await?,
        Command::Runs(command) => runs(cli, &world, command).await?,
        Command::Findings(command) => findings(cli, &world, command).await?,
        Command::Requests(command) => requests::command(cli, &world, command).await?,
        Command::Access(AccessCommand::List) => access::list(&read_definitions(&cli.lake)?)?,
        Command::Access(AccessCommand::Explain { principal, dataset }) => {
            access::explain(&cli.open()?, principal, dataset.as_deref())?
        }
        Command::Access(AccessCommand::Events) => access::events(&cli.open()?, &world).await?,
        Command::Notify(command) => notify::command(cli, &world, command).await?,
        Command::Lineage(command) => lineage::command(cli, &world, command).await?,
        Command::Retention(command) => retention::command(cli, &world, command).await?,
        Command::Anonymize(args) => anonymize::command(cli, &world, args).await?,
        Command::Anomalies(command) => anomalies::command(cli, &world, command).await?,
        Command::Sla(command) => sla::command(cli, &world, command).await?,
        Command::Usage(command) => usage::command(cli, &world, command).await?,
        Command::Hold(command) => hold::command(cli, &world, command).await?,
        Command::Subject(command) => subject::command(cli, &world, command).await?,
        Command::Evidence(command) => evidence_log::command(cli, &world, command).await?,
        Command::Verify(args) => verify::command(cli, &world, args).await?,
        Command::Completions { shell } => manual::completions(*shell),
        Command::Man { dir: None } => manual::page()?,
        Command::Man { dir: Some(dir) } => manual::pages(dir)?,
    };
    if answer.text.is_empty() && answer.json.is_null() {
        return Ok(answer.code);
    }
    let mut out = std::io::stdout().lock();
    match cli.output {
        OutputForm::Human => writeln!(out, "{}", answer.text.trim_end())?,
        OutputForm::Json => writeln!(out, "{:#}", answer.json)?,
    }
    Ok(answer.code)
}

fn read_text(file: &Path) -> Result<String, JobError> {
    std::fs::read_to_string(file).map_err(|source| JobError::Local {
        action: "read",
        path: file.display().to_string(),
        source,
    })
}

fn schema(kind: &str) -> Result<Answer, JobError> {
    if kind == "lineage-graph" {
        let schema: Value = serde_json::from_str(::lineage::GRAPH_SCHEMA)
            .map_err(|error| engine::EngineError::Bug { what: format!("our own schema is not JSON ({error})") })?;
        return Ok(Answer::done(format!("{schema:#}"), schema));
    }
    let found = DefinitionKind::ALL.into_iter().find(|known| known.as_str() == kind);
    let kind = found.ok_or_else(|| JobError::Usage(format!("\"{kind}\" is no kind of definition")))?;
    let schema = schemas::json_schema(kind);
    Ok(Answer::done(format!("{schema:#}"), schema))
}

/// Checks the definitions, and whether every view of `access.yaml` can be made.
async fn check(cli: &Cli, world: &World) -> Result<Answer, JobError> {
    let definitions = read_definitions(&cli.lake)?;
    let lake = OpenLake::without_store(&cli.lake, definitions);
    views(&lake, world, false).await?;
    anonymize::check_hierarchies(&lake)?;
    let mut notes = notes(&lake.definitions);
    notes.extend(query::eligibility(&lake, world.now()).await?);
    notes.extend(table_report::check(&lake, world.now()).await?);
    Ok(show::checked(&lake.definitions, None, &notes, world.now()))
}

/// What nobody got wrong, and somebody may want to know.
fn notes(definitions: &schemas::Lake) -> Vec<String> {
    let mut notes = schemas::retention_notes(definitions);
    notes.extend(schemas::anonymize_notes(definitions));
    notes.extend(definitions.openslo_notes.iter().cloned());
    notes
}

async fn views(lake: &OpenLake, world: &World, knows_files: bool) -> Result<(), JobError> {
    let faults = access::check(lake, world.now(), knows_files).await?;
    let views = faults.into_iter().map(|fault| schemas::DefinitionError {
        file: "access.yaml".to_owned(),
        line: 1,
        column: 1,
        message: format!("what \"{}\" sees of dataset \"{}\": {}", fault.principal, fault.dataset, fault.why),
    });
    let views: Vec<_> = views.collect();
    if views.is_empty() { Ok(()) } else { Err(JobError::Definitions(views)) }
}

/// Opens every file of every dataset.
async fn check_files(cli: &Cli, world: &World) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    views(&lake, world, true).await?;
    anonymize::check_hierarchies(&lake)?;
    let session = lake.sessions.session(world.now())?;
    let (mut files, mut faults) = (0, Vec::new());
    let mut notes = notes(&lake.definitions);
    notes.extend(query::eligibility(&lake, world.now()).await?);
    notes.extend(table_report::check(&lake, world.now()).await?);
    for dataset in &lake.definitions.datasets {
        let Some(checked) = session.check_files(dataset.id.as_str()).await? else { continue };
        files += checked.files;
        faults.extend(checked.faults);
        if lake.definitions.access.is_some() && !dataset.tenant.is_empty() && checked.without_tenant > 0 {
            notes.push(format!(
                "dataset \"{}\": {} in no folder tenant=…, so principals of any tenant open them and only the rows are \
                 told apart; keep each tenant's files in a folder of its own",
                dataset.id,
                match checked.without_tenant {
                    1 => "1 file lies".to_owned(),
                    many => format!("{many} files lie"),
                }
            ));
        }
    }
    if faults.is_empty() {
        Ok(show::checked(&lake.definitions, Some(files), &notes, world.now()))
    } else {
        Err(JobError::Files(faults))
    }
}

async fn ingest_command(cli: &Cli, world: &World, args: &IngestArgs) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    let mapping = match (&args.mapping, &args.map_file) {
        (Some(name), Some(file)) => Some(Mapping { name: name.clone(), sql: read_text(file)? }),
        _ => None,
    };
    let mut paths = Vec::new();
    for path in &args.paths {
        if let Some(url) = path.to_str().filter(|path| BucketUrl::is_meant(path)) {
            paths.push(url.to_owned());
            continue;
        }
        let absolute = std::path::absolute(path).map_err(|source| JobError::Local {
            action: "find",
            path: path.display().to_string(),
            source,
        })?;
        paths.push(absolute.display().to_string());
    }
    let command = IngestCommand {
        format: args.format.into(),
        from: if args.rejected { IngestFrom::Rejected } else { IngestFrom::Paths(paths) },
        into: args.into.clone(),
        mapping,
        tenant: args.tenant.clone(),
        partial: args.partial,
        max_rejected_ppm: args.max_rejected_ppm,
    };
    let outcome = ingest(&lake, world, &command, &Progress::on_terminal()).await?;
    Ok(show::ingested(&args.into, &outcome))
}

async fn compact_command(cli: &Cli, world: &World, args: &CompactArgs) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    let command = CompactCommand {
        dataset: args.dataset.clone(),
        grace: chrono::TimeDelta::hours(args.grace_hours.into()),
        file_bytes: usize::from(args.file_mib) << 20,
        dry_run: args.dry_run,
    };
    let outcome = compact(&lake, world, &command, &Progress::on_terminal()).await?;
    Ok(show::compacted(&command, &outcome))
}

async fn runs(cli: &Cli, world: &World, command: &RunsCommand) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    let (args, step) = match command {
        RunsCommand::List { job, since, limit } => {
            return listed_runs(&lake, world.now(), (job.as_deref(), *since, *limit)).await;
        }
        RunsCommand::Show { run } => return shown_run(&lake, run).await,
        RunsCommand::Missing { job, fail_on } => {
            return schedule::missed(&lake, world, (job.as_deref(), fail_on.is_some())).await;
        }
        RunsCommand::Stale { job, since, fail_on } => {
            return schedule::stale(&lake, world, (job.as_deref(), *since, fail_on.is_some())).await;
        }
        RunsCommand::Waive(args) => return schedule::decided(&lake, world, args, true).await,
        RunsCommand::Cancel(args) => return schedule::decided(&lake, world, args, false).await,
        RunsCommand::Submit(args) => (args, Step::Submit),
        RunsCommand::Approve(args) => (args, Step::Approve),
        RunsCommand::Reject { review, reason } => (review, Step::Reject { reason }),
        RunsCommand::Publish(args) => (args, Step::Publish),
    };
    review::take(&lake, world, &args.run, (step, &args.principal)).await
}

/// `runs list`.
async fn listed_runs(
    lake: &OpenLake,
    now: DateTime<Utc>,
    (job, since, limit): (Option<&str>, Option<Span>, usize),
) -> Result<Answer, JobError> {
    let known = job.map(|job| schedule::job_of(lake, job));
    // Runs of a job that is defined no more are there all the same.
    let of = job.map(JobId::parse).transpose().ok().flatten();
    let wanted = Newest { job: of.as_ref(), limit, since: since.and_then(|span| span.before(now)) };
    let newest = match (job, &of) {
        (Some(_), None) => NewestRuns::default(),
        _ => Ledger::new(lake.front.clone()).newest(now, wanted).await?,
    };
    match known {
        Some(Err(error)) if newest.runs.is_empty() => Err(error),
        _ => Ok(show::runs(&newest)),
    }
}

/// `runs show`.
async fn shown_run(lake: &OpenLake, run: &str) -> Result<Answer, JobError> {
    let found = match RunKey::parse(run) {
        Some(key) => Ledger::new(lake.front.clone()).run_of(&key).await?,
        None => None,
    };
    let found = found.ok_or_else(|| JobError::Unknown {
        what: "run",
        name: run.to_owned(),
        remedy: "list them with `auditlake runs list`".to_owned(),
    })?;
    let steps = review::of_run(lake, &found).await?;
    Ok(show::run(&found, &steps))
}

async fn findings(cli: &Cli, world: &World, command: &FindingsCommand) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    match command {
        FindingsCommand::List { control, state } => {
            findings::list(&lake, world, control.as_deref(), state.map(Into::into)).await
        }
        FindingsCommand::Decide(args) => {
            let wanted = findings::Wanted {
                finding: &args.finding_id,
                state: args.state.into(),
                by: &args.by,
                reason: &args.reason,
                until: args.until,
            };
            findings::decide(&lake, world, &wanted).await
        }
    }
}

/// An error as the one JSON document of `--output json`.
pub fn error_json(error: &JobError) -> Value {
    json!({ "error": runner::chain(error), "remedy": error.remedy().as_str() })
}
