//! A tenant's period: its parts by tier, what each came to, and what is paid.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use schemas::{CivilZone, Interval, Measured, Sla, SlaPeriod, Tiers};
use serde::{Deserialize, Serialize};

use super::attained::{Attained, Judged, Metric, Sums};
use super::credit::{Credit, Owed, credit};
use super::excluded::{Applied, Window, exclude};
use super::fees::FeeRow;
use super::slices::{Slices, Verdict};

/// What was measured of a tenant in a period.
#[derive(Debug)]
pub(super) struct Measurements {
    pub(super) slices: Slices,
    /// Windows of the tenant and of the service.
    pub(super) windows: Vec<Window>,
    /// Charges of the period; none where the SLA names no fees.
    pub(super) fees: Option<Vec<FeeRow>>,
    /// Requests by the minute; none of checks.
    pub(super) minutes: Vec<Minute>,
    /// Latency targets that requests were counted by, microseconds, each from a slice on; none in it where they were counted
    /// by none.
    pub(super) targets: Vec<(usize, Option<i64>)>,
}

/// Requests of a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Minute {
    pub(super) at: DateTime<Utc>,
    pub(super) slice: usize,
    pub(super) total: u64,
    pub(super) failed: u64,
    pub(super) slow: u64,
    /// Sketch of latencies, microseconds.
    pub(super) latency: Vec<u8>,
}

/// What a tenant's period came to, and what of it proves it.
pub(super) struct Judgement {
    pub(super) period: JudgedPeriod,
    /// Bad slices one by one, excluded and unknown ones in runs.
    pub(super) slices: Vec<Run>,
    /// Slices that do not count, by the number of their window.
    pub(super) excluded: BTreeMap<usize, usize>,
}

/// What a tenant's period came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JudgedPeriod {
    /// Its parts, each under one tier.
    pub(super) parts: Vec<JudgedPart>,
    /// Windows and what became of them.
    pub(super) exclusions: Vec<Applied>,
    /// What is paid; none where that cannot be told.
    pub(super) credit: Option<Credit>,
    /// Why it cannot.
    pub(super) no_credit: Option<String>,
    /// Bad, excluded and unknown slices, in runs.
    pub(super) runs: Vec<Run>,
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
    /// Requests or checks of slices that count.
    pub(super) sums: Sums,
    /// Figures of what is promised.
    pub(super) attained: Vec<Attained>,
    /// The metric whose credit counts.
    pub(super) owed_for: Option<Metric>,
    /// What is paid for the part, in 1/10000 of the currency.
    pub(super) amount: Option<i64>,
}

/// Slices in a row that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    /// `bad`, `excluded` or `unknown`.
    pub(super) what: String,
    /// Their time.
    pub(super) interval: Interval,
    /// How many.
    pub(super) slices: u64,
    /// Requests or checks in them.
    pub(super) total: u64,
    /// Those that failed.
    pub(super) failed: u64,
    /// The window, of excluded ones.
    pub(super) exclusion: Option<String>,
}

/// Judges a period of a tenant. None where a day of it lies outside of the calendar.
pub(super) fn judge(
    (sla, tiers): (&Sla, &Tiers),
    (tenant, period): (&str, SlaPeriod),
    measured: &Measurements,
) -> Option<Judgement> {
    let zone = CivilZone::from(sla.timezone);
    let whole = period.interval(zone)?;
    let regions: &[String] = match &sla.measured {
        Measured::Requests { regions, .. } => regions,
        Measured::Probes { .. } => &[],
    };
    let (exclusions, excluded) = match &sla.exclusions {
        Some(rule) => exclude(&measured.slices, measured.windows.clone(), (rule, regions)),
        None => (Vec::new(), BTreeMap::new()),
    };
    let mut parts = Vec::new();
    let mut owed = Vec::new();
    let tenant_tiers = sla.tiers_of(tenant, period);
    for (at, (first, name)) in tenant_tiers.iter().enumerate() {
        let next = tenant_tiers.get(at + 1).map_or(period.next(), |(next, _)| *next);
        let start = if at == 0 { whole.start } else { zone.start_of(*first)? };
        let interval = Interval { start, end: zone.start_of(next)? };
        let tier = tiers.tiers.get(*name)?;
        let range = measured.slices.within(interval);
        let no_latency = no_latency(&sla.measured, tier.p95_us, targets_in(&measured.targets, &range));
        let judged = Judged { slices: &measured.slices, excluded: &excluded, range, no_latency };
        let attained = judged.attained(sla, tier, tiers);
        let days = u32::try_from((next - *first).num_days()).unwrap_or(0);
        let part = Owed::of(days, &attained, tier.money);
        parts.push(JudgedPart {
            tier: (*name).to_owned(),
            first: *first,
            days,
            interval,
            sums: judged.sums(),
            attained,
            owed_for: part.metric,
            amount: None,
        });
        owed.push(part);
    }
    let (credit, no_credit) = paid(sla, tiers, (&owed, period.days()), measured.fees.as_deref());
    if let Some(credit) = &credit {
        parts.iter_mut().zip(&credit.parts).for_each(|(part, amount)| part.amount = Some(*amount));
    }
    let slices = runs(&measured.slices, &excluded, (&exclusions, false));
    let runs = runs(&measured.slices, &excluded, (&exclusions, true));
    Some(Judgement { period: JudgedPeriod { parts, exclusions, credit, no_credit, runs }, slices, excluded })
}

/// What is paid, or why that cannot be told.
fn paid(sla: &Sla, tiers: &Tiers, owed: (&[Owed], u32), fees: Option<&[FeeRow]>) -> (Option<Credit>, Option<String>) {
    let (Some(rule), Some(fees)) = (&sla.fees, fees) else {
        return (None, Some("the SLA names no fees, so there is a percentage and no amount".to_owned()));
    };
    if let Some(other) = fees.iter().find(|fee| fee.currency != rule.currency) {
        let why = format!(
            "charge {} is in {}, and the contract is in {}; amounts of two currencies do not add up",
            other.usage_id, other.currency, rule.currency
        );
        return (None, Some(why));
    }
    let sum = fees.iter().try_fold(0i128, |sum, fee| sum.checked_add(fee.billed_cost));
    let paid = sum.and_then(|sum| credit(sum, (&rule.currency, rule.decimals), owed, tiers));
    match paid {
        Some(credit) if fees.is_empty() => {
            let note = Some(format!("there is no charge of service {} in the period", rule.service));
            (Some(Credit { note, ..credit }), None)
        }
        Some(credit) => (Some(credit), None),
        None => (None, Some("the fee is too large to compute with".to_owned())),
    }
}

/// Why slow requests cannot be told: they were counted by another target than the tier's.
pub(super) fn no_latency(
    measured: &Measured,
    promised: Option<i64>,
    mut targets: impl Iterator<Item = Option<i64>>,
) -> Option<String> {
    let promised = promised?;
    if matches!(measured, Measured::Probes { .. }) {
        return Some("checks from outside do not tell how long requests of tenants took".to_owned());
    }
    let other = targets.find(|target| *target != Some(promised))?;
    Some(match other {
        Some(other) => format!("slow requests were counted over {other} µs, and {promised} µs are promised"),
        None => "slow requests were not counted, as rows have no target_us".to_owned(),
    })
}

/// The targets in force in slices: the one before them reaches into them.
pub(super) fn targets_in<'t>(
    targets: &'t [(usize, Option<i64>)],
    range: &'t std::ops::Range<usize>,
) -> impl Iterator<Item = Option<i64>> + 't {
    let reaches = |at: usize| targets.get(at + 1).is_none_or(|(next, _)| *next > range.start);
    let is_in = move |at: usize, from: usize| from < range.end && (from >= range.start || reaches(at));
    let each = targets.iter().enumerate().filter(move |(at, (from, _))| is_in(*at, *from));
    each.map(|(_, (_, target))| *target)
}

/// Slices that are not good, in runs; bad ones each by itself where they are not to be joined.
fn runs(slices: &Slices, excluded: &BTreeMap<usize, usize>, (exclusions, joins_bad): (&[Applied], bool)) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut last = None;
    for (slice, verdict) in slices.verdicts.iter().enumerate() {
        let exclusion = excluded.get(&slice).map(|at| exclusions[*at].window.id.clone());
        let what = match (&exclusion, verdict) {
            (Some(_), _) => "excluded",
            (None, Verdict::Bad) => "bad",
            (None, Verdict::Unknown) => "unknown",
            (None, Verdict::Good) => continue,
        };
        let counted = slices.counted[slice];
        let (start, end) = (slices.start_of(slice), slices.start_of(slice) + slices.length);
        match runs.last_mut() {
            Some(run)
                if last.is_some_and(|last| last + 1 == slice)
                    && (joins_bad || what != "bad")
                    && (run.what.as_str(), &run.exclusion) == (what, &exclusion) =>
            {
                run.interval.end = end;
                run.slices += 1;
                run.total += counted.total;
                run.failed += counted.failed;
            }
            _ => runs.push(Run {
                what: what.to_owned(),
                interval: Interval { start, end },
                slices: 1,
                total: counted.total,
                failed: counted.failed,
                exclusion,
            }),
        }
        last = Some(slice);
    }
    runs
}

#[cfg(test)]
pub(super) mod tests;
