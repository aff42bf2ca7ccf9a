//! What verifications found, as events of the dataset that `lake.yaml` names under `access_events`, so that a control
//! judges it: AL-LOG-011.
//!
//! `_auditlake/verifications/<job>-<instant>-<attempt>.ndjson` holds the events of one verification, and the same with
//! `.ingested.json` says that they are in the dataset. Whoever runs a job next brings them there.

use chrono::{DateTime, Utc};
use engine::EngineError;
use object_store::path::Path;
use serde_json::{Value, json};

use super::finding::{FindingKind, Verified, VerifyFinding};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::runner::Attempt;

const FOLDER: &str = "_auditlake/verifications";
const EVENTS: &str = ".ndjson";
/// Stands beside events that are in the dataset.
const INGESTED: &str = ".ingested.json";
/// Tenant of what is no tenant's.
const EVERY_TENANT: &str = "_lake";

/// Writes what a verification found, where there is a dataset for it.
pub(super) async fn write(attempt: &Attempt<'_>, now: DateTime<Utc>, verified: &Verified) -> Result<(), EngineError> {
    if attempt.lake.definitions.access_events.is_none() {
        return Ok(());
    }
    let name = format!("{}-{}-{}", attempt.key.job, schemas::compact(attempt.key.instant), attempt.number);
    let mut events: Vec<Value> = (1_u64..)
        .zip(&verified.findings)
        .map(|(number, finding)| event(&format!("{name}-{number}"), now, Some(finding)))
        .collect();
    if events.is_empty() {
        events.push(event(&name, now, None));
    }
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    attempt.lake.front.create(&Path::from(format!("{FOLDER}/{name}{EVENTS}")), lines.into()).await.map(drop)
}

fn event(id: &str, now: DateTime<Utc>, finding: Option<&VerifyFinding>) -> Value {
    let folder = finding.and_then(|finding| finding.object.split('/').find_map(|part| part.strip_prefix("tenant=")));
    json!({
        "event_id": format!("verified-{id}"),
        "time": schemas::rfc3339(now),
        "tenant_id": folder.unwrap_or(EVERY_TENANT),
        "source": "auditlake",
        "event_type": "control.evaluated",
        "outcome": if finding.is_some() { "failure" } else { "success" },
        "actor_id": "auditlake",
        "actor_type": "service",
        "resource_type": "evidence",
        "resource_id": finding.map(|finding| finding.object.as_str()),
        "reason": finding.map(|finding| finding.kind).map(FindingKind::as_str),
        "status_detail": finding.map(|finding| finding.message.as_str()),
    })
}

/// Events that are in the dataset not yet.
pub(crate) async fn waiting(lake: &OpenLake) -> Result<Vec<Path>, JobError> {
    let listed = lake.front.list(&Path::from(FOLDER)).await?;
    let is_in = |path: &Path| {
        let marker = path.as_ref().strip_suffix(EVENTS).map(|stem| format!("{stem}{INGESTED}"));
        listed.iter().any(|other| Some(other.location.as_ref()) == marker.as_deref())
    };
    let events = listed.iter().map(|meta| &meta.location).filter(|path| path.as_ref().ends_with(EVENTS));
    Ok(events.filter(|path| !is_in(path)).cloned().collect())
}
