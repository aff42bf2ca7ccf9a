//! What data is used for: reads and disclosures without purpose, processing without consent.

use super::super::cast::{ACME, BOREALIS, COBALT, DUNE, EMBER};
use super::super::consent::Statement;
use super::super::event::{DAY_US, Event, HOUR_US};
use super::{Is, Writer};

/// What somebody said: state, minutes before the event, minutes until it expires.
type Said = (&'static str, i64, Option<i64>);
/// A use of data on a legal basis, with what was said before.
type Case = (Is, usize, &'static str, &'static [Said], &'static str);

impl<'c> Writer<'c> {
    pub(super) fn sensitive_reads(&mut self) {
        let cases: [(Is, usize, &'static [&'static str], _, _, &str); 5] = [
            (Is::Violation, ACME, &["phi"], None, "success", "health data read without purpose"),
            (Is::Violation, DUNE, &["pii", "pan"], Some("-"), "success", "card numbers read for a dash"),
            (Is::NearMiss, BOREALIS, &["pii"], None, "success", "a name read without purpose"),
            (Is::NearMiss, COBALT, &["special"], Some("care"), "success", "sensitive data read for a purpose"),
            (Is::NearMiss, EMBER, &["minor"], None, "denied", "a read without purpose that was denied"),
        ];
        for (is, tenant, classes, purpose, outcome, what) in cases {
            let event = self.reach((tenant, 15), tenant, "data.read");
            let event = Event { outcome, purpose, data_classes: Some(classes), ..event };
            self.script.enter(is, "AL-DATA-002", event, what);
        }
    }

    pub(super) fn disclosures(&mut self) {
        let cases = [
            (Is::Violation, COBALT, None, "contract", "success", "shared with nobody knows whom"),
            (Is::Violation, EMBER, Some("partner-07"), "n/a", "success", "shared on no legal basis"),
            (Is::NearMiss, ACME, Some("partner-07"), "contract", "success", "shared with a complete record"),
            (Is::NearMiss, DUNE, None, "contract", "denied", "an incomplete disclosure that was denied"),
        ];
        for (is, tenant, dest_party, legal_basis, outcome, what) in cases {
            let event = self.reach((tenant, 16), tenant, "data.shared");
            let event =
                Event { outcome, dest_party, legal_basis: Some(legal_basis), ..event }.about_nobody("reporting");
            self.script.enter(is, "AL-DATA-005", event, what);
        }
    }

    /// Statements are so long before or after the use; each scene has a person of its own.
    pub(super) fn consents(&mut self) {
        let none: &[(&'static str, i64, Option<i64>)] = &[];
        let cases = [
            (Is::Violation, ACME, "consent", none, "newsletter without any consent"),
            (
                Is::Violation,
                DUNE,
                "consent",
                &[("granted", -30 * DAY_US, Some(0))],
                "consent expired at the instant of the use",
            ),
            (Is::NearMiss, BOREALIS, "consent", &[("granted", 0, None)], "consent given at the same instant"),
            (Is::NearMiss, COBALT, "contract", none, "no consent, and none relied on"),
        ];
        for (number, (is, tenant, basis, statements, what)) in cases.into_iter().enumerate() {
            let event = self.use_of_data(tenant, "data.processed", basis, &format!("basis{number}"), statements);
            self.script.enter(is, "AL-CON-001", event, what);
        }
        let cases: [Case; 4] = [
            (
                Is::Violation,
                BOREALIS,
                "data.processed",
                &[("granted", -9 * DAY_US, None), ("withdrawn", -HOUR_US, None)],
                "processed an hour after the withdrawal",
            ),
            (Is::Violation, EMBER, "data.shared", &[("opt_out", -1, None)], "shared 1 µs after the opt-out"),
            (
                Is::NearMiss,
                ACME,
                "data.processed",
                &[("withdrawn", -9 * DAY_US, None), ("granted", -DAY_US, None)],
                "given again after a withdrawal",
            ),
            (Is::NearMiss, COBALT, "data.processed", &[("withdrawn", 1, None)], "processed 1 µs before the withdrawal"),
        ];
        for (number, (is, tenant, event_type, statements, what)) in cases.into_iter().enumerate() {
            let subject = format!("stop{number}");
            let event = self.use_of_data(tenant, event_type, "legitimate_interest", &subject, statements);
            self.script.enter(is, "AL-CON-002", event, what);
        }
    }

    /// A use of one person's data for the newsletter, and what that person had said about it.
    fn use_of_data(
        &mut self,
        tenant: usize,
        event_type: &'static str,
        basis: &'static str,
        subject: &str,
        statements: &[(&'static str, i64, Option<i64>)],
    ) -> Event<'c> {
        let subject = format!("p-{}-{subject}", self.tenant(tenant).id);
        let event = self.reach((tenant, 17), tenant, event_type);
        for (number, (state, after, expires_after)) in statements.iter().enumerate() {
            self.script.statements.push(Statement {
                tenant_id: event.tenant_id,
                consent_id: format!("con-{subject}-{number}"),
                subject_id: subject.clone(),
                purpose: "newsletter",
                time: event.time + after,
                state,
                expires_at: expires_after.map(|after| event.time + after),
            });
        }
        Event {
            subject_id: Some(subject),
            purpose: Some("newsletter"),
            legal_basis: Some(basis),
            dest_party: (event_type == "data.shared").then_some("partner-07"),
            ..event
        }
    }
}
