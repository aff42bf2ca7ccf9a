//! Signatures of requests: HMAC-SHA256 (RFC 2104) over the path, a line end and the bytes, so that a signed file cannot be
//! moved to another folder.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use engine::Lakefront;
use hmac::{Hmac, Mac};
use object_store::path::Path;
use sha2::Sha256;

use super::answer::Read;
use crate::access::secret;
use crate::error::JobError;

/// How long a signature may come after its file.
const SIGNATURE_WAIT: TimeDelta = TimeDelta::minutes(10);
/// What a signature begins with.
const SIGNATURE_VERSION: &str = "v1,";

/// What a signature says.
pub(super) enum Signed {
    Yes,
    NotYet,
    No(String),
}

/// Whether the principal itself has written the file.
pub(super) async fn signed(front: &Lakefront, now: DateTime<Utc>, read: &Read<'_>) -> Result<Signed, JobError> {
    let Some(rule) = &read.principal.signature else { return Ok(Signed::Yes) };
    let path = read.dropped.meta.location.clone();
    let signature = front.read(&Path::from(format!("{path}.sig"))).await?;
    let Some(signature) = signature else {
        let waited = now - read.dropped.meta.last_modified;
        return Ok(match (rule.is_required, waited >= SIGNATURE_WAIT) {
            (false, _) => Signed::Yes,
            (true, false) => Signed::NotYet,
            (true, true) => Signed::No(format!(
                "the file is not signed; put {}.sig beside it, with {SIGNATURE_VERSION} and the base64 of its HMAC-SHA256",
                read.dropped.name()
            )),
        });
    };
    let given = std::str::from_utf8(&signature).ok().and_then(|text| text.trim().strip_prefix(SIGNATURE_VERSION));
    let given = given.and_then(|text| STANDARD.decode(text).ok());
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&secret(&rule.secret)?).expect("HMAC takes keys of any length");
    mac.update(path.as_ref().as_bytes());
    mac.update(b"\n");
    mac.update(&read.bytes);
    // In a time that does not depend on the bytes.
    match given.map(|given| mac.verify_slice(&given)) {
        Some(Ok(())) => Ok(Signed::Yes),
        _ => Ok(Signed::No(
            "the signature is not that of this file in this place; sign path, a line end and bytes with your secret"
                .to_owned(),
        )),
    }
}
