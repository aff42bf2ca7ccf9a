//! One object against a policy: which of its rows are deleted, archived or anonymized.
//!
//! The footer is read first. Statistics say which row groups cannot have a row that is due; of every other one the columns
//! that the policy asks about are decoded, also where the whole object goes: statistics of old writers are wrong or cut off,
//! and they decide nothing. Absent: changing anything.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use chrono::DateTime;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use schemas::InPlace;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::decide::{ErasedRows, GroupFacts, Judge, Protection, Tally, TextFacts, Treatment};
use super::erase::{Erasing, erase_object};
use super::journal::RowCounts;
use super::mask::changed_rows;
use super::open_object::{OpenObject, unreadable};
use super::plan::count;
use super::surgery::RowSet;
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::store::Lakefront;

/// What a policy does to the rows of one object.
#[derive(Debug, Clone, Default)]
pub(crate) struct JudgedObject {
    /// Rows of each row group.
    pub(crate) group_rows: Vec<u64>,
    /// Rows that go.
    pub(crate) deleted: RowSet,
    /// Rows that move to the archive, by what is done.
    pub(crate) archived: BTreeMap<Treatment, RowSet>,
    /// Rows that lose values, by what is done to their columns.
    pub(crate) anonymized: Vec<(BTreeMap<String, InPlace>, RowSet)>,
    /// Rows that are due, by rule.
    pub(crate) rules: BTreeMap<String, u64>,
    pub(crate) rows: RowCounts,
    /// What was counted on the way.
    pub(crate) tally: Tally,
    /// What rewriting loses of the file, each a sentence.
    pub(crate) losses: Vec<String>,
    /// Unit of each column of instants.
    pub(crate) units: BTreeMap<String, TimeUnit>,
    /// Rows of a person that an erasure leaves as they are, by what keeps them.
    pub(crate) refused: BTreeMap<Protection, ErasedRows>,
}

/// What decides about the rows of an object.
#[derive(Debug, Clone)]
pub(crate) enum Decider {
    /// Their age and kind, by a policy.
    Policy(Judge),
    /// Whose they are.
    Person(Judge, Arc<Erasing>),
}

impl Decider {
    /// Looks at an object.
    ///
    /// # Errors
    /// As [`judge_object`].
    pub(crate) async fn look_at(&self, lake: &Lakefront, file: &PinnedFile) -> Result<JudgedObject, EngineError> {
        match self {
            Self::Policy(judge) => judge_object(lake, judge, file).await,
            Self::Person(judge, erasing) => erase_object(lake, judge, erasing, file).await,
        }
    }

    /// The same in a task of its own, because much of the time goes into decoding.
    ///
    /// # Errors
    /// As [`judge_object`].
    pub(crate) async fn look_aside(self, lake: &Lakefront, file: &PinnedFile) -> Result<JudgedObject, EngineError> {
        let (lake, file) = (lake.clone(), file.clone());
        let task = tokio::spawn(async move { self.look_at(&lake, &file).await });
        task.await.map_err(|error| EngineError::Bug { what: format!("a look stopped ({error})") })?
    }

    /// Whether nothing can be due in an object, so that it need not be opened.
    pub(crate) fn excuses(&self, file: &PinnedFile) -> bool {
        match self {
            Self::Policy(judge) => judge.is_idle() || folder_excuses(judge, file),
            Self::Person(..) => false,
        }
    }
}

/// What the digest of row sets is over.
#[derive(Serialize)]
struct RowSets<'a> {
    deleted: &'a RowSet,
    archived: Vec<(&'a Treatment, &'a RowSet)>,
    anonymized: &'a [(BTreeMap<String, InPlace>, RowSet)],
}

impl JudgedObject {
    /// Whether nothing happens to it.
    pub(crate) fn is_untouched(&self) -> bool {
        self.rows.deleted + self.rows.archived + self.rows.anonymized == 0
    }

    /// SHA-256 over which rows it is about, in hex.
    pub(crate) fn row_set_sha256(&self) -> Result<String, EngineError> {
        let sets =
            RowSets { deleted: &self.deleted, archived: self.archived.iter().collect(), anonymized: &self.anonymized };
        let bytes = serde_json_canonicalizer::to_vec(&sets)
            .map_err(|error| EngineError::Bug { what: format!("row sets cannot be written ({error})") })?;
        Ok(schemas::hex(&Sha256::digest(bytes)))
    }

    /// Rows that leave.
    pub(crate) fn leaving(&self) -> RowSet {
        self.archived.values().fold(self.deleted.clone(), |all, rows| all.union(rows))
    }

    /// Row groups of which rows leave or change.
    pub(crate) fn groups_touched(&self) -> u64 {
        let all = self.anonymized.iter().fold(self.leaving(), |all, (_, rows)| all.union(rows));
        (0..self.group_rows.len()).filter(|group| all.len_in(*group) > 0).count() as u64
    }
}

/// Whether the day of an object's folder alone says that no row of it is due, so that it need not be opened.
fn folder_excuses(judge: &Judge, file: &PinnedFile) -> bool {
    let Some((first, _)) = file.date.and_then(crate::dataset::microseconds) else { return false };
    let mut facts = GroupFacts::default();
    facts.time.earliest = DateTime::from_timestamp_micros(first);
    judge.excuse(&facts)
}

/// Looks at an object.
///
/// # Errors
/// When the store fails, the object is another one by now, it is no Parquet file that can be read, or has not the columns
/// that the policy asks about.
async fn judge_object(lake: &Lakefront, judge: &Judge, file: &PinnedFile) -> Result<JudgedObject, EngineError> {
    let unread = |error: ParquetError| unreadable(file, error);
    let object = OpenObject::open(lake.store(), file).await.map_err(unread)?;
    let footer = object.footer();
    let group_rows = footer.row_groups().iter().map(|group| u64::try_from(group.num_rows()).unwrap_or_default());
    let mut judged = JudgedObject { group_rows: group_rows.collect(), ..JudgedObject::default() };
    judged.rows.before = judged.group_rows.iter().sum();
    judged.units = units(object.schema());
    let facts = facts_of(judge, footer, object.schema()).map_err(unread)?;
    let groups: Vec<usize> = (0..facts.len()).filter(|group| !judge.excuse(&facts[*group])).collect();
    for (group, facts) in facts.iter().enumerate().filter(|(group, _)| !groups.contains(group)) {
        judged.tally.rows += facts.rows.unwrap_or(judged.group_rows[group]);
        judged.tally.kept += facts.rows.unwrap_or(judged.group_rows[group]);
    }
    let mut treated: BTreeMap<Treatment, Vec<(usize, Range<u64>)>> = BTreeMap::new();
    for group in groups {
        let rows = object.read(&judge.columns(), group).await.map_err(unread)?;
        let verdicts = judge
            .decide(&rows)
            .map_err(|error| EngineError::Input { path: file.path().to_owned(), why: error.to_string() })?;
        for (run, treatment) in verdicts.runs() {
            treated.entry(treatment.clone()).or_default().push((group, run.start as u64..run.end as u64));
        }
        judged.tally.add(verdicts.tally);
    }
    for (treatment, runs) in treated {
        judged.take(judge, (&object, file), (&treatment, runs)).await?;
    }
    judged.rows.after = judged.rows.before - judged.rows.deleted - judged.rows.archived;
    Ok(judged)
}

impl JudgedObject {
    /// Sorts rows in under what is done to them.
    async fn take(
        &mut self,
        judge: &Judge,
        (object, file): (&OpenObject, &PinnedFile),
        (treatment, runs): (&Treatment, Vec<(usize, Range<u64>)>),
    ) -> Result<(), EngineError> {
        let mut rows = RowSet::new();
        runs.into_iter().for_each(|(group, run)| rows.insert(group, run));
        match treatment {
            Treatment::Delete { .. } => self.deleted = self.deleted.union(&rows),
            Treatment::Archive { .. } => drop(self.archived.insert(treatment.clone(), rows.clone())),
            Treatment::Anonymize { .. } => {
                let columns = columns_of(judge, treatment, object);
                rows = changing((object, file), (&columns, &rows)).await?;
                if !rows.is_empty() {
                    self.anonymized.push((columns, rows.clone()));
                }
            }
        }
        let rules: Vec<&String> = match treatment {
            Treatment::Delete { rule } | Treatment::Archive { rule } => vec![rule],
            Treatment::Anonymize { rules } => rules.iter().collect(),
        };
        count(&mut self.rows, treatment, rows.len());
        for rule in rules.into_iter().filter(|_| !rows.is_empty()) {
            *self.rules.entry(rule.clone()).or_default() += rows.len();
        }
        Ok(())
    }
}

/// What is done to columns that the object has.
pub(super) fn columns_of(judge: &Judge, treatment: &Treatment, object: &OpenObject) -> BTreeMap<String, InPlace> {
    let mut columns = judge.in_place(treatment);
    columns.retain(|column, _| object.schema().index_of(column).is_ok());
    columns
}

/// Those rows that would change.
pub(super) async fn changing(
    (object, file): (&OpenObject, &PinnedFile),
    (columns, rows): (&BTreeMap<String, InPlace>, &RowSet),
) -> Result<RowSet, EngineError> {
    let unread = |error: ParquetError| unreadable(file, error);
    let names: Vec<String> = columns.keys().cloned().collect();
    let mut change = RowSet::new();
    for (group, ranges) in rows.groups() {
        let read = object.read(&names, group).await.map_err(unread)?;
        let mut changes = vec![false; read.num_rows()];
        for (name, method) in columns {
            let (Some(column), Ok(field)) = (read.column_by_name(name), object.schema().field_with_name(name)) else {
                continue;
            };
            let of = changed_rows(method, column, field.is_nullable())
                .map_err(|error| unreadable(file, ParquetError::ArrowError(error.to_string())))?;
            changes.iter_mut().zip(of).for_each(|(all, one)| *all |= one);
        }
        let does = |row: &u64| usize::try_from(*row).ok().and_then(|row| changes.get(row)).copied().unwrap_or(false);
        ranges.iter().flat_map(Clone::clone).filter(does).for_each(|row| change.insert(group, row..row + 1));
    }
    Ok(change)
}

pub(super) fn units(schema: &Schema) -> BTreeMap<String, TimeUnit> {
    let of = schema.fields().iter().filter_map(|field| match field.data_type() {
        DataType::Timestamp(unit, _) => Some((field.name().clone(), *unit)),
        _ => None,
    });
    of.collect()
}

/// What the footer says of each row group.
fn facts_of(judge: &Judge, footer: &ParquetMetaData, schema: &SchemaRef) -> Result<Vec<GroupFacts>, ParquetError> {
    let groups = footer.row_groups();
    let mut all: Vec<GroupFacts> = groups
        .iter()
        .map(|group| GroupFacts { rows: u64::try_from(group.num_rows()).ok(), ..GroupFacts::default() })
        .collect();
    for (place, column) in judge.columns().into_iter().enumerate() {
        let is_time = place == 0;
        // A column that the file has not is null throughout, and so is nothing that statistics could say.
        if schema.index_of(&column).is_err() {
            let nulls = |facts: &mut GroupFacts| facts.texts.entry(column.clone()).or_default().nulls = facts.rows;
            all.iter_mut().for_each(nulls);
            continue;
        }
        let parquet_schema = footer.file_metadata().schema_descr();
        // Of nested columns there are none.
        let Ok(converter) = StatisticsConverter::try_new(&column, schema, parquet_schema) else { continue };
        let nulls = converter.row_group_null_counts(groups)?;
        let mins = converter.row_group_mins(groups)?;
        let maxes = converter.row_group_maxes(groups)?;
        for (group, facts) in all.iter_mut().enumerate() {
            let nulls = nulls.is_valid(group).then(|| nulls.value(group));
            if is_time {
                facts.time.nulls = nulls;
                facts.time.earliest = instant(&mins, group);
            } else {
                let of = TextFacts { min: text(&mins, group), max: text(&maxes, group), nulls };
                facts.texts.insert(column.clone(), of);
            }
        }
    }
    Ok(all)
}

fn instant(values: &ArrayRef, at: usize) -> Option<DateTime<chrono::Utc>> {
    let micros = cast(&values.slice(at, 1), &DataType::Timestamp(TimeUnit::Microsecond, None)).ok()?;
    let micros = micros.as_primitive_opt::<TimestampMicrosecondType>()?;
    micros.is_valid(0).then(|| DateTime::from_timestamp_micros(micros.value(0))).flatten()
}

fn text(values: &ArrayRef, at: usize) -> Option<String> {
    if !matches!(
        values.data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..)
    ) {
        return None;
    }
    let texts = cast(&values.slice(at, 1), &DataType::Utf8).ok()?;
    let texts = texts.as_string_opt::<i32>()?;
    texts.is_valid(0).then(|| texts.value(0).to_owned())
}
