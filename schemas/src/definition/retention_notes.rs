//! What `check` remarks about retention: nothing is wrong, and somebody may want to know.

use super::checked::{Dataset, JobKind, Lake};
use super::retention::{EVENT_TYPE, NEVER_DELETE_DEFAULT};
use crate::access::Permission;
use crate::event_types::misspelt;
use crate::retention::{Disposition, Pattern, RetentionPolicy};

/// A sentence each: rules that a standard always outlasts, types of events that look misspelt, proof that may go, rows
/// that nothing ever removes, and who may both approve and apply.
pub fn retention_notes(lake: &Lake) -> Vec<String> {
    let enabled = || lake.retention.iter().filter(|policy| policy.enabled);
    let mut notes: Vec<String> = enabled().flat_map(outlasted).collect();
    notes.extend(enabled().flat_map(strange_types));
    notes.extend(enabled().filter_map(|policy| unprotected(policy, lake)));
    let has_none = |dataset: &&Dataset| lake.policy_of(&dataset.id).is_none();
    let rewritten = lake.datasets.iter().filter(|dataset| dataset.elsewhere.is_none() && dataset.map.is_none());
    let kept: Vec<&str> = rewritten.filter(has_none).map(|dataset| dataset.id.as_str()).collect();
    if !kept.is_empty() {
        notes.push(format!("kept for ever, as no enabled policy is about it: rows of {}", kept.join(", ")));
    }
    let ingested = lake.datasets.iter().filter(|dataset| {
        lake.jobs.iter().any(|job| matches!(&job.kind, JobKind::Ingest(spec) if spec.into == dataset.id))
    });
    let rejected: Vec<Dataset> = ingested.filter_map(Dataset::rejected).collect();
    let rejected: Vec<&str> = rejected.iter().filter(has_none).map(|dataset| dataset.id.as_str()).collect();
    if !rejected.is_empty() {
        notes.push(format!(
            "kept for ever, as no enabled policy is about it: what ingests refused, personal data too, in {}",
            rejected.join(", ")
        ));
    }
    notes.extend(both_hands(lake));
    notes
}

/// Rules that the policy's own standards make wait.
fn outlasted(policy: &RetentionPolicy) -> impl Iterator<Item = String> {
    policy.rules.iter().filter_map(|rule| {
        let due = rule.maximum.as_ref()?;
        let done = match due.disposition {
            Disposition::Archive { .. } => "archives",
            Disposition::Anonymize(_) => "anonymizes",
            Disposition::Delete => return None,
        };
        let outlasts = policy.standards.iter().filter(|standard| standard.minimum().always_outlasts(due.after));
        let standard = outlasts.max_by_key(|standard| standard.minimum().hours())?;
        Some(format!(
            "policy \"{}\": rule \"{}\" {done} after {}, and standard {} keeps every row {}, so it waits for that",
            policy.id,
            rule.name,
            due.after,
            standard.as_str(),
            standard.minimum()
        ))
    })
}

/// Types of events that look like a slip of the pen: a rule that names one is met by no row.
fn strange_types(policy: &RetentionPolicy) -> impl Iterator<Item = String> {
    let columns = policy.rules.iter().flat_map(|rule| &rule.rows.columns);
    let named = columns.filter(|one| one.column == EVENT_TYPE).flat_map(|one| &one.values);
    named.chain(&policy.never_delete).filter_map(|pattern| {
        let (policy, given) = (&policy.id, pattern.to_string());
        let near = misspelt(&given)?;
        Some(format!("policy \"{policy}\" names type of event \"{given}\"; did you mean \"{near}\"?"))
    })
}

/// Events that show what was held and removed, where the policy's own list leaves them out.
fn unprotected(policy: &RetentionPolicy, lake: &Lake) -> Option<String> {
    let dataset = lake.dataset(&policy.dataset)?;
    let has_types = dataset.is_inferred() || dataset.schema.column(EVENT_TYPE).is_some();
    let mut due = policy.rules.iter().filter_map(|rule| rule.maximum.as_ref());
    if !has_types || !due.any(|due| !matches!(due.disposition, Disposition::Anonymize(_))) {
        return None;
    }
    let covers = |listed: &Pattern, wanted: &str| match listed.exact() {
        Some(exact) => exact == wanted,
        None => listed.matches(wanted.trim_end_matches('*')),
    };
    let left: Vec<&str> = NEVER_DELETE_DEFAULT
        .into_iter()
        .filter(|wanted| !policy.never_delete.iter().any(|listed| covers(listed, wanted)))
        .collect();
    if left.is_empty() {
        return None;
    }
    Some(format!(
        "policy \"{}\" lets events go that show what was held, removed or switched off: add to never_delete {}",
        policy.id,
        left.join(", ")
    ))
}

/// Principals who need nobody else to remove rows.
fn both_hands(lake: &Lake) -> impl Iterator<Item = String> {
    let principals = lake.access.iter().flat_map(|access| access.principals.values());
    let both = principals.filter(|who| who.may(Permission::RetentionApprove) && who.may(Permission::RetentionApply));
    both.map(|who| {
        let name = &who.name;
        format!("principal \"{name}\" may both approve and apply plans of retention; give one of the two to another")
    })
}
