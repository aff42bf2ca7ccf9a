//! Metrics of a lake as series: one statement a metric, whose rows come series by series.
//!
//! A series is whole buckets from the first row of its tenant on, or from the beginning of the history. So an entity that
//! nobody saw before has a history of nothing, and what it does at once is unusual. Absent: state between runs; whoever has
//! the files comes to the same series.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use chrono::{DateTime, Utc};
use engine::{EngineError, LakeSession, stream_error};
use futures::StreamExt;
use schemas::{Dataset, EmptyBucket, Interval, MetricSpec, rfc3339};

use crate::error::JobError;
use crate::row_columns::{numbers, texts};

/// Buckets by their number since 1970.
pub(super) type Bucket = i64;

/// A metric over a time.
pub(super) struct Measured<'a> {
    pub(super) metric: &'a MetricSpec,
    pub(super) dataset: &'a Dataset,
    /// The first bucket that detectors meet.
    pub(super) first: Bucket,
    /// The first bucket that is judged.
    pub(super) judged: Bucket,
    /// The bucket after the last one.
    pub(super) end: Bucket,
}

/// Values of one entity.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) tenant: String,
    /// None where each tenant is a series.
    pub(super) entity: Option<String>,
    /// Number of its first bucket.
    pub(super) first: Bucket,
    /// A value for each bucket; none where nothing is known.
    pub(super) values: Vec<Option<f64>>,
    /// Rows of all buckets.
    pub(super) rows: u64,
}

/// How many series there are, and how many of them were left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SeriesCount {
    pub(super) all: u64,
    pub(super) left_out: u64,
}

impl<'a> Measured<'a> {
    /// A metric whose buckets that end in `interval` are judged, by what was within `history_seconds` before its end.
    pub(super) fn of(
        (metric, dataset): (&'a MetricSpec, &'a Dataset),
        interval: Interval,
        history_seconds: u64,
    ) -> Self {
        let length = micros(metric);
        // Buckets that end by an instant have lower numbers than this.
        let ended_by = |at: DateTime<Utc>| at.timestamp_micros().div_euclid(length);
        let end = ended_by(interval.end);
        let history = i64::try_from(history_seconds / metric.every_seconds.max(1)).unwrap_or(i64::MAX);
        let judged = ended_by(interval.start).min(end);
        Self { metric, dataset, first: end.saturating_sub(history).min(judged), judged, end }
    }

    /// When a bucket begins.
    pub(super) fn start_of(&self, bucket: Bucket) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(bucket.saturating_mul(micros(self.metric))).unwrap_or_default()
    }

    /// The time that is read.
    pub(super) fn interval(&self) -> Interval {
        Interval { start: self.start_of(self.first), end: self.start_of(self.end) }
    }

    /// Rows of the time; those of the metric, or all.
    fn rows(&self, columns: &str, is_of_metric: bool) -> String {
        let time = self.dataset.time.as_deref().unwrap_or_default();
        let Interval { start, end } = self.interval();
        let mut sql = format!(
            "SELECT {columns} FROM \"{}\" WHERE \"{time}\" >= TIMESTAMP '{}' AND \"{time}\" < TIMESTAMP '{}'",
            self.dataset.id,
            rfc3339(start),
            rfc3339(end)
        );
        if let Some(condition) = self.metric.condition.as_ref().filter(|_| is_of_metric) {
            sql.push_str(&format!(" AND ({condition})"));
        }
        sql
    }

    /// Tenant, entity and bucket of a row, in this order.
    fn keys(&self) -> String {
        let (tenant, time) = (&self.dataset.tenant, self.dataset.time.as_deref().unwrap_or_default());
        let entity = self
            .metric
            .by
            .as_ref()
            .map_or("CAST(NULL AS varchar)".to_owned(), |by| format!("CAST(\"{by}\" AS varchar)"));
        // Files of others may have instants in other units.
        let bucket = format!("CAST(to_timestamp_micros(\"{time}\") AS bigint) / {}", micros(self.metric));
        format!("CAST(\"{tenant}\" AS varchar) AS tenant, {entity} AS entity, {bucket} AS bucket")
    }

    /// The statement of the metric's values.
    pub(super) fn statement(&self) -> String {
        let keys = self.keys();
        let value = format!("CAST({} AS double) AS value, count(*) AS n", self.metric.value);
        let entity = self.metric.by.as_ref().map_or(String::new(), |by| format!(" AND \"{by}\" IS NOT NULL"));
        let rows = self.rows(&format!("{keys}, {value}"), true);
        format!("{rows}{entity} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")
    }

    /// How many series there are, and the fewest rows of those that are not left out.
    pub(super) async fn counted(&self, session: &LakeSession, series_max: u32) -> Result<(SeriesCount, u64), JobError> {
        let Some(by) = &self.metric.by else { return Ok((SeriesCount::default(), 0)) };
        let inner =
            self.rows(&format!("\"{}\" AS tenant, \"{by}\" AS entity, count(*) AS n", self.dataset.tenant), true);
        let sql = format!(
            "SELECT n, count(*) AS series FROM ({inner} AND \"{by}\" IS NOT NULL GROUP BY \"{}\", \"{by}\") GROUP BY n ORDER BY n DESC",
            self.dataset.tenant
        );
        let batches = session.query(&sql).await?;
        let (rows, series) = (numbers(&batches, "n")?, numbers(&batches, "series")?);
        let mut count = SeriesCount::default();
        let mut least = 0;
        for (n, series) in rows.into_iter().zip(series) {
            let series = series.and_then(|series| u64::try_from(series).ok()).unwrap_or(0);
            count.all += series;
            if count.left_out > 0 || count.all > u64::from(series_max) {
                // Series with equally many rows stay or go together.
                count.left_out += series;
            } else {
                least = n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
            }
        }
        Ok((count, least))
    }

    /// The first bucket of each tenant in which anything of the dataset lies.
    pub(super) async fn begun(&self, session: &LakeSession) -> Result<BTreeMap<String, Bucket>, JobError> {
        let (tenant, time) = (&self.dataset.tenant, self.dataset.time.as_deref().unwrap_or_default());
        let columns = format!(
            "CAST(\"{tenant}\" AS varchar) AS tenant, CAST(to_timestamp_micros(min(\"{time}\")) AS bigint) / {} AS bucket",
            micros(self.metric)
        );
        let batches = session.query(&format!("{} GROUP BY \"{tenant}\"", self.rows(&columns, false))).await?;
        let tenants = texts(&batches, "tenant").into_iter().map(Option::unwrap_or_default);
        Ok(tenants.zip(numbers(&batches, "bucket")?).filter_map(|(tenant, bucket)| Some((tenant, bucket?))).collect())
    }

    /// Gives each series in turn, but those with fewer rows than `least`, of which it counts how many each tenant has.
    pub(super) async fn series(
        &self,
        session: &LakeSession,
        (begun, least): (&BTreeMap<String, Bucket>, u64),
        mut give: impl FnMut(Series) -> Result<(), JobError>,
    ) -> Result<BTreeMap<String, u64>, JobError> {
        let mut left_out = BTreeMap::new();
        let mut close = |series: Option<Series>| match series {
            Some(mut series) if series.rows >= least => {
                self.fill(&mut series, self.end);
                give(series)
            }
            Some(series) => {
                *left_out.entry(series.tenant).or_default() += 1;
                Ok(())
            }
            None => Ok(()),
        };
        let plan = session.plan(&self.statement()).await?;
        let mut batches = session.stream(&plan).await?;
        let mut open: Option<Series> = None;
        while let Some(batch) = batches.next().await {
            for row in rows_of(&batch.map_err(stream_error)?)? {
                let is_same =
                    open.as_ref().is_some_and(|series| (&series.tenant, &series.entity) == (&row.tenant, &row.entity));
                if !is_same {
                    close(open.take())?;
                    let first = begun.get(&row.tenant).copied().unwrap_or(row.bucket).max(self.first);
                    let (tenant, entity) = (row.tenant.clone(), row.entity.clone());
                    open = Some(Series { tenant, entity, first, values: Vec::new(), rows: 0 });
                }
                if let Some(series) = &mut open {
                    self.add(series, &row);
                }
            }
        }
        close(open)?;
        Ok(left_out)
    }

    fn add(&self, series: &mut Series, row: &Row) {
        series.rows += row.rows;
        self.fill(series, row.bucket);
        let is_judged = row.rows >= self.metric.min_rows;
        series.values.push(row.value.filter(|value| is_judged && value.is_finite()));
    }

    /// Adds buckets without rows up to this one.
    fn fill(&self, series: &mut Series, until: Bucket) {
        let empty = match self.metric.empty {
            EmptyBucket::Zero => Some(0.0),
            EmptyBucket::Missing => None,
        };
        let values = usize::try_from(until.saturating_sub(series.first)).unwrap_or(0);
        if series.values.len() < values {
            series.values.resize(values, empty);
        }
    }
}

/// Length of a bucket in microseconds.
fn micros(metric: &MetricSpec) -> i64 {
    i64::try_from(metric.every_seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX)
}

struct Row {
    tenant: String,
    entity: Option<String>,
    bucket: Bucket,
    value: Option<f64>,
    rows: u64,
}

fn rows_of(batch: &RecordBatch) -> Result<Vec<Row>, EngineError> {
    let cast = |name: &str, kind: &DataType| -> Result<ArrayRef, EngineError> {
        let column = batch.column_by_name(name).and_then(|column| arrow::compute::cast(column, kind).ok());
        column.ok_or_else(|| EngineError::Bug { what: format!("a metric has no {name}") })
    };
    let (tenants, entities) = (cast("tenant", &DataType::Utf8)?, cast("entity", &DataType::Utf8)?);
    let (buckets, values) = (cast("bucket", &DataType::Int64)?, cast("value", &DataType::Float64)?);
    let counts = cast("n", &DataType::Int64)?;
    let text = |column: &ArrayRef, row: usize| {
        let column = column.as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let (buckets, counts) = (buckets.as_primitive::<Int64Type>(), counts.as_primitive::<Int64Type>());
    let values = values.as_primitive::<Float64Type>();
    let rows = (0..batch.num_rows()).map(|row| Row {
        tenant: text(&tenants, row).unwrap_or_default(),
        entity: text(&entities, row),
        bucket: buckets.value(row),
        value: values.is_valid(row).then(|| values.value(row)),
        rows: u64::try_from(counts.value(row)).unwrap_or(0),
    });
    Ok(rows.collect())
}
