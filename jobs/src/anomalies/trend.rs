//! Whether a series grows or falls, how fast, and when it reaches a limit.
//!
//! Two slopes must agree: least squares, whose interval of 95 % must leave out nought, and the median of the slopes between values
//! (Theil 1950, Sen 1968), which a third of wild values does not move. Neighbouring values are taken as independent, so the
//! interval is too narrow for series that follow a season; the metric's buckets should be as long as one. Absent: curves.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::short_number;
use serde::Serialize;

use super::detect::FIRST;

/// Values of which every pair has its slope.
const PAIRS_OF_ALL: usize = 1_000;
/// Pairs that are drawn of more values.
const PAIRS_DRAWN: usize = 100_000;
/// Draws the same pairs each time.
const SEED: u64 = 0x7e11;
/// The normal deviate that 2.5 % exceed.
const NORMAL: f64 = 1.959_963_984_540_054;

/// How a series goes on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Trend {
    /// Slope of least squares, per day.
    pub(super) least_squares: f64,
    /// Its interval of 95 %.
    pub(super) low: f64,
    /// The same.
    pub(super) high: f64,
    /// Median of the slopes between values, per day.
    pub(super) theil_sen: f64,
    /// What the line of the median says of the last instant.
    pub(super) now: f64,
}

impl Trend {
    /// Of values at instants in microseconds, in any order. None of fewer than 31 values, or of those of one instant.
    pub(super) fn of(points: &[(i64, f64)]) -> Option<Self> {
        let last = points.iter().map(|(at, _)| *at).max()?;
        // Days before the last instant: small numbers, whose squares keep their digits.
        let points: Vec<(f64, f64)> = points.iter().map(|(at, value)| (days(*at - last), *value)).collect();
        if points.len() <= FIRST {
            return None;
        }
        let (least_squares, half) = least_squares(&points)?;
        let theil_sen = theil_sen(&points)?;
        let now = median(points.iter().map(|(day, value)| value - theil_sen * day).collect())?;
        Some(Self { least_squares, low: least_squares - half, high: least_squares + half, theil_sen, now })
    }

    /// Whether both slopes say the same, and chance does not.
    pub(super) fn is_certain(&self) -> bool {
        let is_same = self.least_squares * self.theil_sen > 0.0;
        is_same && (self.low > 0.0 || self.high < 0.0)
    }

    /// Days until the line reaches a limit from below; none where it does not grow towards it. Nought where it is there.
    pub(super) fn days_until(&self, limit: f64) -> Option<f64> {
        if !self.is_certain() || self.theil_sen <= 0.0 {
            return None;
        }
        Some(((limit - self.now) / self.theil_sen).max(0.0))
    }
}

/// `grows by 12.5 a day (least squares: 11.9 to 13.1)`.
impl fmt::Display for Trend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [slope, low, high] = [self.theil_sen, self.low, self.high].map(short_number);
        if !self.is_certain() {
            return write!(f, "neither grows nor falls for certain: {slope} a day (least squares: {low} to {high})");
        }
        match slope.strip_prefix('-') {
            Some(slope) => write!(f, "falls by {slope} a day (least squares: {low} to {high})"),
            None => write!(f, "grows by {slope} a day (least squares: {low} to {high})"),
        }
    }
}

/// `reaches 1000 in 19 days, on 2026-10-20`.
pub(super) fn reaches(limit: f64, left: f64, last: DateTime<Utc>) -> String {
    let limit = short_number(limit);
    #[expect(clippy::cast_possible_truncation, reason = "what no longer fits lies outside of the calendar")]
    let whole = left.floor() as i64;
    let on = TimeDelta::try_days(whole).and_then(|days| last.checked_add_signed(days));
    match on.map(|at| at.format("%Y-%m-%d")) {
        Some(_) if left <= 0.0 => format!("has reached {limit}"),
        Some(day) if whole == 1 => format!("reaches {limit} in 1 day, on {day}"),
        Some(day) => format!("reaches {limit} in {whole} days, on {day}"),
        None => format!("reaches {limit} after the end of the calendar"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "instants of a series are far closer than 2^53 microseconds")]
fn days(micros: i64) -> f64 {
    micros as f64 / 86_400e6
}

/// The slope, and half of its interval.
#[expect(clippy::cast_precision_loss, reason = "a count of values")]
fn least_squares(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mean_day, mean_value) = (mean(|point| point.0), mean(|point| point.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        points.iter().map(|(day, value)| of(day - mean_day, value - mean_value)).sum()
    };
    let spread = sum(&|day, _| day * day);
    if spread <= 0.0 {
        return None;
    }
    let slope = sum(&|day, value| day * value) / spread;
    let rest = sum(&|day, value| (value - slope * day).powi(2));
    let free = count - 2.0;
    Some((slope, student(free) * (rest / free / spread).sqrt()))
}

/// The deviate of Student's distribution that 2.5 % exceed, for 28 degrees of freedom or more: the expansion of Abramowitz and
/// Stegun, Handbook of Mathematical Functions, 26.7.5.
fn student(free: f64) -> f64 {
    let z = NORMAL;
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + first / free + second / free.powi(2) + third / free.powi(3)
}

/// The median of the slopes between values at different instants.
fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let slope = |one: (f64, f64), other: (f64, f64)| {
        let slope = (other.1 - one.1) / (other.0 - one.0);
        slope.is_finite().then_some(slope)
    };
    if points.len() <= PAIRS_OF_ALL {
        let pairs = points
            .iter()
            .enumerate()
            .flat_map(|(number, one)| points[number + 1..].iter().map(move |other| (*one, *other)));
        return median(pairs.filter_map(|(one, other)| slope(one, other)).collect());
    }
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    let mut drawn = || points[chance.random_range(0..points.len())];
    median((0..PAIRS_DRAWN).filter_map(|_| slope(drawn(), drawn())).collect())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    let middle = values.len() / 2;
    let is_even = values.len().is_multiple_of(2);
    if values.is_empty() {
        return None;
    }
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = if is_even { below.iter().copied().max_by(f64::total_cmp)? } else { upper };
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn daily(values: impl IntoIterator<Item = f64>) -> Vec<(i64, f64)> {
        (0..).map(|day: i64| day * DAY).zip(values).collect()
    }

    #[test]
    fn a_line_is_found_with_its_end() {
        let trend = Trend::of(&daily((0..40).map(|day| 3.0 * f64::from(day) + 7.0))).expect("a trend");
        assert!((trend.least_squares - 3.0).abs() < 1e-9 && (trend.theil_sen - 3.0).abs() < 1e-9, "{trend:?}");
        assert!((trend.now - 124.0).abs() < 1e-9 && trend.is_certain());
        let left = trend.days_until(184.0).expect("it grows");
        assert!((left - 20.0).abs() < 1e-9);
        assert_eq!(trend.days_until(100.0), Some(0.0), "it is there");
        let falling = Trend::of(&daily((0..40).map(|day| -f64::from(day)))).expect("a trend");
        assert!(falling.is_certain() && falling.days_until(100.0).is_none());
    }

    #[test]
    fn the_interval_is_that_of_the_textbook() {
        // The interval is the deviate times the root of the residuals over their degrees and the spread of the days.
        let values = (0..31).map(|day| f64::from(day) + if day % 2 == 0 { 5.0 } else { -5.0 });
        let trend = Trend::of(&daily(values)).expect("a trend");
        assert!((trend.least_squares - 1.0).abs() < 1e-12, "{trend:?}");
        // Residuals are what is left of ±5 around their mean, of which one more is above than below.
        let rest = 31.0 * 25.0 - 31.0 * (5.0_f64 / 31.0).powi(2);
        let error = (rest / 29.0 / 2_480.0).sqrt();
        assert!((trend.high - 1.0 - 2.045_230 * error).abs() < 1e-5, "t of 29 degrees is 2.04523: {trend:?}");
    }

    #[test]
    fn wild_values_move_one_slope_and_chance_is_no_trend() {
        let mut values: Vec<f64> = (0..60).map(f64::from).collect();
        values[3] = 1e6;
        let trend = Trend::of(&daily(values)).expect("a trend");
        assert!((trend.theil_sen - 1.0).abs() < 1e-9 && trend.least_squares < 0.0 && !trend.is_certain());
        let level = (0..60).map(|day| f64::from(day * 7 % 5));
        assert!(!Trend::of(&daily(level)).expect("a trend").is_certain());
        assert!(!Trend::of(&daily([4.0; 40])).expect("a trend").is_certain());
    }

    #[test]
    fn too_little_is_none_and_much_is_drawn_alike() {
        assert_eq!(Trend::of(&daily((0..30).map(f64::from))), None);
        assert_eq!(Trend::of(&[(5, 1.0); 40]), None);
        let many: Vec<f64> = (0..3_000).map(|day| 2.0 * f64::from(day) + f64::from(day * 13 % 7)).collect();
        let [one, other] = [Trend::of(&daily(many.clone())), Trend::of(&daily(many))];
        assert_eq!(one, other);
        assert!((one.expect("a trend").theil_sen - 2.0).abs() < 1e-3);
    }
}
