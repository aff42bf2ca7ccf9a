//! DOT, which Graphviz renders: a cluster per dataset, a node per column, dashes for what decides and dots for gaps.
//!
//! Columns are nodes and no ports of a record, because names with `{}|<>` break those.

use std::io::{self, Write};

use petgraph::Direction;

use super::escape::{dot, number_into};
use super::sink::{Fragments, Sink};
use super::{Document, kind_words};

const STYLE: &str = concat!(
    "graph [rankdir=LR, labelloc=t, fontname=\"Helvetica\", nodesep=0.12, ranksep=1.1];\n",
    "node [shape=box, style=\"filled,rounded\", fillcolor=\"#f6f8fa\", color=\"#8c959f\", fontname=\"Helvetica\",",
    " fontsize=11, height=0.3];\n",
    "edge [color=\"#57606a\", arrowsize=0.6];\n",
);

/// Writes a document as DOT.
pub fn write_dot(document: &Document<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut sink = Sink::new(out);
    sink.text().push_str("digraph lineage {\n");
    sink.text().push_str(STYLE);
    sink.text().push_str(&heading(document));
    nodes_into(&mut sink, document)?;
    let mut fragments = Fragments::new(|attribute| fragment(document, attribute));
    for edge in document.edges() {
        let text = sink.text();
        text.push('n');
        number_into(text, edge.source);
        text.push_str(" -> n");
        number_into(text, edge.target);
        text.push_str(fragments.get(edge.attribute));
        sink.step()?;
    }
    sink.text().push_str("}\n");
    sink.flush()
}

fn heading(document: &Document<'_>) -> String {
    let heading = document.heading();
    let snapshot = heading.snapshot.map(|number| format!("; snapshot {number}")).unwrap_or_default();
    let stopped = heading.stopped.map(|stop| format!(", stopped: {}", stop.as_str())).unwrap_or_default();
    let complete = if heading.complete { "complete" } else { "not complete" };
    let certainty = heading.certainty.as_str();
    let text = format!("{}\n{}{snapshot}; {complete}{stopped}; {certainty}", heading.view, heading.filter);
    format!("label=\"{}\";\n", dot(&text))
}

fn nodes_into<W: Write>(sink: &mut Sink<'_, W>, document: &Document<'_>) -> io::Result<()> {
    let nodes = document.graph().nodes();
    let mut open: Option<u32> = None;
    for (node, _) in document.nodes() {
        let head = nodes.dataset_of(node);
        let text = sink.text();
        if open != Some(head) {
            if open.is_some() {
                text.push_str("}\n");
            }
            let (name, namespace) = (dot(nodes.text(head)), dot(nodes.namespace(head)));
            let label = format!("subgraph \"cluster_{head}\" {{\nlabel=\"{name}\"; tooltip=\"{namespace}\";");
            text.extend([&label, " style=rounded; color=\"#8c959f\";\n"]);
            open = Some(head);
        }
        // A dataset whose columns say it all needs no node of its own.
        let is_needed = node != head || nodes.columns(head).is_empty() || has_edges(document, node);
        if is_needed {
            text.push('n');
            number_into(text, node);
            let label = if node == head { "rows".to_owned() } else { dot(nodes.text(node)) };
            let shape = if node == head { ", shape=ellipse" } else { "" };
            text.extend([" [label=\"", &label, "\"", shape, "];\n"]);
        }
        sink.step()?;
    }
    if open.is_some() {
        sink.text().push_str("}\n");
    }
    Ok(())
}

fn has_edges(document: &Document<'_>, node: u32) -> bool {
    let mut directions = [Direction::Outgoing, Direction::Incoming].into_iter();
    directions.any(|direction| document.view.row(node, direction).next().is_some())
}

/// What stands of an edge after its nodes.
fn fragment(document: &Document<'_>, number: u32) -> String {
    let graph = document.graph();
    let attribute = &graph.attributes()[number as usize];
    let (job, _) = &graph.jobs()[attribute.job as usize];
    let style = match attribute.gap {
        Some(_) => ", style=dotted",
        None if !attribute.may_carry() => ", style=dashed",
        None => "",
    };
    let gap = attribute.gap.map(|gap| format!(" ({})", gap.as_str())).unwrap_or_default();
    let tooltip = format!("{}: {}{gap}", job.name, kind_words(attribute).join(" "));
    format!(" [tooltip=\"{}\"{style}];\n", dot(&tooltip))
}
