//! `invoice.v1`: invoices as they were sent. Append-only; the highest revision is in force.
//!
//! Absent: lines; what was used and charged is `usage.v1`.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per revision of an invoice.
pub static INVOICE: TableSchema = TableSchema {
    name: "invoice.v1",
    doc: "One row per revision of an invoice.",
    time: None,
    tenant: "tenant_id",
    subjects: &[],
    key: &["invoice_id"],
    sort: &["invoice_id", "revision"],
    partitioned: false,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("invoice_id", Str, "the invoice"),
        Column::required("period_start", Ts, "start of the period, inclusive"),
        Column::required("period_end", Ts, "end of the period, exclusive"),
        Column::required("issued_at", Ts, "when it was sent"),
        Column::required("currency", Str, "ISO 4217"),
        Column::required("amount", Dec { precision: 18, scale: 4 }, "amount in currency"),
        Column::required("revision", I32, "1 for the first; the highest is in force"),
        Column::optional("state", Str, "as the source names it"),
    ],
};
