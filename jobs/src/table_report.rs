//! The job kind `report`: the tables of a report, filled for an interval, for the operator or for one tenant.
//!
//! ```text
//! definition ── section (a session that sees what it names) ── values (text, with all digits) ── renderings
//! ```
//!
//! A section whose datasets are not bound, or lack a column that it needs, is left out, and the report says so. Everything of a tenant
//! is read through views that admit that tenant's rows alone. Absent: figures of floating point, and sections that are left out in
//! silence.

mod check;
mod columns;
mod section;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use engine::{LakeSession, LogicalPlan, encode_folder_value, input_files};
use schemas::{
    FilledReport, FilledSection, InputFile, Interval, LeftOut, ReportFormat, ReportProvenance, TableReport,
    TableReportSpec, TableSection,
};
use serde::{Deserialize, Serialize};

use crate::deliver::Delivery;
use crate::error::JobError;
use crate::lake::{OpenLake, names};
use crate::ledger::{Output, RunSummary};
use crate::lineage::{SectionLineage, of_table_report};
use crate::runner::{Attempt, Executed};
use crate::sla::files_of_tenant;

pub(crate) use check::check;

use section::{Bound, Filling};

/// What a run of a report came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReportSummary {
    /// The report.
    pub report: String,
    /// The one tenant whose rows were read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tenant: Option<String>,
    /// Sections that it has.
    pub sections: u64,
    /// Rows of all of them, shown or not.
    pub rows: u64,
    /// Sections that were left out, and why.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<String>,
}

/// What the sections of a report came to.
#[derive(Default)]
struct Filled {
    sections: Vec<FilledSection>,
    left_out: Vec<LeftOut>,
    plans: Vec<LogicalPlan>,
    datasets: BTreeSet<String>,
    lineage: Vec<SectionLineage>,
}

/// Fills the tables of the job's report.
pub(crate) async fn execute(attempt: &Attempt<'_>, spec: &TableReportSpec) -> Result<Executed, JobError> {
    let lake = attempt.lake;
    let report = report_of(lake, spec)?;
    let session = lake.sessions.ordered_session(attempt.key.instant)?;
    let mut filled = Filled::default();
    for section in &report.sections {
        let fault = |source| JobError::Section { report: report.id.to_string(), section: section.id.clone(), source };
        let bound = Bound::of(spec, section);
        match left_out(&session, spec, &bound).await? {
            Some(why) => {
                filled.left_out.push(LeftOut { section: section.id.clone(), title: section.title.clone(), why })
            }
            None => {
                let filling = bound.fill((&session, lake), attempt.interval).await;
                filled.take(&bound, filling.map_err(|error| fault(Box::new(error)))?);
            }
        }
    }
    attempt.fence.check().await?;
    let inputs = inputs(&session, &filled.datasets, spec.tenant.as_deref()).await?;
    let summary = filled.summary(spec);
    let (plans, lineage) = (std::mem::take(&mut filled.plans), std::mem::take(&mut filled.lineage));
    let outputs = published(attempt, spec, &filled_report(attempt, (report, spec), filled, inputs.clone())).await?;
    Ok(Executed {
        made: of_table_report(lake, &attempt.key.job, lineage),
        inputs,
        reads: reads(&plans),
        outputs,
        summary: RunSummary { report: Some(summary), ..RunSummary::default() },
        plan_sha256: Some(engine::plan_sha256(&plans)),
    })
}

/// The report of that name.
fn report_of<'a>(lake: &'a OpenLake, spec: &TableReportSpec) -> Result<&'a TableReport, JobError> {
    lake.definitions.report(&spec.report).ok_or_else(|| JobError::Unknown {
        what: "report",
        name: spec.report.to_string(),
        remedy: format!("there are: {}", names(lake.definitions.reports.iter().map(|report| &report.id))),
    })
}

/// Why a section cannot be filled, and what would bring it; none where it can.
async fn left_out(
    session: &LakeSession,
    spec: &TableReportSpec,
    bound: &Bound<'_>,
) -> Result<Option<String>, JobError> {
    let unbound = spec.unbound(bound.section);
    if !unbound.is_empty() {
        let (noun, verb) = if unbound.len() == 1 { ("dataset", "is") } else { ("datasets", "are") };
        let missing = unbound.join(", ");
        return Ok(Some(format!("no {noun} {verb} bound to {missing}; name what it reads in datasets of the job")));
    }
    for needed in &bound.section.needs {
        let Some(dataset) = spec.datasets.get(&needed.role) else { continue };
        let columns = session.columns(dataset.as_str()).await?;
        if columns.is_some_and(|columns| columns.column_with_name(&needed.column).is_none()) {
            let column = &needed.column;
            return Ok(Some(format!("dataset \"{dataset}\" has no column {column}; it comes with files that have it")));
        }
    }
    Ok(None)
}

impl Filled {
    fn take(&mut self, bound: &Bound<'_>, filling: Filling) {
        self.datasets.extend(bound.datasets().map(str::to_owned));
        self.sections.push(filling.section);
        self.plans.push(filling.plan);
        self.lineage.push(filling.lineage);
    }

    fn summary(&self, spec: &TableReportSpec) -> TableReportSummary {
        TableReportSummary {
            report: spec.report.to_string(),
            tenant: spec.tenant.clone(),
            sections: self.sections.len() as u64,
            rows: self.sections.iter().map(|section| section.rows_total).sum(),
            left_out: self.left_out.iter().map(|one| format!("{}: {}", one.section, one.why)).collect(),
        }
    }
}

/// Every file of what was read that may have rows of it: a page of a tenant names no folder of another one.
async fn inputs(
    session: &LakeSession,
    datasets: &BTreeSet<String>,
    tenant: Option<&str>,
) -> Result<Vec<InputFile>, JobError> {
    let always = Interval { start: DateTime::<Utc>::MIN_UTC, end: DateTime::<Utc>::MAX_UTC };
    let mut inputs = Vec::new();
    for dataset in datasets {
        inputs.extend(input_files(session, dataset, always).await?);
    }
    Ok(match tenant {
        Some(tenant) => files_of_tenant(&inputs, tenant),
        None => inputs,
    })
}

/// Columns that plans read, by table.
fn reads(plans: &[LogicalPlan]) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for plan in plans {
        for (table, columns) in ::lineage::reads(plan).tables {
            all.entry(table).or_default().extend(columns);
        }
    }
    all.into_iter().map(|(table, columns)| (table, columns.into_iter().collect())).collect()
}

fn filled_report(
    attempt: &Attempt<'_>,
    (report, spec): (&TableReport, &TableReportSpec),
    filled: Filled,
    inputs: Vec<InputFile>,
) -> FilledReport {
    let (lake, key) = (&attempt.lake.definitions, attempt.key);
    FilledReport {
        lake: lake.id.to_string(),
        job: key.job.to_string(),
        report: report.id.to_string(),
        title: report.title.clone(),
        about: report.about.clone(),
        tenant: spec.tenant.clone(),
        timezone: lake.timezone.to_string(),
        interval: attempt.interval,
        sections: filled.sections,
        left_out: filled.left_out,
        provenance: ReportProvenance {
            run: key.id(),
            at: key.instant,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ships: report.ships,
            report_sha256: report.sha256.clone(),
            job_sha256: lake.job(&key.job).map(|job| job.sha256.clone()).unwrap_or_default(),
            inputs,
        },
    }
}

/// Writes the report in each format; one of a tenant bears its name.
async fn published(
    attempt: &Attempt<'_>,
    spec: &TableReportSpec,
    report: &FilledReport,
) -> Result<Vec<Output>, JobError> {
    let lake = attempt.lake;
    let mut delivery =
        Delivery { front: &lake.front, fence: attempt.fence, retried: attempt.number > 1, outputs: Vec::new() };
    for output in &spec.outputs {
        let folder = output.to.render(&attempt.interval, lake.definitions.timezone);
        let of = report.tenant.as_ref().map_or_else(String::new, |tenant| format!(".{}", encode_folder_value(tenant)));
        let stem = format!("{folder}{}{of}", attempt.key.job);
        match output.format {
            ReportFormat::Html => {
                delivery.publish(format!("{stem}.html"), exporters::table_report_html(report).into()).await?;
            }
            ReportFormat::Json => {
                delivery.publish(format!("{stem}.json"), exporters::table_report_json(report)?.into()).await?;
            }
            ReportFormat::Xlsx => {
                delivery.publish(format!("{stem}.xlsx"), exporters::table_report_xlsx(report)?.into()).await?;
            }
            ReportFormat::Csv => delivery.publish_tables(&stem, exporters::table_report_csv(report)).await?,
            // Definitions refuse it.
            ReportFormat::Oscal => {}
        }
    }
    Ok(delivery.outputs)
}

/// What a section is called in messages.
fn of_section(section: &TableSection) -> String {
    format!("section \"{}\"", section.id)
}
