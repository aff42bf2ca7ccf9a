//! The times that an SLA is judged for: months, quarters and weeks as people count them, in a zone.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::civil::CivilZone;
use crate::report::Interval;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeriodLength {
    /// A calendar month.
    Month,
    /// Three calendar months, from January.
    Quarter,
    /// Monday to Sunday.
    Week,
}

/// One period, by its days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlaPeriod {
    length: PeriodLength,
    first: NaiveDate,
    next: NaiveDate,
}

impl PeriodLength {
    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Week => "week",
        }
    }

    /// The period that a day lies in; none at the ends of the calendar.
    pub fn of_day(self, day: NaiveDate) -> Option<SlaPeriod> {
        let first = match self {
            Self::Month => day.with_day(1)?,
            Self::Quarter => day.with_day(1)?.with_month0(day.month0() / 3 * 3)?,
            Self::Week => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday())))?,
        };
        let next = match self {
            Self::Month => first.checked_add_months(Months::new(1))?,
            Self::Quarter => first.checked_add_months(Months::new(3))?,
            Self::Week => first.checked_add_days(Days::new(7))?,
        };
        Some(SlaPeriod { length: self, first, next })
    }

    /// The last period that has ended by an instant.
    pub fn ended_by(self, at: DateTime<Utc>, zone: CivilZone) -> Option<SlaPeriod> {
        self.of_day(zone.day_of(at))?.before()
    }

    /// Reads the name of a period: `2026-09`, `2026-Q3` or `2026-W36`, or any of its days.
    ///
    /// # Errors
    /// A sentence that quotes it and shows an example.
    pub fn parse(self, given: &str) -> Result<SlaPeriod, String> {
        let year_and = |mark: char| {
            let (year, number) = given.split_once('-')?;
            Some((year.parse::<i32>().ok()?, number.strip_prefix(mark)?.parse::<u32>().ok()?))
        };
        let named = match self {
            Self::Month => format!("{given}-01").parse().ok(),
            Self::Quarter => year_and('Q').and_then(|(year, number)| {
                NaiveDate::from_ymd_opt(year, number.checked_sub(1)?.checked_mul(3)? + 1, 1)
            }),
            Self::Week => {
                year_and('W').and_then(|(year, number)| NaiveDate::from_isoywd_opt(year, number, chrono::Weekday::Mon))
            }
        };
        let period = named.or_else(|| given.parse().ok()).and_then(|day| self.of_day(day));
        period.ok_or_else(|| {
            let example = match self {
                Self::Month => "2026-09",
                Self::Quarter => "2026-Q3",
                Self::Week => "2026-W36",
            };
            format!("{given:?} is not a {}; write for example {example}", self.as_str())
        })
    }
}

impl SlaPeriod {
    /// The period before.
    pub fn before(self) -> Option<Self> {
        self.length.of_day(self.first.pred_opt()?)
    }

    /// Its first day.
    pub fn first(self) -> NaiveDate {
        self.first
    }

    /// The day after its last one.
    pub fn next(self) -> NaiveDate {
        self.next
    }

    /// Its days.
    pub fn days(self) -> u32 {
        u32::try_from((self.next - self.first).num_days()).unwrap_or(0)
    }

    /// Its time in a zone, half open: a month with a change of clocks has an hour more or less.
    pub fn interval(self, zone: CivilZone) -> Option<Interval> {
        Some(Interval { start: zone.start_of(self.first)?, end: zone.start_of(self.next)? })
    }

    /// `2026-09`, `2026-Q3` or `2026-W36`.
    pub fn name(self) -> String {
        match self.length {
            PeriodLength::Month => self.first.format("%Y-%m").to_string(),
            PeriodLength::Quarter => format!("{}-Q{}", self.first.year(), self.first.month0() / 3 + 1),
            PeriodLength::Week => self.first.format("%G-W%V").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::{parse_rfc3339, rfc3339};

    fn minutes(length: PeriodLength, name: &str, zone: &str) -> i64 {
        let period = length.parse(name).expect("a period");
        assert_eq!(period.name(), name);
        let interval = period.interval(CivilZone::parse(zone).expect("a zone")).expect("in the calendar");
        (interval.end - interval.start).num_minutes()
    }

    #[test]
    fn months_have_the_minutes_that_clocks_show() {
        for (name, zone, expected) in [
            ("2026-02", "UTC", 40_320),
            ("2028-02", "Europe/Berlin", 41_760),
            ("2026-04", "Europe/Berlin", 43_200),
            ("2026-03", "Europe/Berlin", 44_580),
            ("2026-12", "Asia/Kolkata", 44_640),
            ("2026-10", "Europe/Berlin", 44_700),
            ("2026-11", "America/New_York", 43_260),
            ("2026-04", "Australia/Lord_Howe", 43_230),
        ] {
            assert_eq!(minutes(PeriodLength::Month, name, zone), expected, "{name} {zone}");
        }
        assert_eq!(minutes(PeriodLength::Week, "2026-W01", "UTC"), 7 * 1_440);
        assert_eq!(minutes(PeriodLength::Quarter, "2026-Q1", "Europe/Berlin"), 90 * 1_440 - 60);
    }

    #[test]
    fn the_last_period_that_ended_goes_by_the_zone() {
        let ended = |at: &str, zone: &str| {
            let zone = CivilZone::parse(zone).expect("a zone");
            let period = PeriodLength::Month.ended_by(parse_rfc3339(at).expect("an instant"), zone).expect("one");
            (period.name(), rfc3339(period.interval(zone).expect("an interval").end))
        };
        let august = ("2026-08".to_owned(), "2026-08-31T22:00:00Z".to_owned());
        assert_eq!(ended("2026-09-30T21:59:59Z", "Europe/Berlin"), august);
        assert_eq!(ended("2026-09-30T22:00:00Z", "Europe/Berlin").0, "2026-09");
        assert_eq!(ended("2026-10-01T00:00:00Z", "America/New_York").0, "2026-08");
        for (length, wrong) in
            [(PeriodLength::Month, "2026-13"), (PeriodLength::Quarter, "2026-Q5"), (PeriodLength::Week, "September")]
        {
            assert!(length.parse(wrong).is_err_and(|why| why.contains("write for example")), "{wrong}");
        }
        let day = PeriodLength::Week.parse("2026-09-03").expect("a day of it");
        assert_eq!((day.name(), day.days()), ("2026-W36".to_owned(), 7));
    }
}
