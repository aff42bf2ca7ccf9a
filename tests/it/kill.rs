//! `kill -9` at seeded moments of an ingest and of a run, then the same command again, alone and twice at once.
//!
//! No event may be lost or doubled, and nothing half-written may be visible at any moment. `AUDITLAKE_KILLS`
//! sets how many moments; each is drawn from the time that the command takes when nobody disturbs it.

#![expect(clippy::disallowed_methods, reason = "a process is killed at a moment, and moments are the machine's")]

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use parquet::file::reader::{FileReader, SerializedFileReader};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::auditlake::{Lake, ended};
use crate::moto;

pub(crate) const INGEST: [&str; 6] = ["ingest", "ndjson", "drop", "--into", "audit", "--at=2026-03-04T00:00:00Z"];
const RUN: [&str; 3] = ["run", "compliance", "--at=2026-03-04T00:00:00Z"];
const TENANTS: u64 = 3;
pub(crate) const EVENTS: u64 = 6_000;

pub(crate) fn kills() -> u64 {
    times("AUDITLAKE_KILLS", 4)
}

/// How often something is tried: as the environment says, or as often as a gate has time for.
pub(crate) fn times(variable: &str, otherwise: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(otherwise, |times| times.parse().unwrap_or_else(|_| panic!("{variable} is no number: {times}")))
}

#[test]
fn a_killed_ingest_loses_and_doubles_nothing() {
    ingests_are_killed(Lake::new);
}

#[test]
fn a_killed_run_leaves_one_whole_report() {
    runs_are_killed(Lake::new);
}

#[test]
fn a_killed_ingest_into_a_bucket_loses_and_doubles_nothing() {
    let test = "a_killed_ingest_into_a_bucket_loses_and_doubles_nothing";
    if moto::bucket(test).is_some() {
        ingests_are_killed(|| Lake::in_bucket(moto::bucket(test).expect("a bucket")));
    }
}

#[test]
fn a_killed_run_in_a_bucket_leaves_one_whole_report() {
    let test = "a_killed_run_in_a_bucket_leaves_one_whole_report";
    if moto::bucket(test).is_some() {
        runs_are_killed(|| Lake::in_bucket(moto::bucket(test).expect("a bucket")));
    }
}

#[test]
fn a_killed_compaction_loses_and_doubles_nothing() {
    compactions_are_killed(Lake::new);
}

#[test]
fn a_killed_compaction_in_a_bucket_loses_and_doubles_nothing() {
    let test = "a_killed_compaction_in_a_bucket_loses_and_doubles_nothing";
    if moto::bucket(test).is_some() {
        compactions_are_killed(|| Lake::in_bucket(moto::bucket(test).expect("a bucket")));
    }
}

#[test]
fn a_killed_query_leaves_each_interval_once() {
    queries_are_killed(Lake::new);
}

#[test]
fn a_killed_query_in_a_bucket_leaves_each_interval_once() {
    let test = "a_killed_query_in_a_bucket_leaves_each_interval_once";
    if moto::bucket(test).is_some() {
        queries_are_killed(|| Lake::in_bucket(moto::bucket(test).expect("a bucket")));
    }
}

const COMPACT: [&str; 3] = ["compact", "audit", "--at=2026-03-05T00:00:00Z"];
const QUERY: [&str; 4] = ["run", "day", "--at=2026-03-02T00:00:00Z", "--again"];

/// How many rows a query sees, and how many keys.
pub(crate) fn seen(lake: &Lake) -> (u64, u64) {
    (lake.figure("SELECT count(*) FROM audit"), lake.figure("SELECT count(DISTINCT event_id) FROM audit"))
}

fn compactions_are_killed(new: impl Fn() -> Lake) {
    let ready = dropped(new());
    for file in 0..6 {
        let part = format!("drop/part-{file}.ndjson");
        ready.json(&["ingest", "ndjson", &part, "--into", "audit", "--at=2026-03-04T00:00:00Z"]);
    }
    let whole = ready.copy();
    let (done, longest) = undisturbed(&whole, &COMPACT);
    assert!(done["compacted"]["files_before"].as_u64() > done["compacted"]["files_after"].as_u64(), "{done}");

    let mut chance = ChaCha8Rng::seed_from_u64(2_026_113);
    let mut cut_off = 0;
    for kill in 0..kills() {
        let lake = ready.copy();
        cut_off += u64::from(killed(&lake, &COMPACT, &mut chance, longest));
        assert_eq!(seen(&lake), (EVENTS, EVENTS), "kill {kill}");
        again(&lake, &COMPACT, kill % 2 == 1);
        assert_eq!(seen(&lake), (EVENTS, EVENTS), "kill {kill}: after the second command");
        let later = lake.json(&["compact", "audit", "--at=2026-03-09T00:00:00Z"]);
        assert_eq!(later["compacted"]["files_before"], 0, "kill {kill}: {later}");
        assert_eq!(seen(&lake), (EVENTS, EVENTS), "kill {kill}: after a day");
    }
    assert!(cut_off * 2 >= kills(), "only {cut_off} of {} kills met the compaction at work", kills());
}

fn queries_are_killed(new: impl Fn() -> Lake) {
    let ready = dropped(new());
    ready.json(&INGEST);
    ready.write("datasets/day.yaml", "dataset: day\nlocation: day/\ntenant: tenant_id\n");
    ready.write(
        "jobs/day.yaml",
        "job: day\nkind: query\nwindow: 1d\ninto: day\nsql: SELECT tenant_id, event_id, time FROM audit \
         WHERE time >= $start AND time < $end\n",
    );
    let whole = ready.copy();
    let (_, longest) = undisturbed(&whole, &QUERY);
    let rows = |lake: &Lake| match lake.figure("SELECT count(*) FROM day") {
        // Without files the dataset has no columns to name.
        0 => (0, 0),
        rows => (rows, lake.figure("SELECT count(DISTINCT event_id) FROM day")),
    };
    let expected = rows(&whole);
    assert_eq!(expected, (EVENTS / 3, EVENTS / 3));

    let mut chance = ChaCha8Rng::seed_from_u64(2_026_114);
    let mut cut_off = 0;
    for kill in 0..kills() {
        let lake = ready.copy();
        // Every other time there are rows already, which the killed run is about to replace.
        let before = if kill % 2 == 0 { (0, 0) } else { expected };
        if kill % 2 == 1 {
            lake.json(&QUERY);
        }
        cut_off += u64::from(killed(&lake, &QUERY, &mut chance, longest));
        let now = rows(&lake);
        assert!(now == before || now == expected, "kill {kill}: {now:?}");
        again(&lake, &QUERY, kill % 4 > 1);
        assert_eq!(rows(&lake), expected, "kill {kill}");
    }
    assert!(cut_off * 2 >= kills(), "only {cut_off} of {} kills met the query at work", kills());
}

fn ingests_are_killed(new: impl Fn() -> Lake) {
    let lake_with_drop = || dropped(new());
    let whole = lake_with_drop();
    let (_, longest) = undisturbed(&whole, &INGEST);
    let expected = audit_rows(&whole);
    assert_eq!(expected.len() as u64, EVENTS);

    let mut chance = ChaCha8Rng::seed_from_u64(2_026_111);
    let mut cut_off = 0;
    for kill in 0..kills() {
        let lake = lake_with_drop();
        cut_off += u64::from(killed(&lake, &INGEST, &mut chance, longest));
        let visible = visible_events(&lake);
        assert!(visible.iter().all(|id| expected.contains(id)), "kill {kill}: rows that nobody sent");
        again(&lake, &INGEST, kill % 2 == 1);
        assert_eq!(audit_rows(&lake), expected, "kill {kill}");
        assert_eq!(lake.figure("SELECT count(*) FROM audit"), EVENTS, "kill {kill}");
        let once_more = lake.json(&INGEST);
        assert_eq!(once_more["read"], 0, "kill {kill}: {once_more}");
    }
    // Moments are drawn evenly over the time it takes, so nearly all lie inside it.
    assert!(cut_off * 2 >= kills(), "only {cut_off} of {} kills met the ingest at work", kills());
}

fn runs_are_killed(new: impl Fn() -> Lake) {
    let ready = dropped(new());
    ready.json(&INGEST);
    let whole = ready.copy();
    let (_, longest) = undisturbed(&whole, &RUN);
    let expected = figures(&whole);

    let mut chance = ChaCha8Rng::seed_from_u64(2_026_112);
    let mut cut_off = 0;
    for kill in 0..kills() {
        let lake = ready.copy();
        cut_off += u64::from(killed(&lake, &RUN, &mut chance, longest));
        visible_events(&lake);
        for (name, bytes) in lake.objects().iter().filter(|(name, _)| name.starts_with("reports/")) {
            whole_output(name, bytes);
        }
        again(&lake, &RUN, kill % 2 == 1);
        assert!(figures(&lake) == expected, "kill {kill}: another report");
        let runs = lake.json(&["runs", "list"]);
        let runs = runs["runs"].as_array().unwrap_or_else(|| panic!("{runs}"));
        assert_eq!(runs.len(), 1, "kill {kill}: {runs:?}");
        let before = lake.object(HTML);
        lake.json(&RUN);
        assert!(before == lake.object(HTML), "kill {kill}: written again");
    }
    assert!(cut_off * 2 >= kills(), "only {cut_off} of {} kills met the run at work", kills());
}

const HTML: &str = "reports/compliance/2026-03-04/compliance.html";
const JSON: &str = "reports/compliance/2026-03-04/compliance.json";

/// What a command answers when nobody disturbs it, and how long it takes.
pub(crate) fn undisturbed(lake: &Lake, args: &[&str]) -> (Value, Duration) {
    let begun = Instant::now();
    let answer = lake.json(args);
    (answer, begun.elapsed())
}

/// Starts a command and kills it at a moment of its life; whether it was still at work.
pub(crate) fn killed(lake: &Lake, args: &[&str], chance: &mut ChaCha8Rng, longest: Duration) -> bool {
    let mut child = lake.start(args);
    let moment = longest.mul_f64(chance.random_range(0.0..1.0));
    // The moment itself is what is tested, so waiting for a state would miss the point.
    std::thread::sleep(moment);
    let at_work = child.try_wait().expect("a child").is_none();
    child.kill().expect("a child can be killed");
    child.wait().expect("a child ends");
    at_work
}

/// Keeps so many processes of a command at work and kills one after the other, each at a random moment, until `is_done`, which
/// is told how many were killed.
pub(crate) fn kill_one_after_the_other(
    lake: &Lake,
    args: &[&str],
    (processes, mean_ms): (usize, u64),
    chance: &mut ChaCha8Rng,
    is_done: impl Fn(u64) -> bool,
) {
    let (mut at_work, mut kills): (Vec<Child>, u64) = (Vec::new(), 0);
    while !is_done(kills) {
        at_work.retain_mut(|child| child.try_wait().expect("a child").is_none());
        while at_work.len() < processes {
            let mut command = lake.command(args);
            at_work.push(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts"));
        }
        // The moment itself is what is tested, so waiting for a state would miss the point.
        std::thread::sleep(Duration::from_millis(chance.random_range(0..2 * mean_ms)));
        stop(at_work.swap_remove(chance.random_range(0..processes)));
        kills += 1;
    }
    at_work.into_iter().for_each(stop);
}

fn stop(mut child: Child) {
    child.kill().expect("a child can be killed");
    child.wait().expect("a child ends");
}

/// The same command again, until it is done: by one process or by two at once.
fn again(lake: &Lake, args: &[&str], two: bool) {
    let children: Vec<_> = (0..if two { 2 } else { 1 }).map(|_| lake.start(args)).collect();
    for child in children {
        ended(child.wait_with_output().expect("a child ends")).succeeded();
    }
}

/// Ids in all Parquet files that a reader would meet now; every one of them must be whole.
fn visible_events(lake: &Lake) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for (name, bytes) in lake.objects() {
        if name.ends_with(".json") {
            serde_json::from_slice::<Value>(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        if !name.ends_with(".parquet") {
            continue;
        }
        let reader = SerializedFileReader::new(bytes);
        let reader = reader.unwrap_or_else(|error| panic!("{name} is not whole: {error}"));
        for row in reader.get_row_iter(None).expect("rows") {
            let row = row.unwrap_or_else(|error| panic!("{name} is not whole: {error}"));
            for (column, value) in row.get_column_iter() {
                if column == "event_id" && name.starts_with("audit/") {
                    assert!(ids.insert(value.to_string().trim_matches('"').to_owned()), "{name}: {value} twice");
                }
            }
        }
    }
    ids
}

fn audit_rows(lake: &Lake) -> BTreeSet<String> {
    visible_events(lake)
}

fn whole_output(name: &str, bytes: &[u8]) {
    match name.rsplit('.').next() {
        Some("html") => assert!(bytes.trim_ascii_end().ends_with(b"</html>"), "{name} is cut off"),
        Some("csv") => assert!(bytes.ends_with(b"\n"), "{name} is cut off"),
        _ => {}
    }
}

/// What a report says, without the number of the attempt that wrote its evidence.
fn figures(lake: &Lake) -> (Value, u64, u64) {
    let mut report: Value = serde_json::from_slice(&lake.object(JSON)).expect("JSON");
    let names: BTreeSet<String> = lake.objects().into_iter().map(|(name, _)| name).collect();
    for evidence in report["evidence"].as_array_mut().expect("evidence") {
        let path = evidence["path"].as_str().expect("a path").to_owned();
        assert!(names.contains(&path), "{path} is named and absent");
        evidence["path"] = Value::from(path.rsplit('/').next().expect("a name"));
    }
    // A copy lies in another bucket, which its definitions name.
    report["run"]["definitions_sha256"] = Value::Null;
    // A copied file has another inode, and with it another ETag.
    report["provenance"]["inputs"].as_array_mut().expect("inputs").iter_mut().for_each(|file| {
        file["etag"] = Value::Null;
    });
    let findings = lake.figure("SELECT count(*) FROM auditlake.findings");
    let results = lake.figure("SELECT count(*) FROM auditlake.control_results");
    assert!(findings > 0 && results > 0);
    (report, findings, results)
}

/// Three days of three tenants in six files, with failed logins for the controls to find.
pub(crate) fn dropped(lake: Lake) -> Lake {
    for file in 0..6 {
        let mut lines = String::new();
        for number in (file..EVENTS).step_by(6) {
            let (day, minute, second) = (1 + number % 3, (number / 60) % 60, number % 60);
            let (kind, outcome) = if number % 9 == 0 { ("user.login", "failure") } else { ("data.read", "success") };
            lines.push_str(&format!(
                r#"{{"event_id":"e-{number}","time":"2026-03-0{day}T10:{minute:02}:{second:02}Z","tenant_id":"t{}","source":"app","event_type":"{kind}","outcome":"{outcome}","actor_id":"u-{}","actor_type":"user","src_ip":"192.0.2.{}"}}"#,
                number % TENANTS,
                number % 5,
                number % 250
            ));
            lines.push('\n');
        }
        lake.write(&format!("drop/part-{file}.ndjson"), lines);
    }
    lake
}
