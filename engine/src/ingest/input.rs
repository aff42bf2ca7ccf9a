//! Where source objects lie: files and folders outside the lake's data.
//!
//! An input is named by its path relative to the folder of `lake.yaml` where it lies below it, else by its
//! absolute path. That name stands in `raw_ref`, so it is one and the same for every run.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::{BoxStream, StreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt};

use super::plan::PlannedInput;
use crate::error::EngineError;

/// Finds and opens source objects.
#[derive(Debug, Clone)]
pub struct InputFolder {
    folder: PathBuf,
    disk: Arc<dyn ObjectStore>,
}

impl InputFolder {
    /// Inputs with relative names lie below `folder`, that of `lake.yaml`.
    pub fn new(folder: &FsPath) -> Self {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Self { folder, disk: Arc::new(LocalFileSystem::new()) }
    }

    /// Every object below the paths, each once, by name. Hidden files are left out.
    ///
    /// # Errors
    /// When a path does not exist or cannot be listed; an empty folder is no error.
    pub(crate) async fn find(&self, paths: &[String]) -> Result<Vec<PlannedInput>, EngineError> {
        let mut found = BTreeSet::new();
        for path in paths {
            let absolute = self.absolute(path)?;
            for meta in self.list(path, &absolute).await? {
                found.insert(PlannedInput {
                    path: self.name(&meta.location),
                    etag: meta.e_tag.unwrap_or_default(),
                    bytes: meta.size,
                });
            }
        }
        Ok(found.into_iter().collect())
    }

    fn absolute(&self, path: &str) -> Result<PathBuf, EngineError> {
        self.folder.join(path).canonicalize().map_err(|error| EngineError::Input {
            path: path.to_owned(),
            why: format!("it cannot be opened ({error}); name a file or folder that exists"),
        })
    }

    async fn list(&self, given: &str, absolute: &FsPath) -> Result<Vec<ObjectMeta>, EngineError> {
        let failed = |error: object_store::Error| EngineError::Input {
            path: given.to_owned(),
            why: format!("it cannot be listed ({error})"),
        };
        let location = Path::from_absolute_path(absolute).map_err(|error| failed(error.into()))?;
        if absolute.is_file() {
            return Ok(vec![self.disk.head(&location).await.map_err(failed)?]);
        }
        let found: Vec<ObjectMeta> = self.disk.list(Some(&location)).try_collect().await.map_err(failed)?;
        Ok(found.into_iter().filter(|meta| !is_hidden(&meta.location, &location)).collect())
    }

    fn name(&self, location: &Path) -> String {
        let root = Path::from_absolute_path(&self.folder).unwrap_or_default();
        match location.prefix_match(&root) {
            Some(parts) => parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"),
            None => format!("/{location}"),
        }
    }

    fn location(&self, name: &str) -> Result<Path, EngineError> {
        let parsed = match name.strip_prefix('/') {
            Some(absolute) => Path::parse(absolute),
            None => Path::from_absolute_path(&self.folder).and_then(|root| Path::parse(format!("{root}/{name}"))),
        };
        parsed.map_err(|error| EngineError::Input { path: name.to_owned(), why: format!("not a path: {error}") })
    }

    /// Opens exactly the planned version.
    pub(crate) async fn open(&self, input: &PlannedInput) -> Result<Box<dyn Read + Send>, EngineError> {
        let options = GetOptions { if_match: Some(input.etag.clone()), ..GetOptions::default() };
        let got =
            self.disk.get_opts(&self.location(&input.path)?, options).await.map_err(|error| gone(input, error))?;
        Ok(match got.payload {
            GetResultPayload::File(file, _) => Box::new(file),
            GetResultPayload::Stream(stream) => {
                Box::new(StreamReader { stream, runtime: tokio::runtime::Handle::current(), chunk: Bytes::new() })
            }
        })
    }

    /// Fails when the object is no longer the planned version.
    pub(crate) async fn unchanged(&self, input: &PlannedInput) -> Result<(), EngineError> {
        let meta = self.disk.head(&self.location(&input.path)?).await.map_err(|error| gone(input, error))?;
        if meta.e_tag.unwrap_or_default() == input.etag {
            Ok(())
        } else {
            Err(EngineError::Changed { path: input.path.clone() })
        }
    }
}

fn gone(input: &PlannedInput, error: object_store::Error) -> EngineError {
    match error {
        object_store::Error::Precondition { .. } => EngineError::Changed { path: input.path.clone() },
        error => EngineError::Input { path: input.path.clone(), why: format!("it cannot be read ({error})") },
    }
}

fn is_hidden(location: &Path, folder: &Path) -> bool {
    location.prefix_match(folder).is_some_and(|mut parts| parts.any(|part| part.as_ref().starts_with('.')))
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
