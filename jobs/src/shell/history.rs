//! What was typed into the shell, kept for the next session in a file that only its owner can read.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file of the history; none where it is not kept. This is the one place that decides it: whoever uses the shell
/// is the operator of the lake, who may keep statements and the values in them.
pub(crate) fn path(keep: bool, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // A relative folder is to be ignored, says the XDG base directory specification.
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state")));
    state.filter(|_| keep).map(|state| state.join("auditlake/sql_history"))
}

/// Makes the file where it is absent, and sees to it that nobody else can read it.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    let mut folders = fs::DirBuilder::new();
    folders.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
    folders.create(path.parent().unwrap_or(Path::new(".")))?;
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(keep: bool, variables: &[(&str, &str)], expected: Option<&str>) {
        let of = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        assert_eq!(path(keep, of), expected.map(PathBuf::from));
    }

    #[test]
    fn the_history_lies_in_the_users_folder_for_state() {
        check(true, &[("XDG_STATE_HOME", "/state"), ("HOME", "/h")], Some("/state/auditlake/sql_history"));
        check(true, &[("XDG_STATE_HOME", "state"), ("HOME", "/h")], Some("/h/.local/state/auditlake/sql_history"));
        check(true, &[("XDG_STATE_HOME", "")], None);
        check(false, &[("XDG_STATE_HOME", "/state"), ("HOME", "/h")], None);
    }
}
