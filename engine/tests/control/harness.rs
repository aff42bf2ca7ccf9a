//! A lake in memory from rows as JSON, and controls made by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use engine::{LakeSession, Lakefront, NoSystemTables, Resources, SessionFactory};
use hmac::{Hmac, Mac};
use object_store::path::Path;
use schemas::{
    Class, Control, ControlId, ControlSql, ControlType, DATASET_SCHEMAS, Dataset, DatasetId, EvidenceSpec, Interval,
    Severity, Status, StatusRule, TableSchema, parse_rfc3339,
};
use sha2::Sha256;

use crate::tables;

pub(crate) const KEY: [u8; 32] = [7; 32];

/// A lake in which every dataset is declared; those without rows are empty.
pub(crate) struct Lake {
    factory: SessionFactory,
}

impl Lake {
    pub(crate) fn session(&self) -> LakeSession {
        self.factory.session(interval().end).expect("session")
    }
}

pub(crate) fn interval() -> Interval {
    Interval { start: at("2026-03-01T00:00:00Z"), end: at("2026-03-02T00:00:00Z") }
}

fn at(text: &str) -> chrono::DateTime<chrono::Utc> {
    parse_rfc3339(text).expect("an instant")
}

/// The lake of a shipped fixture.
pub(crate) async fn fixture(control: &Control, given: &str) -> Lake {
    // Read when it runs: a build folder may be shared by clones, and cargo does not rebuild for another path.
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let folder = format!("{here}/../schemas/controls/{}", control.id.family().to_lowercase());
    let text = std::fs::read_to_string(format!("{folder}/{given}")).expect("fixture");
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    lake(&lines, &[]).await
}

/// A lake of these rows with defaults; every table that a dataset can have is declared.
pub(crate) async fn lake(lines: &[&str], always: &[&str]) -> Lake {
    let front = Lakefront::memory();
    for (path, bytes) in tables::files(lines, always) {
        front.create(&Path::from(path), bytes.into()).await.expect("written");
    }
    let datasets = DATASET_SCHEMAS.iter().map(|schema| dataset(tables::dataset_name(schema), schema)).collect();
    let records = Arc::new(NoSystemTables);
    Lake { factory: SessionFactory::new(Arc::clone(front.store()), datasets, records, Resources::default()) }
}

fn dataset(name: &str, schema: &'static TableSchema) -> Dataset {
    let subjects: Vec<String> = schema.subjects.iter().map(|name| (*name).to_owned()).collect();
    Dataset {
        id: DatasetId::parse(name).expect("name"),
        location: format!("{name}/"),
        elsewhere: None,
        map: None,
        schema,
        time: schema.time.map(str::to_owned),
        tenant: schema.tenant.to_owned(),
        classes: subjects.iter().map(|name| (name.clone(), Class::Personal)).collect(),
        data_classes: Vec::new(),
        portable: std::collections::BTreeSet::new(),
        subjects,
    }
}

/// What stands for a person in evidence.
pub(crate) fn pseudonym(value: &str) -> String {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&KEY).expect("a key");
    mac.update(value.as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("p_{hex}")
}

/// A column of a batch as texts.
pub(crate) fn texts(batch: &RecordBatch, name: &str) -> Vec<String> {
    let column = batch.column_by_name(name).expect("the column");
    (0..batch.num_rows()).map(|row| array_value_to_string(column, row).expect("prints")).collect()
}

pub(crate) fn rows_control(id: &str, population: &str, violation: &str) -> Control {
    control(
        id,
        ControlSql::Rows {
            from: "audit".to_owned(),
            population: population.to_owned(),
            violation: violation.to_owned(),
            reason: "'because'".to_owned(),
            resource: "actor_id".to_owned(),
        },
    )
}

pub(crate) fn statements_control(id: &str, population: &str, violations: &str) -> Control {
    control(
        id,
        ControlSql::Statements {
            reads: vec!["audit".to_owned()],
            lookback_seconds: 3600,
            population: population.to_owned(),
            violations: violations.to_owned(),
        },
    )
}

fn control(id: &str, sql: ControlSql) -> Control {
    Control {
        id: ControlId::parse(id).expect("an id"),
        version: 1,
        title: "test".to_owned(),
        severity: Severity::Low,
        kind: ControlType::Detective,
        owner: "test".to_owned(),
        params: BTreeMap::new(),
        sql,
        status: vec![
            StatusRule { when: Some("v = 0".to_owned()), is: Status::Pass },
            StatusRule { when: None, is: Status::Fail },
        ],
        max_undecided_ppm: 0,
        evidence: EvidenceSpec {
            columns: vec!["event_id".to_owned(), "time".to_owned()],
            show: vec![],
            max_rows: 100,
            keep: "1y".to_owned(),
        },
        frameworks: BTreeMap::new(),
        remediation: "none".to_owned(),
        tests: vec![],
    }
}

/// Chance from a seed (SplitMix64): a failing case comes again.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    /// A row of one of these types.
    pub(crate) fn row_of(&mut self, at: u64, types: &[&str]) -> String {
        let kind = self.pick(types).to_owned();
        self.row(at).replace("{\"event_id\"", &format!("{{\"event_type\":\"{kind}\",\"event_id\""))
    }

    pub(crate) fn row(&mut self, at: u64) -> String {
        let mfa = self.pick(&["true", "false", "null"]);
        let country = self.pick(&["\"DE\"", "\"US\"", "null"]);
        let count = self.pick(&["0", "1", "7", "null"]);
        let tenant = self.pick(&["a", "b", "c"]);
        let (day, hour) = (self.below(3), self.below(24));
        let day = ["2026-02-28", "2026-03-01", "2026-03-01"][day as usize];
        format!(
            r#"{{"event_id":"e{at}","time":"{day}T{hour:02}:00:00Z","tenant_id":"{tenant}","mfa":{mfa},"src_country":{country},"row_count":{count}}}"#
        )
    }

    pub(crate) fn predicate(&mut self, depth: u32) -> String {
        if depth == 0 {
            let leaves = [
                "mfa",
                "mfa = false",
                "src_country = 'DE'",
                "row_count > 0",
                "src_country IS NULL",
                "row_count IN (1, NULL)",
                "true",
                "NULL",
            ];
            return self.pick(&leaves).to_owned();
        }
        let (left, right) = (self.predicate(depth - 1), self.predicate(depth - 1));
        match self.below(4) {
            0 => format!("({left}) AND ({right})"),
            1 => format!("({left}) OR ({right})"),
            2 => format!("NOT ({left})"),
            _ => left,
        }
    }
}
