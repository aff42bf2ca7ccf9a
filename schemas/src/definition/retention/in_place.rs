//! `anonymize` of a rule: what becomes of each column, in place.
//!
//! A method that changes nothing the second time is all there is, so that an unchanged row is in no plan. Columns that
//! place a row, and those by which rules and holds tell rows, stay as they are.

use std::collections::{BTreeMap, BTreeSet};

use super::super::checked::Dataset;
use super::super::dataset::column;
use super::super::later;
use super::super::nearest::nearest;
use super::super::problem::{Place, Problems};
use super::super::raw_retention::RawInPlace;
use super::super::yaml::At;
use super::{InRule, rows};
use crate::retention::{Disposition, InPlace, RetentionRule};
use crate::table::{Column, ColumnType};
use crate::tables::REJECTED;

/// Words of methods.
const METHODS: [&str; 5] = ["redact", "constant", "mask", "truncate_ip", "floor"];
/// Most characters that mask keeps.
const KEEP_MAX: u32 = 64;
/// Bits of an IPv4 address that stay unless the policy says otherwise.
const V4_DEFAULT: u8 = 24;
/// Bits of an IPv6 address that stay unless the policy says otherwise.
const V6_DEFAULT: u8 = 48;
/// Column that holds a refused record whole, whoever it names.
const RAW: &str = "raw";

pub(super) fn build(
    listed: At<BTreeMap<String, At<RawInPlace>>>,
    dataset: &Dataset,
    within: InRule<'_>,
    problems: &mut Problems,
) -> BTreeMap<String, InPlace> {
    let At { value: listed, place } = listed;
    let fixed = fixed(dataset);
    check_left(&listed, dataset, &fixed, within, place, problems);
    let mut columns = BTreeMap::new();
    for (name, given) in listed {
        if fixed.contains(name.as_str()) {
            let message = format!("column \"{name}\" places the row and cannot be changed in place; leave it out");
            within.add(given.place, &message, problems);
            continue;
        }
        let known = if dataset.is_inferred() { Ok(None) } else { column(dataset.schema, &name).map(Some) };
        let method = known.and_then(|known| {
            let method = method(&given.value)?;
            known.map_or(Ok(()), |column| fits(&method, column)).map(|()| method)
        });
        match method {
            Ok(method) => {
                surplus(&given, &method, within, problems);
                columns.insert(name, method);
            }
            Err(why) => within.add(given.place, &why, problems),
        }
    }
    columns
}

/// Columns by which a row lies where it lies: in its folder, in the order of its file, and as itself.
fn fixed(dataset: &Dataset) -> BTreeSet<&str> {
    let schema = dataset.schema;
    let named = schema.key.iter().chain(schema.sort).chain(&schema.time).copied();
    let declared = dataset.time.iter().chain([&dataset.tenant]).map(String::as_str);
    named.chain(declared).filter(|name| !name.is_empty()).collect()
}

/// Says which columns still name or describe persons.
fn check_left(
    listed: &BTreeMap<String, At<RawInPlace>>,
    dataset: &Dataset,
    fixed: &BTreeSet<&str>,
    within: InRule<'_>,
    place: Place,
    problems: &mut Problems,
) {
    let classed = dataset.classes.keys().filter(|name| dataset.is_personal(name));
    let mut personal: BTreeSet<&str> = classed.chain(&dataset.subjects).map(String::as_str).collect();
    if dataset.schema.name == REJECTED.name {
        personal.insert(RAW);
    }
    let (kept, left): (Vec<&str>, Vec<&str>) =
        personal.into_iter().filter(|name| !listed.contains_key(*name)).partition(|name| fixed.contains(name));
    if !left.is_empty() {
        let message = format!(
            "anonymize leaves columns as they are that name or describe persons: {}; give each a method, for example \
             {{method: redact}}",
            left.join(", ")
        );
        within.add(place, &message, problems);
    }
    if !kept.is_empty() {
        let message = format!(
            "columns that name or describe persons place the rows of dataset \"{}\" and cannot be changed in place: \
             {}; write disposition: delete",
            dataset.id,
            kept.join(", ")
        );
        within.add(place, &message, problems);
    }
}

fn method(raw: &RawInPlace) -> Result<InPlace, String> {
    let given = raw.method.value.as_str();
    let lacks = |key: &str, example: &str| format!("method {given:?} needs {key}; add for example {example}");
    Ok(match given {
        "redact" => InPlace::Redact,
        "constant" => InPlace::Constant { value: raw.value.clone().ok_or_else(|| lacks("value", "value: anonymous"))? },
        "mask" => match (raw.first, raw.last) {
            (Some(_), Some(_)) => return Err("method \"mask\" keeps first or last; write one of them".to_owned()),
            (None | Some(0), None) | (None, Some(0)) => return Err(lacks("first or last", "last: 4")),
            (Some(keep), None) | (None, Some(keep)) if keep > KEEP_MAX => {
                return Err(format!("method \"mask\" keeps {keep} characters; write at most {KEEP_MAX}"));
            }
            (Some(keep), None) => InPlace::Mask { keep, last: false },
            (None, Some(keep)) => InPlace::Mask { keep, last: true },
        },
        "truncate_ip" => InPlace::TruncateIp { v4: raw.v4.unwrap_or(V4_DEFAULT), v6: raw.v6.unwrap_or(V6_DEFAULT) },
        "floor" => InPlace::Floor { to: raw.to.ok_or_else(|| lacks("to", "to: day"))? },
        other => return Err(unknown(other)),
    })
}

fn unknown(given: &str) -> String {
    let methods = METHODS.join(", ");
    if let Some((_, instead)) = later::METHODS.iter().find(|(method, _)| *method == given) {
        return format!("method {given:?} is not in this version in place; {instead} (methods are: {methods})");
    }
    let offer = nearest(given, METHODS).map(|near| format!(" did you mean \"{near}\"?"));
    format!("method {given:?} does not exist;{} methods are: {methods}", offer.unwrap_or_default())
}

/// Says which keys a method has no use for.
fn surplus(given: &At<RawInPlace>, method: &InPlace, within: InRule<'_>, problems: &mut Problems) {
    let raw = &given.value;
    let is_mask = matches!(method, InPlace::Mask { .. });
    let is_address = matches!(method, InPlace::TruncateIp { .. });
    let keys = [
        ("value", raw.value.is_some(), matches!(method, InPlace::Constant { .. })),
        ("first", raw.first.is_some(), is_mask),
        ("last", raw.last.is_some(), is_mask),
        ("v4", raw.v4.is_some(), is_address),
        ("v6", raw.v6.is_some(), is_address),
        ("to", raw.to.is_some(), matches!(method, InPlace::Floor { .. })),
    ];
    for (key, _, _) in keys.into_iter().filter(|(_, is_given, is_used)| *is_given && !is_used) {
        let message = format!("method {:?} has no use for {key}; leave it out", raw.method.value);
        within.add(given.place, &message, problems);
    }
}

fn fits(method: &InPlace, column: &Column) -> Result<(), String> {
    let wanted = match method {
        InPlace::Redact => return Ok(()),
        InPlace::Constant { .. } | InPlace::Mask { .. } | InPlace::TruncateIp { .. } => ColumnType::Str,
        InPlace::Floor { .. } => ColumnType::Ts,
    };
    if column.kind == wanted {
        return Ok(());
    }
    Err(format!(
        "column \"{}\" is of type {}, and method {:?} is for {}; write {{method: redact}}",
        column.name,
        column.kind.name(),
        method.as_str(),
        wanted.name()
    ))
}

/// Says which columns a rule changes by which others, or holds, tell what must stay. A maximum may look at them: what no
/// longer meets it stays.
pub(super) fn check_telling(rules: &[RetentionRule], places: &[Place], problems: &mut Problems) {
    let minima = rules.iter().filter(|rule| rule.minimum.is_some()).map(|rule| &rule.rows);
    let telling = rows::telling(minima);
    for (rule, place) in rules.iter().zip(places) {
        let Some(Disposition::Anonymize(columns)) = rule.maximum.as_ref().map(|due| &due.disposition) else { continue };
        for name in columns.keys().filter(|name| telling.contains(name.as_str())) {
            problems.add(
                *place,
                format!(
                    "rule \"{}\": anonymize changes column \"{name}\", by which rules or holds tell what must stay; \
                     leave it out",
                    rule.name
                ),
            );
        }
    }
}
