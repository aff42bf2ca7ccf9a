//! Lakes whose channels are an endpoint on loopback, a folder, or both; a clock that a test moves.

mod crash;
mod delivery;
mod endpoint;
mod made;
mod pure;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use object_store::path::Path;
use schemas::{Clock, EventType};
use serde_json::Value;
use tempfile::TempDir;

use super::call::Caller;
use super::event::{Event, Told};
use super::guard::Resolve;
use super::outbox::{self, Mark};
use super::post::once;
use crate::claim::Patience;
use crate::lake::OpenLake;
use crate::world::World;

use endpoint::{Endpoint, Names};

/// The secret of the specification's example.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A clock that stands still until it is moved.
#[derive(Debug, Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(at("2026-03-29T04:00:00Z").timestamp_micros())))
    }

    fn pass(&self, span: TimeDelta) {
        self.0.fetch_add(span.num_microseconds().expect("a short time"), Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::Relaxed)).unwrap_or_default()
    }
}

fn at(text: &str) -> DateTime<Utc> {
    schemas::parse_rfc3339(text).expect("an instant")
}

/// A lake in memory, and all that is needed to tell somebody.
struct Telling {
    folder: TempDir,
    lake: OpenLake,
    hand: Hand,
    world: World,
    caller: Caller,
    /// With holders of claims, who are taken for dead at the second look.
    patience: Patience,
}

/// Definitions in a folder: `notify` is what stands below that key, `more` other files.
fn written(notify: &str, more: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let lake = format!("lake: acme\nstore: \"memory:\"\nnotify:\n{notify}");
    for (name, text) in [("lake.yaml", lake.as_str()), ("secret", SECRET)].iter().chain(more) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    folder
}

impl Telling {
    fn of(folder: TempDir) -> Self {
        let lake = OpenLake::open(folder.path()).expect("right definitions");
        let hand = Hand::new();
        let world = World::seeded(Arc::new(hand.clone()), 7);
        let caller = Caller { resolver: Arc::new(Names::of(&[&["127.0.0.1"]])), timeout: Duration::from_secs(10) };
        Self { folder, lake, hand, world, caller, patience: Patience::of(Duration::ZERO) }
    }

    /// With a channel `hook` that calls an endpoint, and `keys` of its own; `others` are further channels.
    fn calling(endpoint: &Endpoint, keys: &str, others: &str) -> Self {
        let hook = format!(
            "  hook: {{url: \"https://hooks.example:{}/al?x=1\", secrets: [file:secret], allow_addresses: [127.0.0.1/32], \
             ca: file:ca.pem{keys}}}\n{others}",
            endpoint.port
        );
        Self::of(written(&hook, &[("ca.pem", &endpoint.authority)]))
    }

    async fn publish(&self, event: &Event) {
        outbox::publish(&self.lake, event).await.expect("published");
    }

    async fn once(&self) {
        once((&self.lake, &self.world), (&self.caller, &self.patience), true, &|_| {}).await;
    }

    /// Names of the records of the one message of a channel.
    async fn records(&self, channel: &str) -> Vec<String> {
        let listed = self.lake.front.list(&Path::from(format!("{}/{channel}", outbox::FOLDER))).await.expect("listed");
        listed.iter().filter_map(|meta| meta.location.filename().map(str::to_owned)).collect()
    }

    /// A record of the one message of a channel.
    async fn record(&self, channel: &str, name: &str) -> Value {
        let listed = self.lake.front.list(&Path::from(format!("{}/{channel}", outbox::FOLDER))).await.expect("listed");
        let found = listed.iter().find(|meta| meta.location.filename() == Some(name)).expect("it is there");
        self.lake.front.read_json(&found.location).await.expect("readable").expect("there")
    }

    async fn marked(&self, with: Mark, channel: &str) -> usize {
        let all = outbox::marked(&self.lake.front, with).await.expect("listed");
        all.get(channel).map_or(0, std::collections::BTreeSet::len)
    }

    /// Files of the channel `archive`, which writes to `told/`.
    async fn archived(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for meta in self.lake.front.list(&Path::from("told")).await.expect("listed") {
            all.push(self.lake.front.read_json(&meta.location).await.expect("readable").expect("there"));
        }
        all
    }

    fn resolving(self, names: impl Resolve + 'static) -> Self {
        Self { caller: Caller { resolver: Arc::new(names), ..self.caller }, ..self }
    }

    fn hurried(self) -> Self {
        Self { caller: Caller { timeout: Duration::from_millis(50), ..self.caller }, ..self }
    }
}

/// Something that happened to a run.
fn event(number: u64) -> Event {
    let told = Told { what: "a run failed", job: Some("soc2-daily".to_owned()), ..Told::default() };
    let subject = "soc2-daily@20260329T040000Z".to_owned();
    let time = at("2026-03-29T04:00:07Z");
    Event { kind: EventType::RunFailed, run: subject.clone(), number, subject, time, data: told }
}
