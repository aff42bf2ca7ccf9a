//! What `check` remarks about anonymized copies: what is not in them, and what is as it was.

use super::checked::{JobKind, Lake};
use crate::anonymize::{AnonymizePolicy, Others};

/// A sentence each: columns that are dropped because nobody names them, and policies that no job carries out.
pub fn anonymize_notes(lake: &Lake) -> Vec<String> {
    lake.copies.iter().filter(|policy| policy.enabled).flat_map(|policy| notes(policy, lake)).collect()
}

fn notes(policy: &AnonymizePolicy, lake: &Lake) -> Vec<String> {
    let mut notes = Vec::new();
    let id = &policy.id;
    if !policy.dropped.is_empty() && policy.others == Others::Keep {
        let dropped: Vec<&str> = policy.dropped.iter().map(String::as_str).collect();
        notes.push(format!(
            "policy \"{id}\" does not name columns of dataset \"{}\" that are about a person, so the copy lacks them: \
             {}",
            policy.from,
            dropped.join(", ")
        ));
    }
    let plain = policy.columns.iter().filter(|(_, column)| column.method.is_none() && column.ladder.is_none());
    let source = lake.dataset(&policy.from);
    let is_personal = |name: &str| {
        source.is_some_and(|source| source.is_personal(name) || source.subjects.iter().any(|one| one == name))
    };
    let raw: Vec<&str> = plain.map(|(name, _)| name.as_str()).filter(|name| is_personal(name)).collect();
    if !raw.is_empty() {
        notes.push(format!(
            "policy \"{id}\" copies values about a person as they are: {}; give them a method if that is not meant",
            raw.join(", ")
        ));
    }
    let others: Vec<&str> = lake
        .jobs
        .iter()
        .filter(|job| !matches!(&job.kind, JobKind::Anonymize(spec) if spec.policy == policy.id))
        .filter(|job| match &job.kind {
            JobKind::Ingest(spec) => spec.into == policy.to,
            JobKind::Query(spec) => spec.into == policy.to,
            JobKind::Anonymize(spec) => {
                lake.copies.iter().any(|other| other.id == spec.policy && other.to == policy.to)
            }
            _ => false,
        })
        .map(|job| job.id.as_str())
        .collect();
    if !others.is_empty() {
        notes.push(format!(
            "dataset \"{}\" holds the copy of policy \"{id}\", and other jobs write rows into it that are not measured \
             with it: {}",
            policy.to,
            others.join(", ")
        ));
    }
    notes
}
