//! Signed notes of C2SP (`signed-note`): a text and the Ed25519 signatures (RFC 8032) under it, each with the name and id of
//! its key. Keys are written as there: `name+id+base64` for verifying, `PRIVATE+KEY+name+id+base64` for signing.
//!
//! Absent: other kinds of signature, which are kept and count for nothing.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// Identifies Ed25519 in keys and key ids.
const ED25519: u8 = 1;
const SIGNATURE_MARK: &str = "\u{2014} ";
const SIGNING_MARK: &str = "PRIVATE+KEY+";
/// A note longer than this is none.
const NOTE_BYTES_MAX: usize = 1 << 20;
const SIGNATURES_MAX: usize = 100;

/// Short id of a key: the first four bytes of a SHA-256 over name and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&schemas::hex(&self.0))
    }
}

impl KeyId {
    /// Reads eight hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        schemas::unhex(text)?.try_into().ok().map(Self)
    }

    fn of(name: &str, key: &[u8; 32]) -> Self {
        let hash = Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(key).finalize();
        Self([hash[0], hash[1], hash[2], hash[3]])
    }
}

/// Why a text is no key or no note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not `name+id+base64`.
    #[error("it is no verifier key; one is name+id+base64, for example example.com/log+530d903a+Aeky…")]
    VerifierKey,
    /// Not `PRIVATE+KEY+name+id+base64`.
    #[error("it is no signing key; `auditlake evidence keygen` makes one")]
    SigningKey,
    /// A key whose id is not that of its name and bytes.
    #[error("its key id is {given}, and that of the key is {own}: name, id or key was changed")]
    KeyId {
        /// As written.
        given: String,
        /// As computed.
        own: KeyId,
    },
    /// Not a text with signatures under it.
    #[error("it is no signed note: {0}")]
    Note(&'static str),
}

/// What verifies signatures of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    key: VerifyingKey,
}

impl VerifierKey {
    /// Reads `name+id+base64`.
    ///
    /// # Errors
    /// When it is not that, or its id is that of another key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, bytes) = key_parts(text).ok_or(NoteError::VerifierKey)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| NoteError::VerifierKey)?;
        let own = KeyId::of(name, &bytes);
        if KeyId::parse(id) != Some(own) {
            return Err(NoteError::KeyId { given: id.to_owned(), own });
        }
        Ok(Self { name: name.to_owned(), id: own, key })
    }

    /// Its name, the origin of the log it signs for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Whether `signature` is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, self.id, key_text(self.key.as_bytes()))
    }
}

/// What signs. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct SignerKey {
    verifier: VerifierKey,
    key: SigningKey,
}

impl SignerKey {
    /// The key of this name and 32 bytes of chance.
    pub fn new(name: &str, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let public = key.verifying_key();
        let verifier = VerifierKey { name: name.to_owned(), id: KeyId::of(name, public.as_bytes()), key: public };
        Self { verifier, key }
    }

    /// Reads `PRIVATE+KEY+name+id+base64`.
    ///
    /// # Errors
    /// When it is not that, or its id is that of another key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let rest = text.strip_prefix(SIGNING_MARK).ok_or(NoteError::SigningKey)?;
        let (name, id, seed) = key_parts(rest).ok_or(NoteError::SigningKey)?;
        let signer = Self::new(name, &seed);
        if KeyId::parse(id) != Some(signer.verifier.id) {
            return Err(NoteError::KeyId { given: id.to_owned(), own: signer.verifier.id });
        }
        Ok(signer)
    }

    /// The text of the key: a secret.
    pub fn to_secret_text(&self) -> String {
        let VerifierKey { name, id, .. } = &self.verifier;
        format!("{SIGNING_MARK}{name}+{id}+{}", key_text(self.key.as_bytes()))
    }

    /// What verifies its signatures.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Its signature over `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignerKey").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

/// Whether a text may name a key: visible, without blanks and `+`.
pub fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

fn key_text(key: &[u8; 32]) -> String {
    let mut bytes = vec![ED25519];
    bytes.extend(key);
    STANDARD.encode(bytes)
}

/// Name, id and the 32 bytes of a key.
fn key_parts(text: &str) -> Option<(&str, &str, [u8; 32])> {
    // The base64 may have a + in it, the name and the id have none.
    let (name, rest) = text.split_once('+')?;
    let (id, key) = rest.split_once('+')?;
    let bytes = STANDARD.decode(key).ok()?;
    let key: [u8; 32] = bytes.strip_prefix(&[ED25519])?.try_into().ok()?;
    is_key_name(name).then_some((name, id, key))
}

/// One line under a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub id: KeyId,
    /// The signature.
    pub bytes: Vec<u8>,
}

/// A text with signatures, which may be anybody's until [`Note::signers`] has looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text, with its last line end.
    pub text: String,
    /// The signatures.
    pub signatures: Vec<NoteSignature>,
}

impl Note {
    /// Signs a text, which ends with a line end and has no other control character.
    ///
    /// # Errors
    /// When it does not.
    pub fn sign(text: &str, signers: &[&SignerKey]) -> Result<Self, NoteError> {
        let signature = |signer: &&SignerKey| NoteSignature {
            name: signer.verifier.name.clone(),
            id: signer.verifier.id,
            bytes: signer.sign(text.as_bytes()).to_vec(),
        };
        check_text(text)?;
        Ok(Self { text: text.to_owned(), signatures: signers.iter().map(signature).collect() })
    }

    /// Reads a note.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Note("it is longer than 1 MiB"));
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::Note("it is not UTF-8"))?;
        let end = whole.rfind("\n\n").ok_or(NoteError::Note("no empty line divides text and signatures"))?;
        let (text, signatures) = (&whole[..=end], &whole[end + 2..]);
        check_text(text)?;
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Note("no signature is under it"))?;
        let signatures: Option<Vec<_>> = lines.split('\n').map(signature).collect();
        match signatures {
            Some(signatures) if signatures.len() <= SIGNATURES_MAX => Ok(Self { text: text.to_owned(), signatures }),
            Some(_) => Err(NoteError::Note("it has more than 100 signatures")),
            None => Err(NoteError::Note("a line under it is no signature")),
        }
    }

    /// Which of these keys signed it. A signature in the name of one of them that is not its own spoils the note.
    ///
    /// # Errors
    /// The id of the key whose signature is wrong.
    pub fn signers<'a>(&self, keys: &'a [VerifierKey]) -> Result<Vec<&'a VerifierKey>, KeyId> {
        let mut signers: Vec<&VerifierKey> = Vec::new();
        for signature in &self.signatures {
            let known = keys.iter().find(|key| key.id == signature.id && key.name == signature.name);
            let Some(key) = known else { continue };
            if !key.verifies(self.text.as_bytes(), &signature.bytes) {
                return Err(key.id);
            }
            if !signers.contains(&key) {
                signers.push(key);
            }
        }
        Ok(signers)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for NoteSignature { name, id, bytes } in &self.signatures {
            writeln!(f, "{SIGNATURE_MARK}{name} {}", STANDARD.encode([&id.0, bytes.as_slice()].concat()))?;
        }
        Ok(())
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Note("its text does not end with a line end"));
    }
    if text.chars().any(|c| c < ' ' && c != '\n') {
        return Err(NoteError::Note("it has a control character in it"));
    }
    Ok(())
}

fn signature(line: &str) -> Option<NoteSignature> {
    let (name, encoded) = line.strip_prefix(SIGNATURE_MARK)?.split_once(' ')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let (id, bytes) = bytes.split_first_chunk::<4>()?;
    let is_one = is_key_name(name) && !bytes.is_empty();
    is_one.then(|| NoteSignature { name: name.to_owned(), id: KeyId(*id), bytes: bytes.to_vec() })
}

#[cfg(test)]
mod tests;
