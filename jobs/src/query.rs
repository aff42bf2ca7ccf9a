//! The job kind `query`: a statement's rows for one interval, under the claim of the dataset that holds them; and what `check`
//! says of those that keep states of files.

use chrono::{DateTime, TimeDelta, Utc};
use engine::{Eligibility, QueryOutcome, QueryRequest, UseStates};
use schemas::{DefinitionError, Incremental, Interval, Job, JobKind, QuerySpec};

use crate::compact::GRACE;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{Output, QuerySummary, RunSummary};
use crate::lineage::of_query;
use crate::replacing::Replacing;
use crate::runner::{Attempt, Executed, chain};
use crate::stream::Batch;
use crate::subject::{objecting, without};
use crate::world::World;

/// Computes the interval of the attempt, in place of what was computed for it before.
pub(crate) async fn execute(attempt: &Attempt<'_>, world: &World, spec: &QuerySpec) -> Result<Executed, JobError> {
    let lake = attempt.lake;
    let dataset = lake.dataset(spec.into.as_str())?;
    let request = QueryRequest {
        dataset,
        job: attempt.key.job.as_str(),
        sql: &spec.sql,
        interval: attempt.interval,
        now: attempt.key.instant,
        grace: GRACE,
        new_files_of: attempt.batch.and_then(Batch::dataset),
        incremental: spec.incremental,
        states: attempt.states,
    };
    let sessions = attempt.batch.map(|batch| batch.narrowed(&lake.sessions));
    let sessions = sessions.as_ref().unwrap_or(&lake.sessions);
    let sessions = without(sessions, objecting(lake, spec.purpose.as_ref()).await?.as_ref());
    let replacing = Replacing::begin(lake, world, dataset, *attempt.progress).await?;
    let (fence, counters) = (&replacing.fence, replacing.shown.counters());
    let outcome = engine::materialize(&lake.front, &sessions, &request, fence, counters).await;
    let outcome = replacing.end(outcome, QueryOutcome::commit).await?;
    let outputs = outcome.written.iter().map(Output::of_rows);
    let reads = lineage::reads(&outcome.plan).tables;
    let tables: Vec<String> = reads.keys().cloned().collect();
    let made = of_query(lake, &lake.sessions.session(attempt.key.instant)?, spec, &tables).await;
    Ok(Executed {
        inputs: outcome.inputs,
        made,
        plan_sha256: Some(engine::plan_sha256([&outcome.plan])),
        reads: reads.into_iter().map(|(table, columns)| (table, columns.into_iter().collect())).collect(),
        outputs: outputs.collect(),
        summary: RunSummary {
            query: Some(QuerySummary {
                dataset: dataset.id.to_string(),
                rows: outcome.rows,
                replaced: outcome.replaced.len() as u64,
                states: outcome.states,
            }),
            ..RunSummary::default()
        },
    })
}

/// What `check` says of jobs that may keep states of files: a sentence for each aggregate, or why a job is computed in full.
///
/// # Errors
/// When a job that must keep them cannot; all of them at once.
pub(crate) async fn eligibility(lake: &OpenLake, now: DateTime<Utc>) -> Result<Vec<String>, JobError> {
    let (mut notes, mut wrong) = (Vec::new(), Vec::new());
    for job in &lake.definitions.jobs {
        let JobKind::Query(spec) = &job.kind else { continue };
        if spec.incremental == Incremental::Never {
            continue;
        }
        let found = match of_job(lake, now, (job, spec)).await {
            Ok(found) => found,
            // Columns of files that nobody declared are known only where the files are.
            Err(error) => {
                let why = chain(&error).join(": ");
                notes.push(format!("job \"{}\": whether it can keep states is not known here: {why}", job.id));
                continue;
            }
        };
        match found {
            Eligibility::Folds(groupings) => {
                for grouping in &groupings {
                    let from = format!("job \"{}\" keeps states of files of \"{}\"", job.id, grouping.dataset);
                    let told = grouping.aggregates.iter().map(|(aggregate, rule)| format!("{aggregate} ({rule})"));
                    let told: Vec<String> = told.collect();
                    let told = if told.is_empty() { "keys alone (exact)".to_owned() } else { told.join(", ") };
                    notes.push(format!("{from}: {told}"));
                }
            }
            Eligibility::InFull { what, why } if spec.incremental == Incremental::Always => {
                wrong.push(DefinitionError {
                    file: spec.written.file.clone(),
                    line: spec.written.line,
                    column: spec.written.column,
                    message: format!("not_incremental: {what}: {why}; or let it be `incremental: auto`"),
                })
            }
            Eligibility::InFull { what, why } => {
                notes.push(format!("job \"{}\" is computed in full each time: {what}: {why}", job.id));
            }
        }
    }
    if wrong.is_empty() { Ok(notes) } else { Err(JobError::Definitions(wrong)) }
}

/// Whether a job can be folded from states.
///
/// # Errors
/// When its statement does not plan.
pub(crate) async fn of_job(
    lake: &OpenLake,
    now: DateTime<Utc>,
    (job, spec): (&Job, &QuerySpec),
) -> Result<Eligibility, JobError> {
    let request = QueryRequest {
        dataset: lake.dataset(spec.into.as_str())?,
        job: job.id.as_str(),
        sql: &spec.sql,
        interval: Interval { start: now - TimeDelta::days(1), end: now },
        now,
        grace: GRACE,
        new_files_of: None,
        incremental: spec.incremental,
        states: UseStates::Kept,
    };
    Ok(engine::eligibility(&lake.sessions, &request).await?)
}
