//! A store that fails requests by chance, before their effect or after it, or answers late. Each request lets others go
//! on first, so that whoever asks can be stopped there.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The store as one runner meets it.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    chance: Mutex<ChaCha8Rng>,
    is_well: Arc<AtomicBool>,
}

enum Fault {
    None,
    Before,
    After,
    Late(u64),
}

impl FaultyStore {
    /// Over `inner`; with no faults once `is_well`.
    pub(crate) fn over(inner: Arc<dyn ObjectStore>, seed: u64, is_well: &Arc<AtomicBool>) -> Self {
        Self { inner, chance: Mutex::new(ChaCha8Rng::seed_from_u64(seed)), is_well: Arc::clone(is_well) }
    }

    fn fault(&self) -> Fault {
        if self.is_well.load(Ordering::Relaxed) {
            return Fault::None;
        }
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        match chance.random_range(0..1_000) {
            0..8 => Fault::Before,
            8..16 => Fault::After,
            16..20 => Fault::Late(chance.random_range(20..400)),
            _ => Fault::None,
        }
    }

    async fn answered<T>(&self, request: impl Future<Output = Result<T>> + Send) -> Result<T> {
        tokio::task::yield_now().await;
        match self.fault() {
            Fault::None => request.await,
            Fault::Before => Err(failed()),
            Fault::After => {
                drop(request.await);
                Err(failed())
            }
            Fault::Late(turns) => {
                turns_of_others(turns).await;
                request.await
            }
        }
    }

    fn listed(&self, all: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.fault() {
            Fault::Before | Fault::After => all.take(1).chain(stream::once(async { Err(failed()) })).boxed(),
            Fault::None | Fault::Late(_) => all,
        }
    }
}

/// Lets others go on so often.
pub(super) async fn turns_of_others(turns: u64) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
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
        match self.fault() {
            Fault::Before | Fault::After => stream::once(async { Err(failed()) }).boxed(),
            Fault::None | Fault::Late(_) => self.inner.delete_stream(locations),
        }
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
