//! House rules that a machine can check and no other linter does.

use std::path::Path;

use schemas::{Status, shipped_controls, shipped_frameworks};

use crate::tree;

/// Lines of a file without its tests.
const FILE_LINES: usize = 500;
/// Lines of tests inside a file; longer ones move to a sibling `tests.rs`.
const INLINE_TEST_LINES: usize = 150;
/// Characters of a requirement's title: ours are short, those of others are longer and not ours to copy.
const TITLE_CHARS: usize = 60;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "manager"];

/// Statuses without a fixture, and why there cannot be one.
const NO_FIXTURE: &[(&str, Status, &str)] =
    &[("AL-LOG-010", Status::NotApplicable, "its population is every row: a tenant with rows is always judged")];

#[test]
fn files_stay_short() {
    for (path, text) in tree::rust_files() {
        if is_test(&path) {
            continue;
        }
        let lines = text.lines().count();
        let code = inline_tests_at(&text).unwrap_or(lines);
        assert!(code < FILE_LINES, "{}: {code} lines without tests; split it", path.display());
        let tests = lines - code;
        assert!(tests <= INLINE_TEST_LINES, "{}: {tests} lines of tests; move them to tests.rs", path.display());
    }
}

#[test]
fn every_file_is_named_for_what_it_holds() {
    for path in tree::files() {
        for part in path.iter().map(|part| part.to_string_lossy()) {
            let stem = part.split('.').next().unwrap_or_default();
            assert!(!EMPTY_NAMES.contains(&stem), "{}: \"{stem}\" names nothing", path.display());
        }
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for (path, text) in tree::rust_files() {
        // A `tests.rs` is for what lies beside it.
        let documented = text.starts_with("//! ") || path.ends_with("tests.rs");
        assert!(documented, "{}: begins without //!", path.display());
    }
}

#[test]
fn nothing_is_left_for_later_in_the_code() {
    // In two pieces, so that this file passes its own check.
    let words = [("TO", "DO"), ("FIX", "ME"), ("todo", "!("), ("unimplemented", "!("), ("#[ig", "nore")];
    for (path, text) in tree::rust_files() {
        for word in words.map(|(one, two)| format!("{one}{two}")) {
            assert!(!text.contains(&word), "{}: {word}", path.display());
        }
    }
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let folders = [("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/")].map(|(one, two)| format!("{one}{two}"));
    for path in tree::files() {
        // Fixtures may hold bytes that are no text.
        let bytes = std::fs::read(tree::root().join(&path)).expect("a file is readable");
        let text = String::from_utf8_lossy(&bytes);
        for folder in &folders {
            assert!(!text.contains(folder.as_str()), "{}: {folder}", path.display());
        }
    }
}

#[test]
fn titles_of_requirements_are_short_and_our_own() {
    for framework in shipped_frameworks() {
        for requirement in &framework.requirements {
            let chars = requirement.title.chars().count();
            assert!(chars <= TITLE_CHARS, "{} {}: {chars} characters", framework.key.as_str(), requirement.id);
        }
    }
}

#[test]
fn every_control_has_a_fixture_for_every_status() {
    for control in shipped_controls() {
        let id = control.id.as_str();
        let expected: Vec<Status> = control.tests.iter().flat_map(|test| test.expect.values().copied()).collect();
        for status in [Status::Pass, Status::Fail, Status::NotApplicable, Status::NotEvaluated] {
            let impossible = NO_FIXTURE.iter().any(|(control, without, _)| *control == id && *without == status);
            assert_ne!(expected.contains(&status), impossible, "{id}: a fixture that expects {status:?}");
        }
    }
}

fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.iter().any(|part| part == "tests")
}

/// The line at which tests inside the file begin.
fn inline_tests_at(text: &str) -> Option<usize> {
    let lines: Vec<&str> = text.lines().collect();
    lines.windows(2).position(|pair| pair == ["#[cfg(test)]", "mod tests {"])
}
