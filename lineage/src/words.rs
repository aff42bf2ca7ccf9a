//! Words of facts, as snapshots and documents write them, and back.

use crate::facts::{DatasetKind, Operation};

/// The words of datasets.
const DATASETS: [(DatasetKind, &str); 7] = [
    (DatasetKind::Table, "TABLE"),
    (DatasetKind::File, "FILE"),
    (DatasetKind::Topic, "TOPIC"),
    (DatasetKind::Stream, "STREAM"),
    (DatasetKind::Model, "MODEL"),
    (DatasetKind::View, "VIEW"),
    (DatasetKind::JobOutput, "JOB_OUTPUT"),
];

/// The words of operations.
const OPERATIONS: [(Operation, &str); 7] = [
    (Operation::Ingestion, "ingestion"),
    (Operation::Transformation, "transformation"),
    (Operation::Aggregation, "aggregation"),
    (Operation::Prediction, "prediction"),
    (Operation::Export, "export"),
    (Operation::Delete, "delete"),
    (Operation::Anonymization, "anonymization"),
];

pub(crate) fn dataset_word(kind: DatasetKind) -> &'static str {
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

fn word<T: PartialEq + Copy>(words: &[(T, &'static str)], meaning: T) -> &'static str {
    words.iter().find(|(one, _)| *one == meaning).map_or("", |(_, word)| word)
}

fn meaning<T: Copy>(words: &[(T, &'static str)], word: &str) -> Option<T> {
    words.iter().find(|(_, one)| *one == word).map(|(meaning, _)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meaning_has_a_word_of_its_own() {
        for (kind, word) in DATASETS {
            assert!(dataset_word(kind) == word && dataset_kind(word) == Some(kind));
        }
        for (one, word) in OPERATIONS {
            assert!(operation_word(one) == word && operation(word) == Some(one));
        }
        assert_eq!((dataset_kind("table"), operation("")), (None, None));
    }
}
