//! Which nodes are datasets, so that the dataset of a column is found without a search.

use std::ops::Range;

/// Which nodes are datasets: one bit per node, and the datasets counted every 64 nodes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heads {
    starts: Vec<u32>,
    /// One bit per node.
    bits: Vec<u64>,
    /// How many datasets come before each word of bits.
    before: Vec<u32>,
    nodes: u32,
}

impl Heads {
    pub(crate) fn new(is_head: &[bool]) -> Self {
        let mut heads = Self { nodes: is_head.len() as u32, ..Self::default() };
        for (word, nodes) in is_head.chunks(64).enumerate() {
            heads.before.push(heads.starts.len() as u32);
            let mut bits = 0;
            for (bit, _) in nodes.iter().enumerate().filter(|(_, is_head)| **is_head) {
                bits |= 1 << bit;
                heads.starts.push((word * 64 + bit) as u32);
            }
            heads.bits.push(bits);
        }
        heads
    }

    pub(crate) fn starts(&self) -> &[u32] {
        &self.starts
    }

    pub(crate) fn is_head(&self, node: u32) -> bool {
        self.bits[node as usize / 64] >> (node % 64) & 1 == 1
    }

    pub(crate) fn head_of(&self, node: u32) -> u32 {
        self.starts[self.rank(node) - 1]
    }

    /// The nodes between a dataset and the next one.
    pub(crate) fn columns(&self, head: u32) -> Range<u32> {
        let end = self.starts.get(self.rank(head)).copied().unwrap_or(self.nodes);
        head + 1..end
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.bits) + size_of_val(&*self.before)
    }

    /// How many datasets there are up to a node, itself among them.
    fn rank(&self, node: u32) -> usize {
        let word = node as usize / 64;
        let up_to = u64::MAX >> (63 - node % 64);
        self.before[word] as usize + (self.bits[word] & up_to).count_ones() as usize
    }
}
