//! Signatures of calls, as Standard Webhooks 1.0 has them: HMAC-SHA256 over id, time and body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that signs.
#[derive(Clone)]
pub(super) struct Secret {
    /// As it is written, which is the key of receivers that know no more than a body and its HMAC.
    text: Vec<u8>,
    key: Vec<u8>,
}

/// Nothing of a secret is shown.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Reads `whsec_` and base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence that begins with where it stands; nothing of the text is in it.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let told = std::str::from_utf8(text).ok().and_then(|text| text.strip_prefix(PREFIX));
        let Some(encoded) = told else {
            return Err(format!("does not begin with {PREFIX}; write {PREFIX} and base64 of 24 to 64 bytes"));
        };
        let key =
            STANDARD.decode(encoded).map_err(|_| format!("is not base64 behind {PREFIX}; write it with padding"))?;
        if !KEY_BYTES.contains(&key.len()) {
            return Err(format!(
                "has {} bytes behind {PREFIX}; take 24 to 64, for example of openssl rand -base64 32",
                key.len()
            ));
        }
        Ok(Self { text: text.to_owned(), key })
    }
}

/// `webhook-signature`: one for each secret, with a space between.
pub(super) fn signatures(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let one = |secret: &Secret| {
        let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
        format!("v1,{}", STANDARD.encode(hmac(&secret.key, &signed)))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// `x-auditlake-signature`: of the body alone, with the secret as it is written for a key.
pub(super) fn body_signature(secret: &Secret, body: &[u8]) -> String {
    format!("sha256={}", schemas::hex(&hmac(&secret.text, body)))
}

fn hmac(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(bytes);
    mac.finalize().into_bytes().to_vec()
}
