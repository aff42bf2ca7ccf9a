//! `reports/*.yaml` and those that ship: tables of a report, checked as far as no table is needed.

use std::collections::{BTreeMap, BTreeSet};

use super::framework::{filled, title};
use super::problem::Problems;
use super::raw_table_report::{RawChart, RawColumnFormat, RawSection, RawTableReport};
use super::words::RawWords;
use super::yaml::At;
use crate::id::{ReportId, name};
use crate::table_report::{
    ChartKind, ColumnFormat, NeededColumn, RECORDS_PREFIX, SectionChart, TableReport, TableSection,
};
use crate::tables::{DATASET_SCHEMAS, REJECTED};

/// The word for every schema.
const ANY: &str = "any";
const ROWS_DEFAULT: u64 = 50;
/// Spreadsheets have no longer names of sheets.
const SECTION_NAME_MAX: usize = 31;
/// Names of sheets that every workbook has.
const SHEETS: [&str; 2] = ["summary", "files"];
/// Lengths or heights of one picture.
const DRAWN_MAX: usize = 4;

pub(super) fn build(
    raw: RawTableReport,
    (sha256, ships): (String, bool),
    problems: &mut Problems,
) -> Option<TableReport> {
    let before = problems.len();
    let id = problems.keep(raw.report.place, ReportId::parse(&raw.report.value));
    let place = raw.report.place;
    let mut roles = BTreeMap::new();
    for (role, schemas) in raw.datasets {
        problems.keep(schemas.place, name("dataset", &role));
        roles.insert(role, role_schemas(schemas, problems));
    }
    if raw.sections.value.is_empty() {
        problems.add(
            raw.sections.place,
            "sections is empty; add for example {section: runs, title: …, reads: […], sql: …}",
        );
    }
    let mut sections: Vec<TableSection> = Vec::new();
    for raw in raw.sections.value {
        let place = raw.section.place;
        let Some(section) = section(raw, &roles, problems) else { continue };
        if sections.iter().any(|other| other.id == section.id) {
            problems.add(place, format!("section \"{}\" stands here twice; rename one", section.id));
        }
        sections.push(section);
    }
    let read: BTreeSet<&String> = sections.iter().flat_map(|section| &section.roles).collect();
    if let Some(idle) = roles.keys().find(|role| !read.contains(role)).filter(|_| problems.len() == before) {
        problems.add(place, format!("no section reads {idle:?} of datasets; name it in reads, or remove it"));
    }
    let report = TableReport {
        id: id?,
        title: title(raw.title, problems),
        about: raw.about.map(|about| filled("about", about, problems)),
        roles,
        sections,
        ships,
        sha256,
    };
    (problems.len() == before).then_some(report)
}

/// The schemas that will do for a role; none where any will.
fn role_schemas(given: At<RawWords>, problems: &mut Problems) -> Vec<String> {
    let words = given.value.read("schema", given.place, problems);
    if words.len() == 1 && words.iter().all(|word| word.value == ANY) {
        return Vec::new();
    }
    let known = || DATASET_SCHEMAS.iter().map(|schema| schema.name).chain([REJECTED.name]);
    for word in words.iter().filter(|word| known().all(|name| name != word.value)) {
        let names: Vec<&str> = known().collect();
        let message = format!("schema {:?} does not exist; write {ANY}, or one of: {}", word.value, names.join(", "));
        problems.add(word.place, message);
    }
    words.into_iter().map(|word| word.value).collect()
}

fn section(raw: RawSection, roles: &BTreeMap<String, Vec<String>>, problems: &mut Problems) -> Option<TableSection> {
    let id = problems.keep(raw.section.place, section_name(&raw.section.value));
    let written = problems.written(raw.sql.place);
    let (mut read, mut records) = (Vec::new(), Vec::new());
    if raw.reads.value.is_empty() {
        problems.add(raw.reads.place, "reads is empty; name what the statement reads, for example [requests]");
    }
    for given in raw.reads.value {
        let into = match given.value.strip_prefix(RECORDS_PREFIX) {
            Some(record) => (&mut records, record.to_owned()),
            None if roles.contains_key(&given.value) => (&mut read, given.value.clone()),
            None => {
                problems.add(given.place, unknown_role("reads", &given.value, roles));
                continue;
            }
        };
        if into.0.contains(&into.1) {
            problems.add(given.place, format!("reads has {:?} twice; keep one", given.value));
        }
        into.0.push(into.1);
    }
    let needs = raw.needs.into_iter().filter_map(|given| needed(&given, &read, problems)).collect();
    let columns = raw.columns.into_iter().map(|(name, raw)| (name, column(raw, problems))).collect();
    let chart = raw.chart.and_then(|given| chart(given, problems));
    Some(TableSection {
        id: id?,
        title: title(raw.title, problems),
        note: raw.note.map(|note| filled("note", note, problems)),
        roles: read,
        records,
        needs,
        rows_max: raw.rows.unwrap_or(ROWS_DEFAULT),
        sql: filled("sql", raw.sql, problems),
        columns,
        chart,
        written,
    })
}

fn section_name(given: &str) -> Result<String, String> {
    let id = name("section", given).map_err(|error| error.to_string())?;
    if id.len() > SECTION_NAME_MAX {
        return Err(format!(
            "section {given:?} has more than {SECTION_NAME_MAX} letters, which no sheet has; shorten it"
        ));
    }
    if SHEETS.contains(&given) {
        return Err(format!("section {given:?} is called like a sheet that every report has; choose another name"));
    }
    Ok(id)
}

fn unknown_role(key: &str, given: &str, roles: &BTreeMap<String, Vec<String>>) -> String {
    let known: Vec<&str> = roles.keys().map(String::as_str).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!(
        "{key} names {given:?}, which is not in datasets of this report ({known}); add it there, or write {RECORDS_PREFIX}…"
    )
}

/// `usage.list_cost`: a column of a role that is read.
fn needed(given: &At<String>, read: &[String], problems: &mut Problems) -> Option<NeededColumn> {
    match given.value.split_once('.') {
        Some((role, column)) if read.iter().any(|one| one == role) && !column.is_empty() => {
            Some(NeededColumn { role: role.to_owned(), column: column.to_owned() })
        }
        _ => {
            let message = format!(
                "needs has {:?}, which is no column of what is in reads; write for example usage.list_cost",
                given.value
            );
            problems.add(given.place, message);
            None
        }
    }
}

fn column(raw: RawColumnFormat, problems: &mut Problems) -> ColumnFormat {
    let mut text = |key, given: Option<At<String>>| given.map(|given| filled(key, given, problems));
    ColumnFormat {
        title: text("title", raw.title),
        unit: text("unit", raw.unit),
        shift: raw.shift.unwrap_or(0),
        places: raw.places.unwrap_or(0),
    }
}

fn chart(given: At<RawChart>, problems: &mut Problems) -> Option<SectionChart> {
    let At { value: raw, place } = given;
    let before = problems.len();
    if !(1..=DRAWN_MAX).contains(&raw.y.value.len()) {
        problems.add(raw.y.place, format!("y has {} columns; name 1 to {DRAWN_MAX}", raw.y.value.len()));
    }
    if let (Some(by), true) = (&raw.by, raw.kind == ChartKind::Line && raw.y.value.len() > 1) {
        let why = "by gives each value a line of its own, of one column; name one column in y, or leave by out";
        problems.add(by.place, why);
    }
    let x = raw.x.value.clone();
    let y: Vec<String> = raw.y.value.iter().map(|one| one.value.clone()).collect();
    let by = raw.by.map(|by| by.value);
    // Of bars, the picture of a currency may have that one alone.
    let apart = by.iter().filter(|by| raw.kind == ChartKind::Line || **by != x);
    if let Some(twice) = twice(std::iter::once(&x).chain(&y).chain(apart)) {
        problems.add(place, format!("chart names column {twice:?} twice; keep one"));
    }
    (problems.len() == before).then_some(SectionChart { kind: raw.kind, x, y, by })
}

fn twice<'a>(names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}
