//! Agreeing to the erasure of a person.

use engine::subject::SubjectCase;
use schemas::{CaseId, CaseRecord, CaseStep, Permission};
use serde_json::json;

use super::desk::{Desk, refused};
use crate::Answer;
use crate::error::JobError;

/// Carries out `auditlake subject approve`.
pub(super) async fn command(desk: &Desk<'_>, number: &CaseId, ticket: &str, by: &str) -> Result<Answer, JobError> {
    let by = desk.who(Some(by), Permission::SubjectErase, "approving an erasure")?.unwrap_or_default();
    let case = desk.open_case(number).await?;
    approve(desk, &case, (ticket, &by)).await?;
    let case = desk.open_case(number).await?;
    let (there, needed) = (approvals(desk, &case).len(), desk.policy.approval.approvers);
    let text = if there < needed as usize {
        format!("the plan of case {number} is approved by {by} on {ticket}; {there} of {needed} approvals")
    } else {
        format!(
            "the plan of case {number} is approved by {by} on {ticket}\napply it with: auditlake subject apply {number}"
        )
    };
    Ok(Answer::done(text, json!({ "case": number, "approved_by": by, "ticket": ticket, "approvals": there })))
}

/// Notes that somebody agrees to the last plan.
pub(super) async fn approve(
    desk: &Desk<'_>,
    case: &SubjectCase,
    (ticket, by): (&str, &str),
) -> Result<CaseRecord, JobError> {
    if ticket.trim().is_empty() {
        return Err(JobError::Usage(
            "--ticket is empty; name what the approval rests on, for example DSR-17".to_owned(),
        ));
    }
    let Some((plan, planner)) = last_plan(case) else {
        return Err(refused(&case.case, format!("it has no plan; run `auditlake subject plan {}`", case.case)));
    };
    if desk.policy.approval.not_planner && planner == by {
        return Err(refused(&case.case, format!("\"{by}\" planned it, and somebody else must agree")));
    }
    if approvals(desk, case).iter().any(|(name, _)| name == by) {
        return Err(refused(&case.case, format!("\"{by}\" has approved it already")));
    }
    let step = CaseStep::Approved { plan: plan.to_owned(), ticket: ticket.to_owned() };
    desk.record(&case.case, case.next_number(), (step, Some(by))).await
}

/// The last plan, and who drew it up.
pub(super) fn last_plan(case: &SubjectCase) -> Option<(&str, &str)> {
    case.records.iter().rev().find_map(|record| match &record.what {
        CaseStep::Planned { plan, .. } => Some((plan.as_str(), record.by.as_str())),
        _ => None,
    })
}

/// Who agreed to the last plan, and on which ticket; those of them whose approval still holds.
pub(super) fn approvals(desk: &Desk<'_>, case: &SubjectCase) -> Vec<(String, String)> {
    let Some((last, _)) = last_plan(case) else { return Vec::new() };
    let valid = i64::try_from(desk.policy.approval.valid_for_seconds).unwrap_or(i64::MAX);
    let holds = |record: &&CaseRecord| (desk.world.now() - record.at).num_seconds() < valid;
    let agreed = case.records.iter().filter(holds).filter_map(|record| match &record.what {
        CaseStep::Approved { plan, ticket } if plan == last => Some((record.by.clone(), ticket.clone())),
        _ => None,
    });
    agreed.collect()
}
