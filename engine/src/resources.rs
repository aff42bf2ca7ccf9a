//! What sessions may use of the machine.

use std::path::PathBuf;

/// How much a process may use.
#[derive(Debug, Clone)]
pub struct Resources {
    /// Memory of all queries together, bytes; sorts and joins above it go to the spill folder.
    pub memory_bytes: usize,
    /// Threads a query runs on.
    pub partitions: usize,
    /// Private folder for what does not fit into memory; the system's temporary folder when absent.
    pub spill: Option<PathBuf>,
}

impl Default for Resources {
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, partitions: 2, spill: None }
    }
}
