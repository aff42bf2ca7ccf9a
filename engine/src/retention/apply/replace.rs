//! R2 to R10 of an object of which rows stay.

use bytes::Bytes;
use object_store::ObjectMeta;
use schemas::hex;
use sha2::{Digest, Sha256};

use super::old_versions::outdated;
use super::{Apply, Outcome, Step};
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::retention::archive::{Leaving, archive};
use crate::retention::decide::Treatment;
use crate::retention::journal::{ArchivedObject, IntentRecord, ObjectReceipt, Skipped, TRANSFORM_VERSION};
use crate::retention::object::JudgedObject;
use crate::retention::transform::{Rewritten, only, rewrite};
use crate::store::{Replaced, same_etag};

impl Apply<'_> {
    /// R2 to R4, then on; `number` is that of the next intent.
    pub(super) async fn replace_object(
        &self,
        step: &Step<'_>,
        head: &ObjectMeta,
        (judged, number): (&JudgedObject, u64),
    ) -> Result<Outcome, EngineError> {
        self.fits(step, head.size)?;
        let before = self.bytes(step, &step.planned.etag).await?;
        let after = rewrite(&step.planned.path, before.clone(), judged).await?;
        if after.rows != judged.rows.after {
            let what = format!(
                "rewriting \"{}\" left {} rows and not {}; nothing was replaced",
                step.planned.path, after.rows, judged.rows.after
            );
            return Err(EngineError::Bug { what });
        }
        let archived_to = self.archive_rows(step, &before, judged).await?;
        let intent = self.intent_of(step, (judged, head), (&before, Some(&after)), archived_to)?;
        self.intend(step, number, &intent).await?;
        self.replaced(step, head, &intent, after).await
    }

    /// R3: the rows that leave for the archive, an object for each rule.
    pub(super) async fn archive_rows(
        &self,
        step: &Step<'_>,
        before: &Bytes,
        judged: &JudgedObject,
    ) -> Result<Vec<ArchivedObject>, EngineError> {
        let mut archived = Vec::new();
        for (treatment, rows) in &judged.archived {
            let Treatment::Archive { rule } = treatment else { continue };
            let (keep, storage_class) = self.archiving(treatment);
            let leaving = Leaving {
                dataset: self.request.dataset,
                policy: &self.policy,
                rule,
                at: self.document.at,
                keep,
                storage_class: storage_class.as_deref(),
                rows: rows.len(),
            };
            let alone = only(&step.planned.path, before.clone(), &judged.group_rows, rows).await?;
            if alone.rows != rows.len() {
                let what =
                    format!("archiving rows of \"{}\" took {} and not {}", step.planned.path, alone.rows, rows.len());
                return Err(EngineError::Bug { what });
            }
            self.request.fence.check().await?;
            archived.push(archive(self.lake, &leaving, alone.bytes).await?);
        }
        Ok(archived)
    }

    pub(super) fn intent_of(
        &self,
        step: &Step<'_>,
        (judged, head): (&JudgedObject, &ObjectMeta),
        (before, after): (&Bytes, Option<&Rewritten>),
        archived_to: Vec<ArchivedObject>,
    ) -> Result<IntentRecord, EngineError> {
        Ok(IntentRecord {
            plan: self.plan.clone(),
            dataset: self.document.dataset.clone(),
            path: step.planned.path.clone(),
            etag: step.planned.etag.clone(),
            version: head.version.clone(),
            sha256_before: hex(&Sha256::digest(before)),
            sha256_after: after.map(|after| hex(&Sha256::digest(&after.bytes))),
            bytes_after: after.map_or(0, |after| after.bytes.len() as u64),
            rows: judged.rows,
            row_set_sha256: judged.row_set_sha256()?,
            transform: TRANSFORM_VERSION,
            archived_to,
            epoch: self.request.epoch,
            at: self.request.now,
        })
    }

    /// R5 and R6: where nobody holds it and nobody wrote it, it is replaced.
    async fn replaced(
        &self,
        step: &Step<'_>,
        head: &ObjectMeta,
        intent: &IntentRecord,
        after: Rewritten,
    ) -> Result<Outcome, EngineError> {
        if let Some(case) = self.held(step, head).await? {
            return self.abort_held(step, case, intent.epoch != self.request.epoch).await;
        }
        let carried = match self.lake.carried(&step.path, &intent.etag).await {
            Err(EngineError::Changed { .. }) => return self.abort(step, Skipped::Changed).await,
            carried => carried?,
        };
        let sha256 = intent.sha256_after.as_deref().unwrap_or_default();
        self.request.fence.check().await?;
        match self.lake.update(&step.path, after.bytes, &intent.etag, sha256).await? {
            Replaced::Changed => self.abort(step, Skipped::Changed).await,
            Replaced::Now { etag } => self.settle(step, intent, (etag, carried.left())).await,
        }
    }

    /// Where a stopped apply stands with an object: the old bytes, ours, or those of somebody else.
    pub(super) async fn go_on_replacing(
        &self,
        step: &Step<'_>,
        (number, intent): (u64, IntentRecord),
    ) -> Result<Outcome, EngineError> {
        let Some(head) = self.lake.head(&step.path).await? else { return self.abort(step, Skipped::Gone).await };
        if !same_etag(head.e_tag.as_deref().unwrap_or_default(), &intent.etag) {
            return match self.is_ours(step, &intent, &head).await? {
                true => self.settle(step, &intent, (head.e_tag.unwrap_or_default(), &[])).await,
                false => self.abort(step, Skipped::Changed).await,
            };
        }
        if self.decider(&step.planned.path, &self.seen).is_none() {
            return self.abort(step, Skipped::PolicyEdited).await;
        }
        let Some(judged) = self.prepared(step, &head, &self.seen).await? else {
            return self.abort(step, Skipped::OtherRows).await;
        };
        let before = self.bytes(step, &intent.etag).await?;
        let after = rewrite(&step.planned.path, before, &judged).await?;
        if intent.sha256_after == Some(hex(&Sha256::digest(&after.bytes))) {
            return self.replaced(step, &head, &intent, after).await;
        }
        // A newer binary may write other bytes of the same rows: what is about to come is written down first.
        self.replace_object(step, &head, (&judged, number + 1)).await
    }

    async fn is_ours(&self, step: &Step<'_>, intent: &IntentRecord, head: &ObjectMeta) -> Result<bool, EngineError> {
        if head.size != intent.bytes_after {
            return Ok(false);
        }
        let bytes = self.lake.read(&step.path).await?;
        Ok(bytes.map(|bytes| hex(&Sha256::digest(bytes))) == intent.sha256_after)
    }

    /// R7 to R10: what lies there is compared with what was intended, old versions go, and the receipt is written.
    ///
    /// `etag` is that of our bytes. Where others were written on top of them by now, those stay as they are.
    async fn settle(
        &self,
        step: &Step<'_>,
        intent: &IntentRecord,
        (etag, left): (String, &[String]),
    ) -> Result<Outcome, EngineError> {
        if let Some(head) = self.lake.head(&step.path).await?
            && head.e_tag.as_deref().is_some_and(|there| same_etag(there, &etag))
        {
            self.is_as_intended(step, intent, &head).await?;
            self.leaves_nothing_due(step, &head).await?;
        }
        self.remove_summaries(step).await?;
        let tombstone = self.took_effect(step, intent).await?;
        let (old, unlisted) = outdated(self.lake.versions(&step.path).await?, intent);
        if !old.is_empty() && self.request.now < tombstone.until {
            return Ok(Outcome::Waiting(tombstone));
        }
        // What was purged cannot be brought back: once more, whether somebody holds it.
        let (versions_purged, mut not_reached) = match self.kept_for(&old).await? {
            Some(why) => (0, vec![format!("older versions of \"{}\": {why}", step.planned.path)]),
            None => self.purge(step, &old).await?,
        };
        not_reached.extend(unlisted);
        let receipt = ObjectReceipt {
            etag_after: Some(etag),
            not_carried: left.to_vec(),
            versions_purged,
            not_reached,
            ..ObjectReceipt::of(intent, self.request.now)
        };
        self.receipt(step, receipt).await
    }

    /// R7: the bytes are those that were intended.
    async fn is_as_intended(
        &self,
        step: &Step<'_>,
        intent: &IntentRecord,
        head: &ObjectMeta,
    ) -> Result<(), EngineError> {
        let there = match self.lake.read_if(&step.path, head.e_tag.as_deref().unwrap_or_default()).await {
            Err(EngineError::Changed { .. }) => return Ok(()),
            there => hex(&Sha256::digest(there?)),
        };
        if Some(&there) == intent.sha256_after.as_ref() {
            return Ok(());
        }
        let intended = intent.sha256_after.as_deref().unwrap_or_default();
        Err(EngineError::Damaged {
            path: step.planned.path.clone(),
            what: format!(
                "was rewritten by retention plan {} and has sha256 {there} instead of {intended}; nothing further is touched",
                self.plan
            ),
        })
    }

    /// Why old versions stay, although the grace is over: a case was opened since the plan that may hold some of the rows.
    async fn kept_for(&self, old: &[crate::store::Version]) -> Result<Option<String>, EngineError> {
        if old.is_empty() {
            return Ok(None);
        }
        let case = self.case_that_may_hold().await?;
        Ok(case.map(|case| format!("case {case} was opened since and may hold some of their rows")))
    }

    /// That a second look finds no row that is due.
    async fn leaves_nothing_due(&self, step: &Step<'_>, head: &ObjectMeta) -> Result<(), EngineError> {
        let Some(decider) = self.decider(&step.planned.path, &self.seen) else { return Ok(()) };
        let left = match decider.look_aside(self.lake, &PinnedFile::new(head.clone())).await {
            Err(EngineError::Changed { .. }) => return Ok(()),
            left => left?,
        };
        if left.is_untouched() {
            return Ok(());
        }
        let what = format!("has rows left that plan {} should have taken; nothing further is touched", self.plan);
        Err(EngineError::Damaged { path: step.planned.path.clone(), what })
    }
}
