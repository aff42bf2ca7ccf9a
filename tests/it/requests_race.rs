//! Many workers on one inbox, some of them killed: each request is answered once, and nothing else is to be seen.
//!
//! On disk, in a bucket behind a proxy that lets one conditional write through at a time, and in a bucket without it by
//! one worker after the other. `AUDITLAKE_REQUESTS` sets how many requests; workers and principals follow from it. What
//! happens in memory lies beside the watch itself.

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::auditlake::Lake;
use crate::kill::{INGEST, dropped, kill_one_after_the_other, times};
use crate::moto;
use crate::serial_proxy::serialised;

const INBOX: &str = "requests/inbox";
const RUN: [&str; 6] = ["requests", "run", "--settle", "0", "--workers", "1"];

/// How much is asked by whom, and answered by how many.
#[derive(Debug, Clone, Copy)]
struct Race {
    requests: u64,
    principals: u64,
    workers: u64,
    /// Time between two kills, on average.
    kill_ms: u64,
}

impl Race {
    fn of(workers: u64, kill_ms: u64) -> Self {
        let requests = times("AUDITLAKE_REQUESTS", 24);
        Self { requests, principals: (requests / 10).max(4), workers: workers.min(requests / 4), kill_ms }
    }
}

#[test]
fn workers_that_die_on_disk_leave_one_answer_to_each_request() {
    race(Lake::new(), Race::of(20, 300));
}

#[test]
fn workers_that_die_in_a_bucket_leave_one_answer_to_each_request() {
    let Some(bucket) = moto::bucket("workers_that_die_in_a_bucket_leave_one_answer_to_each_request") else { return };
    race(Lake::in_bucket(serialised(&bucket)), Race::of(20, 4_000));
}

/// Without races: the server that tests start does not decide them.
#[test]
fn a_worker_that_dies_in_a_bucket_is_followed_by_the_next() {
    let Some(bucket) = moto::bucket("a_worker_that_dies_in_a_bucket_is_followed_by_the_next") else { return };
    race(Lake::in_bucket(bucket), Race::of(1, 2_500));
}

fn race(lake: Lake, how: Race) {
    let lake = &asked(lake, how);
    let mut chance = ChaCha8Rng::seed_from_u64(how.requests);
    let workers = usize::try_from(how.workers).expect("a few");
    kill_one_after_the_other(lake, &RUN, (workers, how.kill_ms), &mut chance, |kills| {
        assert!(kills < 20 * how.requests + 100, "{} requests still wait", lake.count(INBOX));
        lake.count(INBOX) == 0
    });
    // What the last ones left is for the next one.
    let ran = lake.run(&[&RUN[..], &["--once"]].concat());
    ran.succeeded();
    each_is_answered_once(lake, how.requests);
}

/// A lake with principals, events, and an inbox full of requests.
fn asked(lake: Lake, how: Race) -> Lake {
    let lake = dropped(lake);
    let people: String = (0..how.principals)
        .map(|one| format!("  p{one}: {{tenants: [t{}], roles: [reader], channels: [inbox]}}\n", one % 3))
        .collect();
    lake.write(
        "access.yaml",
        format!(
            "roles:\n  reader:\n    inherits: [analyst]\n    limits: {{exports_per_hour: 1000000}}\n    datasets: {{audit: {{rows: all}}}}\nprincipals:\n{people}"
        ),
    );
    lake.json(&INGEST);
    for number in 0..how.requests {
        let name = format!("requests/inbox/p{}/{number}.yaml", number % how.principals);
        lake.put(&name, format!("request: 1\nid: n-{number}\ndataset: audit\nformat: ndjson\nsplit: {{rows: 500}}\n"));
    }
    lake
}

/// Every request has one answer, of the parts that it names and no others, and none is left.
pub(crate) fn each_is_answered_once(lake: &Lake, requests: u64) {
    let objects: BTreeMap<String, bytes::Bytes> = lake.objects().into_iter().collect();
    let requests = usize::try_from(requests).expect("a few");
    let (mut asked, mut named) = (BTreeSet::new(), BTreeSet::new());
    for (path, bytes) in
        objects.iter().filter(|(path, _)| path.starts_with("exports/") && path.ends_with("/manifest.json"))
    {
        let manifest: Value = serde_json::from_slice(bytes).expect("JSON");
        assert!(asked.insert(manifest["request"]["id"].to_string()), "{path}: answered twice");
        let folder = path.trim_end_matches("manifest.json");
        for part in manifest["parts"].as_array().expect("parts") {
            let part_path = format!("{folder}{}", part["path"].as_str().expect("a path"));
            let bytes = objects.get(&part_path).unwrap_or_else(|| panic!("{part_path} is not there"));
            assert_eq!(part["sha256"], engine::hex(&Sha256::digest(bytes)), "{part_path}");
            named.insert(part_path);
        }
    }
    assert_eq!(asked.len(), requests, "answers");
    let there: BTreeSet<String> = objects.keys().filter(|name| name.contains("/part-")).cloned().collect();
    assert_eq!(there.difference(&named).collect::<Vec<_>>(), Vec::<&String>::new(), "parts that no manifest names");
    let of = |folder: &str| objects.keys().filter(|name| name.starts_with(folder)).count();
    assert_eq!((of("requests/inbox/"), of("requests/done/"), of("requests/rejected/")), (0, requests, 0));
}
