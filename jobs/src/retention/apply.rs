//! Carrying out an approved plan under the dataset's claim, and the receipt and certificate when all of it is done.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use engine::evidence::EntryBody;
use engine::retention::{
    AbortRecord, Applied, ApplyRequest, ApprovedPlan, BegunRecord, Erasing, KnownPlan, NotApproved, ObjectReceipt,
    PlanFolder, ReplacedFiles, RowCounts, Skipped, apply, find_plan, hold_cases,
};
use engine::{Created, EngineError, sweep_states};
use schemas::{OtherCopy, Permission, RetentionPolicy};
use serde::{Deserialize, Serialize};

use super::approve::{approvals, standing_of};
use super::entries::{of_changes, of_record};
use super::target::Target;
use super::told;
use super::who::who;
use crate::Answer;
use crate::args::{ApplyArgs, FailOnArg};
use crate::claim::Claim;
use crate::confirm::confirmed;
use crate::error::JobError;
use crate::evidence_log::{Act, Intent, Places, make_good, signed};
use crate::lake::OpenLake;
use crate::progress::Progress;
use crate::subject::held_persons;
use crate::subject_index;
use crate::world::World;

/// Objects under way at once on small machines.
const OBJECTS_AT_ONCE_MIN: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// What became of a plan: written once, when nothing of it is under way any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanReceipt {
    /// Form of the document: `auditlake/retention-receipt/v1`.
    pub(crate) format: String,
    /// Id of the plan.
    pub(crate) plan: String,
    pub(crate) dataset: String,
    /// The policy, and the SHA-256 of its file.
    pub(crate) policy: String,
    pub(crate) policy_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) planned_by: Option<String>,
    /// Who agreed, and on which ticket.
    pub(crate) approved_by: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) applied_by: Option<String>,
    pub(crate) begun_at: chrono::DateTime<chrono::Utc>,
    pub(crate) ended_at: chrono::DateTime<chrono::Utc>,
    /// Rows of the objects that were changed: before is deleted, archived and after together.
    pub(crate) rows: RowCounts,
    pub(crate) objects: Vec<ObjectReceipt>,
    /// Objects that were left as they are, and why.
    pub(crate) skipped: Vec<AbortRecord>,
    /// Copies that no apply reaches.
    pub(crate) copies: Vec<OtherCopy>,
    /// What became of files that a compaction or a query had replaced: rows that went lay in them, too.
    #[serde(default)]
    pub(crate) replaced: ReplacedFiles,
    /// States of files of the dataset that were deleted when all was done: of files that were replaced or went.
    #[serde(default)]
    pub(crate) states_deleted: u64,
    /// What is left of such states and why, each a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) states_not_reached: Vec<String>,
}

impl PlanReceipt {
    /// What is left of old bytes and why: of objects, of files that were replaced, and of states.
    pub(crate) fn not_reached(&self) -> impl Iterator<Item = &String> {
        let objects = self.objects.iter().flat_map(|object| &object.not_reached);
        objects.chain(&self.replaced.not_reached).chain(&self.states_not_reached)
    }
}

/// What an apply came to.
pub(crate) struct Outcome {
    pub(super) known: KnownPlan,
    pub(super) applied: Applied,
    /// Where nothing is under way any more.
    pub(crate) receipt: Option<PlanReceipt>,
}

/// How a plan is carried out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Carrying<'a> {
    /// Who does it.
    pub(crate) by: Option<&'a str>,
    /// Whether only what was begun is brought to an end.
    pub(crate) only_begun: bool,
    /// Whose rows go, of the plan of a person's case.
    pub(crate) erasing: Option<&'a Erasing>,
    /// Objects under way at once; as many as there is use for where none is given.
    pub(crate) workers: Option<NonZeroUsize>,
}

/// Carries out `auditlake retention apply`.
pub(super) async fn command(lake: &OpenLake, world: &World, args: &ApplyArgs) -> Result<Answer, JobError> {
    let by = who(lake, args.principal.as_deref(), Permission::RetentionApply, "applying retention")?;
    let known = find_plan(&lake.front, &args.plan).await?;
    if let Some(receipt) = lake.front.read_json::<PlanReceipt>(&PlanFolder::of(&known.id).receipt()).await? {
        // Whoever wrote it may have died before it was logged.
        if !args.dry_run {
            make_good(lake, world).await;
            if let Ok(target) = Target::of(lake, &known.plan.dataset) {
                indexed(lake, &target, receipt.objects.iter().map(|object| object.path.as_str())).await;
            }
        }
        return Ok(told::applied_before(&receipt));
    }
    let approved = approved(lake, world, &known).await;
    if args.dry_run {
        return Ok(told::would_apply(&known, approved.err().map(|error| crate::runner::chain(&error).join(": "))));
    }
    let (approved, begun) = approved?;
    if !args.yes && begun.is_none() {
        confirmed(&told::summary(&known.plan))?;
    }
    let progress = Progress::on_terminal();
    let carrying = Carrying { by: by.as_deref(), only_begun: false, erasing: None, workers: args.workers };
    let outcome = carried_out(lake, world, (known, approved), &carrying, &progress).await?;
    let mut answer = told::applied(&outcome);
    if args.fail_on == Some(FailOnArg::Skipped) && !outcome.applied.skipped.is_empty() {
        answer.code = 3;
    }
    Ok(answer)
}

/// The plan as one that may be applied; with when it was begun, where it was.
pub(super) async fn approved(
    lake: &OpenLake,
    world: &World,
    known: &KnownPlan,
) -> Result<(ApprovedPlan, Option<BegunRecord>), JobError> {
    let begun: Option<BegunRecord> = lake.front.read_json(&PlanFolder::of(&known.id).begun()).await?;
    if let Some(begun) = begun {
        return Ok((known.plan.clone().go_on(&begun), Some(begun)));
    }
    let refused = |source: NotApproved| {
        JobError::Engine(EngineError::NotApproved { plan: known.id[..12].to_owned(), source: Box::new(source) })
    };
    if let Some(erasure) = &known.plan.erasure {
        return Err(JobError::Usage(format!(
            "plan {} is of case {}, of a person; `auditlake subject apply {}` carries it out",
            &known.id[..12],
            erasure.case,
            erasure.case
        )));
    }
    let target = Target::of(lake, &known.plan.dataset)?;
    let Some(policy) = target.policy else {
        return Err(refused(NotApproved::PolicyEdited { policy: known.plan.policy.name.clone() }));
    };
    let approvals = approvals(&lake.front, &known.id).await?;
    let standing = standing_of(&lake.front, &policy.id).await?;
    let given = (approvals.as_slice(), standing.as_ref());
    let approved = known.plan.clone().approve(&known.id, given, &policy.sha256, world.now()).map_err(refused)?;
    Ok((approved, None))
}

/// Whether a plan need not wait for anybody; that of a person waits within their case.
pub(crate) async fn is_approved(lake: &OpenLake, known: &KnownPlan) -> Result<bool, JobError> {
    let Ok(target) = Target::of(lake, &known.plan.dataset) else { return Ok(true) };
    let Some(policy) = target.policy.filter(|_| known.plan.erasure.is_none()) else { return Ok(true) };
    let approvals = approvals(&lake.front, &known.id).await?;
    let standing = standing_of(&lake.front, &policy.id).await?;
    let given = (approvals.as_slice(), standing.as_ref());
    Ok(known.plan.clone().approve(&known.id, given, &policy.sha256, known.plan.at).is_ok())
}

/// Carries out a plan under the dataset's claim, and logs what was done.
pub(crate) async fn carried_out(
    lake: &OpenLake,
    world: &World,
    (known, approved): (KnownPlan, ApprovedPlan),
    carrying: &Carrying<'_>,
    progress: &Progress,
) -> Result<Outcome, JobError> {
    let target = Target::of(lake, &known.plan.dataset)?;
    // A case that is opened meanwhile may hold rows of anybody.
    let persons = held_persons(lake, &hold_cases(&lake.front).await?).await?;
    let mut nonce = [0; 8];
    world.fill(&mut nonce);
    lake.front.probe_update(&engine::hex(&nonce)).await?;
    let claim = Claim::take(&lake.front, world, &target.claim()).await?;
    let intent = match Intent::begin(lake, world, Act::Retention { plan: known.id.clone() }).await {
        Ok(intent) => intent,
        Err(error) => {
            claim.release().await;
            return Err(error);
        }
    };
    let done = Arc::new(AtomicU64::new(0));
    let bar = progress.objects(&done, known.plan.changing().count());
    let fence = claim.fence();
    let stand_in = RetentionPolicy::keeping_for_ever(&target.dataset.id);
    // Who is erased is so whatever becomes of the policy.
    let policy = match carrying.erasing {
        Some(_) => Some(target.policy.unwrap_or(&stand_in)),
        None => target.policy.filter(|policy| policy.sha256 == known.plan.policy.sha256),
    };
    let request = ApplyRequest {
        plan: &approved,
        dataset: &target.dataset,
        archive: target.archive,
        policy,
        known: persons.as_ref(),
        epoch: claim.epoch,
        now: world.now(),
        memory_bytes: lake.memory_bytes as u64,
        fence: &fence,
        erasing: carrying.erasing,
        only_begun: carrying.only_begun,
        at_once: carrying.workers.unwrap_or_else(objects_at_once),
        done: &done,
    };
    let ended = end_to_end(lake, &request, (&known, carrying.by)).await;
    drop(bar);
    let logged = intent.end(ended, async |(applied, receipt): &(Applied, Option<PlanReceipt>)| {
        bodies(lake, &known, applied, receipt.is_some()).await
    });
    let logged = logged.await;
    if let Ok((applied, _)) = &logged {
        indexed(lake, &target, applied.effective.iter().map(|intent| intent.path.as_str())).await;
    }
    claim.release().await;
    let (applied, receipt) = logged?;
    Ok(Outcome { known, applied, receipt })
}

/// One for each core, and some more, because part of the time is spent waiting for the store.
fn objects_at_once() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN).max(OBJECTS_AT_ONCE_MIN)
}

/// Takes what no file has any more out of the indexes.
async fn indexed<'a>(lake: &OpenLake, target: &Target<'_>, rewritten: impl Iterator<Item = &'a str>) {
    subject_index::of_rewritten(lake, &target.dataset, &rewritten.collect()).await;
    subject_index::refreshed(lake, &target.dataset.archive()).await;
}

async fn bodies(
    lake: &OpenLake,
    known: &KnownPlan,
    applied: &Applied,
    is_done: bool,
) -> Result<Vec<EntryBody>, JobError> {
    let mut bodies = of_changes(&Places::of(lake)?, lake, &applied.effective);
    if is_done {
        bodies.extend(of_record(&lake.front, PlanFolder::of(&known.id).receipt().as_ref()).await?);
    }
    Ok(bodies)
}

async fn end_to_end(
    lake: &OpenLake,
    request: &ApplyRequest<'_>,
    (known, by): (&KnownPlan, Option<&str>),
) -> Result<(Applied, Option<PlanReceipt>), JobError> {
    let folder = PlanFolder::of(&known.id);
    let begun = BegunRecord {
        plan: known.id.clone(),
        approved_by: request.plan.by().to_vec(),
        by: by.map(str::to_owned),
        at: request.now,
    };
    if lake.front.read(&folder.begun()).await?.is_none() {
        lake.front.create_json(&folder.begun(), &begun).await?;
    }
    let begun: BegunRecord = lake.front.read_json(&folder.begun()).await?.unwrap_or(begun);
    let applied = apply(&lake.front, request).await?;
    if !applied.waiting.is_empty() || applied.replaced.staying > 0 || request.only_begun {
        return Ok((applied, None));
    }
    // Once every object is replaced or gone: whoever keeps a state of one from now on sees that, and deletes it.
    let swept = sweep_states(&lake.front, request.dataset).await?;
    let receipt = PlanReceipt {
        replaced: applied.replaced.clone(),
        states_deleted: swept.deleted,
        states_not_reached: swept.not_reached,
        format: "auditlake/retention-receipt/v1".to_owned(),
        plan: known.id.clone(),
        dataset: known.plan.dataset.clone(),
        policy: known.plan.policy.name.clone(),
        policy_sha256: known.plan.policy.sha256.clone(),
        planned_by: known.plan.planned_by.clone(),
        approved_by: begun.approved_by,
        applied_by: begun.by,
        begun_at: begun.at,
        ended_at: request.now,
        rows: applied.rows(),
        objects: applied.receipts.clone(),
        skipped: applied.skipped.clone(),
        copies: known.plan.copies.clone(),
    };
    certify(lake, &folder, &receipt).await?;
    match lake.front.create_json(&folder.receipt(), &receipt).await? {
        Created::Now => Ok((applied, Some(receipt))),
        Created::Existed => Ok((applied, lake.front.read_json(&folder.receipt()).await?)),
    }
}

/// Writes the receipt as one line of JSON (RFC 8785) in a signed note, before the receipt itself: whoever sees the receipt
/// finds the certificate.
async fn certify(lake: &OpenLake, folder: &PlanFolder, receipt: &PlanReceipt) -> Result<(), JobError> {
    if let Some(note) = signed(lake, &engine::retention::canonical_line(receipt)?)? {
        lake.front.create(&folder.certificate(), note.into()).await?;
    }
    Ok(())
}

/// Brings what was begun of a plan to an end, with every case in sight; says which objects changed.
pub(crate) async fn settle_intents(lake: &OpenLake, world: &World, known: KnownPlan) -> Result<Settled, JobError> {
    let Ok((approved, Some(_))) = approved(lake, world, &known).await else { return Ok(Settled::default()) };
    let carrying = Carrying { by: None, only_begun: true, erasing: None, workers: None };
    let outcome = carried_out(lake, world, (known, approved), &carrying, &Progress::silent()).await?;
    let changed = outcome.applied.effective.into_iter().map(|intent| intent.path).collect();
    let unsettled =
        outcome.applied.skipped.into_iter().filter(|abort| matches!(abort.why, Skipped::Held { settled: false, .. }));
    Ok(Settled { changed, unsettled: unsettled.map(|abort| abort.path).collect() })
}

/// What came of objects that were under way.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Those that changed.
    pub(crate) changed: Vec<String>,
    /// Those that were left alone, and that a frozen process could still change: the store cannot keep it from doing so.
    pub(crate) unsettled: Vec<String>,
}

/// Whether an object was left alone because it is held.
pub(super) fn is_held(abort: &AbortRecord) -> bool {
    matches!(abort.why, Skipped::Held { .. })
}
