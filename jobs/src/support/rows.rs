//! Results as rows of `sla_result.v1`: two for each tenant's period, response and resolution.
//!
//! There are two whatever tickets there were, so that a further revision leaves no row of an earlier one in force. Absent: money.

use chrono::{DateTime, Utc};
use engine::EngineError;
use schemas::compact;
use serde::Serialize;

use super::judged::Kept;
use super::records::{PeriodRecord, TenantResult};
use crate::sla::SlaStatus;

#[derive(Debug, Serialize)]
struct Row<'r> {
    tenant_id: &'r str,
    result_id: String,
    sla: &'r str,
    service: &'r str,
    tier: &'r str,
    metric: &'static str,
    method: &'static str,
    period_start: DateTime<Utc>,
    period_end: DateTime<Utc>,
    valid: u64,
    good: u64,
    excluded: u64,
    unknown: u64,
    target_num: u64,
    target_den: u64,
    attained: Option<bool>,
    status: &'static str,
    state: &'static str,
    credit_bp: u32,
    spec_hash: &'r str,
    evidence_hash: &'r str,
    computed_at: DateTime<Utc>,
    revision: u32,
    budget_left: Option<i64>,
}

/// The rows of a record as lines of JSON.
pub(super) fn lines(record: &PeriodRecord) -> Result<Vec<u8>, EngineError> {
    let mut lines = Vec::new();
    for result in &record.results {
        for kept in &result.figures.judged.promises {
            serde_json::to_writer(&mut lines, &row(record, result, kept))
                .map_err(|error| EngineError::Bug { what: format!("a result cannot be written ({error})") })?;
            lines.push(b'\n');
        }
    }
    Ok(lines)
}

fn row<'r>(record: &'r PeriodRecord, result: &'r TenantResult, kept: &'r Kept) -> Row<'r> {
    let (support, interval, figures) = (record.head.support.as_str(), record.head.interval, &result.figures);
    let metric = kept.metric.as_str();
    Row {
        tenant_id: &result.tenant,
        result_id: format!("{support}/{}/{metric}/{}", result.tenant, compact(interval.start)),
        sla: support,
        service: support,
        tier: &figures.tier,
        metric,
        method: "occurrences",
        period_start: interval.start,
        period_end: interval.end,
        valid: kept.valid,
        good: kept.good,
        excluded: 0,
        unknown: kept.not_judged,
        target_num: kept.target.num(),
        target_den: kept.target.den(),
        attained: match kept.status {
            SlaStatus::Ok => Some(true),
            SlaStatus::Missed => Some(false),
            SlaStatus::NotApplicable | SlaStatus::NotEvaluated => None,
        },
        status: kept.status.as_str(),
        state: result.state.as_str(),
        credit_bp: 0,
        spec_hash: &figures.spec_sha256,
        evidence_hash: &figures.evidence_sha256,
        computed_at: result.at,
        revision: result.revision,
        budget_left: kept.budget_left,
    }
}
