//! How far an erasure reaches: replaced files, old versions, what comes in later, and what is named because it was not reached.

use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;

use super::{
    A_DAY, ANN, ANNA, DAYS, DESK, NOW, OUT, THEIRS, erase, events, filled, filled_with, having, others, silent,
};
use crate::auditlake::Lake;
use crate::moto;

#[test]
fn whoever_was_erased_does_not_come_back() {
    let lake = filled(Lake::new());
    let before = lake.objects();
    erase(&lake).succeeded();
    // The same source again under another name, and with something new of hers.
    let mut late = events(DAYS);
    late.push_str(&format!("{{\"event_id\":\"new-1\",\"time\":\"2026-12-02T10:00:00Z\",\"tenant_id\":\"t0\",\"source\":\"app\",\"event_type\":\"data.read\",\"outcome\":\"success\",\"actor_id\":\"{ANN}\",\"actor_type\":\"user\"}}\n"));
    lake.write("late/events.ndjson", late);
    let ran = lake.json(&["ingest", "ndjson", "late", "--into", "audit", "--at=2026-12-03T00:00:00Z"]);
    assert_eq!((&ran["suppressed"], &ran["rows"]), (&Value::from(THEIRS), &Value::from(1)), "{ran}");
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY - THEIRS + 1);

    // What is new may be published.
    lake.write("jobs/out.yaml", OUT);
    lake.run(&["run", "out", "--at=2026-12-03T01:00:00Z"]).succeeded();

    // A backup of before is restored over it.
    for (name, bytes) in before.iter().filter(|(name, _)| name.starts_with("audit/")) {
        lake.put(name, bytes);
    }
    assert!(!having(&lake, DESK).is_empty());
    let later = "--at=2026-12-04T00:00:00Z";
    lake.run(&["subject", "replay", "--dry-run", later]).said(0, &["80 rows of 1 case came back"]);
    let ran = lake.run(&["subject", "replay", "--yes", later]);
    ran.said(0, &["80 deleted", "not reached: exports/out/"]);
    assert!(!ran.out.contains("withdrawn:") && having(&lake, ANN).iter().any(|name| name.starts_with("exports/out/")));
    silent(&ran);
    assert_eq!(having(&lake, DESK), [] as [&str; 0]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE actor_id = 'ann-zq7'"), 1, "newer than the erasure");
    // Without the keys nobody would know.
    std::fs::remove_file(lake.folder().join("policies/subjects.yaml")).expect("removed");
    lake.run(&["ingest", "ndjson", "late", "--into", "audit", later]).failed(2, &["put it back"]);
}

#[test]
fn what_mentions_the_person_elsewhere_is_named() {
    let lake = filled(Lake::new());
    lake.put("exports/x/part-00001.csv", format!("event_id,actor_id\r\ne-1,{ANN}\r\n"));
    lake.put("exports/y/part-00001.csv", format!("event_id,actor_id\r\ne-1,{ANNA}\r\n"));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, format!("{{\"who\":\"{DESK}\"}}").as_bytes()).expect("packed");
    lake.put("notes/old.json.gz", packed.finish().expect("packed"));
    lake.put(&format!("notes/{ANN}.txt"), "a name");
    let ran = erase(&lake);
    ran.said(
        0,
        &[
            "not reached: exports/x/part-00001.csv: an export that shows the person",
            "not reached: notes/old.json.gz",
            "not reached: path s1:",
            "is partly fulfilled",
        ],
    );
    assert!(!ran.out.contains("exports/y/"), "{}", ran.out);
    silent(&ran);
}

#[test]
fn in_a_bucket_that_keeps_versions_the_old_ones_go_too() {
    let test = "in_a_bucket_that_keeps_versions_the_old_ones_go_too";
    let Some(bucket) = moto::versioned_bucket(test) else { return };
    let lake = filled_with(Lake::in_bucket(bucket), 2);
    let before = others(&lake);
    erase(&lake).said(0, &["8 deleted", "is fulfilled"]);
    assert_eq!(others(&lake), before);
    for text in [ANN, DESK, "p-ann"] {
        assert_eq!(having(&lake, text), [] as [&str; 0], "{text}");
    }
    let bucket = lake.bucket().expect("a bucket");
    let versions = bucket.http("GET", "?versions", &[], b"");
    let of = |begin: &str| -> Vec<&str> {
        versions.split("<Version>").skip(1).filter(|version| version.contains(&format!("<Key>lake/{begin}"))).collect()
    };
    assert!(
        !of("audit/").is_empty() && of("audit/").iter().all(|version| version.contains("<IsLatest>true")),
        "{versions}"
    );
    assert!(of("identity/").iter().all(|version| version.contains("<IsLatest>true")), "{versions}");
    assert!(!versions.contains("/sealed</Key>"), "{versions}");
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn files_that_a_compaction_came_in_the_place_of_go_at_once() {
    let lake = filled(Lake::new());
    lake.write("later/events.ndjson", events(DAYS).replace("\"e-", "\"f-"));
    lake.json(&["ingest", "ndjson", "later", "--into", "audit", NOW]);
    let compacted = lake.json(&["compact", "audit", NOW]);
    assert!(compacted["compacted"]["files_before"].as_u64() > Some(0), "{compacted}");
    erase(&lake).said(0, &["160 deleted", "is fulfilled"]);
    for text in [ANN, DESK] {
        assert_eq!(having(&lake, text), [] as [&str; 0], "{text}");
    }
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 2 * (DAYS * A_DAY - THEIRS));
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn late_rows_that_must_stay_come_in_without_the_person() {
    let lake = Lake::new();
    lake.write("policies/audit.yaml", "policy: audit\nrules: [{rule: all, minimum: 1y}]\n");
    let lake = filled_with(lake, 2);
    erase(&lake).said(0, &["0 deleted, 8 anonymized"]);
    // The days after come late, and have rows of hers, too.
    let late = events(4)
        .lines()
        .filter(|line| line.contains("\"e-2-") || line.contains("\"e-3-"))
        .fold(String::new(), |all, line| all + line + "\n");
    lake.write("late/events.ndjson", late);
    let ran = lake.json(&["ingest", "ndjson", "late", "--into", "audit", NOW]);
    assert_eq!((&ran["suppressed"], &ran["rows"]), (&Value::from(0), &Value::from(2 * A_DAY)), "{ran}");
    assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE actor_id = 'erased' OR subject_id = 'erased'"), 16);
    let shown =
        "SELECT count(*) FROM audit WHERE (actor_id = 'erased' OR subject_id = 'erased') AND src_ip IS NOT NULL";
    assert_eq!(lake.figure(shown), 0);
    for text in [ANN, DESK] {
        assert_eq!(having(&lake, text), [] as [&str; 0], "{text}");
    }
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn what_cannot_be_looked_into_is_named_and_the_rest_is_done() {
    let lake = filled(Lake::new());
    let objects = lake.objects();
    let (damaged, bytes) = objects.iter().find(|(name, _)| name.starts_with("audit/tenant=t1/")).expect("an object");
    lake.put(damaged, &bytes[..bytes.len() / 2]);
    lake.put("notes/cut.json.gz", [0x1f, 0x8b, 8, 0, 1, 2, 3]);
    let ran = erase(&lake);
    let name = format!("not reached: {damaged}");
    ran.said(
        0,
        &["78 deleted", &name, "see with auditlake verify", "not searched: notes/cut.json.gz", "is partly fulfilled"],
    );
    silent(&ran);
    assert!(!ran.out.contains("--exclude"), "{}", ran.out);
}

#[test]
fn what_can_be_read_and_not_rewritten_is_named_and_the_rest_is_done() {
    let lake = filled(Lake::new());
    let objects = lake.objects();
    let (damaged, bytes) = objects.iter().find(|(name, _)| name.starts_with("audit/tenant=t1/")).expect("an object");
    // The header of a page of a column that names nobody.
    let reader = SerializedFileReader::new(bytes.clone()).expect("a Parquet file");
    let columns = reader.metadata().row_group(0).columns();
    let column = columns.iter().find(|column| column.column_path().string() == "src_ip").expect("a column");
    let at = usize::try_from(column.byte_range().0).expect("an offset");
    let mut bytes = bytes.to_vec();
    bytes[at] = 0xff;
    lake.put(damaged, &bytes);
    let ran = erase(&lake);
    let name = format!("not reached: {damaged}");
    ran.said(0, &["78 deleted", &name, "cannot be rewritten", "\"src_ip\"", "is partly fulfilled"]);
    silent(&ran);
    assert_eq!(lake.object(damaged), bytes, "it is as it was");
}
