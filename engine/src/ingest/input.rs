//! Where source objects lie: files and folders outside the lake's data, and prefixes in buckets.
//!
//! An input is named by its path relative to the folder of `lake.yaml` where it lies below it, else by its
//! absolute path; in a bucket by its URL. That name stands in `raw_ref`, so it is one and the same for every run.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path as FsPath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use futures::stream::{BoxStream, StreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt};
use schemas::BucketUrl;

use super::plan::PlannedInput;
use crate::error::EngineError;
use crate::store::{advice, open_bucket};

/// Finds and opens source objects.
#[derive(Debug, Clone)]
pub struct InputFolder {
    folder: PathBuf,
    disk: Arc<dyn ObjectStore>,
    buckets: Arc<Mutex<HashMap<BucketUrl, Arc<dyn ObjectStore>>>>,
}

impl InputFolder {
    /// Inputs with relative names lie below `folder`, that of `lake.yaml`.
    pub fn new(folder: &FsPath) -> Self {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Self { folder, disk: Arc::new(LocalFileSystem::new()), buckets: Arc::default() }
    }

    /// Every object below the paths, each once, by name. Hidden files are left out.
    ///
    /// # Errors
    /// When a path does not exist or cannot be listed; an empty folder is no error, nor is an empty prefix.
    pub(crate) async fn find(&self, paths: &[String]) -> Result<Vec<PlannedInput>, EngineError> {
        Ok(self.listed(paths).await?.into_iter().map(|(input, _)| input).collect())
    }

    /// The same, each with the time of its last change as its store says.
    ///
    /// # Errors
    /// When a path does not exist or cannot be listed; an empty folder is no error, nor is an empty prefix.
    pub async fn listed(&self, paths: &[String]) -> Result<Vec<(PlannedInput, DateTime<Utc>)>, EngineError> {
        let mut found = BTreeMap::new();
        for path in paths {
            let planned = |path: String, meta: ObjectMeta| {
                let etag = meta.e_tag.unwrap_or_default();
                (PlannedInput { path, etag, bytes: meta.size }, meta.last_modified)
            };
            if BucketUrl::is_meant(path) {
                let (url, metas) = self.list_bucket(path).await?;
                let whole = url.whole();
                found.extend(metas.into_iter().map(|meta| planned(format!("{whole}/{}", meta.location), meta)));
            } else {
                let absolute = self.absolute(path)?;
                let metas = self.list(path, &absolute).await?;
                found.extend(metas.into_iter().map(|meta| planned(self.name(&meta.location), meta)));
            }
        }
        Ok(found.into_iter().collect())
    }

    /// The name of a file or folder, as the names of objects below it begin.
    pub fn named(&self, path: &str) -> String {
        if BucketUrl::is_meant(path) {
            return path.trim_end_matches('/').to_owned();
        }
        // One that is not there has a name, too.
        let absolute = self.absolute(path).unwrap_or_else(|_| self.folder.join(path));
        Path::from_absolute_path(absolute).map_or_else(|_| path.to_owned(), |location| self.name(&location))
    }

    fn absolute(&self, path: &str) -> Result<PathBuf, EngineError> {
        self.folder.join(path).canonicalize().map_err(|error| EngineError::Input {
            path: path.to_owned(),
            why: format!("it cannot be opened ({error}); name a file or folder that exists"),
        })
    }

    async fn list(&self, given: &str, absolute: &FsPath) -> Result<Vec<ObjectMeta>, EngineError> {
        let failed = |error: Error| unlisted(given, &error);
        let location = Path::from_absolute_path(absolute).map_err(|error| failed(error.into()))?;
        if absolute.is_file() {
            return Ok(vec![self.disk.head(&location).await.map_err(failed)?]);
        }
        let found: Vec<ObjectMeta> = self.disk.list(Some(&location)).try_collect().await.map_err(failed)?;
        Ok(found.into_iter().filter(|meta| !is_hidden(&meta.location, &location)).collect())
    }

    async fn list_bucket(&self, given: &str) -> Result<(BucketUrl, Vec<ObjectMeta>), EngineError> {
        let (url, store, location) = self.bucket(given)?;
        let failed = |error: Error| unlisted(given, &error);
        if !url.prefix.is_empty() && !given.ends_with('/') {
            match store.head(&location).await {
                Ok(meta) => return Ok((url, vec![meta])),
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        let found: Vec<ObjectMeta> = store.list(Some(&location)).try_collect().await.map_err(failed)?;
        // Consoles mark a folder by an empty object.
        let shown = |meta: &ObjectMeta| meta.size > 0 && !is_hidden(&meta.location, &location);
        Ok((url, found.into_iter().filter(shown).collect()))
    }

    fn name(&self, location: &Path) -> String {
        let root = Path::from_absolute_path(&self.folder).unwrap_or_default();
        match location.prefix_match(&root) {
            Some(parts) => parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"),
            None => format!("/{location}"),
        }
    }

    /// The store of an object of that name, and its path there.
    fn place(&self, name: &str) -> Result<(Arc<dyn ObjectStore>, Path), EngineError> {
        if BucketUrl::is_meant(name) {
            return self.bucket(name).map(|(_, store, location)| (store, location));
        }
        let parsed = match name.strip_prefix('/') {
            Some(absolute) => Path::parse(absolute),
            None => Path::from_absolute_path(&self.folder).and_then(|root| Path::parse(format!("{root}/{name}"))),
        };
        parsed
            .map(|location| (Arc::clone(&self.disk), location))
            .map_err(|error| EngineError::Input { path: name.to_owned(), why: format!("not a path: {error}") })
    }

    /// The bucket that a URL names, opened once, and the path in it.
    fn bucket(&self, name: &str) -> Result<(BucketUrl, Arc<dyn ObjectStore>, Path), EngineError> {
        let refused = |why: String| EngineError::Input { path: name.to_owned(), why };
        let url = BucketUrl::parse(name).map_err(refused)?;
        let location = Path::parse(&url.prefix).map_err(|error| refused(format!("not a path: {error}")))?;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = url.whole();
        let store = match buckets.get(&whole) {
            Some(store) => Arc::clone(store),
            None => {
                let store = open_bucket(&whole)?;
                buckets.insert(whole, Arc::clone(&store));
                store
            }
        };
        Ok((url, store, location))
    }

    /// Opens exactly the planned version.
    pub(crate) async fn open(&self, input: &PlannedInput) -> Result<Opened, EngineError> {
        let (store, location) = self.place(&input.path)?;
        let options = GetOptions { if_match: Some(input.etag.clone()), ..GetOptions::default() };
        let got = store.get_opts(&location, options).await.map_err(|error| gone(input, error))?;
        Ok(match got.payload {
            GetResultPayload::File(file, _) => Opened::File(file),
            GetResultPayload::Stream(stream) => {
                let runtime = tokio::runtime::Handle::current();
                Opened::Stream(Box::new(StreamReader { stream, runtime, chunk: Bytes::new() }))
            }
        })
    }

    /// Fails when the object is no longer the planned version.
    pub(crate) async fn unchanged(&self, input: &PlannedInput) -> Result<(), EngineError> {
        let (store, location) = self.place(&input.path)?;
        let meta = store.head(&location).await.map_err(|error| gone(input, error))?;
        if meta.e_tag.unwrap_or_default() == input.etag {
            Ok(())
        } else {
            Err(EngineError::Changed { path: input.path.clone() })
        }
    }
}

fn unlisted(given: &str, error: &Error) -> EngineError {
    let why = format!("it cannot be listed ({error}){}", advice(error));
    EngineError::Input { path: given.to_owned(), why }
}

fn gone(input: &PlannedInput, error: object_store::Error) -> EngineError {
    match error {
        Error::Precondition { .. } => EngineError::Changed { path: input.path.clone() },
        error => EngineError::Input {
            path: input.path.clone(),
            why: format!("it cannot be read ({error}){}", advice(&error)),
        },
    }
}

fn is_hidden(location: &Path, folder: &Path) -> bool {
    location.prefix_match(folder).is_some_and(|mut parts| parts.any(|part| part.as_ref().starts_with('.')))
}

/// An object that is open, at its first byte.
pub(crate) enum Opened {
    /// On disk, to be read from anywhere.
    File(File),
    /// From elsewhere, to be read once.
    Stream(Box<dyn Read + Send>),
}

impl Opened {
    /// The object, to be read once.
    pub(crate) fn into_read(self) -> Box<dyn Read + Send> {
        match self {
            Self::File(file) => Box::new(file),
            Self::Stream(stream) => stream,
        }
    }

    /// The object as a file at its first byte, for readers that jump about in it; a stream is spooled to disk.
    ///
    /// # Errors
    /// When it cannot be read, or there is no room to spool it.
    pub(crate) fn into_file(self) -> std::io::Result<File> {
        match self {
            Self::File(file) => Ok(file),
            Self::Stream(stream) => spooled(stream),
        }
    }
}

/// A stream as a file without a name, at its first byte.
///
/// # Errors
/// When it cannot be read, or there is no room for it.
pub(crate) fn spooled(mut stream: impl Read) -> std::io::Result<File> {
    let mut file = tempfile::tempfile()?;
    std::io::copy(&mut stream, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// A stream of chunks as a blocking reader; lives on a blocking thread only.
struct StreamReader {
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    runtime: tokio::runtime::Handle,
    chunk: Bytes,
}

impl Read for StreamReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                None => return Ok(0),
                Some(chunk) => self.chunk = chunk.map_err(std::io::Error::other)?,
            }
        }
        let taken = buffer.len().min(self.chunk.len());
        buffer[..taken].copy_from_slice(&self.chunk.split_to(taken));
        Ok(taken)
    }
}
