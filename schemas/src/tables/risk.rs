//! `risk.v1`: scores of users, resources and models, each with what it is made of.
//!
//! Absent: a model that nobody can recompute; points are added up and cut at 100.

use crate::table::{Column, ColumnType, ColumnType::*, TableSchema};

/// One row per entity and instant at which it was scored.
pub static RISK: TableSchema = TableSchema {
    name: "risk.v1",
    doc: "One row per entity and instant at which it was scored.",
    time: None,
    tenant: "tenant_id",
    subjects: &[],
    key: &["entity_type", "entity_id", "at"],
    sort: &["entity_type", "entity_id", "at"],
    partitioned: false,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("entity_type", Str, "user resource model"),
        Column::required("entity_id", Str, "who or what is scored"),
        Column::required("at", Ts, "when"),
        Column::required("score", I32, "0 to 100"),
        Column::required("factors", ColumnType::FACTORS, "what the score is made of"),
    ],
};
