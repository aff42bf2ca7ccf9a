//! Sessions that rest, and accounts that several people use.

use super::super::cast::{ACME, Actor, BOREALIS, COBALT, EMBER};
use super::super::event::{Event, HOUR_US, MINUTE_US};
use super::{Is, Writer, minutes};

/// A session of a person: events with their minutes after the login.
type Rest = (Is, (usize, usize), &'static [(&'static str, i64)], &'static str);
/// Session and address of each event.
type Steps = [(&'static str, Option<&'static str>); 5];
/// An account in several sessions.
type Shared = (Is, (usize, usize), Steps, &'static str);

impl<'c> Writer<'c> {
    /// Events of one session from the person's own address; the last is the entry.
    pub(super) fn idle_sessions(&mut self) {
        let cases: [Rest; 4] = [
            (Is::Violation, (ACME, 40), &[("data.read", 10), ("data.read", 26)], "went on after 16 min of rest"),
            (Is::Violation, (EMBER, 20), &[("data.read", 5), ("data.updated", 850)], "went on after 14 h of rest"),
            (Is::NearMiss, (BOREALIS, 40), &[("data.read", 15), ("data.read", 30)], "rests of exactly 15 min"),
            (
                Is::NearMiss,
                (COBALT, 30),
                &[("session.reauthenticated", 40), ("data.read", 50)],
                "authenticated again after 40 min of rest",
            ),
        ];
        for (number, (is, (tenant, person), deeds, what)) in cases.into_iter().enumerate() {
            let (at, person) = (self.night() + 3 * HOUR_US, self.person(tenant, person));
            let session = format!("ses-{}-rest-{number}", person.id);
            let address = person.address.as_deref();
            self.logged_in(person, tenant, at, address, &session);
            for (index, &(event_type, after)) in deeds.iter().enumerate() {
                let event = self.in_session(person, tenant, event_type, at + after * MINUTE_US, address, &session);
                if index + 1 == deeds.len() {
                    self.script.enter(is, "AL-AUTH-007", event, what);
                } else {
                    self.script.add(event);
                }
            }
        }
    }

    /// At night, so that nobody's ordinary session comes in between.
    pub(super) fn shared_accounts(&mut self) {
        // Session and address of each event, a minute apart; `None` is the person's own address.
        let near = Some("198.51.100.250");
        let away = Some("203.0.113.200");
        let cases: [Shared; 3] = [
            (
                Is::Violation,
                (ACME, 50),
                [("a", None), ("a", None), ("b", away), ("b", away), ("a", None)],
                "two sessions by turns from two networks",
            ),
            (
                Is::NearMiss,
                (BOREALIS, 50),
                [("a", None), ("a", away), ("a", None), ("a", away), ("a", None)],
                "one session that moves between networks",
            ),
            (
                Is::NearMiss,
                (COBALT, 35),
                [("a", None), ("a", None), ("b", near), ("b", near), ("a", None)],
                "two sessions by turns in one network",
            ),
        ];
        for (is, (tenant, person), uses, what) in cases {
            let (night, person) = (self.night(), self.person(tenant, person));
            for (index, ((session, address), after)) in uses.into_iter().zip(minutes(&[0, 1, 2, 3, 4])).enumerate() {
                let (session, address) =
                    (format!("ses-{}-{session}", person.id), address.or(person.address.as_deref()));
                let first = uses[..index].iter().all(|(earlier, _)| !session.ends_with(&format!("-{earlier}")));
                if first {
                    self.logged_in(person, tenant, night + after, address, &session);
                    continue;
                }
                let event = self.in_session(person, tenant, "data.read", night + after, address, &session);
                if index + 1 == uses.len() {
                    self.script.enter(is, "AL-AUTH-008", event, what);
                } else {
                    self.script.add(event);
                }
            }
        }
        let logins = [
            (Is::Violation, "success", "first login to the desk's account"),
            (Is::Violation, "success", "second login to the desk's account"),
            (Is::NearMiss, "failure", "a login to the desk's account that failed"),
        ];
        for (number, (is, outcome, what)) in logins.into_iter().enumerate() {
            let (at, desk) = (self.daytime(), &self.cast.desk);
            let login = Event::login(desk, self.tenant(COBALT), at, outcome, true);
            let session = (outcome == "success").then(|| format!("ses-{}-{number}", desk.id));
            self.script.enter(is, "AL-AUTH-008", Event { session_id: session, ..login }, what);
        }
    }

    fn logged_in(&mut self, person: &'c Actor, tenant: usize, at: i64, address: Option<&'c str>, session: &str) {
        let login = Event::login(person, self.tenant(tenant), at, "success", true);
        self.script.add(Event { src_ip: address, session_id: Some(session.to_owned()), ..login });
    }

    fn in_session(
        &self,
        person: &'c Actor,
        tenant: usize,
        event_type: &'static str,
        at: i64,
        address: Option<&'c str>,
        session: &str,
    ) -> Event<'c> {
        let event = Event::by(person, self.tenant(tenant), event_type, at);
        let event = if event_type.starts_with("data.") { event.on("document", "doc-00001".to_owned()) } else { event };
        Event { src_ip: address, session_id: Some(session.to_owned()), ..event }
    }
}
