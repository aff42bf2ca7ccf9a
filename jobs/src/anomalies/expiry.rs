//! Alerts that nobody resolved: after a while they expire, so that the open ones are those that somebody should look at.
//!
//! Each takes a step like those of people, which is written before its row; of a person and a run that step at once one is first.

use engine::Created;
use object_store::path::Path;
use schemas::compact;

use super::alerts::{StepRecord, publish, step_path, stepped, unresolved};
use super::job::FOLDER;
use super::raised::Raising;
use crate::args::AlertStateArg;
use crate::error::JobError;
use crate::runner::Attempt;
use crate::schedule::seconds;
use crate::world::World;

/// Expires alerts of the job that were raised so long before the run; how many.
pub(super) async fn expire((attempt, world): (&Attempt<'_>, &World), raising: &Raising<'_>) -> Result<u64, JobError> {
    let (lake, spec, now) = (attempt.lake, raising.spec, raising.at);
    let Some(until) = seconds(spec.expire_seconds).and_then(|after| now.checked_sub_signed(after)) else {
        return Ok(0);
    };
    let mut expired = Vec::new();
    for alert in unresolved(lake, world, (&spec.into, until)).await? {
        if !raising.is_ours(&alert) {
            continue;
        }
        let revision = alert.revision + 1;
        let record = StepRecord {
            state: AlertStateArg::Expired,
            by: format!("job:{}", raising.job),
            reason: "nobody resolved it in time".to_owned(),
            at: now,
        };
        let path = Path::from(step_path(&alert.alert_id, revision));
        let record = match lake.front.create_json(&path, &record).await? {
            Created::Now => Some(record),
            // Somebody else was faster, or this job died before the row came.
            Created::Existed => lake.front.read_json::<StepRecord>(&path).await?,
        };
        if let Some(record) = record.filter(|record| record.state == AlertStateArg::Expired) {
            expired.push(stepped(alert, &record, revision));
        }
    }
    if !expired.is_empty() {
        attempt.fence.check().await?;
        let stem = format!("{FOLDER}/{}/{}.expired", attempt.key.job, compact(now));
        publish(lake, world, (&spec.into, &stem), &expired).await?;
    }
    Ok(expired.len() as u64)
}
