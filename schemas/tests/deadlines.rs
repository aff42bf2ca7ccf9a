//! Due days of 10,000 random cases against a clock that counts day by day.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate};
use schemas::{Pause, RequestClock, RequestRule};

/// Chance that is the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// The same day some months later, or the last day of that month, found by walking.
fn months_later(day: NaiveDate, months: u32) -> NaiveDate {
    let (mut year, mut month) = (day.year(), day.month());
    for _ in 0..months {
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    (1..=day.day()).rev().find_map(|of| NaiveDate::from_ymd_opt(year, month, of)).expect("a day")
}

/// The day on which so many days have passed of which none was paused.
fn counted(received: NaiveDate, days: u64, paused: &BTreeSet<NaiveDate>) -> NaiveDate {
    let (mut day, mut left) = (received, days);
    loop {
        let next = day.checked_add_days(Days::new(1)).expect("a day");
        match (paused.contains(&day), left) {
            (true, _) => {}
            (false, 0) => return day,
            (false, _) => left -= 1,
        }
        day = next;
    }
}

fn expected(jurisdiction: &str, clock: &RequestClock) -> NaiveDate {
    let allowed: &[&str] = match jurisdiction {
        "gdpr" | "uk_gdpr" => &["identity", "clarification"],
        "house" => &["identity"],
        _ => &[],
    };
    let received = clock.received;
    let mut paused = BTreeSet::new();
    for pause in clock.pauses.iter().filter(|pause| allowed.contains(&pause.reason.as_str())) {
        let mut day = pause.from;
        while day < pause.to {
            paused.insert(day);
            day = day.checked_add_days(Days::new(1)).expect("a day");
        }
    }
    let until = |day: NaiveDate| u64::try_from((day - received).num_days()).expect("later");
    let (first, longer) = match jurisdiction {
        "gdpr" | "uk_gdpr" => (until(months_later(received, 1)).min(30), until(months_later(received, 3))),
        "ccpa" => (45, 90),
        _ => (30, 60),
    };
    let due = counted(received, first, &paused);
    match clock.extended {
        Some(told) if told <= due => counted(received, longer, &paused),
        _ => due,
    }
}

#[test]
fn ten_thousand_random_cases_are_due_when_a_slow_clock_says() {
    let mut chance = Chance(2_026_121);
    let start = NaiveDate::from_ymd_opt(2023, 1, 1).expect("a day");
    let (mut moved, mut extended) = (0, 0);
    for number in 0..10_000 {
        let jurisdiction =
            ["gdpr", "uk_gdpr", "ccpa", "hipaa", "house"][usize::try_from(chance.below(5)).expect("small")];
        let kind = if jurisdiction == "hipaa" {
            "know"
        } else {
            ["know", "erasure"][usize::try_from(chance.below(2)).expect("small")]
        };
        let mut day =
            |from: NaiveDate, within: u64| from.checked_add_days(Days::new(chance.below(within))).expect("a day");
        let received = day(start, 2_500);
        let told = day(received, 120);
        let pauses = (0..3).map(|at| {
            let from = day(received, 70);
            let to = day(from, 25);
            let reason = ["identity", "clarification", "vacation"][at % 3].to_owned();
            Pause { from, to, reason }
        });
        let pauses: Vec<Pause> = pauses.collect();
        let (is_told, many) = (chance.below(2) == 0, usize::try_from(chance.below(4)).expect("small"));
        let clock =
            RequestClock { received, extended: is_told.then_some(told), pauses: pauses[..many.min(3)].to_vec() };
        let rule = RequestRule::of(jurisdiction, kind, received).expect("a rule");
        let due = rule.due(&clock).expect("a day");
        assert_eq!(due, expected(jurisdiction, &clock), "case {number}: {jurisdiction} {kind} {clock:?}");
        let plain = RequestClock { received, extended: None, pauses: Vec::new() };
        moved += usize::from(rule.due(&plain) != Some(due));
        extended += usize::from(is_told);
    }
    assert!(moved > 2_000 && extended > 4_000, "{moved} {extended}");
}
