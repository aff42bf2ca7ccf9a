//! Processes that die at any request: no event is lost, and one that is sent twice has one id (RUN-6).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures::future::poll_immediate;
use schemas::{FixedClock, Job};

use super::endpoint::{Endpoint, Reply};
use super::{Telling, event, written};
use crate::notify::note::{Seen, sweep};
use crate::notify::outbox::Mark;
use crate::progress::Progress;
use crate::runner::{Asked, Revise, run};
use crate::schedule::tests::faulty::FaultyStore;

const AUDIT: &str = "dataset: audit\nlocation: audit/\nschema: audit.v1\n";

/// Whether a work came to its end within so many turns; it is dropped where it did not, as if its process had died.
async fn lives(turns: usize, work: impl Future<Output = ()>) -> bool {
    let mut work = std::pin::pin!(work);
    for _ in 0..turns {
        if poll_immediate(&mut work).await.is_some() {
            return true;
        }
        // What is spawned goes on, as another machine would.
        tokio::task::yield_now().await;
    }
    false
}

/// A lake whose store lets others go on at every request.
fn telling(job: &str) -> Telling {
    let mut telling =
        Telling::of(written("  archive: {to: told/}\n", &[("jobs/job.yaml", job), ("datasets/audit.yaml", AUDIT)]));
    let is_well = Arc::new(AtomicBool::new(true));
    telling.lake.front = telling.lake.front.behind(|store| Arc::new(FaultyStore::over(store, 1, &is_well)));
    telling
}

fn job(telling: &Telling) -> &Job {
    telling.lake.definitions.jobs.first().expect("a job")
}

/// Everything that another process does: what was begun is brought to an end, and whoever is to be told is.
async fn recovered(telling: &Telling) {
    let seen = Seen::every(0.0);
    for _ in 0..2 {
        sweep(&telling.lake, &seen).await.expect("a store");
    }
    telling.once().await;
}

/// Runs a job, dying after each number of turns; then says what was told of it.
async fn told_of_dying(text: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for turns in 0.. {
        let telling = telling(text);
        let world = telling.world.at(Arc::new(FixedClock(super::at("2026-03-29T04:00:00Z"))));
        let once = async {
            let asked = Asked::by(Revise::Never, None);
            drop(run(&telling.lake, &world, job(&telling), asked, &Progress::silent()).await);
        };
        let is_over = lives(turns, once).await;
        recovered(&telling).await;
        let told = telling.archived().await;
        let names = |records: Vec<String>| records.into_iter().filter(|name| name != "event.json");
        let key = crate::ledger::RunKey { job: job(&telling).id.clone(), instant: world.now() };
        let records = telling.lake.front.list(&object_store::path::Path::from(key.folder())).await.expect("listed");
        let records = records.iter().filter_map(|meta| meta.location.filename().map(str::to_owned)).collect();
        let of = |told: &serde_json::Value| told["type"].as_str().unwrap_or_default().to_owned();
        let ended = names(records).filter(|name| name.starts_with("commit-") || name.ends_with(".fail.json")).count();
        assert_eq!(told.len(), ended, "after {turns} turns: {ended} ends are recorded, and told is {told:?}");
        all.push(told.iter().map(of).collect());
        if is_over {
            return all;
        }
    }
    all
}

#[tokio::test]
async fn a_run_is_told_of_wherever_its_process_dies() {
    let all = told_of_dying("job: tidy\nkind: retention\n").await;
    assert_eq!(all.last().map(Vec::as_slice), Some(["auditlake.run.succeeded".to_owned()].as_slice()));
    assert!(all.iter().any(Vec::is_empty), "it died before anything was true, too");
    assert!(all.len() > 10, "in {} places", all.len());
}

#[tokio::test]
async fn a_run_that_fails_is_told_of_wherever_its_process_dies() {
    let all = told_of_dying("job: lost\nkind: ingest\nfrom: {location: nowhere/, format: ndjson}\ninto: audit\n").await;
    assert_eq!(all.last().map(Vec::as_slice), Some(["auditlake.run.failed".to_owned()].as_slice()));
}

#[tokio::test]
async fn a_message_is_delivered_wherever_whoever_delivers_dies() {
    for turns in 0.. {
        let telling = telling("job: tidy\nkind: retention\n");
        let is_over = lives(turns, async {
            telling.publish(&event(1)).await;
            telling.once().await;
        });
        let is_over = is_over.await;
        telling.publish(&event(1)).await;
        // At the second look, whoever holds the claim and shows no life has lost it.
        telling.once().await;
        telling.once().await;
        assert_eq!(telling.archived().await.len(), 1, "after {turns} turns");
        assert_eq!(telling.marked(Mark::Waiting, "archive").await, 0, "after {turns} turns");
        if is_over {
            assert!(turns > 5, "in {turns} places");
            return;
        }
    }
}

#[tokio::test]
async fn whoever_dies_between_a_delivery_and_its_record_has_it_sent_again_under_the_same_id() {
    let endpoint = Endpoint::start(vec![Reply::Hang, Reply::status(200, "")]).await;
    let telling = Telling::calling(&endpoint, "", "");
    telling.publish(&event(1)).await;
    tokio::select! {
        () = endpoint.came() => {}
        () = telling.once() => panic!("it waits for an answer"),
    }
    telling.once().await;
    telling.once().await;
    let got = endpoint.got();
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert_eq!(telling.records("hook").await, ["delivered.json", "event.json"]);
}

#[tokio::test]
async fn a_channel_that_is_new_hears_nothing_of_what_was_before() {
    let telling = telling("job: lost\nkind: ingest\nfrom: {location: nowhere/, format: ndjson}\ninto: audit\n");
    let world = telling.world.at(Arc::new(FixedClock(super::at("2026-03-29T04:00:00Z"))));
    let mut quiet = crate::lake::OpenLake::open(telling.folder.path()).expect("right definitions");
    quiet.front = telling.lake.front.clone();
    quiet.definitions.notify.clear();
    for (lake, told) in [(&quiet, 0), (&telling.lake, 1), (&telling.lake, 2)] {
        let asked = Asked::by(Revise::Never, None);
        drop(run(lake, &world, job(&telling), asked, &Progress::silent()).await.expect_err("there is nothing"));
        telling.once().await;
        assert_eq!(telling.archived().await.len(), told, "attempts before are not told of, and each is told of once");
    }
}
