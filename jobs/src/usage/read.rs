//! Rows of a tenant's month, by a statement that names the tenant: no row of another is read.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Decimal128Type};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};
use engine::{EngineError, LakeSession};
use schemas::{Cost, Interval, Measure, Quantity, Quotas, UsageContract, rfc3339};

use crate::error::JobError;
use crate::row_columns::{literal, numbers, texts};

/// How long before a month the last reading of a counter may lie that its first difference is from.
pub(super) const BASELINE: TimeDelta = TimeDelta::days(7);

/// A row of usage or a charge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UsageRow {
    /// Microseconds since 1970; the order of rows begins with it.
    pub(super) start_us: i64,
    pub(super) end_us: i64,
    pub(super) usage_id: String,
    pub(super) meter: String,
    pub(super) unit: String,
    pub(super) quantity: Option<Quantity>,
    pub(super) billed_cost: Cost,
    pub(super) currency: String,
    pub(super) category: String,
    pub(super) class: Option<String>,
    pub(super) service: String,
    /// What was used: counters are told apart by it.
    pub(super) resource: String,
    pub(super) raw_ref: String,
}

/// The time of which files are read: levels may have begun at any time.
pub(super) fn read_interval(interval: Interval) -> Interval {
    Interval { start: DateTime::UNIX_EPOCH, end: interval.end }
}

/// Rows that begin in a month, and those from before it that reach into it, in an order that follows from them alone.
pub(super) async fn rows(
    session: &LakeSession,
    (usage, quotas): (&UsageContract, &Quotas),
    (tenant, interval): (&str, Interval),
) -> Result<Vec<UsageRow>, JobError> {
    let instant = |at: DateTime<Utc>| format!("TIMESTAMP '{}'", rfc3339(at));
    let (start, end) = (instant(interval.start), instant(interval.end));
    let meters = |of: fn(Measure) -> bool| {
        let meters = quotas.meters.iter().filter(|(_, meter)| of(meter.measure));
        let mut names: Vec<String> = meters.map(|(quota, meter)| literal(usage.meter_of(quota, meter))).collect();
        names.sort();
        names.dedup();
        names.join(", ")
    };
    let mut earlier = String::new();
    let levels = meters(|measure| matches!(measure, Measure::Max | Measure::Mean));
    if !levels.is_empty() {
        earlier.push_str(&format!(" OR (meter IN ({levels}) AND period_end > {start})"));
    }
    let counters = meters(|measure| measure == Measure::Counter);
    if !counters.is_empty() {
        earlier.push_str(&format!(
            " OR (meter IN ({counters}) AND period_start >= {})",
            instant(interval.start - BASELINE)
        ));
    }
    let service = usage.service.as_ref().map(|service| format!(" AND service = {}", literal(service)));
    let resource = if has_resources(session, usage).await? { "resource_id" } else { "CAST(NULL AS varchar)" };
    let sql = format!(
        "SELECT CAST(period_start AS bigint) AS start_us, CAST(period_end AS bigint) AS end_us, usage_id, meter, unit, quantity, \
         billed_cost, currency, charge_category, charge_class, service, {resource} AS resource, raw_ref FROM \"{}\" WHERE \
         tenant_id = {}{} AND period_start < {end} AND (period_start >= {start}{earlier})",
        usage.dataset,
        literal(tenant),
        service.unwrap_or_default(),
    );
    let mut rows = of_batches(&session.query(&sql).await?)?;
    rows.sort();
    Ok(rows)
}

/// Optional columns are there when a dataset declares them or a file has them.
async fn has_resources(session: &LakeSession, usage: &UsageContract) -> Result<bool, JobError> {
    let none = session.query(&format!("SELECT * FROM \"{}\" LIMIT 0", usage.dataset)).await?;
    Ok(none.first().is_some_and(|batch| batch.column_by_name("resource_id").is_some()))
}

fn of_batches(batches: &[RecordBatch]) -> Result<Vec<UsageRow>, JobError> {
    let text = |name: &str| texts(batches, name).into_iter();
    let (mut starts, mut ends) = (numbers(batches, "start_us")?.into_iter(), numbers(batches, "end_us")?.into_iter());
    let quantities = decimals(batches, "quantity", Quantity::PLACES)?;
    let costs = decimals(batches, "billed_cost", Cost::PLACES)?;
    let (mut ids, mut meters, mut units) = (text("usage_id"), text("meter"), text("unit"));
    let (mut currencies, mut categories, mut classes) =
        (text("currency"), text("charge_category"), text("charge_class"));
    let (mut services, mut resources, mut refs) = (text("service"), text("resource"), text("raw_ref"));
    let mut rows = Vec::with_capacity(costs.len());
    for (quantity, cost) in quantities.into_iter().zip(costs) {
        let next = |of: &mut std::vec::IntoIter<Option<String>>| of.next().flatten().unwrap_or_default();
        rows.push(UsageRow {
            start_us: starts.next().flatten().unwrap_or_default(),
            end_us: ends.next().flatten().unwrap_or_default(),
            usage_id: next(&mut ids),
            meter: next(&mut meters),
            unit: next(&mut units),
            quantity: quantity.map(Quantity::of_units),
            billed_cost: Cost::of_units(cost.unwrap_or_default()),
            currency: next(&mut currencies),
            category: next(&mut categories),
            class: classes.next().flatten(),
            service: next(&mut services),
            resource: next(&mut resources),
            raw_ref: next(&mut refs),
        });
    }
    Ok(rows)
}

/// A column of decimals, in units of the smallest place.
fn decimals(batches: &[RecordBatch], name: &str, places: u32) -> Result<Vec<Option<i128>>, EngineError> {
    let kind = DataType::Decimal128(38, i8::try_from(places).unwrap_or_default());
    let mut all = Vec::new();
    for batch in batches {
        let column = batch.column_by_name(name).and_then(|column| arrow::compute::cast(column, &kind).ok());
        let bug = || EngineError::Bug { what: format!("a statement of ours has no decimal {name:?}") };
        all.extend(column.ok_or_else(bug)?.as_primitive::<Decimal128Type>().iter());
    }
    Ok(all)
}
