//! `policies/*.yaml` with first key `anonymize`: copies that are safe to share, checked against their datasets.
//!
//! What the columns of a dataset without a schema are, only its files know; what is said of such a column is checked
//! when the copy is made. A policy that is not enabled waits for datasets that are not there. Absent: reading
//! hierarchies and keys, which do not lie in definitions.

mod column;
mod hierarchy;
mod method;

use std::collections::{BTreeMap, BTreeSet};

use super::checked::Dataset;
use super::problem::{Place, Problems};
use super::raw_anonymize::{RawAnonymize, RawDiversity, RawFromTo, RawRequire, RawSearch};
use super::retention::ppm;
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::anonymize::{AnonymizePolicy, CopyColumn, CopyMethod, Diversity, Loss, Privacy, Role, Search, SearchKind};
use crate::id::PolicyId;
use crate::table::Presence;
use column::Columns;
use method::number;

pub(super) fn build(
    raw: RawAnonymize,
    sha256: String,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<AnonymizePolicy> {
    let before = problems.len();
    let id = problems.keep(raw.anonymize.place, PolicyId::parse(&raw.anonymize.value));
    let RawFromTo { from, to } = raw.copy;
    let enabled = raw.enabled.unwrap_or(true);
    let waits = |name: &str| !enabled && around.dataset_names.lacks(name).is_some();
    let (from_waits, to_waits) = (waits(&from.value), waits(&to.value));
    let source =
        if from_waits { None } else { problems.keep(from.place, dataset("from", &from.value, around)).flatten() };
    let target =
        if to_waits { None } else { problems.keep(to.place, target(&to.value, &from.value, around)).flatten() };
    let place = raw.columns.place;
    let purpose = &raw.anonymize.value;
    let columns = Columns { dataset: source, purpose }.build(raw.columns, problems);
    let require = raw.require.as_ref().map(|given| requirement(given, &columns, problems)).unwrap_or_default();
    check_roles(&columns, require, place, problems);
    let policy = AnonymizePolicy {
        id: id?,
        enabled,
        from: source?.id.clone(),
        to: target?.id.clone(),
        dropped: unnamed(source?, &columns),
        others: raw.others.map(|others| others.value).unwrap_or_default(),
        search: search(raw.search, (&columns, require), place, problems),
        columns,
        require,
        sha256,
    };
    check_fits(&policy, (source?, target?), to.place, problems);
    (problems.len() == before).then_some(policy)
}

/// The dataset of that name; none where its own file is wrong, which is said there.
fn dataset<'a>(key: &str, name: &str, around: &'a Surroundings) -> Result<Option<&'a Dataset>, String> {
    if let Some(sentence) = around.dataset_names.lacks(name) {
        return Err(format!("{key} names dataset {name:?}, which does not exist; {sentence}"));
    }
    Ok(around.dataset(name))
}

fn target<'a>(name: &str, from: &str, around: &'a Surroundings) -> Result<Option<&'a Dataset>, String> {
    let Some(dataset) = dataset("to", name, around)? else { return Ok(None) };
    if name == from {
        return Err(format!(
            "the copy of dataset \"{name}\" would go into itself; name another dataset, with a folder of its own"
        ));
    }
    if dataset.map.is_some() || dataset.elsewhere.is_some() {
        return Err(format!(
            "to names dataset \"{name}\", whose files others write; name one with a folder of the lake's and no map"
        ));
    }
    Ok(Some(dataset))
}

/// Columns about a person that nobody named.
fn unnamed(source: &Dataset, columns: &BTreeMap<String, CopyColumn>) -> BTreeSet<String> {
    let classed = source.classes.keys().filter(|name| source.is_personal(name));
    let personal: BTreeSet<&String> = classed.chain(&source.subjects).collect();
    personal.into_iter().filter(|name| !columns.contains_key(*name)).cloned().collect()
}

fn requirement(given: &At<RawRequire>, columns: &BTreeMap<String, CopyColumn>, problems: &mut Problems) -> Privacy {
    let raw = &given.value;
    let l = raw.l.as_ref().and_then(|l| problems.keep(l.place, diversity(&l.value)));
    let t = raw.t.as_ref().and_then(|t| {
        let t = number("t", t, problems)?;
        if (0.0..=1.0).contains(&t) {
            return Some(t);
        }
        problems.add(given.place, format!("t is {t}; write a number from 0 to 1, for example 0.2"));
        None
    });
    let require = Privacy { k: raw.k, l, t };
    let stated = raw.k.is_some() || raw.l.is_some() || raw.t.is_some();
    if !stated {
        problems.add(given.place, "require says nothing; write for example {k: 5}");
    }
    let has = |role| columns.values().any(|column| column.role == Some(role));
    if stated && !has(Role::Quasi) {
        let message = "require is about rows that are alike in every quasi identifier, and no column is one; give \
            columns role: quasi";
        problems.add(given.place, message);
    }
    if (raw.l.is_some() || raw.t.is_some()) && !has(Role::Sensitive) {
        problems
            .add(given.place, "l and t are about sensitive columns, and no column is one; give one role: sensitive");
    }
    require
}

fn diversity(raw: &RawDiversity) -> Result<Diversity, String> {
    match (raw.distinct, &raw.entropy) {
        (Some(distinct), None) => Ok(Diversity::Distinct(distinct)),
        (None, Some(entropy)) => match entropy.value.parse::<f64>() {
            Ok(least) if least > 1.0 && least.is_finite() => Ok(Diversity::Entropy(least)),
            _ => Err(format!("entropy {:?} is no number above 1; write for example 1.5", entropy.value)),
        },
        _ => Err("l is distinct or entropy; write one of them, for example {distinct: 2}".to_owned()),
    }
}

/// Says which roles nobody measures.
fn check_roles(columns: &BTreeMap<String, CopyColumn>, require: Privacy, place: Place, problems: &mut Problems) {
    if columns.values().any(|column| column.role.is_some()) && require.is_empty() {
        let message = "columns have roles, and nothing is required of them; add for example require: {k: 5}";
        problems.add(place, message);
    }
}

fn search(
    raw: Option<At<RawSearch>>,
    (columns, require): (&BTreeMap<String, CopyColumn>, Privacy),
    place: Place,
    problems: &mut Problems,
) -> Search {
    let has_ladder = columns.values().any(|column| column.ladder.is_some());
    let default = if has_ladder && !require.is_empty() { SearchKind::Optimal } else { SearchKind::None };
    let (at, raw) = match raw {
        Some(given) => (given.place, given.value),
        None => (place, RawSearch { kind: None, loss: None, suppress: None }),
    };
    let kind = raw.kind.as_ref().map_or(default, |kind| kind.value);
    let suppress = raw.suppress.map_or(Some(0), |given| problems.keep(given.place, ppm("suppress", &given.value)));
    if require.is_empty() && (kind != SearchKind::None || suppress.is_some_and(|ppm| ppm > 0)) {
        problems.add(
            at,
            "search goes for what is required, and nothing is; add for example require: {k: 5}, or leave it out",
        );
    }
    match kind {
        SearchKind::Optimal if !has_ladder && !require.is_empty() => {
            let message = "search: optimal chooses levels of hierarchies, and no quasi column has one; add hierarchy: \
                to one, or write kind: mondrian";
            problems.add(at, message);
        }
        SearchKind::None if has_ladder => {
            let message = "columns have hierarchies, and search: none chooses no level; write kind: optimal, or \
                method: hierarchy with a level";
            problems.add(at, message);
        }
        SearchKind::Mondrian if suppress.is_some_and(|ppm| ppm > 0) => {
            problems.add(at, "search: mondrian leaves no row out; leave suppress out");
        }
        SearchKind::Mondrian | SearchKind::None if raw.loss.is_some() => {
            problems.add(at, format!("search: {} weighs no loss; leave loss out", kind.as_str()));
        }
        _ => {}
    }
    Search { kind, loss: raw.loss.map_or(Loss::Entropy, |loss| loss.value), suppress_ppm: suppress.unwrap_or(0) }
}

/// Says which columns the dataset of the copy needs and does not get, and which it gets and does not know.
fn check_fits(policy: &AnonymizePolicy, (source, target): (&Dataset, &Dataset), place: Place, problems: &mut Problems) {
    if source.is_inferred() {
        return;
    }
    let kept: BTreeSet<&str> =
        source.schema.columns.iter().map(|column| column.name).filter(|name| policy.keeps(name)).collect();
    let needed: BTreeSet<&str> = if target.is_inferred() {
        let placing = std::iter::once(target.tenant.as_str()).chain(target.time.as_deref());
        placing.filter(|name| !name.is_empty()).collect()
    } else {
        let required = target.schema.columns.iter().filter(|column| column.presence == Presence::Required);
        required.map(|column| column.name).collect()
    };
    let missing: Vec<&str> = needed.difference(&kept).copied().collect();
    if !missing.is_empty() {
        let message = format!(
            "dataset \"{}\" needs columns that the copy lacks: {}; give them a method other than drop, or leave \
             schema, \
             time and tenant out of the dataset",
            target.id,
            missing.join(", ")
        );
        problems.add(place, message);
    }
    if target.is_inferred() {
        return;
    }
    let unknown: Vec<&str> = kept.into_iter().filter(|name| target.schema.column(name).is_none()).collect();
    if !unknown.is_empty() {
        let message = format!(
            "schema {} of dataset \"{}\" lacks columns that the copy has: {}; write {{method: drop}} for them, or \
             leave \
             schema out of the dataset",
            target.schema.name,
            target.id,
            unknown.join(", ")
        );
        problems.add(place, message);
    }
    let redacted =
        |name: &&str| policy.columns.get(*name).is_some_and(|column| column.method == Some(CopyMethod::Redact));
    let never_null: Vec<&str> = needed.into_iter().filter(redacted).collect();
    if !never_null.is_empty() {
        let message = format!(
            "columns of dataset \"{}\" are never null and would be redacted: {}; write {{method: constant}} for them",
            target.id,
            never_null.join(", ")
        );
        problems.add(place, message);
    }
}
