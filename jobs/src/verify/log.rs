//! The log itself: entries, tree, checkpoints, tiles, signatures, anchors.
//!
//! The tree is made of the entries as they lie there. If it is the one that was signed, whatever differs from it is named:
//! a checkpoint, a tile, a copy. If it is not, the tiles say which entries were changed, as long as they lead to what was
//! signed; if they do not either, the log is another one.

mod key_ring;
mod objects;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use engine::evidence::{
    Checkpoint, Entry, EntryBody, Note, TILE_WIDTH, Tile, TileKind, Tree, VerifierKey, bundle, leaf_hash, new_tiles,
    tile_bytes,
};

use super::finding::{FindingKind, Verified};
use crate::error::JobError;
use crate::evidence_log::{LogStore, Replay};
use crate::show::{self, counted};
use key_ring::KeyRing;
use objects::{Objects, entries, largest, name_changes, signed_leaves};

/// How much earlier than the entry before it an entry may say it was logged.
const SKEW: TimeDelta = TimeDelta::hours(1);
/// How far ahead of the clock of whoever looks.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// The log, checked as far as it could be.
#[derive(Debug, Default)]
pub(crate) struct CheckedLog {
    pub(crate) replay: Replay,
    pub(crate) tree: Tree,
    /// Size of the largest checkpoint that a trusted key signed and the tree agrees with.
    pub(crate) signed: u64,
    pub(crate) keys: KeyRing,
    /// Sizes of which the log has a checkpoint.
    pub(crate) sizes: BTreeSet<u64>,
    /// Entries by index, when each was logged.
    pub(crate) logged_at: Vec<DateTime<Utc>>,
}

/// Checks the log of a lake against trusted keys.
pub(crate) async fn check(
    store: &LogStore,
    trusted: &[VerifierKey],
    now: DateTime<Utc>,
    verified: &mut Verified,
) -> Result<CheckedLog, JobError> {
    let objects = Objects::read(store, verified).await?;
    let mut entries = entries(store, &objects, verified);
    let mut tree = Tree::of(entries.iter().map(|entry| leaf_hash(entry)).collect());
    if let Some((size, root)) = largest(&objects, trusted)
        && tree.root_at(size) != Some(root)
    {
        // Bundles are copies of the entries: those that lead to what was signed tell what was there.
        if let Some((signed, told)) = signed_leaves(&objects, size, root) {
            name_changes(store, &objects, &tree, &signed, verified);
            entries = told.into_iter().chain(entries.into_iter().skip(size as usize)).collect();
            tree = signed;
            for entry in entries.iter().skip(tree.size() as usize) {
                tree.push(leaf_hash(entry));
            }
        }
    }
    let sizes = objects.checkpoints.keys().copied().collect();
    let mut log = CheckedLog { keys: KeyRing::of(trusted), tree, sizes, ..CheckedLog::default() };
    replay(&mut log, &entries, now, verified);
    checkpoints(store, &objects, &mut log, verified);
    tiles(store, &objects, &entries, &log, verified);
    Ok(log)
}

/// Reads the entries through.
fn replay(log: &mut CheckedLog, entries: &[Vec<u8>], now: DateTime<Utc>, verified: &mut Verified) {
    let mut latest = DateTime::<Utc>::MIN_UTC;
    for (index, bytes) in (0_u64..).zip(entries) {
        let entry = match Entry::parse(bytes) {
            Ok(entry) => entry,
            Err(error) => {
                verified.add(FindingKind::BadEntry, format!("entry {index}"), format!("entry {index}: {error}"));
                log.logged_at.push(latest);
                continue;
            }
        };
        if entry.at > now + AHEAD {
            let at = schemas::rfc3339(entry.at);
            let message =
                format!("entry {index} says it was logged at {at}, which has not come yet: a clock was far off");
            verified.add(FindingKind::ClockOff, format!("entry {index}"), message);
        } else if latest.signed_duration_since(entry.at) > SKEW {
            let (at, before) = (schemas::rfc3339(entry.at), schemas::rfc3339(latest));
            let message =
                format!("entry {index} says it was logged at {at}, behind one of {before}: a clock was far off");
            verified.add(FindingKind::ClockOff, format!("entry {index}"), message);
        }
        latest = latest.max(entry.at.min(now + AHEAD));
        log.logged_at.push(entry.at);
        if let EntryBody::Key(change) = &entry.body
            && !log.keys.change(index, change)
        {
            // Whoever trusts a later key alone cannot tell who handed over to it.
            verified.not_checked(format!(
                "who handed over to whom at entry {index}: no key that is trusted by then says so"
            ));
        }
        log.replay.take(index, entry);
    }
    for index in &log.replay.doubled {
        verified.add(
            FindingKind::BadEntry,
            format!("entry {index}"),
            format!("entry {index} is in the log before it, too"),
        );
    }
    for (index, dataset, place) in &log.replay.contradictions {
        let message = format!(
            "entry {index} says what file \"{}\" of dataset \"{dataset}\" is, and an earlier one says otherwise",
            place.to_text()
        );
        verified.add(FindingKind::BadEntry, place.to_text(), message);
    }
    if !log.replay.unknown.is_empty() {
        let many = show::entries(log.replay.unknown.len() as u64);
        verified.not_checked(format!("{many} of kinds that this version does not know"));
    }
}

/// Every checkpoint against the tree and the keys.
fn checkpoints(store: &LogStore, objects: &Objects, log: &mut CheckedLog, verified: &mut Verified) {
    let mut signers: BTreeMap<String, u64> = BTreeMap::new();
    let mut origin = String::new();
    for (size, bytes) in &objects.checkpoints {
        let path = store.checkpoint_path(*size);
        match checkpoint(bytes, *size, log) {
            Ok((checkpoint, by)) => {
                log.signed = *size;
                origin = checkpoint.origin;
                by.into_iter().for_each(|key| *signers.entry(key).or_default() += 1);
            }
            Err((kind, why)) => verified.add(kind, path.as_ref(), format!("checkpoint {size} {why}")),
        }
    }
    let size = log.tree.size();
    if log.signed < size {
        let first = log.signed;
        let message = format!(
            "entries {first} to {} are signed by no checkpoint that counts; `auditlake evidence anchor` signs what a writer left so when it died",
            size - 1
        );
        verified.add(FindingKind::Unsigned, store.entries_path(first).as_ref(), message);
    }
    if let Some(copy) = &objects.copy
        && !objects.checkpoints.values().any(|bytes| bytes == copy)
    {
        let path = store.newest_path();
        verified.add(FindingKind::ChangedCheckpoint, path.as_ref(), format!("\"{path}\" is a copy of no checkpoint"));
    }
    let keys: Vec<String> = signers.into_iter().map(|(key, many)| format!("{key} ({many})")).collect();
    verified.looked_at(
        "log",
        format!(
            "{} of {origin}, signed up to {}; {} by key {}",
            show::entries(size),
            log.signed,
            counted(objects.checkpoints.len() as u64, "checkpoint"),
            if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
        ),
    );
}

/// A checkpoint of this size, and who signed it; or what is wrong with it.
pub(super) fn checkpoint(
    bytes: &[u8],
    size: u64,
    log: &CheckedLog,
) -> Result<(Checkpoint, Vec<String>), (FindingKind, String)> {
    let note =
        Note::parse(bytes).map_err(|error| (FindingKind::ChangedCheckpoint, format!("cannot be read: {error}")))?;
    let checkpoint = Checkpoint::parse(&note.text)
        .map_err(|error| (FindingKind::ChangedCheckpoint, format!("cannot be read: {error}")))?;
    let names: Vec<String> = log.keys.all().iter().map(|key| key.name().to_owned()).collect();
    if !names.contains(&checkpoint.origin) {
        let why = format!(
            "is of the log of \"{}\", and the trusted keys are of \"{}\"",
            checkpoint.origin,
            names.join("\", \"")
        );
        return Err((FindingKind::OtherLog, why));
    }
    let by = log.keys.judge(&note, size)?;
    if checkpoint.size != size {
        return Err((FindingKind::ChangedCheckpoint, format!("says that it is of {} entries", checkpoint.size)));
    }
    match log.tree.root_at(size) {
        Some(root) if root == checkpoint.root => Ok((checkpoint, by)),
        Some(_) => Err((FindingKind::ForkedLog, "is signed, and is not consistent with this log".to_owned())),
        None => {
            let why = format!("is signed, and the log has {} entries: its end was cut", log.tree.size());
            Err((FindingKind::CutLog, why))
        }
    }
}

/// Every tile that is there, and those that must be.
fn tiles(store: &LogStore, objects: &Objects, entries: &[Vec<u8>], log: &CheckedLog, verified: &mut Verified) {
    let mut wrong = |tile: &Tile, why: &str| {
        let path = store.tile_path(*tile);
        verified.add(FindingKind::DamagedLog, path.as_ref(), format!("tile \"{path}\" {why}"));
    };
    for (tile, bytes) in &objects.tiles {
        let first = (tile.index * TILE_WIDTH) as usize;
        let end = first + tile.width as usize;
        let expected = match tile.kind {
            TileKind::Entries => entries.get(first..end).map(|entries| bundle(entries.iter().map(Vec::as_slice))),
            TileKind::Hashes(_) => log.tree.level(tile.level()).get(first..end).map(tile_bytes),
        };
        match expected {
            None => wrong(tile, "is of more entries than the log has"),
            Some(expected) if expected != *bytes => wrong(tile, "is not what the entries give"),
            Some(_) => {}
        }
    }
    for tile in new_tiles(0, log.signed) {
        let full = Tile { width: TILE_WIDTH, ..tile };
        if !objects.tiles.contains_key(&tile) && !objects.tiles.contains_key(&full) {
            wrong(&tile, "is absent");
        }
    }
}
