//! Days as people count them: in a zone, with weekends.
//!
//! Absent: holidays.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};

/// A zone in which days begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CivilZone(chrono_tz::Tz);

impl CivilZone {
    /// The zone of an IANA name such as `Europe/Berlin`.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// The day on which `at` lies.
    pub fn day_of(self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.0).date_naive()
    }

    /// The first instant of `day`; none at the ends of the calendar. Where clocks or the calendar skip midnight, the day begins
    /// with its first minute that exists.
    pub fn start_of(self, day: NaiveDate) -> Option<DateTime<Utc>> {
        const MINUTES_SKIPPED_MAX: i64 = 2 * 24 * 60;
        let midnight = day.and_time(NaiveTime::MIN);
        let start = (0..MINUTES_SKIPPED_MAX).find_map(|minutes| {
            let local = midnight.checked_add_signed(TimeDelta::minutes(minutes))?;
            self.0.from_local_datetime(&local).earliest()
        })?;
        Some(start.with_timezone(&Utc))
    }

    /// The last microsecond of `day`; none at the end of the calendar.
    pub fn end_of(self, day: NaiveDate) -> Option<DateTime<Utc>> {
        self.start_of(day.checked_add_days(Days::new(1))?)?.checked_sub_signed(TimeDelta::microseconds(1))
    }
}

impl From<chrono_tz::Tz> for CivilZone {
    fn from(zone: chrono_tz::Tz) -> Self {
        Self(zone)
    }
}

/// Reads a day such as `2026-06-30`.
///
/// # Errors
/// A sentence that quotes the text and shows an example.
pub fn parse_day(given: &str) -> Result<NaiveDate, String> {
    // Another spelling would be another day's to some readers.
    let day = NaiveDate::parse_from_str(given, "%Y-%m-%d").ok().filter(|day| day.to_string() == given);
    day.ok_or_else(|| format!("\"{given}\" is not a day; write for example 2026-06-30"))
}

/// Mondays to Fridays after `from`, up to and with `to`; below zero when `to` is earlier.
pub fn business_days_between(from: NaiveDate, to: NaiveDate) -> i64 {
    // Mondays to Fridays of the days up to and with `day`, counted from a Monday.
    let until = |day: NaiveDate| {
        // Day 1 of the calendar is a Monday.
        let days = i64::from(day.num_days_from_ce());
        days.div_euclid(7) * 5 + days.rem_euclid(7).min(5)
    };
    until(to) - until(from)
}

/// The `count`-th Monday to Friday after `from`.
pub(crate) fn add_business_days(from: NaiveDate, count: u32) -> Option<NaiveDate> {
    let (weeks, rest) = (u64::from(count / 5), count % 5);
    let mut day = from.checked_add_days(Days::new(weeks * 7))?;
    // From a weekend, whole weeks end on a weekend; the last business day counted is then the Friday before.
    if rest == 0 {
        while count > 0 && day.weekday().number_from_monday() > 5 {
            day = day.pred_opt()?;
        }
    }
    let mut left = rest;
    while left > 0 {
        day = day.succ_opt()?;
        left -= u32::from(day.weekday().number_from_monday() <= 5);
    }
    Some(day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::{parse_rfc3339, rfc3339};

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn business_days_are_those_counted_one_by_one() {
        let first = day("2026-12-20");
        for from in first.iter_days().take(15) {
            let mut counted = 0;
            for to in from.iter_days().take(40) {
                counted += i64::from(to > from && to.weekday().number_from_monday() <= 5);
                assert_eq!(business_days_between(from, to), counted, "{from} to {to}");
                assert_eq!(business_days_between(to, from), -counted, "{to} to {from}");
            }
            for count in 1..30 {
                let to = add_business_days(from, count).expect("a day");
                assert_eq!(business_days_between(from, to), i64::from(count), "{count} from {from}");
                assert!(to.weekday().number_from_monday() <= 5, "{to} is no business day");
            }
        }
        assert_eq!(add_business_days(day("2026-12-24"), 10), Some(day("2027-01-07")));
    }

    #[test]
    fn a_day_ends_where_the_next_begins() {
        let end = |zone: &str, on: &str| {
            let zone = CivilZone::parse(zone).expect("a zone");
            let end = zone.end_of(day(on)).expect("an instant");
            assert_eq!(zone.day_of(end), day(on));
            assert!(zone.day_of(end + TimeDelta::microseconds(1)) > day(on));
            rfc3339(end)
        };
        assert_eq!(end("UTC", "2026-02-28"), "2026-02-28T23:59:59.999999Z");
        assert_eq!(end("Europe/Berlin", "2026-03-28"), "2026-03-28T22:59:59.999999Z");
        assert_eq!(end("Europe/Berlin", "2026-03-29"), "2026-03-29T21:59:59.999999Z");
        // Midnight does not exist: clocks go from 24:00 to 01:00.
        assert_eq!(end("America/Sao_Paulo", "2018-11-03"), "2018-11-04T02:59:59.999999Z");
        // Neither does the whole 30th.
        assert_eq!(end("Pacific/Apia", "2011-12-29"), "2011-12-30T09:59:59.999999Z");
        assert_eq!(CivilZone::parse("Mars"), None);
        let berlin = CivilZone::parse("Europe/Berlin").expect("a zone");
        assert_eq!(berlin.day_of(parse_rfc3339("2026-01-31T23:30:00Z").expect("reads")), day("2026-02-01"));
    }
}
