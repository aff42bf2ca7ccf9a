//! Rows that runs left behind and that show a person who is erased: evidence goes, findings stand anew without the person, and
//! whatever rests on them is as before.

use std::fs;

use serde_json::{Value, json};
use sha2::Digest;

use super::withdrawn::{ACCESS, CONTROL, REPORT};
use super::{A_DAY, ANN, ANNA, DAYS, DESK, NOW, erase, filled, having, silent};
use crate::auditlake::{Lake, Ran};

const CASE: &str = "subject-2026-0001";
const RUN: &str = "reads@20261130T000000Z";
/// Where the run wrote its rows.
const ROWS: &str = "_auditlake/evidence/reads/20261130T000000Z/";
/// Of a moment after everything here.
const LATER: &str = "2026-12-31T00:00:00Z";
/// Rows in which Ann acts, or her other account: two of twelve a day.
const SHOWN: u64 = 2 * DAYS;

/// A lake with a run whose control shows who acted.
fn reported(job: &str) -> Lake {
    let lake = filled(Lake::new());
    report(&lake, job);
    lake
}

fn report(lake: &Lake, job: &str) {
    lake.write("controls/reads.yaml", CONTROL);
    lake.write("jobs/reads.yaml", job);
    lake.run(&["run", "reads", NOW]).succeeded();
}

fn files_of_rows(lake: &Lake) -> Vec<String> {
    let names = lake.objects().into_iter().map(|(name, _)| name);
    names.filter(|name| name.starts_with(ROWS) && name.ends_with(".parquet")).collect()
}

/// What the findings are, whomever they show.
fn findings(lake: &Lake) -> Vec<Value> {
    let sql = "SELECT finding_id, result_id, control_id, scope, time, severity, first_seen_at, state, decided_by, run_job \
               FROM auditlake.findings ORDER BY finding_id";
    lake.rows_at(LATER, sql)
}

fn results(lake: &Lake) -> Vec<Value> {
    lake.rows_at(LATER, "SELECT * FROM auditlake.control_results ORDER BY result_id")
}

fn count(lake: &Lake, condition: &str) -> u64 {
    lake.figure(&format!("SELECT count(*) FROM auditlake.findings WHERE {condition}"))
}

/// The steps of the case, as they were written.
fn steps(lake: &Lake, what: &str) -> Vec<Value> {
    let folder = format!("_auditlake/subjects/{CASE}/");
    let of_case = lake.objects().into_iter().filter(|(name, _)| name.starts_with(&folder) && !name.contains("plan-"));
    let read = of_case.filter_map(|(_, bytes)| serde_json::from_slice::<Value>(&bytes).ok());
    read.filter(|step| step["step"] == "withdrawn" && step["what"].as_str().is_some_and(|text| text.starts_with(what)))
        .collect()
}

fn decide(lake: &Lake, finding: &str, state: &str, at: &str) -> Ran {
    let by = ["--by", "head of security", "--reason", "SEC-4711"];
    let mut args = vec!["findings", "decide", finding, "--state", state];
    args.extend(by);
    if state == "accepted" {
        args.extend(["--until", "2027-06-30"]);
    }
    args.extend(["--at", at]);
    lake.run(&args)
}

#[test]
fn rows_of_runs_that_show_a_person_go_and_what_rests_on_them_stays() {
    let lake = reported(REPORT);
    let hers = lake.rows("SELECT finding_id FROM auditlake.findings WHERE actor_id = 'ann-zq7' ORDER BY 1 LIMIT 1");
    let hers = hers[0]["finding_id"].as_str().expect("an id").to_owned();
    decide(&lake, &hers, "accepted", "2026-11-30T09:00:00Z").succeeded();
    let (found, said) = (findings(&lake), results(&lake));
    assert_eq!(found.len() as u64, DAYS * A_DAY);
    let others = count(&lake, "actor_id IN ('bob', 'ann-zq71', 'carl', 'dora')");
    let files = files_of_rows(&lake);
    assert_eq!(files.len(), 3, "evidence, findings and results: {files:?}");

    let ran = erase(&lake);
    ran.said(
        0,
        &[
            &format!("withdrawn: evidence {ROWS}"),
            &format!("ACME-DATA-001.parquet of {RUN}, 240 rows, 1 object: a run of \"reads\" at another instant"),
            &format!("withdrawn: findings {ROWS}"),
            "1 object: the same rows stand beside it without what showed the person",
            &format!("withdrawn: report {RUN}"),
            "is fulfilled",
        ],
    );
    assert!(!ran.out.contains("results of controls"), "nobody stands in them: {}", ran.out);
    assert!(!ran.out.contains("does not list it"), "{}", ran.out);
    silent(&ran);
    for text in [ANN, DESK, "p-ann"] {
        assert_eq!(having(&lake, text), [] as [&str; 0], "{text}");
    }

    // What was found, when, how often, and what was decided is as before; of hers there is no more than that.
    assert_eq!((findings(&lake), results(&lake)), (found, said));
    assert_eq!(
        count(&lake, "resource = 'erased' AND reason = 'erased' AND actor_id IS NULL AND event_id IS NULL"),
        SHOWN
    );
    assert_eq!(count(&lake, "resource = 'erased'"), SHOWN);
    assert_eq!(count(&lake, "actor_id IN ('bob', 'ann-zq71', 'carl', 'dora')"), others);
    let listed = lake.json(&["--at", LATER, "findings", "list"]);
    let listed = listed["findings"].as_array().expect("findings");
    assert_eq!(listed.len() as u64, DAYS * A_DAY);
    let one = listed.iter().find(|one| one["finding_id"] == hers.as_str()).expect("is there");
    assert_eq!((&one["state"], &one["decided_by"]), (&json!("accepted"), &json!("head of security")), "{one}");
    decide(&lake, &hers, "remediated", "2026-12-02T00:00:00Z").said(0, &["decision 2"]);
    lake.run(&["runs", "show", RUN]).said(0, &["committed"]);

    // Beside what is gone stands why, and what stands in its place.
    let mark = lake.objects().into_iter().find(|(name, _)| name.ends_with("/ACME-DATA-001.withdrawn.json"));
    let mark: Value = serde_json::from_slice(&mark.expect("a mark").1).expect("JSON");
    assert_eq!(mark["case"], CASE);
    let step = steps(&lake, "findings");
    let instead = step[0]["instead"]["path"].as_str().expect("a path").to_owned();
    assert!(files_of_rows(&lake).contains(&instead), "{instead}");
    assert_eq!(files_of_rows(&lake).len(), 2, "findings anew, and results");
    lake.run(&["verify", NOW]).said(0, &["withdrawn", "gone, as cases of persons say"]);
}

#[test]
fn nothing_but_a_logged_withdrawal_explains_why_rows_are_gone() {
    let lake = reported(REPORT);
    erase(&lake).said(0, &["is fulfilled"]);
    lake.run(&["verify", NOW]).succeeded();
    let instead = steps(&lake, "findings")[0]["instead"]["path"].as_str().expect("a path").to_owned();
    // Results that nobody withdrew.
    let results = files_of_rows(&lake).into_iter().find(|name| name.ends_with("/control_results.parquet"));
    let results = results.expect("results");
    let bytes = lake.object(&results);
    fs::remove_file(lake.data().join(&results)).expect("removed");
    lake.run(&["verify", NOW]).said(3, &[&results]);
    let ran = lake.run(&["sql", "SELECT count(*) FROM auditlake.control_results", NOW]);
    assert!(ran.code != Some(0) && ran.err.contains("although a committed run wrote it"), "{ran:?}");
    // Nor does a step explain it that nobody logged.
    let mut forged = steps(&lake, "findings").remove(0);
    forged["number"] = 99.into();
    forged["objects"] = json!([{ "path": results, "sha256": engine::hex(&sha2::Sha256::digest(&bytes)) }]);
    let path = format!("_auditlake/subjects/{CASE}/000099.json");
    lake.put(&path, forged.to_string());
    lake.run(&["verify", NOW]).said(3, &[&results]);
    fs::remove_file(lake.data().join(&path)).expect("removed");
    lake.put(&results, &bytes);
    lake.run(&["verify", NOW]).succeeded();
    // What stands in the place of findings is what the case says, or is named.
    let bytes = lake.object(&instead);
    lake.put(&instead, [bytes.as_ref(), b"x"].concat());
    lake.run(&["verify", NOW]).said(3, &[&instead, "a case names another one"]);
    fs::remove_file(lake.data().join(&instead)).expect("removed");
    lake.run(&["verify", NOW]).said(3, &[&instead, "stood in the place of a withdrawn one"]);
    lake.put(&instead, &bytes);
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn the_next_report_compares_with_rows_that_were_written_anew() {
    let lake = reported(&REPORT.replace("format: csv", "format: json"));
    erase(&lake).said(0, &["is fulfilled"]);
    let at = "2026-12-07T00:00:00Z";
    lake.run(&["run", "reads", "--at", at]).succeeded();
    let report: Value = serde_json::from_slice(&lake.object("reports/reads/2026-12-07/reads.json")).expect("JSON");
    // Of the days of both windows are fourteen: in two rows of each Ann was shown, in two others she was the subject, whom the
    // control does not show.
    let change = &report["change"];
    let counts =
        ["new", "gone", "left", "not_looked_for"].map(|name| change["findings"][name].as_u64().expect("a count"));
    assert_eq!(counts, [0, 14 * 2, 6 * A_DAY, 14 * 2], "{change}");
    let sum = |column: &str| -> u64 {
        let rows = lake.rows_at(at, change["gone_sql"].as_str().expect("SQL"));
        rows.iter().map(|row| row[column].as_u64().expect("a count")).sum()
    };
    assert_eq!(["gone", "left", "not_looked_for"].map(sum), [14 * 2, 6 * A_DAY, 14 * 2]);
    // The interval before is in the trend as it was, and whoever was seen first then is not new.
    let control = report["controls"].as_array().expect("controls").iter().find(|one| one["id"] == "ACME-DATA-001");
    let points = control.expect("is there")["trend"].as_array().expect("points");
    let violations: Vec<u64> = points.iter().map(|point| point["violations"].as_u64().expect("a count")).collect();
    assert_eq!(violations, [DAYS * A_DAY, 14 * (A_DAY - 4)]);
    let first = "SELECT count(*) FROM auditlake.findings WHERE first_seen_at > TIMESTAMP '2026-12-01T00:00:00Z'";
    assert_eq!(lake.figure(first), 0);
    assert_eq!(having(&lake, ANN), [] as [&str; 0]);
    lake.run(&["verify", "--at", at]).succeeded();
}

#[test]
fn one_person_after_the_other_goes_from_the_same_rows() {
    let lake = reported(REPORT);
    erase(&lake).said(0, &["is fulfilled"]);
    lake.write("anna.txt", format!("{ANNA}\n"));
    let found = findings(&lake);
    let ran = lake.run(&["subject", "erase", "--id-file", "anna.txt", "--ticket", "DSR-2", "--yes", NOW]);
    ran.said(0, &[&format!("withdrawn: findings {ROWS}"), "is fulfilled"]);
    for text in [ANN, DESK, ANNA, "p-anna"] {
        assert_eq!(having(&lake, text), [] as [&str; 0], "{text}");
    }
    assert_eq!(findings(&lake), found);
    // Anna acts in two rows a day, in one of them on Ann.
    assert_eq!(count(&lake, "resource = 'erased'"), SHOWN + 2 * DAYS);
    assert_eq!(files_of_rows(&lake).len(), 2, "{:?}", files_of_rows(&lake));
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn whoever_dies_between_saying_that_rows_go_and_their_going_loses_none() {
    let lake = reported(REPORT);
    let before = lake.copy();
    let found = findings(&lake);
    erase(&lake).said(0, &["is fulfilled"]);
    let step = steps(&lake, "findings").remove(0);
    let instead = step["instead"]["path"].as_str().expect("a path").to_owned();
    for is_written in [false, true] {
        let lake = before.copy();
        let open = ["subject", "open", "--type", "erasure", "--id-file", "ann.txt", "--case", CASE, NOW];
        lake.run(&open).succeeded();
        let mut step = step.clone();
        step["number"] = 2.into();
        lake.put(&format!("_auditlake/subjects/{CASE}/000002.json"), step.to_string());
        if is_written {
            lake.put(&instead, before_erased(&before, &instead));
        }
        lake.run(&["subject", "plan", CASE, "--as", "paula", NOW]).succeeded();
        lake.run(&["subject", "approve", CASE, "--ticket", "T", "--as", "omar", NOW]).succeeded();
        let ran = lake.run(&["subject", "apply", CASE, "--yes", NOW]);
        ran.said(0, &["withdrawn: findings", "is fulfilled"]);
        silent(&ran);
        assert_eq!(having(&lake, ANN), [] as [&str; 0]);
        assert_eq!(steps(&lake, "findings").len(), 1, "it is said once");
        assert!(lake.objects().iter().any(|(name, _)| name.ends_with("/findings.withdrawn.json")), "and marked");
        assert_eq!(findings(&lake), found);
        assert_eq!(files_of_rows(&lake).len(), 2, "{:?}", files_of_rows(&lake));
    }
}

#[test]
fn nothing_that_lies_where_rows_are_written_anew_is_taken_for_them() {
    let lake = reported(REPORT);
    let copy = lake.copy();
    erase(&copy).said(0, &["is fulfilled"]);
    let instead = steps(&copy, "findings")[0]["instead"]["path"].as_str().expect("a path").to_owned();
    lake.put(&instead, "others put it there");
    let (found, files) = (findings(&lake), files_of_rows(&lake));
    let ran = erase(&lake);
    ran.said(0, &[&format!("not reached: {ROWS}"), "something else lies where its rows go", "is partly fulfilled"]);
    silent(&ran);
    assert_eq!(steps(&lake, "findings"), [] as [Value; 0]);
    assert_eq!(findings(&lake), found);
    // Evidence went, findings are as they were.
    assert_eq!(files_of_rows(&lake).len(), files.len() - 1);
    lake.run(&["verify", NOW]).succeeded();
}

/// What an erasure in a copy writes in the place of findings.
fn before_erased(before: &Lake, instead: &str) -> bytes::Bytes {
    let copy = before.copy();
    erase(&copy).succeeded();
    copy.object(instead)
}

#[test]
fn a_run_that_is_reviewed_can_be_computed_again() {
    let lake = filled(Lake::new());
    lake.write("access.yaml", ACCESS);
    report(&lake, &format!("{REPORT}approval: required\n"));
    let ran = erase(&lake);
    let again = format!(
        "ACME-DATA-001.parquet of {RUN}, 240 rows, 1 object: `auditlake run reads --at 2026-11-30T00:00:00Z --again`"
    );
    ran.said(0, &[&again, "is fulfilled"]);
    assert_eq!(having(&lake, ANN), [] as [&str; 0]);
    lake.run(&["run", "reads", NOW, "--again"]).succeeded();
    assert_eq!(count(&lake, "resource = 'erased'"), 0);
    assert_eq!(count(&lake, "true"), DAYS * (A_DAY - 4));
    assert_eq!(having(&lake, ANN), [] as [&str; 0]);
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn rows_of_runs_stay_while_rows_are_held_and_go_as_the_plan_listed_them() {
    let lake = reported(REPORT);
    lake.run(&["hold", "place", "--case", "L-1", "--reason", "a claim", NOW]).succeeded();
    let files = files_of_rows(&lake);
    let ran = erase(&lake);
    ran.said(0, &["stays open", &format!("not reached: {ROWS}")]);
    assert!(!ran.out.contains("withdrawn:"), "{}", ran.out);
    assert_eq!(files_of_rows(&lake), files);
    let plan = lake.json(&["subject", "apply", CASE, "--dry-run", NOW]);
    let kinds: Vec<&Value> =
        plan["document"]["withdraws"].as_array().expect("a list").iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["report", "evidence", "findings"], "{plan}");
    lake.run(&["hold", "release", "--case", "L-1", "--reason", "settled", NOW]).succeeded();
    let ran = lake.run(&["subject", "apply", CASE, "--yes", NOW]);
    ran.said(0, &[&format!("withdrawn: evidence {ROWS}"), "is fulfilled"]);
    assert!(!ran.out.contains("does not list it"), "{}", ran.out);
    assert_eq!(having(&lake, ANN), [] as [&str; 0]);
}
