//! A store whose request of a chosen number fails, before its effect or after it; or with which the process dies; or at which
//! somebody else does something.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// What happens at the request of a chosen number.
#[derive(Clone)]
pub(crate) enum Fault {
    /// It fails, and nothing happened.
    Before,
    /// It fails, and it happened all the same.
    After,
    /// It happens, and no later one is answered: the process is dead.
    Death,
    /// A listing breaks off behind its first name; other requests fail before their effect.
    Torn,
    /// Somebody else does this first, and it goes on.
    Meanwhile(Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>),
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Death => "death",
            Self::Torn => "torn",
            Self::Meanwhile(_) => "meanwhile",
        })
    }
}

/// The store.
#[derive(Debug)]
pub(crate) struct Faulty {
    inner: Arc<dyn ObjectStore>,
    met: AtomicUsize,
    fault: Mutex<Option<(usize, Fault)>>,
}

enum Turn {
    Goes,
    Fails { after: bool },
    Torn,
}

impl Faulty {
    pub(crate) fn over(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, met: AtomicUsize::new(0), fault: Mutex::new(None) }
    }

    /// From here on requests are counted from 0, and this happens at that of the number.
    pub(crate) fn set(&self, fault: Option<(usize, Fault)>) {
        self.met.store(0, Ordering::SeqCst);
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Requests since then.
    pub(crate) fn met(&self) -> usize {
        self.met.load(Ordering::SeqCst)
    }

    async fn turn(&self) -> Turn {
        let number = self.met.fetch_add(1, Ordering::SeqCst);
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match fault {
            Some((at, Fault::Death)) if number > at => Turn::Fails { after: false },
            Some((at, fault)) if number == at => match fault {
                Fault::Before => Turn::Fails { after: false },
                Fault::After => Turn::Fails { after: true },
                Fault::Death => Turn::Goes,
                Fault::Torn => Turn::Torn,
                Fault::Meanwhile(act) => {
                    act().await;
                    Turn::Goes
                }
            },
            _ => Turn::Goes,
        }
    }

    async fn answered<T>(&self, request: impl Future<Output = Result<T>> + Send) -> Result<T> {
        match self.turn().await {
            Turn::Goes => request.await,
            Turn::Fails { after: true } => {
                drop(request.await);
                Err(failed())
            }
            Turn::Fails { after: false } | Turn::Torn => Err(failed()),
        }
    }

    /// A request that gives a stream, which is met when the stream is read.
    fn streamed<T: Send + 'static>(
        self: &Arc<Self>,
        all: BoxStream<'static, Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        let own = Arc::clone(self);
        let begun = async move {
            match own.turn().await {
                Turn::Goes => all,
                Turn::Fails { after: true } => {
                    let all: Vec<Result<T>> = all.collect().await;
                    drop(all);
                    stream::once(async { Err(failed()) }).boxed()
                }
                Turn::Fails { after: false } => stream::once(async { Err(failed()) }).boxed(),
                Turn::Torn => all.take(1).chain(stream::once(async { Err(failed()) })).boxed(),
            }
        };
        stream::once(begun).flatten().boxed()
    }
}

fn failed() -> Error {
    Error::Generic { store: "faulty", source: "503 SlowDown".into() }
}

/// The same, shared: a stream outlives the borrow of its store.
#[derive(Debug, Clone)]
pub(crate) struct Shared(pub(crate) Arc<Faulty>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.0.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Shared {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.0.answered(self.0.inner.put_opts(location, payload, opts)).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.0.answered(self.0.inner.put_multipart_opts(location, opts)).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.answered(self.0.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.answered(self.0.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let inner = Arc::clone(&self.0.inner);
        let deleted = stream::once(async move { inner.delete_stream(locations) }).flatten().boxed();
        self.0.streamed(deleted)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.streamed(self.0.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.streamed(self.0.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.answered(self.0.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.answered(self.0.inner.copy_opts(from, to, options)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.0.answered(self.0.inner.rename_opts(from, to, options)).await
    }
}
