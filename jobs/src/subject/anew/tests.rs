use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int16Array, MapBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use engine::retention::{ERASED, Mentions, Person};
use schemas::{FINDING, Identifier, Interval};

use super::{RowsOf, without};

const ANN: &str = "ann-zq7";

fn ann() -> Mentions {
    Person::new([Identifier::new("user", ANN).expect("an identifier")], &Default::default()).mentions()
}

fn interval() -> Interval {
    Interval { start: DateTime::<Utc>::UNIX_EPOCH, end: DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(1) }
}

/// Findings of tenant, resource, who decided, and a value of a column.
fn findings(rows: &[(&str, &str, Option<&str>, &str)]) -> Bytes {
    let texts = |of: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
        Arc::new((0..rows.len()).map(of).collect::<StringArray>())
    };
    let times = || -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(vec![0; rows.len()]).with_timezone("UTC")) };
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for (.., value) in rows {
        maps.keys().append_value("src_ip");
        maps.values().append_value(value);
        maps.append(true).expect("one entry");
    }
    let constant = |text: &'static str| texts(&move |_| Some(text.to_owned()));
    let columns: Vec<ArrayRef> = vec![
        texts(&|row| Some(rows[row].0.to_owned())),
        texts(&|row| Some(format!("finding-{row}"))),
        texts(&|row| Some(format!("result-{row}"))),
        constant("AL-X-001"),
        texts(&|row| Some(rows[row].0.to_owned())),
        constant("audit"),
        times(),
        texts(&|row| Some(rows[row].1.to_owned())),
        constant("a read"),
        Arc::new(Int16Array::from(vec![2; rows.len()])),
        times(),
        texts(&|row| Some(format!("event-{row}"))),
        texts(&|row| Some(rows[row].1.to_owned())),
        texts(&|_| None),
        constant("open"),
        texts(&|row| rows[row].2.map(str::to_owned)),
        Arc::new(maps.finish()),
        constant("reads"),
    ];
    let rows = RecordBatch::try_new(FINDING.arrow(), columns).expect("a table");
    engine::parquet_bytes("findings.parquet", &rows).expect("bytes")
}

fn cells(bytes: Bytes, column: &str) -> Vec<Option<String>> {
    let batches = engine::parquet_rows("findings.parquet", bytes).expect("rows");
    let texts = batches.iter().flat_map(|batch| {
        let column = batch.column_by_name(column).expect("a column").as_string::<i32>().clone();
        column.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
    });
    texts.collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[test]
fn rows_that_show_the_person_keep_their_ids_and_nothing_about_anybody() {
    let before =
        findings(&[("t0", ANN, None, "192.0.2.1"), ("t0", "bob", Some(ANN), "192.0.2.2"), ("t1", "carl", None, ANN)]);
    let after = without(("findings.parquet", before), (RowsOf::Findings, interval()), &ann()).expect("written anew");
    assert_eq!(cells(after.clone(), "finding_id"), some(&["finding-0", "finding-1", "finding-2"]));
    assert_eq!(cells(after.clone(), "result_id"), some(&["result-0", "result-1", "result-2"]));
    assert_eq!(cells(after.clone(), "scope"), some(&["t0", "t0", "t1"]));
    assert_eq!(cells(after.clone(), "resource"), some(&[ERASED, "bob", ERASED]));
    assert_eq!(cells(after.clone(), "reason"), some(&[ERASED, "a read", ERASED]));
    assert_eq!(cells(after.clone(), "event_id"), [None, Some("event-1".to_owned()), None]);
    assert_eq!(cells(after.clone(), "actor_id"), [None, Some("bob".to_owned()), None]);
    // Whoever decided is not whom the finding is about.
    assert_eq!(cells(after.clone(), "decided_by"), [None, None, None]);
    let batches = engine::parquet_rows("findings.parquet", after).expect("rows");
    let maps = batches[0].column_by_name("columns").expect("a column").as_map();
    assert_eq!((0..3).map(|row| maps.is_null(row)).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(maps.value(1).column(1).as_string::<i32>().value(0), "192.0.2.2");
}

#[test]
fn a_tenant_that_is_the_person_is_called_erased_and_so_are_its_results() {
    let before = findings(&[(ANN, "door", None, "x"), ("t1", "door", None, "x")]);
    let after = without(("findings.parquet", before), (RowsOf::Findings, interval()), &ann()).expect("written anew");
    assert_eq!(cells(after.clone(), "scope"), some(&[ERASED, "t1"]));
    assert_eq!(cells(after.clone(), "tenant_id"), some(&[ERASED, "t1"]));
    let results = cells(after, "result_id");
    assert_ne!(results[0].as_deref(), Some("result-0"));
    assert_eq!(results[1].as_deref(), Some("result-1"));
}

#[test]
fn the_same_rows_make_the_same_bytes_and_what_is_no_such_table_is_told() {
    let rows = [("t0", ANN, None, "192.0.2.1"), ("t0", "bob", None, "192.0.2.2")];
    let once = || without(("findings.parquet", findings(&rows)), (RowsOf::Findings, interval()), &ann());
    assert_eq!(once().expect("written anew"), once().expect("written anew"));
    let cut = Bytes::from_static(b"PAR1 ann-zq7");
    let told = without(("findings.parquet", cut), (RowsOf::Findings, interval()), &ann()).expect_err("is no file");
    assert!(told.contains("cannot be written anew"), "{told}");
}
