//! Results as rows of `usage_result.v1`, one for each quota of each part of a month.

use chrono::{DateTime, Utc};
use engine::EngineError;
use schemas::{AMOUNT_DECIMALS, Exact, Quantity, QuotaLimit, compact};
use serde::Serialize;

use super::judged::{JudgedPart, JudgedQuota};
use super::records::{PeriodRecord, TenantResult};

#[derive(Debug, Serialize)]
struct Row<'r> {
    tenant_id: &'r str,
    result_id: String,
    usage: &'r str,
    tier: &'r str,
    quota: &'r str,
    meter: &'r str,
    measure: &'static str,
    is_daily: bool,
    period_start: DateTime<Utc>,
    period_end: DateTime<Utc>,
    until: DateTime<Utc>,
    unit: Option<&'r str>,
    used: Option<Quantity>,
    quota_limit: Option<Quantity>,
    used_bp: Option<i64>,
    days_over: u32,
    status: &'static str,
    state: &'static str,
    price: Option<Exact<AMOUNT_DECIMALS>>,
    currency: &'r str,
    quota_version: u32,
    spec_hash: &'r str,
    evidence_hash: &'r str,
    computed_at: DateTime<Utc>,
    revision: u32,
}

/// The rows of a record as lines of JSON.
pub(super) fn lines(record: &PeriodRecord) -> Result<Vec<u8>, EngineError> {
    let mut lines = Vec::new();
    for result in &record.results {
        for part in &result.figures.judged.parts {
            for quota in &part.quotas {
                serde_json::to_writer(&mut lines, &row(record, result, (part, quota)))
                    .map_err(|error| EngineError::Bug { what: format!("a result cannot be written ({error})") })?;
                lines.push(b'\n');
            }
        }
    }
    Ok(lines)
}

fn row<'r>(
    record: &'r PeriodRecord,
    result: &'r TenantResult,
    (part, quota): (&'r JudgedPart, &'r JudgedQuota),
) -> Row<'r> {
    let (usage, figures) = (record.head.usage.as_str(), &result.figures);
    let limit = limit_of(quota);
    Row {
        tenant_id: &result.tenant,
        // The same for each of its revisions.
        result_id: format!("{usage}/{}/{}/{}", result.tenant, quota.quota, compact(part.interval.start)),
        usage,
        tier: &part.tier,
        quota: &quota.quota,
        meter: &quota.meter,
        measure: quota.measure.as_str(),
        is_daily: quota.is_daily,
        period_start: part.interval.start,
        period_end: part.interval.end,
        until: figures.until.min(part.interval.end),
        unit: quota.unit.as_deref(),
        used: quota.used,
        quota_limit: limit,
        used_bp: quota.used.zip(limit).and_then(|(used, limit)| share_of(used, limit, 10_000)),
        days_over: quota.days_over,
        status: quota.status.as_str(),
        state: result.state.as_str(),
        price: part.amount.map(|amount| Exact::of_units(i128::from(amount))),
        currency: &figures.judged.currency,
        quota_version: figures.quotas_version,
        spec_hash: &figures.spec_sha256,
        evidence_hash: &figures.evidence_sha256,
        computed_at: result.at,
        revision: result.revision,
    }
}

/// The limit of a quota that has one.
pub(super) fn limit_of(quota: &JudgedQuota) -> Option<Quantity> {
    match quota.limit {
        Some(QuotaLimit::Of(limit)) => Some(limit),
        Some(QuotaLimit::Unlimited) | None => None,
    }
}

/// `used` in so many parts of a limit, cut off; none of nothing, and of what is too large.
pub(super) fn share_of(used: Quantity, limit: Quantity, parts: i128) -> Option<i64> {
    let parts = used.units().checked_mul(parts)?.checked_div(limit.units())?;
    i64::try_from(parts).ok()
}
