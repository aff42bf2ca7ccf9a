//! The traits of petgraph on a view, so that its algorithms run on a graph of ours.
//!
//! `tarjan_scc` and `is_cyclic_directed` of petgraph recurse and do not end well on long chains: use `kosaraju_scc`
//! and `toposort`.

use std::iter::Map;
use std::ops::Range;

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::{
    Data, EdgeCount, EdgeIndexable, EdgeRef, GraphBase, GraphProp, GraphRef, IntoEdgeReferences, IntoEdges,
    IntoEdgesDirected, IntoNeighbors, IntoNeighborsDirected, IntoNodeIdentifiers, IntoNodeReferences,
    NodeCompactIndexable, NodeCount, NodeIndexable, Visitable,
};
use petgraph::{Directed, stable_graph::StableDiGraph};

use super::attribute::Attribute;
use super::key::Key;
use super::rows::{Entry, NumberedEdge};
use super::view::{View, index, number};

/// petgraph's own set of bits.
type Bits = <StableDiGraph<(), ()> as Visitable>::Map;

/// An edge that passes the filter of a view.
#[derive(Debug, Clone, Copy)]
pub struct EdgeReference<'a> {
    edge: NumberedEdge,
    attribute: &'a Attribute,
}

impl<'a> EdgeReference<'a> {
    fn new(view: View<'a>, edge: NumberedEdge) -> Self {
        Self { edge, attribute: view.attribute(edge.attribute) }
    }
}

impl EdgeRef for EdgeReference<'_> {
    type NodeId = NodeIndex;
    type EdgeId = NumberedEdge;
    type Weight = Attribute;

    fn source(&self) -> NodeIndex {
        index(self.edge.source)
    }

    fn target(&self) -> NodeIndex {
        index(self.edge.target)
    }

    fn weight(&self) -> &Attribute {
        self.attribute
    }

    fn id(&self) -> NumberedEdge {
        self.edge
    }
}

/// Edges of a node that pass the filter of a view.
#[derive(Debug, Clone)]
pub struct EdgesOf<'a> {
    view: View<'a>,
    node: u32,
    direction: Direction,
    entries: std::slice::Iter<'a, u64>,
}

impl<'a> EdgesOf<'a> {
    fn new(view: View<'a>, node: u32, direction: Direction) -> Self {
        Self { view, node, direction, entries: view.rows(direction).raw(node).iter() }
    }

    fn next_entry(&mut self) -> Option<Entry> {
        let view = self.view;
        self.entries.by_ref().map(|entry| Entry::from_raw(*entry)).find(|entry| view.admits(entry.attribute()))
    }
}

impl<'a> Iterator for EdgesOf<'a> {
    type Item = EdgeReference<'a>;

    fn next(&mut self) -> Option<EdgeReference<'a>> {
        let entry = self.next_entry()?;
        let (source, target) = match self.direction {
            Direction::Outgoing => (self.node, entry.other()),
            Direction::Incoming => (entry.other(), self.node),
        };
        Some(EdgeReference::new(self.view, NumberedEdge { source, target, attribute: entry.attribute() }))
    }
}

/// Nodes at the other ends of a node's edges.
#[derive(Debug, Clone)]
pub struct Neighbours<'a>(EdgesOf<'a>);

impl Iterator for Neighbours<'_> {
    type Item = NodeIndex;

    fn next(&mut self) -> Option<NodeIndex> {
        self.0.next_entry().map(|entry| index(entry.other()))
    }
}

/// All edges that pass the filter of a view, by source.
#[derive(Debug, Clone)]
pub struct AllEdges<'a> {
    row: Option<EdgesOf<'a>>,
    rest: Range<u32>,
    view: View<'a>,
}

impl<'a> Iterator for AllEdges<'a> {
    type Item = EdgeReference<'a>;

    fn next(&mut self) -> Option<EdgeReference<'a>> {
        loop {
            if let Some(edge) = self.row.as_mut().and_then(Iterator::next) {
                return Some(edge);
            }
            self.row = Some(EdgesOf::new(self.view, self.rest.next()?, Direction::Outgoing));
        }
    }
}

/// The numbers of all nodes.
type AllNodes = Map<Range<u32>, fn(u32) -> NodeIndex>;

impl GraphBase for View<'_> {
    type EdgeId = NumberedEdge;
    type NodeId = NodeIndex;
}

impl GraphRef for View<'_> {}

impl GraphProp for View<'_> {
    type EdgeType = Directed;
}

impl Data for View<'_> {
    type NodeWeight = Key;
    type EdgeWeight = Attribute;
}

impl NodeIndexable for View<'_> {
    fn node_bound(&self) -> usize {
        self.graph().nodes().len() as usize
    }

    fn to_index(&self, node: NodeIndex) -> usize {
        node.index()
    }

    fn from_index(&self, at: usize) -> NodeIndex {
        NodeIndex::new(at)
    }
}

impl NodeCount for View<'_> {
    fn node_count(&self) -> usize {
        self.node_bound()
    }
}

impl NodeCompactIndexable for View<'_> {}

/// Places are those of the whole graph: they have holes where an edge does not pass.
impl EdgeIndexable for View<'_> {
    fn edge_bound(&self) -> usize {
        self.graph().edges()
    }

    fn to_index(&self, edge: NumberedEdge) -> usize {
        let entry = Entry::new(edge.target, edge.attribute);
        self.rows(Direction::Outgoing).place(edge.source, entry).unwrap_or(usize::MAX)
    }

    fn from_index(&self, at: usize) -> NumberedEdge {
        self.rows(Direction::Outgoing).at(at)
    }
}

impl EdgeCount for View<'_> {
    fn edge_count(&self) -> usize {
        self.edge_references().count()
    }
}

impl<'a> IntoNeighbors for View<'a> {
    type Neighbors = Neighbours<'a>;

    fn neighbors(self, node: NodeIndex) -> Neighbours<'a> {
        self.neighbors_directed(node, Direction::Outgoing)
    }
}

impl<'a> IntoNeighborsDirected for View<'a> {
    type NeighborsDirected = Neighbours<'a>;

    fn neighbors_directed(self, node: NodeIndex, direction: Direction) -> Neighbours<'a> {
        Neighbours(EdgesOf::new(self, number(node), direction))
    }
}

impl<'a> IntoEdgeReferences for View<'a> {
    type EdgeRef = EdgeReference<'a>;
    type EdgeReferences = AllEdges<'a>;

    fn edge_references(self) -> AllEdges<'a> {
        AllEdges { row: None, rest: 0..self.graph().nodes().len(), view: self }
    }
}

impl<'a> IntoEdges for View<'a> {
    type Edges = EdgesOf<'a>;

    fn edges(self, node: NodeIndex) -> EdgesOf<'a> {
        self.edges_directed(node, Direction::Outgoing)
    }
}

impl<'a> IntoEdgesDirected for View<'a> {
    type EdgesDirected = EdgesOf<'a>;

    fn edges_directed(self, node: NodeIndex, direction: Direction) -> EdgesOf<'a> {
        EdgesOf::new(self, number(node), direction)
    }
}

impl IntoNodeIdentifiers for View<'_> {
    type NodeIdentifiers = AllNodes;

    fn node_identifiers(self) -> AllNodes {
        (0..self.graph().nodes().len()).map(index)
    }
}

impl<'a> IntoNodeReferences for View<'a> {
    type NodeRef = (NodeIndex, &'a Key);
    type NodeReferences = std::iter::Zip<AllNodes, std::slice::Iter<'a, Key>>;

    fn node_references(self) -> Self::NodeReferences {
        self.node_identifiers().zip(self.graph().nodes().keys())
    }
}

impl Visitable for View<'_> {
    type Map = Bits;

    fn visit_map(&self) -> Bits {
        Bits::with_capacity(self.node_bound())
    }

    fn reset_map(&self, map: &mut Bits) {
        map.clear();
        map.grow(self.node_bound());
    }
}
