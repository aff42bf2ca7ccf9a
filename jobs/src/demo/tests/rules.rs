//! The shipped controls, by brute force: slow, short, and independent of their SQL.

mod accounts;
mod approvals;
mod attempts;
mod leavers;
mod log;
mod purposes;
mod requests;
mod sessions;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;

/// Status by control, for the tenants in order of name.
pub(super) type Statuses = BTreeMap<&'static str, [&'static str; 5]>;

/// Control, tenant, and the event or resource that a finding is about.
pub(super) type Found = (&'static str, String, String);

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
    auth_method: Option<String>,
    src_ip: Option<String>,
    src_service: Option<String>,
    user_agent: Option<String>,
    resource_type: Option<String>,
    resource_id: Option<String>,
    resource_tenant_id: Option<String>,
    data_classes: Option<Vec<String>>,
    subject_id: Option<String>,
    purpose: Option<String>,
    legal_basis: Option<String>,
    dest_party: Option<String>,
    row_count: Option<i64>,
    byte_count: Option<i64>,
    requester_id: Option<String>,
    approval_id: Option<String>,
    ticket_ref: Option<String>,
    chain_id: Option<String>,
    seq: Option<i64>,
    prev_hash: Option<String>,
    hash: Option<String>,
    /// Instant of the ingest that reads the line.
    #[serde(skip)]
    ingested_at: DateTime<Utc>,
}

/// A line of the accounts' file, likewise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "columns that no rule reads are listed so that others are refused")]
pub(super) struct Account {
    pub(super) tenant_id: String,
    pub(super) account_id: String,
    kind: String,
    state: String,
    roles: Vec<String>,
    valid_from: DateTime<Utc>,
    created_at: DateTime<Utc>,
    password_changed_at: Option<DateTime<Utc>>,
    terminated_at: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
    mfa_enrolled: Option<bool>,
    generic: Option<bool>,
}

/// A line of the statements' file, likewise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "columns that no rule reads are listed so that others are refused")]
pub(super) struct Statement {
    tenant_id: String,
    consent_id: String,
    subject_id: String,
    purpose: String,
    time: DateTime<Utc>,
    state: String,
    expires_at: Option<DateTime<Utc>>,
}

/// A line of the requests' file, likewise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "columns that no rule reads are listed so that others are refused")]
pub(super) struct Request {
    pub(super) tenant_id: String,
    pub(super) request_id: String,
    subject_id: String,
    r#type: String,
    jurisdiction: String,
    received_at: DateTime<Utc>,
    extended_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    state: String,
    revision: i32,
}

/// Everything the files hold.
#[derive(Debug, Default)]
pub(super) struct Lake {
    pub(super) rows: Vec<Row>,
    pub(super) accounts: Vec<Account>,
    statements: Vec<Statement>,
    pub(super) requests: Vec<Request>,
}

impl Lake {
    /// Reads a file, whose path says what its lines are.
    pub(super) fn read(&mut self, path: &str, text: &str) {
        if path.starts_with("drop/identity/") {
            self.accounts.extend(text.lines().map(|line| serde_json::from_str::<Account>(line).unwrap()));
            return;
        }
        if path.starts_with("drop/consent/") {
            self.statements.extend(text.lines().map(|line| serde_json::from_str::<Statement>(line).unwrap()));
            return;
        }
        if path.starts_with("drop/dsr/") {
            self.requests.extend(text.lines().map(|line| serde_json::from_str::<Request>(line).unwrap()));
            return;
        }
        // What the platform did is no control's business.
        if ["drop/probe/", "drop/exclusion/", "drop/usage/"].iter().any(|folder| path.starts_with(folder)) {
            return;
        }
        assert!(path.starts_with("drop/audit/"), "{path}");
        let ingested_at = if path == super::LAST_FILE { super::REPORT_AT } else { super::FIRST_INGEST_AT };
        for line in text.lines() {
            assert!(line.contains("Z\",\"tenant_id\""), "time ends in Z: {line}");
            self.rows.push(Row { ingested_at, ..serde_json::from_str(line).unwrap() });
        }
    }

    /// The rows for which `holds`, by a key of theirs beside the tenant, in order of time and event id.
    fn by<'a>(
        &'a self,
        key: impl Fn(&'a Row) -> Option<&'a String>,
        holds: impl Fn(&'a Row) -> bool,
    ) -> BTreeMap<(&'a str, &'a str), Vec<&'a Row>> {
        let mut groups: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| holds(row)) {
            if let Some(key) = key(row) {
                groups.entry((&row.tenant_id, key)).or_default().push(row);
            }
        }
        groups.values_mut().for_each(|group| group.sort_by_key(|row| (row.time, &row.event_id)));
        groups
    }
}

impl Row {
    fn verifies(&self) -> bool {
        self.is("control.evaluated") && self.resource_type.as_deref() == Some("evidence")
    }

    fn is(&self, event_type: &str) -> bool {
        self.event_type == event_type
    }

    fn succeeded(&self) -> bool {
        self.outcome == "success"
    }

    pub(super) fn is_of_a_key(&self) -> bool {
        self.event_type.starts_with("api_key.")
    }

    fn login(&self) -> bool {
        self.is("user.login")
    }

    fn failed_login(&self) -> bool {
        self.login() && ["failure", "denied"].contains(&self.outcome.as_str())
    }

    fn privileged_login(&self) -> bool {
        let privileged = |role: &String| ["admin", "owner", "billing_admin"].contains(&role.as_str());
        self.login() && self.succeeded() && self.actor_roles.as_ref().expect("a login has roles").iter().any(privileged)
    }

    fn by_program(&self) -> bool {
        ["service", "system", "ai_agent"].contains(&self.actor_type.as_str())
    }

    fn crosses(&self) -> bool {
        let home = self.actor_tenant_id.as_ref();
        self.owned()
            && home.expect("who acts on an owned resource has a home") != self.resource_tenant_id.as_ref().unwrap()
    }

    fn owned(&self) -> bool {
        self.resource_tenant_id.is_some() && self.succeeded()
    }
}

/// Everything that must be found.
pub(super) fn findings(lake: &Lake) -> BTreeSet<Found> {
    let rows: Vec<(&'static str, &Row)> = [
        attempts::bursts(lake),
        attempts::lock_outs(lake),
        attempts::sprays(lake),
        attempts::successes_after_bursts(lake),
        sessions::idle(lake),
        sessions::shared(lake),
        approvals::roles_without_approval(lake),
        leavers::active_after_leaving(lake),
        purposes::consents(lake),
        accounts::keys(lake),
        accounts::factors_switched_off(lake),
        log::broken_chains(lake),
        log::silent_sources(lake),
        each_row(lake),
    ]
    .concat();
    let mut found: BTreeSet<Found> = BTreeSet::new();
    for (control, row) in rows {
        assert!(found.insert((control, row.tenant_id.clone(), row.event_id.clone())), "{control} twice: {row:?}");
    }
    found.extend(accounts::old_passwords(lake));
    found.extend(leavers::disabled_late(lake));
    found.extend(requests::overdue(lake));
    found
}

/// Controls that look at one row at a time.
fn each_row(lake: &Lake) -> Vec<(&'static str, &Row)> {
    let mut found = Vec::new();
    for row in &lake.rows {
        let rules = [
            ("AL-AUTH-003", row.privileged_login() && row.mfa == Some(false)),
            ("AL-ACC-002", approvals::self_approved(row)),
            ("AL-ACC-008", row.crosses()),
            ("AL-DATA-002", purposes::sensitive_read(row) && purposes::blank(&row.purpose)),
            ("AL-DATA-005", purposes::incomplete(row)),
            ("AL-LOG-003", log::lacks_a_field(row)),
            ("AL-LOG-008", log::stopped(row) && row.approval_id.is_none() && row.ticket_ref.is_none()),
            ("AL-LOG-011", row.verifies() && row.outcome != "success"),
            ("AL-LOG-010", row.time - row.ingested_at > Duration::minutes(5)),
        ];
        found.extend(rules.into_iter().filter(|(_, holds)| *holds).map(|(control, _)| (control, row)));
    }
    found
}

/// The status of every control and tenant, as the shipped status rules give it.
pub(super) fn statuses(lake: &Lake) -> Statuses {
    let found = findings(lake);
    let tenants = ["acme", "borealis", "cobalt", "dune", "ember"];
    type Population = fn(&Row) -> bool;
    let controls: [(&'static str, Population); 23] = [
        ("AL-ACC-001", |row| row.is("role.assigned")),
        ("AL-ACC-002", |row| row.is("role.assigned") || (row.is("approval.granted") && row.succeeded())),
        ("AL-ACC-003", |row| row.succeeded()),
        ("AL-ACC-008", Row::owned),
        ("AL-CON-001", |row| row.is("data.processed") && row.legal_basis.as_deref() == Some("consent")),
        ("AL-CON-002", |row| row.is("data.processed") || purposes::shared(row)),
        ("AL-DATA-002", purposes::sensitive_read),
        ("AL-DATA-005", purposes::shared),
        ("AL-AUTH-001", Row::login),
        ("AL-AUTH-002", |row| row.login() || row.is("user.unlocked")),
        ("AL-AUTH-003", Row::privileged_login),
        ("AL-AUTH-004", Row::login),
        ("AL-AUTH-006", Row::login),
        ("AL-AUTH-007", |row| row.login() && row.succeeded()),
        ("AL-AUTH-008", |row| !row.by_program() && row.session_id.is_some()),
        ("AL-AUTH-010", |row| row.is_of_a_key() || row.auth_method.is_some()),
        ("AL-AUTH-011", |row| row.is("user.mfa_disabled")),
        ("AL-LOG-001", |row| row.chain_id.is_some()),
        ("AL-LOG-002", |_| true),
        ("AL-LOG-003", |row| !row.is("session.expired")),
        ("AL-LOG-008", log::stopped),
        ("AL-LOG-011", Row::verifies),
        ("AL-LOG-010", |_| true),
    ];
    let strangers = leavers::tenants_of_strangers(lake);
    let fails = |control: &str, tenant: &str| found.iter().any(|(of, scope, _)| *of == control && scope == tenant);
    let status = |control: &str, population: fn(&Row) -> bool, tenant: &str| {
        let own = || lake.rows.iter().filter(|row| row.tenant_id == tenant && population(row));
        let undecided = (control == "AL-AUTH-003" && own().any(|row| row.mfa.is_none()))
            || (control == "AL-ACC-003" && strangers.contains(tenant));
        match () {
            () if own().next().is_none() => "not_applicable",
            () if fails(control, tenant) => "fail",
            () if undecided => "not_evaluated",
            () => "pass",
        }
    };
    let mut statuses: Statuses = controls
        .map(|(control, population)| (control, tenants.map(|tenant| status(control, population, tenant))))
        .into();
    let passwords = tenants.map(|tenant| if fails("AL-AUTH-009", tenant) { "fail" } else { "pass" });
    statuses.insert("AL-AUTH-009", passwords);
    let leavers = tenants.map(|tenant| if fails("AL-ACC-004", tenant) { "fail" } else { "pass" });
    statuses.insert("AL-ACC-004", leavers);
    let requests = tenants.map(|tenant| match () {
        () if fails("AL-DSR-001", tenant) => "fail",
        () if requests::nearly_due(lake, tenant) => "warn",
        () => "pass",
    });
    statuses.insert("AL-DSR-001", requests);
    statuses
}
