//! A run and somebody who replaces a file meet: at whichever request of the run that happens, no state is left behind.

use std::sync::Arc;

use futures::FutureExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::lake::{Lake, dataset, days, random_rows};
use crate::incremental::{UseStates, stale_states, sweep_states};
use crate::retention::tests::faulty::{Fault, Faulty, Shared};
use crate::store::Lakefront;

const SQL: &str = "SELECT kind, count(*), max(n) FROM events GROUP BY kind";
const REPLACED: [&str; 2] = ["2026-01-05", "2026-01-07"];

/// A lake of ten days, and the same behind a store at one of whose requests something happens.
async fn lakes() -> (Lake, Lake, Arc<Faulty>) {
    let front = Lakefront::memory();
    let beside = Lake::over(front.clone());
    let mut chance = ChaCha8Rng::seed_from_u64(1);
    // A month that is over and is kept as a whole, and a newer one.
    for day in days("2026-01-01", "2026-01-09").into_iter().chain(days("2026-02-01", "2026-02-01")) {
        let rows = random_rows("t1", &day, 20, &mut chance);
        beside.put(&format!("events/tenant=t1/date={day}/part.parquet"), &rows).await;
    }
    let faulty = Arc::new(Faulty::over(Arc::clone(front.store())));
    let shared = Shared(Arc::clone(&faulty));
    (Lake::over(front.behind(|_| Arc::new(shared))), beside, faulty)
}

/// Replaces files and deletes their states, in this order, as an apply does.
async fn apply(lake: &Lake) {
    for day in REPLACED {
        let rows = random_rows("t1", day, 20, &mut ChaCha8Rng::seed_from_u64(2));
        lake.put(&format!("events/tenant=t1/date={day}/part.parquet"), &rows).await;
    }
    sweep_states(&lake.front, &dataset()).await.expect("swept");
}

#[tokio::test]
async fn a_run_and_an_apply_that_meet_leave_no_state_behind() {
    let requests = {
        let (lake, _, faulty) = lakes().await;
        faulty.set(None);
        lake.tried(SQL, UseStates::Kept).await.ok().expect("runs");
        faulty.met()
    };
    assert!(requests > 30, "{requests} requests");
    let mut changed = 0;
    for request in 0..requests {
        let (lake, beside, faulty) = lakes().await;
        let beside = Arc::new(beside);
        let meanwhile = {
            let beside = Arc::clone(&beside);
            move || {
                let beside = Arc::clone(&beside);
                async move { apply(&beside).await }.boxed()
            }
        };
        faulty.set(Some((request, Fault::Meanwhile(Arc::new(meanwhile)))));
        // It sees the file as it was or as it is, or that it changed under it.
        changed += u32::from(lake.tried(SQL, UseStates::Kept).await.is_err());
        let stale = stale_states(&beside.front, &dataset()).await.expect("listed");
        assert!(stale.is_empty(), "at request {request}: {stale:?}");
        assert_eq!(beside.folded(SQL, UseStates::Kept).await.0, beside.plain(SQL).await, "at request {request}");
    }
    assert!(changed > 0, "a file that was pinned and not yet read is not read in another version");
}

#[tokio::test]
async fn a_run_that_dies_or_loses_requests_leaves_nothing_that_the_next_one_trips_over() {
    let (lake, _, faulty) = lakes().await;
    faulty.set(None);
    lake.tried(SQL, UseStates::Kept).await.ok().expect("runs");
    let requests = faulty.met();
    for request in 0..requests {
        for fault in [Fault::Before, Fault::After, Fault::Death] {
            let (lake, beside, faulty) = lakes().await;
            let shown = format!("{fault:?} at request {request}");
            faulty.set(Some((request, fault)));
            drop(lake.tried(SQL, UseStates::Kept).await);
            apply(&beside).await;
            assert!(stale_states(&beside.front, &dataset()).await.expect("listed").is_empty(), "{shown}");
            assert_eq!(beside.folded(SQL, UseStates::Kept).await.0, beside.plain(SQL).await, "{shown}");
        }
    }
}

#[tokio::test]
async fn two_runs_at_once_keep_the_same_states() {
    let (_, beside, _) = lakes().await;
    let statements = [SQL, "SELECT kind, sum(x), count(DISTINCT n), count(DISTINCT hash) FROM events GROUP BY kind"];
    for sql in statements {
        let (one, other) =
            futures::future::join(beside.folded(sql, UseStates::Kept), beside.folded(sql, UseStates::Kept)).await;
        assert_eq!(one.0, other.0, "{sql}");
        assert_eq!(beside.folded(sql, UseStates::Kept).await.0, one.0, "{sql}");
    }
}
