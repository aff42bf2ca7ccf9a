//! Runners on one lake, with clocks of their own, that die anywhere, are taken for dead and go on, and whose store fails:
//! each interval is computed once, and none is lost (RUN-1, RUN-2).
//!
//! `AUDITLAKE_SCHEDULE_SEEDS` and `AUDITLAKE_SCHEDULE_INTERVALS` say how often and how much.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use engine::Lakefront;
use futures::future::join_all;
use object_store::path::Path;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::{Clock, FixedClock, Interval};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::at;
use super::faulty::{FaultyStore, turns_of_others};
use crate::claim::Patience;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{CommitRecord, Ledger};
use crate::progress::Progress;
use crate::schedule::backfill::{self, Only, Order, Wanted};
use crate::schedule::book::{Books, Since};
use crate::schedule::known::Standing;
use crate::schedule::streaming::Watches;
use crate::schedule::work::{Crew, Until};
use crate::world::World;

pub(super) const BEGIN: &str = "2026-03-29T00:00:00Z";
/// How often each goes on while ten seconds pass.
const TURNS: u64 = 100;
const JOBS: usize = 6;
const RUNNERS: u64 = 3;

/// Time that a driver passes on, and that a runner sees a little earlier or later.
#[derive(Debug, Clone)]
struct Simulated {
    micros: Arc<AtomicI64>,
    drift: TimeDelta,
}

impl Clock for Simulated {
    fn now(&self) -> DateTime<Utc> {
        let micros = self.micros.load(Ordering::Relaxed);
        DateTime::from_timestamp_micros(micros).unwrap_or_default() + self.drift
    }
}

/// Definitions of jobs that do next to nothing, each in its own way: with other jobs before them, too.
fn definitions() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
    };
    write("lake.yaml", "lake: sim\nstore: \"memory:\"\n".to_owned());
    for number in 0..JOBS {
        let pattern = ["* * * * *", "*/2 * * * *", "1-59/3 * * * *"][number % 3];
        let concurrency = if number < 3 { "queue" } else { "forbid" };
        let after = if number == 4 { "after: [{job: j1, wait: 100d}]\n" } else { "" };
        write(
            &format!("jobs/j{number}.yaml"),
            format!(
                "job: j{number}\nkind: retention\nschedule: {{cron: \"{pattern}\", start: \"{BEGIN}\", catch_up: all, \
                 starting_deadline: 100d, concurrency: {concurrency}}}\n{after}retry: {{max: 20, base: 1s, cap: 30s}}\n"
            ),
        );
    }
    write("jobs/follower.yaml", "job: follower\nkind: retention\nafter: [{job: j0}]\n".to_owned());
    folder
}

fn opened(folder: &TempDir, front: Lakefront) -> OpenLake {
    let mut lake = OpenLake::open(folder.path()).expect("right definitions");
    lake.front = front;
    lake
}

/// Who works on a lake, and does not wait between two looks.
pub(super) fn crew<'a>(
    lake: &'a OpenLake,
    world: &'a World,
    (patience, watches, never): (&'a Patience, &'a Watches, &'a CancellationToken),
    workers: usize,
) -> Crew<'a> {
    let (progress, tick) = (Progress::silent(), Duration::ZERO);
    Crew { lake, world, workers, patience, watches, closing: never, stop: never, progress, tick, ticked: None }
}

/// A runner that lives for a while, again and again, until everything is over.
async fn runner(lake: OpenLake, clock: Simulated, seed: u64, is_over: &AtomicBool) {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let world = World::seeded(Arc::new(clock), seed);
    let never = CancellationToken::new();
    while !is_over.load(Ordering::Relaxed) {
        // Whoever shows no life between two looks is taken for dead, so that some go on who are not.
        let (patience, watches) = (Patience::of(Duration::ZERO), Watches::default());
        let workers = chance.random_range(1..4);
        tokio::select! {
            // Where its time is over it stops, at whichever request it waits for.
            () = turns_of_others(chance.random_range(50..4_000)) => {}
            _ = async { crew(&lake, &world, (&patience, &watches, &never), workers).work(Until::Stopped, &|_| ()).await } => {}
        }
    }
}

/// A store, and a time that passes for everybody.
pub(super) struct Scene {
    /// As it is for whoever meets no faults.
    pub(super) front: Lakefront,
    micros: Arc<AtomicI64>,
    pub(super) is_over: AtomicBool,
    /// Whether no request fails any more.
    pub(super) is_well: Arc<AtomicBool>,
    _on_disk: TempDir,
}

impl Scene {
    pub(super) fn new(is_on_disk: bool) -> Self {
        let on_disk = TempDir::new().expect("a temporary folder");
        Self {
            front: if is_on_disk { Lakefront::folder(on_disk.path()).expect("a lake") } else { Lakefront::memory() },
            micros: Arc::new(AtomicI64::new(at(BEGIN).timestamp_micros())),
            is_over: AtomicBool::new(false),
            is_well: Arc::new(AtomicBool::new(false)),
            _on_disk: on_disk,
        }
    }

    /// So many runners, each with a clock and faults of its own.
    pub(super) fn runners(
        &self,
        seed: u64,
        count: u64,
        open: impl Fn(Lakefront) -> OpenLake,
    ) -> impl Iterator<Item = impl Future<Output = ()>> {
        (0..count).map(move |number| {
            let own = seed * count + number;
            let wrap = |inner| -> Arc<dyn object_store::ObjectStore> {
                Arc::new(FaultyStore::over(inner, own, &self.is_well))
            };
            let drift = TimeDelta::seconds(i64::try_from(number).expect("few") * 20 - 20);
            let clock = Simulated { micros: Arc::clone(&self.micros), drift };
            runner(open(self.front.clone().behind(wrap)), clock, own, &self.is_over)
        })
    }

    pub(super) async fn ten_seconds_pass(&self, turns: u64) {
        self.micros.fetch_add(10_000_000, Ordering::Relaxed);
        turns_of_others(turns).await;
    }
}

pub(super) fn of_environment(name: &str, default: i64) -> i64 {
    std::env::var(name).map_or(default, |given| given.parse().expect("a number"))
}

#[tokio::test]
async fn runners_that_die_sleep_and_lose_requests_compute_each_interval_once() {
    let minutes = of_environment("AUDITLAKE_SCHEDULE_INTERVALS", 20);
    for seed in 0..of_environment("AUDITLAKE_SCHEDULE_SEEDS", 6).unsigned_abs() {
        let folder = definitions();
        let scene = Scene::new(seed % 6 == 5);
        let runners = scene.runners(seed, RUNNERS, |front| opened(&folder, front));
        let driver = async {
            for _ in 0..minutes * 6 {
                scene.ten_seconds_pass(TURNS).await;
            }
            scene.is_over.store(true, Ordering::Relaxed);
        };
        tokio::join!(driver, join_all(runners));
        scene.is_well.store(true, Ordering::Relaxed);
        let lake = opened(&folder, scene.front.clone());
        let end = at(BEGIN) + TimeDelta::minutes(minutes);
        finished(&lake, end, seed).await;
        checked(&lake, end, seed).await;
    }
}

/// One last runner, undisturbed, and then what was given up.
async fn finished(lake: &OpenLake, end: DateTime<Utc>, seed: u64) {
    let never = CancellationToken::new();
    let patience = Patience::of(Duration::ZERO);
    // Attempts that wait for their next try come due one after the other.
    for later in 0..90 {
        let world = World::seeded(Arc::new(FixedClock(end + TimeDelta::seconds(later))), seed);
        let watches = Watches::default();
        let crew = crew(lake, &world, (&patience, &watches, &never), 2);
        crew.work(Until::Done, &|_| ()).await.expect("an undisturbed store");
    }
    let world = World::seeded(Arc::new(FixedClock(end)), seed);
    for job in &lake.definitions.jobs {
        let wanted = Wanted { from: at(BEGIN), to: end, only: Only::Failed, order: Order::Asc };
        let plan = match backfill::plan(lake, &world, job, wanted).await {
            // Nobody came to look at it before the last runner, and its intervals begin when somebody does.
            Err(JobError::Usage(_)) if job.id.as_str() == "follower" => continue,
            plan => plan.expect("intervals"),
        };
        let given_up = plan.runs.len();
        assert!(given_up < 10, "seed {seed}: {given_up} runs of {} were given up", job.id);
        backfill::carry_out(lake, &world, (job, &plan), (1, None, Progress::silent()), &|_| ()).await.expect("run");
    }
}

/// Every interval is there once, committed once or missed with its reason, and what is published is what its commit says.
async fn checked(lake: &OpenLake, end: DateTime<Utc>, seed: u64) {
    let mut books = Books::of(lake, end);
    for job in &lake.definitions.jobs {
        let book = books.book(job, Since::Beginning).await.expect("a book");
        let forbids = ["j3", "j4", "j5"].contains(&job.id.as_str());
        let mut from = book.slots.first().map_or(end, |slot| slot.interval.start);
        for slot in &book.slots {
            assert_eq!(slot.interval.start, from, "seed {seed}, {}: a gap or an overlap", job.id);
            from = slot.interval.end;
            let is_right = slot.standing() == Some(Standing::Committed)
                || forbids && slot.standing() == Some(Standing::Missed)
                || job.id.as_str() == "follower" && slot.standing().is_none();
            assert!(is_right, "seed {seed}, {}: {slot:?}", job.id);
        }
        if let Some(schedule) = &job.timing.schedule {
            let ends: Vec<_> = book.slots.iter().map(|slot| slot.interval.end).collect();
            assert_eq!(ends, schedule.cron.between(at(BEGIN), end).collect::<Vec<_>>(), "seed {seed}, {}", job.id);
        }
        assert!(end - from < TimeDelta::minutes(3), "seed {seed}, {}: ends at {from}", job.id);
    }
    let mut committed: BTreeSet<(String, DateTime<Utc>)> = BTreeSet::new();
    for run in Ledger::new(lake.front.clone()).runs().await.expect("a ledger") {
        let Some(commit) = &run.commit else { continue };
        assert!(run.earlier_commits.is_empty(), "seed {seed}: {} was committed twice", run.run);
        let scheduled = run.attempts.iter().find(|start| start.attempt == commit.attempt).and_then(|of| of.scheduled);
        let interval: Interval = scheduled.unwrap_or_else(|| panic!("seed {seed}: {} has no interval", run.run));
        assert!(committed.insert((run.job.clone(), interval.end)), "seed {seed}: {} twice", run.run);
        published(lake, commit, seed).await;
    }
    assert!(committed.len() > JOBS * 5, "seed {seed}: {}", committed.len());
}

/// What a commit names lies there, of the attempt that won.
async fn published(lake: &OpenLake, commit: &CommitRecord, seed: u64) {
    assert!(!commit.outputs.is_empty(), "seed {seed}: {}", commit.run);
    for output in &commit.outputs {
        assert!(
            output.path.contains(&format!("/{}/", commit.attempt)),
            "seed {seed}: {} of another attempt",
            output.path
        );
        let bytes = lake.front.read(&Path::from(output.path.as_str())).await.expect("the store");
        let bytes = bytes.unwrap_or_else(|| panic!("seed {seed}: {} is gone", output.path));
        assert_eq!(bytes.len() as u64, output.bytes, "seed {seed}: {}", output.path);
    }
}
