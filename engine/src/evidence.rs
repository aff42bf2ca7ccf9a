//! The evidence log without its store: the tree and its proofs, tiles, signed notes, checkpoints, and entries.
//!
//! ```text
//! entry       what was done, in one spelling          tree         leaves, nodes, proofs (RFC 9162)
//! tile        256 hashes or entries under one name     note         text and signatures (C2SP signed-note, RFC 8032)
//! checkpoint  origin, size and root, signed            proof        an entry with all that proves it, in one text
//! ```
//!
//! Everything here is pure. What is logged when, and where it lies, is decided in `jobs`.

mod checkpoint;
mod edge;
mod entry;
mod note;
mod proof;
mod tile;
mod tree;

pub use checkpoint::Checkpoint;
pub use edge::{Edge, WrittenTile};
pub use entry::{
    ApprovalEntry, ChainEntry, ChangeEntry, ENTRY_BYTES_MAX, Entry, EntryBody, EntryError, ExportEntry, FileEntry,
    KeyEntry, PartEntry, Place, RecordEntry, RemovalEntry, ReportEntry, RunEntry,
};
pub use note::{KeyId, Note, NoteError, NoteSignature, SignerKey, VerifierKey, is_key_name};
pub use proof::LogProof;
pub use tile::{TILE_WIDTH, Tile, TileKind, bundle, new_tiles, tile_bytes, tile_hashes, unbundle};
pub use tree::{
    Hash, NodeId, Tree, complete_nodes, consistency_ranges, empty_root, inclusion_ranges, is_consistent, is_included,
    leaf_hash, node_hash, range_hash,
};
