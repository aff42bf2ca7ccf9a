//! `auditlake lineage`: what runs and commands leave in it, the questions, and everything that can be wrong with them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::auditlake::{Lake, Ran};

const AT: &str = "--at=2026-03-04T00:00:00Z";

const PER_DAY: &str =
    "dataset: per_day\nlocation: per_day/\ntenant: tenant_id\ntime: day\ncolumns:\n  who: {class: internal}\n";
const JOB: &str = "job: per-day\nkind: query\nwindow: 7d\ninto: per_day\nsql: |\n  SELECT tenant_id, date_trunc('day', time) AS day, \
                   count(event_id) FILTER (WHERE outcome = 'failure') AS failures, max(md5(actor_id)) AS who, \
                   min(actor_id) AS first_actor\n  FROM audit WHERE time >= $start AND time < $end AND source <> 'alice@example.org'\n  \
                   GROUP BY tenant_id, date_trunc('day', time)\n";
const EXPORT: &str = "job: out\nkind: export\nwindow: 7d\nsql: |\n  SELECT tenant_id, day, who FROM per_day WHERE day >= $start AND \
                      day < $end ORDER BY tenant_id, day\nto: \"exports/out/{interval.end:%Y-%m-%d}/\"\nformat: csv\n";

fn event(number: u32) -> String {
    format!(
        r#"{{"event_id":"e-{number}","time":"2026-03-0{}T10:00:00Z","tenant_id":"t{}","source":"app","event_type":"data.read","outcome":"failure","actor_id":"u-{number}","actor_type":"user"}}"#,
        1 + number % 3,
        number % 2
    ) + "\n"
}

/// A lake with events that came by a command, a query and an export over them, and nothing run yet.
fn lake() -> Lake {
    let lake = Lake::new();
    lake.write("drop/app/day.ndjson", (0..12).map(event).collect::<String>());
    lake.write("datasets/per_day.yaml", PER_DAY);
    lake.write("jobs/per-day.yaml", JOB);
    lake.write("jobs/out.yaml", EXPORT);
    lake.json(&["ingest", "ndjson", "drop/app", "--into", "audit", AT]);
    lake
}

/// The same, with its jobs run.
fn ran() -> Lake {
    let lake = lake();
    lake.json(&["run", "per-day", AT]);
    lake.json(&["run", "out", AT]);
    lake.json(&["run", "compliance", AT]);
    lake
}

/// Columns of a dataset in an answer, each with how it arrives.
fn columns(answer: &Value, dataset: &str) -> Vec<(String, String)> {
    let datasets = answer["datasets"].as_array().expect("datasets");
    let found = datasets.iter().find(|one| one["dataset"] == dataset);
    let columns =
        found.unwrap_or_else(|| panic!("{dataset} is not in {answer:#}"))["columns"].as_array().expect("columns");
    let text = |value: &Value| value.as_str().unwrap_or("*").to_owned();
    columns.iter().map(|column| (text(&column["column"]), text(&column["arrives"]))).collect()
}

fn datasets(answer: &Value) -> BTreeSet<String> {
    let datasets = answer["datasets"].as_array().expect("datasets").iter();
    datasets.map(|one| one["dataset"].as_str().expect("a name").to_owned()).collect()
}

fn log(lake: &Lake) -> Vec<String> {
    let names = lake.objects().into_iter().map(|(name, _)| name);
    names.filter(|name| name.starts_with("_auditlake/lineage/log/")).collect()
}

#[test]
fn impact_names_what_a_person_reaches_and_in_which_form() {
    let lake = ran();
    let impact = lake.json(&["lineage", "impact", "audit.actor_id", AT]);
    assert_eq!((&impact["complete"], &impact["certainty"]), (&json!(true), &json!("exact")), "{impact:#}");
    let arrives = |dataset, column: &str| {
        let found = columns(&impact, dataset).into_iter().find(|(name, _)| name == column);
        found.unwrap_or_else(|| panic!("{dataset}.{column} is not in {impact:#}")).1
    };
    assert_eq!(arrives("per_day", "who"), "pseudonymised");
    assert_eq!(arrives("per_day", "first_actor"), "raw");
    assert_eq!(arrives("exports.out", "who"), "pseudonymised");
    assert_eq!(arrives("evidence.AL-AUTH-001", "actor_id"), "pseudonymised");
    assert_eq!(arrives("auditlake.findings", "actor_id"), "pseudonymised");
    assert_eq!(arrives("reports.compliance", "AL-AUTH-001.violations"), "influenced");
    // Only what arrives, one step far.
    let near = lake.json(&["lineage", "impact", "audit.actor_id", "--direct", "--depth", "1", AT]);
    assert!(!datasets(&near).contains("exports.out") && near["stopped"] == "depth", "{near:#}");
    assert!(near["frontier"].as_array().is_some_and(|frontier| frontier.contains(&json!("per_day.who"))), "{near:#}");
    let text = lake.run(&["lineage", "impact", "audit.actor_id", AT]);
    text.succeeded();
    assert!(text.out.contains("exports.out                   file    by out\n  pseudonymised   who\n"), "{}", text.out);
}

#[test]
fn a_figure_is_traced_to_files_and_etags() {
    let lake = lake();
    lake.write("jobs/app.yaml", "job: app\nkind: ingest\nfrom: {location: drop/more/, format: ndjson}\ninto: audit\n");
    lake.write("drop/more/day.ndjson", (100..120).map(event).collect::<String>());
    lake.json(&["run", "app", AT]);
    lake.json(&["run", "per-day", AT]);
    lake.json(&["run", "out", AT]);
    let trace = lake.json(&["lineage", "trace", "exports.out.who", "--files", AT]);
    assert_eq!(datasets(&trace), ["per_day", "audit", "drop/app", "drop/more"].map(str::to_owned).into(), "{trace:#}");
    assert!(columns(&trace, "audit").contains(&("actor_id".to_owned(), "DIRECT".to_owned())), "{trace:#}");
    assert!(columns(&trace, "audit").contains(&("source".to_owned(), "INDIRECT".to_owned())), "{trace:#}");
    // The run itself, the query that wrote what it read, and the ingest that wrote what that read.
    let runs = trace["runs"].as_array().expect("runs");
    let names: Vec<&str> = runs.iter().map(|run| run["run"].as_str().expect("a run")).collect();
    assert_eq!(names, ["out@20260304T000000Z", "per-day@20260304T000000Z", "app@20260304T000000Z"]);
    let sources = runs[2]["inputs"].as_array().expect("inputs");
    assert_eq!(
        (sources.len(), &sources[0]["path"], &sources[0]["rows"]),
        (1, &json!("drop/more/day.ndjson"), &json!(20))
    );
    assert!(sources[0]["etag"].as_str().is_some_and(|etag| !etag.is_empty()), "{trace:#}");
    let one = lake.json(&["lineage", "trace", "exports.out", "--files", "--run", "out@20260304T000000Z", AT]);
    assert_eq!(one["runs"], trace["runs"]);
    let unknown = lake.run(&["lineage", "trace", "exports.out", "--files", "--run", "app@20260304T000000Z", AT]);
    unknown.failed(2, &["app@20260304T000000Z", "wrote \"exports.out\""]);
}

#[test]
fn a_mapping_is_followed_to_the_fields_of_the_file() {
    let lake = Lake::new();
    lake.write("drop/app/day.ndjson", r#"{"id":"1","at":"2026-03-01T10:00:00Z","org":"acme","who":"ann","ok":false}"#);
    let sql = "SELECT id AS event_id, CAST(at AS timestamp) AS time, org AS tenant_id, 'app' AS source, 'data.read' AS event_type, \
               CASE WHEN ok THEN 'success' ELSE 'failure' END AS outcome, who AS actor_id, 'user' AS actor_type FROM input";
    let map = lake.write("app.sql", sql);
    let map = map.to_str().expect("a path");
    let ingest = ["ingest", "ndjson", "drop/app", "--into", "audit", "--mapping", "app@1", "--map-file", map];
    let ingested = lake.json(&ingest);
    assert_eq!(ingested["rows"], 1, "{ingested:#}");
    let of =
        |column: &str| columns(&lake.json(&["lineage", "trace", &format!("audit.{column}"), "--direct"]), "drop/app");
    assert_eq!(of("actor_id"), [("who".to_owned(), "DIRECT".to_owned())]);
    assert_eq!(of("time"), [("at".to_owned(), "DIRECT".to_owned())]);
    // Nothing new was read, and what is known stays.
    lake.json(&ingest);
    assert_eq!(of("actor_id"), [("who".to_owned(), "DIRECT".to_owned())]);
    let outcome = lake.json(&["lineage", "trace", "audit.outcome"]);
    assert!(columns(&outcome, "drop/app").contains(&("ok".to_owned(), "INDIRECT".to_owned())), "{outcome:#}");
}

#[test]
fn why_says_each_step() {
    let lake = ran();
    let why = lake.json(&["lineage", "why", "audit.actor_id", "exports.out.who", AT]);
    let steps = why["steps"].as_array().expect("steps");
    let ends = |step: &Value| (step["from"].clone(), step["to"].clone(), step["cap"].clone(), step["job"].clone());
    assert_eq!(
        steps.iter().map(ends).collect::<Vec<_>>(),
        [
            (json!("audit.actor_id"), json!("per_day.who"), json!("pseudonymised"), json!("per-day")),
            (json!("per_day.who"), json!("exports.out.who"), json!("raw"), json!("out")),
        ]
    );
    let none = lake.json(&["lineage", "why", "exports.out.who", "audit.actor_id", AT]);
    assert_eq!((&none["depends"], &none["complete"]), (&json!(false), &json!(true)));
}

#[test]
fn personal_data_that_nobody_declared_is_found() {
    let lake = ran();
    let run = |fail_on: &str| lake.run(&["lineage", "forms", "--fail-on", fail_on, "--output", "json", AT]);
    let undeclared = run("undeclared");
    assert_eq!(undeclared.code, Some(3), "{undeclared:?}");
    let forms: Value = serde_json::from_str(&undeclared.out).expect("JSON");
    let found: Vec<&Value> =
        forms["columns"].as_array().expect("columns").iter().filter(|one| one["finding"] == "undeclared").collect();
    let told: BTreeSet<(&str, &str)> =
        found.iter().map(|one| (one["column"].as_str().expect("text"), one["form"].as_str().expect("text"))).collect();
    assert_eq!(told, [("who", "pseudonymised"), ("first_actor", "raw")].into(), "{forms:#}");
    assert_eq!(run("unexplained").code, Some(0));
    // Declared, it is none any more.
    lake.write("datasets/per_day.yaml", PER_DAY.replace("internal", "personal") + "  first_actor: {class: personal}\n");
    assert_eq!(run("undeclared").code, Some(0));
    lake.run(&["lineage", "forms", "--class", "persnal", AT])
        .failed(2, &["persnal", "classes of columns are:", "personal"]);
}

#[test]
fn no_literal_and_no_value_is_in_it() {
    let lake = ran();
    lake.json(&["lineage", "compact", AT]);
    lake.run(&["lineage", "export", "--format", "openlineage", "--to", "events.ndjson", AT]).succeeded();
    let events = std::fs::read_to_string(lake.folder().join("events.ndjson")).expect("the events");
    assert!(events.contains("\"per-day\"") && events.contains("\"columnLineage\""), "{events}");
    for literal in ["alice@example.org", "'failure'", "u-3"] {
        assert!(!events.contains(literal), "{literal} stands in an event");
        for (name, bytes) in lake.objects().into_iter().filter(|(name, _)| name.starts_with("_auditlake/lineage/made/"))
        {
            assert!(!String::from_utf8_lossy(&bytes).contains(literal), "{literal} stands in {name}");
        }
    }
}

#[test]
fn a_failed_run_and_a_failed_command_are_told_and_open_no_edge() {
    let lake = lake();
    lake.write("jobs/per-day.yaml", JOB.replace("max(md5(actor_id))", "max(CAST(actor_id AS int))"));
    lake.run(&["run", "per-day", AT]).failed(1, &[]);
    lake.run(&["ingest", "ndjson", "drop/nowhere", "--into", "audit", AT]).failed(1, &["drop/nowhere"]);
    lake.run(&["lineage", "export", "--format", "openlineage", "--to", "events.ndjson", AT]).succeeded();
    let events = std::fs::read_to_string(lake.folder().join("events.ndjson")).expect("the events");
    let failed: Vec<Value> = events
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|event: &Value| event["eventType"] == "FAIL")
        .collect();
    let jobs: BTreeSet<&str> = failed.iter().map(|event| event["job"]["name"].as_str().expect("a name")).collect();
    assert_eq!(jobs, ["per-day", "ingest drop/nowhere"].into());
    assert!(events.contains("auditlake runs show per-day@20260304T000000Z tells why"), "{events}");
    let impact = lake.json(&["lineage", "impact", "audit.actor_id", AT]);
    assert_eq!(datasets(&impact), BTreeSet::new());
}

/// What is missing in the log is made of the ledger's records, once.
#[test]
fn what_a_crash_kept_from_the_log_is_made_up_for() {
    let lake = ran();
    let whole = lake.json(&["lineage", "impact", "audit", AT]);
    let copy = lake.copy();
    std::fs::remove_dir_all(copy.data().join("_auditlake/lineage/log")).expect("a log");
    let made_up = copy.json(&["lineage", "impact", "per_day", AT]);
    assert_eq!(made_up["datasets"], lake.json(&["lineage", "impact", "per_day", AT])["datasets"]);
    let count = log(&copy).len();
    copy.json(&["lineage", "impact", "per_day", AT]);
    assert_eq!((count, log(&copy).len()), (1, 1), "nothing is logged twice");
    // A command has no records; what it read is lost with the log, and nothing else.
    let [lost, kept] = [&copy, &lake].map(|lake| datasets(&lake.json(&["lineage", "trace", "audit", AT])));
    assert_eq!((lost, kept), (BTreeSet::new(), ["drop/app".to_owned()].into()));
    assert!(whole["complete"] == true, "{whole:#}");
}

/// What jobs recorded before columns were is told as what it is.
#[test]
fn a_commit_without_columns_is_a_gap() {
    let lake = ran();
    std::fs::remove_dir_all(lake.data().join("_auditlake/lineage")).expect("lineage");
    let path = lake.data().join("_auditlake/runs/per-day/20260304T000000Z/commit-000001.json");
    let mut commit: Value = serde_json::from_slice(&std::fs::read(&path).expect("the commit")).expect("JSON");
    for newer in ["lineage_sha256", "committed_at"] {
        assert!(commit.as_object_mut().expect("a record").remove(newer).is_some(), "{newer}");
    }
    std::fs::write(&path, commit.to_string()).expect("written");
    for job in ["compliance", "out"] {
        std::fs::remove_dir_all(lake.data().join(format!("_auditlake/runs/{job}"))).expect("runs");
    }
    let impact = lake.json(&["lineage", "impact", "audit.actor_id", AT]);
    assert_eq!((&impact["complete"], &impact["certainty"]), (&json!(false), &json!("opaque")));
    assert_eq!(datasets(&impact), ["per_day".to_owned()].into());
    let gaps = lake.run(&["lineage", "gaps", "--fail-on", "opaque", AT]);
    assert_eq!(gaps.code, Some(3), "{gaps:?}");
    assert!(gaps.out.contains("opaque    job_level"), "{}", gaps.out);
}

/// What a run read and wrote is kept apart; where that is lost, the run is a gap and the others are told.
#[test]
fn columns_that_are_lost_are_a_gap_of_their_run() {
    let lake = ran();
    std::fs::remove_dir_all(lake.data().join("_auditlake/lineage/log")).expect("a log");
    let path = lake.data().join("_auditlake/runs/per-day/20260304T000000Z/commit-000001.json");
    let commit: Value = serde_json::from_slice(&std::fs::read(path).expect("the commit")).expect("JSON");
    let name = commit["lineage_sha256"].as_str().expect("a name");
    let made = lake.data().join(format!("_auditlake/lineage/made/{name}.json"));
    std::fs::write(made, "{}").expect("written");
    let impact = lake.json(&["lineage", "impact", "audit.actor_id", AT]);
    assert_eq!((&impact["complete"], &impact["certainty"]), (&json!(false), &json!("opaque")));
    assert!(datasets(&impact).contains("evidence.AL-AUTH-001") && datasets(&impact).contains("per_day"), "{impact:#}");
}

/// Also with the clock pinned to the same instant.
#[test]
fn what_is_computed_again_replaces_what_was_said_before() {
    let lake = ran();
    lake.write("jobs/per-day.yaml", JOB.replace("max(md5(actor_id)) AS who", "'nobody' AS who"));
    lake.json(&["run", "per-day", "--again", AT]);
    let impact = lake.json(&["lineage", "impact", "audit.actor_id", "--direct", "--depth", "1", AT]);
    let columns = columns(&impact, "per_day");
    assert!(!columns.iter().any(|(column, _)| column == "who"), "{impact:#}");
    assert!(columns.iter().any(|(column, _)| column == "first_actor"), "{impact:#}");
}

#[test]
fn a_snapshot_is_the_log_and_a_damaged_one_is_left_out() {
    let lake = ran();
    let before = lake.json(&["lineage", "impact", "audit", AT]);
    assert_eq!(before["snapshot"], Value::Null);
    lake.json(&["lineage", "compact", AT]);
    assert_eq!(lake.json(&["lineage", "compact", AT])["snapshot"], Value::Null, "nothing is new");
    let with = lake.json(&["lineage", "impact", "audit", AT]);
    assert_eq!((&with["snapshot"], &with["datasets"]), (&json!(1), &before["datasets"]));
    // What comes after it counts, too.
    lake.json(&["run", "per-day", "--at=2026-03-11T00:00:00Z"]);
    let after = lake.json(&["lineage", "impact", "audit", AT]);
    assert_eq!((&after["snapshot"], &after["datasets"]), (&Value::Null, &before["datasets"]));
    for (damaged, number) in [
        ("snapshot/000002/forward.arrow", 2),
        ("snapshot/000003/events.parquet", 3),
        ("snapshot/manifest-000004.json", 4),
    ] {
        assert_eq!(lake.json(&["lineage", "rebuild", AT])["snapshot"], json!(number));
        let path = lake.data().join("_auditlake/lineage").join(damaged);
        let mut bytes = std::fs::read(&path).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).expect("written");
        let told = lake.json(&["lineage", "impact", "audit", AT]);
        assert_eq!(told["datasets"], before["datasets"]);
        let notes = told["notes"].to_string();
        assert!(
            notes.contains(&format!("snapshot {number} is left out")) && notes.contains("lineage rebuild"),
            "{notes}"
        );
    }
    let names: BTreeSet<String> = lake.objects().into_iter().map(|(name, _)| name).collect();
    assert!(
        !names.iter().any(|name| name.contains("snapshot/000001/") || name.contains("manifest-000001")),
        "{names:?}"
    );
}

#[test]
fn a_damaged_log_is_an_error_that_names_the_object() {
    let lake = ran();
    let name = log(&lake).swap_remove(1);
    let path = lake.data().join(&name);
    let bytes = std::fs::read(&path).expect("an object");
    std::fs::write(&path, &bytes[..bytes.len() - 9]).expect("written");
    lake.run(&["lineage", "impact", "audit", AT]).failed(1, &[&name]);
    lake.run(&["lineage", "rebuild", AT]).failed(1, &[&name]);
    // Whoever runs a job is not held up by it.
    lake.json(&["run", "per-day", "--at=2026-03-11T00:00:00Z"]);
    std::fs::remove_file(&path).expect("removed");
    lake.run(&["lineage", "impact", "audit", AT]).failed(1, &[&name, "is gone"]);
}

#[test]
fn events_of_others_join_what_is_known() {
    let lake = ran();
    let event = |job: &str, run: u32, input: (&str, &str), output: (&str, &str)| {
        json!({
            "eventTime": "2026-03-05T00:00:00Z", "eventType": "COMPLETE", "producer": "https://example.org/etl",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": format!("0195a3c0-0000-7000-8000-{run:012}")}, "job": {"namespace": "etl", "name": job},
            "inputs": [{"namespace": input.0, "name": input.1}],
            "outputs": [{"namespace": output.0, "name": output.1}],
        })
        .to_string()
    };
    let id = lake.json(&["check"])["lake"].as_str().expect("an id").to_owned();
    let own = format!("auditlake://{id}");
    let lines = [
        event("load", 1, (&own, "exports.out"), ("postgres://db.example:5432", "shop.activity")),
        "{\"no\": \"event\"}".to_owned(),
        event("load", 1, (&own, "exports.out"), ("postgres://db.example:5432", "shop.activity")),
    ];
    let file = lake.write("events.ndjson", lines.join("\n"));
    let file = file.to_str().expect("a path");
    let import = |lake: &Lake| lake.run(&["lineage", "import", file, "--output", "json", AT]);
    let first = import(&lake);
    assert_eq!(first.code, Some(1), "a part was refused: {first:?}");
    let told = |ran: &Ran| serde_json::from_str::<Value>(&ran.out).expect("JSON");
    assert_eq!((&told(&first)["events"], &told(&first)["new"]), (&json!(2), &json!(1)));
    assert!(told(&first)["refused"][0].as_str().is_some_and(|line| line.contains("events.ndjson:2")), "{first:?}");
    assert_eq!(told(&import(&lake))["new"], json!(0));
    lake.json(&[
        "lineage",
        "register",
        "--dataset",
        "postgres://db.example:5432/shop.activity",
        "--owner",
        "shop",
        "--class",
        "who=personal",
        AT,
    ]);
    let impact = lake.json(&["lineage", "impact", "audit.actor_id", AT]);
    assert!(datasets(&impact).contains("postgres://db.example:5432/shop.activity"), "{impact:#}");
    assert_eq!(impact["complete"], false, "others told no columns");
    let bad = lake.run(&["lineage", "register", "--dataset", "audit", AT]);
    bad.failed(2, &["\"audit\"", "the lake's own", "s3://"]);
    lake.run(&["lineage", "register", "--dataset", "s3://b/x", "--class", "who", AT]).failed(2, &["who", "NAME=VALUE"]);
}

#[test]
fn a_question_may_be_about_another_time() {
    let lake = ran();
    lake.write("jobs/per-day.yaml", JOB.replace("max(md5(actor_id)) AS who", "'nobody' AS who"));
    lake.json(&["run", "per-day", "--at=2026-03-11T00:00:00Z"]);
    let who = |more: &[&str]| {
        let impact = lake
            .json(&[&["lineage", "impact", "audit.actor_id", "--direct", "--at=2026-03-12T00:00:00Z"], more].concat());
        columns(&impact, "per_day").into_iter().any(|(column, _)| column == "who")
    };
    assert!(!who(&[]) && who(&["--as-of", "2026-03-05T00:00:00Z"]));
    let diff = lake.json(&["lineage", "diff", "--from", "2026-03-05T00:00:00Z", "--to", "2026-03-12T00:00:00Z"]);
    let changes = diff["changes"].as_array().expect("changes");
    let removed = json!({"change": "removed", "from": "audit.actor_id", "to": "per_day.who", "kinds": ["AGGREGATION"], "job": "per-day"});
    assert!(changes.contains(&removed), "{diff:#}");
    lake.run(&["lineage", "diff", "--from", "2026-03-05T00:00:00Z", "--to", "2026-03-05T00:00:00Z"])
        .failed(2, &["--from must be before --to"]);
}

#[test]
fn edges_are_a_table() {
    let lake = ran();
    let sql = "SELECT target_dataset, target_column, kinds, cap, certainty FROM auditlake.lineage_edges \
               WHERE source_dataset = 'audit' AND source_column = 'actor_id' AND job = 'per-day' ORDER BY target_column";
    let rows = lake.rows(sql);
    assert_eq!(
        rows,
        [
            json!({"target_dataset": "per_day", "target_column": "first_actor", "kinds": ["AGGREGATION"], "cap": "raw", "certainty": "exact"}),
            json!({"target_dataset": "per_day", "target_column": "who", "kinds": ["AGGREGATION"], "cap": "pseudonymised", "certainty": "exact"}),
        ]
    );
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_can() {
    let lake = ran();
    let failed = |args: &[&str], parts: &[&str]| lake.run(&[&["lineage"], args, &[AT]].concat()).failed(2, parts);
    failed(&["columns"], &["give a job of kind query, or a file with --sql"]);
    failed(&["columns", "per-week"], &["job \"per-week\" does not exist", "per-day"]);
    failed(&["columns", "compliance"], &["of kind compliance_report", "per-day"]);
    failed(&["impact", "audit.actr_id"], &["\"audit.actr_id\" does not exist", "did you mean \"audit.actor_id\""]);
    failed(&["why", "audit.actor_id", "exports.uot"], &["\"exports.uot\" does not exist", "exports.out"]);
    let sql = lake.write("broken.sql", "SELEC 1");
    lake.run(&["lineage", "columns", "--sql", sql.to_str().expect("a path")]).failed(1, &["cannot be parsed"]);
    lake.run(&["lineage", "columns", "--sql", "absent.sql"]).failed(1, &["absent.sql"]);
    lake.run(&["lineage", "import", "absent.ndjson"]).failed(1, &["absent.ndjson"]);
}

#[test]
fn files_of_events_and_manifests_are_drawn_or_refused() {
    let lake = Lake::new();
    let event = |input: &str| {
        json!({
            "eventTime": "2026-03-05T00:00:00Z", "eventType": "COMPLETE", "producer": "https://example.org/etl",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": "0195a3c0-0000-7000-8000-000000000001"}, "job": {"namespace": "etl", "name": "load"},
            "inputs": [{"namespace": input, "name": "orders"}], "outputs": [{"namespace": "s3://b", "name": "out"}],
        })
        .to_string()
    };
    let other = event("db://b").replace("000000000001", "000000000002").replace("\"load\"", "\"load2\"");
    let good = lake.write("good.json", event("db://a") + "\n" + &other);
    let good = good.to_str().expect("a path");
    let export = |from: &str, more: &[&str]| lake.run(&[&["lineage", "export", "--from", from], more].concat());
    export(good, &["--focus", "ot", "--to", "-"]).failed(2, &["\"ot\" does not exist", "did you mean \"out\""]);
    export(good, &["--focus", "orders", "--to", "-"]).failed(2, &["db://a/orders or db://b/orders"]);
    export("absent.ndjson", &["--to", "-"]).failed(1, &["absent.ndjson"]);
    export(good, &["--to", "absent/folder/x.html"]).failed(1, &["absent/folder/x.html"]);
    let drawn = export(good, &["--focus", "db://a/orders", "--format", "json", "--to", "-"]);
    drawn.succeeded();
    assert_eq!(serde_json::from_str::<Value>(&drawn.out).expect("JSON")["graph"]["view"], "impact db://a/orders");
    let manifest = json!({
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "generated_at": "2026-03-05T00:00:00Z", "adapter_type": "postgres"},
        "nodes": {
            "model.shop.daily": {
                "unique_id": "model.shop.daily", "resource_type": "model", "name": "daily", "alias": "daily", "database": "dw", "schema": "shop",
                "columns": {"day": {"name": "day"}}, "depends_on": {"nodes": ["source.shop.raw.orders"]}, "config": {"materialized": "table"},
            },
        },
        "sources": {
            "source.shop.raw.orders": {
                "unique_id": "source.shop.raw.orders", "resource_type": "source", "name": "orders", "identifier": "orders", "database": "dw", "schema": "raw", "columns": {},
            },
        },
    });
    let path = lake.write("manifest.json", manifest.to_string());
    let path = path.to_str().expect("a path");
    export(path, &["--to", "-"]).failed(2, &["--dbt-namespace"]);
    let drawn = export(path, &["--dbt-namespace", "postgres://db.example:5432", "--format", "dot", "--to", "-"]);
    drawn.succeeded();
    assert!(drawn.out.contains("dw.shop.daily") && drawn.out.contains("dw.raw.orders"), "{}", drawn.out);
    let newer = manifest.to_string().replace("manifest/v12", "manifest/v99");
    let newer = lake.write("newer.json", newer);
    let refused = export(
        newer.to_str().expect("a path"),
        &["--dbt-namespace", "postgres://db.example:5432", "--to", "page.html"],
    );
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.out.contains("refused: ") && refused.out.contains("v99"), "{refused:?}");
}
