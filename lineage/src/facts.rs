//! What is known of datasets, columns and jobs, as the graph is built from it.
//!
//! Facts are what merged events come to: every name whole, every dependency with the time in which it held.
//! Absent: numbers of nodes, which live inside one graph.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemas::{Certainty, EdgeKinds, Form, Gap};

/// Name of a dataset, as in OpenLineage: a namespace and a name inside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetName {
    /// For example `s3://bucket`, `file` or `auditlake://acme`.
    pub namespace: String,
    /// For example `audit`.
    pub name: String,
}

/// Name of a job, as in OpenLineage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobName {
    /// For example `auditlake://acme`.
    pub namespace: String,
    /// For example `audit-daily`.
    pub name: String,
}

/// What a dependency leads from or to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// A dataset as a whole: which rows it has.
    Dataset(DatasetName),
    /// A column or a field of one: `actor_id`, `actor.id`, `tags[]`.
    Column(DatasetName, String),
}

/// What a dataset is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DatasetKind {
    /// Rows and columns.
    #[default]
    Table,
    /// A file that is no part of a table.
    File,
    /// Messages that are kept.
    Topic,
    /// Messages that pass.
    Stream,
    /// A model that predicts.
    Model,
    /// A view of another system.
    View,
    /// What a job handed on without storing it.
    JobOutput,
}

/// What a job does, derived from its plans and never typed by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Records became rows.
    Ingestion,
    /// Columns were computed.
    Transformation,
    /// Many rows became one.
    Aggregation,
    /// A model was asked.
    Prediction,
    /// Rows left the datasets.
    Export,
    /// Rows were removed.
    Delete,
    /// Personal columns lost their form.
    Anonymization,
}

/// Everything that merged events say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Every dataset that was named, also without dependencies.
    pub datasets: BTreeMap<DatasetName, DatasetFact>,
    /// Every job that was named.
    pub jobs: BTreeMap<JobName, JobFact>,
    /// Every dependency, each once.
    pub edges: BTreeSet<EdgeFact>,
}

/// What is known of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatasetFact {
    /// What it is.
    pub kind: DatasetKind,
    /// Who answers for it.
    pub owners: BTreeSet<String>,
    /// Words put on it.
    pub tags: BTreeSet<String>,
    /// Its columns and their fields by path.
    pub columns: BTreeMap<String, ColumnFact>,
}

/// What is known of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnFact {
    /// Its type, in the words of whoever named it.
    pub type_word: Option<String>,
    /// Its class, for example `personal`.
    pub class: Option<String>,
    /// Words put on it.
    pub tags: BTreeSet<String>,
}

/// What is known of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFact {
    /// What it does.
    pub operations: BTreeSet<Operation>,
    /// Datasets that its completed runs read.
    pub inputs: BTreeSet<DatasetName>,
    /// Datasets that its completed runs wrote.
    pub outputs: BTreeSet<DatasetName>,
    /// When the last completed run ended.
    pub last_run_at: Option<DateTime<Utc>>,
}

/// One dependency: a change at `source` may change `target`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeFact {
    /// Where it leads from.
    pub source: Node,
    /// Where it leads to; a dataset for what decides which rows there are.
    pub target: Node,
    /// The job whose runs said so.
    pub job: JobName,
    /// When a completed run first said so, by the event's time.
    pub valid_from: DateTime<Utc>,
    /// When one no longer did; none while it holds.
    pub valid_to: Option<DateTime<Utc>>,
    /// In which ways.
    pub kinds: EdgeKinds,
    /// The most that is left of the source's form.
    pub cap: Form,
    /// How sure it is.
    pub certainty: Certainty,
    /// Why it is not surer.
    pub gap: Option<Gap>,
}
