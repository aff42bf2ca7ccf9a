//! `policies/subjects.yaml` as it is written, before any check. Its rules are those of `raw.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::raw_access::RawMaskKey;
use super::raw_retention::RawApproval;
use super::yaml::At;

/// How requests of persons are answered: `policies/subjects.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "SubjectsFile", deny_unknown_fields)]
pub(super) struct RawSubjectsFile {
    /// how persons are known, for example {key: {id: s26, secret: env:AL_SUBJECT_KEY}}
    pub(super) subjects: RawSubjects,
}

/// How persons are known, and who agrees to their erasure.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Subjects", deny_unknown_fields)]
pub(super) struct RawSubjects {
    /// the key that stands for identifiers in records, for example {id: s26, secret: env:AL_SUBJECT_KEY}
    pub(super) key: RawMaskKey,
    /// keys of before, as long as records under them count, for example [{id: s25, secret: env:AL_SUBJECT_KEY_25}]
    pub(super) retired: Option<At<Vec<RawMaskKey>>>,
    /// where the accounts of a person stand, for example {dataset: identity, person: person_id, ids: {account_id: user}}
    pub(super) identities: Option<RawIdentities>,
    /// kind of the identifiers in a column, by dataset.column, for example {audit.subject_id: customer}; user when left out
    pub(super) kinds: Option<At<BTreeMap<String, At<String>>>>,
    /// whose clock runs unless a case says so: gdpr, uk_gdpr, ccpa, hipaa or house; house when left out
    pub(super) jurisdiction: Option<At<String>>,
    /// who must agree to an erasure, for example {approvers: 2}
    pub(super) approval: Option<RawApproval>,
    /// where cases stand as rows for reports and controls, for example {dataset: dsr, tenant: acme}
    pub(super) requests: Option<RawRequests>,
    /// the dataset of schema correction.v1 in which corrections stand, for example correction
    pub(super) corrections: Option<At<String>>,
}

/// Where cases stand as rows.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "RequestRows", deny_unknown_fields)]
pub(super) struct RawRequests {
    /// a dataset of schema dsr.v1, for example dsr
    pub(super) dataset: At<String>,
    /// the tenant that the rows belong to, for example acme
    pub(super) tenant: At<String>,
}

/// Where the accounts of a person stand.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Identities", deny_unknown_fields)]
pub(super) struct RawIdentities {
    /// the dataset, for example identity
    pub(super) dataset: At<String>,
    /// its column that says who the person is, for example person_id
    pub(super) person: At<String>,
    /// its columns of identifiers, each with their kind, for example {account_id: user}
    pub(super) ids: At<BTreeMap<String, At<String>>>,
    /// steps from an identifier to others, 1 to 5; 2 when left out
    pub(super) depth: Option<At<u32>>,
    /// more identifiers than these are no person; 50 when left out
    pub(super) limit: Option<At<u32>>,
}
