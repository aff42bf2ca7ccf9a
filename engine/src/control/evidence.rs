//! The rows that prove violations: sorted, cut, traced to their source, with people as pseudonyms.
//!
//! Whoever may see more looks a row up by `raw_ref`. Absent: writing files.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatchOptions, StringArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::bound::Parts;
use super::held::Held;
use super::prepare::Prepared;
use super::sources;
use crate::error::EngineError;
use crate::lake_session::LakeSession;

/// Columns that place a row or lead to its source; they are never pseudonyms.
const PLACING: [&str; 5] = ["scope", "event_id", "time", "raw_ref", "raw_hash"];

/// Evidence of one control.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceRows {
    /// `scope`, `finding_id`, event id and time, `resource`, `reason`, the control's columns, `raw_ref`, `raw_hash`;
    /// sorted by scope, time and event id.
    pub rows: RecordBatch,
    /// Columns whose values are keyed pseudonyms.
    pub pseudonyms: Vec<String>,
}

impl EvidenceRows {
    /// Rows kept, by scope.
    pub fn by_scope(&self) -> BTreeMap<String, u64> {
        let mut kept = BTreeMap::new();
        if let Some(scopes) = self.rows.column_by_name("scope").and_then(|column| column.as_string_opt::<i32>()) {
            for scope in scopes.iter().flatten() {
                *kept.entry(scope.to_owned()).or_default() += 1;
            }
        }
        kept
    }
}

/// Collects the evidence of one control.
///
/// # Errors
/// When the statement fails.
pub(crate) async fn collect(
    session: &LakeSession,
    prepared: &Prepared<'_>,
    held: Option<&Held>,
    key: &[u8; 32],
) -> Result<Option<EvidenceRows>, EngineError> {
    let (Some(sql), Some(plan)) = (&prepared.sql, &prepared.violations_plan) else { return Ok(None) };
    let control = prepared.run.control;
    let body = match (&sql.parts, held) {
        (Parts::Statements(statements), Some(_)) => &statements.list,
        _ => &sql.violations,
    };
    let at_hand = held.map(|held| held.session(session)).transpose()?;
    let reader = at_hand.as_ref().unwrap_or(session);
    let statement = reader.plan(&sql.collect(body, control.evidence.max_rows)).await?;
    let schema = Arc::new(statement.schema().as_arrow().clone());
    let batches = reader.collect(&statement).await?;
    let rows = match batches.first() {
        Some(first) => concat_batches(&first.schema(), &batches).map_err(run_error)?,
        None => RecordBatch::new_empty(schema),
    };
    let personal = |index: usize, column: &str| {
        let shown = &control.evidence.show;
        let from_person = |(table, name): &(String, String)| {
            !shown.contains(name) && session.dataset(table).is_some_and(|dataset| dataset.is_personal(name))
        };
        !PLACING.contains(&column)
            && !shown.iter().any(|name| name == column)
            && sources::of_output(plan, index).iter().any(from_person)
    };
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    let mut pseudonyms = Vec::new();
    let finding_ids = finding_ids(control.id.as_str(), &rows, key)?;
    for (index, column) in sql.columns.iter().enumerate() {
        let array = plain(rows.column(index), column)?;
        let array = if personal(index, column) {
            pseudonyms.push(column.clone());
            Arc::new(
                texts(&array)?.iter().map(|text| text.as_deref().map(|t| pseudonym(key, t))).collect::<StringArray>(),
            )
        } else {
            array
        };
        fields.push(Field::new(column, array.data_type().clone(), true));
        arrays.push(array);
        if column == "scope" {
            fields.push(Field::new("finding_id", DataType::Utf8, false));
            arrays.push(Arc::new(finding_ids.clone()));
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let rows = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options).map_err(run_error)?;
    Ok(Some(EvidenceRows { rows, pseudonyms }))
}

/// `p_` and 24 hex digits of HMAC-SHA256: equal values stay equal, and only the key leads back.
pub fn pseudonym(key: &[u8; 32], value: &str) -> String {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(value.as_bytes());
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("p_{hex}")
}

/// Views are for scanning; files and readers get plain text. Our own two texts are texts whatever SQL made.
fn plain(array: &ArrayRef, column: &str) -> Result<ArrayRef, EngineError> {
    match array.data_type() {
        DataType::Utf8View | DataType::LargeUtf8 => cast(array, &DataType::Utf8).map_err(run_error),
        DataType::BinaryView | DataType::LargeBinary => cast(array, &DataType::Binary).map_err(run_error),
        DataType::Utf8 => Ok(Arc::clone(array)),
        _ if matches!(column, "resource" | "reason" | "scope" | "event_id") => {
            Ok(Arc::new(texts(array)?.into_iter().collect::<StringArray>()))
        }
        _ => Ok(Arc::clone(array)),
    }
}

/// Any column as text; null stays null.
fn texts(array: &ArrayRef) -> Result<Vec<Option<String>>, EngineError> {
    let formatter = ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default()).map_err(run_error)?;
    (0..array.len())
        .map(|row| {
            if array.is_null(row) {
                return Ok(None);
            }
            formatter.value(row).try_to_string().map(Some).map_err(run_error)
        })
        .collect()
}

/// Ids that stay the same in every report that finds the row again: by event id, else by resource and when it began.
fn finding_ids(control: &str, rows: &RecordBatch, key: &[u8; 32]) -> Result<StringArray, EngineError> {
    let column = |name: &str| match rows.column_by_name(name) {
        Some(array) => texts(array),
        None => Ok(vec![None; rows.num_rows()]),
    };
    let (scopes, event_ids) = (column("scope")?, column("event_id")?);
    // A violation that goes on has a time in each interval; `since` is the same in all of them.
    let began = if rows.column_by_name("since").is_some() { "since" } else { "time" };
    let (resources, times) = (column("resource")?, column(began)?);
    let ids = (0..rows.num_rows()).map(|row| {
        let scope = scopes[row].as_deref().unwrap_or_default();
        let what = match &event_ids[row] {
            Some(event_id) => event_id.clone(),
            None => {
                let resource = resources[row].as_deref().unwrap_or_default();
                pseudonym(key, &format!("{resource}\n{}", times[row].as_deref().unwrap_or_default()))
            }
        };
        schemas::derived_id(&["finding", control, scope, &what])
    });
    Ok(StringArray::from_iter_values(ids))
}

fn run_error(error: arrow::error::ArrowError) -> EngineError {
    EngineError::sql("run", error.into())
}
