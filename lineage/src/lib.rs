//! Lineage: what a plan says about where rows come from.
//!
//! Plans go in, answers come out. Absent: sessions, stores and anything that waits; graphs and documents come
//! when something draws them.

mod facts;
mod reads;
mod trace;

pub use facts::{
    ColumnFact, DatasetFact, DatasetKind, DatasetName, EdgeFact, Facts, JobFact, JobName, Node, Operation,
};
pub use reads::{Reads, reads};
pub use trace::{Dependency, FunctionClasses, Names, Origin, Output, RowLineage, SourceColumn, Target, Traced, trace};
