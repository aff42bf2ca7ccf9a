//! Mapped values into the columns of a dataset: cast per value, completed, checked.
//!
//! A value that does not fit rejects its record and no other. Reasons name columns, never values, because
//! they are printed.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryBuilder, Float64Array, Int16Array, Int32Array, MapBuilder,
    StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::kernels::cast::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, TimeDelta, Utc};
use schemas::{Column, ColumnType, Presence, TableSchema};

use super::decimal::to_decimal;
use super::event_type::{self, EventType};
use super::json_text::{entries, lists, maps};
use super::records::RejectKind;
use super::structs::to_structs;
use super::tabular::micros;
use super::texts::texts;
use crate::error::EngineError;

/// Number of the input object within the plan.
pub(crate) const SOURCE: &str = "__source";
/// Byte offset of the record within the uncompressed object.
pub(crate) const OFFSET: &str = "__offset";

/// Columns that ingest fills itself.
pub(crate) const STAMPED: [&str; 3] = ["ingested_at", "raw_ref", "raw_hash"];
/// Columns that follow from `event_type` when the mapping does not give them.
const DERIVED: [&str; 4] = ["class_uid", "activity_id", "severity", "action"];

/// 1990-01-01T00:00:00Z: no audit event is older.
const EARLIEST: i64 = 631_152_000_000_000;

/// Where a row comes from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) offset: u64,
    pub(crate) hash: [u8; 32],
    /// Object and offset to name in place of the input at hand, which holds refused records.
    pub(crate) before: Option<Arc<(String, u64)>>,
}

impl Origin {
    /// The text of `raw_ref`; `source` is the input at hand.
    fn reference(&self, source: &str) -> String {
        let (source, offset) = match self.before.as_deref() {
            Some((source, offset)) => (source.as_str(), *offset),
            None => (source, self.offset),
        };
        format!("{source}#{offset}")
    }
}

/// What a mapping gives for a column of the table.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// In the column's type; a value that does not fit is null.
    pub(crate) array: ArrayRef,
    /// Where there was a value.
    pub(crate) has: Option<NullBuffer>,
}

impl Given {
    fn has(&self, row: usize) -> bool {
        self.has.as_ref().is_none_or(|has| has.is_valid(row))
    }
}

/// Which columns the files of one work have, and how they are filled.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    table: &'static TableSchema,
    columns: Vec<&'static Column>,
    file: SchemaRef,
    sorted: SchemaRef,
    stamp: i64,
    latest: i64,
    /// Tenant of records that name none.
    tenant: Option<String>,
}

impl Columns {
    /// The columns of files whose mapping names `given`; `tenant` is that of records that name none.
    ///
    /// # Errors
    /// When the mapping names a column that the table does not have, or leaves out one that it needs.
    pub(crate) fn new(
        table: &'static TableSchema,
        mapping: &str,
        given: &[String],
        instant: DateTime<Utc>,
        tenant: Option<&str>,
    ) -> Result<Self, EngineError> {
        let refused = |why: String| EngineError::Mapping { mapping: mapping.to_owned(), why };
        let unknown: Vec<&str> = given.iter().map(String::as_str).filter(|name| table.column(name).is_none()).collect();
        if !unknown.is_empty() {
            let names = unknown.join("\", \"");
            return Err(refused(format!("\"{}\" has no column \"{names}\"; map it to one that exists", table.name)));
        }
        let filled = |column: &Column| {
            STAMPED.contains(&column.name)
                || (table.column("event_type").is_some() && DERIVED.contains(&column.name))
                || (tenant.is_some() && column.name == table.tenant)
        };
        let named = |column: &Column| given.iter().any(|name| name == column.name);
        let missing: Vec<&str> = table
            .columns
            .iter()
            .filter(|column| column.presence == Presence::Required && !named(column) && !filled(column))
            .map(|column| column.name)
            .collect();
        if !missing.is_empty() {
            return Err(refused(format!("\"{}\" needs column \"{}\"", table.name, missing.join("\", \""))));
        }
        let columns: Vec<&'static Column> =
            table.columns.iter().filter(|column| column.presence != Presence::Optional || named(column)).collect();
        Ok(Self { tenant: tenant.map(str::to_owned), ..Self::of(table, columns, instant) })
    }

    /// The columns of a built-in mapping.
    pub(crate) fn of(table: &'static TableSchema, columns: Vec<&'static Column>, instant: DateTime<Utc>) -> Self {
        let fields: Vec<Field> = columns.iter().map(|column| column.field()).collect();
        let mut hidden = fields.clone();
        hidden.push(Field::new(SOURCE, DataType::Int32, false));
        hidden.push(Field::new(OFFSET, DataType::Int64, false));
        Self {
            table,
            columns,
            file: Arc::new(Schema::new(fields)),
            sorted: Arc::new(Schema::new(hidden)),
            stamp: instant.timestamp_micros(),
            latest: (instant + TimeDelta::days(1)).timestamp_micros(),
            tenant: None,
        }
    }

    /// Schema of the files.
    pub(crate) fn file(&self) -> &SchemaRef {
        &self.file
    }

    /// Schema of rows on their way through the sort: the file's, then where they come from.
    pub(crate) fn sorted(&self) -> &SchemaRef {
        &self.sorted
    }

    /// Turns mapped values into rows; `refuse` hears of each record that does not fit.
    pub(crate) fn conform(
        &self,
        source: (i32, &str),
        mapped: &RecordBatch,
        origins: &[Origin],
        refuse: &mut dyn FnMut(usize, RejectKind, String) -> Result<(), EngineError>,
    ) -> Result<RecordBatch, EngineError> {
        let mut given = |column: &Column| {
            let given = mapped.column_by_name(column.name);
            let cast =
                given.map(|given| Ok(Given { array: to_column(given, column.kind)?, has: given.nulls().cloned() }));
            cast.transpose()
        };
        self.rows(source, &mut given, origins, refuse)
    }

    /// Turns columns that are cast already into rows, one for each origin; `refuse` hears of each that does not fit.
    pub(crate) fn rows(
        &self,
        source: (i32, &str),
        given: &mut dyn FnMut(&Column) -> Result<Option<Given>, EngineError>,
        origins: &[Origin],
        refuse: &mut dyn FnMut(usize, RejectKind, String) -> Result<(), EngineError>,
    ) -> Result<RecordBatch, EngineError> {
        let mut keep = vec![true; origins.len()];
        let mut arrays = Vec::with_capacity(self.columns.len() + 2);
        let events = self.event_types(given)?;
        for column in &self.columns {
            let given = given(column)?;
            let array = match given {
                Some(given) => {
                    let array = Arc::clone(&given.array);
                    for (row, keep) in keep.iter_mut().enumerate() {
                        if *keep && array.is_null(row) && given.has(row) {
                            *keep = false;
                            let name = column.kind.name();
                            refuse(
                                row,
                                RejectKind::Type,
                                format!("column \"{}\" does not hold a {name}", column.name),
                            )?;
                        }
                    }
                    derived(column.name, Some(&array), &events).unwrap_or(array)
                }
                None => match derived(column.name, None, &events) {
                    Some(array) => array,
                    None => self.stamped(column, source.1, origins)?,
                },
            };
            let array = self.with_tenant(column, array);
            self.check(column, &array, &mut keep, refuse)?;
            arrays.push(array);
        }
        let offsets = origins.iter().map(|origin| i64::try_from(origin.offset).unwrap_or(i64::MAX));
        arrays.push(Arc::new(Int32Array::from(vec![source.0; origins.len()])));
        arrays.push(Arc::new(offsets.collect::<arrow::array::Int64Array>()));
        self.kept(arrays, &keep)
    }

    /// The tenant of the work where a record names none.
    fn with_tenant(&self, column: &Column, array: ArrayRef) -> ArrayRef {
        let Some(constant) = self.tenant.as_deref().filter(|_| column.name == self.table.tenant) else { return array };
        let Some(given) = array.as_string_opt::<i32>() else { return array };
        Arc::new(given.iter().map(|tenant| Some(tenant.unwrap_or(constant))).collect::<StringArray>())
    }

    fn kept(&self, arrays: Vec<ArrayRef>, keep: &[bool]) -> Result<RecordBatch, EngineError> {
        let mask = BooleanArray::from(keep.to_vec());
        let kept = arrays
            .iter()
            .map(|array| arrow::compute::filter(array, &mask))
            .collect::<Result<Vec<_>, _>>()
            .and_then(|arrays| RecordBatch::try_new(Arc::clone(&self.sorted), arrays));
        kept.map_err(|error| EngineError::Bug { what: format!("mapped rows do not form a batch ({error})") })
    }

    fn check(
        &self,
        column: &Column,
        array: &ArrayRef,
        keep: &mut [bool],
        refuse: &mut dyn FnMut(usize, RejectKind, String) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let times = (self.table.time == Some(column.name)).then(|| array.as_primitive::<TimestampMicrosecondType>());
        for (row, keep) in keep.iter_mut().enumerate().filter(|(_, keep)| **keep) {
            if array.is_null(row) {
                if column.presence == Presence::Required {
                    *keep = false;
                    refuse(row, RejectKind::Missing, format!("column \"{}\" has no value", column.name))?;
                }
            } else if let Some(times) = times
                && !(EARLIEST..=self.latest).contains(&times.value(row))
            {
                *keep = false;
                let why = format!("column \"{}\" is before 1990 or more than a day ahead", column.name);
                refuse(row, RejectKind::Range, why)?;
            }
        }
        Ok(())
    }

    fn stamped(&self, column: &Column, source: &str, origins: &[Origin]) -> Result<ArrayRef, EngineError> {
        Ok(match column.name {
            "ingested_at" => {
                Arc::new(TimestampMicrosecondArray::from(vec![self.stamp; origins.len()]).with_timezone("UTC"))
            }
            "raw_ref" => Arc::new(origins.iter().map(|origin| Some(origin.reference(source))).collect::<StringArray>()),
            "raw_hash" => {
                let mut hashes = FixedSizeBinaryBuilder::with_capacity(origins.len(), 32);
                for origin in origins {
                    hashes.append_value(origin.hash).map_err(|error| EngineError::Bug { what: error.to_string() })?;
                }
                Arc::new(hashes.finish())
            }
            _ => arrow::array::new_null_array(&column.kind.arrow(), origins.len()),
        })
    }

    fn event_types(
        &self,
        given: &mut dyn FnMut(&Column) -> Result<Option<Given>, EngineError>,
    ) -> Result<Vec<Option<EventType>>, EngineError> {
        let Some(names) = self.table.column("event_type").map(given).transpose()?.flatten() else {
            return Ok(Vec::new());
        };
        Ok(names.array.as_string::<i32>().iter().map(|name| name.and_then(event_type::lookup)).collect())
    }
}

/// A column that follows from the event type, where the mapping gives no value.
fn derived(name: &str, given: Option<&ArrayRef>, events: &[Option<EventType>]) -> Option<ArrayRef> {
    if events.is_empty() || !DERIVED.contains(&name) {
        return None;
    }
    let has = |row: usize| given.is_some_and(|array| array.is_valid(row));
    let ints = |of: fn(&EventType) -> i32| -> ArrayRef {
        let own = given.and_then(|array| array.as_primitive_opt::<arrow::datatypes::Int32Type>());
        let value = |(row, event): (usize, &Option<EventType>)| match own {
            Some(own) if has(row) => Some(own.value(row)),
            _ => event.as_ref().map(of),
        };
        Arc::new(events.iter().enumerate().map(value).collect::<Int32Array>())
    };
    Some(match name {
        "class_uid" => ints(|event| event.class_uid),
        "activity_id" => ints(|event| event.activity_id),
        "severity" => {
            let own = given.and_then(|array| array.as_primitive_opt::<arrow::datatypes::Int16Type>());
            let value = |(row, event): (usize, &Option<EventType>)| match own {
                Some(own) if has(row) => Some(own.value(row)),
                _ => event.as_ref().map(|event| event.severity),
            };
            Arc::new(events.iter().enumerate().map(value).collect::<Int16Array>())
        }
        _ => {
            let own = given.and_then(|array| array.as_string_opt::<i32>());
            let value = |(row, event): (usize, &Option<EventType>)| match own {
                Some(own) if has(row) => Some(own.value(row).to_owned()),
                _ => event.as_ref().map(|event| event.action.to_owned()),
            };
            Arc::new(events.iter().enumerate().map(value).collect::<StringArray>())
        }
    })
}

/// Casts each value; one that does not fit becomes null.
pub(super) fn to_column(given: &ArrayRef, kind: ColumnType) -> Result<ArrayRef, EngineError> {
    match (kind, texts(given)) {
        (ColumnType::StrMap, Some(texts)) => return Ok(maps(texts, given.len(), entries)),
        (ColumnType::StrList, Some(texts)) => return Ok(lists(texts, given.len())),
        _ => {}
    }
    match (kind, given.data_type()) {
        (ColumnType::Structs(fields), _) => to_structs(given, kind, fields),
        (ColumnType::Dec { precision, scale }, _) => Ok(to_decimal(given, precision, scale)),
        (ColumnType::StrMap, DataType::Struct(_)) => Ok(struct_to_map(given)),
        (ColumnType::Ts, DataType::Timestamp(TimeUnit::Nanosecond, _)) => cast(&micros(given), kind),
        (ColumnType::Hash, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8) => Ok(hex_to_hash(given)),
        (ColumnType::I16 | ColumnType::I32 | ColumnType::I64, DataType::Float64) => {
            // A plain cast would cut off a fraction without a word.
            let whole =
                given.as_primitive::<Float64Type>().iter().map(|value| value.filter(|value| value.fract() == 0.0));
            let whole: ArrayRef = Arc::new(whole.collect::<Float64Array>());
            cast(&whole, kind)
        }
        (ColumnType::Str, DataType::Struct(_) | DataType::List(_) | DataType::Map(_, _)) => Ok(as_text(given)),
        _ => cast(given, kind),
    }
}

fn cast(given: &ArrayRef, kind: ColumnType) -> Result<ArrayRef, EngineError> {
    let target = kind.arrow();
    // A pair of types without any cast holds no value that fits.
    if !arrow::compute::can_cast_types(given.data_type(), &target) {
        return Ok(arrow::array::new_null_array(&target, given.len()));
    }
    let options = CastOptions { safe: true, ..CastOptions::default() };
    cast_with_options(given, &target, &options)
        .map_err(|error| EngineError::Bug { what: format!("a cast that must not fail did ({error})") })
}

fn formatter(array: &dyn Array) -> Option<ArrayFormatter<'_>> {
    const OPTIONS: FormatOptions<'static> = FormatOptions::new();
    ArrayFormatter::try_new(array, &OPTIONS).ok()
}

fn as_text(given: &ArrayRef) -> ArrayRef {
    let text = formatter(given.as_ref());
    let value = |row: usize| match &text {
        Some(text) if given.is_valid(row) => Some(text.value(row).to_string()),
        _ => None,
    };
    Arc::new((0..given.len()).map(value).collect::<StringArray>())
}

/// Object keys become map keys in the order of their names; a key without value is left out.
fn struct_to_map(given: &ArrayRef) -> ArrayRef {
    let object = given.as_struct();
    let mut fields = BTreeMap::new();
    for (name, column) in object.column_names().into_iter().zip(object.columns()) {
        fields.insert(name, (column, formatter(column.as_ref())));
    }
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for row in 0..given.len() {
        for (name, (column, text)) in &fields {
            if let Some(text) = text
                && column.is_valid(row)
            {
                maps.keys().append_value(name);
                maps.values().append_value(text.value(row).to_string());
            }
        }
        // The builder's columns have equal lengths by construction, so appending cannot fail.
        drop(maps.append(given.is_valid(row)));
    }
    Arc::new(maps.finish())
}

fn hex_to_hash(given: &ArrayRef) -> ArrayRef {
    let mut hashes = FixedSizeBinaryBuilder::with_capacity(given.len(), 32);
    let text = formatter(given.as_ref());
    for row in 0..given.len() {
        let value = text.as_ref().filter(|_| given.is_valid(row)).map(|text| text.value(row).to_string());
        match value.as_deref().and_then(crate::unhex) {
            Some(hash) if hash.len() == 32 => drop(hashes.append_value(hash)),
            _ => hashes.append_null(),
        }
    }
    Arc::new(hashes.finish())
}
