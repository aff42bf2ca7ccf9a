//! `policies/evidence.yaml` as it is written, before any check. Its rules are those of `raw.rs`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::yaml::At;

/// How the lake keeps evidence of itself: `policies/evidence.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "EvidenceFile", deny_unknown_fields)]
pub(super) struct RawEvidenceFile {
    /// who signs the log, for example {origin: acme.example/auditlake/acme, sign: {key: file:keys/log.key}}
    pub(super) evidence: RawEvidencePolicy,
}

/// Who signs, who is trusted, and where checkpoints are kept besides.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "EvidencePolicy", deny_unknown_fields)]
pub(super) struct RawEvidencePolicy {
    /// name of the log and of its keys: a domain of yours and a path, for example acme.example/auditlake/acme
    pub(super) origin: At<String>,
    /// keys that sign, for example {key: file:keys/log.key}
    pub(super) sign: RawSign,
    /// files of verifier keys, one key a line, for example [file:keys/log.pub]
    pub(super) trust: Option<At<Vec<At<String>>>>,
    /// stores outside the lake that keep checkpoints, for example [{name: vault, to: s3://acme-anchors/auditlake}]
    pub(super) anchors: Option<At<Vec<RawAnchor>>>,
}

/// Keys that sign.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Sign", deny_unknown_fields)]
pub(super) struct RawSign {
    /// where the key is: env:NAME of a variable, or file:/path
    pub(super) key: At<String>,
    /// where the key is that signs beside it until it is given up: env:NAME of a variable, or file:/path
    pub(super) retiring: Option<At<String>>,
}

/// A store outside the lake that keeps checkpoints.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Anchor", deny_unknown_fields)]
pub(super) struct RawAnchor {
    /// name of the anchor, for example vault
    pub(super) name: At<String>,
    /// a bucket or a folder that is not the lake's, for example s3://acme-anchors/auditlake or file:/mnt/anchors
    pub(super) to: At<String>,
    /// how long a checkpoint may wait until it is kept there, at least 1m; 1h when left out
    pub(super) every: Option<At<String>>,
}
