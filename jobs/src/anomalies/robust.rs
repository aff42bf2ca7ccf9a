//! Distance from the median of 28 days in robust deviations, and small deviations to one side that add up.

use std::collections::VecDeque;

use super::detect::{Detector, FIRST, Point, Unfit};

/// Microseconds of the window.
pub(super) const WINDOW: i64 = 28 * 86_400 * 1_000_000;
/// Median absolute deviations in a standard deviation, where values are normal.
const NORMAL: f64 = 1.4826;
/// The deviation is this part of the median at least.
const LEAST_PART: f64 = 0.01;
/// Deviations to one side that CUSUM passes over.
const SLACK: f64 = 0.5;

/// Median and median absolute deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Middle {
    pub(super) median: f64,
    /// Median absolute deviation, as it is; zero where most values are equal.
    pub(super) mad: f64,
}

impl Middle {
    /// Of values in ascending order; none of no values.
    pub(super) fn of(sorted: &[f64]) -> Option<Self> {
        let count = sorted.len();
        let upper = *sorted.get(count / 2)?;
        let median = f64::midpoint(*sorted.get((count - 1) / 2)?, upper);
        let mad = f64::midpoint(deviation(sorted, median, (count - 1) / 2), deviation(sorted, median, count / 2));
        Some(Self { median, mad })
    }

    /// A standard deviation, if values were normal.
    pub(super) fn spread(self) -> f64 {
        NORMAL * self.mad
    }

    /// The distance of a value. Where most values are equal, a hundredth of the median counts as one deviation, or one where
    /// the median is nought.
    fn z(self, value: f64) -> f64 {
        (value - self.median) / self.deviation()
    }

    /// What counts as one deviation.
    pub(super) fn deviation(self) -> f64 {
        let part = LEAST_PART * self.median.abs();
        let least = if part > 0.0 { part } else { 1.0 };
        NORMAL * self.mad.max(least)
    }
}

/// The distance from `median` of rank `rank`, from 0, without sorting: those below it and those above it ascend each.
fn deviation(sorted: &[f64], median: f64, rank: usize) -> f64 {
    let (below, above) = sorted.split_at(sorted.partition_point(|value| *value < median));
    let below_at = |at: usize| below.len().checked_sub(at + 1).map_or(f64::INFINITY, |at| median - below[at]);
    let above_at = |at: usize| above.get(at).map_or(f64::INFINITY, |value| value - median);
    // How many of the nearest `rank` values lie below.
    let (mut least, mut most) = (rank.saturating_sub(above.len()), rank.min(below.len()));
    while least < most {
        let middle = least.midpoint(most);
        if below_at(middle) < above_at(rank - middle - 1) {
            least = middle + 1;
        } else {
            most = middle;
        }
    }
    below_at(least).min(above_at(rank - least))
}

/// The values of a time that were not above the threshold.
#[derive(Debug)]
pub(super) struct Window {
    /// Microseconds for which a value counts.
    length: i64,
    by_time: VecDeque<Point>,
    sorted: Vec<f64>,
}

impl Window {
    pub(super) fn of(length: i64) -> Self {
        Self { length, by_time: VecDeque::new(), sorted: Vec::new() }
    }

    /// The values, in ascending order.
    pub(super) fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// Forgets values that no longer count at an instant.
    pub(super) fn forget_before(&mut self, at: i64) {
        while self.by_time.front().is_some_and(|old| old.at < at - self.length) {
            if let Some(old) = self.by_time.pop_front() {
                self.forget(old.value);
            }
        }
    }

    pub(super) fn take(&mut self, point: Point) {
        self.by_time.push_back(point);
        self.sorted.insert(self.place(point.value), point.value);
    }

    /// How far a value lies off, before it is taken in.
    fn z(&mut self, point: Point) -> Option<f64> {
        self.forget_before(point.at);
        let z = (self.sorted.len() >= FIRST).then(|| Middle::of(&self.sorted).map(|middle| middle.z(point.value)));
        self.take(point);
        z.flatten()
    }

    fn place(&self, value: f64) -> usize {
        self.sorted.partition_point(|other| *other < value)
    }

    fn forget(&mut self, value: f64) {
        self.sorted.remove(self.place(value));
    }

    /// Leaves out the value that came last.
    pub(super) fn leave_out(&mut self) {
        if let Some(last) = self.by_time.pop_back() {
            self.forget(last.value);
        }
    }
}

/// Distance from the median; values above the threshold are left out of it.
#[derive(Debug)]
pub(super) struct RobustZ {
    window: Window,
}

impl Default for RobustZ {
    fn default() -> Self {
        Self { window: Window::of(WINDOW) }
    }
}

impl Detector for RobustZ {
    fn score(&mut self, point: Point) -> Result<Option<f64>, Unfit> {
        Ok(self.window.z(point).map(f64::abs))
    }

    fn exceeded(&mut self) {
        self.window.leave_out();
    }
}

/// Sums of what deviations to either side exceed the slack by (Page, *Continuous Inspection Schemes*, Biometrika 1954).
#[derive(Debug)]
pub(super) struct Cusum {
    window: Window,
    up: f64,
    down: f64,
}

impl Default for Cusum {
    fn default() -> Self {
        Self { window: Window::of(WINDOW), up: 0.0, down: 0.0 }
    }
}

impl Detector for Cusum {
    fn score(&mut self, point: Point) -> Result<Option<f64>, Unfit> {
        Ok(self.window.z(point).map(|z| {
            self.up = (self.up + z - SLACK).max(0.0);
            self.down = (self.down - z - SLACK).max(0.0);
            self.up.max(self.down)
        }))
    }

    fn exceeded(&mut self) {
        self.window.leave_out();
        (self.up, self.down) = (0.0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn median_and_deviation_are_those_of_sorting() {
        let mut chance = ChaCha8Rng::seed_from_u64(21);
        for round in 0..2_000 {
            let count = round % 40 + 1;
            let mut values: Vec<f64> = (0..count).map(|_| f64::from(chance.random_range(-9..9_i32)) / 4.0).collect();
            values.sort_by(f64::total_cmp);
            let of = |sorted: &[f64]| f64::midpoint(sorted[(count - 1) / 2], sorted[count / 2]);
            let median = of(&values);
            let mut off: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
            off.sort_by(f64::total_cmp);
            assert_eq!(Middle::of(&values), Some(Middle { median, mad: of(&off) }), "{values:?}");
        }
        assert_eq!(Middle::of(&[]), None);
    }

    #[test]
    fn what_is_above_the_threshold_or_older_than_28_days_is_in_no_median() {
        let mut detector = RobustZ::default();
        let day = 86_400 * 1_000_000;
        for at in 0..60 {
            detector.score(Point { at: at * day, value: (at % 3) as f64 }).expect("a value");
        }
        assert_eq!((detector.window.by_time.len(), detector.window.sorted.len()), (29, 29));
        detector.score(Point { at: 60 * day, value: 500.0 }).expect("a value");
        assert!(detector.window.sorted.contains(&500.0));
        detector.exceeded();
        assert!(!detector.window.sorted.contains(&500.0));
    }
}
