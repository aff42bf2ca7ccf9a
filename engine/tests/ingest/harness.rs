//! A lake in memory, a folder of inputs, and fences that fall at a chosen write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::AsArray;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    CompactOutcome, CompactRequest, EngineError, Fence, IngestFrom, IngestOutcome, IngestProgress, IngestRequest,
    InputFolder, LakeSession, Lakefront, NoSystemTables, QueryOutcome, QueryRequest, Resources, SessionFactory,
    compact, ingest, materialize,
};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use schemas::{AUDIT, Dataset, DatasetId, IngestFormat, Interval, REJECTED, TableSchema, parse_rfc3339};
use tempfile::TempDir;

/// Lets a number of writes pass; then the claim is lost.
#[derive(Debug)]
pub(crate) struct Fences {
    lost_at: usize,
    met: AtomicUsize,
}

impl Fences {
    pub(crate) fn lost_at(lost_at: usize) -> Self {
        Self { lost_at, met: AtomicUsize::new(0) }
    }

    /// How often a write asked.
    pub(crate) fn met(&self) -> usize {
        self.met.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Fence for Fences {
    async fn check(&self) -> Result<(), EngineError> {
        if self.met.fetch_add(1, Ordering::SeqCst) >= self.lost_at {
            return Err(EngineError::ClaimLost { claim: "datasets/audit".to_owned(), epoch: 1 });
        }
        Ok(())
    }
}

/// The dataset that a query job fills with the events of one day.
const DAY: &str = "day";

pub(crate) struct Lake {
    inputs: TempDir,
    front: Lakefront,
    factory: SessionFactory,
}

impl Lake {
    /// Two files over three days of two tenants, with duplicates and one bad record.
    pub(crate) fn with_drop() -> Self {
        Self::with_drop_in(Arc::new(InMemory::new()))
    }

    /// The same in a store of the test's own.
    pub(crate) fn with_drop_in(store: Arc<dyn ObjectStore>) -> Self {
        let front = Lakefront::over(store);
        let datasets = vec![dataset("audit", &AUDIT), dataset("audit_rejected", &REJECTED), dataset(DAY, &AUDIT)];
        let factory =
            SessionFactory::new(Arc::clone(front.store()), datasets, Arc::new(NoSystemTables), Resources::default());
        let lake = Self { inputs: TempDir::new().expect("a folder"), front, factory };
        lake.drop_file("one.ndjson", &(0..600).map(Self::event).collect::<Vec<_>>());
        let mut second: Vec<String> = (500..900).map(Self::event).collect();
        second.push(r#"{"event_id":"no time"}"#.to_owned());
        lake.drop_file("two.ndjson", &second);
        lake
    }

    pub(crate) fn event(number: u64) -> String {
        let (day, tenant, second) = (1 + number % 3, number % 2, number % 60);
        format!(
            r#"{{"event_id":"e-{number:05}","time":"2026-03-0{day}T10:00:{second:02}Z","tenant_id":"t{tenant}","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-{}","actor_type":"user"}}"#,
            number % 7
        )
    }

    pub(crate) fn drop_file(&self, name: &str, lines: &[String]) {
        std::fs::write(self.inputs.path().join(name), lines.join("\n")).expect("written");
    }

    /// Makes few files of the many of the dataset, `days` after the ingest.
    pub(crate) async fn compact(&self, fence: &dyn Fence, days: i64) -> Result<CompactOutcome, EngineError> {
        let request = CompactRequest {
            dataset: &dataset("audit", &AUDIT),
            now: now() + TimeDelta::days(days),
            grace: TimeDelta::hours(24),
            file_bytes: 128 << 20,
            dry_run: false,
            only: None,
        };
        compact(&self.front, &self.factory, &request, fence, &IngestProgress::default()).await
    }

    /// Computes the events of one day anew.
    pub(crate) async fn day(&self, fence: &dyn Fence) -> Result<QueryOutcome, EngineError> {
        let end = now() - TimeDelta::days(2);
        let request = QueryRequest {
            dataset: &dataset(DAY, &AUDIT),
            job: DAY,
            sql: "SELECT * FROM audit WHERE time >= $start AND time < $end",
            interval: Interval { start: end - TimeDelta::days(1), end },
            now: now(),
            grace: TimeDelta::hours(24),
            new_files_of: None,
            incremental: schemas::Incremental::Never,
            states: engine::UseStates::Kept,
        };
        materialize(&self.front, &self.factory, &request, fence, &IngestProgress::default()).await
    }

    /// How many rows that day has where it was computed, and how many among all events.
    pub(crate) async fn rows_of_day(&self) -> (i64, i64) {
        let figure = async |sql: &str| {
            let batches = self.session().query(sql).await.expect("a figure");
            batches[0].column(0).as_primitive::<arrow::datatypes::Int64Type>().value(0)
        };
        let all = "SELECT count(*) FROM audit WHERE time >= '2026-03-01T00:00:00Z' AND time < '2026-03-02T00:00:00Z'";
        (figure("SELECT count(*) FROM day").await, figure(all).await)
    }

    pub(crate) async fn ingest(&self, fences: &dyn Fence) -> Result<IngestOutcome, EngineError> {
        let dataset = dataset("audit", &AUDIT);
        let request = IngestRequest {
            dataset: &dataset,
            format: IngestFormat::Ndjson,
            mapping: None,
            tenant: None,
            from: IngestFrom::Paths(vec![".".to_owned()]),
            job: "test".to_owned(),
            instant: now(),
            max_rejected_ppm: 500_000,
            partial: false,
            suppression: None,
        };
        let inputs = InputFolder::new(self.inputs.path());
        ingest(&self.front, &self.factory, &inputs, &request, fences, &Arc::default()).await
    }

    pub(crate) fn session(&self) -> LakeSession {
        self.factory.session(now()).expect("a session")
    }

    /// How often each id stands in the dataset; a doubled one fails.
    pub(crate) async fn ids(&self) -> BTreeMap<String, i64> {
        let sql = "SELECT CAST(event_id AS varchar) AS id, count(*) AS n FROM audit GROUP BY event_id";
        let mut ids = BTreeMap::new();
        for batch in self.session().query(sql).await.expect("rows") {
            let names = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8).expect("text");
            let counts = batch.column(1).as_primitive::<arrow::datatypes::Int64Type>();
            for (name, count) in names.as_string::<i32>().iter().zip(counts.values()) {
                assert_eq!(*count, 1, "{name:?} stands there twice");
                ids.insert(name.expect("an id").to_owned(), *count);
            }
        }
        ids
    }

    /// The folders and numbers of the rows' files: their names begin with the work, which follows the inputs' ETags.
    pub(crate) async fn places(&self) -> Vec<String> {
        let place = |file: &String| {
            let (folder, name) = file.rsplit_once('/').expect("a file lies in a folder");
            format!("{folder}/{}", name.split_once('-').expect("work and number").1)
        };
        self.parquet_files().await.iter().map(place).collect()
    }

    /// How many works were planned.
    pub(crate) async fn plans(&self) -> usize {
        let records = self.front.list(&Path::from("_auditlake/ingest/audit")).await.expect("a listing");
        records.iter().filter(|record| record.location.filename() == Some("plan.json")).count()
    }

    /// Paths of the rows' files, those of rejects included.
    pub(crate) async fn parquet_files(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in ["audit", "audit_rejected"] {
            let files = self.front.list(&Path::from(folder)).await.expect("a listing");
            found.extend(files.iter().map(|file| file.location.to_string()));
        }
        found
    }

    pub(crate) async fn read(&self, path: &str) -> Vec<u8> {
        self.front.read(&Path::from(path)).await.expect("read").expect("there").to_vec()
    }

    pub(crate) async fn overwrite(&self, path: &str, bytes: &[u8]) {
        self.front.replace(&Path::parse(path).expect("a path"), bytes.to_vec().into()).await.expect("replaced");
    }
}

fn now() -> DateTime<Utc> {
    parse_rfc3339("2026-03-04T00:00:00Z").expect("an instant")
}

fn dataset(name: &str, schema: &'static TableSchema) -> Dataset {
    Dataset {
        id: DatasetId::parse(name).expect("name"),
        location: format!("{name}/"),
        elsewhere: None,
        map: None,
        schema,
        time: schema.time.map(str::to_owned),
        tenant: schema.tenant.to_owned(),
        classes: BTreeMap::new(),
        data_classes: Vec::new(),
        portable: std::collections::BTreeSet::new(),
        subjects: Vec::new(),
    }
}
