//! Drawing up a plan, and writing it down.

use engine::retention::{KnownPlan, PlanRequest, draw_up, hold_cases, store_plan};
use schemas::Permission;

use super::target::Target;
use super::told;
use super::who::who;
use crate::Answer;
use crate::args::PlanArgs;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::notify::{Note, Source};
use crate::subject::held_persons;
use crate::world::World;

/// Carries out `auditlake retention plan`.
pub(super) async fn command(lake: &OpenLake, world: &World, args: &PlanArgs) -> Result<Answer, JobError> {
    let by = who(lake, args.principal.as_deref(), Permission::RetentionPlan, "planning retention")?;
    let target = Target::of(lake, &args.dataset)?;
    let known = drawn_up(lake, world, &target, (by.as_deref(), &args.exclude)).await?;
    Ok(told::plan(&known))
}

/// Draws up a plan and writes it down, unless there is nothing to do.
pub(super) async fn drawn_up(
    lake: &OpenLake,
    world: &World,
    target: &Target<'_>,
    (by, exclude): (Option<&str>, &[String]),
) -> Result<KnownPlan, JobError> {
    let holds = hold_cases(&lake.front).await?;
    let known = held_persons(lake, &holds).await?;
    let request = PlanRequest {
        dataset: &target.dataset,
        ingested_by: &target.ingested_by,
        archive: target.archive,
        policy: target.policy()?,
        holds: &holds,
        known: known.as_ref(),
        now: world.now(),
        planned_by: by,
        exclude,
        erasure: None,
    };
    let plan = draw_up(&lake.front, &request).await?;
    let id = plan.id()?;
    if !plan.is_empty() {
        let note = Note::begin(lake, world, Source::Plan { plan: id.clone() }).await?;
        let stored = store_plan(&lake.front, &plan).await;
        note.end().await;
        stored?;
    }
    Ok(KnownPlan { id, plan })
}
