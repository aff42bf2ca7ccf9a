//! What must be said of the platform, found once more in the plain rows: slices are counted one by one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::platform::Said;
use super::super::{generate, said};

/// The least part of good slices that keeps a promise, in hundredths of a per cent.
const PROMISES: [(&str, i64); 5] =
    [("acme", 9_999), ("borealis", 9_990), ("cobalt", 9_950), ("dune", 9_990), ("ember", 9_900)];
/// Requests that a tenant may make in a day.
const QUOTAS: [(&str, i64); 4] = [("borealis", 1_000_000), ("cobalt", 50_000), ("dune", 1_000_000), ("ember", 1_000)];

fn rows(files: &BTreeMap<String, String>, path: &str) -> Vec<Value> {
    files[path].lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of<T: DeserializeOwned>(row: &Value, column: &str) -> T {
    serde_json::from_value(row[column].clone()).unwrap()
}

#[test]
fn what_must_be_said_of_the_platform_is_in_its_rows() {
    let mut files = BTreeMap::new();
    generate(11, &mut |path, bytes| {
        files.insert(path.to_owned(), String::from_utf8(bytes.to_vec()).unwrap());
        Ok(())
    })
    .unwrap();
    let found: BTreeSet<(&str, String, String)> =
        missed(&files).into_iter().chain(exceeded(&files)).chain(slow(&files)).collect();
    let must = said().into_iter().map(|Said { job, of, when, .. }| (job, of, when)).collect();
    assert_eq!(found, must);
}

/// Whose promise of uptime a month missed.
fn missed(files: &BTreeMap<String, String>) -> Vec<(&'static str, String, String)> {
    let mut failing: BTreeMap<DateTime<Utc>, usize> = BTreeMap::new();
    for check in rows(files, "drop/probe/checks.ndjson") {
        let time: DateTime<Utc> = of(&check, "time");
        let slice = time - Duration::seconds(time.timestamp().rem_euclid(300));
        *failing.entry(slice).or_default() += usize::from(!of::<bool>(&check, "ok"));
    }
    let windows: Vec<(DateTime<Utc>, DateTime<Utc>)> = rows(files, "drop/exclusion/windows.ndjson")
        .iter()
        .map(|window| [of::<DateTime<Utc>>(window, "announced_at"), of(window, "starts_at"), of(window, "ends_at")])
        .filter(|[announced, starts, _]| *starts - *announced >= Duration::hours(72))
        .map(|[_, starts, ends]| (starts, ends))
        .collect();
    failing.retain(|slice, _| !windows.iter().any(|(starts, ends)| (*starts..*ends).contains(slice)));
    let mut missed = Vec::new();
    for month in ["2026-01", "2026-02"] {
        let slices: Vec<usize> =
            failing.iter().filter(|(at, _)| at.format("%Y-%m").to_string() == month).map(|(_, many)| *many).collect();
        let good = slices.iter().filter(|many| **many < 2).count() as i64;
        for (tenant, promised) in PROMISES {
            if good * 10_000 < promised * slices.len() as i64 {
                missed.push(("sla", tenant.to_owned(), month.to_owned()));
            }
        }
    }
    missed
}

/// Who asked more often in a day of a month than the quota has it.
fn exceeded(files: &BTreeMap<String, String>) -> Vec<(&'static str, String, String)> {
    let mut exceeded = Vec::new();
    for row in rows(files, "drop/usage/charges.ndjson") {
        let (tenant, quantity): (String, String) = (of(&row, "tenant_id"), of(&row, "quantity"));
        let quota = QUOTAS.iter().find(|(of, _)| *of == tenant).map_or(i64::MAX, |(_, quota)| *quota);
        if row["meter"] == "api_requests" && quantity.parse::<i64>().unwrap() > quota {
            exceeded.push(("usage", tenant, of::<String>(&row, "period_start")[..7].to_owned()));
        }
    }
    exceeded
}

/// From where, and on which day, answers took longer than ever else.
fn slow(files: &BTreeMap<String, String>) -> Vec<(&'static str, String, String)> {
    let checks = rows(files, "drop/probe/checks.ndjson");
    let slow = checks.iter().filter(|check| check["latency_us"].as_i64().is_some_and(|latency| latency > 200_000));
    slow.map(|check| ("watch", of(check, "location"), of::<String>(check, "time")[..10].to_owned())).collect()
}
