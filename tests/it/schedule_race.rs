//! Several runners on one lake, killed at any moment: every interval is published once.
//!
//! On disk, and in a bucket behind a proxy that lets one conditional write through at a time. `AUDITLAKE_SCHEDULE_RACES` says
//! how often. Runners that are paused or meet a failing store lie beside the scheduler itself.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::auditlake::Lake;
use crate::kill::{kill_one_after_the_other, times};
use crate::moto;
use crate::serial_proxy::serialised;

const JOBS: u64 = 3;
const HOURS: u64 = 8;
const RUNNERS: usize = 3;
const DUE: [&str; 4] = ["run", "--due", "--until-idle", "--at=2026-03-10T08:05:00Z"];
/// Kills after which runners are left alone, so that a race has an end.
const KILLS_MAX: u64 = 200;

/// A lake with two events of each hour, and jobs that count them.
fn asked(lake: Lake) -> Lake {
    let events: Vec<String> = (0..2 * HOURS)
        .map(|number| {
            format!(
                r#"{{"event_id":"e-{number}","time":"2026-03-10T{:02}:{:02}:00Z","tenant_id":"t1","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-1","actor_type":"user"}}"#,
                number / 2,
                10 + number % 2
            )
        })
        .collect();
    lake.write("events.ndjson", events.join("\n"));
    lake.json(&["ingest", "ndjson", "events.ndjson", "--into", "audit", "--at=2026-03-10T08:00:00Z"]);
    for number in 0..JOBS {
        let dataset = format!("dataset: hours_{number}\nlocation: hours-{number}/\ntenant: tenant_id\ntime: until\n");
        lake.write(&format!("datasets/hours_{number}.yaml"), dataset);
        lake.write(
            &format!("jobs/count-{number}.yaml"),
            format!(
                "job: count-{number}\nkind: query\ninto: hours_{number}\n\
                 schedule: {{cron: '@hourly', start: '2026-03-10T00:00:00Z', catch_up: all}}\n\
                 sql: SELECT tenant_id, $end AS until, count(*) AS events FROM audit WHERE time >= $start AND time < $end GROUP BY tenant_id\n"
            ),
        );
    }
    lake
}

/// Commits by run.
fn commits(lake: &Lake) -> BTreeMap<String, Vec<Value>> {
    let mut commits: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (name, bytes) in lake.objects() {
        let Some((run, _)) = name.strip_prefix("_auditlake/runs/").and_then(|below| below.split_once("/commit-"))
        else {
            continue;
        };
        let commit: Value = serde_json::from_slice(&bytes).expect("a commit");
        commits.entry(run.to_owned()).or_default().push(commit);
    }
    commits
}

fn race(lake: Lake, (seed, kill_ms): (u64, u64)) {
    let lake = &asked(lake);
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    kill_one_after_the_other(lake, &DUE, (RUNNERS, kill_ms), &mut chance, |kills| {
        kills >= KILLS_MAX || commits(lake).len() as u64 >= JOBS * HOURS
    });
    // What the last ones left is for the next one.
    lake.run(&DUE).succeeded();
    each_interval_is_published_once(lake, seed);
}

fn each_interval_is_published_once(lake: &Lake, seed: u64) {
    let commits = commits(lake);
    assert_eq!(commits.len() as u64, JOBS * HOURS, "seed {seed}: {:?}", commits.keys());
    let mut written = 0;
    for (run, commits) in &commits {
        let [commit] = &commits[..] else { panic!("seed {seed}: {run} has commits {commits:?}") };
        written += commit["outputs"].as_array().map_or(0, |outputs| outputs.len() as u64);
    }
    assert_eq!(written, JOBS * HOURS, "seed {seed}: a file for each");
    for number in 0..JOBS {
        let sql =
            format!("SELECT count(*) AS n, count(DISTINCT until) AS hours, sum(events) AS events FROM hours_{number}");
        let expected = json!({"n": HOURS, "hours": HOURS, "events": 2 * HOURS});
        assert_eq!(lake.rows(&sql), [expected], "seed {seed}: {sql}");
    }
    let missing = lake.json(&["runs", "missing", "--at=2026-03-10T08:05:00Z"]);
    assert_eq!(missing["missing"], json!([]), "seed {seed}");
    // Who died between an entry of the log and its signature left that to the next entry, and there is none.
    lake.run(&["evidence", "anchor"]).succeeded();
    lake.run(&["verify"]).succeeded();
}

#[test]
fn runners_that_die_on_disk_publish_every_interval_once() {
    for seed in 0..times("AUDITLAKE_SCHEDULE_RACES", 2) {
        race(Lake::new(), (seed, 300));
    }
}

#[test]
fn runners_that_die_in_a_bucket_publish_every_interval_once() {
    let name = "runners_that_die_in_a_bucket_publish_every_interval_once";
    for seed in 0..times("AUDITLAKE_SCHEDULE_RACES", 1) {
        let Some(bucket) = moto::bucket(name) else { return };
        race(Lake::in_bucket(serialised(&bucket)), (seed, 2_000));
    }
}
