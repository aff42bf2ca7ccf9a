//! Principals at the command line: what each sees, what each is told, and what is written down of it.

use serde_json::Value;

use crate::auditlake::{Lake, ended};
use crate::kill::{EVENTS, INGEST, dropped};

/// Principals of the events that `dropped` makes, of tenants t0 and t1.
pub(crate) const ACCESS: &str = "
roles:
  reader:
    inherits: [analyst]
    datasets:
      audit: {rows: all, columns: {actor_id: {mask: partial, first: 1}}, hide: [attributes]}
  denials: {inherits: [analyst], datasets: {audit: {rows: outcome = 'denied'}}}
principals:
  ann: {tenants: [t0], roles: [reader], channels: [inbox]}
  rob: {tenants: all, roles: [denials], channels: [inbox]}
  ops: {tenants: all, roles: [operator]}
  runner: {tenants: all, roles: [operator], service: true}
service_principal: runner
";

pub(crate) fn lake() -> Lake {
    let lake = dropped(Lake::new());
    lake.write("access.yaml", ACCESS);
    lake.json(&INGEST);
    lake
}

fn figure(lake: &Lake, who: &str, sql: &str) -> Value {
    lake.json(&["sql", "--as", who, sql])[0]["n"].clone()
}

#[test]
fn each_principal_sees_its_rows_by_every_door_of_the_command_line() {
    let lake = lake();
    let all = lake.figure("SELECT count(*) AS n FROM audit");
    assert_eq!(all, EVENTS);
    let own = lake.figure("SELECT count(*) AS n FROM audit WHERE tenant_id = 't0'");
    assert!(own > 0 && own < all);
    assert_eq!(figure(&lake, "ann", "SELECT count(*) AS n FROM audit"), own);
    assert_eq!(figure(&lake, "rob", "SELECT count(*) AS n FROM audit WHERE outcome <> 'denied'"), 0);
    let script = lake.run(&[
        "sql",
        "--as",
        "ann",
        "--file",
        &lake.write("s.sql", "SELECT count(*) AS n FROM audit;").display().to_string(),
        "--format",
        "csv",
    ]);
    assert_eq!(script.out, format!("n\r\n{own}\r\n"));
    let export = lake.json(&["export", "--as", "ann", "--dataset", "audit", "--to", "out/", "--format", "ndjson"]);
    assert_eq!(export["rows"], own);
    let manifest = std::fs::read_to_string(lake.folder().join("out/manifest.json")).expect("the manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["seen_by"]["principal"], "ann");
    assert!(manifest["inputs"].is_null(), "files, their number and their sizes are not for principals");
    let rows = std::fs::read_to_string(lake.folder().join("out/part-00001.ndjson")).expect("the part");
    assert!(!rows.contains("\"t1\"") && !rows.contains("attributes") && rows.contains("***"));
}

#[test]
fn what_a_principal_may_not_do_is_told() {
    let lake = lake();
    lake.run(&["sql", "--as", "ops", "SELECT 1"]).failed(1, &["SQL needs the permission sql.query", "\"ops\""]);
    lake.run(&["export", "--as", "ops", "--dataset", "audit", "--to", "x.csv"]).failed(1, &["export.request"]);
    lake.run(&["sql", "--as", "anne", "SELECT 1"]).failed(2, &["principal \"anne\" does not exist", "\"ann\""]);
    lake.run(&["sql", "--as", "ann", "SELECT attributes FROM audit"]).failed(1, &["No field named attributes"]);
    lake.run(&["export", "--as", "ann", "--dataset", "audit", "--columns", "attributes", "--to", "x.csv"])
        .failed(2, &["column \"attributes\" does not exist"]);
    lake.run(&["export", "--as", "ann", "--dataset", "audit_rejected", "--to", "x.csv"])
        .failed(2, &["dataset \"audit_rejected\" does not exist; there are: audit"]);
    let other = Lake::new();
    other.run(&["sql", "--as", "ann", "SELECT 1"]).failed(2, &["there is no access.yaml"]);
}

#[test]
fn a_view_that_cannot_be_made_is_an_error_of_the_definitions() {
    let lake = Lake::new();
    lake.write("access.yaml", ACCESS.replace("outcome = 'denied'", "outcom = 'denied'"));
    lake.run(&["check"]).failed(2, &["access.yaml", "\"rob\"", "outcom"]);
    lake.write("access.yaml", ACCESS.replace("[reader]", "[reder]"));
    lake.run(&["check"]).failed(2, &["access.yaml:", "role \"reder\" does not exist; did you mean \"reader\"?"]);
    lake.write("access.yaml", ACCESS);
    lake.run(&["check"]).succeeded();
}

#[test]
fn each_statement_is_written_down_and_one_that_cannot_be_is_refused() {
    let lake = lake();
    lake.run(&["sql", "--as", "ann", "SELECT count(*) AS n FROM audit WHERE actor_id <> 'a-secret-name'"]).succeeded();
    lake.run(&["sql", "--as", "ann", "SELECT CAST(event_id AS BIGINT) AS n FROM audit"]).failed(1, &["cannot be cast"]);
    lake.run(&["sql", "--as", "ops", "SELECT 1"]).failed(1, &["sql.query"]);
    let rows = lake.rows(
        "SELECT actor_id, impersonator_id, event_type, outcome, row_count, tenant_id, attributes['statement'] AS s
         FROM auditlake.statements WHERE actor_id <> 'runner' ORDER BY time, event_id",
    );
    let told: Vec<String> = rows.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("\"audit.viewed\"") && told[0].contains("\"runner\"") && told[0].contains("\"t0\""));
    assert!(!told.iter().any(|row| row.contains("a-secret-name")), "no literal is kept: {told:?}");
    assert!(told[1].contains("\"failure\"") && told[2].contains("\"access.denied\""));
    // A principal sees its own records, and those alone.
    let own = lake.json(&["sql", "--as", "ann", "SELECT DISTINCT actor_id FROM auditlake.statements"]);
    assert_eq!(own, serde_json::json!([{ "actor_id": "ann" }]));
    // The folder of records is a file, so nothing can be written there.
    let records = lake.data().join("_auditlake/access");
    std::fs::remove_dir_all(&records).expect("is removed");
    std::fs::write(&records, "").expect("is written");
    let refused = lake.run(&["sql", "--as", "ann", "SELECT count(*) AS n FROM audit"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{}", refused.err);
}

#[test]
fn a_secret_that_is_absent_or_could_be_guessed_is_told() {
    let lake = lake();
    let masked =
        ACCESS.replace("{mask: partial, first: 1}", "{mask: pseudonym, key: {id: k1, secret: env:AL_TEST_KEY}}");
    lake.write("access.yaml", &masked);
    let ask = |key: Option<&str>| {
        let mut command =
            lake.command(&["sql", "--as", "ann", "SELECT min(actor_id) AS a FROM audit", "--format", "csv"]);
        command.env_remove("AL_TEST_KEY").envs(key.map(|key| ("AL_TEST_KEY", key)));
        ended(command.output().expect("the program runs"))
    };
    ask(None).failed(2, &["variable AL_TEST_KEY is not set", "access.yaml"]);
    ask(Some("short")).failed(2, &["variable AL_TEST_KEY has 5 bytes", "openssl rand -hex 32"]);
    assert!(ask(Some("0123456789abcdef")).out.contains("k1:"));
    lake.run(&["check"]).succeeded();
    lake.write("access.yaml", masked.replace("env:AL_TEST_KEY", "file:/absent/key"));
    ask(None).failed(1, &["cannot read the secret \"/absent/key\""]);
}

#[test]
fn a_file_that_is_broken_is_told_without_its_path() {
    let lake = lake();
    lake.write("data/audit/tenant=t0/date=2026-03-01/broken.parquet", "PAR1 and nothing else");
    let told = lake.run(&["sql", "--as", "ann", "SELECT count(actor_id) AS n FROM audit"]);
    told.failed(1, &["the data cannot be read; ask whoever runs the lake"]);
    assert!(!told.err.contains("broken") && !told.err.contains("tenant="), "{}", told.err);
    lake.write("data/audit/tenant=t1/date=2026-03-01/broken.parquet", "PAR1 and nothing else");
    std::fs::remove_file(lake.data().join("audit/tenant=t0/date=2026-03-01/broken.parquet")).expect("is removed");
    lake.run(&["sql", "--as", "ann", "SELECT count(actor_id) AS n FROM audit"]).succeeded();
}

#[test]
fn an_export_job_of_a_principal_writes_what_it_sees() {
    let lake = lake();
    lake.write(
        "jobs/own.yaml",
        "job: own\nkind: export\nwindow: 400d\ndataset: audit\nformat: ndjson\nprincipal: ann\nto: \"exports/{job}/{interval.end:%Y-%m-%d}/\"\n",
    );
    lake.run(&["run", "own", "--at", "2026-03-05T00:00:00Z"]).succeeded();
    let own = lake.figure("SELECT count(*) AS n FROM audit WHERE tenant_id = 't0'");
    let manifest: Value =
        serde_json::from_slice(&lake.object("exports/own/2026-03-05/manifest.json")).expect("the manifest");
    assert_eq!((&manifest["rows"], &manifest["seen_by"]["principal"]), (&own.into(), &"ann".into()));
}

#[test]
fn explanations_say_why() {
    let lake = lake();
    let told = lake.run(&["access", "explain", "ann", "audit"]).out;
    for words in [
        "of tenant t0 only",
        "by role reader",
        "attributes: does not exist",
        "actor_id: its first 1",
        "src_ip: always null, by its class",
    ] {
        assert!(told.contains(words), "{words} is not in\n{told}");
    }
    let told = lake.run(&["access", "explain", "ops", "audit"]).out;
    assert!(told.contains("ops does not see dataset audit") && told.contains("rows: all"), "{told}");
    assert!(lake.run(&["access", "list"]).out.contains("rob"));
    lake.run(&["access", "explain", "ann", "audti"]).failed(2, &["dataset \"audti\" does not exist"]);
}

/// Records of statements of the lake, as rows of its dataset `audit`.
const OWN: &str = "SELECT count(*) AS n FROM audit WHERE source = 'auditlake'";

#[test]
fn the_use_of_the_lake_is_an_event_of_the_lake_once() {
    let lake = lake();
    let yaml = std::fs::read_to_string(lake.folder().join("lake.yaml")).expect("the definition");
    lake.write("lake.yaml", format!("{yaml}access_events: audit\n"));
    for _ in 0..3 {
        lake.run(&["sql", "--as", "ann", "SELECT count(*) AS n FROM audit"]).succeeded();
    }
    lake.run(&["sql", "--as", "ops", "SELECT 1"]).failed(1, &["sql.query"]);
    lake.run(&["access", "events"]).succeeded();
    assert_eq!(lake.figure(OWN), 4);
    // The statement before asked, too; two who bring records at once bring each of them once.
    let two = [lake.start(&["access", "events"]), lake.start(&["access", "events"])];
    for child in two {
        ended(child.wait_with_output().expect("it ends")).succeeded();
    }
    assert_eq!(lake.figure(&OWN.replace("count(*)", "count(DISTINCT event_id)")), 5);
    assert_eq!(lake.figure(OWN), 5);
    // A job looks at what was asked until now: whoever reads much without being an auditor is found by a control.
    lake.run(&["run", "compliance", "--at", "2099-01-01T00:00:00Z"]).succeeded();
    assert_eq!(lake.figure(OWN), 7);
    let rows = lake.rows(
        "SELECT actor_id, actor_type, tenant_id, event_type, outcome, row_count, attributes['door'] AS door, raw_ref
         FROM audit WHERE source = 'auditlake' AND actor_id IN ('ann', 'ops') ORDER BY time",
    );
    assert_eq!(rows.len(), 4);
    assert_eq!((&rows[0]["event_type"], &rows[0]["row_count"]), (&"audit.viewed".into(), &1.into()), "{rows:?}");
    assert_eq!((&rows[3]["event_type"], &rows[3]["outcome"]), (&"access.denied".into(), &"denied".into()));
    assert!(rows[0]["raw_ref"].as_str().is_some_and(|path| path.contains("_auditlake/access/")), "{rows:?}");
    // What was asked and never answered is told after a day; the day of the others is closed then, and stays so.
    let day = lake.data().join("_auditlake/access");
    let answered = crate::auditlake::files_below(&day)
        .into_iter()
        .rfind(|path| path.display().to_string().ends_with(".answered.json"));
    std::fs::remove_file(answered.expect("an answer")).expect("is removed");
    lake.run(&["access", "events"]).succeeded();
    let before = lake.figure(OWN);
    lake.run(&["access", "events", "--at", "2099-01-05T00:00:00Z"]).succeeded();
    assert_eq!(lake.figure(&OWN.replace("'auditlake'", "'auditlake' AND outcome = 'unknown'")), 1);
    assert!(lake.figure(OWN) >= before);
    // Whatever day they are of, lineage knows them as the table.
    let trace = lake.json(&["lineage", "trace", "audit", "--depth", "1"]);
    let from: Vec<&str> =
        trace["datasets"].as_array().expect("datasets").iter().filter_map(|one| one["dataset"].as_str()).collect();
    assert!(from.contains(&"auditlake.statements") && !from.iter().any(|name| name.contains("_auditlake")), "{from:?}");
}

#[test]
fn events_of_the_lake_need_a_dataset_for_them() {
    let lake = lake();
    lake.run(&["access", "events"]).failed(2, &["lake.yaml names no dataset", "access_events: DATASET"]);
    let yaml = std::fs::read_to_string(lake.folder().join("lake.yaml")).expect("the definition");
    lake.write("lake.yaml", format!("{yaml}access_events: usage\n"));
    lake.run(&["check"]).failed(2, &["lake.yaml:", "access_events \"usage\": it takes rows of audit.v1"]);
    lake.write("lake.yaml", format!("{yaml}access_events: audti\n"));
    lake.run(&["check"]).failed(2, &["the dataset does not exist", "\"audit\""]);
    lake.write("lake.yaml", format!("{}access_events: audit\n", yaml.replace("file:./data", "memory")));
    lake.run(&["check"]).failed(2, &["what is in memory goes with the process"]);
}

#[test]
fn a_minute_has_so_many_statements_and_an_hour_so_many_bytes() {
    let lake = lake();
    let limited =
        |limits: &str| ACCESS.replace("    datasets:\n", &format!("    limits: {{{limits}}}\n    datasets:\n"));
    lake.write("access.yaml", limited("statements_per_minute: 3"));
    let script = lake.write("s.sql", "SELECT 1 AS n;\n".repeat(5)).display().to_string();
    let ask = ["sql", "--as", "ann", "--file", &script, "--format", "csv", "--at", "2026-03-05T00:00:00Z"];
    let ran = lake.run(&ask);
    ran.failed(1, &["the limit statements_per_minute is 3, and this takes 4", "wait a while"]);
    assert_eq!(ran.out.matches('1').count(), 3, "{}", ran.out);
    lake.write("access.yaml", limited("scanned_bytes_per_hour: 2KiB"));
    lake.write("s.sql", "SELECT sum(length(raw_ref)) AS n FROM audit;\n".repeat(5));
    let ran = lake.run(&ask);
    ran.failed(1, &["the limit scanned_bytes_per_hour is 2048", "wait for the next hour"]);
    // What was read stands in the record, and in no row: a principal could tell from it which files hold a value.
    assert!(lake.objects().iter().any(|(name, bytes)| {
        name.ends_with(".answered.json") && String::from_utf8_lossy(bytes).contains("\"scanned_bytes\": ")
    }));
    assert_eq!(
        lake.figure("SELECT count(*) AS n FROM auditlake.statements WHERE attributes['bytes_scanned'] <> ''"),
        0
    );
}

#[test]
fn files_that_lie_in_no_folder_of_a_tenant_are_told() {
    let lake = lake();
    assert!(!lake.run(&["check", "--files"]).out.contains("no folder tenant"));
    let file = crate::auditlake::files_below(&lake.data().join("audit/tenant=t1")).into_iter().next().expect("a file");
    lake.write("datasets/loose.yaml", "dataset: loose\nlocation: loose/\ntenant: tenant_id\n");
    lake.write("data/loose/one.parquet", std::fs::read(file).expect("is read"));
    let ran = lake.run(&["check", "--files"]);
    ran.succeeded();
    assert!(ran.out.contains("note: dataset \"loose\": 1 file lies in no folder tenant=…"), "{}", ran.out);
}
