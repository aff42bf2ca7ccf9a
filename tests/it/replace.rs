//! `compact` and jobs of kind `query`: files that replace files, without a row lost, doubled or changed.

use serde_json::{Value, json};

use crate::auditlake::Lake;

const AT: &str = "--at=2026-03-04T00:00:00Z";

fn line(number: u32) -> String {
    let (day, tenant) = (1 + number % 2, number % 3);
    let reason = if number.is_multiple_of(5) { r#","reason":"because""# } else { "" };
    format!(
        r#"{{"event_id":"e-{number:04}","time":"2026-03-0{day}T10:00:{:02}Z","tenant_id":"t{tenant}","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-{}","actor_type":"user"{reason}}}"#,
        number % 60,
        number % 7
    ) + "\n"
}

fn ingest(lake: &Lake, name: &str, numbers: std::ops::Range<u32>) {
    lake.write(&format!("drop/{name}.ndjson"), numbers.map(line).collect::<String>());
    lake.json(&["ingest", "ndjson", "drop", "--into", "audit", AT]);
}

/// A lake with one ingest for each of `parts`.
fn lake_of(parts: &[std::ops::Range<u32>]) -> Lake {
    let lake = Lake::new();
    for (number, part) in parts.iter().enumerate() {
        ingest(&lake, &format!("part-{number}"), part.clone());
    }
    lake
}

fn all_rows(lake: &Lake) -> Vec<Value> {
    lake.rows("SELECT *, encode(raw_hash, 'hex') AS raw_hash_hex FROM audit ORDER BY event_id")
}

fn files(lake: &Lake, prefix: &str) -> Vec<String> {
    let names = lake.objects().into_iter().map(|(name, _)| name);
    names.filter(|name| name.starts_with(prefix) && name.ends_with(".parquet")).collect()
}

fn compacted(answer: &Value) -> [u64; 4] {
    ["folders", "files_before", "files_after", "rows"].map(|name| answer["compacted"][name].as_u64().expect("a count"))
}

#[test]
fn compacting_keeps_every_row_and_value() {
    let lake = lake_of(&[0..40, 40..50, 50..90]);
    let before = all_rows(&lake);
    assert_eq!((before.len(), files(&lake, "audit/").len()), (90, 18));
    let dry = lake.json(&["compact", "audit", "--dry-run", AT]);
    assert_eq!((compacted(&dry), dry["dry_run"].as_bool()), ([6, 18, 0, 0], Some(true)));
    assert_eq!(files(&lake, "audit/").len(), 18);
    assert_eq!(compacted(&lake.json(&["compact", "audit", AT])), [6, 18, 6, 90]);
    assert_eq!(all_rows(&lake), before);
    // Replaced files stay for those who read before, and go with the next compaction after a day.
    assert_eq!(files(&lake, "audit/").len(), 24);
    assert_eq!(compacted(&lake.json(&["compact", "audit", AT])), [0; 4]);
    // What is known is known by its key still, and what is new lies beside it.
    lake.write("drop/again.ndjson", (0..100).map(line).collect::<String>());
    let again = lake.json(&["ingest", "ndjson", "drop", "--into", "audit", AT]);
    assert_eq!((&again["rows"], &again["duplicates"]), (&json!(10), &json!(90)));
    assert_eq!(compacted(&lake.json(&["compact", "audit", "--at=2026-03-06T00:00:00Z"])), [6, 12, 6, 100]);
    assert_eq!(all_rows(&lake).len(), 100);
    assert_eq!(files(&lake, "audit/").len(), 18, "those of the first time are gone");
    // Where nothing is small any more, what is due goes as well.
    let later = "--at=2026-03-08T00:00:00Z";
    lake.run(&["compact", "audit", "--dry-run", later]).said(0, &["12 replaced files would be deleted"]);
    assert_eq!(files(&lake, "audit/").len(), 18);
    lake.run(&["compact", "audit", later]).said(0, &["nothing to compact in audit", "12 replaced files deleted"]);
    assert_eq!((files(&lake, "audit/").len(), all_rows(&lake).len()), (6, 100));
}

#[test]
fn a_report_says_the_same_before_and_after() {
    let lake = lake_of(&[0..40, 40..90]);
    // Two copies, because a report is published once.
    let figures = |lake: &Lake| {
        lake.json(&["run", "compliance", AT]);
        let sql = "SELECT control_id, scope, status, population, violations, undecided FROM auditlake.control_results \
                   WHERE run_instant = (SELECT max(run_instant) FROM auditlake.control_results) ORDER BY control_id, scope";
        lake.rows(sql)
    };
    let compacted = lake.copy();
    compacted.json(&["compact", "audit", AT]);
    let before = figures(&lake);
    assert!(before.iter().any(|row| row["population"] != json!(0)), "{before:?}");
    assert_eq!(figures(&compacted), before);
}

#[test]
fn what_cannot_be_compacted_is_refused_and_stays() {
    let lake = lake_of(&[0..10, 10..20]);
    lake.run(&["compact", "gone", AT]).failed(2, &["gone", "audit"]);
    lake.write("datasets/events.yaml", "dataset: events\nlocation: events/\n");
    lake.run(&["compact", "events", AT]).failed(2, &["\"events\"", "others write", "a folder of the lake's"]);
    lake.run(&["compact", "audit", "--file-mib", "0", AT]).failed(2, &["--file-mib"]);
    // A file that is none of ours in the folder: its column would be lost.
    let path = files(&lake, "audit/").swap_remove(0);
    let folder = lake.data().join(path.rsplit_once('/').expect("a folder").0);
    let column = std::sync::Arc::new(arrow::array::Int64Array::from(vec![1]));
    let batch = arrow::record_batch::RecordBatch::try_from_iter([("extra", column as arrow::array::ArrayRef)]);
    let batch = batch.expect("a batch");
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    std::fs::write(folder.join("foreign.parquet"), writer.into_inner().expect("closed")).expect("written");
    lake.run(&["compact", "audit", AT]).failed(1, &["foreign.parquet", "\"extra\"", "move the file elsewhere"]);
    std::fs::remove_file(folder.join("foreign.parquet")).expect("removed");
    assert_eq!(all_rows(&lake).len(), 20);
    assert_eq!(compacted(&lake.json(&["compact", "audit", AT]))[3], 20, "what was given up stands in nobody's way");
    assert_eq!(all_rows(&lake).len(), 20);
}

const DAY: &str = "job: day\nkind: query\nwindow: 1d\ninto: day\nsql: |\n  SELECT tenant_id, $start AS day, count(*) AS events, \
                   max(time) AS last_at FROM audit WHERE time >= $start AND time < $end GROUP BY tenant_id\n";

fn with_query(lake: &Lake) {
    lake.write("datasets/day.yaml", "dataset: day\nlocation: day/\ntenant: tenant_id\ntime: day\n");
    lake.write("jobs/day.yaml", DAY);
}

#[test]
fn an_interval_computed_again_is_replaced() {
    let lake = lake_of(&[0..20, 20..40]);
    with_query(&lake);
    assert_eq!(lake.rows("SELECT * FROM day"), Vec::<Value>::new());
    let days = ["--at=2026-03-02T00:00:00Z", "--at=2026-03-03T00:00:00Z"];
    for day in days {
        let ran = lake.json(&["run", "day", day]);
        assert_eq!((&ran["summary"]["query"]["rows"], &ran["revision"]), (&json!(3), &json!(1)));
    }
    let sum = "SELECT sum(events) FROM day";
    assert_eq!(lake.figure(sum), 40);
    ingest(&lake, "late", 40..60);
    let before = lake.json(&["run", "day", days[0]]);
    assert_eq!((&before["committed_before"], lake.figure(sum)), (&json!(true), 40));
    let again = lake.json(&["run", "day", days[0], "--again"]);
    assert_eq!((&again["revision"], &again["summary"]["query"]["replaced"]), (&json!(2), &json!(1)));
    assert_eq!(lake.figure(sum), 50);
    lake.json(&["run", "day", days[1], "--again"]);
    assert_eq!(lake.figure(sum), 60);
    let expected = "SELECT tenant_id, date_trunc('day', time) AS day, count(*) AS events, max(time) AS last_at FROM audit \
                    GROUP BY 1, 2 ORDER BY 1, 2";
    assert_eq!(lake.rows("SELECT * FROM day ORDER BY 1, 2"), lake.rows(expected));
    let inputs = lake.json(&["runs", "show", "day@20260303T000000Z"]);
    assert!(inputs["commit"]["inputs"].as_array().is_some_and(|inputs| inputs.len() == 18), "{inputs}");
    assert_eq!(inputs["commit"]["reads"]["audit"], json!(["tenant_id", "time"]));
}

#[test]
fn rows_of_a_schema_are_made_by_a_query() {
    let lake = lake_of(&[0..20, 20..40]);
    lake.write("datasets/meters.yaml", "dataset: meters\nlocation: meters/\nschema: usage.v1\n");
    let query = |more: &str| {
        let sql = format!(
            "SELECT concat(tenant_id, ':', CAST($start AS varchar)) AS usage_id, tenant_id, $start AS period_start, \
             $end AS period_end, 'reads' AS meter, 'events' AS unit, 0 AS billed_cost, 'EUR' AS currency, \
             'Usage' AS charge_category, 'app' AS service, now() AS ingested_at, min(raw_ref) AS raw_ref, \
             first_value(raw_hash ORDER BY raw_ref) AS raw_hash{more} FROM audit WHERE time >= $start AND time < $end \
             GROUP BY tenant_id"
        );
        lake.write("jobs/meter.yaml", format!("job: meter\nkind: query\nwindow: 1d\ninto: meters\nsql: >-\n  {sql}\n"));
        lake.run(&["run", "meter", "--at=2026-03-02T00:00:00Z", "--again"])
    };
    query(", 'many' AS quantity").failed(1, &["many"]);
    query(", count(*) AS quantty").failed(1, &["dataset meters", "no column \"quantty\""]);
    query(", count(*) AS quantity, 1 AS quantity").failed(1, &["quantity"]);
    query(", count(*) AS quantity").succeeded();
    let rows = lake.rows("SELECT tenant_id, meter, CAST(quantity AS int) AS quantity FROM meters ORDER BY tenant_id");
    let counts = lake.rows(
        "SELECT count(*) AS n FROM audit WHERE time < TIMESTAMP '2026-03-02' GROUP BY tenant_id ORDER BY tenant_id",
    );
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().zip(&counts).all(|(row, count)| row["quantity"] == count["n"]), "{rows:?} {counts:?}");
    let stored = files(&lake, "meters/");
    assert!(
        stored.iter().all(|name| name.starts_with("meters/tenant=") || name.starts_with("meters/meter@")),
        "{stored:?}"
    );
}

#[test]
fn what_a_query_must_not_do_is_refused_by_name() {
    let lake = lake_of(&[0..5, 5..10]);
    with_query(&lake);
    let day = "--at=2026-03-02T00:00:00Z";
    lake.json(&["run", "day", day]);
    let refused = |sql: &str, said: &[&str]| {
        lake.write("jobs/other.yaml", format!("job: other\nkind: query\nwindow: 1d\ninto: day\nsql: >-\n  {sql}\n"));
        lake.run(&["run", "other", day]).failed(1, said);
        assert_eq!(lake.figure("SELECT sum(events) FROM day"), 5, "{sql}");
    };
    let tail = "FROM audit WHERE time >= $start";
    refused("SELECT tenant_id, day FROM day WHERE day < $start", &["reads the dataset that it fills"]);
    refused(&format!("SELECT tenant_id, time AS day, random() AS r {tail}"), &["answers differently each time"]);
    refused(&format!("SELECT tenant_id, time AS day, $zone AS z {tail}"), &["no value $zone", "$start and $end"]);
    refused(&format!("SELECT tenant_id, time AS day, count(*) {tail} GROUP BY 1, 2"), &["plain name with AS"]);
    refused(&format!("SELECT time AS day {tail}"), &["needs column \"tenant_id\""]);
    refused(&format!("SELECT tenant_id, time AS day, nothing {tail}"), &["nothing"]);
    refused(&format!("SELECT tenant_id, time AS day, CAST(actor_id AS int) AS n {tail}"), &["u-"]);
    refused("DELETE FROM audit WHERE time < $start", &["only reading statements"]);
    // Half a day later the window reaches into the day that is there.
    lake.run(&["run", "day", "--at=2026-03-02T12:00:00Z"])
        .failed(1, &["overlaps", "2026-03-01 00:00:00Z", "side by side"]);
    lake.run(&["run", "day", "--at=2026-03-02T00:00:00.5Z"]).failed(1, &["fractions of a second"]);
    lake.run(&["run", "compliance", day, "--again"]).failed(2, &["stays as it is", "--again"]);
    assert_eq!(lake.figure("SELECT sum(events) FROM day"), 5);
    lake.json(&["run", "day", day, "--again"]);
    assert_eq!(lake.figure("SELECT sum(events) FROM day"), 5);
}
