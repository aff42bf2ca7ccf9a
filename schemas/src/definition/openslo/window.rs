//! `timeWindow` of an SLO: the weeks, months or quarters that it is judged for.

use chrono::NaiveDate;

use super::super::lake::timezone;
use super::super::problem::Place;
use super::super::raw_openslo::{RawCalendar, RawTimeWindow};
use super::super::yaml::At;
use super::Told;
use crate::sla::PeriodLength;

/// Periods, and the day on which the first one begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) period: PeriodLength,
    pub(super) timezone: chrono_tz::Tz,
    pub(super) first: NaiveDate,
}

/// The periods; none where an SLA cannot be judged for them.
pub(super) fn build(given: At<Vec<At<RawTimeWindow>>>, zone: chrono_tz::Tz, told: &mut Told) -> Option<Window> {
    let At { value: mut windows, place } = given;
    if windows.len() != 1 {
        told.problems
            .add(place, format!("timeWindow has {} entries, and an SLO is judged for one; keep one", windows.len()));
        return None;
    }
    let At { value: window, .. } = windows.pop()?;
    let (duration, at) = (window.duration.value.as_str(), window.duration.place);
    if let Some(rolling) = window.is_rolling.as_ref().filter(|rolling| rolling.value) {
        let message = "isRolling: true is not judged, as a promise is kept or missed for a time that ends; write isRolling: \
                       false, and 1w, 1M or 3M as duration";
        told.cannot(rolling.place, message);
        return None;
    }
    if window.is_rolling.is_none() && window.calendar.is_none() {
        let message = "neither isRolling nor calendar says when it begins; it is read as one that goes by the calendar";
        told.notes.add(at, message);
    }
    let period = match duration {
        "1w" | "7d" => PeriodLength::Week,
        "1M" => PeriodLength::Month,
        "3M" | "1Q" => PeriodLength::Quarter,
        "1m" => {
            let message =
                "duration 1m is a minute in OpenSLO; it is read as one month, as it goes by the calendar: write 1M";
            told.notes.add(at, message);
            PeriodLength::Month
        }
        other => {
            let message = format!("duration {other:?} is no period that ends with the calendar; write 1w, 1M or 3M");
            told.cannot(at, message);
            return None;
        }
    };
    let RawCalendar { start_time, time_zone } = window.calendar.unwrap_or_default();
    let timezone = time_zone.map_or(Some(zone), |given| told.problems.keep(given.place, timezone(&given.value)));
    let first = match start_time {
        Some(given) => first(period, (given.value.as_str(), given.place), told)?,
        None => NaiveDate::default(),
    };
    Some(Window { period, timezone: timezone?, first })
}

/// The day on which the first period begins: one that the calendar begins a period on, at midnight.
fn first(period: PeriodLength, (given, place): (&str, Place), told: &mut Told) -> Option<NaiveDate> {
    let at = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]
        .into_iter()
        .find_map(|format| chrono::NaiveDateTime::parse_from_str(given, format).ok());
    let Some(at) = at else {
        let message = format!(
            "startTime {given:?} is no time without a zone; write for example 2026-01-01 00:00:00, and timeZone"
        );
        told.problems.add(place, message);
        return None;
    };
    let begins = period.of_day(at.date()).map(|period| (period.first(), period.next()));
    let Some((begin, next)) = begins else {
        told.problems
            .add(place, format!("startTime {given:?} lies outside of the calendar; write a year of four digits"));
        return None;
    };
    if begin.and_time(chrono::NaiveTime::MIN) != at {
        let word = period.as_str();
        let message = format!(
            "startTime {given:?} lies within a {word}, and a {word} is judged from midnight of its first day; write {begin} \
             00:00:00 or {next} 00:00:00"
        );
        told.cannot(place, message);
        return None;
    }
    Some(begin)
}
