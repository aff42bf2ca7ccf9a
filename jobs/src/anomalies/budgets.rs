//! Alerts about error budgets that burn too fast.
//!
//! A burn goes on until no rule as severe has held for the cool-down. Of one that goes on there is one alert as long as nobody ends
//! it, and another one where it becomes more severe. Each instant is judged by the one run whose interval it lies in, by what rows said
//! then. Absent: reminders.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use engine::{LakeSession, input_files};
use schemas::{BudgetSpec, BurnRate, BurnSeverity, InputFile, Interval, rfc3339};
use serde::{Deserialize, Serialize};

use super::alerts::standing as standing_alerts;
use super::raised::{Alert, Raising};
use crate::error::JobError;
use crate::runner::Attempt;
use crate::schedule::seconds;
use crate::sla::{self, Burn, PromiseBurns, Watched};
use crate::world::World;

/// Kind of what such an alert is of.
const ENTITY: &str = "sla";
/// A rate that is shown where there is no budget at all.
const RATE_MAX: f64 = 1_000_000.0;

/// What an SLA's budgets came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetSummary {
    /// The SLA.
    pub sla: String,
    /// Tenants whose budgets were watched.
    pub tenants: u64,
    /// Alerts that were raised.
    pub alerts: u64,
    /// Rules that say nothing of the end of the interval, of all promises: too few requests came, or nothing is known.
    pub silent: u64,
    /// Why nothing was watched: the SLA is of OpenSLO, and nothing is bound to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_evaluated: Option<String>,
}

/// What watching budgets came to.
#[derive(Default)]
pub(super) struct Burnt {
    pub(super) summaries: Vec<BudgetSummary>,
    pub(super) alerts: Vec<Alert>,
    pub(super) inputs: Vec<InputFile>,
    /// Datasets that were read.
    pub(super) reads: Vec<String>,
}

/// An alert that was raised before, as it stands.
struct Standing {
    /// The first of the alerts about the same burn.
    group: String,
    level: i16,
    end: DateTime<Utc>,
    cool_until: DateTime<Utc>,
    is_over: bool,
}

/// Watches the budgets of a job.
pub(super) async fn watch(
    (attempt, world): (&Attempt<'_>, &World),
    session: &LakeSession,
    raising: &Raising<'_>,
) -> Result<Burnt, JobError> {
    let mut burnt = Burnt::default();
    for budget in &raising.spec.budgets {
        let mut summary =
            BudgetSummary { sla: budget.sla.to_string(), tenants: 0, alerts: 0, silent: 0, not_evaluated: None };
        if let Some(unbound) = sla::unbound(attempt.lake, &budget.sla) {
            summary.not_evaluated = Some(unbound.why.clone());
            burnt.summaries.push(summary);
            continue;
        }
        let sla = sla::sla_of(attempt.lake, &budget.sla)?;
        let cool_down = seconds(budget.cool_down_seconds).unwrap_or_default();
        let interval = attempt.interval;
        let start = interval.start.checked_sub_signed(cool_down).unwrap_or(interval.start);
        let watched = Watched::of(sla, &budget.rules, Interval { start, end: interval.end })?;
        let measured = watched.measured(session).await?;
        let of = [("entity_type", ENTITY), ("entity_id", budget.sla.as_str())];
        let mut stood = standing_alerts(attempt.lake, world, (&raising.spec.into, &of), start).await?;
        stood.retain(|alert| raising.is_ours(alert));
        let done = Arc::new(AtomicU64::new(0));
        let shown = attempt.progress.tenants(&done, sla.tenants.len());
        for tenant in sla.tenants.keys() {
            for promise in watched.burns(session, &measured, tenant).await? {
                summary.silent += promise.silent;
                let alerts = Telling { raising, budget, promise: &promise, from: interval.start, cool_down }.of(&stood);
                summary.alerts += alerts.len() as u64;
                burnt.alerts.extend(alerts);
            }
            summary.tenants += 1;
            done.fetch_add(1, Ordering::Relaxed);
        }
        drop(shown);
        for dataset in sla::reads(sla) {
            burnt.inputs.extend(input_files(session, &dataset, watched.time()).await?);
            burnt.reads.push(dataset);
        }
        burnt.summaries.push(summary);
    }
    burnt.reads.sort();
    burnt.reads.dedup();
    Ok(burnt)
}

/// Which burns of a promise are told.
struct Telling<'a> {
    raising: &'a Raising<'a>,
    budget: &'a BudgetSpec,
    promise: &'a PromiseBurns,
    /// Burns up to here are those of runs before.
    from: DateTime<Utc>,
    cool_down: TimeDelta,
}

impl Telling<'_> {
    /// The alerts of a promise, beside those that stand.
    fn of(&self, stood: &[Alert]) -> Vec<Alert> {
        let metric = self.metric();
        let ours = stood.iter().filter(|alert| alert.tenant_id == self.promise.tenant && alert.metric == metric);
        let mut standing: Vec<Standing> = ours.map(standing).collect();
        let mut held: Vec<(BurnSeverity, DateTime<Utc>)> = Vec::new();
        let mut alerts = Vec::new();
        for burn in &self.promise.burns {
            let recent = held.iter().filter(|(_, at)| burn.at - *at <= self.cool_down);
            let goes_on = recent.clone().any(|(severity, _)| *severity >= burn.rule.severity);
            if burn.at > self.from && !Self::is_told((burn, goes_on), &standing) {
                let alert = self.alert((burn, recent.count() > 0), &standing);
                standing.push(self::standing(&alert));
                alerts.push(alert);
            }
            held.retain(|(severity, _)| *severity != burn.rule.severity);
            held.push((burn.rule.severity, burn.at));
        }
        alerts
    }

    /// Whether an alert as severe says so.
    fn is_told((burn, goes_on): (&Burn, bool), standing: &[Standing]) -> bool {
        let as_severe = |one: &&Standing| one.level >= burn.rule.severity.level() && one.end < burn.at;
        standing.iter().filter(as_severe).any(|one| one.cool_until > burn.at || (goes_on && !one.is_over))
    }

    /// The name of what is measured.
    fn metric(&self) -> String {
        format!("{}_budget", self.promise.metric)
    }

    fn alert(&self, (burn, has_begun): (&Burn, bool), standing: &[Standing]) -> Alert {
        let (metric, minutes) = (self.metric(), i64::from(burn.rule.long_minutes));
        let bucket_start = burn.at - TimeDelta::minutes(minutes);
        let (began, sla) = (rfc3339(bucket_start), self.budget.sla.as_str());
        let detector = format!("burn_rate_{minutes}m");
        let id = self.raising.id([&metric, &self.promise.tenant, sla, &began, &detector]);
        // Of a burn that became more severe, the alert before.
        let before = standing.iter().rev().find(|one| has_begun && one.end < burn.at && !one.is_over);
        Alert {
            group_id: Some(before.map_or_else(|| id.clone(), |one| one.group.clone())),
            alert_id: id,
            tenant_id: self.promise.tenant.clone(),
            explanation: format!("{metric}, {minutes} minutes from {began}: {}", sentence(burn)),
            metric,
            entity_type: ENTITY.to_owned(),
            entity_id: sla.to_owned(),
            detector,
            bucket_start,
            bucket_us: minutes * 60_000_000,
            value: shown(burn.long),
            expected: 1.0,
            low: 0.0,
            high: shown(burn.factor),
            score: shown(burn.long),
            severity: burn.rule.severity.level(),
            state: "open".to_owned(),
            raised_at: self.raising.at,
            acknowledged_at: None,
            resolved_at: None,
            cool_until: burn.at.checked_add_signed(self.cool_down).unwrap_or(burn.at),
            revision: 1,
        }
    }
}

fn standing(alert: &Alert) -> Standing {
    Standing {
        group: alert.group_id.clone().unwrap_or_else(|| alert.alert_id.clone()),
        level: alert.severity,
        end: alert.bucket_start + TimeDelta::microseconds(alert.bucket_us),
        cool_until: alert.cool_until,
        is_over: alert.is_over(),
    }
}

/// What a burn is, with its numbers.
fn sentence(burn: &Burn) -> String {
    format!(
        "the error budget burns {} times as fast as it may, {} times in the last {} minutes; {}; more than {} uses up {} % of the \
         budget of {} in this time",
        burn.long, burn.short, burn.rule.short_minutes, burn.counted, burn.factor, burn.rule.share, burn.period
    )
}

/// A rate as rows have it.
fn shown(rate: BurnRate) -> f64 {
    let rate = rate.as_f64().min(RATE_MAX);
    (rate * 1e6).round() / 1e6
}
