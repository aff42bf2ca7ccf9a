//! Which columns a plan uses, which columns files hold, and how many rows.
//!
//! A scan fills a column that a file lacks with nulls, so only the footers tell a null from a gap.
//! Absent: row data.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::async_reader::MetadataFetch;
use parquet::file::metadata::ParquetMetaDataReader;
use schemas::{Dataset, InputFile, Interval, Via};

use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::incremental::Inputs;
use crate::lake_session::LakeSession;

const FOOTERS_AT_A_TIME: usize = 8;

/// What a footer says.
#[derive(Debug, Clone)]
pub(crate) struct Footer {
    /// Names of the columns.
    pub(crate) columns: HashSet<String>,
    /// Rows.
    pub(crate) rows: u64,
}

/// The pinned files of `dataset` that can hold rows of `interval`, with their rows, by path.
///
/// The interval is taken as given: a caller whose controls look back widens it first.
///
/// # Errors
/// When the store cannot be listed, or a footer cannot be read.
pub async fn input_files(
    session: &LakeSession,
    dataset: &str,
    interval: Interval,
) -> Result<Vec<InputFile>, EngineError> {
    let Some(declared) = session.dataset(dataset) else { return Ok(Vec::new()) };
    let files = files_within(session, declared, interval).await?;
    let footers = footers(session, dataset, &files).await?;
    let input = files.iter().zip(footers).map(|(file, footer)| InputFile {
        dataset: dataset.to_owned(),
        path: file.path().to_owned(),
        etag: file.etag().to_owned(),
        bytes: file.meta.size,
        rows: footer.rows,
        via: None,
    });
    Ok(input.collect())
}

/// Every pinned file of `dataset`, with its rows and how it took part in a fold. Of those that did the rows are known, and
/// only footers of the others are read.
///
/// # Errors
/// As [`input_files`].
pub(crate) async fn all_input_files(
    session: &LakeSession,
    dataset: &str,
    took_part: &Inputs,
) -> Result<Vec<InputFile>, EngineError> {
    let always = Interval { start: DateTime::<Utc>::MIN_UTC, end: DateTime::<Utc>::MAX_UTC };
    let Some(declared) = session.dataset(dataset) else { return Ok(Vec::new()) };
    let files = files_within(session, declared, always).await?;
    let (known, others): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| took_part.of(dataset, file.path()).is_some());
    let footers = footers(session, dataset, &others).await?;
    let input = |file: &PinnedFile, rows: u64, via: Option<Via>| InputFile {
        dataset: dataset.to_owned(),
        path: file.path().to_owned(),
        etag: file.etag().to_owned(),
        bytes: file.meta.size,
        rows,
        via,
    };
    let others = others.iter().zip(footers).map(|(file, footer)| input(file, footer.rows, None));
    let known = known.iter().filter_map(|file| {
        let (rows, via) = took_part.of(dataset, file.path())?;
        Some(input(file, rows, Some(via)))
    });
    let mut inputs: Vec<InputFile> = others.chain(known).collect();
    inputs.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(inputs)
}

/// The pinned files whose folder does not rule them out for `interval`.
/// # Errors
/// When the store cannot be listed.
pub async fn files_within(
    session: &LakeSession,
    dataset: &Dataset,
    interval: Interval,
) -> Result<Vec<PinnedFile>, EngineError> {
    let pinned = session.files(dataset.id.as_str()).await?.unwrap_or_default();
    let folders_tell =
        dataset.is_ours() && dataset.schema.partitioned && dataset.time.as_deref() == dataset.schema.time;
    let last = interval.end - chrono::TimeDelta::microseconds(1);
    let days = interval.start.date_naive()..=last.date_naive();
    let within = |file: &&PinnedFile| !folders_tell || file.date.is_none_or(|date| days.contains(&date));
    Ok(pinned.iter().filter(within).cloned().collect())
}

/// The footers of `files` of a dataset, in their order.
pub(crate) async fn footers(
    session: &LakeSession,
    dataset: &str,
    files: &[PinnedFile],
) -> Result<Vec<Footer>, EngineError> {
    stream::iter(files.to_vec())
        .map(|file| footer(Arc::clone(session.pinned(dataset)) as Arc<dyn ObjectStore>, file))
        .buffered(FOOTERS_AT_A_TIME)
        .try_collect()
        .await
}

async fn footer(store: Arc<dyn ObjectStore>, file: PinnedFile) -> Result<Footer, EngineError> {
    let ranges = Ranges { store, path: file.meta.location.clone() };
    let loaded = ParquetMetaDataReader::new().load_and_finish(ranges, file.meta.size).await;
    let metadata = loaded.map_err(|source| unreadable(&file, source))?;
    let metadata = metadata.file_metadata();
    let columns = metadata.schema().get_fields().iter().map(|field| field.name().to_owned()).collect();
    let rows = u64::try_from(metadata.num_rows()).unwrap_or_default();
    Ok(Footer { columns, rows })
}

/// Ranges of one pinned file.
struct Ranges {
    store: Arc<dyn ObjectStore>,
    path: Path,
}

impl MetadataFetch for Ranges {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            let got = self.store.get_range(&self.path, range).await;
            got.map_err(|source| parquet::errors::ParquetError::External(Box::new(source)))
        }
        .boxed()
    }
}

fn unreadable(file: &PinnedFile, source: parquet::errors::ParquetError) -> EngineError {
    // The store's own error says more: an object that was replaced is no damaged file.
    match source {
        parquet::errors::ParquetError::External(cause) => match cause.downcast::<object_store::Error>() {
            Ok(cause) => EngineError::store(&file.meta.location, "read it", *cause),
            Err(cause) => parquet_error(file, parquet::errors::ParquetError::External(cause)),
        },
        source => parquet_error(file, source),
    }
}

fn parquet_error(file: &PinnedFile, source: parquet::errors::ParquetError) -> EngineError {
    EngineError::Parquet { path: file.path().to_owned(), action: "read", source: Box::new(source) }
}

/// Table and column of everything an optimised plan reads.
pub(crate) fn columns_used(plan: &LogicalPlan) -> BTreeSet<(String, String)> {
    let mut used = BTreeSet::new();
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let table = scan.table_name.table();
            let projected = scan.projected_schema.fields().iter().map(|field| field.name().clone());
            let filtered =
                scan.filters.iter().flat_map(|filter| filter.column_refs()).map(|column| column.name.clone());
            used.extend(projected.chain(filtered).map(|column| (table.to_owned(), column)));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the walk itself returns no error");
    used
}
