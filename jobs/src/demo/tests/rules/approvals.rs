//! Rules over roles and the approvals they rest on.

use chrono::Duration;

use super::{Lake, Row};

pub(super) fn roles_without_approval(lake: &Lake) -> Vec<(&'static str, &Row)> {
    let decides = |row: &Row| (row.is("approval.granted") && row.succeeded()) || row.is("approval.denied");
    let decisions = lake.by(|row| row.approval_id.as_ref(), decides);
    let assigned = lake.rows.iter().filter(|row| row.is("role.assigned") && row.succeeded());
    let unapproved = assigned.filter(|row| {
        let named = row.approval_id.as_deref().and_then(|id| decisions.get(&(row.tenant_id.as_str(), id)));
        let last = named.and_then(|all| all.iter().rfind(|decision| decision.time <= row.time));
        !last.is_some_and(|last| last.is("approval.granted") && row.time - last.time <= Duration::days(90))
    });
    unapproved.map(|row| ("AL-ACC-001", row)).collect()
}

pub(super) fn self_approved(row: &Row) -> bool {
    row.succeeded()
        && ((row.is("approval.granted") && row.requester_id.as_ref().expect("somebody asked") == &row.actor_id)
            || (row.is("role.assigned") && row.resource_id.as_ref().expect("somebody got it") == &row.actor_id))
}
