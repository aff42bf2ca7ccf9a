//! Refused records on their way to `<dataset>_rejected`: spooled to disk, so that memory does not follow their number.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow::array::{BinaryBuilder, FixedSizeBinaryBuilder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use schemas::REJECTED;

use super::plan::Plan;
use super::records::{Bad, RejectKind};
use super::write::Layout;
use crate::error::EngineError;

/// Rejected bytes held before they are written to the spool.
const HELD_BYTES: usize = 4 << 20;
/// What a rejected record takes beside its bytes, about.
const ROW_BYTES: usize = 256;
/// A spool file is closed when it has grown to this.
const FILE_BYTES: usize = 32 << 20;

/// Hears of each record that is refused: its number in the batch, why, and its tenant where that is known.
pub(crate) type Refuse<'a> = dyn FnMut(usize, RejectKind, String, Option<&str>) -> Result<(), EngineError> + 'a;

/// Collects refused records of one work.
pub(crate) struct Rejects {
    job: String,
    mapping: String,
    ingested_at: i64,
    /// Whether they are written; those of a replay lie there already.
    written: bool,
    schema: SchemaRef,
    rows: Rows,
    spool: Option<ArrowWriter<File>>,
    spool_rows: u64,
    full: Vec<(File, u64)>,
    reasons: HashMap<String, u64>,
}

impl Rejects {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            job: plan.job.clone(),
            mapping: plan.mapping_name(),
            ingested_at: plan.instant.timestamp_micros(),
            written: !plan.rejected,
            schema: REJECTED.arrow(),
            rows: Rows::default(),
            spool: None,
            spool_rows: 0,
            full: Vec::new(),
            reasons: HashMap::new(),
        }
    }

    /// Takes one refused record. `why` names the reason without any value of the record.
    pub(crate) fn push(&mut self, source: (&str, &str), tenant: Option<&str>, bad: &Bad) -> Result<(), EngineError> {
        *self.reasons.entry(format!("{}: {}", bad.kind.as_str(), bad.detail)).or_default() += 1;
        if !self.written {
            return Ok(());
        }
        let rows = &mut self.rows;
        rows.tenant_id.append_option(tenant);
        rows.job.append_value(&self.job);
        rows.mapping.append_value(&self.mapping);
        rows.source.append_value(source.0);
        rows.source_etag.append_value(source.1);
        rows.offset_bytes.append_value(as_i64(bad.place.offset));
        rows.line.append_value(as_i64(bad.place.line));
        rows.record.append_value(as_i64(bad.place.number));
        rows.kind.append_value(bad.kind.as_str());
        rows.detail.append_value(&bad.detail);
        rows.raw.append_value(&bad.bytes);
        rows.raw_bytes.append_value(as_i64(bad.bytes_total));
        rows.raw_hash.append_value(bad.hash).map_err(|error| bug(&error))?;
        rows.ingested_at.append_value(self.ingested_at);
        rows.held += bad.bytes.len() + ROW_BYTES;
        if rows.held >= HELD_BYTES { self.spool_rows() } else { Ok(()) }
    }

    /// These, and behind them those of `later`.
    pub(crate) fn then(mut self, mut later: Self) -> Result<Self, EngineError> {
        for one in [&mut self, &mut later] {
            one.spool_rows()?;
            one.close_spool()?;
        }
        self.full.append(&mut later.full);
        for (reason, count) in later.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        Ok(self)
    }

    fn spool_rows(&mut self) -> Result<(), EngineError> {
        if self.rows.held == 0 {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.rows).finish(&self.schema)?;
        self.spool_rows += batch.num_rows() as u64;
        let mut spool = match self.spool.take() {
            Some(spool) => spool,
            None => {
                let file = tempfile::tempfile().map_err(|error| no_spool(&error))?;
                let layout =
                    Layout { table: &REJECTED, schema: Arc::clone(&self.schema), mapping: self.mapping.clone() };
                // A row group is what is held at a time.
                let properties = layout.properties(HELD_BYTES / ROW_BYTES);
                ArrowWriter::try_new(file, layout.schema, Some(properties)).map_err(|error| bug(&error))?
            }
        };
        spool.write(&batch).and_then(|()| spool.flush()).map_err(|error| bug(&error))?;
        let full = spool.bytes_written() >= FILE_BYTES;
        self.spool = Some(spool);
        if full { self.close_spool() } else { Ok(()) }
    }

    fn close_spool(&mut self) -> Result<(), EngineError> {
        if let Some(spool) = self.spool.take() {
            let file = spool.into_inner().map_err(|error| bug(&error))?;
            self.full.push((file, std::mem::take(&mut self.spool_rows)));
        }
        Ok(())
    }

    /// The reasons, most frequent first, at most `limit`.
    pub(crate) fn reasons(&self, limit: usize) -> Vec<(String, u64)> {
        let mut reasons: Vec<(String, u64)> =
            self.reasons.iter().map(|(reason, count)| (reason.clone(), *count)).collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        reasons.truncate(limit);
        reasons
    }

    /// The finished Parquet files, one at a time.
    pub(crate) fn into_files(mut self) -> Result<impl Iterator<Item = Result<(Bytes, u64), EngineError>>, EngineError> {
        self.spool_rows()?;
        self.close_spool()?;
        Ok(self.full.into_iter().map(|(mut file, rows)| {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0))
                .and_then(|_| file.read_to_end(&mut bytes))
                .map_err(|error| no_spool(&error))?;
            Ok((bytes.into(), rows))
        }))
    }
}

fn no_spool(error: &std::io::Error) -> EngineError {
    EngineError::Folder {
        folder: std::env::temp_dir().display().to_string(),
        why: format!("rejected records cannot be spooled there ({error}); free space or set TMPDIR"),
    }
}

fn bug(error: &dyn std::error::Error) -> EngineError {
    EngineError::Bug { what: format!("rejected records cannot be written ({error})") }
}

fn as_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

struct Rows {
    tenant_id: StringBuilder,
    job: StringBuilder,
    mapping: StringBuilder,
    source: StringBuilder,
    source_etag: StringBuilder,
    offset_bytes: Int64Builder,
    line: Int64Builder,
    record: Int64Builder,
    kind: StringBuilder,
    detail: StringBuilder,
    raw: BinaryBuilder,
    raw_bytes: Int64Builder,
    raw_hash: FixedSizeBinaryBuilder,
    ingested_at: TimestampMicrosecondBuilder,
    held: usize,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            tenant_id: StringBuilder::new(),
            job: StringBuilder::new(),
            mapping: StringBuilder::new(),
            source: StringBuilder::new(),
            source_etag: StringBuilder::new(),
            offset_bytes: Int64Builder::new(),
            line: Int64Builder::new(),
            record: Int64Builder::new(),
            kind: StringBuilder::new(),
            detail: StringBuilder::new(),
            raw: BinaryBuilder::new(),
            raw_bytes: Int64Builder::new(),
            raw_hash: FixedSizeBinaryBuilder::new(32),
            ingested_at: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            held: 0,
        }
    }
}

impl Rows {
    fn finish(mut self, schema: &SchemaRef) -> Result<RecordBatch, EngineError> {
        let columns: Vec<arrow::array::ArrayRef> = vec![
            Arc::new(self.tenant_id.finish()),
            Arc::new(self.job.finish()),
            Arc::new(self.mapping.finish()),
            Arc::new(self.source.finish()),
            Arc::new(self.source_etag.finish()),
            Arc::new(self.offset_bytes.finish()),
            Arc::new(self.line.finish()),
            Arc::new(self.record.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.detail.finish()),
            Arc::new(self.raw.finish()),
            Arc::new(self.raw_bytes.finish()),
            Arc::new(self.raw_hash.finish()),
            Arc::new(self.ingested_at.finish()),
        ];
        RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| bug(&error))
    }
}
