//! How long something is kept: hours, days and weeks of fixed length, or months and years of the calendar.

use std::fmt;

use chrono::{DateTime, Days, Months, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Hours of a hundred years of 366 days.
const HOURS_MAX: u64 = 100 * 366 * 24;
/// Months of a hundred years.
const MONTHS_MAX: u64 = 100 * 12;

/// A length of time from one hour to a hundred years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Span {
    /// Hours of 3,600 seconds; a day has 24, a week 168.
    Hours(u32),
    /// Steps of the calendar in UTC, clamped to the end of the month: 31 January and a month is the last of February.
    Months(u32),
}

impl Span {
    /// Reads `36h`, `730d`, `4w`, `6mo` or `7y`.
    ///
    /// ```
    /// use schemas::{Span, parse_rfc3339, rfc3339};
    /// let from = parse_rfc3339("2024-02-29T12:00:00Z").unwrap();
    /// let end = |span: &str| Span::parse(span).unwrap().after(from).map(rfc3339).unwrap();
    /// assert_eq!(end("1y"), "2025-02-28T12:00:00Z");
    /// assert_eq!(end("365d"), "2025-02-28T12:00:00Z");
    /// assert_eq!(end("7y"), "2031-02-28T12:00:00Z");
    /// assert_eq!(end("2555d"), "2031-02-27T12:00:00Z");
    /// ```
    ///
    /// # Errors
    /// A sentence that quotes it and says what would be right.
    pub fn parse(given: &str) -> Result<Self, String> {
        let digits = given.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = given.split_at(digits);
        let wrong =
            || format!("{given:?} is no length of time; write a number and h, d, w, mo or y, for example 730d or 7y");
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let (steps, unit_steps, most) = match unit {
            "h" => (number, 1, HOURS_MAX),
            "d" => (number, 24, HOURS_MAX),
            "w" => (number, 7 * 24, HOURS_MAX),
            "mo" => (number, 1, MONTHS_MAX),
            "y" => (number, 12, MONTHS_MAX),
            "" => {
                return Err(format!(
                    "{given:?} has no unit; write for example {given}d for days or {given}y for years"
                ));
            }
            _ => return Err(wrong()),
        };
        match steps.checked_mul(unit_steps) {
            Some(0) => Err(format!("{given:?} is no time at all; write at least 1h")),
            Some(steps) if steps <= most => {
                let steps = u32::try_from(steps).map_err(|_| wrong())?;
                Ok(if matches!(unit, "mo" | "y") { Self::Months(steps) } else { Self::Hours(steps) })
            }
            _ => Err(format!("{given:?} is longer than a hundred years; write at most 100y")),
        }
    }

    /// Where it ends when it begins at `from`; none beyond what an instant holds.
    pub fn after(self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Hours(hours) => from.checked_add_signed(TimeDelta::hours(i64::from(hours))),
            Self::Months(months) => from.checked_add_months(Months::new(months)),
        }
    }

    /// Where it begins when it ends at `until`; none before what an instant holds.
    pub fn before(self, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Hours(hours) => until.checked_sub_signed(TimeDelta::hours(i64::from(hours))),
            Self::Months(months) => until.checked_sub_months(Months::new(months)),
        }
    }

    /// Whether it is over at `now` for something that began at `from`. Where its end is no instant, it never is.
    pub fn is_over(self, from: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.after(from).is_some_and(|end| end <= now)
    }

    /// Bounds of its length in hours, whenever it begins: it is never shorter than the first or longer than the second.
    pub fn hours(self) -> (u64, u64) {
        match self {
            Self::Hours(hours) => (u64::from(hours), u64::from(hours)),
            Self::Months(months) => {
                let (years, rest) = (u64::from(months / 12), u64::from(months % 12));
                // Every fourth year is a leap year, but for one around which seven in a row are none, as around 2100.
                let leap_days_least = (years / 4).saturating_sub(years.div_ceil(100));
                let leap_days_most = years.div_ceil(4);
                // The months that are left have at least 28 and at most 31 days each.
                ((years * 365 + leap_days_least + rest * 28) * 24, (years * 365 + leap_days_most + rest * 31) * 24)
            }
        }
    }

    /// Whether it ends after another for whatever began with it from 1970 to 2069.
    ///
    /// ```
    /// use schemas::Span;
    /// let outlasts = |one: &str, other: &str| Span::parse(one).unwrap().always_outlasts(Span::parse(other).unwrap());
    /// // Seven years are 2,556 or 2,557 days; one year is 365 or 366.
    /// assert!(outlasts("7y", "2555d") && !outlasts("7y", "2556d") && outlasts("2558d", "7y"));
    /// assert!(!outlasts("1y", "365d") && outlasts("366d", "365d"));
    /// ```
    pub fn always_outlasts(self, other: Self) -> bool {
        match (self, other) {
            (Self::Hours(one), Self::Hours(other)) | (Self::Months(one), Self::Months(other)) => one > other,
            _ if self.hours().0 > other.hours().1 => true,
            _ if self.hours().1 <= other.hours().0 => false,
            (Self::Months(months), Self::Hours(hours)) => days_of(months).0 * 24 > i64::from(hours),
            (Self::Hours(hours), Self::Months(months)) => i64::from(hours) > days_of(months).1 * 24,
        }
    }
}

/// Days of the shortest and the longest of so many months that begin from 1970 to 2069. The hour of the day does not
/// matter: they end at the hour at which they began.
fn days_of(months: u32) -> (i64, i64) {
    let days_of_the_years: u64 = 36_525;
    let begins = (0..days_of_the_years).filter_map(|day| NaiveDate::default().checked_add_days(Days::new(day)));
    let lengths = begins.filter_map(|begin| Some((begin.checked_add_months(Months::new(months))? - begin).num_days()));
    lengths.fold((i64::MAX, 0), |(least, most), days| (least.min(days), most.max(days)))
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Hours(hours) if hours % 24 == 0 => write!(f, "{}d", hours / 24),
            Self::Hours(hours) => write!(f, "{hours}h"),
            Self::Months(months) if months % 12 == 0 => write!(f, "{}y", months / 12),
            Self::Months(months) => write!(f, "{months}mo"),
        }
    }
}

impl TryFrom<String> for Span {
    type Error = String;
    fn try_from(given: String) -> Result<Self, String> {
        Self::parse(&given)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}
