//! `slas/*.yaml` with first key `calendar`: the hours in which clocks of tickets run.

use std::collections::BTreeSet;

use super::lake::timezone;
use super::problem::{Place, Problems};
use super::raw_support::{RawCalendar, RawHours};
use super::words::RawWords;
use super::yaml::At;
use crate::civil::parse_day;
use crate::id;
use crate::support::{Calendar, DaySpan};

const DAY_MINUTES: u32 = 24 * 60;

pub(super) fn build(
    raw: RawCalendar,
    sha256: String,
    zone: chrono_tz::Tz,
    problems: &mut Problems,
) -> Option<Calendar> {
    let before = problems.len();
    let name = problems.keep(raw.calendar.place, id::name("calendar", &raw.calendar.value));
    let effective = problems.keep(raw.effective.place, parse_day(&raw.effective.value));
    let timezone = raw.timezone.map_or(Some(zone), |given| problems.keep(given.place, timezone(&given.value)));
    let hours = hours(raw.hours, problems);
    let holidays = raw.holidays.into_iter().filter_map(|day| problems.keep(day.place, parse_day(&day.value)));
    let holidays: BTreeSet<_> = holidays.collect();
    let built = Calendar {
        name: name?,
        version: raw.version.value,
        effective: effective?,
        timezone: timezone?,
        hours,
        holidays,
        sha256,
    };
    (problems.len() == before).then_some(built)
}

fn hours(given: At<RawHours>, problems: &mut Problems) -> [Vec<DaySpan>; 7] {
    let At { value: raw, place } = given;
    let before = problems.len();
    let mut of = |name: &str, given: Option<At<RawWords>>| match given {
        Some(At { value, place }) => spans(name, value.read(name, place, problems), problems),
        None => Vec::new(),
    };
    let hours = [
        of("mon", raw.mon),
        of("tue", raw.tue),
        of("wed", raw.wed),
        of("thu", raw.thu),
        of("fri", raw.fri),
        of("sat", raw.sat),
        of("sun", raw.sun),
    ];
    if problems.len() == before && hours.iter().all(Vec::is_empty) {
        problems.add(place, "hours are empty, and no clock would run; add for example mon: \"09:00-17:00\"");
    }
    hours
}

/// Spans of a weekday, in order; two that overlap would count some of it twice.
fn spans(weekday: &str, given: Vec<At<String>>, problems: &mut Problems) -> Vec<DaySpan> {
    let mut read: Vec<(DaySpan, Place, String)> = Vec::new();
    for At { value, place } in given {
        let span = span(&value).map_err(|why| format!("{weekday}: {why}"));
        read.extend(problems.keep(place, span).map(|span| (span, place, value)));
    }
    read.sort_by_key(|(span, ..)| *span);
    for pair in read.windows(2) {
        let [(earlier, _, first), (later, place, second)] = pair else { continue };
        if later.from < earlier.to {
            let message = format!("{weekday}: {second:?} overlaps {first:?}; write hours that do not");
            problems.add(*place, message);
        }
    }
    read.into_iter().map(|(span, ..)| span).collect()
}

/// `09:00-17:30`.
fn span(given: &str) -> Result<DaySpan, String> {
    let wrong = || format!("{given:?} are no hours; write for example \"09:00-17:30\"");
    let (from, to) = given.split_once('-').ok_or_else(wrong)?;
    let (from, to) = (minute(from).ok_or_else(wrong)?, minute(to).ok_or_else(wrong)?);
    if from >= to {
        return Err(format!(
            "{given:?} ends before it begins, or when it does; write hours over midnight as two, up to \"24:00\" and from \"00:00\""
        ));
    }
    Ok(DaySpan { from, to })
}

fn minute(given: &str) -> Option<u32> {
    let (hour, minute) = given.trim().split_once(':')?;
    let number = |text: &str| {
        let is_two_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_two_digits { text.parse::<u32>().ok() } else { None }
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let all = hour * 60 + minute;
    (minute < 60 && all <= DAY_MINUTES).then_some(all)
}
