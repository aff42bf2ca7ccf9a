//! The lock of a folder: held while one of its objects is removed, or put in the place of another one.
//!
//! It is an OS lock on a sidecar, which dies with its process, and binds only writers that go through auditlake.
//! Creating does not need it: a name that is free is taken in one step, and whoever frees one holds the lock.
//! Absent: locks of single objects.

use std::fs::{self, File, FileTimes, Metadata};
use std::io::{self, Write};
use std::path::{Path as FsPath, PathBuf};
use std::time::{Duration, SystemTime};

/// The sidecar. It is there while it is held, or after a crash, and in no listing.
pub(crate) const LOCK_NAME: &str = ".auditlake.lock";

/// What is added to a file's time until the file system, which may keep only whole seconds, shows a later one.
const STEPS: [Duration; 4] =
    [Duration::from_micros(1), Duration::from_millis(1), Duration::from_secs(1), Duration::from_secs(2)];

/// Times that the clock of the file system is looked at for its next tick, which is a few milliseconds away.
const LOOKS_FOR_TICK: usize = 100_000;

/// One folder, in which nobody else removes or replaces an object.
#[derive(Debug)]
pub(super) struct FolderLock {
    path: PathBuf,
    file: File,
}

impl FolderLock {
    /// Waits for the lock of the folder of `target`. This blocks the thread.
    ///
    /// # Errors
    /// When the folder is missing or read-only, or its file system has no locks.
    pub(super) fn hold(target: &FsPath) -> io::Result<Self> {
        let path = target.with_file_name(LOCK_NAME);
        loop {
            let file = File::options().append(true).create(true).open(&path)?;
            match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                locked => locked?,
            }
            // Whoever held it has removed the sidecar, and somebody else may hold its successor.
            if is_at(&file, &path)? {
                return Ok(Self { path, file });
            }
        }
    }

    /// Makes sure that a file created after `gone` was removed does not have its ETag: a file system may give out
    /// the same inode again, and its clock stands still for a few milliseconds.
    pub(super) fn outlast(&self, gone: &Metadata) -> io::Result<()> {
        let born = micros(gone)?;
        for _ in 0..LOOKS_FOR_TICK {
            (&self.file).write_all(b".")?;
            // A time that lies ahead of the clock was set by hand; no clock will come by it soon.
            let ticked = micros(&self.file.metadata()?)?;
            if ticked > born || born - ticked > Duration::from_secs(1).as_micros() {
                break;
            }
            std::thread::yield_now();
        }
        Ok(())
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Before the lock is given up, so that nobody takes it on a sidecar that is about to go.
        drop(fs::remove_file(&self.path));
    }
}

/// Whether `file`, which is open, is the one that `path` leads to.
pub(super) fn is_at(file: &File, path: &FsPath) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(there) => Ok(inode(&there) == inode(&file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes `file` younger than `old`, so that along the life of a name no ETag comes twice.
///
/// # Errors
/// When the file system does not keep the time.
pub(super) fn age(file: &File, old: &Metadata) -> io::Result<()> {
    let before = micros(old)?;
    if micros(&file.metadata()?)? > before {
        return Ok(());
    }
    for step in STEPS {
        file.set_times(FileTimes::new().set_modified(old.modified()? + step))?;
        if micros(&file.metadata()?)? > before {
            return file.sync_all();
        }
    }
    Err(io::Error::other("the file system does not keep the time at which a file was written"))
}

/// The ETag of `object_store`'s local store, from which ours must not differ.
pub(super) fn etag(meta: &Metadata) -> String {
    let modified = micros(meta).unwrap_or_default();
    format!("{:x}-{modified:x}-{:x}", inode(meta), meta.len())
}

/// Since 1970, in the unit of the ETag.
fn micros(meta: &Metadata) -> io::Result<u128> {
    Ok(meta.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros())
}

#[cfg(unix)]
fn inode(meta: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}
