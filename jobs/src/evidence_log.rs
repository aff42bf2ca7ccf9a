//! The evidence log of a lake: what was done, in a log that only grows and whose growth is signed.
//!
//! ```text
//! entries    what is done, as entries              intent    so that a process that dies leaves nothing unlogged
//! append     a batch behind the last, signed       anchor    copies in other hands
//! store      objects of the log                    keys      what signs, and what is trusted
//! read, replay   the log, read through             proofs    what lies beside a report and proves it
//! command        `auditlake evidence`
//! ```
//!
//! The tree, the notes and the spelling of entries are in `engine::evidence`; checking all of it is `crate::verify`'s.

mod anchor;
mod append;
mod command;
mod entries;
mod fault;
mod intent;
mod keys;
mod proofs;
mod read;
mod replay;
mod store;

pub(crate) use anchor::OpenAnchor;
pub(crate) use append::signed;
pub use append::{Appended, EvidenceLog};
pub(crate) use command::{command, keys_of, write_keys};
pub(crate) use entries::{Places, of_commit, of_export, of_files, of_replacement, of_step, part, report};
pub use fault::EvidenceFault;
pub(crate) use intent::{Act, Intent, ingests_of, make_good, open, under_way};
pub(crate) use keys::trusted;
pub(crate) use proofs::ENDING as PROOF_ENDING;
pub(crate) use replay::{LoggedFile, Replay};
pub(crate) use store::LogStore;
