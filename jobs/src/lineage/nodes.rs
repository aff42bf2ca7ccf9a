//! Nodes by the names people give them: `dataset`, `dataset.column`, or `namespace/dataset#column`.

use ::lineage::{DatasetName, Graph, Node};

use super::naming::Naming;
use crate::error::JobError;
use crate::show::counted;

/// The node of a name. What is the lake's own comes before what others call the same.
pub(crate) fn node(graph: &Graph, naming: Option<&Naming>, name: &str) -> Result<u32, JobError> {
    if let Some(found) = naming.and_then(|naming| own(graph, naming, name)) {
        return Ok(found);
    }
    let names: Vec<(u32, String, String)> = (0..graph.nodes().len())
        .map(|number| match graph.nodes().name(number) {
            Node::Dataset(dataset) => (number, dataset.name.clone(), format!("{}/{}", dataset.namespace, dataset.name)),
            Node::Column(dataset, column) => {
                let whole = format!("{}/{}#{column}", dataset.namespace, dataset.name);
                (number, format!("{}.{column}", dataset.name), whole)
            }
        })
        .collect();
    let found: Vec<&(u32, String, String)> =
        names.iter().filter(|(_, short, whole)| short == name || whole == name).collect();
    match found.as_slice() {
        [(number, ..)] => Ok(*number),
        [] => {
            let remedy = match schemas::nearest(name, names.iter().map(|(_, short, _)| short.as_str())) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("the graph has {}", counted(names.len() as u64, "dataset or column")),
            };
            Err(JobError::Unknown { what: "dataset or column", name: name.to_owned(), remedy })
        }
        several => {
            let wholes: Vec<&str> = several.iter().map(|(.., whole)| whole.as_str()).collect();
            Err(JobError::Usage(format!("{name} may be {}; give one of them", wholes.join(" or "))))
        }
    }
}

/// A node of the lake's own; where a name with dots may be cut in several ways, the longest dataset.
fn own(graph: &Graph, naming: &Naming, name: &str) -> Option<u32> {
    let whole = graph.find(&Node::Dataset(naming.own(name)));
    let cuts = name.rmatch_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]));
    let column = |(dataset, column): (&str, &str)| graph.find(&Node::Column(naming.own(dataset), column.to_owned()));
    whole.or_else(|| cuts.filter_map(column).next())
}

/// A node as people say it.
pub(crate) fn shown(naming: &Naming, node: &Node) -> String {
    match node {
        Node::Dataset(dataset) => naming.shown(dataset),
        Node::Column(dataset, column) if dataset.namespace == naming.namespace() => {
            format!("{}.{column}", dataset.name)
        }
        Node::Column(dataset, column) => format!("{}#{column}", naming.shown(dataset)),
    }
}

/// The dataset of a node.
pub(crate) fn dataset_of(node: Node) -> DatasetName {
    match node {
        Node::Dataset(dataset) | Node::Column(dataset, _) => dataset,
    }
}
