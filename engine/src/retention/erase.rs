//! One object against a person: which of its rows are theirs, and which go, lose what names them, or stay.
//!
//! Rows are found by their values; neither an index nor the bounds of a footer excuse an object. Bloom filters do, which
//! never keep silent about a value. Absent: whether an erasure is justified, and changing anything.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use parquet::errors::ParquetError;
use schemas::{Dataset, ErasureRule, InPlace};

use super::decide::{Dates, Erased, ErasedRows, Judge, Protection};
use super::find::find;
use super::object::{JudgedObject, units};
use super::open_object::{OpenObject, unread, unsearchable};
use super::person::Person;
use super::surgery::RowSet;
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::store::Lakefront;

/// What stands in a column that named the person.
pub const ERASED: &str = "erased";
/// Columns of hashes over what a row was made of: they confirm a guess.
const UNKEYED_HASHES: [&str; 2] = ["raw_hash", "hash"];

/// Whose rows an erasure is about, and what it does to them.
#[derive(Debug, Clone)]
pub struct Erasing {
    /// Who.
    pub person: Person,
    /// The dataset that the objects belong to; of an archive, the one that its rows came from.
    pub dataset: Dataset,
    /// What is done.
    pub rule: ErasureRule,
    /// Rows after this instant are new data and none of its business; none where every row is meant.
    pub until: Option<DateTime<Utc>>,
}

/// Looks at an object.
///
/// # Errors
/// When the store fails, the object is another one by now, it is no Parquet file that can be read, or has not the columns
/// that decide.
pub(crate) async fn erase_object(
    lake: &Lakefront,
    judge: &Judge,
    erasing: &Erasing,
    file: &PinnedFile,
) -> Result<JudgedObject, EngineError> {
    let theirs = rows_of(lake, erasing, file).await?;
    let unread = |error: ParquetError| unread(file, error);
    let object = OpenObject::open(lake.store(), file).await.map_err(unread)?;
    let group_rows =
        object.footer().row_groups().iter().map(|group| u64::try_from(group.num_rows()).unwrap_or_default());
    let mut judged =
        JudgedObject { group_rows: group_rows.collect(), units: units(object.schema()), ..Default::default() };
    judged.rows.before = judged.group_rows.iter().sum();
    let losing = losing(erasing, &object);
    let mut anonymized: BTreeMap<BTreeSet<String>, RowSet> = BTreeMap::new();
    for (group, ranges) in theirs.groups() {
        let read = object.read_rows(&columns(judge, erasing), group, ranges).await.map_err(unread)?;
        let is_meant = meant(erasing, &read).map_err(unread)?;
        let batch = filter_record_batch(&read, &is_meant).map_err(|error| unread(error.into()))?;
        let rows = ranges.iter().flat_map(Clone::clone).zip(is_meant.values()).filter(|(_, is_meant)| *is_meant);
        let rows: Vec<u64> = rows.map(|(row, _)| row).collect();
        let erasure = judge
            .erase(&batch, erasing.rule)
            .map_err(|error| EngineError::Input { path: file.path().to_owned(), why: error.to_string() })?;
        let named = named(erasing, &batch).map_err(unread)?;
        for (at, row) in rows.iter().enumerate() {
            match erasure.of_row(at) {
                Some(Erased::Delete) => judged.deleted.insert(group, *row..row + 1),
                Some(Erased::Anonymize { .. }) => {
                    let columns = named.iter().filter(|(_, rows)| rows.value(at)).map(|(column, _)| column.clone());
                    anonymized.entry(columns.collect()).or_default().insert(group, *row..row + 1);
                }
                Some(Erased::Refuse { .. }) | None => {}
            }
        }
        add_refused(&mut judged.refused, refused(&erasure.rows));
    }
    for (named, rows) in anonymized {
        judged.rows.anonymized += rows.len();
        judged.anonymized.push((in_place(&named, &losing, &object), rows));
    }
    judged.rows.deleted = judged.deleted.len();
    judged.rows.after = judged.rows.before - judged.rows.deleted;
    Ok(judged)
}

/// The rows of an object that are the person's.
pub(crate) async fn rows_of(lake: &Lakefront, erasing: &Erasing, file: &PinnedFile) -> Result<RowSet, EngineError> {
    let pinned = OpenObject::pinned(lake.store(), file);
    let mut rows = RowSet::new();
    for sought in erasing.person.sought(&erasing.dataset) {
        let found = find(pinned.as_ref(), &file.meta.location, file.meta.size, &sought).await;
        rows = rows.union(&found.map_err(|error| unsearchable(file, error))?.rows);
    }
    let scanned: Vec<String> = Person::scanned(&erasing.dataset).iter().map(|column| (*column).to_owned()).collect();
    if scanned.is_empty() {
        return Ok(rows);
    }
    let unread = |error: ParquetError| unread(file, error);
    let object = OpenObject::open(lake.store(), file).await.map_err(unread)?;
    let mentions = erasing.person.mentions();
    for group in 0..object.footer().num_row_groups() {
        let read = object.read(&scanned, group).await.map_err(unread)?;
        for column in read.columns() {
            let bytes = cast(column, &DataType::Binary).map_err(|error| unread(error.into()))?;
            let bytes = bytes.as_binary::<i32>();
            let hits = (0..bytes.len()).filter(|row| bytes.is_valid(*row) && mentions.stand_in(bytes.value(*row)));
            hits.for_each(|row| rows.insert(group, row as u64..row as u64 + 1));
        }
    }
    Ok(rows)
}

/// The columns that decide about a row, and those that may name the person.
fn columns(judge: &Judge, erasing: &Erasing) -> Vec<String> {
    let mut columns = judge.columns();
    columns.extend(erasing.dataset.subjects.iter().filter(|subject| !judge.columns().contains(subject)).cloned());
    columns
}

/// Which rows are not new data.
fn meant(erasing: &Erasing, batch: &RecordBatch) -> Result<BooleanArray, ParquetError> {
    let time = erasing.dataset.time.as_ref().and_then(|time| batch.column_by_name(time));
    let (Some(until), Some(time)) = (erasing.until, time) else {
        return Ok(BooleanArray::from(vec![true; batch.num_rows()]));
    };
    let instants = cast(time, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
    let instants = instants.as_primitive::<TimestampMicrosecondType>();
    let is_meant = |row: usize| !instants.is_valid(row) || instants.value(row) <= until.timestamp_micros();
    Ok((0..batch.num_rows()).map(is_meant).collect())
}

/// Of each column that names people, in which rows it names the person.
fn named(erasing: &Erasing, batch: &RecordBatch) -> Result<Vec<(String, BooleanArray)>, ParquetError> {
    let mut named = Vec::new();
    for column in &erasing.dataset.subjects {
        let Some(values) = batch.column_by_name(column) else { continue };
        let wanted = erasing.person.values_in(&erasing.dataset.id, column);
        let is_named = match cast(values, &DataType::Utf8) {
            Ok(texts) => {
                let texts = texts.as_string::<i32>();
                (0..texts.len()).map(|row| texts.is_valid(row) && wanted.contains(texts.value(row))).collect()
            }
            // Of what has no text, such as a list, all goes.
            Err(_) => vec![true; values.len()],
        };
        named.push((column.clone(), BooleanArray::from(is_named)));
    }
    Ok(named)
}

/// Whether a column loses its value in every row of a person's that stays: it is about them, whoever it names.
pub(crate) fn loses(dataset: &Dataset, column: &str) -> bool {
    let is_kept = dataset.subjects.iter().any(|subject| subject == column)
        || dataset.time.as_deref() == Some(column)
        || dataset.tenant == column;
    let is_raw = Person::scanned(dataset).contains(&column);
    !is_kept && (is_raw || dataset.is_personal(column) || UNKEYED_HASHES.contains(&column))
}

/// Columns of an object that lose their values.
fn losing(erasing: &Erasing, object: &OpenObject) -> BTreeSet<String> {
    let names = object.schema().fields().iter().map(|field| field.name().clone());
    names.filter(|name| loses(&erasing.dataset, name)).collect()
}

/// What is done to the columns of a row.
fn in_place(named: &BTreeSet<String>, losing: &BTreeSet<String>, object: &OpenObject) -> BTreeMap<String, InPlace> {
    let is_text = |column: &str| {
        let kind = object.schema().field_with_name(column).map(|field| crate::dataset_table::plain(field.data_type()));
        kind.is_ok_and(|kind| kind == DataType::Utf8)
    };
    let of_named = named.iter().map(|column| {
        let method = if is_text(column) { InPlace::Constant { value: ERASED.to_owned() } } else { InPlace::Redact };
        (column.clone(), method)
    });
    of_named.chain(losing.iter().map(|column| (column.clone(), InPlace::Redact))).collect()
}

/// Rows that stay as they are.
fn refused(rows: &BTreeMap<Erased, ErasedRows>) -> BTreeMap<Protection, ErasedRows> {
    let of = |(erased, rows): (&Erased, &ErasedRows)| match erased {
        Erased::Refuse { because } => Some((because.clone(), *rows)),
        Erased::Delete | Erased::Anonymize { .. } => None,
    };
    rows.iter().filter_map(of).collect()
}

/// Counts rows that stay as they are.
pub(super) fn add_refused(all: &mut BTreeMap<Protection, ErasedRows>, more: BTreeMap<Protection, ErasedRows>) {
    for (because, of) in more {
        let sum = all.entry(because).or_insert(ErasedRows { rows: 0, until: None });
        sum.rows += of.rows;
        sum.until = both(sum.until, of.until);
    }
}

/// The span of both.
fn both(one: Option<Dates>, other: Option<Dates>) -> Option<Dates> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Dates { first: one.first.min(other.first), last: one.last.max(other.last) }),
        (one, other) => one.or(other),
    }
}
