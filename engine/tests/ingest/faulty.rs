//! A store that fails one request, before its effect or after it: nothing is lost or doubled, whichever it is.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use engine::EngineError;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

use super::harness::{Fences, Lake};

/// Fails its request of a chosen number, counted from 0.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    inner: InMemory,
    fails_at: AtomicUsize,
    met: AtomicUsize,
    /// The effect happens, and only the answer is lost.
    after: AtomicBool,
}

impl FaultyStore {
    fn new() -> Self {
        Self { inner: InMemory::new(), fails_at: usize::MAX.into(), met: 0.into(), after: false.into() }
    }

    /// From here on, requests are counted from 0, and that of number `at` fails.
    fn fail(&self, at: usize, after: bool) {
        self.met.store(0, Ordering::SeqCst);
        self.fails_at.store(at, Ordering::SeqCst);
        self.after.store(after, Ordering::SeqCst);
    }

    fn falls(&self) -> bool {
        self.met.fetch_add(1, Ordering::SeqCst) == self.fails_at.load(Ordering::SeqCst)
    }

    /// The answer of one request.
    async fn answered<T>(&self, request: impl Future<Output = Result<T>> + Send) -> Result<T> {
        if !self.falls() {
            return request.await;
        }
        if self.after.load(Ordering::SeqCst) {
            drop(request.await);
        }
        Err(failed())
    }

    /// A listing that breaks off behind its first name.
    fn listed(&self, all: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
        if self.falls() { all.take(1).chain(stream::once(async { Err(failed()) })).boxed() } else { all }
    }
}

fn failed() -> Error {
    Error::Generic { store: "faulty", source: "503 SlowDown".into() }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyStore({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.answered(self.inner.put_opts(location, payload, opts)).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.answered(self.inner.put_multipart_opts(location, opts)).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.answered(self.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.answered(self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        if self.falls() { stream::once(async { Err(failed()) }).boxed() } else { self.inner.delete_stream(locations) }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.answered(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.answered(self.inner.copy_opts(from, to, options)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.answered(self.inner.rename_opts(from, to, options)).await
    }
}

fn lake() -> (Arc<FaultyStore>, Lake) {
    let store = Arc::new(FaultyStore::new());
    (Arc::clone(&store), Lake::with_drop_in(store))
}

const NEVER: usize = usize::MAX;

#[tokio::test(flavor = "multi_thread")]
async fn an_ingest_that_loses_one_request_loses_and_doubles_nothing() {
    let fences = || Fences::lost_at(usize::MAX);
    let (store, undisturbed) = lake();
    let whole = undisturbed.ingest(&fences()).await.expect("ingested");
    let requests = store.met.load(Ordering::SeqCst);
    let (files, rows) = (undisturbed.places().await, undisturbed.ids().await);
    assert!(requests > 10, "only {requests} requests");
    for at in 0..requests {
        for after in [false, true] {
            let (store, lake) = lake();
            store.fail(at, after);
            let first = lake.ingest(&fences()).await;
            store.fail(NEVER, false);
            if let Err(error) = first {
                assert!(!matches!(error, EngineError::Bug { .. }), "request {at}: {error}");
                let second = lake.ingest(&fences()).await.expect("completed");
                // Where the last answer was lost, there is nothing left to do.
                let done = after && second.files_seen_before == 2;
                assert!(done || second.counts == whole.counts, "request {at}, {after}: {second:?}");
            }
            assert_eq!((lake.places().await, lake.ids().await), (files.clone(), rows.clone()), "request {at}, {after}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingest_that_gives_a_plan_up_and_loses_one_request_loses_and_doubles_nothing() {
    let (mut at, mut ended) = (0, false);
    while !ended {
        for after in [false, true] {
            let (store, lake) = lake();
            // One file is written, then the claim is lost; and the second input becomes another.
            lake.ingest(&Fences::lost_at(1)).await.expect_err("cut off");
            assert_eq!(lake.parquet_files().await.len(), 1);
            lake.drop_file("two.ndjson", &(500..1_000).map(Lake::event).collect::<Vec<_>>());
            store.fail(at, after);
            let first = lake.ingest(&Fences::lost_at(usize::MAX)).await;
            ended = store.met.load(Ordering::SeqCst) <= at;
            store.fail(NEVER, false);
            if let Err(error) = first {
                assert!(!matches!(error, EngineError::Bug { .. }), "request {at}: {error}");
                lake.ingest(&Fences::lost_at(usize::MAX)).await.expect("completed");
            }
            assert_eq!(lake.ids().await.len(), 1_000, "request {at}, {after}");
            assert_eq!(lake.plans().await, 2, "request {at}, {after}");
            let again = lake.ingest(&Fences::lost_at(usize::MAX)).await.expect("nothing to do");
            assert_eq!((again.files, again.files_seen_before), (0, 2), "request {at}, {after}");
        }
        at += 1;
    }
    assert!(at > 20, "only {at} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_loses_one_request_is_an_error_and_no_other_answer() {
    let (store, lake) = lake();
    lake.ingest(&Fences::lost_at(usize::MAX)).await.expect("ingested");
    let sql = "SELECT count(*), min(time), max(event_id), count(DISTINCT actor_id) FROM audit WHERE tenant_id = 't0'";
    store.fail(NEVER, false);
    let whole = lake.session().query(sql).await.expect("answered");
    let requests = store.met.load(Ordering::SeqCst);
    assert!(requests > 3, "only {requests} requests");
    for at in 0..requests {
        store.fail(at, false);
        match lake.session().query(sql).await {
            Ok(rows) => assert_eq!(rows, whole, "request {at}"),
            Err(error) => {
                let told = matches!(error, EngineError::Store { .. } | EngineError::Unread { .. });
                assert!(told, "request {at}: {error:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_that_loses_one_request_loses_and_doubles_nothing() {
    let (mut at, mut ended) = (0, false);
    while !ended {
        for after in [false, true] {
            let (store, lake) = lake();
            lake.ingest(&Fences::lost_at(usize::MAX)).await.expect("ingested");
            lake.drop_file("more.ndjson", &(5_000..5_200).map(Lake::event).collect::<Vec<_>>());
            lake.ingest(&Fences::lost_at(usize::MAX)).await.expect("ingested");
            let rows = lake.ids().await;
            store.fail(at, after);
            let first = lake.compact(&Fences::lost_at(usize::MAX), 1).await;
            ended = store.met.load(Ordering::SeqCst) <= at;
            store.fail(NEVER, false);
            if let Err(error) = first {
                assert!(!matches!(error, EngineError::Bug { .. }), "request {at}: {error}");
                assert_eq!(lake.ids().await, rows, "request {at}, {after}: before it is tried again");
                lake.compact(&Fences::lost_at(usize::MAX), 1).await.expect("compacted");
            }
            assert_eq!(lake.ids().await, rows, "request {at}, {after}");
        }
        at += 1;
    }
}
