//! By what people are known in tests.

use std::collections::BTreeMap;

use super::{PersonKeys, SubjectKey, SubjectKeys};

/// A key, and identifiers of the usual kind in every column.
pub(crate) fn known() -> PersonKeys {
    let current = SubjectKey::new("s26", &[7; 32]).expect("a key");
    PersonKeys { keys: SubjectKeys { current, retired: Vec::new() }, kinds: BTreeMap::new() }
}

/// What stands for an identifier of the usual kind.
pub(crate) fn reference(name: &str) -> String {
    known().keys.current.reference_of("user", name)
}
