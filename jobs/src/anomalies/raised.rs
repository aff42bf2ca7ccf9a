//! Alerts that a run raises: judged series, and the rows of `alert.v1`.

use chrono::{DateTime, TimeDelta, Utc};
use schemas::{AnomaliesSpec, DetectorKind, JobId, derived_id, rfc3339};
use serde::{Deserialize, Serialize};

use super::cool_down::CoolDown;
use super::detect::FIRST;
use super::expected::Expected;
use super::measure::{Measured, Series};
use super::watch::{Watch, WatchRule};
use crate::error::JobError;

/// Levels of severity, from 1 info to 5 critical.
const MEDIUM: i16 = 3;
const HIGH: i16 = 4;
const CRITICAL: i16 = 5;
/// What a series of a whole tenant is of.
pub(super) const TENANT: &str = "tenant";

/// A row of `alert.v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Alert {
    pub(super) tenant_id: String,
    pub(super) alert_id: String,
    pub(super) metric: String,
    pub(super) entity_type: String,
    pub(super) entity_id: String,
    pub(super) detector: String,
    pub(super) bucket_start: DateTime<Utc>,
    pub(super) bucket_us: i64,
    pub(super) value: f64,
    pub(super) expected: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) score: f64,
    pub(super) severity: i16,
    pub(super) explanation: String,
    pub(super) state: String,
    pub(super) raised_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) acknowledged_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) resolved_at: Option<DateTime<Utc>>,
    pub(super) cool_until: DateTime<Utc>,
    pub(super) revision: u32,
}

/// What a metric came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricSummary {
    /// Its name.
    pub metric: String,
    /// Series that were judged.
    pub series: u64,
    /// Series with too few values to be judged yet.
    pub not_yet: u64,
    /// The quietest series, which were left out.
    pub left_out: u64,
    /// Alerts that it raised.
    pub alerts: u64,
}

/// Who raises alerts, and when.
pub(super) struct Raising<'a> {
    pub(super) job: &'a JobId,
    pub(super) at: DateTime<Utc>,
    pub(super) spec: &'a AnomaliesSpec,
}

impl Raising<'_> {
    /// The alerts of a series in the buckets that are judged; whether it has enough values.
    pub(super) fn of(&self, measured: &Measured<'_>, series: &Series) -> Result<(Vec<Alert>, bool), JobError> {
        let metric = measured.metric;
        let mut alerts = Vec::new();
        for detector in &metric.detectors {
            let cool_down = CoolDown::Micros(micros(metric.cool_down_seconds));
            let rule = WatchRule {
                detector: (*detector).into(),
                threshold: metric.threshold.unwrap_or_else(|| super::DetectorName::from(*detector).threshold()),
                cool_down: Some(cool_down),
                log1p: metric.log1p,
            };
            let mut watch = Watch::begin(rule, series.values.len());
            for (number, value) in series.values.iter().enumerate() {
                let bucket = series.first + i64::try_from(number).unwrap_or(i64::MAX);
                let start = measured.start_of(bucket);
                let scored = watch.next(start.timestamp_micros(), *value).map_err(|unfit| {
                    let what = name(measured, series);
                    JobError::Series(format!("{} of {what}, bucket {}: {unfit}", metric.metric, rfc3339(start)))
                })?;
                if let (true, true, Some(score), Some(value)) =
                    (scored.is_alert, bucket >= measured.judged, scored.score, *value)
                {
                    let before: Vec<f64> = series.values[..number].iter().flatten().copied().collect();
                    alerts.push(self.alert((measured, series), *detector, (start, value, score), before));
                }
            }
        }
        let is_judged = series.values.iter().flatten().count() > FIRST;
        Ok((alerts, is_judged))
    }

    fn alert(
        &self,
        (measured, series): (&Measured<'_>, &Series),
        detector: DetectorKind,
        (start, value, score): (DateTime<Utc>, f64, f64),
        before: Vec<f64>,
    ) -> Alert {
        let metric = measured.metric;
        let expected = Expected::of(before, value);
        let (entity_type, entity_id) = match (&metric.by, &series.entity) {
            (Some(by), Some(entity)) => (by.clone(), entity.clone()),
            _ => (TENANT.to_owned(), series.tenant.clone()),
        };
        let began = rfc3339(start);
        let parts = [
            "alert",
            self.job.as_str(),
            metric.metric.as_str(),
            series.tenant.as_str(),
            entity_id.as_str(),
            began.as_str(),
            detector.as_str(),
        ];
        let length = TimeDelta::microseconds(micros(metric.every_seconds));
        let severity = match score {
            score if score >= self.spec.critical => CRITICAL,
            score if score >= self.spec.high => HIGH,
            _ => MEDIUM,
        };
        let minutes = metric.every_seconds / 60;
        Alert {
            alert_id: derived_id(&parts),
            tenant_id: series.tenant.clone(),
            metric: metric.metric.clone(),
            // Without the entity, which may be a person and has a column of its own.
            explanation: format!("{}, {minutes} minutes from {began}: {}", metric.metric, expected.sentence(value)),
            entity_type,
            entity_id,
            detector: detector.as_str().to_owned(),
            bucket_start: start,
            bucket_us: micros(metric.every_seconds),
            value,
            expected: expected.median(),
            low: expected.median() - expected.spread(),
            high: expected.median() + expected.spread(),
            score,
            severity,
            state: "open".to_owned(),
            raised_at: self.at,
            acknowledged_at: None,
            resolved_at: None,
            cool_until: start + length + TimeDelta::microseconds(micros(metric.cool_down_seconds)),
            revision: 1,
        }
    }
}

fn name(measured: &Measured<'_>, series: &Series) -> String {
    match (&measured.metric.by, &series.entity) {
        (Some(_), Some(entity)) => entity.clone(),
        _ => series.tenant.clone(),
    }
}

fn micros(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX)
}
