//! Ordinary days, innocent by construction.
//!
//! - Somebody fails to log in at most twice a day, between 05:00 and 10:00 UTC: any 15 minutes see at most two.
//!   Planted attempts are at night (`planted.rs`), so the two never meet in one window.
//! - At most four people share an address (`cast.rs`).
//! - Privileged people use a second factor, wherever it is recorded.
//! - Everybody acts on resources of their own tenant.
//! - Every event has an actor, an origin and, where one is due, a resource; only expired sessions, which nobody
//!   calls, have no origin.
//! - A session rests for less than 15 minutes, and is used from one address.
//! - Keys are made before they are used, changed within 90 days and never revoked.
//! - Roles are assigned to others, after yet another has approved it.
//! - Reads name the classes of their data; uses and disclosures say whose, what for, on what basis and to whom. Who gets
//!   the newsletter has agreed to it.
//! - No event lies after its day.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::cast::{Actor, Cast, Tenant};
use super::consent::{SUBSCRIBERS, subscriber};
use super::day_start_us;
use super::event::{Event, HOUR_US, MINUTE_US, SECOND_US};

/// The background of one day, not yet in order.
pub(super) fn day<'c>(cast: &'c Cast, chance: &mut ChaCha8Rng, day: i64) -> Vec<Event<'c>> {
    let mut events = Vec::with_capacity(4_000);
    if day % 30 == 0 {
        events.extend(cast.tenants.iter().map(|tenant| new_key(tenant, day)));
    }
    // The first day, 1 January 2026, is a Thursday.
    let weekend = matches!((day + 3) % 7, 5 | 6);
    let present_percent = if weekend { 18 } else { 88 };
    for tenant in &cast.tenants {
        for number in 0..tenant.people.len() {
            if chance.random_ratio(present_percent, 100) {
                working_day(&mut events, chance, tenant, number, day);
            }
        }
        for service in &tenant.services {
            rounds(&mut events, chance, tenant, service, day);
        }
    }
    events
}

/// The key of a tenant's scheduler is made on the first day, before its first use, and changed every 30 days.
fn new_key(tenant: &Tenant, day: i64) -> Event<'_> {
    let event_type = if day == 0 { "api_key.created" } else { "api_key.rotated" };
    Event::by(&tenant.people[0], tenant, event_type, day_start_us(day)).on("api_key", scheduler_key(tenant))
}

fn scheduler_key(tenant: &Tenant) -> String {
    format!("key-{}-scheduler", tenant.id)
}

/// One session of one person: failed attempts, login, work, logout.
fn working_day<'c>(events: &mut Vec<Event<'c>>, chance: &mut ChaCha8Rng, tenant: &'c Tenant, number: usize, day: i64) {
    let person = &tenant.people[number];
    let privileged = number < tenant.privileged;
    let session = format!("ses-{}-{:03}-{day:02}", tenant.id, number + 1);
    let mut at = day_start_us(day) + chance.random_range(5 * HOUR_US..9 * HOUR_US);
    for _ in 0..failures(chance) {
        events.push(Event::login(person, tenant, at, "failure", false));
        at += chance.random_range(5 * SECOND_US..2 * MINUTE_US);
    }
    let mfa = privileged || chance.random_ratio(4, 5);
    events.push(in_session(Event::login(person, tenant, at, "success", mfa), &session));
    let work = chance.random_range(6..22);
    for _ in 0..work {
        at += chance.random_range(SECOND_US..15 * MINUTE_US);
        let mut deed = deed(chance, tenant, number, privileged, at);
        if deed.event_type == "role.assigned" {
            let approval_id = format!("ap-{}-{day:02}-{}", tenant.id, events.len());
            let approver = &tenant.people[(number + 1) % tenant.privileged];
            let approval = Event::by(approver, tenant, "approval.granted", at - 30 * SECOND_US);
            deed.approval_id = Some(approval_id);
            let (requester_id, approval_id) = (Some(person.id.as_str()), deed.approval_id.clone());
            events.push(Event { requester_id, approval_id, ..approval });
        }
        events.push(in_session(deed, &session));
    }
    at += chance.random_range(SECOND_US..20 * MINUTE_US);
    let last = if chance.random_ratio(3, 4) {
        Event::by(person, tenant, "user.logout", at)
    } else {
        Event { src_ip: None, ..Event::by(person, tenant, "session.expired", at) }
    };
    events.push(in_session(last, &session));
}

/// Failed attempts before a login: mostly none, never more than two.
fn failures(chance: &mut ChaCha8Rng) -> u32 {
    match chance.random_range(0..100) {
        0..8 => 1,
        8..10 => 2,
        _ => 0,
    }
}

fn in_session<'c>(mut event: Event<'c>, session: &str) -> Event<'c> {
    event.session_id = Some(session.to_owned());
    event
}

/// One thing that a person does.
fn deed<'c>(chance: &mut ChaCha8Rng, tenant: &'c Tenant, number: usize, privileged: bool, at: i64) -> Event<'c> {
    let person = &tenant.people[number];
    if privileged && chance.random_ratio(1, 6) {
        return administration(chance, tenant, number, at);
    }
    let by = |event_type| Event::by(person, tenant, event_type, at);
    match chance.random_range(0..100) {
        0..40 => read(chance, by("data.read")),
        40..54 => document(chance, by("data.updated")),
        54..64 => document(chance, by("data.created")),
        64..66 => document(chance, by("data.deleted")),
        66..80 => {
            let mut query = table(chance, by("query.executed"));
            query.row_count = Some(chance.random_range(0..50_000));
            query
        }
        80..83 => {
            let rows = chance.random_range(100..20_000);
            let mut export = table(chance, by("data.exported"));
            export.row_count = Some(rows);
            export.byte_count = Some(rows * chance.random_range(80..400));
            export
        }
        83..85 => Event { outcome: "denied", ..document(chance, by("access.denied")) },
        85..86 => by("audit.viewed").on("audit_log", format!("log-{}", tenant.id)),
        86..87 => {
            let shared = table(chance, by("data.shared")).about_nobody("reporting");
            Event { legal_basis: Some("contract"), dest_party: Some("partner-03"), ..shared }
        }
        _ => {
            let outcome = if chance.random_ratio(1, 50) { "failure" } else { "success" };
            Event { outcome, ..by("api.request").emitted_by("api") }
        }
    }
}

/// One thing that only privileged people do.
fn administration<'c>(chance: &mut ChaCha8Rng, tenant: &'c Tenant, number: usize, at: i64) -> Event<'c> {
    let person = &tenant.people[number];
    let others = tenant.people.len() - 1;
    let someone = tenant.people[(number + 1 + chance.random_range(0..others)) % tenant.people.len()].id.clone();
    let by = |event_type| Event { actor_roles: Some(person.roles), ..Event::by(person, tenant, event_type, at) };
    match chance.random_range(0..4) {
        0 => by("role.assigned").on("user", someone),
        1 => by("user.password_reset").on("user", someone),
        2 => by("api_key.rotated").on("api_key", format!("key-{:04}", chance.random_range(0..200))),
        _ => by("config.changed").on("setting", format!("set-{:02}", chance.random_range(0..60))),
    }
}

/// A document that is about somebody holds personal data, and now and then data about health.
fn read<'c>(chance: &mut ChaCha8Rng, event: Event<'c>) -> Event<'c> {
    let event = document(chance, event);
    if event.subject_id.is_none() {
        return event;
    }
    let health = chance.random_ratio(1, 10);
    let data_classes: &[&str] = if health { &["pii", "phi"] } else { &["pii"] };
    let purpose = Some(if health { "care" } else { "support" });
    Event { data_classes: Some(data_classes), purpose, ..event }
}

fn document<'c>(chance: &mut ChaCha8Rng, event: Event<'c>) -> Event<'c> {
    let id = format!("doc-{:05}", chance.random_range(0..4_000));
    let mut event = event.emitted_by("api").on("document", id);
    if chance.random_ratio(1, 4) {
        event.subject_id = Some(format!("p-{}-{:04}", event.tenant_id, chance.random_range(0..500)));
    }
    event
}

fn table<'c>(chance: &mut ChaCha8Rng, event: Event<'c>) -> Event<'c> {
    event.emitted_by("warehouse").on("table", format!("tbl-{:02}", chance.random_range(0..40)))
}

/// What a service does by itself, day and night: it has a name and no address.
fn rounds<'c>(events: &mut Vec<Event<'c>>, chance: &mut ChaCha8Rng, tenant: &'c Tenant, service: &'c Actor, day: i64) {
    for half_hour in 0..48 {
        let at = day_start_us(day) + half_hour * 30 * MINUTE_US + chance.random_range(0..10 * MINUTE_US);
        let by = |event_type| Event::by(service, tenant, event_type, at);
        events.push(match service.service {
            Some("backup") => {
                by("backup.succeeded").emitted_by("backup").on("volume", format!("vol-{:02}", half_hour % 12))
            }
            Some("deploy") if half_hour % 8 == 0 => {
                by("deploy.completed").emitted_by("deploy").on("service", "app".to_owned())
            }
            _ => {
                let mut step = table(chance, by("data.processed")).with_key(scheduler_key(tenant));
                step.row_count = Some(chance.random_range(0..5_000));
                if half_hour % 6 == 1 {
                    let subject_id = Some(subscriber(tenant.id, chance.random_range(0..SUBSCRIBERS)));
                    Event { subject_id, purpose: Some("newsletter"), legal_basis: Some("consent"), ..step }
                } else {
                    Event { legal_basis: Some("contract"), ..step.about_nobody("billing") }
                }
            }
        });
    }
}
