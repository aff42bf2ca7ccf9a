//! Identifiers of an open case, encrypted: AES-256-GCM-SIV (RFC 8452) under a key derived from that of references.
//!
//! The number of the case is authenticated with them, so that what was sealed for one case opens in no other. Absent: where
//! the sealed bytes lie and when they go.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use schemas::{CaseId, Identifier};

use super::reference::{SubjectKey, SubjectKeys};

/// Before the id of the key.
const FORM: &str = "auditlake/sealed-subject/v1";
/// What the key is derived for.
const PURPOSE: &str = "auditlake/subject/seal/v1";
/// Bytes of a nonce.
const NONCE_BYTES: usize = 12;

/// Why identifiers cannot be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is nothing that was sealed.
    #[error("what was sealed is damaged, or of another case or key")]
    Damaged,
    /// The key is not there any more.
    #[error("they were sealed with key \"{id}\", which policies/subjects.yaml does not name; add it to retired")]
    NoKey {
        /// Its id.
        id: String,
    },
}

/// Encrypts identifiers for a case.
///
/// # Errors
/// None that input can cause.
pub fn seal(
    key: &SubjectKey,
    case: &CaseId,
    nonce: [u8; NONCE_BYTES],
    identifiers: &[Identifier],
) -> Result<Vec<u8>, SealError> {
    let plain = serde_json::to_vec(identifiers).map_err(|_| SealError::Damaged)?;
    let payload = Payload { msg: &plain, aad: case.as_str().as_bytes() };
    let sealed = cipher(key).encrypt(Nonce::from_slice(&nonce), payload).map_err(|_| SealError::Damaged)?;
    let mut bytes = format!("{FORM}\n{}\n", key.id()).into_bytes();
    bytes.extend(nonce);
    bytes.extend(sealed);
    Ok(bytes)
}

/// Decrypts what [`seal`] made.
///
/// # Errors
/// When it is damaged, of another case, or its key is not there.
pub fn unseal(keys: &SubjectKeys, case: &CaseId, bytes: &[u8]) -> Result<Vec<Identifier>, SealError> {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let (form, id, rest) = (parts.next(), parts.next(), parts.next());
    let (Some(id), Some(rest)) = (id.filter(|_| form == Some(FORM.as_bytes())), rest) else {
        return Err(SealError::Damaged);
    };
    let id = String::from_utf8_lossy(id);
    let key = keys.of(&id).ok_or_else(|| SealError::NoKey { id: id.to_string() })?;
    let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES).ok_or(SealError::Damaged)?;
    let payload = Payload { msg: sealed, aad: case.as_str().as_bytes() };
    let plain = cipher(key).decrypt(Nonce::from_slice(nonce), payload).map_err(|_| SealError::Damaged)?;
    serde_json::from_slice(&plain).map_err(|_| SealError::Damaged)
}

fn cipher(key: &SubjectKey) -> Aes256GcmSiv {
    Aes256GcmSiv::new(&key.derived(PURPOSE).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(id: &str) -> SubjectKeys {
        SubjectKeys { current: SubjectKey::new(id, &[3; 32]).unwrap(), retired: Vec::new() }
    }

    fn case(number: &str) -> CaseId {
        CaseId::parse(number).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_case_with_its_key_and_not_otherwise() {
        let ann =
            vec![Identifier::new("user", "user-42").unwrap(), Identifier::new("email", "ann@acme.example").unwrap()];
        let sealed = seal(&keys("s26").current, &case("2026-1"), [5; 12], &ann).unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"user-42"));
        assert_eq!(unseal(&keys("s26"), &case("2026-1"), &sealed), Ok(ann));
        assert_eq!(unseal(&keys("s26"), &case("2026-2"), &sealed), Err(SealError::Damaged));
        assert_eq!(unseal(&keys("s27"), &case("2026-1"), &sealed), Err(SealError::NoKey { id: "s26".to_owned() }));
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(unseal(&keys("s26"), &case("2026-1"), &damaged).is_err(), "byte {at}");
            assert!(unseal(&keys("s26"), &case("2026-1"), &sealed[..at]).is_err(), "{at} bytes");
        }
    }
}
