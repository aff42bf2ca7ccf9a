//! The objects below a prefix, by their names below it.
//!
//! `object_store`'s own wrapper gives names below the prefix when it lists, and whole ones when it reads:
//! whoever reads again by the name of what was read would look below the prefix twice.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// A store below a prefix.
#[derive(Debug)]
pub(crate) struct Prefixed<S: ObjectStore> {
    inner: PrefixStore<S>,
}

impl<S: ObjectStore> Prefixed<S> {
    /// The objects of `store` below `prefix`.
    pub(crate) fn new(store: S, prefix: Path) -> Self {
        Self { inner: PrefixStore::new(store, prefix) }
    }
}

impl<S: ObjectStore> fmt::Display for Prefixed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ObjectStore> ObjectStore for Prefixed<S> {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut got = self.inner.get_opts(location, options).await?;
        got.meta.location = location.clone();
        Ok(got)
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
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn names_are_those_below_the_prefix_wherever_they_come_from() {
        let whole = std::sync::Arc::new(InMemory::new());
        let store = Prefixed::new(std::sync::Arc::clone(&whole), Path::from("lake"));
        let path = Path::from("a/b.json");
        store.put(&path, "x".into()).await.expect("written");
        assert_eq!(store.head(&path).await.expect("there").location, path);
        assert_eq!(store.get(&path).await.expect("there").meta.location, path);
        let listed: Vec<ObjectMeta> = store.list(None).try_collect().await.expect("a listing");
        assert_eq!(listed[0].location, path);
        assert!(whole.head(&Path::from("lake/a/b.json")).await.is_ok());
    }
}
