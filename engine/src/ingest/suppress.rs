//! Rows of persons who were erased, on their way back in: a source that is late, or one that is read again.
//!
//! What an erasure would do to such a row is done at once: it is left out, loses what names the person, or stays where a hold
//! keeps it. Rows after the erasure are new data and stay. Which erasures count is part of the plan of an ingest, so that a
//! retry makes the same files. Absent: records that cannot be read, of which nobody knows whom they name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, make_array, new_null_array};
use arrow::array::{ArrayData, Datum, Scalar};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use schemas::{Dataset, RetentionPolicy, kind_in};

use crate::error::EngineError;
use crate::retention::{ERASED, Erased, Judge, OpenCase, loses};
use crate::subject::{ErasureRecord, Ledger, PersonKeys};

/// Who was erased, and what becomes of rows that name them.
#[derive(Clone)]
pub struct Suppression {
    /// Every erasure.
    pub erasures: Vec<ErasureRecord>,
    /// Keys of their references, and kinds of identifiers in columns.
    pub known: PersonKeys,
    /// What protects rows of the dataset.
    pub policy: RetentionPolicy,
    /// Cases that hold.
    pub holds: Vec<OpenCase>,
}

/// Says how many, and never who.
impl fmt::Debug for Suppression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suppression").field("erasures", &self.erasures.len()).finish_non_exhaustive()
    }
}

impl Suppression {
    /// The numbers of its cases.
    pub(crate) fn cases(&self) -> Vec<String> {
        let cases: BTreeSet<String> = self.erasures.iter().map(|record| record.case.to_string()).collect();
        cases.into_iter().collect()
    }

    /// What is done to rows of a dataset, as far as some cases are about them; none where they are about nobody.
    pub(crate) fn of(&self, dataset: &Dataset, cases: &[String], now: DateTime<Utc>) -> Option<Suppressor> {
        let counts = |record: &&ErasureRecord| cases.iter().any(|case| case == record.case.as_str());
        let ledger = Ledger::of(self.erasures.iter().filter(counts).cloned());
        (!ledger.is_empty() && !dataset.subjects.is_empty()).then(|| Suppressor {
            judge: Judge::new(&self.policy, &self.holds, dataset, now),
            of: self.clone(),
            dataset: dataset.clone(),
            ledger,
        })
    }
}

/// What is done to rows of one dataset.
#[derive(Debug, Clone)]
pub(crate) struct Suppressor {
    of: Suppression,
    dataset: Dataset,
    ledger: Ledger,
    judge: Judge,
}

impl Suppressor {
    /// The rows that go on, and how many are left out.
    pub(crate) fn pass(&self, batch: RecordBatch) -> Result<(RecordBatch, u64), EngineError> {
        let failed =
            |why: &dyn fmt::Display| EngineError::Bug { what: format!("rows cannot be looked through ({why})") };
        let named = self.named(&batch).map_err(|error| failed(&error))?;
        let is_theirs: Vec<bool> =
            (0..batch.num_rows()).map(|row| named.iter().any(|(_, rows)| rows.value(row))).collect();
        if !is_theirs.contains(&true) {
            return Ok((batch, 0));
        }
        let theirs =
            filter_record_batch(&batch, &BooleanArray::from(is_theirs.clone())).map_err(|error| failed(&error))?;
        let erasure = self.judge.erase(&theirs, self.of.policy.erasure).map_err(|error| failed(&error))?;
        let mut fates = erasure.by_row().iter();
        let (mut goes, mut loses) = (vec![false; batch.num_rows()], vec![false; batch.num_rows()]);
        for row in (0..batch.num_rows()).filter(|row| is_theirs[*row]) {
            match fates.next() {
                Some(Erased::Delete) => goes[row] = true,
                Some(Erased::Anonymize { .. }) => loses[row] = true,
                Some(Erased::Refuse { .. }) | None => {}
            }
        }
        let left_out = goes.iter().filter(|goes| **goes).count() as u64;
        let batch = if loses.contains(&true) {
            self.anonymized(&batch, &named, &loses).map_err(|error| failed(&error))?
        } else {
            batch
        };
        let stays: BooleanArray = goes.into_iter().map(|goes| Some(!goes)).collect();
        Ok((filter_record_batch(&batch, &stays).map_err(|error| failed(&error))?, left_out))
    }

    /// Of each column that names people, in which rows it names somebody who was erased after the row's time.
    fn named(&self, batch: &RecordBatch) -> Result<Vec<(String, BooleanArray)>, arrow::error::ArrowError> {
        let time = self.dataset.time.as_ref().and_then(|time| batch.column_by_name(time));
        let instants = time.map(|time| cast(time, &DataType::Timestamp(TimeUnit::Microsecond, None))).transpose()?;
        let instants = instants.as_ref().map(|instants| instants.as_primitive::<TimestampMicrosecondType>());
        let mut named = Vec::new();
        for column in &self.dataset.subjects {
            let Some(Ok(texts)) = batch.column_by_name(column).map(|values| cast(values, &DataType::Utf8)) else {
                continue;
            };
            let texts = texts.as_string::<i32>();
            let kind = kind_in(&self.of.known.kinds, &self.dataset.id, column);
            let is_kind = |of: &str| kind == of;
            // Most values come again and again.
            let mut known: BTreeMap<&str, Option<DateTime<Utc>>> = BTreeMap::new();
            let mut is_named = |row: usize| {
                let value = texts.is_valid(row).then(|| texts.value(row))?;
                let erased = *known
                    .entry(value)
                    .or_insert_with(|| self.ledger.erased(&self.of.known.keys, value, is_kind).map(|gone| gone.at));
                let at = instants.filter(|instants| instants.is_valid(row)).map(|instants| instants.value(row));
                Some(erased.is_some_and(|erased| at.is_none_or(|at| at <= erased.timestamp_micros())))
            };
            let rows: BooleanArray = (0..texts.len()).map(|row| Some(is_named(row).unwrap_or(false))).collect();
            named.push((column.clone(), rows));
        }
        Ok(named)
    }

    /// The rows with what names the person taken out of some of them.
    fn anonymized(
        &self,
        batch: &RecordBatch,
        named: &[(String, BooleanArray)],
        loses_values: &[bool],
    ) -> Result<RecordBatch, arrow::error::ArrowError> {
        let all = BooleanArray::from(loses_values.to_vec());
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let of_named = named.iter().find(|(name, _)| name == field.name());
            columns.push(match of_named {
                Some((_, rows)) => {
                    let mask = arrow::compute::and(rows, &all)?;
                    let erased = cast(&StringArray::from(vec![ERASED]), field.data_type())?;
                    zip(&mask, &Scalar::new(erased), column)?
                }
                None if loses(&self.dataset, field.name()) => {
                    let empty = match field.is_nullable() {
                        true => new_null_array(field.data_type(), 1),
                        false => zero(field.data_type()),
                    };
                    zip(&all, &Scalar::new(empty) as &dyn Datum, column)?
                }
                None => column.clone(),
            });
        }
        RecordBatch::try_new(batch.schema(), columns)
    }
}

/// What stands where nothing may stand: zero, or empty.
fn zero(kind: &DataType) -> ArrayRef {
    match kind {
        // Zeroed buffers of these would have no offsets.
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            cast(&StringArray::from(vec![""]), kind).unwrap_or_else(|_| new_null_array(kind, 1))
        }
        kind => {
            let nulls = new_null_array(kind, 1);
            let data = nulls.to_data().into_builder().nulls(None).null_count(0).build();
            data.map(|data: ArrayData| make_array(data)).unwrap_or(nulls)
        }
    }
}
