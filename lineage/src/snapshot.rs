//! A graph as files, and back: equal graphs give equal bytes, and bytes that are not what was written are an error.
//!
//! Every file is an Arrow IPC file with one batch. Nodes and both directions are one row per node, in order of the
//! nodes' numbers; `names` has what nodes share and the jobs, `attributes` what is said of edges. An edge is one
//! number: the node at its other end times 2^32, plus the row of its attribute. Absent: where files are kept, and
//! which snapshot is the last one.

mod read;
mod write;

#[cfg(test)]
mod tests;

use schemas::{hex, unhex};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::graph::{Graph, GraphError};

/// What the layout of files is called in a manifest.
const LAYOUT: u64 = 1;
/// How errors name the manifest.
const MANIFEST: &str = "manifest";

/// The files of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Names and bytes, always the same five names in the same order.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

/// What a snapshot was made from and what its files hold. The snapshot exists once this does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The first entry of the log that is in it.
    pub log_first: u64,
    /// The last one.
    pub log_last: u64,
    /// Its files.
    pub files: Vec<SnapshotFile>,
}

/// A file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Its name, without a folder.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

impl Snapshot {
    /// The files of `graph`.
    pub fn of(graph: &Graph) -> Result<Self, GraphError> {
        Ok(Self { files: write::files(graph)? })
    }

    /// The manifest of these files, made from these entries of the log.
    pub fn manifest(&self, log_first: u64, log_last: u64) -> Manifest {
        let file = |(name, bytes): &(&str, Vec<u8>)| SnapshotFile {
            name: (*name).to_owned(),
            bytes: bytes.len() as u64,
            sha256: Sha256::digest(bytes).into(),
        };
        Manifest { log_first, log_last, files: self.files.iter().map(file).collect() }
    }

    /// The graph of files with the names of [`NAMES`](Self::NAMES), in that order, if they are what `manifest` says.
    pub fn open(manifest: &Manifest, files: [Vec<u8>; 5]) -> Result<Graph, GraphError> {
        for (name, bytes) in Self::NAMES.into_iter().zip(&files) {
            manifest.verify(name, bytes)?;
        }
        read::graph(files)
    }

    /// The names of its files.
    pub const NAMES: [&'static str; 5] =
        ["nodes.arrow", "names.arrow", "forward.arrow", "backward.arrow", "attributes.arrow"];
}

impl Manifest {
    /// Whether these are the bytes of this file.
    pub fn verify(&self, name: &'static str, bytes: &[u8]) -> Result<(), GraphError> {
        let wrong = |reason: &str| Err(GraphError::Snapshot { file: name, reason: reason.to_owned() });
        match self.files.iter().find(|file| file.name == name) {
            None => wrong("its manifest does not name it"),
            Some(file) if file.bytes != bytes.len() as u64 => wrong("it is not as long as its manifest says"),
            Some(file) if file.sha256 != <[u8; 32]>::from(Sha256::digest(bytes)) => {
                wrong("its SHA-256 is not what its manifest says")
            }
            Some(_) => Ok(()),
        }
    }

    /// The manifest as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let file = |file: &SnapshotFile| json!({"name": file.name, "bytes": file.bytes, "sha256": hex(&file.sha256)});
        let files: Vec<Value> = self.files.iter().map(file).collect();
        let manifest = json!({
            "layout": LAYOUT,
            "log": {"first": self.log_first, "last": self.log_last},
            "files": files,
        });
        manifest.to_string().into_bytes()
    }

    /// The manifest that [`to_json`](Self::to_json) wrote.
    pub fn from_json(bytes: &[u8]) -> Result<Self, GraphError> {
        let wrong = |reason: String| GraphError::Snapshot { file: MANIFEST, reason };
        let value: Value = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if value["layout"] != json!(LAYOUT) {
            return Err(wrong(format!("its layout is {} and not {LAYOUT}", value["layout"])));
        }
        Self::of_value(&value).ok_or_else(|| wrong("it lacks a part".to_owned()))
    }

    fn of_value(value: &Value) -> Option<Self> {
        let file = |file: &Value| {
            Some(SnapshotFile {
                name: file["name"].as_str()?.to_owned(),
                bytes: file["bytes"].as_u64()?,
                sha256: unhex(file["sha256"].as_str()?)?.try_into().ok()?,
            })
        };
        Some(Self {
            log_first: value["log"]["first"].as_u64()?,
            log_last: value["log"]["last"].as_u64()?,
            files: value["files"].as_array()?.iter().map(file).collect::<Option<_>>()?,
        })
    }
}
