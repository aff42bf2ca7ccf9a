//! Proofs of C2SP (`tlog-proof`): one entry, its inclusion, and the signed checkpoint, in one text that is checked offline.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::Checkpoint;
use super::note::{Note, NoteError};
use super::tree::{Hash, is_included, leaf_hash};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// No tree of 64 levels is deeper.
const PATH_MAX: usize = 64;

/// A proof that stands alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    /// The entry, which the format calls extra data.
    pub entry: Vec<u8>,
    /// Its index.
    pub index: u64,
    /// The inclusion proof.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: Note,
}

impl LogProof {
    /// Reads a proof.
    ///
    /// # Errors
    /// When it is none, or has no entry in it.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let text = std::str::from_utf8(bytes).map_err(|_| NoteError::Note("it is not UTF-8"))?;
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(NoteError::Note("no empty line divides proof and checkpoint"))?;
        let mut lines = head.lines();
        if lines.next() != Some(FIRST_LINE) {
            return Err(NoteError::Note("a proof begins with c2sp.org/tlog-proof@v1"));
        }
        let entry = lines.next().and_then(|line| STANDARD.decode(line.strip_prefix("extra ")?).ok());
        let entry = entry.ok_or(NoteError::Note("the line \"extra\" with the entry is absent"))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")?.parse().ok());
        let index = index.ok_or(NoteError::Note("the line \"index\" is absent"))?;
        let path: Option<Vec<Hash>> = lines.map(|line| STANDARD.decode(line).ok()?.try_into().ok()).collect();
        let path = path.filter(|path| path.len() < PATH_MAX);
        let path = path.ok_or(NoteError::Note("a line of the proof is no hash"))?;
        Ok(Self { entry, index, path, checkpoint: Note::parse(checkpoint.as_bytes())? })
    }

    /// The checkpoint, if the proof leads from the entry to its root. Who signed it is another question.
    ///
    /// # Errors
    /// When it does not, or there is no checkpoint.
    pub fn leads_to(&self) -> Result<Checkpoint, NoteError> {
        let checkpoint = Checkpoint::parse(&self.checkpoint.text)?;
        let leaf = leaf_hash(&self.entry);
        if is_included(&leaf, self.index, checkpoint.size, &self.path, &checkpoint.root) {
            Ok(checkpoint)
        } else {
            Err(NoteError::Note("the entry is not in the tree of the checkpoint"))
        }
    }
}

impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        writeln!(f, "extra {}", STANDARD.encode(&self.entry))?;
        writeln!(f, "index {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
