//! `rejected.v1`: the records that an ingest refused, with their bytes, so that nothing is lost.
//!
//! It holds what the source held, personal data too: it is a dataset, and retention applies to it.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per record that an ingest refused.
pub static REJECTED: TableSchema = TableSchema {
    name: "rejected.v1",
    doc: "One row per record that an ingest refused.",
    time: Some("ingested_at"),
    tenant: "tenant_id",
    subjects: &[],
    key: &["source", "offset_bytes"],
    sort: &["source", "offset_bytes"],
    partitioned: false,
    columns: &[
        Column::core("tenant_id", Str, "tenant, where it was known"),
        Column::required("job", Str, "job or command that read the record"),
        Column::required("mapping", Str, "mapping with version"),
        Column::required("source", Str, "path of the object"),
        Column::core("source_etag", Str, "ETag of the object"),
        Column::required("offset_bytes", I64, "byte offset of the record in the uncompressed object"),
        Column::core("line", I64, "line of the record, from 1"),
        Column::core("record", I64, "number of the record in the object, from 1"),
        Column::required("kind", Str, "syntax missing type range too_large id_conflict truncated"),
        Column::required("detail", Str, "what was wrong"),
        Column::required("raw", Binary, "first 64 KiB of the record"),
        Column::required("raw_bytes", I64, "length of the record in bytes"),
        Column::required("raw_hash", Hash, "SHA-256 of the record's bytes"),
        Column::required("ingested_at", Ts, "instant of the ingest run"),
    ],
};
