//! Results as rows of `sla_result.v1`, one for each promise of each part of a period.

use chrono::{DateTime, Utc};
use engine::EngineError;
use schemas::compact;
use serde::Serialize;

use super::attained::{Attained, SlaStatus};
use super::credit::in_currency;
use super::judged::JudgedPart;
use super::records::{PeriodRecord, TenantResult};

/// Decimals of amounts in rows.
const AMOUNT_DECIMALS: u32 = 4;

#[derive(Debug, Serialize)]
struct Row<'r> {
    tenant_id: &'r str,
    result_id: String,
    sla: &'r str,
    service: &'r str,
    tier: &'r str,
    metric: &'static str,
    method: &'r str,
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
    credit_amount: Option<String>,
    fee_basis: Option<String>,
    currency: Option<&'r str>,
    spec_hash: &'r str,
    evidence_hash: &'r str,
    computed_at: DateTime<Utc>,
    revision: u32,
    p50_us: Option<i64>,
    p95_us: Option<i64>,
    p99_us: Option<i64>,
    budget_left: Option<i64>,
    ladder_version: String,
}

/// The rows of a record as lines of JSON.
pub(super) fn lines(record: &PeriodRecord) -> Result<Vec<u8>, EngineError> {
    let mut lines = Vec::new();
    for result in &record.results {
        for (at, part) in result.figures.judged.parts.iter().enumerate() {
            for attained in &part.attained {
                let row = row(record, result, (at, part), attained);
                serde_json::to_writer(&mut lines, &row)
                    .map_err(|error| EngineError::Bug { what: format!("a result cannot be written ({error})") })?;
                lines.push(b'\n');
            }
        }
    }
    Ok(lines)
}

/// The name of a result: the same for each of its revisions.
pub(super) fn result_id(sla: &str, tenant: &str, part: &JudgedPart, metric: &str) -> String {
    format!("{sla}/{tenant}/{metric}/{}", compact(part.interval.start))
}

fn row<'r>(
    record: &'r PeriodRecord,
    result: &'r TenantResult,
    (at, part): (usize, &'r JudgedPart),
    attained: &'r Attained,
) -> Row<'r> {
    let credit = result.figures.judged.credit.as_ref();
    let is_owed = part.owed_for == Some(attained.metric);
    let [p50_us, p95_us, p99_us] = result.figures.percentiles.get(at).copied().unwrap_or_default();
    let metric = attained.metric.as_str();
    Row {
        tenant_id: &result.tenant,
        result_id: result_id(record.head.sla.as_str(), &result.tenant, part, metric),
        sla: record.head.sla.as_str(),
        service: &record.head.service,
        tier: &part.tier,
        metric,
        method: &attained.method,
        period_start: part.interval.start,
        period_end: part.interval.end,
        valid: attained.valid,
        good: attained.good,
        excluded: attained.excluded,
        unknown: attained.unknown,
        target_num: attained.target.num(),
        target_den: attained.target.den(),
        attained: match attained.status {
            SlaStatus::Ok => Some(true),
            SlaStatus::Missed => Some(false),
            SlaStatus::NotApplicable | SlaStatus::NotEvaluated => None,
        },
        status: attained.status.as_str(),
        state: result.state.as_str(),
        credit_bp: attained.credit.get(),
        // Of several that were missed one is owed for, and amounts of rows add up to what is paid.
        credit_amount: credit.map(|_| in_currency(if is_owed { part.amount.unwrap_or(0) } else { 0 }, AMOUNT_DECIMALS)),
        fee_basis: credit.map(|credit| in_currency(credit.fee, AMOUNT_DECIMALS)),
        currency: credit.map(|credit| credit.currency.as_str()),
        spec_hash: &result.figures.spec_sha256,
        evidence_hash: &result.figures.evidence_sha256,
        computed_at: result.at,
        revision: result.revision,
        p50_us,
        p95_us,
        p99_us,
        budget_left: attained.budget_left,
        ladder_version: result.figures.tiers_version.to_string(),
    }
}
