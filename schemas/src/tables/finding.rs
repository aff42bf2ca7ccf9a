//! `finding.v1`: one row per violation kept as evidence.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per violation kept as evidence.
pub static FINDING: TableSchema = TableSchema {
    name: "finding.v1",
    doc: "One row per violation kept as evidence.",
    time: Some("time"),
    tenant: "tenant_id",
    subjects: &[],
    key: &["finding_id", "result_id"],
    sort: &["finding_id", "result_id"],
    partitioned: false,
    columns: &[
        Column::required("tenant_id", Str, "the scope again, so that tenant filters apply"),
        Column::required(
            "finding_id",
            Str,
            "derived from control, scope and event, so that it stays the same across reports",
        ),
        Column::required("result_id", Str, "result it belongs to"),
        Column::required("control_id", Str, "the control"),
        Column::required("scope", Str, "tenant the finding is about"),
        Column::required("dataset", Str, "dataset of the row"),
        Column::core("time", Ts, "when the violation happened"),
        Column::required("resource", Str, "what violates"),
        Column::required("reason", Str, "why it violates"),
        Column::required("severity", I16, "1 info to 5 critical"),
        Column::required("first_seen_at", Ts, "instant of the run that saw it first"),
        Column::optional("event_id", Str, "the event"),
        Column::optional("actor_id", Str, "who acted, as pseudonym"),
        Column::optional("subject_id", Str, "the person it is about, as pseudonym"),
        Column::optional(
            "state",
            Str,
            "open accepted remediated false_positive; in SQL as of the instant of the session",
        ),
        Column::optional("decided_by", Str, "who decided; null while it is open"),
        Column::optional("columns", StrMap, "the evidence columns as text"),
        Column::optional("run_job", Str, "job whose run reported it"),
    ],
};
