//! The files of this repository, as tests read them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Folders that hold what we wrote.
const OURS: &[&str] =
    &["schemas", "engine", "lineage", "exporters", "jobs", "tests", "benches", "docs", "examples", ".ci"];

/// The top folder.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // Read when it runs: a build folder may be shared by clones, and cargo does not rebuild for another path.
        let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
        here.parent().expect("the crate lies in the workspace").to_owned()
    });
    &ROOT
}

/// The text of one file.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file of ours, relative to the top folder and sorted.
pub(crate) fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root()).expect("the top folder is readable") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            files.push(path);
        }
    }
    let mut folders: Vec<PathBuf> = OURS.iter().map(|name| root().join(name)).filter(|path| path.is_dir()).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder is readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files.into_iter().map(|path| path.strip_prefix(root()).expect("below the top").to_owned()).collect()
}

/// Every Rust file of ours with its text.
pub(crate) fn rust_files() -> Vec<(PathBuf, String)> {
    let rust = files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| (path.clone(), read(&path))).collect()
}
