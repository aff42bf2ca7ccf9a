//! The built-in mapping of CloudTrail records to `audit.v1`.
//!
//! The set of columns is fixed, whatever the records hold, so that every file of the mapping has the same
//! schema. Absent: columns that CloudTrail cannot fill, such as `purpose` or `subject_id`.

mod identity;
mod row;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int16Array, Int32Array, Int64Array, ListBuilder, MapBuilder, MapFieldNames, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use schemas::{AUDIT, Column};
use serde_json::Value;

use super::columns::{Columns, Origin};
use super::records::RejectKind;
use crate::error::EngineError;
use row::{Row, tenant};

/// Columns that name the record; ingest fills them.
const STAMPED: [&str; 3] = ["ingested_at", "raw_ref", "raw_hash"];

/// The mapping, with the tenant of records that name none.
#[derive(Debug)]
pub(crate) struct CloudTrail {
    tenant: Option<String>,
}

/// Hears of each record that is refused: its number in the batch, why, and its tenant where that is known.
type Refuse<'a> = dyn FnMut(usize, RejectKind, String, Option<&str>) -> Result<(), EngineError> + 'a;

impl CloudTrail {
    /// A mapping that gives `tenant` to records without an account.
    pub(crate) fn new(tenant: Option<String>) -> Self {
        Self { tenant }
    }

    /// The columns of its rows, in the order of `audit.v1`.
    pub(crate) fn columns() -> Vec<&'static Column> {
        let filled = filled(&[]);
        let has = |name| STAMPED.contains(&name) || filled.iter().any(|(filled, _)| *filled == name);
        AUDIT.columns.iter().filter(|column| has(column.name)).collect()
    }

    /// Maps records to rows; `source` is the number and name of their object.
    ///
    /// # Errors
    /// As `refuse`; any other error is our bug.
    pub(crate) fn map(
        &self,
        columns: &Columns,
        source: (i32, &str),
        records: &[Value],
        origins: &[Origin],
        refuse: &mut Refuse<'_>,
    ) -> Result<RecordBatch, EngineError> {
        let fallback = self.tenant.as_deref();
        let mut rows = Vec::with_capacity(records.len());
        let mut kept = Vec::with_capacity(records.len());
        for (number, record) in records.iter().enumerate() {
            match Row::read(record, fallback) {
                Ok(row) => {
                    rows.push(row);
                    kept.push(number);
                }
                Err(reject) => refuse(number, reject.kind, reject.detail, tenant(record, fallback))?,
            }
        }
        let (names, arrays): (Vec<_>, Vec<_>) = filled(&rows).into_iter().unzip();
        let fields: Vec<Field> = names.into_iter().filter_map(|name| AUDIT.column(name)).map(Column::field).collect();
        let mapped = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| EngineError::Bug { what: format!("CloudTrail rows do not form a batch ({error})") })?;
        let origins: Vec<Origin> = kept.iter().map(|number| origins[*number].clone()).collect();
        columns.conform(source, &mapped, &origins, &mut |row, kind, why| {
            refuse(kept[row], kind, why, Some(rows[row].tenant_id))
        })
    }
}

/// Every column that is filled from the record.
fn filled(rows: &[Row<'_>]) -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("event_id", text(rows, |row| Some(row.event_id))),
        ("time", times(rows)),
        ("tenant_id", text(rows, |row| Some(row.tenant_id))),
        ("source", text(rows, |row| Some(row.source))),
        ("event_type", text(rows, |row| Some(row.call.event.name))),
        ("class_uid", Arc::new(rows.iter().map(|row| Some(row.call.event.class_uid)).collect::<Int32Array>())),
        ("activity_id", Arc::new(rows.iter().map(|row| Some(row.call.event.activity_id)).collect::<Int32Array>())),
        ("severity", Arc::new(rows.iter().map(|row| Some(row.severity)).collect::<Int16Array>())),
        ("action", text(rows, |row| Some(row.call.action))),
        ("outcome", text(rows, |row| Some(row.outcome))),
        ("actor_id", text(rows, |row| Some(row.identity.actor_id))),
        ("actor_type", text(rows, |row| Some(row.identity.actor_type))),
        ("src_ip", text(rows, |row| row.src_ip.as_deref())),
        ("resource_type", text(rows, |row| row.resource_type)),
        ("resource_id", text(rows, |row| row.resource_id)),
        ("actor_tenant_id", text(rows, |row| row.identity.account_id)),
        ("actor_roles", lists(rows, |row| row.identity.role)),
        ("impersonator_id", text(rows, |row| row.identity.impersonator)),
        ("session_id", text(rows, |row| row.identity.access_key_id)),
        ("mfa", flags(rows, |row| row.mfa)),
        ("src_service", text(rows, |row| row.src_service)),
        ("user_agent", text(rows, |row| row.user_agent)),
        ("api_operation", text(rows, |row| Some(row.api_operation))),
        ("request_id", text(rows, |row| row.request_id)),
        ("correlation_id", text(rows, |row| row.correlation_id)),
        ("status_code", text(rows, |row| row.status_code)),
        ("status_detail", text(rows, |row| row.status_detail)),
        ("resource_tenant_id", text(rows, |row| row.resource_tenant_id)),
        ("region", text(rows, |row| row.region)),
        ("data_classes", lists(rows, |row| row.secret.then_some("secret"))),
        ("byte_count", Arc::new(rows.iter().map(|row| row.byte_count).collect::<Int64Array>())),
        ("transport_encrypted", flags(rows, |row| row.transport_encrypted)),
        ("attributes", attributes(rows)),
    ]
}

fn text<'a>(rows: &'a [Row<'a>], of: impl Fn(&'a Row<'a>) -> Option<&'a str>) -> ArrayRef {
    let mut column = StringBuilder::with_capacity(rows.len(), rows.len() * 32);
    rows.iter().for_each(|row| column.append_option(of(row)));
    Arc::new(column.finish())
}

fn times(rows: &[Row<'_>]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.time_us)).with_timezone("UTC"))
}

fn flags(rows: &[Row<'_>], of: fn(&Row<'_>) -> Option<bool>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<BooleanArray>())
}

/// Lists of the one value, or nulls.
fn lists<'a>(rows: &'a [Row<'a>], of: impl Fn(&'a Row<'a>) -> Option<&'a str>) -> ArrayRef {
    let mut column = ListBuilder::new(StringBuilder::new());
    for row in rows {
        let value = of(row);
        value.into_iter().for_each(|value| column.values().append_value(value));
        column.append(value.is_some());
    }
    Arc::new(column.finish())
}

fn attributes(rows: &[Row<'_>]) -> ArrayRef {
    let names = MapFieldNames { entry: "entries".into(), key: "keys".into(), value: "values".into() };
    let mut column = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for row in rows {
        for (key, value) in &row.attributes {
            column.keys().append_value(key);
            column.values().append_option(value.as_deref());
        }
        // A key and a value were appended each time, so their counts agree and appending cannot fail.
        drop(column.append(!row.attributes.is_empty()));
    }
    Arc::new(column.finish())
}

#[cfg(test)]
mod tests;
