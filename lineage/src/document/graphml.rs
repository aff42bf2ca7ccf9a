//! GraphML: flat, directed, and every attribute with its type.
//!
//! The dataset of a column is an attribute and no nested graph, because readers disagree on those. Sets are sorted
//! text, parted by spaces where words hold none and by line ends elsewhere.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::escape::{hex_into, xml};
use super::sink::{Fragments, Sink};
use super::{Document, kind_words};
use crate::graph::{NodeAbout, Nodes};
use crate::words::dataset_word;

/// What graphs, nodes and edges have: the id of the key, for what, its name and its type.
const KEYS: [(&str, &str, &str, &str); 27] = [
    ("g0", "graph", "view", "string"),
    ("g1", "graph", "filter", "string"),
    ("g2", "graph", "snapshot", "long"),
    ("g3", "graph", "complete", "boolean"),
    ("g4", "graph", "stopped", "string"),
    ("g5", "graph", "certainty", "string"),
    ("g6", "graph", "escaped", "boolean"),
    ("n0", "node", "kind", "string"),
    ("n1", "node", "namespace", "string"),
    ("n2", "node", "dataset", "string"),
    ("n3", "node", "path", "string"),
    ("n4", "node", "type", "string"),
    ("n5", "node", "class", "string"),
    ("n6", "node", "owners", "string"),
    ("n7", "node", "tags", "string"),
    ("n8", "node", "depth", "int"),
    ("n9", "node", "escaped", "boolean"),
    ("e0", "edge", "kinds", "string"),
    ("e1", "edge", "direct", "boolean"),
    ("e2", "edge", "cap", "string"),
    ("e3", "edge", "certainty", "string"),
    ("e4", "edge", "gap", "string"),
    ("e5", "edge", "job_namespace", "string"),
    ("e6", "edge", "job", "string"),
    ("e7", "edge", "valid_from", "string"),
    ("e8", "edge", "valid_to", "string"),
    ("e9", "edge", "escaped", "boolean"),
];

const HEAD: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
    "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\"",
    " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
    " xsi:schemaLocation=\"http://graphml.graphdrawing.org/xmlns",
    " http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd\">\n",
);

/// Writes a document as GraphML. What XML cannot hold is written as `\u{7}`, and `escaped` says so.
pub fn write_graphml(document: &Document<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut sink = Sink::new(out);
    let nodes = document.graph().nodes();
    sink.text().push_str(HEAD);
    for (id, of, name, word) in KEYS {
        let key = format!("<key id=\"{id}\" for=\"{of}\" attr.name=\"{name}\" attr.type=\"{word}\"/>\n");
        sink.text().push_str(&key);
    }
    sink.text().push_str("<graph id=\"lineage\" edgedefault=\"directed\">\n");
    heading_into(sink.text(), document);
    for (node, depth) in document.nodes() {
        node_into(sink.text(), nodes, node, depth);
        sink.step()?;
    }
    let mut fragments = Fragments::new(|attribute| fragment(document, attribute));
    for edge in document.edges() {
        let text = sink.text();
        text.push_str("<edge source=\"");
        hex_into(text, nodes.key(edge.source));
        text.push_str("\" target=\"");
        hex_into(text, nodes.key(edge.target));
        text.push_str(fragments.get(edge.attribute));
        sink.step()?;
    }
    sink.text().push_str("</graph>\n</graphml>\n");
    sink.flush()
}

/// The data of one element.
#[derive(Default)]
struct Data {
    text: String,
    is_escaped: bool,
}

impl Data {
    /// Text that may hold anything. What is not there is left out.
    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            let (text, is_escaped) = xml(text);
            self.is_escaped |= is_escaped;
            self.plain(key, &text);
        }
    }

    fn plain(&mut self, key: &str, text: &str) {
        self.text.extend(["<data key=\"", key, "\">", text, "</data>"]);
    }

    fn list<'t>(&mut self, key: &str, texts: impl IntoIterator<Item = &'t String>) {
        let texts: Vec<&str> = texts.into_iter().map(String::as_str).collect();
        self.text(key, (!texts.is_empty()).then(|| texts.join("\n")).as_deref());
    }

    fn finish(mut self, escaped: &str) -> String {
        if self.is_escaped {
            self.plain(escaped, "true");
        }
        self.text
    }
}

fn heading_into(out: &mut String, document: &Document<'_>) {
    let heading = document.heading();
    let mut data = Data::default();
    data.text("g0", Some(&heading.view));
    data.text("g1", Some(&heading.filter));
    data.text("g2", heading.snapshot.map(|number| number.to_string()).as_deref());
    data.plain("g3", if heading.complete { "true" } else { "false" });
    data.text("g4", heading.stopped.map(|stop| stop.as_str()));
    data.plain("g5", heading.certainty.as_str());
    out.extend([&data.finish("g6"), "\n"]);
}

fn node_into(out: &mut String, nodes: &Nodes, node: u32, depth: Option<u32>) {
    let head = nodes.dataset_of(node);
    let mut data = Data::default();
    data.plain("n0", if head == node { "dataset" } else { "column" });
    data.text("n1", Some(nodes.namespace(head)));
    data.text("n2", Some(nodes.text(head)));
    data.text("n3", (head != node).then(|| nodes.text(node)));
    match nodes.about(node) {
        NodeAbout::Dataset { kind, owners, .. } => {
            data.text("n4", Some(dataset_word(*kind)));
            data.list("n6", owners);
        }
        NodeAbout::Column { type_word, class, .. } => {
            data.text("n4", type_word.as_deref());
            data.text("n5", class.as_deref());
        }
    }
    data.list("n7", nodes.about(node).tags());
    data.text("n8", depth.map(|depth| depth.to_string()).as_deref());
    out.push_str("<node id=\"");
    hex_into(out, nodes.key(node));
    // Writing to a string does not fail.
    writeln!(out, "\">{}</node>", data.finish("n9")).unwrap_or_default();
}

/// What stands of an edge after its nodes.
fn fragment(document: &Document<'_>, number: u32) -> String {
    let graph = document.graph();
    let attribute = &graph.attributes()[number as usize];
    let (job, _) = &graph.jobs()[attribute.job as usize];
    let mut data = Data::default();
    data.plain("e0", &kind_words(attribute).join(" "));
    data.plain("e1", if attribute.kinds.is_direct() { "true" } else { "false" });
    data.plain("e2", attribute.cap.as_str());
    data.plain("e3", attribute.certainty.as_str());
    data.text("e4", attribute.gap.map(|gap| gap.as_str()));
    data.text("e5", Some(&job.namespace));
    data.text("e6", Some(&job.name));
    data.plain("e7", &schemas::rfc3339(attribute.valid_from()));
    data.text("e8", attribute.valid_to().map(schemas::rfc3339).as_deref());
    format!("\">{}</edge>\n", data.finish("e9"))
}
