//! Lineage: what a plan says about where rows come from.
//!
//! Plans go in, answers come out. Absent: sessions, stores and anything that waits; graphs and documents come
//! when something draws them.

mod document;
mod facts;
mod graph;
mod reads;
mod snapshot;
mod words;

pub use document::{Document, GRAPH_SCHEMA, Heading, write_dot, write_graphml, write_html, write_json};
pub use facts::{
    ColumnFact, DatasetFact, DatasetKind, DatasetName, EdgeFact, Facts, JobFact, JobName, Node, Operation,
};
pub use graph::{
    About, AllEdges, Attribute, Change, Changed, EdgeReference, EdgesOf, Filter, Forms, Graph, GraphError, Key, Lifts,
    Limits, Mask, Neighbours, Nodes, NodesBuilder, NumberedEdge, Reach, ReachedNode, Step, Stop, View, Walker, When,
    Why, forms,
};
pub use petgraph::Direction;
pub use reads::{Reads, reads};
pub use snapshot::{Manifest, Snapshot, SnapshotFile};
