//! `slas/*.yaml` with first key `usage`: whose usage is metered against which quotas.

use std::collections::{BTreeMap, BTreeSet};

use super::duration;
use super::framework::filled;
use super::lake::timezone;
use super::problem::{Place, Problems};
use super::raw_usage::RawUsage;
use super::sla::{dataset, percent};
use super::surroundings::Surroundings;
use super::tiered::{Version, changes, tenants};
use super::yaml::At;
use crate::id::UsageId;
use crate::tables::USAGE;
use crate::usage::{Quotas, UsageContract};

/// Quotas of a contract that names none.
const QUOTAS_DEFAULT: &str = "platform";
const WARN_DEFAULT: &str = "80";
const SETTLE_SECONDS_DEFAULT: u64 = 72 * 3_600;

pub(super) fn build(
    raw: RawUsage,
    sha256: String,
    (zone, around): (chrono_tz::Tz, &Surroundings),
    problems: &mut Problems,
) -> Option<UsageContract> {
    let before = problems.len();
    let id = problems.keep(raw.usage.place, UsageId::parse(&raw.usage.value));
    let dataset = dataset("dataset", &raw.dataset, &USAGE, around, problems);
    let service = raw.service.map(|given| filled("service", given, problems));
    let mut zone_of = |given: At<String>| problems.keep(given.place, timezone(&given.value));
    let timezone = raw.timezone.map_or(Some(zone), &mut zone_of);
    let timezones: Vec<(String, Place, Option<chrono_tz::Tz>)> =
        raw.timezones.into_iter().map(|(tenant, given)| (tenant, given.place, zone_of(given))).collect();
    let warn = raw.warn.unwrap_or(At { value: WARN_DEFAULT.to_owned(), place: Place::START });
    let warn = percent("warn", &warn, problems);
    let quotas = quotas(raw.quotas, raw.usage.place, around, problems);
    let known: Vec<Version<'_>> = quotas.iter().flatten().map(version).collect();
    let tenants = tenants(raw.tenants, raw.usage.place, &known, problems);
    let changes = changes(raw.changes, (&tenants, &known), problems);
    let meters = meters(raw.meters, quotas.as_deref().unwrap_or_default(), problems);
    let timezones = timezones.into_iter().filter_map(|(tenant, place, zone)| {
        if !tenants.contains_key(&tenant) {
            let message = format!("timezones name tenant {tenant:?}, which has no tier in tenants; add it there first");
            problems.add(place, message);
        }
        Some((tenant, zone?))
    });
    let timezones: BTreeMap<String, chrono_tz::Tz> = timezones.collect();
    let settle_seconds = duration::given_seconds("settle", raw.settle, problems).unwrap_or(SETTLE_SECONDS_DEFAULT);
    if problems.len() > before {
        return None;
    }
    Some(UsageContract {
        id: id?,
        dataset: dataset?,
        service,
        quotas: quotas?,
        meters,
        warn: warn?,
        timezone: timezone?,
        timezones,
        tenants,
        changes,
        settle_seconds,
        sha256,
    })
}

fn version(quotas: &Quotas) -> Version<'_> {
    Version { of: format!("quotas \"{}\"", quotas.id), number: quotas.version, names: quotas.tiers.keys().collect() }
}

/// All versions of the quotas of that name, oldest first.
fn quotas(
    given: Option<At<String>>,
    place: Place,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<Vec<Quotas>> {
    let At { value: name, place } = given.unwrap_or(At { value: QUOTAS_DEFAULT.to_owned(), place });
    let mut found: Vec<Quotas> = around.quotas.iter().filter(|quotas| quotas.id.as_str() == name).cloned().collect();
    found.sort_by_key(|quotas| quotas.effective);
    if found.is_empty() && !around.are_quotas_unknown {
        let names: BTreeSet<&str> = around.quotas.iter().map(|quotas| quotas.id.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        problems.add(place, format!("quotas {name:?} do not exist; there are: {}", names.join(", ")));
    }
    if found.is_empty() { None } else { Some(found) }
}

/// Other names of meters; each of a quota that some version has.
fn meters(given: BTreeMap<String, At<String>>, quotas: &[Quotas], problems: &mut Problems) -> BTreeMap<String, String> {
    let known: BTreeSet<&String> = quotas.iter().flat_map(|version| version.meters.keys()).collect();
    let mut meters = BTreeMap::new();
    for (quota, meter) in given {
        if !quotas.is_empty() && !known.contains(&quota) {
            let known: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
            let message =
                format!("meters name quota {quota:?}, which the quotas do not have; they have: {}", known.join(", "));
            problems.add(meter.place, message);
        }
        let meter = filled("meter", meter, problems);
        meters.insert(quota, meter);
    }
    meters
}
