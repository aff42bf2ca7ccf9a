//! Ten writers at once, some of them killed: one log, in which nothing is lost or doubled, and each checkpoint of which
//! grew from every earlier one.
//!
//! `AUDITLAKE_LOGGERS` sets how many rounds of ten.

use std::collections::BTreeMap;
use std::process::Child;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::auditlake::{Lake, ended};
use crate::kill::{dropped, times};
use crate::lineage_race::JOB;
use crate::moto;
use crate::serial_proxy::serialised;

const WRITERS: usize = 10;

#[test]
fn ten_writers_of_whom_some_are_killed_write_one_log() {
    logged(Lake::new(), times("AUDITLAKE_LOGGERS", 2));
}

#[test]
fn ten_writers_of_whom_some_are_killed_write_one_log_in_a_bucket() {
    let Some(bucket) = moto::bucket("ten_writers_of_whom_some_are_killed_write_one_log_in_a_bucket") else { return };
    logged(Lake::in_bucket(serialised(&bucket)), times("AUDITLAKE_LOGGERS", 2).div_ceil(2));
}

fn logged(lake: Lake, rounds: u64) {
    let lake = &dropped(lake);
    lake.write("jobs/tiny.yaml", JOB);
    lake.json(&["ingest", "ndjson", "drop", "--into", "audit"]);
    let mut chance = ChaCha8Rng::seed_from_u64(rounds);
    for round in 0..rounds {
        let commands: Vec<Vec<String>> = (0..WRITERS).map(|writer| command(lake, round, writer)).collect();
        let start = |command: &Vec<String>| lake.start(&command.iter().map(String::as_str).collect::<Vec<_>>());
        let mut started: Vec<Child> = commands.iter().map(start).collect();
        // One in three is killed when so much of the log is there, while all of them are at work.
        let before = lake.count("_auditlake/evidence/_proof");
        for child in started.iter_mut().step_by(3) {
            let enough = before + chance.random_range(0..60);
            while lake.count("_auditlake/evidence/_proof") < enough && child.try_wait().expect("a child").is_none() {
                std::thread::yield_now();
            }
            child.kill().expect("a child can be killed");
        }
        for (writer, child) in started.into_iter().enumerate() {
            let ran = ended(child.wait_with_output().expect("a child ends"));
            assert!(writer % 3 == 0 || ran.code == Some(0), "{ran:?}");
        }
        for command in commands.iter().step_by(3) {
            lake.json(&command.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
    lake.json(&["evidence", "anchor"]);
    let verified = lake.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
    complete_once(lake, rounds);
}

/// An ingest or a run; no two are the same.
fn command(lake: &Lake, round: u64, writer: usize) -> Vec<String> {
    let number = round * WRITERS as u64 + writer as u64;
    if writer.is_multiple_of(2) {
        ["run", "tiny", &format!("--at=2026-03-04T{:02}:{:02}:00Z", number / 60, number % 60)]
            .map(str::to_owned)
            .to_vec()
    } else {
        let event = |event: u64| {
            let time = format!("2026-03-02T11:{:02}:{:02}Z", number % 60, event % 60);
            format!(
                r#"{{"event_id":"n-{number}-{event}","time":"{time}","tenant_id":"t{}","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-1","actor_type":"user"}}"#,
                event % 3
            )
        };
        let lines: Vec<String> = (0..30).map(event).collect();
        let part = format!("drop/new-{number}.ndjson");
        lake.write(&part, lines.join("\n"));
        ["ingest", "ndjson", &part, "--into", "audit"].map(str::to_owned).to_vec()
    }
}

/// What was committed is in the log once, and so is each file.
fn complete_once(lake: &Lake, rounds: u64) {
    let Value::Array(entries) = lake.json(&["evidence", "entries"]) else { panic!("no list of entries") };
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(entry["index"], index, "the log has a hole");
        if entry["kind"] != "key" {
            *ids.entry(entry["id"].as_str().expect("an id")).or_default() += 1;
        }
    }
    assert!(ids.values().all(|times| *times == 1), "an entry is there twice");
    let of = |kind: &str| entries.iter().filter(|entry| entry["kind"] == kind).count();
    assert_eq!(of("run"), usize::try_from(rounds).expect("a few") * WRITERS / 2, "a run is missing");
    assert_eq!(of("report"), of("run"));
    let new = "SELECT count(*) AS rows, count(DISTINCT event_id) AS keys FROM audit WHERE event_id LIKE 'n-%'";
    let rows = rounds * 30 * WRITERS as u64 / 2;
    assert_eq!(lake.rows(new), [serde_json::json!({ "rows": rows, "keys": rows })]);
}
