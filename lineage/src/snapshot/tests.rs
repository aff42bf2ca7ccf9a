use super::*;
use crate::facts::Facts;
use crate::graph::samples::facts;

/// The last entry of the log that a test's snapshot is made from.
const LAST: u64 = 42;

fn snapshot(facts: &Facts) -> (Graph, Manifest, [Vec<u8>; 5]) {
    let graph = Graph::of(facts).unwrap();
    let snapshot = Snapshot::of(&graph).unwrap();
    let manifest = snapshot.manifest(1, LAST);
    let files: Vec<Vec<u8>> = snapshot.files.into_iter().map(|(_, bytes)| bytes).collect();
    (graph, manifest, files.try_into().unwrap())
}

#[test]
fn a_graph_comes_back_and_equal_graphs_are_equal_bytes() {
    for seed in 0..60 {
        let (graph, manifest, files) = snapshot(&facts(seed));
        let manifest = Manifest::from_json(&manifest.to_json()).unwrap();
        let back = Snapshot::open(&manifest, files.clone()).unwrap();
        assert_eq!(back, graph, "seed {seed}");
        let again = Snapshot::of(&back).unwrap();
        assert!(again.files.iter().map(|(_, bytes)| bytes).eq(&files), "seed {seed}");
        assert_eq!(again.manifest(1, LAST), manifest);
    }
}

#[test]
fn a_graph_of_nothing_comes_back() {
    let (graph, manifest, files) = snapshot(&Facts::default());
    assert_eq!(Snapshot::open(&manifest, files).unwrap(), graph);
}

#[test]
fn bytes_that_are_not_what_was_written_are_an_error() {
    let (_, manifest, files) = snapshot(&facts(3));
    for file in 0..files.len() {
        for at in (0..files[file].len()).step_by(97) {
            let mut broken = files.clone();
            broken[file][at] ^= 1;
            let error = Snapshot::open(&manifest, broken).unwrap_err();
            assert!(matches!(error, GraphError::Snapshot { file: name, .. } if name == Snapshot::NAMES[file]));
        }
        let mut short = files.clone();
        short[file].pop();
        assert!(Snapshot::open(&manifest, short).unwrap_err().to_string().contains("not as long"));
        let mut swapped = files.clone();
        swapped.swap(file, (file + 1) % files.len());
        assert!(Snapshot::open(&manifest, swapped).is_err());
    }
}

#[test]
fn files_that_do_not_belong_together_are_an_error_though_each_is_whole() {
    let (_, mut manifest, files) = snapshot(&facts(3));
    let (_, others, other_files) = snapshot(&facts(4));
    for file in 0..files.len() {
        let mut mixed = files.clone();
        mixed[file].clone_from(&other_files[file]);
        let own = std::mem::replace(&mut manifest.files[file], others.files[file].clone());
        assert!(Snapshot::open(&manifest, mixed).is_err(), "{}", own.name);
        manifest.files[file] = own;
    }
}

#[test]
fn a_manifest_that_lacks_something_is_an_error() {
    let (_, manifest, _) = snapshot(&facts(3));
    assert_eq!(Manifest::from_json(&manifest.to_json()).unwrap(), manifest);
    for text in ["", "{}", "[1]", r#"{"layout": 2}"#, r#"{"layout": 1, "log": {"first": 1}, "files": []}"#] {
        assert!(Manifest::from_json(text.as_bytes()).is_err(), "{text}");
    }
}
