//! Where an export goes: standard output, one file, or a folder of parts; on disk or in a bucket.

use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use engine::{Created, EngineError, Lakefront, recorded_path};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use schemas::BucketUrl;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::JobError;

/// What is needed to go on with an export ends so, until the manifest is there.
const WORK: &str = ".export.json";

/// As the command line names it.
#[derive(Debug)]
pub(crate) enum Place {
    Stdout,
    Objects(ObjectPlace),
}

/// A folder of objects, or one object of it. Names are those in the folder.
#[derive(Debug, Clone)]
pub(crate) struct ObjectPlace {
    front: Lakefront,
    /// The folder's path in its store, with a slash at its end unless it is the store.
    root: String,
    /// Where the parts of one attempt lie: `e000001/`, or nothing.
    attempt: String,
    /// The one object, where no folder was asked for.
    single: Option<String>,
    /// As a person knows the folder, with a slash at its end.
    shown: String,
}

impl Place {
    /// Opens what `--to` names. A folder is what ends with `/`, or is one already.
    ///
    /// # Errors
    /// When it is no place, or its store refuses.
    pub(crate) fn open(to: &str) -> Result<Self, JobError> {
        if to == "-" {
            return Ok(Self::Stdout);
        }
        let is_folder = to.ends_with('/');
        let (folder, single) = match to.rsplit_once('/') {
            _ if is_folder => (to.trim_end_matches('/').to_owned(), None),
            _ if !BucketUrl::is_meant(to) && FsPath::new(to).is_dir() => (to.to_owned(), None),
            Some((folder, name)) => (folder.to_owned(), Some(name.to_owned())),
            None => (".".to_owned(), Some(to.to_owned())),
        };
        let shown = if to.contains('/') || single.is_none() { format!("{folder}/") } else { String::new() };
        let front = if BucketUrl::is_meant(to) {
            let url = BucketUrl::parse(&folder).map_err(|why| JobError::Usage(format!("--to {why}")))?;
            Lakefront::bucket(&url)?
        } else {
            Lakefront::folder(&if folder.is_empty() { PathBuf::from("/") } else { PathBuf::from(folder) })?
        };
        Ok(Self::Objects(ObjectPlace { front, root: String::new(), attempt: String::new(), single, shown }))
    }
}

impl ObjectPlace {
    /// A folder of a lake.
    pub(crate) fn in_lake(front: &Lakefront, folder: &str) -> Self {
        Self {
            front: front.clone(),
            root: folder.to_owned(),
            attempt: String::new(),
            single: None,
            shown: folder.to_owned(),
        }
    }

    /// The same with parts that no other attempt writes over.
    pub(crate) fn of_attempt(&self, number: u64) -> Self {
        Self { attempt: format!("e{number:06}/"), ..self.clone() }
    }

    /// Whether it is on a disk of this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.front.is_local()
    }

    /// Whether it is one object.
    pub(crate) fn is_single(&self) -> bool {
        self.single.is_some()
    }

    pub(crate) fn store(&self) -> &Arc<dyn ObjectStore> {
        self.front.store()
    }

    /// Where an object lies in the store.
    pub(crate) fn path(&self, name: &str) -> Path {
        recorded_path(&format!("{}{name}", self.root))
    }

    /// The object of a part; none of a second part where there is one object.
    pub(crate) fn part(&self, name: &str, number: u64) -> Option<String> {
        match &self.single {
            Some(single) => (number == 1).then(|| single.clone()),
            None => Some(format!("{}{name}", self.attempt)),
        }
    }

    /// The object that stands beside the first part, such as a schema.
    pub(crate) fn beside(&self, name: &str) -> String {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match &self.single {
            Some(single) => {
                let stem = single.split_once(".xml").map_or(single.as_str(), |(stem, _)| stem);
                format!("{stem}.{ending}")
            }
            None => format!("{}{name}", self.attempt),
        }
    }

    pub(crate) fn manifest(&self) -> String {
        self.single.as_ref().map_or_else(|| "manifest.json".to_owned(), |single| format!("{single}.manifest.json"))
    }

    /// What was asked for, until the manifest is there.
    pub(crate) fn start(&self) -> String {
        let single = self.single.as_deref().unwrap_or("start");
        format!("{}{single}{WORK}", self.attempt)
    }

    /// What is known of a finished part, until the manifest is there.
    pub(crate) fn receipt(&self, name: &str) -> String {
        format!("{}{name}{WORK}", self.attempt)
    }

    /// An object as a person finds it.
    pub(crate) fn shown(&self, name: &str) -> String {
        format!("{}{name}", self.shown)
    }

    pub(crate) async fn head(&self, name: &str) -> Result<Option<ObjectMeta>, JobError> {
        let path = self.path(name);
        match self.front.store().head(&path).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(EngineError::store(&path, "find it", source).into()),
        }
    }

    /// Makes an object that must be new.
    ///
    /// # Errors
    /// When it is there already, or the store refuses.
    pub(crate) async fn create_json(&self, name: &str, value: &impl Serialize) -> Result<(), JobError> {
        match self.front.create(&self.path(name), pretty(value)?).await? {
            Created::Now => Ok(()),
            Created::Existed => Err(JobError::ExportTaken { place: self.shown(name) }),
        }
    }

    pub(crate) async fn replace(&self, name: &str, bytes: Bytes) -> Result<(), JobError> {
        Ok(self.front.replace(&self.path(name), bytes).await?)
    }

    pub(crate) async fn read(&self, name: &str) -> Result<Option<Bytes>, JobError> {
        Ok(self.front.read(&self.path(name)).await?)
    }

    pub(crate) async fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, JobError> {
        Ok(self.front.read_json(&self.path(name)).await?)
    }

    pub(crate) async fn remove(&self, name: &str) -> Result<(), JobError> {
        Ok(self.front.remove(&self.path(name)).await?)
    }

    /// The names of all objects of the folder.
    pub(crate) async fn names(&self) -> Result<Vec<String>, JobError> {
        let objects = self.front.list(&self.path("")).await?;
        let name = |meta: ObjectMeta| meta.location.as_ref().strip_prefix(&self.root).map(str::to_owned);
        Ok(objects.into_iter().filter_map(name).collect())
    }
}

/// JSON for people, keys as they are.
pub(crate) fn pretty(value: &impl Serialize) -> Result<Bytes, JobError> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| EngineError::Bug { what: format!("a record is no JSON ({error})") })?;
    Ok(Bytes::from(text + "\n"))
}
