//! Ranges of its own for each group: strict multidimensional partitioning (LeFevre, DeWitt, Ramakrishnan 2006, "Mondrian
//! multidimensional k-anonymity").

use arrow::array::StringArray;

use super::column::{QuasiColumn, SensitiveColumn};
use super::error::AnonymizeError;
use super::requirement::Requirement;

/// A table in groups. No row is left out.
#[derive(Debug, Clone)]
pub struct Partitioned {
    /// The texts of each quasi identifier, in their order, for every row: `20`, or a range `[20-29]`, of numbers and
    /// times; the lowest common ancestor of categories, or `*` where they have none.
    pub columns: Vec<StringArray>,
    /// How many groups there are. Of two, the texts may be the same.
    pub groups: u64,
}

/// Cuts all rows in two at the median of a column, and each part again, as long as both parts satisfy the requirement.
///
/// # Errors
/// If all rows together do not satisfy it, or a column has neither numbers nor times nor a hierarchy.
pub fn mondrian(
    quasi: &[QuasiColumn],
    sensitive: &[SensitiveColumn],
    requirement: &Requirement,
) -> Result<Partitioned, AnonymizeError> {
    let _ = (quasi, sensitive, requirement);
    Err(AnonymizeError::NoQuasi)
}
