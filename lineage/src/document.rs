//! Graphs as documents: each format a file of its own, written piece by piece, and the same bytes for the same graph.
//!
//! Every document says what it shows, through which filter, how sure that is and whether it is everything. None says
//! when it was made. Absent: rows for tables, which exporters write, and who may see what.

mod cards;
mod dot;
mod escape;
mod graphml;
mod html;
mod json;
mod layout;
mod sink;
mod svg;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use petgraph::visit::{EdgeRef, IntoEdgeReferences};
use schemas::{Certainty, EdgeKind, Form};

use crate::graph::{Attribute, Change, Changed, Filter, Graph, NumberedEdge, Reach, Stop, View};

pub use dot::write_dot;
pub use graphml::write_graphml;
pub use html::write_html;
pub use json::{GRAPH_SCHEMA, write_json};

/// What a document shows.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    view: View<'a>,
    reach: Option<&'a Reach>,
    pub(crate) heading: Heading,
    pub(crate) focus: Vec<u32>,
    pub(crate) forms: BTreeMap<u32, Form>,
    pub(crate) changes: BTreeMap<NumberedEdge, Change>,
}

/// What a document says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// What is shown, for example `trace audit.src_ip, depth 3`.
    pub view: String,
    /// Through which filter.
    pub filter: String,
    /// The number of the snapshot it was drawn from.
    pub snapshot: Option<u64>,
    /// Whether it is everything.
    pub complete: bool,
    /// Why it is not.
    pub stopped: Option<Stop>,
    /// The weakest certainty of its edges.
    pub certainty: Certainty,
}

impl<'a> Document<'a> {
    /// A document of everything that passes `filter`, through which `view` sees.
    pub fn of_view(view: View<'a>, filter: &Filter, title: &str, snapshot: Option<u64>) -> Self {
        let certainty = view.certainty();
        let heading = Heading {
            view: title.to_owned(),
            filter: filter.to_string(),
            snapshot,
            complete: certainty != Certainty::Opaque,
            stopped: None,
            certainty,
        };
        Self { view, reach: None, heading, focus: Vec::new(), forms: BTreeMap::new(), changes: BTreeMap::new() }
    }

    /// A document of what was reached from `focus`.
    pub fn of_reach(
        view: View<'a>,
        filter: &Filter,
        title: &str,
        snapshot: Option<u64>,
        reach: &'a Reach,
        focus: &[u32],
    ) -> Self {
        let heading = Heading {
            view: title.to_owned(),
            filter: filter.to_string(),
            snapshot,
            complete: reach.complete,
            stopped: reach.stopped,
            certainty: reach.certainty,
        };
        Self {
            view,
            reach: Some(reach),
            heading,
            focus: focus.to_vec(),
            forms: BTreeMap::new(),
            changes: BTreeMap::new(),
        }
    }

    /// The same with what is left of a person in some columns, which a page shows.
    #[must_use]
    pub fn with_forms(mut self, forms: impl IntoIterator<Item = (u32, Form)>) -> Self {
        self.forms = forms.into_iter().collect();
        self
    }

    /// The same with what changed, which a page shows in colour.
    #[must_use]
    pub fn with_changes(mut self, changes: &[Changed]) -> Self {
        self.changes = changes.iter().map(|changed| (changed.edge, changed.change)).collect();
        self
    }

    /// What it says of itself.
    pub fn heading(&self) -> &Heading {
        &self.heading
    }

    pub(crate) fn graph(&self) -> &'a Graph {
        self.view.graph()
    }

    pub(crate) fn attribute(&self, edge: NumberedEdge) -> &'a Attribute {
        self.view.attribute(edge.attribute)
    }

    /// Nodes in their order, each with its depth if it was reached.
    pub(crate) fn nodes(&self) -> Box<dyn Iterator<Item = (u32, Option<u32>)> + '_> {
        match self.reach {
            Some(reach) => Box::new(reach.nodes().map(|node| (node.number, Some(node.depth)))),
            None => Box::new((0..self.graph().nodes().len()).map(|node| (node, None))),
        }
    }

    /// Edges by source, target and attribute.
    pub(crate) fn edges(&self) -> Box<dyn Iterator<Item = NumberedEdge> + '_> {
        let Some(reach) = self.reach else { return Box::new(self.view.edges_in_order()) };
        let edge = |edge: petgraph::stable_graph::EdgeReference<'_, u32>| NumberedEdge {
            source: reach.graph[edge.source()].number,
            target: reach.graph[edge.target()].number,
            attribute: *edge.weight(),
        };
        Box::new(reach.graph.edge_references().map(edge))
    }

    /// Nodes at which a walk stopped.
    pub(crate) fn frontier(&self) -> &'a [u32] {
        self.reach.map_or(&[], |reach| &reach.frontier)
    }
}

/// The words of an attribute's kinds, sorted. Those with masking say so.
pub(crate) fn kind_words(attribute: &Attribute) -> Vec<String> {
    let word = |(kind, is_masked): (EdgeKind, bool)| match is_masked {
        true => format!("{}+masking", kind.as_str()),
        false => kind.as_str().to_owned(),
    };
    let mut words: Vec<String> = attribute.kinds.iter().map(word).collect();
    words.sort_unstable();
    words
}
