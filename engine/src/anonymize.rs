//! Anonymization: how anonymous a table is, and how to make it so by saying less.
//!
//! ```text
//! hierarchy    what a value becomes at each level           measure      k, l and t of a table as it is
//! requirement  what a table must satisfy                    optimal      the same level for a whole column
//! loss         what a generalisation costs                  mondrian     ranges of its own for each group
//! method       what a value becomes by itself               file         what a file measures
//! values, searched, recode, function    the plan of a copy: rows by their methods, made coarser, some left out
//! copy, figures                         written, measured as written, published or deleted
//! ```
//!
//! ```text
//! let found = optimal(&quasi, &sensitive, &search)?;                    // levels, and the rows to leave out
//! let age = generalize(&quasi[0], found.levels[0])?;                    // texts for every row
//! let kept = filter(&age, &not(&found.suppressed)?)?;                   // arrow's own
//! ```
//!
//! Measures and searches are pure: columns go in, columns come out. No error has a value of the data, only counts, names and
//! what a hierarchy says. Absent: where keys and hierarchies lie, which is the caller's; noise.

mod coding;
mod column;
mod copy;
mod error;
mod figures;
mod file;
mod function;
mod grouping;
mod hierarchy;
mod lattice;
mod levels;
mod loss;
mod measure;
mod method;
mod mondrian;
mod optimal;
mod recode;
mod requirement;
mod searched;
mod spread;
mod table;
#[cfg(test)]
mod tests;
mod values;

pub use column::{Distance, QuasiColumn, SensitiveColumn, generalize};
pub use copy::{CopyOutcome, CopyRequest, make_copy, preview_copy};
pub use error::{AnonymizeError, NotMet};
pub use figures::{Figures, SensitiveFigures};
pub use file::measure_file;
pub use hierarchy::{Hierarchy, HierarchyError};
pub use loss::Loss;
pub use measure::{Diversity, Measured, measure};
pub use mondrian::{Partitioned, mondrian};
pub use optimal::{Generalized, MAX_NODES, Search, optimal};
pub use requirement::Requirement;
pub use values::{CopyMaterial, hierarchy};
