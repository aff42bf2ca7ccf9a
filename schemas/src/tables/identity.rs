//! `identity.v1`: one row per account and period of validity.
//!
//! Absent: credentials of any kind.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per account and period of validity.
pub static IDENTITY: TableSchema = TableSchema {
    name: "identity.v1",
    doc: "One row per account and period of validity.",
    time: None,
    tenant: "tenant_id",
    subjects: &["account_id", "person_id"],
    key: &["account_id", "valid_from"],
    sort: &["account_id", "valid_from"],
    partitioned: false,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("account_id", Str, "the account; equals actor_id of audit events"),
        Column::required("kind", Str, "user service vendor ai_agent"),
        Column::required("state", Str, "enabled disabled deleted"),
        Column::required("roles", StrList, "roles of the account"),
        Column::required("valid_from", Ts, "the row holds from here"),
        Column::core("valid_to", Ts, "until here, exclusive; null while it holds"),
        Column::core("created_at", Ts, "when the account was created"),
        Column::core("disabled_at", Ts, "when the account was disabled"),
        Column::core("terminated_at", Ts, "when the person left"),
        Column::optional("person_id", Str, "the person behind the account"),
        Column::optional("manager_id", Str, "who answers for the account"),
        Column::optional("timezone", Str, "IANA zone of the person"),
        Column::optional("mfa_enrolled", Bool, "a second factor is enrolled"),
        Column::optional("generic", Bool, "shared by several people"),
        Column::optional("password_changed_at", Ts, "last change of the password"),
    ],
};
