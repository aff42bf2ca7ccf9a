//! What can go wrong in anonymizing. No message has a value of the data.

use arrow::array::{Array, ArrayRef};
use schemas::Remedy;

/// Why columns cannot be measured or anonymized.
#[derive(Debug, thiserror::Error)]
pub enum AnonymizeError {
    /// Columns that are not of one table.
    #[error("column \"{column}\" has {rows} rows and another column {others}; give columns of the same rows")]
    Lengths {
        /// The column.
        column: String,
        /// Its rows.
        rows: usize,
        /// Those of the first column.
        others: usize,
    },
    /// More rows than are counted.
    #[error("there are {rows} rows, and at most {limit} can be anonymized at once; take a shorter interval")]
    Rows {
        /// How many there are.
        rows: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Nothing to tell people apart by.
    #[error("there is no quasi identifier; name the columns that help to tell who a row is about")]
    NoQuasi,
    /// A requirement that no column is there for.
    #[error("l and t are asked of sensitive columns, and there is none; name one or leave them out")]
    NoSensitive,
    /// A requirement that makes no sense.
    #[error("{what} cannot be {given}; it must be {range}")]
    OutOfRange {
        /// Which figure.
        what: &'static str,
        /// What it is.
        given: String,
        /// What it may be.
        range: &'static str,
    },
    /// A column that cannot be generalised.
    #[error("column \"{column}\" has no hierarchy; give it one, or another method than a quasi identifier's")]
    NoHierarchy {
        /// The column.
        column: String,
    },
    /// A level that the hierarchy does not have.
    #[error("the hierarchy of column \"{column}\" has {levels} levels and none with number {level}; they begin with 0")]
    NoLevel {
        /// The column.
        column: String,
        /// What was asked for.
        level: usize,
        /// How many there are.
        levels: usize,
    },
    /// Values that the hierarchy does not know.
    #[error(
        "column \"{column}\" has {values} distinct values in {rows} rows that are not in its hierarchy; add them to it, \
         or give the hierarchy unknown: \"*\""
    )]
    NotInHierarchy {
        /// The column.
        column: String,
        /// How many distinct values.
        values: usize,
        /// How many rows.
        rows: u64,
    },
    /// Values of a type that has no text or no order.
    #[error("column \"{column}\" is of type {data_type}, which cannot be {used}; cast it to text or numbers first")]
    Type {
        /// The column.
        column: String,
        /// Its type.
        data_type: String,
        /// What it was to be used for.
        used: &'static str,
    },
    /// More nodes than a search goes through.
    #[error(
        "the hierarchies of the quasi identifiers make {nodes} combinations of levels, and a search goes through {limit}; \
         give fewer columns or levels, or search with mondrian"
    )]
    Nodes {
        /// How many there are.
        nodes: u128,
        /// How many a search goes through.
        limit: usize,
    },
    /// What was asked for cannot be had.
    #[error(transparent)]
    NotMet(Box<NotMet>),
}

/// A requirement that nothing satisfies, with the best that there is. Counts and levels only.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "no generalisation satisfies {asked}: at the best levels {}, {below_groups} of {groups} groups with {below_rows} \
     of {rows} rows do not, and {allowed_rows} rows may be suppressed; ask for less, allow more suppression, or add \
     coarser levels to the hierarchies",
    listed(levels)
)]
pub struct NotMet {
    /// What was asked for.
    pub asked: String,
    /// The level of each column at which the fewest rows are in groups that do not satisfy it; empty where columns
    /// have none of their own.
    pub levels: Vec<(String, usize)>,
    /// How many groups there are at these levels.
    pub groups: u64,
    /// How many of them do not satisfy it.
    pub below_groups: u64,
    /// How many rows are in these.
    pub below_rows: u64,
    /// How many rows there are.
    pub rows: u64,
    /// How many of them may be left out.
    pub allowed_rows: u64,
}

fn listed(levels: &[(String, usize)]) -> String {
    if levels.is_empty() {
        return "(all rows in one group)".to_owned();
    }
    levels.iter().map(|(column, level)| format!("{column}={level}")).collect::<Vec<_>>().join(", ")
}

impl AnonymizeError {
    pub(super) fn of_type(column: &str, values: &ArrayRef, used: &'static str) -> Self {
        Self::Type { column: column.to_owned(), data_type: values.data_type().to_string(), used }
    }

    /// What the caller does next.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Lengths { .. } => Remedy::Report,
            Self::NotInHierarchy { .. } | Self::NotMet(_) => Remedy::InspectData,
            Self::Rows { .. }
            | Self::NoQuasi
            | Self::NoSensitive
            | Self::OutOfRange { .. }
            | Self::NoHierarchy { .. }
            | Self::NoLevel { .. }
            | Self::Type { .. }
            | Self::Nodes { .. } => Remedy::FixConfig,
        }
    }
}
