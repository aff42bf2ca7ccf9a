//! Policies of anonymized copies and their jobs as they are written, before any check. Their rules are those of
//! `raw.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::yaml::At;
use crate::anonymize::{Loss, Others, Role, SearchKind};

/// A copy of a dataset that is safe to share: `policies/*.yaml` with first key anonymize.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Anonymize", deny_unknown_fields)]
pub(super) struct RawAnonymize {
    /// name of the copy's policy, for example study-copy
    pub(super) anonymize: At<String>,
    /// false: the policy is checked and never carried out; true when left out
    pub(super) enabled: Option<bool>,
    /// the dataset and that of the copy, for example {from: audit, to: audit_study}
    pub(super) copy: RawFromTo,
    /// what becomes of columns, for example {actor_id: {method: redact}}; personal ones that are not named are dropped
    pub(super) columns: At<BTreeMap<String, At<RawCopyColumn>>>,
    /// what becomes of columns that are not named and not personal: keep or drop; keep when left out
    pub(super) others: Option<At<Others>>,
    /// what the copy must measure, for example {k: 5}
    pub(super) require: Option<At<RawRequire>>,
    /// how values are made coarser until it does, for example {kind: optimal, suppress: 4%}
    pub(super) search: Option<At<RawSearch>>,
}

/// From where to where.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "FromTo", deny_unknown_fields)]
pub(super) struct RawFromTo {
    /// dataset whose rows are copied, for example audit
    pub(super) from: At<String>,
    /// dataset that holds the copy, for example audit_study
    pub(super) to: At<String>,
}

/// What becomes of a column.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "CopyColumn", deny_unknown_fields)]
pub(super) struct RawCopyColumn {
    /// keep, drop, redact, constant, mask, pseudonym, fpe, floor, shift, bucket, round, clamp, truncate_ip, grid or hierarchy
    pub(super) method: Option<At<String>>,
    /// quasi or sensitive: what the column is for whoever would find a person
    pub(super) role: Option<At<Role>>,
    /// how its values become coarser, for example file:hierarchies/age.csv or {prefix: [5, 3, 0]}
    pub(super) hierarchy: Option<At<RawHierarchy>>,
    /// level of method hierarchy, for example 1
    #[schemars(range(min = 1, max = 64))]
    pub(super) level: Option<u32>,
    /// key of pseudonym, fpe and shift, for example {id: p26, secret: env:AL_P26}
    pub(super) key: Option<RawCopyKey>,
    /// what a pseudonym is for, for example study; the policy's name when left out
    pub(super) purpose: Option<At<String>>,
    /// characters of fpe: digits, hex, lower, upper, letters, alphanumeric, or each of them once
    pub(super) alphabet: Option<At<String>>,
    /// the value of constant, for example anonymous
    pub(super) value: Option<String>,
    /// characters that mask keeps at the beginning, for example 2
    pub(super) first: Option<u32>,
    /// characters that mask keeps at the end, for example 4
    pub(super) last: Option<u32>,
    /// hour, day, month or year for floor; a number for round, for example 100
    pub(super) to: Option<At<String>>,
    /// column that says whose instant shift moves; the dataset's first subject column when left out
    pub(super) by: Option<At<String>>,
    /// longest offset of shift, either way, for example 30d
    pub(super) within: Option<At<String>>,
    /// width of the intervals of bucket, for example 10
    pub(super) width: Option<At<String>>,
    /// the least that clamp leaves, for example 18
    pub(super) min: Option<At<String>>,
    /// the most that clamp leaves, for example 90
    pub(super) max: Option<At<String>>,
    /// bits of an IPv4 address that truncate_ip keeps; 24 when left out
    #[schemars(range(max = 31))]
    pub(super) v4: Option<u8>,
    /// bits of an IPv6 address that truncate_ip keeps; 48 when left out
    #[schemars(range(max = 127))]
    pub(super) v6: Option<u8>,
    /// decimals of a coordinate that grid keeps, for example 2
    #[schemars(range(max = 8))]
    pub(super) decimals: Option<u8>,
}

/// A file's path, or levels.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum RawHierarchy {
    /// A file.
    Path(String),
    /// Levels.
    Levels(RawLevels),
}

/// The levels of a hierarchy.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Levels", deny_unknown_fields)]
pub(super) struct RawLevels {
    /// path of a file, for example hierarchies/age.csv
    pub(super) file: Option<String>,
    /// "*": a value that is not in the file becomes *; it fails the run when left out
    pub(super) unknown: Option<String>,
    /// characters at the beginning that each level keeps, for example [5, 3, 2, 0]
    pub(super) prefix: Option<Vec<u32>>,
    /// width of the intervals of numbers at each level, for example [5, 10, 20]
    pub(super) width: Option<Vec<u64>>,
}

/// A key.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "CopyKey", deny_unknown_fields)]
pub(super) struct RawCopyKey {
    /// id of the key, which stands before each pseudonym, for example p26
    pub(super) id: At<String>,
    /// where its secret is, for example env:AL_P26 or file:keys/p26.key
    pub(super) secret: At<String>,
}

/// What the copy must measure.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Require", deny_unknown_fields)]
pub(super) struct RawRequire {
    /// rows that are alike in every quasi identifier, at least, for example 5
    #[schemars(range(min = 2))]
    pub(super) k: Option<u32>,
    /// values of each sensitive column among rows that are alike, at least, for example {distinct: 2}
    pub(super) l: Option<At<RawDiversity>>,
    /// how far sensitive values among rows that are alike may be from those of all rows, 0 to 1, for example 0.2
    pub(super) t: Option<At<String>>,
}

/// How values are counted.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Diversity", deny_unknown_fields)]
pub(super) struct RawDiversity {
    /// so many different ones, for example 2
    #[schemars(range(min = 2))]
    pub(super) distinct: Option<u32>,
    /// entropy of at least the logarithm of this, for example 1.5
    pub(super) entropy: Option<At<String>>,
}

/// How values are made coarser.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Search", deny_unknown_fields)]
pub(super) struct RawSearch {
    /// optimal, mondrian or none; optimal when a column has a hierarchy, else none
    pub(super) kind: Option<At<SearchKind>>,
    /// entropy, discernibility or height: what is lost least; entropy when left out
    pub(super) loss: Option<At<Loss>>,
    /// share of the rows that may be left out, for example 4%; 0% when left out
    pub(super) suppress: Option<At<String>>,
}

/// A job of kind `anonymize`: `jobs/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "AnonymizeJob", deny_unknown_fields)]
pub(super) struct RawAnonymizeJob {
    /// name of the job, for example study-monthly
    pub(super) job: At<String>,
    /// anonymize
    #[serde(rename = "kind")]
    #[schemars(extend("const" = "anonymize"))]
    _kind: String,
    /// policy of the copy, for example study-copy
    pub(super) policy: At<String>,
    /// length of the interval that a run copies, up to its instant, for example 30d; all rows when left out
    pub(super) window: Option<At<String>>,
    /// what the rows are used for, for example marketing; those of persons who object to it are left out
    pub(super) purpose: Option<At<String>>,
}
