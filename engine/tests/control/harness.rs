//! A lake in memory from rows as JSON, and controls made by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, FixedSizeBinaryArray, Int16Array, Int32Array, Int64Array, ListBuilder};
use arrow::array::{StringArray, StringBuilder, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use engine::{LakeSession, Lakefront, NoSystemTables, Resources, SessionFactory};
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use schemas::{
    AUDIT, Class, Column, ColumnType, Control, ControlId, ControlSql, ControlType, Dataset, DatasetId, EvidenceSpec,
    IDENTITY, Interval, Severity, Status, StatusRule, TableSchema, parse_rfc3339,
};
use serde_json::{Map, Value, json};

pub(crate) const KEY: [u8; 32] = [7; 32];

/// A lake with `audit` and an empty `identity`.
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

/// A lake of these rows with defaults; a column stands in every file if any row or `always` names it.
pub(crate) async fn lake(lines: &[&str], always: &[&str]) -> Lake {
    let rows: Vec<Map<String, Value>> = lines.iter().enumerate().map(|(line, text)| filled(line + 1, text)).collect();
    let named: BTreeSet<String> =
        rows.iter().flat_map(|row| row.keys().cloned()).chain(always.iter().map(|name| (*name).to_owned())).collect();
    for name in &named {
        assert!(AUDIT.column(name).is_some(), "fixture has unknown column {name}");
    }
    let mut folders: BTreeMap<String, Vec<Map<String, Value>>> = BTreeMap::new();
    for row in rows {
        let (tenant, time) = (row["tenant_id"].as_str().expect("tenant"), row["time"].as_str().expect("time"));
        folders.entry(format!("audit/tenant={tenant}/date={}", &time[..10])).or_default().push(row);
    }
    let front = Lakefront::memory();
    for (folder, rows) in folders {
        let columns: Vec<&Column> = AUDIT.columns.iter().filter(|column| named.contains(column.name)).collect();
        let bytes = parquet(&columns, &rows);
        front.create(&Path::from(format!("{folder}/x.parquet")), bytes.into()).await.expect("written");
    }
    let datasets = vec![dataset("audit", &AUDIT), dataset("identity", &IDENTITY)];
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
        subjects,
    }
}

fn filled(line: usize, text: &str) -> Map<String, Value> {
    let given: Map<String, Value> = serde_json::from_str(text).expect("a JSON object");
    let time = at(given["time"].as_str().expect("time"));
    let defaults = json!({
        "source": "fixture", "severity": 1, "action": "other", "actor_type": "user", "class_uid": 6003,
        "activity_id": 99, "ingested_at": schemas::rfc3339(time + chrono::TimeDelta::seconds(1)),
        "raw_ref": format!("fixture#{line}"), "raw_hash": "", "event_type": "api.request", "outcome": "success",
        "actor_id": "u-1", "src_ip": null, "resource_type": null, "resource_id": null,
    });
    let mut row = defaults.as_object().expect("an object").clone();
    row.extend(given);
    row
}

fn parquet(columns: &[&Column], rows: &[Map<String, Value>]) -> Vec<u8> {
    let fields: Vec<Field> = columns.iter().map(|column| column.field()).collect();
    let arrays: Vec<ArrayRef> = columns.iter().map(|column| array(column, rows)).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("a batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    bytes
}

fn array(column: &Column, rows: &[Map<String, Value>]) -> ArrayRef {
    let values = || rows.iter().map(|row| row.get(column.name).filter(|value| !value.is_null()));
    let int = |value: &Value| value.as_i64().expect("a number");
    match column.kind {
        ColumnType::Str => Arc::new(values().map(|v| v.map(|v| v.as_str().expect("text"))).collect::<StringArray>()),
        ColumnType::Bool => Arc::new(values().map(|v| v.map(|v| v.as_bool().expect("bool"))).collect::<BooleanArray>()),
        ColumnType::I16 => Arc::new(values().map(|v| v.map(|v| int(v) as i16)).collect::<Int16Array>()),
        ColumnType::I32 => Arc::new(values().map(|v| v.map(|v| int(v) as i32)).collect::<Int32Array>()),
        ColumnType::I64 => Arc::new(values().map(|v| v.map(int)).collect::<Int64Array>()),
        ColumnType::Ts => {
            let micros = values().map(|v| v.map(|v| at(v.as_str().expect("instant")).timestamp_micros()));
            Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        ColumnType::Hash => {
            Arc::new(FixedSizeBinaryArray::try_from_iter(rows.iter().map(|_| [0_u8; 32])).expect("hashes"))
        }
        ColumnType::StrList => {
            let mut lists = ListBuilder::new(StringBuilder::new());
            for value in values() {
                match value {
                    Some(list) => {
                        list.as_array()
                            .expect("list")
                            .iter()
                            .for_each(|item| lists.values().append_option(item.as_str()));
                        lists.append(true);
                    }
                    None => lists.append(false),
                }
            }
            Arc::new(lists.finish())
        }
        other => unreachable!("no fixture has a column of type {}", other.name()),
    }
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

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
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
