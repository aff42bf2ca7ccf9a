//! Local files that survive a crash: written aside, synced, linked into place, folder synced.
//!
//! `object_store`'s local store links a file that may still be in memory only. After a power cut
//! that could leave a name with no bytes behind it, which create-only readers would take for truth.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

/// A local folder whose writes are durable when they return.
#[derive(Debug)]
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
}

/// A new file beside `target` that listings leave out: they skip what ends in `#` and digits.
///
/// Processes of two containers may have one number, so a name is ours only when we created it.
pub(super) fn staged(target: &FsPath) -> io::Result<(PathBuf, File)> {
    let mut serial = 0_u64;
    loop {
        let mut name = target.as_os_str().to_owned();
        name.push(format!("#{}{serial:06}", std::process::id()));
        let path = PathBuf::from(name);
        match File::options().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => serial += 1,
            opened => return opened.map(|file| (path, file)),
        }
    }
}

fn generic(source: io::Error) -> Error {
    Error::Generic { store: "local", source: Box::new(source) }
}

fn write_durably(target: &FsPath, payload: &PutPayload, create: bool) -> Result<()> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(generic)?;
    }
    let (staging, file) = staged(target).map_err(generic)?;
    let written = write_synced(file, payload).map_err(generic).and_then(|()| {
        let placed = if create { fs::hard_link(&staging, target) } else { fs::rename(&staging, target) };
        placed.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::AlreadyExists { path: target.display().to_string(), source: Box::new(source) }
            }
            _ => generic(source),
        })
    });
    if create || written.is_err() {
        // What stays behind on failure is only a name that no listing shows.
        drop(fs::remove_file(&staging));
    }
    written?;
    sync_folder(target).map_err(generic)
}

fn write_synced(mut file: File, payload: &PutPayload) -> io::Result<()> {
    for chunk in payload.iter() {
        file.write_all(chunk)?;
    }
    file.sync_all()
}

fn sync_folder(target: &FsPath) -> io::Result<()> {
    match target.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Pieces of one file, which is durable when it is complete.
#[derive(Debug)]
struct DurableUpload {
    inner: Box<dyn MultipartUpload>,
    target: PathBuf,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        let target = self.target.clone();
        let synced = move || File::open(&target)?.sync_all().and_then(|()| sync_folder(&target));
        tokio::task::spawn_blocking(synced).await.map_err(|source| Error::JoinError { source })?.map_err(generic)?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for DurableStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let create = match opts.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => return self.inner.put_opts(location, payload, opts).await,
        };
        let target = self.inner.path_to_filesystem(location)?;
        tokio::task::spawn_blocking(move || write_durably(&target, &payload, create))
            .await
            .map_err(|source| Error::JoinError { source })??;
        let meta = self.inner.head(location).await?;
        Ok(PutResult { e_tag: meta.e_tag, version: meta.version })
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let target = self.inner.path_to_filesystem(location)?;
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(DurableUpload { inner, target }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use tempfile::TempDir;

    use super::*;

    fn create() -> PutOptions {
        PutOptions { mode: PutMode::Create, ..PutOptions::default() }
    }

    async fn names(store: &DurableStore) -> Vec<String> {
        let found: Vec<ObjectMeta> = store.list(None).try_collect().await.expect("a listing");
        found.into_iter().map(|meta| meta.location.to_string()).collect()
    }

    #[tokio::test]
    async fn a_name_is_created_once_and_keeps_its_first_bytes() {
        let folder = TempDir::new().expect("a folder");
        let store = DurableStore::open(folder.path()).expect("a store");
        let path = Path::from("a/b/c.json");
        store.put_opts(&path, "first".into(), create()).await.expect("created");
        let again = store.put_opts(&path, "second".into(), create()).await.expect_err("the name is taken");
        assert!(matches!(again, Error::AlreadyExists { .. }), "{again}");
        assert_eq!(store.get(&path).await.expect("there").bytes().await.expect("read"), "first");
        store.put(&path, "third".into()).await.expect("replaced");
        assert_eq!(store.get(&path).await.expect("there").bytes().await.expect("read"), "third");
        let left: Vec<_> = fs::read_dir(folder.path().join("a/b")).expect("a folder").collect();
        assert_eq!(left.len(), 1, "work in progress stays behind: {left:?}");
    }

    #[tokio::test]
    async fn of_many_who_create_a_name_one_wins() {
        let folder = TempDir::new().expect("a folder");
        let store = std::sync::Arc::new(DurableStore::open(folder.path()).expect("a store"));
        let puts = (0..32).map(|number| {
            let store = std::sync::Arc::clone(&store);
            tokio::spawn(async move {
                store.put_opts(&Path::from("epoch-1"), format!("{number}").into(), create()).await.is_ok()
            })
        });
        let won = futures::future::join_all(puts.collect::<Vec<_>>()).await;
        assert_eq!(won.into_iter().filter(|won| *won.as_ref().expect("ran")).count(), 1);
    }

    /// As processes of two containers may do that have one number.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn two_stores_of_one_process_number_do_not_share_work_in_progress() {
        let folder = TempDir::new().expect("a folder");
        let stores = [0, 1].map(|_| std::sync::Arc::new(DurableStore::open(folder.path()).expect("a store")));
        for round in 0..100 {
            let path = Path::from(format!("epoch-{round}"));
            let puts = stores.iter().zip(["first".repeat(3), "second".repeat(500)]).map(|(store, text)| {
                let (store, path) = (std::sync::Arc::clone(store), path.clone());
                tokio::spawn(async move {
                    let put = store.put_opts(&path, text.clone().into(), create()).await;
                    put.is_ok().then_some(text)
                })
            });
            let won = futures::future::join_all(puts.collect::<Vec<_>>()).await;
            let won: Vec<String> = won.into_iter().filter_map(|won| won.expect("ran")).collect();
            let there = stores[0].get(&path).await.expect("there").bytes().await.expect("read");
            assert_eq!(won, [String::from_utf8_lossy(&there)], "round {round}");
        }
    }

    #[tokio::test]
    async fn what_a_crash_leaves_half_written_is_in_no_listing() {
        let folder = TempDir::new().expect("a folder");
        let store = DurableStore::open(folder.path()).expect("a store");
        store.put(&Path::from("a/whole"), "all of it".into()).await.expect("written");
        let target = store.inner.path_to_filesystem(&Path::from("a/half")).expect("a path");
        write!(staged(&target).expect("a file").1, "only").expect("written");
        assert_eq!(names(&store).await, ["a/whole"]);
        store.put_opts(&Path::from("a/half"), "all of it".into(), create()).await.expect("created");
        assert_eq!(names(&store).await.len(), 2);
    }
}
