//! Rows and archives as bytes in memory: what is about one person fits there.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use exporters::{ExportOptions, ExportProgress, Part, PartOut, PartSink, export};

use crate::error::JobError;

/// Bytes that a writer leaves behind.
#[derive(Debug, Clone, Default)]
pub(super) struct Bytes(Arc<Mutex<Vec<u8>>>);

impl Bytes {
    /// What was written.
    pub(super) fn taken(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PartOut for Bytes {
    fn complete(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

/// The one part of an export.
struct OnePart(Bytes);

impl PartSink for OnePart {
    fn begin(&mut self, _: &str) -> io::Result<Box<dyn PartOut>> {
        Ok(Box::new(self.0.clone()))
    }

    fn ended(&mut self, _: &Part) -> io::Result<()> {
        Ok(())
    }
}

/// Rows as a document of one format.
pub(super) fn document(schema: &SchemaRef, rows: &[RecordBatch], options: &ExportOptions) -> Result<Vec<u8>, JobError> {
    let bytes = Bytes::default();
    let mut given = rows.iter().cloned().map(Ok);
    let mut sink = OnePart(bytes.clone());
    export(schema, &mut given, options, Vec::new(), &mut sink, &ExportProgress::default())?;
    Ok(bytes.taken())
}
