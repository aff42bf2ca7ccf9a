//! Pictures of series: what a job for anomalies met and what it raised, of one tenant alone.
//!
//! Absent: other tenants, and what is done about an alert, which its dataset has.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::EmptyBucket;
use crate::report::{InputFile, Interval};

/// The series of a tenant, as a run met them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesReport {
    /// The lake.
    pub lake: String,
    /// The job.
    pub job: String,
    /// Whose series they are.
    pub tenant: String,
    /// The lake's zone.
    pub timezone: String,
    /// Buckets that end in it were judged.
    pub judged: Interval,
    /// The dataset that has the alerts.
    pub alerts_in: String,
    /// Its metrics, in the order of the job.
    pub metrics: Vec<MetricPictures>,
    /// Where the figures come from.
    pub provenance: SeriesProvenance,
}

/// A metric of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricPictures {
    /// Its name.
    pub metric: String,
    /// The dataset whose rows are measured.
    pub from: String,
    /// Which rows; all of them without it.
    pub condition: Option<String>,
    /// The aggregate.
    pub value: String,
    /// Column of which each value is a series.
    pub by: Option<String>,
    /// Length of a bucket.
    pub every_seconds: u64,
    /// What a bucket without rows is.
    pub empty: EmptyBucket,
    /// Rows below which a bucket is not judged.
    pub min_rows: u64,
    /// Whether the logarithm of one more than each value is scored; then it is drawn, too.
    pub log1p: bool,
    /// What scores the buckets.
    pub detectors: Vec<DetectorRule>,
    /// How long only a higher score raises another alert.
    pub cool_down_seconds: u64,
    /// The time that was read.
    pub read: Interval,
    /// Series that were judged.
    pub series: u64,
    /// Series with too few values to be judged yet.
    pub not_yet: u64,
    /// The quietest series, which were left out.
    pub left_out: u64,
    /// Alerts of the run.
    pub alerts: u64,
    /// Series that are shown: those with alerts first, then those with the most rows.
    pub pictures: Vec<SeriesPicture>,
}

impl MetricPictures {
    /// Series that were met and are not shown.
    pub fn not_shown(&self) -> u64 {
        (self.series + self.not_yet).saturating_sub(self.pictures.len() as u64)
    }
}

/// A detector and its threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorRule {
    /// Its name.
    pub detector: String,
    /// The score above which a bucket raises an alert.
    pub threshold: f64,
}

/// A series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesPicture {
    /// What it is of; none where the tenant is one series.
    pub entity: Option<String>,
    /// Rows of its buckets.
    pub rows: u64,
    /// Buckets with a value.
    pub values: u64,
    /// The least of them.
    pub least: Option<f64>,
    /// The greatest.
    pub greatest: Option<f64>,
    /// The last.
    pub last: Option<f64>,
    /// Runs of neighbouring buckets: each bucket is a run of its own where there are few of them.
    pub columns: Vec<SeriesColumn>,
    /// What the run raised, in the order of time.
    pub alerts: Vec<SeriesAlert>,
    /// What detectors find unusual in the buckets before, which other runs judged; one of a column at most.
    pub earlier: Vec<EarlierMark>,
}

/// Neighbouring buckets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SeriesColumn {
    /// Where they begin.
    pub start: DateTime<Utc>,
    /// Where they end, exclusive.
    pub end: DateTime<Utc>,
    /// How many of them have a value.
    pub values: u32,
    /// The least value.
    pub least: Option<f64>,
    /// The mean of them.
    pub mean: Option<f64>,
    /// The greatest.
    pub greatest: Option<f64>,
    /// Where the expected band begins, at its lowest: median less deviation of all values before.
    pub low: Option<f64>,
    /// Where it ends, at its highest.
    pub high: Option<f64>,
}

/// An alert of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesAlert {
    /// Its id in the dataset.
    pub alert_id: String,
    /// Where its bucket begins.
    pub start: DateTime<Utc>,
    /// The detector.
    pub detector: String,
    /// The value.
    pub value: f64,
    /// The score.
    pub score: f64,
    /// `medium`, `high` or `critical`.
    pub severity: String,
    /// What was expected and what was seen, in a sentence.
    pub explanation: String,
}

/// A bucket that is unusual by what was before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlierMark {
    /// Where it begins.
    pub start: DateTime<Utc>,
    /// Its value.
    pub value: f64,
    /// The detector.
    pub detector: String,
}

/// Where the figures come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesProvenance {
    /// The run.
    pub run: String,
    /// Its instant.
    pub at: DateTime<Utc>,
    /// Version of auditlake.
    pub version: String,
    /// Files that were read.
    pub inputs: Vec<InputFile>,
}

/// A number with four digits that count, or all of a whole one.
///
/// ```
/// # use schemas::short_number;
/// assert_eq!(["0.01237", "123457", "2", "1.483"], [0.012_366, 123_456.7, 2.0, 1.482_6].map(short_number).each_ref().map(String::as_str));
/// ```
pub fn short_number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1e4 {
        return format!("{value:.0}");
    }
    let digits = 3.0 - value.abs().log10().floor();
    #[expect(clippy::cast_possible_truncation, reason = "it is clamped to few digits")]
    let scale = 10_f64.powi(digits.clamp(0.0, 12.0) as i32);
    ((value * scale).round() / scale).to_string()
}
