//! The built-in mapping of CloudTrail records to `audit.v1`.
//!
//! The set of columns is fixed, whatever the records hold, so that every file of the mapping has the same
//! schema. Absent: columns that CloudTrail cannot fill, such as `purpose` or `subject_id`.

mod identity;
mod row;

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Int16Builder, Int32Builder, Int64Builder, ListBuilder, MapBuilder,
    MapFieldNames, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use schemas::{AUDIT, Column};
use serde_json::Value;

use super::columns::{Columns, Origin};
use super::records::RejectKind;
use crate::error::EngineError;
use row::{Row, tenant};

/// Columns that the mapping fills from a record, in the order of `audit.v1`.
const FILLED: [&str; 33] = [
    "event_id",
    "time",
    "tenant_id",
    "source",
    "event_type",
    "class_uid",
    "activity_id",
    "severity",
    "action",
    "outcome",
    "actor_id",
    "actor_type",
    "src_ip",
    "resource_type",
    "resource_id",
    "actor_tenant_id",
    "actor_roles",
    "impersonator_id",
    "session_id",
    "mfa",
    "src_service",
    "user_agent",
    "api_operation",
    "request_id",
    "correlation_id",
    "status_code",
    "status_detail",
    "resource_tenant_id",
    "region",
    "data_classes",
    "byte_count",
    "transport_encrypted",
    "attributes",
];
/// Columns that name the record; ingest fills them.
const STAMPED: [&str; 3] = ["ingested_at", "raw_ref", "raw_hash"];

/// The mapping, with the tenant of records that name none.
#[derive(Debug)]
pub(crate) struct CloudTrail {
    tenant: Option<String>,
}

/// Hears of each record that is refused: its number in the batch, why, and its tenant where that is known.
pub(crate) type Refuse<'a> =
    dyn FnMut(usize, RejectKind, String, Option<&str>) -> Result<(), EngineError> + 'a;

impl CloudTrail {
    /// A mapping that gives `tenant` to records without an account.
    pub(crate) fn new(tenant: Option<String>) -> Self {
        Self { tenant }
    }

    /// The columns of its rows, in the order of `audit.v1`.
    pub(crate) fn columns() -> Vec<&'static Column> {
        let has = |column: &&Column| FILLED.contains(&column.name) || STAMPED.contains(&column.name);
        AUDIT.columns.iter().filter(has).collect()
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
        let mut rows = Rows::default();
        let mut kept = Vec::with_capacity(records.len());
        for (number, record) in records.iter().enumerate() {
            match Row::read(record, self.tenant.as_deref()) {
                Ok(row) => {
                    rows.append(&row);
                    kept.push(number);
                }
                Err(reject) => {
                    refuse(number, reject.kind, reject.detail, tenant(record, self.tenant.as_deref()))?;
                }
            }
        }
        let mapped = rows.finish()?;
        let origins: Vec<Origin> = kept.iter().map(|number| origins[*number].clone()).collect();
        columns.conform(source, &mapped, &origins, &mut |row, kind, why| {
            let number = kept[row];
            refuse(number, kind, why, tenant(&records[number], self.tenant.as_deref()))
        })
    }
}

/// A builder for each column of [`FILLED`].
#[derive(Default)]
struct Rows {
    event_id: StringBuilder,
    time: TimestampMicrosecondBuilder,
    tenant_id: StringBuilder,
    source: StringBuilder,
    event_type: StringBuilder,
    class_uid: Int32Builder,
    activity_id: Int32Builder,
    severity: Int16Builder,
    action: StringBuilder,
    outcome: StringBuilder,
    actor_id: StringBuilder,
    actor_type: StringBuilder,
    src_ip: StringBuilder,
    resource_type: StringBuilder,
    resource_id: StringBuilder,
    actor_tenant_id: StringBuilder,
    actor_roles: ListBuilder<StringBuilder>,
    impersonator_id: StringBuilder,
    session_id: StringBuilder,
    mfa: BooleanBuilder,
    src_service: StringBuilder,
    user_agent: StringBuilder,
    api_operation: StringBuilder,
    request_id: StringBuilder,
    correlation_id: StringBuilder,
    status_code: StringBuilder,
    status_detail: StringBuilder,
    resource_tenant_id: StringBuilder,
    region: StringBuilder,
    data_classes: ListBuilder<StringBuilder>,
    byte_count: Int64Builder,
    transport_encrypted: BooleanBuilder,
    attributes: Attributes,
}

impl Rows {
    fn append(&mut self, row: &Row<'_>) {
        let identity = &row.identity;
        self.event_id.append_value(row.event_id);
        self.time.append_value(row.time_us);
        self.tenant_id.append_value(row.tenant_id);
        self.source.append_value(row.source);
        self.event_type.append_value(row.call.event.name);
        self.class_uid.append_value(row.call.event.class_uid);
        self.activity_id.append_value(row.call.event.activity_id);
        self.severity.append_value(row.severity);
        self.action.append_value(row.call.action);
        self.outcome.append_value(row.outcome);
        self.actor_id.append_value(identity.actor_id);
        self.actor_type.append_value(identity.actor_type);
        self.src_ip.append_option(row.src_ip.as_deref());
        self.resource_type.append_option(row.resource_type);
        self.resource_id.append_option(row.resource_id);
        self.actor_tenant_id.append_option(identity.account_id);
        append_only(&mut self.actor_roles, identity.role);
        self.impersonator_id.append_option(identity.impersonator);
        self.session_id.append_option(identity.access_key_id);
        self.mfa.append_option(row.mfa);
        self.src_service.append_option(row.src_service);
        self.user_agent.append_option(row.user_agent);
        self.api_operation.append_value(row.api_operation);
        self.request_id.append_option(row.request_id);
        self.correlation_id.append_option(row.correlation_id);
        self.status_code.append_option(row.status_code);
        self.status_detail.append_option(row.status_detail);
        self.resource_tenant_id.append_option(row.resource_tenant_id);
        self.region.append_option(row.region);
        append_only(&mut self.data_classes, row.secret.then_some("secret"));
        self.byte_count.append_option(row.byte_count);
        self.transport_encrypted.append_option(row.transport_encrypted);
        self.attributes.append(row);
    }

    fn finish(self) -> Result<RecordBatch, EngineError> {
        let Self { time, attributes, .. } = self;
        let mut time = time.with_timezone("UTC");
        let mut attributes = attributes.0;
        let columns: [&mut dyn ArrayBuilder; FILLED.len()] = [
            &mut { self.event_id },
            &mut time,
            &mut { self.tenant_id },
            &mut { self.source },
            &mut { self.event_type },
            &mut { self.class_uid },
            &mut { self.activity_id },
            &mut { self.severity },
            &mut { self.action },
            &mut { self.outcome },
            &mut { self.actor_id },
            &mut { self.actor_type },
            &mut { self.src_ip },
            &mut { self.resource_type },
            &mut { self.resource_id },
            &mut { self.actor_tenant_id },
            &mut { self.actor_roles },
            &mut { self.impersonator_id },
            &mut { self.session_id },
            &mut { self.mfa },
            &mut { self.src_service },
            &mut { self.user_agent },
            &mut { self.api_operation },
            &mut { self.request_id },
            &mut { self.correlation_id },
            &mut { self.status_code },
            &mut { self.status_detail },
            &mut { self.resource_tenant_id },
            &mut { self.region },
            &mut { self.data_classes },
            &mut { self.byte_count },
            &mut { self.transport_encrypted },
            &mut attributes,
        ];
        let arrays: Vec<ArrayRef> = columns.into_iter().map(|column| column.finish()).collect();
        let fields: Vec<Field> =
            FILLED.iter().filter_map(|name| AUDIT.column(name)).map(Column::field).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| EngineError::Bug { what: format!("CloudTrail rows do not form a batch ({error})") })
    }
}

/// A list of the one value, or null.
fn append_only(list: &mut ListBuilder<StringBuilder>, value: Option<&str>) {
    if let Some(value) = value {
        list.values().append_value(value);
    }
    list.append(value.is_some());
}

/// The map of what the other columns have no place for.
struct Attributes(MapBuilder<StringBuilder, StringBuilder>);

impl Default for Attributes {
    fn default() -> Self {
        let names = MapFieldNames { entry: "entries".into(), key: "keys".into(), value: "values".into() };
        Self(MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new()))
    }
}

impl Attributes {
    fn append(&mut self, row: &Row<'_>) {
        for (key, value) in &row.attributes {
            self.0.keys().append_value(key);
            self.0.values().append_option(value.as_deref());
        }
        // A key and a value were appended each time, so their counts agree and appending cannot fail.
        drop(self.0.append(!row.attributes.is_empty()));
    }
}

#[cfg(test)]
mod tests;
