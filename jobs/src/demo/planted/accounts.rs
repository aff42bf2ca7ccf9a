//! Accounts, their passwords, keys and second factors.

use super::super::cast::{ACME, BOREALIS, COBALT, DUNE, EMBER};
use super::super::event::{DAY_US, Event, HOUR_US};
use super::super::{REPORT_AT, day_start_us};
use super::{Is, Writer};

impl<'c> Writer<'c> {
    pub(super) fn passwords(&mut self) {
        let limit = REPORT_AT.timestamp_micros() - 90 * DAY_US;
        let cases = [
            (Is::Violation, (ACME, 35), limit - 30 * DAY_US, false, "password changed 120 days ago"),
            (Is::Violation, (BOREALIS, 25), limit - 1, false, "password changed 90 days and 1 µs ago"),
            (Is::NearMiss, (COBALT, 20), limit, false, "password changed exactly 90 days ago"),
            (Is::NearMiss, (DUNE, 20), limit - 300 * DAY_US, true, "old password beside a second factor"),
        ];
        for (is, (tenant, number), changed_at, mfa_enrolled, what) in cases {
            let person = self.person(tenant, number);
            let account = self.script.account(person.tenant, &person.id);
            account.password_changed_at = Some(changed_at);
            account.mfa_enrolled = Some(mfa_enrolled);
            self.script.enter_row(is, "AL-AUTH-009", person.tenant, &person.id, what);
        }
    }

    pub(super) fn keys(&mut self) {
        let limit = REPORT_AT.timestamp_micros() - 90 * DAY_US;
        let made = [
            (Is::Violation, BOREALIS, "created", limit - 12 * DAY_US, "created 102 days ago"),
            (Is::Violation, COBALT, "rotated", limit - 1, "rotated 90 days and 1 µs ago"),
            (Is::NearMiss, ACME, "created", limit, "created exactly 90 days ago"),
        ];
        for (is, tenant, how, at, what) in made {
            let event_type = if how == "created" { "api_key.created" } else { "api_key.rotated" };
            let key = format!("key-{}-old", self.tenant(tenant).id);
            if how == "rotated" {
                let created = self.key_event(tenant, "api_key.created", &key, at - 200 * DAY_US);
                self.script.add(created);
            }
            let event = self.key_event(tenant, event_type, &key, at);
            self.script.enter(is, "AL-AUTH-010", event, format!("key {what}"));
        }
        let key = "key-dune-revoked".to_owned();
        let revoked_at = day_start_us(20) + 10 * HOUR_US;
        for (event_type, at) in [("api_key.created", revoked_at - 40 * DAY_US), ("api_key.revoked", revoked_at)] {
            let event = self.key_event(DUNE, event_type, &key, at);
            self.script.add(event);
        }
        let uses = [
            (Is::Violation, "success", 1, "key used 1 µs after it was revoked"),
            (Is::Violation, "success", 5 * DAY_US, "key used 5 days after it was revoked"),
            (Is::NearMiss, "denied", 6 * DAY_US, "use of a revoked key that was denied"),
            (Is::NearMiss, "success", -DAY_US, "key used a day before it was revoked"),
        ];
        for (is, outcome, after, what) in uses {
            let (tenant, service) = (self.tenant(DUNE), &self.tenant(DUNE).services[0]);
            let event = Event::by(service, tenant, "api.request", revoked_at + after).with_key(key.clone());
            self.script.enter(is, "AL-AUTH-010", Event { outcome, ..event }, what);
        }
    }

    fn key_event(&self, tenant: usize, event_type: &'static str, key: &str, at: i64) -> Event<'c> {
        Event::by(self.person(tenant, 1), self.tenant(tenant), event_type, at).on("api_key", key.to_owned())
    }

    pub(super) fn factors_switched_off(&mut self) {
        let cases = [
            (Is::Violation, (ACME, 31), None, "second factor switched off for good"),
            (Is::Violation, (EMBER, 8), Some(("user.mfa_enabled", DAY_US + 1)), "restored a day and 1 µs later"),
            (Is::NearMiss, (BOREALIS, 31), Some(("user.mfa_enabled", DAY_US)), "restored a day later"),
            (Is::NearMiss, (DUNE, 22), Some(("user.disabled", HOUR_US)), "account disabled an hour later"),
        ];
        for (is, (tenant, number), restored, what) in cases {
            let (at, admin, person) = (self.daytime(), self.person(tenant, 1), self.person(tenant, number));
            let event = self.on_account(admin, tenant, "user.mfa_disabled", person, at);
            self.script.enter(is, "AL-AUTH-011", event, what);
            if let Some((event_type, after)) = restored {
                let event = self.on_account(admin, tenant, event_type, person, at + after);
                self.script.add(event);
            }
        }
    }
}
