//! Bytes that became no record: the first of them, and the hash and length of all.

use sha2::{Digest, Sha256};

use super::{Bad, Place, RAW_BYTES_MAX, RejectKind};

/// Gathers the bytes of one bad record, however long it is.
#[derive(Debug, Default)]
pub(crate) struct Waste {
    head: Vec<u8>,
    bytes_total: u64,
    hash: Sha256,
}

impl Waste {
    /// Takes the next bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        let room = RAW_BYTES_MAX.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.bytes_total += bytes.len() as u64;
        self.hash.update(bytes);
    }

    /// The bad record that these bytes are.
    pub(crate) fn rejected(self, place: Place, kind: RejectKind, detail: String) -> Bad {
        let hash = self.hash.finalize().into();
        Bad { place, kind, detail, bytes: self.head, bytes_total: self.bytes_total, hash }
    }
}
