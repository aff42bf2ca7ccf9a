//! Lineage: what plans and events say about where rows come from.
//!
//! Plans and events go in, answers come out. Absent: sessions, stores and anything that waits; graphs and documents
//! come when something draws them.

mod dbt;
mod document;
mod emit;
mod event;
mod facts;
mod graph;
mod log;
mod merge;
mod reads;
mod snapshot;
mod trace;
mod words;

pub use dbt::{DbtManifest, read_manifest};
pub use document::{Document, GRAPH_SCHEMA, Heading, write_dot, write_graphml, write_html, write_json};
pub use emit::{RunEvent, run_id};
pub use event::{
    About, Batch, ColumnLineage, Dataset, DatasetFacets, Engine, Event, FACET_SCHEMA, Indirect, JobPart, JobType,
    Lifecycle, Nominal, Origin, PRODUCER, Parent, Partition, Position, Reading, Refused, Remark, RunPart, SchemaField,
    Source, Sources, State, Statistics, Tag, Way, belongs_to, canonical_json, normal_name, read, read_all,
};
pub use facts::{
    ColumnFact, DatasetFact, DatasetKind, DatasetName, EdgeFact, Facts, JobFact, JobName, Node, Operation,
};
pub use graph::{
    AllEdges, Attribute, Change, Changed, EdgeReference, EdgesOf, Filter, Forms, Graph, GraphError, Key, Lifts, Limits,
    Mask, Neighbours, NodeAbout, Nodes, NodesBuilder, NumberedEdge, Reach, ReachedNode, Step, Stop, View, Walker, When,
    Why, forms,
};
pub use log::{log_rows, log_schema, logged_events};
pub use merge::Merged;
pub use petgraph::Direction;
pub use reads::{Reads, reads};
pub use snapshot::{Manifest, Snapshot, SnapshotFile};
pub use trace::{
    Dependency, FunctionClasses, Names, Output, RowLineage, SourceColumn, Sourceless, Target, Traced, trace,
};
pub use words::dataset_word;
