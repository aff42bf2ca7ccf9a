//! What was published of a person who is erased: exports, answers to requests, reports, and the requests themselves.

use serde_json::Value;
use sha2::Digest;

use super::{A_DAY, ANN, DAYS, NOW, OUT, THEIRS, erase, filled, filled_with, having, silent};
use crate::auditlake::Lake;

/// A report that shows who acted.
pub(super) const CONTROL: &str = "control: ACME-DATA-001
version: 1
title: Reads of data
severity: low
type: detective
owner: security
rows: {from: audit, population: \"event_type = 'data.read'\", violation: \"true\", reason: \"'a read'\", resource: event_id}
evidence: {columns: [event_id, time, actor_id], show: [actor_id], max_rows: 10000, keep: 7y}
frameworks: {soc2: [CC6.1]}
remediation: None.
";
pub(super) const REPORT: &str = "job: reads
kind: compliance_report
window: 30d
controls: [ACME-DATA-001]
outputs: [{format: csv, to: \"reports/{job}/{interval.end:%Y-%m-%d}/\"}]
";
pub(super) const ACCESS: &str = "
roles: {reader: {inherits: [analyst], permissions: [dataset.unmasked], datasets: {audit: {rows: all}}}}
principals: {rita: {tenants: all, roles: [reader], channels: [inbox]}}
";

/// A request for what she did.
fn hers() -> String {
    format!("request: 1\ndataset: audit\nfilter: actor_id = '{ANN}'\nformat: csv\n")
}

/// A lake that has published whatever it can.
fn published() -> Lake {
    let lake = filled(Lake::new());
    lake.write("access.yaml", ACCESS);
    lake.write("jobs/out.yaml", OUT);
    lake.write("controls/reads.yaml", CONTROL);
    lake.write("jobs/reads.yaml", REPORT);
    lake.run(&["run", "out", NOW]).succeeded();
    lake.run(&["run", "reads", NOW]).succeeded();
    lake.put("requests/inbox/rita/hers.yaml", hers());
    lake.put("requests/inbox/rita/others.yaml", "request: 1\ndataset: audit\nfilter: actor_id = 'carl'\nformat: csv\n");
    lake.run(&["requests", "run", "--once", "--settle", "0", NOW]).succeeded();
    lake
}

/// Objects that mention her, and are no rows and no records of ours.
fn showing(lake: &Lake) -> Vec<String> {
    having(lake, ANN).into_iter().filter(|name| !name.starts_with("audit") && !name.starts_with("identity")).collect()
}

#[test]
fn what_was_published_of_a_person_is_withdrawn_and_says_so() {
    let lake = published();
    let before = showing(&lake);
    for folder in ["exports/out/", "exports/rita/", "reports/reads/", "requests/done/rita/"] {
        assert!(before.iter().any(|name| name.starts_with(folder)), "{folder}: {before:?}");
    }
    let ran = erase(&lake);
    ran.said(
        0,
        &["withdrawn: export exports/out/", "withdrawn: answer exports/rita/", "tell rita", "withdrawn: report reads@"],
    );
    ran.said(
        0,
        &["withdrawn: request requests/done/rita/", "at another instant is of what is there then; tell whoever"],
    );
    silent(&ran);
    // Rows of runs went, too; other records of ours are named.
    let left = showing(&lake);
    let is_named = |name: &String| name.starts_with("_auditlake/") && !name.starts_with("_auditlake/evidence/reads/");
    assert!(left.iter().all(is_named), "{left:?}");
    assert!(left.iter().all(|name| ran.out.contains(&format!("not reached: {name}"))), "{left:?} {}", ran.out);
    // The manifest stays, and says why its parts are gone; somebody else's answer is untouched.
    let manifest = lake.data().join("exports/out/2026-11-30/manifest.json").display().to_string();
    lake.run(&["export", "verify", &manifest]).said(1, &["withdrawn by case subject-2026-0001"]);
    // Whoever published it died before saying so: what was withdrawn is not taken for its output.
    let dead = lake.copy();
    std::fs::remove_dir_all(dead.data().join("_auditlake/runs/out")).expect("runs of a job");
    let again = dead.run(&["run", "out", NOW]);
    again.failed(1, &["it was withdrawn by case subject-2026-0001", "run the job for another instant"]);
    let requests = lake.run(&["requests", "list"]);
    assert_eq!(
        (requests.out.matches("withdrawn").count(), requests.out.matches("done ").count()),
        (1, 1),
        "{}",
        requests.out
    );
    lake.run(&["verify", NOW]).said(0, &["withdrawn", "gone, as cases of persons say"]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY - THEIRS);
    // Whoever asks the same again gets what is there now.
    lake.put("requests/inbox/rita/again.yaml", hers());
    let again = lake.run(&["requests", "run", "--once", "--settle", "0", NOW]);
    again.said(0, &["answered requests/inbox/rita/again.yaml: 0 rows"]);
}

#[test]
fn whatever_a_folder_is_called_and_whoever_died_before_nothing_stays() {
    let lake = filled(Lake::new());
    let to = format!("{}/exports/M\u{fc}ller 100%/", lake.data().display());
    lake.run(&["export", "--dataset", "audit", "--format", "csv", "--to", &to, NOW]).succeeded();
    lake.write("jobs/out.yaml", OUT);
    lake.run(&["run", "out", NOW]).succeeded();
    let before = lake.copy();
    let ran = erase(&lake);
    ran.said(0, &["withdrawn: export exports/M", "withdrawn: export exports/out/", "2026-0001 is fulfilled"]);
    assert_eq!(showing(&lake), [] as [&str; 0]);
    // Somebody says which part goes, and dies before it does.
    let open = ["subject", "open", "--type", "erasure", "--id-file", "ann.txt", "--case", "subject-2026-0001", NOW];
    before.run(&open).succeeded();
    let folder = "_auditlake/subjects/subject-2026-0001/";
    let steps = lake.objects().into_iter().filter(|(name, _)| name.starts_with(folder));
    let steps = steps.filter_map(|(_, bytes)| serde_json::from_slice::<Value>(&bytes).ok());
    let mut step = steps.into_iter().find(|step| step["step"] == "withdrawn").expect("a step");
    step["number"] = 2.into();
    // A part that names nobody, whose publication is half gone already.
    lake.run(&["verify", NOW]).succeeded();
    let quiet = "exports/out/quiet.csv";
    before.put(quiet, "nobody\r\n");
    let sha256 = engine::hex(&sha2::Sha256::digest(b"nobody\r\n"));
    step["objects"] = serde_json::json!([{ "path": quiet, "sha256": sha256 }]);
    before.put(&format!("{folder}000002.json"), step.to_string());
    before.run(&["subject", "plan", "subject-2026-0001", "--as", "paula", NOW]).succeeded();
    before.run(&["subject", "approve", "subject-2026-0001", "--ticket", "T", "--as", "omar", NOW]).succeeded();
    before.run(&["subject", "apply", "subject-2026-0001", "--yes", NOW]).said(0, &["is fulfilled"]);
    assert!(!before.objects().iter().any(|(name, _)| name == quiet), "what a step says goes, whoever died");
}

#[test]
fn nothing_is_withdrawn_while_rows_are_held() {
    let lake = published();
    let before = showing(&lake);
    lake.run(&["hold", "place", "--case", "L-1", "--reason", "a claim", NOW]).succeeded();
    let ran = erase(&lake);
    ran.said(0, &["stays open", "not reached: exports/out/"]);
    assert!(!ran.out.contains("withdrawn:"), "{}", ran.out);
    let sealed = |name: &String| !name.ends_with("/sealed");
    assert_eq!(showing(&lake).into_iter().filter(sealed).collect::<Vec<_>>(), before);
    let plan = lake.run(&["subject", "apply", "subject-2026-0001", "--dry-run", NOW]);
    plan.said(0, &["to withdraw: export exports/out/", "is withdrawn as long as rows of the person are held"]);
    lake.run(&["hold", "release", "--case", "L-1", "--reason", "settled", NOW]).succeeded();
    lake.run(&["subject", "apply", "subject-2026-0001", "--yes", NOW]).said(0, &["withdrawn: export exports/out/"]);
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn a_manifest_that_names_other_files_takes_none_along() {
    let lake = filled(Lake::new());
    lake.write("jobs/out.yaml", OUT);
    lake.run(&["run", "out", NOW]).succeeded();
    let path = "exports/out/2026-11-30/manifest.json";
    let manifest = String::from_utf8(lake.object(path).to_vec()).expect("text");
    let objects = lake.objects();
    let (rows, _) = objects.iter().find(|(name, _)| name.starts_with("audit/")).expect("rows");
    // One level up it would reach rows, and a part that is not what it was is not the part.
    let part = objects.iter().find(|(name, _)| name.starts_with("exports/out/") && name.ends_with(".csv"));
    let (part, bytes) = part.expect("a part");
    lake.put("manifest.json", manifest.replace(part.trim_start_matches("exports/out/2026-11-30/"), rows));
    lake.put(part, [bytes.as_ref(), b"\r\n"].concat());
    let ran = erase(&lake);
    ran.said(
        0,
        &[&format!("not reached: {part}: it is not what its record says"), "80 deleted", "is partly fulfilled"],
    );
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY - THEIRS);
    assert!(lake.objects().iter().any(|(name, _)| name == part));
}

#[test]
fn a_plan_lists_what_is_to_be_withdrawn_and_what_it_did_not_list_is_told() {
    let lake = filled_with(Lake::new(), 2);
    lake.write("jobs/out.yaml", OUT);
    lake.run(&["run", "out", NOW]).succeeded();
    lake.put("requests/done/rita/hers.yaml", hers());
    lake.run(&["subject", "open", "--type", "erasure", "--id-file", "ann.txt", NOW]).succeeded();
    let before = lake.objects();
    let dry = lake.run(&["subject", "plan", "subject-2026-0001", "--as", "paula", NOW]);
    dry.said(
        0,
        &[
            "to withdraw: export exports/out/2026-11-30/manifest.json of out@2026-11-30T00:00:00Z",
            "shows the person",
            "to withdraw: request requests/done/rita/hers.yaml, 1 object: it names the person",
            "what is published until then",
        ],
    );
    silent(&dry);
    // The same is in the record that is approved, and nothing else has changed.
    let told = lake.json(&["subject", "plan", "subject-2026-0001", "--as", "paula", NOW]);
    let sha256 = told["plan"].as_str().expect("a plan");
    let record = lake.object(&format!("_auditlake/subjects/subject-2026-0001/plan-{sha256}.json"));
    let record: Value = serde_json::from_slice(&record).expect("JSON");
    assert_eq!(record["withdraws"], told["document"]["withdraws"]);
    let listed = record["withdraws"].as_array().expect("a list");
    let kinds: Vec<&Value> = listed.iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["export", "request"]);
    let paths = listed[0]["paths"].as_array().expect("paths");
    assert!(paths.iter().all(|path| path.as_str().is_some_and(|path| path.starts_with("exports/out/2026-11-30/"))));
    let there = lake.objects();
    let published = |(name, _): &&(String, _)| !name.starts_with("_auditlake/");
    assert!(before.iter().filter(published).all(|object| there.contains(object)));
    // Something is published between the plan and its application.
    lake.run(&["subject", "approve", "subject-2026-0001", "--ticket", "DSR-1", "--as", "omar", NOW]).succeeded();
    lake.run(&["run", "out", "--at=2026-11-29T00:00:00Z"]).succeeded();
    let ran = lake.run(&["subject", "apply", "subject-2026-0001", "--yes", NOW]);
    ran.said(0, &["8 deleted", "is fulfilled"]);
    for (folder, is_listed) in [("exports/out/2026-11-30/", true), ("exports/out/2026-11-29/", false)] {
        let line = ran.out.lines().find(|line| line.contains(&format!("withdrawn: export {folder}"))).expect("is told");
        assert_eq!(!line.contains("the plan that was approved does not list it"), is_listed, "{line}");
    }
    let certificate = lake.json(&["subject", "certificate", "subject-2026-0001", NOW]);
    let withdrawn = certificate["withdrawn"].as_array().expect("a list");
    assert_eq!(withdrawn.iter().filter(|one| one["unplanned"] == true).count(), 1, "{certificate}");
    assert_eq!(withdrawn.len(), 3, "{certificate}");
    assert_eq!(showing(&lake), [] as [&str; 0]);
}
