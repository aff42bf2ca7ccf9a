//! The times of day that a pattern lists, on a clock that never jumps: the cron libraries, asked in UTC alone.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use cron::TimeUnitSpec;
use croner::parser::{CronParser, Seconds, Year};

use super::cron::Dialect;

/// A pattern as its library holds it. Shared, for croner keeps five thousand years in one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Listing {
    Posix(Arc<croner::Cron>),
    Quartz(Arc<cron::Schedule>),
}

impl Listing {
    /// Reads a pattern whose fields are known to be right.
    pub(super) fn parse(pattern: &str, dialect: Dialect) -> Result<Self, String> {
        match dialect {
            Dialect::Posix => {
                let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
                parser.parse(pattern).map(|cron| Self::Posix(Arc::new(cron))).map_err(|error| error.to_string())
            }
            Dialect::Quartz => {
                let schedule = pattern.parse::<cron::Schedule>();
                schedule.map(|schedule| Self::Quartz(Arc::new(schedule))).map_err(|error| error.to_string())
            }
        }
    }

    /// The first listed time that is later.
    pub(super) fn after(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let wall = whole_second(wall)?;
        match self {
            Self::Posix(cron) => cron.find_next_occurrence(&wall, false).ok(),
            Self::Quartz(schedule) => {
                let wall = wall.max(first_second(1970)?.checked_sub_signed(TimeDelta::seconds(1))?);
                // Past the years that it knows, it would count beyond the calendar.
                if wall >= first_second(2101)? {
                    return None;
                }
                schedule.after(&wall.and_utc()).next().map(|at| at.naive_utc())
            }
        }
    }

    /// The last listed time that is not later.
    pub(super) fn until(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let wall = whole_second(wall)?;
        match self {
            Self::Posix(cron) => cron.find_previous_occurrence(&wall, true).ok(),
            Self::Quartz(schedule) => {
                let year = u32::try_from(wall.year()).ok()?;
                // It would look for the months up to this one in earlier years, too, so it is asked in a year it knows.
                let before = if schedule.years().includes(year) {
                    wall.checked_add_signed(TimeDelta::seconds(1))?
                } else {
                    let last = schedule.years().range(..year).next_back()?;
                    first_second(i32::try_from(last).ok()?.checked_add(1)?)?
                };
                schedule.after(&before.and_utc()).next_back().map(|at| at.naive_utc())
            }
        }
    }

    /// The first listed time that is not earlier than a whole second.
    pub(super) fn from(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        self.after(wall.checked_sub_signed(TimeDelta::seconds(1))?)
    }

    /// The last listed time that is earlier than a whole second.
    pub(super) fn before(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        self.until(wall.checked_sub_signed(TimeDelta::seconds(1))?)
    }
}

fn whole_second(wall: NaiveDateTime) -> Option<NaiveDateTime> {
    wall.with_nanosecond(0)
}

fn first_second(year: i32) -> Option<NaiveDateTime> {
    NaiveDate::from_ymd_opt(year, 1, 1)?.and_hms_opt(0, 0, 0)
}
