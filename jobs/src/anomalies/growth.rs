//! Alerts about series that grow towards a limit: when their trend reaches it, if it is soon.
//!
//! The trend is that of all values of the history, at the end of the interval. Of a growth that goes on there is one alert as long as
//! nobody ends it, and another one where it becomes more severe.

use schemas::{LimitRule, rfc3339};

use super::alerts::standing;
use super::measure::{Measured, Series};
use super::raised::{Alert, Raising, cool_until, entity, micros};
use super::trend::{Trend, reaches};
use crate::error::JobError;
use crate::runner::Attempt;
use crate::world::World;

/// What raises such alerts.
const DETECTOR: &str = "trend";
/// The score of what is there already.
const SCORE_MAX: f64 = 1_000.0;

/// Watches the growth of a metric's series.
pub(super) struct Growth {
    limit: LimitRule,
    /// Alerts that stand about series of the metric.
    stood: Vec<Alert>,
}

impl Growth {
    /// Of a metric with a limit.
    pub(super) async fn of(
        (attempt, world): (&Attempt<'_>, &World),
        raising: &Raising<'_>,
        measured: &Measured<'_>,
    ) -> Result<Option<Self>, JobError> {
        let Some(limit) = measured.metric.limit.filter(|_| measured.judged < measured.end) else { return Ok(None) };
        let of = [("metric", measured.metric.metric.as_str()), ("detector", DETECTOR)];
        let end = measured.interval().end;
        let mut stood = standing(attempt.lake, world, (&raising.spec.into, &of), end).await?;
        stood.retain(|alert| raising.is_ours(alert) && alert.raised_at < raising.at);
        Ok(Some(Self { limit, stood }))
    }

    /// The alert about a series, where there is one to raise.
    pub(super) fn alert(&self, raising: &Raising<'_>, measured: &Measured<'_>, series: &Series) -> Option<Alert> {
        let points = series.values.iter().enumerate().filter_map(|(number, value)| {
            let bucket = series.first + i64::try_from(number).ok()?;
            Some((measured.start_of(bucket).timestamp_micros(), (*value)?))
        });
        let points: Vec<(i64, f64)> = points.collect();
        let trend = Trend::of(&points)?;
        let left = trend.days_until(self.limit.at)?;
        let score = (days(self.limit.within_seconds) / left).min(SCORE_MAX);
        if score < 1.0 {
            return None;
        }
        let (entity_type, entity_id) = entity(measured, series);
        let severity = raising.severity(score);
        let is_ours = |alert: &&Alert| alert.tenant_id == series.tenant && alert.entity_id == entity_id;
        let before = self.stood.iter().filter(is_ours);
        if before.clone().any(|alert| alert.severity >= severity) {
            return None;
        }
        let (metric, every) = (&measured.metric.metric, micros(measured.metric.every_seconds));
        let start = measured.start_of(measured.end - 1);
        let began = rfc3339(start);
        let id = raising.id([metric, &series.tenant, entity_id, &began, DETECTOR]);
        let group = before.filter(|alert| !alert.is_over()).find_map(|alert| alert.group_id.clone());
        let value = points.last().map_or(trend.now, |(_, value)| *value);
        let end = measured.interval().end;
        Some(Alert {
            group_id: Some(group.unwrap_or_else(|| id.clone())),
            alert_id: id,
            tenant_id: series.tenant.clone(),
            metric: metric.clone(),
            entity_type: entity_type.to_owned(),
            entity_id: entity_id.to_owned(),
            detector: DETECTOR.to_owned(),
            bucket_start: start,
            bucket_us: every,
            value,
            expected: trend.now,
            low: points.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min),
            high: self.limit.at,
            score: super::detect::rounded(score),
            severity,
            explanation: format!(
                "{metric}, {} minutes from {began}: {}",
                measured.metric.every_seconds / 60,
                format_args!("{trend} and {}", reaches(self.limit.at, left, end))
            ),
            state: "open".to_owned(),
            raised_at: raising.at,
            acknowledged_at: None,
            resolved_at: None,
            cool_until: cool_until(measured.metric, start),
            revision: 1,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a time that people wrote")]
fn days(seconds: u64) -> f64 {
    seconds as f64 / 86_400.0
}
