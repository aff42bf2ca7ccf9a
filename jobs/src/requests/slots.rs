//! How many exports a principal may ask for in an hour, whoever answers them: each takes a numbered object of that hour.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use engine::{Created, Lakefront};
use object_store::path::Path;
use schemas::{Limit, Principal};
use serde::{Deserialize, Serialize};

use super::RequestId;
use crate::error::JobError;

const FOLDER: &str = "_auditlake/limits/exports";

/// Who has a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    request: String,
}

/// Takes a slot of the hour of `now`, or finds the one that the request has; otherwise when the next hour begins.
pub(crate) async fn take(
    front: &Lakefront,
    principal: &Principal,
    id: &RequestId,
    now: DateTime<Utc>,
) -> Result<Result<(), DateTime<Utc>>, JobError> {
    let hour = hour_of(now);
    let folder = format!("{FOLDER}/{}/{}", principal.name, hour.format("%Y%m%dT%H"));
    let slot = Slot { request: id.to_string() };
    for number in 1..=principal.limits.of(Limit::ExportsPerHour) {
        let path = Path::from(format!("{folder}/slot-{number:04}.json"));
        let is_ours = match front.create_json(&path, &slot).await? {
            Created::Now => true,
            Created::Existed => front.read_json::<Slot>(&path).await?.is_some_and(|taken| taken == slot),
        };
        if is_ours {
            return Ok(Ok(()));
        }
    }
    Ok(Err(next_hour(now)))
}

fn hour_of(now: DateTime<Utc>) -> DateTime<Utc> {
    now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now)
}

/// When the next hour begins.
pub(crate) fn next_hour(now: DateTime<Utc>) -> DateTime<Utc> {
    hour_of(now) + TimeDelta::hours(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_hour_has_so_many_slots_and_a_request_takes_one() {
        let (front, now) = (Lakefront::memory(), DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(90));
        let limits = schemas::Limits::largest([vec![(Limit::ExportsPerHour, 2)]].iter());
        let principal = crate::access::stand_in("alice", limits);
        let take = async |text: &str, now| {
            let id = RequestId::of("alice", text.as_bytes());
            take(&front, &principal, &id, now).await.expect("the store works")
        };
        assert_eq!(take("a", now).await, Ok(()));
        assert_eq!(take("b", now).await, Ok(()));
        assert_eq!(take("a", now).await, Ok(()), "it has one already");
        assert_eq!(take("c", now).await, Err(DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(2)));
        assert_eq!(take("c", now + TimeDelta::minutes(30)).await, Ok(()), "the next hour has its own");
    }
}
