//! `metric.v1`: what was measured of entities over time; the input of detectors.
//!
//! Absent: limits and judgements, which are alerts.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per metric, entity and bucket of time.
pub static METRIC: TableSchema = TableSchema {
    name: "metric.v1",
    doc: "One row per metric, entity and bucket of time.",
    time: Some("bucket_start"),
    tenant: "tenant_id",
    subjects: &[],
    key: &["metric", "entity_type", "entity_id", "bucket_start"],
    sort: &["bucket_start", "metric", "entity_type", "entity_id"],
    partitioned: true,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("metric", Str, "what is measured"),
        Column::required("entity_type", Str, "kind of what it is measured of"),
        Column::required("entity_id", Str, "of what it is measured"),
        Column::required("bucket_start", Ts, "start of the time measured"),
        Column::required("bucket_us", I64, "length of that time, microseconds"),
        Column::required("value", F64, "the measure"),
        Column::required("n", I64, "events behind it"),
    ],
};
