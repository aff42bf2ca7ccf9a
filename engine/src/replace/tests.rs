use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use schemas::{AUDIT, DatasetId};

use super::*;

#[derive(Debug)]
struct Free;

#[async_trait]
impl Fence for Free {
    async fn check(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

fn dataset() -> Dataset {
    Dataset {
        id: DatasetId::parse("audit").expect("a name"),
        location: "audit/".to_owned(),
        elsewhere: None,
        schema: &AUDIT,
        map: None,
        time: AUDIT.time.map(str::to_owned),
        tenant: AUDIT.tenant.to_owned(),
        subjects: Vec::new(),
        classes: std::collections::BTreeMap::new(),
        data_classes: Vec::new(),
        portable: std::collections::BTreeSet::new(),
    }
}

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(hour)
}

async fn file(lake: &Lakefront, path: &str) -> WrittenFile {
    lake.create(&Path::from(path), Bytes::from_static(b"rows")).await.expect("written");
    WrittenFile { path: path.to_owned(), sha256: String::new(), bytes: 4, rows: 1 }
}

async fn seen(lake: &Lakefront) -> Vec<String> {
    let files = files_in_force(lake.store(), "audit", &Path::from("audit")).await.expect("read");
    files.iter().map(|file| file.path().to_owned()).collect()
}

async fn announce<'a>(lake: &'a Lakefront, dataset: &'a Dataset, hour: i64) -> Replacement<'a> {
    Replacement::announce(lake, &Free, dataset, "compact", at(hour), at(hour - 24)).await.expect("announced")
}

#[tokio::test]
async fn what_is_announced_counts_from_its_commit_on() {
    let (lake, dataset) = (Lakefront::memory(), dataset());
    let old = [file(&lake, "audit/0a-00000.parquet").await.path, file(&lake, "audit/0b-00000.parquet").await.path];
    let replacement = announce(&lake, &dataset, 0).await;
    let path = format!("audit/{}-00000.parquet", replacement.work);
    let new = file(&lake, &path).await;
    assert_eq!(seen(&lake).await, old);
    replacement.commit(vec![new], old.to_vec(), at(1)).await.expect("committed");
    assert_eq!(seen(&lake).await, [path.as_str()]);
    // The old files lie there for as long as the grace lasts, then the next writer deletes them.
    assert_eq!(lake.list(&Path::from("audit")).await.expect("listed").len(), 3);
    announce(&lake, &dataset, 24).await.give_up(at(24)).await;
    assert_eq!(lake.list(&Path::from("audit")).await.expect("listed").len(), 3);
    announce(&lake, &dataset, 25).await.give_up(at(25)).await;
    assert_eq!(lake.list(&Path::from("audit")).await.expect("listed").len(), 1);
    assert_eq!(seen(&lake).await, [path]);
}

#[tokio::test]
async fn what_was_given_up_never_counts_whoever_writes_it_later() {
    let (lake, dataset) = (Lakefront::memory(), dataset());
    let old = file(&lake, "audit/0a-00000.parquet").await.path;
    let frozen = announce(&lake, &dataset, 0).await;
    let late = format!("audit/{}-00001.parquet", frozen.work);
    file(&lake, &format!("audit/{}-00000.parquet", frozen.work)).await;
    // Another writer takes over; long after that a third one cleans up.
    announce(&lake, &dataset, 1).await.give_up(at(1)).await;
    announce(&lake, &dataset, 100).await.give_up(at(100)).await;
    assert_eq!(lake.list(&Path::from("audit")).await.expect("listed").len(), 1);
    let late = file(&lake, &late).await;
    assert_eq!(seen(&lake).await, [old.as_str()]);
    let lost = frozen.commit(vec![late], vec![old.clone()], at(101)).await.expect_err("given up");
    assert!(matches!(lost, EngineError::ClaimLost { epoch: 1, .. }), "{lost}");
    assert_eq!(seen(&lake).await, [old]);
}

async fn close(lake: &Lakefront, dataset: &Dataset, work: &str, hour: i64) {
    announce(lake, dataset, hour).await.close(work, at(hour)).await.expect("closed");
}

#[tokio::test]
async fn of_a_closed_ingest_only_the_files_that_were_there_count() {
    let (lake, dataset) = (Lakefront::memory(), dataset());
    let there = file(&lake, "audit/0a-00000.parquet").await.path;
    let other = file(&lake, "audit/0ab-00000.parquet").await.path;
    close(&lake, &dataset, "0a", 0).await;
    let late = file(&lake, "audit/0a-00001.parquet").await.path;
    assert_eq!(seen(&lake).await, [there.as_str(), &other]);
    assert!(is_closed(&lake, "audit", "0a").await.expect("read"));
    assert!(!is_closed(&lake, "audit", "0ab").await.expect("read"));
    // Closing once more lets nothing in. A day later the late file is deleted, and the closing is still known.
    close(&lake, &dataset, "0a", 1).await;
    assert_eq!(seen(&lake).await, [there.as_str(), &other]);
    announce(&lake, &dataset, 100).await.give_up(at(100)).await;
    announce(&lake, &dataset, 200).await.give_up(at(200)).await;
    assert_eq!(lake.list(&Path::from("audit")).await.expect("listed").len(), 2);
    file(&lake, &late).await;
    assert_eq!(seen(&lake).await, [there.as_str(), &other]);
    assert!(is_closed(&lake, "audit", "0a").await.expect("read"));
    // What is replaced and deleted does not count again, whoever writes it.
    announce(&lake, &dataset, 201).await.commit(Vec::new(), vec![there.clone()], at(201)).await.expect("committed");
    announce(&lake, &dataset, 300).await.give_up(at(300)).await;
    announce(&lake, &dataset, 400).await.give_up(at(400)).await;
    file(&lake, &there).await;
    assert_eq!(seen(&lake).await, [other]);
}

#[tokio::test]
async fn a_committed_file_that_is_gone_is_an_error() {
    let (lake, dataset) = (Lakefront::memory(), dataset());
    let replacement = announce(&lake, &dataset, 0).await;
    let path = format!("audit/{}-00000.parquet", replacement.work);
    let new = file(&lake, &path).await;
    replacement.commit(vec![new], Vec::new(), at(0)).await.expect("committed");
    lake.remove(&Path::from(path.as_str())).await.expect("removed");
    let error = files_in_force(lake.store(), "audit", &Path::from("audit")).await.expect_err("is refused").to_string();
    assert!(error.contains(&path) && error.contains("restore it from a backup"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_sees_one_generation_of_files() {
    let (lake, dataset) = (Lakefront::memory(), dataset());
    let first: Vec<String> = vec![file(&lake, "audit/0a-00000.parquet").await.path];
    let done = Arc::new(AtomicBool::new(false));
    let reading = {
        let (lake, done) = (lake.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let mut generations = BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                generations.insert(seen(&lake).await);
                tokio::task::yield_now().await;
            }
            generations
        })
    };
    let mut known = BTreeSet::from([first.clone()]);
    let mut current = first;
    for hour in 0..60 {
        // Nothing is deleted meanwhile: the grace is longer than a reader takes to list.
        let replacement = Replacement::announce(&lake, &Free, &dataset, "compact", at(hour), at(-1)).await;
        let replacement = replacement.expect("announced");
        let mut adds = Vec::new();
        for number in 0..3 {
            adds.push(file(&lake, &format!("audit/{}-{number:05}.parquet", replacement.work)).await);
            tokio::task::yield_now().await;
        }
        let paths: Vec<String> = adds.iter().map(|file| file.path.clone()).collect();
        replacement.commit(adds, std::mem::replace(&mut current, paths.clone()), at(hour)).await.expect("committed");
        known.insert(paths);
    }
    done.store(true, Ordering::Relaxed);
    let generations = reading.await.expect("read");
    assert!(generations.is_subset(&known), "{:?}", generations.difference(&known).collect::<Vec<_>>());
    assert_eq!(seen(&lake).await, current);
}

#[tokio::test]
async fn what_was_replaced_goes_when_it_is_due_though_nothing_is_announced() {
    let (lake, dataset) = (Lakefront::memory(), dataset());
    let old = [file(&lake, "audit/0a-00000.parquet").await.path, file(&lake, "audit/0b-00000.parquet").await.path];
    let replacement = announce(&lake, &dataset, 0).await;
    let path = format!("audit/{}-00000.parquet", replacement.work);
    let new = file(&lake, &path).await;
    replacement.commit(vec![new], old.to_vec(), at(1)).await.expect("committed");
    let stays = Leftovers { due: 0, staying: 2, staying_since: Some((at(1), at(1))) };
    assert_eq!(leftovers(&lake, &dataset, at(0)).await.expect("looked"), stays);
    let entries = async || lake.list(&Path::from("_auditlake/datasets/audit")).await.expect("listed").len();
    let remove = async |now: i64, until: i64| {
        remove_replaced(&lake, &Free, &dataset, (at(now), at(until))).await.expect("removed")
    };
    assert_eq!((remove(24, 0).await, entries().await), (0, 2));
    assert_eq!(leftovers(&lake, &dataset, at(1)).await.expect("looked").due, 2);
    assert_eq!((remove(25, 1).await, entries().await), (2, 4));
    assert_eq!(seen(&lake).await, [path.as_str()]);
    assert_eq!(lake.list(&Path::from("audit")).await.expect("listed").len(), 1);
    // What was done leaves nothing that would be done again.
    assert_eq!((remove(99, 90).await, entries().await), (0, 4));
}

#[tokio::test]
async fn what_nobody_ended_is_given_up_and_goes_after_its_grace() {
    let (lake, dataset) = (Lakefront::memory(), dataset());
    let dead = announce(&lake, &dataset, 0).await;
    file(&lake, &format!("audit/{}-00000.parquet", dead.work)).await;
    let remove =
        async |now: i64| remove_replaced(&lake, &Free, &dataset, (at(now), at(now - 24))).await.expect("removed");
    assert_eq!((remove(30).await, seen(&lake).await.len()), (0, 0));
    let late = dead.commit(Vec::new(), Vec::new(), at(31)).await;
    assert!(matches!(late, Err(EngineError::ClaimLost { .. })), "{late:?}");
    assert_eq!((remove(53).await, remove(54).await), (0, 1));
    assert!(lake.list(&Path::from("audit")).await.expect("listed").is_empty());
}
