//! Of reports of tables: the statement of each section.
//!
//! `reports.<job>` has the columns that people read, `<section>.<column>`.

use ::lineage::{ColumnLineage, DatasetKind, DatasetName, Operation, Traced};
use engine::LakeSession;
use schemas::{EdgeKind, JobId, TableSection};

use super::super::naming::Naming;
use super::{Made, anything_of, traced};
use crate::lake::OpenLake;

/// What a section comes from.
#[derive(Debug)]
pub(crate) struct SectionLineage {
    section: String,
    traced: Option<Traced>,
    /// Datasets that it reads, for where its statement does not tell.
    reads: Vec<DatasetName>,
}

impl SectionLineage {
    /// Of a statement in the session that it runs in.
    pub(crate) async fn of<'a>(
        lake: &OpenLake,
        session: &LakeSession,
        section: &TableSection,
        reads: impl Iterator<Item = &'a str>,
    ) -> Self {
        let naming = Naming::of(&lake.definitions);
        Self {
            section: section.id.clone(),
            reads: reads.map(|dataset| naming.own(dataset)).collect(),
            traced: traced(session, &section.sql, &naming).await,
        }
    }
}

/// What a report reads, and what each of its columns comes from.
pub(crate) fn of_table_report(lake: &OpenLake, job: &JobId, sections: Vec<SectionLineage>) -> Made {
    let mut made = Made::default();
    let mut lineage = ColumnLineage::default();
    for SectionLineage { section, traced, reads } in sections {
        let Some(traced) = traced else {
            made.inputs.extend(reads.iter().cloned());
            lineage.dataset.absorb(&anything_of(reads.iter(), EdgeKind::Transformation));
            continue;
        };
        made.inputs.extend(traced.inputs.iter().cloned());
        made.operations.extend(traced.operations.iter().copied().filter(|one| *one == Operation::Aggregation));
        for output in &traced.outputs {
            let sources = lineage.fields.entry(format!("{section}.{}", output.name)).or_default();
            sources.absorb(&output.sources());
            // Which rows there are decides what stands in each column of this section, and of no other.
            sources.absorb(&traced.lineage.sources());
        }
    }
    made.operations.insert(Operation::Export);
    made.output(Naming::of(&lake.definitions).own(format!("reports.{job}")), DatasetKind::File, lineage);
    made
}
