//! Ids of nodes that every graph agrees on, whatever else it holds.

use sha2::{Digest, Sha256};

use crate::facts::{DatasetName, Node};

/// 128 bits of SHA-256 over what names a node.
pub type Key = [u8; 16];

/// The id of a dataset.
pub(crate) fn dataset_key(name: &DatasetName) -> Key {
    key(["dataset", &name.namespace, &name.name, ""])
}

/// The id of a column or a field.
pub(crate) fn column_key(dataset: &DatasetName, path: &str) -> Key {
    key(["column", &dataset.namespace, &dataset.name, path])
}

/// The id of a node.
pub(crate) fn node_key(node: &Node) -> Key {
    match node {
        Node::Dataset(name) => dataset_key(name),
        Node::Column(dataset, path) => column_key(dataset, path),
    }
}

/// Every part with its length before it, so that no two names run into one another.
fn key(parts: [&str; 4]) -> Key {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let (halves, _) = digest.as_chunks::<16>();
    halves[0]
}
