//! The tables that ship, one file each.

mod audit;
mod control_result;
mod finding;
mod identity;
mod rejected;
mod usage;

pub use audit::AUDIT;
pub use control_result::CONTROL_RESULT;
pub use finding::FINDING;
pub use identity::IDENTITY;
pub use rejected::REJECTED;
pub use usage::USAGE;

use crate::table::TableSchema;

/// Every schema a dataset can be declared with.
pub static DATASET_SCHEMAS: &[&TableSchema] = &[&AUDIT, &IDENTITY, &USAGE];
