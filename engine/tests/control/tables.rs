//! Rows as JSON, as the files that datasets would have them in: with defaults, in folders, as Parquet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryBuilder, Float64Array, Int16Array, Int32Array, Int64Array,
    ListArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use schemas::{Column, DATASET_SCHEMAS, Presence, TableSchema, parse_rfc3339};
use serde_json::{Map, Value, json};

/// The key of a row that names its table; a row without it is an event.
const TABLE: &str = "_table";

type Row = Map<String, Value>;

/// Path and bytes of every file; a column stands in all files of its table if any row or `always` names it.
pub(crate) fn files(lines: &[&str], always: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut tables: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for (line, text) in lines.iter().enumerate() {
        let (table, row) = read(line + 1, text);
        tables.entry(table).or_default().push(row);
    }
    let mut files = Vec::new();
    for (name, rows) in tables {
        let schema = schema(&name);
        let named: BTreeSet<&str> = rows.iter().flat_map(|row| row.keys().map(String::as_str)).collect();
        let named: BTreeSet<&str> = named.into_iter().chain(always.iter().copied()).collect();
        for column in &named {
            assert!(schema.column(column).is_some(), "a row of {name} has unknown column {column}");
        }
        let there = |column: &&Column| column.presence != Presence::Optional || named.contains(column.name);
        let columns: Vec<&Column> = schema.columns.iter().filter(there).collect();
        let mut folders: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in rows {
            folders.entry(folder(schema, &row)).or_default().push(row);
        }
        for (folder, rows) in folders {
            files.push((format!("{folder}/x.parquet"), parquet(&columns, &rows)));
        }
    }
    files
}

/// The dataset that `auditlake init` declares for a schema.
pub(crate) fn dataset_name(schema: &TableSchema) -> &'static str {
    schema.name.split('.').next().expect("a name")
}

fn schema(table: &str) -> &'static TableSchema {
    let found = DATASET_SCHEMAS.iter().find(|schema| dataset_name(schema) == table);
    found.unwrap_or_else(|| unreachable!("no dataset is called {table}"))
}

fn read(line: usize, text: &str) -> (String, Row) {
    let mut given: Row = serde_json::from_str(text).expect("a JSON object");
    let table =
        given.remove(TABLE).map_or_else(|| "audit".to_owned(), |name| name.as_str().expect("a name").to_owned());
    let mut row = defaults(&table, line, &given);
    row.extend(given);
    for column in schema(&table).columns.iter().filter(|column| column.presence == Presence::Required) {
        let value = row.get(column.name).unwrap_or(&Value::Null);
        assert!(!value.is_null(), "line {line}: {table} needs {} and has no default for it", column.name);
    }
    (table, row)
}

/// What a row need not say: every required column that no case turns on. Keys, tenants and times have no default.
fn defaults(table: &str, line: usize, given: &Row) -> Row {
    let defaults = match table {
        "audit" => {
            let time = at(given["time"].as_str().expect("time"));
            json!({
                "source": "fixture", "severity": 1, "action": "other", "actor_type": "user", "class_uid": 6003,
                "activity_id": 99, "ingested_at": schemas::rfc3339(time + chrono::TimeDelta::seconds(1)),
                "raw_ref": format!("fixture#{line}"), "raw_hash": "", "event_type": "api.request",
                "outcome": "success", "actor_id": "u-1",
            })
        }
        "identity" => json!({
            "kind": "user", "state": "enabled", "roles": [], "valid_from": "2025-01-01T00:00:00Z",
        }),
        "dsr" => json!({"type": "know", "jurisdiction": "gdpr", "state": "open", "revision": 1}),
        "request_1m" | "request_1h" | "request_1d" => json!({
            "total": 0, "good": 0, "err_server": 0, "err_client": 0, "throttled": 0, "timeout": 0, "slow": 0,
            "latency": "", "latency_sum_us": 0, "latency_max_us": 0, "revision": 1,
        }),
        _ => json!({}),
    };
    defaults.as_object().expect("an object").clone()
}

fn folder(schema: &TableSchema, row: &Row) -> String {
    let name = dataset_name(schema);
    if !schema.partitioned {
        return name.to_owned();
    }
    let text = |column: &str| row[column].as_str().expect("a text").to_owned();
    let (tenant, time) = (text(schema.tenant), text(schema.time.expect("a partitioned table has a time")));
    format!("{name}/tenant={tenant}/date={}", &time[..10])
}

fn parquet(columns: &[&Column], rows: &[Row]) -> Vec<u8> {
    let fields: Vec<Field> = columns.iter().map(|column| column.field()).collect();
    let arrays: Vec<ArrayRef> = columns
        .iter()
        .map(|column| array(&column.kind.arrow(), rows.iter().map(|row| row.get(column.name)).collect()))
        .collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("a batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    bytes
}

/// JSON values as an array of any type that a schema has.
fn array(kind: &DataType, values: Vec<Option<&Value>>) -> ArrayRef {
    let values: Vec<Option<&Value>> = values.into_iter().map(|value| value.filter(|value| !value.is_null())).collect();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let whole = |value: &Value| value.as_i64().expect("a whole number");
    let each = || values.iter().copied();
    match kind {
        DataType::Utf8 => Arc::new(each().map(|v| v.map(text)).collect::<StringArray>()),
        DataType::Boolean => {
            Arc::new(each().map(|v| v.map(|v| v.as_bool().expect("a bool"))).collect::<BooleanArray>())
        }
        DataType::Int16 => Arc::new(each().map(|v| v.map(|v| whole(v) as i16)).collect::<Int16Array>()),
        DataType::Int32 => Arc::new(each().map(|v| v.map(|v| whole(v) as i32)).collect::<Int32Array>()),
        DataType::Int64 => Arc::new(each().map(|v| v.map(whole)).collect::<Int64Array>()),
        DataType::Float64 => {
            Arc::new(each().map(|v| v.map(|v| v.as_f64().expect("a number"))).collect::<Float64Array>())
        }
        DataType::Decimal128(precision, scale) => {
            let texts = each().map(|v| v.map(text)).collect::<StringArray>();
            let cast = arrow::compute::cast(&texts, &DataType::Decimal128(*precision, *scale));
            cast.expect("decimals are written as texts")
        }
        DataType::Timestamp(..) => {
            let micros = each().map(|v| v.map(|v| at(&text(v)).timestamp_micros()));
            Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        DataType::Binary => Arc::new(each().map(|v| v.map(|v| text(v).into_bytes())).collect::<BinaryArray>()),
        DataType::FixedSizeBinary(32) => {
            let mut hashes = FixedSizeBinaryBuilder::new(32);
            each().for_each(|v| match v {
                Some(v) => hashes.append_value(hash(&text(v))).expect("32 bytes"),
                None => hashes.append_null(),
            });
            Arc::new(hashes.finish())
        }
        DataType::List(item) => {
            let lists: Vec<Option<&Vec<Value>>> = each().map(|v| v.map(|v| v.as_array().expect("a list"))).collect();
            let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, Vec::len)));
            let nulls = NullBuffer::from_iter(lists.iter().map(Option::is_some));
            let items = array(item.data_type(), lists.into_iter().flatten().flatten().map(Some).collect());
            Arc::new(ListArray::new(Arc::clone(item), offsets, items, Some(nulls)))
        }
        DataType::Struct(fields) => {
            let columns = fields
                .iter()
                .map(|field| array(field.data_type(), each().map(|v| v.and_then(|v| v.get(field.name()))).collect()));
            let nulls = NullBuffer::from_iter(values.iter().map(Option::is_some));
            Arc::new(StructArray::new(fields.clone(), columns.collect(), Some(nulls)))
        }
        other => unreachable!("no fixture has a column of type {other}"),
    }
}

/// A hash of which only the first bytes need be written, in hex: the others are 0.
fn hash(text: &str) -> [u8; 32] {
    let given = schemas::unhex(text).expect("a hash in hex");
    let mut bytes = [0; 32];
    bytes[..given.len()].copy_from_slice(&given);
    bytes
}

fn at(text: &str) -> chrono::DateTime<chrono::Utc> {
    parse_rfc3339(text).expect("an instant")
}
