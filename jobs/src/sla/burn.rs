//! Error budgets as they burn: for each promise of each tenant, the instants at which a rule says that it goes too fast.
//!
//! A rule looks back from an instant over a long and a short window of whole slices. What does not count burns nothing, and the
//! cap of maintenance is that of the period. Slices of which nothing is known are neither good nor bad. Absent: which of it is
//! told, which `anomalies` decides.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use engine::LakeSession;
use schemas::{BurnRate, BurnRule, CivilZone, Interval, Measured, Sla, SlaMethod, SlaPeriod, Tier};

use super::attained::{Judged, Metric, Promised};
use super::excluded::{Window, exclude};
use super::judged::{no_latency, targets_in};
use super::measure::{self, Counts};
use super::slices::{Counted, RATIO_UNITS, Slices, Verdict, count, slice_at};
use crate::error::JobError;

/// A promise whose budget burns too fast at an instant, by one rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Burn {
    /// The end of both windows.
    pub(crate) at: DateTime<Utc>,
    pub(crate) rule: BurnRule,
    pub(crate) long: BurnRate,
    pub(crate) short: BurnRate,
    /// The rate that is too fast.
    pub(crate) factor: BurnRate,
    /// The period whose budget it is.
    pub(crate) period: String,
    /// What was counted in the long window, in words.
    pub(crate) counted: String,
}

/// A promise to a tenant.
#[derive(Debug, Clone)]
pub(crate) struct PromiseBurns {
    pub(crate) tenant: String,
    /// `uptime`, `errors` or `latency`.
    pub(crate) metric: &'static str,
    /// Instants at which a rule holds, with the first that does.
    pub(crate) burns: Vec<Burn>,
    /// Rules that say nothing of the last instant: too few requests came, or nothing is known.
    pub(crate) silent: u64,
}

/// The budgets of an SLA.
pub(crate) struct Watched<'s> {
    sla: &'s Sla,
    rules: &'s [BurnRule],
    /// Whose ends of slices are judged.
    judged: Interval,
    /// What is measured for that, in whole slices of the last period.
    time: Interval,
    /// Periods that reach into it, the first one first, each with its time.
    periods: Vec<(SlaPeriod, Interval)>,
}

impl<'s> Watched<'s> {
    /// The budgets within a time.
    ///
    /// # Errors
    /// When the time lies outside of the calendar, or there are no tiers for it.
    pub(crate) fn of(sla: &'s Sla, rules: &'s [BurnRule], judged: Interval) -> Result<Self, JobError> {
        let beyond = || JobError::Usage(format!("budgets of sla \"{}\" lie outside of the calendar", sla.id));
        let zone = CivilZone::from(sla.timezone);
        let last = judged.end - TimeDelta::microseconds(1);
        let last = sla.period.of_day(zone.day_of(last)).ok_or_else(beyond)?;
        let begun = last.interval(zone).ok_or_else(beyond)?.start;
        let longest = rules.iter().map(|rule| rule.long_minutes).max().unwrap_or(0);
        let from = judged.start.checked_sub_signed(TimeDelta::minutes(i64::from(longest))).ok_or_else(beyond)?;
        let length = i64::from(sla.slices.minutes);
        let floor = |at: DateTime<Utc>| begun + TimeDelta::minutes(number(begun, at, length) * length);
        let time = Interval { start: floor(from), end: floor(judged.end) };
        let mut periods = vec![(last, last.interval(zone).ok_or_else(beyond)?)];
        while periods[0].1.start > time.start {
            let before = periods[0].0.before().ok_or_else(beyond)?;
            periods.insert(0, (before, before.interval(zone).ok_or_else(beyond)?));
        }
        super::tiers_of(sla, last, true)?;
        Ok(Self { sla, rules, judged, time, periods })
    }

    /// The time whose rows decide.
    pub(crate) fn time(&self) -> Interval {
        measure::read_interval(self.sla, self.time)
    }

    /// Slices in which something of the service was measured.
    pub(crate) async fn measured(&self, session: &LakeSession) -> Result<Vec<bool>, JobError> {
        measure::measured_slices(session, self.sla, self.time).await
    }

    /// The burns of a tenant's promises.
    pub(crate) async fn burns(
        &self,
        session: &LakeSession,
        measured: &[bool],
        tenant: &str,
    ) -> Result<Vec<PromiseBurns>, JobError> {
        let counts = measure::counts(session, (self.sla, measured), (tenant, self.time)).await?;
        let all = Interval { start: self.periods[0].1.start, end: self.time.end };
        let windows = measure::windows(session, self.sla, (tenant, all)).await?;
        let excluded = self.excluded(&windows);
        Ok(self.judged(tenant, &counts, &excluded))
    }

    /// Slices that do not count; each period has its own cap of maintenance.
    fn excluded(&self, windows: &[Window]) -> BTreeMap<usize, usize> {
        let mut all = BTreeMap::new();
        let Some(rule) = &self.sla.exclusions else { return all };
        let regions: &[String] = match &self.sla.measured {
            Measured::Requests { regions, .. } => regions,
            Measured::Probes { .. } => &[],
        };
        for (_, interval) in &self.periods {
            let known = Interval { start: interval.start, end: interval.end.min(self.time.end) };
            let slices = count(known, self.sla.slices);
            let grid = Slices::new(
                known.start,
                self.sla.slices,
                vec![Counted::default(); slices],
                vec![Verdict::Unknown; slices],
            );
            let reaches = |window: &&Window| window.starts_at < interval.end && window.ends_at > interval.start;
            let windows = windows.iter().filter(reaches).cloned().collect();
            let (_, excluded) = exclude(&grid, windows, (rule, regions));
            let found =
                excluded.into_keys().filter_map(|slice| slice_at(self.time, self.sla.slices, grid.start_of(slice)));
            all.extend(found.map(|slice| (slice, 0)));
        }
        all
    }

    fn judged(&self, tenant: &str, counts: &Counts, excluded: &BTreeMap<usize, usize>) -> Vec<PromiseBurns> {
        let mut found: BTreeMap<Metric, PromiseBurns> = BTreeMap::new();
        for end in self.ends() {
            let Some(in_force) = self.in_force(tenant, counts, end) else { continue };
            for (metric, (burn, silent)) in self.at(&in_force, (counts, excluded), end) {
                let of = found.entry(metric).or_insert_with(|| PromiseBurns {
                    tenant: tenant.to_owned(),
                    metric: metric.as_str(),
                    burns: Vec::new(),
                    silent: 0,
                });
                of.burns.extend(burn);
                of.silent = silent;
            }
        }
        found.into_values().collect()
    }

    /// The first rule that holds for each promise where windows end, and how many rules say nothing.
    fn at(
        &self,
        in_force: &InForce,
        (counts, excluded): (&Counts, &BTreeMap<usize, usize>),
        end: usize,
    ) -> BTreeMap<Metric, (Option<Burn>, u64)> {
        let mut all: BTreeMap<Metric, (Option<Burn>, u64)> = BTreeMap::new();
        for rule in self.rules {
            let [long, short] = [rule.long_minutes, rule.short_minutes]
                .map(|minutes| self.counted((counts, excluded), &in_force.tier, (end, minutes)));
            for (long, short) in long.into_iter().zip(short) {
                let promised = long.promised;
                let (burning, silent) = all.entry(promised.metric).or_default();
                if !short.is_known || !long.is_known {
                    *silent += 1;
                    continue;
                }
                let rates = [long.rate(), short.rate()];
                let factor = rule.factor(in_force.minutes);
                if burning.is_none() && rates.iter().all(|rate| rate.is_above(factor)) {
                    *burning = Some(Burn {
                        at: counts.slices.start_of(end),
                        rule: *rule,
                        long: rates[0],
                        short: rates[1],
                        factor,
                        period: in_force.period.name(),
                        counted: in_words(promised),
                    });
                }
            }
        }
        all
    }

    /// Numbers of the slices before which windows end: every shortest window, counted from the beginning of the last period.
    fn ends(&self) -> impl Iterator<Item = usize> {
        let length = i64::from(self.sla.slices.minutes);
        let shortest = self.rules.iter().map(|rule| rule.short_minutes).min().unwrap_or(1);
        let every = i64::from(shortest.div_ceil(self.sla.slices.minutes));
        let begun = self.periods.last().map_or(self.time.start, |(_, interval)| interval.start);
        let [first, from, to] = [self.time.start, self.judged.start, self.time.end].map(|at| number(begun, at, length));
        let ends = (from + 1..=to).filter(move |end| end.rem_euclid(every) == 0);
        ends.filter_map(move |end| usize::try_from(end - first).ok())
    }

    /// What holds for the slice before an end.
    fn in_force(&self, tenant: &str, counts: &Counts, end: usize) -> Option<InForce> {
        let before = counts.slices.start_of(end.checked_sub(1)?);
        let (period, interval) = self.periods.iter().find(|(_, interval)| before < interval.end)?;
        let day = CivilZone::from(self.sla.timezone).day_of(before);
        let tiers = self.sla.tiers_of(tenant, *period);
        let (_, tier) = tiers.iter().rev().find(|(first, _)| *first <= day).or(tiers.first())?;
        let tier = *self.sla.tiers_on(period.first())?.tiers.get(*tier)?;
        let minutes = (interval.end - interval.start).num_minutes().max(0).unsigned_abs();
        Some(InForce { period: *period, minutes, tier })
    }

    /// What a tier promises, counted in a window that ends before a slice.
    fn counted(
        &self,
        (counts, excluded): (&Counts, &BTreeMap<usize, usize>),
        tier: &Tier,
        (end, minutes): (usize, u32),
    ) -> Vec<InWindow> {
        let slices = usize::try_from(minutes.div_ceil(self.sla.slices.minutes)).unwrap_or(usize::MAX);
        let range = end.saturating_sub(slices)..end;
        let no_latency = no_latency(&self.sla.measured, tier.p95_us, targets_in(&counts.targets, &range)).is_some();
        let judged = Judged { slices: &counts.slices, excluded, range, no_latency: None };
        let (sums, promised) = judged.promised(self.sla, tier);
        let is_by_requests = matches!(self.sla.measured, Measured::Requests { .. });
        let is_enough = !is_by_requests || sums.total >= self.sla.slices.min_total;
        let known = |promised: Promised| InWindow {
            promised,
            is_known: is_enough && promised.valid > 0 && !(no_latency && promised.metric == Metric::Latency),
        };
        promised.into_iter().map(known).collect()
    }
}

/// The number of the slice of so many minutes that an instant lies in; below nought before the first.
fn number(begun: DateTime<Utc>, at: DateTime<Utc>, minutes: i64) -> i64 {
    (at - begun).num_milliseconds().div_euclid(minutes * 60_000)
}

/// What holds for a slice.
struct InForce {
    period: SlaPeriod,
    /// Of the period.
    minutes: u64,
    tier: Tier,
}

/// A promise in a window.
struct InWindow {
    promised: Promised,
    is_known: bool,
}

impl InWindow {
    fn rate(&self) -> BurnRate {
        let Promised { valid, good, target, .. } = self.promised;
        BurnRate::of((valid - good, valid), target)
    }
}

/// `36 of 60 slices were bad`.
fn in_words(promised: Promised) -> String {
    let bad = promised.valid - promised.good;
    match (promised.method, promised.metric) {
        (SlaMethod::Timeslices, _) => format!("{bad} of {} slices were bad", promised.valid),
        (SlaMethod::RatioTimeslices, _) => {
            let slices = promised.valid / RATIO_UNITS;
            format!("{} % of what {slices} slices had failed", schemas::percent_of(bad, promised.valid, 4))
        }
        (SlaMethod::Occurrences, Metric::Latency) => format!("{bad} of {} requests were slow", promised.valid),
        (SlaMethod::Occurrences, _) => format!("{bad} of {} requests or checks failed", promised.valid),
    }
}

#[cfg(test)]
mod tests;
