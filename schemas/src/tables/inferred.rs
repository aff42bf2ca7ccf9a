//! The schema of a dataset that declares none: its columns are those of its files.
//!
//! Absent: every column. Who plans over such a dataset looks into the files.

use crate::table::TableSchema;

/// Stands for a schema that only the files know.
pub static INFERRED: TableSchema = TableSchema {
    name: "inferred",
    doc: "Columns as the files have them.",
    time: None,
    tenant: "",
    subjects: &[],
    sort: &[],
    key: &[],
    partitioned: false,
    columns: &[],
};
