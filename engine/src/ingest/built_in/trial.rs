//! A built-in mapping carried out on records that a test holds, and what came of them.

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::DateTime;
use schemas::{AUDIT, rfc3339};
use serde_json::Value;

use super::{BuiltIn, Mapped, Source, columns};
use crate::ingest::columns::{Columns, Origin, STAMPED};
use crate::ingest::records::RejectKind;

/// 2024-05-06T12:53:20Z, the instant of the run.
pub(super) const RUN_S: i64 = 1_715_000_000;

/// A source fills the same columns whatever its records hold, in the order of the table; says how many there are.
#[track_caller]
pub(super) fn columns_are_fixed<S: Source>() -> usize {
    let filled: Vec<&str> = S::filled(&[]).into_iter().map(|(name, _)| name).collect();
    let names: Vec<&str> = columns::<S>().into_iter().map(|column| column.name).collect();
    assert_eq!(names.len(), filled.len() + STAMPED.len());
    let unstamped: Vec<&str> = names.iter().copied().filter(|name| !STAMPED.contains(name)).collect();
    assert_eq!(unstamped, filled);
    names.len()
}

/// A refused record: its number, why, and its tenant.
pub(super) type Refused = (usize, RejectKind, String, Option<String>);

/// What came of some records.
pub(super) struct Trial {
    pub(super) rows: RecordBatch,
    pub(super) skipped: u64,
    pub(super) refused: Vec<Refused>,
}

impl Trial {
    pub(super) fn of(mapping: &BuiltIn, records: &[Value]) -> Self {
        Self::at(RUN_S, mapping, records)
    }

    /// The same with another instant of the run, in seconds since the epoch.
    pub(super) fn at(run_s: i64, mapping: &BuiltIn, records: &[Value]) -> Self {
        let instant = DateTime::from_timestamp(run_s, 0).expect("an instant");
        let columns = Columns::of(&AUDIT, mapping.columns(), instant);
        let origins: Vec<Origin> =
            (0..records.len()).map(|n| Origin { offset: n as u64, hash: [7; 32], before: None }).collect();
        let mut refused = Vec::new();
        let Mapped { rows, skipped } = mapping
            .map(&columns, (0, "drop/a.json"), records, &origins, &mut |row, kind, why, tenant| {
                refused.push((row, kind, why, tenant.map(str::to_owned)));
                Ok(())
            })
            .expect("maps");
        assert_eq!(rows.num_rows() as u64 + skipped + refused.len() as u64, records.len() as u64, "each record once");
        Self { rows, skipped, refused }
    }

    /// A value as text; one that is absent is `null`.
    pub(super) fn cell(&self, column: &str, row: usize) -> String {
        let array = self.rows.column_by_name(column).expect("the column exists");
        if array.is_null(row) {
            return "null".into();
        }
        if let Some(times) = array.as_primitive_opt::<TimestampMicrosecondType>() {
            return rfc3339(DateTime::from_timestamp_micros(times.value(row)).expect("an instant"));
        }
        ArrayFormatter::try_new(array, &FormatOptions::new()).expect("shows").value(row).to_string()
    }

    /// The one row holds these values, and nothing was refused.
    #[track_caller]
    pub(super) fn holds(&self, want: &[(&str, &str)]) {
        assert_eq!((&self.refused[..], self.rows.num_rows()), (&[][..], 1));
        for (column, value) in want {
            assert_eq!(self.cell(column, 0), *value, "{column}");
        }
    }
}

/// A record with some of its top-level keys replaced; a null there removes the key.
pub(super) fn changed(mut record: Value, change: &Value) -> Value {
    let entries = record.as_object_mut().expect("an object");
    for (key, value) in change.as_object().expect("an object") {
        match value {
            Value::Null => entries.shift_remove(key),
            value => entries.insert(key.clone(), value.clone()),
        };
    }
    record
}
