//! What is looked at.

use chrono::{DateTime, NaiveDate, Utc};
use schemas::{Dataset, DatasetId, Interval};
use sha2::{Digest, Sha256};

/// What is looked at. The log itself is always checked whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// These datasets; all where none is named.
    pub(crate) datasets: Vec<DatasetId>,
    /// Files and runs of this day and later ones.
    pub(crate) from: Option<NaiveDate>,
    /// Files and runs of this day and earlier ones.
    pub(crate) to: Option<NaiveDate>,
    /// Of the files, whose SHA-256 is computed.
    pub(crate) sample: Sample,
}

/// Which files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// So many of a hundred.
    pub(crate) percent: u8,
    /// What the draw begins with.
    pub(crate) seed: u64,
}

impl Default for Sample {
    fn default() -> Self {
        Self { percent: 100, seed: 0 }
    }
}

impl Scope {
    /// Whether everything is.
    pub(crate) fn is_whole(&self) -> bool {
        self.datasets.is_empty() && self.from.is_none() && self.to.is_none() && self.sample.percent == 100
    }

    /// Whether records of runs are: they are of no dataset.
    pub(crate) fn has_runs(&self) -> bool {
        self.datasets.is_empty()
    }

    pub(crate) fn has_dataset(&self, dataset: &Dataset) -> bool {
        let refused_of = |id: &DatasetId| dataset.id.as_str().strip_suffix("_rejected") == Some(id.as_str());
        self.datasets.is_empty() || self.datasets.iter().any(|id| *id == dataset.id || refused_of(id))
    }

    /// Whether a file is, by the day of its folder; one without a day always is.
    pub(crate) fn has_path(&self, path: &str) -> bool {
        let day = path.split('/').find_map(|folder| folder.strip_prefix("date=")?.parse::<NaiveDate>().ok());
        day.is_none_or(|day| self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to))
    }

    /// Whether a run is, by its interval.
    pub(crate) fn has_interval(&self, interval: &Interval) -> bool {
        let day = |at: DateTime<Utc>| at.date_naive();
        self.from.is_none_or(|from| from <= day(interval.end)) && self.to.is_none_or(|to| day(interval.start) <= to)
    }

    /// Whether a file's bytes are read.
    pub(crate) fn draws(&self, path: &str) -> bool {
        let Sample { percent, seed } = self.sample;
        let hash = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(path).finalize();
        percent == 100 || u16::from_be_bytes([hash[0], hash[1]]) % 100 < u16::from(percent)
    }
}
