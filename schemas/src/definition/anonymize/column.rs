//! The columns of a copy, each against its column in the dataset.

use std::collections::BTreeMap;

use super::super::checked::Dataset;
use super::super::dataset::column as column_of;
use super::super::problem::Problems;
use super::super::raw_anonymize::RawCopyColumn;
use super::super::yaml::At;
use super::{hierarchy, method};
use crate::access::MaskKey;
use crate::anonymize::{CopyColumn, CopyMethod, HierarchySource, Role};
use crate::table::{Column, ColumnType};

/// What the columns are checked against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns<'a> {
    /// The dataset; none where its own file is wrong.
    pub(super) dataset: Option<&'a Dataset>,
    /// What pseudonyms are for where nobody says.
    pub(super) purpose: &'a str,
}

impl Columns<'_> {
    pub(super) fn build(
        self,
        listed: At<BTreeMap<String, At<RawCopyColumn>>>,
        problems: &mut Problems,
    ) -> BTreeMap<String, CopyColumn> {
        if listed.value.is_empty() {
            problems
                .add(listed.place, "columns is empty, so only personal columns would go; name what becomes of them");
        }
        let mut columns = BTreeMap::new();
        let mut keys: Vec<MaskKey> = Vec::new();
        for (name, given) in listed.value {
            let before = problems.len();
            let place = given.place;
            let known = match self.dataset {
                Some(dataset) if !dataset.is_inferred() => match column_of(dataset.schema, &name) {
                    Ok(column) => Some(column),
                    Err(why) => {
                        problems.add(place, why);
                        continue;
                    }
                },
                _ => None,
            };
            let column = self.column(given, problems);
            if problems.len() > before {
                continue;
            }
            if let Some(key) = column.method.as_ref().and_then(CopyMethod::key) {
                match keys.iter().find(|other| other.id == key.id && other.secret != key.secret) {
                    Some(_) => {
                        let message = format!(
                            "key id \"{}\" stands for two secrets; give each an id of its own, or values of both look \
                             alike",
                            key.id
                        );
                        problems.add(place, message);
                    }
                    None => keys.push(key.clone()),
                }
            }
            if let Some(known) = known {
                problems.keep(place, fits(&column, known));
            }
            if let Some(CopyMethod::Shift { by, .. }) = &column.method
                && let Some(dataset) = self.dataset.filter(|dataset| !dataset.is_inferred())
            {
                problems.keep(place, column_of(dataset.schema, by).map_err(|why| format!("by: {why}")));
            }
            columns.insert(name, column);
        }
        columns
    }

    fn column(self, given: At<RawCopyColumn>, problems: &mut Problems) -> CopyColumn {
        let At { value: raw, place } = given;
        let role = raw.role.as_ref().map(|role| role.value);
        let ladder = raw.hierarchy.as_ref().and_then(|given| hierarchy::build(given, problems));
        if raw.method.is_none() {
            method::surplus_without(&raw, place, problems);
        }
        let method = method::build(&raw, place, (self, ladder.clone()), problems);
        let is_method = raw.method.as_ref().is_some_and(|method| method.value == "hierarchy");
        if raw.hierarchy.is_some() && !is_method {
            if role != Some(Role::Quasi) {
                problems.add(
                    place,
                    "a hierarchy is for a quasi identifier; add role: quasi, or write method: hierarchy with a level",
                );
            } else if raw.method.is_some() {
                problems.add(place, "a column has a method or a hierarchy that is searched; leave one out");
            }
        }
        if matches!(method, Some(CopyMethod::Drop | CopyMethod::Redact | CopyMethod::Constant { .. })) && role.is_some()
        {
            problems.add(place, "a column without values of its own has no role; leave role out");
        }
        if raw.method.is_none() && role.is_none() {
            problems
                .add(place, "nothing is said of the column; give it a method, for example {method: redact}, or a role");
        }
        CopyColumn { method, role, ladder: ladder.filter(|_| !is_method) }
    }
}

/// Whether a method, a role and a hierarchy are for a column of this type.
fn fits(column: &CopyColumn, known: &Column) -> Result<(), String> {
    let kind = known.kind;
    let is_int = matches!(kind, ColumnType::I16 | ColumnType::I32 | ColumnType::I64);
    let is_simple = is_int || matches!(kind, ColumnType::Str | ColumnType::Bool | ColumnType::F64 | ColumnType::Ts);
    let unfit = |what: &str, wanted: &str| {
        Err(format!("column \"{}\" is of type {}, and {what} is for {wanted}", known.name, kind.name()))
    };
    let ladder = |source: &HierarchySource| match source {
        HierarchySource::Width(_) if !is_int => unfit("a hierarchy of widths", "i16, i32 and i64"),
        HierarchySource::Prefix(_) if kind != ColumnType::Str => unfit("a hierarchy of prefixes", "str"),
        HierarchySource::File { .. } if !(is_int || matches!(kind, ColumnType::Str | ColumnType::Bool)) => {
            unfit("a hierarchy", "str, bool, i16, i32 and i64")
        }
        _ => Ok(()),
    };
    if let Some(source) = column.hierarchy() {
        ladder(source)?;
    }
    if column.role.is_some() && !is_simple {
        return unfit("a role", "str, bool, i16, i32, i64, f64 and ts; drop it, or redact it");
    }
    let Some(method) = &column.method else { return Ok(()) };
    let (is_fit, wanted) = match method {
        CopyMethod::Drop | CopyMethod::Redact | CopyMethod::Hierarchy { .. } => return Ok(()),
        CopyMethod::Constant { value } => return constant_fits(value, known),
        CopyMethod::Mask { .. } | CopyMethod::Fpe { .. } | CopyMethod::TruncateIp { .. } => {
            (kind == ColumnType::Str, "str")
        }
        CopyMethod::Pseudonym { .. } => (is_int || kind == ColumnType::Str, "str, i16, i32 and i64"),
        CopyMethod::Floor { .. } | CopyMethod::Shift { .. } => (kind == ColumnType::Ts, "ts"),
        CopyMethod::Bucket { .. } | CopyMethod::Round { .. } | CopyMethod::Clamp { .. } => {
            (is_int || kind == ColumnType::F64, "i16, i32, i64 and f64")
        }
        CopyMethod::Grid { .. } => (kind == ColumnType::F64, "f64"),
    };
    if is_fit {
        return Ok(());
    }
    unfit(&format!("method {:?}", method.as_str()), &format!("{wanted}; write {{method: redact}}"))
}

fn constant_fits(value: &str, known: &Column) -> Result<(), String> {
    let is_fit = match known.kind {
        ColumnType::Str => true,
        ColumnType::Bool => value.parse::<bool>().is_ok(),
        ColumnType::I16 => value.parse::<i16>().is_ok(),
        ColumnType::I32 => value.parse::<i32>().is_ok(),
        ColumnType::I64 => value.parse::<i64>().is_ok(),
        ColumnType::F64 => value.parse::<f64>().is_ok_and(f64::is_finite),
        ColumnType::Ts => crate::instant::parse_rfc3339(value).is_ok(),
        _ => false,
    };
    if is_fit {
        return Ok(());
    }
    Err(format!("value {value:?} is none of column \"{}\", which is of type {}", known.name, known.kind.name()))
}
