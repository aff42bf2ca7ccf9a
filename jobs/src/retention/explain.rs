//! `auditlake retention explain`: why a row stays or goes.

use engine::retention::{Erased, ExplainedRow, PlanRequest, archived_dates, explain, hold_cases};
use serde_json::json;

use super::target::Target;
use crate::Answer;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::subject::held_persons;
use crate::world::World;

/// Carries out the command.
pub(super) async fn command(lake: &OpenLake, world: &World, (name, id): (&str, &str)) -> Result<Answer, JobError> {
    let target = Target::of(lake, name)?;
    let Some(policy) = target.policy else {
        let text = format!("kept for ever: dataset \"{}\" has no retention policy that is enabled", target.dataset.id);
        return Ok(Answer::done(text, json!({ "rows": [], "policy": null })));
    };
    let holds = hold_cases(&lake.front).await?;
    let known = held_persons(lake, &holds).await?;
    let request = PlanRequest {
        dataset: &target.dataset,
        ingested_by: &target.ingested_by,
        archive: target.archive,
        policy,
        holds: &holds,
        known: known.as_ref(),
        now: world.now(),
        planned_by: None,
        exclude: &[],
        erasure: None,
    };
    let archived =
        if target.archive { archived_dates(&lake.front, &target.dataset).await? } else { Default::default() };
    let rows = explain(&lake.front, &request, &archived, id).await?;
    if rows.is_empty() {
        return Err(JobError::Unknown {
            what: "row",
            name: id.to_owned(),
            remedy: format!("no row of dataset \"{name}\" has it in its key column"),
        });
    }
    let text: Vec<String> = rows.iter().map(told).collect();
    let json: Vec<_> = rows.iter().map(|row| json!(row)).collect();
    Ok(Answer::done(text.join("\n\n"), json!({ "rows": json, "policy": policy.id.as_str() })))
}

fn told(row: &ExplainedRow) -> String {
    let mut why = format!("{}\n{}", row.path, row.retention);
    if row.anonymized_before {
        why.push_str("\nthis was done to it: no plan has it any more");
    }
    let erasure = match &row.erasure {
        None => return why,
        Some(Erased::Delete) => "it would go".to_owned(),
        Some(Erased::Anonymize { because: None }) => "it would stay without what names the person".to_owned(),
        Some(Erased::Anonymize { because: Some(kept) }) => {
            format!("it would stay without what names the person, because of {kept}")
        }
        Some(Erased::Refuse { because }) => format!("refused for it, because of {because}"),
    };
    format!("{why}\nan erasure of the person: {erasure}")
}
