//! Tiles and entry bundles of C2SP `tlog-tiles`: 256 hashes of one level, or 256 entries, under a name that follows from
//! level and number.

use std::fmt;

use super::tree::Hash;

/// Hashes of a full tile, and entries of a full bundle.
pub const TILE_WIDTH: u64 = 256;
/// Levels of the tree between two levels of tiles.
const TILE_HEIGHT: u32 = 8;
/// An entry's length is written in two bytes.
const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TileKind {
    /// Hashes of level `8 * n` of the tree.
    Hashes(u32),
    /// The entries themselves.
    Entries,
}

/// One tile: full, or as far as the tree of a checkpoint fills it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// What it holds.
    pub kind: TileKind,
    /// Number among the tiles of its kind.
    pub index: u64,
    /// How many hashes or entries: 1 to [`TILE_WIDTH`].
    pub width: u64,
}

impl Tile {
    /// Whether no more will be in it.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The level of the tree whose nodes it holds.
    pub fn level(&self) -> u32 {
        match self.kind {
            TileKind::Hashes(level) => level * TILE_HEIGHT,
            TileKind::Entries => 0,
        }
    }

    /// Reads a name below the log's prefix, for example `tile/0/x001/067.p/12`.
    pub fn parse(name: &str) -> Option<Self> {
        let (kind, rest) = name.strip_prefix("tile/")?.split_once('/')?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(level.parse().ok().filter(|level| *level < 8)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok()?),
            None => (rest, TILE_WIDTH),
        };
        if width == 0 {
            return None;
        }
        let digits: String = number.split('/').map(|group| group.strip_prefix('x').unwrap_or(group)).collect();
        let tile = Self { kind, index: digits.parse().ok()?, width };
        // One name each: leading zeros, signs and groups of other lengths name nothing.
        (tile.to_string() == name).then_some(tile)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (at, group) in groups.iter().enumerate().rev() {
            if at > 0 {
                write!(f, "x{group:03}/")?;
            } else {
                write!(f, "{group:03}")?;
            }
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// The tiles that a tree of `new` leaves has and the one of `old` has not, in the order in which they are to be written.
pub fn new_tiles(old: u64, new: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let mut kinds = vec![TileKind::Entries];
    kinds.extend((0..8).map(TileKind::Hashes));
    for kind in kinds {
        let level = Tile { kind, index: 0, width: 1 }.level();
        let (before, after) = (old >> level, new >> level);
        for index in before / TILE_WIDTH..after.div_ceil(TILE_WIDTH) {
            let width = (after - index * TILE_WIDTH).min(TILE_WIDTH);
            let was = before.saturating_sub(index * TILE_WIDTH).min(TILE_WIDTH);
            if width > was {
                tiles.push(Tile { kind, index, width });
            }
        }
    }
    tiles
}

/// Hashes as the bytes of a tile.
pub fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// The hashes of a tile of this width; none when its bytes are not so many.
pub fn tile_hashes(bytes: &[u8], width: u64) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && hashes.len() as u64 == width).then(|| hashes.to_vec())
}

/// Entries as a bundle: each behind its length in two bytes, big-endian.
///
/// # Panics
/// Never for entries that [`Entry::to_bytes`](super::entry::Entry::to_bytes) made.
pub fn bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        assert!(entry.len() <= ENTRY_BYTES_MAX, "an entry of the log is longer than its length can say");
        bytes.extend((entry.len() as u16).to_be_bytes());
        bytes.extend(entry);
    }
    bytes
}

/// The entries of a bundle; none when its bytes end within one.
pub fn unbundle(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        entries.push(entry);
        bytes = rest;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_specification() {
        let check = |kind, index, width, name: &str| {
            let tile = Tile { kind, index, width };
            assert_eq!(tile.to_string(), name);
            assert_eq!(Tile::parse(name), Some(tile));
        };
        check(TileKind::Hashes(0), 1_234_067, 256, "tile/0/x001/x234/067");
        check(TileKind::Hashes(2), 0, 17, "tile/2/000.p/17");
        check(TileKind::Entries, 273, 12, "tile/entries/273.p/12");
        for name in ["tile/0/67", "tile/0/x000/067", "tile/9/000", "tile/0/000.p/256", "tile/0/000.p/0", "tile/0/", "x"]
        {
            assert_eq!(Tile::parse(name), None, "{name}");
        }
    }

    /// The specification's example: what a log of 70,000 entries has.
    #[test]
    fn a_tree_has_the_tiles_of_its_size() {
        let tiles = new_tiles(0, 70_000);
        let names: Vec<String> =
            tiles.iter().filter(|tile| tile.kind != TileKind::Entries).map(Tile::to_string).collect();
        assert_eq!(names.len(), (273 + 1) + (1 + 1) + 1);
        for name in ["tile/0/000", "tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
        {
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
        }
    }

    #[test]
    fn a_tree_that_grew_adds_what_it_lacked() {
        for (old, new) in [(0, 1), (1, 2), (255, 256), (256, 257), (250, 600), (65_535, 65_537), (9, 9)] {
            let all = |size| new_tiles(0, size).into_iter().collect::<std::collections::BTreeSet<_>>();
            let before = all(old);
            let added: std::collections::BTreeSet<_> = new_tiles(old, new).into_iter().collect();
            let expected: std::collections::BTreeSet<_> = all(new).difference(&before).copied().collect();
            assert_eq!(added, expected, "{old} to {new}");
        }
    }

    #[test]
    fn a_bundle_comes_back_and_a_cut_one_does_not() {
        let entries: [&[u8]; 3] = [b"one", b"", b"three"];
        let bytes = bundle(entries);
        assert_eq!(unbundle(&bytes), Some(entries.to_vec()));
        assert_eq!(unbundle(&bytes[..bytes.len() - 1]), None);
        assert_eq!(unbundle(&bytes[..1]), None);
        assert_eq!(tile_hashes(&[0; 64], 2).map(|hashes| hashes.len()), Some(2));
        assert_eq!(tile_hashes(&[0; 64], 3), None);
        assert_eq!(tile_hashes(&[0; 65], 2), None);
    }
}
