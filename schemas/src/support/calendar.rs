//! Business hours: when clocks of tickets run, by the wall clock of a zone.
//!
//! An instant is open where the wall clock then shows a time inside of a span of that day's hours. Where clocks go back, a
//! time is shown twice and counts twice; where they go forward, what is skipped counts not at all. Absent: pauses of a ticket.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};

use crate::report::Interval;

/// The calendar that is always open, and needs no file.
pub const ALWAYS: &str = "24x7";

/// Steps in which changes of clocks are looked for; two of them are never this near to one another.
const STEP: TimeDelta = TimeDelta::hours(1);

/// A version of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Its name.
    pub name: String,
    /// Version, from 1.
    pub version: u32,
    /// First day whose hours go by it. Days before the first version go by that one.
    pub effective: NaiveDate,
    /// Zone of its wall clock, the same in every version.
    pub timezone: chrono_tz::Tz,
    /// Hours of each weekday, from Monday: sorted, and none overlaps another.
    pub hours: [Vec<DaySpan>; 7],
    /// Days without hours.
    pub holidays: BTreeSet<NaiveDate>,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// Some of a day, in minutes from midnight, half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DaySpan {
    /// First minute.
    pub from: u32,
    /// The minute after the last one, at most 1440.
    pub to: u32,
}

/// Time in which clocks run, under one version of a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSpan {
    /// When.
    pub interval: Interval,
    /// Version of the calendar.
    pub version: u32,
}

impl Calendar {
    /// The one that is always open.
    pub fn always() -> Self {
        let day = vec![DaySpan { from: 0, to: 24 * 60 }];
        Self {
            name: ALWAYS.to_owned(),
            version: 1,
            effective: NaiveDate::MIN,
            timezone: chrono_tz::UTC,
            hours: std::array::from_fn(|_| day.clone()),
            holidays: BTreeSet::new(),
            sha256: String::new(),
        }
    }

    /// The hours of a day.
    pub fn hours_on(&self, day: NaiveDate) -> &[DaySpan] {
        if self.holidays.contains(&day) {
            return &[];
        }
        &self.hours[day.weekday().num_days_from_monday() as usize]
    }
}

/// Open time within an interval, in order, by versions of one calendar, oldest first.
///
/// Spans that touch are one, so that a calendar that is always open has one span.
pub fn open_spans(versions: &[Calendar], within: Interval) -> Vec<OpenSpan> {
    let Some(first) = versions.first() else { return Vec::new() };
    let in_force = |day: NaiveDate| versions.iter().rev().find(|version| version.effective <= day).unwrap_or(first);
    let mut spans: Vec<OpenSpan> = Vec::new();
    for (part, offset) in constant_offsets(first.timezone, within) {
        let (start, end) = (part.start.naive_utc() + offset, part.end.naive_utc() + offset);
        for day in start.date().iter_days().take_while(|day| day.and_time(NaiveTime::MIN) < end) {
            let calendar = in_force(day);
            for hours in calendar.hours_on(day) {
                let (from, to) = (at_minute(day, hours.from).max(start), at_minute(day, hours.to).min(end));
                if from < to {
                    let interval = Interval { start: (from - offset).and_utc(), end: (to - offset).and_utc() };
                    add(&mut spans, OpenSpan { interval, version: calendar.version });
                }
            }
        }
    }
    spans
}

fn at_minute(day: NaiveDate, minute: u32) -> NaiveDateTime {
    day.and_time(NaiveTime::MIN) + TimeDelta::minutes(i64::from(minute))
}

fn add(spans: &mut Vec<OpenSpan>, span: OpenSpan) {
    match spans.last_mut() {
        Some(last) if last.interval.end == span.interval.start && last.version == span.version => {
            last.interval.end = span.interval.end;
        }
        _ => spans.push(span),
    }
}

/// An interval in parts in which clocks of a zone are not changed, each with what they are ahead of UTC.
fn constant_offsets(zone: chrono_tz::Tz, within: Interval) -> Vec<(Interval, TimeDelta)> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (within.start, within.start);
    let mut offset = ahead(zone, start);
    while at < within.end {
        let next = (at + STEP).min(within.end);
        if ahead(zone, next) != offset {
            let change = first_after((at, next), |at| ahead(zone, at) != offset);
            if change > start && change < within.end {
                parts.push((Interval { start, end: change }, offset));
                (start, offset) = (change, ahead(zone, change));
            }
        }
        at = next;
    }
    if start < within.end {
        parts.push((Interval { start, end: within.end }, offset));
    }
    parts
}

fn ahead(zone: chrono_tz::Tz, at: DateTime<Utc>) -> TimeDelta {
    TimeDelta::seconds(i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()))
}

/// The first instant after `before` for which something holds, given that it holds at `after` and not before.
fn first_after(
    (mut before, mut after): (DateTime<Utc>, DateTime<Utc>),
    holds: impl Fn(DateTime<Utc>) -> bool,
) -> DateTime<Utc> {
    const LEAST: TimeDelta = TimeDelta::microseconds(1);
    while after - before > LEAST {
        let middle = before + TimeDelta::microseconds((after - before).num_microseconds().unwrap_or(2) / 2);
        if holds(middle) {
            after = middle;
        } else {
            before = middle;
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::{parse_rfc3339, rfc3339};

    fn at(text: &str) -> DateTime<Utc> {
        parse_rfc3339(text).expect("an instant")
    }

    fn calendar(zone: &str, from: u32, to: u32) -> Calendar {
        Calendar {
            name: "office".to_owned(),
            timezone: zone.parse().expect("a zone"),
            hours: std::array::from_fn(|_| vec![DaySpan { from: from * 60, to: to * 60 }]),
            ..Calendar::always()
        }
    }

    /// Open time as `from/to`, and its minutes.
    fn open(versions: &[Calendar], from: &str, to: &str) -> (Vec<String>, i64) {
        let spans = open_spans(versions, Interval { start: at(from), end: at(to) });
        let minutes = spans.iter().map(|span| (span.interval.end - span.interval.start).num_minutes()).sum();
        let told = |span: &OpenSpan| {
            format!("{}/{}", rfc3339(span.interval.start), rfc3339(span.interval.end).split_off("2026-".len()))
        };
        (spans.iter().map(told).collect(), minutes)
    }

    #[test]
    fn always_open_is_one_span() {
        let (spans, minutes) = open(&[Calendar::always()], "2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z");
        assert_eq!((spans.len(), minutes), (1, 61 * 1_440));
        assert!(
            open_spans(&[], Interval { start: at("2026-03-01T00:00:00Z"), end: at("2026-05-01T00:00:00Z") }).is_empty()
        );
        let (none, _) = open(&[Calendar::always()], "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z");
        assert!(none.is_empty());
    }

    #[test]
    fn hours_are_those_that_the_wall_clock_shows() {
        // Clocks go forward on 29 March at 01:00 UTC, and back on 25 October.
        let office = [calendar("Europe/Berlin", 9, 17)];
        let (spans, _) = open(&office, "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z");
        assert_eq!(
            spans,
            ["2026-03-28T08:00:00Z/03-28T16:00:00Z", "2026-03-29T07:00:00Z/03-29T15:00:00Z"].map(str::to_owned)
        );
        let night = [calendar("Europe/Berlin", 1, 4)];
        // From 01:00 to 04:00 there are two hours, as 02:00 to 03:00 is not shown.
        assert_eq!(open(&night, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z").1, 2 * 60);
        // And four, as it is shown twice.
        let (spans, minutes) = open(&night, "2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z");
        assert_eq!((spans.len(), minutes), (1, 4 * 60));
        // A span that ends within it is there twice.
        let short = [calendar("Europe/Berlin", 1, 3)];
        let half =
            [Calendar { hours: std::array::from_fn(|_| vec![DaySpan { from: 60, to: 150 }]), ..short[0].clone() }];
        let (spans, _) = open(&half, "2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z");
        assert_eq!(
            spans,
            ["2026-10-24T23:00:00Z/10-25T00:30:00Z", "2026-10-25T01:00:00Z/10-25T01:30:00Z"].map(str::to_owned)
        );
    }

    #[test]
    fn holidays_and_versions_go_by_the_day_in_the_zone() {
        let old = calendar("America/New_York", 9, 17);
        let new = Calendar {
            version: 2,
            effective: "2026-07-03".parse().expect("a day"),
            holidays: BTreeSet::from(["2026-07-04".parse().expect("a day")]),
            ..calendar("America/New_York", 22, 24)
        };
        let spans =
            open_spans(&[old, new], Interval { start: at("2026-07-02T12:00:00Z"), end: at("2026-07-06T03:00:00Z") });
        let told: Vec<(String, u32)> = spans.iter().map(|span| (rfc3339(span.interval.start), span.version)).collect();
        let expected = [("2026-07-02T13:00:00Z", 1), ("2026-07-04T02:00:00Z", 2), ("2026-07-06T02:00:00Z", 2)];
        assert_eq!(told, expected.map(|(at, version)| (at.to_owned(), version)));
    }
}
