//! `sla_result.v1`: what an SLA came to in a period. Append-only; the highest revision is in force.
//!
//! Counts and decimals only: a figure that becomes money never passes through a float.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per revision of an SLA's result for a tenant, service, metric and period.
pub static SLA_RESULT: TableSchema = TableSchema {
    name: "sla_result.v1",
    doc: "One row per revision of an SLA's result for a tenant, service, metric and period.",
    time: None,
    tenant: "tenant_id",
    subjects: &[],
    key: &["result_id"],
    sort: &["result_id", "revision"],
    partitioned: false,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("result_id", Str, "the result"),
        Column::required("sla", Str, "definition it was judged by"),
        Column::required("service", Str, "service"),
        Column::required("tier", Str, "tier in force"),
        Column::required("metric", Str, "uptime errors latency response resolution"),
        Column::required("method", Str, "timeslices occurrences ratio_timeslices"),
        Column::required("period_start", Ts, "start of the period, inclusive"),
        Column::required("period_end", Ts, "end of the period, exclusive"),
        Column::required("valid", I64, "slices or requests judged"),
        Column::required("good", I64, "those of them that were good"),
        Column::required("excluded", I64, "left out by exclusions"),
        Column::required("unknown", I64, "of which nothing was measured"),
        Column::required("target_num", I64, "target as a fraction: numerator"),
        Column::required("target_den", I64, "its denominator"),
        Column::core("attained", Bool, "the target was met; null when it was not judged"),
        Column::required("status", Str, "ok missed not_applicable not_evaluated"),
        Column::required("state", Str, "provisional final adjusted"),
        Column::required("credit_bp", I32, "credit in hundredths of a per cent of the fee"),
        Column::core("credit_amount", Dec { precision: 18, scale: 4 }, "credit in currency"),
        Column::core("fee_basis", Dec { precision: 18, scale: 4 }, "fee that the credit is a part of"),
        Column::core("currency", Str, "ISO 4217"),
        Column::required("spec_hash", Hash, "SHA-256 of definition, tiers, ladder and calendar"),
        Column::required("evidence_hash", Hash, "SHA-256 of the rows that prove it"),
        Column::required("computed_at", Ts, "instant of the run"),
        Column::required("revision", I32, "1 for the first; the highest is in force"),
        Column::optional("p50_us", I64, "median latency, microseconds"),
        Column::optional("p95_us", I64, "95th percentile of latency, microseconds"),
        Column::optional("p99_us", I64, "99th percentile of latency, microseconds"),
        Column::optional("budget_left", I64, "error budget that is left; may be negative"),
        Column::optional("ladder_version", Str, "version of the credit ladder"),
    ],
};
