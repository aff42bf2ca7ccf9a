//! Persons in records: references in the place of identifiers, cases, and the ledger of erasures.
//!
//! ```text
//! reference   a keyed hash that stands for an identifier     seal     identifiers of open cases, encrypted
//! case        a case and its records on the store            ledger   who was erased, and when
//! ```
//!
//! Absent: finding and changing rows, which is `retention`'s, and who may ask, which is the caller's.

mod case;
mod ledger;
mod reference;
mod seal;

pub use case::{SubjectCase, case_folder, cases_folder, record_case, subject_cases};
pub use ledger::{ErasureRecord, Gone, Ledger, erasure_path, erasures};
pub use reference::{SubjectKey, SubjectKeys};
pub use seal::{SealError, seal, unseal};
