//! Tenants whose names are no plain folder names: what is written down of their files finds them again.

use crate::auditlake::Lake;
use crate::subject::has;

/// A slash, a blank, a letter beyond ASCII, and characters that paths of stores escape themselves.
const TENANT: &str = "a/b ü~100%";

const POLICY: &str = "policy: usage
dataset: usage
enabled: true
rules:
  - {rule: old, maximum: 30d, disposition: delete}
grace: 0d
approval: {brake: 100%}
";

const USAGE: &str = "usage: platform\ndataset: usage\ntimezone: UTC\ntenants: {\"a/b ü~100%\": basic}\n";
const JOB: &str = "job: usage-daily\nkind: usage\nusage: platform\ninto: usage_result\noutputs: [{format: html, to: \"statements/{interval.end:%Y-%m-%d}/\"}]\n";

/// A lake with three files of one day.
fn lake() -> Lake {
    let lake = Lake::new();
    for number in 1..=3 {
        let row = format!(
            "{{\"usage_id\":\"u-{number}\",\"tenant_id\":\"{TENANT}\",\"period_start\":\"2026-01-01T00:00:00Z\",\"period_end\":\
             \"2026-01-02T00:00:00Z\",\"meter\":\"users\",\"unit\":\"Seats\",\"quantity\":\"3\",\"billed_cost\":\"1\",\"currency\":\"EUR\",\
             \"charge_category\":\"Purchase\",\"service\":\"api\"}}\n"
        );
        let file = lake.write(&format!("{number}.ndjson"), row).display().to_string();
        lake.run(&["ingest", "ndjson", &file, "--into", "usage", "--at=2026-01-02T00:00:00Z"]).succeeded();
    }
    lake
}

fn all_is_good(lake: &Lake, at: &str) {
    let told = lake.json(&["verify", at]);
    assert_eq!(told["findings"].as_array().map(Vec::len), Some(0), "{told}");
}

#[test]
fn files_are_merged_and_rows_go_when_they_are_due() {
    let lake = lake();
    all_is_good(&lake, "--at=2026-01-03T00:00:00Z");
    lake.run(&["compact", "usage", "--grace-hours", "0", "--at=2026-01-03T00:00:00Z"]).succeeded();
    assert_eq!(lake.figure("SELECT count(*) FROM usage"), 3);
    all_is_good(&lake, "--at=2026-01-04T00:00:00Z");

    lake.write("policies/usage.yaml", POLICY);
    let at = "--at=2026-03-02T00:00:00Z";
    let plan = lake.json(&["retention", "plan", "--dataset", "usage", "--as", "paula", at]);
    let plan = plan["plan"].as_str().expect("a plan");
    lake.run(&["retention", "approve", plan, "--ticket", "C-1", "--as", "omar", at]).succeeded();
    let applied = lake.run(&["retention", "apply", plan, "--yes", "--fail-on", "skipped", at]);
    applied.said(0, &["3 deleted"]);
    assert_eq!(lake.figure("SELECT count(*) FROM usage"), 0);
    let later = "--at=2026-03-04T00:00:00Z";
    lake.run(&["retention", "apply", plan, "--yes", later]).succeeded();
    let left: Vec<String> = lake.objects().into_iter().map(|(name, _)| name).collect();
    let left: Vec<&String> = left.iter().filter(|name| name.starts_with("usage/")).collect();
    assert!(left.is_empty(), "{left:?}");
    lake.run(&["retention", "reconcile", later]).said(0, &["nothing was left half done"]);
    all_is_good(&lake, later);
}

const WATCH: &str = "job: watch\nkind: anomalies\nwindow: 1d\ninto: alert\noutputs: [{format: html, to: \"series/{interval.end:%Y-%m-%d}/\"}]\nmetrics:\n  \
                     - {metric: seats, from: usage, value: sum(quantity), every: 15m, by: meter}\n";

/// What a run wrote lies where it says.
fn wrote(lake: &Lake, args: &[&str], many: usize) {
    let told = lake.json(args);
    let files: Vec<&str> = told["files"].as_array().expect("files").iter().filter_map(|file| file.as_str()).collect();
    assert_eq!(files.len(), many, "{told}");
    for file in files {
        assert!(std::path::Path::new(file).is_file(), "{file}");
    }
}

#[test]
fn a_statement_lies_where_its_run_says() {
    let lake = lake();
    lake.write("slas/usage.yaml", USAGE);
    lake.write("jobs/usage.yaml", JOB);
    wrote(&lake, &["run", "usage-daily", "--at=2026-02-05T00:00:00Z"], 2);
    all_is_good(&lake, "--at=2026-02-06T00:00:00Z");
}

#[test]
fn a_page_of_series_lies_where_its_run_says() {
    let lake = lake();
    lake.write("jobs/watch.yaml", WATCH);
    wrote(&lake, &["run", "watch", "--at=2026-01-03T00:00:00Z"], 1);
    all_is_good(&lake, "--at=2026-01-04T00:00:00Z");
}

/// Events of one old day, of ann and of bob.
fn events(lake: &Lake) {
    let row = |number: u32, actor: &str| {
        format!(
            "{{\"event_id\":\"e-{number}\",\"time\":\"2025-10-01T10:00:00Z\",\"tenant_id\":\"{TENANT}\",\"source\":\"app\",\
             \"event_type\":\"data.read\",\"outcome\":\"success\",\"actor_id\":\"{actor}\",\"actor_type\":\"user\"}}\n"
        )
    };
    let file = lake.write("events.ndjson", [row(1, "ann-zq7"), row(2, "bob"), row(3, "ann-zq7")].concat());
    let file = file.display().to_string();
    lake.run(&["ingest", "ndjson", &file, "--into", "audit", "--at=2026-01-02T00:00:00Z"]).succeeded();
    std::fs::remove_file(file).expect("removed");
}

#[test]
fn a_person_is_erased_from_the_dataset_and_its_archive() {
    let lake = Lake::new();
    events(&lake);
    let policy =
        POLICY.replace("usage", "audit").replace("disposition: delete", "disposition: archive, archive: {keep: 9y}");
    lake.write("policies/audit.yaml", policy);
    let at = "--at=2026-01-03T00:00:00Z";
    let plan = lake.json(&["retention", "plan", "--dataset", "audit", "--as", "paula", at]);
    let plan = plan["plan"].as_str().expect("a plan");
    lake.run(&["retention", "approve", plan, "--ticket", "C-1", "--as", "omar", at]).succeeded();
    lake.run(&["retention", "apply", plan, "--yes", "--fail-on", "skipped", at]).said(0, &["3 archived"]);
    assert_eq!(lake.figure("SELECT count(*) FROM \"audit@archive\""), 3);
    all_is_good(&lake, at);

    events(&lake);
    lake.write("ann.txt", "ann-zq7\n");
    let erased = lake.run(&["subject", "erase", "--id-file", "ann.txt", "--ticket", "D-1", "--yes", at]);
    erased.said(0, &["is fulfilled"]);
    assert_eq!(lake.figure("SELECT count(*) FROM \"audit@archive\""), 1);
    assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE actor_id = 'ann-zq7'"), 0);
    let with_ann = lake.objects().into_iter().filter(|(_, bytes)| has(bytes, "ann-zq7"));
    assert_eq!(with_ann.map(|(name, _)| name).collect::<Vec<_>>(), [] as [&str; 0]);
    all_is_good(&lake, at);
}

const COPY: &str = "anonymize: study
copy: {from: audit, to: study}
columns:
  event_id: {method: drop}
  actor_id: {method: constant, value: somebody}
  subject_id: {method: redact}
  raw_hash: {method: drop}
  raw_ref: {method: drop}
";

#[test]
fn a_copy_has_the_rows_and_lies_where_its_run_says() {
    let lake = Lake::new();
    events(&lake);
    lake.write("datasets/study.yaml", "dataset: study\nlocation: study/\ntenant: tenant_id\ntime: time\n");
    lake.write("policies/study.yaml", COPY);
    lake.write("jobs/study.yaml", "job: study\nkind: anonymize\npolicy: study\n");
    lake.run(&["run", "study", "--at=2026-01-03T00:00:00Z"]).succeeded();
    let rows = lake.rows("SELECT tenant_id, actor_id FROM study");
    assert_eq!((rows.len(), &rows[0]["tenant_id"], &rows[0]["actor_id"]), (3, &TENANT.into(), &"somebody".into()));
    all_is_good(&lake, "--at=2026-01-04T00:00:00Z");
}
