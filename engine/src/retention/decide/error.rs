//! What keeps a batch from being judged: data that is not what the definitions say.

use schemas::Remedy;

/// Why nothing can be decided about a batch. Nothing of it may go then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// The column that says how old a row is is not there.
    #[error(
        "dataset \"{dataset}\": its data has no column \"{column}\", by which the age of rows is counted; name the right \
         column as time: in its definition, or exclude the object"
    )]
    TimeAbsent {
        /// The dataset.
        dataset: String,
        /// The column.
        column: String,
    },
    /// The column that says how old a row is holds no instants.
    #[error(
        "dataset \"{dataset}\": column \"{column}\" is {found} and not a timestamp or a date, so rows have no age; name \
         the right column as time: in its definition, or exclude the object"
    )]
    TimeType {
        /// The dataset.
        dataset: String,
        /// The column.
        column: String,
        /// Its Arrow type.
        found: String,
    },
    /// A column that decides about rows is of a type whose values have no one text.
    #[error(
        "dataset \"{dataset}\": column \"{column}\" is {found}, which cannot be compared with the words of a policy or a \
         hold; use a column of text, whole numbers or booleans, or exclude the object"
    )]
    NoText {
        /// The dataset.
        dataset: String,
        /// The column.
        column: String,
        /// Its Arrow type.
        found: String,
    },
    /// The column with the classes of a row's data is no list of texts.
    #[error(
        "dataset \"{dataset}\": column \"{column}\" is {found} and not a list of texts, so the classes of rows are not \
         known; write it as a list of texts, or exclude the object"
    )]
    NoClasses {
        /// The dataset.
        dataset: String,
        /// The column.
        column: String,
        /// Its Arrow type.
        found: String,
    },
}

impl DecideError {
    /// What to do about it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::TimeAbsent { .. } | Self::TimeType { .. } | Self::NoText { .. } | Self::NoClasses { .. } => {
                Remedy::InspectData
            }
        }
    }
}
