//! Requests of data subjects that take long. Each came in at noon, so that no zone moves its days.

use super::super::cast::{ACME, BOREALIS, COBALT, DUNE, EMBER};
use super::super::day_start_us;
use super::super::event::{DAY_US, HOUR_US};
use super::super::requests::Request;
use super::{Is, Writer};

impl Writer<'_> {
    pub(super) fn slow_requests(&mut self) {
        let cases = [
            (Is::Violation, ACME, "gdpr", 10, None, None, "open 20 days after its due day"),
            (Is::Violation, COBALT, "gdpr", 8, None, Some(31), "answered on the 31st day"),
            (Is::NearMiss, BOREALIS, "gdpr", 8, None, Some(30), "answered on the 30th day"),
            (Is::NearMiss, DUNE, "gdpr", 5, Some(20), None, "open after 55 days, extended in time"),
            (Is::NearMiss, EMBER, "ccpa", 18, None, None, "open on the 41st of 45 days"),
        ];
        for (is, tenant, jurisdiction, day, extended_after, closed_after, what) in cases {
            let tenant_id = self.tenant(tenant).id;
            let received_at = day_start_us(day) + 12 * HOUR_US;
            let request_id = format!("req-{tenant_id}-slow");
            self.script.enter_row(is, "AL-DSR-001", tenant_id, &request_id, what);
            self.script.requests.push(Request {
                tenant_id,
                request_id,
                subject_id: format!("p-{tenant_id}-0300"),
                r#type: "know",
                jurisdiction,
                received_at,
                extended_at: extended_after.map(|days: i64| received_at + days * DAY_US),
                closed_at: closed_after.map(|days: i64| received_at + days * DAY_US),
                state: if closed_after.is_some() { "fulfilled" } else { "open" },
                revision: 1,
            });
        }
    }
}
