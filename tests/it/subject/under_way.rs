//! What is being published in the moment of an erasure: the case waits for it, and for nothing that is over.

use std::fs;

use serde_json::{Value, json};

use super::{ANN, NOW, OUT, erase, filled_with, having, silent};
use crate::auditlake::Lake;

const CASE: &str = "subject-2026-0001";

/// Somebody on another machine, of whom nobody here can tell whether they live.
fn elsewhere() -> Value {
    json!({ "runner": "process 7", "nonce": "07", "boot": "another", "process_space": null, "process": 7, "process_start": null })
}

/// Somebody on this machine who is no more: no process has a number as high as that.
fn gone() -> Value {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a machine");
    let space = fs::read_link("/proc/self/ns/pid").expect("a space of processes");
    json!({
        "runner": "process 4194999", "nonce": "08", "boot": boot.trim(), "process_space": space.to_string_lossy(),
        "process": 4_194_999, "process_start": "1",
    })
}

/// What a process wrote before it began.
fn begun(lake: &Lake, number: u8, mut act: Value, holder: Value) -> String {
    act["since"] = 0.into();
    act["holder"] = holder;
    let path = format!("_auditlake/evidence/_proof/pending/{number:032x}.json");
    lake.put(&path, act.to_string());
    path
}

fn run_of_out() -> Value {
    json!({ "what": "run", "job": "out", "instant": "2026-11-30T00:00:00Z" })
}

fn apply(lake: &Lake) -> crate::auditlake::Ran {
    lake.run(&["subject", "apply", CASE, "--yes", NOW])
}

#[test]
fn what_is_being_published_meanwhile_keeps_a_case_open_until_it_has_ended() {
    let lake = filled_with(Lake::new(), 2);
    lake.write("jobs/out.yaml", OUT);
    let other = lake.copy();
    begun(&lake, 1, run_of_out(), elsewhere());
    let ran = erase(&lake);
    ran.said(0, &["8 deleted", "under way: run out@20261130T000000Z by process 7", "stays open", "subject apply"]);
    assert!(!ran.out.contains("fulfilled"), "{}", ran.out);
    silent(&ran);
    lake.run(&["subject", "list", NOW]).said(0, &[CASE]);
    let again = lake.json(&["subject", "apply", CASE, "--yes", NOW]);
    assert_eq!((&again["state"], again["under_way"].as_array().map(Vec::len)), (&"open".into(), Some(1)), "{again}");
    // The run had read her rows before they went, and publishes them now; then its process dies.
    other.run(&["run", "out", NOW]).succeeded();
    for (name, bytes) in other.objects() {
        let is_of_run = name.starts_with("exports/out/") || name.starts_with("_auditlake/runs/out/");
        // Proofs are of the log of the other lake.
        if is_of_run && !name.ends_with(".tlog-proof") {
            lake.put(&name, bytes);
        }
    }
    assert!(having(&lake, ANN).iter().any(|name| name.starts_with("exports/out/")));
    begun(&lake, 1, run_of_out(), gone());
    let ran = apply(&lake);
    ran.said(0, &["withdrawn: export exports/out/", "is fulfilled"]);
    assert!(!ran.out.contains("under way"), "{}", ran.out);
    assert_eq!(having(&lake, ANN), [] as [&str; 0]);
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn reviews_answers_and_exports_by_command_are_waited_for_and_nobody_is_named() {
    let lake = filled_with(Lake::new(), 2);
    let acts = [
        json!({ "what": "review", "job": "reads", "instant": "2026-11-30T00:00:00Z" }),
        json!({ "what": "answer", "request": "00", "folder": "exports/rita/00/" }),
        json!({ "what": "answer", "request": "01", "folder": format!("exports/{ANN}/01/") }),
        json!({ "what": "other" }),
    ];
    let paths: Vec<String> = (1..).zip(acts).map(|(number, act)| begun(&lake, number, act, elsewhere())).collect();
    let ran = erase(&lake);
    ran.said(
        0,
        &[
            "under way: a step of the review of reads@20261130T000000Z",
            "under way: answer exports/rita/00/",
            "under way: an answer to a request by process 7",
            "under way: an export, or another command",
            "stays open",
        ],
    );
    silent(&ran);
    for path in paths {
        fs::remove_file(lake.data().join(path)).expect("removed");
    }
    apply(&lake).said(0, &["is fulfilled"]);
    assert_eq!(having(&lake, ANN), [] as [&str; 0]);
}

#[test]
fn what_is_over_or_publishes_nothing_keeps_no_case_open() {
    let lake = filled_with(Lake::new(), 2);
    lake.write("jobs/out.yaml", OUT);
    begun(&lake, 1, run_of_out(), gone());
    // What an ingest brings is compared with who was erased, and holds are no publication.
    begun(&lake, 2, json!({ "what": "dataset", "dataset": "audit" }), elsewhere());
    begun(&lake, 3, json!({ "what": "record", "path": "_auditlake/holds/L-1/000001.json" }), elsewhere());
    let old = begun(&lake, 5, run_of_out(), elsewhere());
    let file = fs::File::options().write(true).open(lake.data().join(old)).expect("an intent");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("older than an hour");
    let over = begun(&lake, 4, json!({ "what": "other" }), elsewhere());
    lake.put(&format!("{over}.over"), "");
    let ran = erase(&lake);
    ran.said(0, &["is fulfilled"]);
    assert!(!ran.out.contains("under way"), "{}", ran.out);
}

#[test]
fn a_lake_without_a_log_says_that_nobody_knows() {
    let lake = filled_with(Lake::new(), 2);
    fs::remove_file(lake.folder().join("policies/evidence.yaml")).expect("removed");
    erase(&lake).said(0, &["not searched: what was being published meanwhile: the lake keeps no evidence log"]);
}
