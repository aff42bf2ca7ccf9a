//! Formats whose mapping is built in, at the command line: good and bad input, and who the records belong to.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use crate::auditlake::{Lake, Ran};

const AT: &str = "--at=2026-03-04T00:00:00Z";

/// An audit event of Kubernetes.
fn request(number: u64, stage: &str) -> String {
    json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": format!("a-{number}"), "stage": stage,
        "verb": "get", "user": {"username": "ops"}, "objectRef": {"resource": "pods", "name": "web"},
        "responseStatus": {"code": 200}, "requestReceivedTimestamp": "2026-03-01T10:00:00.000001Z"})
    .to_string()
}

/// An OCSF event.
fn event(number: u64) -> String {
    json!({"metadata": {"uid": format!("o-{number}"), "tenant_uid": "t1", "product": {"name": "vault"}},
        "time": 1_772_359_200_123_u64 + number, "class_uid": 3002, "activity_id": 1, "status_id": 1,
        "user": {"uid": "u-7", "type_id": 1}})
    .to_string()
}

/// The counts of an ingest: read, rows, duplicates, skipped, rejected.
fn told(answer: &Value) -> [u64; 5] {
    ["read", "rows", "duplicates", "skipped", "rejected"].map(|name| answer[name].as_u64().expect("a count"))
}

fn ingest<'a>(format: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut command = vec!["ingest", format, "drop", "--into", "audit", AT];
    if format == "kubernetes" {
        command.extend(["--tenant", "prod"]);
    }
    command.extend(more);
    command
}

/// Good records around a bad one: it alone must be refused, for `reason` of `kind`.
#[track_caller]
fn refuses(format: &str, bad: &[u8], kind: &str, reason: &str) {
    let good = |number| match format {
        "kubernetes" => request(number, "ResponseComplete"),
        _ => event(number),
    };
    let lake = Lake::new();
    let mut bytes = (0..150).map(|number| good(number) + "\n").collect::<String>().into_bytes();
    bytes.extend_from_slice(bad);
    bytes.extend_from_slice(format!("\n{}\n", good(200)).as_bytes());
    lake.write("drop/part.ndjson", &bytes);
    let answer = lake.json(&ingest(format, &[]));
    assert_eq!(told(&answer), [152, 151, 0, 0, 1]);
    let why = answer["reasons"][0]["reason"].as_str().unwrap_or_default();
    assert!(why.starts_with(&format!("{kind}: ")) && why.contains(reason), "{why}");
    let kept = lake.rows("SELECT raw_bytes, record, tenant_id FROM audit_rejected");
    assert_eq!((&kept[0]["raw_bytes"], &kept[0]["record"]), (&bad.len().into(), &151.into()));
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 151);
}

#[test]
fn a_bad_record_costs_no_other_one() {
    let deep = |record: &str| record.replacen('{', &format!("{{\"x\":{}{},", "[".repeat(3_000), "]".repeat(3_000)), 1);
    let long = |record: &str| record.replacen('{', &format!("{{\"x\":\"{}\",", "x".repeat(50 << 20)), 1);
    for (format, good) in [("kubernetes", request(500, "ResponseComplete")), ("ocsf", event(500))] {
        refuses(format, deep(&good).as_bytes(), "syntax", "128 levels");
        refuses(format, long(&good).as_bytes(), "too_large", "16777216 bytes");
        refuses(format, &good.as_bytes()[..good.len() - 1], "syntax", "");
        refuses(format, good.replacen("2026", "1823", 1).replace("177235", "-77235").as_bytes(), "range", "\"time\"");
    }
    refuses("kubernetes", request(500, "Panic").replace("a-500", "").as_bytes(), "missing", "\"auditID\"");
    refuses("kubernetes", request(500, "Panic").replace("\"ops\"", "[]").as_bytes(), "type", "\"user.username\"");
    refuses("ocsf", event(500).replace("\"o-500\"", "null").as_bytes(), "missing", "\"metadata.uid\"");
    refuses("ocsf", event(500).replace("3002", "\"3002\"").as_bytes(), "type", "\"class_uid\"");
}

#[test]
fn a_list_of_events_is_its_events() {
    let lake = Lake::new();
    let list = |events: &[String]| {
        format!(
            r#"{{"kind":"EventList","metadata":{{}},"items":[{}],"apiVersion":"audit.k8s.io/v1"}}"#,
            events.join(",")
        )
    };
    let stages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"];
    let events: Vec<String> = stages.iter().map(|stage| request(1, stage)).collect();
    lake.write("drop/list.json", list(&events));
    lake.write("drop/lists.json", [list(&[]), list(&[request(2, "ResponseComplete")]), request(3, "Panic")].concat());
    lake.write("drop/array.json", format!("[{}]", request(2, "ResponseComplete")));
    assert_eq!(told(&lake.json(&ingest("kubernetes", &[]))), [7, 4, 1, 2, 0]);
    // In NDJSON a list is one record like any other, and no row.
    let ran = lake.run(&["ingest", "ndjson", "drop/list.json", "--into", "audit", AT, "--partial"]);
    ran.failed(1, &["items"]);
}

#[test]
fn a_list_that_is_cut_off_keeps_what_came_before() {
    let lake = Lake::new();
    let events: Vec<String> = (0..50).map(|number| request(number, "ResponseComplete")).collect();
    let whole = format!(r#"{{"kind":"EventList","items":[{}]}}"#, events.join(","));
    lake.write("drop/list.json", &whole[..whole.len() - 100]);
    lake.run(&ingest("kubernetes", &[])).failed(1, &["drop/list.json", "ends in the middle", "--partial"]);
    assert_eq!(told(&lake.json(&ingest("kubernetes", &["--partial"]))), [50, 49, 0, 0, 1]);
    assert_eq!(lake.rows("SELECT kind FROM audit_rejected")[0]["kind"], "truncated");
}

/// Rows of OCSF, nested as a security lake nests them.
fn parquet(rows: i64) -> Vec<u8> {
    let texts =
        |of: fn(i64) -> String| -> ArrayRef { Arc::new((0..rows).map(|row| Some(of(row))).collect::<StringArray>()) };
    let object = |fields: Vec<(&str, ArrayRef)>| -> ArrayRef {
        let fields = fields
            .into_iter()
            .map(|(name, array)| (Arc::new(Field::new(name, array.data_type().clone(), true)), array));
        Arc::new(StructArray::from(fields.collect::<Vec<_>>()))
    };
    let metadata = object(vec![
        ("uid", texts(|row| format!("o-{row}"))),
        ("product", object(vec![("name", texts(|_| "vault".to_owned()))])),
        ("correlation_uid", arrow::array::new_null_array(&DataType::Utf8, rows as usize)),
    ]);
    let batch = RecordBatch::try_from_iter(vec![
        ("metadata", metadata),
        ("time", Arc::new(Int64Array::from_iter_values((0..rows).map(|row| 1_772_359_200_123 + row))) as ArrayRef),
        ("class_uid", Arc::new(Int32Array::from_iter_values((0..rows).map(|_| 6003))) as ArrayRef),
        ("activity_id", Arc::new(Int32Array::from_iter_values((0..rows).map(|_| 3))) as ArrayRef),
        ("actor", object(vec![("user", object(vec![("uid", texts(|row| format!("u-{}", row % 3)))]))])),
        ("device", object(vec![("hostname", texts(|_| "h1".to_owned()))])),
    ])
    .expect("columns fit");
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.into_inner().expect("finished")
}

#[test]
fn ocsf_in_parquet_is_the_same_as_in_json() {
    let lake = Lake::new();
    lake.write("drop/part.parquet", parquet(300));
    assert_eq!(told(&lake.json(&ingest("ocsf", &["--tenant", "t9"]))), [300, 300, 0, 0, 0]);
    let row = &lake.rows("SELECT * FROM audit WHERE event_id = 'o-7'")[0];
    let want = json!({"source": "vault", "event_type": "api.update", "actor_id": "u-1", "tenant_id": "t9",
        "raw_ref": "drop/part.parquet#7", "time": "2026-03-01T10:00:00.130000Z"});
    for (column, value) in want.as_object().expect("columns") {
        assert_eq!(row[column], *value, "{column}");
    }
    assert_eq!(
        lake.rows("SELECT DISTINCT attributes['device'] AS d FROM audit"),
        [json!({"d": "{\"hostname\":\"h1\"}"})]
    );

    // The same events as lines are known, though their bytes differ.
    let line = |row: u64| {
        json!({"time": 1_772_359_200_123_u64 + row, "class_uid": 6003, "activity_id": 3,
            "device": {"hostname": "h1"}, "actor": {"user": {"uid": format!("u-{}", row % 3)}},
            "metadata": {"product": {"name": "vault"}, "uid": format!("o-{row}")}})
    };
    lake.write("drop/part.ndjson", (0..300).map(|row| format!("{}\n", line(row))).collect::<String>());
    assert_eq!(told(&lake.json(&ingest("ocsf", &["--tenant", "t9"]))), [300, 0, 300, 0, 0]);

    let whole = parquet(300);
    lake.write("drop/cut.parquet", &whole[..whole.len() / 2]);
    lake.run(&ingest("ocsf", &["--tenant", "t9"])).failed(1, &["drop/cut.parquet", "--partial"]);
    assert_eq!(told(&lake.json(&ingest("ocsf", &["--tenant", "t9", "--partial"]))), [1, 0, 0, 0, 1]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 300);
}

#[test]
fn a_tenant_is_given_to_records_that_name_none() {
    let lake = Lake::new();
    lake.write("drop/part.ndjson", request(1, "ResponseComplete"));
    let without = |format: &str| -> Ran { lake.run(&["ingest", format, "drop", "--into", "audit", AT]) };
    without("kubernetes").failed(1, &["kubernetes@1", "name no tenant", "--tenant", "tenant:"]);
    assert_eq!(told(&lake.json(&ingest("kubernetes", &[]))), [1, 1, 0, 0, 0]);
    // Another tenant is other rows of the same object.
    let other = ["ingest", "kubernetes", "drop", "--into", "audit", AT, "--tenant", "test"];
    assert_eq!(told(&lake.json(&other)), [1, 1, 0, 0, 0]);
    assert_eq!(told(&lake.json(&other)), [0, 0, 0, 0, 0]);

    let line = |id: &str, tenant: &str| {
        format!(
            r#"{{"event_id":"{id}","time":"2026-03-01T10:00:00Z",{tenant}"source":"app","event_type":"data.read","outcome":"success","actor_id":"u","actor_type":"user"}}"#
        )
    };
    lake.write(
        "own/part.ndjson",
        [line("1", ""), line("2", r#""tenant_id":"a","#), line("3", r#""tenant_id":null,"#)].join("\n"),
    );
    lake.json(&["ingest", "ndjson", "own", "--into", "audit", AT, "--tenant", "b"]);
    let rows = lake.rows("SELECT event_id, tenant_id FROM audit WHERE source = 'app' ORDER BY event_id");
    let tenants: Vec<&str> = rows.iter().map(|row| row["tenant_id"].as_str().expect("a tenant")).collect();
    assert_eq!(tenants, ["b", "a", "b"]);
}

#[test]
fn a_mapping_beside_a_built_in_one_is_refused() {
    let lake = Lake::new();
    lake.write("drop/part.ndjson", event(1));
    let map = lake.write("map.sql", "SELECT 1 AS event_id FROM input").display().to_string();
    lake.run(&ingest("ocsf", &["--mapping", "own@1", "--map-file", &map])).failed(1, &["ocsf@1", "own@1", "ndjson"]);
    lake.write("datasets/people.yaml", "dataset: people\nlocation: people/\nschema: identity.v1\n");
    let into = ["ingest", "ocsf", "drop", "--into", "people", AT];
    lake.run(&into).failed(1, &["audit.v1", "\"people\"", "identity.v1"]);
}

#[test]
fn what_was_refused_is_read_again_with_a_better_mapping() {
    let lake = Lake::new();
    let line =
        |number: u64, who: &str, more: &str| format!(r#"{{"id":"e-{number}","who":{who},"note":"{more}"}}"#) + "\n";
    let mut text: String =
        (0..100).map(|number| line(number, if number < 40 { "null" } else { "\"u\"" }, "")).collect();
    text.push_str(&line(100, "null", &"x".repeat(65 << 10)));
    text.push_str("not json\n");
    lake.write("drop/part.ndjson", &text);
    let map = |who: &str| {
        format!(
            "SELECT id AS event_id, to_timestamp_micros('2026-03-01T10:00:00Z') AS time, 'a' AS tenant_id, 'app' AS source, \
             'data.read' AS event_type, 'success' AS outcome, {who} AS actor_id, 'user' AS actor_type FROM input"
        )
    };
    let (first, second) = (lake.write("1.sql", map("who")), lake.write("2.sql", map("coalesce(who, 'unknown')")));
    let told_of = |command: &[&str], version: &str, sql: &Path| {
        let sql = sql.display().to_string();
        told(&lake.json(&[command, &["--into", "audit", AT, "--mapping", version, "--map-file", &sql]].concat()))
    };
    let (read, replay) = (["ingest", "ndjson", "drop", "--partial"], ["ingest", "ndjson", "--rejected"]);
    assert_eq!(told_of(&read, "own@1", &first), [102, 60, 0, 0, 42]);
    // One is longer than what is kept, one was never JSON.
    assert_eq!(told_of(&replay, "own@2", &second), [42, 40, 0, 1, 1]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit_rejected"), 42, "what was refused stays as it is");
    assert_eq!(told_of(&replay, "own@2", &second), [0, 0, 0, 0, 0]);
    assert_eq!(told_of(&replay, "own@3", &second), [42, 0, 40, 1, 1]);
    // The rows are those that the better mapping gives of the object itself.
    assert_eq!(told_of(&read, "own@2", &second), [102, 1, 100, 0, 1]);
    assert_eq!(lake.figure("SELECT count(DISTINCT raw_ref) FROM audit WHERE raw_ref LIKE 'drop/part.ndjson#%'"), 101);
    assert_eq!(lake.figure("SELECT count(DISTINCT raw_hash) FROM audit"), 101);
}

#[test]
fn records_read_as_the_wrong_format_are_read_again_as_the_right_one() {
    let lake = Lake::new();
    lake.write(
        "drop/part.ndjson",
        (0..20).map(|number| request(number, "ResponseComplete") + "\n").collect::<String>(),
    );
    assert_eq!(told(&lake.json(&ingest("cloudtrail", &["--partial"]))), [20, 0, 0, 0, 20]);
    let replay = ["ingest", "kubernetes", "--rejected", "--into", "audit", AT, "--tenant", "prod"];
    assert_eq!(told(&lake.json(&replay)), [20, 20, 0, 0, 0]);
    // The objects themselves hold nothing new then.
    assert_eq!(told(&lake.json(&ingest("kubernetes", &[]))), [20, 0, 20, 0, 0]);
    lake.run(&["ingest", "kubernetes", "drop", "--rejected", "--into", "audit", AT]).failed(2, &["--rejected"]);
    lake.run(&["ingest", "kubernetes", "--into", "audit", AT]).failed(2, &["PATHS"]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 20);
}

#[test]
fn a_job_reads_a_cluster() {
    let lake = Lake::new();
    lake.write("drop/part.ndjson", request(1, "ResponseComplete"));
    lake.write(
        "jobs/cluster.yaml",
        "job: cluster\nkind: ingest\nfrom: {location: drop, format: kubernetes}\ninto: audit\ntenant: prod\n",
    );
    lake.json(&["run", "cluster", AT]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE tenant_id = 'prod'"), 1);
}
