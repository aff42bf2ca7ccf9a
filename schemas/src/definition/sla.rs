//! `slas/*.yaml` with first key `sla`: a service, how it is measured and who was promised what.

use super::checked::Dataset;
use super::duration;
use super::framework::filled;
use super::lake::timezone;
use super::problem::{Place, Problems};
use super::raw_sla::{RawExclusions, RawFees, RawProbes, RawRequests, RawSla, RawSlices};
use super::surroundings::Surroundings;
use super::tiered::{Version, changes, tenants};
use super::yaml::At;
use crate::id::{DatasetId, SlaId};
use crate::sla::{ExclusionRule, FeeRule, Measured, PeriodLength, Share, Sla, SlaMethod, SliceRule, Tiers};
use crate::table::TableSchema;
use crate::tables::{EXCLUSION, PROBE, REQUEST_1M, USAGE};

/// Tiers of an SLA that names none.
const TIERS_DEFAULT: &str = "standard";
pub(super) const SETTLE_SECONDS_DEFAULT: u64 = 72 * 3_600;
const NOTICE_SECONDS_DEFAULT: u64 = 72 * 3_600;
const MAINTENANCE_MINUTES_DEFAULT: u64 = 240;
const MIN_TOTAL_DEFAULT: u32 = 100;
pub(super) const BAD_DEFAULT: &str = "10";
pub(super) const MAX_UNKNOWN_DEFAULT: &str = "1";
const DAY_SECONDS: u64 = 86_400;

pub(super) fn build(
    raw: RawSla,
    sha256: String,
    (zone, around): (chrono_tz::Tz, &Surroundings),
    problems: &mut Problems,
) -> Option<Sla> {
    let before = problems.len();
    let id = problems.keep(raw.sla.place, SlaId::parse(&raw.sla.value));
    let service = filled("service", raw.service, problems);
    let measured = measured((raw.requests, raw.probes), raw.sla.place, around, problems);
    let timezone = raw.timezone.map_or(Some(zone), |given| problems.keep(given.place, timezone(&given.value)));
    let slices = slices(raw.slices.unwrap_or_default(), problems);
    let unknown = raw.max_unknown.unwrap_or(At { value: MAX_UNKNOWN_DEFAULT.to_owned(), place: Place::START });
    let max_unknown = percent("max_unknown", &unknown, problems);
    let tiers = tiers(raw.tiers, raw.sla.place, around, problems);
    let known: Vec<Version<'_>> = tiers.iter().flatten().map(version).collect();
    let tenants = tenants(raw.tenants, raw.sla.place, &known, problems);
    let changes = changes(raw.changes, (&tenants, &known), problems);
    let exclusions = raw.exclusions.map(|given| exclusions(given, around, problems));
    let fees = raw.fees.map(|given| fees(given, &service, around, problems));
    let settle_seconds = duration::given_seconds("settle", raw.settle, problems).unwrap_or(SETTLE_SECONDS_DEFAULT);
    if problems.len() > before {
        return None;
    }
    Some(Sla {
        id: id?,
        service,
        measured: measured?,
        method: raw.method.unwrap_or(SlaMethod::Timeslices),
        period: raw.period.unwrap_or(PeriodLength::Month),
        timezone: timezone?,
        slices: slices?,
        max_unknown: max_unknown?,
        tiers: tiers?,
        tenants,
        changes,
        exclusions: exclusions.flatten(),
        fees: fees.flatten(),
        settle_seconds,
        sha256,
    })
}

/// A dataset of a schema that is needed.
pub(super) fn dataset(
    key: &str,
    given: &At<String>,
    schema: &TableSchema,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<DatasetId> {
    let fit = |found: &Dataset| match found.schema.name == schema.name {
        true => Ok(()),
        false => Err(format!(
            "{key} names dataset \"{}\" of schema {}; name one of schema {}",
            found.id, found.schema.name, schema.name
        )),
    };
    let found = match around.dataset_names.lacks(&given.value) {
        Some(sentence) => Err(format!("{key} names dataset {:?}, which does not exist; {sentence}", given.value)),
        None => around.dataset(&given.value).map_or(Ok(()), fit),
    };
    problems.keep(given.place, found)?;
    problems.keep(given.place, DatasetId::parse(&given.value))
}

/// The same of a dataset that a job fills, named by `into`.
pub(super) fn dataset_into(
    given: &At<String>,
    schema: &TableSchema,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<DatasetId> {
    let into = dataset("into", given, schema, around, problems);
    if around.dataset(&given.value).is_some_and(|into| !into.is_ours()) {
        let message = format!(
            "into names dataset {:?}, whose files others write; name one with a folder of the lake's and no map",
            given.value
        );
        problems.add(given.place, message);
    }
    into
}

pub(super) fn measured(
    given: (Option<At<RawRequests>>, Option<At<RawProbes>>),
    place: Place,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<Measured> {
    match given {
        (Some(At { value: raw, .. }), None) => {
            let dataset = dataset("requests", &raw.dataset, &REQUEST_1M, around, problems);
            let mut all = |name: &str, listed: Vec<At<String>>| -> Vec<String> {
                listed.into_iter().map(|one| filled(name, one, problems)).collect()
            };
            let (routes, regions) = (all("routes", raw.routes), all("regions", raw.regions));
            Some(Measured::Requests { dataset: dataset?, routes, regions })
        }
        (None, Some(At { value: raw, .. })) => {
            let dataset = dataset("probes", &raw.dataset, &PROBE, around, problems);
            let tenant = raw.tenant.map(|tenant| filled("tenant", tenant, problems));
            let stale_after_seconds = duration::given_seconds("stale_after", raw.stale_after, problems);
            Some(Measured::Probes { dataset: dataset?, tenant, quorum: raw.quorum, stale_after_seconds })
        }
        (_, Some(probes)) => {
            problems.add(probes.place, "an SLA is measured by requests or by probes; keep one of the two");
            None
        }
        (None, None) => {
            problems.add(place, "requests is required, or probes; add for example requests: {dataset: requests}");
            None
        }
    }
}

pub(super) fn percent(key: &str, given: &At<String>, problems: &mut Problems) -> Option<Share> {
    problems.keep(given.place, Share::of_percent(&given.value).map_err(|why| format!("{key} {why}")))
}

/// Length of a slice.
pub(super) fn minutes(key: &str, given: &At<String>, problems: &mut Problems) -> Option<u32> {
    let seconds = problems.keep(given.place, duration::seconds(key, &given.value))?;
    if !seconds.is_multiple_of(60) || !DAY_SECONDS.is_multiple_of(seconds) {
        let message = format!("{key} {:?} does not divide a day into whole minutes; write for example 5m", given.value);
        problems.add(given.place, message);
        return None;
    }
    u32::try_from(seconds / 60).ok()
}

fn slices(raw: RawSlices, problems: &mut Problems) -> Option<SliceRule> {
    let minutes = raw.length.map_or(Some(1), |given| minutes("length", &given, problems));
    let bad = raw.bad.unwrap_or(At { value: BAD_DEFAULT.to_owned(), place: Place::START });
    let bad = percent("bad", &bad, problems);
    let min_total = u64::from(raw.min_total.unwrap_or(MIN_TOTAL_DEFAULT));
    Some(SliceRule { minutes: minutes?, min_total, bad: bad?, min_bad: raw.min_bad.unwrap_or(1) })
}

fn version(tiers: &Tiers) -> Version<'_> {
    Version { of: format!("tiers \"{}\"", tiers.id), number: tiers.version, names: tiers.tiers.keys().collect() }
}

/// All versions of the tiers of that name, oldest first.
fn tiers(
    given: Option<At<String>>,
    place: Place,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<Vec<Tiers>> {
    let At { value: name, place } = given.unwrap_or(At { value: TIERS_DEFAULT.to_owned(), place });
    let mut found: Vec<Tiers> = around.tiers.iter().filter(|tiers| tiers.id.as_str() == name).cloned().collect();
    found.sort_by_key(|tiers| tiers.effective);
    if found.is_empty() && !around.are_tiers_unknown {
        let names: std::collections::BTreeSet<&str> = around.tiers.iter().map(|tiers| tiers.id.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        problems.add(place, format!("tiers {name:?} do not exist; there are: {}", names.join(", ")));
    }
    if found.is_empty() { None } else { Some(found) }
}

pub(super) fn exclusions(raw: RawExclusions, around: &Surroundings, problems: &mut Problems) -> Option<ExclusionRule> {
    let dataset = dataset("exclusions", &raw.dataset, &EXCLUSION, around, problems);
    let notice_seconds = duration::given_seconds("notice", raw.notice, problems).unwrap_or(NOTICE_SECONDS_DEFAULT);
    let maintenance = duration::given_seconds("maintenance", raw.maintenance, problems);
    let maintenance_minutes_max = maintenance.map_or(MAINTENANCE_MINUTES_DEFAULT, |seconds| seconds / 60);
    Some(ExclusionRule { dataset: dataset?, notice_seconds, maintenance_minutes_max })
}

fn fees(raw: RawFees, service: &str, around: &Surroundings, problems: &mut Problems) -> Option<FeeRule> {
    let dataset = dataset("fees", &raw.dataset, &USAGE, around, problems);
    let service = raw.service.map_or_else(|| service.to_owned(), |given| filled("service", given, problems));
    let decimals = problems.keep(raw.currency.place, decimals_of(&raw.currency.value));
    Some(FeeRule { dataset: dataset?, service, currency: raw.currency.value, decimals: decimals? })
}

/// Decimals of a currency's smallest unit (ISO 4217, table A.1).
pub(super) fn decimals_of(currency: &str) -> Result<u32, String> {
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(format!("currency {currency:?} is no code of ISO 4217; write for example EUR"));
    }
    Ok(match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    })
}
