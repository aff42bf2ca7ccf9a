//! A lake of files with known days, statements over it, and what they give in full and from states.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, FixedSizeBinaryArray, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::TryStreamExt;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use schemas::{Column, ColumnType, Dataset, DatasetId, TableSchema};

use crate::incremental::eligible::{Grouping, Refused, groupings};
use crate::incremental::fold::{Folding, Stop};
use crate::incremental::folded::{Inputs, StatesUsed, in_place_of};
use crate::incremental::{UseStates, states::STATES, without_repeats};
use crate::lake_session::LakeSession;
use crate::store::Lakefront;
use crate::{NoSystemTables, Resources, SessionFactory};

const DOC: &str = "of a test";

/// Columns of the types that states can have.
static EVENTS: TableSchema = TableSchema {
    name: "events.v1",
    doc: DOC,
    time: Some("time"),
    tenant: "tenant_id",
    subjects: &[],
    key: &[],
    sort: &["time"],
    partitioned: true,
    columns: &[
        Column::required("tenant_id", ColumnType::Str, DOC),
        Column::core("time", ColumnType::Ts, DOC),
        Column::core("kind", ColumnType::Str, DOC),
        Column::core("n", ColumnType::I64, DOC),
        Column::core("small", ColumnType::I32, DOC),
        Column::core("x", ColumnType::F64, DOC),
        Column::core("y", ColumnType::F64, DOC),
        Column::core("amount", ColumnType::Dec { precision: 38, scale: 2 }, DOC),
        Column::core("flag", ColumnType::Bool, DOC),
        Column::core("hash", ColumnType::Hash, DOC),
        Column::optional("region", ColumnType::Str, DOC),
    ],
};

pub(super) fn dataset() -> Dataset {
    Dataset {
        id: DatasetId::parse("events").expect("a name"),
        location: "events/".to_owned(),
        elsewhere: None,
        schema: &EVENTS,
        map: None,
        time: EVENTS.time.map(str::to_owned),
        tenant: EVENTS.tenant.to_owned(),
        subjects: Vec::new(),
        classes: BTreeMap::new(),
        data_classes: Vec::new(),
        portable: std::collections::BTreeSet::new(),
    }
}

pub(super) fn at(text: &str) -> DateTime<Utc> {
    schemas::parse_rfc3339(text).expect("an instant")
}

/// The instant of sessions.
pub(super) fn now() -> DateTime<Utc> {
    at("2026-12-01T00:00:00Z")
}

/// A lake in memory.
pub(super) struct Lake {
    pub(super) front: Lakefront,
    pub(super) factory: SessionFactory,
}

impl Lake {
    pub(super) fn new() -> Self {
        Self::over(Lakefront::memory())
    }

    pub(super) fn over(front: Lakefront) -> Self {
        let resources = Resources::default();
        let factory =
            SessionFactory::new(Arc::clone(front.store()), vec![dataset()], Arc::new(NoSystemTables), resources);
        Self { front, factory }
    }

    pub(super) async fn put(&self, path: &str, rows: &RecordBatch) {
        // Small row groups and pages, so that a file has several.
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(37)).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).expect("a writer");
        writer.write(rows).expect("written");
        let bytes = writer.into_inner().expect("closed");
        self.front.replace(&Path::from(path), Bytes::from(bytes)).await.expect("put");
    }

    /// Files of these days with so many random rows each; some days have several files, one has none.
    pub(super) async fn fill(&self, days: &[&str], rows: usize, chance: &mut ChaCha8Rng) {
        for day in days {
            for part in 0..chance.random_range(1..3) {
                let count = if chance.random_bool(0.1) { 0 } else { chance.random_range(0..=rows) };
                let tenant = if chance.random_bool(0.5) { "t1" } else { "t2" };
                let path = format!("events/tenant={tenant}/date={day}/part-{part}.parquet");
                self.put(&path, &random_rows(tenant, day, count, chance)).await;
            }
        }
    }

    pub(super) fn session(&self) -> LakeSession {
        self.factory.session(now()).expect("a session")
    }

    /// The lowest groupings of a statement, or why they cannot be folded.
    pub(super) async fn judged(&self, sql: &str) -> Result<Vec<Grouping>, Refused> {
        let session = self.session();
        let plan = session.plan(sql).await.expect("plans");
        let optimized = session.optimized(&plan).expect("optimises");
        groupings(&session, &optimized).expect("no bug")
    }

    /// What a statement gives in full: its rows as text, sorted.
    pub(super) async fn plain(&self, sql: &str) -> Vec<String> {
        lines(&self.session().query(sql).await.expect("runs"))
    }

    /// What it gives from states, and what was used.
    pub(super) async fn folded(&self, sql: &str, using: UseStates) -> (Vec<String>, StatesUsed) {
        match self.tried(sql, using).await {
            Ok(given) => given,
            Err(Stop::TooLarge(why)) => panic!("{sql}: {why}"),
            Err(Stop::Failed(error)) => panic!("{sql}: {error:?}"),
        }
    }

    pub(super) async fn tried(&self, sql: &str, using: UseStates) -> Result<(Vec<String>, StatesUsed), Stop> {
        let session = self.session();
        let plan = session.plan(sql).await?;
        let mut optimized = session.optimized(&plan)?;
        let found = groupings(&session, &optimized)?.unwrap_or_else(|refused| panic!("{sql}: {refused:?}"));
        let (mut used, mut inputs) = (StatesUsed::default(), Inputs::default());
        for (number, grouping) in without_repeats(&found).into_iter().enumerate() {
            let fold = Folding::begin(&self.front, &session, grouping, using).await?;
            let (states, told) = match fold.all(&mut inputs).await {
                Ok(given) => given,
                Err(stop) => {
                    fold.give_up().await?;
                    return Err(stop);
                }
            };
            used.add(told);
            optimized = in_place_of(optimized, (number, grouping), (fold.steps(), states))?;
        }
        let rows = session.stream_optimized(&optimized).await?;
        let rows: Vec<RecordBatch> = rows.try_collect().await.expect("runs");
        Ok((lines(&rows), used))
    }

    /// Objects below the states' folder.
    pub(super) async fn states(&self) -> Vec<String> {
        let listed = self.front.list(&Path::from(STATES)).await.expect("listed");
        listed.into_iter().map(|meta| meta.location.to_string()).filter(|path| path.ends_with(".parquet")).collect()
    }
}

/// Rows as text, one line each, sorted.
pub(super) fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("null");
    let mut lines = Vec::new();
    for batch in batches {
        let columns: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).expect("shown")).collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            lines.push(values.join(" | "));
        }
    }
    lines.sort();
    lines
}

/// Every day from one to another, both included.
pub(super) fn days(from: &str, to: &str) -> Vec<String> {
    let (from, to): (NaiveDate, NaiveDate) = (from.parse().expect("a day"), to.parse().expect("a day"));
    from.iter_days().take_while(|day| *day <= to).map(|day| day.to_string()).collect()
}

/// Rows of one tenant and day; a file in four lacks a column, and strings are stored in two ways.
pub(super) fn random_rows(tenant: &str, day: &str, count: usize, chance: &mut ChaCha8Rng) -> RecordBatch {
    let first = at(&format!("{day}T00:00:00Z")).timestamp_micros();
    let last = TimeDelta::days(1).num_microseconds().expect("fits") - 1;
    let maybe = |likely: f64, chance: &mut ChaCha8Rng| chance.random_bool(likely);
    let rows = 0..count;
    let times: TimestampMicrosecondArray = rows
        .clone()
        .map(|row| match row {
            0 => Some(first),
            1 => Some(first + last),
            _ => maybe(0.95, chance).then(|| first + chance.random_range(0..=last)),
        })
        .collect();
    let kinds: StringArray = rows
        .clone()
        .map(|_| maybe(0.9, chance).then(|| format!("a kind of some length {}", chance.random_range(0..4))))
        .collect();
    let whole: Int64Array = rows
        .clone()
        .map(|_| {
            let extreme = maybe(0.05, chance);
            maybe(0.85, chance).then(|| if extreme { i64::MAX - 3 } else { chance.random_range(-50..50) })
        })
        .collect();
    let small: Int32Array = rows.clone().map(|_| maybe(0.9, chance).then(|| chance.random_range(-9..9))).collect();
    let float = |chance: &mut ChaCha8Rng| chance.random_bool(0.9).then(|| chance.random_range(-1e6..1e6));
    let x: Float64Array = rows.clone().map(|_| float(chance)).collect();
    let y: Float64Array = rows.clone().map(|_| float(chance)).collect();
    let amounts: Decimal128Array = rows
        .clone()
        .map(|_| {
            let extreme = maybe(0.05, chance);
            let large = 10_i128.pow(31);
            maybe(0.9, chance).then(|| if extreme { large } else { chance.random_range(-100_000..100_000) })
        })
        .collect();
    let flags: BooleanArray = rows.clone().map(|_| maybe(0.8, chance).then(|| maybe(0.5, chance))).collect();
    let hashes: Vec<Option<[u8; 32]>> =
        rows.clone().map(|_| maybe(0.9, chance).then(|| [chance.random_range(0..5); 32])).collect();
    let hashes = FixedSizeBinaryArray::try_from_sparse_iter_with_size(hashes.into_iter(), 32).expect("32 bytes each");
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("tenant_id", Arc::new(StringArray::from(vec![tenant; count]))),
        ("time", Arc::new(times.with_timezone("UTC"))),
        ("kind", Arc::new(kinds)),
        ("n", Arc::new(whole)),
        ("small", Arc::new(small)),
        ("x", Arc::new(x)),
        ("y", Arc::new(y)),
        ("amount", Arc::new(amounts.with_precision_and_scale(38, 2).expect("fits"))),
        ("flag", Arc::new(flags)),
        ("hash", Arc::new(hashes)),
    ];
    if chance.random_bool(0.75) {
        let regions: StringArray = rows.map(|_| maybe(0.7, chance).then_some("eu")).collect();
        columns.push(("region", Arc::new(regions)));
    }
    if chance.random_bool(0.3) {
        let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        columns[2].1 = arrow::compute::cast(&columns[2].1, &kind).expect("cast");
    }
    let fields: Vec<Field> =
        columns.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, values)| values).collect())
        .expect("one length")
}
