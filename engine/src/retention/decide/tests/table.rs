//! Rows of tests as plain values, and the batches they make in every form that files come in.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Date64Array, DictionaryArray, Int8Array, Int32Array, Int64Array,
    LargeListBuilder, LargeStringArray, LargeStringBuilder, ListBuilder, NullArray, RecordBatch, StringArray,
    StringBuilder, StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt16Array,
};
use arrow::datatypes::{Int16Type, UInt8Type};
use chrono::{DateTime, TimeDelta, Utc};
use schemas::parse_rfc3339;

/// One row. A column that the batch does not have is `None` here.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// As the batch has it, in the unit of the form.
    pub(super) time: Option<i64>,
    pub(super) event_type: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) code: Option<i64>,
    pub(super) flag: Option<bool>,
    pub(super) classes: Option<Vec<Option<String>>>,
    pub(super) actor: Option<String>,
    pub(super) subject: Option<String>,
}

/// How times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeForm {
    Micros,
    MicrosInZone,
    Nanos,
    Millis,
    Seconds,
    Date32,
    Date64,
}

impl TimeForm {
    pub(super) const ALL: [Self; 7] =
        [Self::Micros, Self::MicrosInZone, Self::Nanos, Self::Millis, Self::Seconds, Self::Date32, Self::Date64];

    /// Nanoseconds of one unit.
    pub(super) fn unit_ns(self) -> i64 {
        match self {
            Self::Nanos => 1,
            Self::Micros | Self::MicrosInZone => 1_000,
            Self::Millis | Self::Date64 => 1_000_000,
            Self::Seconds => 1_000_000_000,
            Self::Date32 => 86_400_000_000_000,
        }
    }

    pub(super) fn is_date(self) -> bool {
        matches!(self, Self::Date32 | Self::Date64)
    }

    /// The first and the last instant that a value stands for, exactly.
    pub(super) fn instants(self, value: i64) -> (DateTime<Utc>, DateTime<Utc>) {
        let units = i128::from(value) * i128::from(self.unit_ns());
        let at = DateTime::from_timestamp_nanos(i64::try_from(units).expect("tests stay near"));
        if !self.is_date() {
            return (at, at);
        }
        let start = at.date_naive().and_hms_opt(0, 0, 0).expect("midnight").and_utc();
        (start, start + TimeDelta::days(1) - TimeDelta::microseconds(1))
    }

    fn array(self, values: Vec<Option<i64>>) -> ArrayRef {
        let days = || values.iter().map(|day| day.map(|day| i32::try_from(day).expect("a day"))).collect::<Vec<_>>();
        match self {
            Self::Micros => Arc::new(TimestampMicrosecondArray::from(values)),
            Self::MicrosInZone => Arc::new(TimestampMicrosecondArray::from(values).with_timezone("+05:30")),
            Self::Nanos => Arc::new(TimestampNanosecondArray::from(values).with_timezone("UTC")),
            Self::Millis => Arc::new(TimestampMillisecondArray::from(values)),
            Self::Seconds => Arc::new(TimestampSecondArray::from(values)),
            Self::Date32 => Arc::new(Date32Array::from(days())),
            Self::Date64 => Arc::new(Date64Array::from(values)),
        }
    }
}

/// How columns are written. `None` leaves the column out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) time: TimeForm,
    pub(super) event_type: Option<u8>,
    pub(super) tenant: Option<u8>,
    pub(super) outcome: Option<u8>,
    pub(super) code: Option<u8>,
    pub(super) flag: bool,
    pub(super) classes: Option<u8>,
    pub(super) actor: Option<u8>,
    pub(super) subject: Option<u8>,
}

impl Form {
    /// As ingest writes them.
    pub(super) const PLAIN: Self = Self {
        time: TimeForm::Micros,
        event_type: Some(0),
        tenant: Some(0),
        outcome: Some(0),
        code: Some(0),
        flag: true,
        classes: Some(0),
        actor: Some(0),
        subject: Some(0),
    };
}

/// The rows as a batch.
pub(super) fn batch(rows: &[Row], form: Form) -> RecordBatch {
    let mut columns: Vec<(&str, ArrayRef)> = vec![("time", form.time.array(rows.iter().map(|row| row.time).collect()))];
    let of = |value: fn(&Row) -> Option<&String>| rows.iter().map(|row| value(row).map(String::as_str)).collect();
    if let Some(kind) = form.event_type {
        columns.push(("event_type", texts(of(|row| row.event_type.as_ref()), kind)));
    }
    if let Some(kind) = form.tenant {
        columns.push(("tenant_id", texts(of(|row| row.tenant.as_ref()), kind)));
    }
    if let Some(kind) = form.outcome {
        columns.push(("outcome", texts(of(|row| row.outcome.as_ref()), kind)));
    }
    if let Some(kind) = form.actor {
        columns.push(("actor_id", texts(of(|row| row.actor.as_ref()), kind)));
    }
    if let Some(kind) = form.subject {
        columns.push(("subject_id", texts(of(|row| row.subject.as_ref()), kind)));
    }
    if let Some(kind) = form.code {
        columns.push(("code", numbers(rows.iter().map(|row| row.code).collect(), kind)));
    }
    if form.flag {
        columns.push(("flag", Arc::new(BooleanArray::from_iter(rows.iter().map(|row| row.flag)))));
    }
    if let Some(kind) = form.classes {
        columns.push(("data_classes", lists(rows, kind)));
    }
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

fn texts(values: Vec<Option<&str>>, kind: u8) -> ArrayRef {
    match kind % 5 {
        0 => Arc::new(StringArray::from(values)),
        1 => Arc::new(LargeStringArray::from(values)),
        2 => Arc::new(StringViewArray::from(values)),
        3 => Arc::new(values.into_iter().collect::<DictionaryArray<Int16Type>>()),
        // NULL stands in the dictionary and not in the keys.
        _ => {
            let mut known: Vec<Option<&str>> = values.clone();
            known.sort_unstable();
            known.dedup();
            let place = |value: &Option<&str>| known.iter().position(|known| known == value).expect("known");
            let keys = values.iter().map(|value| u8::try_from(place(value)).expect("few")).collect::<Vec<_>>();
            Arc::new(DictionaryArray::<UInt8Type>::new(keys.into(), Arc::new(StringArray::from(known))))
        }
    }
}

fn numbers(values: Vec<Option<i64>>, kind: u8) -> ArrayRef {
    let small = |value: &Option<i64>| value.map(|value| i8::try_from(value).expect("small"));
    match kind % 4 {
        0 => Arc::new(Int32Array::from_iter(values.iter().map(|value| small(value).map(i32::from)))),
        1 => Arc::new(Int64Array::from(values)),
        2 => Arc::new(Int8Array::from_iter(values.iter().map(small))),
        _ if values.iter().flatten().all(|value| *value >= 0) => {
            let positive = |value: &i64| u16::try_from(*value).expect("positive");
            Arc::new(UInt16Array::from_iter(values.iter().map(|value| value.as_ref().map(positive))))
        }
        _ => Arc::new(Int64Array::from(values)),
    }
}

fn lists(rows: &[Row], kind: u8) -> ArrayRef {
    let lists = rows.iter().map(|row| row.classes.clone());
    match kind % 3 {
        0 => {
            let mut builder = ListBuilder::new(StringBuilder::new());
            lists.for_each(|list| builder.append_option(list));
            Arc::new(builder.finish())
        }
        1 => {
            let mut builder = LargeListBuilder::new(LargeStringBuilder::new());
            lists.for_each(|list| builder.append_option(list));
            Arc::new(builder.finish())
        }
        _ if rows.iter().all(|row| row.classes.is_none()) => Arc::new(NullArray::new(rows.len())),
        _ => lists_behind_others(rows),
    }
}

/// Lists whose items begin in the middle of an array.
fn lists_behind_others(rows: &[Row]) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    builder.append_value([Some("pii"), None, Some("phi")]);
    rows.iter().for_each(|row| builder.append_option(row.classes.clone()));
    Arc::new(builder.finish().slice(1, rows.len()))
}

/// The instant of a text.
pub(super) fn at(text: &str) -> DateTime<Utc> {
    parse_rfc3339(text).expect("an instant")
}

/// A row of an instant, and nothing else.
pub(super) fn row(time: &str) -> Row {
    Row { time: Some(at(time).timestamp_micros()), ..Row::default() }
}
