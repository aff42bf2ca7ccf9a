//! `usage_result.v1`: what a tenant used of its quotas in a month. Append-only; the highest revision is in force.
//!
//! Counts and decimals only: a figure that becomes money never passes through a float.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per revision of what a tenant used of a quota in a month.
pub static USAGE_RESULT: TableSchema = TableSchema {
    name: "usage_result.v1",
    doc: "One row per revision of what a tenant used of a quota in a month.",
    time: None,
    tenant: "tenant_id",
    subjects: &[],
    key: &["result_id"],
    sort: &["result_id", "revision"],
    partitioned: false,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("result_id", Str, "the result"),
        Column::required("usage", Str, "contract it was judged by"),
        Column::required("tier", Str, "tier in force"),
        Column::required("quota", Str, "the quota; of a meter without one, the meter"),
        Column::required("meter", Str, "the meter, as rows name it"),
        Column::required("measure", Str, "sum max mean counter"),
        Column::required("is_daily", Bool, "each civil day has the limit, and used is that of the day with the most"),
        Column::required("period_start", Ts, "start of the days under the tier, inclusive"),
        Column::required("period_end", Ts, "their end, exclusive"),
        Column::required("until", Ts, "until when usage is counted: earlier than period_end while a month goes on"),
        Column::core("unit", Str, "unit of the quantities"),
        Column::core("used", Dec { precision: 38, scale: 15 }, "how much; null when it was not evaluated"),
        Column::core("quota_limit", Dec { precision: 38, scale: 15 }, "how much may be used; null without a limit"),
        Column::core("used_bp", I64, "used in hundredths of a per cent of the limit, cut off"),
        Column::required("days_over", I32, "days with more than the limit, of a daily quota"),
        Column::required("status", Str, "ok warn over unlimited not_evaluated"),
        Column::required("state", Str, "provisional final adjusted"),
        Column::core(
            "price",
            Dec { precision: 18, scale: 4 },
            "what the days under the tier cost; null where a contract says",
        ),
        Column::core("currency", Str, "ISO 4217, of the price"),
        Column::required("quota_version", I32, "version of the quotas"),
        Column::required("spec_hash", Hash, "SHA-256 of contract and quotas"),
        Column::required("evidence_hash", Hash, "SHA-256 of the rows that prove it"),
        Column::required("computed_at", Ts, "instant of the run"),
        Column::required("revision", I32, "1 for the first; the highest is in force"),
    ],
};
