use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::client::{HttpError, HttpErrorKind};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, PutMultipartOptions, PutResult, RenameOptions,
    Result,
};

use super::*;

mod conditional;
mod races;

/// A store whose first writes end in a broken connection, before their effect or after it.
#[derive(Debug)]
struct CutOff {
    inner: Arc<dyn ObjectStore>,
    left: Arc<AtomicUsize>,
    written: bool,
    /// What somebody else writes before the connection breaks.
    foreign: Option<&'static str>,
}

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CutOff({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for CutOff {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let cut = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if !cut || self.written {
            let put = self.inner.put_opts(location, payload, opts).await;
            if !cut {
                return put;
            }
        }
        if let Some(foreign) = self.foreign {
            self.inner.put(location, foreign.into()).await?;
        }
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        Err(Error::Generic { store: "test", source: Box::new(HttpError::new(HttpErrorKind::Interrupted, reset)) })
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[std::ops::Range<u64>]) -> Result<Vec<Bytes>> {
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

/// A bucket of which nothing but its name is known.
fn bucket() -> Place {
    let url = BucketUrl::parse("s3://acme-audit/lake").expect("a url");
    Place::Bucket(Arc::new(Bucket { url, signed: None }))
}

/// A lake in a bucket whose first `cut` writes end in a broken connection.
fn cut_off(cut: usize, written: bool) -> Lakefront {
    let left = Arc::new(cut.into());
    let store = CutOff { inner: Arc::new(InMemory::new()), left, written, foreign: None };
    Lakefront { place: bucket(), ..Lakefront::over(Arc::new(store)) }
}

#[tokio::test]
async fn a_create_that_was_cut_off_is_tried_again() {
    let path = Path::from("_auditlake/claims/x/epoch-000001");
    for written in [false, true] {
        for cut in 0..CREATE_ATTEMPTS {
            let lake = cut_off(cut, written);
            let created = lake.create(&path, "mine".into()).await;
            assert_eq!(created.expect("created"), Created::Now, "{cut}, {written}");
            assert_eq!(lake.read(&path).await.expect("read").expect("there"), "mine");
        }
    }
    let refused = cut_off(CREATE_ATTEMPTS, false).create(&path, "mine".into()).await;
    assert!(refused.expect_err("cut off every time").to_string().contains("cannot create it"));
}

#[tokio::test]
async fn a_probe_that_was_cut_off_says_nothing_against_the_store() {
    for written in [false, true] {
        for cut in 1..CREATE_ATTEMPTS {
            let lake = cut_off(cut, written);
            lake.probe("0123").await.expect("a store that keeps its promises");
            assert!(lake.list(&Path::from("_auditlake")).await.expect("a listing").is_empty());
        }
    }
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_recognised_by_its_bytes() {
    let remote = Lakefront { place: bucket(), ..Lakefront::memory() };
    let path = Path::from("_auditlake/claims/x/epoch-000001");
    assert_eq!(remote.create(&path, "mine".into()).await.expect("created"), Created::Now);
    assert_eq!(remote.create(&path, "mine".into()).await.expect("sent again"), Created::Now);
    assert_eq!(remote.create(&path, "another's".into()).await.expect("taken"), Created::Existed);
    assert_eq!(remote.read(&path).await.expect("read").expect("there"), "mine");

    let local = Lakefront::memory();
    assert_eq!(local.create(&path, "mine".into()).await.expect("created"), Created::Now);
    assert_eq!(local.create(&path, "mine".into()).await.expect("taken"), Created::Existed);
}
