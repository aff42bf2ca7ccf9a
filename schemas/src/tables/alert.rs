//! `alert.v1`: what detectors raised. Append-only; the highest revision is in force.
//!
//! Absent: what people wrote about it.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per revision of an alert about a metric of an entity.
pub static ALERT: TableSchema = TableSchema {
    name: "alert.v1",
    doc: "One row per revision of an alert about a metric of an entity.",
    time: Some("raised_at"),
    tenant: "tenant_id",
    subjects: &["entity_id"],
    key: &["alert_id"],
    sort: &["raised_at", "alert_id", "revision"],
    partitioned: true,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("alert_id", Str, "the alert"),
        Column::required("metric", Str, "what was measured"),
        Column::required("entity_type", Str, "kind of what it was measured of"),
        Column::required("entity_id", Str, "of what it was measured"),
        Column::required("detector", Str, "rule that raised it"),
        Column::required("bucket_start", Ts, "start of the time measured"),
        Column::required("bucket_us", I64, "length of that time, microseconds"),
        Column::core("value", F64, "what was measured"),
        Column::core("expected", F64, "what was expected"),
        Column::core("low", F64, "lower limit of what is usual"),
        Column::core("high", F64, "upper limit of what is usual"),
        Column::core("score", F64, "how unusual it is"),
        Column::required("severity", I16, "1 info to 5 critical"),
        Column::required("explanation", Str, "why it was raised, in a sentence"),
        Column::required("state", Str, "open acknowledged resolved expired"),
        Column::required("raised_at", Ts, "when it was raised; the same in all revisions"),
        Column::core("acknowledged_at", Ts, "when somebody took it"),
        Column::core("resolved_at", Ts, "when it was resolved"),
        Column::core("cool_until", Ts, "no new alert of the same kind before"),
        Column::required("revision", I32, "1 for the first; the highest is in force"),
        Column::optional("group_id", Str, "alerts raised together"),
        Column::optional("suppressed_by", Str, "rule that kept it from being sent"),
    ],
};
