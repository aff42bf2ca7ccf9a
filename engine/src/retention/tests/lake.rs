//! A lake of events whose rows are known, a policy that deletes, archives and anonymizes, and what must be left of it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::{ArrayRef, AsArray, StringArray, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{BloomFilterPosition, WriterProperties};
use schemas::{Dataset, HoldRecord, HoldScope, HoldStep, RetentionPolicy, SourceFile};

use crate::error::EngineError;
use crate::ingest::Fence;
use crate::replace::files_of;
use crate::retention::{
    Applied, ApplyRequest, Approval, HoldCase, KnownPlan, PlanRequest, RetentionPlan, apply, draw_up, hold_cases,
    record_hold, store_plan,
};
use crate::store::Lakefront;
use crate::subject::PersonKeys;
use crate::subject::given::known;

pub(super) fn at(text: &str) -> DateTime<Utc> {
    schemas::parse_rfc3339(text).expect("is an instant")
}

/// The instant of plans.
pub(super) const NOW: &str = "2026-11-30T00:00:00Z";

/// Rules as the tests want them.
pub(super) const POLICY: &str = "policy: events
rules:
  - {rule: sessions, where: {event_type: \"session.*\"}, maximum: 30d, disposition: delete}
  - {rule: rest, maximum: 60d, disposition: archive, archive: {keep: 1y}}
  - rule: logins
    where: {event_type: user.login}
    maximum: 20d
    disposition: anonymize
    anonymize: {src_ip: {method: truncate_ip, v4: 24, v6: 48}, subject: {method: redact}}
grace: 0h
approval: {brake: 100%}
";

/// One event, as the tests know it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) days_old: i64,
    pub(super) event_type: &'static str,
    pub(super) tenant: String,
    pub(super) subject: Option<String>,
    pub(super) src_ip: Option<String>,
}

impl Event {
    pub(super) fn new(id: usize, days_old: i64, event_type: &'static str) -> Self {
        Self {
            id: format!("e{id:05}"),
            days_old,
            event_type,
            tenant: format!("t{}", id % 2),
            subject: (!id.is_multiple_of(3)).then(|| format!("person-{}", id % 7)),
            src_ip: Some(format!("203.0.113.{}", id % 250)),
        }
    }

    /// What the policy makes of it: none where it leaves the dataset.
    pub(super) fn after(&self) -> Option<Self> {
        match (self.days_old, self.event_type) {
            (30.., "session.opened") | (60.., _) => None,
            (20.., "user.login") => {
                let src_ip = self.src_ip.as_ref().map(|_| "203.0.113.0".to_owned());
                Some(Self { subject: None, src_ip, ..self.clone() })
            }
            _ => Some(self.clone()),
        }
    }

    /// Whether the policy archives it: the least destructive of what is due.
    pub(super) fn is_archived(&self) -> bool {
        self.days_old >= 60
    }
}

/// Proof of a claim that is never lost.
#[derive(Debug)]
pub(super) struct Held;

#[async_trait]
impl Fence for Held {
    async fn check(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// A lake with its definitions.
#[derive(Debug, Clone)]
pub(super) struct TestLake {
    pub(super) front: Lakefront,
    pub(super) dataset: Dataset,
    pub(super) policy: RetentionPolicy,
    /// Objects that an apply has under way at once.
    pub(super) at_once: NonZeroUsize,
    /// By what people are known.
    pub(super) known: Option<PersonKeys>,
}

impl TestLake {
    /// Definitions over a store; no object yet.
    pub(super) fn over(front: Lakefront, policy: &str) -> Self {
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.as_bytes().to_vec() };
        let files = [
            file("lake.yaml", "lake: acme\nstore: file:./data\n"),
            file(
                "datasets/events.yaml",
                "dataset: events\nlocation: events/\ntime: time\ntenant: tenant\nsubjects: [subject]\n",
            ),
            file("policies/events.yaml", policy),
        ];
        let lake = schemas::check(&files).expect("the definitions are right");
        let dataset = lake.datasets.into_iter().next().expect("a dataset");
        let policy = lake.retention.into_iter().next().expect("a policy");
        Self { front, dataset, policy, at_once: NonZeroUsize::MIN, known: Some(known()) }
    }

    /// Three objects: one of which every row is due, one of which some are, and one of which none is.
    pub(super) async fn filled(front: Lakefront, policy: &str) -> Self {
        let lake = Self::over(front, policy);
        for (name, events) in objects() {
            lake.put(&name, &events).await;
        }
        lake
    }

    pub(super) async fn put(&self, name: &str, events: &[Event]) {
        self.front.create(&Path::from(name), parquet(events)).await.expect("written");
    }

    pub(super) async fn drawn_up(&self) -> Result<RetentionPlan, EngineError> {
        self.drawn_up_at(at(NOW), false, &[]).await
    }

    pub(super) async fn drawn_up_at(
        &self,
        now: DateTime<Utc>,
        archive: bool,
        exclude: &[String],
    ) -> Result<RetentionPlan, EngineError> {
        let holds: Vec<HoldCase> = hold_cases(&self.front).await?;
        let request = PlanRequest {
            dataset: &self.dataset,
            ingested_by: &self.dataset,
            archive,
            policy: &self.policy,
            holds: &holds,
            known: self.known.as_ref(),
            now,
            planned_by: Some("paula"),
            exclude,
            erasure: None,
        };
        draw_up(&self.front, &request).await
    }

    /// A plan that is written down.
    pub(super) async fn planned(&self) -> KnownPlan {
        let plan = self.drawn_up().await.expect("drawn up");
        let id = store_plan(&self.front, &plan).await.expect("written");
        KnownPlan { id, plan }
    }

    pub(super) async fn applied(&self, known: &KnownPlan) -> Result<Applied, EngineError> {
        self.applied_at(known, at(NOW), 1, false).await
    }

    pub(super) async fn applied_at(
        &self,
        known: &KnownPlan,
        now: DateTime<Utc>,
        epoch: u64,
        archive: bool,
    ) -> Result<Applied, EngineError> {
        let approval = Approval {
            plan: known.id.clone(),
            number: 1,
            by: "omar".to_owned(),
            ticket: "CHG-88".to_owned(),
            confirmed_rows: None,
            at: known.plan.at,
            until: known.plan.at + TimeDelta::days(7),
            note: None,
        };
        let approved = known.plan.clone().approve(&known.id, (&[approval], None), &self.policy.sha256, known.plan.at);
        let request = ApplyRequest {
            plan: &approved.expect("approved"),
            dataset: &self.dataset,
            archive,
            policy: Some(&self.policy),
            known: self.known.as_ref(),
            epoch,
            now,
            memory_bytes: 1 << 30,
            fence: &Held,
            erasing: None,
            only_begun: false,
            at_once: self.at_once,
            done: &AtomicU64::new(0),
        };
        apply(&self.front, &request).await
    }

    pub(super) async fn hold(&self, case: &str, scope: HoldScope) {
        let record = HoldRecord {
            case: schemas::CaseId::parse(case).expect("a case"),
            number: 1,
            what: HoldStep::Placed { scope },
            by: "carla".to_owned(),
            reason: "litigation".to_owned(),
            at: at(NOW),
        };
        record_hold(&self.front, &record).await.expect("placed");
    }

    /// The rows that count, by id, of the dataset or its archive.
    pub(super) async fn rows(&self, archive: bool) -> BTreeMap<String, Event> {
        let dataset = if archive { self.dataset.archive() } else { self.dataset.clone() };
        let mut rows = BTreeMap::new();
        for file in files_of(&self.front, &dataset).await.expect("listed") {
            let bytes = self.front.read(&file.meta.location).await.expect("read").expect("is there");
            for event in events_of(bytes) {
                let before = rows.insert(event.id.clone(), event);
                assert!(before.is_none(), "twice: {before:?}");
            }
        }
        rows
    }

    /// Bytes of every object below the dataset's folder.
    pub(super) async fn bytes(&self) -> BTreeMap<String, Bytes> {
        let mut all = BTreeMap::new();
        for meta in self.front.list(&Path::from("events")).await.expect("listed") {
            let bytes = self.front.read(&meta.location).await.expect("read").expect("is there");
            all.insert(meta.location.to_string(), bytes);
        }
        all
    }
}

/// The objects of a filled lake.
pub(super) fn objects() -> Vec<(String, Vec<Event>)> {
    let kinds = ["session.opened", "user.login", "file.read"];
    let events = |first: usize, many: usize, days: &dyn Fn(usize) -> i64| {
        (first..first + many).map(|id| Event::new(id, days(id), kinds[id % 3])).collect::<Vec<_>>()
    };
    vec![
        ("events/old.parquet".to_owned(), events(0, 60, &|_| 100)),
        ("events/mixed.parquet".to_owned(), events(1_000, 90, &|id| if id < 1_030 { 3 } else { (id % 80) as i64 })),
        ("events/new.parquet".to_owned(), events(2_000, 40, &|id| (id % 15) as i64)),
    ]
}

/// Every event of a filled lake, by id.
pub(super) fn all_events() -> BTreeMap<String, Event> {
    objects().into_iter().flat_map(|(_, events)| events).map(|event| (event.id.clone(), event)).collect()
}

/// What must be left in the dataset, and what must be in the archive.
pub(super) fn expected() -> (BTreeMap<String, Event>, BTreeMap<String, Event>) {
    let all = all_events();
    let left = all.values().filter_map(Event::after).map(|event| (event.id.clone(), event)).collect();
    let archived = all.into_iter().filter(|(_, event)| event.is_archived()).collect();
    (left, archived)
}

pub(super) fn ids(rows: &BTreeMap<String, Event>) -> BTreeSet<String> {
    rows.keys().cloned().collect()
}

/// A file with row groups of thirty rows, bloom filters and metadata of its own.
pub(super) fn parquet(events: &[Event]) -> Bytes {
    let texts =
        |of: &dyn Fn(&Event) -> Option<String>| Arc::new(events.iter().map(of).collect::<StringArray>()) as ArrayRef;
    let time =
        |event: &Event| Some((at(NOW) - TimeDelta::days(event.days_old) - TimeDelta::hours(1)).timestamp_micros());
    let rows = RecordBatch::try_from_iter_with_nullable([
        ("event_id", texts(&|event| Some(event.id.clone())), false),
        (
            "time",
            Arc::new(events.iter().map(time).collect::<TimestampMicrosecondArray>().with_timezone("UTC")) as ArrayRef,
            false,
        ),
        ("event_type", texts(&|event| Some(event.event_type.to_owned())), false),
        ("tenant", texts(&|event| Some(event.tenant.clone())), false),
        ("subject", texts(&|event| event.subject.clone()), true),
        ("src_ip", texts(&|event| event.src_ip.clone()), true),
    ]);
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(30))
        .set_bloom_filter_enabled(true)
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_key_value_metadata(Some(vec![KeyValue::new("made.by".to_owned(), "tests".to_owned())]))
        .build();
    let rows = rows.expect("a batch");
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).expect("a writer");
    writer.write(&rows).expect("written");
    writer.into_inner().expect("closed").into()
}

pub(super) fn events_of(bytes: Bytes) -> Vec<Event> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("Parquet").build().expect("a reader");
    let mut events = Vec::new();
    for batch in reader {
        let batch = batch.expect("a batch");
        let text = |name: &str, row: usize| {
            let column = batch.column_by_name(name).expect("is there").as_string::<i32>();
            arrow::array::Array::is_valid(column, row).then(|| column.value(row).to_owned())
        };
        let times = batch.column_by_name("time").expect("is there");
        let times = times.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
        for row in 0..batch.num_rows() {
            let micros = at(NOW).timestamp_micros() - times.value(row);
            let kinds = ["session.opened", "user.login", "file.read"];
            let kind = text("event_type", row).expect("is required");
            events.push(Event {
                id: text("event_id", row).expect("is required"),
                days_old: micros / 86_400_000_000,
                event_type: kinds.into_iter().find(|known| *known == kind).expect("a kind"),
                tenant: text("tenant", row).expect("is required"),
                subject: text("subject", row),
                src_ip: text("src_ip", row),
            });
        }
    }
    events
}
