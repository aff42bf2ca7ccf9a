//! Hundreds of batches: a start reads one list and what is behind it.

use chrono::{DateTime, TimeDelta, Utc};
use engine::{Lakefront, PlannedInput};
use object_store::path::Path;
use schemas::{Interval, JobId};

use super::{StreamLog, snapshot};
use crate::stream::records::{BatchEnd, Checkpoint, Places};

fn file(batch: u64) -> PlannedInput {
    PlannedInput { path: format!("drop/{batch}.ndjson"), etag: format!("e-{batch}"), bytes: batch }
}

async fn with_batches(job: &JobId, count: u64) -> Lakefront {
    let front = Lakefront::memory();
    for batch in 1..=count {
        let at = |batch: u64| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(i64::try_from(batch).expect("few"));
        let checkpoint = Checkpoint {
            job: job.clone(),
            batch,
            run: format!("{job}@{batch}"),
            interval: Interval { start: at(batch - 1), end: at(batch) },
            end: BatchEnd::Committed,
            read: vec![file(batch)],
            watermark: (batch == 3).then(|| at(3)),
        };
        front.create_json(&Places(job).checkpoint(batch), &checkpoint).await.expect("written");
        snapshot(&front, job, batch).await;
    }
    front
}

#[tokio::test]
async fn a_start_reads_one_list_and_what_is_behind_it() {
    let job = JobId::parse("arrive").expect("a name");
    let front = with_batches(&job, 305).await;
    let listed = front.list(&Places(&job).snapshots()).await.expect("listed");
    let names: Vec<&str> = listed.iter().filter_map(|meta| meta.location.filename()).collect();
    assert_eq!(names, ["00000200.parquet", "00000300.parquet"], "the one before stays for who is about to read it");
    // What the list says needs no record of its own any more.
    for batch in 1..300 {
        front.remove(&Places(&job).checkpoint(batch)).await.expect("removed");
    }
    let log = StreamLog::load(&front, &job).await.expect("a log");
    assert_eq!((log.last_batch(), log.read.count()), (305, 305));
    assert!((1..=305).all(|batch| log.read.has(&file(batch))) && !log.read.has(&file(306)));
    let other = PlannedInput { etag: "other".to_owned(), ..file(7) };
    assert!(log.read.knows("drop/7.ndjson") && !log.read.has(&other));
}

#[tokio::test]
async fn a_damaged_list_or_a_lost_end_is_named() {
    let job = JobId::parse("arrive").expect("a name");
    let front = with_batches(&job, 102).await;
    front.remove(&Places(&job).checkpoint(101)).await.expect("removed");
    let error = StreamLog::load(&front, &job).await.expect_err("is lost").to_string();
    assert!(error.contains("batches/00000101.json"), "{error}");
    let list: Path = Places(&job).snapshot(100);
    front.remove(&list).await.expect("removed");
    front.create(&list, bytes::Bytes::from_static(b"no list")).await.expect("written");
    let error = StreamLog::load(&front, &job).await.expect_err("is damaged").to_string();
    assert!(error.contains("read/00000100.parquet"), "{error}");
}
