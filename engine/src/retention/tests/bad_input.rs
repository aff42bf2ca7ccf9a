//! Bad input is refused with what to do, or recorded, and nothing is lost.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use chrono::TimeDelta;
use object_store::path::Path;
use schemas::{CaseId, HoldRecord, HoldScope, HoldStep};

use super::lake::{Held, NOW, POLICY, TestLake, at, objects};
use crate::error::EngineError;
use crate::retention::{ApplyRequest, Skipped, apply, find_plan, record_hold, store_plan};
use crate::store::Lakefront;

async fn filled() -> TestLake {
    TestLake::filled(Lakefront::memory(), POLICY).await
}

#[track_caller]
fn says<T: std::fmt::Debug>(refused: Result<T, EngineError>, words: &[&str]) {
    let error = refused.expect_err("is refused").to_string();
    for word in words {
        assert!(error.contains(word), "{error:?} lacks {word:?}");
    }
}

#[tokio::test]
async fn folders_of_table_formats_are_refused() {
    for marker in
        ["events/_delta_log/00000.json", "events/.hoodie/x", "events/metadata/v1.metadata.json", "_delta_log/0.json"]
    {
        let lake = filled().await;
        lake.front.create(&Path::from(marker), Bytes::from_static(b"{}")).await.expect("written");
        says(lake.drawn_up().await, &["table format", "own delete"]);
    }
}

#[tokio::test]
async fn an_object_that_cannot_be_read_is_named_and_can_be_left_out() {
    let damaged = [&b"no parquet at all"[..], b"PAR1 something that ends as an encrypted file does \x10\0\0\0PARE"];
    for bytes in damaged {
        let lake = filled().await;
        lake.front.create(&Path::from("events/damaged.parquet"), Bytes::from_static(bytes)).await.expect("written");
        says(lake.drawn_up().await, &["events/damaged.parquet", "--exclude"]);
        let exclude = ["events/damaged.parquet".to_owned()];
        let plan = lake.drawn_up_at(at(NOW), false, &exclude).await.expect("drawn up");
        let refused = plan.objects.iter().find(|object| object.path == exclude[0]).expect("is named");
        assert!(refused.why.as_deref().is_some_and(|why| why.contains("--exclude")), "{refused:?}");
        assert_eq!(plan.changing().count(), 2);
    }
    says(
        filled().await.drawn_up_at(at(NOW), false, &["events/none.parquet".to_owned()]).await,
        &["events/none.parquet"],
    );
}

#[tokio::test]
async fn a_file_without_the_time_column_is_named() {
    let lake = filled().await;
    let rows = arrow::record_batch::RecordBatch::try_from_iter([(
        "event_id",
        std::sync::Arc::new(arrow::array::StringArray::from(vec!["x"])) as arrow::array::ArrayRef,
    )]);
    let bytes = crate::parquet_bytes::parquet_bytes("x", &rows.expect("a batch")).expect("written");
    lake.front.create(&Path::from("events/other.parquet"), bytes).await.expect("written");
    says(lake.drawn_up().await, &["events/other.parquet", "time"]);
}

#[tokio::test]
async fn an_object_larger_than_memory_is_left_alone_and_says_so() {
    let lake = filled().await;
    let known = lake.planned().await;
    let approved = {
        let approval = crate::retention::Approval {
            plan: known.id.clone(),
            number: 1,
            by: "omar".to_owned(),
            ticket: "CHG-88".to_owned(),
            confirmed_rows: None,
            at: at(NOW),
            until: at(NOW) + TimeDelta::days(7),
            note: None,
        };
        known.plan.clone().approve(&known.id, (&[approval], None), &lake.policy.sha256, at(NOW)).expect("approved")
    };
    let before = lake.bytes().await;
    let request = ApplyRequest {
        plan: &approved,
        dataset: &lake.dataset,
        archive: false,
        policy: Some(&lake.policy),
        known: None,
        epoch: 1,
        now: at(NOW),
        memory_bytes: 1_000,
        fence: &Held,
        erasing: None,
        only_begun: false,
        at_once: NonZeroUsize::MIN,
        done: &AtomicU64::new(0),
    };
    let applied = apply(&lake.front, &request).await.expect("applied");
    assert_eq!(applied.skipped.len(), 2);
    let told = |why: &Skipped| matches!(why, Skipped::Unreadable { why } if why.contains("--memory"));
    assert!(applied.skipped.iter().all(|abort| told(&abort.why)), "{applied:?}");
    assert_eq!(lake.bytes().await, before);
}

#[tokio::test]
async fn a_plan_that_was_tampered_with_is_not_taken_for_it() {
    let lake = filled().await;
    let known = lake.planned().await;
    let path = Path::from(format!("_auditlake/journal/{}/plan.json", known.id));
    let mut other = known.plan.clone();
    other.kept_rows += 1;
    lake.front.replace(&path, other.to_bytes().expect("written").into()).await.expect("replaced");
    says(find_plan(&lake.front, &known.id[..8]).await, &["not the plan that its name says"]);
}

#[tokio::test]
async fn plans_are_found_by_enough_of_their_id() {
    let lake = filled().await;
    let known = lake.planned().await;
    assert_eq!(find_plan(&lake.front, &known.id[..6]).await.expect("found").id, known.id);
    says(find_plan(&lake.front, "abc").await, &["4 hex digits"]);
    says(find_plan(&lake.front, "../../x").await, &["no id"]);
    says(find_plan(&lake.front, "ffffffff").await, &["does not exist", "retention plan"]);
    assert_eq!(store_plan(&lake.front, &known.plan).await.expect("the same"), known.id);
}

#[tokio::test]
async fn cases_are_placed_amended_and_released_in_order_and_with_a_reason() {
    let lake = filled().await;
    let record = |number, what, reason: &str| HoldRecord {
        case: CaseId::parse("2026-114").expect("a case"),
        number,
        what,
        by: "carla".to_owned(),
        reason: reason.to_owned(),
        at: at(NOW),
    };
    let placed = || HoldStep::Placed { scope: HoldScope::default() };
    says(record_hold(&lake.front, &record(1, HoldStep::Released, "x")).await, &["is not open"]);
    says(record_hold(&lake.front, &record(1, placed(), "  ")).await, &["reason"]);
    record_hold(&lake.front, &record(1, placed(), "litigation")).await.expect("placed");
    says(record_hold(&lake.front, &record(2, placed(), "again")).await, &["is open already"]);
    says(record_hold(&lake.front, &record(3, HoldStep::Released, "gap")).await, &["next record, 2"]);
    record_hold(&lake.front, &record(2, HoldStep::Released, "settled")).await.expect("released");
    record_hold(&lake.front, &record(3, placed(), "reopened")).await.expect("placed");
    let gone = Path::from("_auditlake/holds/2026-114/000002.json");
    lake.front.remove(&gone).await.expect("removed");
    says(lake.drawn_up().await, &["is gone"]);
    assert_eq!(lake.bytes().await.len(), objects().len());
}
