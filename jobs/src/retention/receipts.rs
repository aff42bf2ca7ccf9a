//! `auditlake retention plans` and `receipts`: what was planned, and what was done.

use chrono::{DateTime, Utc};
use engine::retention::{BegunRecord, PlanFolder, plans as all_plans};
use engine::{EngineError, Lakefront};
use schemas::{Span, rfc3339};
use serde_json::json;

use super::apply::PlanReceipt;
use super::approve::approvals;
use super::told;
use crate::Answer;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::show::{counted, write_line};
use crate::world::World;

/// Every plan that is done, oldest first.
pub(crate) async fn receipt_rows(front: &Lakefront) -> Result<Vec<PlanReceipt>, EngineError> {
    let mut receipts: Vec<PlanReceipt> = Vec::new();
    for known in all_plans(front).await? {
        receipts.extend(front.read_json::<PlanReceipt>(&PlanFolder::of(&known.id).receipt()).await?);
    }
    receipts.sort_by(|a, b| (a.ended_at, &a.plan).cmp(&(b.ended_at, &b.plan)));
    Ok(receipts)
}

/// Carries out `auditlake retention receipts`.
pub(super) async fn command(lake: &OpenLake, world: &World, since: Span) -> Result<Answer, JobError> {
    let is_recent = |at: DateTime<Utc>| since.after(at).is_none_or(|end| world.now() <= end);
    let mut receipts = receipt_rows(&lake.front).await?;
    receipts.retain(|receipt| is_recent(receipt.ended_at));
    let mut text = String::new();
    for receipt in &receipts {
        write_line(&mut text, &told::receipt_line(receipt));
        for skipped in &receipt.skipped {
            write_line(&mut text, &format!("  {}", told::skipped(skipped)));
        }
        for left in receipt.not_reached() {
            write_line(&mut text, &format!("  not reached: {left}"));
        }
    }
    if receipts.is_empty() {
        write_line(&mut text, &format!("no plan was done in the last {since}"));
    }
    Ok(Answer::done(text, json!({ "receipts": receipts })))
}

/// Carries out `auditlake retention plans`.
pub(super) async fn plans(lake: &OpenLake) -> Result<Answer, JobError> {
    let (mut text, mut rows) = (String::new(), Vec::new());
    let mut known = all_plans(&lake.front).await?;
    known.sort_by(|a, b| (a.plan.at, &a.id).cmp(&(b.plan.at, &b.id)));
    for known in &known {
        let folder = PlanFolder::of(&known.id);
        let approvals = approvals(&lake.front, &known.id).await?;
        let begun: Option<BegunRecord> = lake.front.read_json(&folder.begun()).await?;
        let done: Option<PlanReceipt> = lake.front.read_json(&folder.receipt()).await?;
        let state = match (&done, &begun) {
            (Some(done), _) => format!("done {}", rfc3339(done.ended_at)),
            (None, Some(begun)) => format!("begun {}", rfc3339(begun.at)),
            (None, None) => format!("{} of {} approvals", approvals.len(), known.plan.policy.approvers),
        };
        let rows_changed = known.plan.rows_changed();
        write_line(
            &mut text,
            &format!(
                "{}  {}  {}  {} of {}  {state}",
                &known.id[..12],
                rfc3339(known.plan.at),
                known.plan.dataset,
                counted(rows_changed, "row"),
                counted(known.plan.changing().count() as u64, "object")
            ),
        );
        rows.push(json!({
            "plan": known.id, "at": known.plan.at, "dataset": known.plan.dataset, "rows_changed": rows_changed,
            "approvals": approvals.len(), "begun_at": begun.map(|begun| begun.at), "ended_at": done.map(|done| done.ended_at),
        }));
    }
    if known.is_empty() {
        write_line(&mut text, "there are no plans; `auditlake retention plan` draws one up");
    }
    Ok(Answer::done(text, json!({ "plans": rows })))
}
