//! `schemas/frameworks/*.yaml`, checked.

use std::collections::BTreeSet;

use super::problem::Problems;
use super::raw::{RawFramework, RawRequirement};
use super::yaml::At;
use crate::framework::{Framework, Requirement};

/// Longest title: ids and our own short titles ship, the texts of others do not.
pub(super) const TITLE_CHARS_MAX: usize = 60;

pub(super) fn build(raw: RawFramework, problems: &mut Problems) -> Option<Framework> {
    let before = problems.len();
    let mut seen = BTreeSet::new();
    if raw.requirements.value.is_empty() {
        problems.add(raw.requirements.place, "requirements is empty; list every requirement of the framework");
    }
    let mut requirements = Vec::new();
    for requirement in raw.requirements.value {
        if !seen.insert(requirement.id.value.clone()) {
            let message = format!("requirement {:?} stands here a second time; keep one", requirement.id.value);
            problems.add(requirement.id.place, message);
        }
        requirements.push(build_requirement(requirement, problems));
    }
    let key = filled("framework", raw.framework, problems);
    let name = filled("name", raw.name, problems);
    let edition = filled("edition", raw.edition, problems);
    (problems.len() == before).then_some(Framework { key, name, edition, requirements })
}

fn build_requirement(raw: RawRequirement, problems: &mut Problems) -> Requirement {
    let place = raw.id.place;
    match (&raw.looked_at, &raw.why) {
        (Some(_), None) => {
            problems.add(place, "looked_at: never needs a why: say what keeps audit events from showing it")
        }
        (None, Some(why)) => problems.add(why.place, "why is given without looked_at: never; add it or leave why out"),
        _ => {}
    }
    Requirement {
        id: filled("id", raw.id, problems),
        title: title(raw.title, problems),
        never: raw.why.map(|why| filled("why", why, problems)),
    }
}

/// A title of at most [`TITLE_CHARS_MAX`] characters.
pub(super) fn title(given: At<String>, problems: &mut Problems) -> String {
    let chars = given.value.chars().count();
    if chars > TITLE_CHARS_MAX {
        problems.add(given.place, format!("title has {chars} characters; write at most {TITLE_CHARS_MAX}"));
    }
    filled("title", given, problems)
}

/// A text that says something.
pub(super) fn filled(name: &str, given: At<String>, problems: &mut Problems) -> String {
    if given.value.trim().is_empty() {
        problems.add(given.place, format!("{name} is empty; write something"));
    }
    given.value
}
