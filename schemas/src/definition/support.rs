//! `slas/*.yaml` with first key `support`: how soon tickets are answered and resolved, and whose.

use std::collections::{BTreeMap, BTreeSet};

use super::duration;
use super::framework::filled;
use super::lake::timezone;
use super::problem::{Place, Problems};
use super::raw_support::{RawLimits, RawPriorities, RawSupport, RawTicketLimits};
use super::sla::{SETTLE_SECONDS_DEFAULT, dataset, percent};
use super::surroundings::Surroundings;
use super::tiered::{Version, tenants};
use super::yaml::At;
use crate::civil::parse_day;
use crate::id::{self, SlaId};
use crate::sla::{PeriodLength, Share};
use crate::support::{ALWAYS, Calendar, PRIORITIES, SupportAgreement, SupportLimits, TicketLimits};
use crate::tables::TICKET;

const SHARE_DEFAULT: &str = "100";
const WARN_DEFAULT: &str = "80";
const PAUSES_DEFAULT: [&str; 2] = ["waiting_customer", "third_party"];

pub(super) fn build(
    raw: RawSupport,
    sha256: String,
    (zone, around): (chrono_tz::Tz, &Surroundings),
    problems: &mut Problems,
) -> Option<SupportAgreement> {
    let before = problems.len();
    let id = problems.keep(raw.support.place, SlaId::parse(&raw.support.value));
    let dataset = dataset("dataset", &raw.dataset, &TICKET, around, problems);
    let timezone = raw.timezone.map_or(Some(zone), |given| problems.keep(given.place, timezone(&given.value)));
    let calendar = raw.calendar.unwrap_or(At { value: ALWAYS.to_owned(), place: Place::START });
    let calendar = versions_of("calendar", &calendar, around, problems);
    let shares = raw.share.map_or((None, None), |shares| (shares.response, shares.resolution));
    let response = share("response", shares.0, SHARE_DEFAULT, problems);
    let resolution = share("resolution", shares.1, SHARE_DEFAULT, problems);
    let warn = share("warn", raw.warn, WARN_DEFAULT, problems);
    let limits = limits(raw.limits, problems);
    let of = format!("limits of support \"{}\"", raw.support.value);
    let known = limits.iter().map(|limits| Version {
        of: of.clone(),
        number: limits.version,
        names: limits.tiers.keys().collect(),
    });
    let known: Vec<Version<'_>> = known.collect();
    let tenants = tenants(raw.tenants, raw.support.place, &known, problems);
    let calendars = calendars(raw.calendars, &tenants, around, problems);
    let pauses = raw.pauses.map_or_else(
        || PAUSES_DEFAULT.map(str::to_owned).into_iter().collect(),
        |given| given.into_iter().map(|reason| filled("pauses", reason, problems)).collect::<BTreeSet<String>>(),
    );
    let settle_seconds = duration::given_seconds("settle", raw.settle, problems).unwrap_or(SETTLE_SECONDS_DEFAULT);
    if problems.len() > before {
        return None;
    }
    Some(SupportAgreement {
        id: id?,
        dataset: dataset?,
        period: raw.period.unwrap_or(PeriodLength::Month),
        timezone: timezone?,
        calendar: calendar?,
        calendars,
        limits,
        response: response?,
        resolution: resolution?,
        warn: warn?,
        pauses,
        tenants,
        settle_seconds,
        sha256,
    })
}

fn share(key: &str, given: Option<At<String>>, otherwise: &str, problems: &mut Problems) -> Option<Share> {
    percent(key, &given.unwrap_or(At { value: otherwise.to_owned(), place: Place::START }), problems)
}

/// All versions of the calendar of that name, oldest first; all of them go by one wall clock.
fn versions_of(key: &str, given: &At<String>, around: &Surroundings, problems: &mut Problems) -> Option<Vec<Calendar>> {
    if given.value == ALWAYS {
        return Some(vec![Calendar::always()]);
    }
    let named = around.calendars.iter().filter(|calendar| calendar.name == given.value);
    let mut found: Vec<Calendar> = named.cloned().collect();
    found.sort_by_key(|calendar| calendar.effective);
    let Some(first) = found.first() else {
        if !around.are_calendars_unknown {
            let names: BTreeSet<&str> = around.calendars.iter().map(|calendar| calendar.name.as_str()).collect();
            let names: Vec<&str> = std::iter::once(ALWAYS).chain(names).collect();
            let message = format!(
                "{key} names calendar {:?}, which does not exist; there are: {}",
                given.value,
                names.join(", ")
            );
            problems.add(given.place, message);
        }
        return None;
    };
    if let Some(other) = found.iter().find(|calendar| calendar.timezone != first.timezone) {
        let message = format!(
            "versions {} and {} of calendar {:?} have different zones, {} and {}; give the later one another name",
            first.version, other.version, given.value, first.timezone, other.timezone
        );
        problems.add(given.place, message);
    }
    Some(found)
}

fn calendars(
    given: BTreeMap<String, At<String>>,
    tenants: &BTreeMap<String, String>,
    around: &Surroundings,
    problems: &mut Problems,
) -> BTreeMap<String, Vec<Calendar>> {
    let mut calendars = BTreeMap::new();
    for (tenant, name) in given {
        if !tenants.contains_key(&tenant) {
            let message = format!("calendars name tenant {tenant:?}, which has no tier in tenants; add it there first");
            problems.add(name.place, message);
        }
        let versions = versions_of("calendars", &name, around, problems);
        calendars.extend(versions.map(|versions| (tenant, versions)));
    }
    calendars
}

/// Versions of the limits, oldest first; no two have one number, or one day.
fn limits(given: At<Vec<RawLimits>>, problems: &mut Problems) -> Vec<SupportLimits> {
    let At { value: all, place } = given;
    if all.is_empty() {
        problems.add(place, "limits are empty; add a version with its tiers");
    }
    let mut limits: Vec<SupportLimits> = Vec::new();
    for raw in all {
        let Some(effective) = problems.keep(raw.effective.place, parse_day(&raw.effective.value)) else { continue };
        let version = raw.version.value;
        if limits.iter().any(|other| other.version == version || other.effective == effective) {
            let message = format!(
                "limits overlap: a version {version}, or one from {effective}, is already there; give this one the next version \
                 and a later day"
            );
            problems.add(raw.version.place, message);
        }
        if raw.tier.is_empty() {
            problems.add(raw.version.place, "tier is empty; add for example pro: {p1: {response: 30m}}");
        }
        let tiers = raw.tier.into_iter().map(|(name, given)| {
            problems.keep(given.place, id::name("tier", &name));
            let priorities = priorities(&name, given, problems);
            (name, priorities)
        });
        let tiers = tiers.collect();
        limits.push(SupportLimits { version, effective, tiers });
    }
    limits.sort_by_key(|limits| limits.effective);
    limits
}

fn priorities(tier: &str, given: At<RawPriorities>, problems: &mut Problems) -> [TicketLimits; PRIORITIES] {
    let At { value: raw, place } = given;
    let all = [raw.p1, raw.p2, raw.p3, raw.p4];
    if all.iter().all(Option::is_none) {
        let message = format!("tier \"{tier}\" has no limits; add for example p1: {{response: 30m}}, or leave it out");
        problems.add(place, message);
    }
    all.map(|given| given.map_or_else(TicketLimits::default, |given| ticket_limits(given, problems)))
}

fn ticket_limits(given: At<RawTicketLimits>, problems: &mut Problems) -> TicketLimits {
    let At { value: raw, place } = given;
    if raw.response.is_none() && raw.resolution.is_none() {
        problems.add(
            place,
            "a priority has no limit; add response or resolution, for example response: 30m, or leave it out",
        );
    }
    let mut seconds = |key: &str, given: Option<At<String>>| {
        given.and_then(|given| problems.keep(given.place, business_seconds(key, &given.value)))
    };
    TicketLimits {
        response_seconds: seconds("response", raw.response),
        resolution_seconds: seconds("resolution", raw.resolution),
    }
}

/// A length of business time: of days nobody could say how many hours they have.
fn business_seconds(key: &str, given: &str) -> Result<u64, String> {
    if given.ends_with(['d', 'w']) {
        return Err(format!(
            "{key} {given:?} is in days or weeks, and business days differ; write hours, for example 24h"
        ));
    }
    duration::seconds(key, given)
}
