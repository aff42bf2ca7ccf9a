//! An OpenLineage event as far as lineage needs it: typed, with normal names, without literals.
//!
//! [`read`] takes one event of any 1.x or 2.x schema, [`read_all`] a file of them; [`Event::to_value`] writes it back
//! as core 2-0-2. What is written holds what was kept and nothing else: facets that are not known, texts of statements
//! that nobody redacted, messages, descriptions and measured values are gone, and their names stand in
//! `auditlake_dropped`. Absent: what several events come to together.

mod canonical;
mod facets;
mod instant;
mod lineage;
mod name;
mod pointer;
mod read;
mod read_dataset;
mod read_lineage;
mod split;
mod word;
mod write;
mod write_dataset;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::facts::{DatasetName, JobName, Operation};

pub use canonical::canonical_json;
pub use facets::{
    Dataset, DatasetFacets, Engine, JobType, Lifecycle, Nominal, Parent, Partition, SchemaField, Statistics, Tag,
};
pub use lineage::{ColumnLineage, Source, Sources, Way};
pub use name::{belongs_to, normal_name};
pub use pointer::Remark;
pub use read::{Reading, read};
pub use split::{Batch, Position, Refused, read_all};
pub use write::{FACET_SCHEMA, Indirect, PRODUCER};

pub(crate) use instant::instant;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it happened, in microseconds.
    pub at: DateTime<Utc>,
    /// Who says so, as a URI.
    pub producer: String,
    /// How it came here.
    pub origin: Origin,
    /// What it is about.
    pub about: About,
    /// Facets that were left out, as `run.spark_properties`.
    pub dropped: BTreeSet<String>,
}

/// How an event came here; of two that contradict each other about types, schemas and classes, the later in this order
/// is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Somebody else wrote it.
    Import,
    /// A run of ours.
    Run,
    /// Our definitions.
    Definition,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A run of a job.
    Run(RunPart, JobPart),
    /// A job as it stands.
    Job(JobPart),
    /// A dataset as it stands.
    Dataset(Dataset),
}

/// Where a run has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Says nothing about it.
    Other,
    /// Has begun.
    Start,
    /// Goes on.
    Running,
    /// Has done what it was to do.
    Complete,
    /// Was given up.
    Abort,
    /// Has failed.
    Fail,
}

/// What an event says of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPart {
    /// Its id; a UUID, unless its producer did not care.
    pub id: String,
    /// Where it has got to.
    pub state: State,
    /// The interval it is about.
    pub nominal: Option<Nominal>,
    /// The run that started it.
    pub parent: Option<Parent>,
    /// What it runs on.
    pub engine: Option<Engine>,
    /// Why it failed, without literals; of our own runs only.
    pub error: Option<String>,
    /// What it did.
    pub operations: Option<BTreeSet<Operation>>,
}

/// What an event says of its job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobPart {
    /// Its name.
    pub name: JobName,
    /// Of which kind it is.
    pub kind: Option<JobType>,
    /// Its statement, without literals.
    pub sql: Option<String>,
    /// Who answers for it.
    pub owners: Option<BTreeSet<String>>,
    /// What it reads.
    pub inputs: Vec<Dataset>,
    /// What it writes.
    pub outputs: Vec<Dataset>,
}

impl RunPart {
    /// A run of which only this is known.
    pub fn new(id: &str, state: State) -> Self {
        let id = id.to_owned();
        Self { id, state, nominal: None, parent: None, engine: None, error: None, operations: None }
    }
}

impl JobPart {
    /// A job of which only this is known.
    pub fn new(name: JobName) -> Self {
        Self { name, kind: None, sql: None, owners: None, inputs: Vec::new(), outputs: Vec::new() }
    }
}

impl Event {
    /// The job it is about.
    pub fn job(&self) -> Option<&JobPart> {
        match &self.about {
            About::Run(_, job) | About::Job(job) => Some(job),
            About::Dataset(_) => None,
        }
    }

    /// The run it is about.
    pub fn run(&self) -> Option<&RunPart> {
        match &self.about {
            About::Run(run, _) => Some(run),
            About::Job(_) | About::Dataset(_) => None,
        }
    }

    /// Every dataset it describes, inputs first.
    pub fn datasets(&self) -> impl Iterator<Item = &Dataset> {
        let job = self.job().into_iter().flat_map(|job| job.inputs.iter().chain(&job.outputs));
        let alone = match &self.about {
            About::Dataset(dataset) => Some(dataset),
            About::Run(..) | About::Job(_) => None,
        };
        job.chain(alone)
    }

    /// Every name of a dataset in it: those it describes, and those that columns come from.
    pub fn dataset_names(&self) -> BTreeSet<&DatasetName> {
        let sources = self.datasets().filter_map(|dataset| dataset.facets.lineage.as_ref());
        let sources = sources.flat_map(|lineage| lineage.sources()).map(|(source, _)| &source.dataset);
        self.datasets().map(|dataset| &dataset.name).chain(sources).collect()
    }
}

#[cfg(test)]
mod tests;
