//! Attempts to log in: bursts, sprays, lock-outs, logins without second factor, logins after a burst.

use super::super::cast::{ACME, BOREALIS, COBALT, DUNE, EMBER};
use super::super::event::{Event, HOUR_US, MINUTE_US, SECOND_US};
use super::super::{DAYS, day_start_us};
use super::{Is, Writer, minutes, seconds};
use rand::Rng;

impl<'c> Writer<'c> {
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

    pub(super) fn bursts(&mut self) {
        let night = self.night();
        self.attempts(Is::Violation, (ACME, 5), night, &seconds(&[0, 20, 41, 63, 90]), 4, "5 failed logins in 90 s");
        // The window runs empty between the two, so they are two findings.
        let night = self.night();
        self.attempts(Is::Violation, (ACME, 6), night, &minutes(&[0, 1, 2, 3, 4]), 4, "first of two bursts");
        // Both together are more than 10 failures in a row, so the account locks in between.
        let locked =
            self.on_account(self.person(ACME, 1), ACME, "user.locked", self.person(ACME, 6), night + 5 * MINUTE_US);
        self.script.add(locked);
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

    pub(super) fn near_bursts(&mut self) {
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

    /// Failed logins of one account five minutes apart: too slow for a burst, and too many in a row.
    fn slow_attempts(&mut self, victim: (usize, usize), first: i64, number: usize) -> Vec<Event<'c>> {
        let (tenant, person) = (self.tenant(victim.0), self.person(victim.0, victim.1));
        let from = self.attacker();
        let attempt = |attempt: usize| {
            let time = first + i64::try_from(attempt).unwrap_or_default() * 5 * MINUTE_US;
            Event { src_ip: Some(from), ..Event::login(person, tenant, time, "failure", false) }
        };
        (0..number).map(attempt).collect()
    }

    pub(super) fn lock_outs(&mut self) {
        let cases = [
            (Is::Violation, (BOREALIS, 7), 12, None, 10, "12 failed logins in a row and no lock"),
            (Is::Violation, (EMBER, 6), 11, Some(MINUTE_US + 1), 10, "locked a minute and 1 µs after the 11th failure"),
            (Is::NearMiss, (DUNE, 6), 11, Some(MINUTE_US), 10, "locked a minute after the 11th failure"),
            (Is::NearMiss, (COBALT, 7), 8, None, 7, "8 failed logins in a row and no lock"),
        ];
        for (is, victim, number, locked_after, entry, what) in cases {
            let night = self.night();
            for (attempt, event) in self.slow_attempts(victim, night, number).into_iter().enumerate() {
                let failed_at = event.time;
                if attempt != entry {
                    self.script.add(event);
                    continue;
                }
                self.script.enter(is, "AL-AUTH-002", event, what);
                if let Some(after) = locked_after {
                    let (admin, victim) =
                        (&self.tenant(victim.0).services[0], (victim.0, self.person(victim.0, victim.1)));
                    let lock = self.on_account(admin, victim.0, "user.locked", victim.1, failed_at + after);
                    self.script.add(lock);
                }
            }
        }
    }

    pub(super) fn early_unlocks(&mut self) {
        let cases = [
            (Is::Violation, ACME, 12 * MINUTE_US, None, "unlocked after 12 min without approval"),
            (Is::Violation, DUNE, 30 * MINUTE_US - 1, None, "unlocked 1 µs before half an hour was over"),
            (Is::NearMiss, ACME, 12 * MINUTE_US, Some("ap-unlock-1"), "unlocked after 12 min with an approval"),
            (Is::NearMiss, BOREALIS, 30 * MINUTE_US, None, "unlocked after exactly half an hour"),
        ];
        for (is, tenant, after, approval, what) in cases {
            let (at, admin, person) = (self.daytime(), self.person(tenant, 1), self.person(tenant, 8));
            let lock = self.on_account(&self.tenant(tenant).services[0], tenant, "user.locked", person, at);
            self.script.add(lock);
            let unlock = self.on_account(admin, tenant, "user.unlocked", person, at + after);
            let unlock = Event { approval_id: approval.map(str::to_owned), ..unlock };
            self.script.enter(is, "AL-AUTH-002", unlock, what);
        }
    }

    /// Failures of one account a minute apart and a success a minute after the last; the fifth is a burst.
    pub(super) fn successes_after_bursts(&mut self) {
        let cases = [
            (Is::Violation, (ACME, 25), 6, None, "logged in after 6 failures in 6 min, and no incident"),
            (Is::Violation, (COBALT, 25), 5, Some(24 * HOUR_US + 1), "incident opened a day and 1 µs after the login"),
            (Is::NearMiss, (BOREALIS, 25), 5, Some(24 * HOUR_US), "incident opened a day after the login"),
            (Is::NearMiss, (DUNE, 25), 7, Some(-3 * MINUTE_US), "incident opened while the burst went on"),
            (Is::NearMiss, (EMBER, 25), 4, None, "logged in after 4 failures"),
        ];
        for (is, victim, failures, answered_after, what) in cases {
            let night = self.night();
            let offsets = minutes(&(0..failures).collect::<Vec<i64>>());
            let (burst, entry) = if failures < 5 { (Is::NearMiss, 3) } else { (Is::Violation, 4) };
            self.attempts(burst, victim, night, &offsets, entry, &format!("{failures} failed logins, then a success"));
            let (tenant, person, from) = (self.tenant(victim.0), self.person(victim.0, victim.1), self.attacker());
            let at = night + failures * MINUTE_US;
            let login = Event { src_ip: Some(from), ..Event::login(person, tenant, at, "success", true) };
            let login = Event { session_id: Some(format!("ses-{}-guessed", person.id)), ..login };
            self.script.enter(is, "AL-AUTH-006", login, what);
            if let Some(after) = answered_after {
                let incident =
                    self.on_account(self.person(victim.0, 1), victim.0, "incident.opened", person, at + after);
                self.script.add(incident);
            }
        }
    }

    pub(super) fn logins_without_mfa(&mut self) {
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
        let session_id = Some("ses-cobalt-readonly".to_owned());
        let plain = Event { actor_roles: Some(&["admin_readonly"]), session_id, ..plain };
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

    pub(super) fn sprays(&mut self) {
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
}
