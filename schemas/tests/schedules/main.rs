//! When patterns fire: the table of the rule, years of fires, croner's own answers, and what is refused.

mod chance;
mod refused;
mod walk;
mod years;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use schemas::{Concurrency, Cron, Dialect, JobId, Retry, Schedule, parse_rfc3339, rfc3339};

fn at(text: &str) -> DateTime<Utc> {
    parse_rfc3339(text).expect("an instant")
}

fn posix(pattern: &str, zone: Tz) -> Cron {
    Cron::parse(pattern, Dialect::Posix, zone).expect("reads")
}

/// The fires after one instant and up to another, by day on the clock of the zone; the same under both dialects.
#[track_caller]
fn check(pattern: &str, zone: Tz, after: &str, until: &str, fires: &[&str]) {
    let quartz = Cron::parse(&format!("0 {pattern}"), Dialect::Quartz, zone).expect("reads");
    for cron in [posix(pattern, zone), quartz] {
        let found: Vec<String> = cron
            .between(at(after), at(until))
            .map(|fire| fire.with_timezone(&zone).format("%d %H:%M%:z").to_string())
            .collect();
        assert_eq!(found, fires, "{cron:?}");
    }
}

#[test]
fn clocks_that_jump_ahead_lose_no_fire() {
    let gap = |pattern, fires: &[&str]| {
        check(pattern, Tz::Europe__Berlin, "2026-03-28T22:59:59Z", "2026-03-29T02:00:00Z", fires);
    };
    gap("30 2 * * *", &["29 03:00+02:00"]);
    gap("15,45 2 * * *", &["29 03:00+02:00"]);
    gap("30 1-3 * * *", &["29 01:30+01:00", "29 03:00+02:00", "29 03:30+02:00"]);
    gap("0 */2 * * *", &["29 00:00+01:00", "29 03:00+02:00", "29 04:00+02:00"]);
    gap("0 * * * *", &["29 00:00+01:00", "29 01:00+01:00", "29 03:00+02:00", "29 04:00+02:00"]);
    check("0 0 * * *", Tz::America__Santiago, "2026-09-05T12:00:00Z", "2026-09-06T12:00:00Z", &["06 01:00-03:00"]);
    check("15 2 * * *", Tz::Australia__Lord_Howe, "2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z", &["04 02:30+11:00"]);
    // There is no 30th.
    let apia = ["29 09:00-10:00", "31 00:00+14:00", "31 09:00+14:00"];
    check("0 9 * * *", Tz::Pacific__Apia, "2011-12-29T12:00:00Z", "2011-12-31T00:00:00Z", &apia);
}

#[test]
fn clocks_that_jump_back_double_no_fire_but_hourly_ones() {
    let fold = |pattern, fires: &[&str]| {
        check(pattern, Tz::Europe__Berlin, "2026-10-24T21:59:59Z", "2026-10-25T03:00:00Z", fires);
    };
    fold("30 2 * * *", &["25 02:30+02:00"]);
    fold("15,45 2 * * *", &["25 02:15+02:00", "25 02:45+02:00"]);
    fold("30 1-3 * * *", &["25 01:30+02:00", "25 02:30+02:00", "25 03:30+01:00"]);
    fold("0 */2 * * *", &["25 00:00+02:00", "25 02:00+02:00", "25 04:00+01:00"]);
    let hourly =
        ["25 00:00+02:00", "25 01:00+02:00", "25 02:00+02:00", "25 02:00+01:00", "25 03:00+01:00", "25 04:00+01:00"];
    fold("0 * * * *", &hourly);
    let lord_howe = ["05 01:30+11:00", "05 01:30+10:30", "05 02:30+10:30"];
    check("30 * * * *", Tz::Australia__Lord_Howe, "2026-04-04T14:00:00Z", "2026-04-04T16:00:00Z", &lord_howe);
}

#[test]
fn intervals_around_a_jump_are_as_long_as_they_are() {
    let cron = posix("30 2 * * *", Tz::Europe__Berlin);
    let hours = |after: &str, until: &str| -> Vec<f64> {
        let fires: Vec<_> = cron.between(at(after), at(until)).collect();
        fires.windows(2).map(|pair| (pair[1] - pair[0]).as_seconds_f64() / 3_600.0).collect()
    };
    assert_eq!(hours("2026-03-27T00:00:00Z", "2026-03-31T00:00:00Z"), [24.0, 23.5, 23.5]);
    assert_eq!(hours("2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z"), [24.0, 25.0]);
    assert_eq!(cron.last_until(at("2026-03-29T01:00:00Z")).map(rfc3339).as_deref(), Some("2026-03-29T01:00:00Z"));
    assert_eq!(cron.last_until(at("2026-03-29T00:59:59Z")).map(rfc3339).as_deref(), Some("2026-03-28T01:30:00Z"));
}

#[test]
fn a_jump_is_remembered_as_long_as_the_fire_before_it() {
    for (pattern, before, fire, after) in [
        ("30 2 * * SUN", "2026-10-18T00:30:00Z", "2026-10-25T00:30:00Z", "2026-11-01T01:30:00Z"),
        ("30 2 * * SUN", "2026-03-22T01:30:00Z", "2026-03-29T01:00:00Z", "2026-04-05T00:30:00Z"),
    ] {
        let (cron, before, fire, after) = (posix(pattern, Tz::Europe__Berlin), at(before), at(fire), at(after));
        for minutes in 0..6 * 24 * 60 {
            let minutes = TimeDelta::minutes(minutes);
            assert_eq!(cron.last_until(fire + minutes), Some(fire), "{minutes} after {fire}");
            assert_eq!(cron.next_after(fire + minutes), Some(after), "{minutes} after {fire}");
            let earlier = fire - minutes - TimeDelta::seconds(1);
            assert_eq!(cron.next_after(earlier), Some(if earlier < before { before } else { fire }), "at {earlier}");
            assert_eq!(cron.last_until(earlier).filter(|last| *last > before), None, "at {earlier}");
        }
    }
}

#[test]
fn names_stand_for_patterns_in_both_dialects() {
    let names = [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@weekly", "0 0 * * SUN"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
    ];
    for (name, pattern) in names {
        let (after, until) = (at("2026-01-31T12:30:00Z"), at("2028-03-01T00:00:00Z"));
        let named = posix(name, Tz::Europe__Berlin);
        let quartz = Cron::parse(name, Dialect::Quartz, Tz::Europe__Berlin).expect("reads");
        let written: Vec<_> = posix(pattern, Tz::Europe__Berlin).between(after, until).collect();
        assert!(named.between(after, until).eq(written.iter().copied()), "{name}");
        assert!(quartz.between(after, until).eq(written), "{name}");
        assert_eq!((named.text(), quartz.text()), (name, name));
    }
}

#[test]
fn dialects_join_days_and_weekdays_each_its_own_way() {
    let days = |pattern: &str, dialect| {
        let cron = Cron::parse(pattern, dialect, Tz::UTC).expect("reads");
        let fires = cron.between(at("2026-01-31T12:00:00Z"), at("2026-03-31T12:00:00Z"));
        fires.map(|fire| fire.format("%m-%d").to_string()).collect::<Vec<_>>().join(" ")
    };
    let of = |pattern| days(pattern, Dialect::Posix);
    assert_eq!(of("0 6 13 * FRI"), "02-06 02-13 02-20 02-27 03-06 03-13 03-20 03-27");
    assert_eq!(of("0 6 13 * +FRI"), "02-13 03-13");
    assert_eq!(of("0 6 L * *"), "02-28 03-31");
    assert_eq!(of("0 6 LW * *"), "02-27 03-31");
    assert_eq!(of("0 6 15W * *"), "02-16 03-16");
    assert_eq!(of("0 6 * * MON#2"), "02-09 03-09");
    assert_eq!(of("0 6 * * FRIL"), "02-27 03-27");
    assert_eq!(of("0 6 * mar sat-sun"), "03-01 03-07 03-08 03-14 03-15 03-21 03-22 03-28 03-29");
    assert_eq!(of("0 6 1-7/3 * *"), "02-01 02-04 02-07 03-01 03-04 03-07");
    let of = |pattern| days(pattern, Dialect::Quartz);
    assert_eq!(of("0 0 6 13 * FRI"), "02-13 03-13");
    assert_eq!(of("0 0 6 ? * FRI"), "02-06 02-13 02-20 02-27 03-06 03-13 03-20 03-27");
    assert_eq!(of("0 0 6 1/10 FEB ?"), "02-01 02-11 02-21");
    assert_eq!(of("0 0 6 1 * ? 2026-2030"), "02-01 03-01");
    assert_eq!(of("0 0 6 1 * ? 2027"), "");
}

#[test]
fn a_pattern_with_years_ends_and_begins() {
    let cron = Cron::parse("0 0 6 1 7,12 ? 2020,2024", Dialect::Quartz, Tz::Europe__Berlin).expect("reads");
    let all = ["2020-07-01T04:00:00Z", "2020-12-01T05:00:00Z", "2024-07-01T04:00:00Z", "2024-12-01T05:00:00Z"];
    assert!(cron.between(at("1960-01-01T00:00:00Z"), at("2200-01-01T00:00:00Z")).map(rfc3339).eq(all));
    assert_eq!(cron.next_after(at(all[3])), None);
    assert_eq!(cron.last_until(at(all[0]) - TimeDelta::seconds(1)), None);
    // Asked in a month before those of the pattern, in a year that it does not name.
    for (until, last) in
        [("2026-03-05T00:00:00Z", all[3]), ("2023-01-05T00:00:00Z", all[1]), ("2150-05-05T00:00:00Z", all[3])]
    {
        assert_eq!(cron.last_until(at(until)).map(rfc3339).as_deref(), Some(last), "until {until}");
    }
    let endless = Cron::parse("0 0 6 * * ?", Dialect::Quartz, Tz::UTC).expect("reads");
    assert_eq!(endless.next_after(at("2100-12-31T06:00:00Z")), None);
    assert_eq!(endless.last_until(at("2300-12-31T06:00:00Z")), Some(at("2100-12-31T06:00:00Z")));
}

#[test]
fn the_ends_of_the_calendar_end_a_schedule_quietly() {
    for (pattern, dialect) in
        [("0 6 * * *", Dialect::Posix), ("0 0 6 * * ?", Dialect::Quartz), ("* * * * *", Dialect::Posix)]
    {
        for zone in [Tz::UTC, Tz::Pacific__Kiritimati, Tz::Pacific__Pago_Pago] {
            let cron = Cron::parse(pattern, dialect, zone).expect("reads");
            assert_eq!(cron.next_after(DateTime::<Utc>::MAX_UTC), None);
            assert_eq!(cron.last_until(DateTime::<Utc>::MIN_UTC), None);
            assert!(cron.next_after(DateTime::<Utc>::MIN_UTC).is_none_or(|fire| fire > DateTime::<Utc>::MIN_UTC));
            assert!(cron.last_until(DateTime::<Utc>::MAX_UTC).is_none_or(|fire| fire < DateTime::<Utc>::MAX_UTC));
        }
    }
}

#[test]
fn waits_are_drawn_from_what_was_asked_for_alone() {
    let job = |name: &str| JobId::parse(name).expect("a name");
    let instant = at("2026-03-29T04:00:00Z");
    let retry = Retry { max: 20, base_seconds: 30, factor: 2, cap_seconds: 900 };
    let mut drawn = Vec::new();
    for hour in 0..500 {
        let instant = instant + TimeDelta::hours(hour);
        for (failures, most) in [(1, 30), (2, 60), (3, 120), (5, 480), (6, 900), (7, 900), (u32::MAX, 900)] {
            let delay = retry.delay_seconds(&job("trail"), instant, failures);
            assert!(delay <= most, "{delay} of {most}");
            assert_eq!(delay, retry.delay_seconds(&job("trail"), instant, failures));
        }
        drawn.push(retry.delay_seconds(&job("trail"), instant, 6));
        assert!(Retry { factor: 10, cap_seconds: u64::MAX, ..retry }.delay_seconds(&job("trail"), instant, 40) > 0);
    }
    // Every tenth of the range is drawn about as often.
    for tenth in 0..10 {
        let count = drawn.iter().filter(|delay| (tenth * 90..(tenth + 1) * 90).contains(*delay)).count();
        assert!((25..=80).contains(&count), "{count} of 500 in tenth {tenth}");
    }
    let schedule = Schedule {
        cron: posix("0 6 * * *", Tz::UTC),
        start: None,
        catch_up: Default::default(),
        starting_deadline_seconds: 86_400,
        lateness_seconds: 0,
        jitter_seconds: 300,
        concurrency: Concurrency::Queue,
        revise_within_seconds: None,
    };
    let spread: Vec<u64> = (0..100).map(|number| schedule.jitter(&job(&format!("job-{number}")), instant)).collect();
    assert!(spread.iter().all(|seconds| *seconds <= 300));
    assert!(spread.iter().any(|seconds| *seconds < 60) && spread.iter().any(|seconds| *seconds > 240));
    assert_eq!(Schedule { jitter_seconds: 0, ..schedule }.jitter(&job("trail"), instant), 0);
}
