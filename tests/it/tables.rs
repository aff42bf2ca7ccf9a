//! CSV and Parquet as sources: every row is read once, counted once, and found again by where it stood.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, MapBuilder, StringArray, StringBuilder, TimestampNanosecondArray,
};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::auditlake::Lake;

const AT: &str = "--at=2026-03-04T00:00:00Z";
const HEADER: &str = "event_id,time,tenant_id,source,event_type,outcome,actor_id,actor_type";

/// A line of a row of `audit.v1`.
fn line(number: u32) -> String {
    format!("e-{number:04},2026-03-01T10:00:{:02}Z,t1,app,data.read,success,u-{},user\n", number % 60, number % 7)
}

fn lines(numbers: std::ops::Range<u32>) -> String {
    numbers.map(line).collect()
}

/// The counts of an ingest: read, rows, duplicates, skipped, rejected.
fn told(answer: &Value) -> [u64; 5] {
    ["read", "rows", "duplicates", "skipped", "rejected"].map(|name| answer[name].as_u64().expect("a count"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("writes");
    out.finish().expect("finishes")
}

fn parquet(columns: Vec<(&str, ArrayRef)>, group_rows: usize) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("written");
    writer.into_inner().expect("closed")
}

/// `kind: detail` of every reject with how often it was met, sorted.
fn reasons(lake: &Lake, dataset: &str) -> Vec<(String, u64)> {
    let rows = lake.rows(&format!(
        "SELECT concat(kind, ': ', detail) AS why, count(*) AS n FROM {dataset}_rejected GROUP BY 1 ORDER BY 1"
    ));
    let pair = |row: &Value| (row["why"].as_str().expect("text").to_owned(), row["n"].as_u64().expect("a count"));
    rows.iter().map(pair).collect()
}

#[test]
fn lines_become_rows_that_know_where_they_stood() {
    let lake = Lake::new();
    let text = format!("{HEADER}\n{}", lines(0..50));
    lake.write("drop/a.csv", &text);
    assert_eq!(told(&lake.json(&["ingest", "csv", "drop", "--into", "audit", AT])), [50, 50, 0, 0, 0]);
    let rows = lake.rows("SELECT event_id, raw_ref, encode(raw_hash, 'hex') AS hash FROM audit ORDER BY event_id");
    for (number, row) in rows.iter().enumerate() {
        let own = line(u32::try_from(number).expect("small"));
        let offset = text.find(&own).expect("is there");
        assert_eq!(row["raw_ref"], format!("drop/a.csv#{offset}"));
        assert_eq!(row["hash"], engine::hex(&Sha256::digest(own.trim_end())));
    }
    // The same lines under another name, with other line ends, separators and coding, are known by their key.
    lake.write("again/b.csv.gz", gzip(text.replace('\n', "\r\n").as_bytes()));
    lake.write("again/c.csv", format!("\u{feff}{}", text.replace(',', ";")));
    lake.write("again/d.tsv", text.replace(',', "\t"));
    assert_eq!(told(&lake.json(&["ingest", "csv", "again", "--into", "audit", AT])), [150, 0, 150, 0, 0]);
    let again = lake.json(&["ingest", "csv", "drop", "again", "--into", "audit", AT]);
    assert_eq!((told(&again), again["files_seen_before"].as_u64()), ([0; 5], Some(4)));
}

#[test]
fn a_mapping_sees_every_column_as_text() {
    let lake = Lake::new();
    lake.write(
        "drop/app.csv",
        "Event Id,when,,who,who,note\n\
         a-1,1770715800,x,alice,u-1,\"two\nlines, \"\"quoted\"\"\"\n\
         a-2,1770715860,y,bob,u-2,\n\
         a-3,1770715920,z,eve,,left out\n",
    );
    lake.write("drop/more.csv", "when,Event Id,who_2\n1770715980,a-4,u-4\n");
    let mapping = lake.write(
        "app.sql",
        "SELECT \"Event Id\" AS event_id, to_timestamp_seconds(CAST(\"when\" AS bigint)) AS time, 't1' AS tenant_id, \
         'app' AS source, 'data.read' AS event_type, 'success' AS outcome, who_2 AS actor_id, 'user' AS actor_type, \
         nullif(note, '') AS reason, column_3 AS resource_id FROM input WHERE who_2 <> ''",
    );
    let mapping = mapping.display().to_string();
    let command = ["ingest", "csv", "drop", "--into", "audit", "--mapping", "app@1", "--map-file", &mapping, AT];
    assert_eq!(told(&lake.json(&command)), [4, 3, 0, 1, 0]);
    let rows = lake.rows("SELECT event_id, actor_id, reason, resource_id FROM audit ORDER BY event_id");
    let want = serde_json::json!([
        {"event_id": "a-1", "actor_id": "u-1", "reason": "two\nlines, \"quoted\"", "resource_id": "x"},
        {"event_id": "a-2", "actor_id": "u-2", "reason": null, "resource_id": "y"},
        {"event_id": "a-4", "actor_id": "u-4", "reason": null, "resource_id": null},
    ]);
    assert_eq!(Value::Array(rows), want);
}

#[test]
fn bad_lines_are_counted_with_their_reason_and_cost_no_other() {
    let lake = Lake::new();
    let mut bytes = format!("{HEADER}\n{}", lines(0..100)).into_bytes();
    bytes.extend_from_slice(b"only,three,fields\n");
    bytes.extend_from_slice(b"e-x,\"2026\"-03-01,t1,app,data.read,success,u,user\n");
    bytes.extend_from_slice(b"e-y,2026-03-01T10:00:00Z,t1,app,data.read,success,\xff,user\n");
    bytes.extend_from_slice(b"e-z,yesterday,t1,app,data.read,success,u,user\n");
    bytes.extend_from_slice(b"e-w,,t1,app,data.read,success,u,user\n");
    bytes.extend_from_slice(lines(100..200).as_bytes());
    lake.write("drop/a.csv", &bytes);
    lake.run(&["ingest", "csv", "drop", "--into", "audit", AT]).failed(1, &["drop/a.csv", "5 of 205"]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 200);
    assert_eq!(told(&lake.json(&["ingest", "csv", "drop", "--into", "audit", "--partial", AT])), [205, 200, 0, 0, 5]);
    let want = [
        ("missing: column \"time\" has no value", 1),
        ("syntax: text follows a closing quote; inside quotes a quote is doubled", 1),
        ("syntax: the record has 3 fields, the first line names 8", 1),
        ("syntax: the record is no UTF-8 text", 1),
        ("type: column \"time\" does not hold a ts", 1),
    ];
    assert_eq!(reasons(&lake, "audit"), want.map(|(why, n)| (why.to_owned(), n)));
    let row = &lake.rows("SELECT line, record, raw_bytes FROM audit_rejected WHERE detail LIKE '%3 fields%'")[0];
    assert_eq!(*row, serde_json::json!({"line": 102, "record": 101, "raw_bytes": 17}));
}

#[test]
fn an_object_that_is_no_table_costs_no_other() {
    let lake = Lake::new();
    lake.write("drop/a.csv", format!("{HEADER}\n{}", lines(0..50)));
    lake.write("drop/b.csv", b"\xff\xfee\0v\0");
    let whole = gzip(format!("{HEADER}\n{}", lines(50..4_000)).as_bytes());
    lake.write("drop/c.csv.gz", &whole[..whole.len() / 2]);
    lake.write("drop/d.csv", "");
    lake.write("drop/e.csv", format!("{HEADER}\n"));
    lake.run(&["ingest", "csv", "drop", "--into", "audit", AT]).failed(1, &["drop/c.csv.gz", "--partial"]);
    let answer = lake.json(&["ingest", "csv", "drop", "--into", "audit", "--partial", AT]);
    assert_eq!(answer["rejected"], 2);
    let found = reasons(&lake, "audit");
    assert!(found[0].0.starts_with("syntax: it cannot be read as CSV: it is UTF-16"), "{found:?}");
    assert!(found[1].0.starts_with("truncated: "), "{found:?}");
    // What is no table in any object is an error, and no row or reject is written.
    let other = Lake::new();
    other.write("drop/b.csv", b"\xff\xfee\0v\0");
    other.run(&["ingest", "csv", "drop", "--into", "audit", AT]).failed(1, &["drop/b.csv", "UTF-16"]);
    other.run(&["ingest", "parquet", "drop", "--into", "audit", AT]).failed(1, &["drop/b.csv", "Parquet"]);
    let unknown = other.write("wrong/a.csv", "event_id,colour\n1,red\n");
    let unknown = unknown.display().to_string();
    other.run(&["ingest", "csv", &unknown, "--into", "audit", AT]).failed(1, &["colour", "audit.v1"]);
}

#[test]
fn equal_ids_with_other_content_keep_the_first_line() {
    let lake = Lake::new();
    lake.write("drop/a.csv", format!("{HEADER}\n{}", lines(0..200)));
    let other = format!("{}{}", line(7).replace("success", "failure"), line(8));
    lake.write("drop/b.csv", format!("{HEADER}\n{other}{}", lines(200..400)));
    assert_eq!(told(&lake.json(&["ingest", "csv", "drop", "--into", "audit", AT])), [402, 400, 1, 0, 1]);
    let row = &lake.rows("SELECT kind, source, offset_bytes, CAST(raw AS varchar) AS raw FROM audit_rejected")[0];
    assert_eq!((&row["kind"], &row["source"]), (&"id_conflict".into(), &"drop/b.csv".into()));
    assert_eq!(row["offset_bytes"].as_u64(), Some(HEADER.len() as u64 + 1));
    assert_eq!(row["raw"], line(7).replace("success", "failure").trim_end());
}

const CHARGES: &str = "\
SELECT id AS usage_id, 't1' AS tenant_id, CAST(day AS timestamp) AS period_start,
       CAST(day AS timestamp) + INTERVAL '1 day' AS period_end, 'requests' AS meter, 'Requests' AS unit,
       n AS quantity, cost AS billed_cost, 'USD' AS currency, 'Usage' AS charge_category, 'app' AS service
FROM input
";

#[test]
fn a_decimal_is_kept_to_the_last_digit_or_not_at_all() {
    let lake = Lake::new();
    let mapping = lake.write("charges.sql", CHARGES).display().to_string();
    let map = ["--into", "usage", "--mapping", "charges@1", "--map-file", &mapping, "--max-rejected-ppm=1000000", AT];
    let longest = "12345678901234567890123456.123456789012";
    lake.write(
        "drop/a.csv",
        format!(
            "id,day,n,cost\nc-1,2026-03-01,1,{longest}\nc-2,2026-03-01,0.000000000000001,6.71E-8\n\
             c-3,2026-03-01,1,0.0000000000001\nc-4,2026-03-01,,1\nc-5,2026-03-01,1,\"1,5\"\n"
        ),
    );
    let csv: Vec<&str> = ["ingest", "csv", "drop/a.csv"].into_iter().chain(map).collect();
    assert_eq!(told(&lake.json(&csv)), [5, 2, 0, 0, 3]);
    // Numbers of JSON keep their digits, too, though most readers make floats of them.
    lake.write(
        "drop/b.ndjson",
        format!(
            "{{\"id\":\"j-1\",\"day\":\"2026-03-01\",\"n\":1,\"cost\":{longest}}}\n\
             {{\"id\":\"j-2\",\"day\":\"2026-03-01\",\"n\":0.1,\"cost\":0.100000000000000005}}\n\
             {{\"id\":\"j-3\",\"day\":\"2026-03-01\",\"n\":123456789012345678901,\"cost\":1e2}}\n"
        ),
    );
    let ndjson: Vec<&str> = ["ingest", "ndjson", "drop/b.ndjson"].into_iter().chain(map).collect();
    assert_eq!(told(&lake.json(&ndjson)), [3, 2, 0, 0, 1]);
    let sql = "SELECT usage_id, CAST(quantity AS varchar) AS n, CAST(billed_cost AS varchar) AS cost \
               FROM usage ORDER BY usage_id";
    let want = [
        ("c-1", "1.000000000000000", longest),
        ("c-2", "0.000000000000001", "0.000000067100"),
        ("j-1", "1.000000000000000", longest),
        ("j-3", "123456789012345678901.000000000000000", "100.000000000000"),
    ];
    let rows = lake.rows(sql);
    let found: Vec<[&str; 3]> =
        rows.iter().map(|row| ["usage_id", "n", "cost"].map(|name| row[name].as_str().expect("text"))).collect();
    assert_eq!(found, want.map(|(id, n, cost)| [id, n, cost]));
    assert_eq!(
        reasons(&lake, "usage"),
        [
            ("type: column \"billed_cost\" does not hold a dec(38,12)".to_owned(), 3),
            ("type: column \"quantity\" does not hold a dec(38,15)".to_owned(), 1),
        ]
    );
}

#[test]
fn lines_without_an_id_are_named_after_object_and_line() {
    let lake = Lake::new();
    let mapping = lake.write("charges.sql", CHARGES.replacen("id AS usage_id, ", "", 1)).display().to_string();
    let text = "day,n,cost\n2026-03-01,1,0.5\n2026-03-01,1,0.5\n";
    lake.write("drop/a.csv", text);
    let map = ["--into", "usage", "--mapping", "charges@1", "--map-file", &mapping, AT];
    let command: Vec<&str> = ["ingest", "csv", "drop"].into_iter().chain(map).collect();
    assert_eq!(told(&lake.json(&command)), [2, 2, 0, 0, 0], "equal lines are separate charges");
    let hash = engine::hex(&Sha256::digest(text));
    let ids = lake.rows("SELECT usage_id FROM usage ORDER BY usage_id");
    assert_eq!(ids[0]["usage_id"], format!("{}:2", &hash[..32]));
    assert_eq!(ids[1]["usage_id"], format!("{}:3", &hash[..32]));
    lake.write("drop/delivered-again.csv.gz", gzip(text.as_bytes()));
    assert_eq!(told(&lake.json(&command)), [2, 0, 2, 0, 0], "the same object is the same charges");
}

#[test]
fn a_job_reads_what_the_command_reads() {
    let lake = Lake::new();
    lake.write("drop/bills/feb.csv", [FOCUS, &focus_line("0.1", "Usage-Based", "NULL")].concat());
    lake.write("drop/events/a.csv", format!("{HEADER}\n{}", lines(0..10)));
    let job = |name: &str, format: &str, into: &str| {
        let from = format!("{{location: drop/{name}/, format: {format}}}");
        lake.write(&format!("jobs/{name}.yaml"), format!("job: {name}\nkind: ingest\nfrom: {from}\ninto: {into}\n"))
    };
    job("bills", "focus", "usage");
    job("events", "csv", "audit");
    lake.run(&["run", "bills", AT]).succeeded();
    lake.run(&["run", "events", AT]).succeeded();
    assert_eq!(lake.figure("SELECT count(*) FROM usage") + lake.figure("SELECT count(*) FROM audit"), 11);
    let wrong = job("wrong", "aws_cur", "audit");
    std::fs::write(&wrong, std::fs::read_to_string(&wrong).expect("the job") + "mapping: a@1\nmap: SELECT 1\n")
        .expect("written");
    lake.run(&["check"]).failed(2, &["aws_cur makes rows of usage.v1", "mapping is not for aws_cur"]);
}

#[test]
fn a_line_without_its_header_is_not_read_again() {
    let lake = Lake::new();
    lake.write("drop/a.csv", format!("{HEADER}\n{}short\n", line(1)));
    lake.run(&["ingest", "csv", "drop", "--into", "audit", "--partial", AT]).succeeded();
    let again = lake.run(&["ingest", "csv", "--rejected", "--into", "audit", AT]);
    again.failed(1, &["csv@1", "does not say what its columns are called", "ingest the object again"]);
    // Read as what it is not, it is refused again and lies there once.
    let other = lake.json(&["ingest", "ndjson", "--rejected", "--into", "audit", AT]);
    assert_eq!(told(&other), [1, 0, 0, 0, 1]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit_rejected"), 1);
}

/// A file with nanoseconds and a dictionary, `rows` of them.
fn events(rows: i64, group_rows: usize) -> Vec<u8> {
    let ids = StringArray::from_iter_values((0..rows).map(|row| format!("p-{row:05}")));
    let times = (0..rows).map(|row| 1_772_359_200_000_000_999 + row * 1_000_000);
    let times = TimestampNanosecondArray::from_iter_values(times);
    let actors: DictionaryArray<Int32Type> =
        (0..rows).map(|row| Some(["u-1", "u-2"][usize::from(row % 2 == 0)])).collect();
    parquet(
        vec![
            ("id", Arc::new(ids) as ArrayRef),
            ("at", Arc::new(times.with_timezone("UTC"))),
            ("who", Arc::new(actors)),
        ],
        group_rows,
    )
}

const EVENTS: &str = "\
SELECT id AS event_id, at AS time, 't1' AS tenant_id, 'app' AS source, 'data.read' AS event_type,
       'success' AS outcome, who AS actor_id, 'user' AS actor_type
FROM input
";

#[test]
fn rows_of_parquet_become_rows_that_know_where_they_stood() {
    let lake = Lake::new();
    let mapping = lake.write("events.sql", EVENTS).display().to_string();
    lake.write("drop/a.parquet", events(3_000, 700));
    let command = ["ingest", "parquet", "drop", "--into", "audit", "--mapping", "p@1", "--map-file", &mapping, AT];
    assert_eq!(told(&lake.json(&command)), [3_000, 3_000, 0, 0, 0]);
    let row = &lake.rows(
        "SELECT raw_ref, encode(raw_hash, 'hex') AS hash, actor_id, \
         time = TIMESTAMP '2026-03-01T10:00:01.500000Z' AS cut FROM audit WHERE event_id = 'p-01500'",
    )[0];
    // Nothing is cut off what is hashed.
    let canonical = r#"{"id":"p-01500","at":"2026-03-01T10:00:01.500000999Z","who":"u-2"}"#;
    assert_eq!((&row["raw_ref"], &row["actor_id"]), (&"drop/a.parquet#1500".into(), &"u-2".into()));
    assert_eq!((&row["hash"], &row["cut"]), (&engine::hex(&Sha256::digest(canonical)).into(), &true.into()));
    // Other row groups and names, the same rows.
    lake.write("drop/b.parquet", events(3_000, 1_000_000));
    assert_eq!(told(&lake.json(&command)), [3_000, 0, 3_000, 0, 0]);
    assert_eq!(told(&lake.json(&command)), [0; 5]);
}

#[test]
fn damage_in_a_file_costs_the_row_group_and_says_so() {
    let lake = Lake::new();
    let mapping = lake.write("events.sql", EVENTS).display().to_string();
    let mut bytes = events(3_000, 1_000);
    let at = bytes.windows(7).position(|window| window == b"p-01000").expect("ids stand in the file");
    // From the length of the first of them on.
    bytes[at - 4..at + 200].fill(0xff);
    lake.write("drop/a.parquet", &bytes);
    lake.write("drop/b.parquet", &events(10, 10)[..200]);
    let command = ["ingest", "parquet", "drop", "--into", "audit", "--mapping", "p@1", "--map-file", &mapping, AT];
    lake.run(&command).failed(1, &["drop/a.parquet", "--partial"]);
    let partial: Vec<&str> = command.into_iter().chain(["--partial"]).collect();
    let counts = told(&lake.json(&partial));
    assert_eq!((counts[1], counts[4]), (2_000, 2), "{counts:?}");
    let found = reasons(&lake, "audit");
    assert!(found.iter().any(|(why, _)| why.starts_with("syntax: it cannot be read as Parquet")), "{found:?}");
    assert!(found.iter().any(|(why, _)| why.starts_with("syntax: the rest of a row group")), "{found:?}");
}

#[test]
fn rejected_rows_of_parquet_keep_what_they_held() {
    let lake = Lake::new();
    let mapping = lake.write("events.sql", EVENTS.replace("at AS time", "nullif(at, at) AS time"));
    let mapping = mapping.display().to_string();
    lake.write("drop/a.parquet", events(1, 1));
    let command =
        ["ingest", "parquet", "drop", "--into", "audit", "--mapping", "p@1", "--map-file", &mapping, "--partial", AT];
    assert_eq!(told(&lake.json(&command)), [1, 0, 0, 0, 1]);
    let row = &lake.rows("SELECT CAST(raw AS varchar) AS raw, record, offset_bytes FROM audit_rejected")[0];
    let raw = r#"{"id":"p-00000","at":"2026-03-01T10:00:00.000000999Z","who":"u-2"}"#;
    assert_eq!(*row, serde_json::json!({"raw": raw, "record": 1, "offset_bytes": 0}));
}

const FOCUS: &str = "BilledCost,BillingAccountId,BillingCurrency,ChargeCategory,ChargeClass,ChargeFrequency,\
ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ConsumedUnit,ServiceName,SkuId,Tags,x_Team\n";

fn focus_line(cost: &str, frequency: &str, tags: &str) -> String {
    format!(
        "{cost},t1,USD,Usage,NULL,{frequency},2026-02-01 00:00:00,2026-02-02T00:00Z,2.5,GB,Storage,NULL,{tags},blue\n"
    )
}

#[test]
fn equal_lines_of_a_bill_are_separate_charges() {
    let lake = Lake::new();
    let tags = "\"{\"\"env\"\": \"\"dev\"\", \"\" org\"\": \"\"a\"\", \"\"org\"\": \"\"b\"\", \"\" n \"\": 1.50}\"";
    let text = [
        FOCUS,
        &focus_line("0.00000080000", "Usage-based", tags),
        &focus_line("0.1", "Usage-Based", "NULL"),
        &focus_line("0.1", "Usage-Based", "NULL"),
    ]
    .concat();
    lake.write("drop/feb.csv", &text);
    assert_eq!(told(&lake.json(&["ingest", "focus", "drop", "--into", "usage", AT])), [3, 3, 0, 0, 0]);
    lake.write("drop/feb-again.csv.gz", gzip(text.as_bytes()));
    assert_eq!(told(&lake.json(&["ingest", "focus", "drop", "--into", "usage", AT])), [3, 0, 3, 0, 0]);
    let row = &lake.rows(
        "SELECT meter, unit, charge_class, charge_frequency, tags['env'] AS env, tags['org'] AS org, \
         tags[' org'] AS other, tags['n'] AS n, attributes['x_Team'] AS team, sku_id, \
         CAST(billed_cost AS varchar) AS cost, period_start = TIMESTAMP '2026-02-01T00:00:00Z' AS starts, \
         period_end = TIMESTAMP '2026-02-02T00:00:00Z' AS ends FROM usage ORDER BY billed_cost LIMIT 1",
    )[0];
    let want = serde_json::json!({
        "meter": "Storage", "unit": "GB", "charge_class": null, "charge_frequency": "Usage-Based", "env": "dev",
        "org": "b", "other": "a", "n": "1.50", "team": "blue", "sku_id": null, "cost": "0.000000800000",
        "starts": true, "ends": true
    });
    assert_eq!(*row, want);
    assert_eq!(lake.figure("SELECT count(*) FROM usage WHERE tags IS NULL"), 2);
}

#[test]
fn lines_that_are_no_charge_are_refused_with_their_reason() {
    let lake = Lake::new();
    let good = focus_line("0.1", "Usage-Based", "NULL");
    let text = [
        FOCUS,
        &good.replace(",Usage,", ",Gift,"),
        &good.replacen(",NULL,", ",Wrong,", 1),
        &focus_line("0.1", "Usage-Based", "not json"),
        &focus_line("0.0000000000001", "Usage-Based", "NULL"),
        &good.replace(",t1,", ",,"),
        &good,
    ]
    .concat();
    lake.write("drop/feb.csv", &text);
    lake.write("drop/other.csv", "a,b\n1,2\n");
    let answer = lake.json(&["ingest", "focus", "drop", "--into", "usage", "--partial", AT]);
    assert_eq!(told(&answer), [7, 1, 0, 0, 6]);
    let found: Vec<String> = reasons(&lake, "usage").into_iter().map(|(why, _)| why).collect();
    let want = [
        "missing: column \"tenant_id\" has no value",
        "syntax: it has no column \"BilledCost\"",
        "type: column \"ChargeCategory\" is none of Usage, Purchase, Tax, Credit and Adjustment",
        "type: column \"ChargeClass\" is neither null nor Correction",
        "type: column \"Tags\" does not hold a JSON object",
        "type: column \"billed_cost\" does not hold a dec(38,12)",
    ];
    assert_eq!(found, want);
    assert_eq!(lake.figure("SELECT count(*) FROM usage_rejected WHERE tenant_id = 't1'"), 4);
    let other = Lake::new();
    other.write("feb.csv", [FOCUS, &good.replace(",t1,", ",,")].concat());
    other.json(&["ingest", "focus", "feb.csv", "--into", "usage", "--tenant", "t9", AT]);
    assert_eq!(other.figure("SELECT count(*) FROM usage WHERE tenant_id = 't9'"), 1);
    lake.run(&["ingest", "focus", "drop", "--into", "audit", AT]).failed(1, &["usage.v1", "audit.v1"]);
}

#[test]
fn a_bill_as_parquet_has_types_of_its_own() {
    let lake = Lake::new();
    let text = |values: [&str; 2]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let starts = TimestampNanosecondArray::from(vec![1_769_904_000_000_000_000_i64; 2]);
    let ends = TimestampNanosecondArray::from(vec![1_769_990_400_000_000_000_i64; 2]);
    let mut tags = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    tags.keys().append_value(" env");
    tags.values().append_value("dev");
    tags.append(true).expect("equal lengths");
    tags.append(false).expect("equal lengths");
    let columns = vec![
        ("BilledCost", Arc::new(Float64Array::from(vec![0.1, 0.1 + 0.2])) as ArrayRef),
        ("BillingAccountId", text(["t1", "t1"])),
        ("BillingCurrency", text(["USD", "USD"])),
        ("ChargeCategory", text(["Usage", "Usage"])),
        ("ChargePeriodStart", Arc::new(starts) as ArrayRef),
        ("ChargePeriodEnd", Arc::new(ends) as ArrayRef),
        ("ServiceName", text(["Storage", "Storage"])),
        ("Tags", Arc::new(tags.finish()) as ArrayRef),
    ];
    lake.write("drop/feb.parquet", parquet(columns, 10));
    let answer = lake.json(&["ingest", "focus", "drop", "--into", "usage", "--partial", AT]);
    // A float that has more digits than it can surely keep is no exact cost.
    assert_eq!(told(&answer), [2, 1, 0, 0, 1]);
    let row = &lake.rows("SELECT CAST(billed_cost AS varchar) AS cost, tags['env'] AS env, unit FROM usage")[0];
    assert_eq!(*row, serde_json::json!({"cost": "0.100000000000", "env": "dev", "unit": "charge"}));
}

const CUR: &str = "identity/LineItemId,identity/TimeInterval,bill/PayerAccountId,lineItem/LineItemType,\
lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,lineItem/UsageType,lineItem/UsageAmount,\
lineItem/CurrencyCode,lineItem/UnblendedCost,pricing/unit,resourceTags/user:env\n";

fn cur_line(id: &str, day: u32, kind: &str, cost: &str) -> String {
    let (from, to) = (format!("2026-02-{day:02}T00:00:00Z"), format!("2026-02-{:02}T00:00:00Z", day + 1));
    format!("{id},{from}/{to},a-1,{kind},{from},{to},AmazonS3,Requests,6.71E-8,USD,{cost},GB,dev\n")
}

#[test]
fn lines_of_a_cost_and_usage_report_are_named_by_item_and_interval() {
    let lake = Lake::new();
    let text = [
        CUR,
        &cur_line("x", 1, "Usage", "5.2E-9"),
        &cur_line("x", 2, "Usage", "5.2E-9"),
        &cur_line("y", 1, "Tax", "0.0"),
        &cur_line("z", 1, "Refund", "-1.5"),
        &cur_line("w", 1, "Fee", "10"),
        &cur_line("v", 1, "SavingsPlanNegation", "-1"),
        &cur_line("x", 2, "Usage", "5.2E-9"),
        &cur_line("y", 1, "Tax", "0.1"),
    ]
    .concat();
    lake.write("drop/cur.csv", &text);
    let answer = lake.json(&["ingest", "aws_cur", "drop", "--into", "usage", "--partial", AT]);
    assert_eq!(told(&answer), [8, 5, 1, 0, 2]);
    let found: Vec<String> = reasons(&lake, "usage").into_iter().map(|(why, _)| why).collect();
    assert!(found[0].starts_with("id_conflict: "), "{found:?}");
    assert!(found[1].starts_with("type: column \"lineItem/LineItemType\" is none of"), "{found:?}");
    let sql = "SELECT usage_id, charge_category, CAST(quantity AS varchar) AS n, CAST(billed_cost AS varchar) AS cost, \
               meter, unit, tags['user:env'] AS env, attributes['lineItem/ProductCode'] AS product \
               FROM usage WHERE charge_category <> 'Usage' OR period_start < '2026-02-02' ORDER BY usage_id";
    let id = |item: &str| format!("{item}:2026-02-01T00:00:00Z/2026-02-02T00:00:00Z");
    let row = |item: &str, category: &str, n: Value, cost: &str| {
        serde_json::json!({
            "usage_id": id(item), "charge_category": category, "n": n, "cost": cost, "meter": "Requests",
            "unit": "GB", "env": "dev", "product": "AmazonS3"
        })
    };
    let amount = Value::from("0.000000067100000");
    let want = [
        row("w", "Purchase", amount.clone(), "10.000000000000"),
        row("x", "Usage", amount, "0.000000005200"),
        row("y", "Tax", Value::Null, "0.000000000000"),
        row("z", "Credit", Value::Null, "-1.500000000000"),
    ];
    assert_eq!(lake.rows(sql), want);
}

#[test]
fn the_page_on_usage_lists_every_column() {
    let page = crate::tree::read("docs/guide/usage.md");
    for column in schemas::USAGE.columns {
        let presence = match column.presence {
            schemas::Presence::Required => "not null",
            schemas::Presence::Core => "always there",
            schemas::Presence::Optional => "optional",
        };
        let line = format!("| `{}` | `{}` | {presence} | {} |", column.name, column.kind.name(), column.doc);
        assert!(page.lines().any(|shown| shown == line), "{line}");
    }
}
