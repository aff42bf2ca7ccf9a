//! What was to be expected of a value, in words and numbers.

use schemas::short_number;
use serde::Serialize;

use super::robust::Middle;

/// What the values before one were.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Expected {
    /// Their median.
    median: f64,
    /// 1.4826 times their median absolute deviation: a standard deviation, if they were normal.
    spread: f64,
    least: f64,
    greatest: f64,
    /// How many there were.
    values: usize,
    /// How many of them lay as far from the median as this one, or further.
    as_far: usize,
    /// Which values before it they are, where not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<String>,
}

impl Expected {
    /// Of the values before `value`, of which there is one at least.
    pub(super) fn of(mut before: Vec<f64>, value: f64) -> Self {
        before.sort_by(f64::total_cmp);
        let middle = Middle::of(&before).unwrap_or(Middle { median: value, mad: 0.0 });
        let off = (value - middle.median).abs();
        Self {
            median: middle.median,
            spread: middle.spread(),
            least: before.first().copied().unwrap_or(value),
            greatest: before.last().copied().unwrap_or(value),
            values: before.len(),
            as_far: before.iter().filter(|other| (*other - middle.median).abs() >= off).count(),
            when: None,
        }
    }

    /// The same, of values of some time: `on Mondays from 07:00 (UTC)`.
    pub(super) fn when(self, when: String) -> Self {
        Self { when: Some(when), ..self }
    }

    /// Their median.
    pub(super) fn median(&self) -> f64 {
        self.median
    }

    /// How far from it they usually are.
    pub(super) fn spread(&self) -> f64 {
        self.spread
    }

    /// One sentence: `expected 2 ± 1.5, saw 41; nothing above 6 in 8064 values before`.
    pub(super) fn sentence(&self, value: f64) -> String {
        let Self { least, greatest, values, as_far, .. } = self;
        let rest = if value > *greatest {
            format!("nothing above {} in {values} values before", short_number(*greatest))
        } else if value < *least {
            format!("nothing below {} in {values} values before", short_number(*least))
        } else {
            format!("{as_far} of {values} values before were as far off")
        };
        let when = self.when.as_ref().map(|when| format!(" {when}")).unwrap_or_default();
        format!(
            "expected {} ± {}{when}, saw {}; {rest}",
            short_number(self.median),
            short_number(self.spread),
            short_number(value)
        )
    }
}
