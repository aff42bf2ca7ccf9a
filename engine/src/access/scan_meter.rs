//! Bytes that scans read, counted for one principal over all its statements of an hour.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the bytes of one statement, and adds them to those of its principal's hour as they are read.
#[derive(Debug, Clone, Default)]
pub struct ScanMeter {
    of_hour: Arc<AtomicU64>,
    own: Arc<AtomicU64>,
}

impl ScanMeter {
    /// A statement that has read nothing; `of_hour` is what its principal's statements have read.
    pub fn new(of_hour: Arc<AtomicU64>) -> Self {
        Self { of_hour, own: Arc::default() }
    }

    /// What the statement has read.
    pub fn bytes(&self) -> u64 {
        self.own.load(Ordering::Relaxed)
    }

    /// Takes down what a plan of the statement has read since `before`; gives what its principal has read this hour.
    pub(crate) fn read(&self, before: &mut u64, now: u64) -> u64 {
        let more = now.saturating_sub(*before);
        *before = now.max(*before);
        self.own.fetch_add(more, Ordering::Relaxed);
        self.of_hour.fetch_add(more, Ordering::Relaxed) + more
    }
}
