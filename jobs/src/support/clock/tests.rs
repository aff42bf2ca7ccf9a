//! Golden cases, and random clocks against one that asks the wall clock minute by minute.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::{Calendar, DaySpan, open_spans, parse_rfc3339};

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    parse_rfc3339(text).expect("an instant")
}

fn interval(from: &str, to: &str) -> Interval {
    Interval { start: at(from), end: at(to) }
}

/// Nine to five, Mondays to Fridays.
fn office(zone: &str, holidays: &[&str]) -> Calendar {
    let day = vec![DaySpan { from: 9 * 60, to: 17 * 60 }];
    Calendar {
        name: "office".to_owned(),
        timezone: zone.parse().expect("a zone"),
        hours: std::array::from_fn(|weekday| if weekday < 5 { day.clone() } else { Vec::new() }),
        holidays: holidays.iter().map(|day| day.parse().expect("a day")).collect(),
        ..Calendar::always()
    }
}

#[track_caller]
fn check(calendar: &Calendar, (from, to): (&str, &str), pauses: &[(&str, &str)], minutes: u64) {
    let clock = interval(from, to);
    let open = open_spans(std::slice::from_ref(calendar), clock);
    let pauses = merged(pauses.iter().map(|(from, to)| interval(from, to)).collect());
    assert_eq!(micros(&counted(&open, clock, &pauses)), minutes * 60_000_000, "{from} to {to}");
}

#[test]
fn business_time_is_what_somebody_counts_by_hand() {
    let berlin = office("Europe/Berlin", &["2026-10-02"]);
    // Wednesday 16:00 to Thursday 10:00.
    check(&berlin, ("2026-09-30T14:00:00Z", "2026-10-01T08:00:00Z"), &[], 120);
    // Over a holiday on Friday and a weekend: an hour of Thursday, an hour of Monday.
    check(&berlin, ("2026-10-01T14:00:00Z", "2026-10-05T08:00:00Z"), &[], 120);
    // Opened and closed in the night.
    check(&berlin, ("2026-09-30T20:00:00Z", "2026-10-01T04:00:00Z"), &[], 0);
    // A pause over the night leaves out what is open of it, and that once.
    let night = ("2026-09-30T14:30:00Z", "2026-10-01T07:15:00Z");
    check(&berlin, ("2026-09-30T14:00:00Z", "2026-10-01T08:00:00Z"), &[night], 75);
    let within = ("2026-09-30T14:45:00Z", "2026-10-01T07:10:00Z");
    check(&berlin, ("2026-09-30T14:00:00Z", "2026-10-01T08:00:00Z"), &[within, night, night], 75);
    // Pauses before and after the clock, and one that is empty.
    let around = [
        ("2026-09-30T10:00:00Z", "2026-09-30T14:00:00Z"),
        ("2026-10-01T08:00:00Z", "2026-10-01T09:00:00Z"),
        ("2026-09-30T14:10:00Z", "2026-09-30T14:10:00Z"),
    ];
    check(&berlin, ("2026-09-30T14:00:00Z", "2026-10-01T08:00:00Z"), &around, 120);
    // Summer time ends on Sunday: Friday 16:00 is 14:00 UTC, Monday 10:00 is 09:00 UTC.
    check(&berlin, ("2026-10-23T14:00:00Z", "2026-10-26T09:00:00Z"), &[], 120);
    // All of a weekend with a change of clocks.
    check(&Calendar::always(), ("2026-10-24T00:00:00Z", "2026-10-26T00:00:00Z"), &[], 2 * 1_440);
    let york = office("America/New_York", &[]);
    check(&york, ("2026-03-06T21:00:00Z", "2026-03-09T14:00:00Z"), &[], 120);
}

#[test]
fn less_than_a_minute_counts() {
    let berlin = office("Europe/Berlin", &[]);
    let clock = Interval {
        start: at("2026-09-30T14:59:59Z") + TimeDelta::microseconds(999_999),
        end: at("2026-10-01T07:00:00Z") + TimeDelta::microseconds(2),
    };
    let open = open_spans(&[berlin], clock);
    assert_eq!(micros(&counted(&open, clock, &[])), 3);
}

/// A calendar, a clock and pauses, all of whole minutes.
struct Random {
    versions: Vec<Calendar>,
    clock: Interval,
    pauses: Vec<Interval>,
}

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let zone = ["Europe/Berlin", "America/New_York", "UTC", "Australia/Lord_Howe"][random.random_range(0..4)];
        // Months in which some clock changes, and others.
        let month = [3, 10, 11, 4, 7][random.random_range(0..5)];
        let first = NaiveDate::from_ymd_opt(random.random_range(2025..2029), month, 1).expect("a day");
        let versions = (0..random.random_range(1..3u32)).map(|at| Calendar {
            version: at + 1,
            effective: first + chrono::Days::new(u64::from(at) * random.random_range(1..28)),
            hours: std::array::from_fn(|_| hours(&mut random)),
            holidays: (0..3).map(|_| first + chrono::Days::new(random.random_range(0..31))).collect(),
            ..office(zone, &[])
        });
        let versions: Vec<Calendar> = versions.collect();
        let month = first.and_hms_opt(0, 0, 0).expect("midnight").and_utc();
        let start = month + TimeDelta::minutes(random.random_range(0..31 * 1_440));
        let clock = Interval { start, end: start + TimeDelta::minutes(random.random_range(0..9 * 1_440)) };
        let pauses = (0..random.random_range(0..6)).map(|_| {
            let start = clock.start + TimeDelta::minutes(random.random_range(-1_000..9 * 1_440));
            Interval { start, end: start + TimeDelta::minutes(random.random_range(0..2_000)) }
        });
        let pauses = pauses.collect();
        Self { versions, clock, pauses }
    }

    /// Minutes that count, asked one by one.
    fn slow_minutes(&self) -> u64 {
        let mut at = self.clock.start;
        let mut minutes = 0;
        while at < self.clock.end {
            let is_paused = self.pauses.iter().any(|pause| pause.start <= at && at < pause.end);
            minutes += u64::from(self.is_open(at) && !is_paused);
            at += TimeDelta::minutes(1);
        }
        minutes
    }

    fn is_open(&self, at: DateTime<Utc>) -> bool {
        let shown = at.with_timezone(&self.versions[0].timezone);
        let day = shown.date_naive();
        let version = self.versions.iter().filter(|version| version.effective <= day).max_by_key(|one| one.effective);
        let version = version.unwrap_or(&self.versions[0]);
        let minute = shown.hour() * 60 + shown.minute();
        let weekday = day.weekday().num_days_from_monday() as usize;
        let within = |span: &DaySpan| span.from <= minute && minute < span.to;
        !version.holidays.contains(&day) && version.hours[weekday].iter().any(within)
    }
}

/// Up to three spans of a day, with gaps or without; some days have none.
fn hours(random: &mut ChaCha8Rng) -> Vec<DaySpan> {
    let count = random.random_range(0..4);
    let mut edges = BTreeSet::new();
    while edges.len() < 2 * count {
        edges.insert(random.random_range(0..=96u32) * 15);
    }
    let edges: Vec<u32> = edges.into_iter().collect();
    edges.chunks_exact(2).map(|pair| DaySpan { from: pair[0], to: pair[1] }).collect()
}

#[test]
fn random_clocks_are_those_that_are_asked_minute_by_minute() {
    let cases = std::env::var("AUDITLAKE_CLOCKS").ok().and_then(|count| count.parse().ok()).unwrap_or(400);
    let mut counting = 0;
    for seed in 0..cases {
        let Random { versions, clock, pauses } = &Random::new(seed);
        let open = open_spans(versions, *clock);
        let pieces = counted(&open, *clock, &merged(pauses.clone()));
        let expected = Random::new(seed).slow_minutes();
        assert_eq!(micros(&pieces), expected * 60_000_000, "seed {seed}");
        assert!(pieces.windows(2).all(|pair| pair[0].interval.end <= pair[1].interval.start), "seed {seed}");
        // Whoever has open time of more than the clock comes to the same.
        let more = Interval { start: clock.start - TimeDelta::days(3), end: clock.end + TimeDelta::days(3) };
        let of_more = counted(&open_spans(versions, more), *clock, &merged(pauses.clone()));
        assert_eq!(micros(&of_more), micros(&pieces), "seed {seed}");
        counting += u64::from(expected > 0);
    }
    assert!(counting * 2 > cases, "{counting} of {cases} clocks count something");
}
