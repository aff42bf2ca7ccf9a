//! The log itself: fields that are missing, clocks that run ahead, sources that fall silent, logging that is stopped.

use sha2::{Digest, Sha256};

use super::super::cast::{ACME, BOREALIS, COBALT, DUNE, EMBER};
use super::super::event::{DAY_US, Event, HOUR_US, MINUTE_US, SECOND_US};
use super::super::{DAYS, FIRST_INGEST_AT, REPORT_AT, day_start_us};
use super::{Is, Writer};

/// A link of a chain.
#[derive(Debug, Clone)]
struct Link {
    time: i64,
    seq: i64,
    prev_hash: String,
    hash: String,
}

impl<'c> Writer<'c> {
    pub(super) fn missing_fields(&mut self) {
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
        let event = self.reach((BOREALIS, 12), BOREALIS, "user.password_reset");
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

    pub(super) fn complete_though_sparse(&mut self) {
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

    /// Rows that the first ingest reads, though their time is of the last day.
    pub(super) fn clocks_ahead(&mut self) {
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
            let event = self.reach((tenant, 14), tenant, "data.read").emitted_by("warehouse");
            let mark = self.script.note(is, "AL-LOG-010", event.tenant_id, what);
            let time = FIRST_INGEST_AT.timestamp_micros() + ahead;
            self.script.add_to(DAYS - 2, Event { time, mark, ..event });
        }
    }

    /// What verifiers of evidence found.
    pub(super) fn verifications(&mut self) {
        let cases = [
            (Is::Violation, COBALT, "evidence", "failure", "a file of a report is not the one that was logged"),
            (Is::NearMiss, EMBER, "evidence", "success", "evidence that was verified is as it was logged"),
            (Is::NearMiss, ACME, "policy", "failure", "a control over something else failed"),
        ];
        for (is, tenant, resource, outcome, what) in cases {
            let service = &self.tenant(tenant).services[0];
            let at = day_start_us(50) + 3 * HOUR_US;
            let event = Event::by(service, self.tenant(tenant), "control.evaluated", at).emitted_by("verifier");
            let event = Event { outcome, ..event.on(resource, format!("{resource}-01")) };
            self.script.enter(is, "AL-LOG-011", event, what);
        }
    }

    /// Sources that number and sign what they log; each of their chains is exactly what stands here.
    pub(super) fn chains(&mut self) {
        let mut broken = links();
        broken[4].prev_hash = digest("another link 4");
        self.chain(Is::Violation, (BOREALIS, "ledger"), broken, 4, "link 5 does not name the hash of link 4");
        let mut forked = links();
        forked.push(Link { hash: digest("another link 3"), time: forked[7].time + MINUTE_US, ..forked[2].clone() });
        self.chain(Is::Violation, (BOREALIS, "vault"), forked, 8, "a second link 3");
        let mut gap = links();
        gap.remove(5);
        self.chain(Is::Violation, (COBALT, "ledger"), gap, 5, "link 6 is missing");
        let mut twice = links();
        twice.push(Link { time: twice[7].time + MINUTE_US, ..twice[3].clone() });
        self.chain(Is::NearMiss, (ACME, "ledger"), twice, 8, "link 4 arrived twice, the same both times");
        let mut rested = links();
        rested[6..].iter_mut().for_each(|link| link.time += 15 * DAY_US);
        self.chain(Is::NearMiss, (ACME, "vault"), rested, 6, "link 7 came 15 days after link 6");
        let mut overtaken = links();
        overtaken[4].time -= 90 * SECOND_US;
        self.chain(Is::NearMiss, (EMBER, "ledger"), overtaken, 4, "link 5 says that it is older than link 4");
    }

    /// The links of a chain, which is named for its source; one of them is the entry.
    fn chain(&mut self, is: Is, of: (usize, &'static str), links: Vec<Link>, entry: usize, what: &str) {
        let (tenant, source) = of;
        let service = &self.tenant(tenant).services[0];
        for (number, link) in links.into_iter().enumerate() {
            let Link { time, seq, prev_hash, hash } = link;
            let event = Event::by(service, self.tenant(tenant), "data.created", time).emitted_by(source);
            let event = event.on("entry", format!("entry-{seq}"));
            let (seq, prev_hash, hash) = (Some(seq), Some(prev_hash), Some(hash));
            let event = Event { chain_id: Some(source), seq, prev_hash, hash, ..event };
            if number == entry {
                self.script.enter(is, "AL-LOG-001", event, format!("{source}: {what}"));
            } else {
                self.script.add(event);
            }
        }
    }

    /// Sources of their own, so that what they log and when is exactly what stands here.
    pub(super) fn silent_sources(&mut self) {
        // Hourly, so that five hours of silence are allowed.
        let hourly: Vec<i64> = (0..72).map(|hour| hour * HOUR_US).collect();
        let end = REPORT_AT.timestamp_micros();
        self.source(Is::Violation, (ACME, "vpn"), end - 9 * HOUR_US, &hourly, "hourly, and silent for 9 h");
        self.source(Is::Violation, (DUNE, "vpn"), end - 4 * DAY_US, &hourly, "hourly, and silent for 4 days");
        self.source(Is::NearMiss, (EMBER, "vpn"), end - 5 * HOUR_US, &hourly, "hourly, and silent for exactly 5 h");
        // Twice a day, so that 60 hours are.
        let twice: Vec<i64> = (0..20).map(|half| half * 12 * HOUR_US).collect();
        self.source(Is::NearMiss, (COBALT, "batch"), end - 50 * HOUR_US, &twice, "twice a day, and silent for 50 h");
        self.source(
            Is::NearMiss,
            (BOREALIS, "import"),
            end - 20 * DAY_US,
            &hourly[..5],
            "five arrivals make no rhythm",
        );
    }

    /// A source whose events lie so long before its last one.
    fn source(&mut self, is: Is, of: (usize, &'static str), last: i64, before: &[i64], what: &str) {
        let (tenant, source) = of;
        let service = &self.tenant(tenant).services[0];
        for (number, offset) in before.iter().enumerate() {
            let event = Event::by(service, self.tenant(tenant), "api.request", last - offset).emitted_by(source);
            if number == 0 {
                self.script.enter(is, "AL-LOG-002", event, format!("{source}: {what}"));
            } else {
                self.script.add(event);
            }
        }
    }

    pub(super) fn logging_stopped(&mut self) {
        let cases = [
            (Is::Violation, BOREALIS, "audit.paused", "success", None, "logging paused without reference"),
            (Is::Violation, EMBER, "audit.config_changed", "success", None, "logging reconfigured without reference"),
            (Is::NearMiss, ACME, "audit.config_changed", "success", Some("CHG-1041"), "reconfigured with a ticket"),
            (Is::NearMiss, COBALT, "audit.paused", "denied", None, "an attempt to pause that was denied"),
        ];
        for (is, tenant, event_type, outcome, ticket_ref, what) in cases {
            let (at, person) = (self.daytime(), self.person(tenant, 1));
            let event = Event::by(person, self.tenant(tenant), event_type, at);
            let event = Event { outcome, ticket_ref, ..event.on("trail", "trail-main".to_owned()) };
            self.script.enter(is, "AL-LOG-008", event, what);
            if outcome == "success" && event_type == "audit.paused" {
                let resumed = Event::by(person, self.tenant(tenant), "audit.resumed", at + 2 * HOUR_US);
                self.script.add(resumed.on("trail", "trail-main".to_owned()));
            }
        }
    }
}

/// Eight links as they should be, a minute apart. Nobody computes their hashes again, so a link hashes its number.
fn links() -> Vec<Link> {
    let link = |seq: i64| Link {
        time: day_start_us(40) + 11 * HOUR_US + seq * MINUTE_US,
        seq,
        prev_hash: if seq == 1 { "0".repeat(64) } else { digest(&format!("link {}", seq - 1)) },
        hash: digest(&format!("link {seq}")),
    };
    (1..=8).map(link).collect()
}

fn digest(text: &str) -> String {
    engine::hex(&Sha256::digest(text))
}
