use super::*;
use crate::instant::{parse_rfc3339, rfc3339};

fn at(text: &str) -> DateTime<Utc> {
    parse_rfc3339(text).expect("an instant")
}

/// The fires after one instant and up to another, on the clock of the zone.
#[track_caller]
fn check(pattern: &str, zone: &str, after: &str, until: &str, fires: &[&str]) {
    let zone: chrono_tz::Tz = zone.parse().expect("a zone");
    let cron = Cron::parse(pattern, Dialect::Posix, zone).expect("reads");
    let found: Vec<String> = cron
        .between(at(after), at(until))
        .map(|fire| fire.with_timezone(&zone).format("%d %H:%M%:z").to_string())
        .collect();
    assert_eq!(found, fires, "{pattern} in {zone}");
}

#[test]
fn clocks_that_jump_ahead_lose_no_fire() {
    let gap = |pattern, fires: &[&str]| {
        check(pattern, "Europe/Berlin", "2026-03-28T22:59:59Z", "2026-03-29T02:00:00Z", fires);
    };
    gap("30 2 * * *", &["29 03:00+02:00"]);
    gap("15,45 2 * * *", &["29 03:00+02:00"]);
    gap("30 1-3 * * *", &["29 01:30+01:00", "29 03:00+02:00", "29 03:30+02:00"]);
    gap("0 */2 * * *", &["29 00:00+01:00", "29 03:00+02:00", "29 04:00+02:00"]);
    gap("0 * * * *", &["29 00:00+01:00", "29 01:00+01:00", "29 03:00+02:00", "29 04:00+02:00"]);
    check("0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-06T12:00:00Z", &["06 01:00-03:00"]);
    check("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z", &["04 02:30+11:00"]);
    // There is no 30th.
    let apia = ["29 09:00-10:00", "31 00:00+14:00", "31 09:00+14:00"];
    check("0 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-31T00:00:00Z", &apia);
}

#[test]
fn clocks_that_jump_back_double_no_fire_but_hourly_ones() {
    let fold = |pattern, fires: &[&str]| {
        check(pattern, "Europe/Berlin", "2026-10-24T21:59:59Z", "2026-10-25T03:00:00Z", fires);
    };
    fold("30 2 * * *", &["25 02:30+02:00"]);
    fold("15,45 2 * * *", &["25 02:15+02:00", "25 02:45+02:00"]);
    fold("30 1-3 * * *", &["25 01:30+02:00", "25 02:30+02:00", "25 03:30+01:00"]);
    fold("0 */2 * * *", &["25 00:00+02:00", "25 02:00+02:00", "25 04:00+01:00"]);
    let hourly =
        ["25 00:00+02:00", "25 01:00+02:00", "25 02:00+02:00", "25 02:00+01:00", "25 03:00+01:00", "25 04:00+01:00"];
    fold("0 * * * *", &hourly);
    fold("@hourly", &hourly);
}

#[test]
fn intervals_around_a_jump_are_as_long_as_they_are() {
    let cron = Cron::parse("30 2 * * *", Dialect::Posix, chrono_tz::Europe::Berlin).expect("reads");
    let hours = |after: &str, until: &str| -> Vec<f64> {
        let fires: Vec<_> = cron.between(at(after), at(until)).collect();
        fires.windows(2).map(|pair| (pair[1] - pair[0]).as_seconds_f64() / 3_600.0).collect()
    };
    assert_eq!(hours("2026-03-27T00:00:00Z", "2026-03-31T00:00:00Z"), [24.0, 23.5, 23.5]);
    assert_eq!(hours("2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z"), [24.0, 25.0]);
    assert_eq!(cron.last_until(at("2026-03-29T01:00:00Z")).map(rfc3339).as_deref(), Some("2026-03-29T01:00:00Z"));
    assert_eq!(cron.last_until(at("2026-03-29T00:59:59Z")).map(rfc3339).as_deref(), Some("2026-03-28T01:30:00Z"));
}
