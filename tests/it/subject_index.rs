//! The index of people as users meet it: it is there by itself, says what the files say, and a broken one hides nothing.

use std::fmt::Write as _;

use crate::auditlake::Lake;

const NOW: &str = "--at=2026-11-30T00:00:00Z";
const INDEX: &str = "_auditlake/indexes/audit";
/// Reads of more than 30 days go.
const POLICY: &str = "policy: audit
rules:
  - {rule: reads, where: {event_type: \"data.*\"}, maximum: 30d, disposition: delete}
grace: 0h
approval: {brake: 100%}
";

/// Ten days in two months; each person has an event a day, and in October one person more.
fn filled() -> Lake {
    let lake = Lake::new();
    for (month, people) in [("2026-10", 6), ("2026-11", 5)] {
        let mut events = String::new();
        for number in 0..people * 5 {
            let (day, person) = (1 + number / people, number % people);
            writeln!(
                events,
                r#"{{"event_id":"e-{month}-{number}","time":"{month}-0{day}T10:00:00Z","tenant_id":"t1","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-{person}","actor_type":"user","subject_id":"p-{person}"}}"#
            )
            .expect("a String takes any text");
        }
        lake.write(&format!("drop/{month}.ndjson"), events);
        lake.json(&["ingest", "ndjson", "drop", "--into", "audit", NOW]);
    }
    lake
}

/// Names of the segments.
fn segments(lake: &Lake) -> Vec<String> {
    lake.objects().into_iter().map(|(name, _)| name).filter(|name| name.starts_with(INDEX)).collect()
}

fn events_of(lake: &Lake, person: &str) -> u64 {
    lake.figure(&format!("SELECT count(*) FROM audit WHERE actor_id = '{person}' OR subject_id = '{person}'"))
}

#[test]
fn it_follows_ingest_compaction_and_retention_and_verify_compares_it() {
    let lake = filled();
    assert_eq!(segments(&lake).len(), 2, "a segment for each ingest");
    assert_eq!((events_of(&lake, "u-2"), events_of(&lake, "p-5"), events_of(&lake, "u-9")), (10, 5, 0));
    let verified = lake.run(&["verify", NOW]);
    verified.succeeded();
    assert!(
        verified.out.contains("10 files of 1 dataset: the index of subjects says what is in them"),
        "{}",
        verified.out
    );

    lake.write("policies/audit.yaml", POLICY);
    let plan = lake.json(&["retention", "plan", "--dataset", "audit", "--as", "paula", NOW]);
    let id = plan["plan"].as_str().expect("an id");
    lake.json(&["retention", "approve", id, "--ticket", "CHG-88", "--as", "omar", NOW]);
    lake.run(&["retention", "apply", id, "--yes", NOW]).succeeded();
    assert_eq!((events_of(&lake, "u-2"), events_of(&lake, "p-5")), (5, 0));
    let verified = lake.run(&["verify", NOW]);
    verified.succeeded();
    assert!(verified.out.contains("5 files of 1 dataset: the index of subjects"), "{}", verified.out);

    let compacted = lake.json(&["compact", "audit", NOW]);
    assert_eq!(compacted["compacted"]["indexed"]["files"], 0, "{compacted}");
    assert_eq!(segments(&lake).len(), 1);
}

#[test]
fn a_broken_one_hides_nothing_and_is_named_until_it_is_written_anew() {
    let lake = filled();
    let paths = segments(&lake);
    let whole = lake.object(&paths[0]);
    lake.put(&paths[0], &whole[..whole.len() - 100]);
    lake.put(&format!("{INDEX}/other.parquet"), "no Parquet");
    assert_eq!((events_of(&lake, "u-2"), events_of(&lake, "p-5")), (10, 5));
    lake.run(&["verify", NOW]).said(3, &["wrong_index", &paths[0], "other.parquet", "auditlake compact audit"]);
    let compacted = lake.json(&["compact", "audit", NOW]);
    assert!(compacted["compacted"]["indexed"]["removed"].as_u64() >= Some(2), "{compacted}");
    lake.run(&["verify", NOW]).succeeded();
    assert_eq!((events_of(&lake, "u-2"), events_of(&lake, "p-5")), (10, 5));
}

#[test]
fn without_it_the_answers_are_the_same() {
    let lake = filled();
    for path in segments(&lake) {
        std::fs::remove_file(lake.data().join(path)).expect("removed");
    }
    assert_eq!((events_of(&lake, "u-2"), events_of(&lake, "p-5"), events_of(&lake, "u-9")), (10, 5, 0));
    let verified = lake.run(&["verify", NOW]);
    verified.succeeded();
    assert!(!verified.out.contains("index of subjects"), "{}", verified.out);
    let compacted = lake.json(&["compact", "audit", "--dry-run", NOW]);
    assert_eq!(compacted["compacted"].get("indexed"), None, "{compacted}");
    assert_eq!(lake.json(&["compact", "audit", NOW])["compacted"]["indexed"]["files"], 10);
}
