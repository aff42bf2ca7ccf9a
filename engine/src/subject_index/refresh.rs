//! Writing segments: for new files, and anew where files went or small segments have gathered.
//!
//! New segments are written before old ones are removed, and one that speaks twice of a file says the same twice, so a
//! process may die anywhere. Absent: claims. Whoever changes files of a dataset holds its claim.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::ObjectMeta;
use object_store::path::Path;
use schemas::Dataset;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::folder_of;
use super::segment::{Covered, OpenSegment, Segment};
use super::values::{FileValues, values_of};
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::replace::files_of;
use crate::store::{Lakefront, recorded_path};

/// Pairs of a value and a row group that a segment has before it is closed: what is kept in memory.
const SEGMENT_PAIRS: usize = 1 << 21;
/// A segment below this many bytes is small.
const SMALL_BYTES: u64 = 256 << 10;
/// Small segments that may lie side by side before they are written as one.
const SMALL_SEGMENTS: usize = 32;
/// Files read side by side.
const FILES_AT_ONCE: usize = 8;

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Indexed {
    /// Files that the index speaks of by this, of which it did not or not rightly.
    pub files: u64,
    /// Files of which nothing can be said.
    pub left_out: u64,
    /// Segments written.
    pub segments: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Segments removed.
    pub removed: u64,
}

/// Adds files that were written just now to the index of their dataset.
///
/// # Errors
/// When a file cannot be read, or the store fails. The index is as good as before.
pub async fn index_files(lake: &Lakefront, dataset: &Dataset, paths: &[String]) -> Result<Indexed, EngineError> {
    let Some(folder) = folder_of(dataset).filter(|_| !paths.is_empty()) else { return Ok(Indexed::default()) };
    let heads = stream::iter(paths).map(|path| async move { lake.head(&recorded_path(path)).await });
    let heads: Vec<Option<ObjectMeta>> = heads.buffered(FILES_AT_ONCE).try_collect().await?;
    let files: Vec<PinnedFile> = heads.into_iter().flatten().map(PinnedFile::new).collect();
    let mut writer = Writer::of(lake, dataset, folder.clone());
    let mut small = lake.list(&folder).await?;
    small.retain(|meta| meta.size < SMALL_BYTES);
    let new: BTreeSet<&String> = paths.iter().collect();
    for meta in small.iter().filter(|_| small.len() >= SMALL_SEGMENTS) {
        if let Some(segment) = writer.usable(meta).await? {
            writer.take_over(segment, |file| !new.contains(&file.path)).await?;
        }
    }
    writer.add_files(&files.iter().collect::<Vec<_>>()).await?;
    writer.finish().await
}

/// Brings the index of a dataset to what its files are: values of files that are gone leave it, small segments become one,
/// and files that it does not speak of are read, where `only` names some, none but those.
///
/// # Errors
/// As [`index_files`].
pub async fn refresh_index(
    lake: &Lakefront,
    dataset: &Dataset,
    only: Option<&BTreeSet<&str>>,
) -> Result<Indexed, EngineError> {
    let Some(folder) = folder_of(dataset) else { return Ok(Indexed::default()) };
    let files = files_of(lake, dataset).await?;
    let live: BTreeMap<&str, &PinnedFile> = files.iter().map(|file| (file.path(), file)).collect();
    let is_live = |file: &Covered| live.get(file.path.as_str()).is_some_and(|live| file.is(live));
    let mut writer = Writer::of(lake, dataset, folder.clone());
    let (mut covered, mut small, mut anew) = (BTreeSet::new(), Vec::new(), Vec::new());
    for meta in lake.list(&folder).await? {
        let Some(segment) = writer.usable(&meta).await? else {
            writer.old.insert(meta.location);
            continue;
        };
        let is_right = segment.files.iter().all(|file| is_live(file) && !covered.contains(&file.path));
        if is_right && meta.size >= SMALL_BYTES {
            covered.extend(segment.files.into_iter().map(|file| file.path));
        } else if is_right {
            small.push(segment);
        } else {
            anew.push(segment);
        }
    }
    let known = || small.iter().chain(&anew).flat_map(|segment| &segment.files).filter(|file| is_live(file));
    let known: BTreeSet<String> = known().map(|file| file.path.clone()).collect();
    let is_new = |file: &&PinnedFile| {
        only.is_none_or(|only| only.contains(file.path()))
            && !covered.contains(file.path())
            && !known.contains(file.path())
    };
    let new: Vec<&PinnedFile> = files.iter().filter(is_new).collect();
    if new.is_empty() && anew.is_empty() && small.len() == 1 {
        // As it should be.
        small.clear();
    }
    for segment in small.into_iter().chain(anew) {
        writer.take_over(segment, |file| is_live(file) && covered.insert(file.path.clone())).await?;
    }
    writer.add_files(&new).await?;
    writer.finish().await
}

/// Segments on their way to the store.
struct Writer<'a> {
    lake: &'a Lakefront,
    columns: &'a [String],
    folder: Path,
    segment: Segment,
    /// Segments that these replace.
    old: BTreeSet<Path>,
    done: Indexed,
}

impl<'a> Writer<'a> {
    fn of(lake: &'a Lakefront, dataset: &'a Dataset, folder: Path) -> Self {
        let (segment, old) = (Segment::default(), BTreeSet::new());
        Self { lake, columns: &dataset.subjects, folder, segment, old, done: Indexed::default() }
    }

    /// A segment of these columns; `None` of what is of no use to anybody.
    async fn usable(&self, meta: &ObjectMeta) -> Result<Option<OpenSegment>, EngineError> {
        match OpenSegment::open(self.lake.store(), meta).await {
            Ok(segment) => Ok(Some(segment).filter(|segment| segment.columns == self.columns)),
            Err(EngineError::Input { .. } | EngineError::Parquet { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes what a segment says of some of its files anew.
    async fn take_over(
        &mut self,
        segment: OpenSegment,
        mut wanted: impl FnMut(&Covered) -> bool,
    ) -> Result<(), EngineError> {
        self.old.insert(segment.meta.location.clone());
        for values in segment.into_values().await? {
            if wanted(&values.file) {
                self.add(values).await?;
            }
        }
        Ok(())
    }

    /// Reads files and adds what they hold.
    async fn add_files(&mut self, files: &[&PinnedFile]) -> Result<(), EngineError> {
        let (store, columns): (_, Arc<[String]>) = (Arc::clone(self.lake.store()), self.columns.into());
        let read = stream::iter(files).map(|file| {
            let (store, file, columns) = (Arc::clone(&store), (*file).clone(), Arc::clone(&columns));
            // In tasks of their own, because most of the time goes into decoding.
            let task = tokio::spawn(async move { values_of(&store, &file, &columns).await });
            async move { task.await.map_err(|error| EngineError::Bug { what: format!("a reader stopped ({error})") })? }
        });
        let mut read = std::pin::pin!(read.buffered(FILES_AT_ONCE));
        while let Some(values) = read.next().await {
            match values? {
                Some(values) => {
                    self.done.files += 1;
                    self.add(values).await?;
                }
                None => self.done.left_out += 1,
            }
        }
        Ok(())
    }

    async fn add(&mut self, values: FileValues) -> Result<(), EngineError> {
        self.segment.add(values);
        if self.segment.len() >= SEGMENT_PAIRS { self.close().await } else { Ok(()) }
    }

    async fn close(&mut self) -> Result<(), EngineError> {
        let segment = std::mem::take(&mut self.segment);
        let unwritten = |source| EngineError::Parquet {
            path: self.folder.to_string(),
            action: "written",
            source: Box::new(source),
        };
        let bytes = segment.into_bytes(self.columns).map_err(unwritten)?;
        let name = crate::hex(&Sha256::digest(&bytes));
        let path = self.folder.clone().join(format!("{name}.parquet"));
        self.done.segments += 1;
        self.done.bytes += bytes.len() as u64;
        self.lake.create(&path, Bytes::from(bytes)).await?;
        self.old.remove(&path);
        Ok(())
    }

    async fn finish(mut self) -> Result<Indexed, EngineError> {
        if !self.segment.is_empty() {
            self.close().await?;
        }
        for path in &self.old {
            self.lake.remove(path).await?;
            self.done.removed += 1;
        }
        Ok(self.done)
    }
}
