//! A graph as a question sees it: through a filter.

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use schemas::Certainty;

use super::Graph;
use super::attribute::Attribute;
use super::filter::Mask;
use super::rows::{Entry, NumberedEdge, Rows};

/// A graph and a filter. petgraph's algorithms run on it: it has petgraph's traits for graphs.
///
/// They see edges only. That a dataset holds its columns and a column its fields is known to the walks of this crate.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    graph: &'a Graph,
    mask: &'a Mask,
}

impl<'a> View<'a> {
    pub(crate) fn new(graph: &'a Graph, mask: &'a Mask) -> Self {
        Self { graph, mask }
    }

    /// The whole graph.
    pub fn graph(self) -> &'a Graph {
        self.graph
    }

    /// The weakest certainty of the edges that pass.
    pub fn certainty(self) -> Certainty {
        let passing = (0..).zip(self.graph.attributes()).filter(|(number, _)| self.mask.admits(*number));
        passing.map(|(_, attribute)| attribute.certainty).max().unwrap_or_default()
    }

    /// The edges that pass, by source, target and attribute.
    pub fn edges_in_order(self) -> impl Iterator<Item = NumberedEdge> + 'a {
        (0..self.graph.nodes().len()).flat_map(move |source| {
            let edge = move |entry: Entry| NumberedEdge { source, target: entry.other(), attribute: entry.attribute() };
            self.row(source, Direction::Outgoing).map(edge)
        })
    }

    /// Whether edges of this attribute pass.
    pub(crate) fn admits(self, attribute: u32) -> bool {
        self.mask.admits(attribute)
    }

    pub(crate) fn rows(self, direction: Direction) -> &'a Rows {
        self.graph.rows(direction)
    }

    /// The edges of a node that pass.
    pub(crate) fn row(self, node: u32, direction: Direction) -> impl Iterator<Item = Entry> + Clone + 'a {
        self.rows(direction).row(node).filter(move |entry| self.mask.admits(entry.attribute()))
    }

    pub(crate) fn attribute(self, number: u32) -> &'a Attribute {
        &self.graph.attributes()[number as usize]
    }
}

/// petgraph's name for a node of this number.
pub(crate) fn index(node: u32) -> NodeIndex {
    NodeIndex::from(node)
}

/// The number of a node.
pub(crate) fn number(node: NodeIndex) -> u32 {
    node.index() as u32
}
