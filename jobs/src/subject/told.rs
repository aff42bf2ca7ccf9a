//! Cases, plans and certificates for people, and as JSON. No identifier is told.

use engine::retention::RefusedRows;
use schemas::{CaseEnd, rfc3339};
use serde_json::json;

use super::certificate::Certificate;
use super::places::Left;
use super::plan::CasePlan;
use crate::Answer;
use crate::show::{counted, write_line};

/// A plan, and what to do with it.
pub(super) fn plan(plan: &CasePlan, sha256: &str) -> Answer {
    let mut text = of_plan(plan);
    write_line(&mut text, "\nnothing has been changed; somebody who agrees runs");
    write_line(&mut text, &format!("  auditlake subject approve {} --ticket T --as NAME", plan.case));
    write_line(&mut text, &format!("  auditlake subject apply {}", plan.case));
    Answer::done(text, json!({ "plan": sha256, "document": plan }))
}

/// A dry run of an apply.
pub(super) fn would_apply(plan: &CasePlan, refused: Option<String>) -> Answer {
    let mut text = of_plan(plan);
    match &refused {
        Some(why) => write_line(&mut text, &format!("\nit may not be applied: {why}")),
        None => write_line(&mut text, "\nit may be applied; nothing has been changed"),
    }
    Answer::done(text, json!({ "document": plan, "refused": refused }))
}

fn of_plan(plan: &CasePlan) -> String {
    let mut text = String::new();
    let many = counted(plan.subject.len() as u64, "identifier");
    write_line(&mut text, &format!("case {}: {} of a person, {many}", plan.case, counted(all(plan), "row")));
    for place in &plan.places {
        let rows = format!("{} deleted, {} anonymized", place.rows.deleted, place.rows.anonymized);
        write_line(
            &mut text,
            &format!(
                "  {}: {rows}, in {} of {}",
                place.dataset,
                place.objects_changed,
                counted(place.objects, "object")
            ),
        );
        place.refused.iter().for_each(|refused| write_line(&mut text, &of_refused(refused)));
    }
    to_withdraw(&mut text, plan);
    left(&mut text, "not reached", &plan.not_reached);
    left(&mut text, "not searched", &plan.not_searched);
    text
}

fn to_withdraw(text: &mut String, plan: &CasePlan) {
    let listed = plan.withdraws.as_deref().unwrap_or_default();
    for one in listed {
        let objects = counted(one.paths.len() as u64, "object");
        write_line(text, &format!("  to withdraw: {}, {objects}: {}", one.what, one.why));
    }
    write_line(
        text,
        match (listed.is_empty(), plan.is_held()) {
            (true, _) => "  nothing that shows the person is to be withdrawn now; what is published until then is, too",
            (false, true) => "  nothing of that is withdrawn as long as rows of the person are held",
            (false, false) => "  what is published until then and shows the person is withdrawn, too",
        },
    );
}

fn all(plan: &CasePlan) -> u64 {
    plan.rows_changed() + plan.rows_refused()
}

fn of_refused(refused: &RefusedRows) -> String {
    let until = refused.until.map(|until| format!(", until {}", rfc3339(until))).unwrap_or_default();
    format!("    {} stay as they are: {}{until}", counted(refused.rows, "row"), refused.because)
}

fn left<'a>(text: &mut String, what: &str, all: impl IntoIterator<Item = &'a Left>) {
    for one in all {
        write_line(text, &format!("  {what}: {}: {}", one.place, one.why));
    }
}

/// An erasure that is done.
pub(super) fn erased(certificate: &Certificate, state: CaseEnd) -> Answer {
    let mut text = self::certificate(certificate);
    let state = state.as_str().replace('_', " ");
    write_line(&mut text, &format!("case {} is {state}; its identifiers are gone", certificate.case));
    Answer::done(text, json!({ "state": state, "certificate": certificate }))
}

/// An erasure of which some rows are held.
pub(super) fn waiting(certificate: &Certificate, holds: &[String]) -> Answer {
    let mut text = self::certificate(certificate);
    write_line(
        &mut text,
        &format!(
            "case {} stays open: rows of the person are held by {}; run `auditlake subject apply {}` again when it is \
             released",
            certificate.case,
            holds.join(", "),
            certificate.case
        ),
    );
    Answer::done(text, json!({ "state": "open", "waits_for": holds, "certificate": certificate }))
}

/// An erasure that something was published beside, which may show the person.
pub(super) fn under_way(certificate: &Certificate, publishing: &[String]) -> Answer {
    let mut text = self::certificate(certificate);
    let case = &certificate.case;
    for one in publishing {
        write_line(&mut text, &format!("  under way: {one}, which may have read rows of the person before they went"));
    }
    write_line(
        &mut text,
        &format!("case {case} stays open; run `auditlake subject apply {case}` again when what is under way has ended"),
    );
    Answer::done(text, json!({ "state": "open", "under_way": publishing, "certificate": certificate }))
}

/// What an erasure came to.
pub(super) fn certificate(certificate: &Certificate) -> String {
    let mut text = String::new();
    let (deleted, anonymized) = certificate.rows();
    let due = certificate.due.map(|due| format!(", due {due}")).unwrap_or_default();
    write_line(
        &mut text,
        &format!(
            "erasure {} of {}: {deleted} rows deleted, {anonymized} anonymized; received {}{due}, ended {}",
            certificate.case,
            counted(certificate.subject.len() as u64, "identifier"),
            certificate.received,
            rfc3339(certificate.ended_at)
        ),
    );
    for (by, ticket) in &certificate.approved_by {
        write_line(&mut text, &format!("  approved by {by} on {ticket}"));
    }
    for place in &certificate.places {
        write_line(
            &mut text,
            &format!(
                "  {}: {} deleted, {} anonymized, in {} of {}",
                place.dataset,
                place.rows.deleted,
                place.rows.anonymized,
                place.objects.len(),
                counted(place.objects_looked_at.max(place.objects.len() as u64), "object")
            ),
        );
        place.refused.iter().for_each(|refused| write_line(&mut text, &of_refused(refused)));
    }
    for one in &certificate.withdrawn {
        let objects = counted(one.objects, "object");
        let unplanned = if one.unplanned { "; the plan that was approved does not list it" } else { "" };
        write_line(&mut text, &format!("  withdrawn: {}, {objects}: {}{unplanned}", one.what, one.then));
    }
    left(&mut text, "not reached", &certificate.not_reached);
    left(&mut text, "not searched", &certificate.not_searched);
    for copy in &certificate.copies {
        let until = copy.until.map(|until| format!(", for {until}")).unwrap_or_default();
        write_line(&mut text, &format!("  copy: {}: rows leave it by {}{until}", copy.what, copy.erased_by));
    }
    text
}
