//! What a splitter gives out: records, and what could not be one.

use super::waste::Waste;

/// How much of a bad record is kept.
pub(crate) const RAW_BYTES_MAX: usize = 64 * 1024;

/// Why a record was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RejectKind {
    /// Not JSON, or JSON that could mean two things.
    Syntax,
    /// A value that must be there is not.
    Missing,
    /// A value, or the record itself, is of another type.
    Type,
    /// A value lies outside what its column holds.
    Range,
    /// Longer than 16 MiB.
    TooLarge,
    /// Same key as another record, other content.
    IdConflict,
    /// The input ended inside it.
    Truncated,
}

impl RejectKind {
    /// The word in `rejected.v1`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Missing => "missing",
            Self::Type => "type",
            Self::Range => "range",
            Self::TooLarge => "too_large",
            Self::IdConflict => "id_conflict",
            Self::Truncated => "truncated",
        }
    }
}

/// Where a record stands in its uncompressed object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Bytes before it.
    pub(crate) offset: u64,
    /// Line on which it begins, from 1.
    pub(crate) line: u64,
    /// Number among the records, bad and skipped ones included, from 1.
    pub(crate) number: u64,
}

/// One record's bytes. Its brackets match; whether it is JSON, `parse_strict` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// Where it stands.
    pub(crate) place: Place,
    /// From `{` to `}`.
    pub(crate) bytes: &'a [u8],
}

impl Record<'_> {
    /// This record, refused.
    pub(crate) fn rejected(&self, kind: RejectKind, detail: String) -> Bad {
        let mut waste = Waste::default();
        waste.take(self.bytes);
        waste.rejected(self.place, kind, detail)
    }
}

/// A record that was refused, with enough of it to find and replay it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bad {
    /// Where it stands.
    pub(crate) place: Place,
    /// Why it was refused.
    pub(crate) kind: RejectKind,
    /// What was wrong, for a person.
    pub(crate) detail: String,
    /// Its first [`RAW_BYTES_MAX`] bytes.
    pub(crate) bytes: Vec<u8>,
    /// How long it is.
    pub(crate) bytes_total: u64,
    /// SHA-256 of all its bytes.
    pub(crate) hash: [u8; 32],
}

/// A record that was refused before, in place of one that is read for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Again<'a> {
    /// Its place among the refused ones, and its bytes.
    pub(crate) record: Record<'a>,
    /// The object that it stood in.
    pub(crate) source: &'a str,
    /// Bytes before it there.
    pub(crate) offset: u64,
}

/// What stands next in the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    /// A record.
    Record(Record<'a>),
    /// A record that was refused before.
    Again(Again<'a>),
    /// A record that cannot be read.
    Bad(Bad),
    /// A record that is none of ours.
    Skipped {
        /// Where it stands.
        place: Place,
        /// What it is.
        reason: &'static str,
    },
}
