//! Years of fires: counted, and compared with what croner says where it is asked in the zone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::TimeDelta;
use chrono_tz::Tz;
use expect_test::expect;

use crate::{at, posix};

/// From 2024 to 2030.
const YEARS: (&str, &str) = ("2023-12-31T12:00:00Z", "2030-12-31T12:00:00Z");

/// How many fires a pattern has, and which of the intervals between are unlike most.
fn counted(pattern: &str, zone: Tz) -> String {
    let fires: Vec<_> = posix(pattern, zone).between(at(YEARS.0), at(YEARS.1)).collect();
    let mut lengths: BTreeMap<TimeDelta, u32> = BTreeMap::new();
    for pair in fires.windows(2) {
        *lengths.entry(pair[1] - pair[0]).or_default() += 1;
    }
    let mut text = format!("{zone} {pattern}: {} fires;", fires.len());
    for (length, count) in lengths {
        write!(text, " {}h{:02} × {count}", length.num_hours(), length.num_minutes() % 60).expect("text");
    }
    text
}

#[test]
fn seven_years_of_fires() {
    let zones = [Tz::UTC, Tz::Asia__Kolkata, Tz::Europe__Berlin, Tz::America__New_York, Tz::Australia__Lord_Howe];
    let patterns =
        ["0 6 * * *", "30 2 * * *", "0 * * * *", "15 1-2 * * *", "0 */12 * * *", "45 1 * * SUN", "0 2 L * *"];
    let lines: Vec<String> =
        zones.iter().flat_map(|zone| patterns.iter().map(|pattern| counted(pattern, *zone))).collect();
    expect![[r#"
        UTC 0 6 * * *: 2557 fires; 24h00 × 2556
        UTC 30 2 * * *: 2557 fires; 24h00 × 2556
        UTC 0 * * * *: 61368 fires; 1h00 × 61367
        UTC 15 1-2 * * *: 5114 fires; 1h00 × 2557 23h00 × 2556
        UTC 0 */12 * * *: 5114 fires; 12h00 × 5113
        UTC 45 1 * * SUN: 365 fires; 168h00 × 364
        UTC 0 2 L * *: 84 fires; 672h00 × 5 696h00 × 2 720h00 × 28 744h00 × 48
        Asia/Kolkata 0 6 * * *: 2557 fires; 24h00 × 2556
        Asia/Kolkata 30 2 * * *: 2557 fires; 24h00 × 2556
        Asia/Kolkata 0 * * * *: 61368 fires; 1h00 × 61367
        Asia/Kolkata 15 1-2 * * *: 5114 fires; 1h00 × 2557 23h00 × 2556
        Asia/Kolkata 0 */12 * * *: 5114 fires; 12h00 × 5113
        Asia/Kolkata 45 1 * * SUN: 365 fires; 168h00 × 364
        Asia/Kolkata 0 2 L * *: 84 fires; 672h00 × 5 696h00 × 2 720h00 × 28 744h00 × 48
        Europe/Berlin 0 6 * * *: 2557 fires; 23h00 × 7 24h00 × 2542 25h00 × 7
        Europe/Berlin 30 2 * * *: 2557 fires; 23h30 × 14 24h00 × 2535 25h00 × 7
        Europe/Berlin 0 * * * *: 61368 fires; 1h00 × 61367
        Europe/Berlin 15 1-2 * * *: 5114 fires; 0h45 × 7 1h00 × 2550 22h15 × 7 23h00 × 2542 24h00 × 7
        Europe/Berlin 0 */12 * * *: 5114 fires; 11h00 × 7 12h00 × 5099 13h00 × 7
        Europe/Berlin 45 1 * * SUN: 365 fires; 167h00 × 7 168h00 × 350 169h00 × 7
        Europe/Berlin 0 2 L * *: 84 fires; 672h00 × 5 696h00 × 2 719h00 × 2 720h00 × 25 721h00 × 1 743h00 × 5 744h00 × 37 745h00 × 6
        America/New_York 0 6 * * *: 2557 fires; 23h00 × 7 24h00 × 2542 25h00 × 7
        America/New_York 30 2 * * *: 2557 fires; 23h30 × 14 24h00 × 2535 25h00 × 7
        America/New_York 0 * * * *: 61368 fires; 1h00 × 61367
        America/New_York 15 1-2 * * *: 5114 fires; 0h45 × 7 1h00 × 2543 2h00 × 7 22h15 × 7 23h00 × 2549
        America/New_York 0 */12 * * *: 5114 fires; 11h00 × 7 12h00 × 5099 13h00 × 7
        America/New_York 45 1 * * SUN: 365 fires; 167h00 × 7 168h00 × 350 169h00 × 7
        America/New_York 0 2 L * *: 84 fires; 672h00 × 5 696h00 × 2 720h00 × 21 721h00 × 7 743h00 × 7 744h00 × 41
        Australia/Lord_Howe 0 6 * * *: 2557 fires; 23h30 × 7 24h00 × 2542 24h30 × 7
        Australia/Lord_Howe 30 2 * * *: 2557 fires; 23h30 × 7 24h00 × 2542 24h30 × 7
        Australia/Lord_Howe 0 * * * *: 61368 fires; 0h30 × 7 1h00 × 61353 1h30 × 7
        Australia/Lord_Howe 15 1-2 * * *: 5114 fires; 0h45 × 7 1h00 × 2543 1h30 × 7 22h45 × 7 23h00 × 2549
        Australia/Lord_Howe 0 */12 * * *: 5114 fires; 11h30 × 7 12h00 × 5099 12h30 × 7
        Australia/Lord_Howe 45 1 * * SUN: 365 fires; 167h30 × 7 168h00 × 350 168h30 × 7
        Australia/Lord_Howe 0 2 L * *: 84 fires; 672h00 × 5 696h00 × 2 720h00 × 21 720h30 × 7 743h30 × 7 744h00 × 41"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn fixed_times_are_those_that_croner_comes_to_in_the_zone() {
    let zones = [
        Tz::UTC,
        Tz::Asia__Kolkata,
        Tz::Europe__Berlin,
        Tz::America__New_York,
        Tz::Australia__Lord_Howe,
        Tz::America__Santiago,
        Tz::Asia__Gaza,
        Tz::Antarctica__Troll,
        Tz::America__St_Johns,
    ];
    for zone in zones {
        for hour in [0, 1, 2, 3, 9, 23] {
            for minute in [0, 15, 59] {
                for days in ["* * *", "* * SUN", "29 3 *", "L * *"] {
                    let pattern = format!("{minute} {hour} {days}");
                    let (after, until) = (at(YEARS.0), at(YEARS.1));
                    let theirs: croner::Cron = pattern.parse().expect("reads");
                    let theirs: Vec<_> = theirs
                        .iter_after(after.with_timezone(&zone))
                        .take_while(|fire| *fire <= until)
                        .map(|fire| fire.to_utc())
                        .collect();
                    assert!(posix(&pattern, zone).between(after, until).eq(theirs), "{pattern} in {zone}");
                }
            }
        }
    }
}
