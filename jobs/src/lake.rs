//! A lake, opened: its folder of definitions read and checked, its store and sessions at hand.

use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use engine::{Elsewhere, InputFolder, Lakefront, Resources, SessionFactory};
use schemas::{Dataset, DatasetId, SourceFile, StoreUrl};

use crate::access::Limiter;
use crate::error::JobError;
use crate::records::LedgerTables;

/// An open lake.
#[derive(Debug)]
pub struct OpenLake {
    /// The folder of `lake.yaml`.
    pub folder: PathBuf,
    /// The checked definitions.
    pub definitions: schemas::Lake,
    /// Its objects.
    pub front: Lakefront,
    /// Its sessions.
    pub sessions: SessionFactory,
    /// Where inputs with relative paths lie.
    pub inputs: InputFolder,
    /// Memory of its queries together, and of one object that is rewritten.
    pub(crate) memory_bytes: usize,
    /// What principals use of this process.
    pub(crate) limiter: Limiter,
}

impl OpenLake {
    /// Reads the definitions in `folder`, checks them and opens the store they name.
    ///
    /// # Errors
    /// Every error of the definitions at once; or why the store cannot be opened.
    pub fn open(folder: &FsPath) -> Result<Self, JobError> {
        Self::open_within(folder, Resources::default())
    }

    /// The same with these resources for its queries.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_within(folder: &FsPath, resources: Resources) -> Result<Self, JobError> {
        let definitions = read_definitions(folder)?;
        let front = match &definitions.store {
            StoreUrl::Memory => Lakefront::memory(),
            StoreUrl::Bucket(url) => Lakefront::bucket(url)?,
            StoreUrl::File(below) => Lakefront::folder(&folder.join(below))?,
        };
        let datasets = with_companions(&definitions);
        let records = Arc::new(LedgerTables::new(front.clone(), definitions.timezone.into(), datasets.clone()));
        let memory_bytes = resources.memory_bytes;
        let sessions = SessionFactory::new(Arc::clone(front.store()), datasets, records, resources)
            .with_elsewhere(Elsewhere::open(folder, &definitions.datasets)?);
        let (folder, inputs) = (folder.to_owned(), InputFolder::new(folder));
        Ok(Self { folder, definitions, front, sessions, inputs, memory_bytes, limiter: Limiter::default() })
    }

    /// The definitions with a store that is empty: for what needs no data.
    pub(crate) fn without_store(folder: &FsPath, definitions: schemas::Lake) -> Self {
        let front = Lakefront::memory();
        let datasets = with_companions(&definitions);
        let records = Arc::new(LedgerTables::new(front.clone(), definitions.timezone.into(), datasets.clone()));
        let resources = Resources::default();
        let memory_bytes = resources.memory_bytes;
        let sessions = SessionFactory::new(Arc::clone(front.store()), datasets, records, resources);
        let (folder, inputs) = (folder.to_owned(), InputFolder::new(folder));
        Self { folder, definitions, front, sessions, inputs, memory_bytes, limiter: Limiter::default() }
    }

    /// The dataset of that name.
    ///
    /// # Errors
    /// When there is none; the error lists those there are.
    pub fn dataset(&self, name: &str) -> Result<&Dataset, JobError> {
        let found = DatasetId::parse(name).ok().and_then(|id| self.definitions.dataset(&id));
        found.ok_or_else(|| JobError::Unknown {
            what: "dataset",
            name: name.to_owned(),
            remedy: format!("datasets are: {}", names(self.definitions.datasets.iter().map(|dataset| &dataset.id))),
        })
    }

    /// The key of the pseudonyms in evidence.
    ///
    /// # Errors
    /// When the key file is absent or is not a key.
    pub fn pseudonym_key(&self) -> Result<[u8; 32], JobError> {
        let path = self.folder.join("keys/evidence.key");
        let local = |source| JobError::Local { action: "read the key", path: path.display().to_string(), source };
        let text = std::fs::read_to_string(&path).map_err(local)?;
        decode_key(text.trim()).ok_or_else(|| {
            local(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                "a key is 64 hex digits; `auditlake init` writes one",
            ))
        })
    }
}

fn decode_key(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(key)
}

/// Names for an error message, by commas.
pub(crate) fn names<T: ToString>(all: impl Iterator<Item = T>) -> String {
    let mut names: Vec<String> = all.map(|name| name.to_string()).collect();
    names.sort();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Every dataset, and beside it the one that holds what its ingests refused, and the archives of those that have any.
pub(crate) fn with_companions(definitions: &schemas::Lake) -> Vec<Dataset> {
    let mut all = definitions.datasets.clone();
    for rejected in definitions.datasets.iter().filter_map(Dataset::rejected) {
        if !all.iter().any(|other| other.id == rejected.id) {
            all.push(rejected);
        }
    }
    let archives = |dataset: &&Dataset| {
        definitions.retention.iter().any(|policy| policy.dataset == dataset.id && policy.archives())
    };
    let archives: Vec<Dataset> = all.iter().filter(archives).map(Dataset::archive).collect();
    all.extend(archives);
    all
}

/// Reads and checks the definitions of a folder.
///
/// # Errors
/// Every error at once, or why the folder cannot be read.
pub fn read_definitions(folder: &FsPath) -> Result<schemas::Lake, JobError> {
    schemas::check(&definition_files(folder)?).map_err(JobError::Definitions)
}

fn definition_files(folder: &FsPath) -> Result<Vec<SourceFile>, JobError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        let local = |source| JobError::Local { action: "read", path: current.display().to_string(), source };
        for entry in std::fs::read_dir(&current).map_err(local)? {
            let path = entry.map_err(local)?.path();
            let relative = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                // Data and sources may lie beside the definitions and be large.
                if schemas::is_definition(&format!("{relative}/any.yaml")) {
                    folders.push(path);
                }
            } else if schemas::is_definition(&relative) {
                let text = std::fs::read(&path).map_err(|source| JobError::Local {
                    action: "read",
                    path: path.display().to_string(),
                    source,
                })?;
                files.push(SourceFile { path: relative, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
