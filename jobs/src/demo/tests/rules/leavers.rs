//! Rules over people who left.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::{Found, Lake, Row};
use crate::demo::{REPORT_AT, START_AT};

pub(super) fn active_after_leaving(lake: &Lake) -> Vec<(&'static str, &Row)> {
    let left: BTreeMap<(&str, &str), DateTime<Utc>> = lake
        .accounts
        .iter()
        .filter_map(|account| Some(((account.tenant_id.as_str(), account.account_id.as_str()), account.terminated_at?)))
        .collect();
    let acts = |row: &&Row| row.succeeded() && !["session.expired", "user.logout"].contains(&row.event_type.as_str());
    let late = |row: &&Row| {
        left.get(&(row.tenant_id.as_str(), row.actor_id.as_str())).is_some_and(|left_at| row.time > *left_at)
    };
    lake.rows.iter().filter(acts).filter(late).map(|row| ("AL-ACC-003", row)).collect()
}

/// Tenants of events whose actor is a person that identity does not list; those of old keys are not looked at.
pub(super) fn tenants_of_strangers(lake: &Lake) -> BTreeSet<&str> {
    let listed: BTreeSet<(&str, &str)> =
        lake.accounts.iter().map(|account| (account.tenant_id.as_str(), account.account_id.as_str())).collect();
    let strange = |row: &&Row| {
        row.time >= START_AT
            && row.succeeded()
            && !row.by_program()
            && !listed.contains(&(row.tenant_id.as_str(), row.actor_id.as_str()))
    };
    lake.rows.iter().filter(strange).map(|row| row.tenant_id.as_str()).collect()
}

pub(super) fn disabled_late(lake: &Lake) -> Vec<Found> {
    let late = |account: &&super::Account| {
        account
            .terminated_at
            .is_some_and(|left_at| account.disabled_at.unwrap_or(REPORT_AT) - left_at > Duration::hours(24))
    };
    let named = |account: &super::Account| ("AL-ACC-004", account.tenant_id.clone(), account.account_id.clone());
    lake.accounts.iter().filter(late).map(named).collect()
}
