//! The parts of an export in one ZIP archive (PKWARE APPNOTE 6.3.10), written from front to back without seeking.
//!
//! Entries stand in the order in which they come: parts, what belongs to them, the manifest, `SHA256SUMS`. Dates are
//! those of the format's beginning, so that the same entries give the same bytes. Absent: passwords, folders.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::hex;
use sha2::{Digest, Sha256};
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};
use zip::{CompressionMethod, DateTime};

use crate::format::ExportOptions;
use crate::pack::{Hashed, PartOut};
use crate::parts::{Part, PartSink};

/// The entry with the hash of every other.
const SUMS: &str = "SHA256SUMS";

/// An archive under way.
pub struct Bundle {
    shared: Arc<Mutex<Archive>>,
    method: CompressionMethod,
    /// Hash and name of each entry.
    sums: Vec<(String, String)>,
}

/// An archive that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundled {
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of them, in hex.
    pub sha256: String,
}

/// What the thread of a part and its owner share.
struct Archive {
    zip: ZipWriter<StreamWriter<Gate>>,
    is_given_up: Arc<AtomicBool>,
    /// An entry was begun and is not whole.
    is_open: bool,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle").field("sums", &self.sums).finish_non_exhaustive()
    }
}

impl Bundle {
    /// Begins an archive of parts that are written with these options.
    pub fn start(out: Box<dyn PartOut>, options: &ExportOptions) -> Self {
        let is_given_up = Arc::new(AtomicBool::new(false));
        let gate = Gate { out: Hashed::new(out), is_given_up: Arc::clone(&is_given_up) };
        let zip = ZipWriter::new_stream(gate);
        // What is compressed already only grows.
        let is_plain = options.format.is_text() && options.compression.is_none();
        let method = if is_plain { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        Self { shared: Arc::new(Mutex::new(Archive { zip, is_given_up, is_open: false })), method, sums: Vec::new() }
    }

    /// Adds a small file.
    ///
    /// # Errors
    /// When the output refuses bytes.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut archive = locked(&self.shared);
        archive.begin(name, CompressionMethod::Deflated)?;
        archive.zip.write_all(bytes)?;
        archive.is_open = false;
        drop(archive);
        self.sums.push((hex(&Sha256::digest(bytes)), name.to_owned()));
        Ok(())
    }

    /// Writes `SHA256SUMS` and the directory, and completes the archive.
    ///
    /// # Errors
    /// When the output refuses bytes, or a part is not whole.
    pub fn finish(mut self) -> io::Result<Bundled> {
        let lines = self.sums.iter().map(|(sha256, name)| format!("{sha256}  {name}\n"));
        let text: String = lines.collect();
        self.add(SUMS, text.as_bytes())?;
        let archive = Arc::try_unwrap(self.shared).map_err(|_| io::Error::other("a part is still being written"))?;
        let archive = archive.into_inner().unwrap_or_else(PoisonError::into_inner);
        let stored = archive.zip.finish().map_err(io::Error::other)?.into_inner();
        let (bytes, sha256) = stored.out.complete()?;
        Ok(Bundled { bytes, sha256: hex(&sha256) })
    }
}

impl Archive {
    fn begin(&mut self, name: &str, method: CompressionMethod) -> io::Result<()> {
        if self.is_open {
            return Err(io::Error::other("the part before is not whole"));
        }
        let options = SimpleFileOptions::DEFAULT
            .compression_method(method)
            .last_modified_time(DateTime::DEFAULT)
            .unix_permissions(0o644)
            // Its size is known only behind it.
            .large_file(true);
        self.zip.start_file(name, options).map_err(io::Error::other)?;
        self.is_open = true;
        Ok(())
    }
}

impl PartSink for Bundle {
    fn begin(&mut self, name: &str) -> io::Result<Box<dyn PartOut>> {
        locked(&self.shared).begin(name, self.method)?;
        Ok(Box::new(Entry { shared: Arc::clone(&self.shared), is_whole: false }))
    }

    fn ended(&mut self, part: &Part) -> io::Result<()> {
        self.sums.push((part.sha256.clone(), part.name.clone()));
        Ok(())
    }
}

/// Lets nothing more through once a part was given up: a writer of archives that is dropped writes the directory all the
/// same, and an archive without its last rows would open as if it were whole.
struct Gate {
    out: Hashed,
    is_given_up: Arc<AtomicBool>,
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_given_up.load(Ordering::Acquire) { Ok(bytes.len()) } else { self.out.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A part inside.
struct Entry {
    shared: Arc<Mutex<Archive>>,
    is_whole: bool,
}

impl Write for Entry {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        locked(&self.shared).zip.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PartOut for Entry {
    fn complete(mut self: Box<Self>) -> io::Result<()> {
        locked(&self.shared).is_open = false;
        self.is_whole = true;
        Ok(())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.is_whole {
            locked(&self.shared).is_given_up.store(true, Ordering::Release);
        }
    }
}

/// A thread that panicked has not marked its entry as whole.
fn locked(shared: &Mutex<Archive>) -> MutexGuard<'_, Archive> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Compression, Format};
    use crate::parts::kept::Kept;

    /// The archive with two parts of these bytes.
    fn bundle(options: &ExportOptions) -> Vec<u8> {
        let kept = Kept::default();
        let mut bundle = Bundle::start(kept.out(), options);
        for (name, text) in [("part-00001.csv", "a\r\n1\r\n"), ("part-00002.csv", "a\r\n2\r\n")] {
            let mut entry = bundle.begin(name).expect("begins");
            entry.write_all(text.as_bytes()).expect("writes");
            entry.complete().expect("completes");
            let sha256 = hex(&Sha256::digest(text));
            let part = Part { name: name.to_owned(), sha256, ..Part::default() };
            bundle.ended(&part).expect("is noted");
        }
        bundle.add("manifest.json", b"{}").expect("adds");
        let bundled = bundle.finish().expect("completes");
        let bytes = kept.completed().expect("is complete");
        assert_eq!((bundled.bytes, bundled.sha256), (bytes.len() as u64, hex(&Sha256::digest(&bytes))));
        bytes
    }

    #[test]
    fn an_archive_reads_back_and_is_the_same_every_time() {
        let options = ExportOptions::new(Format::Csv);
        let bytes = bundle(&options);
        assert_eq!(bundle(&options), bytes);
        let mut archive = zip::ZipArchive::new(io::Cursor::new(bytes)).expect("opens");
        let names: Vec<String> = archive.file_names().map(|name| name.expect("is a name").into_owned()).collect();
        assert_eq!(names, ["part-00001.csv", "part-00002.csv", "manifest.json", SUMS]);
        let text = io::read_to_string(archive.by_name("part-00002.csv").expect("is there")).expect("reads");
        assert_eq!(text, "a\r\n2\r\n");
        let sums = io::read_to_string(archive.by_name(SUMS).expect("is there")).expect("reads");
        assert_eq!(sums.lines().count(), 3);
        assert!(sums.contains(&format!("{}  part-00001.csv\n", hex(&Sha256::digest("a\r\n1\r\n")))));
    }

    #[test]
    fn what_is_compressed_already_is_stored() {
        let mut options = ExportOptions::new(Format::Csv);
        let stored = |bytes: Vec<u8>| {
            let mut archive = zip::ZipArchive::new(io::Cursor::new(bytes)).expect("opens");
            archive.by_index(0).expect("is there").compression() == CompressionMethod::Stored
        };
        assert!(!stored(bundle(&options)));
        options.compression = Some(Compression::Gzip);
        assert!(stored(bundle(&options)));
    }

    #[test]
    fn an_archive_with_a_part_that_was_given_up_is_never_complete() {
        let kept = Kept::default();
        let mut bundle = Bundle::start(kept.out(), &ExportOptions::new(Format::Csv));
        let mut entry = bundle.begin("part-00001.csv").expect("begins");
        entry.write_all(b"a").expect("writes");
        drop(entry);
        assert!(bundle.finish().is_err());
        assert_eq!(kept.completed(), None);
    }
}
