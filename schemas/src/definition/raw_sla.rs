//! SLAs, tiers and their jobs as they are written, before any check. Their rules are those of `raw.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::raw::RawOutput;
use super::yaml::At;
use crate::sla::{PeriodLength, SlaMethod};

/// What each tier is promised: `slas/*.yaml` with first key tiers.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Tiers", deny_unknown_fields)]
pub(super) struct RawTiers {
    /// name of what tiers are promised, for example standard
    pub(super) tiers: At<String>,
    /// version, from 1; each one is a file of its own
    #[schemars(range(min = 1))]
    pub(super) version: At<u32>,
    /// first day of the periods that it holds for, in the contract's zone, for example 2026-01-01
    pub(super) effective: At<String>,
    /// promises by the name of the tier, for example {pro: {uptime: "99.9", p95_ms: 200, errors_percent: "1"}}
    pub(super) tier: BTreeMap<String, At<RawTier>>,
    /// what is owed for what was missed
    pub(super) credits: Option<RawCredits>,
    /// max: of several that were missed, the largest credit counts; the same when left out
    #[serde(rename = "combine")]
    pub(super) _combine: Option<Combine>,
    /// the most and the least that is paid; all of the fee and nothing when left out
    pub(super) cap: Option<RawCap>,
}

/// How credits come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Combine {
    Max,
}

/// What one tier is promised.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Tier", deny_unknown_fields)]
pub(super) struct RawTier {
    /// least per cent of time that is good, for example "99.9"
    pub(super) uptime: Option<At<String>>,
    /// milliseconds that at least 95 of 100 requests stay within, for example 200
    #[schemars(range(min = 1))]
    pub(super) p95_ms: Option<u32>,
    /// largest per cent of requests that fail, for example "1"
    pub(super) errors_percent: Option<At<String>>,
    /// false: what is owed is shown and not paid; true when left out
    pub(super) money: Option<bool>,
}

/// What is owed.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Credits", deny_unknown_fields)]
pub(super) struct RawCredits {
    /// steps down, for example [{below: target, percent: "10"}, {below: "99.0", percent: "25"}]; the last that holds counts
    #[serde(default)]
    pub(super) uptime: Vec<RawBand>,
    /// for example [{missed: true, percent: "10"}]
    pub(super) latency: Option<At<Vec<RawMissed>>>,
    /// for example [{missed: true, percent: "10"}]
    pub(super) errors: Option<At<Vec<RawMissed>>>,
}

/// A step of a ladder.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Band", deny_unknown_fields)]
pub(super) struct RawBand {
    /// target, the tier's own; or per cent, for example "99.0"
    pub(super) below: At<String>,
    /// per cent of the fee, for example "25"
    pub(super) percent: At<String>,
}

/// What is owed when a target was missed.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Missed", deny_unknown_fields)]
pub(super) struct RawMissed {
    /// true
    pub(super) missed: At<bool>,
    /// per cent of the fee, for example "10"
    pub(super) percent: At<String>,
}

/// Limits of what is paid.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Cap", deny_unknown_fields)]
pub(super) struct RawCap {
    /// per cent of the fee of a period, for example "100"
    pub(super) period_percent: Option<At<String>>,
    /// amount below which nothing is paid, for example "1.00"
    pub(super) minimum: Option<At<String>>,
}

/// An SLA: `slas/*.yaml` with first key sla.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Sla", deny_unknown_fields, extend("anyOf" = requests_or_probes()))]
pub(super) struct RawSla {
    /// name of the SLA, for example api
    pub(super) sla: At<String>,
    /// the service, as rows name it, for example api
    pub(super) service: At<String>,
    /// counted requests, for example {dataset: requests}; this or probes
    pub(super) requests: Option<At<RawRequests>>,
    /// checks from outside, for example {dataset: probes, tenant: platform}
    pub(super) probes: Option<At<RawProbes>>,
    /// timeslices, occurrences or ratio_timeslices; timeslices when left out
    pub(super) method: Option<SlaMethod>,
    /// month, quarter or week; month when left out
    pub(super) period: Option<PeriodLength>,
    /// the contract's zone, for example Europe/Berlin; that of the lake when left out
    pub(super) timezone: Option<At<String>>,
    /// what a bad slice is, for example {length: 1m, min_total: 100, bad: "10%", min_bad: 1}
    pub(super) slices: Option<RawSlices>,
    /// per cent of slices of which nothing may be known; 1 when left out
    pub(super) max_unknown: Option<At<String>>,
    /// name of what tiers are promised; standard, which ships, when left out
    pub(super) tiers: Option<At<String>>,
    /// tier of each tenant, for example {acme: pro}
    pub(super) tenants: BTreeMap<String, At<String>>,
    /// later tiers, for example [{tenant: acme, from: 2026-09-15, tier: enterprise}]
    #[serde(default)]
    pub(super) changes: Vec<RawTierChange>,
    /// windows that do not count, for example {dataset: exclusions, notice: 72h, maintenance: 240m}
    pub(super) exclusions: Option<RawExclusions>,
    /// what credits are a part of, for example {dataset: usage, currency: EUR}; no amounts when left out
    pub(super) fees: Option<RawFees>,
    /// time from the end of a period until its figures are final; 72h when left out
    pub(super) settle: Option<At<String>>,
}

/// One of the two says where measurements come from.
fn requests_or_probes() -> serde_json::Value {
    serde_json::json!([{ "required": ["requests"] }, { "required": ["probes"] }])
}

/// Counted requests.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Requests", deny_unknown_fields)]
pub(super) struct RawRequests {
    /// dataset of schema request_1m.v1, for example requests
    pub(super) dataset: At<String>,
    /// groups of routes that count, for example [public]; all when left out
    #[serde(default)]
    pub(super) routes: Vec<At<String>>,
    /// regions that count, for example [eu]; all when left out
    #[serde(default)]
    pub(super) regions: Vec<At<String>>,
}

/// Checks from outside.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Probes", deny_unknown_fields)]
pub(super) struct RawProbes {
    /// dataset of schema probe.v1, for example probes
    pub(super) dataset: At<String>,
    /// tenant whose checks count for every tenant, for example platform; each tenant's own when left out
    pub(super) tenant: Option<At<String>>,
    /// locations that must fail; a majority of those reporting when left out
    #[schemars(range(min = 1))]
    pub(super) quorum: Option<u32>,
    /// how long a check speaks for, for example 10m; twice its interval_s when left out
    pub(super) stale_after: Option<At<String>>,
}

/// What a bad slice is.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "Slices", deny_unknown_fields)]
pub(super) struct RawSlices {
    /// whole minutes that divide a day, for example 5m; 1m when left out
    pub(super) length: Option<At<String>>,
    /// requests below which a slice is not bad; 100 when left out
    pub(super) min_total: Option<u32>,
    /// per cent of failed requests above which a slice is bad; 10 when left out
    pub(super) bad: Option<At<String>>,
    /// bad slices in a row below which they do not count; 1 when left out
    #[schemars(range(min = 1))]
    pub(super) min_bad: Option<u32>,
}

/// A tenant's tier from a day on.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "TierChange", deny_unknown_fields)]
pub(super) struct RawTierChange {
    /// the tenant, for example acme
    pub(super) tenant: At<String>,
    /// first day, in the contract's zone, for example 2026-09-15
    pub(super) from: At<String>,
    /// the tier, for example enterprise
    pub(super) tier: At<String>,
}

/// Which windows do not count.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Exclusions", deny_unknown_fields)]
pub(super) struct RawExclusions {
    /// dataset of schema exclusion.v1, for example exclusions
    pub(super) dataset: At<String>,
    /// how long before its beginning maintenance is announced, at least; 72h when left out
    pub(super) notice: Option<At<String>>,
    /// maintenance of a period that does not count, at most; 240m when left out
    pub(super) maintenance: Option<At<String>>,
}

/// What credits are a part of.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Fees", deny_unknown_fields)]
pub(super) struct RawFees {
    /// dataset of schema usage.v1, for example usage
    pub(super) dataset: At<String>,
    /// the service, as bills name it; as the SLA's service when left out
    pub(super) service: Option<At<String>>,
    /// ISO 4217, for example EUR
    pub(super) currency: At<String>,
}

/// A job of kind `sla`: `jobs/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "SlaJob", deny_unknown_fields)]
pub(super) struct RawSlaJob {
    /// name of the job, for example sla-monthly
    pub(super) job: At<String>,
    /// sla
    #[serde(rename = "kind")]
    #[schemars(extend("const" = "sla"))]
    _kind: String,
    /// the SLA or support agreement, for example api
    pub(super) sla: At<String>,
    /// dataset of schema sla_result.v1 that holds the results, for example sla_results
    pub(super) into: At<String>,
    /// periods that a run judges, the last that ended first; 1 when left out
    #[schemars(range(min = 1, max = 24))]
    pub(super) periods: Option<u32>,
    /// a statement per tenant and period, for example [{format: html, to: "sla/{interval.end:%Y-%m-%d}/"}]; none when left out
    pub(super) outputs: Option<At<Vec<RawOutput>>>,
}
