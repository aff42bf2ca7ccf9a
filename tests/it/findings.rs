//! Decisions on findings: made once, shown beside what stays counted, and over when they end.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::auditlake::{Lake, ended, files_below};

const JOB: &str = "\
job: day
kind: compliance_report
window: 30d
frameworks: [soc2]
controls: [AL-AUTH-001, AL-AUTH-003]
outputs:
  - {format: html, to: \"reports/day/{interval.end}/\"}
  - {format: json, to: \"reports/day/{interval.end}/\"}
  - {format: csv,  to: \"reports/day/{interval.end}/\"}
";

/// Three privileged logins without a second factor, two of tenant a, and one with.
fn lake() -> Lake {
    let lake = Lake::new();
    let login = |number: u32, tenant: &str, mfa: bool| {
        format!(
            r#"{{"event_id":"e-{number}","time":"2026-03-01T12:0{number}:00Z","tenant_id":"{tenant}","source":"app","event_type":"user.login","outcome":"success","actor_id":"u-{number}","actor_type":"admin","actor_roles":["admin"],"mfa":{mfa}}}"#
        )
    };
    let events = [login(1, "a", false), login(2, "a", false), login(3, "b", false), login(4, "b", true)].join("\n");
    lake.write("drop/day.ndjson", events);
    lake.json(&["ingest", "ndjson", "drop", "--into", "audit", "--at", "2026-03-02T00:00:00Z"]);
    lake.write("jobs/day.yaml", JOB);
    lake
}

/// Runs the job for midnight of a day in March 2026; returns its report and the control with findings.
fn reported(lake: &Lake, day: u32) -> (Value, Value) {
    lake.json(&["run", "day", "--at", &format!("2026-03-{day:02}T00:00:00Z")]);
    let path = lake.data().join(format!("reports/day/202603{day:02}T000000Z/day.json"));
    let report: Value = serde_json::from_slice(&fs::read(path).expect("the report")).expect("JSON");
    let controls = report["controls"].as_array().expect("controls");
    let control = controls.iter().find(|control| control["id"] == "AL-AUTH-003").expect("is there").clone();
    (report, control)
}

/// The id of the finding about an event.
fn finding(lake: &Lake, event: &str) -> String {
    let sql = format!("SELECT DISTINCT finding_id FROM auditlake.findings WHERE event_id = '{event}'");
    lake.rows(&sql)[0]["finding_id"].as_str().expect("an id").to_owned()
}

fn decide<'a>(finding: &'a str, state: &'a str, until: Option<&'a str>, at: &'a str) -> Vec<&'a str> {
    let mut args =
        vec!["findings", "decide", finding, "--state", state, "--by", "head of security", "--reason", "SEC-4711"];
    args.extend(until.iter().flat_map(|until| ["--until", until]));
    args.extend(["--at", at]);
    args
}

/// Event ids with their states, as the table of findings shows them at an instant.
fn states(lake: &Lake, at: &str) -> Vec<String> {
    let sql = "SELECT DISTINCT event_id, state, decided_by FROM auditlake.findings ORDER BY event_id";
    let rows = lake.rows_at(at, sql);
    let shown = |row: &Value| {
        let by = row["decided_by"].as_str().map(|by| format!(" by {by}")).unwrap_or_default();
        format!("{} {}{by}", row["event_id"].as_str().unwrap_or("?"), row["state"].as_str().unwrap_or("?"))
    };
    rows.iter().map(shown).collect()
}

fn ids(rows: &Value, of: &str) -> Vec<String> {
    let rows = rows[of].as_array().expect("rows");
    rows.iter().map(|row| row["values"][0].as_str().expect("the event's id").to_owned()).collect()
}

#[test]
fn a_decision_is_shown_apart_takes_nothing_from_any_count_and_ends() {
    let lake = lake();
    let (before, _) = reported(&lake, 2);
    let (first, second) = (finding(&lake, "e-1"), finding(&lake, "e-2"));
    let answer = lake.json(&decide(&first, "accepted", Some("2026-03-04"), "2026-03-02T09:00:00Z"));
    assert_eq!(
        (&answer["control"], &answer["scope"], &answer["number"]),
        (&"AL-AUTH-003".into(), &"a".into(), &1.into())
    );
    lake.json(&decide(&second, "false_positive", Some("2026-12-31"), "2026-03-02T10:00:00Z"));
    assert_eq!(states(&lake, "2026-03-02T08:00:00Z"), ["e-1 open", "e-2 open", "e-3 open"]);
    let decided = ["e-1 accepted by head of security", "e-2 false_positive by head of security", "e-3 open"];
    assert_eq!(states(&lake, "2026-03-04T23:59:59Z"), decided);

    let (report, control) = reported(&lake, 3);
    assert_eq!(
        (ids(&control, "rows"), ids(&control, "decided_rows")),
        (vec!["e-3".into()], vec!["e-1".into(), "e-2".into()])
    );
    assert_eq!((&control["findings"], &control["decided"]), (&3.into(), &2.into()));
    assert_eq!(control["decided_rows"][0]["decision"]["reason"], "SEC-4711");
    for (result, [violations, decided]) in control["results"].as_array().expect("results").iter().zip([[2, 2], [1, 0]])
    {
        // All of tenant a is accepted, and still it fails.
        assert_eq!((&result["status"], &result["violations"]), (&"fail".into(), &violations.into()));
        assert_eq!(result["decided"], decided);
    }
    for same in ["scorecards", "evidence"] {
        let scores = |report: &Value| report[same].as_array().expect("a list").len();
        assert_eq!(scores(&before), scores(&report));
    }
    assert_eq!(before["scorecards"][0]["score_permille"], report["scorecards"][0]["score_permille"]);
    assert_eq!(before["summary"]["controls"], report["summary"]["controls"]);
    counted_by_its_sql(&lake, &report, [2, 0]);
    let page = fs::read_to_string(lake.data().join("reports/day/20260303T000000Z/day.html")).expect("the page");
    for words in ["Decided findings: 2 of 2 shown", "<b>accepted</b> until", "by head of security", "SEC-4711"] {
        assert!(page.contains(words), "{words}");
    }
    let table =
        fs::read_to_string(lake.data().join("reports/day/20260303T000000Z/day.findings.csv")).expect("the table");
    assert!(table.contains(",accepted,accepted,head of security,SEC-4711,2026-03-04,2026-03-02T09:00:00Z"), "{table}");

    // The fourth was its last day.
    let (report, control) = reported(&lake, 5);
    assert_eq!(
        (ids(&control, "rows"), ids(&control, "decided_rows")),
        (vec!["e-1".into(), "e-3".into()], vec!["e-2".into()])
    );
    assert_eq!(
        (&control["rows"][0]["state"], &control["rows"][0]["decision"]["state"]),
        (&"open".into(), &"accepted".into())
    );
    counted_by_its_sql(&lake, &report, [1, 1]);

    lake.json(&decide(&second, "open", None, "2026-03-05T10:00:00Z"));
    let (report, control) = reported(&lake, 6);
    assert_eq!(ids(&control, "rows"), ["e-1", "e-2", "e-3"]);
    assert_eq!(control["rows"][1]["decision"], Value::Null);
    counted_by_its_sql(&lake, &report, [0, 1]);
}

#[track_caller]
fn counted_by_its_sql(lake: &Lake, report: &Value, figures: [u64; 2]) {
    let summary = &report["summary"];
    assert_eq!([&summary["decided"], &summary["expired"]].map(Value::as_u64), figures.map(Some));
    let at = report["run"]["instant"].as_str().expect("an instant");
    let rows = lake.rows_at(at, summary["decided_sql"].as_str().expect("SQL"));
    assert_eq!([&rows[0]["decided"], &rows[0]["expired"]].map(Value::as_u64), figures.map(Some));
}

#[test]
fn the_list_shows_each_finding_once_as_it_stands() {
    let lake = lake();
    reported(&lake, 2);
    reported(&lake, 3);
    let first = finding(&lake, "e-1");
    lake.json(&decide(&first, "accepted", Some("2026-03-09"), "2026-03-03T09:00:00Z"));
    let list = |at: &str, more: &[&str]| {
        let args: Vec<&str> = ["--at", at, "findings", "list"].iter().chain(more).copied().collect();
        lake.json(&args)["findings"].as_array().expect("findings").clone()
    };
    let all = list("2026-03-04T00:00:00Z", &[]);
    assert_eq!(all.len(), 3);
    assert_eq!((&all[0]["finding_id"], &all[0]["state"]), (&first.as_str().into(), &"accepted".into()));
    assert_eq!((&all[0]["until"], &all[0]["decided_by"]), (&"2026-03-09".into(), &"head of security".into()));
    assert_eq!(all[0]["last_seen_at"], "2026-03-03T00:00:00.000000Z");
    assert_eq!(list("2026-03-04T00:00:00Z", &["--state", "open"]).len(), 2);
    assert_eq!(list("2026-03-04T00:00:00Z", &["--control", "AL-AUTH-003", "--state", "accepted"]).len(), 1);
    assert_eq!(list("2026-03-04T00:00:00Z", &["--control", "AL-AUTH-001"]).len(), 0);
    assert_eq!(list("2026-03-10T00:00:00Z", &["--state", "accepted"]).len(), 0, "it has run out");
    let shown = lake.run(&["findings", "list", "--at", "2026-03-04T00:00:00Z"]);
    shown.succeeded();
    assert!(shown.out.contains("(3 rows)") && shown.out.contains("accepted"), "{}", shown.out);
    lake.run(&["findings", "list", "--control", "AL-AUTH-999"]).failed(2, &["AL-AUTH-999", "controls are: "]);
    lake.run(&["findings", "list", "--control", "mfa"]).failed(2, &["mfa", "PREFIX-FAMILY-001"]);
}

#[test]
fn what_cannot_be_decided_is_refused_with_what_would_be_right_and_leaves_nothing() {
    let lake = lake();
    reported(&lake, 2);
    let known = finding(&lake, "e-1");
    let at = "2026-03-02T09:00:00Z";
    let refused = |args: Vec<&str>, words: &[&str]| lake.run(&args).failed(2, words);
    let unknown = "ffffffff-0000-5000-8000-000000000000";
    refused(decide(unknown, "remediated", None, at), &[unknown, "does not exist", "findings list"]);
    refused(decide("e-1", "remediated", None, at), &["\"e-1\" is not the id of a finding", "findings list"]);
    refused(decide(&known, "accepted", None, at), &[&known, "without an end", "--until 2026-09-02"]);
    refused(decide(&known, "false_positive", None, at), &["without an end", "--until"]);
    refused(decide(&known, "accepted", Some("2026-03-01"), at), &["2026-03-01 is in the past", "2026-03-02"]);
    refused(decide(&known, "accepted", Some("31.12.2026"), at), &["31.12.2026", "2026-06-30"]);
    refused(decide(&known, "open", None, at), &["no decision in force"]);
    refused(decide(&known, "open", Some("2026-12-31"), at), &["leave --until out"]);
    refused(decide(&known, "ignored", None, at), &["ignored", "accepted"]);
    // What the report of that instant says would change.
    refused(decide(&known, "remediated", None, "2026-03-02T00:00:00Z"), &["2026-03-02T00:00:00Z", "--at"]);
    for (nobody, words) in [("--by", "by is empty"), ("--reason", "reason is empty")] {
        let mut args = decide(&known, "remediated", None, at);
        let place = args.iter().position(|arg| *arg == nobody).expect("is there") + 1;
        args[place] = "  ";
        refused(args, &[words]);
    }
    assert!(lake.objects().iter().all(|(name, _)| !name.starts_with("_auditlake/findings/")));

    lake.json(&decide(&known, "remediated", None, at));
    refused(decide(&known, "open", None, "2026-03-02T08:00:00Z"), &["decision 1", at]);
    assert_eq!(lake.figure("SELECT count(*) FROM auditlake.finding_decisions"), 1);
}

#[test]
fn of_those_who_decide_at_once_each_is_written_or_told() {
    let lake = lake();
    reported(&lake, 2);
    let known = finding(&lake, "e-1");
    let names: Vec<String> = (0..6).map(|number| format!("person {number}")).collect();
    let started: Vec<_> = names
        .iter()
        .map(|name| {
            let mut args = decide(&known, "accepted", Some("2026-12-31"), "2026-03-02T09:00:00Z");
            let by = args.iter().position(|arg| *arg == "head of security").expect("is there");
            args[by] = name;
            (name, lake.start(&args))
        })
        .collect();
    let mut written = BTreeSet::new();
    for (name, process) in started {
        let ran = ended(process.wait_with_output().expect("it ends"));
        if ran.code == Some(0) {
            written.insert(name.clone());
        } else {
            ran.failed(1, &["by somebody else meanwhile", "accepted by person", "nothing was written"]);
        }
    }
    let rows = lake.rows("SELECT number, decided_by FROM auditlake.finding_decisions ORDER BY number");
    let numbers: Vec<u64> = rows.iter().map(|row| row["number"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (1..=written.len() as u64).collect::<Vec<_>>());
    let by: BTreeSet<String> = rows.iter().map(|row| row["decided_by"].as_str().expect("a name").to_owned()).collect();
    assert_eq!(by, written);
}

#[test]
fn what_happens_after_an_instant_changes_no_byte_of_its_report() {
    let lake = lake();
    reported(&lake, 2);
    lake.json(&decide(&finding(&lake, "e-1"), "accepted", Some("2026-03-31"), "2026-03-02T09:00:00Z"));
    let bytes = || {
        reported(&lake, 3);
        let files = files_below(&lake.data().join("reports/day/20260303T000000Z"));
        // The proof beside a report says when it was logged.
        let reports = files.iter().filter(|path| path.extension().is_none_or(|ending| ending != "tlog-proof"));
        reports.map(|path| fs::read(path).expect("a report")).collect::<Vec<_>>()
    };
    let first = bytes();
    for folder in ["reports/day", "_auditlake/runs/day", "_auditlake/evidence/day", "_auditlake/claims/runs/day"] {
        fs::remove_dir_all(lake.data().join(folder).join("20260303T000000Z")).expect("removed");
    }
    lake.json(&decide(&finding(&lake, "e-1"), "open", None, "2026-03-03T09:00:00Z"));
    lake.json(&decide(&finding(&lake, "e-2"), "remediated", None, "2026-03-03T09:00:00Z"));
    reported(&lake, 5);
    assert!(first.len() > 2 && first == bytes(), "what happened later changed an earlier report");
}
