//! What retention did, as entries of the evidence log. An entry follows from records alone, so that whoever makes up for a
//! process that died makes the same one.

use engine::evidence::{ChangeEntry, EntryBody, FileEntry, RecordEntry};
use engine::retention::{IntentRecord, effective_intents};
use engine::{EngineError, Lakefront, recorded_path};
use sha2::{Digest, Sha256};

use super::target::Target;
use crate::error::JobError;
use crate::evidence_log::Places;
use crate::lake::OpenLake;

/// Objects that were replaced or dropped, each with what came into the archive of it.
pub(super) fn of_changes(places: &Places, lake: &OpenLake, changes: &[IntentRecord]) -> Vec<EntryBody> {
    let mut bodies = Vec::new();
    for change in changes {
        let Ok(target) = Target::of(lake, &change.dataset) else { continue };
        let archive = target.dataset.archive();
        for object in &change.archived_to {
            bodies.push(EntryBody::File(FileEntry {
                dataset: archive.id.to_string(),
                place: places.of_file(&archive, &object.path),
                sha256: object.sha256.clone(),
                bytes: object.bytes,
                rows: object.rows,
                adopted: false,
            }));
        }
        let dataset = if target.archive { &archive } else { &target.dataset };
        bodies.push(EntryBody::Expiry(ChangeEntry {
            dataset: change.dataset.clone(),
            place: places.of_file(dataset, &change.path),
            plan: change.plan.clone(),
            sha256_before: change.sha256_before.clone(),
            sha256_after: change.sha256_after.clone(),
            bytes_after: change.bytes_after,
            rows_before: change.rows.before,
            rows_deleted: change.rows.deleted,
            rows_archived: change.rows.archived,
            rows_anonymized: change.rows.anonymized,
            rows_after: change.rows.after,
        }));
    }
    bodies
}

/// Everything that was done of a plan.
pub(crate) async fn plan_bodies(lake: &OpenLake, plan: &str) -> Result<Vec<EntryBody>, JobError> {
    let effective = effective_intents(&lake.front, plan).await?;
    let mut bodies = of_changes(&Places::of(lake)?, lake, &effective);
    bodies.extend(of_plan(&lake.front, plan).await?);
    Ok(bodies)
}

/// The certificate of a plan that is done.
pub(crate) async fn of_plan(front: &Lakefront, plan: &str) -> Result<Option<EntryBody>, EngineError> {
    of_record(front, engine::retention::PlanFolder::of(plan).receipt().as_ref()).await
}

/// A record of a hold, an approval or a plan that is done; none where it is not there.
pub(crate) async fn of_record(front: &Lakefront, path: &str) -> Result<Option<EntryBody>, EngineError> {
    let Some(bytes) = front.read(&recorded_path(path)).await? else { return Ok(None) };
    let entry = RecordEntry { record: path.to_owned(), record_sha256: engine::hex(&Sha256::digest(&bytes)) };
    Ok(match path.split('/').nth(1) {
        Some("holds") => Some(EntryBody::Hold(entry)),
        Some("approvals") => Some(EntryBody::PlanApproval(entry)),
        Some("journal") => Some(EntryBody::Certificate(entry)),
        Some("subjects") if path.ends_with("/certificate.json") => Some(EntryBody::Certificate(entry)),
        Some("subjects" | "objections") => Some(EntryBody::Case(entry)),
        Some("schedule") => Some(EntryBody::Schedule(entry)),
        Some("runs") if path.ends_with("/waived.json") || path.ends_with("/cancel.json") => {
            Some(EntryBody::Schedule(entry))
        }
        _ => None,
    })
}
