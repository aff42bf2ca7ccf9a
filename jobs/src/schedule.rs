//! Schedules: which intervals of a job there are, which are due, and running them, each once.
//!
//! `slots` and `due` are pure: definitions, ledger and now in, what is due out. `book` reads the ledger for them, `turn`
//! records what is missed and says which run comes next, `work` begins it. There is no leader: any number of runners do
//! this at once on one lake, and the claim of a run says who computes it.
//!
//! Absent: what a pattern means and when it fires, which is `schemas`'; the story of one run, which is `runner`'s.

mod backfill;
mod book;
mod by_hand;
mod command;
mod due;
mod explain;
mod journal;
mod known;
mod late;
mod missing;
mod next;
mod pause;
mod records;
mod slots;
mod streaming;
#[cfg(test)]
pub(crate) mod tests;
mod turn;
mod upstream;
mod work;

pub use backfill::{Only, Order};
pub use due::MissedReason;
pub use records::{DecisionRecord, Ends, FailedRecord, MissedRecord, QueuedRecord};

pub(crate) use command::{decided, job_of, jobs, listed, missed, run_command, stale};
pub(crate) use due::seconds;
pub(crate) use explain::{committed_until, list as job_list};
pub(crate) use journal::{JournalRecord, Step};
pub(crate) use known::newest_run;
pub(crate) use late::note_stale;
pub(crate) use next::{Fire, fires};
pub(crate) use records::CANCEL;
pub(crate) use streaming::Watches;
pub(crate) use turn::Told;
pub(crate) use work::{Crew, Happened, TICK, Until};
