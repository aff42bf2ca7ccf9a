//! `slas/*.yaml` with first key `tiers`: what each tier is promised, and what is owed where it was missed.

use std::collections::BTreeMap;

use super::problem::Problems;
use super::raw_sla::{RawBand, RawCap, RawCredits, RawMissed, RawTier, RawTiers};
use super::yaml::At;
use crate::civil::parse_day;
use crate::id::{self, TiersId};
use crate::sla::{Band, BasisPoints, Below, Credits, Share, Tier, Tiers};

/// Decimals of amounts in definitions: 1/10000 of a currency.
const AMOUNT_DECIMALS: usize = 4;

pub(super) fn build(raw: RawTiers, sha256: String, problems: &mut Problems) -> Option<Tiers> {
    let before = problems.len();
    let id = problems.keep(raw.tiers.place, TiersId::parse(&raw.tiers.value));
    let effective = problems.keep(raw.effective.place, parse_day(&raw.effective.value));
    if raw.tier.is_empty() {
        problems.add(raw.tiers.place, "tier is empty; add for example pro: {uptime: \"99.9\"}");
    }
    let mut tiers = BTreeMap::new();
    for (name, given) in raw.tier {
        // Rows name tiers, too, so they follow the rule of names.
        problems.keep(given.place, id::name("tier", &name));
        tiers.extend(tier(&name, given, problems).map(|tier| (name, tier)));
    }
    let credits = credits(raw.credits, problems);
    let (cap, minimum) = raw.cap.map_or((Some(BasisPoints::ALL), Some(0)), |given| cap(given, problems));
    let built = Tiers {
        id: id?,
        version: raw.version.value,
        effective: effective?,
        tiers,
        credits,
        cap: cap?,
        minimum: minimum?,
        sha256,
    };
    (problems.len() == before).then_some(built)
}

fn tier(name: &str, given: At<RawTier>, problems: &mut Problems) -> Option<Tier> {
    let At { value: raw, place } = given;
    if raw.uptime.is_none() && raw.p95_ms.is_none() && raw.errors_percent.is_none() {
        let message =
            format!("tier \"{name}\" is promised nothing; add uptime, p95_ms or errors_percent, or leave it out");
        problems.add(place, message);
    }
    let mut share = |key: &str, given: Option<At<String>>| match given {
        Some(given) => {
            let share = Share::of_percent(&given.value).map_err(|why| format!("{key} {why}"));
            problems.keep(given.place, share).map(Some)
        }
        None => Some(None),
    };
    let (uptime, errors) = (share("uptime", raw.uptime), share("errors_percent", raw.errors_percent));
    let p95_us = raw.p95_ms.map(|milliseconds| i64::from(milliseconds) * 1_000);
    Some(Tier { uptime: uptime?, p95_us, errors: errors?, money: raw.money.unwrap_or(true) })
}

fn credits(given: Option<RawCredits>, problems: &mut Problems) -> Credits {
    let Some(raw) = given else {
        return Credits { uptime: Vec::new(), latency: BasisPoints::NONE, errors: BasisPoints::NONE };
    };
    Credits {
        uptime: ladder(raw.uptime, problems),
        latency: missed("latency", raw.latency, problems),
        errors: missed("errors", raw.errors, problems),
    }
}

/// Steps that go down in what they are below of and up in what is owed: of others, two could mean one figure.
fn ladder(given: Vec<RawBand>, problems: &mut Problems) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for (at, raw) in given.into_iter().enumerate() {
        let below = match raw.below.value.as_str() {
            "target" => Ok(Below::Target),
            text => Share::of_percent(text).map(Below::Share).map_err(|why| format!("below {why}, or target")),
        };
        let credit = BasisPoints::of_percent(&raw.percent.value).map_err(|why| format!("percent {why}"));
        let below_place = raw.below.place;
        let (below, credit) = (problems.keep(below_place, below), problems.keep(raw.percent.place, credit));
        let (Some(below), Some(credit)) = (below, credit) else { continue };
        let earlier = bands.last();
        let goes_down = match (earlier.map(|band| band.below), below) {
            (None, _) => true,
            (Some(_), Below::Target) => false,
            (Some(Below::Target), Below::Share(_)) => true,
            (Some(Below::Share(earlier)), Below::Share(below)) => below.is_below(earlier),
        };
        if !goes_down {
            let message = format!(
                "bands overlap: below {:?} does not lie under the band before it; write them from high to low, target first",
                raw.below.value
            );
            problems.add(below_place, message);
        }
        if earlier.is_some_and(|earlier| credit <= earlier.credit) {
            let message = format!(
                "band {} owes {} %, no more than the one above it; the last band that holds counts, so each must owe more",
                at + 1,
                credit
            );
            problems.add(raw.percent.place, message);
        }
        bands.push(Band { below, credit });
    }
    bands
}

fn missed(key: &str, given: Option<At<Vec<RawMissed>>>, problems: &mut Problems) -> BasisPoints {
    let Some(At { value: listed, place }) = given else { return BasisPoints::NONE };
    if listed.len() > 1 {
        problems.add(place, format!("{key} has several entries, and a target is missed or not; keep one"));
    }
    let Some(raw) = listed.into_iter().next() else { return BasisPoints::NONE };
    if !raw.missed.value {
        problems
            .add(raw.missed.place, format!("{key} is owed where missed: true; leave the entry out where nothing is"));
    }
    let credit = BasisPoints::of_percent(&raw.percent.value).map_err(|why| format!("percent {why}"));
    problems.keep(raw.percent.place, credit).unwrap_or(BasisPoints::NONE)
}

fn cap(raw: RawCap, problems: &mut Problems) -> (Option<BasisPoints>, Option<i64>) {
    let most = raw.period_percent.map_or(Some(BasisPoints::ALL), |given| {
        let most = BasisPoints::of_percent(&given.value).map_err(|why| format!("period_percent {why}"));
        problems.keep(given.place, most)
    });
    let least = raw.minimum.map_or(Some(0), |given| problems.keep(given.place, amount(&given.value)));
    (most, least)
}

/// `1.00` in 1/10000.
fn amount(given: &str) -> Result<i64, String> {
    let wrong =
        || format!("minimum {given:?} is not an amount; write for example \"1.00\", with at most four decimals");
    let (whole, decimals) = given.split_once('.').unwrap_or((given, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(decimals) || decimals.len() > AMOUNT_DECIMALS {
        return Err(wrong());
    }
    format!("{whole}{decimals:0<AMOUNT_DECIMALS$}").parse().map_err(|_| wrong())
}
