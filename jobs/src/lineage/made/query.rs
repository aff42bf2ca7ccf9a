//! Of jobs of the kind `query`: their statement.

use ::lineage::{ColumnLineage, DatasetKind, Operation};
use engine::LakeSession;
use schemas::{EdgeKind, QuerySpec};

use super::super::naming::Naming;
use super::{Made, anything_of, is_anonymized, traced};
use crate::lake::OpenLake;

/// What the statement of a job reads, and what comes into its dataset.
pub(crate) async fn of_query(lake: &OpenLake, session: &LakeSession, spec: &QuerySpec, reads: &[String]) -> Made {
    let naming = Naming::of(&lake.definitions);
    let into = naming.own(spec.into.as_str());
    let mut made = Made { sql: engine::without_literals(&spec.sql), ..Made::default() };
    match traced(session, &spec.sql, &naming).await {
        Some(traced) => {
            made.traced(into, DatasetKind::Table, &traced);
            let is_personal = |source: &::lineage::Source| is_personal(lake, source);
            if is_anonymized(&traced.column_lineage(), &is_personal) {
                made.operations.insert(Operation::Anonymization);
                made.operations.remove(&Operation::Transformation);
            }
        }
        None => {
            made.inputs = reads.iter().map(|table| naming.own(table.as_str())).collect();
            let dataset = anything_of(made.inputs.iter(), EdgeKind::Transformation);
            made.output(into, DatasetKind::Table, ColumnLineage { dataset, ..ColumnLineage::default() });
        }
    }
    made
}

/// Whether a source is a personal column by the definitions.
pub(super) fn is_personal(lake: &OpenLake, source: &::lineage::Source) -> bool {
    let Some(field) = &source.field else { return false };
    let declared = lake.definitions.datasets.iter().find(|dataset| dataset.id.as_str() == source.dataset.name);
    declared.is_some_and(|dataset| dataset.is_personal(field.split(['.', '[']).next().unwrap_or(field)))
}
