//! All combinations of levels, and what follows for others from one of them.
//!
//! A combination is a node. Its number has the levels as digits, that of the first column first, so that smaller
//! numbers have the lower level in the first column where two nodes differ.

/// The nodes that hierarchies make.
#[derive(Debug)]
pub(super) struct Lattice {
    /// How many levels each column has.
    sizes: Vec<usize>,
    /// How far apart neighbours in each column are.
    strides: Vec<usize>,
    /// How many nodes there are.
    pub(super) nodes: usize,
}

impl Lattice {
    /// None if there are more nodes than `limit`; with how many.
    pub(super) fn new(sizes: Vec<usize>, limit: usize) -> Result<Self, u128> {
        let nodes = sizes.iter().fold(1_u128, |nodes, size| nodes.saturating_mul(*size as u128));
        let Some(count) = usize::try_from(nodes).ok().filter(|nodes| *nodes <= limit) else { return Err(nodes) };
        let mut strides = vec![1; sizes.len()];
        for column in (1..sizes.len()).rev() {
            strides[column - 1] = strides[column] * sizes[column];
        }
        Ok(Self { sizes, strides, nodes: count })
    }

    /// The levels of a node.
    pub(super) fn levels(&self, node: usize) -> Vec<usize> {
        self.strides.iter().zip(&self.sizes).map(|(stride, size)| node / stride % size).collect()
    }

    /// Their sum.
    pub(super) fn height(&self, node: usize) -> usize {
        self.strides.iter().zip(&self.sizes).map(|(stride, size)| node / stride % size).sum()
    }

    /// The node of the coarsest levels.
    pub(super) fn top(&self) -> usize {
        self.nodes - 1
    }

    /// The nodes that are finer by one level of one column, in the order of columns.
    pub(super) fn below(&self, node: usize) -> impl Iterator<Item = usize> {
        let finer =
            move |(stride, size): (&usize, &usize)| (node / stride % size).checked_sub(1).map(|_| node - stride);
        self.strides.iter().zip(&self.sizes).filter_map(finer)
    }

    fn above(&self, node: usize) -> impl Iterator<Item = usize> {
        let coarser = move |(stride, size): (&usize, &usize)| (node / stride % size + 1 < *size).then(|| node + stride);
        self.strides.iter().zip(&self.sizes).filter_map(coarser)
    }

    /// Tags a node and all finer ones. Whatever has the tag has it all the way down.
    pub(super) fn tag_down(&self, node: usize, tagged: &mut [bool]) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut tagged[node], true) {
                open.extend(self.below(node));
            }
        }
    }

    /// Tags all nodes that are coarser than a node, and leaves that itself. Whatever has the tag has it all the way up.
    pub(super) fn tag_above(&self, node: usize, tagged: &mut [bool]) {
        let mut open: Vec<usize> = self.above(node).collect();
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut tagged[node], true) {
                open.extend(self.above(node));
            }
        }
    }
}
