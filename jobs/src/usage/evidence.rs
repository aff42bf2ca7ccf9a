//! What proves a result: every row that was counted, and what it came to.
//!
//! Its hash is over lines in an order that follows from the rows alone, so that it does not depend on when they came. Where
//! a row was read from is kept and not hashed: the same bill under another name proves the same. What was used is hashed and
//! not kept, as some lakes name persons there; `usage_id` finds its row.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use engine::EngineError;
use schemas::{Cost, Interval, Quantity, UsageId, hex, rfc3339};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::judged::JudgedMonth;
use super::read::UsageRow;

/// Digits of decimals in files.
const PRECISION: u8 = 38;
/// Columns that may be empty.
const NULLABLE: [&str; 2] = ["quantity", "charge_class"];

/// SHA-256 over the evidence of a tenant's month.
pub(super) fn hash(
    usage: &UsageId,
    (tenant, interval): (&str, Interval),
    judged: &JudgedMonth,
    rows: &[UsageRow],
) -> String {
    let mut all = Sha256::new();
    let mut line = |value: &Value| {
        all.update(value.to_string());
        all.update("\n");
    };
    line(&json!(["usage", usage, tenant, rfc3339(interval.start), rfc3339(interval.end)]));
    for part in &judged.parts {
        line(&json!(["part", part.tier, part.first, part.days, part.amount]));
        for one in &part.quotas {
            line(&json!(["quota", one.quota, one.meter, one.measure, one.used, one.limit, one.status, one.by_day]));
        }
    }
    for row in rows {
        let (start, end) = (row.start_us, row.end_us);
        let of = [&row.meter, &row.unit, &row.currency, &row.category, &row.service, &row.resource];
        line(&json!(["row", row.usage_id, start, end, row.quantity, row.billed_cost, of, row.class]));
    }
    hex(&all.finalize())
}

/// The rows that were read, as they are kept.
///
/// # Errors
/// When they are no table, which is our own mistake.
pub(super) fn table(tenant: &str, rows: &[UsageRow]) -> Result<RecordBatch, EngineError> {
    let failed = |error| EngineError::Bug { what: format!("evidence of usage is no table ({error})") };
    let text = |of: fn(&UsageRow) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(of))) };
    let instants = |of: fn(&UsageRow) -> i64| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(of)).with_timezone("UTC"))
    };
    let decimals = |of: fn(&UsageRow) -> Option<i128>, places: u32| {
        let scale = i8::try_from(places).unwrap_or_default();
        let column: Decimal128Array = rows.iter().map(of).collect();
        column.with_precision_and_scale(PRECISION, scale).map(|column| Arc::new(column) as ArrayRef)
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("tenant_id", Arc::new(StringArray::from_iter_values(rows.iter().map(|_| tenant)))),
        ("usage_id", text(|row| &row.usage_id)),
        ("period_start", instants(|row| row.start_us)),
        ("period_end", instants(|row| row.end_us)),
        ("meter", text(|row| &row.meter)),
        ("unit", text(|row| &row.unit)),
        ("quantity", decimals(|row| row.quantity.map(Quantity::units), Quantity::PLACES).map_err(failed)?),
        ("billed_cost", decimals(|row| Some(row.billed_cost.units()), Cost::PLACES).map_err(failed)?),
        ("currency", text(|row| &row.currency)),
        ("charge_category", text(|row| &row.category)),
        ("charge_class", Arc::new(rows.iter().map(|row| row.class.as_deref()).collect::<StringArray>())),
        ("service", text(|row| &row.service)),
        ("raw_ref", text(|row| &row.raw_ref)),
    ];
    let fields =
        columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), NULLABLE.contains(name)));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns.into_iter().map(|(_, column)| column).collect()).map_err(failed)
}
