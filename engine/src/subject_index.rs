//! Which files hold rows of a person: an index beside the data, so that nobody reads a lake to find one.
//!
//! ```text
//! values     the distinct values of a file's subject columns, by row group, as hashes
//! segment    such files in one object: hashes, and in which row groups each is
//! refresh    writes segments for new files, and anew what speaks of files that are gone
//! ask        which values a condition asks for       look_up   the row groups that can have them
//! check      whether segments say what their files hold
//! ```
//!
//! A segment is a Parquet object `_auditlake/indexes/<dataset>/<sha256>.parquet` that any reader opens. It speaks of
//! versions of files: one whose path, ETag or size is another by now is read as if there were no index, and so is every
//! file in no segment. So an index saves reading and never decides: without it each answer is the same. Absent: columns
//! that are not text, and files that others write.

mod ask;
mod check;
mod look_up;
mod refresh;
mod segment;
mod values;

#[cfg(test)]
mod tests;

use object_store::path::Path;
use schemas::Dataset;

pub use check::{IndexFault, index_faults};
pub(crate) use look_up::{Met, SubjectIndex};
pub use refresh::{Indexed, index_files, refresh_index};

/// Where the segments of a dataset lie; `None` of one that has no index.
fn folder_of(dataset: &Dataset) -> Option<Path> {
    let has_one = dataset.is_ours() && dataset.elsewhere.is_none() && !dataset.subjects.is_empty();
    has_one.then(|| Path::from(format!("_auditlake/indexes/{}", dataset.id)))
}
