//! What ships checks, is complete, and agrees with its folders.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use schemas::{
    SourceFile, Status, parse_control, parse_framework, shipped_control_files, shipped_controls,
    shipped_framework_files, shipped_frameworks, shipped_report_files,
};

fn crate_dir() -> PathBuf {
    // Read when it runs: a build folder may be shared by clones, and cargo does not rebuild for another path.
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
}

/// Files under a folder of the crate with an ending, relative to the crate, sorted.
fn files_below(folder: &str, ending: &str) -> Vec<String> {
    fn walk(at: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&crate_dir().join(folder), &mut found);
    let mut names: Vec<String> = found
        .iter()
        .map(|path| path.strip_prefix(crate_dir()).expect("below").to_string_lossy().replace('\\', "/"))
        .filter(|name| name.ends_with(ending))
        .collect();
    names.sort();
    names
}

fn paths(files: &[SourceFile]) -> Vec<&str> {
    files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn the_lists_in_shipped_rs_are_the_folders() {
    assert_eq!(paths(&shipped_control_files()), files_below("controls", ".yaml"));
    assert_eq!(paths(&shipped_framework_files()), files_below("frameworks", ".yaml"));
    assert_eq!(paths(&shipped_report_files()), files_below("reports", ".yaml"));
}

#[test]
fn every_shipped_file_checks() {
    let mut errors = Vec::new();
    for file in shipped_framework_files() {
        errors.extend(parse_framework(&file).err().unwrap_or_default());
    }
    for file in shipped_control_files() {
        errors.extend(parse_control(&file).err().unwrap_or_default());
    }
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{}", lines.join("\n"));
    assert_eq!(shipped_controls().len(), shipped_control_files().len());
    assert_eq!(shipped_frameworks().len(), 8);
}

#[test]
fn a_shipped_control_lies_where_its_id_says_and_is_the_only_one() {
    let mut ids = BTreeSet::new();
    for file in shipped_control_files() {
        let control = parse_control(&file).expect("checks");
        let family = control.id.family().to_lowercase();
        assert_eq!(file.path, format!("controls/{family}/{}.yaml", control.id));
        assert!(control.id.as_str().starts_with("AL-"), "{}", control.id);
        assert!(ids.insert(control.id.clone()), "{} ships twice", control.id);
    }
}

#[test]
fn a_shipped_framework_is_called_as_its_file() {
    for file in shipped_framework_files() {
        let framework = parse_framework(&file).expect("checks");
        assert_eq!(file.path, format!("frameworks/{}.yaml", framework.key));
    }
}

#[test]
fn every_shipped_control_is_proved_by_fixtures_that_exist() {
    for file in shipped_control_files() {
        let control = parse_control(&file).expect("checks");
        let folder = crate_dir().join(&file.path);
        let folder = folder.parent().expect("a folder");
        let mut seen = BTreeSet::new();
        assert!(!control.tests.is_empty(), "{} has no test", control.id);
        for test in &control.tests {
            assert!(folder.join(&test.given).is_file(), "{}: {} is not there", control.id, test.given);
            seen.extend(test.expect.values().map(|status| status.as_str()));
        }
        assert!(seen.contains(Status::Fail.as_str()), "{} is never seen to fail", control.id);
    }
}

#[test]
fn no_shipped_control_speaks_to_what_is_never_looked_at() {
    for control in shipped_controls() {
        for framework in shipped_frameworks() {
            for id in control.frameworks.get(&framework.key).into_iter().flatten() {
                let never = framework.requirement(id).and_then(|requirement| requirement.never.as_deref());
                assert_eq!(never, None, "{} speaks to {} {id}", control.id, framework.key);
            }
        }
    }
}
