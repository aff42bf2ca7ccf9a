//! Export requests: a file dropped into `requests/inbox/<principal>/` becomes an answer under `exports/<principal>/`.
//!
//! ```text
//! requests/inbox/alice/march.yaml             dropped by alice, who can write here and read her answers, and nothing else
//! _auditlake/requests/alice/<hash>.json       when it was first taken up: what now() is, however often it is tried
//! _auditlake/claims/requests/alice/<hash>/    who works on it
//! exports/alice/<hash>/e000001/part-…         the parts of an attempt
//! exports/alice/<hash>/status.json            for people; nobody decides by it
//! exports/alice/<hash>/manifest.json          the answer exists from here on
//! requests/done/alice/<hash>.yaml             the file as it was; or requests/rejected/…, with <hash>.error.json
//! ```
//!
//! The hash is of principal and bytes, so that the same file dropped twice, under whatever name, is one request. Each step is
//! made by creating an object or repeats without harm: whoever comes after a crash goes on with what is left.

mod answer;
mod aside;
mod command;
mod inbox;
mod records;
mod signature;
mod slots;
#[cfg(test)]
mod tests;
mod worker;

pub(crate) use command::{command, outcome};
pub(crate) use records::refusal;
pub(crate) use worker::{Watch, watch as watch_inbox};

use object_store::path::Path;
use sha2::{Digest, Sha256};

use records::shown;

/// Folder of what is dropped.
const INBOX: &str = "requests/inbox";
/// Folder of requests that were answered.
pub(crate) const DONE: &str = "requests/done";
/// Folder of requests that were refused, or failed.
pub(crate) const REJECTED: &str = "requests/rejected";
/// Folder of answers.
const EXPORTS: &str = "exports";
/// Digits of a hash in names.
const HASH_DIGITS: usize = 20;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestId {
    pub(crate) principal: String,
    /// Of principal and bytes; with `-2` behind it where an earlier answer has expired.
    pub(crate) hash: String,
}

impl RequestId {
    /// The request that these bytes are.
    fn of(principal: &str, bytes: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(principal.as_bytes());
        hash.update(b"\n");
        hash.update(bytes);
        let mut hash = schemas::hex(&hash.finalize());
        hash.truncate(HASH_DIGITS);
        Self { principal: principal.to_owned(), hash }
    }

    /// Reads `alice/0123…` back.
    fn parse(text: &str) -> Option<Self> {
        let (principal, hash) = text.split_once('/')?;
        let is_hash =
            |text: &str| text.len() >= HASH_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        let principal = schemas::principal_name(principal).ok().filter(|_| is_hash(hash))?;
        Some(Self { principal, hash: hash.to_owned() })
    }

    /// The same question, asked anew after its answer number `number` - 1 has expired.
    fn again(&self, number: u32) -> Self {
        Self { hash: format!("{}-{number}", self.hash), ..self.clone() }
    }

    /// Says that nobody is to answer it.
    fn cancelled(&self) -> Path {
        self.in_folder("_auditlake/requests", ".cancelled.json")
    }

    /// Folder of its answer.
    fn answer(&self) -> String {
        format!("{EXPORTS}/{}/{}/", self.principal, self.hash)
    }

    fn in_folder(&self, folder: &str, ending: &str) -> Path {
        Path::from(format!("{folder}/{}/{}{ending}", self.principal, self.hash))
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.principal, self.hash)
    }
}
