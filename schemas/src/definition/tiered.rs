//! Which tenant has which tier, and from when: of SLAs and of contracts about usage alike.

use std::collections::BTreeMap;

use super::problem::{Place, Problems};
use super::raw_sla::RawTierChange;
use super::yaml::At;
use crate::civil::parse_day;
use crate::sla::TierChange;

/// A version of what tiers have, by their names.
pub(super) struct Version<'a> {
    /// What it is a version of, for example `tiers "standard"`.
    pub(super) of: String,
    /// From 1.
    pub(super) number: u32,
    /// Its tiers.
    pub(super) names: Vec<&'a String>,
}

/// Whether every version has a tier of that name.
fn check_tier(given: &At<String>, versions: &[Version<'_>], problems: &mut Problems) {
    // Without any, that was told.
    if let Some(lacking) = versions.iter().find(|version| !version.names.contains(&&given.value)) {
        let names: Vec<&str> = lacking.names.iter().map(|name| name.as_str()).collect();
        let message = format!(
            "tier {:?} is not in version {} of {}; there are: {}",
            given.value,
            lacking.number,
            lacking.of,
            names.join(", ")
        );
        problems.add(given.place, message);
    }
}

/// The tier of each tenant at first.
pub(super) fn tenants(
    given: BTreeMap<String, At<String>>,
    place: Place,
    versions: &[Version<'_>],
    problems: &mut Problems,
) -> BTreeMap<String, String> {
    if given.is_empty() {
        problems.add(place, "tenants is empty; add for example acme: pro");
    }
    given.values().for_each(|tier| check_tier(tier, versions, problems));
    given.into_iter().map(|(tenant, tier)| (tenant, tier.value)).collect()
}

/// Later tiers, by day and tenant; two on one day contradict each other.
pub(super) fn changes(
    given: Vec<RawTierChange>,
    (tenants, versions): (&BTreeMap<String, String>, &[Version<'_>]),
    problems: &mut Problems,
) -> Vec<TierChange> {
    let mut changes: Vec<TierChange> = Vec::new();
    for raw in given {
        check_tier(&raw.tier, versions, problems);
        let Some(from) = problems.keep(raw.from.place, parse_day(&raw.from.value)) else { continue };
        let tenant = raw.tenant.value;
        if !tenants.contains_key(&tenant) {
            let message = format!("changes name tenant {tenant:?}, which has no tier in tenants; add it there first");
            problems.add(raw.tenant.place, message);
        }
        if changes.iter().any(|change| change.tenant == tenant && change.from == from) {
            problems.add(raw.from.place, format!("tenant {tenant:?} changes its tier twice on {from}; keep one"));
        }
        changes.push(TierChange { tenant, from, tier: raw.tier.value });
    }
    changes.sort_by(|a, b| (a.from, &a.tenant).cmp(&(b.from, &b.tenant)));
    changes
}
