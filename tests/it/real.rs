//! Real records: what ingest makes of them equals what an independent count says.
//!
//! The expected figures are read from the corpus' own `FACTS.json`, and where it says nothing they are counted by
//! reading the JSON plainly; nothing of it stands here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::auditlake::{Lake, files_below, real_data};

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

/// The JSON values of a file, one after another.
fn lines(file: &Path) -> Vec<Value> {
    let bytes = fs::read(file).expect("a file of the corpus");
    let text = if bytes.starts_with(&[0x1f, 0x8b]) {
        std::io::read_to_string(GzDecoder::new(bytes.as_slice())).expect("gzip")
    } else {
        String::from_utf8(bytes).expect("UTF-8")
    };
    let values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    values.map(|value| value.expect("JSON")).collect()
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

#[test]
fn a_cluster_counts_up_to_a_plain_count() {
    let Some(data) = real_data("a_cluster_counts_up_to_a_plain_count") else { return };
    let source = data.join("audit/k8s");
    let events: Vec<Value> = files_below(&source).iter().flat_map(|file| lines(file)).collect();
    let ended: Vec<&Value> = events.iter().filter(|event| event["stage"] == "ResponseComplete").collect();
    let mut firsts: BTreeMap<&str, &Value> = BTreeMap::new();
    for event in &ended {
        firsts.entry(event["auditID"].as_str().expect("an id")).or_insert(event);
    }
    let [read, rows, skipped] = [events.len(), firsts.len(), events.len() - ended.len()].map(|count| count as u64);
    assert!(rows > 60 && skipped > 0 && read > rows + skipped, "the corpus has stages to skip and an id used twice");

    let lake = Lake::new();
    let source = source.display().to_string();
    let command = ["ingest", "kubernetes", &source, "--into", "audit"];
    lake.run(&command).failed(1, &["kubernetes@1", "--tenant"]);
    let command = [&command[..], &["--tenant", "lab"]].concat();
    // One object of one event has the id of another one: all of it is rejected, which is more than 1 %.
    lake.run(&command).failed(1, &["id_conflict", "--partial"]);
    let command = [&command[..], &["--partial"]].concat();
    assert_eq!(told(&lake.json(&command)), [read, rows, 0, skipped, read - rows - skipped]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE tenant_id = 'lab' AND source = 'kubernetes'"), rows);

    let by = |key: &str| counted(&lake, &format!("SELECT {key} AS k, count(*) AS n FROM audit GROUP BY 1"));
    let plain = |of: &dyn Fn(&Value) -> Option<String>| {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for event in firsts.values() {
            *counts.entry(of(event).unwrap_or("None".to_owned())).or_default() += 1;
        }
        counts
    };
    let text = |event: &Value, path: &str| event.pointer(path).and_then(Value::as_str).map(str::to_owned);
    assert_eq!(by("api_operation"), plain(&|event| text(event, "/verb")));
    assert_eq!(by("impersonator_id"), {
        plain(&|event| text(event, "/user/username").filter(|_| event["impersonatedUser"].is_object()))
    });
    assert_eq!(by("actor_id"), {
        let name = |event: &Value| text(event, "/impersonatedUser/username").or(text(event, "/user/username"));
        plain(&|event| name(event).map(|name| name.replace("system:anonymous", "anonymous")))
    });
    assert_eq!(by("resource_type"), {
        let whole = |event: &Value| match text(event, "/objectRef/subresource") {
            Some(part) => text(event, "/objectRef/resource").map(|kind| format!("{kind}/{part}")),
            None => text(event, "/objectRef/resource").or(Some("url".to_owned())),
        };
        plain(&whole)
    });
    let outcome = |event: &Value| match event["responseStatus"]["code"].as_u64().expect("every event has a code") {
        401 | 403 => "denied",
        400.. => "failure",
        _ => "success",
    };
    assert_eq!(by("outcome"), plain(&|event| Some(outcome(event).to_owned())));
    assert_eq!(by("CAST(CAST(time AS date) AS varchar)"), {
        let time = |event: &Value| text(event, "/requestReceivedTimestamp").or(text(event, "/timestamp"));
        plain(&|event| time(event).map(|time| time[..10].to_owned()))
    });
    let again = lake.json(&command);
    assert_eq!((told(&again), again["files_seen_before"].as_u64()), ([0, 0, 0, 0, 0], Some(36)));
}

#[test]
fn events_that_were_reshaped_are_refused_with_their_reasons() {
    let Some(data) = real_data("events_that_were_reshaped_are_refused_with_their_reasons") else { return };
    let facts = facts(&data, "audit/multi/panther_rule_tests");
    let events: Vec<Value> = lines(&data.join("audit/multi/panther_rule_tests.jsonl.gz"))
        .into_iter()
        .filter(|test| test["log_types"][0] == "Amazon.EKS.Audit")
        .map(|test| test["log"].clone())
        .collect();
    let total = facts["by_log_type"]["Amazon.EKS.Audit"].as_u64().expect("a count");
    assert_eq!(events.len() as u64, total);
    let count = |of: &dyn Fn(&Value) -> bool| events.iter().filter(|event| of(event)).count() as u64;
    let started = count(&|event| event["stage"] == "ResponseStarted");
    let stageless = count(&|event| event["stage"].is_null());
    let nameless = count(&|event| event["stage"] == "ResponseComplete" && event["auditID"].is_null());

    let lake = Lake::new();
    let text: String = events.iter().map(|event| format!("{event}\n")).collect();
    lake.write("drop/eks.ndjson", text);
    let answer = lake.json(&["ingest", "kubernetes", "drop", "--into", "audit", "--tenant", "lab", "--partial"]);
    // Whoever published them cut off stages and ids, and wrote times without their zone.
    assert_eq!(told(&answer), [total, 0, 0, started, total - started]);
    let kept = counted(&lake, "SELECT detail AS k, count(*) AS n FROM audit_rejected GROUP BY 1");
    assert_eq!(kept.get("\"stage\" has no value"), Some(&stageless));
    assert_eq!(kept.get("\"auditID\" has no value"), Some(&nameless));
    assert_eq!(kept.values().sum::<u64>(), total - started);
    assert!(kept.keys().all(|reason| reason.starts_with('"')), "{kept:?}");
}

#[test]
fn console_sessions_without_identity_come_in_with_a_tenant() {
    let Some(data) = real_data("console_sessions_without_identity_come_in_with_a_tenant") else { return };
    let facts = facts(&data, "audit/console_sessions");
    let facts = facts.as_object().expect("facts by session");
    let sum = |name: &str| facts.values().map(|session| session[name].as_u64().expect("a count")).sum::<u64>();
    let (events, unique) = (sum("events"), sum("unique"));
    let folder = data.join("audit/console_sessions");
    let files: Vec<String> =
        facts.keys().map(|session| folder.join(session).join("InputEvents.json.gz").display().to_string()).collect();
    let lake = Lake::new();
    let mut command = vec!["ingest", "cloudtrail", "--into", "audit", "--tenant", "lab"];
    command.extend(files.iter().map(String::as_str));
    assert_eq!(told(&lake.json(&command)), [events, unique, events - unique, 0, 0]);
    let session = "regexp_replace(split_part(raw_ref, '#', 1), '^.*/([^/]*)/[^/]*$', '\\1')";
    let by_session: BTreeMap<String, u64> =
        facts.iter().map(|(name, session)| (name.clone(), session["unique"].as_u64().expect("a count"))).collect();
    assert_eq!(counted(&lake, &format!("SELECT {session} AS k, count(*) AS n FROM audit GROUP BY 1")), by_session);
    for (name, fact) in facts {
        let (first, last) = (fact["first"].as_str().expect("an instant"), fact["last"].as_str().expect("an instant"));
        let sql = format!(
            "SELECT min(time) = TIMESTAMP '{first}' AND max(time) = TIMESTAMP '{last}' AS same FROM audit WHERE {session} = '{name}'"
        );
        assert_eq!(lake.rows(&sql)[0]["same"], true, "{name}");
    }
    assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE actor_id = 'unknown'"), unique);
    assert_eq!(told(&lake.json(&command)), [0, 0, 0, 0, 0]);

    // What lies beside them is one object without any event in it.
    let signals = folder.display().to_string();
    let command = ["ingest", "cloudtrail", &signals, "--into", "audit", "--tenant", "lab", "--partial"];
    let sessions = facts.len() as u64;
    assert_eq!(told(&lake.json(&command)), [sessions, 0, 0, 0, sessions]);
}

#[test]
fn events_of_windows_hosts_come_in_through_a_mapping() {
    let Some(data) = real_data("events_of_windows_hosts_come_in_through_a_mapping") else { return };
    let facts = facts(&data, "audit/windows_host");
    let lake = Lake::new();
    let mapping = lake.write("windows.sql", WINDOWS).display().to_string();
    for (name, host) in facts.as_object().expect("facts by file") {
        let source = data.join("audit/windows_host").join(name);
        let records = host["events"].as_u64().expect("a count");
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        for event in lines(&source) {
            let of = |key: &str| match &event[key] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            ids.insert(format!("{:?}", WINDOWS_KEY.map(of)), of("Channel"));
        }
        let source = source.display().to_string();
        let command = [
            "ingest",
            "ndjson",
            &source,
            "--into",
            "audit",
            "--tenant",
            name,
            "--mapping",
            "windows@1",
            "--map-file",
            &mapping,
        ];
        let rows = ids.len() as u64;
        assert_eq!(told(&lake.json(&command)), [records, rows, records - rows, 0, 0], "{name}");
        let mut channels: BTreeMap<String, u64> = BTreeMap::new();
        for channel in ids.into_values() {
            *channels.entry(channel).or_default() += 1;
        }
        let sql = format!("SELECT source AS k, count(*) AS n FROM audit WHERE tenant_id = '{name}' GROUP BY 1");
        assert_eq!(counted(&lake, &sql), channels, "{name}");
        if rows == records {
            assert_eq!(channels, counts(&host["by_channel"]), "{name}");
        }
    }
}

/// What tells two events apart: record numbers stand in one of the files only.
const WINDOWS_KEY: [&str; 5] = ["Hostname", "Channel", "EventID", "@timestamp", "Message"];

const WINDOWS: &str = "\
SELECT encode(sha256(concat_ws('|', \"Hostname\", \"Channel\", \"EventID\", \"@timestamp\", \"Message\")), 'hex')
         AS event_id,
       to_timestamp_micros(\"@timestamp\") AS time, \"Channel\" AS source,
       CASE WHEN \"EventID\" = 4624 THEN 'user.login' ELSE 'api.request' END AS event_type,
       'unknown' AS outcome, coalesce(\"SubjectUserName\", 'unknown') AS actor_id, 'unknown' AS actor_type,
       CAST(\"EventID\" AS varchar) AS api_operation, \"Hostname\" AS resource_id, 'host' AS resource_type
FROM input
";

#[test]
fn records_of_many_products_come_in_through_a_mapping() {
    let Some(data) = real_data("records_of_many_products_come_in_through_a_mapping") else { return };
    let facts = facts(&data, "audit/multi/panther_rule_tests");
    let lake = Lake::new();
    let ingest = |name: &str, source: &str, sql: &str| {
        let mapping = lake.write(&format!("{name}.sql"), sql).display().to_string();
        let version = format!("{name}@1");
        let source = data.join("audit").join(source).display().to_string();
        let options = ["--into", "audit", "--tenant", name, "--mapping", &version, "--map-file", &mapping];
        let command = [&["ingest", "ndjson", &source][..], &options[..]].concat();
        let counts = told(&lake.json(&command));
        assert_eq!(told(&lake.json(&command)), [0, 0, 0, 0, 0], "{name} again");
        counts
    };
    let tests = facts["tests"].as_u64().expect("a count");
    assert_eq!(ingest("panther", "multi/panther_rule_tests.jsonl.gz", PANTHER), [tests, tests, 0, 0, 0]);
    let by_source = counted(&lake, "SELECT source AS k, count(*) AS n FROM audit GROUP BY 1");
    for (source, count) in counts(&facts["by_log_type"]) {
        assert_eq!(by_source.get(&source), Some(&count), "{source}");
    }
    assert_eq!(
        lake.figure("SELECT count(*) FROM audit WHERE attributes['expected_match'] = 'true'"),
        facts["expected_match"]
    );
    // Lines of the files, as the corpus' own list of contents says.
    let shipped = "cloudtrail/otrf/ec2_proxy_s3_exfiltration_2020-09-14011940.jsonl";
    assert_eq!(ingest("shipped", shipped, SHIPPED), [103, 103, 0, 0, 0]);
    assert_eq!(ingest("lookup", "multi/plaso/aws_cloudtrail.jsonl", LOOKUP), [6, 6, 0, 0, 0]);
    assert_eq!(ingest("gcp", "multi/plaso/gcp_logging.jsonl", GCP), [11, 11, 0, 0, 0]);
    assert_eq!(ingest("azure", "multi/plaso/azure_activity_log.jsonl", AZURE), [4, 4, 0, 0, 0]);
    assert_eq!(ingest("office", "multi/golden_saml/OfficeActivityEvents.jsonl", OFFICE), [1, 1, 0, 0, 0]);
    // One of its four events was delivered twice.
    assert_eq!(ingest("aad", "multi/golden_saml/AADAuditEvents.jsonl", AAD), [4, 3, 1, 0, 0]);
}

/// Tests of rules have no time of their own.
const PANTHER: &str = "\
SELECT concat(rule_id, '/', test_name) AS event_id, to_timestamp_micros('2024-01-01T00:00:00Z') AS time,
       log_types[1] AS source, 'api.request' AS event_type, 'unknown' AS outcome, 'unknown' AS actor_id,
       'unknown' AS actor_type, named_struct('expected_match', expected_match) AS attributes
FROM input
";

const SHIPPED: &str = "\
SELECT \"eventID\" AS event_id, to_timestamp_micros(\"@timestamp\") AS time, \"recipientAccountId\" AS tenant_id,
       \"eventSource\" AS source, 'api.request' AS event_type, \"userIdentity\"['type'] AS actor_type,
       'success' AS outcome, coalesce(\"userIdentity\"['arn'], 'unknown') AS actor_id, \"eventName\" AS api_operation
FROM input
";

const LOOKUP: &str = "\
SELECT \"EventId\" AS event_id, to_timestamp_micros(replace(\"EventTime\", ' ', 'T')) AS time,
       \"EventSource\" AS source, 'api.read' AS event_type, 'success' AS outcome,
       coalesce(\"Username\", 'unknown') AS actor_id, 'user' AS actor_type, \"EventName\" AS api_operation
FROM input
";

const GCP: &str = "\
SELECT \"insertId\" AS event_id, to_timestamp_micros(\"timestamp\") AS time,
       coalesce(\"protoPayload\"['serviceName'], 'gcp') AS source, 'api.request' AS event_type, 'unknown' AS outcome,
       coalesce(\"protoPayload\"['authenticationInfo']['principalEmail'], 'unknown') AS actor_id,
       'unknown' AS actor_type, \"protoPayload\"['methodName'] AS api_operation
FROM input
";

const AZURE: &str = "\
SELECT event_data_id AS event_id, to_timestamp_micros(event_timestamp) AS time, 'azure' AS source,
       'api.request' AS event_type, 'unknown' AS outcome, caller AS actor_id, 'unknown' AS actor_type
FROM input
";

const OFFICE: &str = "\
SELECT \"OfficeId\" AS event_id, to_timestamp_micros(\"TimeGenerated\") AS time, \"OfficeWorkload\" AS source,
       'data.read' AS event_type, CASE \"ResultStatus\" WHEN 'Succeeded' THEN 'success' ELSE 'failure' END AS outcome,
       \"UserId\" AS actor_id, 'user' AS actor_type, \"Client_IPAddress\" AS src_ip
FROM input
";

const AAD: &str = "\
SELECT \"Id\" AS event_id, to_timestamp_micros(\"TimeGenerated\") AS time, \"LoggedByService\" AS source,
       'api.update' AS event_type, \"Result\" AS outcome,
       coalesce(\"InitiatingUserOrApp\", 'unknown') AS actor_id, 'user' AS actor_type
FROM input
";

#[track_caller]
fn adds_nothing(lake: &Lake, source: &str, records: u64, files: u64) {
    let again = lake.json(&["ingest", "cloudtrail", source, "--into", "audit"]);
    assert_eq!((told(&again), again["files_seen_before"].as_u64()), ([0, 0, 0, 0, 0], Some(files)));
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), records);
}
