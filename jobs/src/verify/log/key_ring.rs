//! Keys that are trusted, and those that they handed over to.

use engine::evidence::{KeyEntry, Note, VerifierKey};

use crate::verify::finding::FindingKind;

/// Which key counts from which size of the tree on, and up to which.
#[derive(Debug, Default, Clone)]
pub(crate) struct KeyRing {
    keys: Vec<(VerifierKey, u64, u64)>,
}

impl KeyRing {
    /// Keys that are trusted, for every size.
    pub(crate) fn of(trusted: &[VerifierKey]) -> Self {
        Self { keys: trusted.iter().map(|key| (key.clone(), 0, u64::MAX)).collect() }
    }

    /// Every key there ever was.
    pub(crate) fn all(&self) -> Vec<VerifierKey> {
        self.keys.iter().map(|(key, ..)| key.clone()).collect()
    }

    fn at(&self, size: u64) -> Vec<VerifierKey> {
        let counts = |(_, from, to): &&(VerifierKey, u64, u64)| *from <= size && size <= *to;
        self.keys.iter().filter(counts).map(|(key, ..)| key.clone()).collect()
    }

    /// Takes in the change that entry `index` says. It counts only where a key that counts by then signed it.
    pub(super) fn change(&mut self, index: u64, entry: &KeyEntry) -> bool {
        if !entry.is_signed_by(&self.at(index)) {
            return false;
        }
        if let Some(added) = entry.adds.as_deref().and_then(|text| VerifierKey::parse(text).ok()) {
            // One that was retired does not come back by an old entry that is logged again.
            if !self.keys.iter().any(|(key, ..)| key.id() == added.id()) {
                self.keys.push((added, index + 1, u64::MAX));
            }
        }
        for (key, _, to) in &mut self.keys {
            if entry.retires.as_deref() == Some(key.id().to_string().as_str()) {
                *to = (*to).min(index);
            }
        }
        true
    }

    /// Who signed a note of a tree of this size, or what is wrong with that.
    pub(super) fn judge(&self, note: &Note, size: u64) -> Result<Vec<String>, (FindingKind, String)> {
        let all = self.all();
        let signers = note.signers(&all).map_err(|id| {
            (FindingKind::ChangedCheckpoint, format!("carries a signature of key {id} that is not its own"))
        })?;
        if signers.is_empty() {
            let said: Vec<String> = note.signatures.iter().map(|signature| signature.id.to_string()).collect();
            let said = if said.is_empty() { "no key".to_owned() } else { said.join(", ") };
            return Err((FindingKind::Untrusted, format!("carries no signature of a trusted key; it names {said}")));
        }
        let counting = self.at(size);
        let good: Vec<String> =
            signers.iter().filter(|key| counting.contains(key)).map(|key| key.id().to_string()).collect();
        if good.is_empty() {
            let ids: Vec<String> = signers.iter().map(|key| key.id().to_string()).collect();
            let why = format!(
                "is signed by key {} alone, which does not count for this size: its time is over or has not come",
                ids.join(", ")
            );
            return Err((FindingKind::ExpiredKey, why));
        }
        Ok(good)
    }
}
