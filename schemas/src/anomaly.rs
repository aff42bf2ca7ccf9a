//! Metrics of a lake, and how what is unusual in them is found; budgets of SLAs, and when they burn too fast.
//!
//! Absent: detectors themselves, and what an alert says, which are `jobs/anomalies`'.

mod budget;
mod pictures;

use serde::{Deserialize, Serialize};

use crate::definition::{ReportOutput, WrittenAt};
use crate::id::{ControlId, DatasetId};

pub use budget::{BudgetSpec, BurnRate, BurnRule, BurnSeverity};
pub use pictures::{
    DetectorRule, EarlierMark, MetricPictures, SeriesAlert, SeriesColumn, SeriesPicture, SeriesProvenance,
    SeriesReport, short_number,
};

/// What a job for anomalies measures, and where its alerts go.
#[derive(Debug, Clone, PartialEq)]
pub struct AnomaliesSpec {
    /// Dataset of `alert.v1`.
    pub into: DatasetId,
    /// Length of the interval whose buckets are judged; the run's own interval where there is none.
    pub window_seconds: Option<u64>,
    /// How long before the end of the interval detectors begin to learn.
    pub history_seconds: u64,
    /// What is measured.
    pub metrics: Vec<MetricSpec>,
    /// SLAs whose error budgets are watched.
    pub budgets: Vec<BudgetSpec>,
    /// Controls whose violations raise alerts.
    pub rules: Vec<ControlId>,
    /// How long after a violation of a resource another one raises no alert.
    pub rule_cool_down_seconds: u64,
    /// Most series of a metric; the quietest beyond are left out.
    pub series_max: u32,
    /// Score from which an alert is high.
    pub high: f64,
    /// Score from which an alert is critical.
    pub critical: f64,
    /// How long after it was raised an alert that nobody resolved is over.
    pub expire_seconds: u64,
    /// Pictures of series that are written, for each tenant.
    pub outputs: Vec<ReportOutput>,
}

/// A measure of entities over time.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSpec {
    /// Its name.
    pub metric: String,
    /// The dataset whose rows are measured.
    pub from: DatasetId,
    /// SQL expression over one row: only rows for which it is true.
    pub condition: Option<String>,
    /// SQL aggregate over the rows of a bucket.
    pub value: String,
    /// Column of which each value is a series of its own, within its tenant; a series for each tenant without it.
    pub by: Option<String>,
    /// Length of a bucket, aligned to 1970.
    pub every_seconds: u64,
    /// What scores the buckets; each raises alerts of its own.
    pub detectors: Vec<DetectorKind>,
    /// Whether the logarithm of one more than each value is scored.
    pub log1p: bool,
    /// Score above which a bucket raises an alert; the detector's own without it.
    pub threshold: Option<f64>,
    /// How long only a higher score raises another alert.
    pub cool_down_seconds: u64,
    /// A limit that values grow towards; none where growth is not watched.
    pub limit: Option<LimitRule>,
    /// Rows below which a bucket is not judged.
    pub min_rows: u64,
    /// What a bucket without rows is.
    pub empty: EmptyBucket,
    /// Where it is written.
    pub written: WrittenAt,
}

/// A limit that a series is watched on its way to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitRule {
    /// The value.
    pub at: f64,
    /// An alert is raised where the trend reaches it within so long.
    pub within_seconds: u64,
}

/// What a bucket without rows is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmptyBucket {
    /// Nought: nothing happened.
    Zero,
    /// Nothing: there is no value.
    Missing,
}

/// A detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DetectorKind {
    /// Rarity in a histogram that follows the values.
    Surprise,
    /// Improbability of a count.
    Poisson,
    /// Distance from the median of 28 days.
    RobustZ,
    /// Distance from an average that follows slowly.
    Ewma,
    /// Small deviations to one side that add up.
    Cusum,
    /// Distance from what the hour of the week usually is.
    HourOfWeek,
    /// Distance from the mean of 1,000 values.
    ThreeSigma,
}

impl DetectorKind {
    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Surprise => "surprise",
            Self::Poisson => "poisson",
            Self::RobustZ => "robust_z",
            Self::Ewma => "ewma",
            Self::Cusum => "cusum",
            Self::HourOfWeek => "hour_of_week",
            Self::ThreeSigma => "three_sigma",
        }
    }
}
