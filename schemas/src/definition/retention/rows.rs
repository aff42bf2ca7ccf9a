//! Which rows a rule is about: `where`.

use std::collections::BTreeSet;

use super::super::checked::Dataset;
use super::super::data_class::data_classes;
use super::super::dataset::column;
use super::super::problem::Problems;
use super::super::raw_retention::RawRowMatch;
use super::super::words::RawWords;
use super::super::yaml::At;
use super::{EVENT_TYPE, InRule};
use crate::retention::{ColumnMatch, Pattern, RowMatch};
use crate::table::ColumnType;

/// Column with the classes of data of a row.
const DATA_CLASSES: &str = "data_classes";

pub(super) fn build(
    given: At<RawRowMatch>,
    dataset: &Dataset,
    within: InRule<'_>,
    problems: &mut Problems,
) -> RowMatch {
    let At { value: raw, place } = given;
    if raw.event_type.is_none() && raw.tenant.is_none() && raw.class.is_none() && raw.column.is_empty() {
        within.add(place, "where is empty; leave it out for every row", problems);
    }
    let mut rows = RowMatch::default();
    if let Some(given) = raw.event_type {
        rows.columns.extend(column_match("event_type", EVENT_TYPE, given, dataset, within, problems));
    }
    if let Some(given) = raw.tenant {
        if dataset.tenant.is_empty() {
            let message = format!(
                "tenant needs a column that says whose row it is, and dataset \"{}\" names none; add tenant: with its \
                 name to the file of the dataset",
                dataset.id
            );
            within.add(given.place, &message, problems);
        } else {
            rows.columns.extend(column_match("tenant", &dataset.tenant, given, dataset, within, problems));
        }
    }
    for (name, given) in raw.column {
        rows.columns.extend(column_match(&name, &name, given, dataset, within, problems));
    }
    if let Some(given) = raw.class {
        let is_known = !dataset.is_inferred() && dataset.schema.column(DATA_CLASSES).is_none();
        if is_known && dataset.data_classes.is_empty() {
            let message = format!(
                "class is met by no row: schema {} has no column {DATA_CLASSES}, and dataset \"{}\" states no class; \
                 add for example class: [pii] to its file",
                dataset.schema.name, dataset.id
            );
            within.add(given.place, &message, problems);
        }
        rows.classes = data_classes(given, problems);
    }
    rows
}

/// `key` is what messages call the values.
fn column_match(
    key: &str,
    name: &str,
    given: At<RawWords>,
    dataset: &Dataset,
    within: InRule<'_>,
    problems: &mut Problems,
) -> Option<ColumnMatch> {
    let place = given.place;
    let kind = if dataset.is_inferred() {
        None
    } else {
        let found = column(dataset.schema, name).map_err(|why| format!("rule \"{}\": {why}", within.name));
        Some(problems.keep(place, found)?.kind)
    };
    if let Some(kind) = kind.filter(|kind| !has_text_form(*kind)) {
        let message = format!(
            "column \"{name}\" is of type {}, whose values cannot be compared with a text; name a column of type str, \
             bool, i16, i32 or i64",
            kind.name()
        );
        within.add(place, &message, problems);
        return None;
    }
    let mut values = Vec::new();
    for word in given.value.read(key, place, problems) {
        values.extend(problems.keep(word.place, value(key, &word.value, kind)));
    }
    Some(ColumnMatch { column: name.to_owned(), values })
}

fn has_text_form(kind: ColumnType) -> bool {
    matches!(kind, ColumnType::Str | ColumnType::Bool | ColumnType::I16 | ColumnType::I32 | ColumnType::I64)
}

/// A value that a column of the type can have.
fn value(key: &str, given: &str, kind: Option<ColumnType>) -> Result<Pattern, String> {
    let is_decimal = |fits: bool| fits && (given == "0" || !given.trim_start_matches('-').starts_with('0'));
    let (is_fit, wanted) = match kind {
        None | Some(ColumnType::Str) => (true, ""),
        Some(ColumnType::Bool) => (matches!(given, "true" | "false"), "true or false"),
        Some(ColumnType::I16) => (is_decimal(given.parse::<i16>().is_ok()), "a whole number of 16 bits"),
        Some(ColumnType::I32) => (is_decimal(given.parse::<i32>().is_ok()), "a whole number of 32 bits"),
        Some(_) => (is_decimal(given.parse::<i64>().is_ok()), "a whole number of 64 bits"),
    };
    if !is_fit || (!wanted.is_empty() && given.starts_with('+')) {
        return Err(format!("{key} {given:?} is never a value of the column; write {wanted}"));
    }
    Pattern::parse(given).map_err(|why| format!("{key}: {why}"))
}

/// Columns by which rules and holds tell rows, so that changing them would change what is kept.
pub(super) fn telling<'a>(rows: impl Iterator<Item = &'a RowMatch>) -> BTreeSet<&'a str> {
    let named = rows.flat_map(|rows| &rows.columns).map(|one| one.column.as_str());
    named.chain([EVENT_TYPE, DATA_CLASSES]).collect()
}
