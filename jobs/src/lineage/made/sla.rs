//! Of jobs of the kind `sla`: results come from what was measured, from exclusions and from charges.

use ::lineage::{ColumnLineage, DatasetKind, Operation};
use schemas::{EdgeKind, JobId, SlaSpec};

use super::super::naming::Naming;
use super::{Made, anything_of};
use crate::lake::OpenLake;

/// What an SLA reads, and what its results and statements come from.
pub(crate) fn of_sla(lake: &OpenLake, job: &JobId, spec: &SlaSpec, reads: &[String]) -> Made {
    let naming = Naming::of(&lake.definitions);
    let inputs = reads.iter().map(|table| naming.own(table.as_str())).collect();
    let mut made = Made { inputs, ..Made::default() };
    let dataset = anything_of(made.inputs.clone().iter(), EdgeKind::Aggregation);
    let outputs = [
        (naming.own(spec.into.as_str()), DatasetKind::Table),
        (naming.own(format!("statements.{job}")), DatasetKind::File),
    ];
    for (name, kind) in outputs {
        made.output(name, kind, ColumnLineage { dataset: dataset.clone(), ..ColumnLineage::default() });
    }
    made.operations.insert(Operation::Aggregation);
    made
}
