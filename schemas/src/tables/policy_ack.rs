//! `policy_ack.v1`: who acknowledged which version of a policy, or finished which course.
//!
//! Absent: policies and courses themselves; their publication is an event of `audit.v1`.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per account and version of a policy or course.
pub static POLICY_ACK: TableSchema = TableSchema {
    name: "policy_ack.v1",
    doc: "One row per account and version of a policy or course.",
    time: None,
    tenant: "tenant_id",
    subjects: &["account_id"],
    key: &["account_id", "item_id", "item_version"],
    sort: &["account_id", "item_id", "item_version"],
    partitioned: false,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("account_id", Str, "the account; equals actor_id of audit events"),
        Column::required("item_id", Str, "the policy or course"),
        Column::required("item_version", Str, "its version"),
        Column::required("kind", Str, "policy training"),
        Column::core("acknowledged_at", Ts, "when; null while it is owed"),
        Column::optional("due_at", Ts, "by when"),
        Column::optional("method", Str, "how it was acknowledged"),
        Column::optional("score", I32, "result of a test, per cent"),
    ],
};
