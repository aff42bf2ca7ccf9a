//! The lake as the rest of the engine meets it: create, read, list.

use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use schemas::BucketUrl;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::bucket::{bucket_is_missing, open as open_bucket};
use super::durable::{DurableStore, staged};
use super::patient::broke_off;
use crate::error::EngineError;

/// Times a create is tried when nothing is there afterwards although it may have succeeded.
const CREATE_ATTEMPTS: usize = 5;

/// What a create-only write met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The name was free; it is ours. Over a network also: it holds exactly these bytes, because the answer to the
    /// request that wrote them was lost and the request was sent again.
    Now,
    /// The name was taken; nothing was written.
    Existed,
}

/// One lake's objects.
#[derive(Debug, Clone)]
pub struct Lakefront {
    store: Arc<dyn ObjectStore>,
    /// The bucket, where the store is spoken to over a network.
    bucket: Option<BucketUrl>,
    /// The folder, where it lies on a disk of this machine.
    folder: Option<PathBuf>,
    probed: Arc<OnceCell<()>>,
}

impl Lakefront {
    /// A lake in memory: for tests and trials; gone with the process.
    pub fn memory() -> Self {
        Self::over(Arc::new(InMemory::new()))
    }

    /// A lake over any store, for example one that injects faults.
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, bucket: None, folder: None, probed: Arc::default() }
    }

    /// A lake in a bucket. Nothing is sent yet.
    ///
    /// # Errors
    /// When the environment lacks what the store needs.
    pub fn bucket(url: &BucketUrl) -> Result<Self, EngineError> {
        Ok(Self { bucket: Some(url.clone()), ..Self::over(open_bucket(url)?) })
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
        Ok(Self { folder: Some(folder.to_owned()), ..Self::over(Arc::new(store)) })
    }

    /// Whether its objects are files of this machine.
    pub fn is_local(&self) -> bool {
        self.bucket.is_none()
    }

    /// The store itself.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Whether an object is where its name says: on a disk a link may stand for it, or for a folder above it and below
    /// `within`, and lead anywhere. Whoever reads what others have written looks before it reads, and again after.
    pub fn is_no_link(&self, within: &Path, path: &Path) -> bool {
        let (Some(folder), Some(below)) = (&self.folder, path.prefix_match(within)) else { return true };
        let mut here = folder.join(within.as_ref());
        below.into_iter().all(|part| {
            here.push(part.as_ref());
            std::fs::symlink_metadata(&here).is_ok_and(|found| !found.is_symlink())
        })
    }

    /// Makes sure, once per process and before its first claim, that the store keeps the two promises everything
    /// rests on: a second create is refused, and a read of a version that is gone fails. Local folders and memory do.
    ///
    /// `nonce` makes the name of the probe unlike any other.
    ///
    /// # Errors
    /// When the store keeps one of them not, or fails.
    pub async fn probe(&self, nonce: &str) -> Result<(), EngineError> {
        let Some(url) = &self.bucket else { return Ok(()) };
        self.probed.get_or_try_init(|| self.probe_once(url, nonce)).await.copied()
    }

    async fn probe_once(&self, url: &BucketUrl, nonce: &str) -> Result<(), EngineError> {
        let path = Path::from(format!("_auditlake/probes/{nonce}"));
        let unfit = |promise: &str| EngineError::Unfit {
            store: url.to_string(),
            why: format!("it {promise}, without which two runners could destroy each other's work; use another store"),
        };
        let put = |text: &'static str| {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            self.store.put_opts(&path, PutPayload::from_static(text.as_bytes()), options)
        };
        let first = match put("first").await {
            Ok(put) => put.e_tag,
            // Nobody else has this name: the answer was lost, or the request.
            Err(_) => {
                self.create(&path, Bytes::from_static(b"first")).await?;
                let found = self.store.head(&path).await;
                found.map_err(|source| EngineError::store(&path, "read it", source))?.e_tag
            }
        };
        let mut second = put("second").await;
        // A broken connection says nothing of the store, whether the request arrived or not.
        for _ in 1..CREATE_ATTEMPTS {
            if second.as_ref().err().is_some_and(broke_off) {
                second = put("second").await;
            }
        }
        let stale = GetOptions { if_match: Some("\"0\"".to_owned()), ..GetOptions::default() };
        let stale = self.store.get_opts(&path, stale).await;
        let current = GetOptions { if_match: first, ..GetOptions::default() };
        let current = self.store.get_opts(&path, current).await;
        // What is wrong with the store matters more than what it leaves behind.
        let removed = self.remove(&path).await;
        match second {
            Err(Error::AlreadyExists { .. }) => {}
            Ok(_) => return Err(unfit("overwrites an object that it was asked to create (If-None-Match)")),
            Err(source) => return Err(EngineError::store(&path, "create it a second time", source)),
        }
        match stale {
            Err(Error::Precondition { .. }) => {}
            Ok(_) => return Err(unfit("serves an object whose version is not the one asked for (If-Match)")),
            Err(source) => return Err(EngineError::store(&path, "read it", source)),
        }
        current.map_err(|source| EngineError::store(&path, "read it", source))?;
        removed
    }

    /// Writes `bytes` under a name that must be free.
    ///
    /// # Errors
    /// When the store fails; a taken name is not an error.
    pub async fn create(&self, path: &Path, bytes: Bytes) -> Result<Created, EngineError> {
        let mut attempt = 1;
        loop {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let put = self.store.put_opts(path, PutPayload::from_bytes(bytes.clone()), options).await;
            let (taken, error) = match put {
                Ok(_) => return Ok(Created::Now),
                Err(Error::AlreadyExists { .. }) if self.bucket.is_none() => return Ok(Created::Existed),
                Err(error) if self.bucket.is_none() => return Err(EngineError::store(path, "create it", error)),
                Err(error) => (matches!(error, Error::AlreadyExists { .. }), error),
            };
            // A request may be sent again although the first one arrived, so what is there may be what we wrote.
            match self.read(path).await {
                Ok(Some(there)) if there == bytes => return Ok(Created::Now),
                Ok(Some(_)) if taken => return Ok(Created::Existed),
                // S3 answers a create with a conflict while another one is under way, which may come to nothing. A create
                // that was cut off is not sent again by the client, because it is not the same the second time.
                Ok(None) if (taken || broke_off(&error)) && attempt < CREATE_ATTEMPTS => attempt += 1,
                _ => return Err(EngineError::store(path, "create it", error)),
            }
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
            Err(error @ Error::NotFound { .. }) if !bucket_is_missing(&error) => return Ok(None),
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
        let mut attempt = 1;
        loop {
            match self.store.delete(path).await {
                Ok(()) | Err(Error::NotFound { .. }) => return Ok(()),
                Err(error) if broke_off(&error) && attempt < CREATE_ATTEMPTS => attempt += 1,
                Err(source) => return Err(EngineError::store(path, "remove it", source)),
            }
        }
    }
}

fn probe_hard_links(folder: &FsPath) -> std::io::Result<()> {
    let (from, _) = staged(&folder.join("probe"))?;
    // Only whoever created the first name makes the second, which goes first; so a crash leaves no second name alone.
    let mut to = from.clone().into_os_string();
    to.push("0");
    let linked = std::fs::hard_link(&from, &to);
    drop(std::fs::remove_file(&to));
    drop(std::fs::remove_file(&from));
    linked
}

#[cfg(test)]
mod tests;
