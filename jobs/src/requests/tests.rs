//! Workers on an inbox in memory that stop anywhere, or are taken for dead and go on: each request has one answer.
//!
//! `AUDITLAKE_REQUESTS` sets how many requests; workers and principals follow from it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use engine::IngestFrom;
use object_store::path::Path;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::IngestFormat;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::worker::{self, Watch};
use super::{DONE, EXPORTS, INBOX, REJECTED};
use crate::clock::pause;
use crate::export::Manifest;
use crate::ingest::{IngestCommand, ingest};
use crate::lake::OpenLake;
use crate::progress::Progress;
use crate::world::World;

const TENANTS: u64 = 3;

/// A worker whose claims pass on long before it shows life again, so that some go on while another has begun.
const HASTY: Watch<'_> =
    Watch { once: false, workers: 2, settle: 0.0, lapse: Duration::from_millis(300), closing: None };

#[tokio::test]
async fn workers_that_stop_or_are_taken_for_dead_leave_one_answer_to_each_request() {
    let requests = std::env::var("AUDITLAKE_REQUESTS").map_or(40, |given| given.parse().expect("a number"));
    let (principals, at_once) = ((requests / 10).max(TENANTS), (requests / 5).min(20));
    let (_folder, lake) = asked(requests, principals).await;
    let mut chance = ChaCha8Rng::seed_from_u64(requests);
    let mut workers: Vec<Worker> = Vec::new();
    let mut stopped = 0;
    while count(&lake, INBOX).await > 0 {
        while (workers.len() as u64) < at_once {
            workers.push(Worker::start(&lake, HASTY));
        }
        // The moment itself is what is tested.
        pause(Duration::from_millis(chance.random_range(0..400))).await;
        drop(workers.swap_remove(chance.random_range(0..workers.len())));
        stopped += 1;
        assert!(stopped < 20 * requests + 100, "{} requests still wait", count(&lake, INBOX).await);
    }
    drop(workers);
    watch(&lake, Watch { once: true, ..HASTY }).await;
    each_is_answered_once(&lake, requests).await;
}

/// A worker on a thread of its own; dropped, it stops wherever it waits.
struct Worker {
    _stops_when_dropped: oneshot::Sender<()>,
}

impl Worker {
    fn start(lake: &Arc<OpenLake>, how: Watch<'static>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let lake = Arc::clone(lake);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = watch(&lake, how) => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { _stops_when_dropped: stop }
    }
}

async fn watch(lake: &OpenLake, how: Watch<'_>) {
    let access = lake.definitions.access.as_ref().expect("there is an access.yaml");
    worker::watch(lake, &World::real(), access, how, &|_, _| {}).await.expect("the store works");
}

async fn count(lake: &OpenLake, folder: &str) -> usize {
    lake.front.list(&Path::from(folder)).await.expect("a listing").len()
}

/// A lake in memory with principals, events, and an inbox full of requests.
async fn asked(requests: u64, principals: u64) -> (TempDir, Arc<OpenLake>) {
    let folder = TempDir::new().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("is made");
        std::fs::write(path, text).expect("is written");
    };
    let people: String = (0..principals)
        .map(|one| format!("  p{one}: {{tenants: [t{}], roles: [reader], channels: [inbox]}}\n", one % TENANTS))
        .collect();
    write("lake.yaml", "lake: test\nstore: memory\n");
    write("datasets/audit.yaml", "dataset: audit\nlocation: audit/\nschema: audit.v1\n");
    write("keys/evidence.key", &"0f".repeat(32));
    write(
        "access.yaml",
        &format!(
            "roles:\n  reader:\n    inherits: [analyst]\n    limits: {{exports_per_hour: 1000000}}\n    datasets: {{audit: {{rows: all}}}}\nprincipals:\n{people}"
        ),
    );
    let events: String = (0..3_000)
        .map(|n| {
            let tenant = n % TENANTS;
            format!(
                "{{\"event_id\":\"e-{n}\",\"time\":\"2026-03-01T10:00:00Z\",\"tenant_id\":\"t{tenant}\",\"source\":\"app\",\"event_type\":\"data.read\",\"outcome\":\"success\",\"actor_id\":\"u\",\"actor_type\":\"user\"}}\n"
            )
        })
        .collect();
    write("events.ndjson", &events);
    let lake = OpenLake::open(folder.path()).expect("it opens");
    let command = IngestCommand {
        format: IngestFormat::Ndjson,
        from: IngestFrom::Paths(vec!["events.ndjson".to_owned()]),
        into: "audit".to_owned(),
        mapping: None,
        tenant: None,
        partial: false,
        max_rejected_ppm: 0,
    };
    let outcome = ingest(&lake, &World::real(), &command, &Progress::silent()).await.expect("is ingested");
    assert_eq!(outcome.counts.rows, 3_000);
    for number in 0..requests {
        let path = Path::from(format!("{INBOX}/p{}/{number}.yaml", number % principals));
        let text = format!("request: 1\nid: n-{number}\ndataset: audit\nformat: ndjson\nsplit: {{rows: 250}}\n");
        lake.front.create(&path, text.into()).await.expect("is dropped");
    }
    (folder, Arc::new(lake))
}

async fn each_is_answered_once(lake: &OpenLake, requests: u64) {
    let listed = lake.front.list(&Path::from(EXPORTS)).await.expect("a listing");
    let (mut asked, mut named) = (BTreeSet::new(), BTreeSet::new());
    for meta in listed.iter().filter(|meta| meta.location.filename() == Some("manifest.json")) {
        let folder = meta.location.as_ref().trim_end_matches("manifest.json");
        let manifest: Manifest = lake.front.read_json(&meta.location).await.expect("is read").expect("is there");
        let request = manifest.request.as_ref().expect("it answers a request");
        assert!(asked.insert(request.id.clone()), "{} is answered twice", request.id);
        assert_eq!(manifest.rows, 1_000, "{}", request.id);
        for part in &manifest.parts {
            let path = Path::from(format!("{folder}{}", part.path));
            let bytes = lake.front.read(&path).await.expect("is read").unwrap_or_else(|| panic!("{path} is gone"));
            assert_eq!(part.sha256, schemas::hex(&Sha256::digest(&bytes)), "{path}");
            named.insert(path);
        }
    }
    assert_eq!(asked.len() as u64, requests, "answers");
    let parts = listed.iter().filter(|meta| meta.location.as_ref().contains("/part-")).map(|meta| &meta.location);
    assert_eq!(parts.filter(|part| !named.contains(*part)).collect::<Vec<_>>(), Vec::<&Path>::new());
    let left = (count(lake, INBOX).await, count(lake, REJECTED).await);
    assert_eq!((left, count(lake, DONE).await as u64), ((0, 0), requests));
}
