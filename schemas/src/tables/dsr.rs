//! `dsr.v1`: requests of data subjects. Append-only; the highest revision is in force.
//!
//! It has no time column on purpose: an open request concerns every interval until it is closed.
//! Absent: what the person wrote and what was answered.

use crate::table::{Column, ColumnType, ColumnType::*, TableSchema};

/// One row per revision of a request of a data subject.
pub static DSR: TableSchema = TableSchema {
    name: "dsr.v1",
    doc: "One row per revision of a request of a data subject.",
    time: None,
    tenant: "tenant_id",
    subjects: &["subject_id"],
    key: &["request_id"],
    sort: &["request_id", "revision"],
    partitioned: false,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("request_id", Str, "the request"),
        Column::core("subject_id", Str, "the person; null until identified"),
        Column::required("type", Str, "know portability erasure rectification restriction objection opt_out limit"),
        Column::required("jurisdiction", Str, "whose clock runs: gdpr uk_gdpr ccpa hipaa house"),
        Column::required("received_at", Ts, "when it was received"),
        Column::required("state", Str, "open fulfilled partly_fulfilled denied withdrawn"),
        Column::core("closed_at", Ts, "when it was answered or withdrawn"),
        Column::core("pauses", ColumnType::PAUSES, "when the clock stood still and why"),
        Column::required("revision", I32, "1 for the first; the highest is in force"),
        Column::optional("acknowledged_at", Ts, "when receipt was confirmed"),
        Column::optional("identity_verified_at", Ts, "when the person's identity was established"),
        Column::optional("extended_at", Ts, "when the person was told that it takes longer"),
        Column::optional("extension_reason", Str, "reason given for it"),
        Column::optional("denial_reason", Str, "reason given for a denial"),
        Column::optional("channel", Str, "how the request came in"),
        Column::optional("case_id", Str, "case it belongs to"),
        Column::optional("processors", ColumnType::PROCESSORS, "who else was asked to act"),
    ],
};
