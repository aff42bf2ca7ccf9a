//! R4 to R10 of an object of which no row stays: it counts no more, and after the grace it goes.

use object_store::ObjectMeta;

use super::old_versions::outdated;
use super::{Apply, Outcome, Step};
use crate::error::EngineError;
use crate::replace::{DroppedFile, change_dropped};
use crate::retention::journal::{IntentRecord, ObjectReceipt, RemovalKind, Skipped, TombstoneRecord};
use crate::retention::object::JudgedObject;
use crate::store::{Deleted, same_etag};

impl Apply<'_> {
    /// R3 to R5, then the tombstone.
    pub(super) async fn drop_object(
        &self,
        step: &Step<'_>,
        head: &ObjectMeta,
        judged: &JudgedObject,
    ) -> Result<Outcome, EngineError> {
        self.fits(step, head.size)?;
        let before = self.bytes(step, &step.planned.etag).await?;
        let archived_to = self.archive_rows(step, &before, judged).await?;
        let intent = self.intent_of(step, (judged, head), (&before, None), archived_to)?;
        self.intend(step, 1, &intent).await?;
        self.go_on_dropping(step, intent).await
    }

    /// From wherever a stopped apply stands: tombstone, grace, holds, delete.
    pub(super) async fn go_on_dropping(&self, step: &Step<'_>, intent: IntentRecord) -> Result<Outcome, EngineError> {
        let tombstone: Option<TombstoneRecord> = self.lake.read_json(&step.folder.tombstone()).await?;
        let dropped = DroppedFile { path: intent.path.clone(), etag: intent.etag.clone() };
        let Some(head) = self.lake.head(&step.path).await? else {
            return match tombstone {
                Some(_) => self.gone(step, &intent, RemovalKind::FoundGone).await,
                None => self.abort(step, Skipped::Gone).await,
            };
        };
        if !same_etag(head.e_tag.as_deref().unwrap_or_default(), &intent.etag) {
            // Written anew: that one is left alone, and it counts.
            return self.abort(step, Skipped::Changed).await;
        }
        if let Some(case) = self.held(step, &head).await? {
            self.count(&[], &[dropped]).await?;
            return self.abort_held(step, case, intent.epoch != self.request.epoch).await;
        }
        self.count(&[dropped], &[]).await?;
        let tombstone = self.took_effect(step, &intent).await?;
        if self.request.now < tombstone.until {
            return Ok(Outcome::Waiting(tombstone));
        }
        self.request.fence.check().await?;
        match self.lake.delete_if(&step.path, &intent.etag).await? {
            Deleted::Changed => self.abort(step, Skipped::Changed).await,
            Deleted::Absent => self.gone(step, &intent, RemovalKind::FoundGone).await,
            Deleted::Now { unconditional: true } => self.gone(step, &intent, RemovalKind::Unconditional).await,
            Deleted::Now { unconditional: false } => self.gone(step, &intent, RemovalKind::Conditional).await,
        }
    }

    /// Says of some files that they count no more, and of others that they do.
    async fn count(&self, dropped: &[DroppedFile], back: &[DroppedFile]) -> Result<(), EngineError> {
        let _alone = self.counting.lock().await;
        change_dropped(self.lake, self.request.fence, &self.files, (dropped, back), self.request.now).await
    }

    async fn gone(&self, step: &Step<'_>, intent: &IntentRecord, removal: RemovalKind) -> Result<Outcome, EngineError> {
        self.remove_summaries(step).await?;
        let (old, unlisted) = outdated(self.lake.versions(&step.path).await?, intent);
        let (versions_purged, mut not_reached) = self.purge(step, &old).await?;
        not_reached.extend(unlisted);
        let receipt = ObjectReceipt {
            removal: Some(removal),
            versions_purged,
            not_reached,
            ..ObjectReceipt::of(intent, self.request.now)
        };
        self.receipt(step, receipt).await
    }
}
