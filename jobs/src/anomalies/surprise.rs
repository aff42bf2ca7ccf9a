//! Rarity in a histogram that follows the values, of each value and of the mean of the last fifty.
//!
//! 256 fine bins cover what was met; a value beyond them doubles their width. They are read as 24 coarse bins over what lies
//! between the least and the greatest value, so a score says how seldom values fell where this one does.

use super::detect::{Detector, FIRST, Point, Unfit};

const FINE: usize = 256;
/// Coarse bins between the least and the greatest value.
const COARSE: f64 = 24.0;
/// Values whose mean is scored beside each value.
const MEAN_OF: usize = 50;
/// What a score of the mean counts, beside that of the value.
const MEAN_SHARE: f64 = 0.9;
/// What the bins beside it count for a bin.
const BESIDE: f64 = 0.25;
/// What each coarse bin counts before there is any value.
const PRIOR: f64 = 0.3;
/// Doublings for one value. A single spike would widen the bins until nothing is rare any more.
const DOUBLINGS: u32 = 3;

/// The detector.
#[derive(Debug, Default)]
pub(super) struct Surprise {
    values: Histogram,
    means: Histogram,
    last: Vec<f64>,
    /// Where the next value goes in `last`, once that is full.
    next: usize,
}

impl Detector for Surprise {
    fn score(&mut self, point: Point) -> Result<Option<f64>, Unfit> {
        if self.last.len() < MEAN_OF {
            self.last.push(point.value);
        } else {
            self.last[self.next] = point.value;
            self.next = (self.next + 1) % MEAN_OF;
        }
        let mean = self.last.iter().sum::<f64>() / self.last.len() as f64;
        let (value, mean) = (self.values.score(point.value), self.means.score(mean));
        Ok(value.zip(mean).map(|(value, mean)| value.max(MEAN_SHARE * mean)))
    }
}

/// A histogram whose bins widen.
#[derive(Debug, Default)]
struct Histogram {
    /// The first values, until there are enough to make bins of.
    first: Vec<f64>,
    bins: Option<Bins>,
    /// Values that were counted.
    counted: usize,
}

#[derive(Debug)]
struct Bins {
    counts: Box<[u32; FINE]>,
    /// Where the first bin begins.
    low: f64,
    width: f64,
    least: f64,
    greatest: f64,
}

impl Histogram {
    /// Nats: minus the logarithm of the share of values that fell where this one does.
    fn score(&mut self, value: f64) -> Option<f64> {
        let Some(bins) = &mut self.bins else {
            self.first.push(value);
            if self.first.len() == FIRST {
                let first = std::mem::take(&mut self.first);
                let mut bins = Bins::of(&first);
                first.iter().for_each(|value| bins.count(*value));
                self.counted = FIRST;
                self.bins = Some(bins);
            }
            return None;
        };
        let value = bins.make_room(value);
        let score = (self.counted > FIRST).then(|| bins.rarity(value, self.counted));
        bins.count(value);
        self.counted += 1;
        score
    }
}

impl Bins {
    fn of(first: &[f64]) -> Self {
        let least = first.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = first.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let range = (greatest - least).max(1e-6 * (1.0 + greatest.abs()));
        let (low, width) = (least - range / 2.0, 2.0 * range / FINE as f64);
        Self { counts: Box::new([0; FINE]), low, width, least, greatest }
    }

    /// Widens the bins until the value lies in one, a few times; then the value is that at the edge. Keeps least and greatest.
    fn make_room(&mut self, value: f64) -> f64 {
        let mut value = value;
        for _ in 0..DOUBLINGS {
            let span = self.width * FINE as f64;
            if value < self.low {
                self.halve(FINE / 2);
                self.low -= span;
            } else if value >= self.low + span {
                self.halve(0);
            } else {
                break;
            }
            self.width *= 2.0;
        }
        value = value.clamp(self.low, self.low + self.width * FINE as f64);
        self.least = self.least.min(value);
        self.greatest = self.greatest.max(value);
        value
    }

    /// Two bins become one, from bin `to` on; the others are empty.
    fn halve(&mut self, to: usize) {
        let mut merged = [0; FINE];
        for (at, pair) in self.counts.chunks_exact(2).enumerate() {
            merged[to + at] = pair[0].saturating_add(pair[1]);
        }
        *self.counts = merged;
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to the bins before")]
    fn bin(&self, value: f64) -> usize {
        ((value - self.low) / self.width).clamp(0.0, (FINE - 1) as f64) as usize
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "there are 256 bins, so it is 1 to 11")]
    fn rarity(&self, value: f64, counted: usize) -> f64 {
        let (bin, first, last) = (self.bin(value), self.bin(self.least), self.bin(self.greatest));
        let wide = (((last - first + 1) as f64 / COARSE).round_ties_even() as usize).max(1);
        let begin = first + (bin - first) / wide * wide;
        let in_bins = |from: usize| {
            self.counts[from.min(FINE)..(from + wide).min(FINE)].iter().map(|n| f64::from(*n)).sum::<f64>()
        };
        let below = if begin >= wide {
            in_bins(begin - wide)
        } else {
            self.counts[..begin].iter().map(|n| f64::from(*n)).sum()
        };
        let near = in_bins(begin) + BESIDE * (below + in_bins(begin + wide)) + PRIOR;
        -(near / (counted as f64 + COARSE * PRIOR)).ln()
    }

    fn count(&mut self, value: f64) {
        let bin = self.bin(value);
        self.counts[bin] = self.counts[bin].saturating_add(1);
    }
}
