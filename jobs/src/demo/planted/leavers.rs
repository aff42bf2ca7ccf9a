//! People who left, and what their accounts did afterwards.

use super::super::REPORT_AT;
use super::super::cast::{ACME, BOREALIS, COBALT, DUNE, EMBER};
use super::super::day_start_us;
use super::super::event::{DAY_US, Event, HOUR_US};
use super::{Is, Writer};

impl<'c> Writer<'c> {
    pub(super) fn leavers(&mut self) {
        let left = |day: i64| day_start_us(day) + 17 * HOUR_US;
        // Late only where more than 24 hours lie between.
        self.left(Is::NearMiss, BOREALIS, left(20), Some(20 * HOUR_US), "disabled 20 h after the person had left");
        self.left(Is::Violation, COBALT, left(30), Some(DAY_US + 1), "disabled a day and 1 µs after");
        self.left(Is::Violation, ACME, left(10), None, "still enabled 50 days after the person had left");
        self.left(Is::NearMiss, DUNE, left(40), Some(DAY_US), "disabled exactly a day after");
        let end = REPORT_AT.timestamp_micros();
        self.left(Is::NearMiss, EMBER, end - 12 * HOUR_US, None, "still enabled 12 h after the person had left");

        self.did(Is::Violation, BOREALIS, left(20) + 3 * HOUR_US, "success", "read 3 h after the person had left");
        self.did(Is::Violation, COBALT, left(30) + 1, "success", "read 1 µs after the person had left");
        self.did(Is::NearMiss, ACME, left(10), "success", "read at the instant of leaving");
        self.did(Is::NearMiss, DUNE, left(40) + HOUR_US, "denied", "read after leaving that was denied");
    }

    fn left(&mut self, is: Is, tenant: usize, terminated_at: i64, disabled_after: Option<i64>, what: &str) {
        let leaver = &self.cast.leavers[tenant];
        let account = self.script.account(leaver.tenant, &leaver.id);
        account.terminated_at = Some(terminated_at);
        account.disabled_at = disabled_after.map(|after| terminated_at + after);
        account.state = if disabled_after.is_some() { "disabled" } else { "enabled" };
        self.script.enter_row(is, "AL-ACC-004", leaver.tenant, &leaver.id, what);
    }

    fn did(&mut self, is: Is, tenant: usize, at: i64, outcome: &'static str, what: &str) {
        let leaver = &self.cast.leavers[tenant];
        let event = Event::by(leaver, self.tenant(tenant), "data.read", at).on("document", "doc-00002".to_owned());
        self.script.enter(is, "AL-ACC-003", Event { outcome, ..event.emitted_by("api") }, what);
    }
}
