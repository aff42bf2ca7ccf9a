//! Anchors: copies of the log in other hands. Who holds the lake's keys could rewrite lake and log together; a copy that
//! they cannot rewrite shows it.
//!
//! An anchor mirrors entries and checkpoints. Before a checkpoint is signed, each anchor is asked for its newest one, and
//! nothing is signed that does not grow from it.

use std::path::Path as FsPath;

use engine::evidence::{Checkpoint, Note, VerifierKey};
use engine::{EngineError, Lakefront};
use object_store::path::Path;
use schemas::{Anchor, StoreUrl};

use super::fault::EvidenceFault;
use super::store::{Batch, LogStore};
use crate::error::JobError;

/// Where the lake notes that an anchor has something in it.
const NOTED: &str = "_auditlake/evidence/_proof/anchors";

/// An anchor, opened.
#[derive(Debug)]
pub(crate) struct OpenAnchor {
    pub(crate) name: String,
    pub(crate) every_seconds: u64,
    store: Result<LogStore, String>,
}

impl OpenAnchor {
    /// Opens an anchor; one that cannot be opened is told of when it is used.
    pub(crate) fn open(folder: &FsPath, anchor: &Anchor) -> Self {
        let store = front(folder, &anchor.to).map(LogStore::mirror);
        Self { name: anchor.name.clone(), every_seconds: anchor.every_seconds, store }
    }

    /// The mirror.
    pub(crate) fn store(&self) -> Result<&LogStore, EvidenceFault> {
        self.store.as_ref().map_err(|why| {
            let source = EngineError::Unfit { store: self.name.clone(), why: why.clone() };
            EvidenceFault::Unreachable { anchor: self.name.clone(), source: Box::new(source) }
        })
    }

    /// Its newest checkpoint, with the note; none where nothing was ever written.
    ///
    /// # Errors
    /// When it cannot be reached, has been emptied, or what is there is no checkpoint of `keys`.
    pub(crate) async fn newest(
        &self,
        lake: &Lakefront,
        keys: &[VerifierKey],
    ) -> Result<Option<(Checkpoint, Note)>, EvidenceFault> {
        let newest = self.store()?.newest_checkpoint().await.map_err(|source| self.unreachable(source))?;
        let Some((size, bytes)) = newest else {
            let noted = lake.read(&self.noted()).await.map_err(|source| self.unreachable(source))?;
            return match noted {
                Some(_) => Err(EvidenceFault::Emptied { anchor: self.name.clone() }),
                None => Ok(None),
            };
        };
        let fault = |source| EvidenceFault::Checkpoint { size, source };
        let note = Note::parse(&bytes).map_err(fault)?;
        let checkpoint = Checkpoint::parse(&note.text).map_err(fault)?;
        if note.signers(keys).is_ok_and(|signers| !signers.is_empty()) && checkpoint.size == size {
            Ok(Some((checkpoint, note)))
        } else {
            Err(EvidenceFault::Forked { anchor: self.name.clone(), seen: size })
        }
    }

    /// Brings what it lacks: batches, then the checkpoint.
    pub(crate) async fn bring(&self, lake: &LogStore, size: u64, note: &str) -> Result<(), JobError> {
        let mirror = self.store()?;
        let done = async {
            let starts = mirror.batch_starts().await?;
            // A batch that is the last one may be there; whatever came behind it is not.
            let from = starts.last().copied().unwrap_or_default();
            let batches: Vec<Batch> = lake.batches(from).await?;
            for batch in batches.into_iter().filter(|batch| batch.end() <= size) {
                let bytes = engine::evidence::bundle(batch.entries.iter().map(Vec::as_slice));
                mirror.create_all(vec![(mirror.entries_path(batch.first), bytes.into())]).await?;
            }
            let bytes = note.as_bytes().to_vec();
            mirror.create_all(vec![(mirror.checkpoint_path(size), bytes.clone().into())]).await?;
            mirror.front().replace(&mirror.newest_path(), bytes.into()).await
        };
        done.await.map_err(|source| self.unreachable(source))?;
        lake.front().create(&self.noted(), bytes::Bytes::new()).await?;
        Ok(())
    }

    fn noted(&self) -> Path {
        Path::from(format!("{NOTED}/{}", self.name))
    }

    fn unreachable(&self, source: EngineError) -> EvidenceFault {
        EvidenceFault::Unreachable { anchor: self.name.clone(), source: Box::new(source) }
    }
}

/// The store of an anchor. A folder must be there: one that is made anew in place of what is not mounted would hide that.
fn front(folder: &FsPath, to: &StoreUrl) -> Result<Lakefront, String> {
    match to {
        StoreUrl::Bucket(url) => Lakefront::bucket(url).map_err(|error| error.to_string()),
        StoreUrl::File(path) => {
            let path = folder.join(path);
            if !path.is_dir() {
                return Err(format!("the folder \"{}\" does not exist; make it, or mount it", path.display()));
            }
            Lakefront::folder(&path).map_err(|error| error.to_string())
        }
        StoreUrl::Memory => Err("what is in memory goes with the process".to_owned()),
    }
}
