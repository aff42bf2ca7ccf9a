//! How a lake keeps evidence of itself: `policies/evidence.yaml`, checked.
//!
//! Absent: keys themselves. Where they lie stands here; whoever signs or verifies reads them.

use crate::access::SecretSource;
use crate::definition::StoreUrl;

/// Who signs the log of a lake, whom its readers trust, and where its checkpoints are kept besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidencePolicy {
    /// Name of the log and of its keys: first line of every checkpoint (C2SP).
    pub origin: String,
    /// The key that signs.
    pub key: SecretSource,
    /// The key that signs beside it until it is given up.
    pub retiring: Option<SecretSource>,
    /// Files of verifier keys, one a line; paths relative to the folder of `lake.yaml`, or absolute.
    pub trust: Vec<String>,
    /// Stores that keep checkpoints, too, in the order of the file.
    pub anchors: Vec<Anchor>,
}

/// A place outside the lake that keeps its checkpoints, so that a log which was written anew is found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Its name.
    pub name: String,
    /// Where: a folder or a bucket, never the lake's own.
    pub to: StoreUrl,
    /// How long a checkpoint may wait until it is kept there.
    pub every_seconds: u64,
}
