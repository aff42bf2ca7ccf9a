//! People of one tenant at resources of another.

use super::super::cast::{ACME, BOREALIS, COBALT, DUNE, EMBER};
use super::super::event::Event;
use super::{Is, Writer};

impl Writer<'_> {
    pub(super) fn cross_tenant(&mut self) {
        let reaches = [
            ((BOREALIS, 13), ACME, "data.read"),
            ((BOREALIS, 13), ACME, "data.updated"),
            ((EMBER, 9), BOREALIS, "data.read"),
            ((EMBER, 9), BOREALIS, "data.exported"),
            ((ACME, 21), EMBER, "data.read"),
            ((ACME, 22), EMBER, "data.read"),
            ((ACME, 22), EMBER, "data.deleted"),
        ];
        for (from, to, event_type) in reaches {
            let event = self.reach(from, to, event_type);
            let what = format!("{event_type} by a person of {}", self.tenant(from.0).id);
            self.script.enter(Is::Violation, "AL-ACC-008", event, what);
        }
        let denied = Event { outcome: "denied", ..self.reach((DUNE, 11), ACME, "access.denied") };
        self.script.enter(Is::NearMiss, "AL-ACC-008", denied, "an attempt to cross that was denied");
        let shared = Event { resource_tenant_id: None, ..self.reach((ACME, 23), COBALT, "data.read") };
        self.script.enter(Is::NearMiss, "AL-ACC-008", shared, "a resource that belongs to no tenant");
    }
}
