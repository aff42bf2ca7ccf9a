//! The job kind `retention`: what is due at the instant of the run is planned, and applied where somebody has agreed to it
//! beforehand. What nobody has agreed to waits, and the run says so; what waits for its grace goes on.

use std::collections::BTreeMap;

use engine::retention::{PlanFolder, RetentionPlan, plans};
use schemas::{Dataset, RetentionSpec};
use serde::{Deserialize, Serialize};

use super::apply::{Carrying, PlanReceipt, approved, carried_out};
use super::plan::drawn_up;
use super::target::Target;
use crate::deliver::Delivery;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{OutputRole, RetentionSummary, RunSummary};
use crate::lineage::Made;
use crate::runner::{Attempt, Executed};
use crate::world::World;

/// What became of one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PlanOutcome {
    dataset: String,
    plan: String,
    state: State,
    /// Rows that it changes or has changed.
    rows: u64,
    /// Objects that were left as they are.
    skipped: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Done,
    WaitsForApproval,
    WaitsForGrace,
}

/// Carries out the job.
pub(crate) async fn execute(attempt: &Attempt<'_>, world: &World, spec: &RetentionSpec) -> Result<Executed, JobError> {
    let lake = attempt.lake;
    let mut outcomes = begun_before(attempt, world).await?;
    for dataset in datasets(lake, spec) {
        for name in [dataset.id.to_string(), dataset.archive().id.to_string()] {
            outcomes.extend(of_dataset(attempt, world, &name).await?);
        }
    }
    let many = |state| outcomes.iter().filter(|outcome| outcome.state == state).count() as u64;
    let summary = RunSummary {
        retention: Some(RetentionSummary {
            done: many(State::Done),
            waiting_for_approval: many(State::WaitsForApproval),
            waiting_for_grace: many(State::WaitsForGrace),
            rows: outcomes.iter().filter(|outcome| outcome.state != State::WaitsForApproval).map(|of| of.rows).sum(),
        }),
        ..RunSummary::default()
    };
    let mut delivery =
        Delivery { front: &lake.front, fence: attempt.fence, retried: attempt.number > 1, outputs: Vec::new() };
    let path = format!(
        "_auditlake/evidence/{}/{}/{}/retention.json",
        attempt.key.job,
        schemas::compact(attempt.key.instant),
        attempt.number
    );
    let bytes = serde_json::to_vec_pretty(&outcomes)
        .map_err(|source| engine::EngineError::Record { path: path.clone(), source })?;
    delivery.create(path, OutputRole::Retention, bytes.into(), Some(outcomes.len() as u64)).await?;
    Ok(Executed {
        inputs: Vec::new(),
        reads: BTreeMap::new(),
        outputs: delivery.outputs,
        summary,
        made: Made::default(),
        plan_sha256: None,
    })
}

/// The datasets of the job: those it names, or every one with a policy that counts.
fn datasets(lake: &OpenLake, spec: &RetentionSpec) -> Vec<Dataset> {
    let governed = lake.definitions.retention.iter().filter(|policy| policy.enabled).map(|policy| &policy.dataset);
    let named: Vec<_> = if spec.datasets.is_empty() { governed.collect() } else { spec.datasets.iter().collect() };
    named.into_iter().filter_map(|id| lake.definitions.dataset_or_rejected(id)).collect()
}

/// Goes on with what was begun and waits for its grace.
async fn begun_before(attempt: &Attempt<'_>, world: &World) -> Result<Vec<PlanOutcome>, JobError> {
    let lake = attempt.lake;
    let mut outcomes = Vec::new();
    for known in plans(&lake.front).await? {
        let folder = PlanFolder::of(&known.id);
        let is_begun = lake.front.read(&folder.begun()).await?.is_some();
        if !is_begun || lake.front.read(&folder.receipt()).await?.is_some() {
            continue;
        }
        outcomes.push(applied(attempt, world, known).await?);
    }
    Ok(outcomes)
}

async fn of_dataset(attempt: &Attempt<'_>, world: &World, name: &str) -> Result<Option<PlanOutcome>, JobError> {
    let lake = attempt.lake;
    let planner = format!("job:{}", attempt.key.job);
    let known = drawn_up(lake, world, &Target::of(lake, name)?, (Some(&planner), &[])).await?;
    if known.plan.is_empty() {
        return Ok(None);
    }
    match approved(lake, world, &known).await {
        Ok(_) => applied(attempt, world, known).await.map(Some),
        Err(JobError::Engine(engine::EngineError::NotApproved { .. })) => Ok(Some(PlanOutcome {
            dataset: known.plan.dataset.clone(),
            rows: known.plan.rows_changed(),
            plan: known.id,
            state: State::WaitsForApproval,
            skipped: 0,
        })),
        Err(error) => Err(error),
    }
}

async fn applied(
    attempt: &Attempt<'_>,
    world: &World,
    known: engine::retention::KnownPlan,
) -> Result<PlanOutcome, JobError> {
    let lake = attempt.lake;
    let (approved, _) = approved(lake, world, &known).await?;
    let planner = format!("job:{}", attempt.key.job);
    let carrying = Carrying { by: Some(&planner), only_begun: false, erasing: None, workers: None };
    let outcome = carried_out(lake, world, (known, approved), &carrying, attempt.progress).await?;
    let skipped = outcome.applied.skipped.len() as u64;
    let state = if outcome.receipt.is_some() { State::Done } else { State::WaitsForGrace };
    Ok(PlanOutcome {
        dataset: outcome.known.plan.dataset.clone(),
        rows: rows(&outcome.known.plan, outcome.receipt.as_ref()),
        plan: outcome.known.id,
        state,
        skipped,
    })
}

fn rows(plan: &RetentionPlan, receipt: Option<&PlanReceipt>) -> u64 {
    let of = |rows: engine::retention::RowCounts| rows.deleted + rows.archived + rows.anonymized;
    receipt.map_or_else(|| plan.rows_changed(), |receipt| of(receipt.rows))
}
