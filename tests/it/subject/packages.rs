//! What a person is given: all of their data, and nobody else's name.

use std::io::Read as _;

use serde_json::Value;

use super::{ANNA, NOW, THEIRS, filled, silent};
use crate::auditlake::Lake;

/// The entries of a ZIP, by name.
fn entries(bytes: &[u8]) -> Vec<(String, String)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a ZIP");
    let read = (0..archive.len()).map(|at| {
        let mut entry = archive.by_index(at).expect("an entry");
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        (String::from_utf8_lossy(entry.name_raw()).into_owned(), text)
    });
    read.collect()
}

#[test]
fn a_person_gets_all_of_their_data_and_nobody_elses_name() {
    let lake = filled(Lake::new());
    let access = |to: &'static str| ["subject", "access", "--id-file", "ann.txt", "--to", to, NOW];
    let ran = lake.run(&access("one.zip"));
    ran.said(0, &["audit: 80 rows", "audit_rejected: 1 row", "identity: 3 rows", "is fulfilled"]);
    silent(&ran);
    lake.run(&access("one.zip")).failed(2, &["is there already"]);
    lake.run(&["subject", "access", "--id-file", "ann.txt", "--to", "two.zip", "--case", "subject-2026-0001", NOW])
        .failed(1, &["it is there already"]);
    let bytes = std::fs::read(lake.folder().join("one.zip")).expect("a package");
    let entries = entries(&bytes);
    let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.is_sorted() || names.ends_with(&["SHA256SUMS"]), "{names:?}");
    let text = |name: &str| &entries.iter().find(|(other, _)| other == name).unwrap_or_else(|| panic!("{names:?}")).1;
    let rows: Value = serde_json::from_str(text("audit.json")).expect("JSON");
    let independent = lake.rows("SELECT event_id FROM audit WHERE actor_id IN ('ann-zq7','svc-zq8') OR subject_id IN ('ann-zq7','svc-zq8') ORDER BY time, event_id");
    let mut own: Vec<&str> =
        rows.as_array().expect("rows").iter().map(|row| row["event_id"].as_str().expect("an id")).collect();
    let mut expected: Vec<&str> = independent.iter().map(|row| row["event_id"].as_str().expect("an id")).collect();
    own.sort_unstable();
    expected.sort_unstable();
    assert_eq!(own, expected);
    assert_eq!(text("audit.csv").lines().count() as u64, THEIRS + 1);
    for (name, text) in &entries {
        assert!(!text.contains(ANNA) && !text.contains("\"bob\"") && !text.contains(",bob,"), "{name} names others");
    }
    assert!(text("audit.csv").contains("other-") && text("README.txt").contains("Art. 15"));
    // Of the same rows and the same case the same bytes.
    let twice = |to: &str| {
        lake.run(&["subject", "access", "--id-file", "ann.txt", "--to", to, "--case", "A-1", NOW]).succeeded();
        std::fs::remove_dir_all(lake.data().join("_auditlake/subjects/A-1")).expect("the case was there");
        std::fs::read(lake.folder().join(to)).expect("a package")
    };
    assert!(twice("a.zip") == twice("b.zip"), "other bytes");

    let portability = ["subject", "portability", "--id-file", "ann.txt", "--to", "p.zip", NOW];
    lake.run(&portability).failed(1, &["no dataset says what a person may take along"]);
    lake.write("datasets/audit.yaml", "dataset: audit\nlocation: audit/\nschema: audit.v1\ncolumns: {time: {class: internal, portable: true}, actor_id: {class: personal, portable: true}}\n");
    lake.run(&portability).said(0, &["audit: 80 rows"]);
    let bytes = std::fs::read(lake.folder().join("p.zip")).expect("a package");
    let csv = self::entries(&bytes).into_iter().find(|(name, _)| name == "audit.csv").expect("rows").1;
    assert_eq!(csv.lines().next(), Some("time,actor_id"));
}
