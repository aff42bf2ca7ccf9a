//! What lies behind a name in a folder, found without looking into what lies before it: a ledger of years is asked what came
//! since yesterday.

use std::io::{Error, ErrorKind};

use object_store::Result;
use object_store::local::LocalFileSystem;
use object_store::path::Path;

use super::write::generic;

/// What sorts behind an offset, in no order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Behind {
    /// Files.
    pub(super) files: Vec<Path>,
    /// Folders of which all files do.
    pub(super) folders: Vec<Path>,
    /// How many entries were passed over.
    pub(super) passed: usize,
}

/// What sorts behind `offset` below `prefix`; a folder that is not there has nothing.
///
/// # Errors
/// When a folder cannot be read, or something in it has a name that no object has.
pub(super) fn behind(store: &LocalFileSystem, prefix: &Path, offset: &Path) -> Result<Behind> {
    let mut found = Behind::default();
    let mut border = Some(prefix.clone());
    while let Some(folder) = border.take() {
        let Some(rest) = offset.as_ref().strip_prefix(folder.as_ref()).and_then(|rest| rest.strip_prefix('/')) else {
            // All names below begin alike, so all of them stand on one side.
            if format!("{folder}/").as_str() > offset.as_ref() {
                found.folders.push(folder);
            }
            break;
        };
        let first = rest.split('/').next().unwrap_or(rest);
        let entries = match std::fs::read_dir(store.path_to_filesystem(&folder)?) {
            Err(error) if is_absent(&error) => break,
            entries => entries.map_err(generic)?,
        };
        for entry in entries {
            let entry = entry.map_err(generic)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // The shortest name that a file below a folder can begin with is that of the folder and a slash.
            let (below, is_border) = (format!("{name}/"), *name == *first && rest.len() > first.len());
            if !is_border && below.as_str() <= rest && *name <= *rest {
                found.passed += 1;
                continue;
            }
            let is_folder = match entry.file_type().map_err(generic)? {
                kind if kind.is_symlink() => entry.path().is_dir(),
                kind => kind.is_dir(),
            };
            let path = || Path::parse(format!("{folder}/{name}")).map_err(object_store::Error::from);
            match is_folder {
                true if is_border => border = Some(path()?),
                true if below.as_str() > rest => found.folders.push(path()?),
                // What the store has no path for is a file that is being written.
                false if *name > *rest => found.files.extend(Some(path()?).filter(|path| is_object(store, path))),
                _ => found.passed += 1,
            }
        }
    }
    Ok(found)
}

fn is_object(store: &LocalFileSystem, path: &Path) -> bool {
    store.path_to_filesystem(path).is_ok()
}

fn is_absent(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
