//! JSON: one array of objects, or one object a line.
//!
//! Keys in column order, nulls written, UTF-8 raw but for what could break a line or a terminal. Numbers
//! carry all their digits; decimals and floats that are no number are texts. Absent: pretty printing.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};

use crate::cell::{Dialect, TextStyle, push_value};
use crate::error::ExportError;
use crate::export::{Exporter, PartWriter};
use crate::format::{ExportOptions, Format};
use crate::losses::{CellCounts, Loss, Losses};
use crate::rows::{at, check_names, check_types};
use crate::text::{TextFile, TextRows};

/// One array.
#[derive(Debug)]
pub(crate) struct Json;

/// One object a line.
#[derive(Debug)]
pub(crate) struct Ndjson;

impl Exporter for Json {
    fn format(&self) -> Format {
        Format::Json
    }

    fn check(&self, schema: &SchemaRef) -> Result<(), ExportError> {
        check_types(schema)?;
        check_names(schema)
    }

    fn written_as(&self, field: &Field) -> String {
        kind(field.data_type()).to_owned()
    }

    fn start<'a>(
        &self,
        schema: &SchemaRef,
        options: &ExportOptions,
        out: &'a mut (dyn Write + Send),
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        let rows = JsonRows::new(schema.fields(), JsonLayout::Array, style(options));
        Ok(Box::new(TextFile::start(rows, schema.fields(), out)?))
    }
}

impl Exporter for Ndjson {
    fn format(&self) -> Format {
        Format::Ndjson
    }

    fn check(&self, schema: &SchemaRef) -> Result<(), ExportError> {
        Json.check(schema)
    }

    fn written_as(&self, field: &Field) -> String {
        Json.written_as(field)
    }

    fn start<'a>(
        &self,
        schema: &SchemaRef,
        options: &ExportOptions,
        out: &'a mut (dyn Write + Send),
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        let rows = JsonRows::new(schema.fields(), JsonLayout::Lines, style(options));
        Ok(Box::new(TextFile::start(rows, schema.fields(), out)?))
    }
}

fn style(options: &ExportOptions) -> TextStyle {
    TextStyle { int64_as_text: options.int64_as_text, ..TextStyle::in_zone(options.timezone) }
}

/// What a cell of JSON or YAML is.
pub(crate) fn kind(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Null => "null",
        DataType::Boolean => "boolean",
        DataType::Dictionary(_, values) => kind(values),
        DataType::RunEndEncoded(_, values) => kind(values.data_type()),
        DataType::Struct(_) => "object",
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.first().is_some_and(|key| crate::cell::is_text(key.data_type())) => {
                "object"
            }
            _ => "array of key and value",
        },
        _ if data_type.is_nested() => "array",
        _ if data_type.is_integer() || data_type.is_floating() => "number",
        _ => "string",
    }
}

/// What stands around the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonLayout {
    /// `[`, commas, `]`.
    Array,
    /// A line end after each.
    Lines,
}

/// Rows as objects.
pub(crate) struct JsonRows {
    fields: Fields,
    /// `"name":` of every column, escaped once.
    keys: Vec<String>,
    layout: JsonLayout,
    style: TextStyle,
    counted: Losses,
}

impl JsonRows {
    pub(crate) fn new(fields: &Fields, layout: JsonLayout, style: TextStyle) -> Self {
        Self {
            fields: fields.clone(),
            keys: keys(fields, Dialect::Json),
            layout,
            style,
            counted: Losses::of(&[Loss::NonFinite, Loss::Beyond2To53, Loss::ExpandedYear]),
        }
    }
}

/// The keys of objects, each behind what separates it from the value before.
pub(crate) fn keys(fields: &Fields, dialect: Dialect) -> Vec<String> {
    let key = |(index, field): (usize, &std::sync::Arc<Field>)| {
        let mut key = String::from(if index == 0 { "{" } else { dialect.comma() });
        dialect.push_string(&mut key, field.name());
        key + dialect.colon()
    };
    fields.iter().enumerate().map(key).collect()
}

impl TextRows for JsonRows {
    fn head(&self) -> String {
        String::from(if self.layout == JsonLayout::Array { "[" } else { "" })
    }

    fn before(&self, first: bool) -> &'static str {
        match (self.layout, first) {
            (JsonLayout::Lines, _) => "",
            (JsonLayout::Array, true) => "\n",
            (JsonLayout::Array, false) => ",\n",
        }
    }

    fn push_row(
        &self,
        out: &mut String,
        batch: &RecordBatch,
        row: usize,
        number: u64,
        cells: &mut CellCounts,
    ) -> Result<(), ExportError> {
        if self.fields.is_empty() {
            out.push('{');
        }
        for (index, (field, column)) in self.fields.iter().zip(batch.columns()).enumerate() {
            out.push_str(&self.keys[index]);
            let mut losses = Losses::default();
            push_value(out, field, column.as_ref(), row, self.style, &mut losses)
                .map_err(|fault| at(fault, field, number))?;
            cells.add(index, losses.only(self.counted));
        }
        out.push_str(if self.layout == JsonLayout::Lines { "}\n" } else { "}" });
        Ok(())
    }

    fn tail(&self, any_rows: bool) -> &'static str {
        match (self.layout, any_rows) {
            (JsonLayout::Lines, _) => "",
            (JsonLayout::Array, true) => "\n]\n",
            (JsonLayout::Array, false) => "]\n",
        }
    }
}
