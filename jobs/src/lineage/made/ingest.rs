//! Of ingests: the files they read and the dataset they fill.
//!
//! A mapping in SQL is followed: its table `input` is the file. Where a record becomes a row by code, and of columns that
//! no mapping gives, which field they come from is not told: it is the file, as a whole.

use std::collections::{BTreeMap, BTreeSet};

use ::lineage::{ColumnLineage, DatasetKind, DatasetName, FunctionClasses, Operation, Sources, trace};
use engine::LogicalPlan;
use schemas::EdgeKind;

use super::super::naming::Naming;
use super::{Made, anything_of};

/// What an ingest reads, and what may come into each column.
pub(crate) fn of_ingest(
    naming: &Naming,
    dataset: &schemas::Dataset,
    from: Vec<DatasetName>,
    mapping: Option<&LogicalPlan>,
) -> Made {
    let mut made = Made { inputs: from.into_iter().collect(), ..Made::default() };
    made.operations.insert(Operation::Ingestion);
    for name in [dataset.id.to_string(), format!("{}_rejected", dataset.id)] {
        let is_own = name == dataset.id.as_str();
        let of_file = anything_of(made.inputs.iter(), EdgeKind::Transformation);
        let columns = dataset.schema.columns.iter().filter(|_| is_own);
        let mut fields: BTreeMap<_, _> = columns.map(|column| (column.name.to_owned(), of_file.clone())).collect();
        if let Some(mapping) = mapping.filter(|_| is_own) {
            fields.extend(mapped(naming, &made.inputs, mapping));
        }
        let dataset = if is_own { anything_of(made.inputs.iter(), EdgeKind::Filter) } else { of_file };
        made.output(naming.own(name), DatasetKind::Table, ColumnLineage { fields, dataset });
    }
    made
}

/// What the columns of a mapping come from, if each of these may be its input.
fn mapped(naming: &Naming, inputs: &BTreeSet<DatasetName>, mapping: &LogicalPlan) -> BTreeMap<String, Sources> {
    let mut fields: BTreeMap<String, Sources> = BTreeMap::new();
    for input in inputs {
        let names = naming.of_plans().with_table("input", input.clone());
        let traced = trace(mapping, &names, &FunctionClasses::default());
        for (column, sources) in traced.column_lineage().fields {
            fields.entry(column).or_default().absorb(&sources);
        }
    }
    fields
}
