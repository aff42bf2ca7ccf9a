//! Files that are not what they must be: of another schema, unlike their neighbours, or not where their folder says.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::auditlake::{Lake, files_below};

const AT: &str = "--at=2026-03-09T00:00:00Z";
const COUNT: &str = "SELECT count(*) FROM audit";
/// 2026-03-01T10:00:00Z.
const MORNING: i64 = 1_772_359_200_000_000;
const DAY: i64 = 86_400_000_000;

/// Whether a file says in its footer what its columns hold.
#[derive(Clone, Copy, PartialEq)]
enum Footer {
    Tells,
    Silent,
}

/// One file of these columns.
fn file(path: &Path, footer: Footer, columns: Vec<(&str, ArrayRef)>) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let statistics = if footer == Footer::Tells { EnabledStatistics::Page } else { EnabledStatistics::None };
    let properties = WriterProperties::builder().set_statistics_enabled(statistics).build();
    let file = fs::File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Events of audit.v1 with all that is required: an id, a tenant and a time each.
fn events(rows: &[(&str, &str, i64)]) -> Vec<(&'static str, ArrayRef)> {
    let same = |value: &'static str| texts(&vec![value; rows.len()]);
    let number = |value: i32| Arc::new(Int32Array::from(vec![value; rows.len()])) as ArrayRef;
    let times = |at: Vec<i64>| Arc::new(TimestampMicrosecondArray::from(at).with_timezone("UTC")) as ArrayRef;
    let hashes = FixedSizeBinaryArray::try_from_iter(rows.iter().map(|_| [7_u8; 32])).expect("hashes");
    let hashes = Arc::new(hashes) as ArrayRef;
    vec![
        ("event_id", texts(&rows.iter().map(|row| row.0).collect::<Vec<_>>())),
        ("time", times(rows.iter().map(|row| row.2).collect())),
        ("tenant_id", texts(&rows.iter().map(|row| row.1).collect::<Vec<_>>())),
        ("source", same("app")),
        ("raw_ref", same("by hand")),
        ("raw_hash", hashes),
        ("event_type", same("data.read")),
        ("class_uid", number(6_003)),
        ("activity_id", number(2)),
        ("action", same("read")),
        ("outcome", same("success")),
        ("severity", number(1)),
        ("actor_id", same("u-1")),
        ("actor_type", same("user")),
        ("ingested_at", times(rows.iter().map(|_| MORNING + DAY).collect())),
    ]
}

/// A lake that holds an event of tenant `a` and one of tenant `b`, ten hours into the first and the second of March.
fn lake() -> Lake {
    let lake = Lake::new();
    let line = |tenant: &str, day: u32| {
        format!(
            r#"{{"event_id":"own-{tenant}","time":"2026-03-0{day}T10:00:00Z","tenant_id":"{tenant}","source":"app","event_type":"data.read","outcome":"success","actor_id":"u","actor_type":"user"}}"#
        ) + "\n"
    };
    lake.write("drop/part.ndjson", line("a", 1) + &line("b", 2));
    assert_eq!(lake.json(&["ingest", "ndjson", "drop", "--into", "audit", AT])["rows"], 2);
    lake
}

#[test]
fn a_row_that_its_folder_hides_is_an_error_wherever_it_is_met() {
    let long = "x".repeat(200);
    for (footer, folder, rows, said) in [
        (Footer::Tells, "tenant=a/date=2026-03-01", &[("e-1", "a", MORNING), ("e-2", "b", MORNING)][..], "tenant=a"),
        (Footer::Silent, "tenant=a/date=2026-03-01", &[("e-1", "a", MORNING), ("e-2", "b", MORNING)], "tenant=a"),
        (
            Footer::Tells,
            "tenant=a/date=2026-03-01",
            &[("e-1", "a", MORNING), ("e-2", "a", MORNING + DAY)],
            "date=2026-03-01",
        ),
        (
            Footer::Silent,
            "tenant=a/date=2026-03-01",
            &[("e-1", "a", MORNING - DAY), ("e-2", "a", MORNING)],
            "date=2026-03-01",
        ),
        // Statistics of long values are cut off and decide nothing.
        (Footer::Tells, "tenant=a/date=2026-03-01", &[("e-1", "a", MORNING), ("e-2", &long, MORNING)], "tenant=a"),
        (Footer::Tells, "tenant=a%2Fb/date=2026-03-01", &[("e-1", "a/c", MORNING)], "tenant=a/b"),
    ] {
        let lake = lake();
        file(&lake.data().join(format!("audit/{folder}/by-hand.parquet")), footer, events(rows));
        let words = ["by-hand.parquet", &format!("its folder says {said}"), "auditlake ingest parquet"];
        // Met by a query that opens the file, whichever columns it wants.
        lake.run(&["sql", COUNT]).failed(1, &words);
        lake.run(&["sql", "SELECT source FROM audit WHERE time < '2026-03-02T00:00:00Z'"]).failed(1, &words);
        // A query whose condition rules the folder out does not open it; a report and a check look at every file.
        assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE tenant_id = 'nobody'"), 0);
        lake.run(&["run", "compliance", "--at=2026-02-01T00:00:00Z"]).failed(1, &words);
        lake.run(&["check", "--files"]).failed(1, &[&words[..], &["1 error in the files of datasets"]].concat());
        lake.run(&["check"]).succeeded();
        // An ingest compares rows by their own values, and leaves no work behind that needs the file.
        lake.write("more/part.ndjson", fs::read(lake.folder().join("drop/part.ndjson")).expect("events"));
        assert_eq!(lake.json(&["ingest", "ndjson", "more", "--into", "audit", AT])["duplicates"], 2);
        assert_eq!(lake.figure("SELECT count(*) FROM auditlake.runs WHERE state = 'committed'"), 0);

        // The remedy that the error names.
        fs::create_dir_all(lake.folder().join("out")).expect("a folder");
        let moved = lake.data().join(format!("audit/{folder}/by-hand.parquet"));
        fs::rename(moved, lake.folder().join("out/by-hand.parquet")).expect("moved");
        let answer = lake.json(&["ingest", "parquet", "out", "--into", "audit", AT]);
        assert_eq!(answer["rows"].as_u64(), Some(rows.len() as u64), "{answer}");
        assert_eq!(lake.figure(COUNT), 2 + rows.len() as u64);
        for (id, tenant, _) in rows {
            assert_eq!(lake.figure(&format!("{COUNT} WHERE tenant_id = '{tenant}' AND event_id = '{id}'")), 1);
        }
        lake.run(&["check", "--files"]).succeeded();
    }
}

#[test]
fn rows_that_are_where_their_folder_says_are_read_whatever_the_footer_tells() {
    let long = "x".repeat(200);
    let last = MORNING - 10 * 3_600_000_000 + DAY - 1;
    for (footer, tenant) in [(Footer::Tells, "a"), (Footer::Silent, "a"), (Footer::Tells, &long)] {
        let lake = lake();
        let first = MORNING - 10 * 3_600_000_000;
        let path = format!("audit/tenant={tenant}/date=2026-03-01/by-hand.parquet");
        file(&lake.data().join(path), footer, events(&[("e-1", tenant, first), ("e-2", tenant, last)]));
        assert_eq!(lake.figure(COUNT), 4);
        assert_eq!(lake.figure(&format!("{COUNT} WHERE tenant_id = '{tenant}' AND time < '2026-03-02T00:00:00Z'")), {
            if tenant == "a" { 3 } else { 2 }
        });
        let checked = lake.run(&["check", "--files"]);
        checked.succeeded();
        assert!(checked.out.contains("3 files; no errors"), "{}", checked.out);
        assert_eq!(lake.json(&["check", "--files"])["files"], 3);
        lake.json(&["run", "compliance", AT]);
    }
}

#[test]
fn a_file_of_another_schema_is_named_and_nothing_is_counted() {
    let place = "audit/tenant=a/date=2026-03-01/by-hand.parquet";
    let one = || events(&[("e-1", "a", MORNING)]);
    let without = |name: &str| one().into_iter().filter(|(column, _)| *column != name).collect::<Vec<_>>();
    let with = |name: &'static str, column: ArrayRef| {
        without(name).into_iter().chain([(name, column)]).collect::<Vec<(&str, ArrayRef)>>()
    };
    for (columns, why) in [
        (vec![("colour", texts(&["red"]))], "it has no column \"event_id\""),
        (without("tenant_id"), "it has no column \"tenant_id\""),
        (without("actor_id"), "it has no column \"actor_id\""),
        (with("time", texts(&["2026-03-01T10:00:00Z"])), "its column \"time\" is Utf8, and that of the schema ts"),
        (with("severity", texts(&["high"])), "its column \"severity\" is Utf8"),
        (with("reason", Arc::new(Int64Array::from(vec![7]))), "its column \"reason\" is Int64"),
    ] {
        let lake = lake();
        file(&lake.data().join(place), Footer::Tells, columns);
        let words = ["by-hand.parquet", "it is no file of audit.v1", why, "move it out of the dataset's folder"];
        lake.run(&["sql", COUNT]).failed(1, &words);
        lake.run(&["sql", "SELECT event_id FROM audit WHERE tenant_id = 'a'"]).failed(1, &words);
        lake.run(&["run", "compliance", AT]).failed(1, &words);
        lake.run(&["check", "--files"]).failed(1, &words);
        // The files beside it are as they were.
        assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE tenant_id = 'b'"), 1);
    }
    // Narrower numbers and other units of time are the same values.
    let lake = lake();
    let wide = with("severity", Arc::new(Int64Array::from(vec![3])));
    file(&lake.data().join(place), Footer::Tells, wide);
    assert_eq!(lake.figure("SELECT sum(severity) FROM audit WHERE event_id = 'e-1'"), 3);
    fs::write(lake.data().join(place), b"PAR1 and no more").expect("written");
    lake.run(&["sql", COUNT]).failed(1, &["by-hand.parquet", "no Parquet file that can be read"]);
    lake.run(&["check", "--files"]).failed(1, &["by-hand.parquet", "no Parquet file that can be read"]);
}

/// A lake whose dataset `gateway` is this definition, over files of others.
fn foreign(definition: &str) -> (Lake, std::path::PathBuf) {
    let lake = Lake::new();
    lake.write("datasets/gateway.yaml", format!("dataset: gateway\nlocation: file:./gateway/\n{definition}"));
    let folder = lake.folder().join("gateway");
    (lake, folder)
}

#[test]
fn two_files_of_one_folder_with_other_types_are_both_named() {
    let small = Arc::new(Int32Array::from(vec![1])) as ArrayRef;
    let big = Arc::new(Int64Array::from(vec![2])) as ArrayRef;
    let time = Arc::new(TimestampMicrosecondArray::from(vec![MORNING])) as ArrayRef;
    for (one, other) in [(&small, &big), (&texts(&["1"]), &big), (&texts(&["2026-03-01"]), &time)] {
        let (lake, folder) = foreign("");
        file(&folder.join("a.parquet"), Footer::Tells, vec![("n", Arc::clone(one))]);
        file(&folder.join("b.parquet"), Footer::Tells, vec![("n", Arc::clone(other))]);
        let (one, other) = (one.data_type().to_string(), other.data_type().to_string());
        let words = ["gateway/a.parquet", "gateway/b.parquet", "\"n\"", &one, &other, "two datasets, each with a map"];
        lake.run(&["sql", "SELECT n FROM gateway"]).failed(1, &words);
        // Read by name, each file is cast to the schema, so that they may differ and agree.
        let (lake, folder) = foreign("schema: audit.v1\n");
        file(&folder.join("a.parquet"), Footer::Tells, events(&[("e-1", "a", MORNING)]));
        let mut columns = events(&[("e-2", "a", MORNING)]);
        columns.retain(|(name, _)| *name != "severity" && *name != "time");
        columns.extend([("severity", texts(&["4"])), ("time", texts(&["2026-03-01T10:00:00Z"]))]);
        file(&folder.join("b.parquet"), Footer::Tells, columns);
        assert_eq!(lake.figure("SELECT sum(severity) FROM gateway WHERE time = '2026-03-01T10:00:00Z'"), 5);
        let mut columns = events(&[("e-3", "a", MORNING)]);
        columns.retain(|(name, _)| *name != "severity");
        columns.push(("severity", texts(&["high"])));
        file(&folder.join("c.parquet"), Footer::Tells, columns);
        lake.run(&["sql", "SELECT sum(severity) FROM gateway"]).failed(1, &["high"]);
    }
}

#[test]
fn what_folders_of_others_say_hides_no_row() {
    // The folder says one thing and the rows another: the rows count, in every query.
    for definition in ["", "schema: audit.v1\n", "schema: audit.v1\nmap: SELECT * FROM input\n"] {
        let (lake, folder) = foreign(definition);
        let rows = [("e-1", "a", MORNING), ("e-2", "b", MORNING + DAY)];
        file(&folder.join("tenant_id=a/date=2026-03-01/x.parquet"), Footer::Tells, events(&rows));
        for condition in ["tenant_id = 'b'", "time >= '2026-03-02T00:00:00Z'", "tenant_id <> 'b'"] {
            assert_eq!(lake.figure(&format!("SELECT count(*) FROM gateway WHERE {condition}")), 1, "{condition}");
        }
        lake.run(&["check", "--files"]).succeeded();
    }
    // The folder alone says it: there is no such column, and one that the schema has is no silent null.
    let place = Path::new("tenant_id=a/x.parquet");
    let mut columns = events(&[("e-1", "a", MORNING)]);
    columns.retain(|(name, _)| *name != "tenant_id");
    let (lake, folder) = foreign("");
    file(&folder.join(place), Footer::Tells, columns.clone());
    lake.run(&["sql", "SELECT tenant_id FROM gateway"]).failed(1, &["tenant_id"]);
    assert_eq!(lake.figure("SELECT count(event_id) FROM gateway"), 1);
    let (lake, folder) = foreign("schema: audit.v1\n");
    file(&folder.join(place), Footer::Tells, columns.clone());
    let words = ["tenant_id=a/x.parquet", "its folder says tenant_id=a", "'a' AS tenant_id"];
    lake.run(&["sql", "SELECT count(*) FROM gateway"]).failed(1, &words);
    lake.run(&["check", "--files"]).failed(1, &words);
    let (lake, folder) = foreign("schema: audit.v1\nmap: SELECT *, 'a' AS tenant_id FROM input\n");
    file(&folder.join(place), Footer::Tells, columns);
    assert_eq!(lake.figure("SELECT count(*) FROM gateway WHERE tenant_id = 'a'"), 1);
    assert_eq!(files_below(&folder).len(), 1);
}
