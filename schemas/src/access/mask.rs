//! What is shown of a column in place of its values.

use serde::{Deserialize, Serialize};

/// A mask. Type and nullability of the column stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mask {
    /// Nothing.
    Null,
    /// The same for every value that is not null; of a text column this text, else the type's zero.
    Constant(String),
    /// The first or last letters of a text; each of the others is a `*`, and there are always as many.
    Partial {
        /// Letters kept at the beginning.
        first: u32,
        /// Letters kept at the end.
        last: u32,
    },
    /// The network of an address: 24 bits of IPv4, 48 of IPv6; nothing of what is no address.
    TruncateIp,
    /// The beginning of the hour, day, month or year of an instant, in UTC.
    Floor(FloorUnit),
    /// The largest multiple of this number that is not above the value.
    Bucket(u64),
    /// A keyed pseudonym: the id of the key, `:`, and 128 bits of HMAC-SHA256 (RFC 2104) as base64url (RFC 4648).
    Pseudonym(MaskKey),
}

impl Mask {
    /// Its word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Constant(_) => "constant",
            Self::Partial { .. } => "partial",
            Self::TruncateIp => "truncate_ip",
            Self::Floor(_) => "floor",
            Self::Bucket(_) => "bucket",
            Self::Pseudonym(_) => "pseudonym",
        }
    }
}

/// A key of pseudonyms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskKey {
    /// Its id, which stands before each pseudonym.
    pub id: String,
    /// Where it is.
    pub secret: SecretSource,
}

impl MaskKey {
    /// Checks the id of a key: 1 to 16 letters and digits, as it stands before values.
    ///
    /// # Errors
    /// A sentence that says what would be one.
    pub(crate) fn id(given: &str) -> Result<String, String> {
        let is_id = (1..=16).contains(&given.len()) && given.bytes().all(|b| b.is_ascii_alphanumeric());
        if is_id {
            return Ok(given.to_owned());
        }
        Err(format!("key id {given:?} is not one; use 1 to 16 letters and digits, for example a26"))
    }
}

/// Where a secret is; it never stands in a definition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretSource {
    /// A variable of the environment.
    Env(String),
    /// A file, whose last line end does not count.
    File(String),
}

impl SecretSource {
    /// Reads `env:NAME` or `file:/path`.
    ///
    /// # Errors
    /// A sentence that says what would be one.
    pub fn parse(given: &str) -> Result<Self, String> {
        let name = given.strip_prefix("env:").map(|name| Self::Env(name.to_owned()));
        let file = given.strip_prefix("file:").map(|path| Self::File(path.to_owned()));
        match name.or(file) {
            Some(Self::Env(name))
                if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') =>
            {
                Ok(Self::Env(name))
            }
            Some(Self::File(path)) if !path.is_empty() => Ok(Self::File(path)),
            _ => Err("secret does not say where it is; write env:NAME of a variable, or file:/path".to_owned()),
        }
    }
}

/// What the floor of an instant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FloorUnit {
    /// The hour.
    Hour,
    /// The day.
    Day,
    /// The month.
    Month,
    /// The year.
    Year,
}

impl FloorUnit {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}
