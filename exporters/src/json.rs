//! JSON: one array of objects, or one object a line.
//!
//! Keys in column order, nulls written, UTF-8 raw but for what could break a line or a terminal. Numbers
//! carry all their digits; decimals and floats that are no number are texts. Absent: pretty printing.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{Fields, Schema};

use crate::cell::{push_json, push_json_string};
use crate::error::ExportError;
use crate::rows::{RowWriter, at, check_batch};

/// Text kept before it is handed on, in bytes.
const BUFFER_BYTES: usize = 1 << 20;

/// What stands around the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonLayout {
    /// `[`, commas, `]`.
    Array,
    /// A line end after each.
    Lines,
}

/// Writes batches as JSON.
pub(crate) struct JsonRows<'a> {
    out: &'a mut dyn Write,
    fields: Fields,
    /// `"name":` of every column, escaped once.
    keys: Vec<String>,
    layout: JsonLayout,
    rows: u64,
    buffer: String,
}

impl<'a> JsonRows<'a> {
    /// Writes what stands before the first object.
    pub(crate) fn start(schema: &Schema, out: &'a mut dyn Write, layout: JsonLayout) -> Result<Self, ExportError> {
        let fields = schema.fields().clone();
        let keys = fields.iter().map(|field| key(field.name())).collect();
        let buffer = String::from(if layout == JsonLayout::Array { "[" } else { "" });
        let mut writer = Self { out, fields, keys, layout, rows: 0, buffer };
        writer.hand_on()?;
        Ok(writer)
    }

    fn push_object(&mut self, batch: &RecordBatch, row: usize) -> Result<(), ExportError> {
        self.buffer.push('{');
        for (index, (field, column)) in self.fields.iter().zip(batch.columns()).enumerate() {
            if index > 0 {
                self.buffer.push(',');
            }
            self.buffer.push_str(&self.keys[index]);
            push_json(&mut self.buffer, field, column.as_ref(), row).map_err(|fault| at(fault, field, self.rows))?;
        }
        self.buffer.push('}');
        Ok(())
    }

    fn hand_on(&mut self) -> Result<(), ExportError> {
        self.out.write_all(self.buffer.as_bytes()).map_err(ExportError::Write)?;
        self.buffer.clear();
        Ok(())
    }
}

impl RowWriter for JsonRows<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        check_batch(batch, self.fields.len())?;
        for row in 0..batch.num_rows() {
            self.rows += 1;
            match self.layout {
                JsonLayout::Array => self.buffer.push_str(if self.rows == 1 { "\n" } else { ",\n" }),
                JsonLayout::Lines => {}
            }
            self.push_object(batch, row)?;
            if self.layout == JsonLayout::Lines {
                self.buffer.push('\n');
            }
            if self.buffer.len() >= BUFFER_BYTES {
                self.hand_on()?;
            }
        }
        self.hand_on()
    }

    fn finish(&mut self) -> Result<u64, ExportError> {
        if self.layout == JsonLayout::Array {
            self.buffer.push_str(if self.rows == 0 { "]\n" } else { "\n]\n" });
            self.hand_on()?;
        }
        self.out.flush().map_err(ExportError::Write)?;
        Ok(self.rows)
    }
}

fn key(name: &str) -> String {
    let mut key = String::new();
    push_json_string(&mut key, name);
    key.push(':');
    key
}
