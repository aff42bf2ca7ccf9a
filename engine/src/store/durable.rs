//! Local files that survive a crash: written aside, synced, put into place, folder synced.
//!
//! `object_store`'s local store links a file that may still be in memory only. After a power cut
//! that could leave a name with no bytes behind it, which create-only readers would take for truth. Nor can it replace
//! a file on the condition that it is still the one that was read. Absent: attributes, which a file cannot carry.

mod behind;
mod lock;
mod staged;
mod upload;
mod write;

use std::fmt;
use std::ops::Range;
use std::path::Path as FsPath;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attributes, CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    RenameTargetMode, Result,
};

use self::behind::{Behind, behind};
use self::lock::LOCK_NAME;
use self::staged::remove_leftovers;
pub(super) use self::staged::staged;
use self::upload::DurableUpload;
use self::write::{Gone, generic};
use super::front::Deleted;

/// Files that are removed at once, of one stream of names.
const REMOVED_AT_ONCE: usize = 10;
/// Folders that are walked one after the other, however few lie before them.
const FOLDERS_WALKED_ALONE: usize = 64;

/// A local folder whose writes are durable when they return.
#[derive(Debug, Clone)]
pub(crate) struct DurableStore {
    inner: LocalFileSystem,
}

impl fmt::Display for DurableStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DurableStore({})", self.inner)
    }
}

impl DurableStore {
    /// Opens `folder`, which exists.
    pub(crate) fn open(folder: &FsPath) -> Result<Self> {
        Ok(Self { inner: LocalFileSystem::new_with_prefix(folder)? })
    }

    /// Deletes an object that still has this ETag; it stays deleted after a power cut when this returns.
    pub(crate) async fn delete_if(&self, location: &Path, etag: &str) -> Result<Deleted> {
        let (target, expected) = (self.inner.path_to_filesystem(location)?, etag.to_owned());
        Ok(match blocking(move || write::remove(&target, Some(&expected))).await? {
            Gone::Removed => Deleted::Now { unconditional: false },
            Gone::Changed => Deleted::Changed,
            Gone::Absent => Deleted::Absent,
        })
    }

    /// Gives an object another ETag and leaves its bytes, so that a replacement of what it was is refused from here on;
    /// `None` when there is none.
    pub(crate) async fn touch(&self, location: &Path) -> Result<Option<String>> {
        let target = self.inner.path_to_filesystem(location)?;
        blocking(move || write::touch(&target)).await
    }

    /// Removes what writers that have died left beside an object, and says how many files that were.
    pub(crate) async fn remove_leftovers(&self, location: &Path) -> Result<u64> {
        let target = self.inner.path_to_filesystem(location)?;
        blocking(move || remove_leftovers(&target).map_err(generic)).await
    }

    fn without_attributes(&self, attributes: &Attributes) -> Result<()> {
        if attributes.is_empty() {
            return Ok(());
        }
        Err(Error::NotImplemented { operation: "writing attributes".to_owned(), implementer: self.to_string() })
    }
}

/// Off the threads that serve others; it is finished even when nobody waits for it any more.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|source| Error::JoinError { source })?
}

/// Without what is no object of anybody.
fn objects(listed: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    listed.try_filter(|meta| std::future::ready(is_object(meta))).boxed()
}

fn is_object(meta: &ObjectMeta) -> bool {
    meta.location.filename() != Some(LOCK_NAME)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for DurableStore {
    /// An update names an ETag; it fails with `Precondition` when the object has another one, or is not there.
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.without_attributes(&opts.attributes)?;
        let target = self.inner.path_to_filesystem(location)?;
        match opts.mode {
            PutMode::Create => blocking(move || write::create(&target, &payload)).await,
            PutMode::Overwrite => blocking(move || write::overwrite(&target, &payload)).await,
            PutMode::Update(version) => {
                let expected = version
                    .e_tag
                    .ok_or_else(|| Error::Generic { store: "local", source: "an update must name an ETag".into() })?;
                blocking(move || write::update(&target, &payload, &expected)).await
            }
        }
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.without_attributes(&opts.attributes)?;
        let target = self.inner.path_to_filesystem(location)?;
        Ok(Box::new(blocking(move || DurableUpload::new(target)).await?))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let removed = locations.map(move |location| {
            let store = store.clone();
            async move {
                let location = location?;
                let target = store.inner.path_to_filesystem(&location)?;
                match blocking(move || write::remove(&target, None)).await? {
                    Gone::Removed | Gone::Changed => Ok(location),
                    Gone::Absent => {
                        Err(Error::NotFound { path: location.to_string(), source: "there is no such file".into() })
                    }
                }
            }
        });
        removed.buffered(REMOVED_AT_ONCE).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        objects(self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, offset) = (self.inner.clone(), offset.clone());
        let Some(prefix) = prefix.cloned() else {
            return objects(store.list_with_offset(None, &offset));
        };
        let looked = async move {
            let (inner, below, after) = (store.clone(), prefix.clone(), offset.clone());
            let Behind { files, folders, passed } = blocking(move || behind(&inner, &below, &after)).await?;
            // One walk over all of it is quicker than one for each of many folders.
            if folders.len() > passed + FOLDERS_WALKED_ALONE {
                return Ok::<_, Error>(store.list_with_offset(Some(&prefix), &offset));
            }
            let inner = store.clone();
            let files = stream::iter(files).then(move |path| {
                let inner = inner.clone();
                async move { inner.head(&path).await }
            });
            // One that is gone by now was there for nobody.
            let files = files.filter(|met| std::future::ready(!matches!(met, Err(Error::NotFound { .. }))));
            let folders = stream::iter(folders).flat_map(move |folder| store.list(Some(&folder)));
            Ok(files.chain(folders).boxed())
        };
        objects(stream::once(looked).try_flatten().boxed())
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut listed = self.inner.list_with_delimiter(prefix).await?;
        listed.objects.retain(is_object);
        Ok(listed)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        match options.mode {
            CopyMode::Create => self.inner.copy_opts(from, to, options).await,
            CopyMode::Overwrite => {
                let (from, target) = (self.inner.path_to_filesystem(from)?, self.inner.path_to_filesystem(to)?);
                blocking(move || write::link_over(&from, &target)).await
            }
        }
    }

    /// In two steps, like in a bucket.
    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        if from == to {
            return self.inner.head(from).await.map(drop);
        }
        let mode = match options.target_mode {
            RenameTargetMode::Overwrite => CopyMode::Overwrite,
            RenameTargetMode::Create => CopyMode::Create,
        };
        self.copy_opts(from, to, CopyOptions { mode, extensions: options.extensions }).await?;
        self.delete(from).await
    }
}

#[cfg(test)]
mod tests;
