//! Jobs for anomalies as they are written, before any check. Their rules are those of `raw.rs`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::raw::{RawOutput, window_or_timing};
use super::yaml::At;
use crate::anomaly::{BurnSeverity, DetectorKind, EmptyBucket};

/// A job of kind `anomalies`: `jobs/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "AnomaliesJob", deny_unknown_fields, extend("anyOf" = window_or_timing()))]
pub(super) struct RawAnomaliesJob {
    /// name of the job, for example anomalies-hourly
    pub(super) job: At<String>,
    /// anomalies
    #[serde(rename = "kind")]
    #[schemars(extend("const" = "anomalies"))]
    _kind: String,
    /// length of the interval whose buckets are judged, up to its instant, for example 1h; not needed with schedule or after
    pub(super) window: Option<At<String>>,
    /// dataset of schema alert.v1 that alerts go to
    pub(super) into: At<String>,
    /// how far back detectors learn, for example 28d; the same when left out
    pub(super) history: Option<At<String>>,
    /// what is measured, for example [{metric: failed_logins, from: audit, where: "outcome = 'failure'", by: actor_id, every: 15m}];
    /// may be left out where budgets or rules are watched
    pub(super) metrics: Option<At<Vec<RawMetric>>>,
    /// SLAs whose error budgets are watched, for example [{sla: api}]; none when left out
    pub(super) budgets: Option<At<Vec<RawBudget>>>,
    /// controls whose violations raise alerts, for example [AL-AUTH-001]; none when left out
    pub(super) rules: Option<At<Vec<At<String>>>>,
    /// how long after a violation of a resource another one raises no alert; 12h when left out
    pub(super) rules_cool_down: Option<At<String>>,
    /// most series of a metric; the quietest beyond are left out and counted; 10000 when left out
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) series: Option<u32>,
    /// scores from which alerts are high and critical, for example {high: "10", critical: "20"}, the same when left out
    pub(super) severity: Option<RawSeverity>,
    /// how long after it was raised an alert that nobody resolved is over, for example 14d; 30d when left out
    pub(super) expire_after: Option<At<String>>,
    /// pictures of the series of each tenant, for example [{format: html, to: "series/{interval.end:%Y-%m-%d}/"}]; none when left out
    pub(super) outputs: Option<At<Vec<RawOutput>>>,
}

/// A measure of entities over time.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Metric", deny_unknown_fields)]
pub(super) struct RawMetric {
    /// name of the metric, for example failed_logins
    pub(super) metric: At<String>,
    /// dataset whose rows are measured, for example audit
    pub(super) from: At<String>,
    /// SQL expression over one row, for example event_type = 'user.login' AND outcome <> 'success'; every row when left out
    #[serde(rename = "where")]
    pub(super) condition: Option<At<String>>,
    /// SQL aggregate over the rows of a bucket, for example sum(byte_count); count(*) when left out
    pub(super) value: Option<At<String>>,
    /// column of which each value is a series, for example actor_id; a series for each tenant when left out
    pub(super) by: Option<At<String>>,
    /// length of a bucket, for example 15m
    pub(super) every: At<String>,
    /// surprise, poisson, robust_z, ewma, cusum, hour_of_week or three_sigma; poisson for counts and surprise for others when left out;
    /// [] where only a limit is watched
    pub(super) detect: Option<At<Vec<At<DetectorKind>>>>,
    /// log1p: scores the logarithm of one more than each value
    pub(super) scale: Option<Scale>,
    /// score above which a bucket raises an alert, for example "8"; the detector's own when left out
    pub(super) threshold: Option<At<String>>,
    /// how long only a higher score raises another alert; 12h when left out
    pub(super) cool_down: Option<At<String>>,
    /// a value that the series should not grow to, for example "1000"; an alert says when its trend reaches it
    pub(super) limit: Option<At<String>>,
    /// only where the limit is reached within this time; 30d when left out
    pub(super) within: Option<At<String>>,
    /// rows below which a bucket is not judged; 0 when left out
    pub(super) min_n: Option<u32>,
    /// zero or missing: what a bucket without rows is; zero for counts and sums, missing for others when left out
    pub(super) empty: Option<EmptyBucket>,
}

/// An SLA whose error budgets are watched.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Budget", deny_unknown_fields)]
pub(super) struct RawBudget {
    /// the SLA, for example api
    pub(super) sla: At<String>,
    /// when a budget burns too fast; 2 % in 1h, 5 % in 6h, 10 % in 1d and 10 % in 3d when left out
    pub(super) rules: Option<At<Vec<RawBurnRule>>>,
    /// how long after the end of a burn another one raises no alert; 12h when left out
    pub(super) cool_down: Option<At<String>>,
}

/// When an error budget burns too fast.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "BurnRule", deny_unknown_fields)]
pub(super) struct RawBurnRule {
    /// per cent of the budget of a period that is gone within the long window, for example "2"
    pub(super) share: At<String>,
    /// long window, for example 1h
    pub(super) long: At<String>,
    /// short window, in which it still goes on, for example 5m; a twelfth of the long one when left out
    pub(super) short: Option<At<String>>,
    /// medium, high or critical; high when left out
    pub(super) severity: Option<BurnSeverity>,
}

/// The one word of `scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scale {
    Log1p,
}

/// Scores of severities.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "AlertSeverity", deny_unknown_fields)]
pub(super) struct RawSeverity {
    /// from which an alert is high, for example "10"
    pub(super) high: Option<At<String>>,
    /// from which it is critical, for example "20"
    pub(super) critical: Option<At<String>>,
}
