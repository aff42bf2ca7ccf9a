//! That no event is lost when a process dies (RUN-6): before something is done that may be an event, a note of it is written; once
//! it is done and its events stand in the outboxes, the note goes. A note that is still there a while later makes others look
//! for events of what it names. They may well find what the writer is about to find: an event is there once, whoever writes it.
//!
//! What stood in the lake before the note is not told of: a channel that is added today hears nothing of last year.
//!
//! Telling fails nothing that is done. What it runs into is a warning, and the note stays.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use engine::EngineError;
use object_store::path::Path;
use schemas::{EventType, JobId};
use serde::{Deserialize, Serialize};

use super::made::{self, events};
use super::outbox;
use crate::claim::Holder;
use crate::clock::Stopwatch;
use crate::error::JobError;
use crate::evidence_log::Act;
use crate::lake::OpenLake;
use crate::ledger::RunKey;
use crate::runner::chain;
use crate::world::World;

const NOTES: &str = "_auditlake/notifications/_notes";
/// A note of somebody who cannot be seen from here goes once it is this old, by the store's own clock: no run takes longer.
const OLD: TimeDelta = TimeDelta::days(7);
/// How long a note is left to its writer, and how often it is looked at after that.
pub(super) const LOOK_SECONDS: f64 = 60.0;

/// What may be an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Source {
    /// A run is attempted.
    Run {
        job: JobId,
        instant: DateTime<Utc>,
        /// Records that it had before.
        known: Vec<String>,
    },
    /// Records are written, each under a name of its own.
    Records { paths: Vec<String> },
    /// A request is answered, or the time of its answer is over.
    Answer { request: String, folder: String },
    /// A request is refused: its hash, and where that is said.
    Refusal { request: String, record: String },
    /// A retention plan is drawn up.
    Plan { plan: String },
    /// A retention plan is carried out.
    Applied { plan: String },
    /// The evidence log may be signed.
    Log,
}

impl Source {
    /// Of what is logged as evidence; none of what is no event.
    fn of(act: &Act) -> Option<Self> {
        match act {
            Act::Run { job, instant } => Some(Self::Run { job: job.clone(), instant: *instant, known: Vec::new() }),
            Act::Answer { request, folder } => Some(Self::Answer { request: request.clone(), folder: folder.clone() }),
            Act::Retention { plan } => Some(Self::Applied { plan: plan.clone() }),
            Act::Record { path } => made::tells(path).then(|| Self::Records { paths: vec![path.clone()] }),
            Act::Dataset { .. } | Act::Review { .. } | Act::Other => None,
        }
    }
}

/// A note as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Noted {
    #[serde(flatten)]
    source: Source,
    holder: Holder,
}

/// A note of what is about to be done; none where nobody is told.
#[derive(Debug)]
pub(crate) struct Note<'a> {
    lake: &'a OpenLake,
    noted: Option<(Path, Source)>,
}

impl<'a> Note<'a> {
    /// Notes what is about to be done.
    ///
    /// # Errors
    /// When the store fails; nothing has been done then.
    pub(crate) async fn begin(lake: &'a OpenLake, world: &World, source: Source) -> Result<Note<'a>, JobError> {
        if lake.definitions.notify.is_empty() {
            return Ok(Self::none(lake));
        }
        let source = match source {
            Source::Run { job, instant, .. } => {
                let known = made::records_of(lake, &RunKey { job: job.clone(), instant }).await?;
                Source::Run { job, instant, known }
            }
            other => other,
        };
        let mut nonce = [0; 16];
        world.fill(&mut nonce);
        let path = Path::from(format!("{NOTES}/{}.json", engine::hex(&nonce)));
        let noted = Noted { source, holder: Holder::me(world) };
        lake.front.create_json(&path, &noted).await?;
        Ok(Self { lake, noted: Some((path, noted.source)) })
    }

    /// Notes what is logged as evidence, too.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub(crate) async fn of_act(lake: &'a OpenLake, world: &World, act: &Act) -> Result<Note<'a>, JobError> {
        let is_logged = lake.definitions.evidence.is_some();
        let hears_of_log = lake.definitions.notify.iter().any(|channel| channel.takes(EventType::EvidenceCheckpoint));
        match Source::of(act).or_else(|| (is_logged && hears_of_log).then_some(Source::Log)) {
            Some(source) => Self::begin(lake, world, source).await,
            None => Ok(Self::none(lake)),
        }
    }

    /// Of what is no event.
    pub(crate) fn none(lake: &'a OpenLake) -> Note<'a> {
        Self { lake, noted: None }
    }

    /// Writes the events of what was done into the outboxes, whether it failed or not.
    pub(crate) async fn end(self) {
        let Some((path, source)) = self.noted else { return };
        let told = async {
            tell(self.lake, &source).await?;
            self.lake.front.remove(&path).await?;
            Ok::<_, JobError>(())
        };
        if let Err(error) = told.await {
            warn(&error);
        }
    }
}

fn warn(error: &JobError) {
    let why = chain(error).join(": ");
    tracing::warn!(%why, "who is to be told is not noted yet, will be when somebody looks again");
}

async fn tell(lake: &OpenLake, source: &Source) -> Result<(), JobError> {
    for event in events(lake, source).await? {
        outbox::publish(lake, &event).await?;
    }
    Ok(())
}

/// Notes that were seen, and since when they were last looked at, in this process's own time.
#[derive(Debug)]
pub(super) struct Seen {
    look_seconds: f64,
    at: Mutex<BTreeMap<Path, Stopwatch>>,
}

impl Seen {
    /// None yet; each is looked at again after [`LOOK_SECONDS`], where there is no reason for another time.
    pub(super) fn every(look_seconds: f64) -> Self {
        Self { look_seconds, at: Mutex::default() }
    }

    /// Whether a note has been left alone long enough; one that is seen for the first time is left to its writer.
    fn is_due(&self, path: &Path) -> bool {
        let mut seen = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(path) {
            Some(since) if since.seconds() < self.look_seconds => false,
            before => {
                let is_due = before.is_some();
                seen.insert(path.clone(), Stopwatch::start());
                is_due
            }
        }
    }

    fn keep(&self, there: impl Fn(&Path) -> bool) {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).retain(|path, _| there(path));
    }
}

/// Tells what processes left untold that are gone, and what others have done and not told for a while.
///
/// # Errors
/// When the notes cannot be listed. What a single one runs into is a warning.
pub(super) async fn sweep(lake: &OpenLake, seen: &Seen) -> Result<(), JobError> {
    let listed = lake.front.list(&Path::from(NOTES)).await?;
    let newest = listed.iter().map(|meta| meta.last_modified).max().unwrap_or_default();
    seen.keep(|path| listed.iter().any(|meta| meta.location == *path));
    for meta in &listed {
        let noted = match lake.front.read_json::<Noted>(&meta.location).await {
            Ok(Some(noted)) => noted,
            Ok(None) => continue,
            Err(error @ EngineError::Record { .. }) => {
                warn(&error.into());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let is_over = noted.holder.is_dead() || newest - meta.last_modified > OLD && !noted.holder.lives();
        if !is_over && !seen.is_due(&meta.location) {
            continue;
        }
        match tell(lake, &noted.source).await {
            Ok(()) if is_over => lake.front.remove(&meta.location).await?,
            Ok(()) => {}
            Err(error) => warn(&error),
        }
    }
    Ok(())
}
