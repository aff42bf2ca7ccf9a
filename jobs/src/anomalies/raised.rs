//! Alerts that a run raises: judged series, and the rows of `alert.v1`.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use schemas::{AnomaliesSpec, DetectorKind, JobId, MetricSpec, derived_id, rfc3339};
use serde::{Deserialize, Serialize};

use super::cool_down::CoolDown;
use super::detect::FIRST;
use super::expected::Expected;
use super::hour_of_week::HourOfWeek;
use super::measure::{Measured, Series};
use super::watch::{Watch, WatchRule};
use crate::args::AlertStateArg;
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
    /// The first of those that were raised one after the other, each within the cool-down of the one before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) group_id: Option<String>,
}

impl Alert {
    /// Whether nothing is to be done about it any more.
    pub(super) fn is_over(&self) -> bool {
        [AlertStateArg::Resolved, AlertStateArg::Expired].iter().any(|over| self.state == over.as_str())
    }
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

/// What became of a series.
#[derive(Debug)]
pub(super) struct Judged {
    /// The alerts of the buckets that are judged.
    pub(super) alerts: Vec<Alert>,
    /// What is unusual in the buckets before them.
    pub(super) earlier: Vec<Earlier>,
    /// Whether it has enough values.
    pub(super) is_judged: bool,
}

/// An unusual bucket that another run judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Earlier {
    /// Its number in the series.
    pub(super) number: usize,
    pub(super) value: f64,
    pub(super) detector: DetectorKind,
}

/// Who raises alerts, and when.
pub(super) struct Raising<'a> {
    pub(super) job: &'a JobId,
    pub(super) at: DateTime<Utc>,
    pub(super) spec: &'a AnomaliesSpec,
    /// Where weeks begin.
    pub(super) zone: Tz,
}

impl Raising<'_> {
    /// Judges a series.
    pub(super) fn of(&self, measured: &Measured<'_>, series: &Series) -> Result<Judged, JobError> {
        let metric = measured.metric;
        let (mut alerts, mut earlier, mut is_scored) = (Vec::new(), Vec::new(), false);
        for detector in &metric.detectors {
            let cool_down = CoolDown::Micros(micros(metric.cool_down_seconds));
            let rule = WatchRule {
                detector: (*detector).into(),
                threshold: threshold(metric, *detector),
                cool_down: Some(cool_down),
                log1p: metric.log1p,
                zone: self.zone,
            };
            let mut watch = Watch::begin(rule, series.values.len());
            let mut group = Group::default();
            for (number, value) in series.values.iter().enumerate() {
                let bucket = series.first + i64::try_from(number).unwrap_or(i64::MAX);
                let start = measured.start_of(bucket);
                let scored = watch.next(start.timestamp_micros(), *value).map_err(|unfit| {
                    let what = name(measured, series);
                    JobError::Series(format!("{} of {what}, bucket {}: {unfit}", metric.metric, rfc3339(start)))
                })?;
                is_scored |= scored.score.is_some();
                let (true, Some(score), Some(value)) = (scored.is_alert, scored.score, *value) else { continue };
                let id = self.id_of((measured, series), *detector, start);
                let group_id = group.of(&id, start, cool_until(metric, start));
                if bucket < measured.judged {
                    earlier.push(Earlier { number, value, detector: *detector });
                } else {
                    let expected = self.expected((measured, series), *detector, (number, value));
                    let alert = self.alert((measured, series), *detector, (start, value, score), &expected);
                    alerts.push(Alert { alert_id: id, group_id: Some(group_id), ..alert });
                }
            }
        }
        let is_judged = (is_scored || metric.detectors.is_empty()) && series.values.iter().flatten().count() > FIRST;
        Ok(Judged { alerts, earlier, is_judged })
    }

    /// What was to be expected of a value: what those before it were, or those of its hour of the week, where that decides.
    fn expected(
        &self,
        (measured, series): (&Measured<'_>, &Series),
        detector: DetectorKind,
        (number, value): (usize, f64),
    ) -> Expected {
        let hour = |number: usize| {
            let bucket = series.first + i64::try_from(number).unwrap_or(i64::MAX);
            HourOfWeek::of(self.zone, measured.start_of(bucket).timestamp_micros())
        };
        let before = series.values[..number].iter().enumerate();
        let before = before.filter_map(|(number, value)| value.map(|value| (number, value)));
        match hour(number).filter(|_| detector == DetectorKind::HourOfWeek) {
            Some(own) => {
                let alike = before.filter(|(number, _)| hour(*number) == Some(own)).map(|(_, value)| value);
                Expected::of(alike.collect(), value).when(own.in_words(self.zone))
            }
            None => Expected::of(before.map(|(_, value)| value).collect(), value),
        }
    }

    /// Whether an alert is of this job.
    pub(super) fn is_ours(&self, alert: &Alert) -> bool {
        let began = rfc3339(alert.bucket_start);
        alert.alert_id == self.id([&alert.metric, &alert.tenant_id, &alert.entity_id, &began, alert.detector.as_str()])
    }

    /// The id of an alert of a metric, tenant, entity, bucket and detector.
    pub(super) fn id(&self, of: [&str; 5]) -> String {
        derived_id(&[&["alert", self.job.as_str()], &of[..]].concat())
    }

    /// The id of an alert of a series that begins at an instant.
    fn id_of(
        &self,
        (measured, series): (&Measured<'_>, &Series),
        detector: DetectorKind,
        start: DateTime<Utc>,
    ) -> String {
        let (_, entity_id) = entity(measured, series);
        self.id([&measured.metric.metric, &series.tenant, entity_id, &rfc3339(start), detector.as_str()])
    }

    /// How severe a score is.
    pub(super) fn severity(&self, score: f64) -> i16 {
        match score {
            score if score >= self.spec.critical => CRITICAL,
            score if score >= self.spec.high => HIGH,
            _ => MEDIUM,
        }
    }

    /// An alert, still without its id and its group.
    fn alert(
        &self,
        (measured, series): (&Measured<'_>, &Series),
        detector: DetectorKind,
        (start, value, score): (DateTime<Utc>, f64, f64),
        expected: &Expected,
    ) -> Alert {
        let metric = measured.metric;
        let (entity_type, entity_id) = entity(measured, series);
        let began = rfc3339(start);
        let severity = self.severity(score);
        let minutes = metric.every_seconds / 60;
        Alert {
            alert_id: String::new(),
            tenant_id: series.tenant.clone(),
            metric: metric.metric.clone(),
            // Without the entity, which may be a person and has a column of its own.
            explanation: format!("{}, {minutes} minutes from {began}: {}", metric.metric, expected.sentence(value)),
            entity_type: entity_type.to_owned(),
            entity_id: entity_id.to_owned(),
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
            cool_until: cool_until(metric, start),
            revision: 1,
            group_id: None,
        }
    }
}

/// Alerts of a series that come one after the other, each within the cool-down of the one before.
#[derive(Debug, Default)]
struct Group {
    first: String,
    until: Option<DateTime<Utc>>,
}

impl Group {
    /// The first alert of the group that an alert is of.
    fn of(&mut self, alert: &str, start: DateTime<Utc>, cool_until: DateTime<Utc>) -> String {
        if self.until.is_none_or(|until| start >= until) {
            alert.clone_into(&mut self.first);
        }
        self.until = Some(cool_until);
        self.first.clone()
    }
}

/// Kind and name of what a series is of.
pub(super) fn entity<'a>(measured: &'a Measured<'_>, series: &'a Series) -> (&'a str, &'a str) {
    match (&measured.metric.by, &series.entity) {
        (Some(by), Some(entity)) => (by, entity),
        _ => (TENANT, &series.tenant),
    }
}

/// Until when only a higher score than that of a bucket raises another alert.
pub(super) fn cool_until(metric: &MetricSpec, start: DateTime<Utc>) -> DateTime<Utc> {
    start + TimeDelta::microseconds(micros(metric.every_seconds) + micros(metric.cool_down_seconds))
}

/// The score above which a bucket raises an alert.
pub(super) fn threshold(metric: &MetricSpec, detector: DetectorKind) -> f64 {
    metric.threshold.unwrap_or_else(|| super::DetectorName::from(detector).threshold())
}

fn name(measured: &Measured<'_>, series: &Series) -> String {
    match (&measured.metric.by, &series.entity) {
        (Some(_), Some(entity)) => entity.clone(),
        _ => series.tenant.clone(),
    }
}

pub(super) fn micros(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_goes_on_for_as_long_as_each_comes_within_the_cool_down_of_the_one_before() {
        let at = |hour: i64| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(hour);
        let mut group = Group::default();
        let groups = [("a", 0, 4), ("b", 3, 7), ("c", 6, 10), ("d", 10, 14), ("e", 30, 34)]
            .map(|(alert, start, until)| group.of(alert, at(start), at(until)));
        assert_eq!(groups, ["a", "a", "a", "d", "e"]);
    }
}
