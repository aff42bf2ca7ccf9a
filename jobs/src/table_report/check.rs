//! What `check` says of reports: whether each section plans over the columns of what is bound to it, and can be shown.
//!
//! Columns of files that nobody declared are known only where the files are, so sections over them wait for a run.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, TimeDelta, Utc};
use engine::{EngineError, LakeSession};
use schemas::{
    DATASET_SCHEMAS, DatasetId, DefinitionError, Interval, JobKind, RECORDS_PREFIX, REJECTED, TableReport, TableSchema,
    TableSection,
};

use super::columns::shapes;
use super::of_section;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::runner::chain;

/// The schema of each role, none where files alone know it.
type Roles<'a> = BTreeMap<&'a str, Option<&'static TableSchema>>;

/// Plans every section of the lake's own reports, and of those that its jobs fill; notes about what cannot be planned here.
///
/// # Errors
/// When a section does not plan, or cannot be shown or drawn; all of them at once.
pub(crate) async fn check(lake: &OpenLake, now: DateTime<Utc>) -> Result<Vec<String>, JobError> {
    let session = lake.sessions.session(now)?;
    let (mut notes, mut wrong) = (Vec::new(), Vec::new());
    for report in &lake.definitions.reports {
        for roles in bindings(lake, report) {
            for section in &report.sections {
                match of_one((&session, now), section, &roles).await? {
                    Found::Fits => {}
                    Found::Unknown(role) => notes.push(format!(
                        "report \"{}\", {}: whether it plans is not known here, as columns of {role} are those of files",
                        report.id,
                        of_section(section)
                    )),
                    Found::Wrong(why) => wrong.push(DefinitionError {
                        file: section.written.file.clone(),
                        line: section.written.line,
                        column: section.written.column,
                        message: format!("{}: {why}", of_section(section)),
                    }),
                }
            }
        }
    }
    notes.dedup();
    wrong.sort();
    wrong.dedup();
    if wrong.is_empty() { Ok(notes) } else { Err(JobError::Definitions(wrong)) }
}

/// What the roles of a report are: by each job that fills it, or, of one of the lake's own without any, by its own word.
fn bindings<'a>(lake: &'a OpenLake, report: &'a TableReport) -> Vec<Roles<'a>> {
    let specs = lake.definitions.jobs.iter().filter_map(|job| match &job.kind {
        JobKind::Report(spec) if spec.report == report.id => Some(spec),
        _ => None,
    });
    let bound: Vec<Roles<'a>> = specs
        .map(|spec| spec.datasets.iter().map(|(role, dataset)| (role.as_str(), schema_of(lake, dataset))).collect())
        .collect();
    if !bound.is_empty() || report.ships {
        return bound;
    }
    let by_name =
        |name: &String| DATASET_SCHEMAS.iter().copied().chain([&REJECTED]).find(|schema| schema.name == name.as_str());
    vec![report.roles.iter().map(|(role, schemas)| (role.as_str(), schemas.first().and_then(by_name))).collect()]
}

fn schema_of(lake: &OpenLake, dataset: &DatasetId) -> Option<&'static TableSchema> {
    let found = lake.definitions.dataset_or_rejected(dataset)?;
    (!found.is_inferred()).then_some(found.schema)
}

enum Found<'a> {
    Fits,
    /// The role whose columns nobody declared.
    Unknown(&'a str),
    Wrong(String),
}

async fn of_one<'a>(
    (session, now): (&LakeSession, DateTime<Utc>),
    section: &'a TableSection,
    roles: &Roles<'_>,
) -> Result<Found<'a>, JobError> {
    let mut tables: Vec<(&str, SchemaRef)> = Vec::new();
    for role in &section.roles {
        match roles.get(role.as_str()) {
            Some(Some(schema)) => tables.push((role, schema.arrow())),
            Some(None) => return Ok(Found::Unknown(role)),
            // Nothing is bound to it, and the section is left out.
            None => return Ok(Found::Fits),
        }
    }
    let records: Vec<&str> = section.records.iter().map(String::as_str).collect();
    let interval = Interval { start: now - TimeDelta::days(1), end: now };
    let planned = match session.of_empty_section(&tables, &records).await {
        Ok(own) => own.section_plan(&section.sql, interval).await,
        Err(error) => Err(error),
    };
    Ok(match planned {
        Ok(planned) => shapes(section, &planned.columns).map_or_else(Found::Wrong, |_| Found::Fits),
        Err(error) => Found::Wrong(told(&error, section)),
    })
}

/// Why a statement does not plan, and what it could have named.
fn told(error: &EngineError, section: &TableSection) -> String {
    let records = section.records.iter().map(|record| format!("{RECORDS_PREFIX}{record}"));
    let sees: Vec<String> = section.roles.iter().cloned().chain(records).collect();
    format!("{}; it sees what reads names: {}", chain(error).join(": "), sees.join(", "))
}
