//! What a plan says, what an apply does, and what is left.

use bytes::Bytes;
use chrono::TimeDelta;
use object_store::path::Path;
use tempfile::TempDir;

use super::lake::{NOW, POLICY, TestLake, all_events, at, expected, ids, objects};
use crate::error::EngineError;
use crate::retention::{Action, Leftover, RemovalKind, Skipped, leftovers, plans, receipts_of};
use crate::store::Lakefront;

async fn left_half_done(lake: &TestLake) -> Result<Vec<Leftover>, EngineError> {
    leftovers(&lake.front, &lake.dataset, &plans(&lake.front).await?).await
}

async fn apply_everything(front: Lakefront) {
    let lake = TestLake::filled(front, POLICY).await;
    let known = lake.planned().await;
    let (left, archived) = expected();
    let all = all_events().len() as u64;
    assert_eq!(known.plan.kept_objects, 1);
    assert_eq!(known.plan.rows.archived, archived.len() as u64);
    assert_eq!(known.plan.rows.deleted, all - (left.len() + archived.len()) as u64);
    let actions: Vec<Action> = known.plan.objects.iter().map(|object| object.action).collect();
    assert_eq!(actions, [Action::Rewrite, Action::DropObject]);
    let rewritten = &known.plan.objects[0];
    assert!(rewritten.row_groups_touched < rewritten.row_groups, "the first row group is young: {rewritten:?}");

    let applied = lake.applied(&known).await.expect("applied");
    assert!(applied.skipped.is_empty() && applied.waiting.is_empty(), "{applied:?}");
    assert_eq!(applied.receipts.len(), 2);
    assert_eq!(lake.rows(false).await, left);
    assert_eq!(ids(&lake.rows(true).await), ids(&archived));
    assert_eq!(lake.rows(true).await, archived, "archived rows are as they were");
    let rows = applied.rows();
    assert_eq!(rows.before, rows.deleted + rows.archived + rows.after);
    let removal = applied.receipts.iter().find_map(|receipt| receipt.removal);
    assert!(matches!(removal, Some(RemovalKind::Conditional | RemovalKind::Unconditional)), "{removal:?}");
    assert!(!lake.bytes().await.contains_key("events/old.parquet"), "it is gone");
    assert_eq!(lake.bytes().await["events/new.parquet"], super::lake::parquet(&objects()[2].1), "it is as it was");

    assert_eq!(receipts_of(&lake.front, &known.id).await.expect("read"), applied.receipts);
    assert_eq!(plans(&lake.front).await.expect("read").len(), 1);
    assert!(left_half_done(&lake).await.expect("looked").is_empty());
    assert!(lake.drawn_up().await.expect("drawn up").is_empty(), "nothing is due twice");
    let again = lake.applied(&known).await.expect("applied again");
    assert_eq!((again.receipts, again.effective.len()), (applied.receipts, 0), "the second time does nothing");
}

#[tokio::test]
async fn a_plan_is_done_in_memory_and_a_second_one_is_empty() {
    apply_everything(Lakefront::memory()).await;
}

#[tokio::test]
async fn a_plan_is_done_on_disk_and_a_second_one_is_empty() {
    let folder = TempDir::new().expect("a folder");
    apply_everything(Lakefront::folder(folder.path()).expect("a lake")).await;
}

#[tokio::test]
async fn what_goes_counts_no_more_at_once_and_is_there_until_the_grace_is_over() {
    let lake = TestLake::filled(Lakefront::memory(), &POLICY.replace("grace: 0h", "grace: 2d")).await;
    let known = lake.planned().await;
    let first = lake.applied(&known).await.expect("applied");
    assert_eq!((first.receipts.len(), first.waiting.len()), (1, 1));
    assert_eq!(first.waiting[0].until, at(NOW) + TimeDelta::days(2));
    assert_eq!(lake.rows(false).await, expected().0, "readers see what is left");
    assert!(lake.bytes().await.contains_key("events/old.parquet"), "its bytes are there");
    assert!(lake.drawn_up().await.expect("drawn up").is_empty(), "it is in no other plan");
    let early = lake.applied_at(&known, at(NOW) + TimeDelta::days(1), 2, false).await.expect("applied");
    assert_eq!((early.waiting.len(), early.effective.len()), (1, 0));
    let late = lake.applied_at(&known, at(NOW) + TimeDelta::days(2), 3, false).await.expect("applied");
    assert_eq!((late.receipts.len(), late.waiting.len()), (2, 0));
    assert!(!lake.bytes().await.contains_key("events/old.parquet"), "it is gone");
    assert_eq!(lake.rows(false).await, expected().0);
}

#[tokio::test]
async fn what_was_archived_leaves_the_archive_when_it_was_kept_long_enough() {
    let lake = TestLake::filled(Lakefront::memory(), POLICY).await;
    let known = lake.planned().await;
    lake.applied(&known).await.expect("applied");
    let soon = at(NOW) + TimeDelta::days(364);
    assert!(lake.drawn_up_at(soon, true, &[]).await.expect("drawn up").is_empty());
    let later = at(NOW) + TimeDelta::days(365);
    let plan = lake.drawn_up_at(later, true, &[]).await.expect("drawn up");
    assert_eq!(plan.rows.deleted, expected().1.len() as u64);
    let id = crate::retention::store_plan(&lake.front, &plan).await.expect("written");
    let known = crate::retention::KnownPlan { id, plan };
    let applied = lake.applied_at(&known, later, 1, true).await.expect("applied");
    assert!(applied.skipped.is_empty(), "{applied:?}");
    assert!(lake.rows(true).await.is_empty());
}

#[tokio::test]
async fn an_object_that_changed_since_the_plan_is_left_alone_and_named() {
    let lake = TestLake::filled(Lakefront::memory(), POLICY).await;
    let known = lake.planned().await;
    let new = super::lake::parquet(&objects()[2].1);
    lake.front.replace(&Path::from("events/mixed.parquet"), new.clone()).await.expect("replaced");
    lake.front.remove(&Path::from("events/old.parquet")).await.expect("removed");
    let applied = lake.applied(&known).await.expect("applied");
    let skipped: Vec<&Skipped> = applied.skipped.iter().map(|abort| &abort.why).collect();
    assert_eq!(skipped, [&Skipped::Changed, &Skipped::Gone]);
    assert_eq!(lake.bytes().await["events/mixed.parquet"], new);
}

#[tokio::test]
async fn summaries_beside_an_object_go_with_its_statistics() {
    let lake = TestLake::filled(Lakefront::memory(), POLICY).await;
    for name in ["events/_metadata", "events/.mixed.parquet.crc", "events/.new.parquet.crc"] {
        lake.front.create(&Path::from(name), Bytes::from_static(b"x")).await.expect("written");
    }
    let known = lake.planned().await;
    lake.applied(&known).await.expect("applied");
    let left: Vec<String> = lake.bytes().await.into_keys().collect();
    assert_eq!(left, ["events/.new.parquet.crc", "events/mixed.parquet", "events/new.parquet"]);
}

#[tokio::test]
async fn a_restored_object_is_found_out_and_is_due_again() {
    let lake = TestLake::filled(Lakefront::memory(), POLICY).await;
    let before = lake.bytes().await;
    let known = lake.planned().await;
    lake.applied(&known).await.expect("applied");
    let path = "events/mixed.parquet";
    lake.front.replace(&Path::from(path), before[path].clone()).await.expect("restored");
    let found = left_half_done(&lake).await.expect("looked");
    assert_eq!(found, [Leftover::Restored { plan: known.id.clone(), path: path.to_owned() }]);
    let again = lake.planned().await;
    assert_ne!(again.id, known.id);
    lake.applied(&again).await.expect("applied");
    assert_eq!(lake.rows(false).await, expected().0);
}
