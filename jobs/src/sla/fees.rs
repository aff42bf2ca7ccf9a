//! What a tenant was charged for a service in a period: what a credit is a part of.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Decimal128Type};
use engine::{EngineError, LakeSession};
use schemas::{FeeRule, Interval, rfc3339};

use super::credit::FEE_DECIMALS;
use crate::error::JobError;
use crate::row_columns::{literal, texts};

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FeeRow {
    pub(super) usage_id: String,
    /// In 10⁻¹² of the currency.
    pub(super) billed_cost: i128,
    pub(super) currency: String,
    pub(super) raw_ref: String,
}

/// The usage and purchases of a service, before credits, by their ids.
pub(super) async fn read(
    session: &LakeSession,
    rule: &FeeRule,
    (tenant, interval): (&str, Interval),
) -> Result<Vec<FeeRow>, JobError> {
    let sql = format!(
        "SELECT usage_id, billed_cost, currency, raw_ref FROM \"{}\" WHERE tenant_id = {} AND service = {} AND charge_category \
         IN ('Usage', 'Purchase') AND period_start >= TIMESTAMP '{}' AND period_start < TIMESTAMP '{}' ORDER BY usage_id, \
         period_start, raw_ref, billed_cost",
        rule.dataset,
        literal(tenant),
        literal(&rule.service),
        rfc3339(interval.start),
        rfc3339(interval.end)
    );
    let batches = session.query(&sql).await?;
    let mut costs = Vec::new();
    for batch in &batches {
        let money = DataType::Decimal128(38, i8::try_from(FEE_DECIMALS).unwrap_or_default());
        let column = batch.column_by_name("billed_cost").and_then(|column| arrow::compute::cast(column, &money).ok());
        let bug = || EngineError::Bug { what: "charges have no billed_cost".to_owned() };
        let column = column.ok_or_else(bug)?;
        let column = column.as_primitive::<Decimal128Type>();
        costs.extend(column.values().iter().copied());
    }
    let text = |name: &str| texts(&batches, name).into_iter().map(Option::unwrap_or_default);
    let rows = text("usage_id").zip(costs).zip(text("currency").zip(text("raw_ref")));
    Ok(rows
        .map(|((usage_id, billed_cost), (currency, raw_ref))| FeeRow { usage_id, billed_cost, currency, raw_ref })
        .collect())
}
