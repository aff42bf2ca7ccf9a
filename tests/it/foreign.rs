//! Datasets over files that others write: read by name, by map and as they are; refused where they contradict.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, LargeStringArray, StringArray, TimestampNanosecondArray};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;

use crate::auditlake::Lake;

/// Writes one file of these columns.
fn file(folder: &Path, name: &str, columns: Vec<(&str, ArrayRef)>) {
    fs::create_dir_all(folder).expect("a folder");
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let file = fs::File::create(folder.join(name)).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Six sign-ins of one account within five minutes, all refused, as some gateway logs them.
fn gateway(folder: &Path) {
    let minute = 60_000_000_000_i64;
    let times: Vec<i64> = (0..6).map(|number| 1_772_359_200_000_000_000 + number * minute + 789).collect();
    let codes: DictionaryArray<Int32Type> = ["401"; 6].into_iter().collect();
    file(
        folder,
        "a.parquet",
        vec![
            ("id", texts(&["g-1", "g-2", "g-3", "g-4", "g-5", "g-6"])),
            ("ts", Arc::new(TimestampNanosecondArray::from(times)) as ArrayRef),
            ("org", Arc::new(LargeStringArray::from(vec!["t1"; 6]))),
            ("code", Arc::new(codes)),
            ("who", texts(&["u-1"; 6])),
        ],
    );
}

const MAPPED: &str = "dataset: audit\nlocation: file:./gateway/\nschema: audit.v1\nmap: |\n  SELECT id AS event_id, ts AS time, org AS tenant_id, 'gateway' AS source, 'user.login' AS event_type,\n         CASE WHEN code = '401' THEN 'failure' ELSE 'success' END AS outcome, who AS actor_id,\n         'user' AS actor_type, '192.0.2.1' AS src_ip\n  FROM input\n";

/// A lake whose dataset `audit` is this definition.
fn lake_with(definition: &str) -> Lake {
    let lake = Lake::new();
    lake.write("datasets/audit.yaml", definition);
    for entry in fs::read_dir(lake.folder().join("jobs")).expect("jobs") {
        let path = entry.expect("a job").path();
        if fs::read_to_string(&path).expect("a job").contains("kind: ingest") {
            fs::remove_file(path).expect("removed");
        }
    }
    lake
}

#[test]
fn controls_judge_files_that_others_write() {
    let lake = lake_with(MAPPED);
    gateway(&lake.folder().join("gateway"));
    lake.run(&["check"]).succeeded();
    let rows = lake.rows(
        "SELECT event_id, time, region FROM audit WHERE tenant_id = 't1' AND outcome = 'failure' ORDER BY time LIMIT 1",
    );
    assert_eq!(rows[0]["event_id"], "g-1");
    assert_eq!(rows[0]["time"], "2026-03-01T10:00:00.000000Z", "nanoseconds are cut off toward the past");
    assert!(rows[0]["region"].is_null());
    assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE time >= '2026-03-01T10:03:00Z'"), 3);

    lake.json(&["run", "compliance", "--at=2026-03-02T00:00:00Z"]);
    let results = lake.rows(
        "SELECT control_id, status, reason FROM auditlake.control_results WHERE control_id IN ('AL-AUTH-001', 'AL-AUTH-003') ORDER BY control_id",
    );
    assert_eq!(results[0]["status"], "fail", "{results:?}");
    assert_eq!(results[1]["status"], "not_evaluated", "a map that leaves out mfa must not pass: {results:?}");
    assert!(results[1]["reason"].as_str().is_some_and(|why| why.contains("is in no file read")), "{results:?}");
    let found = lake.rows("SELECT event_id FROM auditlake.findings WHERE control_id = 'AL-AUTH-001'");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["event_id"], "g-5");
    let inputs = lake.rows("SELECT path, rows FROM auditlake.run_inputs WHERE dataset = 'audit'");
    assert!(inputs[0]["path"].as_str().is_some_and(|path| path.ends_with("gateway/a.parquet")), "{inputs:?}");
    assert_eq!(inputs[0]["rows"], 6);
}

#[test]
fn files_without_a_schema_are_read_as_they_are() {
    let lake = Lake::new();
    gateway(&lake.folder().join("gateway"));
    file(&lake.folder().join("gateway/more"), "b.parquet", vec![("id", texts(&["h-1"])), ("extra", texts(&["x"]))]);
    lake.write("datasets/gateway.yaml", "dataset: gateway\nlocation: file:./gateway/\n");
    assert_eq!(lake.figure("SELECT count(*) FROM gateway"), 7);
    assert_eq!(lake.figure("SELECT count(extra) FROM gateway"), 1);
    assert_eq!(lake.figure("SELECT count(DISTINCT org) FROM gateway WHERE code = '401'"), 1);
    let columns = lake.rows("SELECT column_name FROM information_schema.columns WHERE table_name = 'gateway'");
    assert_eq!(columns.len(), 6, "{columns:?}");
}

#[test]
fn an_absent_folder_is_an_empty_dataset() {
    let lake = lake_with(MAPPED);
    assert_eq!(lake.figure("SELECT count(event_id) FROM audit"), 0);
    lake.write("datasets/clicks.yaml", "dataset: clicks\nlocation: file:./clicks/\n");
    assert_eq!(lake.figure("SELECT count(*) FROM clicks"), 0);
}

#[test]
fn what_does_not_fit_is_an_error_and_never_a_null() {
    for (map, code, words) in [
        ("SELECT id AS event_id, who AS nobody FROM input", 1, &["dataset audit", "has no column \"nobody\""][..]),
        ("SELECT id AS event_id, nothing AS actor_id FROM input", 1, &["dataset audit", "nothing"]),
        ("SELECT id AS event_id, who AS time FROM input", 1, &["u-1"]),
        ("DELETE FROM input", 1, &["only reading statements"]),
        ("SELECT event_id FROM audit", 1, &["dataset audit", "audit"]),
    ] {
        let lake = lake_with(&format!("dataset: audit\nlocation: file:./gateway/\nschema: audit.v1\nmap: {map}\n"));
        gateway(&lake.folder().join("gateway"));
        lake.run(&["sql", "SELECT event_id, time FROM audit"]).failed(code, words);
    }
}

#[test]
fn files_that_disagree_are_both_named() {
    let lake = Lake::new();
    let folder = lake.folder().join("gateway");
    file(&folder, "a.parquet", vec![("n", texts(&["1"]))]);
    file(&folder, "b.parquet", vec![("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    lake.write("datasets/gateway.yaml", "dataset: gateway\nlocation: file:./gateway/\n");
    let ran = lake.run(&["sql", "SELECT n FROM gateway"]);
    ran.failed(1, &["gateway/a.parquet", "gateway/b.parquet", "\"n\"", "dataset \"gateway\""]);
    // A lake is more than one dataset: the others still answer.
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 0);

    fs::write(folder.join("b.parquet"), b"PAR1 is how it begins, and nothing follows").expect("written");
    lake.run(&["sql", "SELECT n FROM gateway"]).failed(1, &["gateway/b.parquet", "no Parquet file that can be read"]);
}

#[test]
fn nothing_is_ingested_into_files_of_others() {
    let lake = lake_with(MAPPED);
    lake.write("drop/part.ndjson", "{}\n");
    let ran = lake.run(&["ingest", "ndjson", "drop", "--into", "audit"]);
    ran.failed(2, &["dataset \"audit\"", "files others write"]);
    assert!(!lake.folder().join("gateway").exists());
}

#[test]
fn a_join_holds_its_small_side_however_it_is_written() {
    let lake = Lake::new();
    for (name, column, rows) in [("many", "who", 50_000), ("few", "id", 20)] {
        let values = Int64Array::from_iter_values((0..rows).map(|row| row * 7_919 % 50_000));
        file(&lake.folder().join(name), "a.parquet", vec![(column, Arc::new(values) as ArrayRef)]);
        lake.write(&format!("datasets/{name}.yaml"), format!("dataset: {name}\nlocation: file:./{name}/\n"));
    }
    for (sql, kind) in [
        ("SELECT count(*) FROM many WHERE NOT EXISTS (SELECT 1 FROM few WHERE few.id = many.who)", "RightAnti"),
        ("SELECT count(*) FROM many LEFT JOIN few ON few.id = many.who", "Right"),
        ("SELECT count(*) FROM few RIGHT JOIN many ON few.id = many.who", "Right"),
    ] {
        let plan = lake.rows(&format!("EXPLAIN {sql}")).remove(1)["plan"].to_string();
        assert!(plan.contains(&format!("join_type={kind},")), "{plan}");
        let held = plan.find("few/a.parquet").expect("a scan of few");
        assert!(held < plan.find("many/a.parquet").expect("a scan of many"), "{plan}");
    }
}
