//! Spans of time as definitions write them: `15m`, `24h`, `30d`, and `7y` for what is kept.

use chrono::{DateTime, Days, Months, TimeDelta, Utc};

use super::problem::Problems;
use super::yaml::At;

/// Longest window or lookback: ten years, so that instants stay in range.
const SECONDS_MAX: u64 = 3_660 * 86_400;

/// Seconds of `15m`, `24h`, `30d` or `4w`; at least one, at most ten years.
pub(super) fn seconds(name: &str, given: &str) -> Result<u64, String> {
    let wrong = || format!("{name} {given:?} is not a length of time; write for example 30d, 24h or 15m");
    let (number, unit) = split(given).ok_or_else(wrong)?;
    let unit_seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(wrong()),
    };
    match number.checked_mul(unit_seconds) {
        Some(0) => Err(format!("{name} {given:?} is empty; it must be longer than 0")),
        Some(seconds @ 1..=SECONDS_MAX) => Ok(seconds),
        _ => Err(format!("{name} {given:?} is longer than ten years; write at most 3660d")),
    }
}

/// A length of time as people write it, `15m`, `24h`, `30d` or `4w`: at least a second, at most ten years.
///
/// # Errors
/// A sentence, when it is none.
///
/// ```
/// assert_eq!(schemas::parse_length("12h"), Ok(chrono::TimeDelta::hours(12)));
/// assert!(schemas::parse_length("soon").is_err());
/// ```
pub fn parse_length(given: &str) -> Result<TimeDelta, String> {
    let seconds = seconds("length", given)?;
    // Ten years of seconds fit.
    Ok(TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1_000)))
}

/// The same of what may be left out.
pub(super) fn given_seconds(name: &str, given: Option<At<String>>, problems: &mut Problems) -> Option<u64> {
    given.and_then(|given| problems.keep(given.place, seconds(name, &given.value)))
}

/// Checks `7y` or `400d`: at least a day, at most a hundred years.
pub(super) fn keep(given: &str) -> Result<(), String> {
    match split(given) {
        Some((1..=100, "y")) | Some((1..=36_525, "d")) => Ok(()),
        Some((_, "y" | "d")) => Err(format!("keep {given:?} is out of range; write 1d to 36525d or 1y to 100y")),
        _ => Err(format!("keep {given:?} is not a time to keep; write years or days, for example 7y or 400d")),
    }
}

/// The end of `7y` or `400d` from an instant on, by the calendar in UTC: a year that begins on 29 February ends on the
/// 28th. None where `keep` says something else, or the end lies beyond what an instant holds.
///
/// ```
/// let at = schemas::parse_rfc3339("2024-02-29T04:00:00Z").unwrap();
/// assert_eq!(schemas::kept_until(at, "7y").map(schemas::rfc3339).as_deref(), Some("2031-02-28T04:00:00Z"));
/// assert_eq!(schemas::kept_until(at, "soon"), None);
/// ```
pub fn kept_until(from: DateTime<Utc>, keep: &str) -> Option<DateTime<Utc>> {
    match split(keep)? {
        (years, "y") => from.checked_add_months(Months::new(u32::try_from(years).ok()?.checked_mul(12)?)),
        (days, "d") => from.checked_add_days(Days::new(days)),
        _ => None,
    }
}

/// Digits and what follows them.
fn split(given: &str) -> Option<(u64, &str)> {
    let digits = given.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = given.split_at(digits);
    Some((number.parse().ok()?, unit))
}
