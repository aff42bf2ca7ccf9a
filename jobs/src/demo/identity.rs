//! The accounts of the demo: one row of `identity.v1` for everybody of the cast.

use serde::Serialize;

use super::START_AT;
use super::cast::{ACME, Actor, BOREALIS, COBALT, Cast, EMBER, Tenant};
use super::event::{DAY_US, rfc3339, rfc3339_or_absent};

/// Whose part of the lake a guest acts in, home tenant, and the number in the guest's id.
const GUESTS: [(usize, usize, usize); 5] =
    [(ACME, BOREALIS, 13), (BOREALIS, EMBER, 9), (EMBER, ACME, 21), (EMBER, ACME, 22), (COBALT, ACME, 23)];

/// One account and what holds of it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Account {
    pub(super) tenant_id: &'static str,
    pub(super) account_id: String,
    pub(super) kind: &'static str,
    pub(super) state: &'static str,
    pub(super) roles: &'static [&'static str],
    #[serde(serialize_with = "rfc3339")]
    pub(super) valid_from: i64,
    #[serde(serialize_with = "rfc3339")]
    pub(super) created_at: i64,
    #[serde(serialize_with = "rfc3339_or_absent", skip_serializing_if = "Option::is_none")]
    pub(super) password_changed_at: Option<i64>,
    #[serde(serialize_with = "rfc3339_or_absent", skip_serializing_if = "Option::is_none")]
    pub(super) terminated_at: Option<i64>,
    #[serde(serialize_with = "rfc3339_or_absent", skip_serializing_if = "Option::is_none")]
    pub(super) disabled_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mfa_enrolled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) generic: Option<bool>,
}

/// Everybody's account, innocent by construction: passwords change within 75 days, nobody shares an account.
pub(super) fn accounts(cast: &Cast) -> Vec<Account> {
    let mut accounts = Vec::new();
    for tenant in &cast.tenants {
        accounts.extend((0..tenant.people.len()).map(|number| of_person(tenant, number)));
        accounts.extend(tenant.services.iter().map(|service| Account {
            kind: "service",
            password_changed_at: None,
            mfa_enrolled: None,
            ..account(service, 0)
        }));
    }
    accounts.push(Account { generic: Some(true), ..account(&cast.desk, 0) });
    accounts.extend(cast.leavers.iter().map(|leaver| account(leaver, 0)));
    // Those who reach across tenants are known there as guests.
    for (host, home, number) in GUESTS {
        let guest = account(&cast.tenants[home].people[number - 1], 0);
        accounts.push(Account { tenant_id: cast.tenants[host].id, kind: "vendor", ..guest });
    }
    accounts
}

fn of_person(tenant: &Tenant, number: usize) -> Account {
    let mfa_enrolled = number < tenant.privileged || number % 5 != 4;
    Account { mfa_enrolled: Some(mfa_enrolled), ..account(&tenant.people[number], number) }
}

fn account(actor: &Actor, number: usize) -> Account {
    let first_day = START_AT.timestamp_micros();
    let created_at = first_day - (200 + i64::try_from(number).unwrap_or_default()) * DAY_US;
    Account {
        tenant_id: actor.tenant,
        account_id: actor.id.clone(),
        kind: "user",
        state: "enabled",
        roles: actor.roles,
        valid_from: created_at,
        created_at,
        password_changed_at: Some(first_day + i64::try_from(number % 60).unwrap_or_default() * DAY_US - 15 * DAY_US),
        terminated_at: None,
        disabled_at: None,
        mfa_enrolled: Some(true),
        generic: Some(false),
    }
}
