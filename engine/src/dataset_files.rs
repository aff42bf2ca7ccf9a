//! The files of each dataset, listed once per session, when a statement first names it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::execution::context::SessionState;
use object_store::ObjectStore;
use object_store::path::Path;
use schemas::{Dataset, DatasetId};
use tokio::sync::OnceCell;

use crate::dataset::{PinnedFile, list_below};
use crate::dataset_store::{DatasetStore, Elsewhere};
use crate::dataset_table::{DatasetTable, dataset_table};
use crate::error::EngineError;
use crate::ingest::PlannedInput;
use crate::replace::files_in_force;

/// Every dataset of a session with its files.
#[derive(Debug)]
pub(crate) struct DatasetFiles {
    /// The lake's own store.
    pub(crate) lake: DatasetStore,
    planner: SessionState,
    by_name: HashMap<String, FilesOf>,
}

/// One dataset with its files and its table, found by the first who asks.
#[derive(Debug)]
struct FilesOf {
    dataset: Dataset,
    store: DatasetStore,
    prefix: Path,
    /// Of a session that sees no others: the tenants whose folders count.
    tenants: Option<BTreeSet<String>>,
    /// The files that count, where only some do.
    narrowed: Option<Narrowed>,
    pinned: OnceCell<Vec<PinnedFile>>,
    table: OnceCell<DatasetTable>,
}

/// Some files of a dataset, each in one version.
#[derive(Debug, Clone)]
pub(crate) struct Narrowed {
    dataset: DatasetId,
    /// ETags and sizes, by path.
    versions: Arc<BTreeMap<String, (String, u64)>>,
}

impl Narrowed {
    pub(crate) fn to(dataset: &DatasetId, files: &[PlannedInput]) -> Self {
        let versions = files.iter().map(|file| (file.path.clone(), (file.etag.clone(), file.bytes)));
        Self { dataset: dataset.clone(), versions: Arc::new(versions.collect()) }
    }

    /// Those of a listing, by path.
    fn of(&self, listed: Vec<PinnedFile>) -> Result<Vec<PinnedFile>, EngineError> {
        let is_version = |file: &PinnedFile| {
            self.versions.get(file.path()).is_some_and(|(etag, bytes)| file.etag() == etag && file.meta.size == *bytes)
        };
        let files: Vec<PinnedFile> = listed.into_iter().filter(is_version).collect();
        let there: BTreeSet<&str> = files.iter().map(PinnedFile::path).collect();
        match self.versions.keys().find(|path| !there.contains(path.as_str())) {
            Some(path) => Err(EngineError::Changed { path: path.clone() }),
            None => Ok(files),
        }
    }
}

impl DatasetFiles {
    /// The files of `datasets`, none listed yet. Maps of datasets are planned by `planner`, which knows no table. Where
    /// `tenants` are given, folders of others are not listed: of a dataset whose map may say otherwise, all are. Of a
    /// `narrowed` dataset some files count.
    pub(crate) fn new(
        store: &Arc<dyn ObjectStore>,
        elsewhere: &Elsewhere,
        datasets: impl Iterator<Item = Dataset>,
        planner: &SessionState,
        (tenants, narrowed): (Option<&BTreeSet<String>>, Option<&Narrowed>),
    ) -> Self {
        let lake = DatasetStore::new("pinned", Arc::clone(store));
        let mut by_name = HashMap::new();
        for dataset in datasets {
            let (store, prefix) = match elsewhere.of(&dataset) {
                Some((store, prefix)) => {
                    (DatasetStore::new(&format!("{}.elsewhere", dataset.id), Arc::clone(store)), prefix.clone())
                }
                None => (lake.clone(), Path::from(dataset.location.trim_end_matches('/'))),
            };
            let counts = !dataset.tenant.is_empty() && dataset.map.is_none();
            let files = FilesOf {
                store,
                prefix,
                tenants: tenants.filter(|_| counts).cloned(),
                narrowed: narrowed.filter(|narrowed| narrowed.dataset == dataset.id).cloned(),
                pinned: OnceCell::new(),
                table: OnceCell::new(),
                dataset,
            };
            by_name.insert(files.dataset.id.to_string(), files);
        }
        let stores = std::iter::once(&lake).chain(by_name.values().map(|files| &files.store));
        for store in stores {
            let pinned = Arc::clone(&store.pinned) as Arc<dyn ObjectStore>;
            planner.runtime_env().register_object_store(store.url.as_ref(), pinned);
        }
        Self { lake, planner: planner.clone(), by_name }
    }

    /// Names of the datasets, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.by_name.keys().cloned().collect();
        names.sort();
        names
    }

    /// The declaration of a dataset.
    pub(crate) fn declared(&self, name: &str) -> Option<&Dataset> {
        self.by_name.get(name).map(|of| &of.dataset)
    }

    /// The files of a dataset.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<&[PinnedFile]>, EngineError> {
        match self.by_name.get(name) {
            None => Ok(None),
            Some(of) => of.files().await.map(Some),
        }
    }

    /// The dataset as a table.
    pub(crate) async fn table(&self, name: &str) -> Result<Option<&DatasetTable>, EngineError> {
        let Some(of) = self.by_name.get(name) else { return Ok(None) };
        let made = of.table.get_or_try_init(|| async {
            dataset_table(&self.planner, &of.dataset, &of.store, of.files().await?).await
        });
        made.await.map(Some)
    }

    /// The store of a dataset; the lake's own for what is no dataset.
    pub(crate) fn store(&self, dataset: &str) -> &DatasetStore {
        self.by_name.get(dataset).map_or(&self.lake, |of| &of.store)
    }
}

impl FilesOf {
    async fn files(&self) -> Result<&[PinnedFile], EngineError> {
        let files = self.pinned.get_or_try_init(|| async {
            let store = &self.store.store;
            let mut files = match &self.dataset.elsewhere {
                Some(_) => list_below(store.as_ref(), &self.prefix).await?,
                None => files_in_force(store, self.dataset.id.as_str(), &self.prefix).await?,
            };
            if let Some(narrowed) = &self.narrowed {
                files = narrowed.of(files)?;
            }
            if let Some(tenants) = &self.tenants {
                files.retain(|file| file.tenant.as_ref().is_none_or(|tenant| tenants.contains(tenant)));
            }
            self.store.pin(&files);
            Ok::<_, EngineError>(files)
        });
        files.await.map(Vec::as_slice)
    }
}
