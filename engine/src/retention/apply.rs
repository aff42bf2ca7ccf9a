//! Applying a plan: each object by itself, step by step, each step written down before and after.
//!
//! ```text
//! R0 pin ─ R1 find the rows of the plan ─ R2 transform ─ R3 archive ─ R4 intent ─ R5 holds ─ R6 replace ─ R7 verify ─ R8 purge ─ R10 receipt
//! ```
//!
//! At every instant an object has its old bytes or its new ones. Nothing is decided here: an object that changed since it was
//! planned, or that a new case may hold, is left alone and named. Whoever runs an apply again goes on where it stopped.
//!
//! Absent: approval and claims, which are the caller's; it proves the claim through [`Fence`].

mod drop_object;
mod old_versions;
mod replace;
mod replaced;
mod room;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::{self, StreamExt};
use object_store::ObjectMeta;
use object_store::path::Path;
use schemas::{Dataset, PolicyId, RetentionPolicy, Span};
use serde::{Deserialize, Serialize};

use super::approval::ApprovedPlan;
use super::archive::archived_objects;
use super::decide::{Archived, Treatment};
use super::draw::{ErasureOf, PlanRequest};
use super::erase::Erasing;
use super::hold::{HoldCase, hold_cases};
use super::journal::{AbortRecord, IntentRecord, ObjectReceipt, PlanFolder, RowCounts, Skipped, TombstoneRecord};
use super::object::{Decider, JudgedObject};
use super::plan::{PlannedObject, RetentionPlan};
use super::summary_files::summary_files;
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::ingest::Fence;
use crate::store::{Created, Lakefront, recorded_path, same_etag};
use crate::subject::PersonKeys;
pub use replaced::ReplacedFiles;
use room::{Room, needed_bytes};

/// Times an intent is written anew because the output comes out otherwise.
const INTENTS_MAX: u64 = 5;

/// What an apply is given.
#[derive(Debug)]
pub struct ApplyRequest<'a> {
    /// The approved plan.
    pub plan: &'a ApprovedPlan,
    /// The dataset; of an archive, the one that its rows came from.
    pub dataset: &'a Dataset,
    /// Whether the plan is about the archive of the dataset.
    pub archive: bool,
    /// The policy that the plan was made by; none where it was edited since: then only what was begun is brought to an end.
    pub policy: Option<&'a RetentionPolicy>,
    /// By what persons are known whose rows a case holds; none where nobody can tell.
    pub known: Option<&'a PersonKeys>,
    /// Epoch of the claim.
    pub epoch: u64,
    /// The instant of the apply.
    pub now: DateTime<Utc>,
    /// Most bytes that objects under way may take in memory, one by itself or several together.
    pub memory_bytes: u64,
    /// Proof of the claim.
    pub fence: &'a dyn Fence,
    /// Whose rows they are, of a plan about a person; none where nobody knows any more: then only what was begun is brought to
    /// an end.
    pub erasing: Option<&'a Erasing>,
    /// Whether only what was begun is brought to an end.
    pub only_begun: bool,
    /// Objects under way at once.
    pub at_once: NonZeroUsize,
    /// Objects done so far.
    pub done: &'a AtomicU64,
}

/// What an apply did, or found done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Objects that were changed, by path.
    pub receipts: Vec<ObjectReceipt>,
    /// Objects that were left as they are.
    pub skipped: Vec<AbortRecord>,
    /// Objects whose old bytes are still there, until the grace is over; the same command then goes on.
    pub waiting: Vec<TombstoneRecord>,
    /// Files of the dataset that others came in the place of.
    #[serde(default)]
    pub replaced: ReplacedFiles,
    /// What took effect by this very apply: it is not logged yet.
    #[serde(skip)]
    pub effective: Vec<IntentRecord>,
}

impl Applied {
    /// What happened to rows.
    pub fn rows(&self) -> RowCounts {
        self.receipts.iter().fold(RowCounts::default(), |all, receipt| all.and(receipt.rows))
    }
}

/// What became of one object.
pub(super) enum Outcome {
    Done(Box<ObjectReceipt>),
    Skipped(AbortRecord),
    Waiting(TombstoneRecord),
}

/// Does exactly what a plan says, and what is left of it where an apply stopped.
///
/// # Errors
/// When the claim is lost, the store fails or keeps its promises not, or an object came out damaged. What was done stays,
/// and the same command goes on.
pub async fn apply(lake: &Lakefront, request: &ApplyRequest<'_>) -> Result<Applied, EngineError> {
    let apply = Apply::begin(lake, request).await?;
    // Built beforehand, because a closure over borrowed objects makes no future that goes from thread to thread.
    let objects: Vec<_> = request.plan.plan().changing().map(|planned| apply.object_unless_failed(planned)).collect();
    let ended: Vec<Result<Option<Outcome>, EngineError>> =
        stream::iter(objects).buffered(request.at_once.get()).collect().await;
    let mut applied = Applied::default();
    for outcome in ended {
        match outcome? {
            Some(Outcome::Done(receipt)) => applied.receipts.push(*receipt),
            Some(Outcome::Skipped(abort)) => applied.skipped.push(abort),
            Some(Outcome::Waiting(tombstone)) => applied.waiting.push(tombstone),
            None => {}
        }
    }
    if !request.only_begun {
        applied.replaced = apply.without_replaced(applied.waiting.is_empty()).await?;
    }
    applied.effective = apply.effective.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(applied)
}

/// One apply under way.
pub(super) struct Apply<'a> {
    pub(super) lake: &'a Lakefront,
    pub(super) request: &'a ApplyRequest<'a>,
    /// The plan, and its id.
    pub(super) document: &'a RetentionPlan,
    pub(super) plan: String,
    folder: PlanFolder,
    pub(super) policy: PolicyId,
    /// Cases as the plan saw them.
    seen: Vec<HoldCase>,
    archived: std::collections::BTreeMap<String, Archived>,
    /// The files it is about.
    pub(super) files: Dataset,
    /// Files beside data that repeat its statistics.
    pub(super) summaries: Vec<Path>,
    /// What took effect so far.
    effective: Mutex<Vec<IntentRecord>>,
    /// Memory for the bytes of objects.
    room: Room,
    /// Whether an object came to no good end.
    has_failed: AtomicBool,
    /// Whoever says which files count does so alone.
    counting: tokio::sync::Mutex<()>,
}

/// What is about to be done to an object, and where that is written down.
pub(super) struct Step<'s> {
    pub(super) planned: &'s PlannedObject,
    pub(super) folder: super::journal::ObjectFolder,
    pub(super) path: Path,
}

impl<'a> Apply<'a> {
    async fn begin(lake: &'a Lakefront, request: &'a ApplyRequest<'a>) -> Result<Self, EngineError> {
        let document = request.plan.plan();
        let plan = document.id()?;
        let cases = hold_cases(lake).await?;
        let seen = document.cases_seen(&cases);
        let archived =
            if request.archive { archived_objects(lake, request.dataset).await? } else { Default::default() };
        let policy = PolicyId::parse(&document.policy.name)
            .map_err(|error| EngineError::Plan { plan: plan.clone(), why: error.to_string() })?;
        let files = if request.archive { request.dataset.archive() } else { request.dataset.clone() };
        let summaries = summary_files(lake, &files).await?;
        Ok(Self {
            lake,
            request,
            document,
            folder: PlanFolder::of(&plan),
            plan,
            policy,
            seen,
            archived,
            files,
            summaries,
            effective: Mutex::default(),
            room: Room::new(request.memory_bytes),
            has_failed: AtomicBool::new(false),
            counting: tokio::sync::Mutex::default(),
        })
    }

    /// Where one object fails no other is begun, and those under way come to their end: nothing is written after the claim is
    /// given back.
    async fn object_unless_failed(&self, planned: &PlannedObject) -> Result<Option<Outcome>, EngineError> {
        if self.has_failed.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let ended = self.object(planned).await;
        self.has_failed.fetch_or(ended.is_err(), Ordering::Relaxed);
        self.request.done.fetch_add(1, Ordering::Relaxed);
        ended
    }

    /// Brings one object to an end, from wherever it stands.
    async fn object(&self, planned: &PlannedObject) -> Result<Option<Outcome>, EngineError> {
        let _room = self.room.take(planned.bytes).await?;
        let path = recorded_path(&planned.path);
        let step = Step { planned, folder: self.folder.object(&planned.path), path };
        if let Some(receipt) = self.lake.read_json(&step.folder.receipt()).await? {
            return Ok(Some(Outcome::Done(receipt)));
        }
        if let Some(abort) = self.lake.read_json(&step.folder.abort()).await? {
            return Ok(Some(Outcome::Skipped(abort)));
        }
        let mut last = None;
        for number in 1..=INTENTS_MAX {
            match self.lake.read_json::<IntentRecord>(&step.folder.intent(number)).await? {
                Some(intent) => last = Some((number, intent)),
                None => break,
            }
        }
        Ok(Some(match last {
            Some((_, intent)) if intent.sha256_after.is_none() => self.go_on_dropping(&step, intent).await?,
            Some((number, intent)) => self.go_on_replacing(&step, (number, intent)).await?,
            None if self.request.only_begun => return Ok(None),
            None => self.begin_object(&step).await?,
        }))
    }

    /// Marks that an intent took effect: for readers the old bytes are gone, and the store has them until the grace is over.
    pub(super) async fn took_effect(
        &self,
        step: &Step<'_>,
        intent: &IntentRecord,
    ) -> Result<TombstoneRecord, EngineError> {
        let until = self.grace_ends(self.request.now);
        let set = TombstoneRecord {
            path: intent.path.clone(),
            etag: intent.etag.clone(),
            until,
            at: self.request.now,
            epoch: self.request.epoch,
        };
        self.request.fence.check().await?;
        match self.lake.create_json(&step.folder.tombstone(), &set).await? {
            Created::Now => {
                self.effective.lock().unwrap_or_else(PoisonError::into_inner).push(intent.clone());
                Ok(set)
            }
            Created::Existed => Ok(self.lake.read_json(&step.folder.tombstone()).await?.unwrap_or(set)),
        }
    }

    /// R0 to R4 of an object that nobody began.
    async fn begin_object(&self, step: &Step<'_>) -> Result<Outcome, EngineError> {
        let Some(head) = self.lake.head(&step.path).await? else { return self.abort(step, Skipped::Gone).await };
        if !same_etag(head.e_tag.as_deref().unwrap_or_default(), &step.planned.etag) {
            return self.abort(step, Skipped::Changed).await;
        }
        if self.decider(&step.planned.path, &self.seen).is_none() {
            return self.abort(step, Skipped::PolicyEdited).await;
        }
        match self.planned_rows(step, &head).await {
            Err(EngineError::Changed { .. }) => self.abort(step, Skipped::Changed).await,
            Err(error @ (EngineError::Unrewritable { .. } | EngineError::TooLarge { .. })) => {
                self.abort(step, Skipped::Unreadable { why: error.to_string() }).await
            }
            ended => ended,
        }
    }

    async fn planned_rows(&self, step: &Step<'_>, head: &ObjectMeta) -> Result<Outcome, EngineError> {
        match self.prepared(step, head, &self.seen).await? {
            None => self.abort(step, Skipped::OtherRows).await,
            Some(judged) if judged.rows.after == 0 => self.drop_object(step, head, &judged).await,
            Some(judged) => self.replace_object(step, head, (&judged, 1)).await,
        }
    }

    /// R1: the rows, with these cases; none where they are others than planned.
    async fn prepared(
        &self,
        step: &Step<'_>,
        head: &ObjectMeta,
        cases: &[HoldCase],
    ) -> Result<Option<JudgedObject>, EngineError> {
        let Some(decider) = self.decider(&step.planned.path, cases) else { return Ok(None) };
        let judged = decider.look_aside(self.lake, &PinnedFile::new(head.clone())).await?;
        let is_planned = step.planned.row_set_sha256 == Some(judged.row_set_sha256()?);
        Ok(is_planned.then_some(judged))
    }

    /// What decides about the rows of an object, with these cases; none where what the plan rests on is not there any more.
    pub(super) fn decider(&self, path: &str, cases: &[HoldCase]) -> Option<Decider> {
        let policy = self.request.policy?;
        let erasure = match (&self.document.erasure, self.request.erasing) {
            (Some(of), Some(erasing)) => {
                let (case, subject) = (&of.case, of.subject.as_slice());
                Some(ErasureOf { case, subject, approval: policy.approval, erasing, is_agreed: true })
            }
            (Some(_), None) => return None,
            (None, _) => None,
        };
        let request = PlanRequest { erasure, ..plan_request(self.request, policy, cases) };
        match self.request.archive && erasure.is_none() {
            true => self.archived.get(path).map(|archived| request.decider(Some(archived))),
            false => Some(request.decider(None)),
        }
    }

    /// How long the archive keeps rows that a rule moves there, and in which storage class.
    pub(super) fn archiving(&self, treatment: &Treatment) -> (Option<Span>, Option<String>) {
        let Some(policy) = self.request.policy else { return (None, None) };
        let judge = plan_request(self.request, policy, &[]).judge(None);
        let (keep, class) = judge.archive(treatment).unwrap_or_default();
        (keep, class.map(str::to_owned))
    }

    /// R5: the case that was opened or changed since the plan and holds some of the rows; `pinned` has those rows.
    pub(super) async fn held(&self, step: &Step<'_>, pinned: &ObjectMeta) -> Result<Option<String>, EngineError> {
        for case in self.new_cases().await? {
            // Which rows there are to hold, only what the plan rests on tells.
            if self.decider(&step.planned.path, &self.seen).is_none() {
                if case.scope().is_some_and(|scope| scope.may_hold(&self.request.dataset.id)) {
                    return Ok(Some(case.case.to_string()));
                }
                continue;
            }
            // One more case at a time, so that the one that holds is named.
            let mut with: Vec<HoldCase> = self.seen.iter().filter(|seen| seen.case != case.case).cloned().collect();
            let number = case.case.to_string();
            with.push(case);
            if self.prepared(step, pinned, &with).await?.is_none() {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Cases that were opened or changed since the plan.
    pub(super) async fn new_cases(&self) -> Result<Vec<HoldCase>, EngineError> {
        let mut cases = hold_cases(self.lake).await?;
        let is_known =
            |case: &HoldCase| self.seen.iter().any(|seen| seen.case == case.case && seen.records == case.records);
        cases.retain(|case| case.scope().is_some() && !is_known(case));
        Ok(cases)
    }

    /// A case that was opened or changed since the plan and may hold rows of the dataset.
    pub(super) async fn case_that_may_hold(&self) -> Result<Option<String>, EngineError> {
        let may_hold = |case: &HoldCase| case.scope().is_some_and(|scope| scope.may_hold(&self.request.dataset.id));
        Ok(self.new_cases().await?.into_iter().find(may_hold).map(|case| case.case.to_string()))
    }

    /// The bytes that were pinned; an error where others lie there.
    pub(super) async fn bytes(&self, step: &Step<'_>, etag: &str) -> Result<Bytes, EngineError> {
        self.lake.read_if(&step.path, etag).await
    }

    /// That an object of this size fits into memory by itself.
    pub(super) fn fits(&self, step: &Step<'_>, bytes: u64) -> Result<(), EngineError> {
        let needed_bytes = needed_bytes(bytes);
        let available_bytes = self.request.memory_bytes;
        if needed_bytes <= available_bytes {
            return Ok(());
        }
        Err(EngineError::TooLarge { path: step.planned.path.clone(), needed_bytes, available_bytes })
    }

    pub(super) async fn abort(&self, step: &Step<'_>, why: Skipped) -> Result<Outcome, EngineError> {
        let abort = AbortRecord { path: step.planned.path.clone(), why, at: self.request.now };
        self.write(&step.folder.abort(), &abort).await?;
        Ok(Outcome::Skipped(abort))
    }

    /// Leaves an object alone that a case holds. Where a process before this one was about to change it, the object is touched,
    /// so that it has another ETag and that process fails when it wakes.
    pub(super) async fn abort_held(
        &self,
        step: &Step<'_>,
        case: String,
        resumed: bool,
    ) -> Result<Outcome, EngineError> {
        let settled = !resumed || self.lake.touch(&step.path).await?.is_some();
        self.abort(step, Skipped::Held { case, settled }).await
    }

    pub(super) async fn receipt(&self, step: &Step<'_>, receipt: ObjectReceipt) -> Result<Outcome, EngineError> {
        self.write(&step.folder.receipt(), &receipt).await?;
        Ok(Outcome::Done(Box::new(receipt)))
    }

    /// Writes a record; one that is there already was written by whoever was here before.
    pub(super) async fn write<T: Serialize + Sync>(&self, path: &Path, record: &T) -> Result<(), EngineError> {
        self.request.fence.check().await?;
        match self.lake.create_json(path, record).await? {
            Created::Now | Created::Existed => Ok(()),
        }
    }

    /// R4: the next intent that is not there yet.
    pub(super) async fn intend(&self, step: &Step<'_>, first: u64, intent: &IntentRecord) -> Result<(), EngineError> {
        self.request.fence.check().await?;
        for number in first..=INTENTS_MAX {
            if self.lake.create_json(&step.folder.intent(number), intent).await? == Created::Now {
                return Ok(());
            }
        }
        let what = format!("\"{}\" came out otherwise {INTENTS_MAX} times", step.planned.path);
        Err(EngineError::Bug { what })
    }

    /// When what an object was before may go.
    pub(super) fn grace_ends(&self, from: DateTime<Utc>) -> DateTime<Utc> {
        let grace = i64::try_from(self.document.policy.grace_seconds).ok().and_then(TimeDelta::try_seconds);
        grace.and_then(|grace| from.checked_add_signed(grace)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Removes files beside an object that repeat its statistics.
    pub(super) async fn remove_summaries(&self, step: &Step<'_>) -> Result<(), EngineError> {
        for summary in self.summaries.iter().filter(|summary| super::summary_files::is_about(summary, &step.path)) {
            self.request.fence.check().await?;
            self.lake.remove(summary).await?;
        }
        Ok(())
    }
}

fn plan_request<'a>(
    request: &'a ApplyRequest<'_>,
    policy: &'a RetentionPolicy,
    holds: &'a [HoldCase],
) -> PlanRequest<'a> {
    PlanRequest {
        dataset: request.dataset,
        ingested_by: request.dataset,
        archive: request.archive,
        policy,
        holds,
        known: request.known,
        now: request.plan.plan().at,
        planned_by: None,
        exclude: &[],
        erasure: None,
    }
}
