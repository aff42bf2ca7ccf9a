//! What follows an alert: for a time, only a higher score is told again.

use std::collections::VecDeque;

/// How long that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoolDown {
    /// Microseconds.
    Micros(i64),
    /// Values of the series.
    Values(usize),
}

impl CoolDown {
    /// What is usual.
    pub(super) const USUAL: Self = Self::Micros(12 * 3_600 * 1_000_000);

    /// Reads `12h`, or a number of values.
    ///
    /// # Errors
    /// A sentence, when it is neither.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(values) = text.parse() {
            return Ok(Self::Values(values));
        }
        let length = schemas::parse_length(text).map_err(|why| format!("{why}, or a number of values"))?;
        Ok(Self::Micros(length.num_microseconds().unwrap_or(i64::MAX)))
    }
}

/// The scores of the time before, as far as they may be the highest yet.
#[derive(Debug)]
pub(super) struct Recent {
    length: CoolDown,
    /// Number, instant and score; scores descend.
    scores: VecDeque<(usize, i64, f64)>,
    met: usize,
}

impl Recent {
    pub(super) fn new(length: CoolDown) -> Self {
        Self { length, scores: VecDeque::new(), met: 0 }
    }

    /// Whether a score is above all of the time before; then it is one of them.
    pub(super) fn is_highest(&mut self, at: i64, score: f64) -> bool {
        let number = self.met;
        self.met += 1;
        let is_old = |(old, then, _): &(usize, i64, f64)| match self.length {
            CoolDown::Micros(micros) => *then < at.saturating_sub(micros),
            CoolDown::Values(values) => old.saturating_add(values) < number,
        };
        while self.scores.front().is_some_and(is_old) {
            self.scores.pop_front();
        }
        let is_highest = self.scores.front().is_none_or(|(_, _, highest)| score > *highest);
        while self.scores.back().is_some_and(|(_, _, lower)| *lower <= score) {
            self.scores.pop_back();
        }
        self.scores.push_back((number, at, score));
        is_highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(length: &str, scores: &[(i64, f64)], told: &[bool]) {
        let mut recent = Recent::new(CoolDown::parse(length).expect("a length"));
        let found: Vec<bool> =
            scores.iter().map(|(minute, score)| recent.is_highest(minute * 60_000_000, *score)).collect();
        assert_eq!(found, told, "{length}");
    }

    #[test]
    fn only_a_higher_score_is_told_within_the_cool_down() {
        let scores = [(0, 5.0), (1, 4.0), (2, 6.0), (3, 6.0), (4, 1.0), (5, 5.0), (9, 0.5)];
        check("2", &scores, &[true, false, true, false, false, false, false]);
        check("1", &scores, &[true, false, true, false, false, true, false]);
        check("0", &scores, &[true; 7]);
        check("2m", &scores, &[true, false, true, false, false, false, true]);
        check("1h", &scores, &[true, false, true, false, false, false, false]);
    }

    #[test]
    fn a_length_is_a_time_or_a_number_of_values() {
        assert_eq!(CoolDown::parse("12h"), Ok(CoolDown::USUAL));
        assert_eq!(CoolDown::parse("300"), Ok(CoolDown::Values(300)));
        for text in ["", "-1", "soon", "0h"] {
            assert!(CoolDown::parse(text).expect_err(text).ends_with(", or a number of values"), "{text}");
        }
    }
}
