//! One row of a table as bytes: what is hashed, and what a reject keeps, where the source's own bytes are columnar.
//!
//! A row is one JSON object with every column in the order of the file. Numbers stand with all their digits, and those
//! that JSON cannot write (`NaN`, `inf`) as text; times as ISO 8601 text; bytes as text in lower-case hex; lists as
//! arrays, structs as objects, maps as arrays of `[key, value]`; a null as `null`. The same row gives the same bytes
//! whatever encoding, compression or row group it was stored in. A row over the limit is hashed and not held.
//! Absent: a way back.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use super::super::records::{Bad, Place, RECORD_BYTES_MAX, RejectKind, Waste};
use super::super::texts::texts;
use crate::error::EngineError;

const OPTIONS: FormatOptions<'static> = FormatOptions::new();

/// Appends the value of one row.
type Cell<'a> = Box<dyn Fn(usize, &mut Out) + 'a>;

/// The bytes of one row; past the limit, what is left of them.
#[derive(Debug, Default)]
struct Out {
    bytes: Vec<u8>,
    waste: Option<Waste>,
}

impl Out {
    fn push(&mut self, bytes: &[u8]) {
        match &mut self.waste {
            Some(waste) => waste.take(bytes),
            None => self.bytes.extend_from_slice(bytes),
        }
        if self.bytes.len() > RECORD_BYTES_MAX {
            let mut waste = Waste::default();
            waste.take(&std::mem::take(&mut self.bytes));
            self.waste = Some(waste);
        }
    }

    /// A JSON text with its quotes.
    fn push_text(&mut self, text: &str) {
        // Neither a str nor this writer can fail.
        drop(serde_json::to_writer(self, text));
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes rows of one batch.
pub(crate) struct RowWriter<'a> {
    columns: Vec<(String, Cell<'a>)>,
}

impl<'a> RowWriter<'a> {
    /// A writer of rows over `columns`, which are called `names`.
    pub(crate) fn new(names: &[String], columns: &'a [ArrayRef]) -> Result<Self, EngineError> {
        let columns = names.iter().zip(columns).map(|(name, column)| Ok((name.clone(), cell(column)?)));
        Ok(Self { columns: columns.collect::<Result<_, EngineError>>()? })
    }

    /// The row's bytes, or the row refused where it is too long.
    pub(crate) fn row(&self, row: usize, place: Place) -> Result<Vec<u8>, Bad> {
        let mut out = Out::default();
        object(&self.columns, row, &mut out);
        match out.waste {
            None => Ok(out.bytes),
            Some(waste) => {
                let why = format!("the record is longer than {RECORD_BYTES_MAX} bytes");
                Err(waste.rejected(place, RejectKind::TooLarge, why))
            }
        }
    }
}

/// Every value as text: strings as they are, nested values as JSON.
pub(crate) fn to_text(column: &ArrayRef) -> Result<ArrayRef, EngineError> {
    if texts(column).is_some() {
        return arrow::compute::cast(column, &DataType::Utf8).map_err(|error| unprintable(column, &error));
    }
    let cell = cell(column)?;
    let value = |row: usize| {
        let mut out = Out::default();
        cell(row, &mut out);
        let text = String::from_utf8_lossy(&out.bytes);
        // A value that JSON quotes is a text already.
        match text.strip_prefix('"').and_then(|_| serde_json::from_str::<Value>(&text).ok()) {
            Some(Value::String(text)) => text,
            _ => text.into_owned(),
        }
    };
    let texts = (0..column.len()).map(|row| column.is_valid(row).then(|| value(row)));
    Ok(Arc::new(texts.collect::<StringArray>()))
}

fn object(columns: &[(String, Cell<'_>)], row: usize, out: &mut Out) {
    out.push(b"{");
    for (place, (name, cell)) in columns.iter().enumerate() {
        if place > 0 {
            out.push(b",");
        }
        out.push_text(name);
        out.push(b":");
        cell(row, out);
    }
    out.push(b"}");
}

fn cell<'a>(column: &'a ArrayRef) -> Result<Cell<'a>, EngineError> {
    let value: Cell<'a> = match column.data_type() {
        DataType::Null => return Ok(Box::new(|_, out| out.push(b"null"))),
        DataType::Boolean => printed(column, |value, out| out.push(value.as_bytes()))?,
        kind if kind.is_numeric() => printed(column, |value, out| {
            let letters = value.trim_start_matches('-').starts_with(|first: char| first.is_ascii_alphabetic());
            if letters { out.push_text(value) } else { out.push(value.as_bytes()) }
        })?,
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            let items = cell(lists.values())?;
            let ends = lists.value_offsets();
            Box::new(move |row, out| array(&items, index(ends[row].into())..index(ends[row + 1].into()), out))
        }
        DataType::LargeList(_) => {
            let lists = column.as_list::<i64>();
            let items = cell(lists.values())?;
            let ends = lists.value_offsets();
            Box::new(move |row, out| array(&items, index(ends[row])..index(ends[row + 1]), out))
        }
        DataType::FixedSizeList(_, length) => {
            let lists = column.as_fixed_size_list();
            let items = cell(lists.values())?;
            let length = index((*length).into());
            Box::new(move |row, out| {
                let first = index(lists.value_offset(row).into());
                array(&items, first..first + length, out);
            })
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(column.as_struct().columns());
            let columns = columns.map(|(field, column)| Ok((field.name().clone(), cell(column)?)));
            let columns = columns.collect::<Result<Vec<_>, EngineError>>()?;
            Box::new(move |row, out| object(&columns, row, out))
        }
        DataType::Map(..) => {
            let maps = column.as_map();
            let (keys, values) = (cell(maps.keys())?, cell(maps.values())?);
            let pair: Cell<'a> = Box::new(move |row, out| {
                out.push(b"[");
                keys(row, out);
                out.push(b",");
                values(row, out);
                out.push(b"]");
            });
            let ends = maps.value_offsets();
            Box::new(move |row, out| array(&pair, index(ends[row].into())..index(ends[row + 1].into()), out))
        }
        _ => match texts(column) {
            Some(texts) => Box::new(move |row, out| out.push_text(texts.value(row).unwrap_or_default())),
            None => printed(column, |value, out| out.push_text(value))?,
        },
    };
    Ok(Box::new(move |row, out| if column.is_null(row) { out.push(b"null") } else { value(row, out) }))
}

fn array(items: &Cell<'_>, rows: std::ops::Range<usize>, out: &mut Out) {
    out.push(b"[");
    for (place, row) in rows.enumerate() {
        if place > 0 {
            out.push(b",");
        }
        items(row, out);
    }
    out.push(b"]");
}

fn printed<'a>(column: &'a ArrayRef, write: fn(&str, &mut Out)) -> Result<Cell<'a>, EngineError> {
    let format = ArrayFormatter::try_new(column, &OPTIONS).map_err(|error| unprintable(column, &error))?;
    Ok(Box::new(move |row, out| write(&format.value(row).to_string(), out)))
}

fn index(offset: i64) -> usize {
    // Arrow's offsets are never negative.
    usize::try_from(offset).unwrap_or_default()
}

fn unprintable(column: &ArrayRef, error: &arrow::error::ArrowError) -> EngineError {
    EngineError::Bug { what: format!("a column of type {} cannot be written as text ({error})", column.data_type()) }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        BinaryArray, Decimal128Array, Float64Array, Int64Array, ListBuilder, MapBuilder, StringBuilder, StructArray,
        TimestampMicrosecondArray,
    };
    use arrow::datatypes::Field;
    use sha2::{Digest, Sha256};

    use super::*;

    #[track_caller]
    fn check(column: ArrayRef, want: &[&str]) {
        let names = ["a".to_owned()];
        let columns = [column];
        let writer = RowWriter::new(&names, &columns).expect("a writer");
        let row = |row| writer.row(row, Place { offset: 0, line: 1, number: 1 }).expect("is short");
        let rows: Vec<String> = (0..want.len()).map(|at| String::from_utf8(row(at)).expect("UTF-8")).collect();
        assert_eq!(rows, want);
    }

    #[test]
    fn every_value_keeps_what_it_holds() {
        check(
            Arc::new(Int64Array::from(vec![Some(i64::MIN), None])),
            &[r#"{"a":-9223372036854775808}"#, r#"{"a":null}"#],
        );
        check(
            Arc::new(Float64Array::from(vec![0.1, f64::NAN, f64::NEG_INFINITY])),
            &[r#"{"a":0.1}"#, r#"{"a":"NaN"}"#, r#"{"a":"-inf"}"#],
        );
        let decimal = Decimal128Array::from(vec![-150]).with_precision_and_scale(38, 3).expect("a type");
        check(Arc::new(decimal), &[r#"{"a":-0.150}"#]);
        check(Arc::new(StringArray::from(vec!["say \"é\"\n"])), &[r#"{"a":"say \"é\"\n"}"#]);
        check(Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..]])), &[r#"{"a":"00ff"}"#]);
        let time = TimestampMicrosecondArray::from(vec![1]).with_timezone("UTC");
        check(Arc::new(time), &[r#"{"a":"1970-01-01T00:00:00.000001Z"}"#]);
    }

    #[test]
    fn nested_values_keep_their_order() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("x"), None]);
        lists.append_null();
        lists.append_value([None::<&str>; 0]);
        let lists: ArrayRef = Arc::new(lists.finish());
        check(Arc::clone(&lists), &[r#"{"a":["x",null]}"#, r#"{"a":null}"#, r#"{"a":[]}"#]);
        let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        maps.keys().append_value("k");
        maps.values().append_null();
        maps.append(true).expect("equal lengths");
        check(Arc::new(maps.finish()), &[r#"{"a":[["k",null]]}"#]);
        let field = Arc::new(Field::new("l", lists.data_type().clone(), true));
        check(Arc::new(StructArray::from(vec![(field, lists)])), &[r#"{"a":{"l":["x",null]}}"#]);
    }

    #[test]
    fn a_row_over_the_limit_is_hashed_and_not_held() {
        let long = "x".repeat(RECORD_BYTES_MAX);
        let columns: [ArrayRef; 1] = [Arc::new(StringArray::from(vec![long.as_str(), &long[9..]]))];
        let names = ["a".to_owned()];
        let writer = RowWriter::new(&names, &columns).expect("a writer");
        let place = Place { offset: 7, line: 8, number: 8 };
        let bad = writer.row(0, place).expect_err("is refused");
        let whole = format!("{{\"a\":\"{long}\"}}");
        assert_eq!((bad.kind, bad.place, bad.bytes_total), (RejectKind::TooLarge, place, whole.len() as u64));
        assert_eq!(bad.hash[..], Sha256::digest(&whole)[..]);
        assert_eq!(writer.row(1, place).expect("fits").len(), RECORD_BYTES_MAX - 1);
    }

    #[test]
    fn text_of_a_value_has_no_quotes_of_its_own() {
        let time: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(0), None]));
        let text = to_text(&time).expect("text");
        assert_eq!(text.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("1970-01-01T00:00:00"), None]);
        let quoted: ArrayRef = Arc::new(StringArray::from(vec!["\"q\""]));
        assert_eq!(to_text(&quoted).expect("text").as_string::<i32>().value(0), "\"q\"");
    }
}
