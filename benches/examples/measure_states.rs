//! What a day costs when states of files are kept: a grouping over years of daily files in full, for the first time, and with
//! one more day; and whether all of them give the same rows. Prints a line for each.
//!
//! ```text
//! measure_states FOLDER DAYS ROWS     an absent folder, daily files of so many rows each
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::util::pretty::pretty_format_batches;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use criterion::measurement::{Measurement, WallTime};
use engine::{
    EngineError, Fence, IngestProgress, Lakefront, NoSystemTables, QueryOutcome, QueryRequest, Resources,
    SessionFactory, UseStates, materialize, parquet_bytes,
};
use schemas::{Column, ColumnType, Dataset, DatasetId, INFERRED, Incremental, Interval, TableSchema};

const FIRST_DAY: &str = "2024-01-01";
const TENANTS: usize = 20;
const KINDS: usize = 10;
const SQL: &str = "SELECT tenant_id, $end AS until, kind, count(*) AS events, sum(n) AS n, min(n) AS least, max(time) AS last_at, \
                   sum(amount) AS amount FROM events WHERE time < $end GROUP BY tenant_id, kind";

static EVENTS: TableSchema = TableSchema {
    name: "events.v1",
    doc: "One row per event.",
    time: Some("time"),
    tenant: "tenant_id",
    subjects: &[],
    key: &[],
    sort: &["time"],
    partitioned: true,
    columns: &[
        Column::required("tenant_id", ColumnType::Str, "whose it is"),
        Column::required("time", ColumnType::Ts, "when it was"),
        Column::required("kind", ColumnType::Str, "what it was"),
        Column::required("actor", ColumnType::Str, "who it was"),
        Column::required("n", ColumnType::I64, "how many"),
        Column::required("amount", ColumnType::Dec { precision: 20, scale: 4 }, "how much"),
    ],
};

/// Nobody else writes.
#[derive(Debug)]
struct Alone;

#[async_trait::async_trait]
impl Fence for Alone {
    async fn check(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

struct Lake {
    front: Lakefront,
    factory: SessionFactory,
    totals: Dataset,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, days, rows] = arguments.as_slice() else {
        bail!("FOLDER DAYS ROWS, as the first lines of this file say")
    };
    let (days, rows): (u64, usize) = (days.parse()?, rows.parse()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(folder.as_ref(), days, rows))
}

async fn measure(folder: &Path, days: u64, rows: usize) -> Result<()> {
    let lake = Lake::new(folder)?;
    let first: NaiveDate = FIRST_DAY.parse()?;
    let mut bytes = 0;
    for day in 0..days {
        bytes += lake.day(first + Days::new(day), rows).await?;
    }
    println!("{days} files, {} rows, {bytes} bytes", days * rows as u64);
    let end = |days: u64| (first + Days::new(days)).and_hms_opt(0, 0, 0).map(|at| at.and_utc()).context("a day");
    let (full, before) = lake.run(end(days)?, Incremental::Never).await?;
    println!("in full: {full:.3} s");
    let (anew, first_rows) = lake.run(end(days)?, Incremental::Auto).await?;
    println!("the first time with states: {anew:.3} s, {:.2} of in full", anew / full);
    ensure!(before == first_rows, "states give other rows");
    lake.day(first + Days::new(days), rows).await?;
    let (daily, folded) = lake.run(end(days + 1)?, Incremental::Auto).await?;
    let (full, plain) = lake.run(end(days + 1)?, Incremental::Never).await?;
    ensure!(folded == plain, "states give other rows");
    println!("one more day with states: {daily:.3} s, in full: {full:.3} s, {:.4} of it; the same rows", daily / full);
    Ok(())
}

impl Lake {
    fn new(folder: &Path) -> Result<Self> {
        let front = Lakefront::folder(folder)?;
        let events = dataset("events", &EVENTS, "time")?;
        let totals = dataset("totals", &INFERRED, "until")?;
        let datasets = vec![events, totals.clone()];
        let records = Arc::new(NoSystemTables);
        let factory = SessionFactory::new(Arc::clone(front.store()), datasets, records, Resources::default());
        Ok(Self { front, factory, totals })
    }

    /// Writes the file of a day; its bytes.
    async fn day(&self, day: NaiveDate, rows: usize) -> Result<u64> {
        let path = format!("events/date={day}/part.parquet");
        let bytes = parquet_bytes(&path, &events(day, rows)?)?;
        let size = bytes.len() as u64;
        self.front.create(&object_store::path::Path::from(path), bytes).await?;
        Ok(size)
    }

    /// Computes the totals up to an instant: seconds, and the rows.
    async fn run(&self, end: DateTime<Utc>, incremental: Incremental) -> Result<(f64, String)> {
        let request = QueryRequest {
            dataset: &self.totals,
            job: "totals",
            sql: SQL,
            interval: Interval { start: end - TimeDelta::days(1), end },
            now: end,
            new_files_of: None,
            grace: TimeDelta::zero(),
            incremental,
            states: UseStates::Kept,
        };
        let begun = WallTime.start();
        let outcome = materialize(&self.front, &self.factory, &request, &Alone, &IngestProgress::default()).await?;
        let seconds = WallTime.end(begun).as_secs_f64();
        told(&outcome);
        let sql = "SELECT * FROM totals ORDER BY until DESC, tenant_id, kind LIMIT 1000";
        let rows = self.factory.session(end)?.query(sql).await?;
        Ok((seconds, pretty_format_batches(&rows)?.to_string()))
    }
}

fn told(outcome: &QueryOutcome) {
    let Some(states) = &outcome.states else { return };
    match &states.full_reason {
        Some(reason) => println!("  computed in full: {reason}"),
        None => println!(
            "  {} files from states, {} computed; {} bytes of states, {} bytes of files not read",
            states.states_reused, states.states_computed, states.states_bytes, states.bytes_not_read
        ),
    }
}

fn dataset(id: &str, schema: &'static TableSchema, time: &str) -> Result<Dataset> {
    Ok(Dataset {
        id: DatasetId::parse(id)?,
        location: format!("{id}/"),
        elsewhere: None,
        schema,
        map: None,
        time: Some(time.to_owned()),
        tenant: "tenant_id".to_owned(),
        subjects: Vec::new(),
        classes: BTreeMap::new(),
        data_classes: Vec::new(),
        portable: std::collections::BTreeSet::new(),
    })
}

/// Events spread over a day.
fn events(day: NaiveDate, count: usize) -> Result<RecordBatch> {
    let first = day.and_hms_opt(0, 0, 0).context("a day")?.and_utc().timestamp_micros();
    let step = 86_400_000_000 / i64::try_from(count.max(1))?;
    let rows = || 0..count;
    // Multiplied by odd numbers, so that neighbours differ.
    let drawn = |row: usize, of: usize| (row.wrapping_mul(2_654_435_761) >> 7) % of;
    let times = TimestampMicrosecondArray::from_iter_values(rows().map(|row| first + row as i64 * step));
    let amounts = Decimal128Array::from_iter_values(rows().map(|row| drawn(row, 1_000_003) as i128));
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "tenant_id",
            Arc::new(StringArray::from_iter_values(rows().map(|row| format!("tenant-{:02}", drawn(row, TENANTS))))),
        ),
        ("time", Arc::new(times.with_timezone("UTC"))),
        ("kind", Arc::new(StringArray::from_iter_values(rows().map(|row| format!("kind.{}", drawn(row + 7, KINDS)))))),
        (
            "actor",
            Arc::new(StringArray::from_iter_values(rows().map(|row| format!("person-{:06}", drawn(row, 99_991))))),
        ),
        ("n", Arc::new(Int64Array::from_iter_values(rows().map(|row| drawn(row, 1_009) as i64)))),
        ("amount", Arc::new(amounts.with_precision_and_scale(20, 4)?)),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}
