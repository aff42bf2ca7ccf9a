//! A tenant's month: its parts by tier, what was used of each quota, what the tiers cost, what was charged.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use schemas::{
    AMOUNT_DECIMALS, CivilZone, Cost, Interval, Measure, Quantity, QuotaLimit, QuotaMeter, Quotas, Share, SlaPeriod,
    TierPrice, UsageContract,
};
use serde::{Deserialize, Serialize};

use super::metered::{Metered, Window, metered, units};
use super::read::UsageRow;

/// Categories of rows that say how much was used.
const METERED: [&str; 3] = ["Usage", "Purchase", "Adjustment"];

/// What a tenant's month came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JudgedMonth {
    /// Its parts, each under one tier; those that have begun.
    pub(super) parts: Vec<JudgedPart>,
    /// ISO 4217, of the prices.
    pub(super) currency: String,
    /// Sums of what was charged.
    pub(super) charges: Vec<ChargeSum>,
}

/// Days under one tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JudgedPart {
    /// The tier.
    pub(super) tier: String,
    /// Its first day.
    pub(super) first: NaiveDate,
    /// Days.
    pub(super) days: u32,
    /// Its time.
    pub(super) interval: Interval,
    /// What was used of each quota.
    pub(super) quotas: Vec<JudgedQuota>,
    /// What a month of the tier costs.
    pub(super) price: TierPrice,
    /// What its days cost, in 1/10000 of the currency; none where a contract says.
    pub(super) amount: Option<i64>,
}

/// How a quota was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum QuotaStatus {
    /// It cannot be told.
    NotEvaluated,
    /// Nothing limits it.
    Unlimited,
    /// Less than the share from which a tenant is warned.
    Ok,
    /// Nearly all of it.
    Warn,
    /// More than there is.
    Over,
}

impl QuotaStatus {
    /// The word in rows.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NotEvaluated => "not_evaluated",
            Self::Unlimited => "unlimited",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Over => "over",
        }
    }

    /// So much of a limit, compared in whole numbers.
    pub(super) fn of(used: Quantity, limit: QuotaLimit, warn: Share) -> Self {
        let QuotaLimit::Of(limit) = limit else { return Self::Unlimited };
        if used > limit {
            return Self::Over;
        }
        // Limits have room for that, and `used` is no larger.
        let part = used.units().saturating_mul(i128::from(warn.den()));
        let is_near = part >= limit.units().saturating_mul(i128::from(warn.num()));
        if is_near && used > Quantity::ZERO { Self::Warn } else { Self::Ok }
    }
}

/// What was used of a quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JudgedQuota {
    /// The quota; of a meter without one, the meter.
    pub(super) quota: String,
    /// The meter, as rows name it.
    pub(super) meter: String,
    /// What of its rows counts.
    pub(super) measure: Measure,
    /// Whether each day has the limit.
    pub(super) is_daily: bool,
    /// Unit of the quantities.
    pub(super) unit: Option<String>,
    /// How much, of a daily quota on the day with the most.
    pub(super) used: Option<Quantity>,
    /// How much may be used; none of a meter without a quota.
    pub(super) limit: Option<QuotaLimit>,
    /// How it was kept.
    pub(super) status: QuotaStatus,
    /// Why it cannot be told, or what else is to be known.
    pub(super) note: Option<String>,
    /// The instant from which the most was in use.
    pub(super) peak_at: Option<DateTime<Utc>>,
    /// Rows that were counted.
    pub(super) rows: u64,
    /// Of a daily quota: what was used on each day with any.
    pub(super) by_day: BTreeMap<NaiveDate, Quantity>,
    /// Days with more than the limit.
    pub(super) days_over: u32,
}

/// A sum of charges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChargeSum {
    pub(super) category: String,
    pub(super) class: Option<String>,
    pub(super) service: String,
    pub(super) currency: String,
    pub(super) rows: u64,
    pub(super) billed_cost: Cost,
}

/// Judges a month of a tenant, up to an instant.
///
/// # Errors
/// A sentence about what cannot be computed.
pub(super) fn judge(
    (usage, quotas): (&UsageContract, &Quotas),
    (tenant, period): (&str, SlaPeriod),
    (whole, until): (Interval, DateTime<Utc>),
    rows: &[UsageRow],
) -> Result<JudgedMonth, String> {
    let zone = CivilZone::from(usage.zone_of(tenant));
    let beyond = || format!("period {} lies outside of the calendar", period.name());
    let mut of_meter: BTreeMap<&str, Vec<&UsageRow>> = BTreeMap::new();
    let is_metered = |row: &&UsageRow| row.quantity.is_some() && METERED.contains(&row.category.as_str());
    for row in rows.iter().filter(is_metered) {
        of_meter.entry(&row.meter).or_default().push(row);
    }
    let tiers = usage.tiers_of(tenant, period);
    let (mut parts, mut prices) = (Vec::new(), Vec::new());
    for (at, (first, name)) in tiers.iter().enumerate() {
        let next = tiers.get(at + 1).map_or(period.next(), |(next, _)| *next);
        let start = if at == 0 { whole.start } else { zone.start_of(*first).ok_or_else(beyond)? };
        let interval = Interval { start, end: zone.start_of(next).ok_or_else(beyond)? };
        let days = u32::try_from((next - *first).num_days()).unwrap_or(0);
        let Some(tier) = quotas.tiers.get(*name) else { continue };
        prices.push((tier.price, days));
        if until <= start {
            continue;
        }
        let part = Part {
            usage,
            quotas,
            limits: &tier.limits,
            zone,
            share: if tiers.len() > 1 { Some((days, period.days())) } else { None },
            window: Window {
                start_us: interval.start.timestamp_micros(),
                end_us: interval.end.min(until).timestamp_micros(),
            },
        };
        let quotas = part.judged(&of_meter)?;
        parts.push(JudgedPart {
            tier: (*name).to_owned(),
            first: *first,
            days,
            interval,
            quotas,
            price: tier.price,
            amount: None,
        });
    }
    let amounts = amounts(&prices, period.days(), quotas.decimals).ok_or("prices are too large to compute with")?;
    parts.iter_mut().zip(amounts).for_each(|(part, amount)| part.amount = amount);
    let window = Window { start_us: whole.start.timestamp_micros(), end_us: until.timestamp_micros() };
    Ok(JudgedMonth { parts, currency: quotas.currency.clone(), charges: charges(rows, window)? })
}

/// What the parts of a month cost: prices by days, rounded once, so that parts add up; none where a contract says.
fn amounts(prices: &[(TierPrice, u32)], days: u32, decimals: u32) -> Option<Vec<Option<i64>>> {
    let unit = 10i128.checked_pow(AMOUNT_DECIMALS.checked_sub(decimals)?)?;
    let whole = i128::from(days.max(1)).checked_mul(unit)?;
    let (mut exact, mut paid, mut amounts) = (0i128, 0i128, Vec::new());
    for (price, days) in prices {
        let TierPrice::Of(price) = price else {
            amounts.push(None);
            continue;
        };
        exact = exact.checked_add(i128::from(*price).checked_mul(i128::from(*days))?)?;
        // Half up, as no price is below zero.
        let so_far = (exact.checked_mul(2)?.checked_add(whole)?) / whole.checked_mul(2)?;
        amounts.push(Some(i64::try_from((so_far - paid).checked_mul(unit)?).ok()?));
        paid = so_far;
    }
    Some(amounts)
}

/// Category, class, service and currency of charges that are added up.
type ChargeKey<'r> = (&'r str, Option<&'r str>, &'r str, &'r str);

/// Sums of the charges that begin in a time.
fn charges(rows: &[UsageRow], window: Window) -> Result<Vec<ChargeSum>, String> {
    let mut sums: BTreeMap<ChargeKey<'_>, (u64, Cost)> = BTreeMap::new();
    let begins = |row: &&UsageRow| (window.start_us..window.end_us).contains(&row.start_us);
    for row in rows.iter().filter(begins) {
        let sum = sums.entry((&row.category, row.class.as_deref(), &row.service, &row.currency)).or_default();
        let too_large = || format!("charges of service {:?} are too large to add up", row.service);
        *sum = (sum.0 + 1, sum.1.checked_add(row.billed_cost).ok_or_else(too_large)?);
    }
    let of = |((category, class, service, currency), (rows, billed_cost)): (ChargeKey<'_>, _)| ChargeSum {
        category: category.to_owned(),
        class: class.map(str::to_owned),
        service: service.to_owned(),
        currency: currency.to_owned(),
        rows,
        billed_cost,
    };
    Ok(sums.into_iter().map(of).collect())
}

/// Days under one tier, to be judged.
struct Part<'a> {
    usage: &'a UsageContract,
    quotas: &'a Quotas,
    limits: &'a BTreeMap<String, QuotaLimit>,
    zone: CivilZone,
    /// Its days, of so many: the part of limits that a whole month has. None where it is the whole month.
    share: Option<(u32, u32)>,
    window: Window,
}

impl Part<'_> {
    fn judged(&self, of_meter: &BTreeMap<&str, Vec<&UsageRow>>) -> Result<Vec<JudgedQuota>, String> {
        let mut all = Vec::new();
        let mut known = BTreeSet::new();
        for (quota, meter) in &self.quotas.meters {
            let name = self.usage.meter_of(quota, meter);
            known.insert(name);
            let rows = of_meter.get(name).map(Vec::as_slice).unwrap_or_default();
            all.push(self.quota((quota, name), meter, rows)?);
        }
        for (meter, rows) in of_meter.iter().filter(|(meter, _)| !known.contains(*meter)) {
            let rows = rows.iter().filter(|row| (self.window.start_us..self.window.end_us).contains(&row.start_us));
            let rows = rows.count() as u64;
            if rows > 0 {
                let note = Some("no quota names the meter".to_owned());
                all.push(JudgedQuota { rows, ..unknown((meter, meter), (Measure::Sum, false), None, note) });
            }
        }
        Ok(all)
    }

    fn quota(
        &self,
        (quota, name): (&str, &str),
        meter: &QuotaMeter,
        rows: &[&UsageRow],
    ) -> Result<JudgedQuota, String> {
        let as_defined = (meter.measure, meter.is_daily);
        let limit = self.limit(self.limits.get(quota).copied(), meter);
        let unknown = |note: String| unknown((quota, name), as_defined, limit, Some(note));
        let used = metered(meter.measure, rows, self.window)
            .ok_or_else(|| format!("quantities of meter {name:?} are too large to add up"))?;
        let units = units(rows);
        if units.len() > 1 {
            let units: Vec<&str> = units.into_iter().collect();
            return Ok(unknown(format!("rows are in several units, which do not add up: {}", units.join(", "))));
        }
        if used.rows == 0 {
            return Ok(unknown(match used.instants {
                0 => "nothing was metered".to_owned(),
                _ => "levels have no length of time; give rows a period_end after period_start".to_owned(),
            }));
        }
        let Some(limit) = limit else {
            return Ok(JudgedQuota { rows: used.rows, ..unknown("the tier has no such quota".to_owned()) });
        };
        let unit = units.into_iter().next().map(str::to_owned);
        let by_day = if meter.is_daily { by_day(&used.steps, self.zone) } else { Some(BTreeMap::new()) };
        let by_day = by_day.ok_or_else(|| format!("quantities of meter {name:?} are too large to add up"))?;
        let worst = if meter.is_daily { by_day.values().max().copied().unwrap_or_default() } else { used.used };
        let of_day = |used: &&Quantity| QuotaStatus::of(**used, limit, self.usage.warn) == QuotaStatus::Over;
        Ok(JudgedQuota {
            unit,
            used: Some(worst),
            status: QuotaStatus::of(worst, limit, self.usage.warn),
            note: note(&used),
            peak_at: used.peak_us.and_then(DateTime::from_timestamp_micros),
            rows: used.rows,
            days_over: u32::try_from(by_day.values().filter(of_day).count()).unwrap_or(u32::MAX),
            by_day,
            ..unknown(String::new())
        })
    }

    /// A limit of a whole month is split by days, as its price is; one of a day, or of what is in use at a time, is not.
    fn limit(&self, limit: Option<QuotaLimit>, meter: &QuotaMeter) -> Option<QuotaLimit> {
        Some(match (limit?, self.share) {
            (QuotaLimit::Of(limit), Some((days, of))) if meter.measure.adds_up() && !meter.is_daily => {
                let part = limit.units().saturating_mul(i128::from(days)) / i128::from(of.max(1));
                QuotaLimit::Of(Quantity::of_units(part))
            }
            (limit, _) => limit,
        })
    }
}

/// A quota of which it cannot be told how much was used.
fn unknown(
    (quota, meter): (&str, &str),
    (measure, is_daily): (Measure, bool),
    limit: Option<QuotaLimit>,
    note: Option<String>,
) -> JudgedQuota {
    JudgedQuota {
        quota: quota.to_owned(),
        meter: meter.to_owned(),
        measure,
        is_daily,
        unit: None,
        used: None,
        limit,
        status: QuotaStatus::NotEvaluated,
        note,
        peak_at: None,
        rows: 0,
        by_day: BTreeMap::new(),
        days_over: 0,
    }
}

/// What was added on each civil day; none where a sum is too large.
fn by_day(steps: &[(i64, Quantity)], zone: CivilZone) -> Option<BTreeMap<NaiveDate, Quantity>> {
    let mut days: BTreeMap<NaiveDate, Quantity> = BTreeMap::new();
    for (at, step) in steps {
        let day = days.entry(zone.day_of(DateTime::from_timestamp_micros(*at)?)).or_default();
        *day = day.checked_add(*step)?;
    }
    Some(days)
}

/// What a figure does not say.
fn note(used: &Metered) -> Option<String> {
    let mut notes = Vec::new();
    if used.resets > 0 {
        let times = if used.resets == 1 { "once" } else { "several times" };
        notes.push(format!(
            "counters fell {times} ({}): what was used between the last reading and the fall is not known, and not counted",
            used.resets
        ));
    }
    if used.instants > 0 {
        notes.push(format!("{} rows have no length of time, and say nothing of a level", used.instants));
    }
    if notes.is_empty() { None } else { Some(notes.join("; ")) }
}

#[cfg(test)]
mod tests;
