//! Rules of burn rates: when an error budget is used up so fast that somebody should look.
//!
//! A budget burns at rate 1 where it would be used up by the end of the period. A rule names the part of a period's budget that is
//! gone within its long window; its short window says that it still goes on (Beyer et al., The Site Reliability Workbook, chapter
//! 5). Absent: measuring, which `jobs/sla` does.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::SlaId;
use crate::sla::Share;

/// An SLA whose error budgets are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetSpec {
    /// The SLA.
    pub sla: SlaId,
    /// When an alert is raised: of those that hold the most severe one counts, then the one with the shortest long window.
    pub rules: Vec<BurnRule>,
    /// How long after the end of a burn another one is the same.
    pub cool_down_seconds: u64,
}

/// When a budget burns too fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BurnRule {
    /// Part of a period's budget that is gone within the long window.
    pub share: Share,
    /// Minutes in which it is gone.
    pub long_minutes: u32,
    /// Minutes up to now in which it goes as fast.
    pub short_minutes: u32,
    /// How severe that is.
    pub severity: BurnSeverity,
}

/// How severe a burn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BurnSeverity {
    /// Somebody should look on a working day.
    Medium,
    /// Somebody should look today.
    High,
    /// Somebody should look now.
    Critical,
}

impl BurnSeverity {
    /// Its level in rows, from 1 info to 5 critical.
    pub fn level(self) -> i16 {
        match self {
            Self::Medium => 3,
            Self::High => 4,
            Self::Critical => 5,
        }
    }
}

impl BurnRule {
    /// Those that count where none are written: 2 % in an hour, 5 % in six, 10 % in a day, 10 % in three days.
    pub fn usual() -> Vec<Self> {
        let rule = |num: u64, (long_minutes, short_minutes): (u32, u32), severity| Self {
            share: Share::of_hundred(num),
            long_minutes,
            short_minutes,
            severity,
        };
        vec![
            rule(2, (60, 5), BurnSeverity::Critical),
            rule(5, (360, 30), BurnSeverity::Critical),
            rule(10, (1_440, 120), BurnSeverity::High),
            rule(10, (4_320, 360), BurnSeverity::Medium),
        ]
    }

    /// The rate that is too fast, in a period of so many minutes.
    pub fn factor(&self, period_minutes: u64) -> BurnRate {
        BurnRate {
            num: u128::from(self.share.num()) * u128::from(period_minutes),
            den: u128::from(self.share.den()) * u128::from(self.long_minutes),
        }
    }
}

/// How many times as fast as it may a budget burns: a fraction. With nothing beneath the line, there is no budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BurnRate {
    num: u128,
    den: u128,
}

impl BurnRate {
    /// Of `bad` of `valid`, where the target is to be reached.
    pub fn of((bad, valid): (u64, u64), target: Share) -> Self {
        Self {
            num: u128::from(bad) * u128::from(target.den()),
            den: u128::from(valid) * u128::from(target.rest().num()),
        }
    }

    /// Whether it is more than another one. Anything bad is where there is no budget.
    ///
    /// ```
    /// use schemas::{BurnRate, BurnRule, Share};
    /// let factor = BurnRule::usual()[0].factor(30 * 24 * 60);
    /// assert_eq!(factor.to_string(), "14.4");
    /// let target = Share::of_percent("99.0").unwrap();
    /// assert!(!BurnRate::of((144, 1_000), target).is_above(factor));
    /// assert!(BurnRate::of((145, 1_000), target).is_above(factor));
    /// ```
    pub fn is_above(self, other: Self) -> bool {
        // Both sides stay below 2^127: a share has at most eight decimals, a period 2^18 minutes, and counts of a window 2^63.
        match (self.num.checked_mul(other.den), other.num.checked_mul(self.den)) {
            (Some(own), Some(others)) => own > others,
            _ => self.as_f64() > other.as_f64(),
        }
    }

    /// As a number, to be shown; infinite where there is no budget and something is bad.
    #[expect(clippy::cast_precision_loss, reason = "shown to people, and decides nothing where whole numbers can")]
    pub fn as_f64(self) -> f64 {
        if self.num == 0 { 0.0 } else { self.num as f64 / self.den as f64 }
    }
}

/// With one decimal, cut off: never more than it is.
impl fmt::Display for BurnRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.num.checked_mul(10).and_then(|tenths| tenths.checked_div(self.den)) {
            Some(tenths) => write!(f, "{}.{}", tenths / 10, tenths % 10),
            None => write!(f, "{:.1}", self.as_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rates_of_thirty_days_are_those_of_the_literature() {
        let factors = |days: u64| BurnRule::usual().into_iter().map(move |rule| rule.factor(days * 1_440).to_string());
        assert_eq!(factors(30).collect::<Vec<_>>(), ["14.4", "6.0", "3.0", "1.0"]);
        assert_eq!(factors(7).collect::<Vec<_>>(), ["3.3", "1.4", "0.7", "0.2"]);
    }

    #[test]
    fn a_rate_is_compared_exactly_and_without_a_budget_anything_bad_is_too_fast() {
        let target = |text| Share::of_percent(text).expect("a share");
        let factor = BurnRule::usual()[0].factor(43_200);
        // 14.4 times 0.1 % of 10,000 are 144.
        assert!(!BurnRate::of((144, 10_000), target("99.9")).is_above(factor));
        assert!(BurnRate::of((145, 10_000), target("99.9")).is_above(factor));
        let none = BurnRate::of((1, 60), target("100"));
        assert!(none.is_above(factor) && none.as_f64().is_infinite());
        assert_eq!(none.to_string(), "inf");
        assert!(!BurnRate::of((0, 60), target("100")).is_above(factor));
        // Billionths of slices, as one method counts them.
        let slices = |bad: u64| BurnRate::of((bad * 1_000_000_000, 60 * 1_000_000_000), target("99.000001"));
        assert!(!slices(8).is_above(factor) && slices(9).is_above(factor));
    }
}
