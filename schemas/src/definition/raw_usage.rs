//! Quotas, contracts about usage and their jobs as they are written, before any check. Their rules are those of `raw.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::raw::RawOutput;
use super::raw_sla::RawTierChange;
use super::yaml::At;
use crate::usage::Measure;

/// How much each tier may use: `slas/*.yaml` with first key quotas.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Quotas", deny_unknown_fields)]
pub(super) struct RawQuotas {
    /// name of the quotas, for example platform
    pub(super) quotas: At<String>,
    /// version, from 1; each one is a file of its own
    #[schemars(range(min = 1))]
    pub(super) version: At<u32>,
    /// first day of the periods that it holds for, for example 2026-01-01
    pub(super) effective: At<String>,
    /// ISO 4217, of prices; USD when left out
    pub(super) currency: Option<At<String>>,
    /// how quotas are metered, for example {exports: {meter: export_rows, is: sum, per: day}}; needed where the name does not say it
    #[serde(default)]
    pub(super) meters: BTreeMap<String, At<RawQuotaMeter>>,
    /// limits by the name of the tier, for example {pro: {users: 100, api_requests_per_day: 1000000, price_month: "499"}}
    pub(super) tier: BTreeMap<String, At<BTreeMap<String, At<String>>>>,
}

/// How a quota is metered.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "QuotaMeter", deny_unknown_fields)]
pub(super) struct RawQuotaMeter {
    /// the meter, as rows name it; the quota's own name when left out, without _per_day
    pub(super) meter: Option<At<String>>,
    /// sum, max, mean or counter
    pub(super) is: Option<Measure>,
    /// day: each civil day has the limit; the period when left out, unless the name ends with _per_day
    pub(super) per: Option<Per>,
}

/// What has the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Per {
    Day,
    Period,
}

/// A contract about usage: `slas/*.yaml` with first key usage.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Usage", deny_unknown_fields)]
pub(super) struct RawUsage {
    /// name of the contract, for example platform
    pub(super) usage: At<String>,
    /// dataset of schema usage.v1, for example usage
    pub(super) dataset: At<String>,
    /// the one service that counts, as rows name it; all when left out
    pub(super) service: Option<At<String>>,
    /// name of the quotas; platform, which ships, when left out
    pub(super) quotas: Option<At<String>>,
    /// meters of quotas where rows have other names, for example {users: seats}
    #[serde(default)]
    pub(super) meters: BTreeMap<String, At<String>>,
    /// per cent of a limit from which a tenant is warned; 80 when left out
    pub(super) warn: Option<At<String>>,
    /// zone of months and days, for example Europe/Berlin; that of the lake when left out
    pub(super) timezone: Option<At<String>>,
    /// zones of tenants that have another one, for example {acme: America/New_York}
    #[serde(default)]
    pub(super) timezones: BTreeMap<String, At<String>>,
    /// tier of each tenant, for example {acme: pro}
    pub(super) tenants: BTreeMap<String, At<String>>,
    /// later tiers, for example [{tenant: acme, from: 2026-09-15, tier: enterprise}]
    #[serde(default)]
    pub(super) changes: Vec<RawTierChange>,
    /// time from the end of a month until its figures are final; 72h when left out
    pub(super) settle: Option<At<String>>,
}

/// A job of kind `usage`: `jobs/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "UsageJob", deny_unknown_fields)]
pub(super) struct RawUsageJob {
    /// name of the job, for example usage-daily
    pub(super) job: At<String>,
    /// usage
    #[serde(rename = "kind")]
    #[schemars(extend("const" = "usage"))]
    _kind: String,
    /// the contract, for example platform
    pub(super) usage: At<String>,
    /// dataset of schema usage_result.v1 that holds the results, for example usage_result
    pub(super) into: At<String>,
    /// months that have ended and are judged again beside the one that goes on; 1 when left out
    #[schemars(range(min = 1, max = 24))]
    pub(super) periods: Option<u32>,
    /// a statement per tenant and month, for example [{format: html, to: "statements/{interval.end:%Y-%m-%d}/"}]; none when left out
    pub(super) outputs: Option<At<Vec<RawOutput>>>,
}
