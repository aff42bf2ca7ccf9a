//! The store a dataset lies in: the lake's own, or one elsewhere that is only read.
//!
//! Absent: writing. What lies elsewhere belongs to others.

use std::collections::HashMap;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::object_store::ObjectStoreUrl;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use schemas::{Dataset, StoreUrl};

use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::store::{PinnedStore, open_bucket};

/// Footers kept of the files of one store, bytes.
const FOOTERS_BYTES: usize = 64 << 20;

/// One store as a session sees it: nothing but what was pinned can be read.
#[derive(Debug, Clone)]
pub(crate) struct DatasetStore {
    /// Lists.
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Reads.
    pub(crate) pinned: Arc<PinnedStore>,
    /// Where the session's registry finds the pinned store.
    pub(crate) url: ObjectStoreUrl,
    /// Footers read so far. The cache compares size and time only; it is safe because it lives no longer than the
    /// session, over files it pinned, of this store alone.
    pub(crate) footers: Arc<FileMetadataCache>,
}

impl DatasetStore {
    pub(crate) fn new(name: &str, store: Arc<dyn ObjectStore>) -> Self {
        // The name is an id of ours or a constant; `local_filesystem` is only the type's other constructor.
        let url =
            ObjectStoreUrl::parse(format!("lake://{name}")).unwrap_or_else(|_| ObjectStoreUrl::local_filesystem());
        let pinned = Arc::new(PinnedStore::new(Arc::clone(&store)));
        Self { store, pinned, url, footers: Arc::new(DefaultCache::new(FOOTERS_BYTES)) }
    }

    /// Lets the session read these files.
    pub(crate) fn pin(&self, files: &[PinnedFile]) {
        for file in files {
            self.pinned.pin(&file.meta.location, file.meta.e_tag.clone());
        }
    }
}

/// The stores of datasets that do not lie in the lake's, opened once per process.
#[derive(Debug, Clone, Default)]
pub struct Elsewhere {
    by_dataset: HashMap<String, (Arc<dyn ObjectStore>, Path)>,
}

impl Elsewhere {
    /// Opens the stores of `datasets`; relative folders lie below `folder`, that of `lake.yaml`. Nothing is read yet.
    ///
    /// # Errors
    /// When the environment lacks what a bucket needs.
    pub fn open(folder: &FsPath, datasets: &[Dataset]) -> Result<Self, EngineError> {
        let mut by_dataset = HashMap::new();
        for dataset in datasets {
            let opened = match &dataset.elsewhere {
                None | Some(StoreUrl::Memory) => continue,
                Some(StoreUrl::Bucket(url)) => (open_bucket(&url.whole())?, Path::parse(&url.prefix)),
                Some(StoreUrl::File(below)) => {
                    let absolute = normal(&folder.join(below));
                    let disk: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
                    (disk, Path::from_absolute_path(&absolute))
                }
            };
            let prefix = opened.1.map_err(|error| EngineError::Unfit {
                store: dataset.location.clone(),
                why: format!("it is no path ({error}); correct the location of dataset \"{}\"", dataset.id),
            })?;
            by_dataset.insert(dataset.id.to_string(), (opened.0, prefix));
        }
        Ok(Self { by_dataset })
    }

    /// The store and the prefix in it of a dataset that lies elsewhere.
    pub(crate) fn of(&self, dataset: &Dataset) -> Option<&(Arc<dyn ObjectStore>, Path)> {
        self.by_dataset.get(dataset.id.as_str())
    }
}

/// The path without `.` and `..`, absolute; it need not exist yet.
fn normal(path: &FsPath) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut parts = PathBuf::new();
    for part in absolute.components() {
        match part {
            std::path::Component::ParentDir => drop(parts.pop()),
            std::path::Component::CurDir => {}
            part => parts.push(part),
        }
    }
    parts
}
