//! Work in progress: a file beside its target, under a name that no reader lists.
//!
//! It begins with a dot, which engines leave out, and ends in `#` and digits, which `object_store` leaves out. It is
//! locked as long as its writer lives, so that leftovers of the dead can be told apart.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path as FsPath, PathBuf};

use super::lock::{FolderLock, is_at};

/// A new file for what will be `target`.
///
/// Processes of two containers may have one number, so a name is ours only when we created it.
///
/// # Errors
/// When the folder is missing, read-only or full.
pub(in crate::store) fn staged(target: &FsPath) -> io::Result<(PathBuf, File)> {
    loop {
        let (path, file) = under_free_name(target, |path| File::options().write(true).create_new(true).open(path))?;
        match file.try_lock() {
            // Somebody who clears up took it for a leftover before it was locked.
            Err(TryLockError::WouldBlock) => {}
            Ok(()) if !is_at(&file, &path)? => {}
            // Without locks nobody clears up.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok((path, file)),
        }
    }
}

/// What `make` makes under the first name beside `target` at which nothing is.
pub(super) fn under_free_name<T>(target: &FsPath, make: impl Fn(&FsPath) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    let name = target.file_name().ok_or_else(|| io::Error::other("a folder has no staged file"))?;
    let mut serial = 0_u64;
    loop {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!("#{}{serial:06}", std::process::id()));
        let path = target.with_file_name(hidden);
        match make(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => serial += 1,
            made => return made.map(|made| (path, made)),
        }
    }
}

/// Removes what dead writers left in the folder of `target`, and says how many files that were.
///
/// # Errors
/// When the folder cannot be read or written; a missing one has no leftovers.
pub(super) fn remove_leftovers(target: &FsPath) -> io::Result<u64> {
    let lock = match FolderLock::hold(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        lock => lock?,
    };
    let mut removed = 0;
    for entry in fs::read_dir(target.with_file_name(""))? {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(is_staged) {
            continue;
        }
        // One that is gone by now was finished, and one that is locked is being written.
        if let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
            && is_at(&file, &entry.path())?
        {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    drop(lock);
    Ok(removed)
}

fn is_staged(name: &str) -> bool {
    let end = name.strip_prefix('.').and_then(|name| name.rsplit_once('#')).map(|(_, end)| end);
    end.is_some_and(|end| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit()))
}
