//! Roles, with what they inherit.

use std::collections::{BTreeMap, BTreeSet};

use super::super::dataset::REJECTED_ENDING;
use super::super::export::byte_size;
use super::super::framework::filled;
use super::super::nearest::nearest;
use super::super::problem::Problems;
use super::super::raw_access::{RawDatasetRule, RawRole};
use super::super::surroundings::Surroundings;
use super::super::yaml::At;
use super::mask;
use crate::access::{DEFAULT_ROLES, Limit, Mask, Permission, default_role};
use crate::table::HISTORY_ENDING;
use crate::tables::INFERRED;

/// Roles above one another.
const DEPTH_MAX: usize = 8;

/// What one role says of one dataset.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The role that says it.
    pub(super) role: String,
    /// Which rows; none for all.
    pub(super) filter: Option<String>,
    pub(super) masks: BTreeMap<String, Mask>,
    pub(super) hidden: BTreeSet<String>,
}

/// A role with everything it inherits.
#[derive(Debug, Clone, Default)]
pub(super) struct Role {
    /// Its own name and those of all roles it inherits.
    pub(super) names: BTreeSet<String>,
    pub(super) permissions: BTreeSet<Permission>,
    /// Datasets, each with what the role, or roles it inherits, say of it.
    pub(super) datasets: Vec<(String, Entry)>,
    pub(super) limits: Vec<(Limit, u64)>,
}

/// Every role of a lake.
pub(super) struct Roles {
    by_name: BTreeMap<String, Role>,
    /// Roles that are written but could not be resolved: why was said.
    broken: BTreeSet<String>,
}

impl Roles {
    pub(super) fn build(raw: &BTreeMap<String, At<RawRole>>, around: &Surroundings, problems: &mut Problems) -> Self {
        let mut by_name: BTreeMap<String, Role> = DEFAULT_ROLES
            .iter()
            .filter_map(|name| {
                let permissions = default_role(name)?;
                let names = BTreeSet::from([(*name).to_owned()]);
                Some(((*name).to_owned(), Role { names, permissions, ..Role::default() }))
            })
            .collect();
        let mut own = BTreeMap::new();
        for (name, role) in raw {
            if DEFAULT_ROLES.contains(&name.as_str()) {
                problems.add(
                    role.place,
                    format!("role \"{name}\" ships with auditlake; name yours otherwise and let it inherit [{name}]"),
                );
            }
            own.insert(name.clone(), own_part(name, role, around, problems));
        }
        let mut roles = Self { by_name: BTreeMap::new(), broken: BTreeSet::new() };
        let mut resolving = Resolving { raw, own: &own, done: &mut by_name, broken: &mut roles.broken };
        for name in raw.keys() {
            resolving.resolve(name, &mut Vec::new(), problems);
        }
        roles.by_name = by_name;
        roles
    }

    /// The role of that name, or why there is none.
    pub(super) fn get(&self, name: &At<String>, problems: &mut Problems) -> Option<&Role> {
        self.known(name, problems);
        self.by_name.get(&name.value)
    }

    /// Says that a role does not exist.
    pub(super) fn known(&self, name: &At<String>, problems: &mut Problems) {
        if !self.by_name.contains_key(&name.value) && !self.broken.contains(&name.value) {
            unknown(name, self.by_name.keys().map(String::as_str), problems);
        }
    }
}

fn unknown<'a>(name: &At<String>, known: impl Iterator<Item = &'a str>, problems: &mut Problems) {
    let known: BTreeSet<&str> = known.collect();
    let offer = match nearest(&name.value, known.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("there are: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    };
    problems.add(name.place, format!("role {:?} does not exist; {offer}", name.value));
}

struct Resolving<'a> {
    raw: &'a BTreeMap<String, At<RawRole>>,
    own: &'a BTreeMap<String, Role>,
    done: &'a mut BTreeMap<String, Role>,
    broken: &'a mut BTreeSet<String>,
}

impl Resolving<'_> {
    /// Resolves a role, those it inherits first; `path` are the roles that wait for it.
    fn resolve(&mut self, name: &str, path: &mut Vec<String>, problems: &mut Problems) -> bool {
        if self.done.contains_key(name) {
            return true;
        }
        let (Some(raw), Some(own)) = (self.raw.get(name), self.own.get(name)) else { return false };
        if self.broken.contains(name) {
            return false;
        }
        path.push(name.to_owned());
        let mut role = Role::default();
        let mut is_whole = true;
        for parent in &raw.value.inherits {
            if let Some(at) = path.iter().position(|other| *other == parent.value) {
                let circle = [&path[at..], std::slice::from_ref(&parent.value)].concat().join("\" → \"");
                problems.add(parent.place, format!("role \"{circle}\" inherits itself; take one of them out"));
                is_whole = false;
            } else if path.len() >= DEPTH_MAX && self.raw.contains_key(&parent.value) {
                problems.add(
                    parent.place,
                    format!(
                        "roles inherit more than {DEPTH_MAX} deep here; let \"{name}\" inherit what it needs itself"
                    ),
                );
                is_whole = false;
            } else if !self.raw.contains_key(&parent.value) && !self.done.contains_key(&parent.value) {
                let known = self.raw.keys().chain(self.done.keys()).map(String::as_str);
                unknown(parent, known, problems);
                is_whole = false;
            } else if self.resolve(&parent.value, path, problems) {
                role.inherit(&self.done[&parent.value]);
            } else {
                is_whole = false;
            }
        }
        path.pop();
        role.extend(own);
        if is_whole {
            self.done.insert(name.to_owned(), role);
        } else {
            self.broken.insert(name.to_owned());
        }
        is_whole
    }
}

impl Role {
    fn inherit(&mut self, parent: &Self) {
        self.names.extend(parent.names.iter().cloned());
        self.permissions.extend(&parent.permissions);
        self.datasets.extend(parent.datasets.iter().cloned());
        self.limits.extend(&parent.limits);
    }

    /// What it says itself; its entry for a dataset stands in place of those it inherits.
    fn extend(&mut self, own: &Self) {
        self.names.extend(own.names.iter().cloned());
        self.permissions.extend(&own.permissions);
        self.datasets.retain(|(dataset, _)| own.datasets.iter().all(|(other, _)| other != dataset));
        self.datasets.extend(own.datasets.iter().cloned());
        self.limits.extend(&own.limits);
    }
}

/// What a role says itself.
fn own_part(name: &str, given: &At<RawRole>, around: &Surroundings, problems: &mut Problems) -> Role {
    let mut role = Role { names: BTreeSet::from([name.to_owned()]), ..Role::default() };
    for word in &given.value.permissions {
        match Permission::parse(&word.value) {
            Some(permission) => {
                role.permissions.insert(permission);
            }
            None => {
                let near = nearest(&word.value, Permission::ALL.iter().map(|permission| permission.as_str()));
                let offer = near.map_or_else(
                    || "the guide lists all of them".to_owned(),
                    |near| format!("did you mean \"{near}\"?"),
                );
                problems.add(word.place, format!("permission {:?} does not exist; {offer}", word.value));
            }
        }
    }
    for (dataset, rule) in &given.value.datasets {
        // What an ingest refused, and the rows of all revisions, are tables of their own.
        let of = dataset.strip_suffix(REJECTED_ENDING).or_else(|| dataset.strip_suffix(HISTORY_ENDING));
        super::exists(&At { value: of.unwrap_or(dataset).to_owned(), place: rule.place }, around, problems);
        let entry = entry(name, dataset, rule, around, problems);
        role.datasets.push((dataset.clone(), entry));
    }
    for (word, given) in &given.value.limits {
        role.limits.extend(limit(word, given, problems));
    }
    role
}

fn entry(
    role: &str,
    dataset: &str,
    given: &At<RawDatasetRule>,
    around: &Surroundings,
    problems: &mut Problems,
) -> Entry {
    let raw = &given.value;
    let declared = super::dataset(dataset, around);
    let rows = filled("rows", raw.rows.clone(), problems);
    let mut check = |name: &str, place| {
        let schema = declared.map(|dataset| dataset.schema).filter(|schema| schema.name != INFERRED.name)?;
        let column = schema.column(name);
        if column.is_none() {
            let near = nearest(name, schema.columns.iter().map(|column| column.name));
            let offer =
                near.map_or_else(|| "name one of its columns".to_owned(), |near| format!("did you mean \"{near}\"?"));
            problems.add(place, format!("dataset \"{dataset}\" has no column {name:?}; {offer}"));
        }
        column
    };
    let mut hidden = BTreeSet::new();
    for column in &raw.hide {
        check(&column.value, column.place);
        hidden.insert(column.value.clone());
    }
    let columns: Vec<_> = raw.columns.iter().map(|(name, mask)| (name, mask, check(name, mask.place))).collect();
    let mut masks = BTreeMap::new();
    for (name, given, column) in columns {
        let mask = mask::build(given, name, column, problems);
        masks.extend(mask.map(|mask| (name.clone(), mask)));
    }
    let filter = (rows.trim() != "all").then_some(rows);
    Entry { role: role.to_owned(), filter, masks, hidden }
}

/// A limit: a number, or a size where bytes are counted.
fn limit(word: &str, given: &At<String>, problems: &mut Problems) -> Option<(Limit, u64)> {
    let Some((limit, ..)) = Limit::ALL.iter().find(|(_, known, _)| *known == word) else {
        let near = nearest(word, Limit::ALL.iter().map(|(_, known, _)| *known));
        let offer = near.map_or_else(
            || {
                let words: Vec<&str> = Limit::ALL.iter().map(|(_, known, _)| *known).collect();
                format!("limits are: {}", words.join(", "))
            },
            |near| format!("did you mean \"{near}\"?"),
        );
        problems.add(given.place, format!("limit {word:?} does not exist; {offer}"));
        return None;
    };
    let value = byte_size(&given.value).map_err(|error| format!("{word}: {error}"));
    problems.keep(given.place, value).map(|value| (*limit, value))
}
