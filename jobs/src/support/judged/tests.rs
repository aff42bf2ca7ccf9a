//! Golden tickets, each by the words of the rules.

use std::collections::BTreeSet;

use super::*;
use crate::support::evidence::Evidence;
use schemas::{Calendar, DatasetId, PeriodLength, SlaId, open_spans, parse_rfc3339};

fn at(text: &str) -> DateTime<Utc> {
    parse_rfc3339(text).expect("an instant")
}

fn share(text: &str) -> Share {
    Share::of_percent(text).expect("a percentage")
}

/// Priority 1: an answer within an hour, a resolution within four; priority 4 is promised an answer alone.
fn support() -> SupportAgreement {
    let of = |response: u64, resolution: Option<u64>| TicketLimits {
        response_seconds: Some(response * 3_600),
        resolution_seconds: resolution.map(|hours| hours * 3_600),
    };
    let tiers =
        BTreeMap::from([("pro".to_owned(), [of(1, Some(4)), of(2, Some(8)), TicketLimits::default(), of(10, None)])]);
    SupportAgreement {
        id: SlaId::parse("helpdesk").expect("a name"),
        dataset: DatasetId::parse("ticket").expect("a name"),
        period: PeriodLength::Month,
        timezone: chrono_tz::UTC,
        calendar: vec![Calendar::always()],
        calendars: BTreeMap::new(),
        limits: vec![SupportLimits { version: 1, effective: "2026-01-01".parse().expect("a day"), tiers }],
        response: share("100"),
        resolution: share("50"),
        warn: share("80"),
        pauses: BTreeSet::from(["waiting_customer".to_owned()]),
        tenants: BTreeMap::from([("acme".to_owned(), "pro".to_owned())]),
        settle_seconds: 0,
        sha256: String::new(),
    }
}

/// A ticket of priority 1, opened at noon on 1 September, answered and resolved at these times of that day.
fn ticket(id: &str, answered: Option<&str>, resolved: Option<&str>) -> Ticket {
    let of_day = |time: &str| at(&format!("2026-09-01T{time}Z"));
    Ticket {
        id: id.to_owned(),
        revision: 1,
        tier: "pro".to_owned(),
        priority: 1,
        opened_at: of_day("12:00:00"),
        first_response_at: answered.map(of_day),
        resolved_at: resolved.map(of_day),
        state: if resolved.is_some() { "closed" } else { "open" }.to_owned(),
        reopened: 0,
        pauses: Vec::new(),
        is_contradicted: false,
    }
}

fn pause(from: &str, to: Option<&str>, reason: &str) -> Pause {
    let of_day = |time: &str| at(&format!("2026-09-01T{time}Z"));
    Pause { from: Some(of_day(from)), to: to.map(of_day), reason: Some(reason.to_owned()) }
}

fn judged_at(until: &str, tickets: &[Ticket]) -> JudgedTickets {
    let support = support();
    let at = at(until);
    let open = open_spans(&support.calendar, Interval { start: super::tests::at("2026-09-01T00:00:00Z"), end: at });
    judge(&Rules { support: &support, limits: &support.limits[0], open: &open, at }, tickets)
}

/// Each ticket as of 20:00: its clocks as word and minutes, or why it is not judged, and pauses that do not count.
#[track_caller]
fn check(ticket: Ticket, expected: &str) {
    let judged = judged_at("2026-09-01T20:00:00Z", &[ticket]);
    let one = &judged.tickets[0];
    let clock = |(metric, clock): (&TicketMetric, &TicketClock)| {
        assert_eq!(clock.counted_us % 60_000_000, 0);
        format!("{} {} {}", metric.as_str(), clock.status.as_str(), clock.counted_us / 60_000_000)
    };
    let mut told: Vec<String> = one.clocks.iter().map(clock).collect();
    told.extend(one.not_judged.clone());
    told.extend(one.pauses.iter().filter_map(|pause| pause.ignored.clone()));
    assert_eq!(told.join("; "), expected);
}

#[test]
fn clocks_end_with_an_answer_and_a_resolution() {
    check(ticket("a", Some("12:59:00"), Some("15:00:00")), "response kept 59; resolution kept 180");
    // The limit itself is within it, and a minute more is not.
    check(ticket("a", Some("13:00:00"), Some("16:00:00")), "response kept 60; resolution kept 240");
    check(ticket("a", Some("13:01:00"), Some("16:01:00")), "response missed 61; resolution missed 241");
    // Who resolves a ticket has answered it.
    check(ticket("a", None, Some("12:30:00")), "response kept 30; resolution kept 30");
    check(ticket("a", Some("12:00:00"), None), "response kept 0; resolution missed 480");
    let low = Ticket { priority: 4, ..ticket("a", Some("13:30:00"), None) };
    check(low, "response kept 90");
    check(Ticket { priority: 3, ..ticket("a", None, None) }, "");
}

#[test]
fn what_runs_is_judged_as_of_an_instant() {
    let judged = |until: &str| {
        let judged = judged_at(until, &[ticket("a", Some("12:10:00"), Some("19:00:00"))]);
        let clocks = &judged.tickets[0].clocks;
        let of = |metric| clocks.get(&metric).map(|clock: &TicketClock| (clock.status, clock.counted_us / 60_000_000));
        (of(TicketMetric::Response), of(TicketMetric::Resolution))
    };
    use ClockStatus::{Kept, Missed, Running, Warned};
    // What happens later has not happened yet.
    assert_eq!(judged("2026-09-01T12:05:00Z"), (Some((Running, 5)), Some((Running, 5))));
    assert_eq!(judged("2026-09-01T15:11:00Z"), (Some((Kept, 10)), Some((Running, 191))));
    assert_eq!(judged("2026-09-01T15:12:00Z"), (Some((Kept, 10)), Some((Warned, 192))), "80 % of 240 minutes");
    assert_eq!(judged("2026-09-01T16:00:00Z").1, Some((Warned, 240)), "all of the limit is not over it");
    assert_eq!(judged("2026-09-01T16:01:00Z").1, Some((Missed, 241)));
    assert_eq!(judged("2026-09-02T00:00:00Z").1, Some((Missed, 420)), "it ended at 19:00");
}

#[test]
fn pauses_with_an_allowed_reason_stop_both_clocks() {
    let with = |answered, resolved, pauses: Vec<Pause>| Ticket { pauses, ..ticket("a", answered, resolved) };
    let waiting = pause("12:30:00", Some("13:30:00"), "waiting_customer");
    let overlapping = pause("13:00:00", Some("14:00:00"), "waiting_customer");
    check(
        with(Some("14:10:00"), Some("15:00:00"), vec![waiting.clone(), overlapping.clone(), waiting.clone()]),
        "response kept 40; resolution kept 90",
    );
    let lunch = pause("12:30:00", Some("13:30:00"), "lunch");
    check(
        with(Some("12:10:00"), Some("15:00:00"), vec![lunch]),
        "response kept 10; resolution kept 180; only pauses for waiting_customer count",
    );
    // One that goes on stops clocks up to the instant.
    check(
        with(Some("12:10:00"), None, vec![pause("12:30:00", None, "waiting_customer")]),
        "response kept 10; resolution running 30",
    );
    let later = pause("20:30:00", Some("21:00:00"), "waiting_customer");
    check(with(Some("12:10:00"), None, vec![later]), "response kept 10; resolution missed 480");
    let backwards = pause("13:30:00", Some("12:30:00"), "waiting_customer");
    check(
        with(Some("12:10:00"), Some("15:00:00"), vec![backwards]),
        "response kept 10; resolution kept 180; it ends before it begins",
    );
    let nameless = Pause { reason: None, ..waiting.clone() };
    let endless = Pause { from: None, ..waiting };
    check(
        with(Some("12:10:00"), Some("15:00:00"), vec![endless, nameless]),
        "response kept 10; resolution kept 180; it has no beginning; it has no reason",
    );
}

#[test]
fn reopening_continues_the_clock() {
    // The row of a ticket that was opened again may still have the earlier resolution.
    let reopened = |state: &str, resolved: &str| Ticket {
        state: state.to_owned(),
        reopened: 1,
        ..ticket("a", Some("12:10:00"), Some(resolved))
    };
    check(reopened("open", "13:00:00"), "response kept 10; resolution missed 480");
    check(reopened("Pending", "13:00:00"), "response kept 10; resolution missed 480");
    check(reopened("resolved", "15:30:00"), "response kept 10; resolution kept 210");
    check(reopened("done", "15:30:00"), "response kept 10; resolution kept 210");
}

#[test]
fn what_cannot_be_judged_is_told() {
    let good = || ticket("a", Some("12:10:00"), Some("13:00:00"));
    check(ticket("a", Some("11:59:59"), None), "it was answered before it was opened");
    check(ticket("a", None, Some("11:59:59")), "it was resolved before it was opened");
    check(Ticket { tier: "gold".to_owned(), ..good() }, "tier \"gold\" has no limits in support \"helpdesk\"");
    for priority in [0, -1, 5, i64::MAX] {
        check(Ticket { priority, ..good() }, &format!("priority {priority} is none of 1 to 4"));
    }
    let unknown = Ticket { state: "Closed".to_owned(), ..ticket("a", None, None) };
    check(unknown, "its state is Closed, and when it was resolved is not known");
    check(Ticket { is_contradicted: true, ..good() }, "rows of its revision 1 contradict each other");
}

#[test]
fn a_promise_is_judged_by_what_is_decided() {
    let told = |tickets: &[Ticket]| {
        let judged = judged_at("2026-09-01T15:30:00Z", tickets);
        let of = |one: &Kept| {
            let counts = [one.good, one.valid, one.running, one.warned, one.not_judged];
            (one.status.as_str(), counts, one.budget_left)
        };
        [of(&judged.promises[0]), of(&judged.promises[1])]
    };
    let good = ticket("a", Some("12:10:00"), Some("13:00:00"));
    let late = ticket("b", Some("13:10:00"), Some("15:00:00"));
    let open = ticket("c", Some("12:10:00"), None);
    let broken = Ticket { priority: 9, ..ticket("d", None, None) };
    let all = |tickets: [&Ticket; 3]| tickets.map(Clone::clone);
    assert_eq!(told(&[]), [("not_applicable", [0; 5], None); 2]);
    assert_eq!(
        told(&all([&good, &late, &open])),
        [("missed", [2, 3, 0, 0, 0], Some(-1)), ("ok", [2, 2, 0, 1, 0], Some(1))]
    );
    // It is missed, and kept, whatever the ticket that cannot be judged was.
    assert_eq!(
        told(&all([&good, &late, &broken])),
        [("missed", [1, 2, 0, 0, 1], Some(-1)), ("ok", [2, 2, 0, 0, 1], Some(1))]
    );
    // Here it decides.
    let judged = told(&[good.clone(), broken.clone()]);
    assert_eq!(judged, [("not_evaluated", [1, 1, 0, 0, 1], Some(0)), ("ok", [1, 1, 0, 0, 1], Some(0))]);
    let why = judged_at("2026-09-01T15:30:00Z", &[broken]).promises[0].why.clone();
    assert_eq!(why.as_deref(), Some("1 ticket cannot be judged, and would decide it"));
}

#[test]
fn evidence_counts_each_interval_and_hashes_everything_of_a_row() {
    let support = support();
    let hashes = |rows: &[Ticket], tenant: &str| {
        let judged = judged_at("2026-09-01T20:00:00Z", rows);
        let interval = Interval { start: at("2026-09-01T00:00:00Z"), end: at("2026-10-01T00:00:00Z") };
        let (support, at) = (&support.id, at("2026-09-01T20:00:00Z"));
        let of = Evidence { support, tenant, interval, at, calendar: "24x7", rows, judged: &judged };
        let tables = of.tables().expect("tables");
        let counts: Vec<(&str, usize)> = tables.iter().map(|table| (table.name, table.rows.num_rows())).collect();
        (of.hashes(), counts)
    };
    let waiting = pause("12:30:00", Some("13:30:00"), "waiting_customer");
    let row = Ticket { pauses: vec![waiting.clone()], ..ticket("a", Some("12:10:00"), Some("15:00:00")) };
    let (first, counts) = hashes(std::slice::from_ref(&row), "acme");
    // One interval of the response, and two of the resolution.
    assert_eq!(counts, [("tickets", 1), ("pauses", 1), ("intervals", 3)]);
    assert_eq!(hashes(std::slice::from_ref(&row), "acme").0, first);
    assert_ne!(hashes(std::slice::from_ref(&row), "globex").0.0, first.0);
    let others = [
        Ticket { revision: 2, ..row.clone() },
        Ticket { reopened: 1, ..row.clone() },
        Ticket { state: "resolved".to_owned(), ..row.clone() },
        Ticket { pauses: vec![Pause { reason: None, ..waiting }], ..row.clone() },
        Ticket { priority: 2, ..row },
    ];
    for other in others {
        let (of, _) = hashes(std::slice::from_ref(&other), "acme");
        assert!(of.0 != first.0 && of.1 != first.1, "{other:?}");
    }
}
