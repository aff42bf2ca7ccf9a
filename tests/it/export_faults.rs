//! Exports to a store that fails: a clear error, nothing that looks whole, and the same command goes on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::auditlake::Lake;
use crate::double::{Asked, Double, Fault};
use crate::kill::{EVENTS, INGEST, dropped};

const EXPIRED: Fault = Fault::Refused(400, "ExpiredToken");
const GONE: Fault = Fault::Refused(404, "NoSuchKey");

/// A lake in a folder, and a server for what is exported.
fn lake() -> (Double, Lake) {
    let server = Double::start();
    let lake = dropped(Lake::at("file:./data", server.environment()));
    lake.json(&INGEST);
    (server, lake)
}

const EXPORT: [&str; 11] = [
    "--at=2026-03-05T00:00:00Z",
    "export",
    "--dataset",
    "audit",
    "--format",
    "ndjson",
    "--split-rows",
    "1000",
    "--to",
    "s3://acme-exports/out/",
    "--resume",
];

/// What an export left, by name.
fn exported(server: &Double) -> BTreeMap<String, Vec<u8>> {
    let of = |(name, bytes): (String, Vec<u8>)| Some((name.split_once("out/")?.1.to_owned(), bytes));
    server.objects().into_iter().filter_map(of).collect()
}

/// Parts alone: a manifest says which of them were there before.
fn parts(server: &Double) -> BTreeMap<String, Vec<u8>> {
    exported(server).into_iter().filter(|(name, _)| name.ends_with(".ndjson")).collect()
}

fn whole() -> BTreeMap<String, Vec<u8>> {
    let (server, lake) = lake();
    assert_eq!(lake.json(&EXPORT)["rows"], EVENTS);
    parts(&server)
}

#[test]
fn each_request_of_an_export_that_fails_is_told_and_the_same_command_goes_on() {
    let expected = whole();
    assert_eq!(expected.len(), 6);
    let expired = "credentials have expired";
    for (method, name, says) in [
        ("PUT", "start.export.json", expired),
        ("PUT", "part-00003.ndjson", expired),
        ("PUT", "part-00003.ndjson.export.json", expired),
        // An answer to HEAD has no body to say why.
        ("HEAD", "part-00004.ndjson", "cannot find it"),
        ("PUT", "manifest.json", expired),
    ] {
        let (server, lake) = lake();
        server.fail(move |asked: &Asked| (asked.method == method && asked.name.ends_with(name)).then_some(EXPIRED));
        lake.run(&EXPORT).failed(1, &[name, says]);
        assert!(!exported(&server).contains_key("manifest.json"), "{name}");
        server.heal();
        let answer = lake.json(&EXPORT);
        assert_eq!(answer["rows"], EVENTS, "{name}");
        assert!(parts(&server) == expected, "{name}: other bytes");
        lake.run(&["export", "verify", "s3://acme-exports/out/manifest.json"]).succeeded();
    }
}

#[test]
fn what_fails_now_and_then_is_asked_again_and_nobody_notices() {
    let expected = whole();
    for fault in [Fault::Refused(503, "SlowDown"), Fault::Lost, Fault::Cut] {
        let (server, lake) = lake();
        let met = AtomicUsize::new(0);
        server.fail(move |_| met.fetch_add(1, Ordering::SeqCst).is_multiple_of(5).then_some(fault));
        assert_eq!(lake.json(&EXPORT)["rows"], EVENTS, "{fault:?}");
        server.heal();
        assert!(parts(&server) == expected, "{fault:?}: other bytes");
    }
}

#[test]
fn a_part_that_is_not_what_was_written_gets_no_manifest() {
    let (server, lake) = lake();
    server.fail(|asked| (asked.method == "HEAD" && asked.name.ends_with("part-00002.ndjson")).then_some(GONE));
    lake.run(&EXPORT)
        .failed(1, &["part-00002.ndjson", "is not what was written a moment ago", "nothing was published"]);
    assert!(!exported(&server).contains_key("manifest.json"));
}

#[test]
fn a_manifest_that_cannot_be_read_is_told() {
    let (server, lake) = lake();
    let verify = || lake.run(&["export", "verify", "s3://acme-exports/out/manifest.json"]);
    verify().failed(2, &["manifest", "--resume"]);
    lake.json(&EXPORT);
    let manifest = exported(&server)["manifest.json"].clone();
    let name = server.objects().into_keys().find(|name| name.ends_with("out/manifest.json")).expect("is there");
    server.put(&name, manifest[..100].to_vec());
    verify().failed(1, &["manifest.json"]);
    server.put(&name, manifest);
    server.fail(|asked| (asked.method == "GET" && asked.name.ends_with("part-00002.ndjson")).then_some(EXPIRED));
    verify().failed(1, &["part-00002.ndjson", "credentials have expired"]);
}

#[test]
fn a_value_that_a_job_does_not_have_is_told() {
    let (_, lake) = lake();
    lake.write(
        "jobs/day.yaml",
        "job: day\nkind: export\nwindow: 1d\ndataset: audit\nfilter: time >= $begin\nformat: csv\n\
         to: \"exports/{interval.end:%Y-%m-%d}/\"\n",
    );
    let ran = lake.run(&["run", "day", "--at=2026-03-02T00:00:00Z"]);
    ran.failed(1, &["there is no value $begin; values are $start and $end"]);
    assert!(lake.objects().iter().all(|(name, _)| !name.starts_with("exports/")));
}
