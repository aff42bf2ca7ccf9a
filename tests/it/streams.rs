//! Jobs that run for new files: each version of a file is in one batch, or is named with the reason why it is in none.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::auditlake::Lake;

/// Records that come in as files.
const ARRIVE: &str = "job: arrive\nkind: ingest\nfrom: {location: drop/, format: ndjson}\ninto: audit\n\
                      schedule: {on: {new_files: drop/, settle: 0, max_files: 3}}\n";
/// Their rows, as they come, in a dataset of their own.
const COPY: &str = "job: copy\nkind: query\ninto: copied\nschedule: {on: {new_files: audit, max_files: 2}, lateness: 15m}\n\
                    sql: SELECT tenant_id, time, event_id FROM audit\n";
const COPIED: &str = "dataset: copied\nlocation: copied/\ntenant: tenant_id\ntime: time\n";
/// And as files for others.
const HAND_OUT: &str = "job: hand-out\nkind: export\nschedule: {on: {new_files: audit}}\n\
                        sql: SELECT event_id FROM audit\nformat: csv\nto: exports/{interval.end}/\n";

/// Some events of five days, every other one a read.
fn events(numbers: std::ops::Range<u32>) -> String {
    let event = |number: u32| {
        let (day, minute) = (1 + number % 5, number % 60);
        let kind = if number.is_multiple_of(2) { "user.login" } else { "data.read" };
        format!(
            r#"{{"event_id":"e-{number}","time":"2026-03-0{day}T10:{minute:02}:00Z","tenant_id":"acme","source":"app","event_type":"{kind}","outcome":"success","actor_id":"u-{number}","actor_type":"user"}}"#
        ) + "\n"
    };
    numbers.map(event).collect()
}

fn remove(lake: &Lake, name: &str) {
    std::fs::remove_file(lake.folder().join(name)).expect("it is there");
}

fn lake() -> Lake {
    let lake = Lake::new();
    lake.write("jobs/arrive.yaml", ARRIVE);
    lake.write("datasets/copied.yaml", COPIED);
    lake.write("jobs/copy.yaml", COPY);
    lake.write("drop/a.ndjson", events(0..10));
    lake
}

/// What `run --due` did: runs that were committed, by job, and files that were set aside.
fn due(lake: &Lake, at: &str) -> (BTreeMap<String, usize>, Vec<String>) {
    let told = lake.json(&["run", "--due", &format!("--at=2026-03-{at}:00Z")]);
    let (mut committed, mut aside) = (BTreeMap::new(), Vec::new());
    for event in told["events"].as_array().expect("events") {
        match event["event"].as_str() {
            Some("committed") => *committed.entry(event["job"].as_str().expect("a job").to_owned()).or_default() += 1,
            Some("set_aside") => aside.push(event["path"].as_str().expect("a path").to_owned()),
            _ => panic!("{event}"),
        }
    }
    (committed, aside)
}

/// Rows in all, and different ones.
fn counts(lake: &Lake, table: &str) -> (u64, u64) {
    let rows = lake.rows(&format!("SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM {table}"));
    (rows[0]["n"].as_u64().expect("a count"), rows[0]["ids"].as_u64().expect("a count"))
}

fn committed(jobs: &[(&str, usize)]) -> BTreeMap<String, usize> {
    jobs.iter().map(|(job, runs)| ((*job).to_owned(), *runs)).collect()
}

#[test]
fn each_file_is_in_one_batch_and_what_was_read_is_not_read_again() {
    let lake = lake();
    // Events of five days are five files.
    assert_eq!(due(&lake, "10T08:00").0, committed(&[("arrive", 1), ("copy", 3)]));
    assert_eq!((counts(&lake, "audit"), counts(&lake, "copied")), ((10, 10), (10, 10)));
    assert_eq!(due(&lake, "10T09:00"), (BTreeMap::new(), vec![]));
    // Files that come late, out of order, twice under two names, and with more than before.
    lake.write("drop/0.ndjson", events(10..12));
    lake.write("drop/b.ndjson", events(0..10));
    lake.write("drop/a.ndjson", events(0..11));
    lake.write("drop/z.ndjson", events(30..33));
    let (runs, aside) = due(&lake, "10T10:00");
    assert_eq!((runs["arrive"], aside), (2, vec![]));
    assert_eq!((counts(&lake, "audit"), counts(&lake, "copied")), ((15, 15), (15, 15)));
    let shown = lake.json(&["job", "show", "copy"]);
    // A quarter of an hour behind the newest event.
    assert_eq!(shown["stream"]["watermark"], "2026-03-05T09:54:00Z", "{shown}");
}

#[test]
fn what_the_store_rewrites_is_not_new() {
    let lake = lake();
    lake.json(&["run", "--due", "--at=2026-03-10T08:00:00Z"]);
    lake.write("drop/b.ndjson", events(10..20));
    // The copy has yet to read what came since, so it stays as it is.
    lake.json(&["run", "arrive", "--at=2026-03-10T09:00:00Z"]);
    let told = lake.json(&["compact", "audit", "--at=2026-03-10T09:30:00Z"]);
    assert_eq!(
        (&told["compacted"]["files_unread"], &told["compacted"]["files_before"]),
        (&json!(5), &json!(0)),
        "{told}"
    );
    lake.json(&["run", "--due", "--at=2026-03-10T10:00:00Z"]);
    assert_eq!(counts(&lake, "copied"), (20, 20));
    let told = lake.json(&["compact", "audit", "--at=2026-03-10T10:30:00Z"]);
    assert_eq!(
        (&told["compacted"]["files_unread"], &told["compacted"]["files_before"]),
        (&json!(0), &json!(10)),
        "{told}"
    );
    assert_eq!(due(&lake, "10T11:00"), (BTreeMap::new(), vec![]));
    lake.write("drop/c.ndjson", events(20..21));
    assert_eq!(due(&lake, "10T12:00").0, committed(&[("arrive", 1), ("copy", 1)]));
    assert_eq!((counts(&lake, "audit"), counts(&lake, "copied")), ((21, 21), (21, 21)));
}

#[test]
fn a_file_that_others_changed_is_set_aside_until_somebody_accepts_it() {
    let lake = Lake::new();
    let yaml = std::fs::read_to_string(lake.folder().join("lake.yaml")).expect("the definition");
    lake.write("lake.yaml", yaml + "\nnotify:\n  archive: {to: told/, events: [\"dataset.*\"]}\n");
    lake.write("datasets/theirs.yaml", "dataset: theirs\nlocation: theirs/\ntenant: tenant_id\ntime: time\n");
    lake.write("datasets/copied.yaml", COPIED);
    lake.write(
        "jobs/copy.yaml",
        COPY.replace("new_files: audit", "new_files: theirs, settle: 0").replace("FROM audit", "FROM theirs"),
    );
    let theirs = |numbers: std::ops::Range<u32>| {
        let other = Lake::new();
        other.write("rows.ndjson", events(numbers));
        other.json(&["ingest", "ndjson", "rows.ndjson", "--into", "audit", "--at=2026-03-10T08:00:00Z"]);
        let is_rows = |(name, _): &(String, bytes::Bytes)| name.starts_with("audit/") && name.ends_with(".parquet");
        other.objects().into_iter().find(is_rows).expect("a file").1
    };
    lake.write("data/theirs/one.parquet", theirs(0..1));
    lake.write("data/theirs/two.parquet", theirs(5..6));
    assert_eq!(due(&lake, "10T08:00"), (committed(&[("copy", 1)]), vec![]));
    lake.write("data/theirs/one.parquet", theirs(10..11));
    lake.write("data/theirs/six.parquet", theirs(15..16));
    assert_eq!(due(&lake, "10T09:00"), (committed(&[("copy", 1)]), vec!["theirs/one.parquet".to_owned()]));
    assert_eq!(due(&lake, "10T10:00"), (BTreeMap::new(), vec![]));
    assert_eq!(counts(&lake, "copied"), (3, 3));
    let aside = lake.json(&["job", "show", "copy"])["stream"]["set_aside"].clone();
    assert_eq!(aside[0]["file"]["path"], "theirs/one.parquet", "{aside}");
    let told: Vec<_> = lake.objects().into_iter().filter(|(path, _)| path.starts_with("told/")).collect();
    let [(_, event)] = &told[..] else { panic!("one file changed, once: {told:?}") };
    let event: Value = serde_json::from_slice(event).expect("an event");
    assert_eq!(event["type"], "auditlake.dataset.file_changed", "{event}");
    assert_eq!((&event["data"]["job"], &event["data"]["paths"]), (&json!("copy"), &json!(["theirs/one.parquet"])));
    let none = lake.run(&["run", "copy", "--accept", "theirs/two.parquet", "--at=2026-03-10T11:00:00Z"]);
    assert!(none.err.contains("is not set aside") && none.code == Some(1), "{none:?}");
    let none = lake.run(&["run", "copy", "--accept", "theirs/ten.parquet", "--at=2026-03-10T11:00:00Z"]);
    assert!(none.err.contains("no file of that path is there") && none.code == Some(1), "{none:?}");
    lake.json(&["run", "copy", "--accept", "theirs/one.parquet", "--at=2026-03-10T11:00:00Z"]);
    assert_eq!(counts(&lake, "copied"), (4, 4));
    assert_eq!(lake.json(&["job", "show", "copy"])["stream"]["set_aside"], json!([]));
}

#[test]
fn a_batch_whose_file_is_gone_names_it_and_nothing_behind_it_is_lost() {
    let lake = lake();
    lake.write("drop/a.ndjson", "no record");
    let failed = lake.run(&["run", "--due", "--at=2026-03-10T08:00:00Z"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    remove(&lake, "drop/a.ndjson");
    lake.write("drop/b.ndjson", events(10..12));
    let failed = lake.run(&["run", "arrive", "--at=2026-03-10T09:00:00Z"]);
    assert!(failed.err.contains("drop/a.ndjson") && failed.err.contains("auditlake runs cancel arrive@"), "{failed:?}");
    let missing = lake.json(&["runs", "missing"]);
    let run = missing["missing"][0]["run"].as_str().expect("a run").to_owned();
    assert_eq!((&missing["missing"][0]["state"], run.as_str()), (&json!("failed"), "arrive@20260310T080000Z"));
    let waiting = lake.json(&["run", "--due", "--at=2026-03-10T10:00:00Z"]);
    assert!(waiting["waiting"][0]["what"].as_str().is_some_and(|what| what.contains("runs cancel")), "{waiting}");
    assert_eq!(counts(&lake, "audit"), (0, 0));
    lake.json(&["runs", "cancel", &run, "--reason", "the file was taken back", "--at=2026-03-10T11:00:00Z"]);
    let (runs, aside) = due(&lake, "10T12:00");
    assert_eq!((runs["arrive"], aside), (1, vec!["drop/a.ndjson".to_owned()]));
    assert_eq!((counts(&lake, "audit"), counts(&lake, "copied")), ((2, 2), (2, 2)));
}

#[test]
fn exports_have_the_rows_of_their_files_and_no_others() {
    let lake = lake();
    lake.write("jobs/hand-out.yaml", HAND_OUT);
    lake.json(&["run", "--due", "--at=2026-03-10T08:00:00Z"]);
    lake.write("drop/b.ndjson", events(10..14));
    lake.json(&["run", "--due", "--at=2026-03-10T09:00:00Z"]);
    let parts = lake.objects().into_iter().filter(|(name, _)| name.starts_with("exports/") && name.ends_with(".csv"));
    let mut lines: Vec<Vec<String>> =
        parts.map(|(_, bytes)| String::from_utf8_lossy(&bytes).lines().skip(1).map(str::to_owned).collect()).collect();
    lines.iter_mut().for_each(|lines: &mut Vec<String>| lines.sort());
    lines.sort_by_key(Vec::len);
    let ids = |numbers: std::ops::Range<u32>| {
        let mut ids: Vec<String> = numbers.map(|number| format!("e-{number}")).collect();
        ids.sort();
        ids
    };
    assert_eq!(lines, [ids(10..14), ids(0..10)]);
}

#[test]
fn by_hand_the_next_batch_runs_and_the_rest_is_refused_or_said() {
    let lake = lake();
    let ran = lake.json(&["run", "arrive", "--at=2026-03-10T08:00:00Z"]);
    assert_eq!(ran["run"], "arrive@20260310T080000Z", "{ran}");
    let nothing = lake.run(&["run", "arrive", "--at=2026-03-10T09:00:00Z"]);
    assert_eq!((nothing.code, nothing.out.trim()), (Some(0), "no file is new for job \"arrive\": 1 file read before"));
    for (args, code, words) in [
        (
            &["run", "arrive", "--from", "2026-03-01", "--to", "2026-03-02"][..],
            2,
            "runs for new files and not for spans",
        ),
        (&["run", "arrive", "--again", "--at=2026-03-11T08:00:00Z"], 2, "stays as it is"),
        (
            &["run", "compliance", "--accept", "drop/a.ndjson", "--at=2026-03-11T08:00:00Z"],
            2,
            "does not run for new files",
        ),
        (&["run", "copy", "--again", "--at=2026-03-11T08:00:00Z"], 1, "none of its batches is of that instant"),
    ] {
        let refused = lake.run(args);
        assert!(refused.err.contains(words) && refused.code == Some(code), "{args:?}: {refused:?}");
    }
    // A statement that reads something else would count its rows for each batch.
    let other = "SELECT 'acme' AS tenant_id, now() AS time, 'e' AS event_id";
    lake.write("jobs/copy.yaml", COPY.replace("SELECT tenant_id, time, event_id FROM audit", other));
    let refused = lake.run(&["run", "copy", "--at=2026-03-10T10:00:00Z"]);
    assert!(refused.err.contains("does not read dataset \"audit\""), "{refused:?}");
    // The batch waits until somebody says that the statement is mended.
    lake.write("jobs/copy.yaml", COPY);
    let ran = lake.json(&["run", "copy", "--at=2026-03-10T10:30:00Z"]);
    assert_eq!(ran["run"], "copy@20260310T100000Z", "{ran}");
    lake.json(&["run", "--due", "--at=2026-03-10T11:00:00Z"]);
    assert_eq!(counts(&lake, "copied"), (10, 10));
    // What was computed is computed anew from the same files.
    let again = lake.json(&["run", "copy", "--again", "--at=2026-03-10T10:00:00Z"]);
    assert_eq!(again["revision"], 2, "{again}");
    assert_eq!(counts(&lake, "copied"), (10, 10));
}

#[test]
fn a_pause_holds_files_back_and_a_batch_without_files_says_that_none_came() {
    let lake = lake();
    remove(&lake, "jobs/copy.yaml");
    lake.json(&["schedule", "pause", "arrive", "--reason", "the source is moved", "--at=2026-03-10T07:00:00Z"]);
    assert_eq!(due(&lake, "10T08:00"), (BTreeMap::new(), vec![]));
    lake.json(&["schedule", "resume", "arrive", "--at=2026-03-10T09:00:00Z"]);
    assert_eq!(due(&lake, "10T09:00"), (committed(&[("arrive", 1)]), vec![]));
    lake.write("jobs/arrive.yaml", ARRIVE.replace("max_files: 3", "at_least_every: 1h"));
    assert_eq!(due(&lake, "10T09:30"), (BTreeMap::new(), vec![]));
    assert_eq!(due(&lake, "10T10:30"), (committed(&[("arrive", 1)]), vec![]));
    assert_eq!(due(&lake, "10T10:45"), (BTreeMap::new(), vec![]));
    assert_eq!(counts(&lake, "audit"), (10, 10));
}

#[test]
fn a_damaged_or_lost_record_is_named_and_nothing_is_read_twice() {
    let lake = lake();
    lake.json(&["run", "--due", "--at=2026-03-10T08:00:00Z"]);
    lake.write("drop/b.ndjson", events(10..12));
    remove(&lake, "data/_auditlake/checkpoints/arrive/batches/00000001.plan.json");
    lake.json(&["run", "--due", "--at=2026-03-10T09:00:00Z"]);
    assert_eq!(counts(&lake, "audit"), (12, 12));
    lake.write("drop/c.ndjson", events(12..13));
    lake.write("data/_auditlake/checkpoints/copy/batches/00000002.json", "{");
    let failed = lake.run(&["run", "--due", "--at=2026-03-10T10:00:00Z"]);
    assert!(failed.err.contains("checkpoints/copy/batches/00000002.json"), "{failed:?}");
    remove(&lake, "data/_auditlake/checkpoints/copy/batches/00000001.json");
    let failed = lake.run(&["run", "copy", "--at=2026-03-10T10:00:00Z"]);
    assert!(failed.err.contains("checkpoints/copy/batches/00000001.json"), "{failed:?}");
    // Other jobs go on.
    assert_eq!((counts(&lake, "audit"), counts(&lake, "copied")), ((13, 13), (12, 12)));
}

/// Reads of more than a day go.
const POLICY: &str = "policy: audit\nrules:\n  - {rule: reads, where: {event_type: \"data.*\"}, maximum: 1d, disposition: delete}\n\
                      grace: 0h\napproval: {brake: 100%}\n";

fn retained(lake: &Lake, at: &str) {
    let at = format!("--at=2026-04-{at}:00Z");
    let plan = lake.json(&["retention", "plan", "--dataset", "audit", "--as", "paula", &at]);
    let id = plan["plan"].as_str().expect("an id");
    lake.json(&["retention", "approve", id, "--ticket", "CHG-88", "--as", "omar", &at]);
    lake.json(&["retention", "apply", id, "--yes", &at]);
}

#[test]
fn what_retention_writes_anew_is_not_new_and_a_batch_goes_on_with_what_is_left() {
    let lake = lake();
    lake.write("policies/audit.yaml", POLICY);
    lake.json(&["run", "--due", "--at=2026-04-10T08:00:00Z"]);
    assert_eq!(counts(&lake, "copied"), (10, 10));
    retained(&lake, "10T09:00");
    assert_eq!(counts(&lake, "audit"), (5, 5));
    let nothing = lake.json(&["run", "--due", "--at=2026-04-10T10:00:00Z"]);
    assert_eq!(nothing["events"], json!([]), "{nothing}");
    // A batch is planned and fails, and then retention changes one of its files and removes another.
    lake.write(
        "jobs/copy.yaml",
        COPY.replace("max_files: 2", "max_files: 20").replace("SELECT tenant_id", "SELECT nobody"),
    );
    lake.write("drop/b.ndjson", events(10..20));
    lake.json(&["run", "arrive", "--at=2026-04-10T11:00:00Z"]);
    lake.write("drop/c.ndjson", events(21..22));
    lake.json(&["run", "arrive", "--at=2026-04-10T11:30:00Z"]);
    let failed = lake.run(&["run", "--due", "--at=2026-04-10T12:00:00Z"]);
    assert!(failed.code == Some(1) && failed.out.contains("nobody"), "{failed:?}");
    retained(&lake, "10T13:00");
    assert_eq!(counts(&lake, "audit"), (10, 10));
    lake.write("jobs/copy.yaml", COPY.replace("max_files: 2", "max_files: 20"));
    let ran = lake.json(&["run", "copy", "--at=2026-04-10T14:00:00Z"]);
    let batch = &ran["summary"]["batch"];
    assert_eq!((&batch["files"], batch["rewritten"].as_array().map(Vec::len)), (&json!(5), Some(5)), "{ran}");
    assert_eq!(batch["left_out"].as_array().map(Vec::len), Some(1), "{ran}");
    assert_eq!(counts(&lake, "copied"), (15, 15));
    let nothing = lake.json(&["run", "--due", "--at=2026-04-10T15:00:00Z"]);
    assert_eq!(nothing["events"], json!([]), "{nothing}");
}
