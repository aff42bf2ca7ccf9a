//! `control_result.v1`: one row per control, scope and interval. Append-only; the highest revision is in force.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per control, scope and interval.
pub static CONTROL_RESULT: TableSchema = TableSchema {
    name: "control_result.v1",
    doc: "One row per control, scope and interval.",
    time: None,
    tenant: "tenant_id",
    subjects: &[],
    key: &["result_id"],
    sort: &["result_id", "revision"],
    partitioned: false,
    columns: &[
        Column::required("tenant_id", Str, "the scope again, so that tenant filters apply"),
        Column::required("result_id", Str, "derived from control, scope and interval"),
        Column::required("control_id", Str, "the control"),
        Column::required("control_version", I32, "its version"),
        Column::required("scope", Str, "tenant the result is about"),
        Column::required("interval_start", Ts, "start of the interval, inclusive"),
        Column::required("interval_end", Ts, "end of the interval, exclusive"),
        Column::required("status", Str, "pass warn fail not_applicable not_evaluated error"),
        Column::required("population", I64, "n: rows the control looked at"),
        Column::required("violations", I64, "v: rows that violate"),
        Column::required("undecided", I64, "u: rows of which it is not known"),
        Column::core("reason", Str, "why it was not evaluated, or the error"),
        Column::required("severity", I16, "1 info to 5 critical"),
        Column::core("evidence_path", Str, "object with the evidence rows"),
        Column::core("evidence_hash", Hash, "SHA-256 of that object"),
        Column::core("plan_hash", Hash, "SHA-256 of the optimised plan"),
        Column::core("spec_hash", Hash, "SHA-256 of the control's definition with its parameters"),
        Column::required("evidence_rows", I64, "rows kept as evidence"),
        Column::required("run_job", Str, "job that computed it"),
        Column::required("run_instant", Ts, "instant of the run"),
        Column::required("revision", I32, "1 for the first; the highest is in force"),
        Column::optional("duration_us", I64, "time the evaluation took, microseconds"),
    ],
};
