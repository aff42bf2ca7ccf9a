//! A store that serves exactly the pinned versions of exactly the pinned files.
//!
//! Every read carries `If-Match`, so an object replaced in the middle of a query is an error and never
//! a mix. A path that was not pinned does not exist here.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, OBJECT_STORE_COALESCE_DEFAULT, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, coalesce_ranges,
};

/// Reads of pinned files, and nothing else.
#[derive(Debug)]
pub(crate) struct PinnedStore {
    inner: Arc<dyn ObjectStore>,
    etags: RwLock<HashMap<Path, Option<String>>>,
}

impl PinnedStore {
    /// A store in which nothing is pinned.
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, etags: RwLock::default() }
    }

    /// Lets `path` be read, as long as its ETag is `etag`. The first pin of a path holds.
    pub(crate) fn pin(&self, path: &Path, etag: Option<String>) {
        let mut etags = self.etags.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        etags.entry(path.clone()).or_insert(etag);
    }

    fn etag(&self, path: &Path) -> Result<Option<String>> {
        let etags = self.etags.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        etags.get(path).cloned().ok_or_else(|| Error::NotFound {
            path: path.to_string(),
            source: "the file is not among those pinned for this session".into(),
        })
    }
}

impl fmt::Display for PinnedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PinnedStore({})", self.inner)
    }
}

fn read_only<T>(operation: &str) -> Result<T> {
    Err(Error::NotImplemented { operation: operation.to_owned(), implementer: "PinnedStore".to_owned() })
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for PinnedStore {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        read_only("put")
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        read_only("put_multipart")
    }

    async fn get_opts(&self, location: &Path, mut options: GetOptions) -> Result<GetResult> {
        options.if_match = self.etag(location)?;
        self.inner.get_opts(location, options).await
    }

    // Not the inner store's: the trait passes it no options, so it could not carry `If-Match`.
    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let fetch = |range: Range<u64>| async move {
            let options = GetOptions { range: Some(range.into()), ..GetOptions::default() };
            self.get_opts(location, options).await?.bytes().await
        };
        // Columns of a small row group lie side by side: one request for all instead of one each.
        coalesce_ranges(ranges, fetch, OBJECT_STORE_COALESCE_DEFAULT).await
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        stream::once(async { read_only("delete") }).boxed()
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::once(async { read_only("list") }).boxed()
    }

    fn list_with_offset(&self, _: Option<&Path>, _: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::once(async { read_only("list") }).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        read_only("list")
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        read_only("copy")
    }

    async fn rename_opts(&self, _: &Path, _: &Path, _: RenameOptions) -> Result<()> {
        read_only("rename")
    }
}
