//! Jobs that run for new files: a sequence of batches, each of exactly the files that no batch before had.
//!
//! ```text
//! _auditlake/checkpoints/<job>/batches/00000007.plan.json    the files of batch 7 and its run: whoever is first fixes them
//!                                      00000007.json         what counts as read since, once the run has an end
//!                              read/00000100.parquet         every file that was read by batch 100
//!                              aside/<id>.json               a file that no batch reads, and why
//!                              aside/<id>.accepted.json      somebody wants it read after all
//! ```
//!
//! Whatever dies between two of these goes on with the same files under the same name: they are read at least once, and
//! published once. A file is known by path and ETag, never by its name alone and never by a time.
//!
//! Absent: the story of a run, which is `runner`'s; when a job is looked at, which is `schedule`'s.

mod aside;
mod batch;
mod by_hand;
mod close;
mod find;
mod log;
mod read_files;
mod records;
mod settle;

pub(crate) use aside::{accept, put_changed_aside};
pub(crate) use batch::{Batch, batch_of};
pub(crate) use by_hand::{Next, first_of, next_by_hand};
pub(crate) use close::{cancelled, committed};
pub(crate) use find::{Sorted, listed, other_rows, sorted};
pub(crate) use log::{StreamLog, read_by_all};
pub(crate) use read_files::ReadFiles;
pub(crate) use records::{AsideRecord, BatchPlan};
pub use records::{BatchSummary, LeftOut};
pub(crate) use settle::Settling;
