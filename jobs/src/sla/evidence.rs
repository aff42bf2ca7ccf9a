//! What proves a result: every bad slice, runs of excluded and unknown ones, sums and sketches of each day, windows, charges.
//!
//! Its hash is over lines in an order that follows from the rows alone, so that it does not depend on when they came.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{Field, Schema};
use chrono::{DateTime, NaiveTime, Utc};
use engine::{EngineError, SketchError, merged_sketch, quantiles_of};
use schemas::{DatasetId, Interval, SlaId, hex, rfc3339};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::fees::FeeRow;
use super::judged::{JudgedPeriod, Judgement, Minute, Run};
use super::slices::Slices;
use crate::error::JobError;

/// Median, 95th and 99th percentile.
const PERCENTILES: [(i64, i64); 3] = [(50, 100), (95, 100), (99, 100)];

/// The one column of evidence that may be empty.
const NULLABLE: &str = "exclusion_id";

/// Those of latency, microseconds; none without requests.
pub(super) type Percentiles = [Option<i64>; 3];

/// Requests of a UTC day that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) start: DateTime<Utc>,
    pub(super) total: u64,
    pub(super) failed: u64,
    pub(super) slow: u64,
    /// Sketch of latencies, microseconds.
    pub(super) latency: Vec<u8>,
}

/// What proves the result of a tenant's period.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    pub(super) tenant: String,
    /// Bad slices one by one, others in runs.
    pub(super) slices: Vec<Run>,
    /// By part and day.
    pub(super) days: Vec<Day>,
    pub(super) fees: Vec<FeeRow>,
}

/// Days of the parts of a period, and percentiles of each part, by the minutes that count.
pub(super) fn days(
    dataset: &DatasetId,
    (minutes, slices): (&[Minute], &Slices),
    judgement: &Judgement,
) -> Result<(Vec<Day>, Vec<Percentiles>), JobError> {
    let refused = |error: SketchError| JobError::SlaData(format!("dataset \"{dataset}\", column latency: {error}"));
    let (mut days, mut percentiles) = (Vec::new(), Vec::new());
    for part in &judgement.period.parts {
        let range = slices.within(part.interval);
        let counts =
            |minute: &&Minute| range.contains(&minute.slice) && !judgement.excluded.contains_key(&minute.slice);
        let mut of_part: BTreeMap<DateTime<Utc>, Vec<&Minute>> = BTreeMap::new();
        for minute in minutes.iter().filter(counts) {
            of_part.entry(day_of(minute.at)).or_default().push(minute);
        }
        let from = days.len();
        for (start, minutes) in of_part {
            let sum = |of: fn(&Minute) -> u64| minutes.iter().map(|minute| of(minute)).sum();
            let sketches = minutes.iter().map(|minute| minute.latency.as_slice());
            days.push(Day {
                start,
                total: sum(|minute| minute.total),
                failed: sum(|minute| minute.failed),
                slow: sum(|minute| minute.slow),
                latency: merged_sketch(sketches).map_err(refused)?,
            });
        }
        let of_part = days[from..].iter().map(|day: &Day| day.latency.as_slice());
        let found = quantiles_of(of_part, &PERCENTILES).map_err(refused)?;
        percentiles.push(std::array::from_fn(|at| found.get(at).copied().flatten()));
    }
    Ok((days, percentiles))
}

/// The beginning of a UTC day.
fn day_of(at: DateTime<Utc>) -> DateTime<Utc> {
    at.date_naive().and_time(NaiveTime::MIN).and_utc()
}

/// SHA-256 over the evidence of a result, and over what of it does not count.
pub(super) fn hashes(sla: &SlaId, interval: Interval, judged: &JudgedPeriod, evidence: &Evidence) -> (String, String) {
    let mut excluded = Sha256::new();
    let mut all = Sha256::new();
    let line = |hash: &mut Sha256, value: &Value| {
        hash.update(value.to_string());
        hash.update("\n");
    };
    line(&mut all, &json!(["sla", sla, evidence.tenant, rfc3339(interval.start), rfc3339(interval.end)]));
    for part in &judged.parts {
        line(
            &mut all,
            &json!(["part", part.tier, part.first, part.days, part.sums.total, part.sums.failed, part.sums.slow]),
        );
        for one in &part.attained {
            let target = [one.target.num(), one.target.den()];
            line(&mut all, &json!([one.metric, one.method, one.valid, one.good, one.excluded, one.unknown, target]));
        }
    }
    for run in &evidence.slices {
        let (start, end) = (rfc3339(run.interval.start), rfc3339(run.interval.end));
        line(&mut all, &json!([run.what, start, end, run.slices, run.total, run.failed, run.exclusion]));
    }
    for one in &judged.exclusions {
        let value = json!(["window", one.window, one.slices, one.ignored]);
        line(&mut all, &value);
        line(&mut excluded, &value);
    }
    for day in &evidence.days {
        let sketch = hex(&Sha256::digest(&day.latency));
        line(&mut all, &json!(["day", rfc3339(day.start), day.total, day.failed, day.slow, sketch]));
    }
    for fee in &evidence.fees {
        line(&mut all, &json!(["charge", fee.usage_id, fee.billed_cost.to_string(), fee.currency]));
    }
    (hex(&all.finalize()), hex(&excluded.finalize()))
}

/// Rows of evidence that are kept.
#[derive(Debug)]
pub(super) struct EvidenceTable {
    pub(super) name: &'static str,
    pub(super) rows: RecordBatch,
}

/// The evidence of a period's tenants as tables: slices, days and charges.
pub(super) fn tables(all: &[Evidence]) -> Result<Vec<EvidenceTable>, EngineError> {
    let slices = flat(all, |one| &one.slices);
    let days = flat(all, |one| &one.days);
    let fees = flat(all, |one| &one.fees);
    let tables = [
        (
            "slices",
            vec![
                ("tenant_id", text(slices.iter().map(|(of, _)| Some(of.tenant.clone())))),
                ("what", text(slices.iter().map(|(_, run)| Some(run.what.clone())))),
                ("start", instants(slices.iter().map(|(_, run)| run.interval.start))),
                ("end", instants(slices.iter().map(|(_, run)| run.interval.end))),
                ("slices", counts(slices.iter().map(|(_, run)| run.slices))),
                ("total", counts(slices.iter().map(|(_, run)| run.total))),
                ("failed", counts(slices.iter().map(|(_, run)| run.failed))),
                ("exclusion_id", text(slices.iter().map(|(_, run)| run.exclusion.clone()))),
            ],
        ),
        (
            "days",
            vec![
                ("tenant_id", text(days.iter().map(|(of, _)| Some(of.tenant.clone())))),
                ("day", instants(days.iter().map(|(_, day)| day.start))),
                ("total", counts(days.iter().map(|(_, day)| day.total))),
                ("failed", counts(days.iter().map(|(_, day)| day.failed))),
                ("slow", counts(days.iter().map(|(_, day)| day.slow))),
                ("latency", Arc::new(BinaryArray::from_iter_values(days.iter().map(|(_, day)| &day.latency)))),
            ],
        ),
        (
            "charges",
            vec![
                ("tenant_id", text(fees.iter().map(|(of, _)| Some(of.tenant.clone())))),
                ("usage_id", text(fees.iter().map(|(_, fee)| Some(fee.usage_id.clone())))),
                ("billed_cost_e12", text(fees.iter().map(|(_, fee)| Some(fee.billed_cost.to_string())))),
                ("currency", text(fees.iter().map(|(_, fee)| Some(fee.currency.clone())))),
                ("raw_ref", text(fees.iter().map(|(_, fee)| Some(fee.raw_ref.clone())))),
            ],
        ),
    ];
    tables.into_iter().map(|(name, columns)| Ok(EvidenceTable { name, rows: batch(columns)? })).collect()
}

fn flat<'e, T>(all: &'e [Evidence], rows: impl Fn(&'e Evidence) -> &'e Vec<T>) -> Vec<(&'e Evidence, &'e T)> {
    all.iter().flat_map(|one| rows(one).iter().map(move |row| (one, row))).collect()
}

fn batch(columns: Vec<(&'static str, ArrayRef)>) -> Result<RecordBatch, EngineError> {
    let fields = columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), *name == NULLABLE));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let failed = |error| EngineError::Bug { what: format!("evidence of an SLA is no table ({error})") };
    RecordBatch::try_new(schema, columns).map_err(failed)
}

fn text(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn counts(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(values))
}

fn instants(values: impl Iterator<Item = DateTime<Utc>>) -> ArrayRef {
    let micros = TimestampMicrosecondArray::from_iter_values(values.map(|at| at.timestamp_micros()));
    Arc::new(micros.with_timezone("UTC"))
}
