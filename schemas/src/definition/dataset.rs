//! `datasets/*.yaml`, checked.

use std::collections::BTreeMap;

use super::checked::{Class, Dataset};
use super::nearest::nearest;
use super::place::{location_fault, overlaps};
use super::problem::Problems;
use super::raw::{RawColumn, RawDataset};
use super::yaml::At;
use crate::id::DatasetId;
use crate::table::{ColumnType, Presence, TableSchema};
use crate::tables::DATASET_SCHEMAS;

/// Ending of the tables that hold what an ingest refused.
const REJECTED_ENDING: &str = "_rejected";

/// Checks one dataset; `earlier` are those already checked, with their files.
pub(super) fn build(raw: RawDataset, earlier: &[(Dataset, String)], problems: &mut Problems) -> Option<Dataset> {
    let id = problems.keep(raw.dataset.place, dataset_id(&raw.dataset.value));
    let location = problems.keep(raw.location.place, location(&raw.location.value, earlier));
    let schema = problems.keep(raw.schema.place, table(&raw.schema.value))?;
    let time = raw.time.as_ref().map(|time| problems.keep(time.place, time_column(schema, &time.value)));
    let tenant = raw.tenant.as_ref().map(|tenant| problems.keep(tenant.place, tenant_column(schema, &tenant.value)));
    let subjects = raw.subjects.as_ref().map(|columns| subject_columns(schema, columns, problems));
    let classes = classes(schema, &raw.columns, problems);
    Some(Dataset {
        id: id?,
        location: location?,
        schema,
        time: match time {
            Some(declared) => Some(declared?),
            None => schema.time.map(str::to_owned),
        },
        tenant: match tenant {
            Some(declared) => declared?,
            None => schema.tenant.to_owned(),
        },
        subjects: subjects.unwrap_or_else(|| schema.subjects.iter().map(|&name| name.to_owned()).collect()),
        classes,
    })
}

fn dataset_id(given: &str) -> Result<DatasetId, String> {
    if given.ends_with(REJECTED_ENDING) {
        return Err(format!(
            "dataset {given:?} ends with {REJECTED_ENDING}, which is kept for rejected records; rename it"
        ));
    }
    DatasetId::parse(given).map_err(|error| error.to_string())
}

fn location(given: &str, earlier: &[(Dataset, String)]) -> Result<String, String> {
    if let Some(fault) = location_fault(given) {
        return Err(format!("location {given:?} {fault}"));
    }
    match earlier.iter().find(|(other, _)| overlaps(given, &other.location)) {
        Some((other, file)) => Err(format!(
            "location {given:?} overlaps {:?}, the location of dataset \"{}\" in {file}; choose folders apart",
            other.location, other.id
        )),
        None => Ok(given.to_owned()),
    }
}

fn table(given: &str) -> Result<&'static TableSchema, String> {
    let names = || DATASET_SCHEMAS.iter().map(|schema| schema.name);
    DATASET_SCHEMAS.iter().find(|schema| schema.name == given).copied().ok_or_else(|| {
        let schemas = names().collect::<Vec<_>>().join(", ");
        format!("schema {given:?} does not exist in this version; schemas are: {schemas}")
    })
}

/// The column of a schema, or the name that may have been meant.
fn column(schema: &'static TableSchema, given: &str) -> Result<&'static crate::table::Column, String> {
    schema.column(given).ok_or_else(|| {
        let offer = nearest(given, schema.columns.iter().map(|column| column.name));
        let offer =
            offer.map_or_else(|| "name one of its columns".to_owned(), |near| format!("did you mean \"{near}\"?"));
        format!("column {given:?} is not in schema {}; {offer}", schema.name)
    })
}

fn time_column(schema: &'static TableSchema, given: &str) -> Result<String, String> {
    match column(schema, given)? {
        found if found.kind == ColumnType::Ts => Ok(given.to_owned()),
        found => Err(format!("time column {given:?} is of type {}; name one of type ts", found.kind.name())),
    }
}

fn tenant_column(schema: &'static TableSchema, given: &str) -> Result<String, String> {
    match column(schema, given)? {
        found if found.kind == ColumnType::Str && found.presence == Presence::Required => Ok(given.to_owned()),
        _ => Err(format!("tenant column {given:?} may be null or is no text; name a text column that is always there")),
    }
}

fn subject_columns(schema: &'static TableSchema, given: &[At<String>], problems: &mut Problems) -> Vec<String> {
    let mut subjects: Vec<String> = Vec::new();
    for name in given {
        match column(schema, &name.value) {
            Err(error) => problems.add(name.place, error),
            Ok(found) if found.kind != ColumnType::Str => {
                let kind = found.kind.name();
                problems
                    .add(name.place, format!("subject column {:?} is of type {kind}; name a text column", name.value));
            }
            Ok(_) if subjects.contains(&name.value) => {
                problems.add(name.place, format!("subject column {:?} stands here twice; keep one", name.value));
            }
            Ok(_) => subjects.push(name.value.clone()),
        }
    }
    subjects
}

fn classes(
    schema: &'static TableSchema,
    given: &BTreeMap<String, RawColumn>,
    problems: &mut Problems,
) -> BTreeMap<String, Class> {
    let mut classes = BTreeMap::new();
    for (name, declared) in given {
        if problems.keep(declared.class.place, column(schema, name)).is_some() {
            classes.insert(name.clone(), declared.class.value);
        }
    }
    classes
}
