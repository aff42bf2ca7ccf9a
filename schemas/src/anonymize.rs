//! Anonymized copies, checked: what becomes of each column, what the copy must measure, and how it gets there.
//!
//! A copy is a dataset of its own. Columns that are about a person and that nobody names are not in it, so that one that
//! is added later does not leave by accident.
//!
//! Absent: keys and the text of hierarchies, which lie outside the definitions, and what a value becomes, which `engine`
//! decides.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::access::{FloorUnit, MaskKey};
use crate::id::{DatasetId, PolicyId};

/// A copy that is safe to share: `policies/*.yaml` with first key `anonymize`, checked against its datasets.
#[derive(Debug, Clone, PartialEq)]
pub struct AnonymizePolicy {
    /// Its name.
    pub id: PolicyId,
    /// Whether it may be carried out; templates that nobody has looked at may not.
    pub enabled: bool,
    /// Whose rows are copied.
    pub from: DatasetId,
    /// The dataset that holds the copy.
    pub to: DatasetId,
    /// What is said of columns, by name. Of the others, those of `dropped` go, and `others` says of the rest.
    pub columns: BTreeMap<String, CopyColumn>,
    /// Columns about a person that the policy does not name.
    pub dropped: BTreeSet<String>,
    /// What becomes of the other columns that it does not name.
    pub others: Others,
    /// What the copy must measure.
    pub require: Privacy,
    /// How values are made coarser until it does.
    pub search: Search,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
}

impl AnonymizePolicy {
    /// Columns of a role, by name.
    pub fn columns_of(&self, role: Role) -> Vec<&str> {
        let of = self.columns.iter().filter(|(_, column)| column.role == Some(role));
        of.map(|(name, _)| name.as_str()).collect()
    }

    /// Whether the copy has this column of its source.
    pub fn keeps(&self, column: &str) -> bool {
        match self.columns.get(column) {
            Some(named) => named.method != Some(CopyMethod::Drop),
            None => self.others == Others::Keep && !self.dropped.contains(column),
        }
    }

    /// The keys that its methods need, each once.
    pub fn keys(&self) -> Vec<&MaskKey> {
        let mut keys: Vec<&MaskKey> = Vec::new();
        for key in self.columns.values().filter_map(|column| column.method.as_ref()?.key()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// The hierarchies of its columns, by column.
    pub fn hierarchies(&self) -> impl Iterator<Item = (&str, &HierarchySource)> {
        self.columns.iter().filter_map(|(name, column)| Some((name.as_str(), column.hierarchy()?)))
    }
}

/// What becomes of columns that nobody named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Others {
    /// They are in the copy as they are, but for those about a person.
    #[default]
    Keep,
    /// They are not in the copy.
    Drop,
}

/// What is said of a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CopyColumn {
    /// What its values become before anything is searched; they stay where this is left out.
    pub method: Option<CopyMethod>,
    /// What it is for whoever would find a person.
    pub role: Option<Role>,
    /// How its values become coarser, where a search may choose how far.
    pub ladder: Option<HierarchySource>,
}

impl CopyColumn {
    /// Its hierarchy, whoever climbs it.
    pub fn hierarchy(&self) -> Option<&HierarchySource> {
        match &self.method {
            Some(CopyMethod::Hierarchy { of, .. }) => Some(of),
            _ => self.ladder.as_ref(),
        }
    }
}

/// What a column is for whoever would find a person in the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Together with the others of its kind it may be known from elsewhere, and so tell a person.
    Quasi,
    /// What is not to be learned of a person.
    Sensitive,
}

/// How the values of a column become coarser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HierarchySource {
    /// A file beside `lake.yaml`: `;` between columns, the value first, each next one coarser.
    File {
        /// Its path.
        path: String,
        /// Whether a value that is not in it becomes `*`; it is an error otherwise.
        unknown: bool,
    },
    /// The first characters stay, so many at each level, and the others become `*`.
    Prefix(Vec<u32>),
    /// Numbers become intervals, so wide at each level above the first.
    Width(Vec<u64>),
}

/// What the values of a column become. Null stays null, whatever the method.
#[derive(Debug, Clone, PartialEq)]
pub enum CopyMethod {
    /// The column is not in the copy.
    Drop,
    /// Null.
    Redact,
    /// The same for every value.
    Constant {
        /// The text of the value, in the column's type.
        value: String,
    },
    /// The first or last characters stay, every other becomes `*`; values that are no longer become `*` whole.
    Mask {
        /// How many stay, in grapheme clusters.
        keep: u32,
        /// Whether those at the end stay and not those at the start.
        last: bool,
    },
    /// A keyed pseudonym: the id of the key, `:`, and 128 bits of HMAC-SHA256 as base64url.
    Pseudonym {
        /// The key.
        key: MaskKey,
        /// What it is for: pseudonyms of two purposes do not join.
        purpose: String,
    },
    /// Another text of the same length and alphabet: FF1 with AES-256 (NIST SP 800-38G).
    Fpe {
        /// The key.
        key: MaskKey,
        /// The characters of the values, each once.
        alphabet: String,
    },
    /// An instant goes down to the start of its unit, in UTC.
    Floor {
        /// The unit.
        to: FloorUnit,
    },
    /// An instant moves by an offset that is the same for all instants of a person.
    Shift {
        /// The key.
        key: MaskKey,
        /// Column that says which person.
        by: String,
        /// Longest offset, in seconds, either way.
        within_seconds: u64,
    },
    /// A number becomes the largest multiple that is not above it.
    Bucket {
        /// Of what.
        width: f64,
    },
    /// A number becomes the nearest multiple; one half way goes away from zero.
    Round {
        /// Of what.
        to: f64,
    },
    /// A number below the least becomes the least, one above the most becomes the most.
    Clamp {
        /// The least.
        min: Option<f64>,
        /// The most.
        max: Option<f64>,
    },
    /// An address loses its end; text that is no address becomes null.
    TruncateIp {
        /// Bits of an IPv4 address that stay.
        v4: u8,
        /// Bits of an IPv6 address that stay.
        v6: u8,
    },
    /// A coordinate keeps so many decimals.
    Grid {
        /// How many.
        decimals: u8,
    },
    /// The value's ancestor at a level of a hierarchy.
    Hierarchy {
        /// The hierarchy.
        of: HierarchySource,
        /// The level; the value itself is 0.
        level: u32,
    },
}

impl CopyMethod {
    /// The word in YAML.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Redact => "redact",
            Self::Constant { .. } => "constant",
            Self::Mask { .. } => "mask",
            Self::Pseudonym { .. } => "pseudonym",
            Self::Fpe { .. } => "fpe",
            Self::Floor { .. } => "floor",
            Self::Shift { .. } => "shift",
            Self::Bucket { .. } => "bucket",
            Self::Round { .. } => "round",
            Self::Clamp { .. } => "clamp",
            Self::TruncateIp { .. } => "truncate_ip",
            Self::Grid { .. } => "grid",
            Self::Hierarchy { .. } => "hierarchy",
        }
    }

    /// The key it needs.
    pub fn key(&self) -> Option<&MaskKey> {
        match self {
            Self::Pseudonym { key, .. } | Self::Fpe { key, .. } | Self::Shift { key, .. } => Some(key),
            _ => None,
        }
    }
}

/// What a copy must measure; nothing is measured where all of it is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Privacy {
    /// Least number of rows that are alike in every quasi identifier.
    pub k: Option<u32>,
    /// How many values each sensitive column has, at least, among rows that are alike.
    pub l: Option<Diversity>,
    /// How far the values of a sensitive column among rows that are alike may be from those of all rows.
    pub t: Option<f64>,
}

impl Privacy {
    /// Whether anything is required.
    pub fn is_empty(&self) -> bool {
        self.k.is_none() && self.l.is_none() && self.t.is_none()
    }
}

/// How the values of a sensitive column among rows that are alike are counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Diversity {
    /// So many different ones.
    Distinct(u32),
    /// Entropy of at least the logarithm of this.
    Entropy(f64),
}

/// How values are made coarser until the copy measures what it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// In which way.
    pub kind: SearchKind,
    /// What of several that would do is lost least.
    pub loss: Loss,
    /// Rows in a million that may be left out.
    pub suppress_ppm: u32,
}

/// A way to make values coarser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchKind {
    /// One level for each column, the best of all that would do.
    Optimal,
    /// Ranges that are cut in half as long as both halves would do.
    Mondrian,
    /// Values stay as the methods make them.
    None,
}

impl SearchKind {
    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Optimal => "optimal",
            Self::Mondrian => "mondrian",
            Self::None => "none",
        }
    }
}

/// What a search loses, and wants to lose least of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// What the values said, in bits: non-uniform entropy.
    Entropy,
    /// Squares of the numbers of rows that are alike.
    Discernibility,
    /// Levels.
    Height,
}
