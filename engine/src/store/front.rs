//! The lake as the rest of the engine meets it: create, read, list.

use std::path::Path as FsPath;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::durable::DurableStore;
use crate::error::EngineError;

/// What a create-only write met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The name was free; it is ours.
    Now,
    /// The name was taken; nothing was written.
    Existed,
}

/// One lake's objects.
#[derive(Debug, Clone)]
pub struct Lakefront {
    store: Arc<dyn ObjectStore>,
}

impl Lakefront {
    /// A lake in memory: for tests and trials; gone with the process.
    pub fn memory() -> Self {
        Self { store: Arc::new(InMemory::new()) }
    }

    /// A lake over any store, for example one that injects faults.
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    /// A lake in a local folder, which is made when it is absent.
    ///
    /// # Errors
    /// When the folder cannot be made, or has no hard links: create-only writes need them.
    pub fn folder(folder: &FsPath) -> Result<Self, EngineError> {
        let refused = |why: String| EngineError::Folder { folder: folder.display().to_string(), why };
        std::fs::create_dir_all(folder).map_err(|error| refused(error.to_string()))?;
        probe_hard_links(folder).map_err(|error| {
            refused(format!("it has no hard links, which create-only writes need ({error}); use a local disk"))
        })?;
        let store = DurableStore::open(folder).map_err(|error| refused(error.to_string()))?;
        Ok(Self { store: Arc::new(store) })
    }

    /// The store itself.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Writes `bytes` under a name that must be free.
    ///
    /// # Errors
    /// When the store fails; a taken name is not an error.
    pub async fn create(&self, path: &Path, bytes: Bytes) -> Result<Created, EngineError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(path, PutPayload::from_bytes(bytes), options).await {
            Ok(_) => Ok(Created::Now),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Created::Existed),
            Err(source) => Err(EngineError::store(path, "create it", source)),
        }
    }

    /// Writes `bytes` over what is there: only for outputs that no commit names.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn replace(&self, path: &Path, bytes: Bytes) -> Result<(), EngineError> {
        let put = self.store.put(path, PutPayload::from_bytes(bytes)).await;
        put.map(drop).map_err(|source| EngineError::store(path, "replace it", source))
    }

    /// Writes a record of ours as JSON under a name that must be free.
    ///
    /// # Errors
    /// When the store fails; a taken name is not an error.
    pub async fn create_json<T: Serialize + Sync>(&self, path: &Path, record: &T) -> Result<Created, EngineError> {
        let mut bytes = serde_json::to_vec_pretty(record)
            .map_err(|source| EngineError::Record { path: path.to_string(), source })?;
        bytes.push(b'\n');
        self.create(path, bytes.into()).await
    }

    /// Reads an object whole; `None` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(&self, path: &Path) -> Result<Option<Bytes>, EngineError> {
        let got = match self.store.get(path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            got => got.map_err(|source| EngineError::store(path, "read it", source))?,
        };
        got.bytes().await.map(Some).map_err(|source| EngineError::store(path, "read it", source))
    }

    /// Reads a record of ours; `None` when there is none.
    ///
    /// # Errors
    /// When the store fails or the record is damaged.
    pub async fn read_json<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, EngineError> {
        let Some(bytes) = self.read(path).await? else { return Ok(None) };
        let record =
            serde_json::from_slice(&bytes).map_err(|source| EngineError::Record { path: path.to_string(), source })?;
        Ok(Some(record))
    }

    /// Everything under a prefix, by path.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, prefix: &Path) -> Result<Vec<ObjectMeta>, EngineError> {
        let mut found: Vec<ObjectMeta> = self
            .store
            .list(Some(prefix))
            .try_collect()
            .await
            .map_err(|source| EngineError::store(prefix, "list it", source))?;
        found.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(found)
    }

    /// Removes objects of ours that nothing refers to any more, for example a probe.
    ///
    /// # Errors
    /// When the store fails; an absent object is not an error.
    pub async fn remove(&self, path: &Path) -> Result<(), EngineError> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(EngineError::store(path, "remove it", source)),
        }
    }
}

fn probe_hard_links(folder: &FsPath) -> std::io::Result<()> {
    // Listings skip names that end in `#` and digits, so a probe that is cut off stays unseen.
    let from = folder.join(format!("probe#{}1", std::process::id()));
    let to = folder.join(format!("probe#{}2", std::process::id()));
    std::fs::write(&from, b"")?;
    let linked = std::fs::hard_link(&from, &to);
    drop(std::fs::remove_file(&from));
    drop(std::fs::remove_file(&to));
    linked
}
