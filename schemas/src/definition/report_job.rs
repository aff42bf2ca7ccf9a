//! `jobs/*.yaml` of kind `report`: which tables are filled, with which datasets, and of whom.

use std::collections::BTreeMap;

use super::checked::{Dataset, JobKind};
use super::duration;
use super::job::outputs;
use super::nearest::nearest;
use super::problem::Problems;
use super::raw_table_report::RawReportJob;
use super::report_spec::ReportFormat;
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::id::{DatasetId, JobId, ReportId};
use crate::table_report::{RECORDS_PREFIX, TableReport, TableReportSpec};
use crate::tables::REJECTED;

pub(super) fn build(raw: RawReportJob, around: &mut Surroundings, problems: &mut Problems) -> Option<(JobId, JobKind)> {
    let before = problems.len();
    let id = problems.keep(raw.job.place, JobId::parse(&raw.job.value))?;
    let window_seconds = duration::given_seconds("window", raw.window, problems);
    let report = problems.keep(raw.report.place, report(&raw.report.value, around))?;
    // One whose file is wrong is not there to compare with; its errors are enough.
    let found = around.reports.iter().find(|one| one.id == report).cloned();
    let mut datasets = BTreeMap::new();
    for (role, given) in raw.datasets {
        let bound = bound((&role, &given.value), (found.as_ref(), raw.tenant.is_some()), around);
        datasets.extend(problems.keep(given.place, bound).map(|dataset| (role, dataset)));
    }
    if let (Some(tenant), Some(found)) = (&raw.tenant, &found) {
        of_tenant(tenant, found, problems);
    }
    let place = raw.outputs.place;
    let outputs = outputs(&id, raw.outputs, around, problems);
    if outputs.iter().any(|output| output.format == ReportFormat::Oscal) {
        problems
            .add(place, "format \"oscal\" is for controls; formats of reports of tables are: html, json, csv, xlsx");
    }
    let tenant = raw.tenant.map(|tenant| tenant.value);
    let spec = TableReportSpec { report, window_seconds, datasets, tenant, outputs };
    if problems.len() == before
        && let Some(found) = &found
        && found.sections.iter().all(|section| !spec.unbound(section).is_empty())
    {
        let roles: Vec<&str> = found.roles.keys().map(String::as_str).collect();
        let message =
            format!("report \"{}\" has no section without datasets; name some of: {}", found.id, roles.join(", "));
        problems.add(raw.report.place, message);
    }
    (problems.len() == before).then_some((id, JobKind::Report(spec)))
}

fn report(given: &str, around: &Surroundings) -> Result<ReportId, String> {
    match around.report_names.lacks(given) {
        Some(sentence) => Err(format!("report {given:?} does not exist; {sentence}")),
        None => ReportId::parse(given).map_err(|error| error.to_string()),
    }
}

/// The dataset of a role.
fn bound(
    (role, given): (&str, &str),
    (report, is_of_tenant): (Option<&TableReport>, bool),
    around: &Surroundings,
) -> Result<DatasetId, String> {
    let schemas = match report {
        Some(report) => report.roles.get(role).ok_or_else(|| {
            let known: Vec<&str> = report.roles.keys().map(String::as_str).collect();
            let near = nearest(role, known.iter().copied());
            let near = near
                .map_or_else(|| format!("they are: {}", known.join(", ")), |near| format!("did you mean {near:?}?"));
            format!("report \"{}\" reads no {role:?}; {near}", report.id)
        })?,
        None => &Vec::new(),
    };
    if given.trim().is_empty() {
        return Err(format!("{role} is bound to nothing; name a dataset, or leave {role} out"));
    }
    let schema = match around.dataset(given) {
        Some(dataset) => {
            tenant_fits(role, dataset, is_of_tenant)?;
            dataset.schema.name
        }
        None if around.is_rejected(given) => REJECTED.name,
        None => match around.dataset_names.lacks(given) {
            Some(sentence) => return Err(format!("{role} names dataset {given:?}, which does not exist; {sentence}")),
            None => return DatasetId::parse(given).map_err(|error| error.to_string()),
        },
    };
    if !schemas.is_empty() && schemas.iter().all(|fits| fits != schema) {
        return Err(format!(
            "{role} names dataset {given:?} of schema {schema}; name one of schema {}",
            schemas.join(" or ")
        ));
    }
    DatasetId::parse(given).map_err(|error| error.to_string())
}

fn tenant_fits(role: &str, dataset: &Dataset, is_of_tenant: bool) -> Result<(), String> {
    if is_of_tenant && dataset.tenant.is_empty() {
        return Err(format!(
            "{role} names dataset \"{}\", whose rows have no tenant, so none of them is known to be of one; say in its file \
             which column that is, or leave {role} out",
            dataset.id
        ));
    }
    Ok(())
}

/// Our own records speak of all tenants, and are not for one of them.
fn of_tenant(tenant: &At<String>, report: &TableReport, problems: &mut Problems) {
    if tenant.value.trim().is_empty() {
        problems.add(tenant.place, "tenant is empty; name one, or leave it out for a report about all of them");
    }
    if let Some(section) = report.sections.iter().find(|section| !section.records.is_empty()) {
        let message = format!(
            "report \"{}\" reads {RECORDS_PREFIX}{} in section \"{}\", and records of our own speak of all tenants; leave \
             tenant out, or name another report",
            report.id,
            section.records.join(&format!(", {RECORDS_PREFIX}")),
            section.id
        );
        problems.add(tenant.place, message);
    }
}
