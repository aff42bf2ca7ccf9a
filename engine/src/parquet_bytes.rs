//! Small tables of our own as Parquet, and back: evidence, findings, results, the log of lineage.

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
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

/// The rows of a file that [`parquet_bytes`] gave.
///
/// # Errors
/// When it is not such a file; `path` names it in the error.
pub fn parquet_rows(path: &str, bytes: Bytes) -> Result<Vec<RecordBatch>, EngineError> {
    let failed = |source: parquet::errors::ParquetError| EngineError::Parquet {
        path: path.to_owned(),
        action: "read",
        source: Box::new(source),
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(|builder| builder.build()).map_err(failed)?;
    reader.map(|batch| batch.map_err(|error| failed(error.into()))).collect()
}

/// Rows of a Parquet file, by its footer.
///
/// # Errors
/// When it is no such file; `path` names it in the error.
pub fn parquet_row_count(path: &str, bytes: Bytes) -> Result<u64, EngineError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|source| EngineError::Parquet {
        path: path.to_owned(),
        action: "read",
        source: Box::new(source),
    })?;
    Ok(u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or_default())
}
