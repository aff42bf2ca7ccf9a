//! What the controls must find, and what they must not.
//!
//! Attempts to log in are planted at night, between 23:50 and 04:30 UTC, where the background has none: a burst or a
//! spray is exactly the rows written here. Victims of bursts (people 5 to 8 of a tenant) and of sprays (from 9 on)
//! are different people.

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::cast::{ACME, Actor, BOREALIS, COBALT, Cast, DUNE, EMBER, Tenant};
use super::event::{DAY_US, Event, HOUR_US, MINUTE_US, Mark, SECOND_US};
use super::{DAYS, INGEST_AT, Planted, START_AT, day_start_us};

/// Everything planted, before ids are given.
#[derive(Debug)]
pub(super) struct Script<'c> {
    /// Violations; their `event_id` is empty until the row is written.
    pub(super) planted: Vec<Planted>,
    /// Near misses, likewise.
    pub(super) near_misses: Vec<Planted>,
    /// The events, by the day whose file they stand in.
    pub(super) events: BTreeMap<i64, Vec<Event<'c>>>,
}

/// Whether the last row of a scene is a finding.
#[derive(Debug, Clone, Copy)]
enum Is {
    Violation,
    NearMiss,
}

impl<'c> Script<'c> {
    /// Writes every scene.
    pub(super) fn write(cast: &'c Cast, chance: ChaCha8Rng) -> Self {
        let script = Self { planted: Vec::new(), near_misses: Vec::new(), events: BTreeMap::new() };
        let mut writer = Writer { cast, chance, script, attackers: 0 };
        writer.cross_tenant();
        writer.bursts();
        writer.near_bursts();
        writer.logins_without_mfa();
        writer.sprays();
        writer.missing_fields();
        writer.complete_though_sparse();
        writer.clocks_ahead();
        writer.script
    }

    /// Puts an event into the file of its day; one that is later than all days was logged on the last.
    fn add(&mut self, event: Event<'c>) {
        let day = (event.time - START_AT.timestamp_micros()).div_euclid(DAY_US);
        self.events.entry(day.min(DAYS - 1)).or_default().push(event);
    }

    /// Adds the row that an entry is about.
    fn enter(&mut self, is: Is, control: &'static str, mut event: Event<'c>, what: impl Into<String>) {
        let list = match is {
            Is::Violation => &mut self.planted,
            Is::NearMiss => &mut self.near_misses,
        };
        event.mark = match is {
            Is::Violation => Mark::Planted(list.len()),
            Is::NearMiss => Mark::NearMiss(list.len()),
        };
        let (tenant, event_id) = (event.tenant_id.to_owned(), String::new());
        list.push(Planted { control, tenant, event_id, what: what.into() });
        self.add(event);
    }
}

struct Writer<'c> {
    cast: &'c Cast,
    chance: ChaCha8Rng,
    script: Script<'c>,
    attackers: usize,
}

impl<'c> Writer<'c> {
    fn tenant(&self, tenant: usize) -> &'c Tenant {
        &self.cast.tenants[tenant]
    }

    /// A person by the number in the id, which counts from 1.
    fn person(&self, tenant: usize, number: usize) -> &'c Actor {
        &self.cast.tenants[tenant].people[number - 1]
    }

    fn attacker(&mut self) -> &'c str {
        self.attackers += 1;
        self.cast.attacker(self.attackers - 1)
    }

    /// A night of the 60 days, between 01:00 and 03:00 UTC.
    fn night(&mut self) -> i64 {
        day_start_us(self.chance.random_range(2..DAYS - 2)) + self.chance.random_range(HOUR_US..3 * HOUR_US)
    }

    /// Some time between 09:00 and 15:00 UTC.
    fn daytime(&mut self) -> i64 {
        self.night() + self.chance.random_range(8 * HOUR_US..12 * HOUR_US)
    }

    /// Failed logins of one account from one address, each so long after the first; the given one is the entry.
    fn attempts(&mut self, is: Is, victim: (usize, usize), first: i64, offsets: &[i64], entry: usize, what: &str) {
        let (tenant, person) = (self.tenant(victim.0), self.person(victim.0, victim.1));
        let from = self.attacker();
        for (number, offset) in offsets.iter().enumerate() {
            // An account that locks answers "denied"; it counts like a failure.
            let outcome = if number % 4 == 3 { "denied" } else { "failure" };
            let event = Event { src_ip: Some(from), ..Event::login(person, tenant, first + offset, outcome, false) };
            if number == entry {
                self.script.enter(is, "AL-AUTH-001", event, what);
            } else {
                self.script.add(event);
            }
        }
    }

    fn bursts(&mut self) {
        let night = self.night();
        self.attempts(Is::Violation, (ACME, 5), night, &seconds(&[0, 20, 41, 63, 90]), 4, "5 failed logins in 90 s");
        // The window runs empty between the two, so they are two findings.
        let night = self.night();
        self.attempts(Is::Violation, (ACME, 6), night, &minutes(&[0, 1, 2, 3, 4]), 4, "first of two bursts");
        let again = night + 30 * MINUTE_US;
        self.attempts(Is::Violation, (ACME, 6), again, &minutes(&[0, 2, 4, 6, 8, 10]), 4, "second of two bursts");
        let night = self.night();
        let eight = seconds(&[0, 30, 60, 90, 120, 150, 180, 210]);
        self.attempts(Is::Violation, (COBALT, 5), night, &eight, 4, "8 failed logins, reported at the fifth");
        let midnight = day_start_us(self.chance.random_range(2..DAYS - 2));
        let across = minutes(&[0, 3, 6, 9, 12]);
        self.attempts(Is::Violation, (COBALT, 6), midnight - 8 * MINUTE_US, &across, 4, "burst across midnight");
        // The first is exactly 15 minutes before the fifth: the edge is inside.
        let night = self.night();
        self.attempts(
            Is::Violation,
            (DUNE, 5),
            night,
            &minutes(&[0, 4, 8, 12, 15]),
            4,
            "5 failed logins in exactly 15 min",
        );
    }

    fn near_bursts(&mut self) {
        let night = self.night();
        self.attempts(Is::NearMiss, (BOREALIS, 5), night, &seconds(&[0, 15, 30, 50]), 3, "4 failed logins in 50 s");
        let night = self.night();
        self.attempts(
            Is::NearMiss,
            (BOREALIS, 6),
            night,
            &minutes(&[0, 4, 8, 12, 16]),
            4,
            "5 failed logins over 16 min",
        );
        let night = self.night();
        self.attempts(Is::NearMiss, (ACME, 7), night, &minutes(&[0, 1, 2, 3]), 3, "4 failed logins, then none");
        let night = self.night();
        let slow = minutes(&[0, 5, 10, 20, 25, 30, 40]);
        self.attempts(Is::NearMiss, (EMBER, 5), night, &slow, 6, "7 failed logins over 40 min, never 5 in 15");
    }

    fn logins_without_mfa(&mut self) {
        for (tenant, number) in
            [(ACME, 1), (ACME, 1), (ACME, 2), (ACME, 3), (ACME, 4), (BOREALIS, 1), (BOREALIS, 2), (BOREALIS, 2)]
        {
            let (at, person) = (self.daytime(), self.person(tenant, number));
            let mut event = Event::login(person, self.tenant(tenant), at, "success", false);
            event.session_id = Some(format!("ses-{}-extra-{:02}", person.tenant, self.script.planted.len()));
            let what = format!("{} logged in as {} without second factor", person.id, person.roles[0]);
            self.script.enter(Is::Violation, "AL-AUTH-003", event, what);
        }
        let at = self.night();
        let failed = Event::login(self.person(ACME, 2), self.tenant(ACME), at, "failure", false);
        self.script.enter(Is::NearMiss, "AL-AUTH-003", failed, "privileged login without second factor that failed");
        let at = self.daytime();
        let plain = Event::login(self.person(COBALT, 9), self.tenant(COBALT), at, "success", false);
        let plain = Event { actor_roles: Some(&["admin_readonly"]), ..plain };
        self.script.enter(Is::NearMiss, "AL-AUTH-003", plain, "a role that only sounds privileged");
    }

    /// Failed logins at one address, `apart` from each other, one for each of the people from the ninth on, taken in
    /// turn; the tenth account is the entry, or the last attempt where nothing is to be found.
    fn spray(&mut self, is: Is, tenant: usize, accounts: usize, attempts: usize, apart: i64, what: &str) {
        let (first, from) = (self.night(), self.attacker());
        let entry = match is {
            Is::Violation => 9,
            Is::NearMiss => attempts - 1,
        };
        for attempt in 0..attempts {
            let person = self.person(tenant, 9 + attempt % accounts);
            let time = first + i64::try_from(attempt).unwrap_or_default() * apart;
            let event =
                Event { src_ip: Some(from), ..Event::login(person, self.tenant(tenant), time, "failure", false) };
            if attempt == entry {
                self.script.enter(is, "AL-AUTH-004", event, what);
            } else {
                self.script.add(event);
            }
        }
    }

    fn sprays(&mut self) {
        self.spray(Is::Violation, ACME, 10, 10, 4 * SECOND_US, "10 accounts from one address in 36 s");
        self.spray(
            Is::Violation,
            COBALT,
            14,
            14,
            20 * SECOND_US,
            "14 accounts from one address, reported at the tenth",
        );
        self.spray(Is::Violation, COBALT, 12, 12, 66 * SECOND_US, "the tenth account 9.9 min after the first");
        self.spray(Is::Violation, EMBER, 11, 11, SECOND_US, "11 accounts from one address in 10 s");
        self.spray(Is::NearMiss, ACME, 9, 9, 5 * SECOND_US, "9 accounts from one address");
        self.spray(Is::NearMiss, BOREALIS, 9, 18, 10 * SECOND_US, "18 failed logins of 9 accounts from one address");
        self.spray(Is::NearMiss, BOREALIS, 12, 12, 90 * SECOND_US, "12 accounts from one address, never 10 in 10 min");
    }

    /// A person of one tenant at a document of another.
    fn reach(&mut self, from: (usize, usize), to: usize, event_type: &'static str) -> Event<'c> {
        let (at, person) = (self.daytime(), self.person(from.0, from.1));
        let document = format!("doc-{:05}", self.chance.random_range(0..4_000));
        Event::by(person, self.tenant(to), event_type, at).emitted_by("api").on("document", document)
    }

    fn cross_tenant(&mut self) {
        let reaches = [
            ((BOREALIS, 13), ACME, "data.read"),
            ((BOREALIS, 13), ACME, "data.updated"),
            ((EMBER, 9), BOREALIS, "data.read"),
            ((EMBER, 9), BOREALIS, "data.exported"),
            ((ACME, 21), EMBER, "data.read"),
            ((ACME, 22), EMBER, "data.read"),
            ((ACME, 22), EMBER, "data.deleted"),
        ];
        for (from, to, event_type) in reaches {
            let event = self.reach(from, to, event_type);
            let what = format!("{event_type} by a person of {}", self.tenant(from.0).id);
            self.script.enter(Is::Violation, "AL-ACC-008", event, what);
        }
        let denied = Event { outcome: "denied", ..self.reach((DUNE, 11), ACME, "access.denied") };
        self.script.enter(Is::NearMiss, "AL-ACC-008", denied, "an attempt to cross that was denied");
        let shared = Event { resource_tenant_id: None, ..self.reach((ACME, 23), COBALT, "data.read") };
        self.script.enter(Is::NearMiss, "AL-ACC-008", shared, "a resource that belongs to no tenant");
    }

    fn missing_fields(&mut self) {
        for (tenant, event_type) in [(BOREALIS, "api.request"), (COBALT, "config.changed")] {
            let at = self.daytime();
            // Nobody knows who it was, so nobody knows the home tenant either.
            let event =
                Event { actor_tenant_id: None, ..Event::by(&self.cast.nobody, self.tenant(tenant), event_type, at) };
            let event = Event { resource_type: Some("setting"), resource_id: Some("set-01".to_owned()), ..event };
            self.missing(event, "no actor");
        }
        for (tenant, event_type) in [(BOREALIS, "data.read"), (COBALT, "query.executed"), (DUNE, "api.request")] {
            let event = self.reach((tenant, 12), tenant, event_type);
            self.missing(Event { src_ip: None, ..event }, "no origin");
        }
        let event = self.reach((BOREALIS, 12), BOREALIS, "role.assigned");
        self.missing(Event { resource_type: None, ..event }, "no resource type");
        let event = self.reach((COBALT, 12), COBALT, "data.exported");
        self.missing(Event { resource_id: None, ..event }, "no resource id");
        let event = self.reach((DUNE, 12), DUNE, "data.deleted");
        self.missing(Event { resource_type: None, resource_id: None, ..event }, "no resource at all");
    }

    fn missing(&mut self, event: Event<'c>, lacks: &str) {
        let what = format!("{} with {lacks}", event.event_type);
        self.script.enter(Is::Violation, "AL-LOG-003", event, what);
    }

    fn complete_though_sparse(&mut self) {
        let call = self.reach((ACME, 12), ACME, "api.request");
        let call = Event { resource_type: None, resource_id: None, resource_tenant_id: None, ..call };
        self.script.enter(Is::NearMiss, "AL-LOG-003", call, "a plain call needs no resource");
        let service = self.reach((EMBER, 12), EMBER, "data.read");
        let service = Event { src_ip: None, src_service: Some("scheduler"), ..service };
        self.script.enter(Is::NearMiss, "AL-LOG-003", service, "a calling service stands in for the address");
        let at = self.daytime();
        let expired = Event::by(self.person(ACME, 12), self.tenant(ACME), "session.expired", at);
        let expired = Event { src_ip: None, ..expired };
        self.script.enter(Is::NearMiss, "AL-LOG-003", expired, "a session that expired was called by nobody");
    }

    fn clocks_ahead(&mut self) {
        let cases = [
            (Is::Violation, COBALT, 5 * MINUTE_US + 1, "clock 5 min and 1 µs ahead"),
            (Is::Violation, COBALT, 11 * MINUTE_US, "clock 11 min ahead"),
            (Is::Violation, DUNE, HOUR_US, "clock an hour ahead: local time read as UTC"),
            (Is::Violation, DUNE, 7 * HOUR_US, "clock 7 h ahead"),
            (Is::Violation, DUNE, DAY_US - MINUTE_US, "clock a day less a minute ahead"),
            (Is::NearMiss, ACME, 5 * MINUTE_US - SECOND_US, "clock 4 min 59 s ahead"),
            (Is::NearMiss, EMBER, 5 * MINUTE_US, "clock exactly 5 min ahead"),
        ];
        for (is, tenant, ahead, what) in cases {
            let event = self.reach((tenant, 14), tenant, "data.read");
            let event = Event { time: INGEST_AT.timestamp_micros() + ahead, ..event };
            self.script.enter(is, "AL-LOG-010", event.emitted_by("warehouse"), what);
        }
    }
}

fn seconds(offsets: &[i64]) -> Vec<i64> {
    offsets.iter().map(|offset| offset * SECOND_US).collect()
}

fn minutes(offsets: &[i64]) -> Vec<i64> {
    offsets.iter().map(|offset| offset * MINUTE_US).collect()
}
