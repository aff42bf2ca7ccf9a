//! Distance from the mean of the last thousand values: what people ask for by name. Values that raised an alert stay in it, so it
//! is blind after a spike, and values that are not normal raise many alerts.

use std::collections::VecDeque;

use super::detect::{Detector, FIRST, Point, Unfit, least_spread};

const LAST: usize = 1_000;

/// The detector.
#[derive(Debug, Default)]
pub(super) struct ThreeSigma {
    values: VecDeque<f64>,
    /// A value near all of them, so that sums of squares keep their digits.
    origin: f64,
    sum: f64,
    squares: f64,
    /// Values since the sums were made anew.
    since: usize,
}

impl ThreeSigma {
    fn sum_anew(&mut self) {
        self.origin = self.values.iter().sum::<f64>() / self.values.len().max(1) as f64;
        self.sum = self.values.iter().map(|value| value - self.origin).sum();
        self.squares = self.values.iter().map(|value| (value - self.origin).powi(2)).sum();
        self.since = 0;
    }

    fn take(&mut self, value: f64) {
        self.values.push_back(value);
        self.sum += value - self.origin;
        self.squares += (value - self.origin).powi(2);
        if self.values.len() > LAST
            && let Some(old) = self.values.pop_front()
        {
            self.sum -= old - self.origin;
            self.squares -= (old - self.origin).powi(2);
        }
        self.since += 1;
        // What was rounded does not add up for ever; while there are few values, the origin may be far from them.
        if self.since >= LAST || self.values.len() <= FIRST {
            self.sum_anew();
        }
    }
}

impl Detector for ThreeSigma {
    fn score(&mut self, point: Point) -> Result<Option<f64>, Unfit> {
        let met = self.values.len();
        let score = (met >= FIRST).then(|| {
            let count = met as f64;
            let mean = self.sum / count;
            let variance = (self.squares - self.sum * mean) / (count - 1.0);
            let level = self.origin + mean;
            (point.value - level).abs() / variance.max(0.0).sqrt().max(least_spread(level))
        });
        self.take(point.value);
        Ok(score)
    }
}
