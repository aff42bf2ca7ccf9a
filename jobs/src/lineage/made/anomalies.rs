//! Of jobs of the kind `anomalies`: alerts come from what the statements of their metrics give.

use std::collections::BTreeSet;

use ::lineage::{ColumnLineage, DatasetKind, Operation, Sources};
use engine::LakeSession;
use schemas::{AnomaliesSpec, EdgeKind, JobId};

use super::super::naming::Naming;
use super::{Made, anything_of, traced};
use crate::lake::OpenLake;

/// Columns of an alert, by that of a metric's statement which they come from.
const COLUMNS: [(&str, &str); 9] = [
    ("tenant_id", "tenant"),
    ("entity_id", "entity"),
    ("bucket_start", "bucket"),
    ("value", "value"),
    ("expected", "value"),
    ("score", "value"),
    ("severity", "value"),
    ("explanation", "value"),
    ("explanation", "entity"),
];

/// What the metrics read, and what alerts and pages of series come from.
pub(crate) async fn of_anomalies(
    lake: &OpenLake,
    session: &LakeSession,
    (job, spec): (&JobId, &AnomaliesSpec),
    (statements, more): (&[String], &BTreeSet<String>),
) -> Made {
    let naming = Naming::of(&lake.definitions);
    let mut made = Made::default();
    let mut lineage = ColumnLineage::default();
    for (metric, sql) in spec.metrics.iter().zip(statements) {
        let from = naming.own(metric.from.as_str());
        made.inputs.insert(from.clone());
        let Some(traced) = traced(session, sql, &naming).await else {
            lineage.dataset.absorb(&anything_of(std::iter::once(&from), EdgeKind::Aggregation));
            continue;
        };
        made.inputs.extend(traced.inputs.iter().cloned());
        for (column, of) in COLUMNS {
            for output in traced.outputs.iter().filter(|output| output.name == of) {
                let sources: &mut Sources = lineage.fields.entry(column.to_owned()).or_default();
                sources.absorb(&output.sources());
            }
        }
        // What is unusual decides which alerts there are.
        lineage.dataset.absorb(&traced.lineage.sources());
    }
    for dataset in more {
        let from = naming.own(dataset.as_str());
        lineage.dataset.absorb(&anything_of(std::iter::once(&from), EdgeKind::Aggregation));
        made.inputs.insert(from);
    }
    made.operations.insert(Operation::Aggregation);
    made.output(naming.own(spec.into.as_str()), DatasetKind::Table, lineage.clone());
    if !spec.outputs.is_empty() {
        made.output(naming.own(format!("reports.{job}")), DatasetKind::File, lineage);
    }
    made
}
