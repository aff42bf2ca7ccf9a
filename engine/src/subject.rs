//! Persons in records: references in the place of identifiers, cases, and the ledger of erasures.
//!
//! ```text
//! reference   a keyed hash that stands for an identifier     seal     identifiers of open cases, encrypted
//! case        a case and its records on the store            ledger   who was erased, and when
//! persons     rows that name whoever is known by reference   objection   for what rows of whom are not used
//! ```
//!
//! Absent: finding and changing rows, which is `retention`'s, and who may ask, which is the caller's.

mod case;
#[cfg(test)]
pub(crate) mod given;
mod ledger;
mod objection;
mod persons;
mod reference;
mod seal;

pub use case::{SubjectCase, case_folder, cases_folder, record_case, subject_cases};
pub use ledger::{ErasureRecord, Gone, Ledger, erasure_path, erasures};
pub use objection::{objection_path, objections, record_objection};
pub use persons::{Named, Naming, PersonKeys, Persons};
pub use reference::{SubjectKey, SubjectKeys};
pub use seal::{SealError, seal, unseal};
