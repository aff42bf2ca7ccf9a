//! The facets that are kept. Each stands for itself: absent means that the event does not speak of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::lineage::ColumnLineage;
use crate::facts::{DatasetKind, DatasetName, JobName};

/// A dataset as an event names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Its name, normal and without partitions.
    pub name: DatasetName,
    /// What is said of it.
    pub facets: DatasetFacets,
    /// The partitions that were read or written; of our own runs only, since they hold values of rows.
    pub partitions: Option<Vec<Partition>>,
    /// How much was read or written.
    pub statistics: Option<Statistics>,
}

/// A partition: value by column.
pub type Partition = BTreeMap<String, String>;

impl Dataset {
    /// A dataset of which only the name is known.
    pub fn new(name: DatasetName) -> Self {
        Self { name, facets: DatasetFacets::default(), partitions: None, statistics: None }
    }
}

/// What is said of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatasetFacets {
    /// Its columns in their order.
    pub schema: Option<Vec<SchemaField>>,
    /// Where its columns come from.
    pub lineage: Option<ColumnLineage>,
    /// Its other names.
    pub symlinks: Option<BTreeSet<DatasetName>>,
    /// Who answers for it.
    pub owners: Option<BTreeSet<String>>,
    /// Words put on it and on its columns.
    pub tags: Option<BTreeSet<Tag>>,
    /// What it is.
    pub kind: Option<DatasetKind>,
    /// What happened to it as a whole.
    pub lifecycle: Option<Lifecycle>,
    /// The version that was read or written.
    pub version: Option<String>,
}

impl DatasetFacets {
    /// Takes what `later` says, and keeps what it does not speak of.
    pub(crate) fn overlay(&mut self, later: &Self) {
        fn take<T: Clone>(mine: &mut Option<T>, later: &Option<T>) {
            if later.is_some() {
                mine.clone_from(later);
            }
        }
        take(&mut self.schema, &later.schema);
        take(&mut self.lineage, &later.lineage);
        take(&mut self.symlinks, &later.symlinks);
        take(&mut self.owners, &later.owners);
        take(&mut self.tags, &later.tags);
        take(&mut self.kind, &later.kind);
        take(&mut self.lifecycle, &later.lifecycle);
        take(&mut self.version, &later.version);
    }
}

/// A column or a field of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaField {
    /// Its name; `_element` for what a list holds.
    pub name: String,
    /// Its type in its producer's words.
    pub type_word: Option<String>,
    /// What is inside.
    pub fields: Vec<SchemaField>,
}

/// A word put on a dataset or on a column of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// The column; none for the dataset.
    pub field: Option<String>,
    /// What it is about; `class` names the class of a column.
    pub key: String,
    /// What it says of it.
    pub value: String,
}

/// What happened to a dataset as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lifecycle {
    /// Its schema changed.
    Alter,
    /// It came into being.
    Create,
    /// It is gone.
    Drop,
    /// Its rows were replaced.
    Overwrite,
    /// It had this name before, if the event tells.
    Rename(Option<DatasetName>),
    /// Its rows are gone.
    Truncate,
}

/// How much was read or written; a negative count is kept as its producer gave it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Rows.
    pub rows: Option<i64>,
    /// Size in bytes.
    pub size_bytes: Option<i64>,
    /// Files.
    pub files: Option<i64>,
}

/// The interval a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nominal {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The instant after it.
    pub to: Option<DateTime<Utc>>,
}

/// The run that started another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Its id.
    pub run_id: String,
    /// Its job.
    pub job: JobName,
}

/// What a run runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: String,
}

/// Of which kind a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobType {
    /// `BATCH` or `STREAMING`.
    pub processing: String,
    /// Who runs it, for example `SPARK`.
    pub integration: String,
    /// Its kind there, for example `QUERY`.
    pub word: Option<String>,
}
