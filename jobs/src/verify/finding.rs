//! What is wrong, and what nobody looked at.

use serde::{Deserialize, Serialize};

/// Kinds of findings, worst first: the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The log is another than a checkpoint kept elsewhere.
    ForkedLog,
    /// The log is shorter than a checkpoint kept elsewhere.
    CutLog,
    /// The log of another lake.
    OtherLog,
    /// Entries are not what was signed.
    ChangedEntry,
    /// Entries are gone from their place.
    MissingEntry,
    /// A checkpoint is not of this log, or not what its name says.
    ChangedCheckpoint,
    /// No key that is trusted signed it.
    Untrusted,
    /// Only a key signed it that had been retired before.
    ExpiredKey,
    /// Entries that no checkpoint covers.
    Unsigned,
    /// An object of the log beside its entries is not what it must be.
    DamagedLog,
    /// An entry that says nothing valid, or the same as another one.
    BadEntry,
    /// A file has other bytes than those logged.
    ChangedFile,
    /// A logged file is gone and nothing logged removed it.
    MissingFile,
    /// A file counts that no entry knows.
    UnloggedFile,
    /// An index says of a file what is not so.
    WrongIndex,
    /// Something is under way, or died, so that something was not checked.
    OpenIntent,
    /// A record has other bytes than those logged.
    ChangedRecord,
    /// A logged record is gone.
    MissingRecord,
    /// A record that no entry knows.
    UnloggedRecord,
    /// A file of a report or an export has other bytes than those logged.
    ChangedPart,
    /// A file of a report or an export is gone.
    MissingPart,
    /// A step of a review is not what was logged, or rests on none before it.
    BadApproval,
    /// A proof beside a file proves nothing.
    BadProof,
    /// A link of a producer's chain does not follow from the one before.
    ChainBreak,
    /// Numbers of a producer's chain are absent.
    ChainGap,
    /// Two links of a producer's chain have one number.
    ChainFork,
    /// A producer's chain once went further.
    ChainCut,
    /// An anchor cannot be asked.
    AnchorUnreachable,
    /// An anchor lags.
    StaleAnchor,
    /// A clock was far off when something was logged.
    ClockOff,
}

impl FindingKind {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ForkedLog => "forked_log",
            Self::CutLog => "cut_log",
            Self::OtherLog => "other_log",
            Self::ChangedEntry => "changed_entry",
            Self::MissingEntry => "missing_entry",
            Self::ChangedCheckpoint => "changed_checkpoint",
            Self::Untrusted => "untrusted",
            Self::ExpiredKey => "expired_key",
            Self::Unsigned => "unsigned",
            Self::DamagedLog => "damaged_log",
            Self::BadEntry => "bad_entry",
            Self::ChangedFile => "changed_file",
            Self::MissingFile => "missing_file",
            Self::UnloggedFile => "unlogged_file",
            Self::WrongIndex => "wrong_index",
            Self::OpenIntent => "open_intent",
            Self::ChangedRecord => "changed_record",
            Self::MissingRecord => "missing_record",
            Self::UnloggedRecord => "unlogged_record",
            Self::ChangedPart => "changed_part",
            Self::MissingPart => "missing_part",
            Self::BadApproval => "bad_approval",
            Self::BadProof => "bad_proof",
            Self::ChainBreak => "chain_break",
            Self::ChainGap => "chain_gap",
            Self::ChainFork => "chain_fork",
            Self::ChainCut => "chain_cut",
            Self::AnchorUnreachable => "anchor_unreachable",
            Self::StaleAnchor => "stale_anchor",
            Self::ClockOff => "clock_off",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VerifyFinding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// What it is about: a path in the store, an anchor, or a chain.
    pub object: String,
    /// The whole sentence.
    pub message: String,
}

/// What a check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Everything that is wrong, worst first.
    pub findings: Vec<VerifyFinding>,
    /// Everything that was not looked at, and why.
    pub not_checked: Vec<String>,
    /// What was looked at, a line each: a word and a sentence.
    pub checked: Vec<(String, String)>,
    /// Last links of producers' chains, for the log.
    #[serde(default)]
    pub heads: Vec<ChainHead>,
}

/// The last link of a producer's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// The dataset.
    pub dataset: String,
    /// Which chain, as the log names it.
    pub chain: String,
    /// Its number.
    pub seq: i64,
    /// SHA-256 that stands for it in the log.
    pub head: String,
}

impl Verified {
    pub(crate) fn add(&mut self, kind: FindingKind, object: impl Into<String>, message: impl Into<String>) {
        self.findings.push(VerifyFinding { kind, object: object.into(), message: message.into() });
    }

    pub(crate) fn not_checked(&mut self, what: impl Into<String>) {
        self.not_checked.push(what.into());
    }

    pub(crate) fn looked_at(&mut self, what: &str, sentence: String) {
        self.checked.push((what.to_owned(), sentence));
    }

    /// Puts the worst first, and each once.
    pub(crate) fn sorted(mut self) -> Self {
        self.findings.sort();
        self.findings.dedup();
        self
    }
}
