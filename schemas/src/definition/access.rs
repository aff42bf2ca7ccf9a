//! `access.yaml`, checked and resolved: roles, what they inherit, and what each principal sees in the end.

mod mask;
mod role;

use std::collections::{BTreeMap, BTreeSet};

use super::checked::Dataset;
use super::framework::filled;
use super::nearest::nearest;
use super::problem::{Place, Problems};
use super::raw_access::{RawAccess, RawPrincipal, RawRestrict, RawTenants};
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::access::{
    Access, DatasetRule, Limits, Mask, MaskRule, Permission, Principal, RowRule, SecretSource, SignatureRule, Tenants,
    principal_name,
};
use crate::table::{HISTORY_ENDING, Presence};
use role::{Role, Roles};

/// What a text column that must not be null shows where its class hides it.
const MASKED: &str = "masked";

pub(super) fn build(raw: RawAccess, sha256: String, around: &Surroundings, problems: &mut Problems) -> Option<Access> {
    let before = problems.len();
    let roles = Roles::build(&raw.roles, around, problems);
    let restricts: Vec<Restrict> =
        raw.restrict.into_iter().filter_map(|one| restrict(one, &roles, around, problems)).collect();
    let mut principals = BTreeMap::new();
    for (name, given) in raw.principals {
        let name = problems.keep(given.place, principal_name(&name));
        let resolver = Resolver { roles: &roles, restricts: &restricts, around };
        let principal = name.and_then(|name| resolver.principal(name, given, problems));
        principals.extend(principal.map(|principal| (principal.name.clone(), principal)));
    }
    let service_principal = raw.service_principal.map(|given| {
        if problems.len() == before && !principals.contains_key(&given.value) {
            let near = nearest(&given.value, principals.keys().map(String::as_str));
            let offer = near.map_or_else(|| "name one".to_owned(), |near| format!("did you mean \"{near}\"?"));
            problems.add(given.place, format!("principal {:?} does not exist; {offer}", given.value));
        }
        given.value
    });
    (problems.len() == before).then_some(Access { principals, service_principal, sha256 })
}

/// A condition on the rows of datasets, and who need not meet it.
struct Restrict {
    datasets: BTreeSet<String>,
    rows: String,
    unless: BTreeSet<String>,
}

fn restrict(given: At<RawRestrict>, roles: &Roles, around: &Surroundings, problems: &mut Problems) -> Option<Restrict> {
    let before = problems.len();
    let RawRestrict { datasets, rows, unless } = given.value;
    if datasets.is_empty() {
        problems.add(given.place, "datasets is empty; name the datasets that it holds for");
    }
    for dataset in &datasets {
        exists(dataset, around, problems);
    }
    for role in &unless {
        roles.known(role, problems);
    }
    let rows = filled("rows", rows, problems);
    (problems.len() == before).then(|| Restrict {
        datasets: datasets.into_iter().map(|dataset| dataset.value).collect(),
        rows,
        unless: unless.into_iter().map(|role| role.value).collect(),
    })
}

/// Says that a dataset does not exist.
fn exists(dataset: &At<String>, around: &Surroundings, problems: &mut Problems) {
    if let Some(sentence) = around.dataset_names.lacks(&dataset.value) {
        problems.add(dataset.place, format!("dataset {:?} does not exist; {sentence}", dataset.value));
    }
}

/// The checked dataset of that name; of the rows of all revisions, too.
fn dataset<'a>(name: &str, around: &'a Surroundings) -> Option<&'a Dataset> {
    let name = name.strip_suffix(HISTORY_ENDING).unwrap_or(name);
    around.datasets.iter().map(|(dataset, _)| dataset).find(|dataset| dataset.id.as_str() == name)
}

struct Resolver<'a> {
    roles: &'a Roles,
    restricts: &'a [Restrict],
    around: &'a Surroundings,
}

impl Resolver<'_> {
    fn principal(&self, name: String, given: At<RawPrincipal>, problems: &mut Problems) -> Option<Principal> {
        let before = problems.len();
        let At { value: raw, place } = given;
        if raw.roles.is_empty() {
            problems.add(place, format!("principal \"{name}\" has no role, so it sees nothing; give it one"));
        }
        let tenants = problems.keep(raw.tenants.place, tenants(raw.tenants.value));
        let roles: Vec<&Role> = raw.roles.iter().filter_map(|role| self.roles.get(role, problems)).collect();
        let signature = raw.signature.and_then(|given| {
            let secret = problems.keep(given.secret.place, SecretSource::parse(&given.secret.value))?;
            Some(SignatureRule { secret, is_required: given.required.unwrap_or(false) })
        });
        let permissions: BTreeSet<Permission> =
            roles.iter().flat_map(|role| role.permissions.iter().copied()).collect();
        let datasets = self.datasets(&name, place, &roles, &permissions, problems);
        let limits = Limits::largest(roles.iter().map(|role| &role.limits));
        (problems.len() == before).then_some(Principal {
            name,
            tenants: tenants?,
            roles: raw.roles.into_iter().map(|role| role.value).collect(),
            channels: raw.channels.into_iter().collect(),
            attributes: raw.attributes,
            is_service: raw.service.unwrap_or(false),
            signature,
            permissions,
            datasets,
            limits,
        })
    }

    fn datasets(
        &self,
        principal: &str,
        place: Place,
        roles: &[&Role],
        permissions: &BTreeSet<Permission>,
        problems: &mut Problems,
    ) -> BTreeMap<String, DatasetRule> {
        let mut rules: BTreeMap<String, DatasetRule> = BTreeMap::new();
        for (dataset, entry) in roles.iter().flat_map(|role| &role.datasets) {
            let empty = || DatasetRule {
                rows: Vec::new(),
                restrict: Vec::new(),
                masks: BTreeMap::new(),
                hidden: BTreeMap::new(),
            };
            let rule = rules.entry(dataset.clone()).or_insert_with(empty);
            let rows = RowRule { role: entry.role.clone(), filter: entry.filter.clone() };
            if !rule.rows.contains(&rows) {
                rule.rows.push(rows);
            }
            for column in &entry.hidden {
                rule.hidden.entry(column.clone()).or_insert_with(|| entry.role.clone());
            }
            for (column, mask) in &entry.masks {
                let wanted = MaskRule { mask: mask.clone(), role: Some(entry.role.clone()) };
                let there = rule.masks.entry(column.clone()).or_insert_with(|| wanted.clone());
                if there.mask != wanted.mask {
                    let other = there.role.as_deref().unwrap_or_default();
                    problems.add(
                        place,
                        format!(
                            "principal \"{principal}\" has roles that mask column \"{column}\" of dataset \
                             \"{dataset}\" in two ways: \"{other}\" as {}, \"{}\" as {}; keep one of the roles, or \
                             give both one mask",
                            there.mask.as_str(),
                            entry.role,
                            wanted.mask.as_str()
                        ),
                    );
                }
            }
        }
        let names: BTreeSet<&str> = roles.iter().flat_map(|role| &role.names).map(String::as_str).collect();
        for (dataset, rule) in &mut rules {
            let hold = self.restricts.iter().filter(|restrict| {
                let all_revisions = dataset.strip_suffix(HISTORY_ENDING).unwrap_or(dataset);
                (restrict.datasets.contains(dataset) || restrict.datasets.contains(all_revisions))
                    && !restrict.unless.iter().any(|role| names.contains(role.as_str()))
            });
            rule.restrict = hold.map(|restrict| restrict.rows.clone()).collect();
            rule.masks.retain(|column, _| !rule.hidden.contains_key(column));
            if !permissions.contains(&Permission::DatasetUnmasked) {
                self.mask_by_class(dataset, rule);
            }
        }
        rules
    }

    /// Personal columns that no role masks show nothing.
    fn mask_by_class(&self, name: &str, rule: &mut DatasetRule) {
        let Some(dataset) = dataset(name, self.around) else { return };
        for column in dataset.classes.keys().filter(|column| dataset.is_personal(column)) {
            if rule.hidden.contains_key(column) {
                continue;
            }
            let is_required = dataset.schema.column(column).is_some_and(|column| column.presence == Presence::Required);
            let mask = if is_required { Mask::Constant(MASKED.to_owned()) } else { Mask::Null };
            rule.masks.entry(column.clone()).or_insert(MaskRule { mask, role: None });
        }
    }
}

fn tenants(given: RawTenants) -> Result<Tenants, String> {
    match given {
        RawTenants::Word(word) if word == "all" => Ok(Tenants::All),
        RawTenants::Word(word) => Err(format!("tenants {word:?} is neither all nor a list; write [{word}]")),
        RawTenants::List(tenants) if tenants.is_empty() => {
            Err("tenants is empty, so no row could be seen; name one, or write all".to_owned())
        }
        RawTenants::List(tenants) => Ok(Tenants::Some(tenants.into_iter().collect())),
    }
}
