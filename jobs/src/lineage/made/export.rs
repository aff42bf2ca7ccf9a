//! Of exports: the plan of their rows.

use ::lineage::{ColumnLineage, DatasetKind, DatasetName, Operation};
use schemas::EdgeKind;

use super::super::naming::Naming;
use super::query::is_personal;
use super::{Made, anything_of, follow, is_anonymized};
use crate::export::Planned;
use crate::lake::OpenLake;

/// What an export reads, and what is in its files.
///
/// A principal's dataset is a table planned apart: its columns are the dataset's, masked or not, and which rows it has
/// may depend on any of them.
pub(crate) fn of_export(lake: &OpenLake, planned: &Planned, to: DatasetName, (sql, is_viewed): (&str, bool)) -> Made {
    let naming = Naming::of(&lake.definitions);
    let mut made = Made { sql: engine::without_literals(sql), ..Made::default() };
    made.operations.insert(Operation::Export);
    let mut lineage = match planned.session.analyse(planned.plan.clone()) {
        Ok(plan) => {
            let traced = follow(&plan, &naming);
            made.inputs.extend(traced.inputs.iter().cloned());
            made.operations.extend(traced.operations.iter().copied().filter(|one| *one == Operation::Aggregation));
            traced.column_lineage()
        }
        Err(error) => {
            tracing::warn!(%error, "lineage of an export not told, will be a gap");
            made.inputs = planned.datasets.iter().map(|dataset| naming.own(dataset.as_str())).collect();
            let dataset = anything_of(made.inputs.iter(), EdgeKind::Transformation);
            ColumnLineage { dataset, ..ColumnLineage::default() }
        }
    };
    if is_viewed {
        lineage.dataset.absorb(&anything_of(made.inputs.iter(), EdgeKind::Filter));
    }
    if is_anonymized(&lineage, &|source| is_personal(lake, source)) {
        made.operations.insert(Operation::Anonymization);
    }
    made.output(to, DatasetKind::File, lineage);
    made
}
