//! The right edge of a tree: what must be known of it to let it grow, and no more.

use super::tile::{TILE_WIDTH, Tile, TileKind, tile_bytes};
use super::tree::{Hash, NodeId, Tree, complete_nodes, empty_root, range_hash};

/// A tile with its bytes.
pub type WrittenTile = (Tile, Vec<u8>);

/// The last tile of each level that is not full.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    size: u64,
    /// `levels[k]` holds fewer than 256 nodes of level `8 * k`.
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The tiles of hashes that hold the edge of a tree of this size.
    pub fn tiles(size: u64) -> Vec<Tile> {
        let mut tiles = Vec::new();
        for level in 0..8 {
            let nodes = size >> (8 * level);
            let tile = Tile { kind: TileKind::Hashes(level), index: nodes / TILE_WIDTH, width: nodes % TILE_WIDTH };
            if nodes == 0 {
                break;
            }
            tiles.push(tile);
        }
        tiles
    }

    /// The edge of a tree of this size, from the hashes of its [`Self::tiles`]; a tile of width 0 has none.
    pub fn of(size: u64, levels: Vec<Vec<Hash>>) -> Self {
        Self { size, levels }
    }

    /// Leaves of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf on the right, and gives the tiles that are full with it.
    pub fn push(&mut self, leaf: Hash) -> Vec<WrittenTile> {
        let mut full = Vec::new();
        let mut hash = leaf;
        self.size += 1;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(hash);
            if (nodes.len() as u64) < TILE_WIDTH {
                break;
            }
            let nodes = std::mem::take(nodes);
            let index = (self.size >> (8 * (level + 1))) - 1;
            full.push((Tile { kind: TileKind::Hashes(level as u32), index, width: TILE_WIDTH }, tile_bytes(&nodes)));
            hash = Tree::of(nodes).root_at(TILE_WIDTH).unwrap_or_else(empty_root);
        }
        full
    }

    /// The tiles that hold the edge, of the levels at which the tree of `before` leaves had another.
    pub fn partial_tiles(&self, before: u64) -> Vec<WrittenTile> {
        let tiles = Self::tiles(self.size).into_iter().zip(&self.levels);
        let changed = tiles.filter(|(tile, nodes)| {
            let was = before >> tile.level();
            !nodes.is_empty() && (was / TILE_WIDTH, was % TILE_WIDTH) != (tile.index, tile.width)
        });
        changed.map(|(tile, nodes)| (tile, tile_bytes(nodes))).collect()
    }

    /// The hash of the tree.
    pub fn root(&self) -> Hash {
        let mut nodes = Vec::new();
        for level in self.levels.iter().rev().filter(|level| !level.is_empty()) {
            let tree = Tree::of(level.clone());
            let node = |id: NodeId| tree.level(id.level)[id.index as usize];
            nodes.extend(complete_nodes(0..level.len() as u64).into_iter().map(node));
        }
        range_hash(&nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tile::{new_tiles, tile_hashes};
    use super::super::tree::leaf_hash;
    use super::*;

    #[test]
    fn an_edge_grows_as_the_tree_does_wherever_it_is_taken_up() {
        let leaves: Vec<Hash> = (0..70_000_u64).map(|leaf| leaf_hash(&leaf.to_be_bytes())).collect();
        let tree = Tree::of(leaves.clone());
        let mut edge = Edge::default();
        let mut full = Vec::new();
        for (size, leaf) in (1..).zip(&leaves) {
            full.extend(edge.push(*leaf));
            if size % 997 == 0 || size % 256 < 2 || size > 69_990 {
                assert_eq!(Some(edge.root()), tree.root_at(size), "of {size}");
                let held = Edge::tiles(size).into_iter().map(|tile| {
                    let first = tile.index * TILE_WIDTH;
                    tree.level(tile.level())[first as usize..(first + tile.width) as usize].to_vec()
                });
                let taken_up = Edge::of(size, held.collect());
                assert_eq!(taken_up.root(), edge.root());
                let mut tiles: Vec<Tile> = edge.partial_tiles(size - 1).iter().map(|(tile, _)| *tile).collect();
                tiles.sort_unstable();
                let added = new_tiles(size - 1, size).into_iter().filter(|tile| tile.kind != TileKind::Entries);
                let mut added: Vec<Tile> = added.filter(|tile| !tile.is_full()).collect();
                added.sort_unstable();
                assert_eq!(tiles, added, "of {size}");
            }
        }
        let wanted = new_tiles(0, 70_000).into_iter().filter(|tile| tile.kind != TileKind::Entries && tile.is_full());
        assert_eq!(full.len(), wanted.count());
        for (tile, bytes) in full {
            let first = (tile.index * TILE_WIDTH) as usize;
            let hashes = tile_hashes(&bytes, TILE_WIDTH).expect("a tile");
            assert_eq!(hashes, tree.level(tile.level())[first..first + 256], "{tile}");
        }
    }
}
