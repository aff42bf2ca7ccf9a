//! Large inputs are read in two parts at once; that must show in nothing but time.

use serde_json::Value;

use crate::auditlake::Lake;

const AT: &str = "--at=2026-03-04T00:00:00Z";
const FILES: usize = 4;
const EVENTS: usize = 40_000;

/// One line; every thousandth is no record, and only later ones have a reason.
fn line(number: usize) -> String {
    if number % 1_000 == 500 {
        return format!("{{\"event_id\":\"e-{number}\",\n");
    }
    let reason = if number > EVENTS / 2 { r#","reason":"because""# } else { "" };
    let padding = "x".repeat(80);
    format!(
        r#"{{"event_id":"e-{number}","time":"2026-03-0{}T10:{:02}:00Z","tenant_id":"t{}","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-{}","actor_type":"user","session_id":"{padding}"{reason}}}"#,
        1 + number % 2,
        number % 60,
        number % 3,
        number % 7
    ) + "\n"
}

fn ingested(files: usize) -> (Vec<u64>, Value, Vec<Value>, Vec<Value>) {
    let lake = Lake::new();
    for file in 0..files {
        let numbers = file * EVENTS / files..(file + 1) * EVENTS / files;
        lake.write(&format!("drop/{file}.ndjson"), numbers.map(line).collect::<String>());
    }
    let command = ["ingest", "ndjson", "drop", "--into", "audit", "--partial", AT];
    let told = lake.json(&command);
    let counts = ["read", "rows", "duplicates", "skipped", "rejected"];
    let rows = lake.rows(
        "SELECT tenant_id, time, min(event_id) AS first, max(event_id) AS last, count(*) AS n, count(reason) AS reasons, \
         max(encode(raw_hash, 'hex')) AS hash FROM audit GROUP BY 1, 2 ORDER BY 1, 2",
    );
    let rejects = lake.rows("SELECT kind, detail, CAST(raw AS varchar) AS raw FROM audit_rejected ORDER BY raw");
    (counts.map(|name| told[name].as_u64().expect("a count")).to_vec(), told["reasons"].clone(), rows, rejects)
}

#[test]
fn two_parts_come_to_what_one_comes_to() {
    let (one, two) = (ingested(1), ingested(FILES));
    let bad = (EVENTS / 1_000) as u64;
    assert_eq!(one.0, [EVENTS as u64, EVENTS as u64 - bad, 0, 0, bad]);
    assert!(one == two, "{:?} {:?} {} {}", two.0, two.1, two.2.len(), two.3.len());
}
