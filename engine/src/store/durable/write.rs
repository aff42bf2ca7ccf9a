//! What is done to files: blocking, each in one piece, so that a caller who stops waiting leaves nothing half done.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::Path as FsPath;

use object_store::{Error, PutPayload, PutResult, Result};

use super::lock::{FolderLock, age, etag};
use super::staged::{staged, under_free_name};

/// What became of a file that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// It is gone.
    Removed,
    /// It is not the one that was meant, and stays.
    Changed,
    /// There was none.
    Absent,
}

pub(super) fn generic(source: io::Error) -> Error {
    Error::Generic { store: "local", source: Box::new(source) }
}

/// A new file under a name that is free.
pub(super) fn create(target: &FsPath, payload: &PutPayload) -> Result<PutResult> {
    make_folder(target)?;
    let (staging, file) = staged(target).map_err(generic)?;
    let placed = write_synced(&file, payload).and_then(|()| fs::hard_link(&staging, target));
    // What stays behind on failure is only a name that no listing shows.
    drop(fs::remove_file(&staging));
    placed.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::AlreadyExists { path: target.display().to_string(), source: Box::new(source) }
        }
        _ => generic(source),
    })?;
    sync_folder(target).map_err(generic)?;
    put_result(&file)
}

/// A file in the place of whatever has the name.
pub(super) fn overwrite(target: &FsPath, payload: &PutPayload) -> Result<PutResult> {
    make_folder(target)?;
    let (staging, file) = staged(target).map_err(generic)?;
    let placed = write_synced(&file, payload).and_then(|()| place(&staging, &file, target));
    if placed.is_err() {
        drop(fs::remove_file(&staging));
    }
    placed.map_err(generic)?;
    put_result(&file)
}

/// A file in the place of the one whose ETag is `expected`, and of no other.
///
/// # Errors
/// `Precondition` when there is another one or none.
pub(super) fn update(target: &FsPath, payload: &PutPayload, expected: &str) -> Result<PutResult> {
    // Before anything is written: what has changed already needs no file of the same size beside it.
    expect(target, expected)?;
    let (staging, file) = staged(target).map_err(generic)?;
    let placed = write_synced(&file, payload).map_err(generic).and_then(|()| {
        let lock = FolderLock::hold(target).map_err(generic)?;
        let old = expect(target, expected)?;
        age(&file, &old).and_then(|()| fs::rename(&staging, target)).map_err(generic)?;
        sync_folder(target).map_err(generic)?;
        drop(lock);
        Ok(())
    });
    if placed.is_err() {
        drop(fs::remove_file(&staging));
    }
    placed?;
    put_result(&file)
}

/// Puts a staged and synced file in its place.
pub(super) fn place(staging: &FsPath, file: &File, target: &FsPath) -> io::Result<()> {
    let lock = FolderLock::hold(target)?;
    if let Some(old) = metadata(target)? {
        age(file, &old)?;
    }
    fs::rename(staging, target)?;
    sync_folder(target)?;
    drop(lock);
    Ok(())
}

/// Another name for a file, in the place of whatever has it. They share their bytes, so they may share an ETag.
pub(super) fn link_over(from: &FsPath, target: &FsPath) -> Result<()> {
    make_folder(target)?;
    let linked = under_free_name(target, |staging| fs::hard_link(from, staging));
    let (staging, ()) = linked.map_err(|source| missing(from, source))?;
    let lock = FolderLock::hold(target).map_err(generic)?;
    let placed = fs::rename(&staging, target).map_err(generic);
    // Where both names led to one file already, renaming leaves both.
    drop(fs::remove_file(&staging));
    drop(lock);
    placed
}

/// Removes a file, when its ETag is `expected` or no matter which.
pub(super) fn remove(target: &FsPath, expected: Option<&str>) -> Result<Gone> {
    let lock = match FolderLock::hold(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Gone::Absent),
        lock => lock.map_err(generic)?,
    };
    let Some(there) = metadata(target).map_err(generic)? else {
        // A link that leads nowhere is no object, and yet in the way of one.
        let is_link = expected.is_none() && fs::symlink_metadata(target).is_ok_and(|found| found.is_symlink());
        return if is_link {
            fs::remove_file(target).map_err(generic).map(|()| Gone::Removed)
        } else {
            Ok(Gone::Absent)
        };
    };
    if expected.is_some_and(|expected| expected != etag(&there)) {
        return Ok(Gone::Changed);
    }
    fs::remove_file(target).and_then(|()| lock.outlast(&there)).map_err(generic)?;
    if expected.is_some() {
        sync_folder(target).map_err(generic)?;
    }
    drop(lock);
    Ok(Gone::Removed)
}

/// Gives a file another ETag and leaves its bytes; `None` when there is none.
pub(super) fn touch(target: &FsPath) -> Result<Option<String>> {
    let lock = match FolderLock::hold(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        lock => lock.map_err(generic)?,
    };
    let Some(old) = metadata(target).map_err(generic)? else { return Ok(None) };
    let file = File::open(target).map_err(generic)?;
    age(&file, &old).map_err(generic)?;
    drop(lock);
    put_result(&file).map(|touched| touched.e_tag)
}

fn expect(target: &FsPath, expected: &str) -> Result<Metadata> {
    let refused = |why: String| Error::Precondition { path: target.display().to_string(), source: why.into() };
    match metadata(target).map_err(generic)? {
        None => Err(refused(format!("there is no object, and not the one with ETag {expected}"))),
        Some(there) if etag(&there) == expected => Ok(there),
        Some(there) => Err(refused(format!("its ETag is {} and not {expected}", etag(&there)))),
    }
}

/// Of the file that `target` leads to, as a reader would find it.
fn metadata(target: &FsPath) -> io::Result<Option<Metadata>> {
    match fs::metadata(target) {
        Ok(there) if there.is_dir() => Ok(None),
        Ok(there) => Ok(Some(there)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn missing(path: &FsPath, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::NotFound => Error::NotFound { path: path.display().to_string(), source: Box::new(source) },
        _ => generic(source),
    }
}

pub(super) fn make_folder(target: &FsPath) -> Result<()> {
    target.parent().map_or(Ok(()), fs::create_dir_all).map_err(generic)
}

pub(super) fn write_synced(mut file: &File, payload: &PutPayload) -> io::Result<()> {
    for chunk in payload.iter() {
        file.write_all(chunk)?;
    }
    file.sync_all()
}

fn sync_folder(target: &FsPath) -> io::Result<()> {
    match target.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Of the file itself: its name may lead to the next one by now.
pub(super) fn put_result(file: &File) -> Result<PutResult> {
    let meta = file.metadata().map_err(generic)?;
    Ok(PutResult { e_tag: Some(etag(&meta)), version: None })
}
