//! `correction.v1`: one row per value that a person says is wrong, with what is right instead.
//!
//! The row that it is about stays as it was: what happened is not rewritten. Absent: who the person is beyond one identifier.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per value that was corrected.
pub static CORRECTION: TableSchema = TableSchema {
    name: "correction.v1",
    doc: "One row per value that a person had corrected; the row that it is about stays as it was.",
    time: Some("corrected_at"),
    tenant: "tenant_id",
    subjects: &["subject_id"],
    key: &["correction_id"],
    sort: &["corrected_at", "correction_id"],
    partitioned: false,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("correction_id", Str, "the case and a number in it"),
        Column::required("corrected_at", Ts, "when it was recorded"),
        Column::required("subject_id", Str, "an identifier of the person"),
        Column::required("dataset", Str, "the dataset of the row that is wrong"),
        Column::required("row_key", Str, "its key there"),
        Column::required("field", Str, "its column that is wrong"),
        Column::core("stated", Str, "what stands there; null where nothing does"),
        Column::core("correct", Str, "what is right; null where nothing should stand there"),
        Column::required("case_id", Str, "the case of the person"),
    ],
};
