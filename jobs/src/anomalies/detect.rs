//! What every detector is: it scores the values of a series one after the other, from what it keeps of those before.

use chrono_tz::Tz;
use schemas::DetectorKind;

use super::ewma::Ewma;
use super::hour_of_week::SeasonalZ;
use super::poisson::Poisson;
use super::robust::{Cusum, RobustZ};
use super::surprise::Surprise;
use super::three_sigma::ThreeSigma;

/// Scores are rounded to so many parts of one before they are compared or told, so that platforms agree.
const GRAINS: f64 = 1e6;
/// Values that a detector meets before it scores any.
pub(super) const FIRST: usize = 30;

/// A value at an instant, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) at: i64,
    pub(super) value: f64,
}

/// Why a value is none that a detector scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unfit(pub(super) &'static str);

/// The state of one series.
pub(super) trait Detector {
    /// Scores a value by those before it, and keeps what there is to keep of it. None while those are too few.
    ///
    /// # Errors
    /// When the value is none of the kind that it scores.
    fn score(&mut self, point: Point) -> Result<Option<f64>, Unfit>;

    /// Learns that the score of the last value is above the threshold.
    fn exceeded(&mut self) {}
}

/// The detectors, by the name that people give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum DetectorName {
    /// Rarity in a histogram that follows the values; for anything without a formula
    Surprise,
    /// Improbability of a count, given those before; for few events
    Poisson,
    /// Distance from the median of 28 days, in deviations
    RobustZ,
    /// Distance from an average that follows slowly
    Ewma,
    /// Small deviations to one side that add up
    Cusum,
    /// Distance from what the hour of the week usually is; for office hours and batch nights
    HourOfWeek,
    /// Distance from the mean of 1,000 values; more false alarms than the others
    ThreeSigma,
}

impl DetectorName {
    /// Above which score a value raises an alert.
    pub(super) fn threshold(self) -> f64 {
        match self {
            Self::Surprise => 6.6,
            // One in a million.
            Self::Poisson => 13.8,
            Self::RobustZ | Self::HourOfWeek => 6.0,
            Self::Ewma => 5.0,
            Self::Cusum => 8.0,
            Self::ThreeSigma => 3.0,
        }
    }

    /// A detector that has met no value; weeks are those of `zone`.
    pub(super) fn begin(self, zone: Tz) -> Box<dyn Detector> {
        match self {
            Self::Surprise => Box::new(Surprise::default()),
            Self::Poisson => Box::new(Poisson::default()),
            Self::RobustZ => Box::new(RobustZ::default()),
            Self::Ewma => Box::new(Ewma::default()),
            Self::Cusum => Box::new(Cusum::default()),
            Self::HourOfWeek => Box::new(SeasonalZ::new(zone)),
            Self::ThreeSigma => Box::new(ThreeSigma::default()),
        }
    }
}

impl From<DetectorKind> for DetectorName {
    fn from(kind: DetectorKind) -> Self {
        match kind {
            DetectorKind::Surprise => Self::Surprise,
            DetectorKind::Poisson => Self::Poisson,
            DetectorKind::RobustZ => Self::RobustZ,
            DetectorKind::Ewma => Self::Ewma,
            DetectorKind::Cusum => Self::Cusum,
            DetectorKind::HourOfWeek => Self::HourOfWeek,
            DetectorKind::ThreeSigma => Self::ThreeSigma,
        }
    }
}

/// A score as it is compared and told.
pub(super) fn rounded(score: f64) -> f64 {
    // Nought has no sign.
    (score * GRAINS).round() / GRAINS + 0.0
}

/// How much values must differ at least to be told apart from `level`.
pub(super) fn least_spread(level: f64) -> f64 {
    1e-6 * (1.0 + level.abs())
}
