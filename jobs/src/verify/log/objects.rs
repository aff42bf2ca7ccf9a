//! Objects of a log as they lie there, and the entries that they give.

use std::collections::BTreeMap;

use bytes::Bytes;
use engine::EngineError;
use engine::evidence::{Checkpoint, Hash, Note, TILE_WIDTH, Tile, TileKind, Tree, VerifierKey, leaf_hash, unbundle};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;

use crate::error::JobError;
use crate::evidence_log::LogStore;
use crate::show::entries as entries_of;
use crate::verify::finding::{FindingKind, Verified};

/// Objects that are read at the same time.
const AT_ONCE: usize = 32;

/// Everything that lies in the log's folder.
pub(super) struct Objects {
    pub(super) batches: BTreeMap<u64, Bytes>,
    pub(super) checkpoints: BTreeMap<u64, Bytes>,
    pub(super) copy: Option<Bytes>,
    pub(super) tiles: BTreeMap<Tile, Bytes>,
}

impl Objects {
    pub(super) async fn read(store: &LogStore, verified: &mut Verified) -> Result<Self, JobError> {
        let folder = store.folder();
        let names: Vec<Path> = store.front().list(&folder).await?.into_iter().map(|meta| meta.location).collect();
        let front = store.front();
        let read = futures::stream::iter(names).map(|path| async move {
            let bytes = front.read(&path).await?;
            Ok::<_, EngineError>((path, bytes))
        });
        let mut objects =
            Self { batches: BTreeMap::new(), checkpoints: BTreeMap::new(), copy: None, tiles: BTreeMap::new() };
        for (path, bytes) in read.buffered(AT_ONCE).try_collect::<Vec<_>>().await? {
            // One that went between listing and reading is a narrow tile that a full one has come in the place of.
            let Some(bytes) = bytes else { continue };
            let name: String = path.as_ref().chars().skip(folder.as_ref().len()).collect();
            let name = name.trim_start_matches('/');
            let number = |rest: &str| rest.parse::<u64>().ok().filter(|number| format!("{number:020}") == rest);
            let is_known = match name.split_once('/') {
                None if name == "checkpoint" => {
                    objects.copy = Some(bytes);
                    true
                }
                Some(("entries", rest)) => number(rest).map(|first| objects.batches.insert(first, bytes)).is_some(),
                Some(("checkpoints", rest)) => {
                    number(rest).map(|size| objects.checkpoints.insert(size, bytes)).is_some()
                }
                Some(("tile", _)) => Tile::parse(name).map(|tile| objects.tiles.insert(tile, bytes)).is_some(),
                _ => false,
            };
            if !is_known {
                let message = format!("object \"{path}\" lies in the log and is none of its objects");
                verified.add(FindingKind::DamagedLog, path.as_ref(), message);
            }
        }
        Ok(objects)
    }
}

/// The entries as the batches have them; what is gone is taken from bundles, if they have it, so that more can be checked.
pub(super) fn entries(store: &LogStore, objects: &Objects, verified: &mut Verified) -> Vec<Vec<u8>> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    let mut starts = objects.batches.iter().peekable();
    let mut last = 0;
    let end = objects.checkpoints.keys().next_back().copied().unwrap_or_default();
    loop {
        let next = entries.len() as u64;
        let path = store.entries_path(next);
        match starts.next_if(|(first, _)| **first == next) {
            Some((first, bytes)) => match unbundle(bytes).filter(|batch| !batch.is_empty()) {
                Some(batch) => {
                    last = *first;
                    entries.extend(batch.into_iter().map(<[u8]>::to_vec));
                }
                None => {
                    let message = format!("object \"{path}\" is no batch of entries");
                    verified.add(FindingKind::ChangedEntry, path.as_ref(), message);
                    let until = starts.peek().map_or(end, |(first, _)| **first);
                    if !fill(objects, &mut entries, until) {
                        return entries;
                    }
                }
            },
            None => {
                let first = starts.peek().map(|(first, _)| **first);
                if let Some(before) = first.filter(|first| *first < next) {
                    let message = format!(
                        "entries \"{}\" begin within those of \"{}\", which has too many",
                        store.entries_path(before),
                        store.entries_path(last)
                    );
                    verified.add(FindingKind::ChangedEntry, store.entries_path(before).as_ref(), message);
                    starts.next();
                    continue;
                }
                let until = first.unwrap_or(end);
                if until <= next {
                    return entries;
                }
                let then =
                    first.map(|first| format!(", and \"{}\" follows", store.entries_path(first))).unwrap_or_default();
                let message = format!(
                    "entries {next} to {} are gone: object \"{path}\" is absent, or the one before it is cut{then}",
                    until - 1
                );
                verified.add(FindingKind::MissingEntry, path.as_ref(), message);
                if !fill(objects, &mut entries, until) {
                    return entries;
                }
            }
        }
    }
}

/// Fills entries up to `until` from bundles; whether that went all the way.
fn fill(objects: &Objects, entries: &mut Vec<Vec<u8>>, until: u64) -> bool {
    while (entries.len() as u64) < until {
        let at = entries.len() as u64;
        let Some(entry) = bundled(objects, at) else { return false };
        entries.push(entry);
    }
    true
}

/// An entry as the widest bundle has it.
fn bundled(objects: &Objects, index: u64) -> Option<Vec<u8>> {
    let of = |width| Tile { kind: TileKind::Entries, index: index / TILE_WIDTH, width };
    let widest = objects.tiles.range(of(1)..=of(TILE_WIDTH)).next_back();
    let entries = unbundle(widest?.1)?;
    entries.get((index % TILE_WIDTH) as usize).map(|entry| entry.to_vec())
}

/// Size and root of the largest checkpoint that a trusted key signed, or else of the largest: it only serves to say what
/// was changed, and who signed it is judged later.
pub(super) fn largest(objects: &Objects, trusted: &[VerifierKey]) -> Option<(u64, Hash)> {
    let read = objects.checkpoints.iter().rev().filter_map(|(size, bytes)| {
        let note = Note::parse(bytes).ok()?;
        let checkpoint = Checkpoint::parse(&note.text).ok().filter(|checkpoint| checkpoint.size == *size)?;
        let is_signed = note.signers(trusted).is_ok_and(|signers| !signers.is_empty());
        Some((is_signed, *size, checkpoint.root))
    });
    let read: Vec<(bool, u64, Hash)> = read.collect();
    let chosen = read.iter().find(|(is_signed, ..)| *is_signed).or(read.first());
    chosen.map(|(_, size, root)| (*size, *root))
}

/// The tree that was signed, and its entries, if bundles lead to it.
pub(super) fn signed_leaves(objects: &Objects, size: u64, root: Hash) -> Option<(Tree, Vec<Vec<u8>>)> {
    let entries: Option<Vec<Vec<u8>>> = (0..size).map(|index| bundled(objects, index)).collect();
    let entries = entries?;
    let tree = Tree::of(entries.iter().map(|entry| leaf_hash(entry)).collect());
    (tree.root_at(size) == Some(root)).then_some((tree, entries))
}

/// Names the entries that are not what was signed.
pub(super) fn name_changes(store: &LogStore, objects: &Objects, there: &Tree, signed: &Tree, verified: &mut Verified) {
    let pairs = (0_u64..).zip(there.leaves().iter().zip(signed.leaves()));
    let batch_of = |index: u64| objects.batches.range(..=index).next_back().map_or(0, |(first, _)| *first);
    let mut changed: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (index, _) in pairs.filter(|(_, (there, signed))| there != signed) {
        changed.entry(batch_of(index)).or_default().push(index);
    }
    for (first, indexes) in changed {
        let path = store.entries_path(first);
        let which = match indexes.as_slice() {
            [one] => format!("entry {one}"),
            [from, .., to] => format!("{} from entry {from} to {to}", entries_of(indexes.len() as u64)),
            [] => continue,
        };
        let message = format!("{which} in \"{path}\" is not what was signed");
        verified.add(FindingKind::ChangedEntry, path.as_ref(), message);
    }
}
