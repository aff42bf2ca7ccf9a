//! `policies/subjects.yaml`, checked against the datasets.
//!
//! Absent: whether the keys are there, which whoever needs them finds out.

use std::collections::BTreeMap;

use super::checked::Dataset;
use super::nearest::nearest;
use super::problem::{Place, Problems};
use super::raw_access::RawMaskKey;
use super::raw_subjects::{RawIdentities, RawRequests, RawSubjectsFile};
use super::retention::approval;
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::access::{MaskKey, SecretSource};
use crate::deadline::RequestRule;
use crate::id::{DatasetId, name};
use crate::subject::{Identities, PERSON_KIND, RequestRows, SubjectPolicy};
use crate::table::TableSchema;
use crate::tables::{CORRECTION, DSR};

/// Whose clock runs unless the file says otherwise.
const JURISDICTION_DEFAULT: &str = "house";
/// Steps between identifiers unless the file says otherwise, and at most.
const DEPTH: (u32, u32) = (2, 5);
/// Identifiers of a person unless the file says otherwise, and at most.
const LIMIT: (u32, u32) = (50, 10_000);

pub(super) fn build(raw: RawSubjectsFile, around: &Surroundings, problems: &mut Problems) -> Option<SubjectPolicy> {
    let before = problems.len();
    let raw = raw.subjects;
    let key = key(raw.key, problems);
    let mut retired: Vec<MaskKey> = Vec::new();
    for given in raw.retired.into_iter().flat_map(|listed| listed.value) {
        let place = given.id.place;
        let Some(one) = self::key(given, problems) else { continue };
        if retired.iter().chain(&key).any(|other| other.id == one.id) {
            problems.add(place, format!("key id {:?} stands here twice; every key has its own id", one.id));
        }
        retired.push(one);
    }
    let identities = raw.identities.map(|given| identities(given, around, problems));
    let mut kinds = raw.kinds.map(|given| kinds(given, around, problems)).unwrap_or_default();
    if let Some(Some(identities)) = &identities {
        let person = (identities.person.clone(), PERSON_KIND.to_owned());
        for (column, kind) in identities.ids.clone().into_iter().chain([person]) {
            kinds.entry((identities.dataset.clone(), column)).or_insert(kind);
        }
    }
    let jurisdiction = match raw.jurisdiction {
        None => JURISDICTION_DEFAULT.to_owned(),
        Some(given) => {
            problems.keep(given.place, jurisdiction(&given.value));
            given.value
        }
    };
    let approval = approval(raw.approval, problems);
    let requests = raw.requests.and_then(|given| requests(&given, around, problems));
    let corrections = raw.corrections.and_then(|given| {
        let what = "corrections are";
        of_schema(&given, (&CORRECTION, what), around, problems).map(|dataset| dataset.id.clone())
    });
    let identities = identities.map_or(Some(None), |found| found.map(Some));
    let policy = SubjectPolicy {
        key: key?,
        retired,
        identities: identities?,
        kinds,
        jurisdiction,
        approval,
        requests,
        corrections,
    };
    (problems.len() == before).then_some(policy)
}

fn key(raw: RawMaskKey, problems: &mut Problems) -> Option<MaskKey> {
    let id = problems.keep(raw.id.place, name("key id", &raw.id.value).map_err(|error| error.to_string()));
    let secret = problems.keep(raw.secret.place, SecretSource::parse(&raw.secret.value));
    Some(MaskKey { id: id?, secret: secret? })
}

/// Whether a clock runs there.
fn jurisdiction(given: &str) -> Result<(), String> {
    let known = RequestRule::jurisdictions();
    if known.contains(&given) {
        return Ok(());
    }
    let near = nearest(given, known.iter().copied()).map(|near| format!("did you mean {near:?}? ")).unwrap_or_default();
    Err(format!("jurisdiction {given:?} has no rule; {near}there are: {}", known.join(", ")))
}

fn identities(raw: RawIdentities, around: &Surroundings, problems: &mut Problems) -> Option<Identities> {
    let dataset = dataset(&raw.dataset.value, raw.dataset.place, around, problems)?;
    column(dataset, &raw.person.value, raw.person.place, problems);
    let mut ids = BTreeMap::new();
    if raw.ids.value.is_empty() {
        problems.add(raw.ids.place, "ids has no column; write for example {account_id: user}");
    }
    for (of, kind) in raw.ids.value {
        column(dataset, &of, kind.place, problems);
        let kind = problems.keep(kind.place, kind_name(&kind.value));
        ids.extend(kind.map(|kind| (of, kind)));
    }
    let depth = within("depth", raw.depth, DEPTH, problems);
    let limit = within("limit", raw.limit, LIMIT, problems);
    Some(Identities { dataset: dataset.id.clone(), person: raw.person.value, ids, depth, limit })
}

/// The dataset that is named, which must have rows of a schema.
fn of_schema<'a>(
    named: &At<String>,
    (schema, what): (&TableSchema, &str),
    around: &'a Surroundings,
    problems: &mut Problems,
) -> Option<&'a Dataset> {
    let dataset = dataset(&named.value, named.place, around, problems)?;
    if dataset.schema.name == schema.name {
        return Some(dataset);
    }
    let message = format!(
        "dataset \"{}\" has rows of {}, and {what} rows of {}; name another one, or give it `schema: {}`",
        dataset.id, dataset.schema.name, schema.name, schema.name
    );
    problems.add(named.place, message);
    None
}

fn requests(raw: &RawRequests, around: &Surroundings, problems: &mut Problems) -> Option<RequestRows> {
    let dataset = of_schema(&raw.dataset, (&DSR, "cases are"), around, problems)?;
    if raw.tenant.value.trim().is_empty() {
        problems.add(raw.tenant.place, "tenant is empty; name the tenant that the rows belong to");
        return None;
    }
    Some(RequestRows { dataset: dataset.id.clone(), tenant: raw.tenant.value.clone() })
}

fn within(what: &str, given: Option<At<u32>>, (default, most): (u32, u32), problems: &mut Problems) -> u32 {
    let Some(given) = given else { return default };
    if !(1..=most).contains(&given.value) {
        problems.add(given.place, format!("{what} {} is not between 1 and {most}", given.value));
    }
    given.value
}

fn kind_name(given: &str) -> Result<String, String> {
    name("kind", given).map_err(|error| error.to_string())
}

fn kinds(
    given: At<BTreeMap<String, At<String>>>,
    around: &Surroundings,
    problems: &mut Problems,
) -> BTreeMap<(DatasetId, String), String> {
    let mut kinds = BTreeMap::new();
    for (of, kind) in given.value {
        let Some((dataset_name, column_name)) = of.split_once('.') else {
            problems.add(kind.place, format!("{of:?} is no column of a dataset; write for example audit.{of}"));
            continue;
        };
        let Some(dataset) = dataset(dataset_name, kind.place, around, problems) else { continue };
        if !dataset.subjects.iter().any(|subject| subject == column_name) {
            let named = dataset.subjects.join(", ");
            let message = format!(
                "column {column_name:?} of dataset \"{}\" names nobody; columns that do: {named}; add it to its subjects",
                dataset.id
            );
            problems.add(kind.place, message);
            continue;
        }
        let kind = problems.keep(kind.place, kind_name(&kind.value));
        kinds.extend(kind.map(|kind| ((dataset.id.clone(), column_name.to_owned()), kind)));
    }
    kinds
}

fn dataset<'a>(given: &str, place: Place, around: &'a Surroundings, problems: &mut Problems) -> Option<&'a Dataset> {
    if let Some(dataset) = around.dataset(given) {
        return Some(dataset);
    }
    if let Some(hint) = around.dataset_names.lacks(given) {
        problems.add(place, format!("dataset {given:?} does not exist; {hint}"));
    }
    None
}

fn column(dataset: &Dataset, given: &str, place: Place, problems: &mut Problems) {
    if dataset.is_inferred() || dataset.schema.column(given).is_some() {
        return;
    }
    let near = nearest(given, dataset.schema.columns.iter().map(|column| column.name));
    let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
    problems.add(place, format!("dataset \"{}\" has no column {given:?}{near}", dataset.id));
}
