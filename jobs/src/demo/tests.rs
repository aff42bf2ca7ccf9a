//! The generator against rules written a second time, in plain Rust over the parsed rows.

mod rules;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use super::*;
use rules::{Row, Statuses};

struct Written {
    demo: Demo,
    files: Vec<(String, usize)>,
    hash: u64,
    rows: Vec<Row>,
}

fn written(seed: u64) -> Written {
    let (mut files, mut hasher, mut rows) = (Vec::new(), DefaultHasher::new(), Vec::new());
    let demo = generate(seed, &mut |path, bytes| {
        bytes.hash(&mut hasher);
        let text = std::str::from_utf8(bytes).unwrap();
        files.push((path.to_owned(), text.lines().count()));
        rows.extend(text.lines().map(Row::parse));
        Ok(())
    })
    .unwrap();
    Written { demo, files, hash: hasher.finish(), rows }
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
    assert_eq!(written.files.len(), 60);
    assert_eq!(written.files[0].0, "drop/audit-2026-01-01.ndjson");
    assert_eq!(written.files[59].0, "drop/audit-2026-03-01.ndjson");
    let lines: usize = written.files.iter().map(|(_, lines)| lines).sum();
    assert_eq!(written.demo.events, lines as u64);
    assert!((190_000..=210_000).contains(&lines), "{lines} events");
    let tenants: BTreeSet<&str> = written.rows.iter().map(|row| row.tenant_id.as_str()).collect();
    assert_eq!(tenants, BTreeSet::from(["acme", "borealis", "cobalt", "dune", "ember"]));
    let ids: BTreeSet<&str> = written.rows.iter().map(|row| row.event_id.as_str()).collect();
    assert_eq!(ids.len(), lines, "ids are unique");
    assert_ne!(written.hash, 0);
}

#[test]
fn every_planted_entry_names_a_row_of_its_tenant_once() {
    let written = written(42);
    assert!((25..=40).contains(&written.demo.planted.len()), "{} planted", written.demo.planted.len());
    for entry in written.demo.planted.iter().chain(&written.demo.near_misses) {
        let rows: Vec<&Row> = written.rows.iter().filter(|row| row.event_id == entry.event_id).collect();
        assert_eq!(rows.len(), 1, "{entry:?}");
        assert_eq!(rows[0].tenant_id, entry.tenant, "{entry:?}");
    }
}

#[test]
fn the_rules_find_what_is_planted_and_nothing_else() {
    for seed in [0, 42] {
        let written = written(seed);
        let planted: BTreeSet<(String, String)> = entries(&written.demo.planted);
        assert_eq!(planted.len(), written.demo.planted.len(), "seed {seed}: no entry twice");
        assert_eq!(rules::findings(&written.rows), planted, "seed {seed}");
        assert!(planted.is_disjoint(&entries(&written.demo.near_misses)), "seed {seed}");
    }
}

fn entries(planted: &[Planted]) -> BTreeSet<(String, String)> {
    planted.iter().map(|entry| (entry.control.to_owned(), entry.event_id.clone())).collect()
}

/// Six controls by five tenants: the page that the demo's report shows.
#[test]
fn the_statuses_show_every_kind_but_warn_and_error() {
    let expected: Statuses = BTreeMap::from([
        ("AL-ACC-008", ["fail", "fail", "pass", "pass", "fail"]),
        ("AL-AUTH-001", ["fail", "pass", "fail", "fail", "pass"]),
        ("AL-AUTH-003", ["fail", "fail", "pass", "not_evaluated", "not_applicable"]),
        ("AL-AUTH-004", ["fail", "pass", "fail", "pass", "fail"]),
        ("AL-LOG-003", ["pass", "fail", "fail", "fail", "pass"]),
        ("AL-LOG-010", ["pass", "pass", "fail", "fail", "pass"]),
    ]);
    assert_eq!(rules::statuses(&written(42).rows), expected);
}

#[test]
fn every_row_is_inside_the_report_and_early_enough_for_ingest() {
    for row in written(42).rows {
        assert!((START_AT..REPORT_AT).contains(&row.time), "{row:?}");
        assert!(row.time - INGEST_AT < chrono::Duration::days(1), "{row:?}");
        assert!(row.outcome != "unknown", "{row:?}");
    }
    assert_eq!(INGEST_AT.to_rfc3339(), "2026-03-02T00:00:00+00:00");
    assert_eq!(REPORT_AT - START_AT, chrono::Duration::days(61));
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
        let files: Vec<schemas::SourceFile> = definitions
            .into_iter()
            .map(|(path, text)| schemas::SourceFile { path: path.to_owned(), text: text.into_bytes() })
            .collect();
        assert!(files.iter().all(|file| schemas::is_definition(&file.path)), "every file is read");
        let lake = schemas::check(&files).unwrap();
        assert_eq!((lake.jobs.len(), lake.datasets.len() + 3), (2, files.len()));
    }
}

/// The window that the job names is the one that the instants of this module need.
#[test]
fn the_report_job_looks_at_every_event() {
    let (_, job) = definitions().into_iter().find(|(path, _)| *path == "jobs/compliance.yaml").unwrap();
    assert!(job.contains(&format!("window: {}d\n", (REPORT_AT - START_AT).num_days())));
}
