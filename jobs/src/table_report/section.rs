//! A section of a report with its datasets: planned in a session that sees them alone, and filled.

use engine::{LakeSession, LogicalPlan, SectionTables, section_sql};
use schemas::{FilledSection, Interval, RECORDS_PREFIX, ReadDataset, SectionSource, TableReportSpec, TableSection};

use super::columns::shapes;
use super::values::rows;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::lineage::SectionLineage;

/// A section, and what stands behind the names of its statement.
#[derive(Debug)]
pub(super) struct Bound<'a> {
    pub(super) section: &'a TableSection,
    tables: SectionTables<'a>,
}

/// A section with its rows.
pub(super) struct Filling {
    pub(super) section: FilledSection,
    /// The statement with its values, optimised.
    pub(super) plan: LogicalPlan,
    pub(super) lineage: SectionLineage,
}

impl<'a> Bound<'a> {
    pub(super) fn of(spec: &'a TableReportSpec, section: &'a TableSection) -> Self {
        let datasets = section.roles.iter().filter_map(|role| {
            let (role, dataset) = spec.datasets.get_key_value(role)?;
            Some((role.as_str(), dataset.as_str()))
        });
        let records = section.records.iter().map(String::as_str).collect();
        let tables = SectionTables { datasets: datasets.collect(), records, tenant: spec.tenant.as_deref() };
        Self { section, tables }
    }

    /// Datasets that it reads.
    pub(super) fn datasets(&self) -> impl Iterator<Item = &'a str> {
        self.tables.datasets.values().copied()
    }

    /// Its rows for an interval.
    pub(super) async fn fill(
        &self,
        (session, lake): (&LakeSession, &OpenLake),
        interval: Interval,
    ) -> Result<Filling, JobError> {
        let section = self.section;
        let own = session.of_section(&self.tables).await?;
        let planned = own.section_plan(&section.sql, interval).await?;
        let shapes = shapes(section, &planned.columns).map_err(JobError::Usage)?;
        let plan = own.optimized(&planned.plan)?;
        let (rows, rows_total) = rows((&own, &planned.plan), &shapes, section.rows_max).await?;
        let tenant_of = |dataset: &str| session.dataset(dataset).map_or_else(String::new, |found| found.tenant.clone());
        let source = SectionSource {
            sql: section_sql(&section.sql, &self.tables, interval, &tenant_of),
            written: section.sql.clone(),
            reads: self.reads(),
            plan_sha256: engine::plan_sha256([&plan]),
        };
        Ok(Filling {
            lineage: SectionLineage::of(lake, &own, section, self.datasets()).await,
            section: FilledSection {
                section: section.id.clone(),
                title: section.title.clone(),
                note: section.note.clone(),
                columns: shapes.into_iter().map(|shape| shape.column).collect(),
                rows,
                rows_total,
                chart: section.chart.clone(),
                source,
            },
            plan,
        })
    }

    fn reads(&self) -> Vec<ReadDataset> {
        let datasets = self.tables.datasets.iter().map(|(role, dataset)| ((*role).to_owned(), (*dataset).to_owned()));
        let records = self.tables.records.iter().map(|record| format!("{RECORDS_PREFIX}{record}"));
        let all = datasets.chain(records.map(|record| (record.clone(), record)));
        all.map(|(role, dataset)| ReadDataset { role, dataset }).collect()
    }
}
