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
pub(super) fn times<R>(rows: &[R], of: impl Fn(&R) -> i64) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(of)).with_timezone("UTC"))
}

pub(super) fn flags<R>(rows: &[R], of: impl Fn(&R) -> Option<bool>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<BooleanArray>())
}

pub(super) fn ints_16<R>(rows: &[R], of: impl Fn(&R) -> Option<i16>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<Int16Array>())
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

/// The columns that say what happened, in the order of `audit.v1`.
pub(super) fn calls<R>(rows: &[R], of: impl Fn(&R) -> &Call) -> [(&'static str, ArrayRef); 5] {
    let names = rows.iter().map(|row| Some(of(row).event.name)).collect::<arrow::array::StringArray>();
    let actions = rows.iter().map(|row| Some(of(row).action)).collect::<arrow::array::StringArray>();
    [
        ("event_type", Arc::new(names)),
        ("class_uid", ints_32(rows, |row| Some(of(row).event.class_uid))),
        ("activity_id", ints_32(rows, |row| Some(of(row).event.activity_id))),
        ("severity", ints_16(rows, |row| Some(of(row).severity))),
        ("action", Arc::new(actions)),
    ]
}
