//! Many processes on one lake at once: ingests, compactions, a query job and readers, some of them killed.
//!
//! No event may be lost or doubled, and no reader may see a part of a generation of files. On disk, and in a bucket
//! behind a proxy that lets one conditional write through at a time. `AUDITLAKE_PROCESS_RACES` sets how often.

#![expect(clippy::disallowed_methods, reason = "a process is killed at a moment, and moments are the machine's")]

use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::auditlake::{Lake, ended};
use crate::kill::{EVENTS, INGEST, dropped, seen, times};
use crate::moto;
use crate::serial_proxy::serialised;

const COMPACT: [&str; 3] = ["compact", "audit", "--at=2026-03-04T06:00:00Z"];
const DAY: [&str; 4] = ["run", "day", "--at=2026-03-02T00:00:00Z", "--again"];
const COUNT: [&str; 2] = ["sql", "SELECT count(*), count(DISTINCT event_id) FROM audit"];

#[test]
fn processes_that_race_on_disk_lose_and_double_nothing() {
    processes_race(Lake::new);
}

#[test]
fn processes_that_race_in_a_bucket_lose_and_double_nothing() {
    let test = "processes_that_race_in_a_bucket_lose_and_double_nothing";
    if moto::bucket(test).is_some() {
        processes_race(|| Lake::in_bucket(serialised(&moto::bucket(test).expect("a bucket"))));
    }
}

/// Races that run at once: most of one is waiting for claims.
const AT_ONCE: u64 = 4;

fn processes_race(new: impl Fn() -> Lake + Sync) {
    let next = AtomicU64::new(0);
    let races = times("AUDITLAKE_PROCESS_RACES", 3);
    let racing = || {
        for seed in std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|seed| *seed < races) {
            race(new(), seed);
        }
    };
    std::thread::scope(|scope| (0..AT_ONCE.min(races)).for_each(|_| drop(scope.spawn(racing))));
}

fn race(lake: Lake, seed: u64) {
    let lake = half_ingested(lake);
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let works: [&[&str]; 6] = [&INGEST, &INGEST, &COMPACT, &COMPACT, &DAY, &COUNT];
    let mut at_work: Vec<(usize, Child)> = Vec::new();
    for (work, args) in works.iter().enumerate() {
        // Starts at seeded moments are the point as well: at once, all would queue for the claim in one order.
        std::thread::sleep(Duration::from_millis(chance.random_range(0..120)));
        at_work.push((work, lake.start(args)));
    }
    let victim = chance.random_range(0..5);
    // The moment itself is what is tested, so waiting for a state would miss the point.
    std::thread::sleep(Duration::from_millis(chance.random_range(0..900)));
    for (work, mut child) in at_work {
        if work == victim {
            child.kill().expect("a child can be killed");
            child.wait().expect("a child ends");
            continue;
        }
        let ran = ended(child.wait_with_output().expect("a child ends"));
        // A compaction leaves an ingest that stands half done to whoever continues it.
        let held_up = works[work] == COMPACT && ran.err.contains("stopped half way");
        assert!(ran.code == Some(0) || held_up, "seed {seed}: {:?}: {}", works[work], ran.err);
        if works[work] == COUNT {
            let figures: Vec<u64> = ran.out.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            assert_eq!(figures.first(), figures.get(1), "seed {seed}: a reader saw rows twice: {}", ran.out);
        }
    }
    for args in [&INGEST[..], &DAY, &COMPACT] {
        lake.run(args).succeeded();
        assert_eq!(seen(&lake).0, seen(&lake).1, "seed {seed}: after {args:?}");
    }
    assert_eq!(seen(&lake), (EVENTS, EVENTS), "seed {seed}");
    let day = (lake.figure("SELECT count(*) FROM day"), lake.figure("SELECT count(DISTINCT event_id) FROM day"));
    assert_eq!(day, (EVENTS / 3, EVENTS / 3), "seed {seed}");
    // What was replaced, and what was given up, is deleted a day later.
    lake.run(&["compact", "audit", "--at=2026-03-09T00:00:00Z"]).succeeded();
    assert_eq!(seen(&lake), (EVENTS, EVENTS), "seed {seed}: after a week");
}

/// Half of the events ingested, all of them dropped, and a job over one day of them.
fn half_ingested(lake: Lake) -> Lake {
    let lake = dropped(lake);
    lake.write("datasets/day.yaml", "dataset: day\nlocation: day/\ntenant: tenant_id\n");
    lake.write(
        "jobs/day.yaml",
        "job: day\nkind: query\nwindow: 1d\ninto: day\nsql: SELECT tenant_id, event_id, time FROM audit \
         WHERE time >= $start AND time < $end\n",
    );
    for part in 0..3 {
        let part = format!("drop/part-{part}.ndjson");
        lake.json(&["ingest", "ndjson", &part, "--into", "audit", "--at=2026-03-04T00:00:00Z"]);
    }
    lake
}
