//! A report's figures, each computed again by the SQL printed beside it.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::auditlake::{Lake, files_below, real_data};

const JOB: &str = "\
job: day
kind: compliance_report
window: 1d
frameworks: [soc2, gdpr, hipaa, pci, iso, ccpa, sox, aiact]
outputs:
  - {format: html, to: \"reports/day/{interval.end:%Y-%m-%d}/\"}
  - {format: json, to: \"reports/day/{interval.end:%Y-%m-%d}/\"}
  - {format: csv,  to: \"reports/day/{interval.end:%Y-%m-%d}/\"}
  - {format: xlsx, to: \"reports/day/{interval.end:%Y-%m-%d}/\"}
  - {format: oscal, to: \"reports/day/{interval.end:%Y-%m-%d}/\"}
";

const AT: &str = "2023-07-11T00:00:00Z";

#[test]
fn every_figure_is_reproduced_by_the_sql_beside_it() {
    let Some(data) = real_data("every_figure_is_reproduced_by_the_sql_beside_it") else { return };
    let lake = Lake::new();
    let source = data.join("audit/cloudtrail/invictus").display().to_string();
    lake.json(&["ingest", "cloudtrail", &source, "--into", "audit", "--at", "2023-07-10T23:00:00Z"]);
    lake.write("jobs/day.yaml", JOB);
    lake.json(&["run", "day", "--at", AT]);
    let report = report(&lake);
    let controls = report["controls"].as_array().expect("controls");
    assert_eq!(controls.len(), schemas::shipped_controls().len());
    let mut findings = 0;
    let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
    for control in controls {
        findings += reproduced(&lake, control);
        *statuses.entry(text(&control["status"])).or_default() += 1;
    }
    // What the summary says follows from what was just reproduced.
    let summary = &report["summary"];
    assert_eq!(summary["findings"], findings);
    for (status, count) in summary["controls"].as_object().expect("counts by status") {
        assert_eq!(count.as_u64(), Some(statuses.get(status).copied().unwrap_or(0)), "{status}");
    }
    assert_eq!(pinned(&lake, &text(&summary["rows_sql"])), [number(&summary["rows"])]);
    assert_eq!(number(&summary["rows"]), 2_900);
    for rejected in report["not_looked_at"]["rejected"].as_array().expect("counts of rejects") {
        assert_eq!(pinned(&lake, &text(&rejected["sql"])), [number(&rejected["rows"])]);
    }
    assert!(findings > 0 && statuses.contains_key("pass"), "a report in which everything is alike proves little");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let lake = Lake::new();
    lake.write("drop/day.ndjson", events());
    lake.json(&["ingest", "ndjson", "drop", "--into", "audit", "--at", "2026-03-02T00:00:00Z"]);
    lake.write("jobs/day.yaml", JOB);
    let once = || {
        lake.json(&["run", "day", "--at", "2026-03-02T00:00:00Z"]);
        let mut files = files_below(&lake.data().join("reports"));
        // The proof beside a report says when it was logged.
        files.retain(|path| path.extension().is_none_or(|ending| ending != "tlog-proof"));
        files.iter().map(|path| (path.clone(), fs::read(path).expect("a report"))).collect::<Vec<_>>()
    };
    let first = once();
    assert!(first.len() > 2, "{first:?}");
    for folder in ["reports", "_auditlake/runs", "_auditlake/evidence", "_auditlake/claims"] {
        fs::remove_dir_all(lake.data().join(folder)).expect("removed");
    }
    assert!(first == once(), "two runs over the same input differ");
}

/// Runs both statements of a control; returns its violations.
fn reproduced(lake: &Lake, control: &Value) -> u64 {
    let id = text(&control["id"]);
    let results = control["results"].as_array().expect("results");
    let uncounted = |result: &Value| {
        let undecided = number(&result["undecided_violation"]) + number(&result["undecided_population"]);
        result["status"] == "not_evaluated" && undecided == 0
    };
    if results.iter().all(uncounted) {
        // A column, a dataset or its rows are not there: nothing was counted, and each tenant is told so.
        let told = |reason: String| reason.contains("dataset") || reason.contains("no rows");
        assert!(results.iter().all(|result| told(text(&result["reason"]))), "{id}: {results:?}");
        assert_eq!(number(&control["findings"]), 0, "{id}");
        return 0;
    }
    let counted = lake.rows_at(AT, &text(&control["counts_sql"]));
    let mut counts: BTreeMap<String, [u64; 4]> = BTreeMap::new();
    for row in &counted {
        let figures = ["n", "v", "u_violation", "u_population"].map(|name| number(&row[name]));
        counts.insert(text(&row["scope"]), figures);
    }
    let listed = lake.rows_at(AT, &text(&control["violations_sql"]));
    let mut violations: BTreeMap<String, u64> = BTreeMap::new();
    for row in &listed {
        *violations.entry(text(&row["scope"])).or_default() += 1;
    }
    for result in results {
        let scope = text(&result["scope"]);
        let told = ["population", "violations", "undecided_violation", "undecided_population"];
        let told = told.map(|name| number(&result[name]));
        assert_eq!(counts.remove(&scope).unwrap_or_default(), told, "{id} of {scope}: n, v, u");
        assert_eq!(violations.remove(&scope).unwrap_or_default(), told[1], "{id} of {scope}: rows listed");
        assert_eq!(number(&result["evidence_rows"]), told[1], "{id} of {scope}: evidence");
    }
    assert!(counts.is_empty() && violations.is_empty(), "{id}: SQL speaks of tenants that the report leaves out");
    assert_eq!(number(&control["findings"]), listed.len() as u64, "{id}");
    listed.len() as u64
}

/// The figures of a statement's only row.
fn pinned(lake: &Lake, sql: &str) -> Vec<u64> {
    let rows = lake.rows_at(AT, sql);
    assert_eq!(rows.len(), 1, "{sql}");
    rows[0].as_object().expect("a row").values().map(number).collect()
}

fn report(lake: &Lake) -> Value {
    let path = lake.data().join("reports/day/2023-07-11/day.json");
    serde_json::from_slice(&fs::read(path).expect("the report")).expect("JSON")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no count: {value}"))
}

/// One day of two tenants, with a brute-force attempt that the controls find.
fn events() -> String {
    let mut lines = String::new();
    for number in 0..600_u64 {
        let tenant = if number % 3 == 0 { "a" } else { "b" };
        let (kind, outcome) = if number % 5 == 0 { ("user.login", "failure") } else { ("data.read", "success") };
        let (minute, second) = (number / 60, number % 60);
        lines.push_str(&format!(
            r#"{{"event_id":"e-{number}","time":"2026-03-01T12:{minute:02}:{second:02}Z","tenant_id":"{tenant}","source":"app","event_type":"{kind}","outcome":"{outcome}","actor_id":"u-{}","actor_type":"user","src_ip":"192.0.2.{}"}}"#,
            number % 4,
            number % 7
        ));
        lines.push('\n');
    }
    lines
}
