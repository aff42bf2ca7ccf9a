//! The lake as the rest of the engine meets it: create, read, list, replace what was read.

mod conditional;
mod probe;
mod versions;

use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use schemas::BucketUrl;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

pub use self::conditional::{Deleted, Replaced};
use super::bucket::{Opened, bucket_is_missing, open_both};
use super::durable::{DurableStore, staged};
use super::patient::broke_off;
use super::signed::SignedS3;
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
    place: Place,
    probed: Arc<OnceCell<()>>,
    probed_update: Arc<OnceCell<()>>,
}

/// Where the objects are, as far as that changes what can be done with them.
#[derive(Debug, Clone)]
enum Place {
    /// In memory, or behind a store that we know nothing about.
    Anywhere,
    /// On a disk of this machine.
    Folder { folder: PathBuf, files: DurableStore },
    /// In a store that is spoken to over a network.
    Bucket(Arc<Bucket>),
}

/// A bucket below a prefix.
#[derive(Debug)]
struct Bucket {
    url: BucketUrl,
    signed: Option<SignedS3>,
}

impl Bucket {
    /// The whole key of an object.
    fn key(&self, path: &Path) -> Path {
        Path::from(self.url.prefix.as_str()).parts().chain(path.parts()).collect()
    }
}

impl Lakefront {
    /// A lake in memory: for tests and trials; gone with the process.
    pub fn memory() -> Self {
        Self::over(Arc::new(InMemory::new()))
    }

    /// A lake over any store, for example one that injects faults.
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, place: Place::Anywhere, probed: Arc::default(), probed_update: Arc::default() }
    }

    /// The same lake behind a wrapper, for example one that injects faults. Requests that `object_store` has no words
    /// for do not pass through it: deletes on a condition, versions, tags.
    #[must_use]
    pub fn behind(self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        Self { store: wrap(self.store), ..self }
    }

    /// A lake in a bucket. Nothing is sent yet.
    ///
    /// # Errors
    /// When the environment lacks what the store needs.
    pub fn bucket(url: &BucketUrl) -> Result<Self, EngineError> {
        let Opened { store, signed } = open_both(url)?;
        Ok(Self { place: Place::Bucket(Arc::new(Bucket { url: url.clone(), signed })), ..Self::over(store) })
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
        let files = DurableStore::open(folder).map_err(|error| refused(error.to_string()))?;
        let store = Arc::new(files.clone());
        Ok(Self { place: Place::Folder { folder: folder.to_owned(), files }, ..Self::over(store) })
    }

    /// Whether its objects are files of this machine.
    pub fn is_local(&self) -> bool {
        !matches!(self.place, Place::Bucket(_))
    }

    /// The store itself.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Whether an object is where its name says: on a disk a link may stand for it, or for a folder above it and below
    /// `within`, and lead anywhere. Whoever reads what others have written looks before it reads, and again after.
    pub fn is_no_link(&self, within: &Path, path: &Path) -> bool {
        let (Place::Folder { folder, .. }, Some(below)) = (&self.place, path.prefix_match(within)) else { return true };
        let mut here = folder.join(within.as_ref());
        below.into_iter().all(|part| {
            here.push(part.as_ref());
            std::fs::symlink_metadata(&here).is_ok_and(|found| !found.is_symlink())
        })
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
                Err(Error::AlreadyExists { .. }) if self.is_local() => return Ok(Created::Existed),
                Err(error) if self.is_local() => return Err(EngineError::store(path, "create it", error)),
                Err(error) => (matches!(error, Error::AlreadyExists { .. }), error),
            };
            // A request may be sent again although the first one arrived, so what is there may be what we wrote.
            match self.read(path).await {
                Ok(Some(there)) if there == bytes => return Ok(Created::Now),
                // What was created is not created again, so other bytes there were there before.
                Ok(Some(_)) if taken || broke_off(&error) => return Ok(Created::Existed),
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

    /// Everything under a prefix whose path sorts behind another one, by path.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_behind(&self, prefix: &Path, offset: &Path) -> Result<Vec<ObjectMeta>, EngineError> {
        let found = self.store.list_with_offset(Some(prefix), offset).try_collect().await;
        let mut found: Vec<ObjectMeta> = found.map_err(|source| EngineError::store(prefix, "list it", source))?;
        found.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(found)
    }

    /// Names of the folders right below a prefix, sorted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn folders(&self, prefix: &Path) -> Result<Vec<String>, EngineError> {
        let listed = self.store.list_with_delimiter(Some(prefix)).await;
        let listed = listed.map_err(|source| EngineError::store(prefix, "list it", source))?;
        let mut names: Vec<String> =
            listed.common_prefixes.iter().filter_map(|folder| folder.filename().map(str::to_owned)).collect();
        names.sort();
        Ok(names)
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
