//! Erasing a person: place by place, until one look everywhere finds nothing of theirs that may go.
//!
//! ```text
//! ledger ── for each place: what was begun ── look, plan, carry out ── look again ──┐
//! certificate ── case closed ── identifiers gone ←──────────────────────────────────┘
//! ```
//!
//! The ledger is written first, so that whatever is ingested meanwhile is known. Whoever runs it again goes on where it
//! stopped. Absent: who may, which the command asks.

use std::num::NonZeroUsize;

use chrono::{DateTime, Utc};
use engine::retention::{Approval, BegunRecord, Erasing, KnownPlan, Person, PlanFolder, plans, store_plan};
use engine::subject::{ErasureRecord, SubjectCase, erasure_path};
use engine::{EngineError, Lakefront, files_replaced, refresh_index, remove_replaced, sweep_states};
use schemas::{CaseEnd, CaseStep, Permission, SubjectRequest};

use super::approve::{approvals, last_plan};
use super::certificate::{Certificate, Place, certified, of_case};
use super::desk::{Desk, refused};
use super::places::{Left, named_folders, places, policy_of, unread_objects, unsearchable};
use super::plan::{drawn, erasing};
use super::{in_force, sweep, told, under_way};
use crate::Answer;
use crate::args::ApplyCaseArgs;
use crate::claim::Claim;
use crate::confirm::confirmed;
use crate::error::JobError;
use crate::evidence_log::make_good;
use crate::progress::Progress;
use crate::retention::{Carrying, PlanReceipt, Target, approve_for, carried_out};

/// Looks at a place until one finds nothing; more often, somebody keeps writing.
const PASSES_MAX: usize = 5;

/// Carries out `auditlake subject apply`.
pub(super) async fn command(desk: &Desk<'_>, args: &ApplyCaseArgs) -> Result<Answer, JobError> {
    let case = match desk.open_case(&args.case).await {
        Ok(case) => case,
        Err(refused) => {
            // Whoever closed it may have died before that was signed.
            if !args.dry_run {
                make_good(desk.lake, desk.world).await;
            }
            return Err(refused);
        }
    };
    match desk.standing(&case)?.request {
        SubjectRequest::Erasure => {}
        request @ (SubjectRequest::Restriction | SubjectRequest::Objection) => {
            return in_force::command(desk, &case, (request, args)).await;
        }
        request => {
            let why = format!("there is nothing to apply to a request of type {}", request.as_str());
            return Err(refused(&case.case, format!("{why}; see `auditlake subject list`")));
        }
    }
    let by = desk.who(args.principal.as_deref(), Permission::SubjectErase, "erasing a person")?;
    let agreed = agreed(desk, &case);
    if args.dry_run {
        let plan = super::plan::planned(desk, &case, by.as_deref()).await?;
        return Ok(told::would_apply(&plan, agreed.err().map(|error| error.to_string())));
    }
    let agreed = agreed?;
    if !args.yes {
        let rows = case.records.iter().rev().find_map(|record| match &record.what {
            CaseStep::Planned { rows, .. } => Some(*rows),
            _ => None,
        });
        let rows = rows.unwrap_or_default();
        confirmed(&format!("the erasure of case {}, of {rows} rows when it was planned", case.case))?;
    }
    let agreement = Agreement { agreed: &agreed, by: by.as_deref(), until: None, workers: args.workers };
    erased(desk, &case, agreement, &Progress::on_terminal()).await
}

/// Who agreed, where that is enough. Approvals that have lapsed meanwhile, as while a case was held, are given again.
fn agreed(desk: &Desk<'_>, case: &SubjectCase) -> Result<Vec<(String, String)>, JobError> {
    let needed = desk.policy.approval.approvers as usize;
    let there = approvals(desk, case);
    if there.len() >= needed {
        return Ok(there);
    }
    let number = &case.case;
    Err(refused(
        number,
        match last_plan(case) {
            None => format!("it has no plan; run `auditlake subject plan {number}`, then approve it"),
            Some(_) => format!(
                "{} of {needed} approvals of its last plan hold; approve it with `auditlake subject approve {number} --ticket \
             T --as NAME`",
                there.len()
            ),
        },
    ))
}

/// What an erasure rests on, and how it is carried out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Agreement<'a> {
    /// Who agreed, and on which ticket.
    pub(super) agreed: &'a [(String, String)],
    /// Who carries it out.
    pub(super) by: Option<&'a str>,
    /// Rows after this instant are new data; none where all are meant.
    pub(super) until: Option<DateTime<Utc>>,
    /// Objects under way at once; as many as there is use for where none is given.
    pub(super) workers: Option<NonZeroUsize>,
}

/// Erases, certifies and closes; a case with rows that are held stays open.
pub(super) async fn erased(
    desk: &Desk<'_>,
    case: &SubjectCase,
    agreement: Agreement<'_>,
    progress: &Progress,
) -> Result<Answer, JobError> {
    if let Some(certificate) = of_case(desk, &case.case).await? {
        return ended(desk, case, &certificate, agreement.by).await;
    }
    let person = desk.person(&case.case).await?;
    let noted = noted(desk, case, &person).await?;
    let found = places(desk.lake).await?;
    let mut certificate = Certificate::begin(desk, case, &noted, agreement.agreed)?;
    certificate.not_reached.extend(found.not_reached);
    certificate.not_searched.extend(found.not_searched);
    certificate.not_searched.extend(unsearchable(desk, &person));
    let begun = begun(&desk.lake.front, case).await?;
    for name in &found.searched {
        let target = Target::of(desk.lake, name)?;
        certificate.not_reached.extend(named_folders(desk.lake, &target, (name, &person)).await?);
        let at = Erasure { desk, case, agreement, person: &person, begun: &begun, progress };
        let place = at.place(name, &target, &mut certificate).await?;
        // Also where no row is left: a state may be of a file that others came in the place of.
        for why in sweep_states(&desk.lake.front, &target.dataset).await?.not_reached {
            certificate.not_reached.insert(Left::new(format!("states of {name}"), why));
        }
        for copy in policy_of(&target).copies {
            if !certificate.copies.contains(&copy) {
                certificate.copies.push(copy);
            }
        }
        certificate.places.push(place);
        if let Err(error) = refresh_index(&desk.lake.front, &target.dataset, None).await {
            let why = format!("{error}, so it may still have hashes of the person; then run auditlake compact");
            certificate.not_reached.insert(Left::new(format!("index of {name}"), why));
        }
    }
    // Before the look at what is published: whoever has ended by now is seen by it, and whoever has not may publish behind it.
    // What is published of somebody who came back may be of newer rows, and stays.
    let publishing = match agreement.until {
        None => under_way::publishing(desk, case, &person).await?,
        Some(_) => (Vec::new(), None),
    };
    let (publishing, unknown) = publishing;
    certificate.not_searched.extend(unknown);
    sweep::sweep(desk, case, (&person, agreement.until), &mut certificate).await?;
    let holds = certificate.waits_for();
    if !holds.is_empty() {
        return Ok(told::waiting(&certificate, &holds));
    }
    if !publishing.is_empty() {
        return Ok(told::under_way(&certificate, &publishing));
    }
    certified(desk, &certificate).await?;
    ended(desk, case, &certificate, agreement.by).await
}

/// Forgets who it was, and closes the case.
async fn ended(
    desk: &Desk<'_>,
    case: &SubjectCase,
    certificate: &Certificate,
    by: Option<&str>,
) -> Result<Answer, JobError> {
    let left = desk.forget(&case.case).await?;
    let state =
        if certificate.is_partial() || !left.is_empty() { CaseEnd::PartlyFulfilled } else { CaseEnd::Fulfilled };
    let reason = if left.is_empty() { None } else { Some(left.join("; ")) };
    let number = desk.case(&case.case).await?.next_number();
    desk.record(&case.case, number, (CaseStep::Closed { state, reason }, by)).await?;
    Ok(told::erased(certificate, state))
}

/// Notes in the ledger that the person was erased; when, where somebody did so before.
async fn noted(desk: &Desk<'_>, case: &SubjectCase, person: &Person) -> Result<ErasureRecord, JobError> {
    let subject = person.identifiers().map(|one| (desk.known.keys.current.reference(one), one.kind().to_owned()));
    let record = ErasureRecord { case: case.case.clone(), at: desk.world.now(), subject: subject.collect() };
    let path = erasure_path(&case.case);
    desk.lake.front.create_json(&path, &record).await?;
    Ok(desk.lake.front.read_json(&path).await?.unwrap_or(record))
}

/// One erasure under way.
struct Erasure<'a> {
    desk: &'a Desk<'a>,
    case: &'a SubjectCase,
    agreement: Agreement<'a>,
    person: &'a Person,
    /// Plans of the case that somebody began to carry out before.
    begun: &'a [KnownPlan],
    progress: &'a Progress,
}

/// Plans of a case that were begun, those that are done among them.
async fn begun(front: &Lakefront, case: &SubjectCase) -> Result<Vec<KnownPlan>, EngineError> {
    let mut begun = plans(front).await?;
    begun.retain(|known| known.plan.erasure.as_ref().is_some_and(|erasure| erasure.case == case.case));
    let mut there = Vec::new();
    for known in begun {
        if front.read_json::<BegunRecord>(&PlanFolder::of(&known.id).begun()).await?.is_some() {
            there.push(known);
        }
    }
    Ok(there)
}

impl Erasure<'_> {
    /// Erases in one place.
    async fn place(&self, name: &str, target: &Target<'_>, certificate: &mut Certificate) -> Result<Place, JobError> {
        let front = &self.desk.lake.front;
        let erasing = erasing(target, self.person, self.agreement.until);
        let mut place = Place::of(name, erasing.rule);
        self.without_replaced(target).await?;
        for known in self.begun.iter().filter(|known| known.plan.dataset == name) {
            let receipt = self.carry_out(known.clone(), &erasing).await?;
            if let Some(receipt) = receipt {
                place.take(receipt, &mut certificate.not_reached);
            }
        }
        for _ in 0..PASSES_MAX {
            let known = drawn(self.desk, self.case, target, (&erasing, true)).await?;
            place.looked_at(&known.plan);
            certificate.not_reached.extend(unread_objects(&known.plan));
            if known.plan.is_empty() {
                return Ok(place);
            }
            store_plan(front, &known.plan).await?;
            let receipt = self.carry_out(known, &erasing).await?;
            let goes_on = receipt.is_none_or(|receipt| place.take(receipt, &mut certificate.not_reached));
            if !goes_on {
                return Ok(place);
            }
        }
        Err(refused(
            &self.case.case,
            format!(
                "rows of the person keep coming into \"{name}\"; stop what writes them, then run the same command again"
            ),
        ))
    }

    /// Removes files that a compaction or a query came in the place of: they have rows of the person, too.
    async fn without_replaced(&self, target: &Target<'_>) -> Result<(), JobError> {
        let Desk { lake, world, .. } = self.desk;
        let dataset = if target.archive { target.dataset.archive() } else { target.dataset.clone() };
        if files_replaced(&lake.front, &dataset).await?.is_empty() {
            return Ok(());
        }
        let claim = Claim::take(&lake.front, world, &target.claim()).await?;
        let removed = remove_replaced(&lake.front, &claim.fence(), &dataset, (world.now(), world.now())).await;
        claim.release().await;
        removed?;
        Ok(())
    }

    async fn carry_out(&self, known: KnownPlan, erasing: &Erasing) -> Result<Option<PlanReceipt>, JobError> {
        let (Desk { lake, world, .. }, agreement) = (self.desk, &self.agreement);
        let folder = PlanFolder::of(&known.id);
        if let Some(receipt) = lake.front.read_json::<PlanReceipt>(&folder.receipt()).await? {
            make_good(lake, world).await;
            return Ok(Some(receipt));
        }
        let begun: Option<BegunRecord> = lake.front.read_json(&folder.begun()).await?;
        let approved = match begun {
            Some(begun) => known.plan.clone().go_on(&begun),
            None => {
                let given: Vec<Approval> = approve_for(lake, world, &known, agreement.agreed).await?;
                let sha256 = known.plan.policy.sha256.clone();
                known.plan.clone().approve(&known.id, (&given, None), &sha256, world.now()).map_err(|source| {
                    EngineError::NotApproved { plan: known.id[..12].to_owned(), source: Box::new(source) }
                })?
            }
        };
        let Agreement { by, workers, .. } = *agreement;
        let carrying = Carrying { by, only_begun: false, erasing: Some(erasing), workers };
        let outcome = carried_out(lake, world, (known, approved), &carrying, self.progress).await?;
        Ok(outcome.receipt)
    }
}
