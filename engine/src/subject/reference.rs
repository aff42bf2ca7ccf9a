//! References: `<key id>:<HMAC-SHA256 in hex>` over kind and value, under a key that no record has.
//!
//! Source: HMAC, RFC 2104. What is hashed is `auditlake/subject/v1`, kind and value, each on a line; a kind has no line ends.
//! Absent: reading keys.

use std::fmt;

use hmac::{Hmac, Mac};
use schemas::{Identifier, hex};
use sha2::Sha256;
use unicode_normalization::UnicodeNormalization;

use crate::error::EngineError;

/// Bytes of a key at least.
const SECRET_BYTES_MIN: usize = 32;
/// Before kind and value.
const CONTEXT: &str = "auditlake/subject/v1";

/// A key of references.
#[derive(Clone)]
pub struct SubjectKey {
    id: String,
    mac: Hmac<Sha256>,
}

/// A key is not to be seen.
impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectKey({})", self.id)
    }
}

impl SubjectKey {
    /// The key of that id.
    ///
    /// # Errors
    /// When it is short enough to be guessed.
    pub fn new(id: &str, secret: &[u8]) -> Result<Self, EngineError> {
        let weak = || EngineError::SubjectKey { id: id.to_owned(), bytes: secret.len(), needed: SECRET_BYTES_MIN };
        if secret.len() < SECRET_BYTES_MIN {
            return Err(weak());
        }
        Ok(Self { id: id.to_owned(), mac: Hmac::new_from_slice(secret).map_err(|_| weak())? })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What stands for an identifier in records.
    pub fn reference(&self, identifier: &Identifier) -> String {
        self.reference_of(identifier.kind(), identifier.value())
    }

    /// What stands for a value of a kind. How Unicode composes its letters makes no difference.
    pub fn reference_of(&self, kind: &str, value: &str) -> String {
        let mut mac = self.mac.clone();
        mac.update(format!("{CONTEXT}\n{kind}\n").as_bytes());
        if value.is_ascii() {
            mac.update(value.as_bytes());
        } else {
            mac.update(value.nfc().collect::<String>().as_bytes());
        }
        format!("{}:{}", self.id, hex(&mac.finalize().into_bytes()))
    }

    /// What tells this key from another one of the same id, and nothing of the key: in hex.
    pub fn check_value(&self) -> String {
        hex(&self.derived("auditlake/subject/check/v1"))
    }

    /// A key for something else, derived from this one.
    pub(super) fn derived(&self, purpose: &str) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// The key that counts and those of before.
#[derive(Debug, Clone)]
pub struct SubjectKeys {
    /// The key of new records.
    pub current: SubjectKey,
    /// Keys of older ones.
    pub retired: Vec<SubjectKey>,
}

impl SubjectKeys {
    /// The key of an id.
    pub fn of(&self, id: &str) -> Option<&SubjectKey> {
        self.all().find(|key| key.id == id)
    }

    /// Every key.
    pub fn all(&self) -> impl Iterator<Item = &SubjectKey> {
        std::iter::once(&self.current).chain(&self.retired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SubjectKey {
        SubjectKey::new("s26", &[byte; 32]).unwrap()
    }

    #[test]
    fn a_reference_depends_on_key_kind_and_value_and_on_nothing_else() {
        let of = |kind: &str, value: &str| key(1).reference(&Identifier::new(kind, value).unwrap());
        let reference = of("user", "user-42");
        assert_eq!(reference, of("user", " user-42 "));
        assert_eq!((reference.len(), &reference[..4]), (4 + 64, "s26:"));
        for other in [of("email", "user-42"), of("user", "user-4"), of("user", "user-420"), of("user", "User-42")] {
            assert_ne!(reference, other);
        }
        assert_ne!(reference, key(2).reference_of("user", "user-42"));
        assert_eq!(of("user", "José"), of("user", "Jose\u{301}"));
    }

    #[test]
    fn a_reference_is_what_others_compute() {
        // hmac.new(bytes([1]) * 32, b"auditlake/subject/v1\nuser\nuser-42", "sha256").hexdigest() of Python.
        let expected = "s26:5bfb3193cc8423d989af744e4477264782982908577173dd0615f5f101af6ba8";
        assert_eq!(key(1).reference_of("user", "user-42"), expected);
    }

    #[test]
    fn a_key_that_could_be_guessed_is_refused_and_none_is_shown() {
        let error = SubjectKey::new("s26", &[7; 31]).unwrap_err().to_string();
        assert!(error.contains("31 bytes") && error.contains("s26"), "{error}");
        assert_eq!(format!("{:?}", key(9)), "SubjectKey(s26)");
    }
}
