//! A job that runs for new files instead of by the clock: a sequence of batches, each of exactly the files that no batch
//! before had.

use crate::id::DatasetId;

/// Files of a batch unless the job says otherwise.
pub(crate) const MAX_FILES_DEFAULT: u32 = 1_000;
/// Bytes of a batch unless the job says otherwise.
pub(crate) const MAX_BYTES_DEFAULT: u64 = 2 << 30;
/// How long a file must have been as it is, of writers that may write it in pieces.
pub(crate) const SETTLE_SECONDS_DEFAULT: u64 = 30;

/// Which files a job runs for, and how many at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Where files are looked for.
    pub source: StreamSource,
    /// How long a file must have been as it is before it counts; with zero it counts as soon as it is seen.
    pub settle_seconds: u64,
    /// Files of a batch at most.
    pub max_files: u32,
    /// Bytes of a batch at most; one file more than that is a batch of its own.
    pub max_bytes: u64,
    /// A batch without files is run when none was for so long; never where there is none.
    pub at_least_every_seconds: Option<u64>,
    /// How much later than others a row may come: the watermark stays so far behind the newest one.
    pub lateness_seconds: u64,
}

/// Where the files of a stream lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamSource {
    /// In the folder that the job, an ingest, reads.
    Folder(String),
    /// Those of a dataset that the job reads.
    Dataset(DatasetId),
}

impl StreamSource {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Folder(folder) => folder,
            Self::Dataset(dataset) => dataset.as_str(),
        }
    }
}
