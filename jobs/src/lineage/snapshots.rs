//! Snapshots of the graph in the store: a cache that the log can rebuild, and that is thrown away where it is damaged.
//!
//! ```text
//! _auditlake/lineage/snapshot/000017/{nodes,names,forward,backward,attributes}.arrow    the graph
//! _auditlake/lineage/snapshot/000017/events.parquet                                     the events it was made from
//! _auditlake/lineage/snapshot/manifest-000017.json                                      from here on it exists
//! ```

use ::lineage::{Graph, Manifest, Snapshot, SnapshotFile};
use arrow::record_batch::RecordBatch;
use engine::{Created, EngineError, Lakefront, parquet_bytes, parquet_rows};
use object_store::path::Path;
use sha2::{Digest, Sha256};

const FOLDER: &str = "_auditlake/lineage/snapshot";
const EVENTS: &str = "events.parquet";
/// Snapshots that stay: the last one, and the one that somebody may be reading.
const KEPT: usize = 2;

/// A snapshot, as far as it is read at once.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) number: u64,
    pub(crate) manifest: Manifest,
    /// The events it was made from.
    pub(crate) events: Vec<RecordBatch>,
}

/// The snapshots of one lake.
#[derive(Debug, Clone)]
pub(crate) struct Snapshots {
    front: Lakefront,
}

impl Snapshots {
    pub(crate) fn new(front: Lakefront) -> Self {
        Self { front }
    }

    /// The last snapshot that is whole, and what is wrong with later ones.
    pub(crate) async fn last(&self) -> Result<(Option<Base>, Vec<String>), EngineError> {
        let mut notes = Vec::new();
        for number in self.numbers().await?.1.into_iter().rev() {
            match self.base(number).await {
                Ok(base) => return Ok((Some(base), notes)),
                Err(error) => notes.push(damaged(number, &error)),
            }
        }
        Ok((None, notes))
    }

    /// Up to where the last snapshot holds the log; 0 where it does not tell.
    pub(crate) async fn covered(&self) -> Result<u64, EngineError> {
        let Some(number) = self.numbers().await?.1.last().copied() else { return Ok(0) };
        let bytes = self.bytes(&manifest_path(number)).await?;
        Ok(Manifest::from_json(&bytes).map_or(0, |manifest| manifest.log_last))
    }

    async fn base(&self, number: u64) -> Result<Base, EngineError> {
        let path = manifest_path(number);
        let bytes = self.bytes(&path).await?;
        let manifest = Manifest::from_json(&bytes).map_err(|error| wrong(&path, &error))?;
        let path = file_path(number, EVENTS);
        let bytes = self.bytes(&path).await?;
        manifest.verify(EVENTS, &bytes).map_err(|error| wrong(&path, &error))?;
        let events = parquet_rows(path.as_ref(), bytes.into())?;
        Ok(Base { number, manifest, events })
    }

    /// The graph of a snapshot.
    pub(crate) async fn graph(&self, base: &Base) -> Result<Graph, EngineError> {
        let mut files = Vec::with_capacity(Snapshot::NAMES.len());
        for name in Snapshot::NAMES {
            files.push(self.bytes(&file_path(base.number, name)).await?);
        }
        let files: [Vec<u8>; 5] =
            files.try_into().map_err(|_| EngineError::Bug { what: "a snapshot has five files".to_owned() })?;
        let path = manifest_path(base.number);
        Snapshot::open(&base.manifest, files).map_err(|error| wrong(&path, &error))
    }

    /// Writes the next snapshot, made of the log up to `log_last`, and removes old ones.
    pub(crate) async fn write(&self, graph: &Graph, events: &RecordBatch, log_last: u64) -> Result<u64, EngineError> {
        let snapshot = Snapshot::of(graph)
            .map_err(|error| EngineError::Bug { what: format!("the graph is no snapshot ({error})") })?;
        let (taken, numbers) = self.numbers().await?;
        let number = taken + 1;
        let path = file_path(number, EVENTS);
        let rows = parquet_bytes(path.as_ref(), events)?;
        let mut manifest = snapshot.manifest(1, log_last);
        manifest.files.push(SnapshotFile {
            name: EVENTS.to_owned(),
            bytes: rows.len() as u64,
            sha256: Sha256::digest(&rows).into(),
        });
        let files = snapshot.files.into_iter().map(|(name, bytes)| (file_path(number, name), bytes.into()));
        let files = files.chain([(path, rows), (manifest_path(number), manifest.to_json().into())]);
        for (path, bytes) in files {
            if self.front.create(&path, bytes).await? == Created::Existed {
                return Err(EngineError::Damaged {
                    path: path.to_string(),
                    what: "was written by somebody else meanwhile; run the same command again".to_owned(),
                });
            }
        }
        for old in numbers.iter().rev().skip(KEPT - 1) {
            self.remove(*old).await?;
        }
        Ok(number)
    }

    /// Removes a snapshot; its manifest first, so that nobody finds half of one.
    async fn remove(&self, number: u64) -> Result<(), EngineError> {
        self.front.remove(&manifest_path(number)).await?;
        for name in Snapshot::NAMES.into_iter().chain([EVENTS]) {
            self.front.remove(&file_path(number, name)).await?;
        }
        Ok(())
    }

    /// The highest number of which anything is there, and those that have a manifest, ascending.
    async fn numbers(&self) -> Result<(u64, Vec<u64>), EngineError> {
        let folder = Path::from(FOLDER);
        let (mut taken, mut whole) = (0, Vec::new());
        for meta in self.front.list(&folder).await? {
            let below = meta.location.as_ref().strip_prefix(FOLDER).unwrap_or_default().trim_start_matches('/');
            let name = below.strip_prefix("manifest-").and_then(|rest| rest.strip_suffix(".json"));
            let number = name.or(below.split('/').next()).and_then(|number| number.parse().ok());
            let Some(number) = number else { continue };
            taken = taken.max(number);
            if name.is_some() {
                whole.push(number);
            }
        }
        whole.sort_unstable();
        Ok((taken, whole))
    }

    async fn bytes(&self, path: &Path) -> Result<Vec<u8>, EngineError> {
        let bytes = self.front.read(path).await?;
        let gone = || EngineError::Damaged { path: path.to_string(), what: "is gone".to_owned() };
        Ok(bytes.ok_or_else(gone)?.into())
    }
}

/// What is said of a snapshot that cannot be used.
pub(crate) fn damaged(number: u64, error: &EngineError) -> String {
    format!(
        "snapshot {number} is left out ({error}); the graph is built from the log, and `auditlake lineage rebuild` writes a new one"
    )
}

fn manifest_path(number: u64) -> Path {
    Path::from(format!("{FOLDER}/manifest-{number:06}.json"))
}

fn file_path(number: u64, name: &str) -> Path {
    Path::from(format!("{FOLDER}/{number:06}/{name}"))
}

fn wrong(path: &Path, error: &::lineage::GraphError) -> EngineError {
    EngineError::Damaged { path: path.to_string(), what: format!("is damaged: {error}") }
}
