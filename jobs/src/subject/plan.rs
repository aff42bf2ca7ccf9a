//! What an erasure would do, everywhere: a retention plan for each place in which rows of the person are, and what was published
//! that shows them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use engine::EngineError;
use engine::retention::{
    Erasing, ErasureOf, KnownPlan, Person, PlanRequest, Protection, RefusedRows, RowCounts, draw_up, hold_cases,
};
use engine::subject::{SubjectCase, case_folder};
use object_store::path::Path;
use schemas::{ApprovalRule, CaseStep, Permission, SubjectRequest};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::approve::last_plan;
use super::desk::{Desk, refused};
use super::places::{Left, named_folders, places, policy_of, unread_objects, unsearchable, words_of};
use super::sweep::to_withdraw;
use super::told;
use super::withdraw::PublicationKind;
use crate::Answer;
use crate::args::CaseArgs;
use crate::error::JobError;
use crate::retention::Target;

/// What an erasure would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CasePlan {
    /// Form of the document: `auditlake/subject-plan/v1`.
    pub(super) format: String,
    pub(super) case: String,
    /// References of the identifiers that were looked for.
    pub(super) subject: Vec<String>,
    pub(super) at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) planned_by: Option<String>,
    pub(super) places: Vec<PlannedPlace>,
    /// What was published and would be withdrawn, as far as it was there; none in plans of versions that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) withdraws: Option<Vec<PlannedPublication>>,
    pub(super) not_reached: Vec<Left>,
    pub(super) not_searched: Vec<Left>,
}

/// Something that was published and shows the person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PlannedPublication {
    pub(super) kind: PublicationKind,
    /// What it is, as the case and the certificate call it.
    pub(super) what: String,
    /// Objects that would go.
    pub(super) paths: Vec<String>,
    pub(super) why: String,
}

/// What it would do in one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PlannedPlace {
    pub(super) dataset: String,
    /// Objects that were looked at.
    pub(super) objects: u64,
    /// Those that change.
    pub(super) objects_changed: u64,
    /// Bytes of those.
    pub(super) bytes: u64,
    /// Rows of the objects that change.
    pub(super) rows: RowCounts,
    /// Rows of the person that stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) refused: Vec<RefusedRows>,
    /// What is done, and what to rows below their minimum.
    pub(super) mode: String,
    pub(super) within_minimum: String,
}

impl CasePlan {
    /// Rows of the person that would change.
    pub(super) fn rows_changed(&self) -> u64 {
        self.places.iter().map(|place| place.rows.deleted + place.rows.anonymized).sum()
    }

    /// Rows of the person that stay as they are.
    pub(super) fn rows_refused(&self) -> u64 {
        self.places.iter().flat_map(|place| &place.refused).map(|refused| refused.rows).sum()
    }

    /// Whether rows of the person are held, so that nothing is withdrawn yet.
    pub(super) fn is_held(&self) -> bool {
        let mut refused = self.places.iter().flat_map(|place| &place.refused);
        refused.any(|refused| matches!(refused.because, Protection::Hold { .. }))
    }

    /// Its SHA-256 in hex, and the bytes that it is of.
    pub(super) fn written(&self) -> Result<(String, String), EngineError> {
        let line = engine::retention::canonical_line(self)?;
        Ok((engine::hex(&Sha256::digest(&line)), line))
    }
}

/// Carries out `auditlake subject plan`.
pub(super) async fn command(desk: &Desk<'_>, args: &CaseArgs) -> Result<Answer, JobError> {
    let by = desk.who(args.principal.as_deref(), Permission::SubjectErase, "planning an erasure")?;
    let case = desk.open_case(&args.case).await?;
    let plan = planned(desk, &case, by.as_deref()).await?;
    let sha256 = written(desk, &case, &plan, by.as_deref()).await?;
    Ok(told::plan(&plan, &sha256))
}

/// Looks everywhere; nothing is written.
pub(super) async fn planned(desk: &Desk<'_>, case: &SubjectCase, by: Option<&str>) -> Result<CasePlan, JobError> {
    if desk.standing(case)?.request != SubjectRequest::Erasure {
        return Err(refused(&case.case, "it asks for no erasure; see `auditlake subject list`".to_owned()));
    }
    let person = desk.person(&case.case).await?;
    let found = places(desk.lake).await?;
    let mut plan = CasePlan {
        format: "auditlake/subject-plan/v1".to_owned(),
        case: case.case.to_string(),
        subject: desk.references(person.identifiers()),
        at: desk.world.now(),
        planned_by: by.map(str::to_owned),
        places: Vec::new(),
        withdraws: None,
        not_reached: found.not_reached.into_iter().collect(),
        not_searched: found.not_searched.into_iter().collect(),
    };
    plan.not_searched.extend(unsearchable(desk, &person));
    for name in &found.searched {
        let target = Target::of(desk.lake, name)?;
        plan.not_reached.extend(named_folders(desk.lake, &target, (name, &person)).await?);
        let erasing = erasing(&target, &person, None);
        let known = drawn(desk, case, &target, (&erasing, false)).await?;
        let (mode, within_minimum) = words_of(erasing.rule);
        let objects_changed = known.plan.changing().count() as u64;
        plan.not_reached.extend(unread_objects(&known.plan));
        plan.places.push(PlannedPlace {
            dataset: name.clone(),
            objects: known.plan.kept_objects + known.plan.objects.len() as u64,
            objects_changed,
            bytes: known.plan.changing().map(|object| object.bytes).sum(),
            rows: known.plan.rows,
            refused: known.plan.erasure.map(|erasure| erasure.refused).unwrap_or_default(),
            mode: mode.to_owned(),
            within_minimum: within_minimum.to_owned(),
        });
    }
    plan.withdraws = Some(to_withdraw(desk, case, &person).await?);
    Ok(plan)
}

/// Whose rows are erased in a place, and how.
pub(super) fn erasing(target: &Target<'_>, person: &Person, until: Option<DateTime<Utc>>) -> Erasing {
    let rule = policy_of(target).erasure;
    Erasing { person: person.clone(), dataset: target.dataset.clone(), rule, until }
}

/// The retention plan of one place; `is_agreed` when somebody has agreed to erase there.
pub(super) async fn drawn(
    desk: &Desk<'_>,
    case: &SubjectCase,
    target: &Target<'_>,
    (erasing, is_agreed): (&Erasing, bool),
) -> Result<KnownPlan, JobError> {
    let holds = hold_cases(&desk.lake.front).await?;
    let policy = policy_of(target);
    let subject = desk.references(erasing.person.identifiers());
    let request = PlanRequest {
        dataset: &target.dataset,
        ingested_by: &target.ingested_by,
        archive: target.archive,
        policy: &policy,
        holds: &holds,
        known: Some(&desk.known),
        now: desk.world.now(),
        planned_by: None,
        exclude: &[],
        erasure: Some(ErasureOf { case: &case.case, subject: &subject, approval: approval(desk), erasing, is_agreed }),
    };
    let plan = draw_up(&desk.lake.front, &request).await?;
    Ok(KnownPlan { id: plan.id()?, plan })
}

/// The approval of a case stands for the plans that are made for it.
fn approval(desk: &Desk<'_>) -> ApprovalRule {
    ApprovalRule { not_planner: false, brake_ppm: 1_000_000, ..desk.policy.approval }
}

/// Puts a plan beside the case, and notes it.
pub(super) async fn written(
    desk: &Desk<'_>,
    case: &SubjectCase,
    plan: &CasePlan,
    by: Option<&str>,
) -> Result<String, JobError> {
    let (sha256, line) = plan.written()?;
    let path = path_of(case, &sha256);
    desk.lake.front.create(&path, line.into()).await?;
    let rows = plan.rows_changed() + plan.rows_refused();
    let step = CaseStep::Planned { plan: sha256.clone(), rows };
    desk.record(&case.case, case.next_number(), (step, by)).await?;
    Ok(sha256)
}

/// What the last plan of a case says that would be withdrawn; none where there is no plan, or it does not say.
pub(super) async fn listed_by_plan(
    desk: &Desk<'_>,
    case: &SubjectCase,
) -> Result<Option<BTreeSet<String>>, EngineError> {
    let Some((sha256, _)) = last_plan(case) else { return Ok(None) };
    let plan: Option<CasePlan> = desk.lake.front.read_json(&path_of(case, sha256)).await?;
    let listed = plan.and_then(|plan| plan.withdraws);
    Ok(listed.map(|listed| listed.into_iter().map(|one| one.what).collect()))
}

fn path_of(case: &SubjectCase, sha256: &str) -> Path {
    Path::from(format!("{}/plan-{sha256}.json", case_folder(&case.case)))
}
