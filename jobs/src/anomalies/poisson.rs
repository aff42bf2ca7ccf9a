//! Improbability of a count: how likely are so many or more, given the counts before?
//!
//! Counts are Poisson with a rate that is not known but has the Gamma posterior of the counts before, with Jeffreys' prior; then
//! the next count is negative binomial (Gelman et al., *Bayesian Data Analysis*, 3rd edition, section 2.6).

use libm::lgamma;

use super::detect::{Detector, Point, Unfit};

/// Jeffreys' prior for a rate.
const PRIOR: f64 = 0.5;
/// Counts above this are no few events.
const MOST: f64 = 1e9;
/// Terms that add less than this part to a sum end it.
const LAST_TERM: f64 = 1e-13;

/// The detector.
#[derive(Debug, Default)]
pub(super) struct Poisson {
    events: f64,
    buckets: f64,
}

impl Detector for Poisson {
    fn score(&mut self, point: Point) -> Result<Option<f64>, Unfit> {
        let count = point.value;
        if !(0.0..=MOST).contains(&count) || count.fract() != 0.0 {
            return Err(Unfit("poisson takes counts, whole numbers from 0 to 10^9; take another --detector"));
        }
        let score = (self.buckets > 0.0).then(|| improbability(count, PRIOR + self.events, self.buckets));
        self.events += count;
        self.buckets += 1.0;
        Ok(score)
    }
}

/// `−ln P(X ≥ count)` of a negative binomial X: `a` events in `b` buckets.
fn improbability(count: f64, a: f64, b: f64) -> f64 {
    if count == 0.0 {
        return 0.0;
    }
    let log_of = |k: f64| lgamma(a + k) - lgamma(a) - lgamma(k + 1.0) + a * (b / (b + 1.0)).ln() - k * (b + 1.0).ln();
    if count > a / b {
        // From the count up, where terms fall; the first one is taken out of the sum, for it may be smaller than a float.
        let (mut sum, mut term, mut k) = (1.0, 1.0, count);
        while term > LAST_TERM * sum {
            term *= (k + a) / ((k + 1.0) * (b + 1.0));
            k += 1.0;
            sum += term;
        }
        return (-(log_of(count) + sum.ln())).max(0.0);
    }
    // From the count down: what lies below it, which is less than half or not much more.
    let (mut sum, mut k) = (0.0, count - 1.0);
    let mut term = log_of(k).exp();
    while term > LAST_TERM * sum && k >= 0.0 {
        sum += term;
        term *= k * (b + 1.0) / (k - 1.0 + a);
        k -= 1.0;
    }
    -(1.0 - sum).max(f64::MIN_POSITIVE).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same from its definition: one less the terms from nought on.
    fn slowly(count: f64, a: f64, b: f64) -> f64 {
        let mut term = a * (b / (b + 1.0)).ln();
        let (mut below, mut k) = (0.0, 0.0);
        while k < count {
            below += term.exp();
            term += ((k + a) / ((k + 1.0) * (b + 1.0))).ln();
            k += 1.0;
        }
        -(1.0 - below).ln()
    }

    #[test]
    fn improbabilities_are_those_of_the_definition() {
        for (a, b) in [(0.5, 1.0), (10.5, 30.0), (60.5, 30.0), (3_000.5, 40.0)] {
            for count in [0.0, 1.0, 2.0, 5.0, 40.0, 74.0, 75.0, 76.0, 90.0] {
                let (told, slow) = (improbability(count, a, b), slowly(count, a, b));
                // Below 10^-9 the difference from one is lost in the slow one.
                if slow < 20.0 {
                    assert!((told - slow).abs() < 1e-6 * (1.0 + slow), "{count} of {a}, {b}: {told}, {slow}");
                }
            }
        }
        // Ten events an hour for a year, and then a thousand: a number that no float holds.
        assert!(improbability(1_000.0, 87_600.5, 8_760.0) > 2_000.0);
    }

    #[test]
    fn what_is_no_count_is_refused() {
        for value in [-1.0, 1.5, 1e10, f64::INFINITY] {
            assert!(Poisson::default().score(Point { at: 0, value }).is_err(), "{value}");
        }
    }
}
