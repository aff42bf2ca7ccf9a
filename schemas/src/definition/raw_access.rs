//! `access.yaml` as it is written, before any check. Its rules are those of `raw.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::yaml::At;
use crate::access::{Channel, FloorUnit};

/// Who may see what: `access.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Access", deny_unknown_fields)]
pub(super) struct RawAccess {
    /// roles of the lake, by name
    #[serde(default)]
    pub(super) roles: BTreeMap<String, At<RawRole>>,
    /// conditions on rows that every role has to meet
    #[serde(default)]
    pub(super) restrict: Vec<At<RawRestrict>>,
    /// who asks, by name
    pub(super) principals: BTreeMap<String, At<RawPrincipal>>,
    /// who runs jobs and what nobody asked for by name, for example runner
    pub(super) service_principal: Option<At<String>>,
}

/// A role.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Role", deny_unknown_fields)]
pub(super) struct RawRole {
    /// roles whose permissions and datasets it has, too: of the lake, or analyst, auditor, privacy_officer, operator, admin
    #[serde(default)]
    pub(super) inherits: Vec<At<String>>,
    /// permissions of its own, for example [sql.query]
    #[serde(default)]
    pub(super) permissions: Vec<At<String>>,
    /// datasets that exist for it, by name
    #[serde(default)]
    pub(super) datasets: BTreeMap<String, At<RawDatasetRule>>,
    /// what it may use, where that is not the default
    #[serde(default)]
    pub(super) limits: BTreeMap<String, At<String>>,
}

/// What a role sees of a dataset.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "DatasetRule", deny_unknown_fields)]
pub(super) struct RawDatasetRule {
    /// all, or an SQL expression over one row, for example tenant_id = principal.tenant
    pub(super) rows: At<String>,
    /// columns that are shown as something else, by name
    #[serde(default)]
    pub(super) columns: BTreeMap<String, At<RawMask>>,
    /// columns that do not exist for it
    #[serde(default)]
    pub(super) hide: Vec<At<String>>,
}

/// What is shown of a column.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Mask", deny_unknown_fields)]
pub(super) struct RawMask {
    /// nothing, constant, partial, truncate_ip, floor, bucket or pseudonym
    pub(super) mask: At<String>,
    /// the text of constant
    pub(super) value: Option<String>,
    /// letters that partial keeps at the beginning
    pub(super) first: Option<u32>,
    /// letters that partial keeps at the end
    pub(super) last: Option<u32>,
    /// hour, day, month or year: what floor keeps
    pub(super) unit: Option<FloorUnit>,
    /// the width of bucket
    #[schemars(range(min = 1))]
    pub(super) width: Option<u64>,
    /// the key of pseudonym
    pub(super) key: Option<RawMaskKey>,
}

/// A key of pseudonyms.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "MaskKey", deny_unknown_fields)]
pub(super) struct RawMaskKey {
    /// id that stands before each pseudonym, for example a26
    pub(super) id: At<String>,
    /// where the key is: env:NAME of a variable, or file:/path
    pub(super) secret: At<String>,
}

/// Rows that nobody sees but those named.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Restrict", deny_unknown_fields)]
pub(super) struct RawRestrict {
    /// datasets it holds for
    pub(super) datasets: Vec<At<String>>,
    /// SQL expression over one row that must be true
    pub(super) rows: At<String>,
    /// roles it does not hold for
    #[serde(default)]
    pub(super) unless: Vec<At<String>>,
}

/// Who asks.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Principal", deny_unknown_fields)]
pub(super) struct RawPrincipal {
    /// all, or the tenants whose rows it may see, for example [t1]
    pub(super) tenants: At<RawTenants>,
    /// its roles
    pub(super) roles: Vec<At<String>>,
    /// doors it may come by without credentials of the store, for example [inbox]; none when left out
    #[serde(default)]
    pub(super) channels: Vec<Channel>,
    /// values that row filters ask for with principal.attribute('name')
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    /// true: a program, not a person
    pub(super) service: Option<bool>,
    /// how its requests are signed
    pub(super) signature: Option<RawSignature>,
}

/// Whose rows.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum RawTenants {
    /// `all`.
    Word(String),
    /// Their ids.
    List(Vec<String>),
}

/// How requests are signed.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Signature", deny_unknown_fields)]
pub(super) struct RawSignature {
    /// where the secret is: env:NAME of a variable, or file:/path
    pub(super) secret: At<String>,
    /// true: an unsigned request is refused
    pub(super) required: Option<bool>,
}
