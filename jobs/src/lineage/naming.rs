//! What the datasets of a lake are called in lineage, and by which other names they are known.
//!
//! A declared dataset, a table of ours and what a job hands on are named in the lake's own namespace. What lies
//! elsewhere bears its location; what is given relative to the lake's folder stays relative, so that a lake that is
//! moved is the same lake.

use std::collections::BTreeSet;

use ::lineage::{DatasetName, JobName, Names, normal_name};
use schemas::{Dataset, Lake, StoreUrl};

/// Names of one lake.
#[derive(Debug, Clone)]
pub(crate) struct Naming {
    namespace: String,
    store: StoreUrl,
}

impl Naming {
    pub(crate) fn of(lake: &Lake) -> Self {
        Self { namespace: format!("auditlake://{}", lake.id), store: lake.store.clone() }
    }

    /// The namespace of what is the lake's own.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A dataset or another thing of the lake's own.
    pub(crate) fn own(&self, name: impl Into<String>) -> DatasetName {
        DatasetName { namespace: self.namespace.clone(), name: name.into() }
    }

    pub(crate) fn job(&self, name: impl Into<String>) -> JobName {
        JobName { namespace: self.namespace.clone(), name: name.into() }
    }

    /// What tables of plans are called.
    pub(crate) fn of_plans(&self) -> Names {
        Names::new(self.namespace.as_str())
    }

    /// What a place is called that a command line or a job names: a URL, an absolute path, or one relative to the lake.
    pub(crate) fn place(&self, place: &str) -> DatasetName {
        if let Some((scheme, rest)) = place.split_once("://") {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            return normal_name(&format!("{scheme}://{authority}"), path);
        }
        if place.starts_with('/') {
            return normal_name("file", place);
        }
        let path = place.trim_start_matches("./").trim_end_matches('/');
        self.own(if path.is_empty() { "." } else { path })
    }

    /// Where a dataset lies, if others may know it by that name.
    pub(crate) fn location(&self, dataset: &Dataset) -> Option<DatasetName> {
        match (&dataset.elsewhere, &self.store) {
            (Some(StoreUrl::Bucket(_)), _) => Some(self.place(&dataset.location)),
            (None, StoreUrl::Bucket(url)) => {
                Some(self.place(&format!("{}/{}", url.to_string().trim_end_matches('/'), dataset.location)))
            }
            (Some(StoreUrl::File(path)), _) => Some(self.place(path)).filter(|name| name.namespace == "file"),
            (Some(StoreUrl::Memory), _) | (None, StoreUrl::Memory | StoreUrl::File(_)) => None,
        }
    }

    /// Locations that are known to be those of datasets.
    pub(crate) fn locations(&self, lake: &Lake) -> BTreeSet<DatasetName> {
        lake.datasets.iter().filter_map(|dataset| self.location(dataset)).collect()
    }

    /// A name as people of this lake say it: what is its own without the namespace.
    pub(crate) fn shown(&self, name: &DatasetName) -> String {
        if name.namespace == self.namespace { name.name.clone() } else { format!("{}/{}", name.namespace, name.name) }
    }
}
