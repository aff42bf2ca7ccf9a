//! Of jobs of the kinds `sla` and `usage`: results come from what was measured, from exclusions and from charges.

use ::lineage::{ColumnLineage, DatasetKind, Operation};
use schemas::{DatasetId, EdgeKind, JobId};

use super::super::naming::Naming;
use super::{Made, anything_of};
use crate::lake::OpenLake;

/// What is read, and what results and statements for people come from.
pub(crate) fn of_results(
    lake: &OpenLake,
    (job, into): (&JobId, &DatasetId),
    reads: &[String],
    has_statements: bool,
) -> Made {
    let naming = Naming::of(&lake.definitions);
    let inputs = reads.iter().map(|table| naming.own(table.as_str())).collect();
    let mut made = Made { inputs, ..Made::default() };
    let dataset = anything_of(made.inputs.clone().iter(), EdgeKind::Aggregation);
    let mut outputs = vec![(naming.own(into.as_str()), DatasetKind::Table)];
    if has_statements {
        outputs.push((naming.own(format!("statements.{job}")), DatasetKind::File));
    }
    for (name, kind) in outputs {
        made.output(name, kind, ColumnLineage { dataset: dataset.clone(), ..ColumnLineage::default() });
    }
    made.operations.insert(Operation::Aggregation);
    made
}
