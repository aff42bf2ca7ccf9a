//! Keyed pseudonyms, and how what goes into a key's hash is put together: each part with its length before it, so that no
//! two lists of parts are taken for one.
//!
//! ```text
//! HMAC-SHA256 (RFC 2104) over purpose, tenant and value, each behind its length (4 bytes, big-endian), so that all of
//! them fit into one block of the hash as a rule; its first 16 bytes as base64url (RFC 4648) behind the key's id
//! ```
//!
//! A hash without a key is no pseudonym: whoever can guess the value can hash it. Absent: where keys are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Bytes of a pseudonym before they are text.
const PSEUDONYM_BYTES: usize = 16;
/// Bytes of a short part with its length.
const SHORT: usize = 64;
/// Letters of a pseudonym behind the key's id.
const PSEUDONYM_LETTERS: usize = 22;

/// A key in the middle of its work: what went in so far need not be hashed again.
#[derive(Clone)]
pub(crate) struct Keyed(Hmac<Sha256>);

/// A key is not to be seen: not in a plan, not in a log.
impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed")
    }
}

impl Keyed {
    /// The key, and the first part: what the result is for.
    pub(crate) fn new(secret: &[u8], purpose: &str) -> Self {
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(secret).expect("HMAC takes keys of any length");
        Self(mac).with(purpose)
    }

    /// One more part.
    pub(crate) fn with(&self, part: &str) -> Self {
        let mut mac = self.0.clone();
        // Parts are values of Arrow columns and names, which are below 4 GiB.
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes();
        // Short parts go in at one go, which takes half the time of two.
        let mut both = [0; SHORT];
        match both.get_mut(..length.len() + part.len()) {
            Some(both) => {
                both[..length.len()].copy_from_slice(&length);
                both[length.len()..].copy_from_slice(part.as_bytes());
                mac.update(both);
            }
            None => {
                mac.update(&length);
                mac.update(part.as_bytes());
            }
        }
        Self(mac)
    }

    /// The hash of the parts.
    pub(crate) fn digest(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }

    /// Appends the pseudonym of a value, which is the last part.
    pub(crate) fn pseudonym(&self, id: &str, value: &str, text: &mut String) {
        let digest = self.with(value).digest();
        let mut letters = [0; PSEUDONYM_LETTERS];
        let written = URL_SAFE_NO_PAD.encode_slice(&digest[..PSEUDONYM_BYTES], &mut letters);
        debug_assert_eq!(written.ok(), Some(PSEUDONYM_LETTERS), "16 bytes are 22 letters");
        text.push_str(id);
        text.push(':');
        // Letters of base64 are ASCII.
        text.push_str(std::str::from_utf8(&letters).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pseudonym(secret: &[u8], purpose: &str, tenant: &str, value: &str) -> String {
        let mut text = String::new();
        Keyed::new(secret, purpose).with(tenant).pseudonym("p26", value, &mut text);
        text
    }

    #[test]
    fn a_pseudonym_is_of_its_key_purpose_tenant_and_value() {
        let alice = pseudonym(b"key", "study", "t1", "alice");
        assert_eq!(alice.len(), "p26:".len() + PSEUDONYM_LETTERS);
        assert_eq!(alice, pseudonym(b"key", "study", "t1", "alice"));
        let others = [
            pseudonym(b"other", "study", "t1", "alice"),
            pseudonym(b"key", "billing", "t1", "alice"),
            pseudonym(b"key", "study", "t2", "alice"),
            pseudonym(b"key", "study", "t1a", "lice"),
            pseudonym(b"key", "studyt1", "", "alice"),
        ];
        assert!(others.iter().all(|other| *other != alice));
    }

    /// Computed apart from this code, with Python's hmac over the framing of the module's page.
    #[test]
    fn a_pseudonym_is_what_others_compute() {
        assert_eq!(pseudonym(&[7; 32], "study", "acme", "alice@example.org"), "p26:CbHyzZLl_zTwBp22WUf8EQ");
    }

    #[test]
    fn a_key_is_not_to_be_seen() {
        assert_eq!(format!("{:?}", Keyed::new(b"secret", "study")), "Keyed");
    }
}
