//! Documents of OpenSLO v1 as they are written, before any check. Their rules are those of `raw.rs`; their keys are OpenSLO's.
//!
//! `S` is what stands in `spec` of a metric source: [`RawBinding`] where the source is `auditlake`, and anything where it is another.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::raw_sla::{RawExclusions, RawProbes, RawRequests};
use super::yaml::At;

/// What only its reader understands: labels, and queries to the sources of others.
#[derive(Debug)]
pub(super) struct Free;

impl<'de> Deserialize<'de> for Free {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JsonSchema for Free {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Free".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        true.into()
    }
}

/// A document.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Document", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawDocument<T> {
    /// openslo/v1
    #[serde(rename = "apiVersion")]
    _api_version: String,
    /// for example SLO
    #[serde(rename = "kind")]
    _kind: String,
    /// its name, for example {name: api-availability}
    pub(super) metadata: RawMetadata,
    /// what it says
    pub(super) spec: T,
}

/// Names of a document.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Metadata", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawMetadata {
    /// its name, for example api-availability
    pub(super) name: At<String>,
    /// name for people
    #[serde(rename = "displayName")]
    _display_name: Option<String>,
    /// labels
    #[serde(rename = "labels")]
    _labels: Option<Free>,
    /// annotations
    #[serde(rename = "annotations")]
    _annotations: Option<Free>,
}

/// `spec` of a Service.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ServiceSpec", deny_unknown_fields)]
pub(super) struct RawServiceSpec {
    /// what the service is
    #[serde(rename = "description")]
    _description: Option<String>,
}

/// `spec` of a DataSource.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "DataSourceSpec", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawDataSourceSpec {
    /// what it is
    #[serde(rename = "description")]
    _description: Option<String>,
    /// what is asked, for example auditlake
    pub(super) r#type: At<String>,
    /// how it is reached
    #[serde(rename = "connectionDetails")]
    _connection_details: Option<Free>,
}

/// `spec` of an AlertPolicy, an AlertCondition or an AlertNotificationTarget: read by whoever alerts.
pub(super) type RawAlertSpec = Free;

/// `spec` of an SLI.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "SliSpec", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawSliSpec<S> {
    /// what is measured
    #[serde(rename = "description")]
    _description: Option<String>,
    /// a figure that is compared with the value of an objective
    pub(super) threshold_metric: Option<At<RawMetric<S>>>,
    /// a part of a whole
    pub(super) ratio_metric: Option<At<RawRatio<S>>>,
}

/// A metric.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Metric", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawMetric<S> {
    /// where it comes from, for example {type: auditlake, spec: {requests: {dataset: requests}, tenants: [acme]}}
    pub(super) metric_source: At<RawSource<S>>,
}

/// Where a metric comes from.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "MetricSource", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawSource<S> {
    /// name of a DataSource
    #[serde(rename = "metricSourceRef")]
    _metric_source_ref: Option<String>,
    /// what is asked, for example auditlake
    #[serde(rename = "type")]
    _type: Option<String>,
    /// what it is asked for
    pub(super) spec: Option<At<S>>,
}

/// A part of a whole.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "RatioMetric", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawRatio<S> {
    /// whether the source counts on and on
    #[serde(rename = "counter")]
    _counter: Option<bool>,
    /// what is good; this or bad
    pub(super) good: Option<At<RawMetric<S>>>,
    /// what is bad
    pub(super) bad: Option<At<RawMetric<S>>>,
    /// the whole
    pub(super) total: Option<At<RawMetric<S>>>,
    /// success or failure: what raw is the ratio of
    #[serde(rename = "rawType")]
    _raw_type: Option<RawType>,
    /// the ratio itself, instead of good, bad and total
    pub(super) raw: Option<At<RawMetric<S>>>,
}

/// What a ratio is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawType {
    Success,
    Failure,
}

/// `spec` of an SLO.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "SloSpec", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawSloSpec<S> {
    /// what it is for
    #[serde(rename = "description")]
    _description: Option<String>,
    /// the service, for example api
    pub(super) service: At<String>,
    /// an SLI that stands here; this or indicatorRef
    pub(super) indicator: Option<At<RawIndicator<S>>>,
    /// name of an SLI
    pub(super) indicator_ref: Option<At<String>>,
    /// what it is judged for, for example [{duration: 1M, isRolling: false}]
    pub(super) time_window: At<Vec<At<RawTimeWindow>>>,
    /// Occurrences, Timeslices or RatioTimeslices
    pub(super) budgeting_method: RawMethod,
    /// what is promised, for example [{target: 0.999}]
    pub(super) objectives: At<Vec<At<RawObjective<S>>>>,
    /// names of alert policies, or policies that stand here
    pub(super) alert_policies: Option<At<Vec<At<RawPolicyRef>>>>,
}

/// An SLI that stands in an SLO.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Indicator", deny_unknown_fields)]
pub(super) struct RawIndicator<S> {
    /// its name
    #[serde(rename = "metadata")]
    _metadata: Option<RawMetadata>,
    /// what is measured
    pub(super) spec: RawSliSpec<S>,
}

/// What an SLO is judged for.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "TimeWindow", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawTimeWindow {
    /// 1w, 1M or 3M
    pub(super) duration: At<String>,
    /// whether it ends now instead of with a week, month or quarter; false when left out
    pub(super) is_rolling: Option<At<bool>>,
    /// where periods begin
    pub(super) calendar: Option<RawCalendar>,
}

/// Where periods begin.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "Calendar", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawCalendar {
    /// beginning of the first period, for example 2026-01-01 00:00:00
    pub(super) start_time: Option<At<String>>,
    /// IANA zone, for example Europe/Berlin
    pub(super) time_zone: Option<At<String>>,
}

/// How time or requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(super) enum RawMethod {
    Occurrences,
    Timeslices,
    RatioTimeslices,
}

/// How a threshold is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawOp {
    Lt,
    Lte,
    Gt,
    Gte,
}

/// What is promised.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Objective", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawObjective<S> {
    /// name for people, which also tells one objective of an SLO from another
    pub(super) display_name: Option<At<String>>,
    /// lt, lte, gt or gte: how a threshold is compared
    pub(super) op: Option<At<RawOp>>,
    /// the threshold
    pub(super) value: Option<At<String>>,
    /// part that is good at least, for example 0.999
    pub(super) target: Option<At<String>>,
    /// the same in per cent, for example 99.9
    pub(super) target_percent: Option<At<String>>,
    /// part of a slice that makes it good, for example 0.95
    pub(super) time_slice_target: Option<At<String>>,
    /// length of a slice, for example 1m
    pub(super) time_slice_window: Option<At<String>>,
    /// an SLI of this objective alone
    pub(super) indicator: Option<At<RawIndicator<S>>>,
    /// name of an SLI of this objective alone
    pub(super) indicator_ref: Option<At<String>>,
    /// part of the objective in an SLO of several
    pub(super) composite_weight: Option<At<String>>,
}

/// An alert policy: its name, or the policy itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "AlertPolicyRef")]
#[serde(untagged)]
pub(super) enum RawPolicyRef {
    /// Its name.
    Name(String),
    /// Its name under a key, or the policy.
    Policy(RawPolicy),
}

/// An alert policy that an SLO names by a key, or that stands in it.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "InlineAlertPolicy", deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawPolicy {
    /// name of an AlertPolicy
    pub(super) alert_policy_ref: Option<String>,
    /// openslo/v1
    #[serde(rename = "apiVersion")]
    _api_version: Option<String>,
    /// AlertPolicy
    #[serde(rename = "kind")]
    _kind: Option<String>,
    /// its name
    #[serde(rename = "metadata")]
    _metadata: Option<Free>,
    /// what it says
    #[serde(rename = "spec")]
    _spec: Option<Free>,
}

/// `spec` of a metric source of type auditlake: which rows are counted, and whose.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Binding", deny_unknown_fields)]
pub(super) struct RawBinding {
    /// the service, as rows name it; that of the SLO when left out
    pub(super) service: Option<At<String>>,
    /// counted requests, for example {dataset: requests, routes: [public]}; this or probes
    pub(super) requests: Option<At<RawRequests>>,
    /// checks from outside, for example {dataset: probes, tenant: platform}
    pub(super) probes: Option<At<RawProbes>>,
    /// tenants who are judged, for example [acme]
    pub(super) tenants: At<Vec<At<String>>>,
    /// requests below which a slice is not bad; 1 when left out
    pub(super) min_total: Option<u32>,
    /// per cent of slices of which nothing may be known; 1 when left out
    pub(super) max_unknown: Option<At<String>>,
    /// windows that do not count, for example {dataset: exclusions}
    pub(super) exclusions: Option<RawExclusions>,
    /// time from the end of a period until its figures are final; 72h when left out
    pub(super) settle: Option<At<String>>,
}
