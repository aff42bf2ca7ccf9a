//! What is known of a node beside its name, kept once for all nodes of which the same is known.

use std::collections::BTreeSet;

use crate::facts::{ColumnFact, DatasetFact, DatasetKind};

/// What is known of a node beside its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeAbout {
    /// Of a dataset.
    Dataset {
        /// The namespace of its name.
        namespace: String,
        /// What it is.
        kind: DatasetKind,
        /// Who answers for it.
        owners: BTreeSet<String>,
        /// Words put on it.
        tags: BTreeSet<String>,
    },
    /// Of a column or a field.
    Column {
        /// Its type, in the words of whoever named it.
        type_word: Option<String>,
        /// Its class.
        class: Option<String>,
        /// Words put on it.
        tags: BTreeSet<String>,
    },
}

impl NodeAbout {
    pub(crate) fn dataset(namespace: &str, fact: &DatasetFact) -> Self {
        Self::Dataset {
            namespace: namespace.to_owned(),
            kind: fact.kind,
            owners: fact.owners.clone(),
            tags: fact.tags.clone(),
        }
    }

    pub(crate) fn column(fact: &ColumnFact) -> Self {
        Self::Column { type_word: fact.type_word.clone(), class: fact.class.clone(), tags: fact.tags.clone() }
    }

    /// The class of a column.
    pub fn class(&self) -> Option<&str> {
        match self {
            Self::Dataset { .. } => None,
            Self::Column { class, .. } => class.as_deref(),
        }
    }

    /// Words put on it.
    pub fn tags(&self) -> &BTreeSet<String> {
        match self {
            Self::Dataset { tags, .. } | Self::Column { tags, .. } => tags,
        }
    }
}
