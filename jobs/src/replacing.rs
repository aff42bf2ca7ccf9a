//! Files that a run computes in place of earlier ones: under the claim of their dataset, and logged.
//!
//! Absent: computing them, which is `engine`'s.

use engine::{EngineError, FilesReplaced};
use schemas::Dataset;

use crate::claim::{Claim, ClaimFence};
use crate::error::JobError;
use crate::evidence_log::{Act, Intent, Places, of_replacement};
use crate::lake::OpenLake;
use crate::progress::{IngestBar, Progress};
use crate::world::World;

/// A replacement under way.
pub(crate) struct Replacing<'a> {
    lake: &'a OpenLake,
    dataset: &'a Dataset,
    claim: Claim,
    intent: Intent<'a>,
    /// Proof of the claim, for whoever writes.
    pub(crate) fence: ClaimFence,
    /// How far it is.
    pub(crate) shown: IngestBar,
}

impl<'a> Replacing<'a> {
    /// Takes the claim, and notes what is about to be done.
    pub(crate) async fn begin(
        lake: &'a OpenLake,
        world: &'a World,
        dataset: &'a Dataset,
        progress: Progress,
    ) -> Result<Self, JobError> {
        let claim = Claim::take(&lake.front, world, &format!("datasets/{}", dataset.id)).await?;
        let intent = Intent::begin(lake, world, Act::Dataset { dataset: dataset.id.clone() }).await?;
        Ok(Self { lake, dataset, fence: claim.fence(), claim, intent, shown: progress.ingest() })
    }

    /// Logs what came in the place of what, and hands the claim back.
    pub(crate) async fn end<T>(
        self,
        done: Result<T, EngineError>,
        commit: impl Fn(&T) -> FilesReplaced,
    ) -> Result<T, JobError> {
        self.shown.end();
        let logged = self.intent.end(done.map_err(JobError::from), async |done| {
            Ok(of_replacement(&Places::of(self.lake)?, self.dataset, &commit(done)))
        });
        let logged = logged.await;
        self.claim.release().await;
        logged
    }
}
