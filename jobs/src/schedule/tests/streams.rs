//! Runners on one lake that die anywhere while files come, late, twice, changed and out of order, and while others compact:
//! every row is counted once (RUN-4).
//!
//! `AUDITLAKE_STREAM_SEEDS` and `AUDITLAKE_STREAM_FILES` say how often and how much.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use chrono::TimeDelta;
use engine::{Lakefront, NoSystemTables, Resources, SessionFactory};
use futures::future::join_all;
use object_store::path::Path;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::FixedClock;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::at;
use super::simulation::{BEGIN, Scene, crew, of_environment};
use crate::claim::Patience;
use crate::compact::{CompactCommand, GRACE, compact};
use crate::lake::{OpenLake, with_companions};
use crate::progress::Progress;
use crate::runner::{Asked, Revise, Scheduled, run};
use crate::schedule::streaming::Watches;
use crate::schedule::work::Until;
use crate::stream::{Next, next_by_hand};
use crate::world::World;

const RUNNERS: u64 = 2;
/// How often each goes on between two files.
const TURNS: u64 = 400;

fn write(folder: &TempDir, name: &str, text: &str) {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
    // Whoever lists the folder sees the file whole or not at all.
    let staged = folder.path().join(".staged");
    std::fs::write(&staged, text).expect("a file can be written");
    std::fs::rename(staged, path).expect("a file can be moved");
}

fn definitions() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    write(&folder, "lake.yaml", "lake: sim\nstore: \"memory:\"\n");
    write(&folder, "drop/none.txt", "");
    write(&folder, "datasets/audit.yaml", "dataset: audit\nlocation: audit/\nschema: audit.v1\n");
    write(&folder, "datasets/copied.yaml", "dataset: copied\nlocation: copied/\ntenant: tenant_id\ntime: time\n");
    let retry = "retry: {max: 20, base: 1s, cap: 30s}\n";
    write(
        &folder,
        "jobs/arrive.yaml",
        &format!(
            "job: arrive\nkind: ingest\nfrom: {{location: drop/, format: ndjson}}\ninto: audit\n\
             schedule: {{on: {{new_files: drop/, settle: 0, max_files: 3}}}}\n{retry}"
        ),
    );
    write(
        &folder,
        "jobs/copy.yaml",
        &format!(
            "job: copy\nkind: query\ninto: copied\nschedule: {{on: {{new_files: audit, max_files: 4}}}}\n\
             sql: SELECT tenant_id, time, event_id FROM audit\n{retry}"
        ),
    );
    folder
}

fn opened(folder: &TempDir, front: Lakefront) -> OpenLake {
    let mut lake = OpenLake::open(folder.path()).expect("right definitions");
    let datasets = with_companions(&lake.definitions);
    let resources = Resources { memory_bytes: 256 << 20, partitions: 1, spill: None };
    lake.sessions = SessionFactory::new(Arc::clone(front.store()), datasets, Arc::new(NoSystemTables), resources);
    lake.front = front;
    lake
}

/// Files as they come: most are new, some have rows of others, some are written anew with more rows.
struct Source {
    chance: ChaCha8Rng,
    /// Numbers of the events of each file.
    files: BTreeMap<String, Vec<u32>>,
    events: u32,
}

impl Source {
    fn goes_on(&mut self, folder: &TempDir) {
        let known: Vec<String> = self.files.keys().cloned().collect();
        let another = (!known.is_empty()).then(|| known[self.chance.random_range(0..known.len())].clone());
        let fresh: Vec<u32> = (0..self.chance.random_range(1..4)).map(|more| self.events + more).collect();
        self.events += u32::try_from(fresh.len()).expect("few");
        let (name, events) = match (another, self.chance.random_range(0..10)) {
            (Some(other), 0) => (self.name(), [self.files[&other].clone(), fresh].concat()),
            (Some(other), 1 | 2) => (other.clone(), [self.files[&other].clone(), fresh].concat()),
            _ => (self.name(), fresh),
        };
        let lines: Vec<String> = events.iter().map(|number| event(*number)).collect();
        write(folder, &format!("drop/{name}"), &lines.join("\n"));
        self.files.insert(name, events);
    }

    /// Names that no order of arrival can be told from.
    fn name(&mut self) -> String {
        format!("{:08x}.ndjson", self.chance.random::<u32>())
    }
}

fn event(number: u32) -> String {
    let (day, minute) = (1 + number * 7 % 20, number % 60);
    format!(
        r#"{{"event_id":"e-{number}","time":"2026-03-{day:02}T10:{minute:02}:00Z","tenant_id":"t{}","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-1","actor_type":"user"}}"#,
        number % 2
    )
}

#[tokio::test]
async fn every_row_of_every_file_is_counted_once_whoever_dies() {
    let files = of_environment("AUDITLAKE_STREAM_FILES", 20);
    for seed in 0..of_environment("AUDITLAKE_STREAM_SEEDS", 2).unsigned_abs() {
        let folder = definitions();
        let scene = Scene::new(seed % 2 == 1);
        let runners = scene.runners(seed, RUNNERS, |front| opened(&folder, front));
        let mut source = Source { chance: ChaCha8Rng::seed_from_u64(1_000 + seed), files: BTreeMap::new(), events: 0 };
        let driver = async {
            let lake = opened(&folder, scene.front.clone());
            for number in 0..files {
                source.goes_on(&folder);
                scene.ten_seconds_pass(TURNS).await;
                if number % 7 == 6 {
                    let now = at(BEGIN) + TimeDelta::seconds(10 * number);
                    let world = World::seeded(Arc::new(FixedClock(now)), seed);
                    let command = CompactCommand {
                        dataset: "audit".to_owned(),
                        grace: GRACE,
                        file_bytes: 128 << 20,
                        dry_run: false,
                    };
                    // An ingest that died half way is completed first.
                    drop(compact(&lake, &world, &command, &Progress::silent()).await);
                }
            }
            scene.is_over.store(true, Ordering::Relaxed);
        };
        tokio::join!(driver, join_all(runners));
        scene.is_well.store(true, Ordering::Relaxed);
        let lake = opened(&folder, scene.front.clone());
        finished(&lake, at(BEGIN) + TimeDelta::seconds(10 * files), seed).await;
        checked(&lake, &source, seed).await;
    }
}

/// One last runner, undisturbed; what was given up runs again.
async fn finished(lake: &OpenLake, end: chrono::DateTime<chrono::Utc>, seed: u64) {
    let never = CancellationToken::new();
    let (patience, watches) = (Patience::of(std::time::Duration::ZERO), Watches::default());
    for later in 0..90 {
        let world = World::seeded(Arc::new(FixedClock(end + TimeDelta::seconds(later))), seed);
        let crew = crew(lake, &world, (&patience, &watches, &never), 2);
        crew.work(Until::Done, &|_| ()).await.expect("an undisturbed store");
    }
    let world = World::seeded(Arc::new(FixedClock(end + TimeDelta::seconds(90))), seed);
    for job in &lake.definitions.jobs {
        let stream = job.timing.stream.as_ref().expect("new files");
        while let Next::Batch { interval, number } =
            next_by_hand((lake, &world), (job, stream)).await.expect("an undisturbed store")
        {
            let at = world.at(Arc::new(FixedClock(interval.end)));
            let scheduled = Scheduled { interval, batch: Some(number), clock: &world, patience: None, stop: None };
            let asked = Asked { scheduled: Some(scheduled), ..Asked::by(Revise::Never, None) };
            let ran = run(lake, &at, job, asked, &Progress::silent()).await;
            ran.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }
}

/// Every event is there once in what came in and once in what was made of it, and every file is of one batch.
async fn checked(lake: &OpenLake, source: &Source, seed: u64) {
    let session = lake.sessions.session(at(BEGIN)).expect("a session");
    for table in ["audit", "copied"] {
        let sql = format!("SELECT count(*), count(DISTINCT event_id) FROM {table}");
        let batches = session.query(&sql).await.expect("figures");
        let figure = |column: usize| batches[0].column(column).as_primitive::<Int64Type>().value(0);
        assert_eq!(
            (figure(0), figure(1)),
            (i64::from(source.events), i64::from(source.events)),
            "seed {seed}: {table}"
        );
    }
    for job in ["arrive", "copy"] {
        let folder = Path::from(format!("_auditlake/checkpoints/{job}/batches"));
        let mut read: BTreeSet<(String, String)> = BTreeSet::new();
        for meta in lake.front.list(&folder).await.expect("a listing") {
            if meta.location.as_ref().ends_with(".plan.json") {
                continue;
            }
            let record: Option<serde_json::Value> = lake.front.read_json(&meta.location).await.expect("a record");
            let record = record.expect("a record");
            for file in record["read"].as_array().expect("files") {
                let text = |key: &str| file[key].as_str().expect("a text").to_owned();
                assert!(read.insert((text("path"), text("etag"))), "seed {seed}, {job}: {file} was read twice");
            }
        }
        assert!(read.len() >= source.files.len().min(3), "seed {seed}, {job}: {}", read.len());
    }
}
