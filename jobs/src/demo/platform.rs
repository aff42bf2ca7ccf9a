//! What the platform did beside its events: checks of its service from three places, windows that were agreed, and what tenants
//! used and pay.
//!
//! The service is checked every five minutes, and a slice of an SLA is as long. What goes wrong is written here as it is
//! written in a contract: in slices. So it is known beforehand who was promised more than there was.

use std::io;

use chrono::{DateTime, Duration, Utc};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::event::{DAY_US, HOUR_US, MINUTE_US, SECOND_US, rfc3339, rfc3339_or_absent};
use super::{DAYS, START_AT, day_start_us, line};

/// Between two checks from one place.
const EVERY_US: i64 = 5 * MINUTE_US;
const LOCATIONS: [&str; 3] = ["eu", "us", "ap"];
/// When every place sees the service fail: the first day, the hour and minute, and for how many checks.
const OUTAGES: [Spell; 4] = [
    // Nobody but acme was promised that much of January.
    Spell { day: 19, minute: 14 * 60, checks: 6, place: None },
    Spell { day: 40, minute: 9 * 60, checks: 14, place: None },
    // Announced five days before, and left out.
    Spell { day: 45, minute: 2 * 60, checks: 6, place: None },
    // Announced an hour before, and not left out.
    Spell { day: 52, minute: 3 * 60, checks: 3, place: None },
];
/// When one place alone sees it fail: no majority.
const PARTIAL: Spell = Spell { day: 35, minute: 11 * 60, checks: 36, place: Some("ap") };
/// When answers take six times as long.
const SLOW: [Spell; 2] = [
    Spell { day: 28, minute: 13 * 60, checks: 24, place: Some("eu") },
    Spell { day: 49, minute: 9 * 60 + 30, checks: 12, place: Some("us") },
];

/// Checks in a row, from one place or from all.
struct Spell {
    day: i64,
    minute: i64,
    checks: i64,
    place: Option<&'static str>,
}

impl Spell {
    fn start_us(&self) -> i64 {
        day_start_us(self.day) + self.minute * MINUTE_US
    }

    fn has(&self, at: i64, place: &str) -> bool {
        let is_place = self.place.is_none_or(|of| of == place);
        is_place && (self.start_us()..self.start_us() + self.checks * EVERY_US).contains(&at)
    }
}

/// Something that a report of the platform must say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Said {
    /// Which job says it: `sla`, `usage` or `watch`.
    pub(crate) job: &'static str,
    /// Whom it is about: a tenant, or a place that checks were made from.
    pub(crate) of: String,
    /// The month, or the first instant of an unusual time.
    pub(crate) when: String,
    /// What it is about.
    pub(crate) what: String,
}

/// What must be said over the whole time, and nothing else.
pub(crate) fn said() -> Vec<Said> {
    let missed = |of: &str, when: &str| Said {
        job: "sla",
        of: of.to_owned(),
        when: when.to_owned(),
        what: "uptime was promised and missed".to_owned(),
    };
    let over = |of: &str, when: &str| Said {
        job: "usage",
        of: of.to_owned(),
        when: when.to_owned(),
        what: "api_requests_per_day over the quota".to_owned(),
    };
    let slow = SLOW.iter().map(|spell| Said {
        job: "watch",
        of: spell.place.unwrap_or_default().to_owned(),
        when: at(spell.start_us()).format("%Y-%m-%d").to_string(),
        what: "answers took six times as long".to_owned(),
    });
    let mut said = vec![
        missed("acme", "2026-01"),
        missed("acme", "2026-02"),
        missed("borealis", "2026-02"),
        missed("dune", "2026-02"),
        over("cobalt", "2026-02"),
        over("ember", "2026-01"),
    ];
    said.extend(slow);
    said
}

#[derive(Serialize)]
struct Check {
    tenant_id: &'static str,
    probe_id: &'static str,
    target: &'static str,
    service: &'static str,
    location: &'static str,
    #[serde(serialize_with = "rfc3339")]
    time: i64,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_us: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    interval_s: i64,
}

#[derive(Serialize)]
struct Window {
    id: &'static str,
    service: &'static str,
    #[serde(serialize_with = "rfc3339")]
    starts_at: i64,
    #[serde(serialize_with = "rfc3339")]
    ends_at: i64,
    kind: &'static str,
    #[serde(serialize_with = "rfc3339_or_absent")]
    announced_at: Option<i64>,
    approved_by: &'static str,
    reason: &'static str,
    revision: i32,
}

#[derive(Serialize)]
struct Charge {
    usage_id: String,
    tenant_id: &'static str,
    #[serde(serialize_with = "rfc3339")]
    period_start: i64,
    #[serde(serialize_with = "rfc3339")]
    period_end: i64,
    meter: &'static str,
    unit: &'static str,
    quantity: String,
    billed_cost: &'static str,
    currency: &'static str,
    charge_category: &'static str,
    service: &'static str,
}

/// Tenant, people, what it pays a month, and requests of an ordinary day.
const CONTRACTS: [(&str, u32, &str, i64); 5] = [
    ("acme", 90, "4900.00", 900_000),
    ("borealis", 60, "499.00", 400_000),
    ("cobalt", 20, "99.00", 34_000),
    ("dune", 32, "499.00", 120_000),
    ("ember", 4, "0.00", 600),
];
/// Days on which a tenant asks more than its quota has, and how often.
const RUSHES: [(&str, i64, i64); 3] = [("cobalt", 47, 61_000), ("cobalt", 48, 50_001), ("ember", 24, 1_900)];
/// First days of the months, and of the one after them.
const MONTHS: [i64; 3] = [0, 31, 59];

/// Hands the sink a file of checks, one of windows and one of charges.
pub(super) fn generate(chance: &mut ChaCha8Rng, sink: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = Vec::new();
    for number in 0..DAYS * DAY_US / EVERY_US {
        for (place, location) in (0..).zip(LOCATIONS) {
            line(&mut bytes, &check(chance, number, (place, location)))?;
        }
    }
    sink("drop/probe/checks.ndjson", &bytes)?;
    bytes.clear();
    for window in windows() {
        line(&mut bytes, &window)?;
    }
    sink("drop/exclusion/windows.ndjson", &bytes)?;
    bytes.clear();
    for (tenant, people, fee, requests) in CONTRACTS {
        for month in MONTHS.windows(2) {
            let &[first, next] = month else { continue };
            line(&mut bytes, &seats(tenant, (first, next), people, fee))?;
        }
        for day in 0..DAYS {
            line(&mut bytes, &requests_of(chance, tenant, day, requests))?;
        }
    }
    sink("drop/usage/charges.ndjson", &bytes)
}

fn check(chance: &mut ChaCha8Rng, number: i64, (place, location): (i64, &'static str)) -> Check {
    let slice = START_AT.timestamp_micros() + number * EVERY_US;
    let fails = OUTAGES.iter().chain([&PARTIAL]).any(|spell| spell.has(slice, location));
    let is_slow = SLOW.iter().any(|spell| spell.has(slice, location));
    let latency_us = chance.random_range(38_000..62_000) * if is_slow { 6 } else { 1 } + place * 30_000;
    Check {
        tenant_id: "platform",
        probe_id: "api-health",
        target: "https://api.auditlake.example/health",
        service: "api",
        location,
        time: slice + place * 20 * SECOND_US,
        ok: !fails,
        latency_us: (!fails).then_some(latency_us),
        error: fails.then_some("timeout"),
        interval_s: EVERY_US / SECOND_US,
    }
}

fn windows() -> [Window; 2] {
    let [_, _, announced, late] = &OUTAGES;
    let window = |id, spell: &Spell, before: i64, reason| Window {
        id,
        service: "api",
        starts_at: spell.start_us(),
        ends_at: spell.start_us() + spell.checks * EVERY_US,
        kind: "maintenance",
        announced_at: Some(spell.start_us() - before),
        approved_by: "operations",
        reason,
        revision: 1,
    };
    [
        window("w-announced", announced, 5 * DAY_US, "a new database"),
        window("w-too-late", late, HOUR_US, "a certificate that ran out"),
    ]
}

/// The plan of a month, and how many people have a seat.
fn seats(tenant_id: &'static str, (first, next): (i64, i64), people: u32, fee: &'static str) -> Charge {
    Charge {
        usage_id: format!("plan-{tenant_id}-{first:02}"),
        tenant_id,
        period_start: day_start_us(first),
        period_end: day_start_us(next),
        meter: "users",
        unit: "seats",
        quantity: people.to_string(),
        billed_cost: fee,
        currency: "USD",
        charge_category: "Purchase",
        service: "api",
    }
}

fn requests_of(chance: &mut ChaCha8Rng, tenant_id: &'static str, day: i64, ordinary: i64) -> Charge {
    let by_chance = ordinary * chance.random_range(85..115) / 100;
    let rush = RUSHES.iter().find(|(tenant, on, _)| *tenant == tenant_id && *on == day);
    Charge {
        usage_id: format!("requests-{tenant_id}-{day:02}"),
        tenant_id,
        period_start: day_start_us(day),
        period_end: day_start_us(day + 1),
        meter: "api_requests",
        unit: "requests",
        quantity: rush.map_or(by_chance, |(_, _, requests)| *requests).to_string(),
        billed_cost: "0",
        currency: "USD",
        charge_category: "Usage",
        service: "api",
    }
}

fn at(us: i64) -> DateTime<Utc> {
    START_AT + Duration::microseconds(us - START_AT.timestamp_micros())
}
