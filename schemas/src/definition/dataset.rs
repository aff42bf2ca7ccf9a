//! `datasets/*.yaml`, checked.

use std::collections::BTreeMap;

use super::checked::{Class, Dataset};
use super::data_class::data_classes;
use super::framework::filled;
use super::lake::store_url;
use super::nearest::nearest;
use super::place::{location_fault, overlaps};
use super::problem::Problems;
use super::raw::{RawColumn, RawDataset};
use super::store_url::StoreUrl;
use super::yaml::At;
use crate::id::DatasetId;
use crate::table::{ColumnType, HISTORY_ENDING, Presence, TableSchema};
use crate::tables::{DATASET_SCHEMAS, INFERRED};

/// Ending of the tables that hold what an ingest refused.
pub(crate) const REJECTED_ENDING: &str = "_rejected";

/// Checks one dataset; `earlier` are those already checked, with their files.
pub(super) fn build(raw: RawDataset, earlier: &[(Dataset, String)], problems: &mut Problems) -> Option<Dataset> {
    let id = problems.keep(raw.dataset.place, dataset_id(&raw.dataset.value));
    let place = problems.keep(raw.location.place, place(&raw.location.value, earlier));
    let schema = match &raw.schema {
        Some(schema) => problems.keep(schema.place, table(&schema.value))?,
        None => &INFERRED,
    };
    if let (Some(map), None) = (&raw.map, &raw.schema) {
        problems.add(map.place, "map makes rows of a schema, and none is named; add for example schema: audit.v1");
    }
    let time = raw.time.as_ref().map(|time| problems.keep(time.place, time_column(schema, &time.value)));
    let tenant = raw.tenant.as_ref().map(|tenant| problems.keep(tenant.place, tenant_column(schema, &tenant.value)));
    let subjects = raw.subjects.as_ref().map(|columns| subject_columns(schema, columns, problems));
    let classes = classes(schema, &raw.columns, problems);
    let portable = raw.columns.iter().filter(|(_, column)| column.portable == Some(true)).map(|(name, _)| name.clone());
    let portable = portable.collect();
    let data_classes = raw.class.map(|given| data_classes(given, problems)).unwrap_or_default();
    Some(Dataset {
        id: id?,
        elsewhere: place.as_ref()?.1.clone(),
        location: place?.0,
        schema,
        map: raw.map.map(|map| filled("map", map, problems)),
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
        data_classes,
        portable,
    })
}

fn dataset_id(given: &str) -> Result<DatasetId, String> {
    if given.ends_with(REJECTED_ENDING) {
        return Err(format!(
            "dataset {given:?} ends with {REJECTED_ENDING}, which is kept for rejected records; rename it"
        ));
    }
    if given.ends_with(HISTORY_ENDING) {
        return Err(format!("dataset {given:?} ends with {HISTORY_ENDING}, which is kept for revisions; rename it"));
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

/// The dataset's location, and its store if that is not the lake's.
fn place(given: &str, earlier: &[(Dataset, String)]) -> Result<(String, Option<StoreUrl>), String> {
    if given.starts_with("file:") || given.contains("://") {
        let url = store_url(given).map_err(|why| why.replacen("store ", "location ", 1))?;
        return Ok((given.to_owned(), Some(url)));
    }
    location(given, earlier).map(|location| (location, None))
}

/// The column of a schema, or the name that may have been meant.
pub(super) fn column(schema: &'static TableSchema, given: &str) -> Result<&'static crate::table::Column, String> {
    schema.column(given).ok_or_else(|| {
        let offer = nearest(given, schema.columns.iter().map(|column| column.name));
        let offer =
            offer.map_or_else(|| "name one of its columns".to_owned(), |near| format!("did you mean \"{near}\"?"));
        format!("column {given:?} is not in schema {}; {offer}", schema.name)
    })
}

fn time_column(schema: &'static TableSchema, given: &str) -> Result<String, String> {
    // Which columns there are, only the files know.
    if schema.name == INFERRED.name {
        return Ok(given.to_owned());
    }
    // An interval would cut off rows that hold for longer, and a control would take what it cannot see for absent.
    if schema.time.is_none() {
        return Err(format!(
            "schema {} has no column of event time: its rows hold until others do; remove time",
            schema.name
        ));
    }
    match column(schema, given)? {
        found if found.kind == ColumnType::Ts => Ok(given.to_owned()),
        found => Err(format!("time column {given:?} is of type {}; name one of type ts", found.kind.name())),
    }
}

fn tenant_column(schema: &'static TableSchema, given: &str) -> Result<String, String> {
    if schema.name == INFERRED.name {
        return Ok(given.to_owned());
    }
    match column(schema, given)? {
        found if found.kind == ColumnType::Str && found.presence == Presence::Required => Ok(given.to_owned()),
        _ => Err(format!("tenant column {given:?} may be null or is no text; name a text column that is always there")),
    }
}

fn subject_columns(schema: &'static TableSchema, given: &[At<String>], problems: &mut Problems) -> Vec<String> {
    let mut subjects: Vec<String> = Vec::new();
    for name in given {
        if schema.name == INFERRED.name {
            subjects.push(name.value.clone());
            continue;
        }
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
        if schema.name == INFERRED.name || problems.keep(declared.class.place, column(schema, name)).is_some() {
            classes.insert(name.clone(), declared.class.value);
        }
    }
    classes
}
