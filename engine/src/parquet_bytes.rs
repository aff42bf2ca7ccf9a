//! Small tables of our own as Parquet: evidence, findings, results.

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::error::EngineError;

/// The rows as one Parquet file; the same rows give the same bytes.
///
/// # Errors
/// When a column's type has no Parquet form; `path` names the file in the error.
pub fn parquet_bytes(path: &str, rows: &RecordBatch) -> Result<Bytes, EngineError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
        .set_created_by(format!("auditlake {}", env!("CARGO_PKG_VERSION")))
        .build();
    let written = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).and_then(|mut writer| {
        writer.write(rows)?;
        writer.into_inner()
    });
    written.map(Bytes::from).map_err(|source| EngineError::Parquet {
        path: path.to_owned(),
        action: "written",
        source: Box::new(source),
    })
}
