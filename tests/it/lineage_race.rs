//! Many runs at once, some of them killed: the log of lineage holds each of them once, and replays to one graph.
//!
//! `AUDITLAKE_RECORDERS` sets how many runs.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::auditlake::{Lake, ended};
use crate::kill::{INGEST, dropped, times};
use crate::moto;
use crate::serial_proxy::serialised;

/// A report that takes no time.
pub(crate) const JOB: &str = "\
job: tiny
kind: compliance_report
window: 1d
frameworks: [soc2]
controls: [AL-AUTH-001]
outputs:
  - {format: json, to: \"reports/tiny/{interval.end:%Y%m%dT%H%M%SZ}/\"}
";

#[test]
fn runs_that_record_at_once_lose_and_double_nothing() {
    recorded(Lake::new(), times("AUDITLAKE_RECORDERS", 24));
}

#[test]
fn runs_that_record_at_once_in_a_bucket_lose_and_double_nothing() {
    let Some(bucket) = moto::bucket("runs_that_record_at_once_in_a_bucket_lose_and_double_nothing") else { return };
    recorded(Lake::in_bucket(serialised(&bucket)), times("AUDITLAKE_RECORDERS", 24) / 3);
}

fn recorded(lake: Lake, runs: u64) {
    let lake = &dropped(lake);
    lake.json(&INGEST);
    lake.write("jobs/tiny.yaml", JOB);
    let instants: Vec<String> =
        (0..runs).map(|run| format!("--at=2026-03-04T{:02}:{:02}:00Z", run / 60, run % 60)).collect();
    let mut chance = ChaCha8Rng::seed_from_u64(runs);
    let mut started: Vec<Child> = instants.iter().map(|at| lake.start(&["run", "tiny", at])).collect();
    // One in four is killed when so much of the ledger is there, while all of them are at work.
    let records = usize::try_from(3 * runs).expect("a few");
    for child in started.iter_mut().step_by(4) {
        let enough = chance.random_range(0..records);
        while lake.count("_auditlake/runs") < enough && child.try_wait().expect("a child").is_none() {
            std::thread::yield_now();
        }
        child.kill().expect("a child can be killed");
    }
    for (number, child) in started.into_iter().enumerate() {
        let ran = ended(child.wait_with_output().expect("a child ends"));
        assert!(number % 4 == 0 || ran.code == Some(0), "{ran:?}");
    }
    for at in instants.iter().step_by(4) {
        lake.json(&["run", "tiny", at]);
    }
    let graph = graph(lake);
    let committed = complete_once(lake, &events(lake));
    assert_eq!(committed.len(), usize::try_from(runs).expect("a few"), "a run is missing");
    lake.json(&["lineage", "rebuild"]);
    assert_eq!(self::graph(lake), graph, "the log gives another graph than the snapshot");
    if lake.data().exists() {
        // The ledger alone knows them, too; a command has no records there.
        let copy = lake.copy();
        std::fs::remove_dir_all(copy.data().join("_auditlake/lineage/log")).expect("a log");
        std::fs::remove_dir_all(copy.data().join("_auditlake/lineage/snapshot")).expect("snapshots");
        assert_eq!(complete_once(&copy, &events(&copy)), committed);
    }
}

/// Ids of the runs that were committed; each has one beginning and one end.
fn complete_once(lake: &Lake, events: &[Value]) -> BTreeSet<String> {
    let mut states: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["job"]["name"] == "tiny") {
        let run = event["run"]["runId"].as_str().expect("an id").to_owned();
        states.entry(run).or_default().push(event["eventType"].as_str().expect("a state"));
    }
    let mut committed = BTreeSet::new();
    for (run, mut states) in states {
        states.sort_unstable();
        match states.as_slice() {
            ["COMPLETE", "START"] => drop(committed.insert(run)),
            // One that was killed.
            ["START"] => {}
            other => panic!("run {run} is told as {other:?} in {}", lake.folder().display()),
        }
    }
    committed
}

fn events(lake: &Lake) -> Vec<Value> {
    let told = lake.run(&["lineage", "export", "--format", "openlineage", "--to", "-"]);
    told.succeeded();
    told.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn graph(lake: &Lake) -> Value {
    let told = lake.run(&["lineage", "export", "--format", "json", "--to", "-"]);
    told.succeeded();
    let mut graph: Value = serde_json::from_str(&told.out).expect("JSON");
    // Which snapshot it comes from is no part of it.
    graph["graph"]["snapshot"] = Value::Null;
    graph
}
