//! The six shipped controls, by brute force: slow, short, and independent of their SQL.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;

/// Status by control, for the tenants in order of name.
pub(super) type Statuses = BTreeMap<&'static str, [&'static str; 5]>;

/// A line of a source file. A key that is not listed here is refused, so that no column goes unnoticed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "columns that no rule reads are listed so that others are refused")]
pub(super) struct Row {
    pub(super) event_id: String,
    pub(super) time: DateTime<Utc>,
    pub(super) tenant_id: String,
    source: String,
    event_type: String,
    pub(super) outcome: String,
    actor_id: String,
    actor_type: String,
    actor_tenant_id: Option<String>,
    actor_roles: Option<Vec<String>>,
    mfa: Option<bool>,
    session_id: Option<String>,
    src_ip: Option<String>,
    src_service: Option<String>,
    user_agent: Option<String>,
    resource_type: Option<String>,
    resource_id: Option<String>,
    resource_tenant_id: Option<String>,
    subject_id: Option<String>,
    row_count: Option<i64>,
    byte_count: Option<i64>,
}

impl Row {
    pub(super) fn parse(line: &str) -> Self {
        assert!(line.contains("Z\",\"tenant_id\""), "time ends in Z: {line}");
        serde_json::from_str(line).unwrap()
    }

    fn failed_login(&self) -> bool {
        self.event_type == "user.login" && ["failure", "denied"].contains(&self.outcome.as_str())
    }

    fn privileged_login(&self) -> bool {
        let privileged = |role: &String| ["admin", "owner", "billing_admin"].contains(&role.as_str());
        self.event_type == "user.login"
            && self.outcome == "success"
            && self.actor_roles.as_ref().expect("a login has roles").iter().any(privileged)
    }

    fn crosses(&self) -> bool {
        let home = self.actor_tenant_id.as_ref();
        self.owned()
            && home.expect("who acts on an owned resource has a home") != self.resource_tenant_id.as_ref().unwrap()
    }

    fn owned(&self) -> bool {
        self.resource_tenant_id.is_some() && self.outcome == "success"
    }

    fn lacks_a_field(&self) -> bool {
        let unattended = ["alert.raised", "control.evaluated", "session.expired"].contains(&self.event_type.as_str());
        // Of the types the demo writes, these need no resource.
        let free = ["user.login", "user.logout", "api.request", "access.denied", "session.expired"];
        let resource_due = !free.contains(&self.event_type.as_str());
        !unattended
            && (self.actor_id == "unknown"
                || (self.src_ip.is_none() && self.src_service.is_none())
                || (resource_due && (self.resource_type.is_none() || self.resource_id.is_none())))
    }

    fn ahead(&self) -> bool {
        self.time - super::INGEST_AT > Duration::minutes(5)
    }
}

/// Control and event id of everything found.
pub(super) fn findings(rows: &[Row]) -> BTreeSet<(String, String)> {
    found(rows).into_iter().map(|(control, row)| (control.to_owned(), row.event_id.clone())).collect()
}

fn found(rows: &[Row]) -> Vec<(&'static str, &Row)> {
    let mut found = Vec::new();
    for row in rows {
        let rules = [
            ("AL-AUTH-003", row.privileged_login() && row.mfa == Some(false)),
            ("AL-ACC-008", row.crosses()),
            ("AL-LOG-003", row.lacks_a_field()),
            ("AL-LOG-010", row.ahead()),
        ];
        found.extend(rules.into_iter().filter(|(_, holds)| *holds).map(|(control, _)| (control, row)));
    }
    found.extend(begins(rows, Duration::minutes(15), 5, |row| Some(&row.actor_id), |window| window.len()));
    let accounts = |window: &[&Row]| window.iter().map(|row| &row.actor_id).collect::<BTreeSet<_>>().len();
    let sprays = begins(rows, Duration::minutes(10), 10, |row| row.src_ip.as_ref(), accounts);
    found.extend(sprays.into_iter().map(|(_, row)| ("AL-AUTH-004", row)));
    found
}

/// Failed logins at which the number for the window up to them reaches the threshold.
fn begins(
    rows: &[Row],
    window: Duration,
    threshold: usize,
    key: impl Fn(&Row) -> Option<&String>,
    number: impl Fn(&[&Row]) -> usize,
) -> Vec<(&'static str, &Row)> {
    let mut groups: BTreeMap<(String, String), Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.failed_login()) {
        assert!(row.actor_id != "unknown" && row.src_ip.is_some(), "nothing is undecided: {row:?}");
        groups.entry((row.tenant_id.clone(), key(row).unwrap().clone())).or_default().push(row);
    }
    let mut begun = Vec::new();
    for group in groups.values_mut() {
        group.sort_by_key(|row| (row.time, &row.event_id));
        let numbers: Vec<usize> = group
            .iter()
            .map(|row| {
                let inside = |other: &&&Row| (row.time - window..=row.time).contains(&other.time);
                number(&group.iter().filter(inside).copied().collect::<Vec<_>>())
            })
            .collect();
        for (index, row) in group.iter().enumerate().filter(|(index, _)| numbers[*index] >= threshold) {
            let continues = index > 0 && group[index - 1].time >= row.time - window && numbers[index - 1] >= threshold;
            if !continues {
                begun.push(("AL-AUTH-001", *row));
            }
        }
    }
    begun
}

/// The status of every control and tenant, as the shipped status rules give it.
pub(super) fn statuses(rows: &[Row]) -> Statuses {
    let found = found(rows);
    let tenants = ["acme", "borealis", "cobalt", "dune", "ember"];
    type Population = fn(&Row) -> bool;
    let controls: [(&'static str, Population); 6] = [
        ("AL-ACC-008", Row::owned),
        ("AL-AUTH-001", |row| row.event_type == "user.login"),
        ("AL-AUTH-003", Row::privileged_login),
        ("AL-AUTH-004", |row| row.event_type == "user.login"),
        ("AL-LOG-003", |row| row.event_type != "session.expired"),
        ("AL-LOG-010", |_| true),
    ];
    let status = |control: &str, population: fn(&Row) -> bool, tenant: &str| {
        let own = || rows.iter().filter(|row| row.tenant_id == tenant && population(row));
        let undecided = control == "AL-AUTH-003" && own().any(|row| row.mfa.is_none());
        match () {
            () if own().next().is_none() => "not_applicable",
            () if found.iter().any(|(of, row)| *of == control && row.tenant_id == tenant) => "fail",
            () if undecided => "not_evaluated",
            () => "pass",
        }
    };
    controls.map(|(control, population)| (control, tenants.map(|tenant| status(control, population, tenant)))).into()
}
