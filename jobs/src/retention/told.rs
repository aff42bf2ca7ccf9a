//! Plans and outcomes for people, and as JSON.

use std::fmt::Write as _;

use engine::retention::{
    AbortRecord, Action, KnownPlan, Leftover, PlannedObject, ReplacedFiles, RetentionPlan, RowCounts, Skipped,
};
use schemas::rfc3339;
use serde_json::json;

use super::apply::{Outcome, PlanReceipt, is_held};
use crate::Answer;
use crate::show::{counted, write_line};

/// Objects of a plan that are shown one by one.
const OBJECTS_SHOWN: usize = 20;
/// Digits of an id that are shown.
const ID_SHOWN: usize = 12;

/// A plan, and what to do with it.
pub(super) fn plan(known: &KnownPlan) -> Answer {
    let mut text = String::new();
    if known.plan.is_empty() {
        let (dataset, policy) = (&known.plan.dataset, &known.plan.policy.name);
        write_line(
            &mut text,
            &format!("nothing is due in dataset \"{dataset}\" at {} by policy \"{policy}\"", rfc3339(known.plan.at)),
        );
        because(&mut text, &known.plan);
    } else {
        write_line(&mut text, &format!("plan {}", known.id));
        write_line(&mut text, &summary(&known.plan));
        because(&mut text, &known.plan);
        objects(&mut text, &known.plan);
        let confirm = match known.plan.is_above_brake() {
            true => format!(" --confirm-rows {}", known.plan.rows_changed()),
            false => String::new(),
        };
        let id = &known.id[..ID_SHOWN];
        write_line(&mut text, "\nnothing has been changed; somebody who agrees runs");
        write_line(&mut text, &format!("  auditlake retention approve {id} --ticket T --as NAME{confirm}"));
        write_line(&mut text, &format!("  auditlake retention apply {id}"));
    }
    Answer::done(text, json!({ "plan": known.id, "document": known.plan, "empty": known.plan.is_empty() }))
}

/// What a plan comes to, in a few lines.
pub(super) fn summary(plan: &RetentionPlan) -> String {
    let changing: Vec<&PlannedObject> = plan.changing().collect();
    let dropped = changing.iter().filter(|object| object.action == Action::DropObject).count() as u64;
    let rewritten = changing.len() as u64 - dropped;
    let touched: u64 = changing.iter().map(|object| object.row_groups_touched).sum();
    let groups: u64 = changing.iter().map(|object| object.row_groups).sum();
    let bytes: u64 = changing.iter().map(|object| object.bytes).sum();
    let planner = plan.planned_by.as_ref().map(|by| format!(", drawn up by {by}")).unwrap_or_default();
    let objects = changing.len() as u64 + plan.kept_objects;
    format!(
        "of dataset \"{}\" at {} by policy \"{}\"{planner}\n  objects  {} of {objects} change: {dropped} go whole, {rewritten} are rewritten; {touched} of their {} are \
         touched\n  rows     {}\n  bytes    {} lie in objects that change\n  grace    {}",
        plan.dataset,
        rfc3339(plan.at),
        plan.policy.name,
        changing.len(),
        counted(groups, "row group"),
        rows(&plan.rows),
        bytes,
        match plan.policy.grace_seconds {
            0 => "none: what goes is gone from the store at once".to_owned(),
            grace => format!("what goes is on the store for {} more", seconds(grace)),
        },
    )
}

fn rows(rows: &RowCounts) -> String {
    format!(
        "{} deleted, {} archived, {} anonymized; {} stay in the objects that change",
        rows.deleted, rows.archived, rows.anonymized, rows.after
    )
}

fn seconds(given: u64) -> String {
    match given {
        days if days % 86_400 == 0 => counted(days / 86_400, "day"),
        hours if hours % 3_600 == 0 => counted(hours / 3_600, "hour"),
        other => counted(other, "second"),
    }
}

/// Holds, conflicts, and what is left alone.
fn because(text: &mut String, plan: &RetentionPlan) {
    if !plan.holds.is_empty() {
        let cases: Vec<&str> = plan.holds.iter().map(|seen| seen.case.as_str()).collect();
        write_line(text, &format!("  holds    open cases: {}", cases.join(", ")));
    }
    for conflict in &plan.conflicts {
        write_line(text, &format!("  conflict {}", conflict.reason));
    }
    for kept in &plan.kept_past_maximum {
        write_line(text, &format!("  kept     {} past the maximum: {}", counted(kept.rows, "row"), kept.reason));
    }
    for object in plan.objects.iter().filter(|object| object.action == Action::Refuse) {
        let why = object.why.as_deref().unwrap_or_default();
        write_line(text, &format!("  left out \"{}\": {why}", object.path));
    }
    for copy in &plan.copies {
        let until = copy.until.map(|until| format!(", for {until}")).unwrap_or_default();
        write_line(text, &format!("  copy     {}: rows leave it by {}{until}", copy.what, copy.erased_by));
    }
}

fn objects(text: &mut String, plan: &RetentionPlan) {
    let changing: Vec<&PlannedObject> = plan.changing().collect();
    for object in changing.iter().take(OBJECTS_SHOWN) {
        let what = match object.action {
            Action::DropObject => "goes     ",
            Action::Rewrite | Action::Refuse => "rewritten",
        };
        let RowCounts { before, deleted, archived, anonymized, .. } = object.rows;
        let rules: Vec<&str> = object.rules.keys().map(String::as_str).collect();
        write_line(
            text,
            &format!(
                "  {what} {}: of {before} rows {deleted} deleted, {archived} archived, {anonymized} anonymized ({})",
                object.path,
                rules.join(", ")
            ),
        );
        for loss in &object.losses {
            write_line(text, &format!("            loses {loss}"));
        }
    }
    if let Some(more) = changing.len().checked_sub(OBJECTS_SHOWN).filter(|more| *more > 0) {
        write_line(text, &format!("  … and {}; --output json has all", counted(more as u64, "object")));
    }
}

/// A dry run of an apply.
pub(super) fn would_apply(known: &KnownPlan, refused: Option<String>) -> Answer {
    let mut text = String::new();
    write_line(&mut text, &format!("plan {}", known.id));
    write_line(&mut text, &summary(&known.plan));
    objects(&mut text, &known.plan);
    match &refused {
        Some(why) => write_line(&mut text, &format!("\nit may not be applied: {why}")),
        None => write_line(&mut text, "\nit may be applied; nothing has been changed"),
    }
    Answer::done(text, json!({ "plan": known.id, "document": known.plan, "refused": refused }))
}

/// What an apply did.
pub(super) fn applied(outcome: &Outcome) -> Answer {
    let Outcome { known, applied, receipt } = outcome;
    let mut text = String::new();
    let id = &known.id[..ID_SHOWN];
    let counts = applied.rows();
    write_line(
        &mut text,
        &format!("plan {id}: {} changed, {}", counted(applied.receipts.len() as u64, "object"), rows(&counts)),
    );
    for skipped in &applied.skipped {
        write_line(&mut text, &format!("  {}", self::skipped(skipped)));
    }
    if applied.skipped.iter().any(is_held) {
        write_line(&mut text, "  rows that are held are due again when their case is released; plan again then");
    }
    for left in applied.receipts.iter().flat_map(|object| &object.not_reached) {
        write_line(&mut text, &format!("  not reached: {left}"));
    }
    if let Some(until) = applied.waiting.iter().map(|waiting| waiting.until).max() {
        write_line(
            &mut text,
            &format!(
                "  {} gone for every reader and {} still on the store until {}; run the same command then",
                counted(applied.waiting.len() as u64, "object"),
                if applied.waiting.len() == 1 { "is" } else { "are" },
                rfc3339(until)
            ),
        );
    }
    replaced(&mut text, &applied.replaced);
    if let Some(receipt) = receipt {
        if receipt.states_deleted > 0 {
            write_line(&mut text, &format!("  {} deleted", counted(receipt.states_deleted, "state of files")));
        }
        for left in &receipt.states_not_reached {
            write_line(&mut text, &format!("  not reached: {left}"));
        }
        write_line(&mut text, &format!("done; receipt and certificate lie in _auditlake/journal/{}/", known.id));
    }
    Answer::done(text, json!({ "plan": known.id, "applied": applied, "receipt": receipt }))
}

/// What became of files that others had come in the place of.
fn replaced(text: &mut String, replaced: &ReplacedFiles) {
    let of = |many| counted(many, "file");
    if replaced.deleted > 0 {
        write_line(text, &format!("  {} deleted that a compaction or a query had replaced", of(replaced.deleted)));
    }
    if let Some(until) = replaced.until {
        write_line(
            text,
            &format!(
                "  {} that a compaction or a query replaced stay on the store until {}, for readers that began before; run \
                 the same command then",
                of(replaced.staying),
                rfc3339(until)
            ),
        );
    }
    for left in &replaced.not_reached {
        write_line(text, &format!("  not reached: {left}"));
    }
}

/// What an apply did that is done.
pub(super) fn applied_before(receipt: &PlanReceipt) -> Answer {
    let text = format!("was applied before; nothing was done\n{}", receipt_line(receipt));
    Answer::done(text, json!({ "plan": receipt.plan, "receipt": receipt, "before": true }))
}

/// A receipt in one line.
pub(super) fn receipt_line(receipt: &PlanReceipt) -> String {
    let mut line = format!(
        "{}  {}  {}: {}, {}",
        receipt.plan.get(..ID_SHOWN).unwrap_or(&receipt.plan),
        rfc3339(receipt.ended_at),
        receipt.dataset,
        counted(receipt.objects.len() as u64, "object"),
        rows(&receipt.rows)
    );
    if !receipt.skipped.is_empty() {
        let written = write!(line, "; {} left alone", counted(receipt.skipped.len() as u64, "object"));
        debug_assert!(written.is_ok(), "a String takes any text");
    }
    line
}

/// An object that was left alone, and why.
pub(super) fn skipped(abort: &AbortRecord) -> String {
    let why = match &abort.why {
        Skipped::Changed => "somebody wrote it since it was planned; plan again".to_owned(),
        Skipped::Gone => "it is gone since it was planned; plan again".to_owned(),
        Skipped::Held { case, .. } => format!("case {case} may hold some of it"),
        Skipped::OtherRows => "other rows of it are due than were planned; plan again".to_owned(),
        Skipped::PolicyEdited => "the policy was edited after the apply began; plan again".to_owned(),
        Skipped::Unreadable { why } => why.clone(),
    };
    format!("left alone: \"{}\": {why}", abort.path)
}

/// Something that was left half done, and what was done about it.
pub(super) fn leftover(leftover: &Leftover, done: Option<&str>) -> String {
    let what = match leftover {
        Leftover::OpenPlan { plan, dataset, objects } => format!(
            "plan {} of dataset \"{dataset}\" is under way: {}",
            plan.get(..ID_SHOWN).unwrap_or(plan),
            counted(objects.len() as u64, "object")
        ),
        Leftover::Restored { plan, path } => format!(
            "\"{path}\" has the bytes again that plan {} took away: a restore brought them back",
            plan.get(..ID_SHOWN).unwrap_or(plan)
        ),
        Leftover::ArchivedTwice { path } => {
            format!("\"{path}\" is in the archive, and its rows were not removed from the dataset")
        }
        Leftover::Dropped { path } => format!("\"{path}\" counts no more, and no plan is about to remove it"),
    };
    match done {
        Some(done) => format!("{what}; {done}"),
        None => format!("{what}; --repair brings it to an end"),
    }
}
