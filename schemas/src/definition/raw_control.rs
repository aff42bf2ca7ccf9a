//! Controls as they are written, before any check.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::yaml::At;
use crate::control::{ControlType, ParamValue, Severity, Status};

/// A control: `controls/*.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Control", deny_unknown_fields)]
pub(super) struct RawControl {
    /// id under a prefix of one's own, for example ACME-AUTH-001
    pub(super) control: At<String>,
    /// a number that any change which can change a result raises
    #[schemars(range(min = 1))]
    pub(super) version: u32,
    /// what is wrong when the control fails, in at most 60 characters
    pub(super) title: At<String>,
    /// info, low, medium, high or critical
    pub(super) severity: Severity,
    /// preventive, detective or corrective
    #[serde(rename = "type")]
    pub(super) kind: ControlType,
    /// who answers for it
    pub(super) owner: At<String>,
    /// values that a job may replace; $name in the SQL
    #[serde(default)]
    pub(super) params: BTreeMap<String, RawParam>,
    /// form 1: predicates over the rows of one table
    pub(super) rows: Option<RawRows>,
    /// form 2: two statements, for windows and joins
    pub(super) sql: Option<At<RawStatements>>,
    /// rules over n, v, u and the parameters; the first that holds decides
    pub(super) status: Option<At<Vec<At<RawRule>>>>,
    /// undecided rows per million of the population that a pass may have; 0 when left out
    #[schemars(range(max = 1_000_000))]
    pub(super) max_undecided_ppm: Option<u64>,
    /// what is kept of each violation
    pub(super) evidence: RawEvidence,
    /// requirement ids by framework, for example {soc2: [CC6.1]}
    pub(super) frameworks: BTreeMap<String, Vec<At<String>>>,
    /// what to do about a violation
    pub(super) remediation: At<String>,
    /// fixtures that prove the control
    #[serde(default)]
    pub(super) tests: Vec<RawTest>,
}

/// A parameter.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Param", deny_unknown_fields)]
pub(super) struct RawParam {
    /// the default: true or false, a whole number, a text, or a list of texts
    pub(super) value: At<ParamValue>,
}

/// Form 1.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Rows", deny_unknown_fields)]
pub(super) struct RawRows {
    /// the table, for example audit
    pub(super) from: At<String>,
    /// SQL: which rows the control is about
    pub(super) population: At<String>,
    /// SQL: which of them violate
    pub(super) violation: At<String>,
    /// SQL: why, as a text
    pub(super) reason: At<String>,
    /// SQL: what violates, as a text
    pub(super) resource: At<String>,
}

/// Form 2.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Statements", deny_unknown_fields)]
pub(super) struct RawStatements {
    /// tables read, for example [audit, identity]
    pub(super) reads: Vec<At<String>>,
    /// history needed before the interval, for example 15m
    pub(super) lookback: Option<At<String>>,
    /// SELECT that returns scope, n and u
    pub(super) population: At<String>,
    /// SELECT that returns scope, event_id, time, resource, reason and the evidence columns
    pub(super) violations: At<String>,
}

/// One status rule: `{when: SQL, is: STATUS}`, or `{else: STATUS}` in the last line.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Rule", deny_unknown_fields)]
pub(super) struct RawRule {
    /// SQL over n, v, u and the parameters
    pub(super) when: Option<At<String>>,
    /// pass, warn or fail
    pub(super) is: Option<Status>,
    /// pass, warn or fail
    #[serde(rename = "else")]
    pub(super) otherwise: Option<Status>,
}

/// What is kept of each violation.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Evidence", deny_unknown_fields)]
pub(super) struct RawEvidence {
    /// columns kept, for example [event_id, time, actor_id]
    pub(super) columns: At<Vec<At<String>>>,
    /// personal columns kept as they are and not as a pseudonym
    #[serde(default)]
    pub(super) show: Vec<At<String>>,
    /// rows kept for each tenant; 10000 when left out
    #[schemars(range(min = 1))]
    pub(super) max_rows: Option<u64>,
    /// how long the evidence is kept, for example 7y or 400d
    pub(super) keep: At<String>,
}

/// A fixture.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Test", deny_unknown_fields)]
pub(super) struct RawTest {
    /// NDJSON file beside the control
    pub(super) given: At<String>,
    /// status by tenant, for example {t1: fail, t2: pass}
    pub(super) expect: BTreeMap<String, Status>,
    /// event ids of violations by tenant, for example {t1: [e-7]}; resources where rows are no events
    #[serde(default)]
    pub(super) violations: BTreeMap<String, Vec<String>>,
}
