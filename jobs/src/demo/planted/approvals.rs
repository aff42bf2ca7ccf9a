//! Roles that are assigned, and the approvals they rest on.

use super::super::cast::{ACME, BOREALIS, COBALT, DUNE};
use super::super::event::{DAY_US, Event, MINUTE_US};
use super::{Is, Writer};

impl<'c> Writer<'c> {
    pub(super) fn roles_without_approval(&mut self) {
        let cases = [
            (Is::Violation, ACME, None, "role assigned without naming an approval"),
            (Is::Violation, BOREALIS, Some(("approval.granted", 1)), "approval granted 1 µs after the role"),
            (Is::Violation, COBALT, Some(("approval.denied", -DAY_US)), "role assigned although it was denied"),
            (Is::NearMiss, DUNE, Some(("approval.granted", 0)), "approval granted at the same instant"),
        ];
        for (is, tenant, decision, what) in cases {
            let at = self.daytime();
            let approval_id = decision.map(|_| format!("ap-{}-late", self.tenant(tenant).id));
            let event = self.role_assigned((tenant, 1), (tenant, 12), at);
            self.script.enter(is, "AL-ACC-001", Event { approval_id: approval_id.clone(), ..event }, what);
            if let Some((event_type, after)) = decision {
                let decision = self.decision((tenant, 2), (tenant, 1), event_type, at + after);
                self.script.add(Event { approval_id, ..decision });
            }
        }
    }

    pub(super) fn self_approvals(&mut self) {
        let approvals = [
            (Is::Violation, BOREALIS, "approval.granted", "success", "granted what the actor had asked for"),
            (Is::NearMiss, COBALT, "approval.denied", "success", "denied what the actor had asked for"),
            (Is::NearMiss, DUNE, "approval.granted", "denied", "a self-approval that was denied"),
        ];
        for (is, tenant, event_type, outcome, what) in approvals {
            let at = self.daytime();
            let event = self.decision((tenant, 1), (tenant, 1), event_type, at);
            let approval_id = Some(format!("ap-{}-self", self.tenant(tenant).id));
            self.script.enter(is, "AL-ACC-002", Event { outcome, approval_id, ..event }, what);
        }
        // Approved by somebody else, so only the receiver is wrong.
        let at = self.daytime();
        let approval_id = Some("ap-acme-own".to_owned());
        let granted = self.decision((ACME, 2), (ACME, 1), "approval.granted", at - 5 * MINUTE_US);
        self.script.add(Event { approval_id: approval_id.clone(), ..granted });
        let event = Event { approval_id, ..self.role_assigned((ACME, 1), (ACME, 1), at) };
        self.script.enter(Is::Violation, "AL-ACC-002", event, "assigned a role to the own account");
    }

    fn role_assigned(&self, by: (usize, usize), to: (usize, usize), at: i64) -> Event<'c> {
        let event = self.on_account(self.person(by.0, by.1), by.0, "role.assigned", self.person(to.0, to.1), at);
        Event { actor_roles: Some(self.person(by.0, by.1).roles), ..event }
    }

    fn decision(&self, by: (usize, usize), asked: (usize, usize), event_type: &'static str, at: i64) -> Event<'c> {
        let event = Event::by(self.person(by.0, by.1), self.tenant(by.0), event_type, at);
        Event { requester_id: Some(&self.person(asked.0, asked.1).id), ..event }
    }
}
