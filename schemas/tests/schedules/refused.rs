//! Patterns that are refused, each with what to write.

use chrono_tz::Tz;
use expect_test::{Expect, expect};
use schemas::{Cron, Dialect};

#[track_caller]
fn says(dialect: Dialect, patterns: &[&str], expected: Expect) {
    let said: Vec<String> = patterns
        .iter()
        .map(|pattern| Cron::parse(pattern, dialect, Tz::Europe__Berlin).map(drop).expect_err(pattern))
        .collect();
    expected.assert_eq(&said.join("\n"));
}

#[test]
fn the_number_of_fields_is_that_of_the_dialect() {
    says(
        Dialect::Posix,
        &[
            "0 6 * *",
            "",
            "  ",
            "6",
            "0 0 6 * * *",
            "0 0 6 * * ? 2026",
            "0 0 0 0 6 * * *",
            "@reboot",
            "@dayly",
            "@Daily",
        ],
        expect![[r#"
            cron "0 6 * *" has four fields; five are: minute hour day month weekday, for example "0 6 * * *"
            cron is empty; write for example "0 6 * * *"
            cron is empty; write for example "0 6 * * *"
            cron "6" has one field; five are: minute hour day month weekday, for example "0 6 * * *"
            cron "0 0 6 * * *" has six fields; seconds and years are read with dialect: quartz, so add that, or write five: minute hour day month weekday, for example "0 6 * * *"
            cron "0 0 6 * * ? 2026" has seven fields; seconds and years are read with dialect: quartz, so add that, or write five: minute hour day month weekday, for example "0 6 * * *"
            cron "0 0 0 0 6 * * *" has 8 fields; five are: minute hour day month weekday, for example "0 6 * * *"
            cron "@reboot" is no time; a start runs what is due of itself, so write for example @daily
            cron "@dayly" does not exist; names are: @hourly, @daily, @weekly, @monthly, @yearly
            cron "@Daily" does not exist; names are: @hourly, @daily, @weekly, @monthly, @yearly"#]],
    );
    says(
        Dialect::Quartz,
        &["0 6 * * *", "0 0 6 * * ? 2026 *", "@reboot", "@every 5m"],
        expect![[r#"
        cron "0 6 * * *" has five fields; with dialect: quartz six are: second minute hour day month weekday, and a year may follow, for example "0 0 6 * * ?"
        cron "0 0 6 * * ? 2026 *" has 8 fields; with dialect: quartz six are: second minute hour day month weekday, and a year may follow, for example "0 0 6 * * ?"
        cron "@reboot" is no time; a start runs what is due of itself, so write for example @daily
        cron "@every 5m" does not exist; names are: @hourly, @daily, @weekly, @monthly, @yearly"#]],
    );
}

#[test]
fn posix_minutes_and_hours_hold_what_they_may() {
    says(
        Dialect::Posix,
        &[
            "60 6 * * *",
            "-1 6 * * *",
            "0 24 * * *",
            "0 6,24 * * *",
            "0 6, * * *",
            "0 18-6 * * *",
            "0 6-6 * * *",
            "0 */0 * * *",
            "0 */24 * * *",
            "0 6/2 * * *",
            "0 6-18/ * * *",
            "0 /2 * * *",
            "0 *,6 * * *",
            "0 MON * * *",
            "0 ? * * *",
            "0 ６ * * *",
        ],
        expect![[r#"
            cron "60 6 * * *": minute "60" does not exist; write *, 0 to 59, a list such as 0,30, a range such as 0-29, or a step such as */15
            cron "-1 6 * * *": minute "-1" does not exist; write *, 0 to 59, a list such as 0,30, a range such as 0-29, or a step such as */15
            cron "0 24 * * *": hour "24" does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 6,24 * * *": hour "6,24" does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 6, * * *": hour "6," does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 18-6 * * *": hour "18-6" runs backwards; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 6-6 * * *": hour "6-6" does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 */0 * * *": hour "*/0" does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 */24 * * *": hour "*/24" does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 6/2 * * *": hour "6/2" has a step without a range; write 6-23/2
            cron "0 6-18/ * * *": hour "6-18/" does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 /2 * * *": hour "/2" does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 *,6 * * *": hour "*,6" has a * in a list; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 MON * * *": hour "MON" does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 ? * * *": hour "?" does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 ６ * * *": hour "６" does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2"#]],
    );
}

#[test]
fn posix_days_hold_what_they_may() {
    says(
        Dialect::Posix,
        &[
            "0 6 0 * *",
            "0 6 32 * *",
            "0 6 ? * *",
            "0 6 W * *",
            "0 6 32W * *",
            "0 6 L,LW * *",
            "0 6 * 13 *",
            "0 6 * MARCH *",
            "0 6 * FRI *",
            "0 6 * * 8",
            "0 6 * * L",
            "0 6 * * MON/2",
            "0 6 * * ?",
            "0 6 * * MON#6",
            "0 6 * * FRI-MON",
            "0 6 * * SUN-SUN",
            "0 6 * * JAN",
            "0 6 * * +",
            "0 6 * * *\u{a0}*",
        ],
        expect![[r#"
            cron "0 6 0 * *": day "0" does not exist; write *, 1 to 31, a list such as 1,15, a range such as 1-7, a step such as */2, L for the last day, or 15W for the weekday nearest to the 15th
            cron "0 6 32 * *": day "32" does not exist; write *, 1 to 31, a list such as 1,15, a range such as 1-7, a step such as */2, L for the last day, or 15W for the weekday nearest to the 15th
            cron "0 6 ? * *": day "?" is for dialect: quartz alone; write *, 1 to 31, a list such as 1,15, a range such as 1-7, a step such as */2, L for the last day, or 15W for the weekday nearest to the 15th
            cron "0 6 W * *": day "W" does not exist; write *, 1 to 31, a list such as 1,15, a range such as 1-7, a step such as */2, L for the last day, or 15W for the weekday nearest to the 15th
            cron "0 6 32W * *": day "32W" does not exist; write *, 1 to 31, a list such as 1,15, a range such as 1-7, a step such as */2, L for the last day, or 15W for the weekday nearest to the 15th
            cron "0 6 L,LW * *": day "L,LW" names both L and LW, of which one is read; write *, 1 to 31, a list such as 1,15, a range such as 1-7, a step such as */2, L for the last day, or 15W for the weekday nearest to the 15th
            cron "0 6 * 13 *": month "13" does not exist; write *, 1 to 12 or JAN to DEC, a list such as 1,7, a range such as JAN-MAR, or a step such as */3
            cron "0 6 * MARCH *": month "MARCH" does not exist; write *, 1 to 12 or JAN to DEC, a list such as 1,7, a range such as JAN-MAR, or a step such as */3
            cron "0 6 * FRI *": month "FRI" does not exist; write *, 1 to 12 or JAN to DEC, a list such as 1,7, a range such as JAN-MAR, or a step such as */3
            cron "0 6 * * 8": weekday "8" does not exist; write *, SUN to SAT or 0 to 7, a list such as MON,THU, a range such as MON-FRI, MON#2 for the second Monday of the month, FRIL for its last Friday, or +FRI for days that are a Friday and fit the day field
            cron "0 6 * * L": weekday "L" does not exist; write *, SUN to SAT or 0 to 7, a list such as MON,THU, a range such as MON-FRI, MON#2 for the second Monday of the month, FRIL for its last Friday, or +FRI for days that are a Friday and fit the day field
            cron "0 6 * * MON/2": weekday "MON/2" does not exist; write *, SUN to SAT or 0 to 7, a list such as MON,THU, a range such as MON-FRI, MON#2 for the second Monday of the month, FRIL for its last Friday, or +FRI for days that are a Friday and fit the day field
            cron "0 6 * * ?": weekday "?" is for dialect: quartz alone; write *, SUN to SAT or 0 to 7, a list such as MON,THU, a range such as MON-FRI, MON#2 for the second Monday of the month, FRIL for its last Friday, or +FRI for days that are a Friday and fit the day field
            cron "0 6 * * MON#6": weekday "MON#6" does not exist; write *, SUN to SAT or 0 to 7, a list such as MON,THU, a range such as MON-FRI, MON#2 for the second Monday of the month, FRIL for its last Friday, or +FRI for days that are a Friday and fit the day field
            cron "0 6 * * FRI-MON": weekday "FRI-MON" runs backwards; write *, SUN to SAT or 0 to 7, a list such as MON,THU, a range such as MON-FRI, MON#2 for the second Monday of the month, FRIL for its last Friday, or +FRI for days that are a Friday and fit the day field
            cron "0 6 * * SUN-SUN": weekday "SUN-SUN" does not exist; write *, SUN to SAT or 0 to 7, a list such as MON,THU, a range such as MON-FRI, MON#2 for the second Monday of the month, FRIL for its last Friday, or +FRI for days that are a Friday and fit the day field
            cron "0 6 * * JAN": weekday "JAN" does not exist; write *, SUN to SAT or 0 to 7, a list such as MON,THU, a range such as MON-FRI, MON#2 for the second Monday of the month, FRIL for its last Friday, or +FRI for days that are a Friday and fit the day field
            cron "0 6 * * +": weekday "+" does not exist; write *, SUN to SAT or 0 to 7, a list such as MON,THU, a range such as MON-FRI, MON#2 for the second Monday of the month, FRIL for its last Friday, or +FRI for days that are a Friday and fit the day field
            cron "0 6 * * *\u{a0}*" has six fields; seconds and years are read with dialect: quartz, so add that, or write five: minute hour day month weekday, for example "0 6 * * *""#]],
    );
}

#[test]
fn quartz_fields_hold_what_they_may() {
    says(
        Dialect::Quartz,
        &[
            "0 0 6 ? * 2-6",
            "0 0 6 ? * 1",
            "0 0 6 ? * MON,3",
            "0 0 6 L * ?",
            "0 0 6 15W * ?",
            "0 0 6 ? * FRIL",
            "0 0 6 ? * MON#2",
            "0 0 6 ? * +FRI",
            "0 0 6 ? * FRI-MON",
            "0 0 ? * * ?",
            "0 0 6 * * ? 1969",
            "0 0 6 * * ? 2101",
            "0 0 6 ? * MONDAY",
            "0 0 6 ? * ?/2",
            "0 0 6 ** ? 2026",
            "0 0 6, 18 * * ?",
            "0 0 6 JAN * ?",
            "0 0 6 * JULY ?",
        ],
        expect![[r#"
            cron "0 0 6 ? * 2-6": weekday "2-6" is a number, and with dialect: quartz 1 is Sunday, elsewhere Monday; write *, ?, SUN to SAT, a list such as MON,THU, or a range such as MON-FRI
            cron "0 0 6 ? * 1": weekday "1" is a number, and with dialect: quartz 1 is Sunday, elsewhere Monday; write *, ?, SUN to SAT, a list such as MON,THU, or a range such as MON-FRI
            cron "0 0 6 ? * MON,3": weekday "MON,3" is a number, and with dialect: quartz 1 is Sunday, elsewhere Monday; write *, ?, SUN to SAT, a list such as MON,THU, or a range such as MON-FRI
            cron "0 0 6 L * ?": day "L" is not known to dialect: quartz; write *, ?, 1 to 31, a list such as 1,15, a range such as 1-7, or a step such as */2
            cron "0 0 6 15W * ?": day "15W" is not known to dialect: quartz; write *, ?, 1 to 31, a list such as 1,15, a range such as 1-7, or a step such as */2
            cron "0 0 6 ? * FRIL": weekday "FRIL" is not known to dialect: quartz; write *, ?, SUN to SAT, a list such as MON,THU, or a range such as MON-FRI
            cron "0 0 6 ? * MON#2": weekday "MON#2" is not known to dialect: quartz; write *, ?, SUN to SAT, a list such as MON,THU, or a range such as MON-FRI
            cron "0 0 6 ? * +FRI": weekday "+FRI" does not exist; write *, ?, SUN to SAT, a list such as MON,THU, or a range such as MON-FRI
            cron "0 0 6 ? * FRI-MON": weekday "FRI-MON" runs backwards; write *, ?, SUN to SAT, a list such as MON,THU, or a range such as MON-FRI
            cron "0 0 ? * * ?": hour "?" does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 0 6 * * ? 1969": year "1969" does not exist; write *, 1970 to 2100, a list such as 2026,2028, a range such as 2026-2030, or a step such as 2026/2
            cron "0 0 6 * * ? 2101": year "2101" does not exist; write *, 1970 to 2100, a list such as 2026,2028, a range such as 2026-2030, or a step such as 2026/2
            cron "0 0 6 ? * MONDAY": weekday "MONDAY" does not exist; write *, ?, SUN to SAT, a list such as MON,THU, or a range such as MON-FRI
            cron "0 0 6 ? * ?/2": weekday "?/2" does not exist; write *, ?, SUN to SAT, a list such as MON,THU, or a range such as MON-FRI
            cron "0 0 6 ** ? 2026": day "**" does not exist; write *, ?, 1 to 31, a list such as 1,15, a range such as 1-7, or a step such as */2
            cron "0 0 6, 18 * * ?": hour "6," does not exist; write *, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2
            cron "0 0 6 JAN * ?": day "JAN" does not exist; write *, ?, 1 to 31, a list such as 1,15, a range such as 1-7, or a step such as */2
            cron "0 0 6 * JULY ?": month "JULY" does not exist; write *, 1 to 12 or JAN to DEC, a list such as 1,7, a range such as JAN-MAR, or a step such as */3"#]],
    );
}

#[test]
fn days_that_never_come_are_refused_and_rare_ones_are_not() {
    says(
        Dialect::Posix,
        &[
            "0 0 31 2 *",
            "0 0 30 2 *",
            "0 0 31 4,6,9,11 *",
            "0 0 29 2 +MON",
            "0 0 29 2 +TUE",
            "0 0 31 12 +FRI",
            "0 0 * 2 SUN#5",
        ],
        expect![[r#"
            cron "0 0 31 2 *" has no fire in ten years: its days, months and weekdays meet too seldom or never; write others, for example "0 6 * * *"
            cron "0 0 30 2 *" has no fire in ten years: its days, months and weekdays meet too seldom or never; write others, for example "0 6 * * *"
            cron "0 0 31 4,6,9,11 *" has no fire in ten years: its days, months and weekdays meet too seldom or never; write others, for example "0 6 * * *"
            cron "0 0 29 2 +MON" has no fire in ten years: its days, months and weekdays meet too seldom or never; write others, for example "0 6 * * *"
            cron "0 0 29 2 +TUE" has no fire in ten years: its days, months and weekdays meet too seldom or never; write others, for example "0 6 * * *"
            cron "0 0 31 12 +FRI" has no fire in ten years: its days, months and weekdays meet too seldom or never; write others, for example "0 6 * * *"
            cron "0 0 * 2 SUN#5" has no fire in ten years: its days, months and weekdays meet too seldom or never; write others, for example "0 6 * * *""#]],
    );
    says(
        Dialect::Quartz,
        &["0 0 0 31 2 ?", "0 0 0 29 2 SUN", "0 0 0 29 2 ? 2025-2027", "0 0 0 31 APR ? 2026"],
        expect![[r#"
            cron "0 0 0 31 2 ?" has no fire in ten years: its days, months and weekdays meet too seldom or never; write others, for example "0 0 6 * * ?"
            cron "0 0 0 29 2 SUN" has no fire in ten years: its days, months and weekdays meet too seldom or never; write others, for example "0 0 6 * * ?"
            cron "0 0 0 29 2 ? 2025-2027" has no fire in ten years: its days, months and weekdays meet too seldom or never; write others, for example "0 0 6 * * ?"
            cron "0 0 0 31 APR ? 2026" has no fire in ten years: its days, months and weekdays meet too seldom or never; write others, for example "0 0 6 * * ?""#]],
    );
    for (pattern, dialect) in [
        ("0 0 29 2 *", Dialect::Posix),
        ("0 0 31 2 MON", Dialect::Posix),
        ("0 0 25 12 *", Dialect::Posix),
        ("0 0 29 2 SUN", Dialect::Posix),
        ("0 0 0 29 2 ? 2028", Dialect::Quartz),
        ("0 0 0 1 1 ? 2024", Dialect::Quartz),
    ] {
        let read = Cron::parse(pattern, dialect, Tz::Europe__Berlin);
        assert_eq!(read.as_ref().map(Cron::text), Ok(pattern));
    }
}

#[test]
fn a_pattern_is_short() {
    let every_minute = (0..60).map(|minute| minute.to_string()).collect::<Vec<_>>().join(",");
    assert!(Cron::parse(&format!("{every_minute} * * * *"), Dialect::Posix, Tz::UTC).is_ok());
    says(
        Dialect::Posix,
        &[&format!("{} * * * *", "0,".repeat(300))],
        expect!["cron has 608 characters; write at most 400"],
    );
}
