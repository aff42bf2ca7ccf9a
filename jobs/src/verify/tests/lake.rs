//! A small lake in memory in which everything that is logged has happened, and ways to tamper with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use engine::IngestFrom;
use engine::evidence::{SignerKey, VerifierKey};
use object_store::path::Path;
use schemas::{FixedClock, IngestFormat, JobId};
use tempfile::TempDir;

use super::super::{Against, everything};
use crate::compact::{CompactCommand, compact};
use crate::evidence_log::write_keys;
use crate::ingest::{IngestCommand, ingest};
use crate::lake::OpenLake;
use crate::progress::Progress;
use crate::review::{Step, take};
use crate::runner::{Asked, Revise, run};
use crate::verify::{Scope, Verified};
use crate::world::World;

pub(super) const ORIGIN: &str = "acme.example/auditlake/acme";

const LAKE: [(&str, &str); 8] = [
    ("lake.yaml", "lake: acme\nstore: \"memory:\"\n"),
    ("datasets/audit.yaml", "dataset: audit\nlocation: audit/\nschema: audit.v1\n"),
    ("datasets/identity.yaml", "dataset: identity\nlocation: identity/\nschema: identity.v1\n"),
    (
        "access.yaml",
        "principals:\n  alice: {tenants: all, roles: [operator]}\n  bob: {tenants: all, roles: [auditor]}\n",
    ),
    (
        "jobs/weekly.yaml",
        "job: weekly\nkind: compliance_report\nwindow: 7d\nframeworks: [soc2]\ncontrols: [AL-AUTH-001]\n\
         approval: required\noutputs:\n  - {format: json, to: \"reports/{interval.end:%Y-%m-%d}/\"}\n  \
         - {format: csv, to: \"reports/{interval.end:%Y-%m-%d}/\"}\n",
    ),
    (
        "jobs/rows.yaml",
        "job: rows\nkind: export\ndataset: audit\nwindow: 7d\nformat: ndjson\n\
         to: \"exports/rows/{interval.end:%Y-%m-%d}/\"\n",
    ),
    ("jobs/verify.yaml", "job: verify\nkind: verify\n"),
    (
        "policies/evidence.yaml",
        "evidence:\n  origin: acme.example/auditlake/acme\n  sign: {key: file:keys/log.key}\n  \
         trust: [file:keys/log.pub]\n  anchors: [{name: vault, to: file:./vault}]\n",
    ),
];

/// A lake with its folder.
pub(super) struct Small {
    pub(super) folder: TempDir,
    pub(super) lake: OpenLake,
    /// What lay in the store after each thing that was done.
    pub(super) history: Vec<BTreeMap<Path, Bytes>>,
    at: DateTime<Utc>,
}

impl Small {
    /// A lake in which nothing has happened.
    pub(super) fn empty() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        for (name, text) in LAKE {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        std::fs::create_dir_all(folder.path().join("vault")).expect("made");
        write_keys(&folder.path().join("keys/log.key"), &SignerKey::new(ORIGIN, &[1; 32])).expect("keys");
        std::fs::write(folder.path().join("keys/evidence.key"), "07".repeat(32)).expect("a key");
        let lake = OpenLake::open(folder.path()).expect("a lake");
        let at = schemas::parse_rfc3339("2026-03-04T00:00:00Z").expect("an instant");
        Self { folder, lake, history: Vec::new(), at }
    }

    /// A lake in which files came, were compacted, reported, approved, published, exported and verified.
    pub(super) async fn lived() -> Self {
        let mut small = Self::empty();
        for part in 0..4 {
            small.ingest(part, 40).await;
        }
        let world = small.world();
        let command = CompactCommand {
            dataset: "audit".to_owned(),
            grace: TimeDelta::zero(),
            file_bytes: 1 << 20,
            dry_run: false,
        };
        compact(&small.lake, &world, &command, &Progress::silent()).await.expect("compacted");
        small.keep().await;
        small.ingest(4, 40).await;
        small.run("weekly").await;
        for (step, by) in [(Step::Submit, "alice"), (Step::Approve, "bob"), (Step::Publish, "alice")] {
            let world = small.world();
            let run = format!("weekly@{}", schemas::compact(small.ran_at()));
            take(&small.lake, &world, &run, (step, by)).await.expect("a step");
            small.keep().await;
        }
        small.run("rows").await;
        small.run("verify").await;
        small.ingest(5, 40).await;
        small
    }

    /// The instant of runs.
    pub(super) fn ran_at(&self) -> DateTime<Utc> {
        schemas::parse_rfc3339("2026-03-05T00:00:00Z").expect("an instant")
    }

    /// The world a minute later, each time it is asked for.
    pub(super) fn world(&mut self) -> World {
        self.at += TimeDelta::minutes(1);
        World::seeded(Arc::new(FixedClock(self.at)), self.at.timestamp().unsigned_abs())
    }

    pub(super) async fn ingest(&mut self, part: u64, events: u64) {
        let mut lines = String::new();
        for number in 0..events {
            let number = part * events + number;
            let seq = number / 2;
            let hash = |seq: u64| engine::hex(&[seq as u8 + 1; 32]);
            let before = if seq == 0 { "null".to_owned() } else { format!("\"{}\"", hash(seq - 1)) };
            let chain = if number.is_multiple_of(2) {
                format!(r#","chain_id":"hsm","seq":{seq},"prev_hash":{before},"hash":"{}""#, hash(seq))
            } else {
                String::new()
            };
            lines.push_str(&format!(
                r#"{{"event_id":"e-{number}","time":"2026-03-0{}T10:00:{:02}Z","tenant_id":"t{}","source":"app","event_type":"user.login","outcome":"failure","actor_id":"u-1","actor_type":"user"{chain}}}"#,
                1 + part % 3,
                number % 60,
                number % 2,
            ));
            lines.push('\n');
        }
        std::fs::create_dir_all(self.folder.path().join("drop")).expect("made");
        std::fs::write(self.folder.path().join(format!("drop/part-{part}.ndjson")), lines).expect("written");
        let world = self.world();
        let command = IngestCommand {
            format: IngestFormat::Ndjson,
            from: IngestFrom::Paths(vec![format!("drop/part-{part}.ndjson")]),
            into: "audit".to_owned(),
            mapping: None,
            tenant: None,
            partial: false,
            max_rejected_ppm: 0,
        };
        ingest(&self.lake, &world, &command, &Progress::silent()).await.expect("ingested");
        self.keep().await;
    }

    pub(super) async fn run(&mut self, job: &str) {
        let id = JobId::parse(job).expect("an id");
        let job = self.lake.definitions.job(&id).expect("a job").clone();
        let logged = self.world();
        let world = logged.at(Arc::new(FixedClock(self.ran_at())));
        run(&self.lake, &world, &job, Asked::by(Revise::Never, None), &Progress::silent()).await.expect("ran");
        self.keep().await;
    }

    /// Keeps what lies in the store.
    async fn keep(&mut self) {
        let objects = self.objects().await;
        self.history.push(objects);
    }

    /// Everything that lies in the store.
    pub(super) async fn objects(&self) -> BTreeMap<Path, Bytes> {
        let mut objects = BTreeMap::new();
        for meta in self.lake.front.list(&Path::default()).await.expect("a listing") {
            let bytes = self.lake.front.read(&meta.location).await.expect("read").expect("there");
            objects.insert(meta.location, bytes);
        }
        objects
    }

    /// Makes the store hold exactly these objects.
    pub(super) async fn restore(&self, objects: &BTreeMap<Path, Bytes>) {
        let there = self.objects().await;
        for path in there.keys().filter(|path| !objects.contains_key(*path)) {
            self.lake.front.remove(path).await.expect("removed");
        }
        for (path, bytes) in objects.iter().filter(|(path, bytes)| there.get(*path) != Some(*bytes)) {
            self.lake.front.replace(path, bytes.clone()).await.expect("put");
        }
    }

    pub(super) async fn put(&self, path: &Path, bytes: impl Into<Bytes>) {
        self.lake.front.replace(path, bytes.into()).await.expect("put");
    }

    pub(super) fn trusted(&self) -> Vec<VerifierKey> {
        vec![SignerKey::new(ORIGIN, &[1; 32]).verifier().clone()]
    }

    /// What a verification finds, with the lake's own key trusted.
    pub(super) async fn verified(&self) -> Verified {
        self.verified_with(self.trusted()).await
    }

    pub(super) async fn verified_with(&self, keys: Vec<VerifierKey>) -> Verified {
        let world = World::seeded(Arc::new(FixedClock(self.at + TimeDelta::minutes(1))), 1);
        let against = Against { keys, keys_from: "a test".to_owned(), kept: None, asks_anchors: true };
        everything(&self.lake, &world, &against, &Scope::default()).await.expect("could look")
    }
}
