//! The floors of the building: arrows point down only, and the lock holds one copy of what must be one.
//!
//! A new arrow is a decision, see `docs/decisions/`, and not a line in a diff.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::tree;

/// Crates of ours that each crate may use, in any way.
const ARROWS: &[(&str, &[&str])] = &[
    ("schemas", &[]),
    ("engine", &["schemas"]),
    ("lineage", &["schemas"]),
    ("exporters", &["schemas"]),
    ("jobs", &["schemas", "engine", "lineage", "exporters"]),
    ("tests", &["schemas", "engine", "lineage", "exporters", "jobs"]),
    ("benches", &["schemas", "engine", "lineage", "exporters", "jobs"]),
];

/// Crates of others that a crate must not use outside its tests, and why. A final `*` stands for any ending.
const BANNED: &[(&str, &[&str], &str)] = &[
    (
        "schemas",
        &["tokio*", "futures*", "async-trait", "object_store", "datafusion*"],
        "it holds words: no I/O, nothing that waits",
    ),
    (
        "lineage",
        &["tokio*", "futures*", "async-trait", "object_store", "datafusion"],
        "it is pure, and needs the expression side of DataFusion only",
    ),
    ("exporters", &["datafusion*", "object_store"], "batches go in, bytes go out"),
    ("engine", &["clap*", "indicatif", "reedline"], "it talks to code, not to people"),
];

/// Crates of which two copies would be two worlds: their types do not fit one another.
const ONE_COPY: &[&str] = &["datafusion", "arrow", "parquet", "object_store"];

#[test]
fn arrows_point_down_only() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    assert_eq!(ours, ARROWS.iter().map(|(name, _)| *name).collect(), "the crates of the workspace");
    for (name, allowed) in ARROWS {
        for dependency in packages[*name].iter().filter(|dependency| ours.contains(dependency.name.as_str())) {
            let arrow = &dependency.name;
            assert!(allowed.contains(&arrow.as_str()), "{name} uses {arrow}, which does not lie below it");
        }
    }
}

#[test]
fn each_floor_does_without_what_belongs_to_another() {
    let packages = packages();
    for (name, banned, why) in BANNED {
        for dependency in packages[*name].iter().filter(|dependency| !dependency.for_tests) {
            let hit = banned.iter().find(|pattern| matches(pattern, &dependency.name));
            assert!(hit.is_none(), "{name} uses {}: {why}", dependency.name);
        }
    }
}

#[test]
fn the_lock_holds_one_copy_of_what_must_be_one() {
    let lock = tree::read("Cargo.lock");
    for name in ONE_COPY {
        let line = format!("name = \"{name}\"");
        assert_eq!(lock.lines().filter(|found| *found == line).count(), 1, "copies of {name} in Cargo.lock");
    }
}

struct Dependency {
    name: String,
    for_tests: bool,
}

/// The crates of the workspace with their direct dependencies, as cargo reads them.
fn packages() -> BTreeMap<String, Vec<Dependency>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(tree::root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let dependencies = |package: &Value| {
        let list = package["dependencies"].as_array().expect("a list of dependencies");
        list.iter().map(|one| Dependency { name: text(&one["name"]), for_tests: one["kind"] == "dev" }).collect()
    };
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages.iter().map(|package| (text(&package["name"]), dependencies(package))).collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}
