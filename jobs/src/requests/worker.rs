//! Watching the inbox: several requests at once, and so many of each principal as its roles say.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::Mutex as StdMutex;
use std::sync::PoisonError;
use std::time::Duration;

use chrono::{DateTime, Utc};
use engine::Lakefront;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use object_store::path::Path;
use schemas::{Access, Limit};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::answer::{Answerer, Outcome};
use super::inbox::{Dropped, Watched};
use super::{EXPORTS, RequestId};
use crate::access;
use crate::claim::Patience;
use crate::clock::{self, Stopwatch};
use crate::error::JobError;
use crate::export::{Manifest, ObjectPlace};
use crate::lake::OpenLake;
use crate::notify::{Note, Source};
use crate::world::World;

/// How often the inbox is looked at.
const LOOK: Duration = Duration::from_millis(1_000);
/// How often while more is known of than can be answered at once: a long list is dear, and nobody waits for it.
const LOOK_AT_WORK: Duration = Duration::from_millis(5_000);
/// How long a file is left alone that somebody else works on, in seconds.
const BUSY_LOOK: f64 = 3.0;
/// How often answers that have expired are looked for, in seconds.
const EXPIRY_LOOK: f64 = 600.0;
/// How often records of exports become events of the lake's dataset, in seconds.
const EVENTS_LOOK: f64 = 60.0;
/// How long the parts of an answer stay after it has expired.
const EXPIRY_GRACE: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// How the inbox is watched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch<'a> {
    /// Whether it ends when nothing is left to do now.
    pub(crate) once: bool,
    /// Requests answered at the same time.
    pub(crate) workers: usize,
    /// Seconds that a file must not have changed.
    pub(crate) settle: f64,
    /// How long a worker may show no life before another goes on with its request.
    pub(crate) lapse: Duration,
    /// Once it is cancelled, nothing new is answered, and the watch ends with what is at work.
    pub(crate) closing: Option<&'a CancellationToken>,
}

impl Watch<'_> {
    fn is_closing(&self) -> bool {
        self.closing.is_some_and(CancellationToken::is_cancelled)
    }
}

/// Watches the inbox and tells what becomes of each file.
///
/// # Errors
/// When the inbox cannot be listed; of a watch that ends, also when the store failed for a file, which stays there.
pub(crate) async fn watch(
    lake: &OpenLake,
    world: &World,
    who: &Access,
    how: Watch<'_>,
    tell: &(dyn Fn(&Dropped, &Result<Outcome, JobError>) + Sync),
) -> Result<(), JobError> {
    let team = Team {
        answerer: Answerer { lake, world, access: who },
        workers: how.workers.max(1),
        patience: Patience::of(how.lapse),
        turns: Turns::default(),
        slots: Semaphore::new(how.workers.max(1)),
    };
    let mut chance = [0; 2];
    world.fill(&mut chance);
    let mut watched = Watched::from(u16::from_ne_bytes(chance).into());
    let (mut at_work, mut files) = (FuturesUnordered::new(), Files::default());
    let (mut looked, mut failed): (Option<Stopwatch>, Option<JobError>) = (None, None);
    let (mut publishing, mut published) = (FuturesUnordered::new(), Stopwatch::start());
    loop {
        if publishing.is_empty() && published.seconds() >= EVENTS_LOOK {
            // An ingest may wait for another; requests do not wait for it.
            publishing.push(access::publish(lake, world));
            published = Stopwatch::start();
        }
        if looked.as_ref().is_none_or(|looked| looked.seconds() >= EXPIRY_LOOK) {
            expire(lake, world).await?;
            looked = Some(Stopwatch::start());
        }
        let (stable, waiting) =
            if how.is_closing() { (Vec::new(), 0) } else { watched.look(&lake.front, how.settle).await? };
        files.pass(world.now());
        let mut is_left = waiting > 0;
        for dropped in stable {
            is_left |= files.busy.contains_key(&dropped.meta.location);
            if files.take(&dropped.meta.location) {
                at_work.push(team.answer(dropped));
            }
        }
        // What comes meanwhile does not wait for what takes long.
        let pause = if at_work.len() > how.workers { LOOK_AT_WORK } else { LOOK };
        let mut look = std::pin::pin!(clock::pause(pause));
        loop {
            if at_work.is_empty() && (how.is_closing() || how.once && !is_left) {
                access::publish(lake, world).await?;
                return failed.map_or(Ok(()), Err);
            }
            tokio::select! {
                Some(done) = publishing.next(), if !publishing.is_empty() => {
                    if let Err(error) = done {
                        let told = crate::runner::chain(&error).join(": ");
                        tracing::warn!(error = %told, "records of exports are not in the dataset yet, will retry");
                    }
                }
                Some((dropped, outcome)) = at_work.next(), if !at_work.is_empty() => {
                    tell(&dropped, &outcome);
                    is_left |= files.is_left(dropped.meta.location, &outcome);
                    failed = outcome.err().or(failed);
                }
                () = &mut look => break,
            }
        }
    }
}

/// Those who answer, in one process.
struct Team<'a> {
    answerer: Answerer<'a>,
    workers: usize,
    patience: Patience,
    turns: Turns,
    slots: Semaphore,
}

impl Team<'_> {
    /// Answers a file when it is its folder's turn and somebody is free.
    async fn answer(&self, dropped: Dropped) -> (Dropped, Result<Outcome, JobError>) {
        let of_folder = || at_once(self.answerer.access, &dropped.folder, self.workers);
        let turns = self.turns.of(&dropped.folder, of_folder);
        let turn = turns.acquire().await;
        let slot = self.slots.acquire().await;
        let mut outcome = self.answerer.answer(&dropped, &self.patience, false).await;
        drop(slot);
        if matches!(outcome, Ok(Outcome::Alone)) {
            let all = self.slots.acquire_many(u32::try_from(self.workers).unwrap_or(u32::MAX)).await;
            outcome = self.answerer.answer(&dropped, &self.patience, true).await;
            drop(all);
        }
        drop(turn);
        (dropped, outcome)
    }
}

/// What is known of files of the inbox beside what lies there.
#[derive(Debug, Default)]
struct Files {
    taken: HashSet<Path>,
    /// Whose turn comes at an instant.
    later: HashMap<Path, DateTime<Utc>>,
    /// On which others work.
    busy: HashMap<Path, Stopwatch>,
}

impl Files {
    fn pass(&mut self, now: DateTime<Utc>) {
        self.later.retain(|_, turn| *turn > now);
        self.busy.retain(|_, since| since.seconds() < BUSY_LOOK);
    }

    /// Whether the file is to be answered now; it is taken then.
    fn take(&mut self, path: &Path) -> bool {
        !self.busy.contains_key(path) && !self.later.contains_key(path) && self.taken.insert(path.clone())
    }

    /// Keeps what became of a file; whether more is to be done for it soon.
    fn is_left(&mut self, path: Path, outcome: &Result<Outcome, JobError>) -> bool {
        self.taken.remove(&path);
        match outcome {
            Ok(Outcome::Busy(_)) => self.busy.insert(path, Stopwatch::start()).is_none(),
            Ok(Outcome::Again(..) | Outcome::Gone) => true,
            Ok(Outcome::Deferred(_, turn)) => {
                self.later.insert(path, *turn);
                false
            }
            Ok(_) | Err(_) => false,
        }
    }
}

/// Requests of a folder that are answered at the same time. One worker of several is always left to others: what takes
/// long holds up nobody but whoever asked for it.
fn at_once(access: &Access, folder: &str, workers: usize) -> usize {
    let of_roles = access.principal(folder).map_or(1, |principal| principal.limits.of(Limit::Concurrent));
    usize::try_from(of_roles).unwrap_or(usize::MAX).min(workers.saturating_sub(1)).max(1)
}

/// Whose turn it is, folder by folder.
#[derive(Debug, Default)]
struct Turns {
    by_folder: StdMutex<HashMap<String, Arc<Semaphore>>>,
}

impl Turns {
    fn of(&self, folder: &str, at_once: impl FnOnce() -> usize) -> Arc<Semaphore> {
        let mut by_folder = self.by_folder.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(by_folder.entry(folder.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(at_once()))))
    }
}

/// Every answer: its request, and its folder.
pub(crate) async fn answers(front: &Lakefront) -> Result<Vec<(RequestId, ObjectPlace)>, JobError> {
    with(front, "/manifest.json").await
}

/// Every request that somebody has taken up.
pub(crate) async fn begun(front: &Lakefront) -> Result<Vec<(RequestId, ObjectPlace)>, JobError> {
    with(front, "/status.json").await
}

/// Requests in whose folder there is an object of this name.
async fn with(front: &Lakefront, name: &str) -> Result<Vec<(RequestId, ObjectPlace)>, JobError> {
    let listed = front.list(&Path::from(EXPORTS)).await?;
    let id = |path: &Path| {
        let below = path.as_ref().strip_prefix(EXPORTS)?.strip_prefix('/')?;
        RequestId::parse(below.strip_suffix(name)?)
    };
    let ids = listed.iter().filter_map(|meta| id(&meta.location));
    Ok(ids.map(|id| (id.clone(), ObjectPlace::in_lake(front, &id.answer()))).collect())
}

/// Marks answers whose time is over, and after a while takes their parts away; the manifest stays.
async fn expire(lake: &OpenLake, world: &World) -> Result<(), JobError> {
    for (id, place) in answers(&lake.front).await? {
        let Some(manifest) = place.read_json::<Manifest>("manifest.json").await? else { continue };
        let Some(expires_at) = manifest.request.as_ref().and_then(|request| request.expires_at) else { continue };
        if expires_at > world.now() {
            continue;
        }
        let marked = serde_json::json!({ "expired_at": schemas::rfc3339(expires_at) });
        if place.head("expired.json").await?.is_none() {
            let source = Source::Answer { request: id.hash.clone(), folder: id.answer() };
            let note = Note::begin(lake, world, source).await?;
            let written = place.replace("expired.json", crate::export::pretty(&marked)?).await;
            note.end().await;
            written?;
        }
        if expires_at + EXPIRY_GRACE <= world.now() {
            for part in &manifest.parts {
                place.remove(&part.path).await?;
            }
            if let Some(beside) = &manifest.beside {
                place.remove(&beside.path).await?;
            }
        }
    }
    Ok(())
}
