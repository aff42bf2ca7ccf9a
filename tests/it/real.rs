//! Real records: what ingest makes of them equals what an independent count says.
//!
//! The expected figures are read from the corpus' own `FACTS.json`; nothing of it stands here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::auditlake::{Lake, real_data};

pub(crate) fn facts(data: &Path, of: &str) -> Value {
    let text = fs::read_to_string(data.join("FACTS.json")).expect("the facts of the corpus");
    let facts: Value = serde_json::from_str(&text).expect("JSON");
    facts[of].clone()
}

/// `{key: count}` of the facts.
pub(crate) fn counts(facts: &Value) -> BTreeMap<String, u64> {
    let pairs = facts.as_object().expect("counts by key").iter();
    pairs.map(|(key, count)| (key.clone(), count.as_u64().expect("a count"))).collect()
}

/// The same from SQL that returns `k` and `n`; a null key is called `None`, as the facts do.
pub(crate) fn counted(lake: &Lake, sql: &str) -> BTreeMap<String, u64> {
    let rows = lake.rows(sql);
    let pair = |row: &Value| {
        (row["k"].as_str().unwrap_or("None").to_owned(), row["n"].as_u64().unwrap_or_else(|| panic!("{sql}: {row}")))
    };
    rows.iter().map(pair).collect()
}

/// The counts of an ingest: read, rows, duplicates, skipped, rejected.
pub(crate) fn told(answer: &Value) -> [u64; 5] {
    ["read", "rows", "duplicates", "skipped", "rejected"].map(|name| answer[name].as_u64().expect("a count"))
}

#[test]
fn an_attacked_account_counts_up_to_the_facts() {
    let Some(data) = real_data("an_attacked_account_counts_up_to_the_facts") else { return };
    let facts = facts(&data, "audit/cloudtrail/invictus");
    let records = facts["records"].as_u64().expect("a count");
    let source = data.join("audit/cloudtrail/invictus").display().to_string();
    let lake = Lake::new();
    let answer = lake.json(&["ingest", "cloudtrail", &source, "--into", "audit"]);
    assert_eq!((answer["files"].as_u64(), told(&answer)), (Some(55), [records, records, 0, 0, 0]));

    let by = |key: &str| counted(&lake, &format!("SELECT {key} AS k, count(*) AS n FROM audit GROUP BY 1"));
    let sources = by("source");
    assert_eq!(sources.values().sum::<u64>(), records);
    // The facts name the largest sources only.
    for (source, count) in counts(&facts["by_source"]) {
        assert_eq!(sources.get(&source), Some(&count), "{source}");
    }
    assert_eq!(by("attributes['user_identity_type']"), counts(&facts["by_identity_type"]));
    assert_eq!(by("CAST(CAST(time AS date) AS varchar)"), counts(&facts["by_day"]));
    assert_eq!(lake.figure("SELECT count(status_code) FROM audit"), facts["with_error_code"]);
    assert_eq!(lake.figure("SELECT count(DISTINCT event_id) FROM audit"), facts["unique_event_ids"]);
    assert_eq!(lake.figure("SELECT count(DISTINCT api_operation) FROM audit"), facts["distinct_event_names"]);
    assert_eq!(
        lake.figure("SELECT count(*) FROM audit WHERE attributes['read_only'] = 'true'"),
        facts["read_only_true"]
    );
    for (of, name) in [("min", "first"), ("max", "last")] {
        let fact = facts[name].as_str().expect("an instant");
        assert_eq!(lake.rows(&format!("SELECT {of}(time) = TIMESTAMP '{fact}' AS same FROM audit"))[0]["same"], true);
    }

    adds_nothing(&lake, &source, records, 55);
    // The same records under other names are read, and each is known by its key.
    let copied = lake.folder().join("copied");
    fs::create_dir(&copied).expect("a folder can be made");
    for entry in fs::read_dir(&source).expect("the corpus") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), copied.join(entry.file_name())).expect("a copy");
    }
    let answer = lake.json(&["ingest", "cloudtrail", "copied", "--into", "audit"]);
    assert_eq!(told(&answer), [records, 0, records, 0, 0]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), records);
}

#[test]
fn techniques_of_attack_count_up_to_the_facts() {
    let Some(data) = real_data("techniques_of_attack_count_up_to_the_facts") else { return };
    let facts = counts(&facts(&data, "audit/cloudtrail/stratus"));
    let records: u64 = facts.values().sum();
    let source = data.join("audit/cloudtrail/stratus").display().to_string();
    let lake = Lake::new();
    let answer = lake.json(&["ingest", "cloudtrail", &source, "--into", "audit"]);
    assert_eq!(told(&answer), [records, records, 0, 0, 0]);
    let file = "regexp_replace(split_part(raw_ref, '#', 1), '^.*/', '')";
    assert_eq!(counted(&lake, &format!("SELECT {file} AS k, count(*) AS n FROM audit GROUP BY 1")), facts);
    adds_nothing(&lake, &source, records, facts.len() as u64);
}

#[test]
fn examples_inside_a_wrapper_come_in_through_a_mapping() {
    let Some(data) = real_data("examples_inside_a_wrapper_come_in_through_a_mapping") else { return };
    let source = data.join("audit/cloudtrail/traildiscover/log_examples.jsonl.gz");
    let lake = Lake::new();
    let mapping = lake.write("discover.sql", WRAPPED);
    let (source, mapping) = (source.display().to_string(), mapping.display().to_string());
    let command = ["ingest", "ndjson", &source, "--into", "audit", "--mapping", "discover@1", "--map-file", &mapping];
    // Counted by hand over the same file: 386 lines, 216 ids, and equal ids carry equal events.
    assert_eq!(told(&lake.json(&command)), [386, 216, 170, 0, 0]);
    assert_eq!(lake.figure("SELECT count(DISTINCT event_id) FROM audit"), 216);
    let by_type = counted(&lake, "SELECT attributes['user_identity_type'] AS k, count(*) AS n FROM audit GROUP BY 1");
    assert_eq!(by_type.values().sum::<u64>(), 216);
    assert_eq!(by_type.keys().collect::<Vec<_>>(), ["AssumedRole", "IAMUser", "Unknown"]);
    assert_eq!(told(&lake.json(&command)), [0, 0, 0, 0, 0]);
}

const WRAPPED: &str = "\
SELECT event['eventID'] AS event_id, to_timestamp_micros(event['eventTime']) AS time,
       event['recipientAccountId'] AS tenant_id, event['eventSource'] AS source, 'api.request' AS event_type,
       CASE WHEN event['errorCode'] IS NULL THEN 'success' ELSE 'failure' END AS outcome,
       event['errorCode'] AS status_code,
       coalesce(event['userIdentity']['arn'], event['userIdentity']['type']) AS actor_id, 'user' AS actor_type,
       event['eventName'] AS api_operation,
       named_struct('user_identity_type', event['userIdentity']['type']) AS attributes
FROM input
";

#[track_caller]
fn adds_nothing(lake: &Lake, source: &str, records: u64, files: u64) {
    let again = lake.json(&["ingest", "cloudtrail", source, "--into", "audit"]);
    assert_eq!((told(&again), again["files_seen_before"].as_u64()), ([0, 0, 0, 0, 0], Some(files)));
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), records);
}
