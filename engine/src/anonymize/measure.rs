//! How anonymous a table is as it stands.
//!
//! - k: the rows of the smallest group of rows that are equal in all quasi identifiers (Sweeney 2002, "k-anonymity: a model
//!   for protecting privacy").
//! - l, distinct and entropy: how many values a sensitive column has in the poorest group, plainly, and as the number of
//!   equally frequent values of the same entropy (Machanavajjhala, Kifer, Gehrke, Venkitasubramaniam 2007, "l-diversity:
//!   privacy beyond k-anonymity").
//! - t: how far the values of the farthest group are spread from those of all rows, by the earth mover's distance (Li, Li,
//!   Venkatasubramanian 2007, "t-closeness: privacy beyond k-anonymity and l-diversity").
//!
//! NULL is a value like any other and equals NULL. Each sensitive column counts by itself. Absent: recursive (c, l)-diversity.

use arrow::array::ArrayRef;

use super::column::SensitiveColumn;
use super::error::AnonymizeError;

/// How anonymous a table is. One without rows has 0 everywhere, which satisfies nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Its rows.
    pub rows: u64,
    /// Groups of rows that are equal in the quasi identifiers.
    pub groups: u64,
    /// Rows of the smallest group.
    pub k: u64,
    /// Each sensitive column, in their order.
    pub sensitive: Vec<Diversity>,
}

/// How diverse a sensitive column is in the group where it is least so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diversity {
    /// Different values.
    pub distinct_l: u64,
    /// The exponential of the entropy, in nats, of its values.
    pub entropy_l: f64,
    /// The earth mover's distance to all rows, in the group where it is largest.
    pub t: f64,
}

/// Measures a table. Columns must have the same rows.
///
/// # Errors
/// If columns differ in length, there is no quasi identifier, or an ordered column has no order.
pub fn measure(quasi: &[ArrayRef], sensitive: &[SensitiveColumn]) -> Result<Measured, AnonymizeError> {
    let _ = (quasi, sensitive);
    Err(AnonymizeError::NoQuasi)
}
