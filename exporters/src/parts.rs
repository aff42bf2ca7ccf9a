//! An export: rows become parts, each with its counts and hashes.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use schemas::hex;
use serde::{Deserialize, Serialize};

use crate::chunk::{Chunks, RowsError};
use crate::error::ExportError;
use crate::export::{Exporter, PartBytes, exporter};
use crate::format::ExportOptions;
use crate::losses::{CellCounts, CutCell};
use crate::pack::{Packed, Packer, PartOut};
use crate::rows::{check_names, check_types};

/// One finished part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name, beside the others.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its bytes as they are kept.
    pub bytes: u64,
    /// SHA-256 of them, in hex.
    pub sha256: String,
    /// SHA-256 of what they are before compression, in hex.
    pub content_sha256: String,
    /// Cells that no reader gets back as they were: by what was done, by column.
    pub cells: BTreeMap<String, BTreeMap<String, u64>>,
    /// The first cells that were cut.
    pub cut: Vec<CutCell>,
}

/// Where parts go.
pub trait PartSink {
    /// Begins the part of this name. Dropped before it is complete, it must leave nothing.
    ///
    /// # Errors
    /// When the place refuses it.
    fn begin(&mut self, name: &str) -> io::Result<Box<dyn PartOut>>;

    /// A part is complete.
    ///
    /// # Errors
    /// When it cannot be noted.
    fn ended(&mut self, part: &Part) -> io::Result<()>;
}

/// How far an export is; read by whoever shows progress.
#[derive(Debug, Default)]
pub struct ExportProgress {
    /// Rows written.
    pub rows: AtomicU64,
    /// Bytes written, before compression.
    pub bytes: AtomicU64,
    /// Number of the part under way.
    pub part: AtomicU64,
}

/// Writes rows as the parts of an export, going on behind those in `done`. There is one part at least.
///
/// # Errors
/// A column or cell that the format cannot hold, rows that do not come to an end, or a place that refuses bytes. The
/// part under way is left incomplete then.
pub fn export(
    schema: &SchemaRef,
    rows: &mut dyn Iterator<Item = Result<RecordBatch, RowsError>>,
    options: &ExportOptions,
    done: Vec<Part>,
    sink: &mut dyn PartSink,
    progress: &ExportProgress,
) -> Result<Vec<Part>, ExportError> {
    let exporter = exporter(options.format);
    check(schema, options)?;
    let mut chunks = Chunks::new(schema, rows);
    let mut written: u64 = done.iter().map(|part| part.rows).sum();
    chunks.skip(written)?;
    progress.rows.fetch_add(written, Ordering::Relaxed);
    let mut parts = done;
    let mut next = chunks.next(options.split.rows)?;
    while next.is_some() || parts.is_empty() {
        let number = parts.len() as u64 + 1;
        progress.part.store(number, Ordering::Relaxed);
        let name = options.part_name(number);
        let work = PartWork { exporter, schema, options, progress, first_row: written + 1 };
        let out = sink.begin(&name).map_err(ExportError::Write)?;
        let (part, after) = work.write(name, out, next, &mut chunks)?;
        sink.ended(&part).map_err(ExportError::Write)?;
        written += part.rows;
        parts.push(part);
        next = after;
    }
    Ok(parts)
}

/// Refuses what could not be written, before the first row is read.
///
/// # Errors
/// A column that the format cannot hold, or compression of a format that has its own.
pub fn check(schema: &SchemaRef, options: &ExportOptions) -> Result<(), ExportError> {
    if options.compression.is_some() && !options.format.is_text() {
        return Err(ExportError::Compressed { format: options.format });
    }
    check_types(schema)?;
    check_names(schema)?;
    exporter(options.format).check(schema)
}

/// What the writing of one part needs.
struct PartWork<'a> {
    exporter: &'static dyn Exporter,
    schema: &'a SchemaRef,
    options: &'a ExportOptions,
    progress: &'a ExportProgress,
    first_row: u64,
}

impl PartWork<'_> {
    /// Writes chunks until the part is full, and gives the chunk that begins the next one.
    fn write(
        &self,
        name: String,
        out: Box<dyn PartOut>,
        first: Option<RecordBatch>,
        chunks: &mut Chunks<'_>,
    ) -> Result<(Part, Option<RecordBatch>), ExportError> {
        let mut packer = Packer::start(self.options.compression, out).map_err(ExportError::Write)?;
        let mut cells = CellCounts::default();
        match self.write_rows(&mut packer, first, chunks, &mut cells) {
            Ok((rows, after)) => {
                let packed = packer.finish().map_err(ExportError::Write)?;
                Ok((self.part(name, rows, packed, cells), after))
            }
            Err(error) => Err(match (packer.give_up(), error) {
                (Some(cause), ExportError::Write(_)) => ExportError::Write(cause),
                (_, error) => error,
            }),
        }
    }

    fn write_rows(
        &self,
        packer: &mut Packer,
        first: Option<RecordBatch>,
        chunks: &mut Chunks<'_>,
        cells: &mut CellCounts,
    ) -> Result<(u64, Option<RecordBatch>), ExportError> {
        let split = self.options.split;
        let taken = Counter::default();
        let mut counted = Counted { out: packer, taken: &taken };
        let mut writer = self.exporter.start(self.schema, self.options, &mut counted)?;
        let (mut rows, mut next, mut told) = (0, first, 0);
        while let Some(chunk) = next {
            writer.write(&chunk, self.first_row + rows, cells)?;
            if self.options.strict
                && let Some((column, loss)) = cells.first_final()
            {
                let column = self.schema.field(column).name().clone();
                return Err(ExportError::Lossy { column, loss: loss.as_str() });
            }
            rows += chunk.num_rows() as u64;
            let bytes = taken.load(Ordering::Relaxed);
            self.progress.rows.fetch_add(chunk.num_rows() as u64, Ordering::Relaxed);
            self.progress.bytes.fetch_add(bytes - told, Ordering::Relaxed);
            told = bytes;
            if rows >= split.rows || bytes >= split.bytes {
                writer.finish()?;
                return Ok((rows, chunks.next(split.rows)?));
            }
            next = chunks.next(split.rows - rows)?;
        }
        writer.finish()?;
        Ok((rows, None))
    }

    fn part(&self, name: String, rows: u64, packed: Packed, cells: CellCounts) -> Part {
        let by_name = cells.by_name(self.schema.fields());
        Part {
            name,
            rows,
            bytes: packed.bytes,
            sha256: hex(&packed.sha256),
            content_sha256: hex(&packed.content_sha256),
            cells: by_name.into_iter().map(|(loss, columns)| (loss.to_owned(), columns)).collect(),
            cut: cells.cut,
        }
    }
}

type Counter = AtomicU64;

/// Counts what a writer gives while the writer holds the output.
struct Counted<'a> {
    out: &'a mut Packer,
    taken: &'a Counter,
}

impl io::Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let some = self.out.write(bytes)?;
        self.taken.fetch_add(some as u64, Ordering::Relaxed);
        Ok(some)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl PartBytes for Counted<'_> {
    fn write_text(&mut self, text: String) -> io::Result<Option<String>> {
        self.taken.fetch_add(text.len() as u64, Ordering::Relaxed);
        self.out.write_text(text)
    }
}

#[cfg(test)]
pub(crate) mod kept;
#[cfg(test)]
pub(crate) mod rows_of_all_kinds;
#[cfg(test)]
mod tests;
