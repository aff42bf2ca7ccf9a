//! `slas/*.yaml` with first key `quotas`: how much each tier may use, and what it costs.

use std::collections::{BTreeMap, BTreeSet};

use super::framework::filled;
use super::problem::{Place, Problems};
use super::raw_usage::{Per, RawQuotaMeter, RawQuotas};
use super::sla::decimals_of;
use super::yaml::At;
use crate::civil::parse_day;
use crate::id::{self, QuotasId};
use crate::usage::{
    AMOUNT_DECIMALS, DAILY_ENDING, Exact, Measure, Quantity, QuotaLimit, QuotaMeter, QuotaTier, Quotas, TierPrice,
};

/// Key of a tier that is no quota.
const PRICE: &str = "price_month";
const UNLIMITED: &str = "unlimited";
const CURRENCY_DEFAULT: &str = "USD";
/// Largest limit: a part of it in millionths of a per cent is still a number.
const LIMIT_MAX: i128 = 10i128.pow(30);

pub(super) fn build(raw: RawQuotas, sha256: String, problems: &mut Problems) -> Option<Quotas> {
    let before = problems.len();
    let id = problems.keep(raw.quotas.place, QuotasId::parse(&raw.quotas.value));
    let effective = problems.keep(raw.effective.place, parse_day(&raw.effective.value));
    let currency = raw.currency.unwrap_or(At { value: CURRENCY_DEFAULT.to_owned(), place: Place::START });
    let decimals = problems.keep(currency.place, decimals_of(&currency.value));
    if raw.tier.is_empty() {
        problems.add(raw.quotas.place, "tier is empty; add for example pro: {users: 100, price_month: \"499\"}");
    }
    let mut names = BTreeMap::new();
    let mut tiers = BTreeMap::new();
    for (name, given) in raw.tier {
        problems.keep(given.place, id::name("tier", &name));
        for (quota, at) in given.value.iter().filter(|(quota, _)| *quota != PRICE) {
            names.entry(quota.clone()).or_insert(at.place);
        }
        tiers.extend(tier(given, decimals, problems).map(|tier| (name, tier)));
    }
    let meters = meters(raw.meters, &names, problems);
    let built = Quotas {
        id: id?,
        version: raw.version.value,
        effective: effective?,
        currency: currency.value,
        decimals: decimals?,
        meters,
        tiers,
        sha256,
    };
    (problems.len() == before).then_some(built)
}

fn tier(given: At<BTreeMap<String, At<String>>>, decimals: Option<u32>, problems: &mut Problems) -> Option<QuotaTier> {
    let (mut limits, mut price) = (BTreeMap::new(), Some(TierPrice::None));
    for (quota, At { value, place }) in given.value {
        if quota == PRICE {
            price = problems.keep(place, of_price(&value, decimals.unwrap_or(AMOUNT_DECIMALS)));
            continue;
        }
        let limit = match value.as_str() {
            UNLIMITED => Ok(QuotaLimit::Unlimited),
            text => Quantity::parse(text)
                .filter(|limit| (0..=LIMIT_MAX).contains(&limit.units()))
                .map(QuotaLimit::Of)
                .ok_or_else(|| format!("{quota} is {text:?}; write a number such as 1000 or \"0.5\", or {UNLIMITED}")),
        };
        if let Some(limit) = problems.keep(place, limit) {
            limits.insert(quota, limit);
        }
    }
    Some(QuotaTier { limits, price: price? })
}

fn of_price(given: &str, decimals: u32) -> Result<TierPrice, String> {
    if given == "contract" {
        return Ok(TierPrice::Contract);
    }
    let price = Exact::<AMOUNT_DECIMALS>::parse(given).filter(|price| price.units() >= 0);
    let is_whole = |price: i64| 10i64.checked_pow(AMOUNT_DECIMALS - decimals).is_some_and(|unit| price % unit == 0);
    let price = price.and_then(|price| i64::try_from(price.units()).ok()).filter(|price| is_whole(*price));
    price.map(TierPrice::Of).ok_or_else(|| {
        format!("{PRICE} is {given:?}; write an amount with at most {decimals} decimals such as \"499\", or contract")
    })
}

/// How each quota that a tier has is metered.
fn meters(
    given: BTreeMap<String, At<RawQuotaMeter>>,
    names: &BTreeMap<String, Place>,
    problems: &mut Problems,
) -> BTreeMap<String, QuotaMeter> {
    let mut meters = BTreeMap::new();
    let known: BTreeSet<&String> = names.keys().collect();
    for (quota, unused) in given.iter().filter(|(quota, _)| !known.contains(quota)) {
        let known: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
        let message = format!("meters name quota {quota:?}, which no tier has; tiers have: {}", known.join(", "));
        problems.add(unused.place, message);
    }
    let mut given = given;
    for (quota, place) in names {
        problems.keep(*place, id::name("quota", quota));
        let raw = given.remove(quota);
        let place = raw.as_ref().map_or(*place, |raw| raw.place);
        let raw = raw.map(|raw| raw.value);
        let is = raw.as_ref().and_then(|raw| raw.is).or_else(|| Measure::usual(quota));
        let per = raw.as_ref().and_then(|raw| raw.per);
        let is_daily = per.map_or(quota.ends_with(DAILY_ENDING), |per| per == Per::Day);
        let base = quota.strip_suffix(DAILY_ENDING).unwrap_or(quota).to_owned();
        let meter = raw.and_then(|raw| raw.meter).map_or(base, |meter| filled("meter", meter, problems));
        let Some(measure) = is else {
            let message = format!(
                "how {quota:?} is metered is not told by its name; add meters: {{{quota}: {{is: sum}}}}, or max, mean, counter"
            );
            problems.add(place, message);
            continue;
        };
        if is_daily && !measure.adds_up() {
            let message = format!(
                "{quota:?} is the {} of levels, which days do not have limits of; write is: sum or counter, or per: period",
                measure.as_str()
            );
            problems.add(place, message);
        }
        meters.insert(quota.clone(), QuotaMeter { meter, measure, is_daily });
    }
    meters
}
