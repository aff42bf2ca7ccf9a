//! The lineage graph: datasets and columns, and what a change of one may change, in compressed sparse rows.
//!
//! ```
//! use lineage::{Direction, Facts, Filter, Graph, Limits, Walker};
//!
//! # fn graph_of(facts: &Facts) -> Result<(), lineage::GraphError> {
//! let graph = Graph::of(facts)?;
//! let mask = graph.compile(&Filter::direct());
//! let mut walker = Walker::default();
//! for dataset in graph.nodes().datasets() {
//!     let reach = walker.reach(graph.view(&mask), &[*dataset], Direction::Outgoing, &Limits::default(), || false);
//!     assert!(reach.complete || reach.stopped.is_some() || reach.certainty == schemas::Certainty::Opaque);
//! }
//! # Ok(())
//! # }
//! # graph_of(&Facts::default()).unwrap();
//! ```
//!
//! Absent: the store a graph comes from, and facts that arrive after it was built.

mod about;
mod attribute;
mod diff;
mod error;
mod face;
mod filter;
mod flood;
mod heads;
mod key;
mod label;
mod nodes;
mod pace;
mod relatives;
mod rows;
mod view;
mod walk;
mod why;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::Direction;

pub use about::NodeAbout;
pub use attribute::Attribute;
pub use diff::{Change, Changed};
pub use error::GraphError;
pub use face::{AllEdges, EdgeReference, EdgesOf, Neighbours};
pub use filter::{Filter, Mask, When};
pub use key::Key;
pub use label::{Forms, Lifts, forms};
pub use nodes::{Nodes, NodesBuilder};
pub use rows::NumberedEdge;
pub use view::View;
pub use walk::{Limits, Reach, ReachedNode, Stop, Walker};
pub use why::{Step, Why};

use crate::facts::{DatasetName, Facts, JobFact, JobName, Node};
pub(crate) use rows::Rows;
pub(crate) use view::index;

/// Datasets and columns, and what a change of one may change.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    nodes: Nodes,
    jobs: Vec<(JobName, JobFact)>,
    attributes: Vec<Attribute>,
    forward: Rows,
    backward: Rows,
}

impl Graph {
    /// The graph of what is known. Equal facts give equal graphs.
    pub fn of(facts: &Facts) -> Result<Self, GraphError> {
        let nodes = nodes_of(facts)?;
        let mut jobs = facts.jobs.clone();
        for edge in &facts.edges {
            if !jobs.contains_key(&edge.job) {
                jobs.insert(edge.job.clone(), JobFact::default());
            }
        }
        let numbers: HashMap<&JobName, u32> = jobs.keys().zip(0..).collect();
        let mut places = HashMap::new();
        let mut attributes = Vec::new();
        let mut edges = Vec::with_capacity(facts.edges.len());
        // Edges come by source, so that most names are looked up once.
        let mut last: Option<(&Node, u32)> = None;
        for fact in &facts.edges {
            let source = match last {
                Some((node, number)) if *node == fact.source => number,
                _ => number_of(&nodes, &fact.source)?,
            };
            last = Some((&fact.source, source));
            let attribute = Attribute::new(fact, numbers[&fact.job]);
            let next = place(attributes.len())?;
            let attribute = *places.entry(attribute).or_insert_with(|| {
                attributes.push(attribute);
                next
            });
            edges.push(NumberedEdge { source, target: number_of(&nodes, &fact.target)?, attribute });
        }
        Self::assemble(nodes, jobs, attributes, edges)
    }

    /// The graph of these nodes, jobs and edges. An attribute names a job by its place among `jobs`, an edge names
    /// nodes by their numbers and its attribute by its place in `attributes`.
    pub fn assemble(
        nodes: Nodes,
        jobs: BTreeMap<JobName, JobFact>,
        attributes: Vec<Attribute>,
        mut edges: Vec<NumberedEdge>,
    ) -> Result<Self, GraphError> {
        let attributes = renumber(attributes, &mut edges)?;
        if let Some(attribute) = attributes.iter().find(|attribute| attribute.job as usize >= jobs.len()) {
            return Err(GraphError::Missing { what: "job", number: attribute.job });
        }
        let forward = Rows::by_source(nodes.len() as usize, &edges)?;
        drop(edges);
        let backward = forward.reversed();
        Ok(Self { nodes, jobs: jobs.into_iter().collect(), attributes, forward, backward })
    }

    pub(crate) fn from_parts(
        nodes: Nodes,
        jobs: Vec<(JobName, JobFact)>,
        attributes: Vec<Attribute>,
        forward: Rows,
        backward: Rows,
    ) -> Self {
        Self { nodes, jobs, attributes, forward, backward }
    }

    /// Its nodes.
    pub fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// Its jobs, by name.
    pub fn jobs(&self) -> &[(JobName, JobFact)] {
        &self.jobs
    }

    /// What is said of its edges, each once, sorted.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// How many edges it has.
    pub fn edges(&self) -> usize {
        self.forward.len()
    }

    /// The number of a node.
    pub fn find(&self, node: &Node) -> Option<u32> {
        self.nodes.find(node)
    }

    /// The columns of a class, in their order.
    pub fn columns_of_class(&self, class: &str) -> Vec<u32> {
        (0..self.nodes.len()).filter(|node| self.nodes.about(*node).class() == Some(class)).collect()
    }

    /// A filter as one bit per attribute.
    pub fn compile(&self, filter: &Filter) -> Mask {
        let passes = |attribute: &Attribute| filter.admits(attribute, &self.jobs[attribute.job as usize].0);
        Mask::new(self.attributes.iter().map(passes))
    }

    /// The graph through a filter that it compiled.
    pub fn view<'a>(&'a self, mask: &'a Mask) -> View<'a> {
        View::new(self, mask)
    }

    /// Bytes in memory that its edges need: rows in both directions, attributes and the borders of datasets.
    pub fn edge_bytes(&self) -> usize {
        self.forward.bytes() + self.backward.bytes() + size_of_val(&*self.attributes) + self.nodes.bytes()
    }

    pub(crate) fn rows(&self, direction: Direction) -> &Rows {
        match direction {
            Direction::Outgoing => &self.forward,
            Direction::Incoming => &self.backward,
        }
    }
}

/// Every dataset and column that is known, also those that only edges or jobs name.
fn nodes_of(facts: &Facts) -> Result<Nodes, GraphError> {
    let mut others: BTreeMap<&DatasetName, BTreeSet<&str>> = BTreeMap::new();
    let ends = facts.edges.iter().flat_map(|edge| [&edge.source, &edge.target]);
    for node in ends {
        let (Node::Dataset(dataset) | Node::Column(dataset, _)) = node;
        let known = facts.datasets.get(dataset);
        match node {
            Node::Column(_, path) if known.is_none_or(|fact| !fact.columns.contains_key(path)) => {
                others.entry(dataset).or_default().insert(path);
            }
            _ if known.is_none() => {
                others.entry(dataset).or_default();
            }
            _ => {}
        }
    }
    let of_jobs = facts.jobs.values().flat_map(|job| job.inputs.iter().chain(&job.outputs));
    for dataset in of_jobs.filter(|dataset| !facts.datasets.contains_key(*dataset)) {
        others.entry(dataset).or_default();
    }
    let mut nodes = NodesBuilder::default();
    for (name, fact) in &facts.datasets {
        nodes.add(name, fact, others.remove(name).unwrap_or_default());
    }
    for (name, columns) in others {
        nodes.add(name, &Default::default(), columns);
    }
    nodes.finish()
}

fn number_of(nodes: &Nodes, node: &Node) -> Result<u32, GraphError> {
    nodes.find(node).ok_or(GraphError::Missing { what: "node", number: u32::MAX })
}

fn place(places: usize) -> Result<u32, GraphError> {
    u32::try_from(places).map_err(|_| GraphError::TooLarge { what: "attributes" })
}

/// The attributes that edges have, each once and sorted; the edges name their new places.
fn renumber(attributes: Vec<Attribute>, edges: &mut [NumberedEdge]) -> Result<Vec<Attribute>, GraphError> {
    let mut is_used = vec![false; attributes.len()];
    for edge in &*edges {
        let used = is_used.get_mut(edge.attribute as usize);
        *used.ok_or(GraphError::Missing { what: "attribute", number: edge.attribute })? = true;
    }
    let used = attributes.iter().zip(&is_used).filter(|(_, is_used)| **is_used);
    let mut sorted: Vec<Attribute> = used.map(|(attribute, _)| *attribute).collect();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted == attributes {
        return Ok(attributes);
    }
    let mut places = Vec::with_capacity(attributes.len());
    for attribute in &attributes {
        places.push(place(sorted.partition_point(|other| other < attribute))?);
    }
    for edge in edges {
        edge.attribute = places[edge.attribute as usize];
    }
    Ok(sorted)
}
