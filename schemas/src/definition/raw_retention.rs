//! Retention policies as they are written, before any check. Their rules are those of `raw.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::words::RawWords;
use super::yaml::At;
use crate::access::FloorUnit;
use crate::retention::{ErasureMode, Standard, WithinMinimum};

/// How long rows of a dataset are kept, and what is done with them then: `policies/*.yaml` with first key policy.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Policy", deny_unknown_fields)]
pub(super) struct RawRetention {
    /// name of the policy, for example audit
    pub(super) policy: At<String>,
    /// the dataset, for example audit; that of the policy's name when left out
    pub(super) dataset: Option<At<String>>,
    /// false: the policy is checked and never applied; true when left out
    pub(super) enabled: Option<bool>,
    /// how long rows are kept, for example [{rule: all, maximum: 730d, disposition: delete}]; [] keeps them for ever
    pub(super) rules: At<Vec<At<RawRetentionRule>>>,
    /// standards whose minimum holds for every row, for example [sox]: pci_dss, hipaa, sox or ai_logs
    pub(super) standards: Option<At<Vec<At<Standard>>>>,
    /// types of events that are never removed, for example [legal_hold.*]; those of holds, retention and audits when left out
    pub(super) never_delete: Option<At<Vec<At<String>>>>,
    /// what the erasure of a person does, for example {mode: delete, within_minimum: refuse}
    pub(super) erasure: Option<RawErasure>,
    /// how long what was replaced or dropped is still there, for example 12h; 1d when left out, 0h for at once
    pub(super) grace: Option<At<String>>,
    /// who must agree to a plan, for example {approvers: 2, valid_for: 24h}
    pub(super) approval: Option<RawApproval>,
    /// copies that are not reached from here, for example [{what: tapes, erased_by: never, until: 90d}]
    pub(super) copies: Option<At<Vec<RawCopy>>>,
}

/// A rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "RetentionRule", deny_unknown_fields)]
pub(super) struct RawRetentionRule {
    /// name of the rule, for example logins
    pub(super) rule: At<String>,
    /// which rows, for example {event_type: [user.login, session.*]}; every row when left out
    #[serde(rename = "where")]
    pub(super) rows: Option<At<RawRowMatch>>,
    /// age below which rows must not go, for example 6mo
    pub(super) minimum: Option<At<String>>,
    /// age from which on rows must go, for example 730d
    pub(super) maximum: Option<At<String>>,
    /// what is done with rows of the maximum: delete, archive or anonymize
    pub(super) disposition: Option<At<RawDisposition>>,
    /// what becomes of columns under disposition anonymize, for example {src_ip: {method: truncate_ip}}
    pub(super) anonymize: Option<At<BTreeMap<String, At<RawInPlace>>>>,
    /// how long and where rows lie under disposition archive, for example {keep: 1y}
    pub(super) archive: Option<At<RawArchive>>,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "Disposition")]
#[serde(rename_all = "snake_case")]
pub(super) enum RawDisposition {
    /// Rows go.
    Delete,
    /// Rows move to the archive.
    Archive,
    /// Rows stay without what names a person.
    Anonymize,
}

/// Which rows: all keys must be met, each by one of its values.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Where", deny_unknown_fields)]
pub(super) struct RawRowMatch {
    /// types of events, * at the end for what they begin with, for example [user.login, session.*]
    pub(super) event_type: Option<At<RawWords>>,
    /// tenants, for example [acme-eu]
    pub(super) tenant: Option<At<RawWords>>,
    /// classes of data of the row, or else of its dataset, for example [pii]
    pub(super) class: Option<At<RawWords>>,
    /// any other columns, for example {outcome: [denied]}
    #[serde(default)]
    pub(super) column: BTreeMap<String, At<RawWords>>,
}

/// What becomes of a column.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "InPlace", deny_unknown_fields)]
pub(super) struct RawInPlace {
    /// redact, constant, mask, truncate_ip or floor
    pub(super) method: At<String>,
    /// the text of constant, for example anonymous
    pub(super) value: Option<String>,
    /// characters that mask keeps at the beginning, for example 2
    pub(super) first: Option<u32>,
    /// characters that mask keeps at the end, for example 4
    pub(super) last: Option<u32>,
    /// bits of an IPv4 address that truncate_ip keeps; 24 when left out
    #[schemars(range(max = 31))]
    pub(super) v4: Option<u8>,
    /// bits of an IPv6 address that truncate_ip keeps; 48 when left out
    #[schemars(range(max = 127))]
    pub(super) v6: Option<u8>,
    /// hour, day, month or year: what floor keeps
    pub(super) to: Option<FloorUnit>,
}

/// The archive.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Archive", deny_unknown_fields)]
pub(super) struct RawArchive {
    /// how long it keeps rows from then on, for example 1y; for ever when left out
    pub(super) keep: Option<At<String>>,
    /// storage class in the words of the bucket's service, for example GLACIER_IR; that of the bucket when left out
    pub(super) storage_class: Option<At<String>>,
}

/// The erasure of a person.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Erasure", deny_unknown_fields)]
pub(super) struct RawErasure {
    /// delete or anonymize: what is done with the person's rows; delete when left out
    pub(super) mode: Option<ErasureMode>,
    /// anonymize or refuse: what is done with those below their minimum; anonymize when left out
    pub(super) within_minimum: Option<WithinMinimum>,
}

/// Who must agree.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "PlanApproval", deny_unknown_fields)]
pub(super) struct RawApproval {
    /// how many principals; 1 when left out
    #[schemars(range(min = 1, max = 10))]
    pub(super) approvers: Option<u32>,
    /// false: who drew up the plan may approve it; true when left out
    pub(super) not_planner: Option<bool>,
    /// how long an approval holds, for example 24h; 7d when left out
    pub(super) valid_for: Option<At<String>>,
    /// share of the rows above which approving must name their number, for example 0.5%; 20% when left out
    pub(super) brake: Option<At<String>>,
}

/// A copy that is not reached from here.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Copy", deny_unknown_fields)]
pub(super) struct RawCopy {
    /// what and where it is, for example replica acme-audit-dr
    pub(super) what: At<String>,
    /// how rows leave it, for example replication or never
    pub(super) erased_by: At<String>,
    /// how long it has rows that are gone here, for example 90d
    pub(super) until: Option<At<String>>,
}

/// A job of kind `retention`: `jobs/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Retention", deny_unknown_fields)]
pub(super) struct RawRetentionJob {
    /// name of the job, for example retention-daily
    pub(super) job: At<String>,
    /// retention
    #[serde(rename = "kind")]
    #[schemars(extend("const" = "retention"))]
    _kind: String,
    /// exactly these datasets, for example [audit]; every one with an enabled policy when left out
    pub(super) datasets: Option<At<Vec<At<String>>>>,
}
