//! Sorted rows into Parquet files, a folder per tenant and day, cut at a size that fits into memory.
//!
//! Batches are cut anew before they reach the writer: it places page borders by the batches it is given,
//! and the same rows must give the same bytes however the sort handed them out.

use std::sync::Arc;

use arrow::compute::BatchCoalescer;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties};
use schemas::{Dataset, TableSchema};
use sha2::{Digest, Sha256};

use super::merge::Places;
use super::plan::WrittenFile;
use super::{Fence, IngestProgress};
use crate::dataset::encode_folder_value;
use crate::error::EngineError;
use crate::store::{Created, Lakefront};

/// Rows of a row group.
const ROW_GROUP_ROWS: usize = 131_072;
/// Rows handed to the writer at a time.
const CHUNK_ROWS: usize = 8_192;
/// A file is closed when it has grown to this; `compact` makes bigger ones.
const FILE_BYTES: usize = 32 << 20;

/// Writes the files of one work, in order.
pub(crate) struct FileSeries<'a> {
    pub(crate) lake: &'a Lakefront,
    pub(crate) fence: &'a dyn Fence,
    pub(crate) progress: &'a IngestProgress,
    pub(crate) work: &'a str,
    layout: Layout,
    file_bytes: usize,
    open: Option<OpenFile>,
    files: Vec<WrittenFile>,
}

/// How the files of one work are written.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) table: &'static TableSchema,
    pub(crate) schema: SchemaRef,
    /// The mapping's name, for the footer.
    pub(crate) mapping: String,
}

struct OpenFile {
    folder: String,
    layout: Layout,
    chunks: BatchCoalescer,
    /// Made with the first chunk, when it shows whether the file is small.
    writer: Option<ArrowWriter<Vec<u8>>>,
    rows: u64,
}

impl<'a> FileSeries<'a> {
    pub(crate) fn new(
        lake: &'a Lakefront,
        fence: &'a dyn Fence,
        progress: &'a IngestProgress,
        work: &'a str,
        layout: Layout,
    ) -> Self {
        Self { lake, fence, progress, work, layout, file_bytes: FILE_BYTES, open: None, files: Vec::new() }
    }

    /// The same with files of another size.
    pub(crate) fn with_file_bytes(self, file_bytes: usize) -> Self {
        Self { file_bytes, ..self }
    }

    /// Adds rows in the order of `dataset`'s folders.
    pub(crate) async fn write_into(&mut self, dataset: &Dataset, rows: &RecordBatch) -> Result<(), EngineError> {
        let places = Places::of(dataset, rows);
        let mut at = 0;
        while at < rows.num_rows() {
            let (tenant, day) = places.of_row(at);
            let end = (at + 1..rows.num_rows()).find(|row| places.of_row(*row) != (tenant, day));
            let end = end.unwrap_or(rows.num_rows());
            let day = day.map(|day| day.to_string()).unwrap_or_default();
            self.write(&folder(dataset, tenant, &day), &rows.slice(at, end - at)).await?;
            at = end;
        }
        Ok(())
    }

    /// Adds rows that all belong to `folder`; folders come in order, each once.
    pub(crate) async fn write(&mut self, folder: &str, rows: &RecordBatch) -> Result<(), EngineError> {
        if self.open.as_ref().is_some_and(|open| open.folder != folder) {
            self.close().await?;
        }
        let mut at = 0;
        while at < rows.num_rows() {
            // Never more than a chunk at a time, so that a file is cut at the same row in every run.
            let file_bytes = self.file_bytes;
            let open = self.opened(folder);
            let taken = (CHUNK_ROWS - open.chunks.get_buffered_rows()).min(rows.num_rows() - at);
            open.push(&rows.slice(at, taken)).map_err(|error| unwritable(folder, error))?;
            at += taken;
            if open.bytes() >= file_bytes {
                self.close().await?;
            }
        }
        Ok(())
    }

    fn opened(&mut self, folder: &str) -> &mut OpenFile {
        let layout = &self.layout;
        self.open.get_or_insert_with(|| OpenFile {
            folder: folder.to_owned(),
            layout: layout.clone(),
            chunks: BatchCoalescer::new(Arc::clone(&layout.schema), CHUNK_ROWS),
            writer: None,
            rows: 0,
        })
    }

    /// Closes the last file and says what was written.
    pub(crate) async fn finish(mut self) -> Result<Vec<WrittenFile>, EngineError> {
        self.close().await?;
        Ok(self.files)
    }

    async fn close(&mut self) -> Result<(), EngineError> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let folder = std::mem::take(&mut open.folder);
        let rows = open.rows;
        let bytes = open.finish().map_err(|error| unwritable(&folder, error))?;
        let path = format!("{folder}{}-{:05}.parquet", self.work, self.files.len());
        self.fence.check().await?;
        let written = create_file(self.lake, &path, bytes.into(), rows).await?;
        IngestProgress::add(&self.progress.rows, rows);
        self.files.push(written);
        Ok(())
    }
}

impl OpenFile {
    fn push(&mut self, rows: &RecordBatch) -> Result<(), ParquetError> {
        self.rows += rows.num_rows() as u64;
        self.chunks.push_batch(rows.clone())?;
        self.drain(ROW_GROUP_ROWS)
    }

    fn bytes(&self) -> usize {
        self.writer.as_ref().map_or(0, |writer| writer.bytes_written() + writer.in_progress_size())
    }

    /// Writes the chunks that are whole; `expected` rows at most are in a row group of this file.
    fn drain(&mut self, expected: usize) -> Result<(), ParquetError> {
        while let Some(chunk) = self.chunks.next_completed_batch() {
            self.writer(expected)?.write(&chunk)?;
        }
        Ok(())
    }

    fn writer(&mut self, expected: usize) -> Result<&mut ArrowWriter<Vec<u8>>, ParquetError> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                let properties = self.layout.properties(expected);
                ArrowWriter::try_new(Vec::new(), Arc::clone(&self.layout.schema), Some(properties))?
            }
        };
        Ok(self.writer.insert(writer))
    }

    fn finish(mut self) -> Result<Vec<u8>, ParquetError> {
        let last = self.chunks.get_buffered_rows();
        self.chunks.finish_buffered_batch()?;
        self.drain(last)?;
        self.writer(last)?;
        self.writer.map_or_else(|| Ok(Vec::new()), ArrowWriter::into_inner)
    }
}

/// Writes a file under a name that follows from the work; the same bytes may be there already.
pub(crate) async fn create_file(
    lake: &Lakefront,
    path: &str,
    bytes: Bytes,
    rows: u64,
) -> Result<WrittenFile, EngineError> {
    let sha256 = crate::hex(&Sha256::digest(&bytes));
    let size = bytes.len() as u64;
    let location = Path::parse(path).map_err(|error| EngineError::Bug { what: format!("path \"{path}\": {error}") })?;
    if lake.create(&location, bytes).await? == Created::Existed {
        let there = lake.read(&location).await?.unwrap_or_default();
        if crate::hex(&Sha256::digest(&there)) != sha256 {
            return Err(EngineError::Bug { what: format!("file \"{path}\" of the same work has other bytes") });
        }
    }
    Ok(WrittenFile { path: path.to_owned(), sha256, bytes: size, rows })
}

/// The folder of a tenant's day, or the dataset's own.
fn folder(dataset: &Dataset, tenant: &str, day: &str) -> String {
    if dataset.schema.partitioned {
        format!("{}tenant={}/date={day}/", dataset.location, encode_folder_value(tenant))
    } else {
        dataset.location.clone()
    }
}

fn unwritable(folder: &str, source: ParquetError) -> EngineError {
    EngineError::Parquet { path: folder.to_owned(), action: "written", source: Box::new(source) }
}

impl Layout {
    /// How every file of a dataset is written, see the guide's page on files; `expected_rows` at most are in one of its
    /// row groups.
    pub(crate) fn properties(&self, expected_rows: usize) -> WriterProperties {
        let position = |name: &str| self.schema.index_of(name).ok();
        let sorting = self.table.sort.iter().filter_map(|name| position(name)).map(|column| SortingColumn {
            column_idx: i32::try_from(column).unwrap_or(i32::MAX),
            descending: false,
            nulls_first: true,
        });
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_bloom_filter_position(BloomFilterPosition::End)
            .set_created_by(format!("auditlake {}", env!("CARGO_PKG_VERSION")))
            .set_sorting_columns(Some(sorting.collect()))
            .set_key_value_metadata(Some(vec![
                KeyValue::new("auditlake.schema".to_owned(), self.table.name.to_owned()),
                KeyValue::new("auditlake.mapping".to_owned(), self.mapping.clone()),
            ]));
        let blooms =
            self.table.subjects.iter().chain(&["event_id", "resource_id"]).filter(|name| position(name).is_some());
        for name in blooms {
            // Folded down to the values that are there; sized for no more, because clearing it takes its time.
            properties = properties
                .set_column_bloom_filter_enabled((*name).into(), true)
                .set_column_bloom_filter_fpp((*name).into(), 0.01)
                .set_column_bloom_filter_max_ndv((*name).into(), expected_rows as u64);
        }
        properties.build()
    }
}
