//! The generator against rules written a second time, in plain Rust over the parsed rows.

mod platform;
mod rules;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use super::*;
use rules::{Found, Lake, Statuses};

struct Written {
    demo: Demo,
    files: Vec<(String, usize)>,
    hash: u64,
    lake: Lake,
}

fn written(seed: u64) -> Written {
    let (mut files, mut hasher, mut lake) = (Vec::new(), DefaultHasher::new(), Lake::default());
    let demo = generate(seed, &mut |path, bytes| {
        bytes.hash(&mut hasher);
        let text = std::str::from_utf8(bytes).unwrap();
        files.push((path.to_owned(), text.lines().count()));
        lake.read(path, text);
        Ok(())
    })
    .unwrap();
    Written { demo, files, hash: hasher.finish(), lake }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let hash = |seed| {
        let mut hasher = DefaultHasher::new();
        let demo = generate(seed, &mut |path, bytes| {
            (path, bytes).hash(&mut hasher);
            Ok(())
        });
        (demo.unwrap(), hasher.finish())
    };
    assert_eq!(hash(7), hash(7));
    assert_ne!(hash(7).1, hash(8).1);
}

#[test]
fn sixty_files_hold_about_200_000_events_of_five_tenants() {
    let written = written(42);
    let days: Vec<&(String, usize)> =
        written.files.iter().filter(|(path, _)| path.starts_with("drop/audit/")).collect();
    assert_eq!(days.len(), 60);
    assert_eq!(days[0].0, "drop/audit/2026-01-01.ndjson");
    assert_eq!(days[59].0, LAST_FILE);
    let lines: usize = days.iter().map(|(_, lines)| lines).sum();
    assert_eq!(written.demo.events, lines as u64);
    assert!((190_000..=210_000).contains(&lines), "{lines} events");
    let tenants: BTreeSet<&str> = written.lake.rows.iter().map(|row| row.tenant_id.as_str()).collect();
    assert_eq!(tenants, BTreeSet::from(["acme", "borealis", "cobalt", "dune", "ember"]));
    let ids: BTreeSet<&str> = written.lake.rows.iter().map(|row| row.event_id.as_str()).collect();
    assert_eq!(ids.len(), lines, "ids are unique");
    assert_ne!(written.hash, 0);
}

#[test]
fn every_planted_entry_names_a_row_of_its_tenant_once() {
    let written = written(42);
    assert!((50..=100).contains(&written.demo.planted.len()), "{} planted", written.demo.planted.len());
    for entry in written.demo.planted.iter().chain(&written.demo.near_misses) {
        let events = written.lake.rows.iter().filter(|row| row.event_id == entry.row).map(|row| &row.tenant_id);
        let accounts = written.lake.accounts.iter().filter(|account| account.account_id == entry.row);
        let requests = written.lake.requests.iter().filter(|request| request.request_id == entry.row);
        let others = accounts.map(|account| &account.tenant_id).chain(requests.map(|request| &request.tenant_id));
        let tenants: Vec<&String> = events.chain(others).collect();
        assert_eq!(tenants, [&entry.tenant], "{entry:?}");
    }
}

#[test]
fn the_rules_find_what_is_planted_and_nothing_else() {
    for seed in [0, 42] {
        let written = written(seed);
        let planted = entries(&written.demo.planted);
        assert_eq!(planted.len(), written.demo.planted.len(), "seed {seed}: no entry twice");
        assert_eq!(rules::findings(&written.lake), planted, "seed {seed}");
        assert!(planted.is_disjoint(&entries(&written.demo.near_misses)), "seed {seed}");
    }
}

fn entries(planted: &[Planted]) -> BTreeSet<Found> {
    planted.iter().map(|entry| (entry.control, entry.tenant.clone(), entry.row.clone())).collect()
}

/// Every control by five tenants: the page that the demo's report shows.
#[test]
fn the_statuses_show_every_kind_but_error() {
    let expected: Statuses = BTreeMap::from([
        ("AL-ACC-001", ["fail", "fail", "fail", "pass", "not_applicable"]),
        ("AL-ACC-002", ["fail", "fail", "pass", "pass", "not_applicable"]),
        ("AL-ACC-003", ["pass", "fail", "fail", "pass", "pass"]),
        ("AL-ACC-004", ["fail", "pass", "fail", "pass", "pass"]),
        ("AL-ACC-008", ["fail", "fail", "pass", "pass", "fail"]),
        ("AL-AUTH-001", ["fail", "fail", "fail", "fail", "pass"]),
        ("AL-AUTH-002", ["fail", "fail", "pass", "fail", "fail"]),
        ("AL-AUTH-003", ["fail", "fail", "pass", "not_evaluated", "not_applicable"]),
        ("AL-AUTH-004", ["fail", "pass", "fail", "pass", "fail"]),
        ("AL-AUTH-006", ["fail", "pass", "fail", "pass", "pass"]),
        ("AL-AUTH-007", ["fail", "pass", "pass", "pass", "fail"]),
        ("AL-AUTH-008", ["fail", "pass", "fail", "pass", "pass"]),
        ("AL-AUTH-009", ["fail", "fail", "pass", "pass", "pass"]),
        ("AL-AUTH-010", ["pass", "fail", "fail", "fail", "pass"]),
        ("AL-AUTH-011", ["fail", "pass", "not_applicable", "pass", "fail"]),
        ("AL-CON-001", ["fail", "pass", "pass", "fail", "pass"]),
        ("AL-CON-002", ["pass", "fail", "pass", "pass", "fail"]),
        ("AL-DATA-002", ["fail", "pass", "pass", "fail", "pass"]),
        ("AL-DATA-005", ["pass", "pass", "fail", "pass", "fail"]),
        ("AL-DSR-001", ["fail", "pass", "fail", "pass", "warn"]),
        ("AL-LOG-001", ["pass", "fail", "fail", "not_applicable", "pass"]),
        ("AL-LOG-002", ["fail", "pass", "pass", "fail", "pass"]),
        ("AL-LOG-003", ["pass", "fail", "fail", "fail", "pass"]),
        ("AL-LOG-008", ["pass", "fail", "not_applicable", "not_applicable", "fail"]),
        ("AL-LOG-010", ["pass", "pass", "fail", "fail", "pass"]),
        ("AL-LOG-011", ["not_applicable", "not_applicable", "fail", "not_applicable", "pass"]),
    ]);
    assert_eq!(rules::statuses(&written(42).lake), expected);
}

#[test]
fn every_row_is_seen_by_the_report_and_early_enough_for_ingest() {
    for row in written(42).lake.rows {
        // Keys are older than the interval; AL-AUTH-010 looks back for them.
        let early = row.is_of_a_key() && row.time < START_AT;
        assert!(early || (START_AT..REPORT_AT).contains(&row.time), "{row:?}");
        assert!(row.time - FIRST_INGEST_AT < chrono::Duration::days(1), "{row:?}");
        assert!(row.outcome != "unknown", "{row:?}");
    }
    assert_eq!(FIRST_INGEST_AT.to_rfc3339(), "2026-03-01T00:00:00+00:00");
    assert_eq!(REPORT_AT - START_AT, chrono::Duration::days(60));
}

#[test]
fn every_shipped_control_is_planted_and_nearly_missed() {
    let demo = written(42).demo;
    for control in schemas::shipped_controls() {
        for (entries, what) in [(&demo.planted, "violation"), (&demo.near_misses, "near miss")] {
            assert!(entries.iter().any(|one| one.control == control.id.as_str()), "{}: no {what}", control.id);
        }
    }
}

#[test]
fn a_sink_that_refuses_ends_the_generation() {
    let mut calls = 0;
    let refused = generate(1, &mut |_, _| {
        calls += 1;
        Err(io::Error::other("disk full"))
    });
    assert_eq!((refused.unwrap_err().to_string().as_str(), calls), ("disk full", 1));
}

#[test]
fn the_definitions_of_both_lakes_pass_the_check() {
    for definitions in [definitions(), init_definitions()] {
        let files: Vec<schemas::SourceFile> =
            definitions.into_iter().map(|(path, text)| schemas::SourceFile { path, text: text.into_bytes() }).collect();
        assert!(files.iter().all(|file| schemas::is_definition(&file.path)), "every file is read");
        let lake = schemas::check(&files).unwrap();
        let single = lake.evidence.iter().count() + lake.subjects.iter().count();
        // A template of a copy waits for the dataset that somebody gives it.
        let is_copy = |file: &&schemas::SourceFile| String::from_utf8_lossy(&file.text).contains("\nanonymize: ");
        let copies = files.iter().filter(is_copy).count();
        let contracts = lake.slas.len() + lake.usages.len();
        let defined = 1 + lake.jobs.len() + lake.datasets.len() + single + lake.retention.len() + copies + contracts;
        assert_eq!(defined, files.len(), "a file defines one thing");
    }
    let all: Vec<String> = schemas::DATASET_SCHEMAS.iter().map(|schema| schema.name.to_owned()).collect();
    let declared: Vec<String> = init_definitions()
        .iter()
        .filter_map(|(_, text)| text.lines().find_map(|line| line.strip_prefix("schema: ")).map(str::to_owned))
        .collect();
    assert_eq!(declared, all, "a new lake declares every schema");
}

/// The window that the job names is the one that the instants of this module need.
#[test]
fn the_report_job_looks_at_every_event() {
    let (_, job) = definitions().into_iter().find(|(path, _)| path == "jobs/compliance.yaml").unwrap();
    assert!(job.contains(&format!("window: {}d\n", (REPORT_AT - START_AT).num_days())));
}
