//! The lake's object store and the wrappers around it.
//!
//! Shared state is never read, changed and written back: it is created once, under a name of its own.
//! Absent: any other way to an object than through here.

mod bucket;
mod durable;
mod front;
mod patient;
mod pinned;
mod prefixed;

pub(crate) use bucket::{advice, open as open_bucket};
pub use front::{Created, Lakefront};
pub(crate) use pinned::PinnedStore;
