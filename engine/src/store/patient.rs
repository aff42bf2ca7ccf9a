//! Asks again when a connection breaks in the middle of an answer.
//!
//! `object_store` sends a request again whose answer did not begin, and reads on where the bytes of an object broke off;
//! in the middle of a listing, or of what a store says against a read, it gives up. Absent: writes.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::client::HttpError;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// Times that an answer which broke off is asked for again without getting any further.
const RESUMPTIONS: usize = 2;

/// A bucket whose answers outlast a broken connection.
#[derive(Debug)]
pub(crate) struct Patient {
    inner: Arc<dyn ObjectStore>,
}

impl Patient {
    /// In front of `inner`.
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner }
    }

    /// What comes after `offset`; what a broken connection leaves out is asked for again.
    fn listed(&self, prefix: Option<&Path>, offset: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (inner, prefix, offset) = (Arc::clone(&self.inner), prefix.cloned(), offset.cloned());
        let listed = async move {
            let mut found: Vec<ObjectMeta> = Vec::new();
            let mut vain = 0;
            loop {
                let before = found.len();
                let after = found.last().map(|last| &last.location).or(offset.as_ref());
                let mut rest = match after {
                    Some(after) => inner.list_with_offset(prefix.as_ref(), after),
                    None => inner.list(prefix.as_ref()),
                };
                let broken = loop {
                    match rest.next().await {
                        Some(Ok(meta)) => found.push(meta),
                        Some(Err(error)) => break error,
                        None => return Ok(stream::iter(found).map(Ok)),
                    }
                };
                vain = if found.len() > before { 0 } else { vain + 1 };
                if !broke_off(&broken) || vain > RESUMPTIONS {
                    return Err(broken);
                }
                // Where names come in no order, the last one says nothing of what is missing.
                if !found.is_sorted_by(|one, next| one.location < next.location) {
                    found.clear();
                    vain += 1;
                }
            }
        };
        stream::once(listed).try_flatten().boxed()
    }
}

/// Whether a connection broke before the answer was there, so that nobody knows what became of the request.
pub(crate) fn broke_off(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<HttpError>().is_some() {
            return true;
        }
        cause = error.source();
    }
    false
}

impl fmt::Display for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Patient {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut vain = 0;
        loop {
            match self.inner.get_opts(location, options.clone()).await {
                Err(error) if broke_off(&error) && vain < RESUMPTIONS => vain += 1,
                got => return got,
            }
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, None)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, Some(offset))
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
