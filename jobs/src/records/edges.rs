//! `auditlake.lineage_edges`: what is logged of dependencies, a row for each and for the time in which it held.
//!
//! Absent: what a crash kept from the log, until a command of `auditlake lineage` has made up for it.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use engine::{EngineError, SystemTable};
use lineage::{DatasetName, EdgeFact, Facts, Node};
use schemas::{EdgeKind, Gap};

use super::{instant, instants, table as rows, text};

/// The table.
pub(super) fn table(facts: &Facts) -> Result<SystemTable, EngineError> {
    let edges: Vec<&EdgeFact> = facts.edges.iter().collect();
    let texts = |of: &dyn Fn(&EdgeFact) -> Option<String>| -> ArrayRef {
        Arc::new(edges.iter().map(|edge| of(edge)).collect::<StringArray>())
    };
    let mut kinds = ListBuilder::new(StringBuilder::new());
    for edge in &edges {
        let of_edge = EdgeKind::ALL.into_iter().filter(|kind| edge.kinds.has(*kind));
        of_edge.for_each(|kind| kinds.values().append_value(kind.as_str()));
        kinds.append(true);
    }
    let list = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
    let schema = Arc::new(Schema::new(vec![
        text("source_namespace", false),
        text("source_dataset", false),
        text("source_column", true),
        text("target_namespace", false),
        text("target_dataset", false),
        text("target_column", true),
        text("job", false),
        Field::new("kinds", list, false),
        text("cap", false),
        text("certainty", false),
        text("reason", true),
        instant("valid_from"),
        instant("valid_to"),
    ]));
    let columns = vec![
        texts(&|edge| Some(dataset(&edge.source).namespace.clone())),
        texts(&|edge| Some(dataset(&edge.source).name.clone())),
        texts(&|edge| column(&edge.source)),
        texts(&|edge| Some(dataset(&edge.target).namespace.clone())),
        texts(&|edge| Some(dataset(&edge.target).name.clone())),
        texts(&|edge| column(&edge.target)),
        texts(&|edge| Some(edge.job.name.clone())),
        Arc::new(kinds.finish()),
        texts(&|edge| Some(edge.cap.as_str().to_owned())),
        texts(&|edge| Some(edge.certainty.as_str().to_owned())),
        texts(&|edge| edge.gap.map(Gap::as_str).map(str::to_owned)),
        instants(edges.iter().map(|edge| Some(edge.valid_from))),
        instants(edges.iter().map(|edge| edge.valid_to)),
    ];
    rows(schema, columns)
}

fn dataset(node: &Node) -> &DatasetName {
    match node {
        Node::Dataset(dataset) | Node::Column(dataset, _) => dataset,
    }
}

/// None where the dataset is meant as a whole: which rows it has.
fn column(node: &Node) -> Option<String> {
    match node {
        Node::Column(_, column) => Some(column.clone()),
        Node::Dataset(_) => None,
    }
}
