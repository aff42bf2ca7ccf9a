//! The versions that a store keeps of one object.
//!
//! Absent: any I/O.

use std::fmt;

use chrono::{DateTime, Utc};

/// Whether two ETags name the same bytes. Azure lists them without the quotes that it answers them with.
pub(crate) fn same_etag(one: &str, other: &str) -> bool {
    one.trim_matches('"') == other.trim_matches('"')
}

/// The name that a store gave to one version of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId(pub(crate) String);

impl VersionId {
    /// The name as the store wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its name; `null` for what was written while the bucket kept no versions.
    pub id: VersionId,
    /// Whether it is what a reader gets who names no version.
    pub latest: bool,
    /// Whether it only says that the object was removed.
    pub delete_marker: bool,
    /// Its length; 0 for a delete marker.
    pub size_bytes: u64,
    /// Its ETag, as a reader gets it; none for a delete marker.
    pub etag: Option<String>,
    /// When it was written, by the clock of the store.
    pub last_modified: DateTime<Utc>,
}

/// The versions of one object, its present bytes among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// The store keeps none: what is replaced or deleted is gone.
    None,
    /// All of them, newest first. A bucket that keeps no versions lists the present object alone, with the id `null`.
    Listed(Vec<Version>),
    /// They could not be listed, so older ones may remain.
    Unlisted {
        /// Why, and what would help.
        why: String,
    },
}

impl Versions {
    /// Those that were written before the newest one of that ETag; all of them for the empty ETag, which is that of an
    /// object that is gone. Where none has the ETag, nobody knows which are older, and there are none.
    pub fn older_than(&self, etag: &str) -> &[Version] {
        let Self::Listed(versions) = self else { return &[] };
        if etag.is_empty() {
            return versions;
        }
        let is_it = |version: &Version| version.etag.as_deref().is_some_and(|other| same_etag(other, etag));
        let at = versions.iter().position(is_it);
        at.map_or(&[], |at| &versions[at + 1..])
    }
}

/// Why a store does not let a version go. As text it is one clause, with the date where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionLock {
    /// In the words of the store.
    pub why: String,
    /// From when on it can be deleted, where that is known.
    pub until: Option<DateTime<Utc>>,
}

impl fmt::Display for VersionLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        match self.until {
            Some(until) => write!(f, ", until {}", until.format("%Y-%m-%dT%H:%M:%SZ")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_is_what_lies_below_the_newest_version_of_an_etag() {
        let version = |id: &str, etag: Option<&str>| Version {
            id: VersionId(id.to_owned()),
            latest: id == "5",
            delete_marker: etag.is_none(),
            size_bytes: 1,
            etag: etag.map(str::to_owned),
            last_modified: DateTime::UNIX_EPOCH,
        };
        let foreign = [version("5", Some("z")), version("4", Some("b")), version("3", None), version("2", Some("b"))];
        let listed = Versions::Listed([&foreign[..], &[version("1", Some("a"))]].concat());
        let older =
            |etag: &str| listed.older_than(etag).iter().map(|version| version.id.to_string()).collect::<Vec<_>>();
        assert_eq!(older("z"), ["4", "3", "2", "1"]);
        assert_eq!(older("b"), ["3", "2", "1"], "what was written after it stays");
        assert_eq!(older("a"), [] as [&str; 0]);
        assert_eq!(older("c"), [] as [&str; 0]);
        assert_eq!(older(""), ["5", "4", "3", "2", "1"]);
        assert!(Versions::None.older_than("").is_empty());
    }

    #[test]
    fn quotes_are_no_part_of_an_etag() {
        assert!(same_etag("\"0x8D9\"", "0x8D9") && same_etag("\"a\"", "\"a\"") && !same_etag("\"a\"", "\"b\""));
    }
}
