//! `auditlake retention reconcile`: what applies left half done is named, and with `--repair` brought to an end.

use std::collections::BTreeSet;

use engine::retention::{Leftover, find_plan, leftovers, lift_dropped, plans, remove_archived};
use engine::{stale_states, sweep_states};
use schemas::{Dataset, DatasetId};
use serde_json::json;

use super::apply::{Carrying, approved, carried_out};
use super::target::Target;
use super::told;
use crate::Answer;
use crate::claim::Claim;
use crate::error::JobError;
use crate::lake::{OpenLake, with_companions};
use crate::progress::Progress;
use crate::show::{counted, write_line};
use crate::world::World;

/// Carries out the command.
pub(super) async fn command(lake: &OpenLake, world: &World, repair: bool) -> Result<Answer, JobError> {
    let mut found = BTreeSet::new();
    let known = plans(&lake.front).await?;
    let mut text = String::new();
    let all = with_companions(&lake.definitions);
    let mut states = 0;
    for dataset in all.iter().filter(|dataset| dataset.elsewhere.is_none()) {
        // What lies in an archive belongs to the plans of its dataset.
        let is_archive = DatasetId::archived(dataset.id.as_str()).is_some();
        let left = if is_archive { Vec::new() } else { leftovers(&lake.front, dataset, &known).await? };
        for leftover in left {
            let done = if repair { repaired(lake, world, dataset, &leftover).await? } else { None };
            write_line(&mut text, &told::leftover(&leftover, done.as_deref()));
            found.insert(leftover);
        }
        // Of a run that died after it had kept the state of a file that went meanwhile.
        let stale = stale_states(&lake.front, dataset).await?.len() as u64;
        if stale > 0 {
            let done = if repair { " and were deleted" } else { "" };
            let counted = counted(stale, "state of files");
            write_line(&mut text, &format!("{}: {counted} that do not count any more lie there{done}", dataset.id));
            if repair {
                let left = sweep_states(&lake.front, dataset).await?.not_reached;
                left.iter().for_each(|left| write_line(&mut text, &format!("  not reached: {left}")));
            }
            states += stale;
        }
    }
    if found.is_empty() && states == 0 {
        write_line(&mut text, "nothing was left half done");
    }
    let code = if repair || (found.is_empty() && states == 0) { 0 } else { 3 };
    Ok(Answer { text, json: json!({ "leftovers": found, "stale_states": states, "repaired": repair }), code })
}

/// Brings a leftover to an end, and says what was done.
async fn repaired(
    lake: &OpenLake,
    world: &World,
    dataset: &Dataset,
    leftover: &Leftover,
) -> Result<Option<String>, JobError> {
    match leftover {
        Leftover::OpenPlan { plan, .. } => {
            let known = find_plan(&lake.front, plan).await?;
            let (approved, _) = approved(lake, world, &known).await?;
            let progress = Progress::on_terminal();
            let carrying = Carrying { by: None, only_begun: false, erasing: None, workers: None };
            let outcome = carried_out(lake, world, (known, approved), &carrying, &progress).await?;
            Ok(Some(match outcome.applied.waiting.iter().map(|waiting| waiting.until).max() {
                Some(until) => format!("waits for its grace until {}", schemas::rfc3339(until)),
                None => "was brought to an end".to_owned(),
            }))
        }
        Leftover::ArchivedTwice { path } => {
            let claim = Claim::take(&lake.front, world, &Target::of(lake, dataset.id.as_str())?.claim()).await?;
            let removed = remove_archived(&lake.front, &claim.fence(), path).await;
            claim.release().await;
            removed?;
            Ok(Some("was removed; its rows are in the dataset".to_owned()))
        }
        Leftover::Dropped { path } => {
            let claim = Claim::take(&lake.front, world, &Target::of(lake, dataset.id.as_str())?.claim()).await?;
            let lifted = lift_dropped(&lake.front, &claim.fence(), dataset, path, world.now()).await;
            claim.release().await;
            lifted?;
            Ok(Some("counts again; the next plan has it".to_owned()))
        }
        Leftover::Restored { .. } => Ok(Some("is due again in the next plan, which finds its rows anew".to_owned())),
    }
}
