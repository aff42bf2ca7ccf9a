//! Columns as they go in, and one of them at a level of its hierarchy.

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::DataType;

use super::error::AnonymizeError;
use super::hierarchy::Hierarchy;
use super::levels::Levels;

/// A column that helps to tell who a row is about.
#[derive(Debug, Clone)]
pub struct QuasiColumn {
    /// Its name, for errors.
    pub name: String,
    /// Its values, of any type that has a text.
    pub values: ArrayRef,
    /// How its values become coarser. Without one, a search for levels refuses the column; Mondrian refuses it unless
    /// its values are numbers or times, which it makes ranges of whether they have a hierarchy or not.
    pub hierarchy: Option<Hierarchy>,
}

/// A column that nobody may learn of a person.
#[derive(Debug, Clone)]
pub struct SensitiveColumn {
    /// Its name, for errors.
    pub name: String,
    /// Its values, of any type.
    pub values: ArrayRef,
    /// How far two of its values are from one another.
    pub distance: Distance,
}

/// How far two values are from one another, for the earth mover's distance (Li, Li, Venkatasubramanian 2007).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distance {
    /// Any two values are one apart: categories.
    Equal,
    /// As many values as lie between them, of all that there are: numbers and times. NULL comes first.
    Ordered,
}

impl Distance {
    /// Ordered for numbers and times, equal for anything else.
    #[must_use]
    pub fn of(data_type: &DataType) -> Self {
        if data_type.is_numeric() || data_type.is_temporal() { Self::Ordered } else { Self::Equal }
    }
}

/// The texts of every row of the column at a level of its hierarchy, 0 being the finest.
///
/// A NULL stays NULL, except at the last level, if that has one text for all values: there it is that one, too.
///
/// # Errors
/// If the column has no hierarchy, the hierarchy no such level, or values are not in it.
pub fn generalize(column: &QuasiColumn, level: usize) -> Result<StringArray, AnonymizeError> {
    let levels = Levels::of(column)?;
    if level >= levels.count() {
        return Err(AnonymizeError::NoLevel { column: column.name.clone(), level, levels: levels.count() });
    }
    Ok(levels.texts_at(level))
}
