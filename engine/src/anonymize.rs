//! Anonymization: how anonymous a table is, and how to make it so by saying less.
//!
//! ```text
//! hierarchy    what a value becomes at each level           measure      k, l and t of a table as it is
//! requirement  what a table must satisfy                    optimal      the same level for a whole column
//! loss         what a generalisation costs                  mondrian     ranges of its own for each group
//! ```
//!
//! ```text
//! let found = optimal(&quasi, &sensitive, &search)?;                    // levels, and the rows to leave out
//! let age = generalize(&quasi[0], found.levels[0])?;                    // texts for every row
//! let kept = filter(&age, &not(&found.suppressed)?)?;                   // arrow's own
//! ```
//!
//! Pure: columns go in, columns come out. No error has a value of the data, only counts, names and what a hierarchy
//! says. Absent: reading, writing and publishing a copy, and methods for single values such as pseudonyms, which are
//! the caller's; noise.

mod coding;
mod column;
mod error;
mod grouping;
mod hierarchy;
mod lattice;
mod levels;
mod loss;
mod measure;
mod mondrian;
mod optimal;
mod requirement;
mod spread;
mod table;

#[cfg(test)]
mod tests;

pub use column::{Distance, QuasiColumn, SensitiveColumn, generalize};
pub use error::{AnonymizeError, NotMet};
pub use hierarchy::{Hierarchy, HierarchyError};
pub use loss::Loss;
pub use measure::{Diversity, Measured, measure};
pub use mondrian::{Partitioned, mondrian};
pub use optimal::{Generalized, MAX_NODES, Search, optimal};
pub use requirement::Requirement;
