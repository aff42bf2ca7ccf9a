//! Checkpoints of C2SP (`tlog-checkpoint`): what a log signs of its tree.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::note::{Note, NoteError, SignerKey};
use super::tree::Hash;

/// The tree of a log at one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log it is.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Hash of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the text of a note. Lines behind the root are other people's extensions, signed and not looked at.
    ///
    /// # Errors
    /// When it is no checkpoint.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.lines();
        let origin = lines.next().filter(|origin| !origin.is_empty());
        let origin = origin.ok_or(NoteError::Note("a checkpoint begins with its origin"))?;
        let digits = lines.next().unwrap_or_default();
        // One spelling for each number: neither a sign nor zeros before it.
        let size = digits.parse::<u64>().ok().filter(|size| size.to_string() == digits);
        let size = size.ok_or(NoteError::Note("the second line of a checkpoint is the size of the tree"))?;
        let root = lines.next().and_then(|root| STANDARD.decode(root).ok()?.try_into().ok());
        let root = root.ok_or(NoteError::Note("the third line of a checkpoint is the root hash in base64"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// The note that these keys sign.
    ///
    /// # Errors
    /// When the origin is no line of text.
    pub fn sign(&self, signers: &[&SignerKey]) -> Result<Note, NoteError> {
        Note::sign(&self.to_string(), signers)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }
}
