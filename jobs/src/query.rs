//! The job kind `query`: a statement's rows for one interval, under the claim of the dataset that holds them.

use engine::{FilesReplaced, QueryRequest};
use schemas::QuerySpec;

use crate::claim::Claim;
use crate::compact::GRACE;
use crate::error::JobError;
use crate::evidence_log::{Act, Intent, Places, of_replacement};
use crate::ledger::{Output, OutputRole, QuerySummary, RunSummary};
use crate::lineage::of_query;
use crate::runner::{Attempt, Executed};
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
    };
    let claim = Claim::take(&lake.front, world, &format!("datasets/{}", dataset.id)).await?;
    let intent = Intent::begin(lake, world, Act::Dataset { dataset: dataset.id.clone() }).await?;
    let fence = claim.fence();
    let shown = attempt.progress.ingest();
    let outcome = engine::materialize(&lake.front, &lake.sessions, &request, &fence, shown.counters()).await;
    shown.end();
    let logged = intent.end(outcome.map_err(JobError::from), async |outcome| {
        let commit = FilesReplaced {
            work: outcome.work.clone(),
            adds: outcome.written.clone(),
            removes: outcome.replaced.clone(),
        };
        Ok(of_replacement(&Places::of(lake)?, dataset, &commit))
    });
    let outcome = logged.await;
    claim.release().await;
    let outcome = outcome?;
    let outputs = outcome.written.iter().map(|file| Output {
        path: file.path.clone(),
        role: OutputRole::Rows,
        sha256: file.sha256.clone(),
        bytes: file.bytes,
        rows: Some(file.rows),
    });
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
