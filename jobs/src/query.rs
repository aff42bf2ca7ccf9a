//! The job kind `query`: a statement's rows for one interval, under the claim of the dataset that holds them.

use engine::{QueryOutcome, QueryRequest};
use schemas::QuerySpec;

use crate::compact::GRACE;
use crate::error::JobError;
use crate::ledger::{Output, QuerySummary, RunSummary};
use crate::lineage::of_query;
use crate::replacing::Replacing;
use crate::runner::{Attempt, Executed};
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
            }),
            ..RunSummary::default()
        },
    })
}
