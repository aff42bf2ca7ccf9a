//! Objects of a log: batches of entries, checkpoints, tiles. In the lake, and in an anchor as far as one mirrors it.
//!
//! ```text
//! entries/00000000000000000812      entries from index 812 on, each behind its length: created once, the source of truth
//! checkpoints/00000000000000000815  the signed note of the tree of 815 entries
//! checkpoint                        a copy of one of the newest, where readers of other logs look for it
//! tile/…                            tiles and entry bundles, as C2SP names them
//! ```

use std::collections::BTreeMap;

use bytes::Bytes;
use engine::evidence::{Hash, NodeId, TILE_WIDTH, Tile, TileKind, Tree, tile_hashes, unbundle};
use engine::{Created, EngineError, Lakefront};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;

/// Where the log lies in a lake's store.
pub(crate) const LOG: &str = "_auditlake/evidence/_proof/log";
/// Objects that are read or written at the same time.
const AT_ONCE: usize = 32;

/// The objects of one log.
#[derive(Debug, Clone)]
pub(crate) struct LogStore {
    front: Lakefront,
    prefix: String,
}

/// Entries that were logged together.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// Index of the first.
    pub(crate) first: u64,
    /// The entries.
    pub(crate) entries: Vec<Vec<u8>>,
}

impl Batch {
    /// The index behind its last entry.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }
}

impl LogStore {
    /// The log of a lake.
    pub(crate) fn of_lake(front: Lakefront) -> Self {
        Self { front, prefix: format!("{LOG}/") }
    }

    /// A mirror in a store of its own.
    pub(crate) fn mirror(front: Lakefront) -> Self {
        Self { front, prefix: String::new() }
    }

    /// The store below.
    pub(crate) fn front(&self) -> &Lakefront {
        &self.front
    }

    pub(crate) fn entries_path(&self, first: u64) -> Path {
        Path::from(format!("{}entries/{first:020}", self.prefix))
    }

    pub(crate) fn checkpoint_path(&self, size: u64) -> Path {
        Path::from(format!("{}checkpoints/{size:020}", self.prefix))
    }

    pub(crate) fn newest_path(&self) -> Path {
        Path::from(format!("{}checkpoint", self.prefix))
    }

    pub(crate) fn tile_path(&self, tile: Tile) -> Path {
        Path::from(format!("{}{tile}", self.prefix))
    }

    /// The folder of everything.
    pub(crate) fn folder(&self) -> Path {
        Path::from(self.prefix.trim_end_matches('/'))
    }

    /// Numbers that name objects of a folder, from `from` on, in order.
    async fn numbers(&self, folder: &str, from: u64) -> Result<Vec<u64>, EngineError> {
        let folder = Path::from(format!("{}{folder}", self.prefix));
        let failed = |source| EngineError::store(&folder, "list it", source);
        let listed = match from.checked_sub(1) {
            None => self.front.store().list(Some(&folder)),
            Some(before) => {
                self.front.store().list_with_offset(Some(&folder), &Path::from(format!("{folder}/{before:020}")))
            }
        };
        let names: Vec<Path> = listed.map_ok(|meta| meta.location).try_collect().await.map_err(failed)?;
        let number = |path: &Path| path.filename()?.parse().ok();
        let mut numbers: Vec<u64> = names.iter().filter_map(number).filter(|number| *number >= from).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Sizes of which there is a checkpoint, in order.
    pub(crate) async fn checkpoint_sizes(&self) -> Result<Vec<u64>, EngineError> {
        self.numbers("checkpoints", 0).await
    }

    /// The bytes of the checkpoint of the largest size. The copy tells from where on to look; if it lags, that costs time.
    pub(crate) async fn newest_checkpoint(&self) -> Result<Option<(u64, Bytes)>, EngineError> {
        let copy = self.front.read(&self.newest_path()).await?;
        let hint = copy.and_then(|copy| std::str::from_utf8(&copy).ok()?.lines().nth(1)?.parse().ok());
        let mut newest = match hint {
            Some(size) => self.numbers("checkpoints", size).await?.pop(),
            None => None,
        };
        if newest.is_none() {
            newest = self.numbers("checkpoints", 0).await?.pop();
        }
        let Some(size) = newest else { return Ok(None) };
        let path = self.checkpoint_path(size);
        let bytes = self.front.read(&path).await?.ok_or_else(|| gone(&path))?;
        Ok(Some((size, bytes)))
    }

    /// The batches from an index on, in order; each begins where the one before ends.
    pub(crate) async fn batches(&self, from: u64) -> Result<Vec<Batch>, EngineError> {
        let batches = self.batches_as_they_are(from).await?;
        let mut next = from;
        for batch in &batches {
            if batch.first != next {
                let what = format!("is absent or not whole, although entry {} is there", batch.first);
                return Err(EngineError::Damaged { path: self.entries_path(next).to_string(), what });
            }
            next = batch.end();
        }
        Ok(batches)
    }

    async fn batches_as_they_are(&self, from: u64) -> Result<Vec<Batch>, EngineError> {
        let read = futures::stream::iter(self.numbers("entries", from).await?).map(|first| async move {
            let path = self.entries_path(first);
            let bytes = self.front.read(&path).await?.ok_or_else(|| gone(&path))?;
            let entries = unbundle(&bytes).filter(|entries| !entries.is_empty()).ok_or_else(|| {
                EngineError::Damaged { path: path.to_string(), what: "is no batch of entries".to_owned() }
            })?;
            Ok::<_, EngineError>(Batch { first, entries: entries.into_iter().map(<[u8]>::to_vec).collect() })
        });
        read.buffered(AT_ONCE).try_collect().await
    }

    /// First indexes of the batches, in order.
    pub(crate) async fn batch_starts(&self) -> Result<Vec<u64>, EngineError> {
        self.numbers("entries", 0).await
    }

    /// The entries of a bundle in the tree of a checkpoint of `size` entries.
    pub(crate) async fn bundle(&self, index: u64, size: u64) -> Result<Vec<Vec<u8>>, EngineError> {
        let width = (size - index * TILE_WIDTH).min(TILE_WIDTH);
        let tile = Tile { kind: TileKind::Entries, index, width };
        let (path, bytes) = self.tile(tile).await?;
        let entries = unbundle(&bytes).filter(|entries| entries.len() as u64 >= width);
        let mut entries = entries.ok_or_else(|| damaged(&path))?;
        entries.truncate(width as usize);
        Ok(entries.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// The hashes of a tile, as many as it is wide.
    pub(crate) async fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, EngineError> {
        let (path, bytes) = self.tile(tile).await?;
        let mut hashes = tile_hashes(&bytes, bytes.len() as u64 / 32).ok_or_else(|| damaged(&path))?;
        if (hashes.len() as u64) < tile.width {
            return Err(damaged(&path));
        }
        hashes.truncate(tile.width as usize);
        Ok(hashes)
    }

    /// A tile, or the full one that has come in its place.
    async fn tile(&self, tile: Tile) -> Result<(Path, Bytes), EngineError> {
        let path = self.tile_path(tile);
        if let Some(bytes) = self.front.read(&path).await? {
            return Ok((path, bytes));
        }
        let full = self.tile_path(Tile { width: TILE_WIDTH, ..tile });
        let bytes = self.front.read(&full).await?.ok_or_else(|| gone(&path))?;
        Ok((full, bytes))
    }

    /// The hashes of complete nodes of the tree of a checkpoint of `size` entries.
    pub(crate) async fn nodes(&self, ids: &[NodeId], size: u64) -> Result<Vec<Hash>, EngineError> {
        let tile_of = |id: &NodeId| {
            let level = id.level / 8;
            let first = id.index << (id.level - level * 8);
            let index = first / TILE_WIDTH;
            let width = ((size >> (level * 8)) - index * TILE_WIDTH).min(TILE_WIDTH);
            (Tile { kind: TileKind::Hashes(level), index, width }, first % TILE_WIDTH)
        };
        let wanted: std::collections::BTreeSet<Tile> = ids.iter().map(|id| tile_of(id).0).collect();
        let read = futures::stream::iter(wanted)
            .map(|tile| async move { Ok::<_, EngineError>((tile, Tree::of(self.hashes(tile).await?))) });
        let tiles: BTreeMap<Tile, Tree> = read.buffered(AT_ONCE).try_collect::<Vec<_>>().await?.into_iter().collect();
        let hash = |id: &NodeId| {
            let (tile, first) = tile_of(id);
            let height = id.level % 8;
            let node = tiles.get(&tile).and_then(|tree| tree.level(height).get((first >> height) as usize).copied());
            node.ok_or_else(|| damaged(&self.tile_path(tile)))
        };
        ids.iter().map(hash).collect()
    }

    /// Writes objects that are what they are, whoever writes them; one that is there with other bytes is damaged.
    pub(crate) async fn create_all(&self, objects: Vec<(Path, Bytes)>) -> Result<(), EngineError> {
        let write = futures::stream::iter(objects).map(|(path, bytes)| async move {
            let same = self.front.create(&path, bytes.clone()).await? == Created::Now
                || self.front.read(&path).await?.is_some_and(|there| there == bytes);
            if same { Ok(()) } else { Err(damaged(&path)) }
        });
        write.buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Removes the narrower forms of tiles that are full.
    pub(crate) async fn remove_narrow(&self, full: &[Tile]) -> Result<(), EngineError> {
        for tile in full {
            let folder = Path::from(format!("{}.p", self.tile_path(*tile)));
            let narrow = self.front.list(&folder).await?;
            let remove =
                futures::stream::iter(narrow).map(|meta| async move { self.front.remove(&meta.location).await });
            remove.buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        }
        Ok(())
    }

    /// The entries of the tree of a checkpoint of `size`, from index `from` on.
    pub(crate) async fn signed_entries(&self, from: u64, size: u64) -> Result<Vec<Vec<u8>>, EngineError> {
        let bundles = from / TILE_WIDTH..size.div_ceil(TILE_WIDTH);
        let read = futures::stream::iter(bundles).map(|index| self.bundle(index, size)).buffered(AT_ONCE);
        let all: Vec<Vec<Vec<u8>>> = read.try_collect().await?;
        Ok(all.into_iter().flatten().skip((from % TILE_WIDTH) as usize).collect())
    }
}

fn gone(path: &Path) -> EngineError {
    EngineError::Damaged { path: path.to_string(), what: "is gone, although the log has it".to_owned() }
}

fn damaged(path: &Path) -> EngineError {
    EngineError::Damaged {
        path: path.to_string(),
        what: "is not what the log had there; look at it with `auditlake verify`".to_owned(),
    }
}
