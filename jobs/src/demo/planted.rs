//! What the controls must find, and what they must not.
//!
//! Attempts to log in are planted at night, between 23:50 and 04:30 UTC, where the background has none: a burst or a
//! spray is exactly the rows written here. Whoever appears in a scene in which attempts are counted appears in no other
//! such scene: victims of bursts and lock-outs are people 5 to 8 of a tenant, those of sprays come from 9 on, those of
//! a success after a burst from 25 on. A scene may break several rules; then each is entered.

mod accounts;
mod approvals;
mod attempts;
mod leavers;
mod logging;
mod purposes;
mod requests;
mod sessions;
mod tenancy;

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::cast::{Actor, Cast, Tenant};
use super::consent::{Statement, statements};
use super::event::{DAY_US, Event, HOUR_US, MINUTE_US, Mark, SECOND_US};
use super::identity::{Account, accounts};
use super::requests::{Request, requests};
use super::{DAYS, Planted, START_AT, day_start_us};

/// Everything planted, before ids are given.
#[derive(Debug)]
pub(super) struct Script<'c> {
    /// Violations; an event's `row` is empty until it is written.
    pub(super) planted: Vec<Planted>,
    /// Near misses, likewise.
    pub(super) near_misses: Vec<Planted>,
    /// The events, by the day whose file they stand in; what is older than the first day stands in its file.
    pub(super) events: BTreeMap<i64, Vec<Event<'c>>>,
    /// The rows of `identity`.
    pub(super) accounts: Vec<Account>,
    /// The rows of `consent`.
    pub(super) statements: Vec<Statement>,
    /// The rows of `dsr`.
    pub(super) requests: Vec<Request>,
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
        let script = Self {
            planted: Vec::new(),
            near_misses: Vec::new(),
            events: BTreeMap::new(),
            accounts: accounts(cast),
            statements: statements(cast),
            requests: requests(cast),
        };
        let mut writer = Writer { cast, chance, script, attackers: 0 };
        writer.roles_without_approval();
        writer.self_approvals();
        writer.leavers();
        writer.cross_tenant();
        writer.bursts();
        writer.near_bursts();
        writer.lock_outs();
        writer.early_unlocks();
        writer.logins_without_mfa();
        writer.sprays();
        writer.successes_after_bursts();
        writer.idle_sessions();
        writer.shared_accounts();
        writer.passwords();
        writer.keys();
        writer.factors_switched_off();
        writer.sensitive_reads();
        writer.disclosures();
        writer.consents();
        writer.slow_requests();
        writer.chains();
        writer.silent_sources();
        writer.missing_fields();
        writer.complete_though_sparse();
        writer.logging_stopped();
        writer.verifications();
        writer.clocks_ahead();
        writer.script
    }

    /// Puts an event into the file of its day.
    fn add(&mut self, event: Event<'c>) {
        let day = (event.time - START_AT.timestamp_micros()).div_euclid(DAY_US);
        self.add_to(day.clamp(0, DAYS - 1), event);
    }

    fn add_to(&mut self, day: i64, event: Event<'c>) {
        self.events.entry(day).or_default().push(event);
    }

    /// Adds the row that an entry is about.
    fn enter(&mut self, is: Is, control: &'static str, mut event: Event<'c>, what: impl Into<String>) {
        event.mark = self.note(is, control, event.tenant_id, what);
        self.add(event);
    }

    /// An entry whose row is no event: it is named by its resource.
    fn enter_row(&mut self, is: Is, control: &'static str, tenant: &str, resource: &str, what: &str) {
        self.note(is, control, tenant, what);
        let list = match is {
            Is::Violation => &mut self.planted,
            Is::NearMiss => &mut self.near_misses,
        };
        if let Some(entry) = list.last_mut() {
            entry.row = resource.to_owned();
        }
    }

    /// The account of somebody of the cast.
    fn account(&mut self, tenant: &str, id: &str) -> &mut Account {
        let at = self.accounts.iter().position(|one| one.tenant_id == tenant && one.account_id == id);
        &mut self.accounts[at.unwrap_or_default()]
    }

    /// Makes an entry whose row is still to come.
    fn note(&mut self, is: Is, control: &'static str, tenant: &str, what: impl Into<String>) -> Mark {
        let list = match is {
            Is::Violation => &mut self.planted,
            Is::NearMiss => &mut self.near_misses,
        };
        let mark = match is {
            Is::Violation => Mark::Planted(list.len()),
            Is::NearMiss => Mark::NearMiss(list.len()),
        };
        list.push(Planted { control, tenant: tenant.to_owned(), row: String::new(), what: what.into() });
        mark
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

    /// An event of an account: locked, unlocked, its second factor switched off.
    fn on_account(
        &self,
        by: &'c Actor,
        tenant: usize,
        event_type: &'static str,
        account: &Actor,
        at: i64,
    ) -> Event<'c> {
        Event::by(by, self.tenant(tenant), event_type, at).on("user", account.id.clone())
    }

    /// A person of one tenant at a document of another.
    fn reach(&mut self, from: (usize, usize), to: usize, event_type: &'static str) -> Event<'c> {
        let (at, person) = (self.daytime(), self.person(from.0, from.1));
        let document = format!("doc-{:05}", self.chance.random_range(0..4_000));
        Event::by(person, self.tenant(to), event_type, at).emitted_by("api").on("document", document)
    }
}

fn seconds(offsets: &[i64]) -> Vec<i64> {
    offsets.iter().map(|offset| offset * SECOND_US).collect()
}

fn minutes(offsets: &[i64]) -> Vec<i64> {
    offsets.iter().map(|offset| offset * MINUTE_US).collect()
}
