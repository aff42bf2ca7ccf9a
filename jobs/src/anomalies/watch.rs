//! A series as it is watched: each value is scored by those before it, and may raise an alert.

use chrono_tz::Tz;

use super::cool_down::{CoolDown, Recent};
use super::detect::{Detector, DetectorName, FIRST, Point, Unfit, rounded};

/// The part of the first values that only teaches a detector, and of how many values at most.
const WARM_UP_PART: f64 = 0.15;
const WARM_UP_OF: usize = 5_000;

/// What became of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Scored {
    /// None of one that is missing or came too early.
    pub(super) score: Option<f64>,
    pub(super) is_alert: bool,
}

/// How a series is watched.
#[derive(Debug, Clone, Copy)]
pub(super) struct WatchRule {
    pub(super) detector: DetectorName,
    pub(super) threshold: f64,
    /// Within it only a higher score is told.
    pub(super) cool_down: Option<CoolDown>,
    /// Whether the logarithm of one more than each value is scored.
    pub(super) log1p: bool,
    /// Where weeks begin.
    pub(super) zone: Tz,
}

/// One series.
pub(super) struct Watch {
    detector: Box<dyn Detector>,
    rule: WatchRule,
    recent: Option<Recent>,
    /// Records that raise no alert.
    warm_up: usize,
    met: usize,
}

impl Watch {
    /// Of a series of so many records, missing ones included.
    pub(super) fn begin(rule: WatchRule, records: usize) -> Self {
        let recent = rule.cool_down.map(Recent::new);
        Self { detector: rule.detector.begin(rule.zone), rule, recent, warm_up: warm_up(records), met: 0 }
    }

    /// Scores the next record.
    ///
    /// # Errors
    /// When its value is none that the detector scores.
    pub(super) fn next(&mut self, at: i64, value: Option<f64>) -> Result<Scored, Unfit> {
        let number = self.met;
        self.met += 1;
        let Some(value) = value else { return Ok(Scored::default()) };
        let value = match self.rule.log1p {
            true if value < 0.0 => return Err(Unfit("the logarithm takes values from 0 on")),
            true => value.ln_1p(),
            false => value,
        };
        let Some(raw) = self.detector.score(Point { at, value })?.map(rounded) else { return Ok(Scored::default()) };
        let is_told = self.recent.as_mut().is_none_or(|recent| recent.is_highest(at, raw));
        let is_above = number >= self.warm_up && raw > self.rule.threshold;
        if is_above {
            self.detector.exceeded();
        }
        Ok(Scored { score: Some(if is_told { raw } else { 0.0 }), is_alert: is_told && is_above })
    }
}

/// Records that raise no alert.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a number that is there")]
fn warm_up(records: usize) -> usize {
    ((WARM_UP_PART * records.min(WARM_UP_OF) as f64) as usize).max(FIRST)
}
