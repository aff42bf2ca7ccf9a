//! Of jobs of the kind `usage`: results come from what was metered and charged.

use ::lineage::{ColumnLineage, DatasetKind, Operation};
use schemas::{EdgeKind, JobId, UsageSpec};

use super::super::naming::Naming;
use super::{Made, anything_of};
use crate::lake::OpenLake;

/// What a contract reads, and what its results and statements come from.
pub(crate) fn of_usage(lake: &OpenLake, job: &JobId, spec: &UsageSpec, reads: &str) -> Made {
    let naming = Naming::of(&lake.definitions);
    let mut made = Made { inputs: [naming.own(reads)].into(), ..Made::default() };
    let dataset = anything_of(made.inputs.clone().iter(), EdgeKind::Aggregation);
    let mut outputs = vec![(naming.own(spec.into.as_str()), DatasetKind::Table)];
    if !spec.outputs.is_empty() {
        outputs.push((naming.own(format!("statements.{job}")), DatasetKind::File));
    }
    for (name, kind) in outputs {
        made.output(name, kind, ColumnLineage { dataset: dataset.clone(), ..ColumnLineage::default() });
    }
    made.operations.insert(Operation::Aggregation);
    made
}
