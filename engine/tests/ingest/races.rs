//! Two writers of one lake, of which the first freezes, loses its claim to the second, and wakes.
//!
//! ```text
//! first   ──check── frozen ······················ wakes, writes once, is told that its claim is lost
//! second                   ──check── lets go ──── waits for the first to end ── goes on
//! ```
//!
//! Where either of them stands is drawn from a seed, and whether an input is written again while the first is frozen, so
//! that its plan cannot be carried out any more. `AUDITLAKE_RACES` sets how many seeds are tried.

#![expect(clippy::panic, reason = "a race that ends in a way of its own says which")]

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use engine::{EngineError, Fence};
use tokio::sync::Mutex;
use tokio::sync::oneshot::{Receiver, Sender, channel};

use super::harness::{Fences, Lake};

/// Lets writes pass until one, where it says so and waits; afterwards the claim is held, or lost.
#[derive(Debug)]
struct Gate {
    at: usize,
    met: AtomicUsize,
    reached: Mutex<Option<Sender<()>>>,
    go: Mutex<Option<Receiver<()>>>,
    loses: bool,
}

impl Gate {
    fn new(at: usize, reached: Sender<()>, go: Receiver<()>, loses: bool) -> Self {
        let (reached, go) = (Mutex::new(Some(reached)), Mutex::new(Some(go)));
        Self { at, met: AtomicUsize::new(0), reached, go, loses }
    }
}

#[async_trait]
impl Fence for Gate {
    async fn check(&self) -> Result<(), EngineError> {
        let met = self.met.fetch_add(1, Ordering::SeqCst);
        if met == self.at {
            // Whoever is gone waits for nothing and is waited for by nobody.
            self.reached.lock().await.take().map(|reached| reached.send(()));
            if let Some(go) = self.go.lock().await.take() {
                drop(go.await);
            }
        }
        match self.loses && met > self.at {
            true => Err(EngineError::ClaimLost { claim: "datasets/audit".to_owned(), epoch: 1 }),
            false => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Work {
    Ingest,
    Compact,
    Day,
}

/// Does the work; a claim that is lost ends it, and an ingest that stands half done holds a compaction up.
async fn done(lake: &Lake, work: Work, gate: Gate, seed: u64) {
    let ended = match work {
        Work::Ingest => lake.ingest(&gate).await.map(drop),
        Work::Compact => lake.compact(&gate, 0).await.map(drop),
        Work::Day => lake.day(&gate).await.map(drop),
    };
    match ended {
        Ok(()) | Err(EngineError::ClaimLost { .. }) => {}
        Err(EngineError::Input { why, .. }) if why.contains("stopped half way") => {}
        Err(error) => panic!("seed {seed}: {work:?} failed: {error}"),
    }
}

/// A lake with small files, a day that was computed, and events that wait to be read.
async fn prepared() -> Lake {
    let lake = Lake::with_drop();
    let free = Fences::lost_at(usize::MAX);
    lake.ingest(&free).await.expect("ingested");
    lake.drop_file("three.ndjson", &(850..1_200).map(Lake::event).collect::<Vec<_>>());
    lake.ingest(&free).await.expect("ingested");
    lake.day(&free).await.expect("computed");
    lake.drop_file("four.ndjson", &(1_100..EVENTS.0).map(Lake::event).collect::<Vec<_>>());
    lake
}

/// Events of the input that waits, and of the longer one that takes its place.
const EVENTS: (u64, u64) = (1_500, 1_600);

async fn race(seed: u64, first: (Work, usize), second: (Work, usize), is_changed: bool) {
    let lake = prepared().await;
    let before = lake.ids().await.len();
    assert_eq!(before, 1_200);

    let ((frozen, at_frozen), (go, woken), (ended, at_end)) = (channel(), channel(), channel());
    let first_gate = Gate::new(first.1, frozen, woken, true);
    let second_gate = Gate::new(second.1, go, at_end, false);
    let one = async {
        done(&lake, first.0, first_gate, seed).await;
        drop(ended);
    };
    let other = async {
        drop(at_frozen.await);
        if is_changed {
            lake.drop_file("four.ndjson", &(1_100..EVENTS.1).map(Lake::event).collect::<Vec<_>>());
        }
        done(&lake, second.0, second_gate, seed).await;
    };
    tokio::join!(one, other);
    let events = if is_changed { EVENTS.1 } else { EVENTS.0 };

    let between = lake.ids().await.len();
    assert!(between >= before, "seed {seed}: {first:?} and {second:?} left {between} of {before} events");
    let (day, _) = lake.rows_of_day().await;
    assert!(day >= 400, "seed {seed}: {first:?} and {second:?} left {day} rows of the day");
    let free = Fences::lost_at(usize::MAX);
    lake.ingest(&free).await.expect("ingested");
    lake.day(&free).await.expect("computed");
    let now = (lake.ids().await.len() as u64, lake.rows_of_day().await);
    let of_day = events.div_ceil(3) as i64;
    assert_eq!(now, (events, (of_day, of_day)), "seed {seed}: {first:?} and {second:?}");
    // What was replaced is deleted a day later, and what was given up with it.
    lake.compact(&free, 2).await.expect("compacted");
    lake.compact(&free, 4).await.expect("compacted");
    assert_eq!(lake.ids().await.len() as u64, events, "seed {seed}: {first:?} and {second:?}, days later");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_writer_decides_from_what_a_frozen_one_committed_late() {
    for work in [Work::Compact, Work::Day] {
        let (lake, undisturbed) = (prepared().await, Fences::lost_at(usize::MAX));
        match work {
            Work::Compact => drop(lake.compact(&undisturbed, 0).await.expect("compacted")),
            _ => drop(lake.day(&undisturbed).await.expect("computed")),
        }
        // The first freezes before its commit; the second, on its way to announce, lets it go.
        race(0, (work, undisturbed.met() - 1), (work, 0), false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_one_of_whom_lost_its_claim_no_row_is_lost_or_doubled() {
    let given = std::env::var("AUDITLAKE_RACES").ok();
    let races: u64 = given.map_or(36, |races| races.parse().expect("AUDITLAKE_RACES is a number"));
    const WORKS: [Work; 3] = [Work::Compact, Work::Day, Work::Ingest];
    for seed in 0..races {
        // All pairs in turn; where they meet is spread over the writes of each.
        let pick = |salt: u64, of: u64| (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> salt) % of;
        let work = |number: u64| WORKS[(number % 3) as usize];
        let (first, second) = (work(seed), work(seed / 3));
        race(seed, (first, pick(20, 14) as usize), (second, pick(40, 16) as usize), seed / 9 % 2 == 1).await;
    }
}
