//! `ticket.v1`: support tickets. Append-only; the highest revision is in force.
//!
//! Absent: their text.

use crate::table::{Column, ColumnType, ColumnType::*, TableSchema};

/// One row per revision of a support ticket.
pub static TICKET: TableSchema = TableSchema {
    name: "ticket.v1",
    doc: "One row per revision of a support ticket.",
    time: None,
    tenant: "tenant_id",
    subjects: &["requester_id", "assignee_id"],
    key: &["ticket_id"],
    sort: &["ticket_id", "revision"],
    partitioned: false,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("ticket_id", Str, "the ticket"),
        Column::required("tier", Str, "tier of the tenant"),
        Column::required("priority", I16, "1 highest to 4"),
        Column::required("opened_at", Ts, "when it was opened"),
        Column::core("first_response_at", Ts, "when somebody first answered"),
        Column::core("resolved_at", Ts, "when it was resolved"),
        Column::required("state", Str, "open pending resolved closed, as the source names it"),
        Column::core("pauses", ColumnType::PAUSES, "when the clock stood still and why"),
        Column::required("revision", I32, "1 for the first; the highest is in force"),
        Column::optional("requester_id", Str, "who opened it"),
        Column::optional("assignee_id", Str, "who works on it"),
        Column::optional("product", Str, "what it is about"),
        Column::optional("reopened", I32, "how often it was opened again"),
    ],
};
