//! `exclusion.v1`: windows that an SLA leaves out, such as maintenance. Append-only; the highest revision is in force.
//!
//! A row without tenant, service or region speaks of all of them.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per revision of a window that an SLA leaves out.
pub static EXCLUSION: TableSchema = TableSchema {
    name: "exclusion.v1",
    doc: "One row per revision of a window that an SLA leaves out.",
    time: None,
    tenant: "tenant_id",
    subjects: &[],
    key: &["id"],
    sort: &["id", "revision"],
    partitioned: false,
    columns: &[
        Column::core("tenant_id", Str, "whose part of the lake the row belongs to; null for all tenants"),
        Column::required("id", Str, "the exclusion"),
        Column::core("service", Str, "service left out; null for all"),
        Column::core("region", Str, "region left out; null for all"),
        Column::required("starts_at", Ts, "start of the window, inclusive"),
        Column::required("ends_at", Ts, "end of the window, exclusive"),
        Column::required("kind", Str, "maintenance customer_fault force_majeure correction"),
        Column::core("announced_at", Ts, "when those concerned were told"),
        Column::required("approved_by", Str, "who approved it"),
        Column::required("reason", Str, "why, as reports print it"),
        Column::required("revision", I32, "1 for the first; the highest is in force"),
        Column::optional("ticket_ref", Str, "ticket it belongs to"),
    ],
};
