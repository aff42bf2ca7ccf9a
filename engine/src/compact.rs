//! Many small files of a folder become few big ones, with the same rows.
//!
//! ```text
//! small files ── read ─────────────── fingerprint ─┐
//!      └──────── read, sort, write, read again ─ fingerprint ── equal? commit : give up
//! ```
//!
//! The rows are counted and hashed before and after, as they lie in the store, and only equal ones are committed.
//! Files that a query job wrote stay as they are, because it replaces them by interval. Absent: dropping, changing or
//! deduplicating rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::compute::cast;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use chrono::{DateTime, TimeDelta, Utc};
use datafusion::catalog::TableProvider;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use futures::StreamExt;
use object_store::ObjectStoreExt;
use schemas::Dataset;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::dataset::PinnedFile;
use crate::dataset_table::{plain, schema_of};
use crate::error::EngineError;
use crate::ingest::{Fence, FileSeries, IngestProgress, Layout, WrittenFile, ascending, key_columns, unfinished};
use crate::lake_session::{LakeSession, stream_error};
use crate::replace::{COMPACT, FilesReplaced, Replacement, files_of, leftovers, remove_replaced};
use crate::session::SessionFactory;
use crate::store::{Lakefront, recorded_path};
use crate::subject_index::Indexed;
use crate::table::PinnedTable;

/// Bytes of inputs that one commit replaces: what is done by then is kept when a later one fails.
const BYTES_A_COMMIT: u64 = 1 << 30;

/// What is compacted, and how far.
#[derive(Debug)]
pub struct CompactRequest<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// The instant of the work.
    pub now: DateTime<Utc>,
    /// How long replaced files stay for readers that began before.
    pub grace: TimeDelta,
    /// Size that files grow to.
    pub file_bytes: usize,
    /// Only say what would be done.
    pub dry_run: bool,
    /// The files that may be rewritten, by path; all of them where there is none. A file that somebody has yet to read, who
    /// reads each once, must stay.
    pub only: Option<&'a BTreeSet<String>>,
}

/// What a compaction did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CompactOutcome {
    /// Folders with files that were rewritten.
    pub folders: u64,
    /// Files that were replaced.
    pub files_before: u64,
    /// Files that replace them; none of a dry run.
    pub files_after: u64,
    /// Bytes of the replaced files.
    pub bytes_before: u64,
    /// Bytes of the new files; none of a dry run.
    pub bytes_after: u64,
    /// Rows in them, before and after; none of a dry run.
    pub rows: u64,
    /// Files that stay as they are because a job that runs for new files has yet to read them.
    pub files_unread: u64,
    /// Files that earlier rewritings replaced and that were deleted as their grace is over; of a dry run, those that would be.
    pub files_deleted: u64,
    /// What was written of the index of subjects afterwards; none where it could not be, and of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed: Option<Indexed>,
    /// What each commit did.
    #[serde(skip)]
    pub commits: Vec<FilesReplaced>,
}

/// Rewrites the small files of a dataset, folder by folder.
///
/// # Errors
/// When an ingest into the dataset is unfinished, a file has columns that are not the schema's, the claim is lost, or
/// the store fails. What was committed until then stays.
pub async fn compact(
    lake: &Lakefront,
    factory: &SessionFactory,
    request: &CompactRequest<'_>,
    fence: &dyn Fence,
    progress: &IngestProgress,
) -> Result<CompactOutcome, EngineError> {
    let dataset = request.dataset;
    if let Some(plan) = unfinished(lake, dataset).await? {
        return Err(EngineError::Input {
            path: plan,
            why: "this ingest stopped half way; run it again, then compact".to_owned(),
        });
    }
    let mut there = files_of(lake, dataset).await?;
    let before = there.len();
    there.retain(|file| request.may_rewrite(file));
    let files_unread = (before - there.len()) as u64;
    let mut outcome = CompactOutcome { files_unread, ..CompactOutcome::default() };
    let small = small_files(there, request.file_bytes);
    let settled_until = request.now - request.grace;
    if request.dry_run {
        small.iter().for_each(|folder| outcome.met(folder));
        outcome.files_deleted = leftovers(lake, dataset, settled_until).await?.due;
        return Ok(outcome);
    }
    // Folders are looked at once: what a rewriting leaves small is the rest of it.
    let mut open: BTreeSet<String> = small.into_iter().map(|folder| folder.path).collect();
    while !open.is_empty() {
        let replacement = Replacement::announce(lake, fence, dataset, COMPACT, request.now, settled_until).await?;
        outcome.files_deleted += replacement.deleted;
        let work = Work { lake, factory, request, fence, progress, name: replacement.work.clone() };
        let written = async {
            let mut files = replacement.files().await?;
            files.retain(|file| request.may_rewrite(file));
            let folders = small_files(files, request.file_bytes);
            let some = first_part(folders.into_iter().filter(|folder| open.contains(&folder.path)));
            match some.last() {
                Some(last) => open.retain(|path| *path > last.path),
                None => open.clear(),
            }
            let adds = work.rewritten(&some).await?;
            some.iter().for_each(|folder| outcome.met(folder));
            let removes = some.iter().flat_map(|folder| &folder.files).map(|file| file.path().to_owned());
            Ok::<_, EngineError>((adds, removes.collect::<Vec<String>>()))
        };
        let written = written.await;
        let (adds, removes) = replacement.end(written, request.now).await?;
        outcome.files_after += adds.len() as u64;
        outcome.bytes_after += adds.iter().map(|file| file.bytes).sum::<u64>();
        outcome.rows += adds.iter().map(|file| file.rows).sum::<u64>();
        outcome.commits.push(FilesReplaced { work: work.name, adds, removes });
    }
    outcome.files_deleted += remove_replaced(lake, fence, dataset, (request.now, settled_until)).await?;
    Ok(outcome)
}

impl CompactRequest<'_> {
    fn may_rewrite(&self, file: &PinnedFile) -> bool {
        self.only.is_none_or(|only| only.contains(file.path()))
    }
}

impl CompactOutcome {
    fn met(&mut self, folder: &Folder) {
        self.folders += 1;
        self.files_before += folder.files.len() as u64;
        self.bytes_before += folder.bytes();
    }
}

/// As many folders as one commit replaces: the first, and more while they are small together.
fn first_part(folders: impl Iterator<Item = Folder>) -> Vec<Folder> {
    let mut bytes = 0;
    let part = folders.take_while(|folder| {
        let fits = bytes == 0 || bytes + folder.bytes() <= BYTES_A_COMMIT;
        bytes += folder.bytes();
        fits
    });
    part.collect()
}

/// Small files that lie beside each other.
struct Folder {
    /// With `/` at its end.
    path: String,
    files: Vec<PinnedFile>,
}

impl Folder {
    fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.meta.size).sum()
    }
}

/// Folders of which several files are small, by path.
fn small_files(files: Vec<PinnedFile>, file_bytes: usize) -> Vec<Folder> {
    let mut folders: BTreeMap<String, Vec<PinnedFile>> = BTreeMap::new();
    for file in files {
        let Some((folder, name)) = file.path().rsplit_once('/') else { continue };
        // A file of a query job has its interval in its name.
        if file.meta.size < (file_bytes / 2) as u64 && !name.contains('@') {
            folders.entry(format!("{folder}/")).or_default().push(file);
        }
    }
    let several = folders.into_iter().filter(|(_, files)| files.len() > 1);
    several.map(|(path, files)| Folder { path, files }).collect()
}

/// One commit's worth of rewriting.
struct Work<'a> {
    lake: &'a Lakefront,
    factory: &'a SessionFactory,
    request: &'a CompactRequest<'a>,
    fence: &'a dyn Fence,
    progress: &'a IngestProgress,
    name: String,
}

impl Work<'_> {
    async fn rewritten(&self, folders: &[Folder]) -> Result<Vec<WrittenFile>, EngineError> {
        let session = self.factory.spilling_session(self.request.now)?;
        let mut adds = Vec::new();
        for folder in folders {
            adds.extend(self.rewrite(&session, folder).await?);
        }
        Ok(adds)
    }

    async fn rewrite(&self, session: &LakeSession, folder: &Folder) -> Result<Vec<WrittenFile>, EngineError> {
        session.pin(&folder.files);
        let (schema, mapping) = self.schema(session, folder).await?;
        let table = |files: Vec<PinnedFile>| -> Arc<dyn TableProvider> {
            Arc::new(PinnedTable::new(session.lake(), &schema, files))
        };
        let old = table(folder.files.clone());
        let before = Fingerprint::of(session, &scan(&old)?).await?;
        let order = key_columns(self.request.dataset);
        let order = order.into_iter().filter(|name| schema.index_of(name).is_ok()).map(ascending);
        let plan = LogicalPlanBuilder::scan("rows", provider_as_source(old), None)
            .and_then(|scan| scan.sort(order))
            .and_then(LogicalPlanBuilder::build)
            .map_err(|source| EngineError::sql("planned", source))?;
        let mut rows = session.stream(&plan).await?;
        let layout = Layout { table: self.request.dataset.schema, schema: Arc::clone(&schema), mapping };
        let mut series = FileSeries::new(self.lake, self.fence, self.progress, &self.name, layout)
            .with_file_bytes(self.request.file_bytes);
        while let Some(batch) = rows.next().await {
            let batch = stored(&schema, &batch.map_err(stream_error)?)?;
            series.write(&folder.path, &batch).await?;
        }
        let written = series.finish().await?;
        let new = pinned(self.lake, session, &written).await?;
        let after = Fingerprint::of(session, &scan(&table(new))?).await?;
        if before == after {
            return Ok(written);
        }
        let what = format!(
            "compacting \"{}\" made {} rows of {} rows, or changed some; nothing was replaced",
            folder.path, after.rows, before.rows
        );
        Err(EngineError::Bug { what })
    }

    /// The columns that any of the files has, in the order of the schema, and the mappings that made them.
    async fn schema(&self, session: &LakeSession, folder: &Folder) -> Result<(SchemaRef, String), EngineError> {
        let table = self.request.dataset.schema;
        let mut there = BTreeSet::new();
        let mut mappings = BTreeSet::new();
        for file in &folder.files {
            let schema = schema_of(session.lake(), file.clone()).await?;
            let refused = |why: String| EngineError::Input { path: file.path().to_owned(), why };
            for field in schema.fields() {
                let Some(column) = table.column(field.name()) else {
                    return Err(refused(format!(
                        "its column \"{}\" is none of {}; compacting would lose it, so move the file elsewhere",
                        field.name(),
                        table.name
                    )));
                };
                if plain(field.data_type()) != column.kind.arrow() {
                    return Err(refused(format!(
                        "its column \"{}\" is {}, and that of {} is {}; compacting could change it, so move the file \
                         elsewhere",
                        column.name,
                        field.data_type(),
                        table.name,
                        column.kind.name()
                    )));
                }
                there.insert(column.name);
            }
            mappings.extend(schema.metadata().get("auditlake.mapping").cloned());
        }
        let fields: Vec<Field> =
            table.columns.iter().filter(|column| there.contains(column.name)).map(schemas::Column::field).collect();
        let mappings: Vec<String> = mappings.into_iter().collect();
        Ok((Arc::new(Schema::new(fields)), mappings.join(", ")))
    }
}

/// New files as the store has them.
pub(crate) async fn pinned(
    lake: &Lakefront,
    session: &LakeSession,
    written: &[WrittenFile],
) -> Result<Vec<PinnedFile>, EngineError> {
    let mut files = Vec::with_capacity(written.len());
    for file in written {
        let path = recorded_path(&file.path);
        let head = lake.store().head(&path).await;
        files.push(PinnedFile::new(head.map_err(|source| EngineError::store(&path, "find it", source))?));
    }
    session.pin(&files);
    Ok(files)
}

fn scan(table: &Arc<dyn TableProvider>) -> Result<LogicalPlan, EngineError> {
    LogicalPlanBuilder::scan("rows", provider_as_source(Arc::clone(table)), None)
        .and_then(LogicalPlanBuilder::build)
        .map_err(|source| EngineError::sql("planned", source))
}

/// A batch with the types of files.
pub(crate) fn stored(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, EngineError> {
    let columns = schema.fields().iter().zip(batch.columns());
    let columns = columns.map(|(field, column)| cast(column, field.data_type())).collect::<Result<Vec<_>, _>>();
    columns
        .and_then(|columns| RecordBatch::try_new(Arc::clone(schema), columns))
        .map_err(|error| EngineError::Bug { what: format!("rows do not form a batch of the file ({error})") })
}

/// Rows and the sum of their hashes: equal for the same rows in whatever order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Fingerprint {
    rows: u64,
    sum: u128,
}

impl Fingerprint {
    async fn of(session: &LakeSession, plan: &LogicalPlan) -> Result<Self, EngineError> {
        let mut found = Self::default();
        let mut rows = session.stream(plan).await?;
        let bug =
            |error: arrow::error::ArrowError| EngineError::Bug { what: format!("rows cannot be hashed ({error})") };
        let fields = rows.schema().fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
        let converter = RowConverter::new(fields).map_err(bug)?;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(stream_error)?;
            let encoded = converter.convert_columns(batch.columns()).map_err(bug)?;
            for row in &encoded {
                let hash: [u8; 32] = Sha256::digest(row.as_ref()).into();
                let (half, _) = hash.split_at(16);
                found.sum = found.sum.wrapping_add(half.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte)));
                found.rows += 1;
            }
        }
        Ok(found)
    }
}
