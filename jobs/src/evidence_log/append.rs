//! Appending: a batch is created behind the last one, then the tree is grown over it, signed, and brought to the anchors.
//!
//! Who loses the race for a place reads on and appends behind; so the log is one, and it has no gap. What a process left
//! unsigned when it died is signed with what comes next.

use std::collections::BTreeSet;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use engine::evidence::{
    Checkpoint, Edge, Entry, EntryBody, Hash, KeyEntry, LogProof, Note, TILE_WIDTH, Tile, TileKind, bundle,
    complete_nodes, consistency_ranges, is_consistent, leaf_hash, range_hash,
};
use engine::{Created, EngineError, Lakefront};
use object_store::path::Path;

use super::anchor::OpenAnchor;
use super::fault::EvidenceFault;
use super::keys::Signers;
use super::proofs::proof;
use super::store::{Batch, LogStore};
use crate::error::JobError;
use crate::lake::OpenLake;

/// Verifier keys that signed the log, for whoever has none; what they prove is that somebody wrote them.
pub(crate) const KEYS: &str = "_auditlake/evidence/_proof/keys";
/// Times the end of the log is looked for again when others write meanwhile.
const LOOKS: usize = 100;

/// The log of a lake, to be written.
#[derive(Debug)]
pub struct EvidenceLog {
    pub(crate) store: LogStore,
    origin: String,
    signers: Signers,
    anchors: Vec<OpenAnchor>,
}

/// The end of the log.
struct Head {
    /// Size of the newest checkpoint.
    signed: u64,
    root: Hash,
    edge: Edge,
    /// Entries behind the last full bundle, up to `signed`.
    bundle: Vec<Vec<u8>>,
    /// What lies behind the checkpoint.
    tail: Vec<Batch>,
}

impl Head {
    fn size(&self) -> u64 {
        self.tail.last().map_or(self.signed, Batch::end)
    }
}

/// What became of entries that were to be logged.
#[derive(Debug, Default)]
pub struct Appended {
    /// Index and bytes of each that was logged.
    pub entries: Vec<(u64, Vec<u8>)>,
    /// Why the log behind them is not signed.
    pub unsigned: Option<JobError>,
}

/// A text as a signed note; none where the lake has no log.
pub(crate) fn signed(lake: &OpenLake, text: &str) -> Result<Option<String>, JobError> {
    Ok(EvidenceLog::open(lake)?.map(|log| log.note(text)).transpose()?)
}

impl EvidenceLog {
    /// The log that the lake's policy describes; none where there is no policy.
    ///
    /// # Errors
    /// When a key is absent or is none of this log.
    pub fn open(lake: &OpenLake) -> Result<Option<Self>, JobError> {
        let Some(policy) = &lake.definitions.evidence else { return Ok(None) };
        Ok(Some(Self {
            store: LogStore::of_lake(lake.front.clone()),
            origin: policy.origin.clone(),
            signers: Signers::read(&lake.folder, policy)?,
            anchors: policy.anchors.iter().map(|anchor| OpenAnchor::open(&lake.folder, anchor)).collect(),
        }))
    }

    /// The same without asking or writing any anchor, as whoever has stolen the key would.
    #[cfg(test)]
    pub(crate) fn unanchored(lake: &OpenLake) -> Result<Option<Self>, JobError> {
        Ok(Self::open(lake)?.map(|log| Self { anchors: Vec::new(), ..log }))
    }

    pub(crate) fn front(&self) -> &Lakefront {
        self.store.front()
    }

    /// A text as a note that the keys of the log sign.
    pub(crate) fn note(&self, text: &str) -> Result<String, EngineError> {
        let note = Note::sign(text, &self.signers.all());
        let note =
            note.map_err(|error| EngineError::Bug { what: format!("what is to be signed is no text ({error})") })?;
        Ok(note.to_string())
    }

    /// Entries in the log, those that nobody has signed yet included.
    ///
    /// # Errors
    /// When the store fails, or the log has a hole.
    pub async fn size(&self) -> Result<u64, JobError> {
        let signed = self.store.newest_checkpoint().await?.map_or(0, |(size, _)| size);
        Ok(self.store.batches(signed).await?.last().map_or(signed, Batch::end))
    }

    /// Logs what is not there yet behind index `since`, and signs the log.
    ///
    /// `since` is what [`Self::size`] gave before any of it could have been logged.
    ///
    /// # Errors
    /// When nothing was logged: the store fails, the log is damaged or of another lake, or others are always first.
    pub async fn append(&self, bodies: &[EntryBody], since: u64, at: DateTime<Utc>) -> Result<Appended, JobError> {
        let entries: Result<Vec<Entry>, _> = bodies.iter().map(|body| Entry::new(at, body.clone())).collect();
        let entries = entries.map_err(EvidenceFault::from)?;
        let mut appended = Appended::default();
        for _ in 0..LOOKS {
            let head = self.head().await?;
            let there = self.ids_since(since, &head).await?;
            let changes = self.key_changes(&head, at).await?;
            let mut batch = Batch { first: head.size(), entries: Vec::new() };
            for entry in changes.iter().chain(entries.iter().filter(|entry| !there.contains(&entry.id))) {
                batch.entries.push(entry.to_bytes().map_err(EvidenceFault::from)?);
            }
            if !batch.entries.is_empty() {
                let bytes = bundle(batch.entries.iter().map(Vec::as_slice));
                let path = self.store.entries_path(batch.first);
                if self.front().create(&path, bytes.into()).await? == Created::Existed {
                    continue;
                }
                self.publish_keys().await?;
            }
            let indexes = batch.first..;
            appended.entries = indexes.zip(batch.entries.iter().cloned()).skip(changes.len()).collect();
            appended.unsigned = self.sign(head, batch).await.err();
            return Ok(appended);
        }
        Err(JobError::Claimed { what: "the end of the evidence log".to_owned(), holder: "others".to_owned(), epoch: 0 })
    }

    /// The proof of an entry that [`Self::append`] gave, under the newest checkpoint.
    ///
    /// # Errors
    /// When the store fails, or a tile is damaged.
    pub async fn proof(&self, index: u64, entry: &[u8]) -> Result<LogProof, JobError> {
        proof(&self.store, index, entry).await
    }

    /// Signs what lies behind the newest checkpoint, if anything does, and brings the anchors what they lack.
    pub(crate) async fn catch_up(&self) -> Result<u64, JobError> {
        let head = self.head().await?;
        let size = head.size();
        self.sign(head, Batch { first: size, entries: Vec::new() }).await?;
        Ok(size)
    }

    async fn head(&self) -> Result<Head, JobError> {
        let mut last: Option<u64> = None;
        loop {
            let newest = self.store.newest_checkpoint().await?;
            let size = newest.as_ref().map_or(0, |(size, _)| *size);
            match self.head_at(newest).await {
                // Whoever signed meanwhile has taken narrower tiles away.
                Err(JobError::Engine(EngineError::Damaged { .. })) if last != Some(size) => last = Some(size),
                head => return head,
            }
        }
    }

    async fn head_at(&self, newest: Option<(u64, Bytes)>) -> Result<Head, JobError> {
        let Some((signed, bytes)) = newest else {
            let edge = Edge::default();
            let tail = self.store.batches(0).await?;
            return Ok(Head { signed: 0, root: edge.root(), edge, bundle: Vec::new(), tail });
        };
        let fault = |source| EvidenceFault::Checkpoint { size: signed, source };
        let note = Note::parse(&bytes).map_err(fault)?;
        let checkpoint = Checkpoint::parse(&note.text).map_err(fault)?;
        if checkpoint.origin != self.origin {
            let what = format!("the log of \"{}\", and this one is of \"{}\"", checkpoint.origin, self.origin);
            return Err(EvidenceFault::Unlike { size: signed, what }.into());
        }
        let keys = self.signers.verifiers();
        if !note.signers(&keys).is_ok_and(|signers| !signers.is_empty()) {
            let current = self.signers.current.verifier().id();
            return Err(EvidenceFault::OtherSigner { size: signed, current }.into());
        }
        let mut levels = Vec::new();
        for tile in Edge::tiles(signed) {
            levels.push(if tile.width == 0 { Vec::new() } else { self.store.hashes(tile).await? });
        }
        let edge = Edge::of(signed, levels);
        if checkpoint.size != signed || edge.root() != checkpoint.root {
            let what = "another tree than the tiles are".to_owned();
            return Err(EvidenceFault::Unlike { size: signed, what }.into());
        }
        let bundle = match signed % TILE_WIDTH {
            0 => Vec::new(),
            _ => self.store.bundle(signed / TILE_WIDTH, signed).await?,
        };
        let tail = self.store.batches(signed).await?;
        Ok(Head { signed, root: checkpoint.root, edge, bundle, tail })
    }

    /// Ids of the entries from an index on.
    async fn ids_since(&self, since: u64, head: &Head) -> Result<BTreeSet<String>, JobError> {
        let mut batches = if since < head.signed { self.store.batches(since).await? } else { head.tail.clone() };
        // Whoever has appended behind the head is met when the place is taken.
        batches.retain(|batch| batch.first >= since && batch.first < head.size());
        let entries = batches.iter().flat_map(|batch| &batch.entries);
        Ok(entries.filter_map(|bytes| Some(Entry::parse(bytes).ok()?.id)).collect())
    }

    /// Entries about keys that must come before anything else.
    async fn key_changes(&self, head: &Head, at: DateTime<Utc>) -> Result<Vec<Entry>, JobError> {
        let Signers { current, retiring } = &self.signers;
        let mut changes = Vec::new();
        let known: Vec<String> = self
            .front()
            .list(&Path::from(KEYS))
            .await?
            .into_iter()
            .filter_map(|meta| meta.location.filename().map(str::to_owned))
            .collect();
        let is_known = |name: &str| known.iter().any(|other| other == name);
        let own = current.verifier().id().to_string();
        if head.size() == 0 || !is_known(&own) {
            let by = if head.size() == 0 { current } else { retiring.as_ref().unwrap_or(current) };
            changes.push(KeyEntry::sign(Some(current.verifier()), None, by));
        }
        let signing: Vec<String> = self.signers.ids().iter().map(ToString::to_string).collect();
        for old in known.iter().filter(|name| !name.contains('.') && !signing.contains(name)) {
            let id = engine::evidence::KeyId::parse(old).filter(|_| !is_known(&format!("{old}.retired")));
            changes.extend(id.map(|id| KeyEntry::sign(None, Some(id), current)));
        }
        let entry = |change| Entry::new(at, EntryBody::Key(change)).map_err(EvidenceFault::from);
        Ok(changes.into_iter().map(entry).collect::<Result<_, _>>()?)
    }

    /// Lays the verifier keys beside the log, once their entries are in it.
    async fn publish_keys(&self) -> Result<(), JobError> {
        for key in self.signers.verifiers() {
            self.front().create(&Path::from(format!("{KEYS}/{}", key.id())), format!("{key}\n").into()).await?;
        }
        let signing: Vec<String> = self.signers.ids().iter().map(ToString::to_string).collect();
        for meta in self.front().list(&Path::from(KEYS)).await? {
            let name = meta.location.filename().unwrap_or_default();
            if !name.contains('.') && !signing.iter().any(|id| id == name) {
                let path = Path::from(format!("{KEYS}/{name}.retired"));
                self.front().create(&path, Bytes::new()).await?;
            }
        }
        Ok(())
    }

    /// Grows the tree over everything up to the batch, and signs it.
    async fn sign(&self, head: Head, batch: Batch) -> Result<(), JobError> {
        let anchored = self.anchored().await?;
        let size = batch.end();
        let Head { signed, root, mut edge, bundle: mut entries, tail } = head;
        let mut roots: Vec<(u64, Hash)> = vec![(signed, root)];
        let mut objects: Vec<(Path, Bytes)> = Vec::new();
        let mut full = Vec::new();
        for entry in tail.into_iter().chain([batch]).flat_map(|batch| batch.entries) {
            let tiles = edge.push(leaf_hash(&entry));
            entries.push(entry);
            if entries.len() as u64 == TILE_WIDTH {
                let tile = Tile { kind: TileKind::Entries, index: edge.size() / TILE_WIDTH - 1, width: TILE_WIDTH };
                objects.push((self.store.tile_path(tile), bundle(entries.iter().map(Vec::as_slice)).into()));
                full.push(tile);
                entries.clear();
            }
            for (tile, bytes) in tiles {
                objects.push((self.store.tile_path(tile), bytes.into()));
                full.push(tile);
            }
            if anchored.iter().any(|(_, seen)| seen.size == edge.size()) {
                roots.push((edge.size(), edge.root()));
            }
        }
        self.grows_from(&anchored, size, (signed, root), &roots).await?;
        if size > signed {
            let partial = edge.partial_tiles(signed).into_iter();
            objects.extend(partial.map(|(tile, bytes)| (self.store.tile_path(tile), bytes.into())));
            if !entries.is_empty() {
                let (index, width) = (size / TILE_WIDTH, entries.len() as u64);
                let tile = Tile { kind: TileKind::Entries, index, width };
                objects.push((self.store.tile_path(tile), bundle(entries.iter().map(Vec::as_slice)).into()));
            }
            self.store.create_all(objects).await?;
        }
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root: edge.root() };
        let note = checkpoint.sign(&self.signers.all()).map_err(|source| EvidenceFault::Checkpoint { size, source })?;
        self.publish(size, signed, &note.to_string(), &full).await
    }

    /// Writes a checkpoint, and brings it to the anchors.
    async fn publish(&self, size: u64, signed: u64, note: &str, full: &[Tile]) -> Result<(), JobError> {
        if size == 0 {
            return Ok(());
        }
        if size > signed {
            let path = self.store.checkpoint_path(size);
            self.front().create(&path, note.to_owned().into()).await?;
            self.front().replace(&self.store.newest_path(), note.to_owned().into()).await?;
            self.store.remove_narrow(full).await?;
        }
        for anchor in &self.anchors {
            let there = self.front().read(&self.store.checkpoint_path(size)).await?;
            let note = there.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
            anchor.bring(&self.store, size, note.as_deref().unwrap_or_default()).await?;
        }
        Ok(())
    }

    /// The newest checkpoint of each anchor.
    async fn anchored(&self) -> Result<Vec<(&str, Checkpoint)>, JobError> {
        let keys = self.signers.verifiers();
        let mut all = Vec::new();
        for anchor in &self.anchors {
            let newest = anchor.newest(self.front(), &keys).await?;
            all.extend(newest.map(|(checkpoint, _)| (anchor.name.as_str(), checkpoint)));
        }
        Ok(all)
    }

    /// How many entries each anchor has.
    pub(crate) async fn anchored_sizes(&self) -> Vec<(String, Result<u64, JobError>)> {
        let keys = self.signers.verifiers();
        let mut all = Vec::new();
        for anchor in &self.anchors {
            let newest = anchor.newest(self.front(), &keys).await;
            let size = newest.map(|newest| newest.map_or(0, |(checkpoint, _)| checkpoint.size));
            all.push((anchor.name.clone(), size.map_err(JobError::from)));
        }
        all
    }

    /// Refuses to sign what does not grow from what the anchors have.
    async fn grows_from(
        &self,
        anchored: &[(&str, Checkpoint)],
        size: u64,
        (signed, root): (u64, Hash),
        roots: &[(u64, Hash)],
    ) -> Result<(), JobError> {
        for (anchor, seen) in anchored {
            let anchor = (*anchor).to_owned();
            if seen.size > size {
                return Err(EvidenceFault::Cut { anchor, seen: seen.size, size }.into());
            }
            let known = roots.iter().find(|(at, _)| *at == seen.size);
            let grows = match known {
                Some((_, hash)) => *hash == seen.root,
                None => {
                    let mut path = Vec::new();
                    for range in consistency_ranges(seen.size, signed) {
                        path.push(range_hash(&self.store.nodes(&complete_nodes(range), signed).await?));
                    }
                    is_consistent(seen.size, &seen.root, signed, &root, &path)
                }
            };
            if !grows {
                return Err(EvidenceFault::Forked { anchor, seen: seen.size }.into());
            }
        }
        Ok(())
    }
}
