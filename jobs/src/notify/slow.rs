//! An attempt that takes long: somebody is told while it is at work, once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use engine::{EngineError, Lakefront};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use schemas::{EventType, Job};

use super::event::{Event, Told};
use super::outbox::publish;
use crate::clock::pause;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{CompleteRecord, RunKey, StartRecord};
use crate::runner::chain;
use crate::world::World;

/// No attempt is looked at before, where its job does not say what is slow.
const USUAL_MIN: Duration = Duration::from_secs(60);
/// So many successes tell what is usual, and so many are needed.
const SUCCESSES: usize = 20;
const SUCCESSES_MIN: usize = 5;
/// Records read at the same time.
const READ_AT_ONCE: usize = 8;

/// Does the work of an attempt, and tells if it takes longer than its job says, or three times as long as it usually does.
pub(crate) async fn watched<T>(
    (lake, clock): (&OpenLake, &World),
    (job, key, attempt): (&Job, &RunKey, u64),
    work: impl Future<Output = T>,
) -> T {
    if !lake.definitions.notify.iter().any(|channel| channel.takes(EventType::RunSlow)) {
        return work.await;
    }
    let told = async {
        let slow = told_when_slow((lake, clock), (job, key, attempt)).await;
        if let Err(error) = slow {
            tracing::warn!(error = %chain(&error).join(": "), run = %key.id(), "whether it is slow is not known");
        }
    };
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => done,
        () = told => work.await,
    }
}

async fn told_when_slow(
    (lake, clock): (&OpenLake, &World),
    (job, key, attempt): (&Job, &RunKey, u64),
) -> Result<(), JobError> {
    match job.timing.slow_after_seconds {
        Some(seconds) => pause(Duration::from_secs(seconds)).await,
        None => {
            pause(USUAL_MIN).await;
            let Some(usual) = usual(&lake.front, job).await? else { return Ok(()) };
            pause((usual * 3).saturating_sub(USUAL_MIN)).await;
        }
    }
    let told = Told { what: "an attempt takes long and is still at work", attempt: Some(attempt), ..Told::default() };
    publish(lake, &Event::of_run(EventType::RunSlow, key, attempt, (clock.now(), told))).await
}

/// The median of the last successes; none where there are too few.
async fn usual(front: &Lakefront, job: &Job) -> Result<Option<Duration>, EngineError> {
    let listed = front.list(&Path::from(format!("_auditlake/runs/{}", job.id))).await?;
    let ended = listed.into_iter().rev().map(|meta| meta.location);
    let ended = ended.filter(|path| path.filename().is_some_and(|name| name.ends_with(".complete.json")));
    let took = stream::iter(ended.take(SUCCESSES)).map(|path| took(front, path)).buffered(READ_AT_ONCE);
    let took: Vec<Option<Duration>> = took.try_collect().await?;
    Ok(median(took.into_iter().flatten().collect()))
}

async fn took(front: &Lakefront, complete: Path) -> Result<Option<Duration>, EngineError> {
    let start = Path::from(complete.as_ref().replace(".complete.json", ".start.json"));
    let started: Option<StartRecord> = front.read_json(&start).await?;
    let ended: Option<CompleteRecord> = front.read_json(&complete).await?;
    let span = |from: DateTime<Utc>, to: DateTime<Utc>| (to - from).to_std().ok();
    Ok(started.zip(ended).and_then(|(started, ended)| span(started.started_at, ended.ended_at)))
}

pub(super) fn median(mut took: Vec<Duration>) -> Option<Duration> {
    took.sort_unstable();
    if took.len() < SUCCESSES_MIN { None } else { took.get(took.len() / 2).copied() }
}
