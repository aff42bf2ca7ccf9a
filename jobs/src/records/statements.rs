//! `auditlake.statements`: what was asked, as rows of `audit.v1`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryArray, Int16Array, Int32Array, Int64Array, ListBuilder, MapBuilder, MapFieldNames,
    RecordBatch, StringArray, StringBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Field};
use chrono::{DateTime, Utc};
use engine::{EngineError, SystemTable, event_type};
use schemas::AUDIT;

use super::{batch, count, instants};
use crate::access::StatementRow;

/// Outcome of a question without an answer: whoever asked it is gone.
const CUT_OFF: &str = "unknown";
const SOURCE: &str = "auditlake";

/// The table.
pub(super) fn table(rows: &[StatementRow]) -> Result<SystemTable, EngineError> {
    let rows = statement_rows(rows)?;
    Ok(SystemTable::Rows(rows.schema(), vec![rows]))
}

/// Records as rows of `audit.v1`.
pub(crate) fn statement_rows(rows: &[StatementRow]) -> Result<RecordBatch, EngineError> {
    let schema = AUDIT.arrow();
    let columns = schema.fields().iter().map(|field| column(field, rows)).collect::<Result<Vec<_>, _>>()?;
    batch(schema, columns)
}

fn column(field: &Field, rows: &[StatementRow]) -> Result<ArrayRef, EngineError> {
    let texts = |of: &dyn Fn(&StatementRow) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<StringArray>())
    };
    let wholes = |of: &dyn Fn(&StatementRow) -> Option<u64>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| of(row).map(count)).collect::<Int64Array>())
    };
    let times =
        |of: &dyn Fn(&StatementRow) -> DateTime<Utc>| -> ArrayRef { instants(rows.iter().map(|row| Some(of(row)))) };
    Ok(match field.name().as_str() {
        "event_id" | "request_id" => texts(&|row| Some(row.asked.id.clone())),
        "time" => times(&|row| row.asked.time),
        "ingested_at" => times(&|row| row.answered.as_ref().map_or(row.asked.time, |answered| answered.ended_at)),
        "tenant_id" => texts(&|row| Some(row.asked.tenant_id.clone())),
        "source" => texts(&|_| Some(SOURCE.to_owned())),
        "event_type" => texts(&|row| Some(kind(row).to_owned())),
        "class_uid" => Arc::new(rows.iter().map(|row| class(row).map(|(class, ..)| class)).collect::<Int32Array>()),
        "activity_id" => {
            Arc::new(rows.iter().map(|row| class(row).map(|(_, activity, ..)| activity)).collect::<Int32Array>())
        }
        "severity" => {
            Arc::new(rows.iter().map(|row| class(row).map(|(_, _, severity)| severity)).collect::<Int16Array>())
        }
        "action" => texts(&|row| event_type(kind(row)).map(|event| event.action.to_owned())),
        "outcome" => texts(&|row| Some(outcome(row).to_owned())),
        "actor_id" => texts(&|row| Some(row.asked.actor_id.clone())),
        "actor_type" => texts(&|row| Some(row.asked.actor_type.clone())),
        "impersonator_id" => texts(&|row| row.asked.impersonator_id.clone()),
        "resource_type" => texts(&|row| row.asked.datasets.first().map(|_| "dataset".to_owned())),
        "resource_id" => texts(&|row| row.asked.datasets.first().cloned()),
        "correlation_id" => texts(&|row| row.asked.request.clone()),
        "raw_ref" => texts(&|row| Some(row.raw_ref.clone())),
        "raw_hash" => hashes(rows)?,
        "row_count" => wholes(&|row| row.answered.as_ref().map(|answered| answered.rows)),
        "byte_count" => wholes(&|row| row.answered.as_ref().map(|answered| answered.bytes)),
        "duration_us" => wholes(&|row| row.answered.as_ref().map(|answered| answered.duration_us)),
        "actor_roles" => roles(rows),
        "attributes" => attributes(field, rows)?,
        _ => new_null_array(field.data_type(), rows.len()),
    })
}

/// What was refused is a denial, whatever was asked.
fn kind(row: &StatementRow) -> &str {
    if outcome(row) == "denied" { "access.denied" } else { &row.asked.event_type }
}

fn outcome(row: &StatementRow) -> &str {
    row.answered.as_ref().map_or(CUT_OFF, |answered| answered.outcome.as_str())
}

fn class(row: &StatementRow) -> Option<(i32, i32, i16)> {
    event_type(kind(row)).map(|event| (event.class_uid, event.activity_id, event.severity))
}

fn hashes(rows: &[StatementRow]) -> Result<ArrayRef, EngineError> {
    let hashes = FixedSizeBinaryArray::try_from_sparse_iter_with_size(rows.iter().map(|row| Some(row.raw_hash)), 32);
    let hashes = hashes.map_err(|error| EngineError::Bug { what: format!("hashes of records are odd ({error})") })?;
    Ok(Arc::new(hashes))
}

fn roles(rows: &[StatementRow]) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(Field::new("item", DataType::Utf8, true));
    for row in rows {
        for role in &row.asked.roles {
            lists.values().append_value(role);
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

fn attributes(field: &Field, rows: &[StatementRow]) -> Result<ArrayRef, EngineError> {
    let odd = |error| EngineError::Bug { what: format!("attributes of records are odd ({error})") };
    let names = MapFieldNames { entry: "entries".to_owned(), key: "keys".to_owned(), value: "values".to_owned() };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for row in rows {
        let (asked, answered) = (&row.asked, row.answered.as_ref());
        let pairs = [
            ("door", Some(asked.door.clone())),
            ("datasets", Some(asked.datasets.join(","))),
            ("statement", Some(asked.statement.clone())),
            ("statement_sha256", Some(asked.statement_sha256.clone())),
            ("access_sha256", Some(asked.access_sha256.clone())),
            ("limit", answered.and_then(|answered| answered.limit.clone())),
            ("error", answered.and_then(|answered| answered.error.clone())),
        ];
        for (key, value) in pairs {
            if let Some(value) = value {
                maps.keys().append_value(key);
                maps.values().append_value(value);
            }
        }
        maps.append(true).map_err(odd)?;
    }
    arrow::compute::cast(&maps.finish(), field.data_type()).map_err(odd)
}
