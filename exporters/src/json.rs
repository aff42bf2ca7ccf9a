//! JSON: one array of objects, or one object a line.
//!
//! Keys in column order, nulls written, UTF-8 raw but for what could break a line or a terminal. Numbers
//! carry all their digits; decimals and floats that are no number are texts. Absent: pretty printing.

use arrow::datatypes::{Field, SchemaRef};

use crate::cell::TextStyle;
use crate::error::ExportError;
use crate::export::PartBytes;
use crate::export::{Exporter, PartWriter};
use crate::format::{ExportOptions, Format};
use crate::objects::{Layout, ObjectRows, kind};
use crate::text::TextFile;

/// The exporter of an array, or of lines.
#[derive(Debug)]
pub(crate) enum Json {
    Array,
    Lines,
}

impl Exporter for Json {
    fn format(&self) -> Format {
        match self {
            Self::Array => Format::Json,
            Self::Lines => Format::Ndjson,
        }
    }

    fn written_as(&self, field: &Field) -> String {
        kind(field.data_type()).to_owned()
    }

    fn start<'a>(
        &self,
        schema: &SchemaRef,
        options: &ExportOptions,
        out: &'a mut dyn PartBytes,
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        let style = TextStyle { int64_as_text: options.int64_as_text, ..TextStyle::in_zone(options.timezone) };
        let layout = match self {
            Self::Array => Layout::Array,
            Self::Lines => Layout::Lines,
        };
        TextFile::part(ObjectRows::new(schema.fields(), layout, style), schema, out)
    }
}
