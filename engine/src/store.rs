//! The lake's object store and the wrappers around it.
//!
//! Shared state is never read, changed and written back: it is created once, under a name of its own. Data that has to
//! change is replaced on the condition that it is still what was read.
//! Absent: any other way to an object than through here.

mod bucket;
mod carried;
mod durable;
mod front;
mod overheard;
mod patient;
mod pinned;
mod prefixed;
mod recorded;
mod signed;
mod version;

pub(crate) use bucket::{advice, open as open_bucket};
pub use carried::Carried;
pub use front::{Created, Deleted, Lakefront, Replaced};
pub(crate) use pinned::PinnedStore;
pub use recorded::recorded_path;
pub(crate) use version::same_etag;
pub use version::{Version, VersionId, VersionLock, Versions};
