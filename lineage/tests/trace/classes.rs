//! Functions have the classes that the list gives them, and DataFusion knows them by these names.

use std::collections::BTreeSet;

use datafusion::execution::FunctionRegistry;
use lineage::FunctionClasses;
use schemas::FunctionClass;

use crate::lake::empty;

/// Functions of the list that are no part of DataFusion: the methods of anonymisation, and the aggregates of our own.
const OURS: [&str; 16] = [
    "pseudonym",
    "fpe",
    "seal",
    "mask",
    "truncate_ip",
    "grid",
    "shift",
    "bucket",
    "clamp",
    "hierarchy",
    "redact",
    "constant",
    "floor_to",
    "round_to",
    "latency_sketch",
    "sketch_merge",
];

#[test]
fn every_aggregate_of_datafusion_has_a_class() {
    let state = empty().state();
    let classes = FunctionClasses::default();
    let aggregates: BTreeSet<&str> = state.aggregate_functions().values().map(|function| function.name()).collect();
    // The analyzer resolves `grouping` into which grouping set it was.
    let unlisted: Vec<&&str> =
        aggregates.iter().filter(|name| classes.of(name) == FunctionClass::Carry && **name != "grouping").collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
}

#[test]
fn every_listed_function_exists() {
    let context = empty();
    let state = context.state();
    let known: BTreeSet<String> = state
        .udfs()
        .into_iter()
        .chain(state.aggregate_functions().values().map(|function| function.name().to_owned()))
        .collect();
    let classes = FunctionClasses::default();
    let unknown: Vec<&str> =
        classes.named().map(|(name, _)| name).filter(|name| !known.contains(*name) && !OURS.contains(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
