//! Node-link JSON, as networkx and others read it.

use std::io::{self, Write};

use super::escape::{hex_into, json, number_into};
use super::sink::{Fragments, Parallel, Sink};
use super::{Document, kind_words};
use crate::graph::{NodeAbout, Nodes};
use crate::words::dataset_word;

/// The JSON Schema of what [`write_json`] writes.
pub const GRAPH_SCHEMA: &str = include_str!("lineage-graph.schema.json");

/// Writes a document as node-link JSON. Ids are hex, sets are sorted lists, what is not known or still open is null.
pub fn write_json(document: &Document<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut sink = Sink::new(out);
    let nodes = document.graph().nodes();
    sink.text().push_str("{\"directed\":true,\"multigraph\":true,\"graph\":");
    sink.text().push_str(&heading(document));
    sink.text().push_str(",\"nodes\":[");
    for (at, (node, depth)) in document.nodes().enumerate() {
        sink.text().push_str(if at == 0 { "\n" } else { ",\n" });
        node_into(sink.text(), nodes, node, depth);
        sink.step()?;
    }
    sink.text().push_str("\n],\"edges\":[");
    let mut fragments = Fragments::new(|attribute| fragment(document, attribute));
    let mut parallel = Parallel::default();
    let mut separator = "\n{\"source\":\"";
    for edge in document.edges() {
        let text = sink.text();
        text.push_str(separator);
        separator = ",\n{\"source\":\"";
        hex_into(text, nodes.key(edge.source));
        text.push_str("\",\"target\":\"");
        hex_into(text, nodes.key(edge.target));
        text.push_str("\",\"key\":");
        number_into(text, parallel.key(edge.source, edge.target));
        text.push_str(fragments.get(edge.attribute));
        sink.step()?;
    }
    sink.text().push_str("\n]}\n");
    sink.flush()
}

fn heading(document: &Document<'_>) -> String {
    let heading = document.heading();
    let hexes = |nodes: &[u32]| {
        let mut hexes: Vec<String> = Vec::new();
        for node in nodes {
            let mut hex = String::new();
            hex_into(&mut hex, document.graph().nodes().key(*node));
            hexes.push(hex);
        }
        hexes
    };
    let heading = serde_json::json!({
        "format": "auditlake-lineage-graph",
        "version": 1,
        "view": heading.view,
        "filter": heading.filter,
        "snapshot": heading.snapshot,
        "complete": heading.complete,
        "stopped": heading.stopped.map(|stop| stop.as_str()),
        "certainty": heading.certainty.as_str(),
        "focus": hexes(&document.focus),
        "frontier": hexes(document.frontier()),
    });
    heading.to_string()
}

fn node_into(out: &mut String, nodes: &Nodes, node: u32, depth: Option<u32>) {
    let head = nodes.dataset_of(node);
    out.push_str("{\"id\":\"");
    hex_into(out, nodes.key(node));
    out.push_str(if head == node { "\",\"kind\":\"dataset\"" } else { "\",\"kind\":\"column\"" });
    field(out, "namespace", &json(nodes.namespace(head)));
    field(out, "dataset", &json(nodes.text(head)));
    let path = if head == node { "null".to_owned() } else { json(nodes.text(node)) };
    field(out, "path", &path);
    let nothing = Default::default();
    let (word, class, owners) = match nodes.about(node) {
        NodeAbout::Dataset { kind, owners, .. } => (Some(dataset_word(*kind)), None, owners),
        NodeAbout::Column { type_word, class, .. } => (type_word.as_deref(), class.as_deref(), &nothing),
    };
    field(out, "type", &optional(word));
    field(out, "class", &optional(class));
    field(out, "owners", &list(owners));
    field(out, "tags", &list(nodes.about(node).tags()));
    field(out, "depth", &depth.map_or_else(|| "null".to_owned(), |depth| depth.to_string()));
    out.push('}');
}

/// What stands of an edge after its key.
fn fragment(document: &Document<'_>, number: u32) -> String {
    let graph = document.graph();
    let attribute = &graph.attributes()[number as usize];
    let (job, _) = &graph.jobs()[attribute.job as usize];
    let mut out = String::new();
    field(&mut out, "kinds", &list(&kind_words(attribute)));
    field(&mut out, "direct", if attribute.kinds.is_direct() { "true" } else { "false" });
    field(&mut out, "cap", &json(attribute.cap.as_str()));
    field(&mut out, "certainty", &json(attribute.certainty.as_str()));
    field(&mut out, "gap", &optional(attribute.gap.map(|gap| gap.as_str())));
    field(&mut out, "job_namespace", &json(&job.namespace));
    field(&mut out, "job", &json(&job.name));
    field(&mut out, "valid_from", &json(&schemas::rfc3339(attribute.valid_from())));
    field(&mut out, "valid_to", &optional(attribute.valid_to().map(schemas::rfc3339).as_deref()));
    out.push('}');
    out
}

fn field(out: &mut String, name: &str, value: &str) {
    out.extend([",\"", name, "\":", value]);
}

fn optional(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), json)
}

fn list<'t>(texts: impl IntoIterator<Item = &'t String>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| json(text)).collect();
    format!("[{}]", texts.join(","))
}
