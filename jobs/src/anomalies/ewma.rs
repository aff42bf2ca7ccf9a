//! Distance from an average that follows slowly.

use super::detect::{Detector, FIRST, Point, Unfit, least_spread};

/// What a new value counts in the average.
const SHARE: f64 = 0.05;
/// Values further off than so many deviations are taken in as if they were no further.
const CLIP: f64 = 3.0;

/// The detector. Until there are enough values, mean and variance are those of all values so far.
#[derive(Debug, Default)]
pub(super) struct Ewma {
    mean: f64,
    variance: f64,
    met: usize,
}

impl Detector for Ewma {
    fn score(&mut self, point: Point) -> Result<Option<f64>, Unfit> {
        let deviation = self.variance.sqrt().max(least_spread(self.mean));
        let off = point.value - self.mean;
        self.met += 1;
        if self.met <= FIRST {
            // Welford's update.
            let met = self.met as f64;
            self.mean += off / met;
            self.variance += (off * (point.value - self.mean) - self.variance) / met;
            return Ok(None);
        }
        let clipped = off.clamp(-CLIP * deviation, CLIP * deviation);
        self.mean += SHARE * clipped;
        self.variance = (1.0 - SHARE) * (deviation * deviation + SHARE * clipped * clipped);
        Ok(Some(off.abs() / deviation))
    }
}
