//! `auditlake compact`: small files into big ones, under the dataset's claim.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use engine::{CompactOutcome, CompactRequest};
use schemas::{Dataset, StreamSource};

use crate::claim::Claim;
use crate::error::JobError;
use crate::evidence_log::{Act, Intent, Places, of_replacement};
use crate::lake::OpenLake;
use crate::progress::Progress;
use crate::schedule;
use crate::stream;
use crate::subject_index;
use crate::world::World;

/// How long replaced files stay for readers that began before, unless a command says otherwise.
pub(crate) const GRACE: TimeDelta = TimeDelta::hours(24);

/// What the command line asks for.
#[derive(Debug, Clone)]
pub struct CompactCommand {
    /// The dataset.
    pub dataset: String,
    /// How long replaced files stay.
    pub grace: TimeDelta,
    /// Size that files grow to.
    pub file_bytes: usize,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// Rewrites the small files of a dataset, and brings its index of subjects up to date.
///
/// # Errors
/// As [`engine::compact`]; also when the dataset does not exist, or others write its files.
pub async fn compact(
    lake: &OpenLake,
    world: &World,
    command: &CompactCommand,
    progress: &Progress,
) -> Result<CompactOutcome, JobError> {
    let dataset = lake.dataset(&command.dataset)?;
    if !dataset.is_ours() {
        return Err(JobError::Usage(format!(
            "dataset \"{}\" is made of files others write, or of a query job's, and they stay as they are; compact one \
             that has a schema, no map, and a folder of the lake's",
            dataset.id
        )));
    }
    let claim = Claim::take(&lake.front, world, &format!("datasets/{}", dataset.id)).await?;
    let readable = async {
        if !command.dry_run {
            // Afterwards nobody could tell which of the merged rows a run had.
            schedule::note_stale(lake, world, dataset).await?;
        }
        readable(lake, world, dataset).await
    };
    let only = match readable.await {
        Ok(only) => only,
        Err(error) => {
            claim.release().await;
            return Err(error);
        }
    };
    let request = CompactRequest {
        dataset,
        now: world.now(),
        grace: command.grace,
        file_bytes: command.file_bytes,
        dry_run: command.dry_run,
        only: only.as_ref(),
    };
    let intent = match command.dry_run {
        true => Intent::none(lake, world),
        false => Intent::begin(lake, world, Act::Dataset { dataset: dataset.id.clone() }).await?,
    };
    let fence = claim.fence();
    let shown = progress.ingest();
    let outcome = engine::compact(&lake.front, &lake.sessions, &request, &fence, shown.counters()).await;
    shown.end();
    let logged = intent.end(outcome.map_err(JobError::from), async |outcome| {
        let places = Places::of(lake)?;
        let bodies = outcome.commits.iter().flat_map(|commit| of_replacement(&places, dataset, commit));
        Ok(bodies.collect())
    });
    let mut logged = logged.await;
    if let Ok(outcome) = &mut logged
        && !command.dry_run
    {
        outcome.indexed = subject_index::refreshed(lake, dataset).await;
    }
    claim.release().await;
    logged
}

/// Deletes files of a dataset that others came in the place of and of which the grace is over; says how many.
pub(crate) async fn remove_due(lake: &OpenLake, world: &World, dataset: &Dataset) -> Result<u64, JobError> {
    let claim = Claim::take(&lake.front, world, &format!("datasets/{}", dataset.id)).await?;
    let (now, until) = (world.now(), world.now() - GRACE);
    let removed = engine::remove_replaced(&lake.front, &claim.fence(), dataset, (now, until)).await;
    claim.release().await;
    Ok(removed?)
}

/// The files that may be rewritten: those that every job has read that runs for new ones. None where all may.
async fn readable(lake: &OpenLake, world: &World, dataset: &Dataset) -> Result<Option<BTreeSet<String>>, JobError> {
    let source = StreamSource::Dataset(dataset.id.clone());
    let files: Vec<_> = stream::listed(lake, world, &source).await?.into_iter().map(|listed| listed.file).collect();
    Ok(stream::read_by_all(lake, &dataset.id, &files).await?)
}
