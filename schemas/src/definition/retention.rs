//! `policies/*.yaml` with first key `policy`: retention policies, checked against their datasets.
//!
//! A policy that is not enabled is checked like any other, so that a template stays right until somebody enables it; only
//! its dataset need not be there, and what it says of columns then waits.
//!
//! Absent: what follows for a row, which `engine` decides, and rules that lose to others on some rows only: they are no
//! errors but conflicts, which the plan names with their rows.

mod amounts;
mod in_place;
mod rows;
mod rule;

use std::collections::BTreeMap;

use super::checked::Dataset;
use super::dataset::REJECTED_ENDING;
use super::framework::filled;
use super::problem::{Place, Problems};
use super::raw_retention::{RawApproval, RawCopy, RawErasure, RawRetention};
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::id::{DatasetId, PolicyId};
use crate::retention::{
    ApprovalRule, ErasureMode, ErasureRule, OtherCopy, Pattern, RetentionPolicy, Span, Standard, WithinMinimum,
};
use crate::tables::INFERRED;
pub(super) use amounts::ppm;
use amounts::{BRAKE_PPM_DEFAULT, GRACE_SECONDS_DEFAULT, VALID_FOR_SECONDS_DEFAULT, grace, valid_for};
use rule::Rules;

/// Column that `where.event_type` and `never_delete` speak of.
pub(super) const EVENT_TYPE: &str = "event_type";
/// Types of events that no policy removes unless it says otherwise: they show what was held, removed and switched off.
pub(super) const NEVER_DELETE_DEFAULT: [&str; 6] =
    ["legal_hold.*", "retention.*", "dsr.erasure_completed", "audit.paused", "audit.resumed", "audit.config_changed"];
/// Principals that must agree unless the policy says otherwise.
const APPROVERS_DEFAULT: u32 = 1;

pub(super) fn build(
    raw: RawRetention,
    sha256: String,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<RetentionPolicy> {
    let before = problems.len();
    let id = problems.keep(raw.policy.place, PolicyId::parse(&raw.policy.value));
    let enabled = raw.enabled.unwrap_or(true);
    let about = raw.dataset.as_ref().unwrap_or(&raw.policy);
    // A name that is none has been told.
    let of = match &id {
        None if raw.dataset.is_none() => None,
        _ => problems.keep(about.place, dataset(about, raw.dataset.is_some(), enabled, around)).flatten(),
    };
    let standards = raw.standards.map(|listed| standards(listed, problems)).unwrap_or_default();
    // Without its dataset a policy is judged by itself, so that all that is wrong with it is said at once.
    let stand_in = of.is_none().then(|| stand_in(&about.value)).flatten();
    let of = of.or(stand_in)?;
    if enabled && let Some(message) = already(&of.id, around) {
        problems.add(about.place, message);
    }
    let rules_place = raw.rules.place;
    let rules = Rules { dataset: &of, standards: &standards }.build(raw.rules, problems);
    if of.time.is_none() && !(rules.is_empty() && standards.is_empty()) {
        problems.add(rules_place, ageless(&of, around));
    }
    let copies = raw.copies.map(|listed| copies(listed, problems)).unwrap_or_default();
    let policy = RetentionPolicy {
        id: id?,
        enabled,
        rules,
        never_delete: never_delete(raw.never_delete, &of, problems),
        dataset: of.id,
        standards,
        erasure: erasure(raw.erasure),
        grace_seconds: raw
            .grace
            .map_or(Some(GRACE_SECONDS_DEFAULT), |given| problems.keep(given.place, grace(&given.value)))
            .unwrap_or_default(),
        approval: approval(raw.approval, problems),
        copies,
        sha256,
    };
    (problems.len() == before).then_some(policy)
}

/// The dataset of that name, or the one that holds what its ingests refuse. None where its own file is wrong, which is
/// said there, or where a policy that is not enabled waits for it.
fn dataset(
    given: &At<String>,
    is_named: bool,
    enabled: bool,
    around: &Surroundings,
) -> Result<Option<Dataset>, String> {
    let name = &given.value;
    if let Some(declared) = around.dataset(name) {
        return match owned(declared) {
            // A template counts for nothing until it is enabled.
            Err(_) if !enabled => Ok(None),
            owned => owned.map(Some),
        };
    }
    if let Some(base) = name.strip_suffix(REJECTED_ENDING).and_then(|base| around.dataset(base)) {
        return match base.rejected() {
            Some(rejected) => Ok(Some(rejected)),
            None => Err(format!(
                "dataset \"{name}\" does not exist: no ingest writes dataset \"{}\", so none refuses records; name \
                 another",
                base.id
            )),
        };
    }
    match around.dataset_names.lacks(name) {
        Some(sentence) if enabled && is_named => Err(format!("dataset {name:?} does not exist; {sentence}")),
        Some(sentence) if enabled => Err(format!(
            "policy {name:?} has the name of no dataset; add dataset: with the one that it is about; {sentence}"
        )),
        _ => Ok(None),
    }
}

/// A dataset whose files are the lake's to rewrite.
fn owned(dataset: &Dataset) -> Result<Dataset, String> {
    let id = &dataset.id;
    if dataset.elsewhere.is_some() {
        return Err(format!(
            "dataset \"{id}\" lies elsewhere, at {}: files there belong to others and are never rewritten; name one \
             with a folder of the lake's",
            dataset.location
        ));
    }
    if dataset.map.is_some() {
        return Err(format!(
            "dataset \"{id}\" has a map: its files hold other rows than it shows, and which is which cannot be told; \
             ingest the files into a dataset, and name that"
        ));
    }
    Ok(dataset.clone())
}

/// Stands for a dataset that is not known: whatever column is named of it may be there.
fn stand_in(name: &str) -> Option<Dataset> {
    Some(Dataset {
        id: DatasetId::parse(name).or_else(|_| DatasetId::parse("unnamed")).ok()?,
        location: String::new(),
        elsewhere: None,
        schema: &INFERRED,
        map: None,
        time: Some("time".to_owned()),
        tenant: "tenant_id".to_owned(),
        subjects: Vec::new(),
        classes: BTreeMap::new(),
        data_classes: Vec::new(),
        portable: std::collections::BTreeSet::new(),
    })
}

/// When another enabled policy is about the dataset.
fn already(dataset: &DatasetId, around: &Surroundings) -> Option<String> {
    let (other, file) = around.policies.iter().find(|(other, _)| other.enabled && other.dataset == *dataset)?;
    Some(format!(
        "dataset \"{dataset}\" has an enabled policy already, \"{}\" in {file}; put the rules into one of them, or write \
         enabled: false in the other",
        other.id
    ))
}

fn ageless(dataset: &Dataset, around: &Surroundings) -> String {
    let id = &dataset.id;
    if dataset.is_inferred() {
        let file = around.datasets.iter().find(|(known, _)| known.id == *id).map(|(_, file)| file.as_str());
        let file = file.unwrap_or("its file");
        return format!(
            "rules and standards go by the age of rows, and dataset \"{id}\" names no column of time; add time: with \
             the name of one to {file}"
        );
    }
    format!(
        "rules and standards go by the age of rows, and rows of {} (dataset \"{id}\") have none: they hold until \
         others do; write rules: [] and leave standards out",
        dataset.schema.name
    )
}

fn standards(listed: At<Vec<At<Standard>>>, problems: &mut Problems) -> Vec<Standard> {
    let mut standards = Vec::new();
    for At { value, place } in listed.value {
        if standards.contains(&value) {
            problems.add(place, format!("standard {} stands here twice; keep one", value.as_str()));
        } else {
            standards.push(value);
        }
    }
    standards.sort();
    standards
}

/// Empty, whatever is said or left out, where rows have no type.
fn never_delete(listed: Option<At<Vec<At<String>>>>, dataset: &Dataset, problems: &mut Problems) -> Vec<Pattern> {
    let has_types = dataset.is_inferred() || dataset.schema.column(EVENT_TYPE).is_some();
    let Some(listed) = listed else {
        let defaults = NEVER_DELETE_DEFAULT.iter().filter_map(|text| Pattern::parse(text).ok());
        return if has_types { defaults.collect() } else { Vec::new() };
    };
    if !has_types && !listed.value.is_empty() {
        let message = format!(
            "never_delete names types of events, and schema {} has no column event_type; leave it out",
            dataset.schema.name
        );
        problems.add(listed.place, message);
    }
    let mut patterns = Vec::new();
    for At { value, place } in listed.value {
        let Some(pattern) = problems.keep(place, Pattern::parse(&value)) else { continue };
        if patterns.contains(&pattern) {
            problems.add(place, format!("never_delete {value:?} stands here twice; keep one"));
        } else {
            patterns.push(pattern);
        }
    }
    patterns
}

fn erasure(raw: Option<RawErasure>) -> ErasureRule {
    let (mode, within_minimum) = raw.map_or((None, None), |raw| (raw.mode, raw.within_minimum));
    ErasureRule {
        mode: mode.unwrap_or(ErasureMode::Delete),
        within_minimum: within_minimum.unwrap_or(WithinMinimum::Anonymize),
    }
}

pub(super) fn approval(raw: Option<RawApproval>, problems: &mut Problems) -> ApprovalRule {
    let RawApproval { approvers, not_planner, valid_for: given, brake } =
        raw.unwrap_or(RawApproval { approvers: None, not_planner: None, valid_for: None, brake: None });
    let valid =
        given.map_or(Some(VALID_FOR_SECONDS_DEFAULT), |given| problems.keep(given.place, valid_for(&given.value)));
    let brake = brake.map_or(Some(BRAKE_PPM_DEFAULT), |given| problems.keep(given.place, ppm("brake", &given.value)));
    // What could not be read is said, and no policy comes of it.
    ApprovalRule {
        approvers: approvers.unwrap_or(APPROVERS_DEFAULT),
        not_planner: not_planner.unwrap_or(true),
        valid_for_seconds: valid.unwrap_or_default(),
        brake_ppm: brake.unwrap_or_default(),
    }
}

fn copies(listed: At<Vec<RawCopy>>, problems: &mut Problems) -> Vec<OtherCopy> {
    let mut copies: Vec<OtherCopy> = Vec::new();
    for raw in listed.value {
        let until = raw.until.and_then(|given| span("until", &given, problems));
        let place = raw.what.place;
        let what = filled("what", raw.what, problems);
        let erased_by = filled("erased_by", raw.erased_by, problems);
        if copies.iter().any(|other| other.what == what) {
            problems.add(place, format!("copy {what:?} stands here twice; keep one"));
        }
        copies.push(OtherCopy { what, erased_by, until });
    }
    copies
}

/// A length of time; `what` is what messages call it.
fn span(what: &str, given: &At<String>, problems: &mut Problems) -> Option<Span> {
    problems.keep(given.place, Span::parse(&given.value).map_err(|why| format!("{what} {why}")))
}

/// Where a rule stands, and what it is called.
#[derive(Debug, Clone, Copy)]
struct InRule<'a> {
    name: &'a str,
    place: Place,
}

impl InRule<'_> {
    fn add(&self, at: Place, message: &str, problems: &mut Problems) {
        problems.add(at, format!("rule \"{}\": {message}", self.name));
    }
}
