//! Bad input at the command line: a counted reason or a clear error each, and what was there stays intact.

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::auditlake::{Lake, ended, files_below};

const AT: &str = "--at=2026-03-04T00:00:00Z";
const INGEST: [&str; 6] = ["ingest", "ndjson", "drop", "--into", "audit", AT];

fn event(number: u64) -> String {
    format!(
        r#"{{"event_id":"e-{number}","time":"2026-03-01T10:00:00Z","tenant_id":"a","source":"app","event_type":"data.read","outcome":"success","actor_id":"u","actor_type":"user"}}"#
    )
}

fn events(numbers: std::ops::Range<u64>) -> String {
    numbers.map(|number| event(number) + "\n").collect()
}

/// A lake that holds 50 events already.
fn lake() -> Lake {
    let lake = Lake::new();
    lake.write("before/part.ndjson", events(0..50));
    lake.json(&["ingest", "ndjson", "before", "--into", "audit", AT]);
    lake
}

/// Good lines 100..300 with one bad line in the middle: it alone must be refused, for `reason` of `kind`.
#[track_caller]
fn refuses(bad: &[u8], kind: &str, reason: &str) -> Lake {
    let lake = lake();
    let mut bytes = events(100..200).into_bytes();
    bytes.extend_from_slice(bad);
    bytes.extend_from_slice(b"\n");
    bytes.extend_from_slice(events(200..300).as_bytes());
    lake.write("drop/part.ndjson", &bytes);
    let answer = lake.json(&INGEST);
    assert_eq!((&answer["read"], &answer["rows"], &answer["rejected"]), (&201.into(), &200.into(), &1.into()));
    let told = answer["reasons"][0]["reason"].as_str().unwrap_or_default();
    assert!(told.starts_with(&format!("{kind}: ")) && told.contains(reason), "{told}");
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 250);
    let kept = lake.rows("SELECT kind, raw_bytes, record FROM audit_rejected");
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0]["kind"], &kept[0]["record"]), (&kind.into(), &101.into()));
    assert_eq!(kept[0]["raw_bytes"], bad.len());
    lake
}

/// An event in which `from` stands in place of `to`.
fn with(from: &str, to: &str) -> Vec<u8> {
    let event = event(1_000);
    assert!(event.contains(from), "{from}");
    event.replace(from, to).into_bytes()
}

#[test]
fn a_record_without_time_or_id_is_refused_for_it() {
    refuses(&with(r#""time":"2026-03-01T10:00:00Z","#, ""), "missing", "\"time\"");
    refuses(&with(r#""event_id":"e-1000","#, ""), "missing", "\"event_id\"");
    refuses(&with(r#""tenant_id":"a""#, r#""tenant_id":null"#), "missing", "\"tenant_id\"");
}

#[test]
fn a_time_far_off_is_refused_for_it() {
    for time in ["1823-03-01T10:00:00Z", "2026-03-06T10:00:00Z", "9999-12-31T23:59:59Z"] {
        refuses(&with("2026-03-01T10:00:00Z", time), "range", "\"time\"");
    }
    refuses(&with("2026-03-01T10:00:00Z", "yesterday"), "type", "\"time\"");
}

#[test]
fn what_is_no_record_is_refused_for_it() {
    refuses(b"17", "type", "object");
    refuses(br#"{"event_id":"e-1000","#, "syntax", "");
    let deep = format!(r#""reason":{}{}"#, "[".repeat(5_000), "]".repeat(5_000));
    refuses(&with(r#""actor_id":"u""#, &format!(r#""actor_id":"u",{deep}"#)), "syntax", "128 levels");
    refuses(&with(r#""actor_id":"u""#, r#""actor_id":"u","actor_id":"v""#), "syntax", "key");
    let mut invalid = with(r#""actor_id":"u""#, r#""actor_id":"#);
    invalid.splice(invalid.len() - 1.., *b"\"\xff\xfe\"}");
    refuses(&invalid, "syntax", "");
}

#[test]
fn an_array_is_its_records_and_one_inside_it_is_none() {
    let lake = lake();
    lake.write(
        "drop/part.ndjson",
        format!("[{},{},[{}],null]\n{}", event(1), event(101), event(102), events(103..400)),
    );
    let answer = lake.json(&[&INGEST[..], &["--max-rejected-ppm", "20000"]].concat());
    let counts = ["read", "rows", "duplicates", "rejected"].map(|name| answer[name].as_u64());
    assert_eq!(counts, [Some(301), Some(298), Some(1), Some(2)]);
    let kept = lake.rows("SELECT kind, detail FROM audit_rejected ORDER BY detail");
    assert!(kept.iter().all(|row| row["kind"] == "type"), "{kept:?}");
}

#[test]
fn a_string_of_50_mib_is_refused_without_being_held() {
    let lake = refuses(
        &with(r#""actor_id":"u""#, &format!(r#""actor_id":"{}""#, "x".repeat(50 << 20))),
        "too_large",
        "16777216 bytes",
    );
    assert_eq!(lake.figure("SELECT length(encode(raw, 'hex')) / 2 AS n FROM audit_rejected"), 64 << 10);
}

#[test]
fn a_cut_gzip_keeps_what_came_before_the_cut() {
    let lake = lake();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    // Numbers that do not compress to nothing, so that the cut falls between records.
    gzip.write_all(events(100..5_000).as_bytes()).expect("compressed");
    let whole = gzip.finish().expect("compressed");
    lake.write("drop/part.ndjson.gz", &whole[..whole.len() / 2]);
    lake.run(&INGEST).failed(1, &["drop/part.ndjson.gz", "ends in the middle", "--partial"]);
    let kept = lake.figure("SELECT count(*) FROM audit");
    assert!((1_000..4_500).contains(&kept), "{kept}");

    // Not accepted, the same again says the same and adds nothing.
    lake.run(&INGEST).failed(1, &["drop/part.ndjson.gz"]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), kept);
    // Fetched again, it is read whole and what was there is known.
    lake.write("drop/part.ndjson.gz", &whole);
    let answer = lake.json(&INGEST);
    assert_eq!((answer["read"].as_u64(), answer["duplicates"].as_u64()), (Some(4_900), Some(kept - 50)));
    assert_eq!(lake.figure("SELECT count(DISTINCT event_id) FROM audit"), 4_950);
}

#[test]
fn a_cut_gzip_that_is_accepted_counts_the_loss() {
    let lake = lake();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(events(100..5_000).as_bytes()).expect("compressed");
    let whole = gzip.finish().expect("compressed");
    lake.write("drop/part.ndjson.gz", &whole[..whole.len() / 2]);
    lake.run(&INGEST).failed(1, &[]);
    let kept = lake.figure("SELECT count(*) FROM audit");
    let partial: Vec<&str> = INGEST.into_iter().chain(["--partial"]).collect();
    let answer = lake.json(&partial);
    assert_eq!(answer["rows"].as_u64(), Some(kept - 50));
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), kept);
    assert_eq!(lake.json(&INGEST)["files_seen_before"], 1);
}

#[test]
fn an_object_that_is_mostly_bad_fails_the_ingest_and_keeps_the_good_rows() {
    let lake = lake();
    lake.write("drop/part.ndjson", format!("{}{}", events(100..200), "not json\n".repeat(50)));
    lake.run(&INGEST).failed(1, &["drop/part.ndjson", "50 of 150", "_rejected", "--partial"]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 150);
    assert_eq!(lake.figure("SELECT count(*) FROM audit_rejected"), 50);
}

#[test]
fn an_empty_folder_is_no_error() {
    let lake = lake();
    fs::create_dir(lake.folder().join("drop")).expect("a folder");
    let answer = lake.json(&INGEST);
    assert_eq!((&answer["files"], &answer["read"]), (&0.into(), &0.into()));
    lake.write("drop/empty.ndjson", "");
    let answer = lake.json(&INGEST);
    assert_eq!((&answer["files"], &answer["read"]), (&1.into(), &0.into()));
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 50);
}

#[test]
fn a_path_that_does_not_exist_is_named() {
    lake().run(&INGEST).failed(1, &["drop", "cannot be opened", "exists"]);
    lake().run(&["ingest", "ndjson", "before", "--into", "audits", AT]).failed(2, &["audits", "audit"]);
}

#[test]
fn other_files_in_the_folder_are_named_or_hidden() {
    let lake = lake();
    lake.write("drop/part.ndjson", events(100..200));
    lake.write("drop/.DS_Store", [0_u8; 100]);
    let answer = lake.json(&INGEST);
    assert_eq!((&answer["files"], &answer["rows"]), (&1.into(), &100.into()));
    lake.write("drop/picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    lake.run(&INGEST).failed(1, &["drop/picture.png"]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 150);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "another process is met at work, and it gives no signal")]
fn a_file_that_changes_while_it_is_read_leaves_no_row() {
    let lake = lake();
    let path = lake.write("drop/part.ndjson", events(100..40_000));
    let child = lake.start(&INGEST);
    let plans = lake.data().join("_auditlake/ingest/audit");
    let begun = Instant::now();
    // One plan is that of the first ingest; with the second one, reading begins.
    while files_below(&plans).iter().filter(|path| path.ends_with("plan.json")).count() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no plan was written");
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut file = fs::OpenOptions::new().append(true).open(&path).expect("the input");
    writeln!(file, "{}", event(90_000)).expect("written");
    drop(file);
    ended(child.wait_with_output().expect("a child ends")).failed(1, &["drop/part.ndjson", "changed"]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 50);
    let answer = lake.json(&INGEST);
    assert_eq!((answer["rows"].as_u64(), answer["duplicates"].as_u64()), (Some(39_901), Some(0)));
    assert_eq!(lake.figure("SELECT count(DISTINCT event_id) FROM audit"), 39_951);
}

#[test]
fn the_same_id_with_other_content_is_refused_and_the_first_one_stays() {
    let lake = lake();
    lake.write("drop/part.ndjson", events(100..300) + &event(7).replace("success", "failure") + "\n");
    let answer = lake.json(&INGEST);
    assert_eq!((&answer["rows"], &answer["rejected"]), (&200.into(), &1.into()));
    assert_eq!(
        lake.rows("SELECT outcome FROM audit WHERE event_id = 'e-7'"),
        [serde_json::json!({"outcome": "success"})]
    );
    assert_eq!(lake.rows("SELECT kind FROM audit_rejected")[0]["kind"], "id_conflict");
}

#[test]
fn a_mapping_that_does_not_fit_writes_nothing() {
    let lake = lake();
    lake.write("drop/part.ndjson", events(100..200));
    let told = |sql: &str, words: &[&str]| {
        let map = lake.write("map.sql", sql).display().to_string();
        let command = [&INGEST[..], &["--mapping", "own@1", "--map-file", &map]].concat();
        lake.run(&command).failed(1, words);
        assert_eq!(lake.figure("SELECT count(*) FROM audit"), 50, "{sql}");
    };
    told("SELECT event_id, time FROM input", &["own@1", "needs column", "tenant_id"]);
    told("SELECT *, 1 AS a FROM input", &["own@1", "name the columns"]);
    told("SELECT event_id, nothing FROM input", &["nothing"]);
    told("SELECT event_id FROM elsewhere", &["own@1", "\"input\""]);
    told("SELECT max(event_id) AS event_id FROM input", &["own@1", "one record"]);
    told("SELECT event_id, row_number() OVER (ORDER BY time) AS source FROM input", &["own@1", "one record"]);
    told("SELECT event_id, (SELECT max(source) FROM input) AS source FROM input", &["own@1", "one record"]);
    told("SELECT event_id, CAST(random() AS varchar) AS source FROM input", &["own@1", "same row"]);
    told("DROP TABLE input", &["only reading statements"]);
    told("SELECT event_id; SELECT 1", &[]);
}

#[test]
fn wrong_command_lines_say_what_to_do() {
    let lake = lake();
    let json = ["--output", "json"];
    lake.run(&[&json[..], &["sql", "SELECT 1", "--format", "csv"]].concat()).failed(2, &["--output json", "give one"]);
    lake.run(&["run", "compliance"]).failed(2, &["--at"]);
    lake.run(&["run", "complience", AT]).failed(2, &["complience", "compliance"]);
    lake.run(&["runs", "show", "compliance@20260304T000000Z"]).failed(2, &["runs list"]);
    lake.run(&["sql", "SELECT count(*) FROM adit"]).failed(1, &["adit"]);
    for writing in [
        "INSERT INTO audit SELECT * FROM audit",
        "DELETE FROM audit",
        "COPY audit TO 'x.csv'",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "SET datafusion.execution.batch_size = 1",
        "SELECT 1 AS a INTO audit2",
        "EXPLAIN ANALYZE DELETE FROM audit",
    ] {
        lake.run(&["sql", writing]).failed(1, &["only reading"]);
    }
    lake.run(&["sql", "SELECT * FROM '/etc/passwd'"]).failed(1, &["passwd"]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 50);
}

#[test]
fn an_error_with_json_output_is_one_document() {
    let lake = lake();
    let ran = lake.run(&["--output", "json", "sql", "SELECT nothing FROM audit"]);
    assert_eq!(ran.code, Some(1));
    let text = if ran.out.trim().is_empty() { &ran.err } else { &ran.out };
    let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    assert!(document["error"].is_array() && document["remedy"].is_string(), "{document}");
}

#[test]
fn a_statement_that_takes_too_much_memory_says_how_to_give_it_more() {
    let lake = Lake::new();
    let sql =
        "SELECT v % 2 AS k, count(DISTINCT v), count(DISTINCT -v) FROM generate_series(1, 4000000) AS t(v) GROUP BY 1";
    lake.run(&["--memory", "64MiB", "sql", sql]).failed(1, &["more memory than queries may have", "--memory 4GiB"]);
    lake.run(&["--memory", "1GiB", "sql", sql]).succeeded();
    for (size, word) in [("4GB", "for example 512MiB"), ("1MiB", "64MiB or more"), ("99999999999999999GiB", "4GiB")] {
        lake.run(&["--memory", size, "check"]).failed(2, &[size, word]);
    }
}
