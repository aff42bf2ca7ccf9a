//! Which states are read, kept and deleted.

use object_store::path::Path;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::lake::{Lake, dataset, days, random_rows};
use crate::incremental::fold::Stop;
use crate::incremental::{UseStates, kept_states, sweep_states};

const SQL: &str = "SELECT kind, count(*), sum(n) FROM events WHERE time < '2026-03-20T00:00:00Z' GROUP BY kind";

async fn lake() -> Lake {
    let lake = Lake::new();
    let mut chance = ChaCha8Rng::seed_from_u64(1);
    for day in days("2026-01-01", "2026-03-19") {
        let rows = random_rows("t1", &day, 20, &mut chance);
        lake.put(&format!("events/tenant=t1/date={day}/part.parquet"), &rows).await;
    }
    lake
}

#[tokio::test]
async fn a_day_that_comes_costs_its_file_and_months_that_are_over_are_read_whole() {
    let lake = lake().await;
    let (_, first) = lake.folded(SQL, UseStates::Kept).await;
    assert_eq!((first.states_reused, first.states_computed), (0, 78));
    // A state for each file, and one each for January and February: March is the newest.
    assert_eq!(lake.states().await.len(), 78 + 2);
    let rows = random_rows("t1", "2026-03-15", 20, &mut ChaCha8Rng::seed_from_u64(2));
    lake.put("events/tenant=t1/date=2026-03-15/late.parquet", &rows).await;
    let (given, second) = lake.folded(SQL, UseStates::Kept).await;
    assert_eq!((second.states_reused, second.states_computed, second.border_files), (78, 1, 0));
    assert_eq!(second.nodes, ["2026-01", "2026-02"]);
    assert_eq!(given, lake.plain(SQL).await);
}

#[tokio::test]
async fn a_file_that_is_replaced_is_computed_again_and_its_states_go() {
    let lake = lake().await;
    lake.folded(SQL, UseStates::Kept).await;
    let before = lake.states().await;
    let rows = random_rows("t1", "2026-01-15", 20, &mut ChaCha8Rng::seed_from_u64(2));
    lake.put("events/tenant=t1/date=2026-01-15/part.parquet", &rows).await;
    let (given, used) = lake.folded(SQL, UseStates::Kept).await;
    assert_eq!(given, lake.plain(SQL).await);
    assert_eq!((used.states_reused, used.states_computed), (77, 1), "its own part alone");
    assert_eq!(used.nodes, ["2026-02"], "January is another one");
    let after = lake.states().await;
    assert_eq!(after.len(), before.len());
    // The leaf of the file as it was, and January as it was.
    assert_eq!(before.iter().filter(|path| !after.contains(path)).count(), 2);
}

#[tokio::test]
async fn a_sweep_leaves_states_of_files_that_count_and_no_others() {
    let lake = lake().await;
    lake.folded(SQL, UseStates::Kept).await;
    let all = lake.states().await;
    assert_eq!(sweep_states(&lake.front, &dataset()).await.expect("swept").deleted, 0);
    lake.front.remove(&Path::from("events/tenant=t1/date=2026-02-15/part.parquet")).await.expect("removed");
    let swept = sweep_states(&lake.front, &dataset()).await.expect("swept");
    assert_eq!((swept.deleted, swept.not_reached), (2, Vec::new()), "its leaf, and February");
    assert_eq!(lake.states().await.len(), all.len() - 2);
    // States that nobody described are of nobody knows what.
    let folder = all[0].split('/').take(3).collect::<Vec<_>>().join("/");
    lake.front.remove(&Path::from(format!("{folder}/plan.json"))).await.expect("removed");
    sweep_states(&lake.front, &dataset()).await.expect("swept");
    assert_eq!(lake.states().await, [] as [String; 0]);
}

#[tokio::test]
async fn states_of_other_datasets_are_left_alone() {
    let lake = lake().await;
    lake.folded(SQL, UseStates::Kept).await;
    let mut other = dataset();
    other.id = schemas::DatasetId::parse("other").expect("a name");
    other.location = "other/".to_owned();
    assert_eq!(sweep_states(&lake.front, &other).await.expect("swept").deleted, 0);
}

#[tokio::test]
async fn states_as_large_as_their_files_are_given_up_and_deleted() {
    let lake = Lake::new();
    let mut chance = ChaCha8Rng::seed_from_u64(3);
    for day in days("2026-01-01", "2026-01-10") {
        let rows = random_rows("t1", &day, 1_500, &mut chance);
        lake.put(&format!("events/tenant=t1/date={day}/part.parquet"), &rows).await;
    }
    let Err(Stop::TooLarge(why)) = lake.tried("SELECT time, count(*) FROM events GROUP BY time", UseStates::Kept).await
    else {
        panic!("95 % of the rows have a time of their own");
    };
    assert!(why.contains("% of the rows of their files (limit 5 %)"), "{why}");
    assert_eq!(lake.states().await, [] as [String; 0]);
}

#[tokio::test]
async fn nothing_is_read_or_written_without_states() {
    let lake = lake().await;
    let (given, used) = lake.folded(SQL, UseStates::Anew).await;
    assert_eq!((used.states_reused, used.states_computed), (0, 78));
    assert_eq!(lake.states().await, [] as [String; 0]);
    assert_eq!(given, lake.plain(SQL).await);
}

#[tokio::test]
async fn what_is_kept_is_told() {
    let lake = lake().await;
    lake.folded(SQL, UseStates::Kept).await;
    let kept = kept_states(&lake.front).await.expect("listed");
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].dataset.as_deref(), kept[0].files, kept[0].nodes), (Some("events"), 78, 2));
}
