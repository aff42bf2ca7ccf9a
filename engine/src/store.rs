//! The lake's object store and the wrappers around it.
//!
//! Shared state is never read, changed and written back: it is created once, under a name of its own.
//! Absent: S3, GCS and Azure, which will come through [`Lakefront::over`].

mod durable;
mod front;
mod pinned;

pub use front::{Created, Lakefront};
pub(crate) use pinned::PinnedStore;
