//! Which files were read: in memory by hashes, in the store by name.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray, UInt64Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use engine::{EngineError, PlannedInput, parquet_bytes, parquet_rows};
use sha2::{Digest, Sha256};

use super::records::version;

/// Half a SHA-256, which no two files have in common by chance.
type Half = [u8; 16];

fn half(parts: &[&str]) -> Half {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let whole: [u8; 32] = hash.finalize().into();
    let mut half = Half::default();
    half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    half
}

/// Files that were read, each in the versions in which it was: 32 to 64 bytes a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadFiles {
    versions: HashSet<Half>,
    paths: HashSet<Half>,
}

impl ReadFiles {
    pub(crate) fn add(&mut self, file: &PlannedInput) {
        self.add_named(&file.path, &version(file));
    }

    fn add_named(&mut self, path: &str, version: &str) {
        self.versions.insert(half(&[path, version]));
        self.paths.insert(half(&[path]));
    }

    /// Whether this very version was read.
    pub(crate) fn has(&self, file: &PlannedInput) -> bool {
        self.has_version(&file.path, &version(file))
    }

    /// Whether a path was read when it had that ETag.
    pub(crate) fn has_version(&self, path: &str, etag: &str) -> bool {
        self.versions.contains(&half(&[path, etag]))
    }

    /// Whether a path was read, in whatever version.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.paths.contains(&half(&[path]))
    }

    /// Files, by version.
    pub(crate) fn count(&self) -> usize {
        self.versions.len()
    }

    /// Takes in what [`with_more`] gave.
    ///
    /// # Errors
    /// When it is none of that.
    pub(crate) fn take_in(&mut self, path: &str, bytes: Bytes) -> Result<(), EngineError> {
        for batch in parquet_rows(path, bytes)? {
            let damaged = || EngineError::Damaged {
                path: path.to_owned(),
                what: "is not a list of files that were read".to_owned(),
            };
            let text = |at: usize| batch.columns().get(at).and_then(|column| column.as_string_opt::<i32>());
            let sizes = batch.columns().get(2).and_then(|column| column.as_primitive_opt::<UInt64Type>());
            let (paths, etags, sizes) =
                text(0).zip(text(1)).zip(sizes).map(|((a, b), c)| (a, b, c)).ok_or_else(damaged)?;
            for row in 0..batch.num_rows() {
                let (path, etag, bytes) = (paths.value(row), etags.value(row), sizes.value(row));
                self.add(&PlannedInput { path: path.to_owned(), etag: etag.to_owned(), bytes });
            }
        }
        Ok(())
    }
}

/// A list of files with more files behind, as Parquet: `path`, `etag`, `bytes`, in the order in which they were read.
///
/// # Errors
/// When the list is none.
pub(crate) fn with_more(
    path: &str,
    before: Option<(&str, Bytes)>,
    more: &[PlannedInput],
) -> Result<Bytes, EngineError> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("path", DataType::Utf8, false),
        Field::new("etag", DataType::Utf8, false),
        Field::new("bytes", DataType::UInt64, false),
    ]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(more.iter().map(|file| Some(file.path.as_str())).collect::<StringArray>()),
        Arc::new(more.iter().map(|file| Some(file.etag.as_str())).collect::<StringArray>()),
        Arc::new(more.iter().map(|file| file.bytes).collect::<UInt64Array>()),
    ];
    let bug =
        |error: arrow::error::ArrowError| EngineError::Bug { what: format!("files do not form a list ({error})") };
    let mut all = match before {
        Some((path, bytes)) => parquet_rows(path, bytes)?,
        None => Vec::new(),
    };
    all.push(RecordBatch::try_new(Arc::clone(&schema), columns).map_err(bug)?);
    parquet_bytes(path, &concat_batches(&schema, &all).map_err(bug)?)
}
