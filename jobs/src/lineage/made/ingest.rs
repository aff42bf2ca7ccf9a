//! Of ingests: the files they read and the dataset they fill.
//!
//! A record becomes a row by code or by a mapping that is planned anew for each shape of record, so which field a column
//! comes from is not told: it is the file, as a whole.

use ::lineage::{ColumnLineage, DatasetKind, DatasetName, Operation};
use schemas::EdgeKind;

use super::super::naming::Naming;
use super::{Made, anything_of};

/// What an ingest reads, and what may come into each column.
pub(crate) fn of_ingest(naming: &Naming, dataset: &schemas::Dataset, from: Vec<DatasetName>) -> Made {
    let mut made = Made { inputs: from.into_iter().collect(), ..Made::default() };
    made.operations.insert(Operation::Ingestion);
    for name in [dataset.id.to_string(), format!("{}_rejected", dataset.id)] {
        let is_own = name == dataset.id.as_str();
        let of_file = anything_of(made.inputs.iter(), EdgeKind::Transformation);
        let columns = dataset.schema.columns.iter().filter(|_| is_own);
        let fields = columns.map(|column| (column.name.to_owned(), of_file.clone())).collect();
        let dataset = if is_own { anything_of(made.inputs.iter(), EdgeKind::Filter) } else { of_file };
        made.output(naming.own(name), DatasetKind::Table, ColumnLineage { fields, dataset });
    }
    made
}
