//! Sorted rows into Parquet files, a folder per tenant and day, cut at a size that fits into memory.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use object_store::path::Path;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties};
use schemas::{Column, ColumnType, Dataset, TableSchema};
use sha2::{Digest, Sha256};

use super::encode::{Encoded, Encoder};
use super::merge::Places;
use super::plan::WrittenFile;
use super::{Fence, IngestProgress};
use crate::dataset::encode_folder_value;
use crate::error::EngineError;
use crate::store::{Created, Lakefront};

/// Rows of a row group.
pub(crate) const ROW_GROUP_ROWS: usize = 131_072;
/// Rows of a page: whoever looks for one row decodes a page of every column.
const PAGE_ROWS: usize = 2_048;
/// Columns of which nearly every value is another one, beside those of hashes: a dictionary of them has to be read for one
/// row, and saves nothing.
const UNIQUE: [&str; 1] = ["event_id"];
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
    /// Started by the first rows.
    encoder: Option<Encoder>,
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

impl<'a> FileSeries<'a> {
    pub(crate) fn new(
        lake: &'a Lakefront,
        fence: &'a dyn Fence,
        progress: &'a IngestProgress,
        work: &'a str,
        layout: Layout,
    ) -> Self {
        Self { lake, fence, progress, work, layout, file_bytes: FILE_BYTES, encoder: None, files: Vec::new() }
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
        let folder: Arc<str> = Arc::from(folder);
        while let Some(file) = self.encoder().give(&folder, rows).await? {
            self.create(file).await?;
        }
        Ok(())
    }

    fn encoder(&mut self) -> &mut Encoder {
        self.encoder.get_or_insert_with(|| Encoder::start(self.layout.clone(), self.file_bytes))
    }

    /// Closes the last file and says what was written.
    pub(crate) async fn finish(mut self) -> Result<Vec<WrittenFile>, EngineError> {
        if let Some(mut encoder) = self.encoder.take() {
            while let Some(file) = encoder.rest().await? {
                self.create(file).await?;
            }
        }
        Ok(self.files)
    }

    async fn create(&mut self, file: Encoded) -> Result<(), EngineError> {
        let path = format!("{}{}-{:05}.parquet", file.folder, self.work, self.files.len());
        self.fence.check().await?;
        let written = create_file(self.lake, &path, file.bytes.into(), file.rows).await?;
        IngestProgress::add(&self.progress.rows, file.rows);
        self.files.push(written);
        Ok(())
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
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_bloom_filter_position(BloomFilterPosition::End)
            .set_created_by(format!("auditlake {}", env!("CARGO_PKG_VERSION")))
            .set_sorting_columns(Some(sorting.collect()))
            .set_key_value_metadata(Some(vec![
                KeyValue::new("auditlake.schema".to_owned(), self.table.name.to_owned()),
                KeyValue::new("auditlake.mapping".to_owned(), self.mapping.clone()),
            ]));
        let is_unique = |column: &&Column| column.kind == ColumnType::Hash || UNIQUE.contains(&column.name);
        for column in self.table.columns.iter().filter(is_unique) {
            properties = properties.set_column_dictionary_enabled(column.name.into(), false);
        }
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
