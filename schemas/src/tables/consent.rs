//! `consent.v1`: one row per statement of a person about a purpose; the latest one is in force.
//!
//! It has no time column on purpose: a consent holds until another one, so no interval cuts the table.
//! Absent: the words that were consented to, which `notice_version` names.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per statement of a person about a purpose.
pub static CONSENT: TableSchema = TableSchema {
    name: "consent.v1",
    doc: "One row per statement of a person about a purpose.",
    time: None,
    tenant: "tenant_id",
    subjects: &["subject_id"],
    key: &["consent_id"],
    sort: &["subject_id", "purpose", "time", "consent_id"],
    partitioned: false,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("consent_id", Str, "the statement"),
        Column::required("subject_id", Str, "the person"),
        Column::required("purpose", Str, "what the data is used for"),
        Column::required("time", Ts, "when it was stated"),
        Column::required("state", Str, "granted withdrawn opt_out opt_out_effective expired"),
        Column::optional("expires_at", Ts, "a grant holds until here, exclusive; null without end"),
        Column::optional("method", Str, "how it was given"),
        Column::optional("notice_version", Str, "version of the notice shown"),
        Column::optional("jurisdiction", Str, "law that applies"),
        Column::optional("explicit", Bool, "given expressly, as special categories need"),
        Column::optional("minor", Bool, "the person is a child under that law"),
    ],
};
