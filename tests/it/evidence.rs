//! The evidence log as its users meet it: commands, exit codes, proofs that need no lake, and a second verifier that shares
//! no code with the first.

use std::path::PathBuf;
use std::process::Command;

use crate::auditlake::Lake;
use crate::kill::{INGEST, dropped};
use crate::tree;

const RUN: [&str; 3] = ["run", "compliance", "--at=2026-03-04T00:00:00Z"];

fn lived() -> Lake {
    let lake = dropped(Lake::new());
    lake.json(&INGEST);
    lake.json(&RUN);
    lake
}

/// The first HTML report below the store.
fn report(lake: &Lake) -> PathBuf {
    let objects = lake.objects();
    let html = objects.iter().map(|(name, _)| name).find(|name| name.ends_with(".html")).expect("a report");
    lake.data().join(html)
}

#[test]
fn a_report_is_checked_offline_with_a_key_and_the_proof_beside_it() {
    let lake = lived();
    let report = report(&lake);
    let elsewhere = tempfile::TempDir::new().expect("a folder");
    let (file, key) = (elsewhere.path().join("report.html"), elsewhere.path().join("log.pub"));
    std::fs::copy(&report, &file).expect("copied");
    std::fs::copy(format!("{}.tlog-proof", report.display()), format!("{}.tlog-proof", file.display()))
        .expect("copied");
    std::fs::copy(lake.folder().join("keys/log.pub"), &key).expect("copied");
    let verify = |args: &[&str]| {
        let mut command = lake.command(&["verify", "report.html", "--keys", "log.pub"]);
        command.args(args).env_remove("AUDITLAKE_LAKE").current_dir(elsewhere.path());
        crate::auditlake::ended(command.output().expect("the program runs"))
    };
    let good = verify(&[]);
    good.succeeded();
    assert!(good.out.contains("report.html: as in entry"), "{}", good.out);
    let text = std::fs::read_to_string(&file).expect("text");
    std::fs::write(&file, text.replacen("Compliance", "Complaisance", 1)).expect("written");
    let bad = verify(&[]);
    assert_eq!(bad.code, Some(3), "{}", bad.out);
    assert!(bad.out.contains("changed_part"), "{}", bad.out);
}

#[test]
fn commands_say_what_is_wrong_by_their_exit_codes() {
    let lake = lived();
    let good = lake.run(&["verify"]);
    good.succeeded();
    assert!(
        good.out.contains("nothing is wrong with what was checked") && good.out.contains("NOT CHECKED"),
        "{}",
        good.out
    );
    let json = lake.json(&["verify"]);
    assert_eq!((json["good"].as_bool(), json["findings"].as_array().map(Vec::len)), (Some(true), Some(0)), "{json}");
    let file =
        lake.objects().into_iter().map(|(name, _)| name).find(|name| name.starts_with("audit/")).expect("a file");
    lake.run(&["verify", &format!("data/{file}")]).succeeded();
    let whole = lake.object(&file);
    lake.put(&file, [whole.as_ref(), b"x"].concat());
    for args in [vec!["verify"], vec!["verify", "--dataset", "audit"]] {
        let bad = lake.run(&args);
        assert_eq!(bad.code, Some(3), "{}", bad.out);
        assert!(bad.out.contains("changed_file") && bad.out.contains(&file), "{}", bad.out);
    }
    lake.run(&["verify", "--dataset", "identity"]).succeeded();
    lake.run(&["verify", "--from", "2026-04-01"]).succeeded();
    lake.run(&["verify", "--dataset", "nothing"]).failed(2, &["dataset \"nothing\" does not exist"]);
    std::fs::remove_file(lake.folder().join("keys/log.pub")).expect("removed");
    lake.run(&["verify"]).failed(2, &["log.pub"]);
    lake.write("keys/log.pub", "# nobody\n");
    lake.run(&["verify"]).failed(2, &["no trusted key", "--keys"]);
    lake.write("keys/log.pub", "no key\n");
    lake.run(&["verify"]).failed(2, &["keys/log.pub", "no verifier key"]);
    std::fs::remove_file(lake.folder().join("policies/evidence.yaml")).expect("removed");
    lake.run(&["verify"]).failed(2, &["has no evidence log", "policies/evidence.yaml"]);
}

#[test]
fn a_log_that_begins_late_adopts_what_was_there_and_nothing_else() {
    let lake = dropped(Lake::new());
    let policy = std::fs::read_to_string(lake.folder().join("policies/evidence.yaml")).expect("a policy");
    std::fs::remove_file(lake.folder().join("policies/evidence.yaml")).expect("removed");
    lake.json(&INGEST);
    lake.write("policies/evidence.yaml", policy);
    let bad = lake.run(&["verify"]);
    assert_eq!(bad.code, Some(3), "{}", bad.out);
    assert!(bad.out.contains("unlogged_file"), "{}", bad.out);
    let would = lake.json(&["evidence", "adopt", "--dry-run"]);
    assert!(would["entries"]["files"].as_u64() > Some(0), "{would}");
    assert_eq!(lake.json(&["evidence", "adopt"])["entries"], would["entries"]);
    lake.run(&["verify"]).succeeded();
    assert_eq!(lake.json(&["evidence", "adopt"])["entries"], serde_json::json!({}));
    assert_eq!(lake.json(&["evidence", "status"])["signed"], lake.json(&["evidence", "status"])["entries"]);
}

#[test]
fn a_checkpoint_that_somebody_kept_shows_a_log_that_was_set_back() {
    let lake = lived();
    let copy = lake.copy();
    lake.json(&["run", "compliance", "--at=2026-03-05T00:00:00Z"]);
    let kept = lake.write("kept", lake.object("_auditlake/evidence/_proof/log/checkpoint"));
    lake.run(&["verify", "--checkpoint", "kept"]).succeeded();
    let set_back = copy.run(&["verify", "--checkpoint", &kept.display().to_string()]);
    assert_eq!(set_back.code, Some(3), "{}", set_back.out);
    assert!(set_back.out.contains("cut_log"), "{}", set_back.out);
}

#[test]
fn a_report_is_published_by_others_than_those_who_made_it() {
    let lake = dropped(Lake::new());
    lake.write(
        "access.yaml",
        "principals:\n  ben: {tenants: all, roles: [operator]}\n  eve: {tenants: all, roles: [auditor]}\n  \
         zoe: {tenants: all, roles: [auditor]}\n",
    );
    let job = std::fs::read_to_string(lake.folder().join("jobs/compliance.yaml")).expect("a job");
    lake.write("jobs/compliance.yaml", format!("{job}\napproval: required\n"));
    lake.json(&INGEST);
    let run = "compliance@20260304T000000Z";
    lake.json(&["run", "compliance", "--at=2026-03-04T00:00:00Z", "--as", "eve"]);
    assert!(!lake.objects().iter().any(|(name, _)| name.starts_with("reports/")), "a draft is not where reports are");
    let step = |step: &str, by: &str| lake.run(&["runs", step, run, "--as", by]);
    step("approve", "zoe").failed(1, &["must be in_review"]);
    step("publish", "ben").failed(1, &["must be approved"]);
    step("submit", "ben").succeeded();
    step("approve", "ben").failed(1, &["may not report.approve"]);
    step("approve", "eve").failed(1, &["ran the job"]);
    lake.run(&["runs", "reject", run, "--as", "zoe", "--reason", "a day is missing"]).succeeded();
    step("submit", "zoe").succeeded();
    step("approve", "zoe").failed(1, &["submitted the report"]);
    step("approve", "nobody").failed(2, &["principal \"nobody\" does not exist"]);
    lake.run(&["runs", "reject", run, "--as", "eve", "--reason", "once more"]).succeeded();
    step("submit", "ben").succeeded();
    step("approve", "zoe").succeeded();
    step("publish", "ben").succeeded();
    let shown = lake.run(&["runs", "show", run]);
    assert!(shown.out.contains("published by ben") && shown.out.contains("a day is missing"), "{}", shown.out);
    lake.run(&["verify"]).succeeded();

    // A later revision supersedes it, and lies beside it.
    lake.json(&["run", "compliance", "--at=2026-03-04T00:00:00Z", "--again", "--as", "eve"]);
    for (word, by) in [("submit", "ben"), ("approve", "zoe"), ("publish", "ben")] {
        step(word, by).succeeded();
    }
    let names: Vec<String> = lake.objects().into_iter().map(|(name, _)| name).collect();
    assert!(names.iter().any(|name| name.starts_with("reports/") && name.contains("/r2/") && name.ends_with(".html")));
    assert!(names.iter().any(|name| name.starts_with("reports/") && name.ends_with("/superseded.json")), "{names:?}");
    lake.run(&["verify"]).succeeded();
}

#[test]
fn a_draft_that_was_changed_is_not_published() {
    let lake = dropped(Lake::new());
    lake.write(
        "access.yaml",
        "principals:\n  ben: {tenants: all, roles: [operator]}\n  zoe: {tenants: all, roles: [auditor]}\n",
    );
    let job = std::fs::read_to_string(lake.folder().join("jobs/compliance.yaml")).expect("a job");
    lake.write("jobs/compliance.yaml", format!("{job}\napproval: required\n"));
    lake.json(&INGEST);
    lake.json(&RUN);
    let run = "compliance@20260304T000000Z";
    lake.run(&["runs", "submit", run, "--as", "ben"]).succeeded();
    lake.run(&["runs", "approve", run, "--as", "zoe"]).succeeded();
    let draft =
        lake.objects().into_iter().find(|(name, _)| name.starts_with("_auditlake/reports/") && name.ends_with(".html"));
    let (name, bytes) = draft.expect("a draft");
    lake.put(&name, [bytes.as_ref(), b" "].concat());
    lake.run(&["runs", "publish", run, "--as", "ben"]).failed(1, &[&name, "is not what run"]);
    assert!(!lake.objects().iter().any(|(name, _)| name.starts_with("reports/")), "nothing was published");
    let bad = lake.run(&["verify"]);
    assert_eq!(bad.code, Some(3), "{}", bad.out);
    assert!(bad.out.contains("changed_part"), "{}", bad.out);
}

/// The verifier in Python, which shares no code with ours, agrees that the lake is good, and that it is not.
#[test]
fn a_verifier_of_other_code_agrees() {
    let Some(python) = std::env::var_os("AUDITLAKE_MOTO").map(|moto| PathBuf::from(moto).with_file_name("python"))
    else {
        eprintln!("left out: a_verifier_of_other_code_agrees, AUDITLAKE_MOTO names no environment of Python");
        return;
    };
    let lake = lived();
    let verify = |lake: &Lake| {
        let script = tree::root().join("tests/interop/verify_evidence.py");
        let mut command = Command::new(&python);
        command.arg(script).arg(lake.data()).arg("--keys").arg(lake.folder().join("keys/log.pub")).arg("--files");
        crate::auditlake::ended(command.output().expect("Python runs"))
    };
    let good = verify(&lake);
    assert_eq!(good.code, Some(0), "{}{}", good.out, good.err);
    let file = lake.objects().into_iter().find(|(name, _)| name.starts_with("audit/")).expect("a file");
    lake.put(&file.0, b"other bytes");
    let bad = verify(&lake);
    assert_eq!(bad.code, Some(3), "{}{}", bad.out, bad.err);
    assert!(bad.out.contains(&file.0), "{}", bad.out);
}
