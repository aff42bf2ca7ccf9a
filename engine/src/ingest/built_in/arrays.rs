//! Rows into columns: the few forms of column that the built-in mappings fill.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int16Array, Int32Array, Int64Array, ListBuilder, MapBuilder, MapFieldNames,
    StringBuilder, TimestampMicrosecondArray,
};

use crate::ingest::event_type::Call;

/// What a mapping keeps besides its columns: keys with values, or without one.
pub(super) type Attributes<'a> = Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>;

pub(super) fn text<'a, R>(rows: &'a [R], of: impl Fn(&'a R) -> Option<&'a str>) -> ArrayRef {
    let mut column = StringBuilder::with_capacity(rows.len(), rows.len() * 32);
    rows.iter().for_each(|row| column.append_option(of(row)));
    Arc::new(column.finish())
}

/// Microseconds since the epoch.
fn times(values: impl Iterator<Item = i64>) -> TimestampMicrosecondArray {
    TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC")
}

pub(super) fn flags<R>(rows: &[R], of: impl Fn(&R) -> Option<bool>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<BooleanArray>())
}

pub(super) fn ints_32<R>(rows: &[R], of: impl Fn(&R) -> Option<i32>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<Int32Array>())
}

pub(super) fn ints_64<R>(rows: &[R], of: impl Fn(&R) -> Option<i64>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<Int64Array>())
}

pub(super) fn floats<R>(rows: &[R], of: impl Fn(&R) -> Option<f64>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<Float64Array>())
}

/// Lists of texts; a list of none is null.
pub(super) fn lists<'a, R, L: IntoIterator<Item = &'a str>>(rows: &'a [R], of: impl Fn(&'a R) -> L) -> ArrayRef {
    let mut column = ListBuilder::new(StringBuilder::new());
    for row in rows {
        let mut some = false;
        for value in of(row) {
            column.values().append_value(value);
            some = true;
        }
        column.append(some);
    }
    Arc::new(column.finish())
}

/// Maps of texts; a map without keys is null.
pub(super) fn maps<'a, R>(rows: &'a [R], of: impl Fn(&'a R) -> &'a Attributes<'a>) -> ArrayRef {
    let names = MapFieldNames { entry: "entries".into(), key: "keys".into(), value: "values".into() };
    let mut column = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for row in rows {
        let attributes = of(row);
        for (key, value) in attributes {
            column.keys().append_value(key);
            column.values().append_option(value.as_deref());
        }
        // A key and a value were appended each time, so their counts agree and appending cannot fail.
        drop(column.append(!attributes.is_empty()));
    }
    Arc::new(column.finish())
}

/// What every event says, whichever source it comes from.
pub(super) struct Happened<'a> {
    pub(super) event_id: &'a str,
    pub(super) time_us: i64,
    pub(super) tenant_id: &'a str,
    pub(super) source: &'a str,
    pub(super) call: &'a Call,
    pub(super) outcome: &'static str,
}

/// The columns of what every event says, in the order of `audit.v1`.
pub(super) fn happened<'a, R>(rows: &'a [R], of: impl Fn(&'a R) -> Happened<'a>) -> Vec<(&'static str, ArrayRef)> {
    let of = &of;
    vec![
        ("event_id", text(rows, |row| Some(of(row).event_id))),
        ("time", Arc::new(times(rows.iter().map(|row| of(row).time_us)))),
        ("tenant_id", text(rows, |row| Some(of(row).tenant_id))),
        ("source", text(rows, |row| Some(of(row).source))),
        ("event_type", text(rows, |row| Some(of(row).call.event.name))),
        ("class_uid", Arc::new(rows.iter().map(|row| Some(of(row).call.event.class_uid)).collect::<Int32Array>())),
        ("activity_id", Arc::new(rows.iter().map(|row| Some(of(row).call.event.activity_id)).collect::<Int32Array>())),
        ("severity", Arc::new(rows.iter().map(|row| Some(of(row).call.severity)).collect::<Int16Array>())),
        ("action", text(rows, |row| Some(of(row).call.action))),
        ("outcome", text(rows, |row| Some(of(row).outcome))),
    ]
}
