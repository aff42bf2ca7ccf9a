//! Windows, rates and what does not count, against counting minute by minute.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::parse_rfc3339;

use super::*;
use crate::sla::judged::tests::sla;
use crate::sla::slices::of_requests;

fn at(text: &str) -> DateTime<Utc> {
    parse_rfc3339(text).expect("an instant")
}

fn day() -> Interval {
    Interval { start: at("2026-09-10T00:00:00Z"), end: at("2026-09-11T00:00:00Z") }
}

/// Requests of each minute, a hundred of which so many failed.
fn counts(watched: &Watched<'_>, failed: impl Fn(usize) -> u64) -> Counts {
    let minutes = count(watched.time, watched.sla.slices);
    let counted = (0..minutes).map(|minute| Counted { total: 100, failed: failed(minute), slow: 0, is_measured: true });
    Counts {
        slices: of_requests(watched.time, watched.sla.slices, counted.collect()),
        minutes: Vec::new(),
        targets: vec![(0, Some(200_000))],
    }
}

/// What `judged` says of a promise: ends and the minutes of the long window of the rule that holds.
fn told(watched: &Watched<'_>, counts: &Counts, metric: &str) -> Vec<(DateTime<Utc>, u32)> {
    let all = watched.judged("acme", counts, &BTreeMap::new());
    let of = all.iter().filter(|promise| promise.metric == metric);
    of.flat_map(|promise| &promise.burns).map(|burn| (burn.at, burn.rule.long_minutes)).collect()
}

#[test]
fn burns_are_those_that_counting_minute_by_minute_finds() {
    let (sla, rules) = (sla("UTC", "pro"), BurnRule::usual());
    let watched = Watched::of(&sla, &rules, day()).expect("in the calendar");
    for seed in 0..20 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let minutes = count(watched.time, sla.slices);
        let outages: Vec<(usize, usize)> = (0..random.random_range(0..6))
            .map(|_| (random.random_range(0..minutes), random.random_range(1..40)))
            .collect();
        let is_bad: Vec<bool> = (0..minutes)
            .map(|minute| outages.iter().any(|(from, length)| (*from..from + length).contains(&minute)))
            .collect();
        let counts = counts(&watched, |minute| if is_bad[minute] { 11 } else { 0 });
        let mut expected = Vec::new();
        // The end of the first window is five minutes into the day.
        let first = 3 * 1_440;
        for end in (first + 5..=first + 1_440).step_by(5) {
            let bad = |window: usize| is_bad[end - window..end].iter().filter(|bad| **bad).count();
            // Of 43,200 minutes 0.1 % may be bad; a part of these within the long window is too much.
            let is_above = |bad: usize, window: usize, (part, long): (usize, usize)| {
                bad * 1_000 * 100 * long > window * part * 43_200
            };
            let rules = [(2, 60, 5), (5, 360, 30), (10, 1_440, 120), (10, 4_320, 360)];
            let found = rules.iter().find(|(part, long, short)| {
                is_above(bad(*long), *long, (*part, *long)) && is_above(bad(*short), *short, (*part, *long))
            });
            let minute = i64::try_from(end - first).expect("fits");
            expected.extend(found.map(|(_, long, _)| (day().start + TimeDelta::minutes(minute), *long as u32)));
        }
        assert_eq!(told(&watched, &counts, "uptime"), expected, "seed {seed}");
    }
}

#[test]
fn requests_are_counted_and_too_few_say_nothing() {
    let (sla, rules) = (sla("UTC", "pro"), BurnRule::usual());
    let watched = Watched::of(&sla, &rules, day()).expect("in the calendar");
    // Of errors 1 % is promised. 15 % in the last hour are above 14.4 times that.
    let failing = counts(&watched, |minute| if minute >= 4_320 + 1_380 { 15 } else { 0 });
    let errors = told(&watched, &failing, "errors");
    assert_eq!(errors.first(), Some(&(at("2026-09-11T00:00:00Z"), 60)), "from 23:57:36 on");
    assert_eq!(told(&watched, &failing, "latency"), []);
    let all = |counts: &Counts| watched.judged("acme", counts, &BTreeMap::new());
    assert_eq!(all(&failing).iter().map(|one| one.silent).collect::<Vec<_>>(), [0, 0, 0]);
    // Nothing in the last five minutes: the first rule is silent about each promise.
    let mut quiet = counts(&watched, |_| 50);
    let minutes = quiet.slices.counted.len();
    quiet.slices.counted[minutes - 5..].fill(Counted { is_measured: true, ..Counted::default() });
    assert_eq!(all(&quiet).iter().map(|one| one.silent).collect::<Vec<_>>(), [1, 1, 1]);
    // Slow requests that were counted by another target tell nothing of latency.
    quiet.targets = vec![(0, Some(1))];
    assert_eq!(all(&quiet).iter().map(|one| one.silent).collect::<Vec<_>>(), [1, 1, 4]);
}

#[test]
fn each_end_is_judged_by_one_run_wherever_intervals_end() {
    let rules = BurnRule::usual();
    for zone in ["UTC", "Europe/Berlin", "Asia/Kolkata"] {
        let sla = sla(zone, "pro");
        let ends = |start: DateTime<Utc>, end: DateTime<Utc>| -> Vec<DateTime<Utc>> {
            let watched = Watched::of(&sla, &rules, Interval { start, end }).expect("in the calendar");
            let number = |end: usize| watched.time.start + TimeDelta::minutes(i64::try_from(end).expect("fits"));
            watched.ends().map(number).collect()
        };
        // Over the change of clocks and the end of the month.
        let (start, end) = (at("2026-10-24T00:00:00Z"), at("2026-11-02T00:00:00Z"));
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut judged = Vec::new();
        let mut from = start;
        while from < end {
            let to = (from + TimeDelta::seconds(random.random_range(1..40_000))).min(end);
            judged.extend(ends(from, to));
            from = to;
        }
        assert_eq!(judged, ends(start, end), "{zone}");
        assert_eq!(judged.len(), 9 * 288, "{zone}");
    }
}

#[test]
fn what_is_excluded_burns_nothing_and_each_period_has_its_cap() {
    let (sla, rules) = (sla("UTC", "pro"), BurnRule::usual());
    let judged = Interval { start: at("2026-10-01T00:00:00Z"), end: at("2026-10-02T00:00:00Z") };
    let watched = Watched::of(&sla, &rules, judged).expect("in the calendar");
    let window = |id: &str, from: &str, to: &str| Window {
        id: id.to_owned(),
        revision: 1,
        kind: "maintenance".to_owned(),
        starts_at: at(from),
        ends_at: at(to),
        announced_at: Some(at("2026-08-01T00:00:00Z")),
        approved_by: "ops".to_owned(),
        ticket_ref: None,
        region: None,
        reason: String::new(),
    };
    // Four hours of September are used up by its beginning, and those of October are not.
    let windows = [
        window("a", "2026-09-02T00:00:00Z", "2026-09-02T04:00:00Z"),
        window("b", "2026-09-30T22:00:00Z", "2026-09-30T23:00:00Z"),
        window("c", "2026-10-01T02:00:00Z", "2026-10-01T03:00:00Z"),
    ];
    let excluded = watched.excluded(&windows);
    let starts: Vec<DateTime<Utc>> = excluded
        .keys()
        .map(|slice| watched.time.start + TimeDelta::minutes(i64::try_from(*slice).expect("fits")))
        .collect();
    assert_eq!((starts.len(), starts.first()), (60, Some(&at("2026-10-01T02:00:00Z"))));
    let begun = count(Interval { start: watched.time.start, end: at("2026-10-01T02:00:00Z") }, sla.slices);
    let failing = counts(&watched, |minute| if (begun..begun + 60).contains(&minute) { 50 } else { 0 });
    let burns = |excluded: &BTreeMap<usize, usize>| {
        watched.judged("acme", &failing, excluded).iter().map(|promise| promise.burns.len()).sum::<usize>()
    };
    assert!(burns(&BTreeMap::new()) > 0);
    assert_eq!(burns(&excluded), 0);
}

#[test]
fn the_budget_is_that_of_the_tier_and_of_the_period_at_the_time() {
    let mut sla = sla("UTC", "pro");
    sla.changes = vec![schemas::TierChange {
        tenant: "acme".to_owned(),
        from: "2026-09-10".parse().expect("a day"),
        tier: "free".to_owned(),
    }];
    let rules = BurnRule::usual();
    let watched =
        Watched::of(&sla, &rules, Interval { start: at("2026-09-09T00:00:00Z"), ..day() }).expect("in the calendar");
    // One bad minute at noon of each day: of 99.9 % it is 16 times too much of an hour, and of 99 % it is 1.6 times.
    let noon = |day: i64| {
        count(
            Interval { start: watched.time.start, end: at("2026-09-09T12:00:00Z") + TimeDelta::days(day) },
            sla.slices,
        )
    };
    let failing = counts(&watched, |minute| if [noon(0), noon(1)].contains(&minute) { 50 } else { 0 });
    let critical: Vec<DateTime<Utc>> =
        told(&watched, &failing, "uptime").into_iter().filter(|(_, long)| *long == 60).map(|(at, _)| at).collect();
    assert_eq!(critical, [at("2026-09-09T12:05:00Z")]);
}
