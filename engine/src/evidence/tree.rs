//! The Merkle tree of RFC 9162, section 2.1, which is that of RFC 6962: hashes, proofs and their verification.
//!
//! A proof is a list of ranges of leaves, and each range is a few complete nodes, so that whoever holds leaves, levels or
//! tiles can make it. Absent: I/O, and any other hash than SHA-256.

use std::ops::Range;

use sha2::{Digest, Sha256};

/// SHA-256 of a leaf or a node.
pub type Hash = [u8; 32];

/// `MTH({})`: the hash of a tree without leaves.
pub fn empty_root() -> Hash {
    Sha256::digest(b"").into()
}

/// `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    Sha256::digest(bytes).into()
}

/// A node whose subtree is complete: the `index`th of those over `2^level` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId {
    /// Height above the leaves.
    pub level: u32,
    /// Number among the nodes of its level.
    pub index: u64,
}

/// The complete nodes over a range of leaves, left to right.
///
/// The range begins where a subtree of the tree begins, as those of proofs do: at a multiple of the largest power of two
/// that is smaller than its length, or at any multiple of a larger one.
pub fn complete_nodes(leaves: Range<u64>) -> Vec<NodeId> {
    let mut nodes = Vec::new();
    let mut at = leaves.start;
    while at < leaves.end {
        let longest = (leaves.end - at).ilog2();
        let level = longest.min(at.trailing_zeros());
        nodes.push(NodeId { level, index: at >> level });
        at += 1 << level;
    }
    nodes
}

/// The hash of the subtree over a range, from the hashes of its [`complete_nodes`]; that of no leaves for none.
pub fn range_hash(nodes: &[Hash]) -> Hash {
    let Some((last, before)) = nodes.split_last() else { return empty_root() };
    before.iter().rev().fold(*last, |right, left| node_hash(left, &right))
}

/// Ranges whose hashes are the inclusion proof of leaf `index` in the tree of `size` leaves (RFC 9162, 2.1.3.1).
pub fn inclusion_ranges(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let (mut low, mut high) = (0, size);
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            ranges.push(middle..high);
            high = middle;
        } else {
            ranges.push(low..middle);
            low = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// Ranges whose hashes are the consistency proof between the trees of `old` and `new` leaves (RFC 9162, 2.1.4.1).
pub fn consistency_ranges(old: u64, new: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    if old == 0 || old == new {
        return ranges;
    }
    let (mut low, mut high) = (0, new);
    // Whether the subtree over `low..` is one of the old tree as it stands: its hash is known then.
    let mut is_known = true;
    while old != high {
        let middle = low + split(high - low);
        if old <= middle {
            ranges.push(middle..high);
            high = middle;
        } else {
            ranges.push(low..middle);
            low = middle;
            is_known = false;
        }
    }
    if !is_known {
        ranges.push(low..high);
    }
    ranges.reverse();
    ranges
}

/// The largest power of two smaller than `leaves`, which are two or more.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// Whether `path` proves that the leaf of this hash is the `index`th of the tree (RFC 9162, 2.1.3.2).
pub fn is_included(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `path` proves that the tree of `new` leaves begins with the one of `old` (RFC 9162, 2.1.4.2).
pub fn is_consistent(old: u64, old_root: &Hash, new: u64, new_root: &Hash, path: &[Hash]) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return path.is_empty() && *old_root == empty_root();
    }
    // A complete old tree is a node of the new one, and its hash need not be told.
    let mut rest = path.iter();
    let first = if old.is_power_of_two() { Some(old_root) } else { rest.next() };
    let Some(first) = first else { return false };
    let shift = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let (mut of_old, mut of_new) = (*first, *first);
    for hash in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            of_old = node_hash(hash, &of_old);
            of_new = node_hash(hash, &of_new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            of_new = node_hash(&of_new, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && of_old == *old_root && of_new == *new_root
}

/// A tree whose complete nodes are all at hand, for whoever asks many things of it.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// `levels[k][i]` is the `i`th complete node over `2^k` leaves.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree over these leaves.
    pub fn of(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while levels.last().is_some_and(|level| level.len() > 1) {
            let below = levels.last().map(Vec::as_slice).unwrap_or_default();
            levels.push(below.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect());
        }
        Self { levels }
    }

    /// Adds a leaf on the right.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(hash);
            let [.., left, right] = nodes.as_slice() else { break };
            if nodes.len() % 2 == 1 {
                break;
            }
            hash = node_hash(left, right);
        }
    }

    /// Its leaves.
    pub fn size(&self) -> u64 {
        self.leaves().len() as u64
    }

    /// The hashes of its leaves.
    pub fn leaves(&self) -> &[Hash] {
        self.levels.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// The complete nodes of a level, left to right.
    pub fn level(&self, level: u32) -> &[Hash] {
        self.levels.get(level as usize).map(Vec::as_slice).unwrap_or_default()
    }

    /// The hash of the tree of the first `size` leaves; none when there are fewer.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        (size <= self.size()).then(|| self.hash_of(0..size))
    }

    /// The proof that leaf `index` is in the tree of the first `size` leaves; none when it is not.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        let is_there = index < size && size <= self.size();
        is_there.then(|| inclusion_ranges(index, size).into_iter().map(|range| self.hash_of(range)).collect())
    }

    /// The proof that the tree of the first `new` leaves begins with the one of the first `old`; none when it cannot.
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        let is_there = old <= new && new <= self.size();
        is_there.then(|| consistency_ranges(old, new).into_iter().map(|range| self.hash_of(range)).collect())
    }

    fn hash_of(&self, leaves: Range<u64>) -> Hash {
        let node = |id: NodeId| self.levels[id.level as usize][id.index as usize];
        range_hash(&complete_nodes(leaves).into_iter().map(node).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests;
