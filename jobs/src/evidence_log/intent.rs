//! What is to be logged when a process dies between doing it and logging it.
//!
//! Before anything is done, an intent is written: what is about to be done, and how long the log is. Once it is done and
//! logged, the intent goes. An intent whose process is gone makes the next one look at the records of what was begun, and
//! log what is not there. Two that do so at once log nothing twice: each reads what lies behind the length in the intent
//! before it takes a place.
//!
//! Logging fails nothing that is done: what it ran into is a warning, the intent stays, and `auditlake verify` tells.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use engine::evidence::EntryBody;
use engine::{EngineError, FileRecords, WrittenFile, file_records};
use object_store::ObjectMeta;
use object_store::path::Path;
use schemas::{Dataset, DatasetId, JobId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::append::{Appended, EvidenceLog};
use super::entries::{Places, of_commit, of_export, of_files, of_removals};
use super::proofs;
use super::read::entries_of;
use super::replay::{LoggedFile, Replay};
use crate::claim::Holder;
use crate::error::JobError;
use crate::export::{Manifest, ObjectPlace};
use crate::lake::OpenLake;
use crate::ledger::{Ledger, RunKey};
use crate::notify::Note;
use crate::retention;
use crate::review;
use crate::world::World;

const PENDING: &str = "_auditlake/evidence/_proof/pending";
/// An intent of a process that cannot be seen from here is looked at once it is this old, by the store's own clock.
const OLD: TimeDelta = TimeDelta::hours(1);

/// What is about to be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Act {
    /// Files of a dataset come or go.
    Dataset {
        /// The dataset.
        dataset: DatasetId,
    },
    /// A run is committed.
    Run {
        /// Its job.
        job: JobId,
        /// Its instant.
        instant: DateTime<Utc>,
    },
    /// A report is submitted, approved, rejected or published.
    Review {
        /// Its job.
        job: JobId,
        /// Its instant.
        instant: DateTime<Utc>,
    },
    /// A request is answered.
    Answer {
        /// Its hash.
        request: String,
        /// Where the answer lies.
        folder: String,
    },
    /// A retention plan is applied.
    Retention {
        /// Its id.
        plan: String,
    },
    /// A record of a hold or of an approval is written.
    Record {
        /// Its path.
        path: String,
    },
    /// Something of which the lake keeps no record.
    Other,
}

/// An intent as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Pending {
    #[serde(flatten)]
    act: Act,
    /// Entries in the log before it.
    since: u64,
    holder: Holder,
}

/// An act under way; none of it is logged where the lake has no log.
#[derive(Debug)]
pub(crate) struct Intent<'a> {
    lake: &'a OpenLake,
    world: &'a World,
    log: Option<Noted>,
    /// So that whoever is to be told of it is told.
    note: Note<'a>,
}

#[derive(Debug)]
struct Noted {
    log: EvidenceLog,
    path: Path,
    act: Act,
    since: u64,
}

impl<'a> Intent<'a> {
    /// Notes what is about to be done, after what dead processes left has been made up for.
    ///
    /// # Errors
    /// When a key of the log is absent or wrong, or the store fails; nothing has been done then.
    pub(crate) async fn begin(lake: &'a OpenLake, world: &'a World, act: Act) -> Result<Intent<'a>, JobError> {
        let opened = EvidenceLog::open(lake)?;
        let note = Note::of_act(lake, world, &act).await?;
        let Some(log) = opened else { return Ok(Self { lake, world, log: None, note }) };
        match Self::noted(lake, world, log, act).await {
            Ok(noted) => Ok(Self { lake, world, log: Some(noted), note }),
            Err(error) => {
                note.end().await;
                Err(error)
            }
        }
    }

    async fn noted(lake: &OpenLake, world: &World, log: EvidenceLog, act: Act) -> Result<Noted, JobError> {
        let since = log.size().await?;
        let mut nonce = [0; 16];
        world.fill(&mut nonce);
        let path = Path::from(format!("{PENDING}/{}.json", engine::hex(&nonce)));
        let pending = Pending { act: act.clone(), since, holder: Holder::me(world) };
        lake.front.create_json(&path, &pending).await?;
        let noted = Noted { log, path, act, since };
        if let Err(error) = made_up(lake, world, &noted).await {
            warn(&error);
        }
        Ok(noted)
    }

    /// Of what is not logged.
    pub(crate) fn none(lake: &'a OpenLake, world: &'a World) -> Intent<'a> {
        Self { lake, world, log: None, note: Note::none(lake) }
    }

    /// Logs what was done, or, when it failed, what of it was done all the same.
    pub(crate) async fn end<T>(
        self,
        done: Result<T, JobError>,
        bodies: impl AsyncFnOnce(&T) -> Result<Vec<EntryBody>, JobError>,
    ) -> Result<T, JobError> {
        if let Some(noted) = &self.log {
            self.logged(noted, &done, bodies).await;
        }
        self.note.end().await;
        done
    }

    async fn logged<T>(
        &self,
        noted: &Noted,
        done: &Result<T, JobError>,
        bodies: impl AsyncFnOnce(&T) -> Result<Vec<EntryBody>, JobError>,
    ) {
        let logged = match done {
            Ok(value) => match bodies(value).await {
                Ok(bodies) => log(self.lake, self.world, noted, &bodies).await,
                Err(error) => Err(error),
            },
            Err(_) => make_up(self.lake, self.world, &noted.log, &noted.act, noted.since).await,
        };
        match logged {
            Ok(()) => drop(self.lake.front.remove(&noted.path).await.inspect_err(|error| {
                tracing::warn!(%error, "intent not removed, will be when something is logged again");
            })),
            Err(error) => {
                warn(&error);
                // Whoever logs next need not wait until this process is gone.
                drop(self.lake.front.create(&over(&noted.path), bytes::Bytes::new()).await);
            }
        }
    }
}

/// Says of an intent that its act has ended and is not logged.
fn over(intent: &Path) -> Path {
    Path::from(format!("{intent}.over"))
}

fn warn(error: &JobError) {
    let why = crate::runner::chain(error).join(": ");
    tracing::warn!(%why, "not in the evidence log yet, will be when something is logged again");
}

async fn log(lake: &OpenLake, world: &World, noted: &Noted, bodies: &[EntryBody]) -> Result<(), JobError> {
    let appended = noted.log.append(bodies, noted.since, world.logged_at()).await?;
    signed(lake, &noted.log, appended).await
}

/// Proofs of what was logged; what kept the log from being signed is a warning, for the entries are in it.
async fn signed(lake: &OpenLake, log: &EvidenceLog, appended: Appended) -> Result<(), JobError> {
    match appended.unsigned {
        None => proofs::lay(lake, log, &appended.entries).await,
        Some(error) => {
            let why = crate::runner::chain(&error).join(": ");
            tracing::warn!(%why, "the evidence log has entries that are not signed yet, will be with the next ones");
            Ok(())
        }
    }
}

/// Everything that is under way, or was when a process died.
pub(crate) async fn open(lake: &OpenLake) -> Result<Vec<Act>, JobError> {
    let mut acts = Vec::new();
    for meta in intents(&lake.front.list(&Path::from(PENDING)).await?) {
        match lake.front.read_json::<Pending>(&meta.location).await {
            Ok(pending) => acts.extend(pending.map(|pending| pending.act)),
            Err(EngineError::Record { .. }) => acts.push(Act::Other),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(acts)
}

/// Logs what is open, if anything is. What that runs into is a warning.
pub(crate) async fn make_good(lake: &OpenLake, world: &World) {
    let done = async {
        if lake.definitions.evidence.is_none() || lake.front.list(&Path::from(PENDING)).await?.is_empty() {
            return Ok(());
        }
        close_open(lake, world).await
    };
    if let Err(error) = done.await {
        warn(&error);
    }
}

/// Logs what is open and of no living process, whoever began it.
///
/// # Errors
/// When the log cannot be read or written.
pub(crate) async fn close_open(lake: &OpenLake, world: &World) -> Result<(), JobError> {
    let intent = Intent::begin(lake, world, Act::Other).await?;
    intent.end(Ok(()), async |()| Ok(Vec::new())).await
}

/// Logs what processes that are gone left unlogged.
async fn made_up(lake: &OpenLake, world: &World, own: &Noted) -> Result<(), JobError> {
    let listed = lake.front.list(&Path::from(PENDING)).await?;
    if listed.len() < 2 {
        return Ok(());
    }
    let newest = newest(&listed);
    for meta in intents(&listed).filter(|meta| meta.location != own.path) {
        let Some(pending) = lake.front.read_json::<Pending>(&meta.location).await? else { continue };
        let (holder, is_over) = (&pending.holder, is_over(&listed, meta));
        if is_over || holder.is_dead() || newest - meta.last_modified > OLD {
            make_up(lake, world, &own.log, &pending.act, pending.since).await?;
            // Whoever lives may be at it still, however long it takes.
            if is_over || !holder.lives() {
                lake.front.remove(&meta.location).await?;
                lake.front.remove(&over(&meta.location)).await?;
            }
        }
    }
    Ok(())
}

/// What others may be doing at this moment, and who; whatever was begun by a process that is gone is made up for, and not told.
/// Nothing is known of it where the lake has no log. `act` is the one in whose name it is asked.
///
/// # Errors
/// When the log or an intent of somebody else cannot be read.
pub(crate) async fn under_way(lake: &OpenLake, world: &World, act: Act) -> Result<Vec<(Act, String)>, JobError> {
    let intent = Intent::begin(lake, world, act).await?;
    let Some(own) = intent.log.as_ref().map(|noted| noted.path.clone()) else { return Ok(Vec::new()) };
    let acts = of_others(lake, &own).await;
    intent.end(acts, async |_| Ok(Vec::new())).await
}

async fn of_others(lake: &OpenLake, own: &Path) -> Result<Vec<(Act, String)>, JobError> {
    let listed = lake.front.list(&Path::from(PENDING)).await?;
    let newest = newest(&listed);
    let mut acts = Vec::new();
    for meta in intents(&listed).filter(|meta| meta.location != *own) {
        let is_old = newest - meta.last_modified > OLD;
        if is_over(&listed, meta) {
            continue;
        }
        match lake.front.read_json::<Pending>(&meta.location).await {
            Ok(pending) => {
                let may_live = |pending: &Pending| !pending.holder.is_dead() && (!is_old || pending.holder.lives());
                acts.extend(pending.filter(may_live).map(|pending| (pending.act, pending.holder.to_string())));
            }
            Err(EngineError::Record { .. }) if is_old => {}
            Err(EngineError::Record { .. }) => acts.push((Act::Other, "somebody".to_owned())),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(acts)
}

/// The store's clock against itself: the newest intent is ours or as new.
fn newest(listed: &[ObjectMeta]) -> DateTime<Utc> {
    listed.iter().map(|meta| meta.last_modified).max().unwrap_or_default()
}

fn is_over(listed: &[ObjectMeta], intent: &ObjectMeta) -> bool {
    listed.iter().any(|other| other.location == over(&intent.location))
}

fn intents(listed: &[ObjectMeta]) -> impl Iterator<Item = &ObjectMeta> {
    listed.iter().filter(|meta| meta.location.as_ref().ends_with(".json"))
}

/// Looks at the records of an act, and logs what is not in the log.
async fn make_up(lake: &OpenLake, world: &World, log: &EvidenceLog, act: &Act, since: u64) -> Result<(), JobError> {
    // Whatever comes into the log from here on is behind `size`, and looked at once more when a place is taken.
    let size = log.size().await?;
    let (replay, bodies) = match act {
        Act::Dataset { dataset } => {
            let replay = replayed(log).await?;
            let own = lake.dataset(dataset.as_str())?;
            let mut bodies = of_dataset(lake, &replay, Some(own), false).await?;
            bodies.extend(of_dataset(lake, &replay, own.rejected().as_ref(), false).await?);
            (replay, bodies)
        }
        Act::Run { job, instant } | Act::Review { job, instant } => {
            let key = RunKey { job: job.clone(), instant: *instant };
            let mut bodies = of_run(lake, &key).await?;
            bodies.extend(review::bodies(&lake.front, &key).await?);
            if bodies.is_empty() {
                return Ok(());
            }
            (replayed(log).await?, bodies)
        }
        Act::Answer { request, folder } => {
            let place = ObjectPlace::in_lake(&lake.front, folder);
            let Some(manifest) = place.read_json::<Manifest>(&place.manifest()).await? else { return Ok(()) };
            (replayed(log).await?, vec![of_export(request, &place, &manifest).await?])
        }
        Act::Retention { plan } => (replayed(log).await?, retention::plan_bodies(lake, plan).await?),
        Act::Record { path } => {
            (replayed(log).await?, retention::of_record(&lake.front, path).await?.into_iter().collect())
        }
        Act::Other => return Ok(()),
    };
    let (mut lacking, mut unproven) = (Vec::new(), BTreeSet::new());
    for body in bodies {
        let entry = engine::evidence::Entry::new(world.logged_at(), body).map_err(super::fault::EvidenceFault::from)?;
        if !replay.ids.contains(&entry.id) {
            lacking.push(entry.body);
        } else if matches!(entry.body, EntryBody::Report(_) | EntryBody::Export(_)) {
            // Whoever logged it may have died before its proofs lay beside it.
            unproven.insert(entry.id);
        }
    }
    let there = entries_with(log, &unproven).await?;
    let mut appended = log.append(&lacking, since.min(size), world.logged_at()).await?;
    appended.entries.extend(there);
    signed(lake, log, appended).await
}

/// Index and bytes of the entries with these ids.
async fn entries_with(log: &EvidenceLog, ids: &BTreeSet<String>) -> Result<Vec<(u64, Vec<u8>)>, JobError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let is_one = |bytes: &[u8]| engine::evidence::Entry::parse(bytes).is_ok_and(|entry| ids.contains(&entry.id));
    Ok((0..).zip(entries_of(&log.store).await?).filter(|(_, bytes)| is_one(bytes)).collect())
}

pub(crate) async fn replayed(log: &EvidenceLog) -> Result<Replay, JobError> {
    let mut replay = Replay::default();
    for (index, bytes) in (0..).zip(entries_of(&log.store).await?) {
        if let Ok(entry) = engine::evidence::Entry::parse(&bytes) {
            replay.take(index, entry);
        }
    }
    Ok(replay)
}

/// What the log lacks of the files of a dataset. Files that no record names are strangers, and are logged only where the
/// operator adopts them.
pub(crate) async fn of_dataset(
    lake: &OpenLake,
    replay: &Replay,
    dataset: Option<&Dataset>,
    adopts: bool,
) -> Result<Vec<EntryBody>, JobError> {
    let Some(dataset) = dataset.filter(|dataset| dataset.elsewhere.is_none()) else { return Ok(Vec::new()) };
    let places = Places::of(lake)?;
    let records = file_records(&lake.front, dataset, ingests_of(lake, dataset)).await?;
    let is_logged = |path: &str| logged(&places, dataset, replay, path).is_some();
    let mut files = Vec::new();
    let mut strangers = Vec::new();
    for file in records.in_force.iter().filter(|file| !is_logged(file.path())) {
        match records.written.get(file.path()) {
            Some(written) => files.push(written.clone()),
            None if adopts || records.is_of_closed(file.path()) => strangers.push(hashed(lake, file.path()).await?),
            None => {}
        }
    }
    let mut bodies = of_files(&places, dataset, &files);
    for body in of_files(&places, dataset, &strangers) {
        bodies.push(match body {
            EntryBody::File(file) => EntryBody::File(engine::evidence::FileEntry { adopted: true, ..file }),
            other => other,
        });
    }
    bodies.extend(removals(&places, dataset, replay, &records));
    Ok(bodies)
}

/// What the log takes for files in force, and a committed replacement has removed.
fn removals(places: &Places, dataset: &Dataset, replay: &Replay, records: &FileRecords) -> Vec<EntryBody> {
    let in_force: BTreeSet<&str> = records.in_force.iter().map(engine::PinnedFile::path).collect();
    let is_live = |path: &&String| {
        let logged = logged(places, dataset, replay, path);
        !in_force.contains(path.as_str()) && logged.is_some_and(|file| file.removed_by.is_none())
    };
    let mut bodies = Vec::new();
    for (work, removed) in &records.removed {
        let lost: Vec<String> = removed.iter().filter(is_live).cloned().collect();
        bodies.extend(of_removals(places, dataset, work, &lost));
    }
    bodies
}

fn logged<'a>(places: &Places, dataset: &Dataset, replay: &'a Replay, path: &str) -> Option<&'a LoggedFile> {
    replay.file(dataset.id.as_str(), &places.forms(dataset, path))
}

/// The dataset whose ingests wrote the files of this one.
pub(crate) fn ingests_of<'a>(lake: &'a OpenLake, dataset: &'a Dataset) -> &'a str {
    let refused = lake.definitions.datasets.iter().find(|of| of.rejected().is_some_and(|own| own.id == dataset.id));
    refused.unwrap_or(dataset).id.as_str()
}

/// A file of which no record tells what it was.
async fn hashed(lake: &OpenLake, path: &str) -> Result<WrittenFile, JobError> {
    let location = Path::parse(path).map_err(|error| JobError::Usage(error.to_string()))?;
    let bytes = lake.front.read(&location).await?.unwrap_or_default();
    let rows = engine::parquet_row_count(path, bytes.clone())?;
    Ok(WrittenFile {
        path: path.to_owned(),
        sha256: engine::hex(&Sha256::digest(&bytes)),
        bytes: bytes.len() as u64,
        rows,
    })
}

/// Every commit of a run.
pub(crate) async fn of_run(lake: &OpenLake, key: &RunKey) -> Result<Vec<EntryBody>, JobError> {
    let mut bodies = Vec::new();
    let Some(run) = Ledger::new(lake.front.clone()).run_of(key).await? else { return Ok(bodies) };
    for commit in run.commits() {
        bodies.extend(of_commit(&lake.front, key, run.kind(), commit).await?);
    }
    Ok(bodies)
}
