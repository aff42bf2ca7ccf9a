//! Words of facts, as events, snapshots and documents write them, and back.

use crate::facts::{DatasetKind, Operation};

/// The words of datasets.
pub(crate) const DATASETS: [(&str, DatasetKind); 7] = [
    ("TABLE", DatasetKind::Table),
    ("FILE", DatasetKind::File),
    ("TOPIC", DatasetKind::Topic),
    ("STREAM", DatasetKind::Stream),
    ("MODEL", DatasetKind::Model),
    ("VIEW", DatasetKind::View),
    ("JOB_OUTPUT", DatasetKind::JobOutput),
];

/// The words of operations.
pub(crate) const OPERATIONS: [(&str, Operation); 7] = [
    ("ingestion", Operation::Ingestion),
    ("transformation", Operation::Transformation),
    ("aggregation", Operation::Aggregation),
    ("prediction", Operation::Prediction),
    ("export", Operation::Export),
    ("delete", Operation::Delete),
    ("anonymization", Operation::Anonymization),
];

/// The word of what a dataset is, as in OpenLineage.
pub fn dataset_word(kind: DatasetKind) -> &'static str {
    word(&DATASETS, kind)
}

pub(crate) fn dataset_kind(word: &str) -> Option<DatasetKind> {
    meaning(&DATASETS, word)
}

pub(crate) fn operation_word(operation: Operation) -> &'static str {
    word(&OPERATIONS, operation)
}

pub(crate) fn operation(word: &str) -> Option<Operation> {
    meaning(&OPERATIONS, word)
}

/// The word for `meaning`, of a list that has every meaning.
pub(crate) fn word<T: PartialEq>(words: &[(&'static str, T)], meaning: T) -> &'static str {
    words.iter().find(|(_, one)| *one == meaning).map_or("", |(word, _)| word)
}

fn meaning<T: Copy>(words: &[(&str, T)], word: &str) -> Option<T> {
    words.iter().find(|(one, _)| *one == word).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meaning_has_a_word_of_its_own() {
        for (word, kind) in DATASETS {
            assert!(dataset_word(kind) == word && dataset_kind(word) == Some(kind));
        }
        for (word, one) in OPERATIONS {
            assert!(operation_word(one) == word && operation(word) == Some(one));
        }
        assert_eq!((dataset_kind("table"), operation("")), (None, None));
    }
}
