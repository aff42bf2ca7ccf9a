//! Exports as their users run them: in every format, verified, killed, refused, and on a schedule's interval.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::auditlake::{Lake, Ran, binary, ended, files_below};
use crate::canned::Canned;
use crate::kill::{EVENTS, INGEST, dropped, killed, kills, undisturbed};
use crate::moto;

const AT: &str = "--at=2026-03-05T00:00:00Z";
const FORMATS: [&str; 8] = ["csv", "json", "ndjson", "xlsx", "parquet", "xml", "yaml", "arrow"];

/// A lake with three days of events.
fn lake() -> Lake {
    let lake = dropped(Lake::new());
    lake.json(&INGEST);
    lake
}

fn verify(lake: &Lake, manifest: &str) -> Ran {
    lake.run(&["export", "verify", manifest])
}

/// Every file of a folder with its bytes.
fn bytes_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &Path| path.strip_prefix(folder).expect("below").to_string_lossy().into_owned();
    let files = files_below(folder).into_iter();
    files.map(|path| (name(&path), fs::read(&path).expect("a file"))).collect()
}

#[test]
fn each_format_is_whole_and_a_changed_byte_is_found() {
    let lake = lake();
    for format in FORMATS {
        let (file, manifest) = (format!("out/events.{format}"), format!("out/events.{format}.manifest.json"));
        let answer = lake.json(&[AT, "export", "--dataset", "audit", "--to", &file]);
        assert_eq!((&answer["rows"], &answer["order"]), (&EVENTS.into(), &"file".into()), "{answer}");
        verify(&lake, &manifest).succeeded();
        let path = lake.folder().join(&file);
        let mut bytes = fs::read(&path).expect("the export");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).expect("written");
        let changed = verify(&lake, &manifest);
        assert_eq!(changed.code, Some(1), "{format}: {}", changed.out);
        assert!(changed.out.contains(&format!("events.{format}: other bytes")), "{}", changed.out);
        fs::remove_file(path).expect("removed");
        assert!(verify(&lake, &manifest).out.contains("is not there"));
        let work = files_below(&lake.folder().join("out"));
        assert!(work.iter().all(|path| !path.to_string_lossy().ends_with(".export.json")), "{work:?}");
    }
}

#[test]
fn the_same_rows_are_the_same_bytes_on_another_day_and_however_they_are_cut() {
    let lake = lake();
    let one = |name: &str, more: &[&str]| {
        let args = [&["export", "--dataset", "audit", "--order-by", "time,event_id", "--to", name][..], more].concat();
        lake.json(&args);
        bytes_below(&lake.folder().join(name))
    };
    let first = one("a/", &[AT, "--format", "csv", "--split-rows", "1000"]);
    let second = one("b/", &["--at=2027-01-01T00:00:00Z", "--format", "csv", "--split-rows", "1000", "--memory=64MiB"]);
    let parts = |files: &BTreeMap<String, Vec<u8>>| {
        files.iter().filter(|(name, _)| name.starts_with("part-")).map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>()
    };
    assert_eq!(parts(&first).len(), 6);
    assert!(parts(&first) == parts(&second));
    let manifest: Value = serde_json::from_slice(&first["manifest.json"]).expect("JSON");
    assert_eq!((&manifest["rows"], &manifest["order"]), (&EVENTS.into(), &"by".into()));
}

#[test]
fn columns_filters_and_orders_are_those_asked_for() {
    let lake = lake();
    let ran = lake.run(&[
        "export",
        "--dataset",
        "audit",
        "--columns",
        "event_id:id,outcome",
        "--filter",
        "event_id IN ('e-9', 'e-1')",
        "--order-by",
        "event_id desc",
        "--format",
        "csv",
        "--to",
        "-",
    ]);
    ran.succeeded();
    assert_eq!(ran.out, "id,outcome\r\ne-9,failure\r\ne-1,success\r\n");
    let ran = lake.run(&["export", "--sql", "SELECT count(*) AS n FROM audit", "--format", "ndjson", "--to", "-"]);
    assert_eq!(ran.out, format!("{{\"n\":{EVENTS}}}\n"));
    let zoned = lake.run(&[
        "export",
        "--dataset",
        "audit",
        "--columns",
        "time",
        "--filter",
        "event_id = 'e-0'",
        "--format",
        "json",
        "--timezone",
        "Asia/Kathmandu",
        "--to",
        "-",
    ]);
    assert_eq!(zoned.out, "[\n{\"time\":\"2026-03-01T15:45:00.000000+05:45\"}\n]\n");
}

#[test]
fn what_cannot_be_exported_is_told_before_a_file_is_made() {
    let lake = lake();
    let refused = |args: &[&str], code: i32, words: &[&str]| {
        let all = [&["export", "--to", "out/x.csv"][..], args].concat();
        lake.run(&all).failed(code, words);
        assert!(files_below(&lake.folder().join("out")).is_empty(), "{args:?} left something");
    };
    refused(&["--dataset", "adit"], 2, &["dataset \"adit\"", "did you mean \"audit\"?"]);
    refused(&["--dataset", "audit", "--columns", "actr_id"], 2, &["column \"actr_id\"", "did you mean \"actor_id\"?"]);
    refused(&["--dataset", "audit", "--order-by", "tme"], 2, &["column \"tme\"", "did you mean \"time\"?"]);
    refused(&["--dataset", "audit", "--columns", "time:a,actor_id:a"], 2, &["both named \"a\"", "COLUMN:a_2"]);
    let subquery = "actor_id IN (SELECT actor_id FROM audit)";
    refused(&["--dataset", "audit", "--filter", subquery], 1, &["expressions over one row of \"audit\""]);
    refused(&["--dataset", "audit", "--filter", "count(*) > 1"], 1, &[]);
    refused(&["--dataset", "audit", "--filter", "time >= $start"], 1, &["there is no value $start"]);
    refused(&["--sql", "DELETE FROM audit"], 1, &[]);
    refused(&["--sql", "SELECT 1 AS a; SELECT 2 AS b"], 1, &[]);
    refused(&["--dataset", "audit", "--format", "xslx"], 2, &["\"xslx\" is no format", "xlsx"]);
    refused(&["--dataset", "audit", "--format", "parquet", "--compress", "gzip"], 2, &["compresses by itself"]);
    refused(&["--dataset", "audit", "--format", "json", "--guard"], 2, &["guard is for csv"]);
    refused(&["--dataset", "audit", "--split-rows", "10"], 2, &["give a folder", "out/x.csv.parts/"]);
    refused(&["--dataset", "audit", "--timezone", "Europe/Berln"], 2, &["Europe/Berlin"]);
    refused(&["--sql", "SELECT 1 AS \"\""], 1, &["has no name"]);
    let split = ["export", "--dataset", "audit", "--format", "csv", "--split-rows", "10", "--to", "-"];
    let ran = lake.run(&split);
    ran.failed(2, &["give a folder with --to, or --bundle zip"]);
    assert_eq!(ran.out, "");
}

#[test]
fn a_place_that_is_taken_or_refuses_is_told_before_the_first_row() {
    let lake = lake();
    let to = |to: &str, more: &[&str]| lake.run(&[&["export", "--dataset", "audit", "--to", to][..], more].concat());
    to("out/x.csv", &[]).succeeded();
    let before = bytes_below(&lake.folder().join("out"));
    to("out/x.csv", &[]).failed(1, &["x.csv", "is there already", "--overwrite"]);
    assert!(bytes_below(&lake.folder().join("out")) == before);
    to("out/x.csv", &["--overwrite", "--columns", "event_id"]).succeeded();
    verify(&lake, "out/x.csv.manifest.json").succeeded();
    to("out/x.csv", &["--resume"]).succeeded();
    lake.write("a-file", "text");
    to("a-file/x.csv", &[]).failed(1, &["a-file"]);
    to("/dev/null/x.csv", &[]).failed(1, &["/dev/null"]);
}

#[test]
fn a_bucket_that_denies_writing_is_told_before_the_first_row() {
    let lake = lake();
    let server = Canned::start(|_, request| match request.method.as_str() {
        "HEAD" => (404, ""),
        _ => (403, "<Error><Code>AccessDenied</Code></Error>"),
    });
    let mut command = lake.command(&["export", "--dataset", "audit", "--format", "csv", "--to", "s3://bucket/out/"]);
    let ran = ended(command.envs(server.environment()).output().expect("the program runs"));
    ran.failed(1, &["start.export.json", "grant them this prefix"]);
    let parts = server.requests().into_iter().filter(|request| request.target.contains("part-")).count();
    assert!(parts <= 1, "{:?}", server.requests());
}

#[test]
fn a_filter_that_fails_at_a_late_row_publishes_nothing() {
    let lake = lake();
    // Only the last event divides by zero.
    let filter = format!("100 / ({} - CAST(substr(event_id, 3) AS int)) <> 7", EVENTS - 1);
    for format in FORMATS {
        let file = format!("out/late.{format}");
        let ran = lake.run(&["export", "--dataset", "audit", "--filter", &filter, "--to", &file]);
        ran.failed(1, &["DivideByZero"]);
        let left = bytes_below(&lake.folder().join("out"));
        assert!(left.keys().all(|name| name.ends_with(".export.json") || name.ends_with(".xsd")), "{left:?}");
        verify(&lake, &format!("{file}.manifest.json")).failed(2, &["--resume"]);
    }
    let ran = lake.run(&["export", "--dataset", "audit", "--filter", &filter, "--format", "csv", "--to", "-"]);
    ran.failed(1, &["DivideByZero"]);
}

#[test]
fn a_reader_that_goes_away_is_an_error_and_no_panic() {
    let lake = lake();
    for format in FORMATS {
        let mut child = lake.start(&["export", "--dataset", "audit", "--format", format, "--to", "-"]);
        let mut some = [0; 10];
        child.stdout.as_mut().expect("a pipe").read_exact(&mut some).expect("some bytes");
        drop(child.stdout.take());
        let ran = ended(child.wait_with_output().expect("a child ends"));
        // What was already in the pipe when the reader left is enough for a small file.
        if ran.code != Some(0) {
            ran.failed(1, &["cannot write the output"]);
        }
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
    }
    let full = fs::File::options().write(true).open("/dev/full").expect("a device");
    let mut command = lake.command(&["export", "--dataset", "audit", "--format", "csv", "--to", "-"]);
    let ran = ended(command.stdout(full).stderr(Stdio::piped()).output().expect("the program runs"));
    ran.failed(1, &["cannot write the output", "No space left"]);
}

/// Exports in parts; the folder is the last argument.
fn in_parts(to: &str) -> Vec<String> {
    let args = [
        AT,
        "export",
        "--dataset",
        "audit",
        "--format",
        "csv",
        "--compress",
        "gzip",
        "--split-rows",
        "400",
        "--resume",
        "--to",
        to,
    ];
    args.map(str::to_owned).to_vec()
}

/// A manifest without what tells one run from another.
fn figures(manifest: &[u8]) -> Value {
    let mut manifest: Value = serde_json::from_slice(manifest).expect("JSON");
    manifest["resumed_parts"] = Value::Null;
    manifest
}

#[test]
fn a_killed_export_goes_on_at_a_part_border_with_the_same_bytes() {
    let lake = lake();
    let args = in_parts("whole/");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (_, longest) = undisturbed(&lake, &args);
    let whole = bytes_below(&lake.folder().join("whole"));
    assert_eq!(whole.len(), 16, "15 parts and the manifest");

    let mut chance = ChaCha8Rng::seed_from_u64(2_026_401);
    let (mut cut_off, mut resumed) = (0, 0);
    for kill in 0..kills() {
        let to = format!("kill-{kill}/");
        let args = in_parts(&to);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        cut_off += u64::from(killed(&lake, &args, &mut chance, longest));
        let folder = lake.folder().join(&to);
        if folder.join("manifest.json").exists() {
            verify(&lake, &format!("{to}manifest.json")).succeeded();
        }
        let answer = lake.json(&args);
        resumed += answer["resumed_parts"].as_u64().unwrap_or(0);
        let mut now = bytes_below(&folder);
        now.retain(|name, _| !name.contains('#'));
        let (manifest, expected) = (now.remove("manifest.json"), whole.get("manifest.json"));
        assert_eq!(figures(&manifest.expect("is there")), figures(expected.expect("is there")), "kill {kill}");
        assert!(now.iter().all(|(name, bytes)| whole.get(name) == Some(bytes)), "kill {kill}: other bytes");
        assert_eq!(now.len(), 15, "kill {kill}: {:?}", now.keys());
    }
    assert!(cut_off * 2 >= kills(), "only {cut_off} of {} kills met the export at work", kills());
    assert!(kills() < 20 || resumed > 0, "no kill left a part to go on from");
}

#[test]
fn a_full_disk_is_told_and_the_export_goes_on_when_there_is_room() {
    let lake = lake();
    let to =
        |to: &str| ["export", "--dataset", "audit", "--format", "parquet", "--to", to, "--resume"].map(str::to_owned);
    lake.json(&[&[AT][..], &to("whole.parquet").each_ref().map(String::as_str)].concat());
    // The system refuses what makes a file longer than 64 blocks of 1,024 bytes.
    let line = format!("trap '' XFSZ; ulimit -f 64; exec {} \"$@\"", binary().display());
    let mut command = Command::new("bash");
    command.args(["-c", &line, "bash", AT]).args(to("small.parquet"));
    command.env("AUDITLAKE_LAKE", lake.folder()).current_dir(lake.folder());
    let ran = ended(command.output().expect("bash runs"));
    ran.failed(1, &["File too large"]);
    assert!(!lake.folder().join("small.parquet").exists());
    assert!(!lake.folder().join("small.parquet.manifest.json").exists());
    lake.json(&[&[AT][..], &to("small.parquet").each_ref().map(String::as_str)].concat());
    let read = |name: &str| fs::read(lake.folder().join(name)).expect("a file");
    assert!(read("whole.parquet") == read("small.parquet"));
}

#[test]
fn going_on_with_another_export_is_refused() {
    let lake = lake();
    let args = in_parts("out/");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    lake.json(&args);
    // As it stood before the manifest.
    let manifest = lake.folder().join("out/manifest.json");
    let read: Value = serde_json::from_slice(&fs::read(&manifest).expect("a file")).expect("JSON");
    fs::remove_file(&manifest).expect("removed");
    let start = serde_json::json!({
        "version": read["auditlake"], "instant": read["instant"], "query_sha256": read["query_sha256"],
        "options_sha256": "other", "order": read["order"], "inputs": read["inputs"],
    });
    lake.write("out/start.export.json", start.to_string());
    lake.run(&args).failed(1, &["is of another export", "other options", "--overwrite"]);
    let mut anew = args.clone();
    anew.retain(|arg| *arg != "--resume");
    lake.run(&anew).failed(1, &["start.export.json", "is there already"]);
    anew.push("--overwrite");
    lake.json(&anew);
    verify(&lake, "out/manifest.json").succeeded();
}

#[test]
fn an_archive_holds_every_part_and_is_one_file() {
    let lake = lake();
    let answer = lake.json(&[
        AT,
        "export",
        "--dataset",
        "audit",
        "--split-rows",
        "2500",
        "--format",
        "xml",
        "--to",
        "out/events.xml.zip",
    ]);
    assert_eq!((&answer["rows"], &answer["parts"]), (&EVENTS.into(), &1.into()), "{answer}");
    verify(&lake, "out/events.xml.zip.manifest.json").succeeded();
    let bytes = fs::read(lake.folder().join("out/events.xml.zip")).expect("the archive");
    let holds = |name: &str| bytes.windows(name.len()).any(|window| window == name.as_bytes());
    for name in ["part-00001.xml", "part-00003.xml", "part-00001.xsd", "manifest.json", "SHA256SUMS"] {
        assert!(holds(name), "{name}");
    }
    assert!(!holds("part-00004.xml"));
    let ran = lake.command(&[AT, "export", "--dataset", "audit", "--format", "csv", "--bundle", "zip", "--to", "-"]);
    let output = { ran }.output().expect("the program runs");
    assert!(output.status.success() && output.stdout.starts_with(b"PK\x03\x04"));
}

/// A job that exports a day, sorted, in parts.
fn with_job(lake: Lake) -> Lake {
    lake.write(
        "jobs/day.yaml",
        "job: day\nkind: export\nwindow: 1d\ndataset: audit\n\
         columns: [event_id, {name: hour, expr: \"date_trunc('hour', time)\"}]\n\
         filter: time >= $start AND time < $end\norder_by: [time, event_id]\nformat: ndjson\ncompression: zstd\n\
         split: {rows: 300}\nto: \"exports/{job}/{interval.end:%Y-%m-%d}/\"\n",
    );
    lake
}

const DAY: [&str; 3] = ["run", "day", "--at=2026-03-02T00:00:00Z"];
const FOLDER: &str = "exports/day/2026-03-02/";

/// Content of the parts of the job's export, in order.
fn day(lake: &Lake) -> Vec<String> {
    let manifest: Value = serde_json::from_slice(&lake.object(&format!("{FOLDER}manifest.json"))).expect("JSON");
    assert_eq!(manifest["rows"], EVENTS / 3);
    let parts = manifest["parts"].as_array().expect("parts");
    for part in parts {
        let path = format!("{FOLDER}{}", part["path"].as_str().expect("a path"));
        assert_eq!(part["bytes"], lake.object(&path).len(), "{path}");
    }
    parts.iter().map(|part| part["sha256"].as_str().expect("a hash").to_owned()).collect()
}

#[test]
fn a_job_exports_its_interval_once() {
    let lake = with_job(lake());
    let ran = lake.run(&DAY);
    ran.succeeded();
    assert!(ran.out.contains("2000 rows in 7 files") && ran.out.contains("manifest.json"), "{}", ran.out);
    assert_eq!(day(&lake).len(), 7);
    let again = lake.run(&DAY);
    assert!(again.out.contains("was committed before"), "{}", again.out);
    verify(&lake, &format!("data/{FOLDER}manifest.json")).succeeded();
    let shown = lake.json(&["runs", "show", "day@20260302T000000Z"]);
    assert_eq!(shown["commit"]["summary"]["export"]["rows"], EVENTS / 3, "{shown}");
    // The next interval stands beside it.
    lake.json(&["run", "day", "--at=2026-03-03T00:00:00Z"]);
    assert_eq!(day(&lake).len(), 7);
    lake.run(&["run", "day", "--at=2026-03-03T00:00:00Z", "--again"]).failed(2, &["stays as it is"]);
}

#[test]
fn a_job_does_not_write_over_what_others_made() {
    let lake = with_job(lake());
    lake.write(&format!("data/{FOLDER}manifest.json"), "{}");
    lake.run(&DAY).failed(1, &["manifest.json"]);
    assert_eq!(lake.object(&format!("{FOLDER}manifest.json")), "{}");
}

#[test]
fn a_killed_export_job_publishes_once_with_the_same_bytes() {
    jobs_are_killed(Lake::new);
}

#[test]
fn a_killed_export_job_in_a_bucket_publishes_once_with_the_same_bytes() {
    let test = "a_killed_export_job_in_a_bucket_publishes_once_with_the_same_bytes";
    if moto::bucket(test).is_some() {
        jobs_are_killed(|| Lake::in_bucket(moto::bucket(test).expect("a bucket")));
    }
}

fn jobs_are_killed(new: impl Fn() -> Lake) {
    let ready = with_job(dropped(new()));
    ready.json(&INGEST);
    let whole = ready.copy();
    let (_, longest) = undisturbed(&whole, &DAY);
    let expected = day(&whole);
    let mut chance = ChaCha8Rng::seed_from_u64(2_026_402);
    let mut cut_off = 0;
    for kill in 0..kills() {
        let lake = ready.copy();
        cut_off += u64::from(killed(&lake, &DAY, &mut chance, longest));
        let two: Vec<_> = (0..1 + kill % 2).map(|_| lake.start(&DAY)).collect();
        for child in two {
            ended(child.wait_with_output().expect("a child ends")).succeeded();
        }
        assert_eq!(day(&lake), expected, "kill {kill}");
        let left: Vec<String> =
            lake.objects().into_iter().map(|(name, _)| name).filter(|name| name.starts_with("exports/")).collect();
        assert_eq!(left.len(), expected.len() + 2, "kill {kill}: something stays behind, or lacks: {left:?}");
        assert!(left.iter().any(|name| name.ends_with("/manifest.json.tlog-proof")), "kill {kill}: {left:?}");
    }
    assert!(cut_off * 2 >= kills(), "only {cut_off} of {} kills met the export at work", kills());
}

#[test]
fn an_export_to_a_bucket_goes_in_pieces_and_is_verified_there() {
    let Some(bucket) = moto::bucket("an_export_to_a_bucket_goes_in_pieces_and_is_verified_there") else { return };
    let to = format!("s3://{}/out/big.csv", bucket.name);
    let lake = dropped(Lake::at("file:./data", bucket.environment()));
    lake.json(&INGEST);
    let answer = lake.json(&["export", "--sql", "SELECT repeat(event_id, 1000) AS t FROM audit", "--to", &to]);
    assert!(answer["bytes"].as_u64() > Some(25 << 20), "{answer}");
    verify(&lake, &format!("{to}.manifest.json")).succeeded();
    let names: Vec<String> = bucket.objects("out").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["out/big.csv", "out/big.csv.manifest.json"]);
}
